/* messages.c - what became of pushed messages: their rejects page by page, and the receipt of each
 * again. */
#include "base/json_write.h"
#include "base/limits.h"
#include "daemon/document.h"
#include "daemon/reply_to.h"
#include "daemon/routes.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX_BYTES 8388608
#define REJECTS_PAGE 1000

static void refuse(
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_diag *diag)
{
	bd_count(&loop->counts.refused, 1);
	bd_problem_respond(exchange, diag, NULL);
}

static void refuse_code(struct bd_loop *loop, struct bd_http_exchange *exchange, enum bd_code code,
	const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", detail);
	refuse(loop, exchange, &diag);
}

struct rejects_request {
	char source[65];
	struct bd_reject_query query;
	const struct bd_sender *sender;
};

static enum bd_code write_next(struct bd_document *document, const struct rejects_request *asked,
	const struct bd_reject_page *page)
{
	const struct bd_cursor cursor = { { asked->query.only_message, page->next_message,
		page->next_skip } };
	char next[BD_CURSOR_TEXT_BYTES];
	enum bd_code code = bd_cursor_write(next, &cursor, document->loop->daemon->cursor_key,
		asked->sender->name, "rejects", asked->source);

	if (code == BD_OK) {
		bd_jw_text(&document->json, "next", next);
		snprintf(document->link, sizeof(document->link),
			"</v1/rejects?source=%s&cursor=%s>; rel=\"next\"", asked->source, next);
	}
	return code;
}

static enum bd_code write_rejects(struct bd_document *document, void *given)
{
	struct rejects_request *asked = given;
	struct bd_json_writer *w = &document->json;
	struct bd_reject_page page;
	char id[24];
	enum bd_code code = bd_store_rejects(
		&page, document->loop->reader, &asked->query, &document->arena, &document->diag);

	if (code != BD_OK) {
		return code;
	}
	bd_jw_object(w, NULL);
	bd_jw_array(w, "rejects");
	for (size_t i = 0; i < page.count; i++) {
		bd_jw_object(w, NULL);
		bd_call_message_id(id, page.items[i].message);
		bd_jw_text(w, "message", id);
		bd_jw_text(w, "feed", page.items[i].feed);
		bd_jw_time(w, "received", page.items[i].received_ms);
		bd_reject_write(w, "reject", &page.items[i].reject);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
	code = page.has_more ? write_next(document, asked, &page) : BD_OK;
	bd_jw_object_end(w);
	return code;
}

static enum bd_code read_message_number(uint64_t *out, struct bd_bytes text)
{
	uint64_t number = 0;

	if (text.len == 0 || text.len > 18) {
		return BD_QUESTION_FORM;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return BD_QUESTION_FORM;
		}
		number = number * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*out = number;
	return BD_OK;
}

/* Goes into a header as it is. */
static bool is_name(const char *text)
{
	return text[0] != '\0' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* The page that is asked for: by a cursor, or the first one, of all messages or of one. */
static enum bd_code read_page(struct rejects_request *asked, const struct bd_loop *loop,
	struct bd_bytes query, struct bd_diag *diag)
{
	struct bd_reject_query *page = &asked->query;
	char text[BD_CURSOR_TEXT_BYTES] = "";
	struct bd_cursor cursor;
	enum bd_code code;

	*page = (struct bd_reject_query){ .source = asked->source, .max = REJECTS_PAGE };
	if (bd_call_parameter(text, sizeof(text), &code, query, "message")) {
		code = read_message_number(&page->only_message, bd_bytes_of(text));
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "message is the number of one");
	}
	page->message = page->only_message;
	if (!bd_call_parameter(text, sizeof(text), &code, query, "cursor")) {
		return code == BD_OK ? BD_OK : bd_fail(diag, BD_CURSOR_INVALID, "%s", "");
	}
	code = bd_cursor_read(&cursor, text, loop->daemon->cursor_key, asked->sender->name,
		"rejects", asked->source);
	if (code == BD_OK && page->only_message != 0 && page->only_message != cursor.numbers[0]) {
		code = BD_CURSOR_INVALID;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	page->only_message = cursor.numbers[0];
	page->message = cursor.numbers[1];
	page->skip = cursor.numbers[2];
	return BD_OK;
}

void bd_rejects_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct rejects_request asked = { .sender = sender };
	struct bd_bytes query = bd_http_query(exchange);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	(void)parts;
	if (!bd_call_parameter(asked.source, sizeof(asked.source), &code, query, "source") ||
		!is_name(asked.source)) {
		refuse_code(loop, exchange, BD_QUESTION_FORM, "source is the name of one, once");
		return;
	}
	if (!bd_access_has(sender, BD_SENDER_OPERATOR) &&
		!bd_access_speaks_for(sender, asked.source)) {
		refuse_code(loop, exchange, BD_AUTH_SOURCE, "");
		return;
	}
	code = read_page(&asked, loop, query, &diag);
	if (code != BD_OK) {
		refuse(loop, exchange, &diag);
		return;
	}
	bd_document_answer(loop, exchange, write_rejects, &asked);
}

/* -- what became of one message -- */

static void respond_receipt(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, uint64_t message)
{
	struct bd_document document;
	struct bd_receipt receipt;
	enum bd_code code;

	bd_document_begin(&document, loop, exchange);
	code = bd_receipt_read(&receipt, loop, sender, message, &document.arena, &document.diag);
	code = code == BD_OK ? bd_receipt_write(&document.body, &receipt, &document.arena) : code;
	bd_document_end(&document, code);
}

/* The problem that the push would have been answered. */
static void respond_refused(struct bd_loop *loop, struct bd_http_exchange *exchange,
	struct bd_bytes id, const struct bd_ticket *ticket)
{
	struct bd_json_writer w;
	struct bd_buf body, problem;
	enum bd_code code;

	bd_buf_init(&body, BODY_MAX_BYTES);
	bd_buf_init(&problem, BODY_MAX_BYTES);
	code = bd_problem_write(
		&problem, &ticket->diag, ticket->source, bd_problem_is_english(exchange));
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	bd_jw_bytes(&w, "message", id);
	bd_jw_text(&w, "state", "refused");
	bd_jw_text(&w, "source", ticket->source);
	bd_jw_text(&w, "feed", ticket->feed);
	bd_jw_raw(&w, "problem", bd_buf_bytes(&problem));
	bd_jw_object_end(&w);
	if (code == BD_OK && w.code == BD_OK) {
		bd_document_respond(exchange, "application/json", "", bd_buf_bytes(&body));
	} else {
		refuse_code(loop, exchange, BD_NO_MEMORY, "");
	}
	bd_buf_release(&problem);
	bd_buf_release(&body);
}

static void respond_ticket(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, struct bd_bytes id)
{
	struct bd_ticket ticket;
	struct bd_arena arena;
	char text[BD_TICKET_ID_BYTES];
	enum bd_code code;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	code = bd_tickets_find(&ticket, loop->daemon->tickets, id, &arena);
	if (code == BD_OK && !bd_access_has(sender, BD_SENDER_OPERATOR) &&
		!bd_access_speaks_for(sender, ticket.source)) {
		code = BD_RECEIPT_UNKNOWN;
	}
	if (code != BD_OK) {
		refuse_code(loop, exchange, code, "");
		bd_arena_release(&arena);
		return;
	}
	switch (ticket.state) {
	case BD_TICKET_RUNNING:
		snprintf(text, sizeof(text), "%.*s", (int)id.len, id.ptr);
		bd_reply_running(exchange, text, ticket.source, ticket.feed, false);
		break;
	case BD_TICKET_STORED:
		respond_receipt(loop, exchange, sender, ticket.message);
		break;
	case BD_TICKET_REFUSED:
		respond_refused(loop, exchange, id, &ticket);
		break;
	case BD_TICKET_RECEIPT:
		bd_document_respond(exchange, "application/json", "", ticket.receipt);
		break;
	}
	bd_arena_release(&arena);
}

void bd_message_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	uint64_t message;

	if (read_message_number(&message, parts->first) == BD_OK) {
		respond_receipt(loop, exchange, sender, message);
	} else {
		respond_ticket(loop, exchange, sender, parts->first);
	}
}
