/* dispute.h - disputes 异议 as they are raised, stand and are over.
 *
 * Layer: store, private; the writer's thread, inside a transaction. What a question must know of an
 * open dispute stands in the head of a node of its subject (node.h), so that a lookup reads nothing
 * more; of what stands nothing is changed. What people must know of it stands in the database
 * `disputes`: 'r' and its number -> the node's key and slot, and the dispute sealed under the
 * subject's own key, so that it is erased with the subject; 'o', the day on which it is due and its
 * number -> nothing, of open ones, so that they are listed by that day.
 *
 * It is over when it is resolved, or by itself, as corrected, when nothing of what it is about
 * stands any more: of a field, no row that stood has still the value that it had; of an entity,
 * none of the rows that stood is there, or where none stood there is one now. That a source says
 * the same again (a daily table does so each day) is no answer to a dispute; nor is a change of
 * something else in the row.
 */
#ifndef BD_STORE_DISPUTE_H
#define BD_STORE_DISPUTE_H

#include "store/journal.h"
#include "store/txn.h"

/* Where a node stands. */
struct bd_dispute_place {
	const uint8_t *key; /* BD_NODE_KEY_BYTES */
	uint64_t slot;
	const uint8_t *salt; /* BD_SALT_BYTES */
};

struct bd_apply;

/* The item of an entry that raises or resolves one. BD_DISPUTE_UNKNOWN, BD_DISPUTE_CLOSED. */
enum bd_code bd_dispute_add_item(struct bd_apply *apply);
/* Into a node: new, or the resolution of the one that stands there. BD_LIMIT_COUNT past
 * BD_NODE_DISPUTES_MAX. */
enum bd_code bd_dispute_enter(struct bd_node *node, const struct bd_node_dispute *dispute);
/* Before a node is packed: marks of the new ones, and takes those out that are over. */
enum bd_code bd_dispute_look(struct bd_node *node, struct bd_seal *seal);
/* After that: what people must know of those that bd_dispute_look found new or over. */
enum bd_code bd_dispute_keep(struct bd_txn *txn, struct bd_node *node,
	const struct bd_dispute_place *place, const struct bd_journal_entry *journal);

/* A row was changed by an erasure, not by its source: what is disputed of it is disputed still. The
 * marks of what it was become those of what it is; of a row that is not seen there are none. */
enum bd_code bd_dispute_follow(struct bd_node *node, const struct bd_node_row *was,
	const struct bd_node_row *now, struct bd_seal *seal);

/* -- the database -- */

/* Puts what stands there under its number, sealed under the salt of the place. */
enum bd_code bd_dispute_put(
	struct bd_txn *txn, const struct bd_dispute *dispute, const struct bd_dispute_place *place);

#define BD_DISPUTE_NAME_BYTES 9
#define BD_DISPUTE_DUE_BYTES 13
void bd_dispute_name(char out[BD_DISPUTE_NAME_BYTES], uint64_t id);
/* False for a name that is none of these. */
bool bd_dispute_id(uint64_t *id, const MDB_val *name);
/* The writer's: by its number, as bd_dispute_open. */
enum bd_code bd_dispute_load(struct bd_dispute *out, bool *found, uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_txn *txn, uint64_t id, struct bd_arena *arena);
void bd_dispute_due_name(char out[BD_DISPUTE_DUE_BYTES], int32_t day, uint64_t id);
/* False for a name that is not of an open one. */
bool bd_dispute_due_read(int32_t *day, uint64_t *id, const MDB_val *name);
/* A value of `disputes` opened; its texts live in the arena. *found false = its subject is erased.
 * key takes that of its node. */
enum bd_code bd_dispute_open(struct bd_dispute *out, bool *found, uint8_t key[BD_NODE_KEY_BYTES],
	const struct bd_node_view *view, uint64_t id, struct bd_bytes value,
	struct bd_arena *arena);

#endif
