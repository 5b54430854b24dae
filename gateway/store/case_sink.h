/* case_sink.h - who else wants to hear of each case file when it is indexed. Layer: store, private;
 * the writer's thread.
 */
#ifndef BD_STORE_CASE_SINK_H
#define BD_STORE_CASE_SINK_H

#include "base/arena.h"
#include "base/trail_id.h"

struct bd_store;
struct bd_txn;
struct bd_case_head;
struct bd_case_record;

/* Is asked about every case that is indexed, by its head: whether it may want it, without any look
 * into the store, and then whether it does, in the transaction in which it would hear of it. A case
 * that nobody wants is not opened. Hears of those that it wants, and once more of each case when it
 * is taken away, in the transaction that does it. A sink that was told of a case is told of it
 * again only after `removed`. A case that cannot be opened (damaged, erased before it was indexed)
 * is told to nobody. */
struct bd_case_sink {
	/* Wants to hear once more of a case that is indexed anew: head->commit is then the one up
	 * to which it was told of what changed. */
	bool hears_again;
	bool (*may_want)(struct bd_case_sink *self, const struct bd_store *store,
		const struct bd_case_head *head);
	enum bd_code (*wants)(bool *out, struct bd_case_sink *self, struct bd_txn *txn,
		const struct bd_case_head *head);
	enum bd_code (*added)(struct bd_case_sink *self, struct bd_txn *txn,
		const struct bd_case_head *head, const struct bd_case_record *record,
		struct bd_arena *arena);
	/* NULL = does not want to know. */
	enum bd_code (*removed)(struct bd_case_sink *self, struct bd_txn *txn,
		const struct bd_trail_id *receipt, struct bd_arena *arena);
	struct bd_case_sink *next; /* private */
};

#endif
