/* proofs.h - the entry of the trail that an id names, for whom it concerns. Layer: daemon, on the
 * loop's thread. */
#ifndef BD_DAEMON_PROOFS_H
#define BD_DAEMON_PROOFS_H

#include "daemon/loop.h"

/* The entry, when the caller is the one it was made for or an auditor; of a comparison also an
 * operator. Otherwise
 * BD_RECEIPT_UNKNOWN, not 403: whether it exists is not theirs to know. */
enum bd_code bd_proofs_find(struct bd_trail_id *id, struct bd_trail_entry *entry,
	struct bd_loop *loop, const struct bd_sender *sender, struct bd_bytes text,
	struct bd_arena *arena, struct bd_diag *diag);

#endif
