/* today.h - what the cases of a page of watches would come to today.
 *
 * Layer: daemon. Deciding is for a thread of the pool: bd_today_decide has a reader of its own.
 * What was decided is entered on the loop, before it is told: whoever is told has looked at the
 * same people again.
 */
#ifndef BD_DAEMON_TODAY_H
#define BD_DAEMON_TODAY_H

#include "daemon/loop.h"
#include "store/watches.h"

/* Events of a page that is decided. */
#define BD_TODAY_PAGE 50

struct bd_today_case {
	struct bd_trail_id receipt;
	const char *decision;               /* NULL: it cannot be decided again */
	char entry[BD_TRAIL_ID_TEXT_BYTES]; /* of this look, in the trail; "" = not entered yet */
};

struct bd_today {
	const struct bd_setup *setup;
	struct bd_store *store;
	const struct bd_watch_page *page; /* at most BD_TODAY_PAGE events */
	struct bd_asker asker;            /* who is told */
	int64_t now_ms;
	/* of each receipt once */
	struct bd_today_case cases[BD_TODAY_PAGE];
	size_t count;
};

/* Every receipt of the page; a case that cannot be decided is none of the failures. */
enum bd_code bd_today_decide(struct bd_today *today, struct bd_diag *diag);
/* On disk when it returns. A case whose receipt is not the sender's is not told. */
enum bd_code bd_today_enter(struct bd_today *today, struct bd_loop *loop,
	const struct bd_http_exchange *exchange, const struct bd_sender *sender,
	struct bd_diag *diag);
/* NULL: it has no decision. today may be NULL. */
const struct bd_today_case *bd_today_find(
	const struct bd_today *today, const struct bd_trail_id *receipt);

#endif
