/* connection.h - one client connection and its one exchange. Layer: http, shared by its .c files
 * only: connection.c moves bytes in and through the phases, exchange.c is what the handler calls,
 * output.c writes, budget.c keeps the time budgets, secured.c tells of TLS, server.c owns the loop.
 *
 * Rules that make it safe to call the handler:
 * - callbacks run only inside bd_http_connection_process and the close callback, that is from the
 *   loop; what the handler calls marks the exchange and, from elsewhere, queues it (ready list);
 * - process never nests (is_busy), so an exchange lives as long as its process runs;
 * - the exchange is freed when its handles are closed, its handler has ended it, and neither
 *   process nor the ready list holds it, whichever comes last.
 */
#ifndef BD_HTTP_CONNECTION_H
#define BD_HTTP_CONNECTION_H

#include "base/digest.h"
#include "base/limits.h"
#include "http/parse.h"
#include "http/server.h"
#include "http/tls.h"

#include <time.h>
#include <uv.h>

/* Input of a connection that is not idle: [0, head_len) the head of the request being handled,
 * [at, end) not yet taken. Given back to the loop when idle. */
struct bd_http_block {
	struct bd_http_block *next;
	struct bd_http_head head;
	char bytes[BD_HTTP_INPUT_BYTES];
};

/* Memory that buffers of answers have had. Most answers are as long as those before: it would be
 * asked for and given back for each. */
struct bd_http_spares {
	struct bd_buf items[BD_HTTP_SPARES_KEPT];
	size_t count;
};

/* Connections that are processed next, in the order in which they came; each is in one at most. */
struct bd_http_queue {
	struct bd_http_exchange *first, *last;
};

struct bd_http_loop {
	uv_loop_t *uv;
	struct bd_http_settings settings;
	struct bd_http_handler *handler;
	struct listener *listeners;
	struct bd_http_exchange *connections;
	struct bd_http_exchange *visited; /* whose budgets are looked at next; NULL = the first */
	struct bd_http_queue ready;       /* all of them in a turn */
	struct bd_http_queue coming;      /* long requests: as many as there is time for */
	struct bd_http_queue going_on;    /* long answers: the same */
	struct bd_http_exchange *held, *last_held; /* in the order in which they began to wait */
	struct bd_http_block *blocks;              /* free ones */
	struct bd_http_spares spares;
	size_t connection_count, handle_count, block_count;
	uint64_t safe;         /* marks up to here are released */
	uint64_t long_ends_ns; /* what is long is left for later in this turn; 0 = none came yet */
	bool is_draining, is_drained;
	unsigned looks;      /* left to this step, for peers of open connections */
	uint64_t stepped_ms; /* when the last step was */
	uv_timer_t timer;
	uv_idle_t idle; /* runs while somebody is queued */
	uv_prepare_t before;
	uv_check_t turn;
	time_t dated;
	char date[30]; /* RFC 9110 section 5.6.7, as of the last step */
	char scratch[BD_HTTP_CIPHER_BYTES];
};

enum bd_http_phase {
	BD_HTTP_HEAD,      /* waits for a request, or for the rest of its head */
	BD_HTTP_BODY,      /* the handler has the exchange and gets the body */
	BD_HTTP_ANSWERING, /* the body has come whole */
	BD_HTTP_LINGER     /* the last answer is written; what still comes is thrown away */
};

struct bd_http_exchange {
	uv_tcp_t tcp; /* first: the handle is the connection */
	uv_write_t write;
	struct bd_http_loop *loop;
	struct bd_http_exchange *next, *previous, *next_ready;
	struct bd_http_exchange *next_held, *previous_held;
	struct bd_http_session *session; /* NULL = plain */
	struct bd_http_tls *tls;         /* what its peer is judged by; NULL = plain */
	struct bd_http_block *block;     /* NULL while idle */
	void *state;
	const void *caller;
	struct bd_sha256 *sha;       /* kept from one request to the next; NULL = never needed */
	uint8_t expected_sha256[32]; /* of the body, when is_expected */
	enum bd_http_phase phase;
	/* the connection */
	bool is_open, is_closing, is_busy, is_ready;
	bool is_reading, is_eof, is_writing, is_blocked, is_shut;
	bool is_secured; /* the end of the handshake was told */
	bool is_begun;   /* the first byte of the next request is here */
	bool is_unread;  /* something long is here, and waits with the kernel for its turn */
	/* the exchange */
	bool is_handled; /* the handler holds it */
	bool is_aborted; /* and knows that it is of no use any more */
	bool is_paused, is_streaming, is_chunking, is_full, is_last, is_head_method;
	bool is_continue_due;
	bool is_watched;                  /* the handler wants to know when the client goes */
	bool is_sounded;                  /* and the client was sent what tells */
	bool is_expected;                 /* the body has a digest to have */
	bool is_deferred, is_asked_again; /* on_request will be called once more */
	bool is_held;                     /* the answers formed wait in the list, for their mark */
	uint64_t mark, held_mark;         /* held_mark: when they began to wait */
	size_t formed;                    /* answers that are begun and have not left */
	struct bd_http_chunks chunks;
	uint64_t body_left, body_bytes;    /* still to come; since since_ms */
	uint64_t since_ms;                 /* what it means depends on the phase: budget.c */
	uint64_t write_begun_ms, write_ms; /* of the flight; when the client last took of it */
	size_t head_len, scanned, at, end;
	size_t write_all,
		write_left;   /* of the flight: what the client had not taken then, and now */
	struct bd_buf out;    /* answers */
	struct bd_buf wire;   /* TLS: ciphertext not yet given to the kernel */
	struct bd_buf flight; /* what uv_write holds */
};

/* -- connection.c -- */
/* Takes over an accepted connection; tls NULL = plain. */
void bd_http_connection_start(struct bd_http_exchange *exchange, struct bd_http_tls *tls);
/* Closes without a word; the handler hears of it from the loop. */
void bd_http_connection_close(struct bd_http_exchange *exchange);
/* The same, and the kernel forgets what it still holds for the client: else a client who does not
 * read would keep that as long as it likes. */
void bd_http_connection_reset(struct bd_http_exchange *exchange);
/* Moves the connection on, until it has to wait or as many answers as may wait have left; then it
 * goes on in another turn. Answers of one turn leave in one write. It may free the exchange. Not
 * from inside a call of the handler. */
void bd_http_connection_process(struct bd_http_exchange *exchange);
/* Has process called from the loop, unless it runs already. */
void bd_http_connection_wake(struct bd_http_exchange *exchange);
/* Answers with a problem, tells the handler, and lets the connection end. From the loop. */
void bd_http_connection_refuse(struct bd_http_exchange *exchange, enum bd_code code);
/* Frees it if nothing holds it any more. */
void bd_http_connection_settle(struct bd_http_exchange *exchange);

/* -- exchange.c -- */
/* True when it took something and there may be more to take. */
bool bd_http_take_head(struct bd_http_exchange *exchange);
bool bd_http_take_body(struct bd_http_exchange *exchange);
/* Calls on_request once more, when it is time to; true when it did. */
bool bd_http_take_again(struct bd_http_exchange *exchange);
void bd_http_send_continue(struct bd_http_exchange *exchange);
/* A body that the handler answers without is passed over where it is here whole, so that who is
 * refused need not come again by a handshake. */
void bd_http_pass_body(struct bd_http_exchange *exchange);
/* The client has gone in the middle of its body. */
bool bd_http_is_body_cut(const struct bd_http_exchange *exchange);

/* -- output.c -- */
size_t bd_http_waiting(const struct bd_http_exchange *exchange);
void bd_http_flush(struct bd_http_exchange *exchange);
/* Of what was just formed: it may have to wait. */
void bd_http_mark(struct bd_http_exchange *exchange);
/* Status line and headers, without the empty line. */
enum bd_code bd_http_add_head(
	struct bd_http_exchange *exchange, int status, const struct bd_http_header *headers);
/* A whole answer. */
enum bd_code bd_http_add_answer(struct bd_http_exchange *exchange, int status,
	const struct bd_http_header *headers, struct bd_bytes body);

/* -- secured.c -- */
/* The handler hears how the handshake ended, or why its peer is refused now. */
void bd_http_connection_tell_secured(struct bd_http_exchange *exchange, enum bd_code code);
/* Tells it once, when the handshake is over. */
void bd_http_connection_note_secured(struct bd_http_exchange *exchange);
/* Its certificate was good when it began and is refused now: told; the caller closes. */
bool bd_http_connection_is_peer_refused(struct bd_http_exchange *exchange);

/* -- budget.c -- */
void bd_http_connection_tick(struct bd_http_exchange *exchange, uint64_t now_ms);
/* Bytes of the flight that the client's machine has not taken yet, those in our kernel included. */
size_t bd_http_connection_untaken(const struct bd_http_exchange *exchange);

/* -- server.c -- */
/* NULL = no memory. */
struct bd_http_block *bd_http_block_take(struct bd_http_loop *loop);
void bd_http_block_give(struct bd_http_loop *loop, struct bd_http_block *block);
/* To a buffer that has no memory; and that of an empty one, back for others or to the heap. */
void bd_http_spare_lend(struct bd_http_loop *loop, struct bd_buf *buf);
void bd_http_spare_take(struct bd_http_loop *loop, struct bd_buf *buf);
/* Not queued yet; one of its loop's. */
void bd_http_loop_queue(struct bd_http_queue *queue, struct bd_http_exchange *exchange);
/* Of what has come at once, something long was read; and that has had its time in this turn. */
void bd_http_loop_note_long(struct bd_http_loop *loop);
bool bd_http_loop_is_long_over(const struct bd_http_loop *loop);
/* Its answers wait for its mark. */
void bd_http_loop_hold(struct bd_http_exchange *exchange);
/* The connection is closed: out of the list. */
void bd_http_loop_forget(struct bd_http_exchange *exchange);
/* It is freed: may finish the drain. */
void bd_http_loop_count_out(struct bd_http_loop *loop);

#endif
