/* watches.c - GET /v1/watches: an approval engine asks which of its own cases to look at again,
 * from where it stopped, and may wait a while for the next one.
 *
 * Waiting costs a look at one number a few times a second. Where it wants to know what its cases
 * would come to today, a thread of the pool decides them.
 */
#include "daemon/watches.h"

#include "base/clock.h"
#include "base/limits.h"
#include "daemon/asker.h"
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
	bool wants_today;
	/* the page that is answered */
	struct bd_arena arena;
	struct bd_watch_page page;
	/* of who wants to know; the thread's while is_busy */
	uv_work_t work;
	struct bd_today today;
	struct bd_diag diag;
	bool is_busy, is_gone;
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

static void write_what(
	struct bd_json_writer *w, const struct bd_watch *event, const struct bd_dictionary *dict)
{
	const struct bd_entity *entity = bd_dictionary_entity_number(dict, event->entity);

	bd_jw_text(w, "what", what_name(event->what));
	bd_jw_text(w, "source", event->source);
	if (entity != NULL) {
		bd_jw_text(w, "entity", entity->name);
		bd_jw_text(w, "label_zh", entity->label_zh);
	}
}

static void write_event(struct bd_json_writer *w, const struct bd_watch *event,
	const struct bd_setup *setup, const struct bd_asker *asker, const struct bd_today *today)
{
	const struct bd_today_case *now = bd_today_find(today, &event->receipt);
	char receipt[BD_TRAIL_ID_TEXT_BYTES];

	bd_trail_id_write(receipt, &event->receipt);
	bd_jw_object(w, NULL);
	bd_jw_u64(w, "seq", event->number);
	bd_jw_text(w, "receipt", receipt);
	bd_jw_bytes(w, "case", event->case_number);
	bd_jw_bytes(w, "matter", event->matter);
	if (bd_asker_least(asker, setup, event->matter) >= BD_DISCLOSE_CODES) {
		write_what(w, event, setup->dict);
	}
	bd_jw_time(w, "at", event->at_ms);
	if (event->is_cut) {
		bd_jw_bool(w, "cut", true);
	}
	if (now != NULL) {
		bd_jw_text(w, "would_now", now->decision);
		bd_jw_text(w, "entry", now->entry);
	}
	bd_jw_object_end(w);
}

void bd_watches_write(struct bd_json_writer *w, const struct bd_watch_page *page,
	const struct bd_setup *setup, const struct bd_asker *asker, const struct bd_today *today)
{
	bd_jw_array(w, "watches");
	for (size_t i = 0; i < page->count; i++) {
		write_event(w, &page->items[i], setup, asker, today);
	}
	bd_jw_array_end(w);
}

/* -- the answer -- */

static void on_closed(uv_handle_t *handle)
{
	struct asked *asked = CONTAINER(struct asked, timer, handle);

	bd_arena_release(&asked->arena);
	bd_call_close(&asked->call);
	free(asked);
}

/* The exchange has been answered. */
static void end(struct asked *asked)
{
	uv_close((uv_handle_t *)&asked->timer, on_closed);
}

static void refuse(struct asked *asked, const struct bd_diag *diag)
{
	bd_count(&asked->call.loop->counts.refused, 1);
	bd_problem_respond(asked->call.exchange, diag, NULL);
}

static enum bd_code write_page(struct bd_buf *body, const struct asked *asked, struct bd_diag *diag)
{
	const struct bd_call *call = &asked->call;
	const struct bd_watch_page *page = &asked->page;
	struct bd_cursor cursor = { { page->count > 0 ? page->items[page->count - 1].number
						      : asked->after } };
	char next[BD_CURSOR_TEXT_BYTES];
	struct bd_json_writer w;
	struct bd_asker asker;
	enum bd_code code = bd_cursor_write(
		next, &cursor, call->loop->daemon->cursor_key, call->sender->name, "watches", "");

	bd_jw_init(&w, body);
	bd_jw_object(&w, NULL);
	bd_asker_silent(&asker, call->setup, call->sender, bd_audit_time(&call->loop->audit));
	bd_watches_write(&w, page, call->setup, &asker, &asked->today);
	bd_jw_bool(&w, "more", page->has_more);
	bd_jw_text(&w, "next", next);
	bd_jw_object_end(&w);
	code = code == BD_OK ? w.code : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* The last word. */
static void answer(struct asked *asked, enum bd_code code, struct bd_diag *diag)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	struct bd_buf body;

	bd_buf_init(&body, PAGE_MAX_BYTES);
	code = code == BD_OK ? write_page(&body, asked, diag) : code;
	if (code == BD_OK) {
		bd_http_respond(asked->call.exchange, 200, headers, bd_buf_bytes(&body));
	} else {
		diag->code = code;
		refuse(asked, diag);
	}
	bd_buf_release(&body);
	end(asked);
}

/* -- what they would come to -- */

static void decide(uv_work_t *work)
{
	struct asked *asked = CONTAINER(struct asked, work, work);

	bd_today_decide(&asked->today, &asked->diag);
}

static void on_decided(uv_work_t *work, int status)
{
	struct asked *asked = CONTAINER(struct asked, work, work);
	const struct bd_call *call = &asked->call;
	enum bd_code code = asked->diag.code;

	(void)status;
	asked->is_busy = false;
	if (asked->is_gone) {
		end(asked);
		return;
	}
	if (code == BD_OK) {
		code = bd_today_enter(
			&asked->today, call->loop, call->exchange, call->sender, &asked->diag);
	}
	answer(asked, code, &asked->diag);
}

static void begin_today(struct asked *asked)
{
	const struct bd_call *call = &asked->call;

	asked->today.setup = call->setup;
	asked->today.store = call->loop->daemon->store;
	asked->today.page = &asked->page;
	asked->today.now_ms = bd_audit_time(&call->loop->audit);
	bd_asker_of(&asked->today.asker, call->setup, call->sender, call->exchange,
		asked->today.now_ms);
	asked->is_busy = true;
	uv_timer_stop(&asked->timer);
	if (uv_queue_work(&call->loop->uv, &asked->work, decide, on_decided) != 0) {
		asked->is_busy = false;
		answer(asked, BD_NO_MEMORY, &asked->diag);
	}
}

/* -- looking -- */

static enum bd_code load(struct asked *asked)
{
	struct bd_store_reader *reader = asked->call.loop->reader;
	const struct bd_watch_query query = { asked->call.sender->name, asked->after,
		asked->wants_today ? BD_TODAY_PAGE : PAGE };
	enum bd_code code = bd_store_begin(reader, &asked->diag);

	bd_arena_clear(&asked->arena);
	asked->page = (struct bd_watch_page){ .items = NULL };
	if (code == BD_OK) {
		code = bd_store_watches(&asked->page, reader, &query, &asked->arena, &asked->diag);
		bd_store_end(reader);
	}
	return code;
}

/* Where there is nothing yet and it may wait, nothing is done. */
static void look(struct asked *asked)
{
	enum bd_code code = load(asked);

	if (code == BD_OK && asked->page.count == 0 && !asked->call.loop->is_draining &&
		bd_clock_monotonic_ms() < asked->until_ms) {
		return;
	}
	if (code == BD_OK && asked->page.count > 0 && asked->wants_today) {
		begin_today(asked);
	} else {
		answer(asked, code, &asked->diag);
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

	uv_timer_start(&asked->timer, on_timer, LOOK_MS, LOOK_MS);
	look(asked);
}

static void on_abort(struct bd_call *call)
{
	struct asked *asked = CONTAINER(struct asked, call, call);

	bd_http_end(call->exchange);
	asked->is_gone = true;
	if (!asked->is_busy) {
		end(asked);
	}
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
	if (bd_call_flag(&asked->wants_today, query, "would_now") != BD_OK) {
		return bd_fail(diag, BD_QUESTION_FORM, "would_now is true or false");
	}
	if (asked->wants_today && bd_http_header(call->exchange, "bidui-purpose").len == 0) {
		return bd_fail(diag, BD_GRANT_PURPOSE, "would_now is a question of its own");
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
	bd_arena_init(&asked->arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_call_open(&asked->call, &call_ops, loop, exchange, sender);
	uv_timer_init(&loop->uv, &asked->timer);
	asked->seen = bd_store_watch_last(loop->daemon->store);
	if (read_question(asked, &diag) != BD_OK) {
		refuse(asked, &diag);
		end(asked);
	}
}
