/* apply.h - what an entry says of each subject, into its node.
 *
 * Layer: store, private; the writer's thread, inside a transaction. Deterministic: looks at nothing
 * but the entry and the store (journal.h). All that an entry says of one node is applied with one
 * read and one write, so that it becomes visible at once.
 */
#ifndef BD_STORE_APPLY_H
#define BD_STORE_APPLY_H

#include "store/make.h"
#include "store/txn.h"

struct bd_apply {
	struct bd_txn *txn;
	const struct bd_journal_entry *journal;
	struct bd_node_context context;
	struct bd_item *items;
	size_t count, cap;
	struct bd_changes changes;
	struct bd_maker maker; /* the writer's own: through its transaction */
	struct bd_made made;
	bool has_pairs; /* those of its records are put already */
	uint64_t *told; /* snapshots: rows of each of the entry's sections; else NULL */
	uint64_t recalled;
};

enum bd_code bd_apply_open(
	struct bd_apply *apply, struct bd_txn *txn, const struct bd_journal_entry *journal);
void bd_apply_close(struct bd_apply *apply);
/* A packed record; what it points to lives as long as packed and txn->arena. key: of its node; NULL
 * = not known yet. */
enum bd_code bd_apply_add_record(
	struct bd_apply *apply, struct bd_bytes packed, const uint8_t *key);
/* Who names the node of a refused row, or of all entities of a refused record (row NULL); NULL =
 * nobody knows. */
const struct bd_identifier *bd_apply_reject_subject(const struct bd_journal_entry *journal,
	const struct bd_reject *reject, const struct bd_reject_row *row);
/* An item for it, where it has a node. Its order is completed. */
enum bd_code bd_apply_add_reject_row(
	struct bd_apply *apply, struct bd_reject *reject, const struct bd_reject_row *row);
/* Items of all rejects of the entry. */
enum bd_code bd_apply_add_rejects(struct bd_apply *apply);
/* One item for the node of this identifier; what it is to be is set by the caller, before the next.
 */
enum bd_code bd_apply_new_item(
	struct bd_apply *apply, struct bd_item **out, const struct bd_identifier *self);
/* All items, node by node. A node that would pass BD_NODE_MAX_BYTES keeps what it has and is
 * blocked for what the entry says. */
enum bd_code bd_apply_items(struct bd_apply *apply);
/* A node that was made, by whomever, since the transaction began. */
enum bd_code bd_apply_made(struct bd_apply *apply, struct bd_made *made);
/* How many native records changed something; sorts them. */
uint64_t bd_changes_count(struct bd_changes *changes);

#endif
