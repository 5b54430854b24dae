#include "daemon/asking.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A form with its payload, and the longest cursor. */
#define ARENA_BYTES (4 * BD_FORM_MAX_BYTES)

static void start(struct bd_asking *asking);
static void maybe_closed(struct bd_asking *asking);

/* -- how it ended -- */

/* Whether the department, or the way to it, is to blame: what the circuit counts. */
static enum bd_turn_outcome outcome_of(enum bd_code code)
{
	const struct bd_code_info *info = bd_code_info(code);

	if (code == BD_OK || code == BD_SOURCE_NOT_FOUND || code == BD_SOURCE_SEVERAL ||
		code == BD_MESSAGE_ALL_REJECTED || code == BD_MESSAGE_ATOMIC) {
		return BD_TURN_GOOD;
	}
	if (code == BD_ASK_FORM || code == BD_CONFIG_MEANING || code == BD_NO_MEMORY ||
		(info->status >= 500 && info->status != 502 && info->status != 504 &&
			code != BD_CONNECT)) {
		return BD_TURN_VOID;
	}
	return BD_TURN_BAD;
}

static void close_taking(struct bd_asking *asking)
{
	if (asking->is_taking_open) {
		asking->is_taking_open = false;
		bd_taking_close(&asking->taking);
	}
}

/* Nobody is answered: so this is all the trace that a failure leaves. */
static void enter_failure(struct bd_asking *asking, enum bd_code code)
{
	bd_count(&asking->loop->counts.refused, 1);
	if (bd_audit_refusal(&asking->loop->audit, &asking->caller, code, asking->how,
		    "/v1/sources/*/*") != BD_OK) {
		bd_log(BD_LOG_ERROR, "sources", "trail", "%s/%s: %s is not on the trail",
			asking->plan->source, asking->feed->name, bd_code_info(code)->text);
	}
}

static uint64_t records_us(const struct bd_asking *asking)
{
	uint64_t first_ns = asking->taking.first_ns;

	return first_ns > asking->head_ns ? (first_ns - asking->head_ns) / 1000 : 0;
}

static void tell(struct bd_asking *asking, const struct bd_diag *diag, struct bd_receipt *receipt)
{
	struct bd_asked asked = { .diag = *diag,
		.receipt = receipt,
		.page = receipt != NULL ? &asking->page : NULL,
		.is_unchanged = asking->is_unchanged,
		.times = asking->tried > 0 ? &asking->times : NULL,
		.records_us = receipt != NULL ? records_us(asking) : 0 };

	if (diag->code != BD_OK && receipt == NULL) {
		enter_failure(asking, diag->code);
		close_taking(asking);
	}
	asking->ops->on_asked(asking, &asked);
}

static void on_retry(uv_timer_t *timer)
{
	start(CONTAINER(struct bd_asking, timer, timer));
}

static bool may_retry(const struct bd_asking *asking, enum bd_code code)
{
	uint32_t tries = asking->tries != 0 ? asking->tries : asking->endpoint->plan->tries;

	return !asking->is_final && bd_code_info(code)->is_retryable && code != BD_ASK_CIRCUIT &&
	       asking->tried < tries;
}

static void retry(struct bd_asking *asking)
{
	uint64_t random = 0, wait_ms;

	if (bd_random((uint8_t *)&random, sizeof(random)) != BD_OK) {
		random = UINT64_MAX;
	}
	wait_ms = bd_backoff_ms(
		asking->tried, BD_SOURCE_BACKOFF_MS, BD_SOURCE_BACKOFF_MAX_MS, random);
	wait_ms = wait_ms > asking->retry_after_ms ? wait_ms : asking->retry_after_ms;
	uv_timer_start(&asking->timer, on_retry, wait_ms, 0);
}

/* The transfer is over, one way or the other, and so is the message. */
static void finish(struct bd_asking *asking, const struct bd_diag *diag, struct bd_receipt *receipt)
{
	enum bd_code code = receipt != NULL ? receipt->code : diag->code;

	if (asking->turn.has_turn) {
		bd_turn_end(&asking->turn, outcome_of(code), code);
	}
	if (receipt == NULL && may_retry(asking, diag->code)) {
		close_taking(asking);
		retry(asking);
		return;
	}
	tell(asking, diag, receipt);
}

/* -- the message -- */

static void on_room(struct bd_taking *taking)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, taking, taking);

	asking->is_held = false;
	bd_http_fetch_resume(&asking->fetch);
}

static void on_result(
	struct bd_taking *taking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, taking, taking);

	asking->page = result->page;
	if (asking->cursor[0] != '\0') {
		asking->page.next = bd_bytes_of(asking->cursor);
	}
	if (asking->ops->on_result != NULL) {
		struct bd_intake_result seen = *result;

		seen.page = asking->page;
		asking->ops->on_result(asking, &seen, entry);
	}
}

static void on_done(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	static const struct bd_diag good = { .code = BD_OK };
	struct bd_asking *asking = CONTAINER(struct bd_asking, taking, taking);

	if (asking->on_closed != NULL) {
		maybe_closed(asking);
		return;
	}
	if (asking->fetch.parts != NULL) {
		/* Refused while it came. Within libcurl's callback: on_end has the rest. */
		asking->taking_diag = *diag;
		asking->is_refused = true;
		if (!asking->is_in_callback) {
			bd_http_fetch_cancel(&asking->fetch);
			finish(asking, &asking->taking_diag, NULL);
		}
		return;
	}
	finish(asking, diag != NULL ? diag : &good, receipt);
}

static const struct bd_taking_ops taking_ops = { on_room, on_result, on_done };

static void fill_request(struct bd_asking *asking)
{
	struct bd_taking_request *request = &asking->taking.request;

	request->plan = asking->plan;
	request->feed = asking->feed;
	request->sender = asking->sender;
	request->caller = asking->caller;
	request->delivery = asking->delivery;
	request->is_dry_run = asking->is_dry_run;
	request->is_gzip = asking->is_gzip;
	request->subject = asking->subject;
	request->max_bytes = asking->endpoint->plan->max_bytes;
	if (asking->key != NULL) {
		snprintf(request->key, sizeof(request->key), "%s", asking->key);
	}
}

static enum bd_code open_taking(struct bd_asking *asking)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	memset(&asking->taking, 0, sizeof(asking->taking));
	code = bd_taking_open(&asking->taking, &taking_ops, asking->loop);
	asking->is_taking_open = true;
	asking->is_held = false;
	fill_request(asking);
	return code == BD_OK ? bd_taking_may_begin(&asking->taking, &diag) : code;
}

/* -- the answer -- */

static void keep(char *out, size_t size, struct bd_bytes value)
{
	out[0] = '\0';
	if (value.ptr != NULL && value.len < size && !bd_text_has_control(value)) {
		memcpy(out, value.ptr, value.len);
		out[value.len] = '\0';
	}
}

static void keep_headers(struct bd_asking *asking)
{
	struct bd_http_fetch *fetch = &asking->fetch;
	struct bd_bytes after = bd_http_fetch_header(fetch, "retry-after");
	uint64_t seconds = 0;

	keep(asking->new_etag, sizeof(asking->new_etag), bd_http_fetch_header(fetch, "etag"));
	keep(asking->new_last_modified, sizeof(asking->new_last_modified),
		bd_http_fetch_header(fetch, "last-modified"));
	asking->cursor[0] = '\0';
	if (asking->form != NULL && asking->form->cursor_header != NULL) {
		keep(asking->cursor, sizeof(asking->cursor),
			bd_http_fetch_header(fetch, asking->form->cursor_header));
	}
	for (size_t i = 0; i < after.len && i < 6 && after.ptr[i] >= '0' && after.ptr[i] <= '9';
		i++) {
		seconds = seconds * 10 + (uint64_t)(after.ptr[i] - '0');
	}
	asking->retry_after_ms = seconds * 1000 < BD_SOURCE_BACKOFF_MAX_MS
					 ? seconds * 1000
					 : BD_SOURCE_BACKOFF_MAX_MS;
}

static enum bd_code on_head(struct bd_http_fetch *fetch, int status)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, fetch, fetch);
	struct bd_bytes coding = bd_http_fetch_header(fetch, "content-encoding");
	enum bd_code code;

	asking->status = status;
	asking->head_ns = uv_hrtime();
	keep_headers(asking);
	if (status == 304 && (asking->etag != NULL || asking->last_modified != NULL)) {
		asking->is_unchanged = true;
		return BD_OK;
	}
	if (status < 200 || status > 299) {
		asking->is_final = status < 500 && status != 408 && status != 425 && status != 429;
		return BD_ASK_STATUS;
	}
	if (coding.ptr != NULL && !bd_bytes_is(coding, "identity") &&
		!bd_bytes_is(coding, "gzip")) {
		return BD_HTTP_MEDIA_TYPE;
	}
	code = open_taking(asking);
	asking->taking.request.is_gzip = coding.ptr != NULL && bd_bytes_is(coding, "gzip");
	bd_taking_charset(&asking->taking.request, bd_http_fetch_header(fetch, "content-type"));
	return code;
}

static enum bd_code on_body(struct bd_http_fetch *fetch, struct bd_bytes bytes, bool *is_held)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, fetch, fetch);
	enum bd_taking_next next;

	if (asking->is_unchanged) {
		return BD_OK;
	}
	if (!asking->is_taking_open) { /* a file has no head */
		enum bd_code code = open_taking(asking);

		asking->head_ns = uv_hrtime();
		if (code != BD_OK) {
			return code;
		}
	}
	if (asking->is_held) {
		*is_held = true;
		return BD_OK;
	}
	asking->is_in_callback = true;
	next = bd_taking_give(&asking->taking, bytes);
	asking->is_in_callback = false;
	asking->is_held = next == BD_TAKING_HOLD;
	return next == BD_TAKING_DONE ? asking->taking_diag.code : BD_OK;
}

static void say_status(struct bd_diag *diag, const struct bd_asking *asking)
{
	bd_fail(diag, BD_ASK_STATUS, "HTTP %d", asking->status);
}

static void on_end(struct bd_http_fetch *fetch, const struct bd_http_fetch_end *end)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, fetch, fetch);
	struct bd_diag diag = { .code = BD_OK };

	asking->times = end->times;
	if (asking->is_refused) {
		finish(asking, &asking->taking_diag, NULL);
	} else if (end->diag.code == BD_ASK_STATUS) {
		say_status(&diag, asking);
		finish(asking, &diag, NULL);
	} else if (end->diag.code != BD_OK) {
		/* Half of a message is none. */
		finish(asking, &end->diag, NULL);
	} else if (asking->is_unchanged) {
		finish(asking, &diag, NULL);
	} else if (!asking->is_taking_open && open_taking(asking) != BD_OK) {
		diag.code = BD_NO_MEMORY;
		finish(asking, &diag, NULL);
	} else {
		bd_taking_end(&asking->taking);
	}
}

static const struct bd_http_fetch_ops fetch_ops = { on_head, on_body, on_end };

/* -- the request -- */

static void add_header(struct bd_asking *asking, size_t *count, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0') {
		asking->headers[(*count)++] = (struct bd_http_header){ name, value };
	}
}

static enum bd_code make_values(struct bd_asking *asking)
{
	const struct bd_endpoint_run *endpoint = asking->endpoint;
	size_t count = asking->value_count + endpoint->value_count;
	struct bd_form_value *values = bd_arena_alloc(&asking->arena, count, sizeof(*values));

	if (values == NULL) {
		return BD_NO_MEMORY;
	}
	for (size_t i = 0; i < count; i++) {
		values[i] = i < asking->value_count ? asking->values[i]
						    : endpoint->values[i - asking->value_count];
	}
	asking->given.values = values;
	asking->given.value_count = count;
	return BD_OK;
}

static enum bd_code make_form(struct bd_asking *asking, struct bd_diag *diag)
{
	enum bd_code code = make_values(asking);
	size_t count = 0;

	asking->given.now_ms = bd_clock_wall_ms();
	asking->given.serial = bd_asking_serial(asking->given.now_ms);
	code = code == BD_OK ? bd_random(asking->given.random, sizeof(asking->given.random)) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "request");
	}
	code = bd_form_make(&asking->request, asking->form, asking->endpoint->plan->base,
		&asking->given, &asking->arena, diag);
	for (; code == BD_OK && count < asking->request.header_count; count++) {
		asking->headers[count] =
			(struct bd_http_header){ asking->request.headers[count].name,
				asking->request.headers[count].value };
	}
	add_header(asking, &count, "Accept-Encoding", "gzip");
	add_header(asking, &count, "If-None-Match", asking->etag);
	add_header(asking, &count, "If-Modified-Since", asking->last_modified);
	asking->headers[count] = (struct bd_http_header){ NULL, NULL };
	return code;
}

static void on_turn(struct bd_turn *turn)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, turn, turn);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = BD_OK;

	asking->tried++;
	if (asking->form != NULL) {
		code = make_form(asking, &diag);
	}
	if (code == BD_OK) {
		asking->http = (struct bd_http_request){ .method = asking->request.method,
			.url = asking->request.url,
			.headers = asking->form != NULL ? asking->headers : NULL,
			.bytes = asking->request.body,
			.is_fresh = asking->is_trial };
		asking->fetch.ops = &fetch_ops;
		code = bd_http_fetch_start(asking->endpoint->fetcher, &asking->fetch,
			asking->endpoint->client, &asking->http, &diag);
	}
	if (code != BD_OK) {
		diag.code = code;
		asking->is_final = true;
		finish(asking, &diag, NULL);
	}
}

static void on_refused(struct bd_turn *turn, const struct bd_diag *diag)
{
	finish(CONTAINER(struct bd_asking, turn, turn), diag, NULL);
}

static const struct bd_turn_ops turn_ops = { on_turn, on_refused };

static void start(struct bd_asking *asking)
{
	close_taking(asking);
	bd_arena_clear(&asking->arena);
	asking->is_held = asking->is_refused = asking->is_unchanged = asking->is_final = false;
	asking->status = 0;
	asking->retry_after_ms = 0;
	asking->cursor[0] = '\0';
	asking->page = (struct bd_page){ .is_last = false };
	asking->turn.is_free = asking->is_trial;
	bd_turn_take(asking->endpoint, &asking->turn);
}

/* -- its life -- */

uint64_t bd_asking_serial(int64_t now_ms)
{
	static uint64_t last; /* atomic */
	uint64_t next = (uint64_t)now_ms, seen = __atomic_load_n(&last, __ATOMIC_RELAXED);

	do {
		next = next > seen ? next : seen + 1;
	} while (!__atomic_compare_exchange_n(
		&last, &seen, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return next;
}

void bd_asking_open(struct bd_asking *asking)
{
	asking->turn.ops = &turn_ops;
	bd_arena_init(&asking->arena, ARENA_BYTES);
	uv_timer_init(&asking->loop->uv, &asking->timer);
}

void bd_asking_ask(struct bd_asking *asking)
{
	asking->tried = 0;
	start(asking);
}

void bd_asking_give_up(struct bd_asking *asking)
{
	struct bd_diag diag = { .code = BD_OK };

	if (asking->fetch.parts != NULL) {
		bd_http_fetch_cancel(&asking->fetch);
		asking->is_final = true;
		bd_fail(&diag, BD_CONNECT_TIMEOUT, "%s/%s", asking->plan->source,
			asking->feed->name);
		finish(asking, &diag, NULL);
	}
}

/* What the writer has is stored, and comes back. */
static void maybe_closed(struct bd_asking *asking)
{
	if (!asking->is_timer_closed ||
		(asking->is_taking_open && asking->taking.state == BD_TAKING_WRITING)) {
		return;
	}
	close_taking(asking);
	bd_arena_release(&asking->arena);
	asking->on_closed(asking);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_asking *asking = CONTAINER(struct bd_asking, timer, handle);

	asking->is_timer_closed = true;
	maybe_closed(asking);
}

void bd_asking_close(struct bd_asking *asking, void (*on_closed)(struct bd_asking *asking))
{
	bd_http_fetch_cancel(&asking->fetch);
	bd_turn_cancel(&asking->turn);
	asking->on_closed = on_closed;
	if (asking->is_taking_open && asking->taking.state != BD_TAKING_WRITING) {
		close_taking(asking);
	}
	uv_close((uv_handle_t *)&asking->timer, on_timer_closed);
}
