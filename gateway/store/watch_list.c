/* watch_list.c - the events of one client, and how far it was told. */
#include "base/limits.h"
#include "base/try.h"
#include "store/env.h"
#include "store/txn.h"
#include "store/watch.h"
#include "store/watches.h"

#include <string.h>

static enum bd_code read_event(struct bd_watch *out, struct bd_store_reader *reader, MDB_val key,
	MDB_val value, struct bd_arena *arena)
{
	struct bd_reader head =
		bd_reader_of((struct bd_bytes){ (char *)key.mv_data + BD_NODE_KEY_BYTES, 8 });
	struct bd_reader outer = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
	struct bd_reader parts;
	struct bd_buf plain = { .cap = value.mv_size, .max = value.mv_size };
	uint8_t form;

	*out = (struct bd_watch){ .number = bd_read_u64(&head) };
	out->at_ms = (int64_t)bd_read_u64(&outer);
	plain.ptr = bd_arena_alloc(arena, plain.cap, 1);
	if (plain.ptr == NULL) {
		return bd_arena_code(arena);
	}
	BD_TRY(bd_seal_open(reader->seal, &plain, reader->store->message_salt,
		(struct bd_bytes){ key.mv_data, key.mv_size }, outer.rest));
	parts = bd_reader_of(bd_buf_bytes(&plain));
	form = bd_read_u8(&parts);
	out->what = (enum bd_watch_what)bd_read_u8(&parts);
	out->is_cut = bd_read_u8(&parts) != 0;
	out->source = bd_arena_text(arena, bd_read_sized(&parts));
	out->entity = bd_read_u16(&parts);
	out->receipt = bd_trail_id_unpack(&parts);
	out->case_number = bd_read_sized(&parts);
	out->matter = bd_read_sized(&parts);
	return parts.ok && form == 1 && out->source != NULL && out->what >= BD_WATCH_CHANGED &&
			       out->what <= BD_WATCH_DISPUTED
		       ? BD_OK
		       : BD_STORE_DAMAGED;
}

static enum bd_code read_page(struct bd_watch_page *page, struct bd_watch *items,
	struct bd_store_reader *reader, const struct bd_watch_query *query, MDB_cursor *cursor,
	struct bd_arena *arena)
{
	char room[BD_WATCH_KEY_BYTES];
	struct bd_buf from = { room, 0, sizeof(room), sizeof(room) };
	uint8_t client[BD_NODE_KEY_BYTES];
	MDB_val key, value;
	int result;

	BD_TRY(bd_watch_client_key(client, reader->seal, query->client));
	BD_TRY(bd_buf_add(&from, (struct bd_bytes){ (const char *)client, sizeof(client) }));
	BD_TRY(bd_buf_add_u64(&from, query->after + 1));
	key = (MDB_val){ from.len, from.ptr };
	result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (result == 0 && key.mv_size == sizeof(room) &&
		memcmp(key.mv_data, client, sizeof(client)) == 0) {
		if (page->count == query->max) {
			page->has_more = true;
			return BD_OK;
		}
		BD_TRY(read_event(&items[page->count], reader, key, value, arena));
		page->count++;
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : BD_STORE_FAILED;
}

enum bd_code bd_store_watches(struct bd_watch_page *out, struct bd_store_reader *reader,
	const struct bd_watch_query *query, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_watch *items = bd_arena_alloc(arena, query->max + 1, sizeof(*items));
	struct bd_watch_page page = { .items = items };
	MDB_cursor *cursor;
	enum bd_code code;
	int result;

	if (items == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	if (query->after == UINT64_MAX) {
		*out = page;
		return BD_OK;
	}
	result = mdb_cursor_open(reader->txn, reader->store->watches, &cursor);
	if (result != 0) {
		return bd_store_fail(diag, result, "watches");
	}
	code = read_page(&page, items, reader, query, cursor, arena);
	mdb_cursor_close(cursor);
	if (code == BD_OK) {
		*out = page;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a watch");
}

uint64_t bd_store_watch_last(const struct bd_store *store)
{
	return __atomic_load_n(&store->watch_last, __ATOMIC_ACQUIRE);
}

/* -- how far a client was told -- */

static enum bd_code told_name(struct bd_buf *out, struct bd_seal *seal, const char *client)
{
	uint8_t key[BD_NODE_KEY_BYTES];

	BD_TRY(bd_watch_client_key(key, seal, client));
	BD_TRY(bd_buf_add_text(out, "told"));
	return bd_buf_add(out, (struct bd_bytes){ (const char *)key, sizeof(key) });
}

enum bd_code bd_store_watch_told(
	uint64_t *number, struct bd_store_reader *reader, const char *client, struct bd_diag *diag)
{
	char room[32];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	struct bd_reader parts;
	MDB_val key, value;
	enum bd_code code = told_name(&name, reader->seal, client);
	int result;

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	key = (MDB_val){ name.len, name.ptr };
	result = mdb_get(reader->txn, reader->store->meta, &key, &value);
	if (result != 0 && result != MDB_NOTFOUND) {
		return bd_store_fail(diag, result, "meta");
	}
	parts = bd_reader_of(result == 0 ? (struct bd_bytes){ value.mv_data, value.mv_size }
					 : (struct bd_bytes){ "", 0 });
	*number = result == 0 ? bd_read_u64(&parts) : 0;
	return BD_OK;
}

enum bd_code bd_store_watch_tell(
	struct bd_store *store, const char *client, uint64_t number, struct bd_diag *diag)
{
	char room[32], count[8];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) },
		      value = { count, 0, sizeof(count), sizeof(count) };
	struct bd_txn txn;
	enum bd_code code = told_name(&name, store->seal, client);

	code = code == BD_OK ? bd_buf_add_u64(&value, number) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = bd_txn_put(&txn, store->meta, bd_buf_bytes(&name), bd_buf_bytes(&value));
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	return code;
}
