/* verify.h - a whole trail checked offline: every entry, every head, and that nothing is missing.
 *
 * Layer: trail. Reads the folder and nothing else; writes nothing, and may run beside the biduid
 * that has the trail open (what that is just writing is then told apart). Checked: the heads are a
 * chain, signed by the keys given, their times and sizes never decreasing; each log's entries are a
 * chain without gaps and the very ones whose leaves lead to the root of each head, in order (so
 * every head is consistent with the one before); the files beside them say the same; and a trail
 * that was closed in order ends there, to the byte. What a thief of the last minutes could still do
 * is cut the trail back to an earlier head: a witness, who kept a later one, sees that.
 */
#ifndef BD_TRAIL_VERIFY_H
#define BD_TRAIL_VERIFY_H

#include "trail/proof.h"

/* For who waits: bytes of entries checked, of how many. */
struct bd_trail_watch {
	void (*on_bytes)(struct bd_trail_watch *watch, uint64_t done, uint64_t total);
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

/* witness and watch may be NULL. BD_TRAIL_DAMAGED, BD_TRAIL_TRUNCATED, BD_SIGNATURE_WRONG: diag has
 * the first damaged place, as file and offset; the report then says how far it was good. */
enum bd_code bd_trail_verify(struct bd_trail_report *report, const char *folder,
	const struct bd_trail_keys *keys, const struct bd_trail_signed *witness,
	struct bd_trail_watch *watch, struct bd_diag *diag);

#endif
