/* lookups.h - the look-ups 现场查询 of the sources file at work: who is asked about now, who waits
 * for it, and who was asked about a moment ago.
 *
 * Layer: daemon; on the sources' loop, part of the puller. One request a subject and feed is under
 * way, however many cases wait for it (single flight). A request nobody waits for any more is not
 * made; one that was made is taken to its end, and what comes is stored. What a source has answered
 * a moment ago is not asked again for `remember-none`: neither that it has nothing, nor, for cases
 * that do not want something newer, what is in the store by now.
 */
#ifndef BD_DAEMON_LOOKUPS_H
#define BD_DAEMON_LOOKUPS_H

#include "daemon/endpoint.h"
#include "daemon/look.h"

struct bd_lookups;

enum bd_code bd_lookups_new(struct bd_lookups **out, struct bd_loop *loop);
/* After bd_loop_close. */
void bd_lookups_free(struct bd_lookups *lookups);

/* The next configuration; the connection of each look-up, in the order of the sources and of their
 * look-ups, NULL where it does not work. Looks that came meanwhile begin. BD_NO_MEMORY: none works.
 */
enum bd_code bd_lookups_open(struct bd_lookups *lookups, const struct bd_sources *sources,
	struct bd_endpoint_run *(*endpoint_of)(void *state, const struct bd_endpoint *plan),
	void *state, struct bd_source_board *board);
/* Lets those end that a case waits for, until its deadline, and gives up the others. on_closed when
 * nothing of this configuration is left. Looks that come from here on are kept for the next one. */
void bd_lookups_close(struct bd_lookups *lookups, void (*on_closed)(void *state), void *state);
/* There is no next one: they are given back at once, with BD_DRAINING. */
void bd_lookups_drain(struct bd_lookups *lookups);
/* Closed for good: lets go of the event loop. */
void bd_lookups_end(struct bd_lookups *lookups);
/* A look that was posted. */
void bd_lookups_begin(struct bd_lookups *lookups, struct bd_look *look);

#endif
