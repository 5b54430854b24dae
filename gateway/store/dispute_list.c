/* dispute_list.c - what people ask of disputes. */
#include "base/limits.h"
#include "base/try.h"
#include "store/dispute.h"

#include <string.h>

static enum bd_code read_one(struct bd_dispute *out, bool *found, struct bd_store_reader *reader,
	uint64_t id, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_node_view view = { reader->store, reader->txn, reader->seal, &reader->marks,
		false, NULL, false };
	char room[BD_DISPUTE_NAME_BYTES];
	MDB_val name = { sizeof(room), room }, value;
	uint8_t key[BD_NODE_KEY_BYTES];
	enum bd_code code;
	int result;

	*found = false;
	bd_dispute_name(room, id);
	result = mdb_get(reader->txn, reader->store->disputes, &name, &value);
	if (result == MDB_NOTFOUND) {
		return BD_OK;
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "dispute");
	}
	code = bd_dispute_open(out, found, key, &view, id,
		(struct bd_bytes){ value.mv_data, value.mv_size }, arena);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a dispute");
}

enum bd_code bd_store_dispute(struct bd_dispute *out, struct bd_store_reader *reader, uint64_t id,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_dispute dispute;
	bool found = false;

	BD_TRY(read_one(&dispute, &found, reader, id, arena, diag));
	if (!found) {
		return bd_fail(diag, BD_DISPUTE_UNKNOWN, "%s", "");
	}
	*out = dispute;
	return BD_OK;
}

static bool is_asked(const struct bd_dispute *dispute, const struct bd_dispute_query *query)
{
	return (query->source == NULL || strcmp(query->source, dispute->source) == 0) &&
	       (query->sender == NULL || strcmp(query->sender, dispute->sender) == 0);
}

static enum bd_code fill_page(struct bd_dispute_page *page, struct bd_dispute *items,
	struct bd_store_reader *reader, const struct bd_dispute_query *query, MDB_cursor *cursor,
	struct bd_arena *arena, struct bd_diag *diag)
{
	char room[BD_DISPUTE_DUE_BYTES];
	MDB_val name = { sizeof(room), room }, value;
	int result;

	bd_dispute_due_name(room, query->day, query->id);
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	for (size_t looked_at = 0; result == 0; looked_at++) {
		bool found = false;
		int32_t day;
		uint64_t id;

		if (!bd_dispute_due_read(&day, &id, &name)) {
			break;
		}
		if (page->count == query->max || looked_at == BD_DISPUTES_SCAN_MAX) {
			page->has_more = true;
			page->next_day = day;
			page->next_id = id;
			break;
		}
		BD_TRY(read_one(&items[page->count], &found, reader, id, arena, diag));
		page->count += found && is_asked(&items[page->count], query);
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_store_fail(diag, result, "disputes");
}

enum bd_code bd_store_disputes(struct bd_dispute_page *out, struct bd_store_reader *reader,
	const struct bd_dispute_query *query, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_dispute *items = bd_arena_alloc(arena, query->max + 1, sizeof(*items));
	struct bd_dispute_page page = { .items = items };
	MDB_cursor *cursor;
	enum bd_code code;
	int result;

	if (items == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	result = mdb_cursor_open(reader->txn, reader->store->disputes, &cursor);
	if (result != 0) {
		return bd_store_fail(diag, result, "disputes");
	}
	code = fill_page(&page, items, reader, query, cursor, arena, diag);
	mdb_cursor_close(cursor);
	if (code == BD_OK) {
		*out = page;
	}
	return code;
}
