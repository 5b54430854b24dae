#include "store/apply.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/thread.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/dispute.h"
#include "store/history.h"
#include "store/obligations.h"
#include "store/places.h"
#include "store/watch.h"

#include <stdlib.h>
#include <string.h>

enum bd_code bd_apply_open(
	struct bd_apply *apply, struct bd_txn *txn, const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	*apply = (struct bd_apply){ .txn = txn,
		.journal = journal,
		.context = { bd_bytes_of(entry->source), entry->received_ms, entry->message,
			journal->snapshot } };
	apply->maker.view = (struct bd_node_view){ txn->store, txn->mdb, txn->store->seal,
		&txn->marks, true, NULL, false };
	apply->maker.journal = journal;
	apply->maker.context = &apply->context;
	apply->maker.arena = &txn->node_arena;
	apply->maker.changes = &apply->changes;
	apply->maker.plain = &txn->plain;
	txn->now_ms = entry->received_ms;
	if (journal->snapshot.is_set) {
		apply->told = calloc(entry->section_count + 1, sizeof(*apply->told));
	}
	return journal->snapshot.is_set && apply->told == NULL ? BD_NO_MEMORY : BD_OK;
}

void bd_apply_close(struct bd_apply *apply)
{
	free(apply->items);
	free(apply->changes.items);
	free(apply->told);
}

/* -- native records -- */

static int compare_indexes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint64_t bd_changes_count(struct bd_changes *changes)
{
	uint64_t count = 0;

	if (changes->count > 1) {
		qsort(changes->items, changes->count, sizeof(*changes->items), compare_indexes);
	}
	for (size_t i = 0; i < changes->count; i++) {
		count += i == 0 || changes->items[i] != changes->items[i - 1];
	}
	return count;
}

/* -- a node as it becomes -- */

static enum bd_code put_pairs(struct bd_apply *apply, MDB_dbi dbi, struct bd_node_name *names,
	const uint8_t key[BD_NODE_KEY_BYTES])
{
	for (struct bd_node_name *name = names; name != NULL; name = name->next) {
		if (name->is_new) {
			BD_TRY(apply->has_pairs
					? bd_txn_has_pair(apply->txn, &name->identifier)
					: bd_txn_pair(apply->txn, dbi, &name->identifier, key));
			name->is_new = false;
		}
	}
	return BD_OK;
}

/* Where the node is to be found by its other names, and from whom it leads to. */
static enum bd_code put_names(
	struct bd_apply *apply, struct bd_node *node, const uint8_t key[BD_NODE_KEY_BYTES])
{
	const struct bd_store *store = apply->txn->store;

	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (row->is_touched) {
			BD_TRY(put_pairs(apply, store->owners, row->aliases, key));
			BD_TRY(put_pairs(apply, store->links, row->others, key));
		}
	}
	for (struct bd_node_marker *marker = node->markers; marker != NULL; marker = marker->next) {
		BD_TRY(put_pairs(apply, store->owners, marker->aliases, key));
	}
	for (struct bd_node_block *entry = node->blocks; entry != NULL; entry = entry->next) {
		for (size_t i = 0;
			entry->message == apply->context.message && i < entry->other_count; i++) {
			BD_TRY(bd_txn_pair(apply->txn, store->links, &entry->others[i], key));
		}
	}
	return BD_OK;
}

/* Of a section, how many rows are seen; of a snapshot, how many it has told. */
static enum bd_code count_row(struct bd_apply *apply, const struct bd_node_row *row)
{
	const struct bd_entry *entry = &apply->journal->entry;
	const struct bd_stamp *snapshot = &apply->context.snapshot;

	if (row->is_seen != row->was_seen) {
		BD_TRY(bd_tally_add(apply->txn, row->source, row->section, row->is_seen ? 1 : -1));
	}
	if (!row->is_seen || !snapshot->is_set || !row->told.is_set ||
		bd_order_compare(row->told.order, snapshot->order) != 0) {
		return BD_OK;
	}
	for (size_t i = 0; i < entry->section_count; i++) {
		apply->told[i] += bd_bytes_is(row->section, entry->sections[i]);
	}
	return BD_OK;
}

static enum bd_code count_rows(struct bd_apply *apply, const struct bd_node *node)
{
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (row->is_touched) {
			BD_TRY(count_row(apply, row));
		}
	}
	return BD_OK;
}

static enum bd_code put_node(struct bd_apply *apply, struct bd_made *made)
{
	struct bd_txn *txn = apply->txn;
	struct bd_store *store = txn->store;
	struct bd_node *node = &made->node;

	BD_TRY(count_rows(apply, node));
	BD_TRY(put_names(apply, node, made->key));
	if (made->is_new) {
		made->slot = store->next_slot;
		BD_TRY(bd_salts_set(&store->salts, made->slot, made->salt));
	}
	bd_buf_clear(&txn->sealed);
	BD_TRY(bd_node_head_pack(&txn->sealed, made->slot, txn->commit));
	BD_TRY(bd_buf_add(&txn->sealed, made->sealed));
	BD_TRY(bd_history_keep_node(txn, made->key, node->stored));
	BD_TRY(bd_owed_touch(txn, made->key));
	BD_TRY(bd_place_put(txn, made->key, made->slot, bd_buf_bytes(&txn->sealed)));
	BD_TRY(bd_dispute_keep(txn, node,
		&(struct bd_dispute_place){ made->key, made->slot, made->salt }, apply->journal));
	BD_TRY(bd_watch_node(apply, node, made->key));
	store->next_slot += made->is_new;
	return BD_OK;
}

enum bd_code bd_apply_made(struct bd_apply *apply, struct bd_made *made)
{
	enum bd_code code = made->is_nothing ? BD_OK : put_node(apply, made);

	apply->recalled += made->recalled;
	return code == BD_OK ? BD_OK : bd_fail(apply->txn->diag, code, "a node");
}

/* A node that would pass BD_NODE_MAX_BYTES keeps what it has. */
static enum bd_code apply_node(struct bd_apply *apply, const struct bd_item *items, size_t count)
{
	size_t changes = apply->changes.count;
	struct bd_made *made = &apply->made;
	struct bd_txn *txn = apply->txn;
	enum bd_code code;

	bd_arena_clear(&txn->node_arena);
	code = bd_make_node(made, &apply->maker, items, count, false, txn->diag);
	if (code == BD_LIMIT_BYTES) {
		apply->changes.count = changes;
		bd_arena_clear(&txn->node_arena);
		code = bd_make_node(made, &apply->maker, items, count, true, txn->diag);
	}
	return code == BD_OK ? bd_apply_made(apply, made) : bd_fail(txn->diag, code, "a node");
}

/* -- all items -- */

static int compare_items(const void *a, const void *b)
{
	const struct bd_item *x = a, *y = b;
	int order = memcmp(x->key, y->key, BD_NODE_KEY_BYTES);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

enum bd_code bd_apply_items(struct bd_apply *apply)
{
	size_t at = 0;

	if (apply->count > 1) {
		qsort(apply->items, apply->count, sizeof(*apply->items), compare_items);
	}
	while (at < apply->count) {
		size_t end = at + 1;

		while (end < apply->count && memcmp(apply->items[end].key, apply->items[at].key,
						     BD_NODE_KEY_BYTES) == 0) {
			end++;
		}
		BD_TRY(apply_node(apply, &apply->items[at], end - at));
		bd_thread_share();
		at = end;
	}
	apply->count = 0;
	return BD_OK;
}

/* -- from a message to its items -- */

static enum bd_code new_item(struct bd_apply *apply, struct bd_item **out,
	const struct bd_identifier *self, const uint8_t *key)
{
	struct bd_item *item;

	if (!bd_list_grow(&apply->items, &apply->cap, apply->count, 64, sizeof(*item))) {
		return BD_NO_MEMORY;
	}
	item = &apply->items[apply->count];
	*item = (struct bd_item){ .number = apply->count, .self = self };
	if (key != NULL) {
		memcpy(item->key, key, sizeof(item->key));
	} else {
		BD_TRY(bd_seal_blind(apply->txn->store->seal, self, item->key));
	}
	apply->count++;
	*out = item;
	return BD_OK;
}

enum bd_code bd_apply_new_item(
	struct bd_apply *apply, struct bd_item **out, const struct bd_identifier *self)
{
	return new_item(apply, out, self, NULL);
}

enum bd_code bd_apply_add_record(struct bd_apply *apply, struct bd_bytes packed, const uint8_t *key)
{
	struct bd_record record;
	struct bd_item *item = NULL;

	BD_TRY(bd_record_unpack(&record, packed, &apply->txn->arena));
	bd_make_complete(&record, apply->journal);
	if (record.subject_count == 0) {
		return bd_fail(apply->txn->diag, BD_SUBJECT_MISSING, "%s", "");
	}
	BD_TRY(new_item(apply, &item, &record.subject[0], key));
	item->record = record;
	return BD_OK;
}

const struct bd_identifier *bd_apply_reject_subject(const struct bd_journal_entry *journal,
	const struct bd_reject *reject, const struct bd_reject_row *row)
{
	const struct bd_entry *entry = &journal->entry;

	if (row != NULL ? row->is_message_subject : reject->is_message_subject) {
		return entry->subject_count > 0 ? &entry->subject[0] : NULL;
	}
	if (row != NULL) {
		return row->subject_count > 0 ? &row->subject[0] : NULL;
	}
	return reject->subject_count > 0 ? &reject->subject[0] : NULL;
}

enum bd_code bd_apply_add_reject_row(
	struct bd_apply *apply, struct bd_reject *reject, const struct bd_reject_row *row)
{
	const struct bd_entry *entry = &apply->journal->entry;
	const struct bd_identifier *subject = bd_apply_reject_subject(apply->journal, reject, row);
	struct bd_item *item = NULL;

	if (reject->order_kind == BD_ORDER_RECEIPT) {
		reject->order.order = (int64_t)entry->message;
	} else if (reject->is_message_order) {
		reject->order.order = entry->order.order;
	}
	if (subject == NULL) {
		return BD_OK;
	}
	BD_TRY(bd_apply_new_item(apply, &item, subject));
	item->reject = reject;
	item->row = row;
	return BD_OK;
}

static enum bd_code add_reject(struct bd_apply *apply, struct bd_reject *reject)
{
	if (reject->row_count == 0) {
		return bd_apply_add_reject_row(apply, reject, NULL);
	}
	for (size_t i = 0; i < reject->row_count; i++) {
		BD_TRY(bd_apply_add_reject_row(apply, reject, &reject->rows[i]));
	}
	return BD_OK;
}

enum bd_code bd_apply_add_rejects(struct bd_apply *apply)
{
	struct bd_reader reader = bd_reader_of(apply->journal->entry.rejects);
	struct bd_arena *arena = &apply->txn->arena;

	while (reader.rest.len > 0) {
		struct bd_reject *reject = bd_arena_alloc(arena, 1, sizeof(*reject));

		if (reject == NULL) {
			return bd_arena_code(arena);
		}
		BD_TRY(bd_reject_unpack(reject, bd_read_sized(&reader), arena));
		BD_TRY(add_reject(apply, reject));
	}
	return BD_OK;
}
