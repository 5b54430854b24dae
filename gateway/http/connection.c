#include "http/connection.h"

#include "base/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* -- its life -- */

void bd_http_connection_settle(struct bd_http_exchange *x)
{
	struct bd_http_loop *loop = x->loop;
	if (x->is_open || x->is_handled || x->is_busy || x->is_ready) {
		return;
	}
	bd_http_session_free(x->session);
	bd_sha256_free(x->sha);
	bd_http_block_give(loop, x->block);
	bd_buf_release(&x->out);
	bd_buf_release(&x->wire);
	bd_buf_release(&x->flight);
	free(x);
	bd_http_loop_count_out(loop);
}

static void abort_handler(struct bd_http_exchange *x)
{
	if (x->is_handled && !x->is_aborted) {
		x->is_aborted = true;
		x->loop->handler->ops->on_abort(x->loop->handler, x);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct bd_http_exchange *x = (struct bd_http_exchange *)handle;
	bd_http_loop_forget(x);
	x->is_open = false;
	/* The handler may end the exchange in on_abort: busy keeps it until settled here. */
	x->is_busy = true;
	abort_handler(x);
	x->is_busy = false;
	bd_http_connection_settle(x);
}

void bd_http_connection_close(struct bd_http_exchange *x)
{
	if (!x->is_closing) {
		x->is_closing = true;
		uv_close((uv_handle_t *)&x->tcp, on_closed);
	}
}

void bd_http_connection_reset(struct bd_http_exchange *x)
{
	if (!x->is_closing && uv_tcp_close_reset(&x->tcp, on_closed) == 0) {
		x->is_closing = true;
	}
	bd_http_connection_close(x);
}

void bd_http_connection_refuse(struct bd_http_exchange *x, enum bd_code code)
{
	static const struct bd_http_header headers[] = { { "Content-Type",
								 "application/problem+json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	const struct bd_code_info *info = bd_code_info(code);
	const struct bd_http_ops *ops = x->loop->handler->ops;
	struct bd_buf body;
	enum bd_code result = BD_OK;
	if (x->is_streaming) {
		bd_http_connection_close(x);
		return;
	}
	bd_buf_init(&body, 65536);
	if (ops->on_problem == NULL ||
		ops->on_problem(x->loop->handler, x->is_handled ? x : NULL, code, &body) != BD_OK) {
		bd_buf_clear(&body);
		result = bd_buf_printf(
			&body, "{\"status\":%d,\"code\":\"%s\"}", info->status, info->text);
	}
	x->is_deferred = false;
	x->is_last = true;
	x->is_head_method = x->is_head_method && x->is_handled;
	if (result == BD_OK) {
		result = bd_http_add_answer(x, info->status, headers, bd_buf_bytes(&body));
	}
	bd_buf_release(&body);
	x->phase = BD_HTTP_LINGER;
	x->since_ms = uv_now(x->loop->uv);
	abort_handler(x);
	if (result != BD_OK) {
		bd_http_connection_close(x);
	}
}

/* -- bytes in -- */

static void queue(struct bd_http_queue *queue, struct bd_http_exchange *x)
{
	if (!x->is_ready) {
		bd_http_loop_queue(queue, x);
	}
}

/* Room at the end of the block; false = none, or no memory. */
static bool make_room(struct bd_http_exchange *x)
{
	if (x->block == NULL && (x->block = bd_http_block_take(x->loop)) == NULL) {
		bd_http_connection_close(x);
		return false;
	}
	/* The head of a request being handled stays where its fields point to. */
	size_t keep = x->is_handled ? x->head_len : 0;
	if (x->at > keep && (x->at == x->end || x->end == BD_HTTP_INPUT_BYTES)) {
		memmove(x->block->bytes + keep, x->block->bytes + x->at, x->end - x->at);
		x->end -= x->at - keep;
		x->at = keep;
	}
	return x->end < BD_HTTP_INPUT_BYTES;
}

static uv_buf_t room_of(struct bd_http_exchange *x)
{
	if (x->session != NULL || x->phase == BD_HTTP_LINGER) {
		return uv_buf_init(x->loop->scratch, sizeof(x->loop->scratch));
	}
	return make_room(x) ? uv_buf_init(x->block->bytes + x->end,
				      (unsigned)(BD_HTTP_INPUT_BYTES - x->end))
			    : uv_buf_init(NULL, 0);
}

/* Of those who come at once, short requests go before those that are long. */
static bool is_to_wait(struct bd_http_exchange *x)
{
	int waiting = 0;
	uv_os_fd_t fd;
	return bd_http_loop_is_long_over(x->loop) && uv_fileno((uv_handle_t *)&x->tcp, &fd) == 0 &&
	       ioctl(fd, FIONREAD, &waiting) == 0 && waiting > BD_HTTP_SHORT_BYTES;
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	struct bd_http_exchange *x = (struct bd_http_exchange *)handle;
	(void)hint;
	bd_thread_answering(true);
	x->is_unread = is_to_wait(x);
	*buf = x->is_unread ? uv_buf_init(NULL, 0) : room_of(x);
}

/* got: as of libuv. After the last answer bytes are thrown away. */
static void take(struct bd_http_exchange *x, ssize_t got, char *bytes)
{
	if (got > 0 && x->phase == BD_HTTP_LINGER) {
		return;
	}
	if (got == UV_EOF) {
		x->is_eof = true;
	} else if (got < 0) {
		x->is_eof = true;
		bd_http_connection_note_secured(x);
		bd_http_connection_close(x);
	} else if (x->session == NULL) {
		x->end += (size_t)got;
	} else {
		bd_http_session_feed(x->session, (struct bd_bytes){ bytes, (size_t)got });
	}
	if (got > BD_HTTP_SHORT_BYTES) {
		bd_http_loop_note_long(x->loop);
	}
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct bd_http_exchange *x = (struct bd_http_exchange *)stream;
	if (x->is_closing || got == 0) {
		return;
	}
	if (x->is_unread) {
		x->is_reading = false;
		uv_read_stop(stream);
		queue(&x->loop->coming, x);
		return;
	}
	take(x, got, buf->base);
	bd_http_connection_process(x);
}

/* What had to wait. */
static void read_now(struct bd_http_exchange *x)
{
	uv_buf_t room = room_of(x);
	uv_os_fd_t fd;
	ssize_t got;
	if (room.len == 0 || uv_fileno((uv_handle_t *)&x->tcp, &fd) != 0) {
		return;
	}
	do {
		got = recv(fd, room.base, room.len, 0);
	} while (got < 0 && errno == EINTR);
	if (got >= 0) {
		take(x, got > 0 ? got : UV_EOF, room.base);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
		take(x, uv_translate_sys_error(errno), NULL);
	}
}

/* Moves what TLS holds into the room there is; true when something came. */
static bool pull(struct bd_http_exchange *x)
{
	if (x->session == NULL || x->is_eof || !make_room(x)) {
		return false;
	}
	int got = bd_http_session_read(
		x->session, x->block->bytes + x->end, BD_HTTP_INPUT_BYTES - x->end);
	x->end += got > 0 ? (size_t)got : 0;
	if (got < 0 && !bd_http_session_is_ready(x->session)) {
		/* The alert leaves before the connection does. */
		x->phase = BD_HTTP_LINGER;
		x->since_ms = uv_now(x->loop->uv);
		return false;
	}
	x->is_eof = got < 0;
	return got > 0;
}

/* Room in the block, no pause, answers taken by the client. */
static bool is_reading_wanted(const struct bd_http_exchange *x)
{
	size_t keep = x->is_handled ? x->head_len : 0;
	bool has_room = x->phase == BD_HTTP_LINGER || x->at > keep || x->end < BD_HTTP_INPUT_BYTES;
	bool has_kept = x->session != NULL && bd_http_session_has_kept(x->session);
	return !x->is_closing && !x->is_eof && has_room && !x->is_blocked &&
	       bd_http_waiting(x) < BD_HTTP_OUT_HIGH_BYTES &&
	       (x->phase == BD_HTTP_LINGER ||
		       (!has_kept && !(x->phase == BD_HTTP_BODY && x->is_paused)));
}

/* Reading follows from the state. */
static void set_reading(struct bd_http_exchange *x)
{
	bool is_wanted = is_reading_wanted(x);
	if (is_wanted == x->is_reading) {
		return;
	}
	x->is_reading = is_wanted;
	if (!is_wanted) {
		uv_read_stop((uv_stream_t *)&x->tcp);
		return;
	}
	if (x->phase == BD_HTTP_BODY) {
		/* Only the time in which we listened counts against the client. */
		x->since_ms = uv_now(x->loop->uv);
		x->body_bytes = 0;
	}
	if (uv_read_start((uv_stream_t *)&x->tcp, on_alloc, on_read) != 0) {
		bd_http_connection_close(x);
	}
}

/* -- from phase to phase -- */

static bool step(struct bd_http_exchange *x)
{
	bool has_taken = false;
	if (x->is_closing) {
		return false;
	}
	if (bd_http_waiting(x) >= BD_HTTP_OUT_HIGH_BYTES) {
		x->is_blocked = true;
		return false;
	}
	if (x->is_deferred) {
		return bd_http_take_again(x);
	}
	switch (x->phase) {
	case BD_HTTP_HEAD:
		has_taken = bd_http_take_head(x);
		break;
	case BD_HTTP_BODY:
		has_taken = bd_http_take_body(x);
		if (!has_taken && x->is_paused) {
			return false;
		}
		break;
	case BD_HTTP_ANSWERING:
		return false;
	case BD_HTTP_LINGER:
		x->at = x->end;
		return false;
	}
	return has_taken || (!x->is_closing && x->phase != BD_HTTP_LINGER && pull(x));
}

/* A streaming answer that had to wait for room. */
static bool may_write_on(const struct bd_http_exchange *x)
{
	return x->is_full && bd_http_waiting(x) < BD_HTTP_OUT_HIGH_BYTES / 2;
}

/* Answers that had to wait for room, before they were begun. */
static bool may_answer_on(const struct bd_http_exchange *x)
{
	return x->is_blocked && bd_http_waiting(x) < BD_HTTP_OUT_HIGH_BYTES;
}

static void go_on(struct bd_http_exchange *x)
{
	const struct bd_http_ops *ops = x->loop->handler->ops;
	x->is_blocked = x->is_blocked && !may_answer_on(x);
	if (!may_write_on(x)) {
		return;
	}
	x->is_full = false;
	if (x->is_handled && !x->is_aborted && ops->on_writable != NULL) {
		ops->on_writable(x->loop->handler, x);
	}
}

/* The last answer has left: close our half and wait a moment for the client's, so that what it
 * still sends does not destroy the answer on its way. */
static void shut(struct bd_http_exchange *x)
{
	uv_os_fd_t fd;
	x->is_shut = true;
	x->since_ms = uv_now(x->loop->uv);
	if (x->session != NULL) {
		bd_http_session_close(x->session);
		bd_http_flush(x);
	}
	if (!x->is_closing && !x->is_writing && uv_fileno((uv_handle_t *)&x->tcp, &fd) == 0) {
		shutdown(fd, SHUT_WR);
	}
}

static void end_if_over(struct bd_http_exchange *x)
{
	bool is_empty = x->at == x->end;
	bool is_flushed = !x->is_writing && bd_http_waiting(x) == 0;
	if (x->is_closing) {
		return;
	}
	if (bd_http_is_body_cut(x)) {
		bd_http_connection_close(x);
	} else if (x->phase == BD_HTTP_HEAD && is_flushed &&
		   (x->is_eof || (x->loop->is_draining && is_empty))) {
		bd_http_connection_close(x);
	} else if (x->phase == BD_HTTP_LINGER && is_flushed) {
		if (x->is_eof) {
			bd_http_connection_close(x);
		} else if (!x->is_shut) {
			shut(x);
		}
	}
}

/* Neither an idle connection nor one whose client does not take its answer keeps memory for later.
 */
static void give_back(struct bd_http_exchange *x)
{
	struct bd_buf *bufs[] = { &x->out, &x->wire, &x->flight };
	bool is_idle = !x->is_handled && x->at == x->end;
	for (size_t i = 0; (is_idle || x->is_writing) && i < sizeof(bufs) / sizeof(bufs[0]); i++) {
		if (bufs[i]->len == 0 && bufs[i]->cap > BD_HTTP_IDLE_KEPT_BYTES) {
			bd_http_spare_take(x->loop, bufs[i]);
		}
	}
	if (is_idle) {
		bd_http_block_give(x->loop, x->block);
		x->block = NULL;
		x->at = x->end = x->head_len = x->scanned = 0;
	}
}

static void note_begin(struct bd_http_exchange *x)
{
	if (x->phase == BD_HTTP_HEAD && !x->is_begun && x->at < x->end) {
		x->is_begun = true;
		x->since_ms = uv_now(x->loop->uv);
	}
}

void bd_http_connection_process(struct bd_http_exchange *x)
{
	if (x->is_busy) {
		return;
	}
	x->is_busy = true;
	if (x->is_unread && is_reading_wanted(x)) {
		read_now(x);
	}
	x->is_unread = false;
	if (!x->is_closing) {
		go_on(x);
	}
	while (step(x)) {
	}
	bd_http_connection_note_secured(x);
	bd_http_send_continue(x);
	bd_http_flush(x);
	note_begin(x);
	if (x->session != NULL && !bd_http_session_keep(x->session)) {
		bd_http_connection_close(x);
	}
	end_if_over(x);
	if (!x->is_closing) {
		set_reading(x);
		give_back(x);
	}
	x->is_busy = false;
	if (!x->is_closing && (may_write_on(x) || may_answer_on(x))) {
		queue(&x->loop->going_on, x);
	}
	bd_http_connection_settle(x);
}

void bd_http_connection_wake(struct bd_http_exchange *x)
{
	if (!x->is_busy && !x->is_closing) {
		queue(&x->loop->ready, x);
	}
}

void bd_http_connection_start(struct bd_http_exchange *x, struct bd_http_tls *tls)
{
	/* Ciphertext is a little longer than what it hides. */
	size_t wire_max = BD_HTTP_ANSWER_MAX_BYTES + BD_HTTP_ANSWER_MAX_BYTES / 16;
	bd_buf_init(&x->out, BD_HTTP_ANSWER_MAX_BYTES);
	bd_buf_init(&x->wire, wire_max);
	bd_buf_init(&x->flight, wire_max);
	x->phase = BD_HTTP_HEAD;
	x->since_ms = uv_now(x->loop->uv);
	uv_tcp_nodelay(&x->tcp, 1);
	x->tls = tls;
	if (tls != NULL && (x->session = bd_http_session_new(tls, &x->wire)) == NULL) {
		bd_http_connection_close(x);
		return;
	}
	set_reading(x);
}
