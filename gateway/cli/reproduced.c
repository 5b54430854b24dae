#include "cli/reproduced.h"

#include "answer/finding.h"
#include "base/limits.h"
#include "cli/table.h"

#include <string.h>

static bool is_good(const struct bd_json *answer)
{
	return bd_cli_is_true(bd_json_get(answer, "reproduced"), "agrees");
}

/* -- pieces -- */

static const char *code_word(
	const struct bd_cli_options *options, struct bd_bytes name, struct bd_arena *arena)
{
	const char *text = bd_arena_text(arena, name);
	enum bd_finding_code code;

	if (text == NULL || !bd_finding_find(&code, text)) {
		return text != NULL ? text : "";
	}
	return options->is_english ? text : bd_finding_term(code)->zh;
}

static const char *reason_word(
	const struct bd_cli_options *options, struct bd_bytes name, struct bd_arena *arena)
{
	const char *text = bd_arena_text(arena, name);
	const struct bd_term *term = text != NULL ? bd_reason_term(text) : NULL;

	if (term == NULL) {
		return text != NULL ? text : "";
	}
	return options->is_english ? term->en : term->zh;
}

struct bd_bytes bd_cli_told(
	const struct bd_cli_options *options, const struct bd_json *told, struct bd_arena *arena)
{
	struct bd_bytes none = { "-", 1 }, text = none;
	const char *reason;
	struct bd_buf buf;

	if (told == NULL || told->type != BD_JSON_IS_OBJECT) {
		return none;
	}
	bd_buf_init(&buf, BD_FIELD_MAX_BYTES);
	reason = reason_word(options, bd_cli_text(told, "reason"), arena);
	if (bd_buf_printf(&buf, "%s%s%s", code_word(options, bd_cli_text(told, "code"), arena),
		    reason[0] == '\0' ? "" : bd_cli_say(options, "：", ": "), reason) == BD_OK) {
		text = bd_arena_copy(arena, bd_buf_bytes(&buf));
	}
	bd_buf_release(&buf);
	return text.ptr != NULL ? text : none;
}

/* -- tables -- */

static void show_findings(
	const struct bd_cli_options *options, const struct bd_json *drawn, struct bd_arena *arena)
{
	const struct bd_json *list = bd_json_get(drawn, "differences");
	const struct bd_bytes head[] = { bd_bytes_of(bd_cli_say(options, "要素", "element")),
		bd_bytes_of(bd_cli_say(options, "主体", "subject")),
		bd_bytes_of(bd_cli_say(options, "原为", "was")),
		bd_bytes_of(bd_cli_say(options, "现为", "is")) };
	struct bd_cli_table table;

	if (list == NULL || list->first == NULL) {
		return;
	}
	bd_cli_table_begin(&table, 4, arena);
	bd_cli_table_add(&table, head);
	for (const struct bd_json *one = list->first; one != NULL; one = one->next) {
		struct bd_bytes label = bd_cli_term(options, one, "label");
		const struct bd_bytes cells[] = { label.len > 0 ? label
								: bd_cli_text(one, "element"),
			bd_cli_text(one, "subject"),
			bd_cli_told(options, bd_json_get(one, "was"), arena),
			bd_cli_told(options, bd_json_get(one, "is"), arena) };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 2);
}

static void show_statements(
	const struct bd_cli_options *options, const struct bd_json *drawn, struct bd_arena *arena)
{
	const struct bd_json *list = bd_json_get(drawn, "statements");
	const struct bd_bytes head[] = { bd_bytes_of(bd_cli_say(options, "来源", "source")),
		bd_bytes_of(bd_cli_say(options, "要素", "element")),
		bd_bytes_of(bd_cli_say(options, "原版本", "version was")),
		bd_bytes_of(bd_cli_say(options, "现版本", "version is")) };
	struct bd_cli_table table;

	if (list == NULL || list->first == NULL) {
		return;
	}
	bd_cli_table_begin(&table, 4, arena);
	bd_cli_table_add(&table, head);
	for (const struct bd_json *one = list->first; one != NULL; one = one->next) {
		const struct bd_bytes cells[] = { bd_cli_text(one, "source"),
			bd_cli_text(one, "element"),
			bd_cli_text(bd_json_get(one, "was"), "version"),
			bd_cli_text(bd_json_get(one, "is"), "version") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 2);
}

/* -- the whole -- */

static void show_drawn(const struct bd_cli_options *options, const char *what,
	const struct bd_json *drawn, struct bd_arena *arena)
{
	const struct bd_json *refused = bd_json_get(drawn, "refused");
	bool is_same = bd_cli_is_true(drawn, "agrees");

	printf("%s%s", what, bd_cli_say(options, "：", ": "));
	if (refused != NULL) {
		bd_cli_put(stdout, bd_cli_text(refused, options->is_english ? "en" : "zh"));
		printf("\n");
		return;
	}
	bd_cli_put_decision(options, drawn);
	printf("%s", bd_cli_say(options, "，版本 ", ", version "));
	bd_cli_put(stdout, bd_cli_text(drawn, "version"));
	bd_cli_colour(options, is_same ? "32" : "33");
	printf("  %s", is_same ? bd_cli_say(options, "✓ 与当时一致", "✓ as it was")
			       : bd_cli_say(options, "✗ 与当时不同", "✗ not as it was"));
	bd_cli_colour(options, "0");
	printf("\n");
	show_findings(options, drawn, arena);
	show_statements(options, drawn, arena);
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	printf("%s ", bd_cli_say(options, "回执", "receipt"));
	bd_cli_put(stdout, bd_cli_text(answer, "receipt"));
	printf("  ");
	bd_cli_put(stdout, bd_cli_text(answer, "matter"));
	printf("  %s ", bd_cli_say(options, "办件", "case"));
	bd_cli_put(stdout, bd_cli_text(answer, "case"));
	printf("\n%s%s", bd_cli_say(options, "当时", "then"), bd_cli_say(options, "：", ": "));
	bd_cli_put_decision(options, answer);
	printf("%s", bd_cli_say(options, "，版本 ", ", version "));
	bd_cli_put(stdout, bd_cli_text(answer, "version"));
	printf("  ");
	bd_cli_put(stdout, bd_cli_when(bd_cli_text(answer, "at"), arena));
	printf("\n");
	show_drawn(options,
		bd_cli_say(options, "按当时的数据重现", "reproduced from what was held"),
		bd_json_get(answer, "reproduced"), arena);
	show_drawn(options, bd_cli_say(options, "按今天的数据", "from what is held today"),
		bd_json_get(answer, "today"), arena);
}

const struct bd_cli_view bd_cli_reproduced = { is_good, show };
