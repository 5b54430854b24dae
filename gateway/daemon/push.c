/* push.c - POST /v1/sources/{source}/{feed}: a message from the network, read and answered;
 * taking.h has what becomes of it between. The answer goes to a ticket when the client preferred
 * not to wait.
 */
#include "base/clock.h"
#include "daemon/reply_to.h"
#include "daemon/routes.h"
#include "daemon/taking.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct push {
	struct bd_call call; /* its exchange is over when `to` has a ticket */
	struct bd_reply_to to;
	struct bd_taking taking;
	bool is_later_preferred;
};

static void push_free(struct push *push)
{
	bd_taking_close(&push->taking);
	bd_reply_close(&push->to);
	bd_call_close(&push->call);
	free(push);
}

/* -- what becomes of it -- */

static void on_room(struct bd_taking *taking)
{
	bd_http_resume(CONTAINER(struct push, taking, taking)->call.exchange);
}

static void on_done(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	struct push *push = CONTAINER(struct push, taking, taking);

	if (receipt != NULL) {
		bd_reply_receipt(&push->to, receipt, &taking->arena);
	} else {
		bd_reply_problem(&push->to, diag, taking->request.plan->source);
	}
	push_free(push);
}

static const struct bd_taking_ops taking_ops = { on_room, NULL, on_done };

/* -- what the client sends -- */

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct push *push = CONTAINER(struct push, call, call);

	if (bd_taking_give(&push->taking, bytes) == BD_TAKING_HOLD) {
		bd_http_pause(call->exchange);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct push *push = CONTAINER(struct push, call, call);
	const struct bd_taking_request *request = &push->taking.request;

	if (bd_taking_end(&push->taking) != BD_TAKING_DONE && push->is_later_preferred &&
		!request->is_dry_run) {
		bd_reply_later(&push->to, request->plan->source, request->feed->name);
	}
}

/* A message that came whole is stored although nobody waits for the receipt; a retry finds it by
 * its key. */
static void on_abort(struct bd_call *call)
{
	static const struct bd_diag truncated = { .code = BD_MESSAGE_TRUNCATED };
	struct push *push = CONTAINER(struct push, call, call);

	if (!push->taking.is_body_over) {
		bd_taking_refuse(&push->taking, &truncated);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

/* -- what was asked -- */

static enum bd_code read_delivery(struct push *push, struct bd_bytes query, struct bd_diag *diag)
{
	char text[32], *end;
	enum bd_code code;

	if (bd_call_parameter(text, sizeof(text), &code, query, "delivery") &&
		!bd_day_parse(&push->taking.request.delivery.day, bd_bytes_of(text))) {
		code = BD_QUESTION_FORM;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "delivery is yyyy-MM-dd, once");
	}
	push->taking.request.delivery.has_total =
		bd_call_parameter(text, sizeof(text), &code, query, "total");
	if (push->taking.request.delivery.has_total) {
		push->taking.request.delivery.total = strtoull(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '\0' || strlen(text) > 18) {
			code = BD_QUESTION_FORM;
		}
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "total is a number of records, once");
	}
	code = bd_call_flag(&push->taking.request.delivery.is_baseline, query, "baseline");
	if (code == BD_OK) {
		code = bd_call_flag(&push->taking.request.is_dry_run, query, "dry_run");
	}
	if (code == BD_OK) {
		code = bd_call_flag(&push->taking.request.is_atomic, query, "atomic");
	}
	return code == BD_OK
		       ? BD_OK
		       : bd_fail(diag, code, "baseline, dry_run and atomic are true or false");
}

static enum bd_code read_headers(struct push *push, struct bd_diag *diag)
{
	const struct bd_http_exchange *exchange = push->call.exchange;
	struct bd_bytes coding = bd_http_header(exchange, "content-encoding");
	struct bd_bytes key = bd_http_header(exchange, "idempotency-key");

	if (coding.ptr != NULL && !bd_bytes_is(coding, "identity")) {
		if (!bd_bytes_is(coding, "gzip")) {
			return bd_fail(diag, BD_HTTP_MEDIA_TYPE, "Content-Encoding: gzip or none");
		}
		push->taking.request.is_gzip = true;
	}
	if (key.len > BD_TAKING_KEY_MAX_BYTES || (key.ptr != NULL && key.len == 0)) {
		return bd_fail(diag, BD_QUESTION_FORM, "Idempotency-Key has 1 to %d bytes",
			BD_TAKING_KEY_MAX_BYTES);
	}
	if (key.len > 0) {
		memcpy(push->taking.request.key, key.ptr, key.len);
	}
	push->is_later_preferred = bd_reply_prefers_later(bd_http_header(exchange, "prefer"));
	bd_taking_charset(&push->taking.request, bd_http_header(exchange, "content-type"));
	return bd_subject_header(&push->taking.request.subject,
		bd_http_header(exchange, "bidui-subject"), push->call.setup->dict,
		&push->taking.arena, diag);
}

static enum bd_code find_feed(
	struct push *push, const struct bd_route_parts *parts, struct bd_diag *diag)
{
	char name[128];

	push->taking.request.plan = bd_setup_plan(push->call.setup, parts->first);
	if (push->taking.request.plan == NULL || parts->second.len >= sizeof(name)) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "no such source");
	}
	snprintf(name, sizeof(name), "%.*s", (int)parts->second.len, parts->second.ptr);
	push->taking.request.feed = bd_plan_feed(push->taking.request.plan, name);
	if (push->taking.request.feed == NULL) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "source %s has no such feed",
			push->taking.request.plan->source);
	}
	if (!bd_access_speaks_for(push->call.sender, push->taking.request.plan->source)) {
		return bd_fail(diag, BD_AUTH_SOURCE, "%s", push->taking.request.plan->source);
	}
	return BD_OK;
}

static struct push *push_new(
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender)
{
	struct push *push = calloc(1, sizeof(*push));

	if (push == NULL) {
		return NULL;
	}
	bd_call_open(&push->call, &call_ops, loop, exchange, sender);
	push->to = (struct bd_reply_to){ .loop = loop, .sender = sender, .exchange = exchange };
	push->taking.request.sender = sender;
	if (bd_taking_open(&push->taking, &taking_ops, loop) != BD_OK) {
		push_free(push);
		return NULL;
	}
	return push;
}

void bd_push_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_diag diag = { .code = BD_OK };
	struct push *push = push_new(loop, exchange, sender);
	enum bd_code code;

	if (push == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	code = find_feed(push, parts, &diag);
	code = code == BD_OK ? bd_taking_may_begin(&push->taking, &diag) : code;
	if (code == BD_OK) {
		code = bd_audit_caller_kept(&push->taking.request.caller, &loop->audit, exchange,
			sender->name, &push->taking.arena);
		push->to.caller = &push->taking.request.caller;
		code = code == BD_OK ? BD_OK : bd_fail(&diag, code, "%s", "");
	}
	if (code == BD_OK) {
		code = read_delivery(push, bd_http_query(exchange), &diag);
	}
	if (code == BD_OK) {
		code = read_headers(push, &diag);
	}
	if (code != BD_OK) {
		bd_problem_respond(exchange, &diag, NULL);
		bd_count(&loop->counts.refused, 1);
		push_free(push);
	}
}
