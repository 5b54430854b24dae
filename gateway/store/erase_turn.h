/* erase_turn.h - another subject's rows, their history and their disputes under a new salt, without
 * what they say of an erased subject.
 *
 * Layer: store, private; the writer's thread, between messages. LMDB keeps what was replaced
 * readable in its file for long, so that putting a cleaned value is not enough: the key that opens
 * the earlier one must be gone as well. A node is turned in transactions of some MiB: it gets a new
 * salt in a slot of its own; the value that it has, and each that the history has of it, newest
 * first, is cleaned and put under the new slot; so are its disputes. Each value says which slot is
 * its own, so that in between some are read under the one and some under the other, and what is
 * pushed meanwhile goes under the new one. The last transaction takes the pairs away that led from
 * the erased subject to it, and writes down which slots nothing stands under any more.
 *
 * Only then, and when no reader sees what was before, are these overwritten and synced. A process
 * that is killed anywhere goes on from what the store says:
 *   "erase.turn"  node key, new slot, and the commit up to which its history is turned, then the
 *                 slots that it stood under;
 *   "erase.slots" the slots to be overwritten.
 * Neither says whom it is about. "erasures" counts how often slots were let go.
 */
#ifndef BD_STORE_ERASE_TURN_H
#define BD_STORE_ERASE_TURN_H

#include "store/erase_clean.h"
#include "store/txn.h"

#define BD_ERASE_COUNT_NAME "erasures"

/* In transactions of its own. Goes on with one that was not finished. */
enum bd_code bd_erase_turn(
	struct bd_txn *txn, struct bd_erase_who *who, const uint8_t key[BD_NODE_KEY_BYTES]);
/* Within a transaction: nothing stands under these slots once it is committed. */
enum bd_code bd_erase_let_go(struct bd_txn *txn, const uint64_t *slots, size_t count);
/* Overwrites what was let go. BD_ERASE_WAITS: somebody (a backup) still reads what was before;
 * nothing is lost, it is to be called again. */
enum bd_code bd_erase_overwrite(struct bd_txn *txn);
/* The key of a node that is not turned to its end; *found false = none. Within a transaction. */
enum bd_code bd_erase_unturned(uint8_t key[BD_NODE_KEY_BYTES], bool *found, struct bd_txn *txn);

#endif
