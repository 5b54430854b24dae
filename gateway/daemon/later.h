/* later.h - work of a loop that may be done a little later: some of it each turn, so that whoever
 * asks something else is served between.
 *
 * Layer: daemon; one thread. What is queued first runs first; what has more to do queues itself
 * again, behind the others.
 */
#ifndef BD_DAEMON_LATER_H
#define BD_DAEMON_LATER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

/* Zeroed, with run set; it belongs to whoever queued it. */
struct bd_later {
	/* No longer queued when it runs. It looks at bd_laters_is_over between two pieces of work.
	 */
	void (*run)(struct bd_later *later);
	TAILQ_ENTRY(bd_later) link;
	bool is_queued;
};

struct bd_laters {
	TAILQ_HEAD(, bd_later) queue;
	uv_idle_t turn;           /* a timer of 0 would run again before anything is read */
	uint64_t end_ns, last_ns; /* of the turn: when somebody waits, and if nobody does */
	bool is_over;
};

void bd_laters_open(struct bd_laters *laters, uv_loop_t *uv);
/* Nothing is queued any more. */
void bd_laters_close(struct bd_laters *laters);

/* Queued already: nothing. */
void bd_later(struct bd_laters *laters, struct bd_later *later);
/* Not queued: nothing. */
void bd_later_not(struct bd_laters *laters, struct bd_later *later);
/* The time of this turn is used up: BD_TURN_NS, or as long as nothing else is there for the loop,
 * up to BD_TURN_MAX_NS. */
bool bd_laters_is_over(struct bd_laters *laters);
bool bd_laters_are_none(const struct bd_laters *laters);
/* Is something there for the loop: what libuv would find, were it asked now. */
bool bd_laters_is_awaited(const struct bd_laters *laters);

#endif
