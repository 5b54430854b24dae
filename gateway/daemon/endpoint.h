/* endpoint.h - one connection to a source at work: who may ask now, who waits, and how it went.
 *
 * Layer: daemon; all of it on the sources' loop (taking.h); figures go to the board. Made of a
 * connection of the sources file, with its secrets; a reload makes a new one, and the old one ends
 * when nobody uses it any more.
 */
#ifndef BD_DAEMON_ENDPOINT_H
#define BD_DAEMON_ENDPOINT_H

#include "base/breaker.h"
#include "config/sources.h"
#include "daemon/board.h"
#include "daemon/mailbox.h"
#include "http/fetch.h"

struct bd_setup;
struct bd_turn;
struct bd_turn_ops {
	/* It is your turn: say how it went by bd_turn_end. Not from within bd_turn_take. */
	void (*on_turn)(struct bd_turn *turn);
	/* Nobody may ask: BD_ASK_CIRCUIT; the turn is over. Not from within bd_turn_take. */
	void (*on_refused)(struct bd_turn *turn, const struct bd_diag *diag);
};
/* Embed it in your own struct and get that back by container_of. Zero it, set ops. */
struct bd_turn {
	const struct bd_turn_ops *ops;
	bool is_free; /* a trial of an administrator's: past circuit, rate and concurrency */
	/* private */
	struct bd_endpoint_run *endpoint;
	struct bd_turn *next;
	bool is_waiting, has_turn;
};

struct bd_endpoint_run {
	const struct bd_endpoint *plan; /* of `setup` */
	const char *source;
	struct bd_http_client *client;
	/* Of its own: a connection that another one was allowed to make is not used here, nor one
	 * that an earlier configuration was. */
	struct bd_http_fetcher *fetcher;
	const struct bd_form_value *values; /* of the connection, secrets read */
	size_t value_count;
	/* private */
	struct bd_setup *setup; /* a reference */
	struct bd_http_guard guard;
	struct bd_arena arena;
	struct bd_sign_key **keys; /* to be given back */
	size_t key_count;
	struct bd_breaker breaker;
	struct bd_rate rate;
	uint32_t busy, waiting, references;
	struct bd_turn *first, **last;
	uv_timer_t timer;
	struct bd_source_board *board;
	size_t board_row;
};

/* BD_CONFIG_REFERENCE: a secret cannot be read; the diag names it. */
enum bd_code bd_endpoint_run_new(struct bd_endpoint_run **out, const struct bd_endpoint *plan,
	const char *source, struct bd_setup *setup, struct uv_loop_s *loop,
	struct bd_source_board *board, struct bd_diag *diag);
/* References: its maker has the first. With the last the loop lets go of it. */
void bd_endpoint_run_ref(struct bd_endpoint_run *endpoint);
void bd_endpoint_run_unref(struct bd_endpoint_run *endpoint);
/* A secret of a pull or look-up, into the arena; key where it is one in PEM. */
enum bd_code bd_endpoint_value(struct bd_form_value *out, struct bd_endpoint_run *endpoint,
	const struct bd_source_value *value, struct bd_diag *diag);

/* Would whoever takes a turn now be told BD_ASK_CIRCUIT? */
bool bd_endpoint_refuses(const struct bd_endpoint_run *endpoint);
/* Waits its turn: for the rate, and until fewer than `concurrency` are busy. */
void bd_turn_take(struct bd_endpoint_run *endpoint, struct bd_turn *turn);
enum bd_turn_outcome {
	BD_TURN_GOOD = 1, /* it answered as agreed */
	BD_TURN_BAD,      /* it did not */
	BD_TURN_VOID      /* it did not come to that, or the fault was ours */
};
/* code: how it ended, for the board. */
void bd_turn_end(struct bd_turn *turn, enum bd_turn_outcome outcome, enum bd_code code);
/* From take on, at any time; no callback comes after it. Nothing when it is over. */
void bd_turn_cancel(struct bd_turn *turn);

#endif
