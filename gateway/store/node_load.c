/* node_load.c - a node as it stands in the store, opened, with the marks of the feeds that told
 * all. */
#include "base/limits.h"
#include "base/try.h"
#include "store/env.h"
#include "store/history.h"
#include "store/places.h"

#include <string.h>

/* -- marks -- */

static const char mark_prefix[] = "snapshot";

enum bd_code bd_mark_pack(struct bd_buf *out, struct bd_order order, uint64_t message)
{
	BD_TRY(bd_buf_add_u8(out, order.rank));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)order.order));
	return bd_buf_add_u64(out, message);
}

static bool read_mark(struct bd_node_mark *mark, MDB_val key, MDB_val value, struct bd_arena *arena)
{
	struct bd_bytes name =
		bd_arena_copy(arena, (struct bd_bytes){ (char *)key.mv_data + sizeof(mark_prefix),
					     key.mv_size - sizeof(mark_prefix) });
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
	const char *end = name.ptr != NULL ? memchr(name.ptr, '\0', name.len) : NULL;

	if (end == NULL) {
		return false;
	}
	mark->source = (struct bd_bytes){ name.ptr, (size_t)(end - name.ptr) };
	mark->section = (struct bd_bytes){ end + 1, name.len - mark->source.len - 1 };
	mark->order.rank = bd_read_u8(&reader);
	mark->order.order = (int64_t)bd_read_u64(&reader);
	mark->message = bd_read_u64(&reader);
	return reader.ok && reader.rest.len == 0;
}

/* The mark as it was then; *found false: there was none. */
static enum bd_code value_as_of(MDB_val *value, bool *found, const struct bd_store *store,
	MDB_cursor *cursor, MDB_val key, uint64_t as_of)
{
	struct bd_bytes was = { "", 0 };

	BD_TRY(bd_history_coverage(&was, found, store, mdb_cursor_txn(cursor),
		(struct bd_bytes){ key.mv_data, key.mv_size }, as_of));
	*value = (MDB_val){ was.len, (void *)was.ptr };
	return BD_OK;
}

static enum bd_code read_marks(struct bd_node_marks *marks, const struct bd_store *store,
	MDB_cursor *cursor, uint64_t as_of, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_node_mark *items = bd_arena_alloc(arena, BD_MARKS_MAX, sizeof(*items));
	MDB_val key = { sizeof(mark_prefix), (void *)mark_prefix }, value;
	int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

	if (items == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	while (result == 0 && key.mv_size > sizeof(mark_prefix) &&
		memcmp(key.mv_data, mark_prefix, sizeof(mark_prefix)) == 0) {
		bool found = false;

		BD_TRY(value_as_of(&value, &found, store, cursor, key, as_of));
		if (marks->count == BD_MARKS_MAX ||
			(found && !read_mark(&items[marks->count++], key, value, arena))) {
			return bd_fail(diag, BD_STORE_DAMAGED, "marks");
		}
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	marks->items = items;
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "marks");
}

enum bd_code bd_marks_load(struct bd_node_marks *marks, struct bd_store *store, MDB_txn *txn,
	uint64_t as_of, struct bd_arena *arena, struct bd_diag *diag)
{
	MDB_cursor *cursor;
	enum bd_code code;
	int result;

	*marks = (struct bd_node_marks){ NULL, 0 };
	if (!__atomic_load_n(&store->has_snapshots, __ATOMIC_ACQUIRE)) {
		return BD_OK;
	}
	result = mdb_cursor_open(txn, store->coverage, &cursor);
	if (result != 0) {
		return bd_store_fail(diag, result, "marks");
	}
	code = read_marks(marks, store, cursor, as_of, arena, diag);
	mdb_cursor_close(cursor);
	return code;
}

/* -- nodes -- */

bool bd_view_salt(uint8_t salt[BD_SALT_BYTES], const struct bd_node_view *view, uint64_t slot)
{
	return view->is_writer && !view->is_beside
		       ? bd_salts_get_own(salt, &view->store->salts, slot)
		       : bd_salts_get(salt, &view->store->salts, slot);
}

/* Opened where it stays: what is unpacked borrows from it. */
static enum bd_code open_node(struct bd_node *node, const struct bd_node_view *view,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes sealed,
	struct bd_arena *arena)
{
	struct bd_buf plain = { 0 };

	plain.cap = plain.max = sealed.len;
	plain.ptr = bd_arena_take(arena, plain.cap, 1);
	if (plain.ptr == NULL) {
		return bd_arena_code(arena);
	}
	BD_TRY(bd_seal_open(view->seal, &plain, salt, name, sealed));
	BD_TRY(bd_node_unpack(node, bd_buf_bytes(&plain), arena));
	BD_TRY(bd_node_settle(node, view->marks));
	for (struct bd_node_row *row = node->rows; row != NULL && view->is_writer;
		row = row->next) {
		row->was_seen = row->is_seen;
	}
	return BD_OK;
}

/* The value under a key, as it was at the commit that is asked for. */
static enum bd_code find_value(struct bd_bytes *value, bool *found, const struct bd_node_view *view,
	const uint8_t key[BD_NODE_KEY_BYTES], struct bd_diag *diag)
{
	BD_TRY(bd_place_get(value, found, view->store, view->txn, key, diag));
	return *found && view->as_of != NULL && view->as_of->commit != BD_AS_OF_NOW
		       ? bd_history_node(
				 value, found, view->store, view->txn, key, view->as_of->commit)
		       : BD_OK;
}

/* It has no salt any more: it was erased, before the commit that is asked for or after it. */
static void note_erased(const struct bd_node_view *view, const struct bd_node_head *head)
{
	if (view->as_of != NULL) {
		view->as_of->has_erased |= head->sealed.len > 0;
	}
}

/* The page it stands in may be written anew before it is kept. */
static enum bd_code keep_stored(struct bd_node *node, const struct bd_node_view *view,
	struct bd_bytes value, struct bd_arena *arena)
{
	if (view->is_writer) {
		node->stored = bd_arena_copy(arena, value);
	}
	return !view->is_writer || node->stored.ptr != NULL ? BD_OK : bd_arena_code(arena);
}

enum bd_code bd_node_open(struct bd_node *node, uint64_t *slot, bool *found,
	const struct bd_node_view *view, const uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_bytes value, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_salts *salts = &view->store->salts;
	struct bd_bytes name = { (const char *)key, BD_NODE_KEY_BYTES };
	uint8_t salt[BD_SALT_BYTES];
	struct bd_node_head head;
	enum bd_code code = bd_node_head_read(&head, value);

	*found = false;
	if (code != BD_OK) {
		return bd_fail(diag, code, "a node of the store");
	}
	*slot = head.slot;
	if (!bd_view_salt(salt, view, head.slot)) {
		note_erased(view, &head);
		return keep_stored(node, view, value, arena);
	}
	code = open_node(node, view, salt, name, head.sealed, arena);
	/* Erased while it was being read. */
	if (code == BD_STORE_DAMAGED && !view->is_writer && !bd_salts_get(salt, salts, head.slot)) {
		note_erased(view, &head);
		return BD_OK;
	}
	*found = code == BD_OK;
	code = code == BD_OK ? keep_stored(node, view, value, arena) : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a node of the store");
}

enum bd_code bd_node_load(struct bd_node *node, uint64_t *slot, bool *found,
	const struct bd_node_view *view, const uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_bytes value;
	bool has_value = false;
	enum bd_code code;

	*found = false;
	node->stored = (struct bd_bytes){ "", 0 };
	code = find_value(&value, &has_value, view, key, diag);
	if (code != BD_OK || !has_value) {
		return code == BD_OK ? BD_OK : bd_fail(diag, code, "a node of the store");
	}
	return bd_node_open(node, slot, found, view, key, value, arena, diag);
}
