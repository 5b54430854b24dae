/* thread.h - what a thread of biduid is called, and how far it gives way to those that answer.
 *
 * Layer: daemon. Called first by the thread itself. The name is what `top -H` and `ps -L` show, and
 * a core dump. Whoever may not be asked to give way (a container that allows no setpriority) goes
 * on as it is.
 */
#ifndef BD_DAEMON_THREAD_H
#define BD_DAEMON_THREAD_H

/* Loops answer. Writer, signer and what tells others share a processor with them where there are
 * few: of one that both want they get a quarter, which is enough for all that loops can make. */
#define BD_THREAD_ANSWERS 0
#define BD_THREAD_GIVES_WAY 5
#define BD_THREAD_HAS_TIME 10 /* what nobody waits for */

/* name: at most 15 bytes. niceness: one of the three. */
void bd_thread_begin(const char *name, int niceness);

#endif
