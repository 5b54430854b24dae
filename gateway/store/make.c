/* make.c - what an entry says of one subject, into its node. */
#include "store/make.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/try.h"
#include "store/dispute.h"

#include <stdlib.h>
#include <string.h>

/* -- what came -- */

void bd_make_complete(struct bd_record *record, const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	if (record->is_message_subject) {
		record->subject = entry->subject;
		record->subject_count = entry->subject_count;
	}
	if (record->order_kind == BD_ORDER_RECEIPT) {
		record->order.order = (int64_t)entry->message;
	} else if (record->is_message_order) {
		record->order.order = entry->order.order;
		if (record->as_of_ms == 0 && record->order_kind == BD_ORDER_TIME) {
			record->as_of_ms = entry->order.order;
		}
	}
}

enum bd_code bd_changes_add(struct bd_changes *changes, uint64_t index)
{
	if (changes->count > 0 && changes->items[changes->count - 1] == index) {
		return BD_OK;
	}
	if (!bd_list_grow(&changes->items, &changes->cap, changes->count, 1024,
		    sizeof(*changes->items))) {
		return BD_NO_MEMORY;
	}
	changes->items[changes->count++] = index;
	return BD_OK;
}

/* -- one item into a node -- */

static enum bd_code block(struct bd_node *node, const struct bd_item *item, uint16_t entity,
	const struct bd_node_context *context)
{
	const struct bd_reject *reject = item->reject;
	struct bd_node_refused refused = { .section = bd_bytes_of(reject->section),
		.entity = entity,
		.order = { reject->order.order != 0, reject->order } };

	if (item->row != NULL) {
		refused.has_key = item->row->has_key;
		refused.key = item->row->key;
		refused.others = item->row->other;
		refused.other_count = item->row->other_count;
	}
	return bd_node_block(node, &refused, context);
}

static enum bd_code block_all(
	struct bd_node *node, const struct bd_item *item, const struct bd_node_context *context)
{
	if (item->row != NULL) {
		return block(node, item, item->row->entity, context);
	}
	for (size_t i = 0; i < item->reject->entity_count; i++) {
		BD_TRY(block(node, item, item->reject->entities[i], context));
	}
	return BD_OK;
}

static enum bd_code do_item(
	struct bd_made *made, struct bd_maker *maker, const struct bd_item *item)
{
	struct bd_node *node = &made->node;
	bool is_changed = false;

	if (item->reject != NULL) {
		return block_all(node, item, maker->context);
	}
	if (item->recall != NULL) {
		return bd_node_recall(node, item->recall, maker->context, &made->recalled);
	}
	if (item->dispute != NULL) {
		return bd_dispute_enter(node, item->dispute);
	}
	BD_TRY(bd_node_apply(node, &item->record, maker->context, &is_changed));
	if (is_changed && item->record.index < maker->journal->entry.received) {
		return bd_changes_add(maker->changes, item->record.index);
	}
	return BD_OK;
}

/* What cannot be held is not forgotten: until the section is told whole, nobody knows. */
static enum bd_code block_overfull(
	struct bd_maker *maker, struct bd_node *node, const struct bd_item *item)
{
	struct bd_node_refused refused = { 0 };

	if (item->reject != NULL) {
		return block_all(node, item, maker->context);
	}
	if (item->recall != NULL || item->dispute != NULL) {
		return BD_LIMIT_BYTES;
	}
	refused.section = bd_bytes_of(item->record.section);
	refused.entity = item->record.entity;
	return bd_node_block(node, &refused, maker->context);
}

/* -- the node as it stands, and as it becomes -- */

static enum bd_code load(struct bd_made *made, struct bd_maker *maker, const struct bd_item *item,
	struct bd_diag *diag)
{
	struct bd_bytes stored;
	bool found = false;

	BD_TRY(bd_node_load(
		&made->node, &made->slot, &found, &maker->view, item->key, maker->arena, diag));
	made->is_new = !found;
	if (found) {
		return BD_OK;
	}
	stored = made->node.stored;
	bd_node_init(&made->node, item->self, maker->arena);
	made->node.stored = stored;
	return bd_node_settle(&made->node, maker->view.marks);
}

/* Digest and version of the rows that were touched. */
static enum bd_code seal_rows(struct bd_maker *maker, struct bd_node *node, struct bd_bytes name)
{
	struct bd_seal *seal = maker->view.seal;
	uint8_t origin[BD_NODE_KEY_BYTES];

	/* The digest stays the same when names are blinded anew. */
	BD_TRY(bd_seal_origin(seal, &node->self, (const uint8_t *)name.ptr, origin));
	name.ptr = (const char *)origin;
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		uint8_t digest[BD_DIGEST_BYTES];

		if (!row->is_touched) {
			continue;
		}
		bd_buf_clear(maker->plain);
		BD_TRY(bd_node_row_content(maker->plain, row, name));
		BD_TRY(bd_seal_statement(seal, bd_buf_bytes(maker->plain), digest));
		if (row->version == 0 || memcmp(digest, row->digest, sizeof(digest)) != 0) {
			memcpy(row->digest, digest, sizeof(digest));
			row->version = maker->context->message;
		}
	}
	return BD_OK;
}

static enum bd_code find_salt(struct bd_made *made, const struct bd_maker *maker)
{
	if (made->is_new) {
		return bd_seal_random(maker->view.seal, made->salt, sizeof(made->salt));
	}
	return bd_view_salt(made->salt, &maker->view, made->slot) ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code seal_node(struct bd_made *made, struct bd_maker *maker)
{
	struct bd_bytes name = { (const char *)made->key, BD_NODE_KEY_BYTES };
	struct bd_seal *seal = maker->view.seal;
	struct bd_buf sealed = { 0 };

	BD_TRY(bd_node_settle(&made->node, maker->view.marks));
	BD_TRY(seal_rows(maker, &made->node, name));
	BD_TRY(bd_dispute_look(&made->node, seal));
	bd_buf_clear(maker->plain);
	BD_TRY(bd_node_pack(maker->plain, &made->node));
	if (maker->plain->len > BD_NODE_MAX_BYTES) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(find_salt(made, maker));
	sealed.cap = sealed.max = maker->plain->len + BD_SEAL_OVERHEAD;
	sealed.ptr = bd_arena_take(maker->arena, sealed.cap, 1);
	if (sealed.ptr == NULL) {
		return bd_arena_code(maker->arena);
	}
	BD_TRY(bd_seal_close(seal, &sealed, made->salt, name, bd_buf_bytes(maker->plain)));
	made->sealed = bd_buf_bytes(&sealed);
	return BD_OK;
}

enum bd_code bd_make_node(struct bd_made *made, struct bd_maker *maker, const struct bd_item *items,
	size_t count, bool is_overfull, struct bd_diag *diag)
{
	const struct bd_entry *entry = &maker->journal->entry;

	memcpy(made->key, items[0].key, BD_NODE_KEY_BYTES);
	made->recalled = 0;
	BD_TRY(load(made, maker, &items[0], diag));
	made->is_nothing = made->is_new && items[0].recall != NULL;
	if (made->is_nothing) {
		return BD_OK;
	}
	for (size_t i = 0; i < count; i++) {
		BD_TRY(is_overfull ? block_overfull(maker, &made->node, &items[i])
				   : do_item(made, maker, &items[i]));
	}
	for (size_t i = 0; i < entry->section_count && maker->context->snapshot.is_set; i++) {
		BD_TRY(bd_node_tell(&made->node, bd_bytes_of(entry->sections[i]), maker->context));
	}
	return seal_node(made, maker);
}
