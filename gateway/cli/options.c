#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_kind { OPTION_TEXT, OPTION_FLAG, OPTION_NUMBER, OPTION_OUTPUT, OPTION_LANGUAGE };

struct option_row {
	const char *name;
	enum option_kind kind;
	size_t offset; /* in struct bd_cli_options */
	const char *zh, *en;
};

#define AT(member) offsetof(struct bd_cli_options, member)

static const struct option_row option_rows[] = {
	{ "--server", OPTION_TEXT, AT(server), "网关地址（BIDUI_SERVER）",
		"gateway (BIDUI_SERVER)" },
	{ "--ca", OPTION_TEXT, AT(ca), "CA 证书（BIDUI_CA）", "CA certificate (BIDUI_CA)" },
	{ "--cert", OPTION_TEXT, AT(cert), "本端证书（BIDUI_CERT）",
		"own certificate (BIDUI_CERT)" },
	{ "--key", OPTION_TEXT, AT(key), "本端私钥（BIDUI_KEY）；核验时为签名者的公钥",
		"own key (BIDUI_KEY); of a check the signer's public key" },
	{ "--witness", OPTION_TEXT, AT(witness), "此前见过的树头", "a head seen before" },
	{ "--source", OPTION_TEXT, AT(source), "数据源", "source" },
	{ "--feed", OPTION_TEXT, AT(feed), "数据流", "feed" },
	{ "--delivery", OPTION_TEXT, AT(delivery), "批次日期 yyyy-MM-dd",
		"day of the delivery, yyyy-MM-dd" },
	{ "--total", OPTION_NUMBER, AT(total), "对账总数", "the department's control total" },
	{ "--subject", OPTION_TEXT, AT(subject), "报文未写明的主体，类型:号码",
		"subject a reply does not name, kind:number" },
	{ "--idempotency-key", OPTION_TEXT, AT(idempotency_key), "重试键",
		"key that makes a retry safe" },
	{ "--baseline", OPTION_FLAG, AT(is_baseline), "首次全量", "the first full delivery" },
	{ "--atomic", OPTION_FLAG, AT(is_atomic), "有一条退回则全部不收", "all or nothing" },
	{ "--dry-run", OPTION_FLAG, AT(is_dry_run), "只试不存", "store nothing" },
	{ "--kind", OPTION_TEXT, AT(kind), "标识类型，如 resident_id、uscc",
		"kind of identifier: resident_id, uscc" },
	{ "--number", OPTION_TEXT, AT(number), "标识号码", "the identifier" },
	{ "--entity", OPTION_TEXT, AT(entity), "person 或 organization", "person or organization" },
	{ "--purpose", OPTION_TEXT, AT(purpose), "用途", "purpose" },
	{ "--case", OPTION_TEXT, AT(case_id), "办件编号", "case" },
	{ "--operator", OPTION_TEXT, AT(operator_name), "经办人", "officer" },
	{ "--adapters", OPTION_TEXT, AT(adapters), "适配器目录", "folder of the adapters" },
	{ "--schemas", OPTION_TEXT, AT(schemas), "数据字典目录", "folder of the schemas" },
	{ "-o", OPTION_OUTPUT, 0, "输出格式：text 或 json", "output: text or json" },
	{ "--lang", OPTION_LANGUAGE, 0, "语言：zh 或 en", "language: zh or en" },
};

static bool is_english_locale(void)
{
	const char *names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != '\0') {
			return strncmp(value, "en", 2) == 0;
		}
	}
	return false;
}

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void set_defaults(struct bd_cli_options *options)
{
	*options = (struct bd_cli_options){ 0 };
	options->server = getenv("BIDUI_SERVER");
	if (!is_set(options->server)) {
		options->server = "https://127.0.0.1:8443";
	}
	options->ca = getenv("BIDUI_CA");
	options->cert = getenv("BIDUI_CERT");
	options->key = getenv("BIDUI_KEY");
	options->adapters = "adapters";
	options->schemas = "schemas";
	options->is_english = is_english_locale();
	options->has_colour = isatty(STDOUT_FILENO) && !is_set(getenv("NO_COLOR"));
}

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
		return true;
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

/* The row an argument names; *value is what follows its '=', or NULL. */
static const struct option_row *find_row(const char *argument, const char **value)
{
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		size_t len = strlen(option_rows[i].name);
		if (strncmp(argument, option_rows[i].name, len) != 0) {
			continue;
		}
		if (argument[len] == '\0' || argument[len] == '=') {
			*value = argument[len] == '=' ? argument + len + 1 : NULL;
			return &option_rows[i];
		}
	}
	return NULL;
}

/* Takes the option at argv[*at] with its value. */
static bool take_option(struct bd_cli_options *options, int *at, int argc, char **argv)
{
	const char *name = argv[*at];
	const char *value = NULL;
	const struct option_row *row = find_row(name, &value);
	if (row == NULL) {
		fprintf(stderr, "%s: %s\n", bd_cli_say(options, "未知选项", "unknown option"),
			name);
		return false;
	}
	if (row->kind != OPTION_FLAG && value == NULL) {
		if (*at + 1 >= argc) {
			fprintf(stderr, "%s: %s\n",
				bd_cli_say(options, "选项缺少取值", "a value is missing"), name);
			return false;
		}
		value = argv[++*at];
	}
	if ((row->kind == OPTION_FLAG && value != NULL) || !set_option(options, row, value)) {
		fprintf(stderr, "%s: %s\n",
			bd_cli_say(options, "选项取值无效", "not a value of this option"),
			row->name);
		return false;
	}
	return true;
}

bool bd_cli_options_read(struct bd_cli_options *options, int argc, char **argv)
{
	set_defaults(options);
	bool only_arguments = false;
	int kept = 1;
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

void bd_cli_options_help(bool is_english)
{
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		const struct option_row *row = &option_rows[i];
		printf("  %-18s %s\n", row->name, is_english ? row->en : row->zh);
	}
}

const char *bd_cli_say(const struct bd_cli_options *options, const char *zh, const char *en)
{
	return options->is_english ? en : zh;
}

void bd_cli_notice(const struct bd_cli_options *options, const char *zh, const char *en)
{
	fprintf(stderr, "bidui: %s\n", bd_cli_say(options, zh, en));
}
