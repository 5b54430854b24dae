/* reseal.h - master epochs come and go while the store is in use: what is sealed under an earlier
 * one, or otherwise, is opened and sealed anew.
 *
 * Layer: store. A new epoch is noted first, and from then on everything is sealed under it. The
 * writer's thread then walks the sealed databases, some rows a transaction, and the case files, a
 * file at a time into a draft that takes its place; both go on where they were after a restart. A
 * spool is not sealed anew: it is applied, and gone. When nothing of an earlier epoch is left, that
 * epoch is let go of: its key is not needed any more. What of an erased subject still lies there is
 * left as it is: nobody can open it with any key.
 */
#ifndef BD_STORE_RESEAL_H
#define BD_STORE_RESEAL_H

#include "store/store.h"

/* What an earlier epoch is still needed for. */
enum bd_reseal_wait {
	BD_RESEAL_NOTHING = 0,
	BD_RESEAL_ROWS,
	BD_RESEAL_CASES,
	BD_RESEAL_SPOOLS,  /* a long message that is being received or applied, or has failed */
	BD_RESEAL_OUTSIDE, /* the caller's own */
	BD_RESEAL_DAMAGED  /* something cannot be opened: see the log */
};

struct bd_reseal_state {
	uint16_t epoch; /* that is sealed under */
	enum bd_sealing sealing;
	enum bd_blinding blinding;
	uint16_t needed[BD_EPOCHS_MAX]; /* epochs, rising; the last is `epoch` */
	size_t needed_count;
	enum bd_reseal_wait waits; /* NOTHING: all is sealed as it should be */
	uint64_t done, total;      /* rows and case files looked at; total as it was at the start */
	uint64_t damaged;
};

/* Are these the keys of the open store? *is_new: the last is of a newer epoch. BD_STORE_KEY: one
 * that it uses is another, or is not among them. Any thread. */
enum bd_code bd_store_check_epochs(bool *is_new, const struct bd_store *store,
	const struct bd_keys *keys, struct bd_diag *diag);
/* Writer thread: from now on this epoch, which is newer than all others, is sealed under. */
enum bd_code bd_store_add_epoch(
	struct bd_store *store, const struct bd_key *key, struct bd_diag *diag);
/* Writer thread, between messages: one step, at most one transaction. outside_is_done: nothing that
 * the caller seals itself is of an earlier epoch. *has_more: call again at once; otherwise some
 * seconds later. */
enum bd_code bd_store_reseal(
	struct bd_store *store, bool outside_is_done, bool *has_more, struct bd_diag *diag);
/* Any thread. */
void bd_store_reseal_state(struct bd_reseal_state *out, struct bd_store *store);
/* "rows", "cases" ...; "" for nothing. */
const char *bd_reseal_wait_name(enum bd_reseal_wait wait);

/* -- of a folder that another process may have open, never this one; without its keys -- */

/* Which epochs a store needs. BD_STORE_FAILED: there is no store. */
enum bd_code bd_store_needed(
	uint16_t out[BD_EPOCHS_MAX], size_t *count, const char *folder, struct bd_diag *diag);
/* Is this the key of its epoch? BD_STORE_KEY: it is another; BD_OK with *is_needed false: the store
 * does not need that epoch, and knows nothing of it. */
enum bd_code bd_store_check_key(
	bool *is_needed, const char *folder, const struct bd_key *key, struct bd_diag *diag);

#endif
