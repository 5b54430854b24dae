/* lookups_parts.h - what the files of the look-ups share: lookups.c has who asks, what is
 * remembered and the configurations; lookups_flight.c one subject that is asked about, and its
 * requests.
 *
 * Layer: daemon, private to lookups*.c; on the sources' loop.
 */
#ifndef BD_DAEMON_LOOKUPS_PARTS_H
#define BD_DAEMON_LOOKUPS_PARTS_H

#include "base/siphash.h"
#include "daemon/asking.h"
#include "daemon/lookups.h"

/* Powers of two. Buckets of what is under way; what was answered a moment ago. */
#define BD_LOOK_UP_BUCKETS 4096
#define BD_LOOK_UPS_REMEMBERED 65536

/* A look-up of the sources file at work. */
struct bd_target {
	const struct bd_source_access *access;
	const struct bd_lookup_plan *plan;
	struct bd_endpoint_run *endpoint; /* a reference; NULL = it does not work */
	struct bd_form_value *values;
	char name[128];
	struct bd_sender sender;
	const char *sources[1];
	size_t board_row;
};

/* One subject that is asked about at one feed, or one claim of it that is to be judged. */
struct bd_flight {
	struct bd_flight *next; /* of the bucket */
	struct bd_flight *before, *after;
	struct bd_lookups *lookups;
	struct bd_target *target;
	uint64_t hash;
	struct bd_identifier subject;
	struct bd_bytes field, claim, digest; /* of a claim to be judged; empty = none */
	struct bd_trail_caller caller;        /* the first who asked, and of whom in its case */
	const char *pointer;
	struct bd_look_item *waiters;
	uint64_t joined;  /* others who asked meanwhile */
	int64_t asked_ms; /* monotonic; 0 = not yet */
	const char *id_kind;
	struct bd_request *requests[2]; /* the second, where the first is slow (hedge-ms) */
	size_t open;                    /* of them */
	bool is_over;                   /* the waiters know */
	struct bd_arena arena;
};

struct bd_request {
	struct bd_flight *flight;
	struct bd_asking asking;
	bool is_over;
};

/* That a source has answered: 64 bits of a keyed hash stand for the subject, so that one in some
 * billions is not asked about for a minute. */
struct bd_memory {
	uint64_t hash;
	int64_t at_ms; /* monotonic; 0 = free */
	bool is_none;
};

struct bd_lookups {
	struct bd_loop *loop;
	struct bd_target *targets;
	size_t target_count;
	struct bd_source_board *board;
	struct bd_siphash_key key;
	struct bd_flight *buckets[BD_LOOK_UP_BUCKETS];
	struct bd_flight *first;
	struct bd_flight *visited; /* looked at next; NULL = the first */
	size_t count;
	struct bd_memory *memories;
	struct bd_look *parked; /* the last one first */
	uv_timer_t timer;
	bool is_open, is_draining;
	void (*on_closed)(void *state);
	void *closed_state;
};

/* What is different for the board. */
struct bd_look_note {
	uint64_t asked, failed, refused, late;
	int busy, waiting; /* more or fewer */
	enum bd_code code;
	bool is_end;
};

void bd_lookups_tell(const struct bd_target *target, const struct bd_look_note *note,
	struct bd_source_board *board);
/* With the last of its items the look goes home. */
void bd_look_done(struct bd_look_item *item, enum bd_code code);

/* -- lookups.c -- */

void bd_lookups_remember(struct bd_lookups *lookups, uint64_t hash, enum bd_code code);
/* One flight less: what is closed may be over. */
void bd_lookups_closed_one(struct bd_lookups *lookups);

/* -- lookups_flight.c -- */

/* The first request about a subject; item waits for it. False: no memory. */
bool bd_flight_start(struct bd_lookups *lookups, struct bd_target *target, uint64_t hash,
	struct bd_look_item *item);
/* Nobody is asked: entered, counted, and the item is done. */
void bd_lookups_refuse(const struct bd_lookups *lookups, const struct bd_target *target,
	struct bd_look_item *item, enum bd_code code);
void bd_flight_join(struct bd_flight *flight, struct bd_look_item *item);
/* Is it time for something? Not freed from within. */
void bd_flight_look(struct bd_flight *flight, int64_t now_ms);

#endif
