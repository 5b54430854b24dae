/* erase_who.h - under which names, and how called, a subject that is to be erased is known; and the
 * note of it by which a process that was killed knows what it had begun.
 *
 * Layer: store, private; the writer's thread. The note stands in meta under "erase.who" and the
 * number of a slot, sealed under the salt of that slot, which is let go and overwritten with all
 * others when the erasure is done: nobody reads in an old page of the file whom it was about. From
 * then on "untold erasures" stands there, until whoever keeps something of cases beside the store
 * has looked through it.
 */
#ifndef BD_STORE_ERASE_WHO_H
#define BD_STORE_ERASE_WHO_H

#include "store/erase_clean.h"
#include "store/txn.h"

/* The names that it goes by now, the one that was given among them. BD_SUBJECT_AMBIGUOUS. */
enum bd_code bd_erase_who_read(struct bd_erase_who *out, struct bd_store *store,
	const struct bd_erasure *erasure, struct bd_arena *arena, struct bd_diag *diag);
/* Is one of the store's not finished? At the start. */
bool bd_erase_is_noted(struct bd_store *store, MDB_txn *txn);
/* Has it to be told? At the start. */
bool bd_erase_is_untold(struct bd_store *store, MDB_txn *txn);
/* Before anything of it is done. In a transaction of its own. */
enum bd_code bd_erase_note(
	uint64_t *noted, struct bd_txn *txn, const struct bd_erase_who *who, int64_t now_ms);
/* All of it is done but for overwriting. In a transaction of its own. */
enum bd_code bd_erase_forget(struct bd_txn *txn, uint64_t noted);
/* One that is noted; *found false = none. */
enum bd_code bd_erase_find_noted(struct bd_erase_who *out, uint64_t *noted, int64_t *now_ms,
	bool *found, struct bd_txn *txn, struct bd_arena *arena);

#endif
