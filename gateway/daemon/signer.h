/* signer.h - the thread that makes the trail safe: each second a signed head, a sync when answers
 * wait for one; and one beside it that makes space ahead.
 *
 * Layer: daemon. It reads the wall clock for the heads. After a sync each loop that holds answers
 * gets its synced_letter. When the trail has failed, the daemon's mailbox gets trail_letter, once.
 */
#ifndef BD_DAEMON_SIGNER_H
#define BD_DAEMON_SIGNER_H

#include "base/code.h"

struct bd_daemon;
struct bd_signer;

/* The trail is open; the loops are opened, or will be before they hold answers. */
enum bd_code bd_signer_start(struct bd_signer **out, struct bd_daemon *daemon);
/* Any thread. */
void bd_signer_want_sync(struct bd_signer *signer);
void bd_signer_want_space(struct bd_signer *signer);
/* Ends the threads, frees. The loops' threads have ended. NULL is allowed. */
void bd_signer_stop(struct bd_signer *signer);

#endif
