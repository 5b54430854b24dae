/* puller.h - all that biduid fetches by itself: the connections, pulls and look-ups of the sources
 * file, made anew by each reload.
 *
 * Layer: daemon; a guest of the sources' loop (loop.h).
 */
#ifndef BD_DAEMON_PULLER_H
#define BD_DAEMON_PULLER_H

#include "daemon/loop.h"

struct bd_puller;

/* Before the loop is started; the loop is told of it, and it is freed after bd_loop_close. What a
 * secret that cannot be read keeps from working is logged and stands on the board. */
enum bd_code bd_puller_new(struct bd_puller **out, struct bd_loop *loop, struct bd_diag *diag);
struct bd_trial;
/* Any thread: has it tried; ends in trial->answer at home. */
void bd_puller_post_trial(struct bd_puller *puller, struct bd_trial *trial);
struct bd_look;
/* Any thread: has it asked; it comes back by its letter to the mailbox of its loop. */
void bd_puller_post_look(struct bd_puller *puller, struct bd_look *look);
void bd_puller_free(struct bd_puller *puller);

#endif
