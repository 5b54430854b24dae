/* follow.h - the thread that follows obligations: tells the trail what has changed without anybody
 * asking for it, and looks again at what the agency owes when a source has told something new.
 *
 * Layer: daemon. A check of the agency is looked at again when a subject of its case has changed,
 * and all of them once a day and at the start (a feed that is complete again, a day that has come,
 * changes no subject); never on a loop. What is found accepted is closed by the writer, with the
 * source and the statement that settled it. Entries are made by the first loop: a log of the trail
 * belongs to its loop.
 */
#ifndef BD_DAEMON_FOLLOW_H
#define BD_DAEMON_FOLLOW_H

#include "daemon/setup.h"

struct bd_daemon;
struct bd_follow;

/* The loops run. Takes a reference of its own. */
enum bd_code bd_follow_start(
	struct bd_follow **out, struct bd_daemon *daemon, struct bd_setup *setup);
/* Any thread; takes a reference of its own. */
void bd_follow_reload(struct bd_follow *follow, struct bd_setup *setup);
/* Ends the thread, frees. The loops and the writer still run. NULL is allowed. */
void bd_follow_stop(struct bd_follow *follow);

#endif
