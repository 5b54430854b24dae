#include "cli/answer.h"
#include "cli/file.h"
#include "cli/subject.h"
#include "cli/table.h"

#include <string.h>

/* A question has two numbers and a word or two. */
#define QUESTION_MAX_BYTES 16384

static bool has_found(const struct bd_json *answer)
{
	return bd_bytes_is(bd_cli_text(answer, "status"), "found");
}

/* -- the subject -- */

static void show_status(const struct bd_cli_options *options, const struct bd_json *answer)
{
	static const struct {
		const char *name, *zh, *en;
	} terms[] = { { "found", "已查到", "found" },
		{ "ambiguous", "有多个候选，请用更精确的标识",
			"ambiguous: use a more exact identifier" },
		{ "no_subject", "查无此主体", "no such subject" } };
	struct bd_bytes status = bd_cli_text(answer, "status");
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if (bd_bytes_is(status, terms[i].name)) {
			text = bd_cli_say(options, terms[i].zh, terms[i].en);
		}
	}
	fputs("● ", stdout);
	bd_cli_put(stdout, text != NULL ? bd_bytes_of(text) : status);
	printf("  %s ", bd_cli_say(options, "回执", "receipt"));
	bd_cli_put(stdout, bd_cli_text(answer, "receipt"));
	fputc('\n', stdout);
}

static void show_identifiers(const struct bd_json *list, struct bd_arena *arena, int indent)
{
	struct bd_cli_table table;

	bd_cli_table_begin(&table, 3, arena);
	for (const struct bd_json *item = list != NULL ? list->first : NULL; item != NULL;
		item = item->next) {
		const struct bd_bytes cells[] = { bd_cli_text(item, "kind"),
			bd_cli_text(item, "number"), bd_cli_text(item, "issuer") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, indent);
}

static struct bd_bytes label_of(
	const struct bd_cli_options *options, const struct bd_json *node, const char *name)
{
	struct bd_bytes zh = bd_cli_text(node, "label_zh");

	return options->is_english || zh.len == 0 ? bd_cli_text(node, name) : zh;
}

static struct bd_bytes value_of(const struct bd_cli_options *options, const struct bd_json *value)
{
	const struct bd_json *found = bd_json_get(value, "value");

	if (bd_cli_is_true(value, "withheld")) {
		return bd_bytes_of(bd_cli_say(options,
			bd_bytes_is(bd_cli_text(value, "reason"), "level")
				? "（授权只允许知道有无）"
				: "（未获授权查看该项）",
			"(withheld)"));
	}
	if (found == NULL || found->type == BD_JSON_IS_NULL) {
		return bd_bytes_of(bd_cli_say(options, "（无）", "(none)"));
	}
	return found->text;
}

static struct bd_bytes note_of(const struct bd_cli_options *options, const struct bd_json *value)
{
	if (bd_cli_is_true(value, "conflict")) {
		return bd_bytes_of(bd_cli_say(options, "来源说法冲突", "conflict"));
	}
	return bd_cli_text(value, "code").len > 0
		       ? bd_bytes_of(bd_cli_say(options, "无法判定", "indeterminate"))
		       : (struct bd_bytes){ "", 0 };
}

static void show_values(const struct bd_cli_options *options, const struct bd_json *statement,
	struct bd_arena *arena)
{
	const struct bd_json *values = bd_json_get(statement, "values");
	struct bd_cli_table table;

	bd_cli_table_begin(&table, 4, arena);
	for (const struct bd_json *value = values != NULL ? values->first : NULL; value != NULL;
		value = value->next) {
		const struct bd_bytes cells[] = { label_of(options, value, "field"),
			value_of(options, value), bd_cli_text(value, "native"),
			note_of(options, value) };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 4);
}

/* "参保状态  social/aae140ows  2026-11-26 06:58", then its values. */
static void show_statement(const struct bd_cli_options *options, const struct bd_json *statement,
	struct bd_arena *arena)
{
	const struct bd_json *other = bd_json_get(statement, "other");

	fputs("  ", stdout);
	bd_cli_put(stdout, label_of(options, statement, "entity"));
	fputs("  ", stdout);
	bd_cli_put(stdout, bd_cli_text(statement, "source"));
	fputc('/', stdout);
	bd_cli_put(stdout, bd_cli_text(statement, "section"));
	fputs("  ", stdout);
	bd_cli_put(stdout, bd_cli_when(bd_cli_text(statement, "as_of"), arena));
	if (bd_cli_is_true(statement, "blocked")) {
		fputs(bd_cli_say(
			      options, "  （有退回待处理，不作依据）", "  (blocked by a reject)"),
			stdout);
	}
	fputc('\n', stdout);
	show_values(options, statement, arena);
	if (other != NULL && other->first != NULL) {
		printf("    %s\n", bd_cli_say(options, "对方", "the other side"));
		show_identifiers(other, arena, 6);
	}
}

/* "未获授权：主体的其他号码，参保状态": whether there is anything of it is not told. */
static void show_withheld(const struct bd_cli_options *options, const struct bd_json *withheld)
{
	const struct bd_json *one = withheld != NULL ? withheld->first : NULL;

	if (one == NULL) {
		return;
	}
	fputs(bd_cli_say(options, "  未获授权：", "  not granted: "), stdout);
	for (; one != NULL; one = one->next) {
		if (bd_cli_is_true(one, "identifiers")) {
			fputs(bd_cli_say(options, "主体的其他号码", "other numbers"), stdout);
		} else {
			bd_cli_put(stdout, label_of(options, one, "entity"));
		}
		fputs(one->next != NULL ? bd_cli_say(options, "，", ", ") : "\n", stdout);
	}
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *identifiers = bd_json_get(answer, "identifiers");
	const struct bd_json *statements = bd_json_get(answer, "statements");

	show_status(options, answer);
	show_identifiers(identifiers, arena, 2);
	for (const struct bd_json *statement = statements != NULL ? statements->first : NULL;
		statement != NULL; statement = statement->next) {
		show_statement(options, statement, arena);
	}
	show_withheld(options, bd_json_get(answer, "withheld"));
}

/* -- the question -- */

static enum bd_code write_question(struct bd_buf *out, const struct bd_cli_options *options)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_cli_subject_write(&w, options);
	bd_jw_object_end(&w);
	return w.code;
}

static const struct bd_cli_view view = { has_found, show };

static enum bd_cli_exit ask_by_number(const struct bd_cli_options *options)
{
	struct bd_cli_request request = {
		.method = "POST", .path = "/v1/identities/query", .content_type = "application/json"
	};
	struct bd_buf question;
	enum bd_cli_exit result = BD_CLI_USAGE;

	bd_buf_init(&question, QUESTION_MAX_BYTES);
	if (write_question(&question, options) == BD_OK) {
		request.text = bd_buf_bytes(&question);
		result = bd_cli_ask(options, &request, &view);
	}
	bd_buf_release(&question);
	return result;
}

static enum bd_cli_exit ask_by_file(const struct bd_cli_options *options)
{
	return bd_cli_ask_by_file(
		options, "/v1/identities/query", bd_cli_question_type(options), &view);
}

enum bd_cli_exit bd_cli_query(const struct bd_cli_options *options)
{
	bool has_number = options->kind != NULL && options->number != NULL;

	if (options->arg_count == 1 && options->kind == NULL && options->number == NULL) {
		return ask_by_file(options);
	}
	if (options->arg_count == 1 || !has_number) {
		bd_cli_notice(options, "请给出 --kind 与 --number，或给出一个文件",
			"give --kind and --number, or a file");
		return BD_CLI_USAGE;
	}
	return ask_by_number(options);
}
