#include "config.h"

#include "cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct bd_cli_command commands[] = {
	{ "push", "FILE|-", "推送一份报文", "push a message",
		"bidui push FILE --source market --feed e_pb_baseinfo --delivery 2026-06-01",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_PUSH, 1, 1, bd_cli_push },
	{ "compare", "FILE|-", "比对办件（一个 JSON，或每行一个）",
		"compare a case (JSON, or one a line)", "bidui compare case.json",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY | BD_CLI_GROUP_LINES, 1, 1,
		bd_cli_compare },
	{ "query", "[FILE|-]", "查询主体", "query a subject",
		"bidui query --kind uscc --number 92440311MAXXXXX152 --purpose 登记",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY | BD_CLI_GROUP_LINES | BD_CLI_GROUP_SUBJECT,
		0, 1, bd_cli_query },
	{ "recall", "", "召回已推送的数据", "withdraw what was pushed",
		"bidui recall --source market --message 000000000012",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_SOURCE | BD_CLI_GROUP_RECALL |
			BD_CLI_GROUP_SUBJECT,
		0, 0, bd_cli_recall },
	{ "dispute", "add | list | show ID | resolve ID upheld|corrected",
		"提出异议，查看与办结异议", "raise, list and resolve disputes",
		"bidui dispute add --source social --about person.name --reason wrong_value "
		"--kind resident_id --number 440311199106159019",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_SOURCE | BD_CLI_GROUP_DISPUTE |
			BD_CLI_GROUP_SUBJECT | BD_CLI_GROUP_WHY,
		1, 3, bd_cli_dispute },
	{ "watch", "", "事后核查：数据后来有变动的办件", "cases whose data changed afterwards",
		"bidui watch --follow",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WATCH | BD_CLI_GROUP_TIME | BD_CLI_GROUP_WHY, 0,
		0, bd_cli_watch },
	{ "pki",
		"init | server|department|engine|operator NAME [DNS:…|IP:…] | renew|revoke|show "
		"NAME "
		"| crl | list",
		"签发、续期、吊销证书，查看到期日",
		"make, renew and revoke certificates, see what expires",
		"bidui pki department social", BD_CLI_GROUP_PKI, 1, 18, bd_cli_pki },
	{ "status", "", "各数据源的覆盖与时效", "coverage and age by source and section",
		"bidui status -o json", BD_CLI_GROUP_GATEWAY, 0, 0, bd_cli_status },
	{ "source", "list | test SOURCE [PULL|FEED]",
		"主动取数：各连接与取数的状态；逐步试连（域名、连接、加密、应答、首条记录）",
		"what is fetched: state of connections and pulls; try one step by step",
		"bidui source test tax gt3 --kind uscc --number 92440311MAXXXXX152",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_SUBJECT | BD_CLI_GROUP_WHY, 1, 3,
		bd_cli_source },
	{ "dictionary", "[ENTITY]", "数据字典：实体、数据项、代码",
		"the dictionary: entities, fields, codes", "bidui dictionary person",
		BD_CLI_GROUP_FOLDERS, 0, 1, bd_cli_dictionary },
	{ "adapter", "validate DIR | run SOURCE/FEED FILE", "检查适配器，试读样本",
		"check an adapter, try a sample", "bidui adapter run tax/gt3 FILE",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_PUSH | BD_CLI_GROUP_FOLDERS, 2, 3,
		bd_cli_adapter },
	{ "matter", "validate DIR | test [MATTER...] | backtest NEW.xml --since 30d",
		"检查事项，运行事项的样例办件，以新版本回测既往办件",
		"check a matter, run the cases beside matters, try a version on past cases",
		"bidui matter backtest matter-2027.xml --since 30d",
		BD_CLI_GROUP_FOLDERS | BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_TIME | BD_CLI_GROUP_WHY,
		1, 256, bd_cli_matter },
	{ "grant", "list | test --sender S --purpose P --matter M|--entity E",
		"用数授权：列出，或判断一种请求是否获准、由谁批准",
		"list the grants, or tell whether one allows a question, and who gives it",
		"bidui grant test --config bidui.conf --sender engine --purpose 登记审批 --matter "
		"tax-clearance",
		BD_CLI_GROUP_GRANT, 1, 1, bd_cli_grant },
	{ "receipt", "verify FILE --key PUB | show ID | proof ID | reproduce ID",
		"离线核验回执，查看回执及其证明，重现结论",
		"check a receipt offline, show one, fetch its proof, draw its decision again",
		"bidui receipt verify FILE --key PUB", BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY, 2,
		2, bd_cli_receipt },
	{ "obligations", "", "容缺补正：未办结的，按期限或按办件",
		"what is still owed, by due day or of a case", "bidui obligations --overdue",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY | BD_CLI_GROUP_OWED, 0, 0,
		bd_cli_obligations },
	{ "obligation", "show ID | extend ID | materials ID FILE",
		"查看一项容缺补正，延期，或报告材料已补交",
		"show an obligation, extend it, report that its material has come",
		"bidui obligation extend ID --working-days 2 --reason 检测排期 --operator 0001",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY | BD_CLI_GROUP_CHANGE, 2, 3,
		bd_cli_obligation },
	{ "explain", "RECEIPT", "说明一份回执：申报与部门数据并列",
		"explain a receipt: claimed and held, side by side",
		"bidui explain 0123456789abcdef-0000-00000000-00000040",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY, 1, 1, bd_cli_explain },
	{ "erase", "[FILE|-]", "依法删除一个主体，不可恢复",
		"erase a subject, lawfully and for good",
		"bidui erase --kind resident_id --number NUMBER --basis 文号",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_WHY | BD_CLI_GROUP_SUBJECT | BD_CLI_GROUP_ERASE,
		0, 1, bd_cli_erase },
	{ "account", "add NAME | passwd NAME | disable NAME | enable NAME | list | show",
		"本地账号：新增、改密、停用、启用、列出；查看自己",
		"people's accounts: add, change, disable, list; show oneself",
		"bidui account add wang --roles security_administrator --accounts accounts.conf",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_ACCOUNT, 1, 2, bd_cli_account },
	{ "change", "show | propose DIGEST | approve DIGEST",
		"配置变更：查看，一人提出，另一人批准",
		"a change of the configuration: shown, proposed by one, approved by another",
		"bidui change approve DIGEST --account li", BD_CLI_GROUP_GATEWAY, 1, 2,
		bd_cli_change },
	{ "init", "", "建立数据目录与主密钥，并可分份托管",
		"make the data folder and the master key, with escrow",
		"bidui init --config /etc/bidui/bidui.conf --shares 3/5 --to /media/usb",
		BD_CLI_GROUP_KEY, 0, 0, bd_cli_init },
	{ "key", "show | rotate | drop EPOCH | split | recover SHARE...",
		"主密钥：查看与轮换，删除旧轮次，分份托管与恢复",
		"the master key: show, rotate, drop an old epoch, split into shares, recover",
		"bidui key rotate --config /etc/bidui/bidui.conf --shares 3/5 --to /media/usb",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_KEY, 1, 17, bd_cli_key },
	{ "backup", "FOLDER", "备份数据目录（运行中亦可），并核验",
		"back up the data folder, also while it is in use, and verify",
		"bidui backup /backup/2026-06-01 --config /etc/bidui/bidui.conf", BD_CLI_GROUP_KEY,
		1, 1, bd_cli_backup },
	{ "restore", "FOLDER", "核验备份并恢复到空的数据目录",
		"verify a backup and put it into an empty data folder",
		"bidui restore /backup/2026-06-01 --config /etc/bidui/bidui.conf", BD_CLI_GROUP_KEY,
		1, 1, bd_cli_restore },
	{ "load", "FILE... | --list LIST", "停机装载任意大小的整库数据（初始装载）",
		"load dumps of any size into a gateway that is stopped",
		"bidui load --list dumps.tsv --config /etc/bidui/bidui.conf", BD_CLI_GROUP_LOAD, 0,
		1024, bd_cli_load },
	{ "rebuild", "", "停机更换盲化密钥：全部名称重新盲化后一次换入",
		"change the blinding key, offline: every name anew, swapped in at once",
		"bidui rebuild --config /etc/bidui/bidui.conf", BD_CLI_GROUP_KEY, 0, 0,
		bd_cli_rebuild },
	{ "audit",
		"verify FOLDER --key PUB [--witness FILE [--witness-key PUB]] | show FOLDER --key "
		"PUB [FILTER...] | export FOLDER --key PUB [FILTER...] | witness FILE --key PUB "
		"--witness-key KEY | digest FILE|- | head",
		"离线核验全部审计留痕，按主体、办件、经办人、时间查看与导出，作第三方见证",
		"check the whole trail offline, show or export it by subject, case, officer or "
		"time, witness it as a second party",
		"bidui audit show FOLDER --key PUB --subject-file - --since "
		"2026-06-01T00:00:00+08:00",
		BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_CHECK | BD_CLI_GROUP_TRAIL | BD_CLI_GROUP_TIME |
			BD_CLI_GROUP_WHY,
		1, 2, bd_cli_audit },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* -- help -- */

static void help_all(bool is_english)
{
	printf("%s: bidui COMMAND [OPTION...]\n\n", is_english ? "usage" : "用法");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		printf("  bidui %s %s\n      %s\n", commands[i].name, commands[i].arguments,
			is_english ? commands[i].en : commands[i].zh);
	}
	printf("\n%s\n", is_english ? "options" : "选项");
	bd_cli_options_help(UINT_MAX, is_english);
	printf("\n%s\n", is_english
				 ? "bidui COMMAND --help: the options of a command, and an example"
				 : "bidui 命令 --help：该命令的选项与示例");
	printf("%s\n",
		is_english
			? "exit: 0 ok; 1 negative result, rejects or nothing found; 2 usage, or a "
			  "file that cannot be read; 3 not reached; 4 configuration not valid; "
			  "5 refused"
			: "退出码：0 正常；1 结论非通过、有退回或查无主体；2 "
			  "用法错误或文件无法读取；"
			  "3 无法连接；4 配置无效；5 被拒绝");
}

static void help_one(const struct bd_cli_command *command, bool is_english)
{
	printf("%s: bidui %s %s\n    %s\n", is_english ? "usage" : "用法", command->name,
		command->arguments, is_english ? command->en : command->zh);
	printf("\n%s\n", is_english ? "options" : "选项");
	bd_cli_options_help(command->groups | BD_CLI_GROUP_COMMON, is_english);
	printf("\n%s: %s\n", is_english ? "example" : "示例", command->example);
}

/* -- run -- */

static const struct bd_cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static enum bd_cli_exit tell_unknown(const struct bd_cli_options *options)
{
	const char *names[COMMAND_COUNT];

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		names[i] = commands[i].name;
	}
	bd_cli_unknown(
		options, "没有这个命令", "no such command", options->args[0], names, COMMAND_COUNT);
	return BD_CLI_USAGE;
}

static enum bd_cli_exit run_command(struct bd_cli_options *options)
{
	const struct bd_cli_command *command = find_command(options->args[0]);

	if (command == NULL) {
		return tell_unknown(options);
	}
	if (options->is_help) {
		help_one(command, options->is_english);
		return BD_CLI_OK;
	}
	options->args++;
	options->arg_count--;
	if (options->arg_count < command->min_args || options->arg_count > command->max_args) {
		fprintf(stderr, "%s: bidui %s %s\n", bd_cli_say(options, "用法", "usage"),
			command->name, command->arguments);
		return BD_CLI_USAGE;
	}
	return bd_cli_options_fit(options, command) ? command->run(options) : BD_CLI_USAGE;
}

static enum bd_cli_exit run(struct bd_cli_options *options)
{
	if (options->is_version) {
		puts(PACKAGE_STRING);
		return BD_CLI_OK;
	}
	/* "bidui help push" as well as "bidui push --help". */
	if (options->arg_count > 0 && strcmp(options->args[0], "help") == 0) {
		options->is_help = true;
		options->args++;
		options->arg_count--;
	}
	if (options->arg_count > 0) {
		return run_command(options);
	}
	if (options->is_help) {
		help_all(options->is_english);
		return BD_CLI_OK;
	}
	bd_cli_notice(
		options, "请给出命令；bidui --help 可查看", "name a command; see bidui --help");
	return BD_CLI_USAGE;
}

int main(int argc, char **argv)
{
	struct bd_cli_options options;

	if (!bd_cli_options_read(&options, argc, argv)) {
		return BD_CLI_USAGE;
	}
	enum bd_cli_exit result = run(&options);
	/* A result that could not be written (> /dev/full) must not look like one. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		bd_cli_notice(&options, "结果无法写出", "the result cannot be written");
		return BD_CLI_USAGE;
	}
	return (int)result;
}
