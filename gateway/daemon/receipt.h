/* receipt.h - what a pushed message came to, as the sender reads it: counts first, then every
 * reject. Layer: daemon. */
#ifndef BD_DAEMON_RECEIPT_H
#define BD_DAEMON_RECEIPT_H

#include "base/arena.h"
#include "intake/intake.h"
#include "store/store.h"

struct bd_receipt {
	uint64_t message; /* 0 = nothing was stored (dry run, atomic refused) */
	const char *source, *feed;
	uint64_t received, accepted, unchanged, rejected;
	struct bd_bytes rejects; /* each sized and packed */
	const struct bd_unmapped *unmapped;
	size_t unmapped_count;
	bool is_dry_run;
	struct bd_bytes would_store; /* dry run: text */
	enum bd_code code;           /* BD_OK, BD_MESSAGE_ATOMIC, BD_MESSAGE_ALL_REJECTED */
};

enum bd_code bd_receipt_write(
	struct bd_buf *out, const struct bd_receipt *receipt, struct bd_arena *arena);

#endif
