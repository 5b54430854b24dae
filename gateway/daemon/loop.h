/* loop.h - one network loop of biduid: its thread, connections, workers, view of the store and
 * configuration.
 *
 * Layer: daemon. All members belong to the loop's thread but `mailbox` (any thread may post) and
 * `counts` (atomic).
 */
#ifndef BD_DAEMON_LOOP_H
#define BD_DAEMON_LOOP_H

#include "daemon/audit.h"
#include "daemon/board.h"
#include "daemon/credentials.h"
#include "daemon/cursor.h"
#include "daemon/later.h"
#include "daemon/mailbox.h"
#include "daemon/notify.h"
#include "daemon/pool.h"
#include "daemon/repeats.h"
#include "daemon/set_aside.h"
#include "daemon/setup.h"
#include "daemon/tickets.h"
#include "daemon/writer.h"
#include "http/server.h"
#include "http/tls.h"

/* Answers given, by kind; read by /metrics from any loop. */
struct bd_loop_counts {
	uint64_t requests, refused;
	uint64_t pushes, records_received, records_rejected;
	uint64_t compares, queries;
	uint64_t cases_waited;      /* for departments */
	uint64_t look_ups_busy;     /* cases refused because too many waited */
	uint64_t look_ups_left;     /* cases whose client was gone before they were decided */
	uint64_t elements_withheld; /* because an approved use is not in force (uses.h) */
	struct bd_pool_figures short_pool, long_pool;
	struct bd_secured_counts secured;
};

/* No other thread adds to it; any may read it by __atomic_load_n. */
static inline void bd_count(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

/* One listener's handler: who speaks on the plaintext one is known by that alone. */
struct bd_gate {
	struct bd_http_handler handler;
	struct bd_loop *loop;
	struct bd_http_loop *http; /* NULL = no such listener */
	unsigned port;
	bool is_plaintext;
	bool is_proxy; /* for terminating proxies alone */
	bool is_drained;
};

struct bd_daemon;
struct bd_alarms;
struct bd_databases;
struct bd_folders;
struct bd_follow;
struct bd_logins;
struct bd_nonces;
struct bd_uploads;
struct bd_puller;
struct bd_look;
struct ask;

/* What works on a loop beside its listeners: what fetches from sources by itself. It is made before
 * the loop's thread runs, and freed by its maker after bd_loop_close; both are called on the loop's
 * thread. */
struct bd_loop_guest {
	struct bd_loop_guest *next;
	/* Take up nothing new, close every handle; bd_loop_background_end once when nothing is
	 * left: the workers and the mailbox are there until then. */
	void (*on_drain)(struct bd_loop_guest *guest);
	/* loop->setup is another from here on. */
	void (*on_reload)(struct bd_loop_guest *guest);
};

struct bd_loop {
	struct bd_daemon *daemon;
	unsigned number; /* from 0 */
	uv_loop_t uv;
	uv_thread_t thread;
	bool has_thread;
	struct bd_mailbox mailbox;
	struct bd_gate tls_gate, plain_gate, proxy_gate;
	struct bd_http_tls *tls, *proxy_tls;
	struct bd_pool *short_pool, *long_pool; /* gathered messages; messages longer than that */
	struct bd_store_reader *reader;
	/* Of the question being answered, kept from one to the next: a loop answers one at a
	 * time, at once. */
	struct bd_arena arena;
	struct bd_buf answer;
	struct ask *asks; /* that are over: the next question has their memory (ask_parts.h) */
	size_t ask_count;
	struct bd_setup *setup;
	struct bd_loop_counts counts;
	struct bd_audit audit; /* what is entered into the trail */
	/* Batches some of whose lines are answered and not sent: what these have entered is written
	 * when they are. */
	size_t gathering;
	uint64_t held_ns; /* when the first answer was formed that waits for its entry; 0 = none */
	int32_t withheld_day; /* on which that was last logged */
	size_t background;    /* pushes that are answered by a ticket and not yet done; guests */
	struct bd_laters laters;
	struct bd_loop_guest *guests;
	bool is_draining, is_idle_posted;
	bool is_synced_posted; /* atomic */
	bool is_tls_posted;    /* atomic */
	/* letters from the main thread */
	struct bd_letter drain_letter, reload_letter, tls_letter;
	struct bd_letter last_letter; /* nobody posts to it any more */
	struct bd_letter idle_letter; /* from itself: nothing is left in the background */
	/* from the signer: what answers wait for is synced, or never will be */
	struct bd_letter synced_letter;
	struct bd_setup *next_setup;
	/* letters to the main thread */
	struct bd_letter drained_letter, reloaded_letter;
};

/* What all loops share. */
struct bd_daemon {
	struct bd_store *store;
	struct bd_writer *writer;
	struct bd_mailbox mailbox; /* the main thread's */
	/* Of them the first network_count listen; one more is there when there is a sources_file:
	 * on it runs what biduid fetches by itself. */
	struct bd_loop *loops;
	size_t loop_count, loops_running, network_count;
	struct bd_loop *sources_loop; /* NULL = none */
	struct bd_alarms *alarms;
	struct bd_folders *folders;     /* on that loop; NULL = none */
	struct bd_databases *databases; /* likewise */
	struct bd_puller *puller;       /* its guest */
	struct bd_source_board *board;
	uint64_t cases_waiting; /* atomic: for departments */
	struct bd_trail *trail;
	struct bd_sign_key *trail_key;
	struct bd_signer *signer;
	struct bd_witness *witness;
	struct bd_witness_file *witness_file; /* NULL = none */
	struct bd_follow *follow;
	struct bd_credentials *credentials; /* NULL = no TLS listener */
	struct bd_notifier *notifier;
	struct bd_repeats *repeats;
	struct bd_set_aside *aside;    /* messages that cost workers */
	bool is_backtesting;           /* atomic: one at a time */
	struct bd_letter trail_letter; /* from the signer: the trail has failed */
	uint8_t audit_key[BD_AUDIT_KEY_BYTES];
	uint64_t instance; /* random, part of the ids of tickets */
	uint8_t cursor_key[BD_CURSOR_KEY_BYTES];
	struct bd_tickets *tickets;
	struct bd_uploads *uploads;
	struct bd_nonces *nonces; /* of signed requests */
	struct bd_logins *logins; /* of people */
	/* The main thread: does what a struct bd_change (changes.h) asks, and sends it home. */
	void (*on_change)(struct bd_letter *letter);
	int64_t started_ms;
};

/* Makes loop ready and listens; ports of loop 0 are found out and used by the others. */
enum bd_code bd_loop_open(struct bd_loop *loop, struct bd_daemon *daemon, unsigned number,
	struct bd_setup *setup, struct bd_diag *diag);
enum bd_code bd_loop_start(struct bd_loop *loop);
/* Before the loop is started: the guest is told of what becomes of it, and holds it until it has
 * drained. */
void bd_loop_join(struct bd_loop *loop, struct bd_loop_guest *guest);
/* Main thread; ends in drained_letter at the daemon's mailbox. */
void bd_loop_drain(struct bd_loop *loop);
/* Main thread; of the sources' loop, which is there for the others to post to until all of them
 * have ended: they have. */
void bd_loop_let_go(struct bd_loop *loop);
/* Main thread; takes a reference of its own; ends in reloaded_letter. Not again before that. */
void bd_loop_reload(struct bd_loop *loop, struct bd_setup *setup);
/* The loop's thread: one of `background` is done, a guest too. */
void bd_loop_background_end(struct bd_loop *loop);
/* After its thread has ended (or never began). */
void bd_loop_close(struct bd_loop *loop);

#endif
