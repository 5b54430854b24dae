#include "cli/answer.h"
#include "cli/file.h"
#include "cli/table.h"

#define COLUMNS 7

static bool has_passed(const struct bd_json *answer)
{
	return bd_bytes_is(bd_cli_text(answer, "decision"), "pass");
}

/* -- one decision -- */

static const char *colour_of(struct bd_bytes decision)
{
	if (bd_bytes_is(decision, "pass")) {
		return "32";
	}
	return bd_bytes_is(decision, "refuse") || bd_bytes_is(decision, "resubmit") ? "31" : "33";
}

static void put_part(const char *label, struct bd_bytes text)
{
	if (text.len > 0) {
		printf("  %s ", label);
		bd_cli_put(stdout, text);
	}
}

/* "● 转人工 refer  办件 GM1  事项 individual-business-registration  回执 …" */
static void show_decision(const struct bd_cli_options *options, const struct bd_json *answer)
{
	struct bd_bytes decision = bd_cli_text(answer, "decision");

	bd_cli_colour(options, colour_of(decision));
	fputs("● ", stdout);
	bd_cli_put_decision(options, answer);
	bd_cli_colour(options, "0");
	put_part(bd_cli_say(options, "办件", "case"), bd_cli_text(answer, "case"));
	put_part(bd_cli_say(options, "事项", "matter"), bd_cli_text(answer, "matter"));
	put_part(bd_cli_say(options, "回执", "receipt"), bd_cli_text(answer, "receipt"));
	if (bd_cli_is_true(answer, "sandbox")) {
		put_part(bd_cli_say(options, "沙盒", "sandbox"), bd_bytes_of("!"));
	}
	fputc('\n', stdout);
}

/* "stale disputed" */
static struct bd_bytes flags_of(const struct bd_json *finding, struct bd_arena *arena)
{
	const struct bd_json *flags = bd_json_get(finding, "flags");
	struct bd_bytes joined = { "", 0 };
	struct bd_buf buf;

	bd_buf_init(&buf, 256);
	for (const struct bd_json *flag = flags != NULL ? flags->first : NULL; flag != NULL;
		flag = flag->next) {
		if ((buf.len > 0 && bd_buf_add_byte(&buf, ' ') != BD_OK) ||
			bd_buf_add(&buf, flag->text) != BD_OK) {
			break;
		}
	}
	joined = buf.len > 0 ? bd_arena_copy(arena, bd_buf_bytes(&buf)) : joined;
	bd_buf_release(&buf);
	return joined.ptr != NULL ? joined : (struct bd_bytes){ "", 0 };
}

static void show_findings(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *findings = bd_json_get(answer, "findings");
	struct bd_cli_table table;

	bd_cli_table_begin(&table, COLUMNS, arena);
	for (const struct bd_json *finding = findings != NULL ? findings->first : NULL;
		finding != NULL; finding = finding->next) {
		bool is_accepted = bd_cli_is_true(finding, "accepted");
		const struct bd_bytes cells[COLUMNS] = {
			bd_bytes_of(is_accepted ? "✓" : "✗"),
			bd_cli_term(options, finding, "label"),
			bd_cli_text(finding, options->is_english ? "code" : "code_zh"),
			flags_of(finding, arena),
			bd_cli_term(options, finding, "detail"),
			bd_cli_text(finding, "source"),
			bd_cli_when(bd_cli_text(finding, "as_of"), arena),
		};

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 2);
}

/* Why it is refused, by which law, and what can be done. */
static void show_grounds(const struct bd_cli_options *options, const struct bd_json *answer)
{
	static const struct {
		const char *key, *zh, *en;
	} parts[] = { { "ground", "理由", "ground" }, { "basis", "依据", "basis" },
		{ "remedy", "救济", "remedy" } };
	const struct bd_json *reasons = bd_json_get(answer, "reasons");

	for (const struct bd_json *reason = reasons != NULL ? reasons->first : NULL; reason != NULL;
		reason = reason->next) {
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			struct bd_bytes text = bd_cli_text(reason, parts[i].key);

			if (text.len > 0) {
				printf("  %s: ", bd_cli_say(options, parts[i].zh, parts[i].en));
				bd_cli_put(stdout, text);
				fputc('\n', stdout);
			}
		}
	}
}

static void show_list(const struct bd_cli_options *options, const struct bd_json *list,
	const char *zh, const char *en)
{
	if (list == NULL || list->first == NULL) {
		return;
	}
	printf("  %s\n", bd_cli_say(options, zh, en));
	for (const struct bd_json *item = list->first; item != NULL; item = item->next) {
		fputs("    - ", stdout);
		bd_cli_put(stdout, bd_cli_text(item, options->is_english ? "en" : "zh"));
		put_part(bd_cli_say(options, "期限", "due"), bd_cli_text(item, "due"));
		fputc('\n', stdout);
	}
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	struct bd_bytes notice = bd_cli_term(options, answer, "notice");

	show_decision(options, answer);
	show_findings(options, answer, arena);
	bd_cli_show_look_ups(options, answer);
	show_grounds(options, answer);
	show_list(options, bd_json_get(answer, "obligations"), "容缺补正", "to be handed in later");
	show_list(options, bd_json_get(answer, "missing"), "须先提交", "to be supplied first");
	show_list(options, bd_json_get(answer, "offer"), "作出承诺即可容缺",
		"may follow on a commitment");
	if (notice.len > 0) {
		printf("  %s\n", bd_cli_say(options, "一次性告知", "notice"));
		bd_cli_put_lines(stdout, notice);
		fputc('\n', stdout);
	}
}

/* -- the command -- */

static bool ends_with(const char *path, const char *ending)
{
	struct bd_bytes name = bd_bytes_of(path), end = bd_bytes_of(ending);

	return name.len > end.len &&
	       bd_bytes_is((struct bd_bytes){ name.ptr + name.len - end.len, end.len }, ending);
}

const char *bd_cli_question_type(const struct bd_cli_options *options)
{
	const char *path = options->args[0];

	return options->is_lines || ends_with(path, ".ndjson") || ends_with(path, ".jsonl")
		       ? "application/x-ndjson"
		       : "application/json";
}

enum bd_cli_exit bd_cli_compare(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { has_passed, show };

	return bd_cli_ask_by_file(options, "/v1/compare", bd_cli_question_type(options), &view);
}
