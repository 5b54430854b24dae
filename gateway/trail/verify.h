/* verify.h - a whole trail checked offline: every entry, every head, and that nothing is missing.
 *
 * Layer: trail. Reads the folder and nothing else; writes nothing, and may run beside the biduid
 * that has the trail open (what that is just writing is then told apart). Checked: the heads are a
 * chain, signed by the keys given, their times and sizes never decreasing; each log's entries are a
 * chain without gaps and the very ones whose leaves lead to the root of each head, in order (so
 * every head is consistent with the one before); the files beside them say the same; and a trail
 * that was closed in order ends there, to the byte. What a thief of the last minutes could still do
 * is cut the trail back to an earlier head, and what a thief of the key could do is write it anew:
 * a witness, who kept heads (witness.h), sees both.
 */
#ifndef BD_TRAIL_VERIFY_H
#define BD_TRAIL_VERIFY_H

#include "trail/proof.h"
#include "trail/witness.h"

/* The place of an entry that no head has yet. */
#define BD_TRAIL_NO_LEAF UINT64_MAX

/* For who waits or looks on; each may be NULL. */
struct bd_trail_watch {
	/* Bytes of entries checked, of how many. */
	void (*on_bytes)(struct bd_trail_watch *watch, uint64_t done, uint64_t total);
	/* Each entry that was found to be chained, in the order of the leaves: by head, loop and
	 * number; those behind the last head at the end. The head that has it is checked after
	 * it. Lives until it returns; a code ends the check and is what it gives. */
	enum bd_code (*on_entry)(struct bd_trail_watch *watch, const struct bd_trail_entry *entry,
		struct bd_bytes body, uint64_t leaf, struct bd_diag *diag);
	/* Each head that was found to be good. */
	enum bd_code (*on_head)(struct bd_trail_watch *watch, const struct bd_trail_signed *head,
		struct bd_diag *diag);
};

struct bd_trail_report {
	uint64_t heads, leaves;    /* signed */
	uint64_t unsigned_entries; /* behind the last head, chained all the same */
	int64_t first_ms, last_ms; /* times of the first and the last head; 0 = none */
	uint64_t instance;
	bool is_closed;    /* in order */
	bool is_running;   /* another process has it open */
	bool has_stranger; /* a file stands in the folder that is no trail's */
};

/* seen and watch may be NULL. BD_TRAIL_DAMAGED, BD_TRAIL_TRUNCATED, BD_SIGNATURE_WRONG: diag has
 * the first damaged place, as file and offset; the report then says how far it was good. */
enum bd_code bd_trail_verify(struct bd_trail_report *report, const char *folder,
	const struct bd_trail_keys *keys, const struct bd_trail_seen *seen,
	struct bd_trail_watch *watch, struct bd_diag *diag);

#endif
