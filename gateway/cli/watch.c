#include "cli/answer.h"
#include "cli/table.h"

#include <string.h>

#define PATH_MAX_BYTES 512
#define CURSOR_MAX_BYTES 128
#define ARENA_MAX_BYTES ((size_t)64 << 20)
/* The last one where it was asked for. */
#define COLUMNS 8
/* Seconds that one request of --follow waits. */
#define WAIT "25"

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static struct bd_bytes what_of(const struct bd_cli_options *options, const struct bd_json *event)
{
	static const struct {
		const char *name, *zh;
	} terms[] = { { "changed", "已变更" }, { "added", "新增" },
		{ "corrected_period", "补正往期" }, { "recalled", "已召回" },
		{ "disputed", "有异议" } };
	struct bd_bytes name = bd_cli_text(event, "what");

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]) && !options->is_english; i++) {
		if (bd_bytes_is(name, terms[i].name)) {
			return bd_bytes_of(terms[i].zh);
		}
	}
	return name;
}

static void add_head(struct bd_cli_table *table, const struct bd_cli_options *options)
{
	static const char *const zh[COLUMNS] = { "时间", "办件", "事项", "变动", "数据源", "实体",
		"回执", "今日结论" };
	static const char *const en[COLUMNS] = { "time", "case", "matter", "what", "source",
		"entity", "receipt", "today" };
	struct bd_bytes cells[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++) {
		cells[i] = bd_bytes_of(bd_cli_say(options, zh[i], en[i]));
	}
	bd_cli_table_add(table, cells);
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *events = bd_json_get(answer, "watches");
	struct bd_cli_table table;

	if (events == NULL || events->first == NULL) {
		return;
	}
	bd_cli_table_begin(&table, options->is_deciding ? COLUMNS : COLUMNS - 1, arena);
	add_head(&table, options);
	for (const struct bd_json *event = events->first; event != NULL; event = event->next) {
		const struct bd_bytes cells[COLUMNS] = { bd_cli_when(
								 bd_cli_text(event, "at"), arena),
			bd_cli_text(event, "case"), bd_cli_text(event, "matter"),
			what_of(options, event), bd_cli_text(event, "source"),
			bd_cli_text(event, options->is_english ? "entity" : "label_zh"),
			bd_cli_text(event, "receipt"), bd_cli_text(event, "would_now") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
}

/* Where to go on, and whether there is more to come at once. */
struct place {
	char cursor[CURSOR_MAX_BYTES];
	bool has_more;
};

static void take_place(struct place *place, const struct bd_cli_answer *answer)
{
	struct bd_json *json = NULL;
	struct bd_arena arena;

	place->has_more = false;
	bd_arena_init(&arena, ARENA_MAX_BYTES);
	if (bd_json_parse_answer(&json, bd_buf_bytes(&answer->body), &arena, NULL) == BD_OK) {
		struct bd_bytes next = bd_cli_text(json, "next");

		if (next.len > 0 && next.len < sizeof(place->cursor)) {
			memcpy(place->cursor, next.ptr, next.len);
			place->cursor[next.len] = '\0';
			place->has_more = bd_cli_is_true(json, "more");
		}
	}
	bd_arena_release(&arena);
}

static enum bd_cli_exit ask(
	struct place *place, const struct bd_cli_options *options, bool is_waiting)
{
	static const struct bd_cli_view view = { is_always_good, show };
	struct bd_cli_request request = { .method = "GET" };
	struct bd_cli_answer answer = { .status = 0 };
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path;
	enum bd_code code;

	bd_buf_init(&path, PATH_MAX_BYTES);
	code = bd_buf_printf(&path, "/v1/watches?wait=%s", is_waiting ? WAIT : "0");
	if (code == BD_OK && options->is_deciding) {
		code = bd_buf_add_text(&path, "&would_now=true");
	}
	if (code == BD_OK && place->cursor[0] != '\0') {
		code = bd_buf_add_text(&path, "&since=");
		code = code == BD_OK ? bd_cli_escape(&path, place->cursor) : code;
	}
	code = code == BD_OK ? bd_buf_add_byte(&path, '\0') : code;
	if (code == BD_OK) {
		request.path = path.ptr;
		result = bd_cli_send(&answer, options, &request);
		if (result == BD_CLI_OK) {
			result = bd_cli_show(options, &answer, &view);
			take_place(place, &answer);
		}
		bd_buf_release(&answer.body);
	}
	bd_buf_release(&path);
	return result;
}

enum bd_cli_exit bd_cli_watch(const struct bd_cli_options *options)
{
	struct place place = { .cursor = "" };
	enum bd_cli_exit result;

	if (options->since != NULL) {
		if (strlen(options->since) >= sizeof(place.cursor)) {
			bd_cli_notice(options, "--since 不是上次给出的标记",
				"--since is not what was given last");
			return BD_CLI_USAGE;
		}
		memcpy(place.cursor, options->since, strlen(options->since) + 1);
	}
	do {
		result = ask(&place, options, options->is_following);
		if (options->is_json && result == BD_CLI_OK) {
			fputc('\n', stdout);
		}
		fflush(stdout);
	} while (result == BD_CLI_OK && (place.has_more || options->is_following));
	if (result == BD_CLI_OK && !options->is_json) {
		fprintf(stderr, "--since %s\n", place.cursor);
	}
	return result;
}
