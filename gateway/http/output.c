#include "http/connection.h"

#include <string.h>

size_t bd_http_waiting(const struct bd_http_exchange *x)
{
	return x->out.len + x->wire.len + x->flight.len;
}

static void on_written(uv_write_t *write, int status)
{
	struct bd_http_exchange *x = write->data;
	x->is_writing = false;
	bd_buf_clear(&x->flight);
	if (status < 0) {
		bd_http_connection_close(x);
		return;
	}
	bd_http_connection_process(x);
}

/* Hands to libuv what the socket did not take; until on_written the bytes stay where they are. */
static void write_rest(struct bd_http_exchange *x, struct bd_buf *from, size_t done)
{
	struct bd_buf swap = x->flight;
	x->flight = *from;
	*from = swap;
	uv_buf_t buf = uv_buf_init(x->flight.ptr + done, (unsigned)(x->flight.len - done));
	x->write.data = x;
	x->write_ms = x->write_begun_ms = uv_now(x->loop->uv);
	x->is_writing = uv_write(&x->write, (uv_stream_t *)&x->tcp, &buf, 1, on_written) == 0;
	x->write_all = x->write_left = bd_http_connection_untaken(x);
	if (!x->is_writing) {
		bd_http_connection_close(x);
	}
}

void bd_http_mark(struct bd_http_exchange *x)
{
	const struct bd_http_ops *ops = x->loop->handler->ops;
	uint64_t mark = ops->on_mark != NULL ? ops->on_mark(x->loop->handler) : 0;
	x->mark = mark > x->mark ? mark : x->mark;
}

/* May the answers that are formed leave? */
static bool may_leave(struct bd_http_exchange *x)
{
	if (x->mark > x->loop->safe) {
		bd_http_loop_hold(x);
		return false;
	}
	x->formed = 0;
	return true;
}

void bd_http_flush(struct bd_http_exchange *x)
{
	if (x->is_closing || x->is_writing) {
		return;
	}
	struct bd_buf *from = x->session == NULL ? &x->out : &x->wire;
	bool is_held = x->out.len > 0 && !may_leave(x);
	if (is_held && x->session == NULL) {
		return;
	}
	if (x->session != NULL && x->out.len > 0 && !is_held) {
		bd_http_spare_lend(x->loop, &x->wire);
		bool is_ok = bd_http_session_write(x->session, bd_buf_bytes(&x->out));
		bd_buf_clear(&x->out);
		if (!is_ok) {
			bd_http_connection_close(x);
			return;
		}
	}
	if (from->len == 0) {
		return;
	}
	uv_buf_t buf = uv_buf_init(from->ptr, (unsigned)from->len);
	int sent = uv_try_write((uv_stream_t *)&x->tcp, &buf, 1);
	if (sent < 0 && sent != UV_EAGAIN) {
		bd_http_connection_close(x);
	} else if (sent >= 0 && (size_t)sent == from->len) {
		bd_buf_clear(from);
	} else {
		write_rest(x, from, sent > 0 ? (size_t)sent : 0);
	}
}

/* Decimal digits into text, which has room for 20; gives their count. */
static size_t write_number(char *text, uint64_t number)
{
	char digits[20];
	size_t count = 0;
	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t i = 0; i < count; i++) {
		text[i] = digits[count - 1 - i];
	}
	return count;
}

static enum bd_code add_header(struct bd_buf *out, const char *name, struct bd_bytes value)
{
	size_t name_len = strlen(name);
	enum bd_code code = bd_buf_reserve(out, name_len + value.len + 4);
	if (code != BD_OK) {
		return code;
	}
	char *at = out->ptr + out->len;
	memcpy(at, name, name_len);
	memcpy(at + name_len, ": ", 2);
	memcpy(at + name_len + 2, value.ptr, value.len);
	memcpy(at + name_len + 2 + value.len, "\r\n", 2);
	out->len += name_len + value.len + 4;
	return BD_OK;
}

enum bd_code bd_http_add_head(
	struct bd_http_exchange *x, int status, const struct bd_http_header *headers)
{
	char line[40] = "HTTP/1.1 ";
	size_t len = strlen(line);
	x->formed++;
	/* The reason is empty: clients go by the number (RFC 9112 section 4). */
	len += write_number(line + len, (uint64_t)status);
	memcpy(line + len, " \r\n", 3);
	enum bd_code code = bd_buf_add(&x->out, (struct bd_bytes){ line, len + 3 });
	if (code == BD_OK) {
		code = add_header(&x->out, "Date", bd_bytes_of(x->loop->date));
	}
	for (; code == BD_OK && headers != NULL && headers->name != NULL; headers++) {
		code = add_header(&x->out, headers->name, bd_bytes_of(headers->value));
	}
	if (!x->is_streaming) {
		bd_http_pass_body(x);
	}
	/* Whether a streaming answer leaves some of the body unread is known at its end. */
	x->is_last = x->is_last || !x->block->head.is_keep_alive || x->loop->is_draining ||
		     (x->phase == BD_HTTP_BODY && !x->is_streaming);
	if (code == BD_OK && x->is_last) {
		code = add_header(&x->out, "Connection", bd_bytes_of("close"));
	}
	return code;
}

/* More than a head of ours has, nearly always. */
#define HEAD_ROOM_BYTES 512

enum bd_code bd_http_add_answer(struct bd_http_exchange *x, int status,
	const struct bd_http_header *headers, struct bd_bytes body)
{
	char length[20];
	bool has_body = status != 204 && status != 304;
	bd_http_spare_lend(x->loop, &x->out);
	/* At once: where there was none to lend, each answer would grow one from nothing. */
	enum bd_code code = bd_buf_reserve(&x->out, HEAD_ROOM_BYTES + body.len);
	code = code == BD_OK ? bd_http_add_head(x, status, headers) : code;
	if (code == BD_OK && has_body) {
		size_t len = write_number(length, body.len);
		code = add_header(&x->out, "Content-Length", (struct bd_bytes){ length, len });
	}
	if (code == BD_OK) {
		code = bd_buf_add_text(&x->out, "\r\n");
	}
	if (code == BD_OK && has_body && !x->is_head_method) {
		code = bd_buf_add(&x->out, body);
	}
	bd_http_mark(x);
	return code;
}
