/* obligation.c - bidui obligations, bidui obligation: what is still owed 容缺补正, more time for
 * it, and that a material has come. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/json_write.h"
#include "cli/answer.h"
#include "cli/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS 8
/* A question has a case number, or a reason of a sentence. */
#define BODY_MAX_BYTES 16384
#define PATH_MAX_BYTES 1024
/* Of the file that a material is, at once. */
#define BLOCK_BYTES 65536

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

/* -- terms -- */

struct term {
	const char *name, *zh;
};

static struct bd_bytes zh_of(const struct bd_cli_options *options, struct bd_bytes name,
	const struct term *terms, size_t count)
{
	for (size_t i = 0; i < count && !options->is_english; i++) {
		if (bd_bytes_is(name, terms[i].name)) {
			return bd_bytes_of(terms[i].zh);
		}
	}
	return name;
}

static struct bd_bytes state_of(const struct bd_cli_options *options, const struct bd_json *node)
{
	static const struct term terms[] = { { "open", "待补正" }, { "extended", "已延期" },
		{ "overdue", "已逾期" }, { "met", "已补齐" }, { "lapsed", "不再要求" },
		{ "superseded", "已接替" } };

	return zh_of(options, bd_cli_text(node, "state"), terms, sizeof(terms) / sizeof(terms[0]));
}

static struct bd_bytes party_of(const struct bd_cli_options *options, const struct bd_json *node)
{
	static const struct term terms[] = { { "applicant", "申请人" }, { "agency", "机关" } };

	return zh_of(options, bd_cli_text(node, "party"), terms, sizeof(terms) / sizeof(terms[0]));
}

static struct bd_bytes in_language(const struct bd_cli_options *options, const struct bd_json *node,
	const char *zh, const char *en)
{
	return bd_cli_text(node, options->is_english ? en : zh);
}

/* -- a list -- */

static void add_head(struct bd_cli_table *table, const struct bd_cli_options *options)
{
	static const char *const zh[COLUMNS] = { "期限", "剩余工作日", "状态", "责任", "所欠",
		"事项", "办件", "编号" };
	static const char *const en[COLUMNS] = { "due", "working days left", "state", "party",
		"owed", "matter", "case", "id" };
	struct bd_bytes cells[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++) {
		cells[i] = bd_bytes_of(bd_cli_say(options, zh[i], en[i]));
	}
	bd_cli_table_add(table, cells);
}

static void show_list(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *list = bd_json_get(answer, "obligations");
	struct bd_cli_table table;

	bd_cli_table_begin(&table, COLUMNS, arena);
	add_head(&table, options);
	for (const struct bd_json *node = list != NULL ? list->first : NULL; node != NULL;
		node = node->next) {
		const struct bd_bytes cells[COLUMNS] = { bd_cli_text(node, "due"),
			bd_cli_text(node, "days_left"), state_of(options, node),
			party_of(options, node), in_language(options, node, "zh", "en"),
			in_language(options, node, "title_zh", "title_en"),
			bd_cli_is_true(node, "erased")
				? bd_bytes_of(bd_cli_say(options, "（已删除）", "(erased)"))
				: bd_cli_text(node, "case"),
			bd_cli_text(node, "id") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
	if (bd_cli_text(answer, "next").len > 0) {
		fprintf(stderr, "%s --cursor %.*s\n",
			bd_cli_say(options, "还有更多：", "there are more:"),
			(int)bd_cli_text(answer, "next").len, bd_cli_text(answer, "next").ptr);
	}
}

static const struct bd_cli_view list_view = { is_always_good, show_list };

/* Case numbers never stand in an address. */
static enum bd_cli_exit list_case(const struct bd_cli_options *options)
{
	struct bd_cli_request request = { .method = "POST",
		.path = "/v1/obligations/query",
		.content_type = "application/json" };
	struct bd_json_writer w;
	struct bd_buf body;
	enum bd_cli_exit result = BD_CLI_USAGE;

	bd_buf_init(&body, BODY_MAX_BYTES);
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "case", options->case_id);
	if (options->cursor != NULL) {
		bd_jw_text(&w, "cursor", options->cursor);
	}
	bd_jw_object_end(&w);
	if (w.code == BD_OK) {
		request.text = bd_buf_bytes(&body);
		result = bd_cli_ask(options, &request, &list_view);
	}
	bd_buf_release(&body);
	return result;
}

static enum bd_code write_path(struct bd_buf *path, const struct bd_cli_options *options)
{
	const struct {
		const char *name, *value;
	} rows[] = { { "due_before", options->due_before }, { "due_after", options->due_after },
		{ "state", options->is_overdue ? "overdue" : options->state },
		{ "party", options->party }, { "cursor", options->cursor } };
	enum bd_code code = bd_buf_add_text(path, "/v1/obligations");
	char mark = '?';

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && code == BD_OK; i++) {
		if (rows[i].value == NULL) {
			continue;
		}
		code = bd_buf_printf(path, "%c%s=", mark, rows[i].name);
		code = code == BD_OK ? bd_cli_escape(path, rows[i].value) : code;
		mark = '&';
	}
	return code == BD_OK ? bd_buf_add_byte(path, '\0') : code;
}

/* What nobody asks otherwise: what is still owed. */
static enum bd_cli_exit list_by_day(struct bd_cli_options options)
{
	struct bd_cli_request request = { .method = "GET" };
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path;

	if (options.state == NULL) {
		options.state = "owed";
	}
	bd_buf_init(&path, PATH_MAX_BYTES);
	if (write_path(&path, &options) == BD_OK) {
		request.path = path.ptr;
		result = bd_cli_ask(&options, &request, &list_view);
	} else {
		bd_cli_notice(&options, "某个选项的取值过长", "a value of an option is too long");
	}
	bd_buf_release(&path);
	return result;
}

enum bd_cli_exit bd_cli_obligations(const struct bd_cli_options *options)
{
	bool has_day = options->due_before != NULL || options->due_after != NULL ||
		       options->state != NULL || options->party != NULL || options->is_overdue;

	if (options->case_id != NULL && has_day) {
		bd_cli_notice(options, "--case 列出该办件的全部，不与其他条件同用",
			"--case lists all of that case, and goes with no other condition");
		return BD_CLI_USAGE;
	}
	return options->case_id != NULL ? list_case(options) : list_by_day(*options);
}

/* -- one -- */

static void show_change(const struct bd_cli_options *options, struct bd_cli_table *table,
	const struct bd_json *change, struct bd_arena *arena)
{
	static const struct term terms[] = { { "made", "形成" }, { "extended", "延期" },
		{ "met", "补齐" }, { "lapsed", "不再要求" }, { "superseded", "接替" } };
	static const char *const members[] = { "operator", "reason", "material", "source" };
	struct bd_bytes cells[4] = { bd_cli_when(bd_cli_text(change, "at"), arena),
		zh_of(options, bd_cli_text(change, "step"), terms,
			sizeof(terms) / sizeof(terms[0])),
		bd_cli_text(change, "due") };
	struct bd_buf text;

	bd_buf_init(&text, BODY_MAX_BYTES);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct bd_bytes value = bd_cli_text(change, members[i]);

		if (value.len > 0 && (text.len == 0 || bd_buf_add_byte(&text, ' ') == BD_OK)) {
			bd_buf_add(&text, value);
		}
	}
	cells[3] = bd_arena_copy(arena, bd_buf_bytes(&text));
	bd_buf_release(&text);
	bd_cli_table_add(table, cells);
}

static void show_one(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *history = bd_json_get(answer, "history");
	const struct {
		const char *zh, *en;
		struct bd_bytes value;
	} rows[] = { { "所欠", "owed", in_language(options, answer, "zh", "en") },
		{ "事项", "matter", in_language(options, answer, "title_zh", "title_en") },
		{ "办件", "case", bd_cli_text(answer, "case") },
		{ "责任", "party", party_of(options, answer) },
		{ "状态", "state", state_of(options, answer) },
		{ "期限", "due", bd_cli_text(answer, "due") },
		{ "剩余工作日", "working days left", bd_cli_text(answer, "days_left") },
		{ "还可延期", "extensions left", bd_cli_text(answer, "extensions_left") },
		{ "告知", "notice", in_language(options, answer, "notice_zh", "notice_en") },
		{ "编号", "id", bd_cli_text(answer, "id") } };
	struct bd_cli_table table;

	bd_cli_table_begin(&table, 2, arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bd_bytes cells[] = {
			bd_bytes_of(bd_cli_say(options, rows[i].zh, rows[i].en)), rows[i].value
		};

		if (rows[i].value.len > 0) {
			bd_cli_table_add(&table, cells);
		}
	}
	bd_cli_table_print(stdout, &table, 0);
	bd_cli_table_begin(&table, 4, arena);
	for (const struct bd_json *change = history != NULL ? history->first : NULL; change != NULL;
		change = change->next) {
		show_change(options, &table, change, arena);
	}
	bd_cli_table_print(stdout, &table, 2);
}

/* METHOD /v1/obligations/ID and what hangs from it; body "" = none. */
static enum bd_cli_exit ask_one(const struct bd_cli_options *options, const char *method,
	const char *tail, struct bd_bytes body)
{
	static const struct bd_cli_view view = { is_always_good, show_one };
	struct bd_cli_request request = { .method = method, .text = body };
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path;
	enum bd_code code;

	request.content_type = body.len > 0 ? "application/json" : NULL;
	bd_buf_init(&path, PATH_MAX_BYTES);
	code = bd_buf_add_text(&path, "/v1/obligations/");
	code = code == BD_OK ? bd_cli_escape(&path, options->args[1]) : code;
	code = code == BD_OK ? bd_buf_add_text(&path, tail) : code;
	code = code == BD_OK ? bd_buf_add_byte(&path, '\0') : code;
	if (code == BD_OK) {
		request.path = path.ptr;
		result = bd_cli_ask(options, &request, &view);
	} else {
		bd_cli_notice(options, "编号过长", "the id is too long");
	}
	bd_buf_release(&path);
	return result;
}

/* -- more time -- */

static enum bd_cli_exit extend(const struct bd_cli_options *options)
{
	struct bd_json_writer w;
	struct bd_buf body;
	enum bd_cli_exit result = BD_CLI_USAGE;

	if ((options->working_days == NULL) == (options->due == NULL) || options->reason == NULL ||
		options->operator_name == NULL) {
		bd_cli_notice(options,
			"请给出 --working-days 或 --due 之一，以及 --reason 与 --operator",
			"give one of --working-days and --due, and --reason and --operator");
		return BD_CLI_USAGE;
	}
	if (options->working_days != NULL &&
		(strlen(options->working_days) > 4 || strspn(options->working_days, "0123456789") !=
							      strlen(options->working_days))) {
		bd_cli_notice(
			options, "--working-days 应为整数", "--working-days is a whole number");
		return BD_CLI_USAGE;
	}
	bd_buf_init(&body, BODY_MAX_BYTES);
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	if (options->working_days != NULL) {
		bd_jw_raw(&w, "working_days", bd_bytes_of(options->working_days));
	} else {
		bd_jw_text(&w, "due", options->due);
	}
	bd_jw_text(&w, "reason", options->reason);
	bd_jw_text(&w, "operator", options->operator_name);
	bd_jw_object_end(&w);
	if (w.code == BD_OK) {
		result = ask_one(options, "POST", "/extend", bd_buf_bytes(&body));
	}
	bd_buf_release(&body);
	return result;
}

/* -- a material -- */

static enum bd_code digest_file(uint8_t out[BD_DIGEST_BYTES], FILE *file)
{
	static char block[BLOCK_BYTES];
	struct bd_sha256 *sha = NULL;
	enum bd_code code = bd_sha256_new(&sha);
	size_t len = 1;

	while (code == BD_OK && len > 0) {
		len = fread(block, 1, sizeof(block), file);
		code = bd_sha256_update(sha, (struct bd_bytes){ block, len });
	}
	code = code == BD_OK && ferror(file) ? BD_IO : code;
	code = code == BD_OK ? bd_sha256_final(sha, out) : code;
	bd_sha256_free(sha);
	return code;
}

/* The file itself stays here: what is reported is its digest. */
static bool read_digest(
	char hex[2 * BD_DIGEST_BYTES + 1], const struct bd_cli_options *options, const char *path)
{
	uint8_t digest[BD_DIGEST_BYTES];
	FILE *file = fopen(path, "rbe");
	bool is_good = file != NULL && digest_file(digest, file) == BD_OK;

	if (is_good) {
		bd_hex(hex, digest, sizeof(digest));
	} else {
		fprintf(stderr, "bidui: %s: %s\n", path,
			file != NULL ? bd_cli_say(options, "无法读取", "cannot be read")
				     : strerror(errno));
	}
	if (file != NULL) {
		fclose(file);
	}
	return is_good;
}

static enum bd_cli_exit materials(const struct bd_cli_options *options)
{
	char hex[2 * BD_DIGEST_BYTES + 1], at[30];
	struct bd_json_writer w;
	struct bd_buf body;
	enum bd_cli_exit result = BD_CLI_USAGE;

	if (options->arg_count != 3) {
		bd_cli_notice(options, "请给出材料文件：bidui obligation materials ID FILE",
			"name the file of the material: bidui obligation materials ID FILE");
		return BD_CLI_USAGE;
	}
	if (!read_digest(hex, options, options->args[2])) {
		return BD_CLI_USAGE;
	}
	bd_time_format(at, bd_clock_wall_ms());
	bd_buf_init(&body, BODY_MAX_BYTES);
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "state", options->is_e_licence ? "e_licence" : "supplied");
	bd_jw_text(&w, "digest", hex);
	bd_jw_text(&w, "at", options->at != NULL ? options->at : at);
	bd_jw_object_end(&w);
	if (w.code == BD_OK) {
		result = ask_one(options, "POST", "/materials", bd_buf_bytes(&body));
	}
	bd_buf_release(&body);
	return result;
}

enum bd_cli_exit bd_cli_obligation(const struct bd_cli_options *options)
{
	static const char *const names[] = { "show", "extend", "materials" };

	if (strcmp(options->args[0], "show") == 0 && options->arg_count == 2) {
		return ask_one(options, "GET", "", (struct bd_bytes){ NULL, 0 });
	}
	if (strcmp(options->args[0], "extend") == 0 && options->arg_count == 2) {
		return extend(options);
	}
	if (strcmp(options->args[0], "materials") == 0) {
		return materials(options);
	}
	bd_cli_unknown(options, "没有这个子命令，或参数有误",
		"no such command, or not its arguments", options->args[0], names,
		sizeof(names) / sizeof(names[0]));
	return BD_CLI_USAGE;
}
