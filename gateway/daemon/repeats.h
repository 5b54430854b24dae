/* repeats.h - answers that may be asked for again: the Idempotency-Key of comparisons, kept for 24
 * hours, so that a retry gets the first answer and receipt, over a restart too.
 *
 * Layer: daemon. One table for all loops; every function may be called by any thread. What is kept
 * stands sealed in a file a day under data_folder/repeats (store/seal.h, under a salt of its own);
 * files of which nothing counts any more are removed. Keys and bodies are digests made
 * by the caller. A record: u32 length of what is sealed, i64 time, 16 bytes each of key and body,
 * the sealed receipt id (sized) and answer; a torn one at the end is cut, and what was sealed of an
 * erased one is zeroes.
 */
#ifndef BD_DAEMON_REPEATS_H
#define BD_DAEMON_REPEATS_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/digest.h"

#define BD_REPEATS_KEPT_MS (INT64_C(24) * 3600 * 1000)

struct bd_ring;
struct bd_repeats;

/* The ring lives as long. is_synced: what is kept survives a power loss when
 * bd_repeats_keep returns. */
enum bd_code bd_repeats_open(struct bd_repeats **out, const char *folder,
	const struct bd_ring *ring, bool is_synced, int64_t now_ms, struct bd_diag *diag);
void bd_repeats_close(struct bd_repeats *repeats); /* NULL is allowed */

struct bd_repeat {
	uint8_t key[BD_DIGEST_BYTES];  /* of sender and Idempotency-Key */
	uint8_t body[BD_DIGEST_BYTES]; /* of all that was asked */
};
enum bd_repeat_state {
	BD_REPEAT_NEW = 1, /* answer it, then keep or forget it */
	BD_REPEAT_SAME,    /* receipt and answer are the first ones, in the arena */
	BD_REPEAT_DIFFERS, /* the key came with another body */
	BD_REPEAT_RUNNING  /* the first is being answered */
};
/* BD_BUSY: BD_REPEATS_MAX keys of the last 24 hours are kept. */
enum bd_code bd_repeats_begin(enum bd_repeat_state *state, struct bd_bytes *receipt,
	struct bd_bytes *answer, struct bd_repeats *repeats, const struct bd_repeat *repeat,
	int64_t now_ms, struct bd_arena *arena, struct bd_diag *diag);
/* Is everything that is kept sealed as it would be now? Any thread. */
bool bd_repeats_are_current(struct bd_repeats *repeats);
/* Of a new one, before its answer leaves. After a failure it is forgotten. */
enum bd_code bd_repeats_keep(struct bd_repeats *repeats, const struct bd_repeat *repeat,
	const char *receipt, struct bd_bytes answer, int64_t now_ms, struct bd_diag *diag);
void bd_repeats_forget(struct bd_repeats *repeats, const struct bd_repeat *repeat);
/* Whose case was erased, by the receipt of its answer. */
struct bd_repeats_judge {
	bool (*is_erased)(void *state, struct bd_bytes receipt);
	void *state;
};
/* Such answers are overwritten, and synced: a retry is answered anew. One record at a time, so that
 * nobody waits for long. */
enum bd_code bd_repeats_erase(
	struct bd_repeats *repeats, const struct bd_repeats_judge *judge, struct bd_diag *diag);

#endif
