/* connection.h - one client connection and its one exchange. Layer: http, shared by server.c and
 * connection.c only.
 *
 * The connection is freed when its handles are closed and its exchange is ended, whichever comes
 * last.
 */
#ifndef BD_HTTP_CONNECTION_H
#define BD_HTTP_CONNECTION_H

#include "http/parse.h"
#include "http/server.h"
#include "http/tls.h"

#include <uv.h>

/* Bytes of one request's head. */
#define BD_HTTP_HEADER_MAX 16384
/* Head and what came behind it. */
#define BD_HTTP_IN_MAX 20480
/* Answers waiting for the client; past it nothing further is read or answered. */
#define BD_HTTP_OUT_HIGH 262144
/* One answer that is not streamed. */
#define BD_HTTP_OUT_MAX 134217728
/* How long a refused client may still send what we no longer read. */
#define BD_HTTP_LINGER_MS 1000

struct bd_http_loop {
	uv_loop_t *uv;
	struct bd_http_settings settings;
	struct bd_http_handler *handler;
	struct listener *listeners;
	struct bd_http_exchange *connections;
	size_t connection_count, handle_count;
	bool is_draining, is_drained;
	uv_timer_t timer;
	char scratch[65536]; /* cipher bytes between read and feed */
};

enum bd_http_phase { HEAD, BODY, ANSWERING, LINGER };

/* The exchange lies in its connection: one at a time. */
struct bd_http_exchange {
	uv_tcp_t tcp; /* first: the handle is the connection */
	uv_write_t write;
	struct bd_http_loop *loop;
	struct bd_http_exchange *next, *previous;
	struct bd_http_session *session; /* NULL = plain */
	enum bd_http_phase phase;
	bool is_open, is_reading, is_paused, is_streaming, is_answered, is_writing, is_closing;
	bool is_handled; /* the handler holds the exchange */
	bool is_eof, is_busy, is_last, is_full, is_head_method;
	struct bd_http_head head;
	struct bd_http_chunks chunks;
	uint64_t body_left, body_bytes, since_ms, write_ms;
	size_t head_len, scanned, in_len, write_left;
	struct bd_buf out, flight;
	void *state;
	char head_bytes[BD_HTTP_HEADER_MAX];
	char in[BD_HTTP_IN_MAX];
};

/* Takes over an accepted connection's reading; tls NULL = plain. */
void bd_http_connection_start(struct bd_http_exchange *exchange, struct bd_http_tls *tls);
void bd_http_connection_close(struct bd_http_exchange *exchange);
/* Enforces the time budgets. */
void bd_http_connection_tick(struct bd_http_exchange *exchange, uint64_t now_ms);
/* server.c: the connection is gone; may finish the drain. */
void bd_http_loop_forget(struct bd_http_exchange *exchange);

#endif
