/* makers.h - threads that make the nodes of a long message (make.h) while the writer puts those
 * before them.
 *
 * Layer: store, private. The writer gathers what comes for some nodes into a batch, gives it, and
 * puts batches in the order in which it gave them. Each thread sees the store as the writer's
 * transaction found it, so a batch may hold only nodes that the transaction has not touched. A node
 * that no thread could make, for whatever reason, is left to the writer, who then has the reason.
 * Where there are no threads, or none is free, the writer makes batches itself.
 */
#ifndef BD_STORE_MAKERS_H
#define BD_STORE_MAKERS_H

#include "base/limits.h"
#include "store/make.h"

struct bd_batch_node {
	uint8_t key[BD_NODE_KEY_BYTES];
	size_t record, record_count; /* of the batch's */
	bool is_left;                /* set before it is given: nobody is to try */
	bool is_made;                /* else it is left to the writer */
	struct bd_made made;
	size_t change, change_count; /* of the batch's */
	bool goes_on;                /* the caller's: more records of it are still to come */
	size_t rest[2];              /* the caller's: what there is besides records */
};

struct bd_batch {
	struct bd_batch_node nodes[BD_BATCH_NODES_MAX];
	size_t count;
	struct bd_bytes *records; /* packed */
	size_t record_count, record_cap;
	struct bd_arena arena; /* the caller's: of records */
	/* of what was made */
	struct bd_arena made;
	struct bd_changes changes;
	enum { BD_BATCH_FREE, BD_BATCH_GIVEN, BD_BATCH_TAKEN, BD_BATCH_MADE } state;
};

struct bd_makers;
/* As many threads as there are processors for it; none is no failure. */
enum bd_code bd_makers_new(
	struct bd_makers **out, struct bd_store *store, const struct bd_journal_entry *journal);
void bd_makers_free(struct bd_makers *makers); /* NULL is allowed */
/* In the writer's transaction, before it changes anything. own: the writer's. */
void bd_makers_begin(struct bd_makers *makers, const struct bd_maker *own);
/* Before it ends: nobody works any more, and what was given and not taken is dropped. Again:
 * nothing. */
void bd_makers_end(struct bd_makers *makers);
/* One to be filled, empty; NULL = as many as there may be are on their way. */
struct bd_batch *bd_makers_new_batch(struct bd_makers *makers);
void bd_makers_give(struct bd_makers *makers, struct bd_batch *batch);
/* The first that was given and not yet passed, when it is made; NULL = there is none. */
struct bd_batch *bd_makers_next(struct bd_makers *makers);
/* It was put. */
void bd_makers_pass(struct bd_makers *makers, struct bd_batch *batch);

/* The caller's, who sees that there is room. */
struct bd_batch_node *bd_batch_add_node(
	struct bd_batch *batch, const uint8_t key[BD_NODE_KEY_BYTES]);
/* One more packed record, copied, of the last of the batch's nodes. */
enum bd_code bd_batch_add_record(struct bd_batch *batch, struct bd_bytes packed);

#endif
