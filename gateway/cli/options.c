#include "base/text.h"
#include "cli/answer.h"
#include "config/diags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A path or a purpose; what is longer is a mistake, a file's content pasted perhaps. */
#define VALUE_MAX_BYTES 4096

enum option_kind { OPTION_TEXT, OPTION_FLAG, OPTION_NUMBER, OPTION_OUTPUT, OPTION_LANGUAGE };

struct option_row {
	const char *name;
	enum option_kind kind;
	unsigned groups; /* of enum bd_cli_group, any */
	size_t offset;   /* in struct bd_cli_options */
	const char *zh, *en;
};

#define AT(member) offsetof(struct bd_cli_options, member)

static const struct option_row rows[] = {
	{ "--server", OPTION_TEXT, BD_CLI_GROUP_GATEWAY, AT(server), "网关地址（BIDUI_SERVER）",
		"gateway (BIDUI_SERVER)" },
	{ "--ca", OPTION_TEXT, BD_CLI_GROUP_GATEWAY, AT(ca), "CA 证书（BIDUI_CA）",
		"CA certificate (BIDUI_CA)" },
	{ "--cert", OPTION_TEXT, BD_CLI_GROUP_GATEWAY, AT(cert), "本端证书（BIDUI_CERT）",
		"own certificate (BIDUI_CERT)" },
	{ "--key", OPTION_TEXT, BD_CLI_GROUP_GATEWAY, AT(key),
		"本端私钥（BIDUI_KEY）；核验时为签名者的公钥",
		"own key (BIDUI_KEY); of a check the signer's public key" },
	{ "--account", OPTION_TEXT, BD_CLI_GROUP_GATEWAY, AT(account),
		"以本地账号登录（BIDUI_ACCOUNT）", "log in as a person (BIDUI_ACCOUNT)" },
	{ "--password-file", OPTION_TEXT, BD_CLI_GROUP_GATEWAY | BD_CLI_GROUP_ACCOUNT,
		AT(password_file), "密码文件（BIDUI_PASSWORD_FILE），不给则询问",
		"its password (BIDUI_PASSWORD_FILE), asked for if not given" },
	{ "--accounts", OPTION_TEXT, BD_CLI_GROUP_ACCOUNT, AT(accounts),
		"账号文件（BIDUI_ACCOUNTS）", "the file of accounts (BIDUI_ACCOUNTS)" },
	{ "--roles", OPTION_TEXT, BD_CLI_GROUP_ACCOUNT, AT(roles), "角色，以空格分隔",
		"roles, blanks between" },
	{ "--witness", OPTION_TEXT, BD_CLI_GROUP_CHECK, AT(witness), "此前见过的树头",
		"a head seen before" },
	{ "--witness-key", OPTION_TEXT, BD_CLI_GROUP_CHECK, AT(witness_key),
		"见证人的公钥；作见证时为本人私钥",
		"the witness's public key; of a witness its own private one" },
	{ "--subject-file", OPTION_TEXT, BD_CLI_GROUP_TRAIL, AT(subject_file),
		"某主体的留痕：内含 类型:号码 的文件，- 为提示输入",
		"of this subject: a file with KIND:NUMBER, - asks for it" },
	{ "--digest", OPTION_TEXT, BD_CLI_GROUP_TRAIL, AT(digest), "某主体的留痕：其摘要",
		"of the subject with this digest" },
	{ "--client", OPTION_TEXT, BD_CLI_GROUP_TRAIL, AT(client), "某发送方的", "of this sender" },
	{ "--event", OPTION_TEXT, BD_CLI_GROUP_TRAIL, AT(event), "某一类的，如 query",
		"of this kind: query" },
	{ "--until", OPTION_TEXT, BD_CLI_GROUP_TRAIL, AT(until), "截止时间，RFC 3339",
		"before this time, RFC 3339" },
	{ "--after", OPTION_TEXT, BD_CLI_GROUP_TRAIL, AT(after), "自此位置（leaf）之后继续",
		"go on behind this leaf" },
	{ "--source", OPTION_TEXT, BD_CLI_GROUP_PUSH | BD_CLI_GROUP_SOURCE | BD_CLI_GROUP_LOAD,
		AT(source), "数据源", "source" },
	{ "--feed", OPTION_TEXT, BD_CLI_GROUP_PUSH | BD_CLI_GROUP_RECALL | BD_CLI_GROUP_LOAD,
		AT(feed), "数据流", "feed" },
	{ "--message", OPTION_TEXT, BD_CLI_GROUP_RECALL, AT(message), "召回的报文",
		"the message that is recalled" },
	{ "--about", OPTION_TEXT, BD_CLI_GROUP_RECALL | BD_CLI_GROUP_DISPUTE, AT(about),
		"所涉实体或数据项，如 person.name", "entity, or entity.field: person.name" },
	{ "--reference", OPTION_TEXT, BD_CLI_GROUP_DISPUTE, AT(reference), "文号",
		"number of a file or letter" },
	{ "--delivery", OPTION_TEXT, BD_CLI_GROUP_PUSH | BD_CLI_GROUP_LOAD, AT(delivery),
		"批次日期 yyyy-MM-dd", "day of the delivery, yyyy-MM-dd" },
	{ "--total", OPTION_NUMBER, BD_CLI_GROUP_PUSH | BD_CLI_GROUP_LOAD, AT(total), "对账总数",
		"the department's control total" },
	{ "--subject", OPTION_TEXT, BD_CLI_GROUP_PUSH, AT(subject), "报文未写明的主体，类型:号码",
		"subject a reply does not name, kind:number" },
	{ "--since", OPTION_TEXT, BD_CLI_GROUP_TIME, AT(since),
		"起始：天数（30d）、RFC 3339 时间，或上次给出的标记",
		"from when on: days (30d), RFC 3339, or what was given last" },
	{ "--follow", OPTION_FLAG, BD_CLI_GROUP_WATCH | BD_CLI_GROUP_KEY, AT(is_following),
		"持续等候新的；密钥轮换至完成为止",
		"go on and wait for more; of keys, until it is done" },
	{ "--config", OPTION_TEXT, BD_CLI_GROUP_KEY | BD_CLI_GROUP_GRANT | BD_CLI_GROUP_LOAD,
		AT(config), "biduid 的设置文件", "biduid's settings file" },
	{ "--list", OPTION_TEXT, BD_CLI_GROUP_LOAD, AT(list),
		"装载清单：文件、数据源/数据流、批次日期、对账总数、baseline|lines",
		"list of files: FILE, SOURCE/FEED, day, total, baseline|lines" },
	{ "--shares", OPTION_TEXT, BD_CLI_GROUP_KEY, AT(shares),
		"托管主密钥的份额，如 3/5：共 5 份，任意 3 份可恢复",
		"shares of the master key, like 3/5: five, any three of which give it back" },
	{ "--to", OPTION_TEXT, BD_CLI_GROUP_KEY, AT(to), "写入份额的目录（不给则打印）",
		"folder that the shares are written to (else they are printed)" },
	{ "--would-now", OPTION_FLAG, BD_CLI_GROUP_WATCH, AT(is_deciding), "并给出今日结论",
		"and what each would come to today" },
	{ "--idempotency-key", OPTION_TEXT,
		BD_CLI_GROUP_PUSH | BD_CLI_GROUP_RECALL | BD_CLI_GROUP_DISPUTE, AT(idempotency_key),
		"重试键", "key that makes a retry safe" },
	{ "--baseline", OPTION_FLAG, BD_CLI_GROUP_PUSH | BD_CLI_GROUP_LOAD, AT(is_baseline),
		"首次全量", "the first full delivery" },
	{ "--atomic", OPTION_FLAG, BD_CLI_GROUP_PUSH, AT(is_atomic), "有一条退回则全部不收",
		"all or nothing" },
	{ "--dry-run", OPTION_FLAG, BD_CLI_GROUP_PUSH, AT(is_dry_run), "只试不存",
		"store nothing" },
	{ "--resume", OPTION_FLAG, BD_CLI_GROUP_PUSH, AT(is_resuming),
		"分片上传，中断后一直重试、接续（64 MiB 以上的文件自动分片）",
		"in parts, and go on after every break (files above 64 MiB are in parts anyway)" },
	{ "--kind", OPTION_TEXT, BD_CLI_GROUP_SUBJECT, AT(kind), "标识类型，如 resident_id、uscc",
		"kind of identifier: resident_id, uscc" },
	{ "--number", OPTION_TEXT, BD_CLI_GROUP_SUBJECT, AT(number), "标识号码", "the identifier" },
	{ "--entity", OPTION_TEXT, BD_CLI_GROUP_SUBJECT | BD_CLI_GROUP_GRANT, AT(entity),
		"person 或 organization；授权：数据字典中的一类",
		"person or organization; of a grant: any of the dictionary" },
	{ "--lines", OPTION_FLAG, BD_CLI_GROUP_LINES | BD_CLI_GROUP_LOAD, AT(is_lines),
		"每行一个 JSON（*.ndjson、*.jsonl 自动如此）",
		"a JSON a line (so anyway for *.ndjson, *.jsonl)" },
	{ "--purpose", OPTION_TEXT, BD_CLI_GROUP_WHY | BD_CLI_GROUP_GRANT, AT(purpose), "用途",
		"purpose" },
	{ "--case", OPTION_TEXT, BD_CLI_GROUP_WHY, AT(case_id), "办件编号", "case" },
	{ "--operator", OPTION_TEXT, BD_CLI_GROUP_WHY, AT(operator_name), "经办人", "officer" },
	{ "--due-before", OPTION_TEXT, BD_CLI_GROUP_OWED, AT(due_before), "期限早于 yyyy-MM-dd",
		"due before yyyy-MM-dd" },
	{ "--due-after", OPTION_TEXT, BD_CLI_GROUP_OWED, AT(due_after), "期限晚于 yyyy-MM-dd",
		"due after yyyy-MM-dd" },
	{ "--overdue", OPTION_FLAG, BD_CLI_GROUP_OWED, AT(is_overdue), "只列已逾期的",
		"only what is overdue" },
	{ "--state", OPTION_TEXT, BD_CLI_GROUP_OWED, AT(state),
		"状态：owed（默认）、open、extended、met、lapsed、superseded",
		"state: owed (unless said), open, extended, met, lapsed, superseded" },
	{ "--party", OPTION_TEXT, BD_CLI_GROUP_OWED, AT(party), "责任：applicant 或 agency",
		"whose duty: applicant or agency" },
	{ "--cursor", OPTION_TEXT, BD_CLI_GROUP_OWED, AT(cursor), "接上一页继续",
		"go on after a page" },
	{ "--working-days", OPTION_TEXT, BD_CLI_GROUP_CHANGE, AT(working_days), "延期的工作日数",
		"by so many working days" },
	{ "--due", OPTION_TEXT, BD_CLI_GROUP_CHANGE, AT(due), "新的期限 yyyy-MM-dd",
		"the new day, yyyy-MM-dd" },
	{ "--reason", OPTION_TEXT, BD_CLI_GROUP_CHANGE | BD_CLI_GROUP_DISPUTE, AT(reason),
		"延期理由；异议事由，如 wrong_value",
		"why it is extended; of a dispute: wrong_value" },
	{ "--at", OPTION_TEXT, BD_CLI_GROUP_CHANGE, AT(at), "材料提交时间（默认此刻）",
		"when it was handed in (now)" },
	{ "--e-licence", OPTION_FLAG, BD_CLI_GROUP_CHANGE, AT(is_e_licence), "以电子证照代替",
		"an electronic licence instead" },
	{ "--basis", OPTION_TEXT, BD_CLI_GROUP_ERASE, AT(basis), "删除的依据与文号",
		"by which law, on which file" },
	{ "--yes", OPTION_FLAG, BD_CLI_GROUP_ERASE, AT(is_sure), "不再询问", "do not ask again" },
	{ "--folder", OPTION_TEXT, BD_CLI_GROUP_PKI, AT(folder), "证书目录（默认 pki）",
		"folder of the certificates (pki)" },
	{ "--days", OPTION_TEXT, BD_CLI_GROUP_PKI, AT(days), "有效天数", "valid for so many days" },
	{ "--replace", OPTION_FLAG, BD_CLI_GROUP_PKI, AT(is_replacing), "已有的也换新密钥",
		"a new key even where there is one" },
	{ "--sender", OPTION_TEXT, BD_CLI_GROUP_GRANT, AT(sender), "发送方", "sender" },
	{ "--matter", OPTION_TEXT, BD_CLI_GROUP_GRANT, AT(matter), "事项", "matter" },
	{ "--on", OPTION_TEXT, BD_CLI_GROUP_GRANT, AT(on), "以哪一日为准 yyyy-MM-dd（默认今日）",
		"as of which day, yyyy-MM-dd (today)" },
	{ "--adapters", OPTION_TEXT, BD_CLI_GROUP_FOLDERS, AT(adapters), "适配器目录",
		"folder of the adapters" },
	{ "--schemas", OPTION_TEXT, BD_CLI_GROUP_FOLDERS, AT(schemas), "数据字典目录",
		"folder of the schemas" },
	{ "-o", OPTION_OUTPUT, BD_CLI_GROUP_COMMON, 0, "输出格式：text 或 json",
		"output: text or json" },
	{ "--lang", OPTION_LANGUAGE, BD_CLI_GROUP_COMMON, 0, "语言：zh 或 en",
		"language: zh or en" },
	{ "--help", OPTION_FLAG, BD_CLI_GROUP_COMMON, AT(is_help), "说明", "help" },
	{ "--version", OPTION_FLAG, BD_CLI_GROUP_COMMON, AT(is_version), "版本", "version" },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT <= BD_CLI_OPTIONS_MAX, "one for each in bd_cli_options.given");

/* -- defaults -- */

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_english_locale(void)
{
	const char *names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = from_environment(names[i]);

		if (value != NULL) {
			return strncmp(value, "en", 2) == 0;
		}
	}
	return false;
}

static void set_defaults(struct bd_cli_options *options)
{
	const char *server = from_environment("BIDUI_SERVER");

	*options = (struct bd_cli_options){
		.server = server != NULL ? server : "https://127.0.0.1:8443",
		.ca = from_environment("BIDUI_CA"),
		.cert = from_environment("BIDUI_CERT"),
		.key = from_environment("BIDUI_KEY"),
		.account = from_environment("BIDUI_ACCOUNT"),
		.password_file = from_environment("BIDUI_PASSWORD_FILE"),
		.accounts = from_environment("BIDUI_ACCOUNTS"),
		.purpose = from_environment("BIDUI_PURPOSE"),
		.adapters = access("adapters", R_OK) == 0 ? "adapters" : BD_DATA_FOLDER "/adapters",
		.schemas = access("schemas/common.xml", R_OK) == 0 ? "schemas"
								   : BD_DATA_FOLDER "/schemas",
		.is_english = is_english_locale(),
		.has_colour = isatty(STDOUT_FILENO) && from_environment("NO_COLOR") == NULL,
	};
}

/* -- one option -- */

static bool read_number(uint64_t *out, const char *text)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] < '0' || text[0] > '9') {
		return false;
	}
	*out = value;
	return true;
}

static bool set_option(
	struct bd_cli_options *options, const struct option_row *row, const char *value)
{
	char *base = (char *)options;

	switch (row->kind) {
	case OPTION_TEXT:
		memcpy(base + row->offset, &value, sizeof(value));
		options->is_key_given = options->is_key_given || row->offset == AT(key);
		options->is_purpose_given = options->is_purpose_given || row->offset == AT(purpose);
		return value[0] != '\0';
	case OPTION_FLAG:
		base[row->offset] = true;
		return true;
	case OPTION_NUMBER:
		options->has_total = true;
		return read_number(&options->total, value);
	case OPTION_OUTPUT:
		options->is_json = strcmp(value, "json") == 0;
		return options->is_json || strcmp(value, "text") == 0;
	case OPTION_LANGUAGE:
		options->is_english = strcmp(value, "en") == 0;
		return options->is_english || strcmp(value, "zh") == 0;
	}
	return false;
}

/* What may stand in a header, a JSON text and a path alike. */
static bool is_text(struct bd_bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.ptr[i];

		if (byte < 0x20 || byte == 0x7F) {
			return false;
		}
	}
	return value.len <= VALUE_MAX_BYTES && bd_text_is_utf8(value);
}

/* The row an argument names; *value is what follows its '=', or NULL. */
static const struct option_row *find_row(const char *argument, const char **value)
{
	if (strcmp(argument, "-h") == 0) {
		argument = "--help";
	}
	for (size_t i = 0; i < ROW_COUNT; i++) {
		size_t len = strlen(rows[i].name);

		if (strncmp(argument, rows[i].name, len) == 0 &&
			(argument[len] == '\0' || argument[len] == '=')) {
			*value = argument[len] == '=' ? argument + len + 1 : NULL;
			return &rows[i];
		}
	}
	return NULL;
}

static bool tell(const struct bd_cli_options *options, const char *zh, const char *en,
	const struct option_row *row)
{
	fprintf(stderr, "bidui: %s: %s（%s）\n", bd_cli_say(options, zh, en), row->name,
		bd_cli_say(options, row->zh, row->en));
	return false;
}

static bool tell_unknown(const struct bd_cli_options *options, const char *argument)
{
	const char *names[ROW_COUNT];
	char name[64];

	for (size_t i = 0; i < ROW_COUNT; i++) {
		names[i] = rows[i].name;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument, "="), argument);
	bd_cli_unknown(options, "没有这个选项", "no such option", name, names, ROW_COUNT);
	return false;
}

/* Takes the option at argv[*at] with its value. */
static bool take_option(struct bd_cli_options *options, int *at, int argc, char **argv)
{
	const char *value = NULL;
	const struct option_row *row = find_row(argv[*at], &value);

	if (row == NULL) {
		return tell_unknown(options, argv[*at]);
	}
	if (row->kind == OPTION_FLAG && value != NULL) {
		return tell(options, "此选项不带取值", "this option takes no value", row);
	}
	if (row->kind != OPTION_FLAG && value == NULL) {
		if (*at + 1 >= argc) {
			return tell(options, "选项缺少取值", "a value is missing", row);
		}
		value = argv[++*at];
	}
	if (value != NULL && !is_text(bd_bytes_of(value))) {
		return tell(options, "取值过长，或含有控制字符，或不是 UTF-8",
			"the value is too long, has control characters or is not UTF-8", row);
	}
	if (!set_option(options, row, value)) {
		return tell(options, "选项取值无效", "not a value of this option", row);
	}
	options->given[row - rows] = true;
	return true;
}

bool bd_cli_options_read(struct bd_cli_options *options, int argc, char **argv)
{
	bool only_arguments = false;
	int kept = 1;

	set_defaults(options);
	for (int i = 1; i < argc; i++) {
		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = true;
		} else if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[kept++] = argv[i];
		} else if (!take_option(options, &i, argc, argv)) {
			return false;
		}
	}
	options->args = argv + 1;
	options->arg_count = kept - 1;
	return true;
}

bool bd_cli_options_fit(const struct bd_cli_options *options, const struct bd_cli_command *command)
{
	unsigned groups = command->groups | BD_CLI_GROUP_COMMON;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (options->given[i] && (rows[i].groups & groups) == 0) {
			fprintf(stderr, "bidui %s: %s: %s\n", command->name,
				bd_cli_say(options, "此命令没有这个选项",
					"not an option of this command"),
				rows[i].name);
			return false;
		}
	}
	return true;
}

void bd_cli_options_help(unsigned groups, bool is_english)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if ((rows[i].groups & groups) != 0) {
			printf("  %-18s %s\n", rows[i].name, is_english ? rows[i].en : rows[i].zh);
		}
	}
}

/* -- words -- */

const char *bd_cli_say(const struct bd_cli_options *options, const char *zh, const char *en)
{
	return options->is_english ? en : zh;
}

void bd_cli_notice(const struct bd_cli_options *options, const char *zh, const char *en)
{
	fprintf(stderr, "bidui: %s\n", bd_cli_say(options, zh, en));
}

void bd_cli_unknown(const struct bd_cli_options *options, const char *zh, const char *en,
	const char *wrong, const char *const *names, size_t name_count)
{
	const char *nearest = bd_nearest(wrong, names, name_count);

	fprintf(stderr, "bidui: %s: ", bd_cli_say(options, zh, en));
	bd_cli_put(stderr, bd_bytes_of(wrong));
	fputc('\n', stderr);
	if (nearest != NULL) {
		fprintf(stderr, "  %s %s%s\n", bd_cli_say(options, "您是不是要用", "did you mean"),
			nearest, bd_cli_say(options, "？", "?"));
	} else {
		fprintf(stderr, "  %s\n",
			bd_cli_say(
				options, "bidui --help 列出全部", "bidui --help lists them all"));
	}
}
