/* explain.c - bidui explain: a receipt, element by element, with what was compared side by side. */
#include "answer/finding.h"
#include "cli/answer.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 9

static void put_part(const char *label, struct bd_bytes text)
{
	if (text.len > 0) {
		printf("  %s ", label);
		bd_cli_put(stdout, text);
	}
}

/* In words; as it is where this version has none. */
static struct bd_bytes code_of(const struct bd_cli_options *options, const struct bd_json *element)
{
	struct bd_bytes text = bd_cli_text(element, "code");
	enum bd_finding_code code;
	char name[32];

	if (options->is_english || text.len >= sizeof(name)) {
		return text;
	}
	snprintf(name, sizeof(name), "%.*s", (int)text.len, text.ptr);
	return bd_finding_find(&code, name) ? bd_bytes_of(bd_finding_term(code)->zh) : text;
}

/* Why it is not a plain match: "stale conflict", "not_covered". */
static struct bd_bytes notes_of(const struct bd_json *element, struct bd_arena *arena)
{
	const struct bd_json *flags = bd_json_get(element, "flags");
	struct bd_bytes reason = bd_cli_text(element, "reason"), joined = { "", 0 };
	enum bd_code code = BD_OK;
	struct bd_buf buf;

	bd_buf_init(&buf, 512);
	for (const struct bd_json *flag = flags != NULL ? flags->first : NULL;
		flag != NULL && code == BD_OK; flag = flag->next) {
		code = bd_buf_add(&buf, flag->text);
		code = code == BD_OK ? bd_buf_add_byte(&buf, ' ') : code;
	}
	if (code == BD_OK && bd_buf_add(&buf, reason) == BD_OK && buf.len > 0) {
		joined = bd_arena_copy(arena, bd_buf_bytes(&buf));
	}
	bd_buf_release(&buf);
	return joined.ptr != NULL ? joined : (struct bd_bytes){ "", 0 };
}

/* Its name; its id where the version that decided is no longer known. */
static struct bd_bytes name_of(const struct bd_cli_options *options, const struct bd_json *element)
{
	struct bd_bytes name = bd_cli_text(element, options->is_english ? "label_en" : "label_zh");

	return name.len > 0 ? name : bd_cli_text(element, "element");
}

static struct bd_bytes agreement_of(
	const struct bd_cli_options *options, const struct bd_json *explained)
{
	if (explained == NULL) {
		return (struct bd_bytes){ "", 0 };
	}
	return bd_cli_is_true(explained, "agrees")
		       ? bd_bytes_of(bd_cli_say(options, "与承诺相符", "as committed"))
		       : bd_bytes_of(bd_cli_say(options, "与承诺不符", "NOT as committed"));
}

static void show_elements(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *elements = bd_json_get(answer, "elements");
	const struct bd_bytes titles[COLUMNS] = { bd_bytes_of(
							  bd_cli_say(options, "要素", "element")),
		bd_bytes_of(bd_cli_say(options, "主体", "subject")),
		bd_bytes_of(bd_cli_say(options, "结果", "result")),
		bd_bytes_of(bd_cli_say(options, "说明", "notes")),
		bd_bytes_of(bd_cli_say(options, "规则", "rule")),
		bd_bytes_of(bd_cli_say(options, "数据项", "field")),
		bd_bytes_of(bd_cli_say(options, "申报", "claimed")),
		bd_bytes_of(bd_cli_say(options, "部门数据", "held")),
		bd_bytes_of(bd_cli_say(options, "承诺", "commitment")) };
	struct bd_cli_table table;

	bd_cli_table_begin(&table, COLUMNS, arena);
	bd_cli_table_add(&table, titles);
	for (const struct bd_json *element = elements != NULL ? elements->first : NULL;
		element != NULL; element = element->next) {
		const struct bd_json *explained = bd_json_get(element, "explain");
		const struct bd_bytes cells[COLUMNS] = { name_of(options, element),
			bd_cli_text(element, "subject"), code_of(options, element),
			notes_of(element, arena), bd_cli_text(element, "rule"),
			bd_cli_text(explained, options->is_english ? "field" : "label_zh"),
			bd_cli_text(explained, "claim"), bd_cli_text(explained, "held"),
			agreement_of(options, explained) };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 2);
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	fputs("● ", stdout);
	bd_cli_put_decision(options, answer);
	put_part(bd_cli_say(options, "办件", "case"), bd_cli_text(answer, "case"));
	put_part(bd_cli_say(options, "事项", "matter"), bd_cli_text(answer, "matter"));
	put_part(bd_cli_say(options, "版本", "version"), bd_cli_text(answer, "version"));
	put_part(bd_cli_say(options, "受理日", "on"), bd_cli_text(answer, "on"));
	put_part(bd_cli_say(options, "答复时间", "at"),
		bd_cli_when(bd_cli_text(answer, "at"), arena));
	fputc('\n', stdout);
	show_elements(options, answer, arena);
	bd_cli_show_look_ups(options, answer);
}

/* What does not agree with its receipt explains nothing. */
static bool is_good(const struct bd_json *answer)
{
	const struct bd_json *elements = bd_json_get(answer, "elements");

	for (const struct bd_json *element = elements != NULL ? elements->first : NULL;
		element != NULL; element = element->next) {
		const struct bd_json *explained = bd_json_get(element, "explain");

		if (explained != NULL && !bd_cli_is_true(explained, "agrees")) {
			return false;
		}
	}
	return true;
}

enum bd_cli_exit bd_cli_explain(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { is_good, show };
	struct bd_cli_request request = { .method = "GET" };
	struct bd_buf path;
	enum bd_cli_exit result = BD_CLI_USAGE;
	enum bd_code code;

	bd_buf_init(&path, 1024);
	code = bd_buf_add_text(&path, "/v1/receipts/");
	code = code == BD_OK ? bd_cli_escape(&path, options->args[0]) : code;
	code = code == BD_OK ? bd_buf_add_text(&path, "?explain=true") : code;
	code = code == BD_OK ? bd_buf_add_byte(&path, '\0') : code;
	if (code == BD_OK) {
		request.path = path.ptr;
		result = bd_cli_ask(options, &request, &view);
	} else {
		bd_cli_notice(options, "回执号过长", "the receipt id is too long");
	}
	bd_buf_release(&path);
	return result;
}
