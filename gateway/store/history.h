/* history.h - what stood before: every value that a commit replaced, for as long as the store keeps
 * it, and how a reader finds what stood at a commit.
 *
 * Layer: store, private. Written by the writer's transactions, read in any.
 *
 * Each commit that changes a node or the coverage has the next number (`commit` in meta; LMDB's own
 * starts anew in a compacting copy). The value of a node says by which commit it was written, and
 * the database `history` holds, under that commit's number and the node's key, the sealed value
 * that it replaced, as it was: same name, same slot of its salt, so that erasing the subject
 * erases all of them. The present value and those before it are so a chain, newest first, and a
 * node that is no older than the chain goes did not exist before. Numbers only rise, so what is
 * kept is always put behind all that there is, in full pages, and what is the oldest is what stands
 * first: nothing else needs to know when it can go. A commit's number alone has when it was.
 *
 * Coverage and marks are few and do not say when they were written: `coverage_history` holds, under
 * their name and the number of the commit that replaced it, what stood there; empty for nothing. Of
 * a feed only what a lookup can see is looked at, not its counts.
 *
 * Pairs of owners and links are only ever added, and say by which commit.
 *
 * A subject that was erased leaves a value without a content in its place, until the oldest value
 * of it that was kept is so old that it goes: so long its absence can be told from never having
 * been there.
 */
#ifndef BD_STORE_HISTORY_H
#define BD_STORE_HISTORY_H

#include "store/txn.h"

/* The head of a node's value: slot of the salt, and the commit that wrote it. */
struct bd_node_head {
	uint64_t slot, written;
	struct bd_bytes sealed; /* empty: erased */
};
/* BD_STORE_DAMAGED for what is too short. */
enum bd_code bd_node_head_read(struct bd_node_head *head, struct bd_bytes value);
enum bd_code bd_node_head_pack(struct bd_buf *out, uint64_t slot, uint64_t written);

/* Before a node is put: keeps the value that it has now; empty = there is none. Of several changes
 * in one transaction the first counts. */
enum bd_code bd_history_keep_node(
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], struct bd_bytes was);
/* The same for a name of the coverage database. */
enum bd_code bd_history_keep_coverage(
	struct bd_txn *txn, struct bd_bytes name, struct bd_bytes was);
/* The transaction changes something that a reader can see: it will have its number. */
enum bd_code bd_history_number(struct bd_txn *txn);

/* *value: what a node had at that commit, given what it has now. *found false: it did not exist. */
enum bd_code bd_history_node(struct bd_bytes *value, bool *found, const struct bd_store *store,
	MDB_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit);
/* The same for a name of the coverage database. */
enum bd_code bd_history_coverage(struct bd_bytes *value, bool *found, const struct bd_store *store,
	MDB_txn *txn, struct bd_bytes name, uint64_t commit);
/* Was a pair of owners or links there at that commit, given its value? */
bool bd_history_has_pair(MDB_val value, uint64_t commit);
/* The oldest commit that can be asked for. */
enum bd_code bd_history_floor(uint64_t *commit, const struct bd_store *store, MDB_txn *txn);

#endif
