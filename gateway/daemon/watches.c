/* watches.c - GET /v1/watches: an approval engine asks which of its own cases to look at again,
 * from where it stopped, and may wait a while for the next one.
 *
 * Waiting costs a look at one number a few times a second.
 */
#include "daemon/watches.h"

#include "base/clock.h"
#include "base/limits.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PAGE 1000
#define PAGE_MAX_BYTES 8388608
#define LOOK_MS 200

struct asked {
	struct bd_call call;
	uint64_t after;
	uint64_t seen; /* the newest event of anybody, at the last look */
	int64_t until_ms;
	uv_timer_t timer;
	bool is_waiting;
};

/* -- as JSON -- */

static const char *what_name(enum bd_watch_what what)
{
	static const char *const names[] = { [BD_WATCH_CHANGED] = "changed",
		[BD_WATCH_ADDED] = "added",
		[BD_WATCH_CORRECTED_PERIOD] = "corrected_period",
		[BD_WATCH_RECALLED] = "recalled",
		[BD_WATCH_DISPUTED] = "disputed" };

	return names[what];
}

static void write_event(
	struct bd_json_writer *w, const struct bd_watch *event, const struct bd_dictionary *dict)
{
	const struct bd_entity *entity = bd_dictionary_entity_number(dict, event->entity);
	char receipt[BD_TRAIL_ID_TEXT_BYTES];

	bd_trail_id_write(receipt, &event->receipt);
	bd_jw_object(w, NULL);
	bd_jw_u64(w, "seq", event->number);
	bd_jw_text(w, "receipt", receipt);
	bd_jw_bytes(w, "case", event->case_number);
	bd_jw_bytes(w, "matter", event->matter);
	bd_jw_text(w, "what", what_name(event->what));
	bd_jw_text(w, "source", event->source);
	if (entity != NULL) {
		bd_jw_text(w, "entity", entity->name);
		bd_jw_text(w, "label_zh", entity->label_zh);
	}
	bd_jw_time(w, "at", event->at_ms);
	if (event->is_cut) {
		bd_jw_bool(w, "cut", true);
	}
	bd_jw_object_end(w);
}

void bd_watches_write(struct bd_json_writer *w, const struct bd_watch_page *page,
	const struct bd_dictionary *dict)
{
	bd_jw_array(w, "watches");
	for (size_t i = 0; i < page->count; i++) {
		write_event(w, &page->items[i], dict);
	}
	bd_jw_array_end(w);
}

/* -- the answer -- */

static void on_closed(uv_handle_t *handle)
{
	struct asked *asked = CONTAINER(struct asked, timer, handle);

	bd_call_close(&asked->call);
	free(asked);
}

/* The exchange has been answered. */
static void end(struct asked *asked)
{
	uv_close((uv_handle_t *)&asked->timer, on_closed);
}

static enum bd_code write_page(struct bd_buf *body, const struct asked *asked,
	const struct bd_watch_page *page, struct bd_diag *diag)
{
	const struct bd_call *call = &asked->call;
	struct bd_cursor cursor = { { page->count > 0 ? page->items[page->count - 1].number
						      : asked->after } };
	char next[BD_CURSOR_TEXT_BYTES];
	struct bd_json_writer w;
	enum bd_code code = bd_cursor_write(
		next, &cursor, call->loop->daemon->cursor_key, call->sender->name, "watches", "");

	bd_jw_init(&w, body);
	bd_jw_object(&w, NULL);
	bd_watches_write(&w, page, call->setup->dict);
	bd_jw_bool(&w, "more", page->has_more);
	bd_jw_text(&w, "next", next);
	bd_jw_object_end(&w);
	code = code == BD_OK ? w.code : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static enum bd_code load(struct bd_watch_page *page, const struct asked *asked,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_store_reader *reader = asked->call.loop->reader;
	const struct bd_watch_query query = { asked->call.sender->name, asked->after, PAGE };
	enum bd_code code = bd_store_begin(reader, diag);

	if (code == BD_OK) {
		code = bd_store_watches(page, reader, &query, arena, diag);
		bd_store_end(reader);
	}
	return code;
}

/* *is_over false: there is nothing yet, and it may wait. */
static enum bd_code try_answer(bool *is_over, struct asked *asked, struct bd_diag *diag)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	struct bd_watch_page page = { .items = NULL };
	struct bd_arena arena;
	struct bd_buf body;
	enum bd_code code;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&body, PAGE_MAX_BYTES);
	code = load(&page, asked, &arena, diag);
	*is_over = code != BD_OK || page.count > 0 || asked->call.loop->is_draining ||
		   bd_clock_monotonic_ms() >= asked->until_ms;
	if (code == BD_OK && *is_over) {
		code = write_page(&body, asked, &page, diag);
	}
	if (code == BD_OK && *is_over) {
		bd_http_respond(asked->call.exchange, 200, headers, bd_buf_bytes(&body));
	}
	bd_buf_release(&body);
	bd_arena_release(&arena);
	return code;
}

static void refuse(struct asked *asked, const struct bd_diag *diag)
{
	asked->call.loop->counts.refused++;
	bd_problem_respond(asked->call.exchange, diag, NULL);
}

static void look(struct asked *asked)
{
	struct bd_diag diag = { .code = BD_OK };
	bool is_over = false;
	enum bd_code code = try_answer(&is_over, asked, &diag);

	if (code != BD_OK) {
		diag.code = code;
		refuse(asked, &diag);
	}
	if (code != BD_OK || is_over) {
		end(asked);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct asked *asked = CONTAINER(struct asked, timer, timer);
	struct bd_loop *loop = asked->call.loop;
	uint64_t last = bd_store_watch_last(loop->daemon->store);

	if (last != asked->seen || loop->is_draining ||
		bd_clock_monotonic_ms() >= asked->until_ms) {
		asked->seen = last;
		look(asked);
	}
}

/* -- the call -- */

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	(void)call;
	(void)bytes;
}

static void on_body_end(struct bd_call *call)
{
	struct asked *asked = CONTAINER(struct asked, call, call);

	asked->is_waiting = true;
	uv_timer_start(&asked->timer, on_timer, LOOK_MS, LOOK_MS);
	look(asked);
}

static void on_abort(struct bd_call *call)
{
	bd_http_end(call->exchange);
	end(CONTAINER(struct asked, call, call));
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

static enum bd_code read_wait(struct asked *asked, struct bd_bytes query, struct bd_diag *diag)
{
	char text[8];
	enum bd_code code;
	long seconds = 0;

	if (bd_call_parameter(text, sizeof(text), &code, query, "wait")) {
		seconds = strtol(text, NULL, 10);
		if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' ||
			seconds > BD_WATCH_WAIT_MAX_S) {
			code = BD_QUESTION_FORM;
		}
	}
	if (code != BD_OK) {
		return bd_fail(
			diag, BD_QUESTION_FORM, "wait is 0 to %d seconds", BD_WATCH_WAIT_MAX_S);
	}
	asked->until_ms = bd_clock_monotonic_ms() + seconds * 1000;
	return BD_OK;
}

static enum bd_code read_question(struct asked *asked, struct bd_diag *diag)
{
	const struct bd_call *call = &asked->call;
	struct bd_bytes query = bd_http_query(call->exchange);
	char text[BD_CURSOR_TEXT_BYTES] = "";
	struct bd_cursor cursor;
	enum bd_code code = read_wait(asked, query, diag);

	if (code != BD_OK) {
		return code;
	}
	if (!bd_call_parameter(text, sizeof(text), &code, query, "since")) {
		return code == BD_OK ? BD_OK : bd_fail(diag, BD_CURSOR_INVALID, "%s", "");
	}
	code = bd_cursor_read(
		&cursor, text, call->loop->daemon->cursor_key, call->sender->name, "watches", "");
	asked->after = code == BD_OK ? cursor.numbers[0] : 0;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

void bd_watches_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_diag diag = { .code = BD_OK };
	struct asked *asked = calloc(1, sizeof(*asked));

	(void)parts;
	if (asked == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&asked->call, &call_ops, loop, exchange, sender);
	uv_timer_init(&loop->uv, &asked->timer);
	asked->seen = bd_store_watch_last(loop->daemon->store);
	if (read_question(asked, &diag) != BD_OK) {
		refuse(asked, &diag);
		end(asked);
	}
}
