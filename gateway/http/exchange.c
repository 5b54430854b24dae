#include "http/connection.h"

#include <string.h>

/* -- taking a request -- */

static bool has_body(const struct bd_http_head *head)
{
	return head->is_chunked || head->content_length > 0;
}

static bool is_body_whole(const struct bd_http_exchange *x)
{
	return x->block->head.is_chunked ? x->chunks.is_done : x->body_left == 0;
}

bool bd_http_is_body_cut(const struct bd_http_exchange *x)
{
	return x->phase == BD_HTTP_BODY && x->is_eof && x->at == x->end && !is_body_whole(x);
}

/* The body has come whole: the handler hears of it when it is what it was said to be. */
static void end_body(struct bd_http_exchange *x)
{
	uint8_t digest[BD_DIGEST_BYTES];
	if (x->is_expected && (bd_sha256_final(x->sha, digest) != BD_OK ||
				      memcmp(digest, x->expected_sha256, sizeof(digest)) != 0)) {
		bd_http_connection_refuse(x, BD_AUTH_DIGEST);
		return;
	}
	x->loop->handler->ops->on_body_end(x->loop->handler, x);
}

static void request(struct bd_http_exchange *x)
{
	x->loop->handler->ops->on_request(x->loop->handler, x);
	if (x->is_handled && !x->is_aborted && !x->is_deferred && x->phase == BD_HTTP_ANSWERING) {
		end_body(x);
	}
}

bool bd_http_take_again(struct bd_http_exchange *x)
{
	if (!x->is_asked_again) {
		return false;
	}
	x->is_deferred = x->is_asked_again = false;
	request(x);
	return true;
}

static void start(struct bd_http_exchange *x)
{
	const struct bd_http_head *head = &x->block->head;
	x->is_handled = true;
	x->is_begun = x->is_aborted = x->is_paused = x->is_streaming = false;
	x->is_chunking = x->is_full = x->is_last = false;
	x->is_expected = x->is_deferred = x->is_asked_again = false;
	x->is_watched = x->is_sounded = false;
	x->is_head_method = bd_bytes_is(head->method, "HEAD");
	x->is_continue_due = head->is_continue_expected && !head->is_1_0 && has_body(head);
	x->chunks = (struct bd_http_chunks){ 0 };
	x->body_left = head->content_length;
	x->body_bytes = 0;
	x->state = NULL;
	x->caller = NULL;
	x->since_ms = uv_now(x->loop->uv);
	x->phase = has_body(head) ? BD_HTTP_BODY : BD_HTTP_ANSWERING;
	request(x);
}

/* Puts the head, found in front of what is waiting, where its fields may point to. */
static void settle_head(struct bd_http_exchange *x, size_t len)
{
	struct bd_http_block *block = x->block;
	if (x->at > 0) {
		memmove(block->bytes, block->bytes + x->at, x->end - x->at);
		x->end -= x->at;
	}
	x->at = x->head_len = len;
	x->scanned = 0;
}

static enum bd_code read_head(struct bd_http_exchange *x, bool *has)
{
	struct bd_bytes waiting = { x->block->bytes + x->at, x->end - x->at };
	size_t len = 0;
	enum bd_code code = bd_http_scan_head(&len, &x->scanned, waiting, NULL);
	*has = len > 0;
	if (code != BD_OK) {
		return code;
	}
	if (len > BD_HTTP_HEADER_MAX_BYTES ||
		(len == 0 && waiting.len >= BD_HTTP_HEADER_MAX_BYTES)) {
		return BD_HTTP_HEADER_SIZE;
	}
	if (len == 0) {
		return BD_OK;
	}
	settle_head(x, len);
	code = bd_http_parse_head(&x->block->head, (struct bd_bytes){ x->block->bytes, len }, NULL);
	return code == BD_OK && x->block->head.has_unknown_expectation ? BD_HTTP_EXPECTATION : code;
}

bool bd_http_take_head(struct bd_http_exchange *x)
{
	bool has = false;
	if (x->at == x->end) {
		return false;
	}
	enum bd_code code = read_head(x, &has);
	if (code != BD_OK) {
		bd_http_connection_refuse(x, code);
		return false;
	}
	if (has) {
		start(x);
	}
	return has;
}

/* The next run of body bytes, taken off what is waiting; may be empty. */
static enum bd_code next_run(struct bd_bytes *run, struct bd_http_exchange *x)
{
	struct bd_bytes rest = { x->block->bytes + x->at, x->end - x->at };
	enum bd_code code = BD_OK;
	if (x->block->head.is_chunked) {
		code = bd_http_next_chunk(run, &x->chunks, &rest, NULL);
		x->at = x->end - rest.len;
	} else {
		run->ptr = rest.ptr;
		run->len = rest.len < x->body_left ? rest.len : (size_t)x->body_left;
		x->body_left -= run->len;
		x->at += run->len;
	}
	x->body_bytes += run->len;
	return code;
}

bool bd_http_take_body(struct bd_http_exchange *x)
{
	const struct bd_http_ops *ops = x->loop->handler->ops;
	struct bd_bytes run = { NULL, 0 };
	if (x->is_paused) {
		return false;
	}
	if (next_run(&run, x) != BD_OK) {
		bd_http_connection_refuse(x, BD_HTTP_FRAMING);
		return false;
	}
	if (run.len > 0 && x->is_expected && bd_sha256_update(x->sha, run) != BD_OK) {
		bd_http_connection_refuse(x, BD_INTERNAL);
		return false;
	}
	if (run.len > 0) {
		x->is_continue_due = false;
		ops->on_body(x->loop->handler, x, run);
	}
	if (x->phase != BD_HTTP_BODY || x->is_paused || x->is_closing || !is_body_whole(x)) {
		return run.len > 0;
	}
	x->phase = BD_HTTP_ANSWERING;
	end_body(x);
	return true;
}

void bd_http_pass_body(struct bd_http_exchange *x)
{
	if (x->phase == BD_HTTP_BODY && !x->block->head.is_chunked && x->body_left > 0 &&
		x->body_left <= x->end - x->at) {
		x->at += (size_t)x->body_left;
		x->body_left = 0;
		x->phase = BD_HTTP_ANSWERING;
	}
}

/* Due until the first byte of the body: a client that is not told sends it after a while. */
void bd_http_send_continue(struct bd_http_exchange *x)
{
	if (!x->is_continue_due || x->phase != BD_HTTP_BODY || x->is_paused || x->is_streaming) {
		return;
	}
	x->is_continue_due = false;
	if (x->at == x->end && bd_buf_add_text(&x->out, "HTTP/1.1 100 Continue\r\n\r\n") != BD_OK) {
		bd_http_connection_close(x);
	}
}

/* -- what the handler asks -- */

struct bd_bytes bd_http_method(const struct bd_http_exchange *x)
{
	return x->block->head.method;
}

struct bd_bytes bd_http_path(const struct bd_http_exchange *x)
{
	return x->block->head.path;
}

struct bd_bytes bd_http_query(const struct bd_http_exchange *x)
{
	return x->block->head.query;
}

struct bd_bytes bd_http_header_of(const struct bd_http_exchange *x, struct bd_bytes name)
{
	return bd_http_head_find(&x->block->head, name);
}

bool bd_http_has_body(const struct bd_http_exchange *x)
{
	return has_body(&x->block->head);
}

size_t bd_http_header_count(const struct bd_http_exchange *x, const char *name)
{
	return bd_http_head_count(&x->block->head, name);
}

const struct bd_http_peer *bd_http_peer(const struct bd_http_exchange *x)
{
	return x->session == NULL ? NULL : bd_http_session_peer(x->session);
}

struct bd_http_handler *bd_http_handler_of(const struct bd_http_exchange *x)
{
	return x->loop->handler;
}

void bd_http_set_state(struct bd_http_exchange *x, void *state)
{
	x->state = state;
}

void *bd_http_state(const struct bd_http_exchange *x)
{
	return x->state;
}

void bd_http_set_caller(struct bd_http_exchange *x, const void *caller)
{
	x->caller = caller;
}

const void *bd_http_caller(const struct bd_http_exchange *x)
{
	return x->caller;
}

enum bd_code bd_http_expect_body(struct bd_http_exchange *x, const uint8_t sha256[32])
{
	uint8_t unused[BD_DIGEST_BYTES];
	/* Begun anew, as a body that was cut off may have left it. */
	enum bd_code code =
		x->sha == NULL ? bd_sha256_new(&x->sha) : bd_sha256_final(x->sha, unused);
	if (code == BD_OK) {
		memcpy(x->expected_sha256, sha256, sizeof(x->expected_sha256));
		x->is_expected = true;
	}
	return code;
}

bool bd_http_is_body_expected(const struct bd_http_exchange *x)
{
	return x->is_expected;
}

void bd_http_refuse(struct bd_http_exchange *x, enum bd_code code)
{
	x->is_deferred = false;
	bd_http_connection_refuse(x, code);
	bd_http_connection_wake(x);
}

void bd_http_defer(struct bd_http_exchange *x)
{
	x->is_deferred = x->is_paused = true;
}

void bd_http_ask_again(struct bd_http_exchange *x)
{
	x->is_asked_again = true;
	x->is_paused = false;
	bd_http_connection_wake(x);
}

void bd_http_pause(struct bd_http_exchange *x)
{
	x->is_paused = true;
}

void bd_http_resume(struct bd_http_exchange *x)
{
	x->is_paused = false;
	bd_http_connection_wake(x);
}

void bd_http_watch(struct bd_http_exchange *x)
{
	x->is_watched = true;
}

/* -- what the handler answers -- */

/* Nobody is there to read it, or it was refused already. */
static bool is_moot(const struct bd_http_exchange *x)
{
	return x->is_closing || x->phase == BD_HTTP_LINGER;
}

static void finish(struct bd_http_exchange *x)
{
	x->is_handled = x->is_streaming = false;
	if (!is_moot(x)) {
		/* What is left of a body nobody wants is not read as the next request. */
		x->is_last = x->is_last || x->phase == BD_HTTP_BODY;
		x->phase = x->is_last ? BD_HTTP_LINGER : BD_HTTP_HEAD;
		x->since_ms = uv_now(x->loop->uv);
	}
	bd_http_connection_wake(x);
	bd_http_connection_settle(x);
}

void bd_http_respond(struct bd_http_exchange *x, int status, const struct bd_http_header *headers,
	struct bd_bytes body)
{
	if (!is_moot(x) && bd_http_add_answer(x, status, headers, body) != BD_OK) {
		bd_http_connection_close(x);
	}
	finish(x);
}

void bd_http_begin(struct bd_http_exchange *x, int status, const struct bd_http_header *headers)
{
	if (is_moot(x)) {
		return;
	}
	x->is_streaming = true;
	/* HTTP/1.0 has no chunks: there the end of the connection ends the answer. */
	x->is_chunking = !x->block->head.is_1_0;
	if (bd_http_add_head(x, status, headers) != BD_OK ||
		bd_buf_add_text(&x->out,
			x->is_chunking ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n") != BD_OK) {
		bd_http_connection_close(x);
	}
}

static enum bd_code add_chunk(struct bd_http_exchange *x, struct bd_bytes bytes)
{
	enum bd_code code = BD_OK;
	bd_http_mark(x);
	if (x->is_chunking) {
		code = bd_buf_printf(&x->out, "%zx\r\n", bytes.len);
	}
	if (code == BD_OK) {
		code = bd_buf_add(&x->out, bytes);
	}
	if (code == BD_OK && x->is_chunking) {
		code = bd_buf_add_text(&x->out, "\r\n");
	}
	return code;
}

bool bd_http_write(struct bd_http_exchange *x, struct bd_bytes bytes)
{
	if (is_moot(x) || bytes.len == 0 || x->is_head_method) {
		return true;
	}
	if (add_chunk(x, bytes) != BD_OK) {
		bd_http_connection_close(x);
		return true;
	}
	bd_http_connection_wake(x);
	x->is_full = bd_http_waiting(x) >= BD_HTTP_OUT_HIGH_BYTES;
	return !x->is_full;
}

void bd_http_end(struct bd_http_exchange *x)
{
	if (!is_moot(x) && x->is_chunking && !x->is_head_method &&
		bd_buf_add_text(&x->out, "0\r\n\r\n") != BD_OK) {
		bd_http_connection_close(x);
	}
	finish(x);
}
