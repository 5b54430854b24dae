/* thread.h - what a thread of biduid is called, and how far it gives way to those that answer.
 *
 * Layer: daemon. Called first by the thread itself. The name is what `top -H` and `ps -L` show, and
 * a core dump. Whoever may not be asked to give way (a container that allows no setpriority or
 * sched_setattr) goes on as it is.
 */
#ifndef BD_DAEMON_THREAD_H
#define BD_DAEMON_THREAD_H

#include <stdint.h>

/* Loops answer. The one that asks departments, writer, signer and what tells others share a
 * processor with them where there are few: of one that both want they get a quarter, which is
 * enough for all that loops can make. */
#define BD_THREAD_ANSWERS 0
#define BD_THREAD_GIVES_WAY 5
#define BD_THREAD_HAS_TIME 10 /* what nobody waits for */

/* name: at most 15 bytes. niceness: one of the three. */
void bd_thread_begin(const char *name, int niceness);
/* This thread is content with BD_THREAD_SLICE_NS of a processor in one go: from Linux 6.12 on it
 * runs at once, then, when it is woken, and loses no more than that by bd_thread_share. Before, it
 * changes nothing. */
void bd_thread_short_slices(void);
/* Between two pieces of work, of which there may be thousands: whoever waits for this processor has
 * it first, when BD_THREAD_SLICE_NS have passed since then; a new time begins. */
void bd_thread_share(uint64_t *since_ns);

#endif
