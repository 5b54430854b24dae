#include "daemon/reply_to.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "daemon/problem.h"

#include <stdio.h>
#include <strings.h>

/* One preference without its value and parameters, at *at of the list; false at the end. */
static bool next_preference(struct bd_bytes *out, struct bd_bytes list, size_t *at)
{
	size_t end = *at;

	while (*at < list.len && (list.ptr[*at] == ',' || list.ptr[*at] == ' ')) {
		(*at)++;
	}
	end = *at;
	while (end < list.len && strchr(",;= \t", list.ptr[end]) == NULL) {
		end++;
	}
	*out = (struct bd_bytes){ list.ptr + *at, end - *at };
	while (end < list.len && list.ptr[end] != ',') {
		end++;
	}
	*at = end;
	return out->len > 0;
}

bool bd_reply_prefers_later(struct bd_bytes prefer)
{
	struct bd_bytes one;
	size_t at = 0;

	while (prefer.ptr != NULL && next_preference(&one, prefer, &at)) {
		if (one.len == strlen("respond-async") &&
			strncasecmp(one.ptr, "respond-async", one.len) == 0) {
			return true;
		}
	}
	return false;
}

void bd_reply_running(struct bd_http_exchange *exchange, const char *ticket, const char *source,
	const char *feed, bool is_begun_now)
{
	char location[64];
	const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { "Retry-After", "1" },
		{ is_begun_now ? "Location" : NULL, location },
		{ "Preference-Applied", "respond-async" }, { NULL, NULL } };
	char room[512];
	struct bd_buf body = { room, 0, sizeof(room), sizeof(room) };
	struct bd_json_writer w;

	snprintf(location, sizeof(location), "/v1/messages/%s", ticket);
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "message", ticket);
	bd_jw_text(&w, "state", "running");
	bd_jw_text(&w, "source", source);
	bd_jw_text(&w, "feed", feed);
	bd_jw_object_end(&w);
	bd_http_respond(exchange, 202, headers, bd_buf_bytes(&body));
}

bool bd_reply_later(struct bd_reply_to *to, const char *source, const char *feed)
{
	if (!bd_tickets_open(to->ticket, to->loop->daemon->tickets, source, feed)) {
		return false;
	}
	to->loop->background++;
	bd_reply_running(to->exchange, to->ticket, source, feed, true);
	to->exchange = NULL;
	return true;
}

/* What is in the store is read again from there; what is not is kept, cut to its first rejects. */
static void keep_receipt(struct bd_reply_to *to, struct bd_receipt *receipt, struct bd_arena *arena)
{
	struct bd_tickets *tickets = to->loop->daemon->tickets;
	struct bd_buf body;

	if (receipt->message != 0) {
		bd_tickets_stored(tickets, to->ticket, receipt->message);
		return;
	}
	bd_buf_init(&body, BD_TICKET_RECEIPT_MAX_BYTES);
	receipt->rejects_max = BD_TICKET_REJECTS_MAX;
	if (bd_receipt_write(&body, receipt, arena) != BD_OK) {
		bd_buf_clear(&body);
	}
	bd_tickets_receipt(tickets, to->ticket, bd_buf_bytes(&body), receipt->code);
	bd_buf_release(&body);
}

void bd_reply_receipt(struct bd_reply_to *to, struct bd_receipt *receipt, struct bd_arena *arena)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	int status = receipt->code == BD_OK ? 200 : bd_code_info(receipt->code)->status;
	struct bd_buf body;

	if (to->exchange == NULL) {
		keep_receipt(to, receipt, arena);
		return;
	}
	bd_buf_init(&body, BD_REQUEST_ARENA_MAX_BYTES);
	if (bd_receipt_write(&body, receipt, arena) == BD_OK) {
		bd_http_respond(to->exchange, status, headers, bd_buf_bytes(&body));
	} else {
		bd_problem_respond_code(to->exchange, BD_NO_MEMORY, "");
	}
	bd_buf_release(&body);
}

void bd_reply_problem(struct bd_reply_to *to, const struct bd_diag *diag, const char *source)
{
	bd_count(&to->loop->counts.refused, 1);
	if (to->exchange == NULL) {
		struct bd_diag told = *diag;

		if (bd_audit_refusal(&to->loop->audit, to->caller, diag->code, "POST",
			    "/v1/sources/*/*") != BD_OK) {
			told = (struct bd_diag){ .code = BD_TRAIL_UNAVAILABLE };
		}
		bd_tickets_refused(to->loop->daemon->tickets, to->ticket, &told);
	} else {
		bd_problem_respond(to->exchange, diag, source);
	}
}

void bd_reply_close(struct bd_reply_to *to)
{
	if (to->ticket[0] != '\0') {
		bd_loop_background_end(to->loop);
	}
}
