/* thread.h - what a thread is called, and how far it gives way to those that answer.
 *
 * Layer: base. The name is what `top -H` and `ps -L` show, and a core dump. Whoever may not be
 * asked to give way (a container that allows no sched_setattr) goes on as it is.
 */
#ifndef BD_BASE_THREAD_H
#define BD_BASE_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* Loops answer. The one that asks departments, writer, signer, workers and what tells others share
 * a processor with them where there are few: of one that both want the kernel gives them a quarter,
 * and never at once when they wake up; bd_thread_share leaves them less. */
#define BD_THREAD_ANSWERS 0
#define BD_THREAD_GIVES_WAY 5
#define BD_THREAD_HAS_TIME 10 /* what nobody waits for */

/* Called first by the thread itself. name: at most 15 bytes; NULL = as it is. niceness: one of the
 * three. */
void bd_thread_begin(const char *name, int niceness);
/* This thread is content with BD_THREAD_SLICE_NS of a processor in one go: from Linux 6.12 on it
 * runs at once, then, when it is woken, and loses no more than that by bd_thread_share. Before, it
 * changes nothing. */
void bd_thread_short_slices(void);
/* Has this thread work to do, until it says that it has none? Of one that did not begin as one
 * that answers it says nothing. */
void bd_thread_answering(bool is_busy);
/* Between two pieces of work, of which there may be thousands: whoever waits for this processor has
 * it first, when this thread did not share it for BD_THREAD_SLICE_NS; one that answers goes on. Not
 * with a lock that others want. One that gives way sleeps where one that answers is busy on its
 * processor, until all that give way there had one part of it beside BD_THREAD_ANSWERS_PARTS: by
 * yielding alone it would go on for as long as the kernel owes it time, up to 4 ms. */
void bd_thread_share(void);
/* The same at some of many pieces of less than a microsecond each; i counts them. */
static inline void bd_thread_share_at(size_t i)
{
	if (i % 64 == 0) {
		bd_thread_share();
	}
}

#endif
