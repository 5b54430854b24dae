/* receipt.h - what a pushed message came to, as the sender reads it: counts first, then every
 * reject. Layer: daemon. */
#ifndef BD_DAEMON_RECEIPT_H
#define BD_DAEMON_RECEIPT_H

#include "daemon/cursor.h"
#include "daemon/loop.h"

struct bd_receipt {
	uint64_t message; /* 0 = nothing was stored (dry run, atomic refused) */
	const char *source, *feed;
	uint64_t received, accepted, unchanged, rejected;
	/* The rejects of a message that has just come, each sized and packed, or those of one that
	 * is kept. */
	struct bd_bytes rejects;
	const struct bd_kept_reject *kept;
	size_t kept_count;
	size_t rejects_max; /* listed; 0 = BD_RECEIPT_REJECTS_MAX */
	const struct bd_unmapped *unmapped;
	size_t unmapped_count;
	bool is_dry_run;
	struct bd_bytes would_store;     /* dry run: text */
	enum bd_code code;               /* BD_OK, BD_MESSAGE_ATOMIC, BD_MESSAGE_ALL_REJECTED */
	char next[BD_CURSOR_TEXT_BYTES]; /* of the rejects that are not listed; "" = none */
};

/* What the counts mean for the sender. */
enum bd_code bd_receipt_code(uint64_t accepted, uint64_t rejected);
/* Fills `next` when a stored message has more rejects than are listed; sender is who reads it. */
enum bd_code bd_receipt_go_on(
	struct bd_receipt *receipt, const struct bd_loop *loop, const struct bd_sender *sender);
/* The receipt of a kept message, from a snapshot of its own; BD_RECEIPT_UNKNOWN when there is none,
 * or it is of a source that the sender may not speak for and the sender is no operator: whether it
 * exists is not theirs to know. */
enum bd_code bd_receipt_read(struct bd_receipt *out, struct bd_loop *loop,
	const struct bd_sender *sender, uint64_t message, struct bd_arena *arena,
	struct bd_diag *diag);
enum bd_code bd_receipt_write(
	struct bd_buf *out, const struct bd_receipt *receipt, struct bd_arena *arena);

#endif
