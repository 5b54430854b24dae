/* server.h - an HTTP/1.1 server on one libuv loop, plain or TLS.
 *
 * Layer: http; called by daemon/. One struct bd_http_loop a thread; all its functions run on the
 * thread of its uv loop. Several loops share a port (SO_REUSEPORT). Requests of one connection are
 * handled one at a time, in order; what a client pipelines waits in a bounded buffer.
 *
 * Life of an exchange: on_request once; then, if the handler has not answered, on_body for each run
 * of bytes and on_body_end; on_abort if the client goes away first. Every exchange must be ended by
 * exactly one bd_http_respond or bd_http_end, after on_abort too: that call frees it, and the
 * pointer is dead after it. Answering before the body has come closes the connection after the
 * answer. Bytes given to callbacks live until the callback returns; method, path, query and headers
 * until the exchange ends.
 */
#ifndef BD_HTTP_SERVER_H
#define BD_HTTP_SERVER_H

#include "base/diag.h"
#include "http/header.h"

struct uv_loop_s;
struct bd_http_loop;
struct bd_http_exchange;
struct bd_http_handler;
struct bd_http_tls; /* tls.h */
struct bd_http_peer;

struct bd_http_secured;

struct bd_http_ops {
	void (*on_request)(struct bd_http_handler *handler, struct bd_http_exchange *exchange);
	void (*on_body)(struct bd_http_handler *handler, struct bd_http_exchange *exchange,
		struct bd_bytes bytes);
	void (*on_body_end)(struct bd_http_handler *handler, struct bd_http_exchange *exchange);
	void (*on_abort)(struct bd_http_handler *handler, struct bd_http_exchange *exchange);
	/* A streaming answer may go on: bd_http_write had said that too much waits. May be NULL. */
	void (*on_writable)(struct bd_http_handler *handler, struct bd_http_exchange *exchange);
	/* Fills body with problem+json for a refusal of the http layer itself. exchange: whose
	 * request the handler has, NULL = of what is no request. NULL = a plain default. */
	enum bd_code (*on_problem)(struct bd_http_handler *handler,
		struct bd_http_exchange *exchange, enum bd_code code, struct bd_buf *body);
	/* After bd_http_loop_drain: nothing is left. May be NULL. */
	void (*on_drained)(struct bd_http_handler *handler);
	/* How far what was promised has to be safe before the answer just formed leaves; it waits
	 * until bd_http_loop_release says so. 0 = nothing; may be NULL. */
	uint64_t (*on_mark)(struct bd_http_handler *handler);
	/* The callbacks of one turn of the loop are over: what its answers wait for can be done for
	 * all of them together. May be NULL. */
	void (*on_turn)(struct bd_http_handler *handler);
	/* May be NULL. */
	void (*on_secured)(struct bd_http_handler *handler, const struct bd_http_secured *secured);
};

/* How a TLS handshake ended, or why a connection that was open is closed. */
struct bd_http_secured {
	enum bd_code code; /* BD_OK, or one of TLS_... (base/codes.def) */
	bool is_resumed, was_open;
	const char *serial; /* of the certificate that was refused; "" = none came so far */
};

/* Embed it in your own struct and get that back by container_of. */
struct bd_http_handler {
	const struct bd_http_ops *ops;
};

/* Zero in a row = the default in brackets. */
struct bd_http_settings {
	unsigned header_ms;        /* first byte to empty line, the TLS handshake included [10 s] */
	unsigned idle_ms;          /* between requests [60 s] */
	unsigned write_ms;         /* without one byte taken by the client [30 s], after which the
				    * minimum rate counts too */
	unsigned body_grace_ms;    /* after which the minimum rate counts [10 s] */
	unsigned body_rate_bytes;  /* a second, while reading is not paused [1,024] */
	unsigned write_rate_bytes; /* a second, of an answer that has to wait for its client [1,024]
				    */
	unsigned tick_ms;          /* how exactly these are kept [250] */
	size_t connections_max;    /* later ones are closed at once [10,000] */
};

enum bd_code bd_http_loop_new(struct bd_http_loop **out, struct uv_loop_s *uv,
	const struct bd_http_settings *settings, struct bd_http_handler *handler,
	struct bd_diag *diag);
/* Only after on_drained and after uv_run has returned. */
void bd_http_loop_free(struct bd_http_loop *loop);
/* Numeric address. *port 0 picks one and gives it back. tls NULL = plain, else it must outlive the
 * loop. */
enum bd_code bd_http_listen(struct bd_http_loop *loop, const char *address, unsigned *port,
	struct bd_http_tls *tls, struct bd_diag *diag);
/* Stops accepting, ends idle connections, finishes the others, then on_drained. */
void bd_http_loop_drain(struct bd_http_loop *loop);
/* Answers that wait for marks up to this one leave; true when some still wait for a later one. */
bool bd_http_loop_release(struct bd_http_loop *loop, uint64_t safe);
/* Does an answer wait for its mark? */
bool bd_http_loop_has_held(const struct bd_http_loop *loop);
/* What they wait for will not come: their connections are closed without a word. */
void bd_http_loop_drop_held(struct bd_http_loop *loop);
/* What was promised beyond `kept` is void: the answer that waits for it is replaced by a problem,
 * or, where there are several, the connection is closed. */
void bd_http_loop_refuse_held(struct bd_http_loop *loop, uint64_t kept, enum bd_code code);

/* -- the request ----------------------------------------------------------------------------------
 */
struct bd_bytes bd_http_method(const struct bd_http_exchange *exchange);
struct bd_bytes bd_http_path(const struct bd_http_exchange *exchange);
struct bd_bytes bd_http_query(const struct bd_http_exchange *exchange);
/* Any case; ptr NULL = not sent. */
struct bd_bytes bd_http_header_of(const struct bd_http_exchange *exchange, struct bd_bytes name);
static inline struct bd_bytes bd_http_header(
	const struct bd_http_exchange *exchange, const char *name)
{
	return bd_http_header_of(exchange, bd_bytes_of(name));
}

/* Whether a body comes, be it of no bytes in chunks. */
bool bd_http_has_body(const struct bd_http_exchange *exchange);
/* How often it stands in the request. */
size_t bd_http_header_count(const struct bd_http_exchange *exchange, const char *name);
/* Who proved a key in the TLS handshake; NULL without a client certificate. Lives as the exchange.
 */
const struct bd_http_peer *bd_http_peer(const struct bd_http_exchange *exchange);
/* That of its loop. */
struct bd_http_handler *bd_http_handler_of(const struct bd_http_exchange *exchange);
/* The handler's own state of this exchange. */
void bd_http_set_state(struct bd_http_exchange *exchange, void *state);
void *bd_http_state(const struct bd_http_exchange *exchange);
/* Who the handler found to be asking; NULL at the beginning of each request. */
void bd_http_set_caller(struct bd_http_exchange *exchange, const void *caller);
const void *bd_http_caller(const struct bd_http_exchange *exchange);
/* From on_request: the body has this SHA-256, or on_body_end is not called: the request is refused
 * with BD_AUTH_DIGEST and on_abort called instead. So nothing may come of a body before its end
 * while bd_http_is_body_expected. */
enum bd_code bd_http_expect_body(struct bd_http_exchange *exchange, const uint8_t sha256[32]);
bool bd_http_is_body_expected(const struct bd_http_exchange *exchange);
/* Refuses with the problem of on_problem, tells the handler by on_abort when it has the exchange,
 * and lets the connection end. */
void bd_http_refuse(struct bd_http_exchange *exchange, enum bd_code code);
/* From on_request: it cannot be answered yet, nor its body taken; from bd_http_ask_again on,
 * on_request is called anew, from the loop. on_abort is called as always. */
void bd_http_defer(struct bd_http_exchange *exchange);
void bd_http_ask_again(struct bd_http_exchange *exchange);
/* Stops and goes on reading the body: between them at most 32 KiB are held. */
void bd_http_pause(struct bd_http_exchange *exchange);
void bd_http_resume(struct bd_http_exchange *exchange);
/* Its answer takes a while and is of no use once its client is gone: on_abort comes within two or
 * three ticks then, also while nothing is read from it, unless more of its bytes are on their way
 * than the kernel takes. Who has closed its own half alone (RFC 9293 section 3.6) is answered: to
 * tell the two apart it is sent what means nothing to who is there. */
void bd_http_watch(struct bd_http_exchange *exchange);

/* -- the answer -----------------------------------------------------------------------------------
 */
/* Copies the body; Content-Length and Connection are added. Headers end with name NULL; NULL =
 * none. */
void bd_http_respond(struct bd_http_exchange *exchange, int status,
	const struct bd_http_header *headers, struct bd_bytes body);
/* A chunked answer. bd_http_write gives false when over 64 KiB wait: stop until on_writable. */
void bd_http_begin(
	struct bd_http_exchange *exchange, int status, const struct bd_http_header *headers);
bool bd_http_write(struct bd_http_exchange *exchange, struct bd_bytes bytes);
void bd_http_end(struct bd_http_exchange *exchange);

#endif
