/* recall_find.c - where a message that is to be withdrawn has left something. */
#include "base/limits.h"
#include "base/try.h"
#include "store/env.h"
#include "store/journal.h"
#include "store/places.h"

#include <string.h>

/* A step ends with so many, however many nodes it has looked at. */
#define FOUND_MAX BD_RECALL_NODES_MAX

enum bd_code bd_store_recalled(uint64_t *count, struct bd_store_reader *reader, uint64_t message,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_journal_entry journal;
	uint64_t unchanged;

	BD_TRY(bd_journal_head(&journal, &unchanged, reader, message, arena, diag));
	if (journal.kind != BD_JOURNAL_RECALL) {
		return bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	*count = journal.entry.recall.recalled;
	return BD_OK;
}

enum bd_code bd_store_recall_head(struct bd_entry *out, struct bd_store_reader *reader,
	uint64_t message, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_journal_entry journal;
	const struct bd_entry *head = &journal.entry;
	uint64_t unchanged;

	BD_TRY(bd_journal_head(&journal, &unchanged, reader, message, arena, diag));
	if (journal.kind != BD_JOURNAL_MESSAGE) {
		return bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	*out = (struct bd_entry){ .kind = BD_ENTRY_RECALL,
		.source = head->source,
		.feed = head->feed,
		.feed_number = head->feed_number,
		.is_reply = head->is_reply,
		.is_snapshot = head->is_snapshot,
		.delivery = head->delivery,
		.order_kind = head->order_kind,
		.sections = head->sections,
		.section_count = head->section_count,
		.recall = { .message = message, .message_received_ms = head->received_ms } };
	return BD_OK;
}

struct search {
	struct bd_identifier *items;
	size_t count;
	struct bd_store_reader *reader;
	struct bd_bytes source;
	struct bd_node_recall recall;
	struct bd_arena scratch; /* of one node */
	struct bd_arena *arena;
	struct bd_diag *diag;
};

static enum bd_code look_at(struct search *search, const MDB_val *name, const MDB_val *value)
{
	struct bd_store_reader *reader = search->reader;
	const struct bd_node_view view = { reader->store, reader->txn, reader->seal, &reader->marks,
		false, NULL, false };
	struct bd_identifier *item = &search->items[search->count];
	struct bd_node node;
	bool found = false;
	uint64_t slot;

	if (name->mv_size != BD_PLACE_NAME_BYTES) {
		return bd_fail(search->diag, BD_STORE_DAMAGED, "a node's name");
	}
	bd_arena_clear(&search->scratch);
	BD_TRY(bd_node_open(&node, &slot, &found, &view,
		(const uint8_t *)name->mv_data + BD_PLACE_BYTES,
		(struct bd_bytes){ value->mv_data, value->mv_size }, &search->scratch,
		search->diag));
	if (!found || !bd_node_holds(&node, search->source, &search->recall)) {
		return BD_OK;
	}
	*item = (struct bd_identifier){ node.self.kind,
		bd_arena_copy(search->arena, node.self.issuer),
		bd_arena_copy(search->arena, node.self.number) };
	if (item->issuer.ptr == NULL || item->number.ptr == NULL) {
		return bd_fail(search->diag, bd_arena_code(search->arena), "%s", "");
	}
	search->count++;
	return BD_OK;
}

/* *next: where to go on; empty = nowhere. */
static enum bd_code search_from(
	struct search *search, MDB_cursor *cursor, struct bd_bytes from, struct bd_bytes *next)
{
	MDB_val name = { from.len, (void *)from.ptr }, value;
	int result =
		mdb_cursor_get(cursor, &name, &value, from.len > 0 ? MDB_SET_RANGE : MDB_FIRST);

	*next = (struct bd_bytes){ "", 0 };
	for (size_t looked_at = 0; result == 0; looked_at++) {
		if (looked_at == BD_RECALL_SCAN_MAX || search->count == FOUND_MAX) {
			*next = bd_arena_copy(
				search->arena, (struct bd_bytes){ name.mv_data, name.mv_size });
			return next->ptr != NULL ? BD_OK
						 : bd_fail(search->diag,
							   bd_arena_code(search->arena), "%s", "");
		}
		BD_TRY(look_at(search, &name, &value));
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	return result == MDB_NOTFOUND ? BD_OK : bd_store_fail(search->diag, result, "nodes");
}

enum bd_code bd_store_recall_find(struct bd_recall_page *out, struct bd_store_reader *reader,
	const struct bd_entry *head, struct bd_bytes cursor, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct search search = { .reader = reader,
		.source = bd_bytes_of(head->source),
		.recall = { .sections = head->sections,
			.section_count = head->section_count,
			.message = head->recall.message,
			.message_received_ms = head->recall.message_received_ms,
			.is_reply = head->is_reply },
		.arena = arena,
		.diag = diag };
	struct bd_bytes next = { "", 0 };
	MDB_cursor *nodes;
	enum bd_code code;
	int result;

	search.items = bd_arena_alloc(arena, FOUND_MAX + 1, sizeof(*search.items));
	if (search.items == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	result = mdb_cursor_open(reader->txn, reader->store->nodes, &nodes);
	if (result != 0) {
		return bd_store_fail(diag, result, "nodes");
	}
	bd_arena_init(&search.scratch, (size_t)BD_NODE_MAX_BYTES * 8);
	code = search_from(&search, nodes, cursor, &next);
	mdb_cursor_close(nodes);
	bd_arena_release(&search.scratch);
	if (code == BD_OK) {
		*out = (struct bd_recall_page){ search.items, search.count, next };
	}
	return code;
}
