#include "http/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void process(struct bd_http_exchange *x);
static void flush(struct bd_http_exchange *x);

static void free_when_done(struct bd_http_exchange *x)
{
	if (!x->is_open && !x->is_handled && !x->is_busy) {
		bd_http_session_free(x->session);
		bd_buf_release(&x->out);
		bd_buf_release(&x->flight);
		free(x);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct bd_http_exchange *x = (struct bd_http_exchange *)handle;
	x->is_open = false;
	bd_http_loop_forget(x);
	free_when_done(x);
}

void bd_http_connection_close(struct bd_http_exchange *x)
{
	if (x->is_closing) {
		return;
	}
	x->is_closing = true;
	if (x->is_handled && !x->is_answered && x->loop->handler->ops->on_abort != NULL) {
		x->loop->handler->ops->on_abort(x->loop->handler, x);
	}
	uv_close((uv_handle_t *)&x->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	struct bd_http_exchange *x = (struct bd_http_exchange *)handle;
	(void)hint;
	*buf = x->session != NULL
		       ? uv_buf_init(x->loop->scratch, sizeof(x->loop->scratch))
		       : uv_buf_init(x->in + x->in_len, (unsigned)(sizeof(x->in) - x->in_len));
}

/* Moves what TLS holds into the room there is. */
static void pull(struct bd_http_exchange *x)
{
	while (x->session != NULL && x->in_len < sizeof(x->in)) {
		int got = bd_http_session_read(
			x->session, x->in + x->in_len, sizeof(x->in) - x->in_len);
		if (got <= 0) {
			x->is_eof = x->is_eof || got < 0;
			return;
		}
		x->in_len += (size_t)got;
	}
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct bd_http_exchange *x = (struct bd_http_exchange *)stream;
	if (got == 0) {
		return;
	}
	if (got < 0 && got != UV_EOF) {
		bd_http_connection_close(x);
		return;
	}
	if (got < 0) {
		x->is_eof = true;
	} else if (x->session == NULL) {
		x->in_len += (size_t)got;
	} else if (!bd_http_session_feed(x->session, (struct bd_bytes){ buf->base, (size_t)got })) {
		bd_http_connection_close(x);
		return;
	}
	process(x);
}

/* Reading follows from the state: room in the buffer, no pause, answers taken by the client. */
static void set_reading(struct bd_http_exchange *x)
{
	bool is_wanted = !x->is_closing && !x->is_eof && x->in_len < sizeof(x->in) &&
			 x->out.len + x->flight.len < BD_HTTP_OUT_HIGH &&
			 !(x->phase == BODY && x->is_paused);
	if (is_wanted && !x->is_reading) {
		uv_read_start((uv_stream_t *)&x->tcp, on_alloc, on_read);
	} else if (!is_wanted && x->is_reading) {
		uv_read_stop((uv_stream_t *)&x->tcp);
	}
	x->is_reading = is_wanted;
}

static void on_written(uv_write_t *write, int status)
{
	struct bd_http_exchange *x =
		write->handle == NULL ? NULL : (struct bd_http_exchange *)write->handle;
	x->is_writing = false;
	bd_buf_clear(&x->flight);
	if (status < 0) {
		bd_http_connection_close(x);
		return;
	}
	process(x);
	if (!x->is_closing && x->is_full && x->out.len + x->flight.len < BD_HTTP_OUT_HIGH / 2) {
		x->is_full = false;
		if (x->loop->handler->ops->on_writable != NULL) {
			x->loop->handler->ops->on_writable(x->loop->handler, x);
		}
	}
}

static bool fill_flight(struct bd_http_exchange *x)
{
	if (x->session == NULL) {
		struct bd_buf swap = x->flight;
		x->flight = x->out;
		x->out = swap;
		return true;
	}
	bool is_ok = bd_http_session_write(x->session, bd_buf_bytes(&x->out));
	bd_buf_clear(&x->out);
	return bd_http_session_drain(x->session, &x->flight) == BD_OK && is_ok;
}

static void flush(struct bd_http_exchange *x)
{
	if (x->is_closing || x->is_writing) {
		return;
	}
	bool is_ok = fill_flight(x);
	uv_buf_t buf = uv_buf_init(x->flight.ptr, (unsigned)x->flight.len);
	int sent = x->flight.len == 0 ? 0 : uv_try_write((uv_stream_t *)&x->tcp, &buf, 1);
	size_t done = sent > 0 ? (size_t)sent : 0;
	if ((sent < 0 && sent != UV_EAGAIN) || !is_ok) {
		bd_http_connection_close(x);
	} else if (done == x->flight.len) {
		bd_buf_clear(&x->flight);
	} else {
		buf = uv_buf_init(x->flight.ptr + done, (unsigned)(x->flight.len - done));
		x->is_writing =
			uv_write(&x->write, (uv_stream_t *)&x->tcp, &buf, 1, on_written) == 0;
		x->write_ms = uv_now(x->loop->uv);
		x->write_left = buf.len;
		if (!x->is_writing) {
			bd_http_connection_close(x);
		}
	}
}

static void drop(struct bd_http_exchange *x, size_t len)
{
	memmove(x->in, x->in + len, x->in_len - len);
	x->in_len -= len;
}

static void add_head(struct bd_http_exchange *x, int status, const struct bd_http_header *headers)
{
	bd_buf_printf(&x->out, "HTTP/1.1 %d \r\n", status);
	for (; headers != NULL && headers->name != NULL; headers++) {
		bd_buf_printf(&x->out, "%s: %s\r\n", headers->name, headers->value);
	}
	x->is_last = x->is_last || !x->head.is_keep_alive || x->loop->is_draining;
	if (x->is_last) {
		bd_buf_add_text(&x->out, "Connection: close\r\n");
	}
}

static void add_answer(struct bd_http_exchange *x, int status, const struct bd_http_header *headers,
	struct bd_bytes body)
{
	x->is_last = x->is_last || x->phase == BODY;
	add_head(x, status, headers);
	enum bd_code code = bd_buf_printf(&x->out, "Content-Length: %zu\r\n\r\n", body.len);
	if (code != BD_OK || (!x->is_head_method && bd_buf_add(&x->out, body) != BD_OK)) {
		bd_http_connection_close(x);
	}
}

static void refuse(struct bd_http_exchange *x, enum bd_code code)
{
	static const struct bd_http_header headers[] = {
		{ "Content-Type", "application/problem+json" }, { NULL, NULL }
	};
	const struct bd_code_info *info = bd_code_info(code);
	struct bd_buf body;
	bd_buf_init(&body, 65536);
	const struct bd_http_ops *ops = x->loop->handler->ops;
	if (ops->on_problem == NULL || ops->on_problem(x->loop->handler, code, &body) != BD_OK) {
		bd_buf_clear(&body);
		bd_buf_printf(&body, "{\"status\":%d,\"code\":\"%s\"}", info->status, info->text);
	}
	x->is_last = true;
	add_answer(x, info->status, headers, bd_buf_bytes(&body));
	bd_buf_release(&body);
	if (x->is_handled && ops->on_abort != NULL) {
		ops->on_abort(x->loop->handler, x);
	}
	x->is_answered = true;
	x->phase = LINGER;
	x->since_ms = uv_now(x->loop->uv);
}

static void finish(struct bd_http_exchange *x)
{
	x->is_handled = false;
	x->is_streaming = false;
	if (x->is_closing) {
		free_when_done(x);
		return;
	}
	if (x->phase != LINGER) {
		/* What is left of a body nobody wants is not read as the next request. */
		x->is_last = x->is_last || x->phase == BODY;
		x->phase = x->is_last ? LINGER : HEAD;
		x->is_answered = x->is_last;
		x->scanned = 0;
		x->since_ms = uv_now(x->loop->uv);
	}
	if (!x->is_busy) {
		process(x);
	}
}

static void start_exchange(struct bd_http_exchange *x)
{
	const struct bd_http_ops *ops = x->loop->handler->ops;
	bool has_body = x->head.is_chunked || x->head.content_length > 0;
	x->is_head_method = bd_bytes_is(x->head.method, "HEAD");
	x->chunks = (struct bd_http_chunks){ 0 };
	x->body_left = x->head.content_length;
	x->body_bytes = 0;
	x->is_paused = x->is_full = x->is_answered = false;
	x->phase = has_body ? BODY : ANSWERING;
	x->is_handled = true;
	x->state = NULL;
	x->since_ms = uv_now(x->loop->uv);
	ops->on_request(x->loop->handler, x);
	if (x->is_handled && x->phase == BODY && x->head.is_continue_expected && x->in_len == 0) {
		bd_buf_add_text(&x->out, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	if (x->is_handled && !has_body && !x->is_answered) {
		ops->on_body_end(x->loop->handler, x);
	}
}

/* True when a request began. */
static bool take_head(struct bd_http_exchange *x)
{
	size_t end = 0;
	struct bd_bytes in = { x->in, x->in_len };
	enum bd_code code = bd_http_scan_head(&end, &x->scanned, in, NULL);
	if (code == BD_OK &&
		(end > BD_HTTP_HEADER_MAX || (end == 0 && in.len >= BD_HTTP_HEADER_MAX))) {
		code = BD_HTTP_HEADER_SIZE;
	}
	if (code == BD_OK && end == 0) {
		return false;
	}
	if (code == BD_OK) {
		memcpy(x->head_bytes, x->in, end);
		drop(x, end);
		code = bd_http_parse_head(&x->head, (struct bd_bytes){ x->head_bytes, end }, NULL);
	}
	if (code == BD_OK && x->head.has_unknown_expectation) {
		code = BD_HTTP_EXPECTATION;
	}
	if (code != BD_OK) {
		x->is_head_method = false;
		refuse(x, code);
		return false;
	}
	start_exchange(x);
	return true;
}

/* True when there was something to give or the body ended. */
static bool take_body(struct bd_http_exchange *x)
{
	const struct bd_http_ops *ops = x->loop->handler->ops;
	struct bd_bytes rest = { x->in, x->in_len }, data = { x->in, 0 };
	if (x->is_paused || x->is_answered) {
		return false;
	}
	if (x->head.is_chunked) {
		if (bd_http_next_chunk(&data, &x->chunks, &rest, NULL) != BD_OK) {
			refuse(x, BD_HTTP_FRAMING);
			return false;
		}
	} else {
		data.len = rest.len < x->body_left ? rest.len : (size_t)x->body_left;
		rest.len -= data.len;
		x->body_left -= data.len;
	}
	bool is_end = x->head.is_chunked ? x->chunks.is_done : x->body_left == 0;
	x->body_bytes += data.len;
	if (data.len > 0) {
		ops->on_body(x->loop->handler, x, data);
	}
	drop(x, x->in_len - rest.len);
	if (is_end && x->is_handled && x->phase == BODY) {
		x->phase = ANSWERING;
		ops->on_body_end(x->loop->handler, x);
	}
	return data.len > 0 || is_end;
}

static bool step(struct bd_http_exchange *x)
{
	if (x->is_closing || x->out.len + x->flight.len >= BD_HTTP_OUT_HIGH) {
		return false;
	}
	switch (x->phase) {
	case HEAD:
		return x->in_len > 0 && take_head(x);
	case BODY:
		return take_body(x);
	case LINGER:
		x->in_len = 0;
		return false;
	case ANSWERING:
		return false;
	}
	return false;
}

/* The one place that moves a connection on; answers of one turn leave in one write. */
static void process(struct bd_http_exchange *x)
{
	if (x->is_busy) {
		return;
	}
	x->is_busy = true;
	do {
		pull(x);
	} while (step(x));
	flush(x);
	bool is_idle = !x->is_handled && !x->is_writing && x->out.len == 0;
	bool is_cut = x->is_eof && x->phase == BODY && !x->is_paused;
	if (is_cut || (is_idle && (x->is_eof || (x->loop->is_draining && x->in_len == 0 &&
							x->phase == HEAD)))) {
		bd_http_connection_close(x);
	} else if (is_idle && x->phase == LINGER && x->is_answered) {
		x->is_answered = false;
		x->since_ms = uv_now(x->loop->uv);
		if (x->session != NULL) {
			bd_http_session_close(x->session);
			flush(x);
		}
		uv_os_fd_t fd;
		if (!x->is_closing && uv_fileno((uv_handle_t *)&x->tcp, &fd) == 0) {
			shutdown(fd, SHUT_WR);
		}
	}
	set_reading(x);
	x->is_busy = false;
	free_when_done(x);
}

void bd_http_connection_start(struct bd_http_exchange *x, struct bd_http_tls *tls)
{
	bd_buf_init(&x->out, BD_HTTP_OUT_MAX);
	bd_buf_init(&x->flight, BD_HTTP_OUT_MAX);
	x->since_ms = uv_now(x->loop->uv);
	uv_tcp_nodelay(&x->tcp, 1);
	if (tls != NULL && (x->session = bd_http_session_new(tls)) == NULL) {
		bd_http_connection_close(x);
		return;
	}
	set_reading(x);
}

void bd_http_connection_tick(struct bd_http_exchange *x, uint64_t now)
{
	const struct bd_http_settings *s = &x->loop->settings;
	uint64_t age = now > x->since_ms ? now - x->since_ms : 0;
	if (x->is_closing) {
		return;
	}
	if (x->is_writing && x->write_left != x->tcp.write_queue_size) {
		x->write_left = x->tcp.write_queue_size;
		x->write_ms = now;
	}
	bool is_stuck = x->is_writing && now - x->write_ms > s->write_ms;
	bool is_begun = x->in_len > 0 || x->session != NULL;
	if (is_stuck ||
		(x->phase == LINGER && !x->is_handled && !x->is_writing &&
			age > BD_HTTP_LINGER_MS) ||
		(x->phase == HEAD && x->in_len == 0 && age > s->idle_ms)) {
		bd_http_connection_close(x);
	} else if ((x->phase == HEAD && is_begun && x->in_len > 0 && age > s->header_ms) ||
		   (x->phase == BODY && !x->is_paused && !x->is_answered &&
			   age > s->body_grace_ms &&
			   x->body_bytes * 1000 / age < s->body_rate_bytes)) {
		refuse(x, BD_HTTP_TIMEOUT);
		process(x);
	}
}

struct bd_bytes bd_http_method(const struct bd_http_exchange *x)
{
	return x->head.method;
}

struct bd_bytes bd_http_path(const struct bd_http_exchange *x)
{
	return x->head.path;
}

struct bd_bytes bd_http_query(const struct bd_http_exchange *x)
{
	return x->head.query;
}

struct bd_bytes bd_http_header(const struct bd_http_exchange *x, const char *name)
{
	return bd_http_head_find(&x->head, name);
}

const struct bd_http_peer *bd_http_peer(const struct bd_http_exchange *x)
{
	return x->session == NULL ? NULL : bd_http_session_peer(x->session);
}

void bd_http_set_state(struct bd_http_exchange *x, void *state)
{
	x->state = state;
}

void *bd_http_state(const struct bd_http_exchange *x)
{
	return x->state;
}

void bd_http_pause(struct bd_http_exchange *x)
{
	x->is_paused = true;
}

void bd_http_resume(struct bd_http_exchange *x)
{
	x->is_paused = false;
	x->since_ms = uv_now(x->loop->uv);
	x->body_bytes = 0;
	process(x);
}

void bd_http_respond(struct bd_http_exchange *x, int status, const struct bd_http_header *headers,
	struct bd_bytes body)
{
	if (!x->is_closing && x->phase != LINGER) {
		add_answer(x, status, headers, body);
		x->is_answered = true;
	}
	finish(x);
}

void bd_http_begin(struct bd_http_exchange *x, int status, const struct bd_http_header *headers)
{
	if (!x->is_closing && x->phase != LINGER) {
		add_head(x, status, headers);
		bd_buf_add_text(&x->out, "Transfer-Encoding: chunked\r\n\r\n");
		x->is_streaming = true;
	}
}

bool bd_http_write(struct bd_http_exchange *x, struct bd_bytes bytes)
{
	if (x->is_closing || x->phase == LINGER || bytes.len == 0 || x->is_head_method) {
		return true;
	}
	if (bd_buf_printf(&x->out, "%zx\r\n", bytes.len) != BD_OK ||
		bd_buf_add(&x->out, bytes) != BD_OK || bd_buf_add_text(&x->out, "\r\n") != BD_OK) {
		bd_http_connection_close(x);
		return true;
	}
	if (!x->is_busy) {
		flush(x);
	}
	x->is_full = x->out.len + x->flight.len >= BD_HTTP_OUT_HIGH;
	return !x->is_full;
}

void bd_http_end(struct bd_http_exchange *x)
{
	if (!x->is_closing && x->phase != LINGER && !x->is_head_method) {
		bd_buf_add_text(&x->out, "0\r\n\r\n");
	}
	x->is_answered = true;
	finish(x);
}
