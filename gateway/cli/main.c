#include "cli/cli.h"
#include "cli/transport.h"

#include <stdio.h>
#include <string.h>

static const struct bd_cli_command commands[] = {
	{ "push", "FILE|-", "推送一份报文", "push a message", 1, 1, bd_cli_push },
	{ "compare", "FILE|-", "比对办件（一个 JSON，或每行一个）",
		"compare a case (JSON, or one a line)", 1, 1, bd_cli_compare },
	{ "query", "[FILE|-]", "查询主体", "query a subject", 0, 1, bd_cli_query },
	{ "status", "", "各数据源的覆盖与时效", "coverage and age by source and section", 0, 0,
		bd_cli_status },
	{ "dictionary", "[ENTITY]", "数据字典：实体、数据项、代码",
		"the dictionary: entities, fields, codes", 0, 1, bd_cli_dictionary },
	{ "adapter", "validate DIR | run SOURCE/FEED FILE", "检查适配器，试读样本",
		"check an adapter, try a sample", 2, 3, bd_cli_adapter },
	{ "matter", "validate DIR | test [MATTER...]", "检查事项，运行事项的样例办件",
		"check a matter, run the cases beside matters", 1, 256, bd_cli_matter },
	{ "receipt", "verify FILE --key PUB | show ID | proof ID", "离线核验回执，查看回执及其证明",
		"check a receipt offline, show one, fetch its proof", 2, 2, bd_cli_receipt },
	{ "audit", "verify FOLDER --key PUB [--witness FILE] | head",
		"离线核验全部审计留痕，取最新树头",
		"check the whole trail offline, fetch its newest head", 1, 2, bd_cli_audit },
};

static void help(bool is_english)
{
	printf("%s: bidui COMMAND [OPTION...]\n\n", is_english ? "usage" : "用法");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		printf("  bidui %s %s\n      %s\n", commands[i].name, commands[i].arguments,
			is_english ? commands[i].en : commands[i].zh);
	}
	printf("\n%s\n", is_english ? "options" : "选项");
	bd_cli_options_help(is_english);
	printf("\n%s\n",
		is_english
			? "exit: 0 ok, 1 negative result, rejects or nothing found, 2 usage, 3 not "
			  "reached, "
			  "4 configuration not valid, 5 refused"
			: "退出码：0 正常，1 结论非通过、有退回或查无主体，2 用法错误，3 无法连接，"
			  "4 配置无效，5 被拒绝");
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			return true;
		}
	}
	return argc == 2 && strcmp(argv[1], "help") == 0;
}

static enum bd_cli_exit run_command(struct bd_cli_options *options)
{
	const char *name = options->args[0];
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct bd_cli_command *command = &commands[i];
		if (strcmp(command->name, name) != 0) {
			continue;
		}
		options->args++;
		options->arg_count--;
		if (options->arg_count < command->min_args ||
			options->arg_count > command->max_args) {
			fprintf(stderr, "%s: bidui %s %s\n", bd_cli_say(options, "用法", "usage"),
				command->name, command->arguments);
			return BD_CLI_USAGE;
		}
		return command->run(options);
	}
	fprintf(stderr, "%s: %s\n", bd_cli_say(options, "未知命令", "unknown command"), name);
	return BD_CLI_USAGE;
}

int main(int argc, char **argv)
{
	struct bd_cli_options options;
	bool has_asked = wants_help(argc, argv);
	char *none[] = { argv[0], NULL };
	if (!bd_cli_options_read(&options, has_asked ? 1 : argc, has_asked ? none : argv)) {
		return BD_CLI_USAGE;
	}
	if (has_asked) {
		help(options.is_english);
	} else if (options.arg_count == 0) {
		bd_cli_notice(&options, "请给出命令；bidui --help 可查看",
			"name a command; see bidui --help");
		return BD_CLI_USAGE;
	}
	if (!bd_cli_transport_start()) {
		return BD_CLI_CONNECT;
	}
	enum bd_cli_exit result = has_asked ? BD_CLI_OK : run_command(&options);
	bd_cli_transport_stop();
	/* --help > /dev/full must not look like success. */
	return fflush(stdout) == 0 ? (int)result : BD_CLI_CONFIGURATION;
}
