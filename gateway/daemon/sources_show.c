#include "daemon/sources_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct bd_board_row *x = a, *y = b;
	int order = strcmp(x->source, y->source);

	order = order != 0 ? order : (int)x->kind - (int)y->kind;
	return order != 0 ? order : strcmp(x->name, y->name);
}

/* NULL: there is nothing, or no room. The caller frees. */
static struct bd_board_row *read_rows(size_t *count, const struct bd_daemon *daemon)
{
	struct bd_board_row *rows = calloc(BD_BOARD_ROWS_MAX, sizeof(*rows));

	*count = 0;
	if (rows != NULL) {
		*count = bd_source_board_read(rows, BD_BOARD_ROWS_MAX, daemon->board);
		qsort(rows, *count, sizeof(*rows), by_name);
	}
	return rows;
}

static const char *state_of(const struct bd_board_row *row)
{
	static const char *const circuits[] = { [BD_BREAKER_CLOSED] = "closed",
		[BD_BREAKER_OPEN] = "open",
		[BD_BREAKER_TRIAL] = "trial" };

	switch (row->kind) {
	case BD_BOARD_PULL:
	case BD_BOARD_DATABASE:
		return row->is_running ? "running" : "waiting";
	case BD_BOARD_LOOK_UP:
		return row->busy > 0 ? "running" : "waiting";
	case BD_BOARD_CONNECTION:
		break;
	}
	return circuits[row->state];
}

static void write_row(struct bd_json_writer *w, const struct bd_board_row *row)
{
	static const char *const kinds[] = { [BD_BOARD_CONNECTION] = "connection",
		[BD_BOARD_PULL] = "pull",
		[BD_BOARD_LOOK_UP] = "look_up",
		[BD_BOARD_DATABASE] = "database" };

	bd_jw_object(w, NULL);
	bd_jw_text(w, "source", row->source);
	bd_jw_text(w, "name", row->name);
	bd_jw_text(w, "kind", kinds[row->kind]);
	bd_jw_text(w, "state", state_of(row));
	bd_jw_u64(w, "asked", row->asked);
	bd_jw_u64(w, "failed", row->failed);
	bd_jw_u64(w, "refused", row->refused);
	bd_jw_u64(w, "busy", row->busy);
	bd_jw_u64(w, "waiting", row->waiting);
	bd_jw_u64(w, "late", row->late);
	bd_jw_u64(w, "pages", row->pages);
	bd_jw_u64(w, "records", row->records);
	bd_jw_u64(w, "unchanged", row->unchanged);
	bd_jw_u64(w, "marked", row->marked);
	bd_jw_text(w, "code", bd_code_info(row->last)->text);
	bd_jw_time(w, "last", row->last_ms);
	bd_jw_time(w, "good", row->good_ms);
	bd_jw_time(w, "next", row->next_ms);
	bd_jw_object_end(w);
}

void bd_sources_write(struct bd_json_writer *w, const struct bd_daemon *daemon)
{
	size_t count;
	struct bd_board_row *rows = read_rows(&count, daemon);

	bd_jw_array(w, "sources");
	for (size_t i = 0; i < count; i++) {
		write_row(w, &rows[i]);
	}
	bd_jw_array_end(w);
	free(rows);
}

/* -- figures -- */

static uint64_t state_number(const struct bd_board_row *row)
{
	return (uint64_t)row->state;
}

#define FIELD(name)                                                                                \
	static uint64_t name##_of(const struct bd_board_row *row)                                  \
	{                                                                                          \
		return row->name;                                                                  \
	}
FIELD(asked)
FIELD(failed)
FIELD(refused)
FIELD(late)
FIELD(busy)
FIELD(waiting)
FIELD(pages)
FIELD(records)
FIELD(unchanged)
FIELD(rows)
FIELD(marked)

static uint64_t is_failing(const struct bd_board_row *row)
{
	return row->last != BD_OK;
}

static uint64_t good_s(const struct bd_board_row *row)
{
	return (uint64_t)(row->good_ms / 1000);
}

static const struct {
	const char *name, *help, *type;
	enum bd_board_kind kind;
	uint64_t (*value)(const struct bd_board_row *row);
} figures[] = {
	{ "bidui_source_requests_total", "requests to a source", "counter", BD_BOARD_CONNECTION,
		asked_of },
	{ "bidui_source_failures_total", "requests that the source failed", "counter",
		BD_BOARD_CONNECTION, failed_of },
	{ "bidui_source_refusals_total", "ended for a limit, an address or a redirect", "counter",
		BD_BOARD_CONNECTION, refused_of },
	{ "bidui_source_circuit", "0 closed, 1 open, 2 one trial", "gauge", BD_BOARD_CONNECTION,
		state_number },
	{ "bidui_pull_runs_total", "pulls that ended", "counter", BD_BOARD_PULL, asked_of },
	{ "bidui_pull_failures_total", "pulls that failed", "counter", BD_BOARD_PULL, failed_of },
	{ "bidui_pull_pages_total", "pages stored", "counter", BD_BOARD_PULL, pages_of },
	{ "bidui_pull_records_total", "records accepted", "counter", BD_BOARD_PULL, records_of },
	{ "bidui_pull_unchanged_total", "pulls told that nothing has changed", "counter",
		BD_BOARD_PULL, unchanged_of },
	{ "bidui_pull_good_seconds", "when one last ended well", "gauge", BD_BOARD_PULL, good_s },
	{ "bidui_look_ups_total", "subjects that a source was asked about for cases", "counter",
		BD_BOARD_LOOK_UP, asked_of },
	{ "bidui_look_up_failures_total", "of them that came to nothing", "counter",
		BD_BOARD_LOOK_UP, failed_of },
	{ "bidui_look_ups_refused_total", "not asked: the circuit is open, or too many wait",
		"counter", BD_BOARD_LOOK_UP, refused_of },
	{ "bidui_look_ups_late_total", "cases that did not wait until the answer came", "counter",
		BD_BOARD_LOOK_UP, late_of },
	{ "bidui_look_ups_in_flight", "subjects that a source is asked about now", "gauge",
		BD_BOARD_LOOK_UP, busy_of },
	{ "bidui_look_up_cases_waiting", "cases that wait for the answer", "gauge",
		BD_BOARD_LOOK_UP, waiting_of },
	{ "bidui_database_rows_total", "rows read and stored", "counter", BD_BOARD_DATABASE,
		rows_of },
	{ "bidui_database_batches_total", "batches stored", "counter", BD_BOARD_DATABASE,
		pages_of },
	{ "bidui_database_marked_total", "rows whose flag was written back", "counter",
		BD_BOARD_DATABASE, marked_of },
	{ "bidui_database_failures_total", "batches that failed", "counter", BD_BOARD_DATABASE,
		failed_of },
	{ "bidui_database_failing", "1 where the last batch failed", "gauge", BD_BOARD_DATABASE,
		is_failing },
	{ "bidui_database_good_seconds", "when one last went well", "gauge", BD_BOARD_DATABASE,
		good_s },
};

enum bd_code bd_sources_figures(struct bd_buf *out, const struct bd_daemon *daemon)
{
	size_t count;
	struct bd_board_row *rows = read_rows(&count, daemon);
	enum bd_code code = BD_OK;

	for (size_t f = 0; f < sizeof(figures) / sizeof(figures[0]) && count > 0; f++) {
		code = code == BD_OK
			       ? bd_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", figures[f].name,
					 figures[f].help, figures[f].name, figures[f].type)
			       : code;
		for (size_t i = 0; i < count && code == BD_OK; i++) {
			if (rows[i].kind == figures[f].kind) {
				code = bd_buf_printf(out,
					"%s{source=\"%s\",name=\"%s\"} %" PRIu64 "\n",
					figures[f].name, rows[i].source, rows[i].name,
					figures[f].value(&rows[i]));
			}
		}
	}
	free(rows);
	return code;
}
