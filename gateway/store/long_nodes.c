/* long_nodes.c - records and rejects are gathered node by node in the order of the store, made by
 * whoever is free (makers.h), and put in that order. */
#include "store/long_nodes.h"

#include "base/limits.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/makers.h"

#include <string.h>

/* What a node's records may take of memory before they are applied: more of the same node go into
 * it in a second round of the same transaction. */
#define ROUND_BYTES ((size_t)8 << 20)

struct part {
	struct bd_apply *apply;
	struct bd_long *work;
	uint8_t *done;
	uint64_t expected; /* dirty bytes that what is on its way will come to */
	bool has_more;
	bool is_in_node; /* the last node that was gathered goes on: nothing more until it is put */
};

/* -- gathering -- */

/* The next node of records and rejects; false at the end. */
static enum bd_code next_key(
	uint8_t key[BD_NODE_KEY_BYTES], bool *has, struct bd_long *work, struct bd_diag *diag)
{
	const struct bd_long_reject *reject =
		work->reject_at < work->reject_count ? &work->rejects[work->reject_at] : NULL;
	const struct bd_spool_item *item = NULL;

	BD_TRY(bd_spool_merge_look(&item, work->merge, diag));
	*has = item != NULL || reject != NULL;
	if (item != NULL &&
		(reject == NULL || memcmp(item->key, reject->key, BD_NODE_KEY_BYTES) <= 0)) {
		memcpy(key, item->key, BD_NODE_KEY_BYTES);
	} else if (reject != NULL) {
		memcpy(key, reject->key, BD_NODE_KEY_BYTES);
	}
	return BD_OK;
}

/* The next record of this node; NULL = there is no more. */
static enum bd_code next_record(const struct bd_spool_item **item, struct bd_long *work,
	const uint8_t key[BD_NODE_KEY_BYTES], struct bd_diag *diag)
{
	BD_TRY(bd_spool_merge_look(item, work->merge, diag));
	if (*item != NULL && memcmp((*item)->key, key, BD_NODE_KEY_BYTES) != 0) {
		*item = NULL;
	}
	return BD_OK;
}

static enum bd_code gather_records(
	struct part *part, struct bd_batch *batch, struct bd_batch_node *node)
{
	struct bd_diag *diag = part->apply->txn->diag;
	struct bd_long *work = part->work;

	for (;;) {
		const struct bd_spool_item *item = NULL;

		BD_TRY(next_record(&item, work, node->key, diag));
		if (item == NULL) {
			return BD_OK;
		}
		if (bd_arena_given(&batch->arena) >= (size_t)BD_BATCH_BYTES * 2) {
			node->goes_on = part->is_in_node = true;
			return BD_OK;
		}
		BD_TRY(bd_batch_add_record(batch, item->record));
		BD_TRY(bd_spool_merge_pass(work->merge, diag));
	}
}

/* A node with rejects, or of too many records, is the writer's own; and of a file that was found
 * here all are, for its keys may be of another store. */
static enum bd_code gather_node(
	struct part *part, struct bd_batch *batch, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_batch_node *node = bd_batch_add_node(batch, key);
	struct bd_long *work = part->work;

	BD_TRY(gather_records(part, batch, node));
	node->rest[0] = work->reject_at;
	while (work->reject_at < work->reject_count &&
		memcmp(work->rejects[work->reject_at].key, key, BD_NODE_KEY_BYTES) == 0) {
		work->reject_at++;
	}
	node->rest[1] = work->reject_at;
	node->is_left = work->is_resumed || node->goes_on || node->rest[1] > node->rest[0];
	return BD_OK;
}

static uint64_t weight(const struct bd_batch *batch)
{
	return bd_txn_dirt_of(batch->count, bd_arena_given(&batch->arena));
}

static enum bd_code gather(struct part *part, struct bd_batch *batch, uint64_t room)
{
	uint8_t key[BD_NODE_KEY_BYTES];

	do {
		BD_TRY(next_key(key, &part->has_more, part->work, part->apply->txn->diag));
		if (!part->has_more) {
			return BD_OK;
		}
		BD_TRY(gather_node(part, batch, key));
	} while (!part->is_in_node && batch->count < BD_BATCH_NODES_MAX &&
		 bd_arena_given(&batch->arena) < BD_BATCH_BYTES && weight(batch) < room);
	return BD_OK;
}

/* As many batches as may be on their way, and fit. */
static enum bd_code send(struct part *part)
{
	const struct bd_txn *txn = part->apply->txn;
	uint64_t limit = bd_long_part_bytes(txn->store);

	while (part->has_more && !part->is_in_node) {
		uint64_t used = bd_txn_dirty_bytes(txn) + part->expected;
		struct bd_batch *batch =
			used < limit ? bd_makers_new_batch(part->work->makers) : NULL;

		if (batch == NULL) {
			return BD_OK;
		}
		BD_TRY(gather(part, batch, limit - used));
		if (batch->count > 0) {
			part->expected += weight(batch);
			bd_makers_give(part->work->makers, batch);
		}
	}
	return BD_OK;
}

/* -- what is left to the writer -- */

static enum bd_code round_off(struct bd_apply *apply)
{
	if (bd_arena_given(&apply->txn->arena) > ROUND_BYTES) {
		BD_TRY(bd_apply_items(apply));
		bd_arena_clear(&apply->txn->arena);
	}
	return BD_OK;
}

/* What a batch had no room for. */
static enum bd_code add_more_records(struct part *part, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_txn *txn = part->apply->txn;
	struct bd_long *work = part->work;

	for (;;) {
		const struct bd_spool_item *item = NULL;
		struct bd_bytes kept;

		BD_TRY(next_record(&item, work, key, txn->diag));
		if (item == NULL) {
			return BD_OK;
		}
		kept = bd_arena_copy(&txn->arena, item->record);
		if (kept.ptr == NULL) {
			return bd_arena_code(&txn->arena);
		}
		BD_TRY(bd_apply_add_record(part->apply, kept, work->is_resumed ? NULL : key));
		BD_TRY(bd_spool_merge_pass(work->merge, txn->diag));
		BD_TRY(round_off(part->apply));
	}
}

static enum bd_code add_rejects(struct part *part, const struct bd_batch_node *node)
{
	const struct bd_long *work = part->work;
	const struct bd_bytes all = work->journal.entry.rejects;
	struct bd_arena *arena = &part->apply->txn->arena;

	for (size_t i = node->rest[0]; i < node->rest[1]; i++) {
		const struct bd_long_reject *item = &work->rejects[i];
		struct bd_reader reader =
			bd_reader_of((struct bd_bytes){ all.ptr + item->at, all.len - item->at });
		struct bd_reject *reject = bd_arena_alloc(arena, 1, sizeof(*reject));

		if (reject == NULL) {
			return bd_arena_code(arena);
		}
		BD_TRY(bd_reject_unpack(reject, bd_read_sized(&reader), arena));
		BD_TRY(bd_apply_add_reject_row(
			part->apply, reject, item->row >= 0 ? &reject->rows[item->row] : NULL));
		BD_TRY(round_off(part->apply));
	}
	return BD_OK;
}

static enum bd_code apply_left(
	struct part *part, const struct bd_batch *batch, const struct bd_batch_node *node)
{
	struct bd_apply *apply = part->apply;

	for (size_t i = 0; i < node->record_count; i++) {
		BD_TRY(bd_apply_add_record(apply, batch->records[node->record + i],
			part->work->is_resumed ? NULL : node->key));
		BD_TRY(round_off(apply));
	}
	if (node->goes_on) {
		BD_TRY(add_more_records(part, node->key));
		part->is_in_node = false;
	}
	/* Behind all records of the node, also where they took more rounds than one. */
	BD_TRY(add_rejects(part, node));
	BD_TRY(bd_apply_items(apply));
	bd_arena_clear(&apply->txn->arena);
	return BD_OK;
}

/* -- putting -- */

static enum bd_code put_made(
	struct bd_apply *apply, const struct bd_batch *batch, struct bd_batch_node *node)
{
	for (size_t i = 0; i < node->change_count; i++) {
		BD_TRY(bd_changes_add(&apply->changes, batch->changes.items[node->change + i]));
	}
	return bd_apply_made(apply, &node->made);
}

static enum bd_code put_batch(struct part *part, struct bd_batch *batch)
{
	part->expected -= weight(batch);
	for (size_t i = 0; i < batch->count; i++) {
		struct bd_batch_node *node = &batch->nodes[i];

		BD_TRY(node->is_made ? put_made(part->apply, batch, node)
				     : apply_left(part, batch, node));
		memcpy(part->done, node->key, BD_NODE_KEY_BYTES);
		bd_thread_share();
	}
	return BD_OK;
}

static enum bd_code apply_all(struct part *part)
{
	struct bd_makers *makers = part->work->makers;
	struct bd_batch *batch;
	uint8_t key[BD_NODE_KEY_BYTES];

	BD_TRY(send(part));
	while ((batch = bd_makers_next(makers)) != NULL) {
		BD_TRY(put_batch(part, batch));
		bd_makers_pass(makers, batch);
		BD_TRY(send(part));
	}
	return next_key(key, &part->has_more, part->work, part->apply->txn->diag);
}

enum bd_code bd_long_apply_nodes(struct bd_apply *apply, struct bd_long *work,
	uint8_t done[BD_NODE_KEY_BYTES], bool *has_more)
{
	struct part part = { .apply = apply, .work = work, .done = done, .has_more = true };
	enum bd_code code;

	bd_makers_begin(work->makers, &apply->maker);
	code = apply_all(&part);
	bd_makers_end(work->makers);
	*has_more = part.has_more;
	return code;
}
