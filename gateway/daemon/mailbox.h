/* mailbox.h - work handed from one thread to another's libuv loop, bounded by what its senders
 * hold.
 *
 * Layer: daemon. Each letter is embedded in what it is about and is in one mailbox at a time, so a
 * mailbox never allocates and cannot be longer than the work there is.
 */
#ifndef BD_DAEMON_MAILBOX_H
#define BD_DAEMON_MAILBOX_H

#include "base/code.h"

#include <uv.h>

struct bd_letter {
	struct bd_letter *next;
	/* Runs on the receiving loop. */
	void (*deliver)(struct bd_letter *letter);
};

struct bd_mailbox {
	uv_async_t async;
	uv_mutex_t lock;
	struct bd_letter *first, **last;
	struct bd_letter *taken; /* out of these, and not delivered yet: the receiving thread's */
};

/* On the receiving loop's thread, or before it runs. */
enum bd_code bd_mailbox_open(struct bd_mailbox *mailbox, uv_loop_t *loop);
/* Any thread. Letters are delivered in order; a thousand that came at once not in one turn of the
 * loop (BD_TURN_NS). */
void bd_mailbox_post(struct bd_mailbox *mailbox, struct bd_letter *letter);
/* Receiving thread; the memory must stay until the loop has run its closing. Letters inside are
 * delivered first. */
void bd_mailbox_close(struct bd_mailbox *mailbox);

#endif
