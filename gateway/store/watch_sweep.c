/* watch_sweep.c - what a snapshot of everybody has hidden, told to the cases that have read it. */
#include "base/limits.h"
#include "base/try.h"
#include "store/case_runs.h"
#include "store/watch.h"

#include <string.h>

static const char prefix[] = "sweep";
#define NODE_ARENA_BYTES ((size_t)64 << 20)

/* In meta, by source and section: the commit before the first mark that is not looked through, when
 * it was, and the subject that was looked at last (empty = none yet). */
struct sweep {
	char name[400];
	size_t name_len;
	struct bd_bytes source, section;
	uint64_t before;
	int64_t at_ms;
	uint8_t cursor[BD_NODE_KEY_BYTES];
	size_t cursor_len;
};

static enum bd_code put_sweep(struct bd_txn *txn, const struct sweep *sweep)
{
	char room[64];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u64(&value, sweep->before));
	BD_TRY(bd_buf_add_u64(&value, (uint64_t)sweep->at_ms));
	BD_TRY(bd_buf_add(
		&value, (struct bd_bytes){ (const char *)sweep->cursor, sweep->cursor_len }));
	return bd_txn_put(txn, txn->store->meta, (struct bd_bytes){ sweep->name, sweep->name_len },
		bd_buf_bytes(&value));
}

static bool read_value(struct sweep *sweep, struct bd_bytes value)
{
	struct bd_reader reader = bd_reader_of(value);

	sweep->before = bd_read_u64(&reader);
	sweep->at_ms = (int64_t)bd_read_u64(&reader);
	sweep->cursor_len = reader.rest.len;
	if (!reader.ok || sweep->cursor_len > sizeof(sweep->cursor)) {
		return false;
	}
	memcpy(sweep->cursor, reader.rest.ptr, sweep->cursor_len);
	return true;
}

enum bd_code bd_watch_marked(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section, int64_t at_ms)
{
	struct sweep sweep = { .before = txn->commit - 1 };
	struct bd_buf name = { sweep.name, 0, sizeof(sweep.name), sizeof(sweep.name) };
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_coverage_name(&name, prefix, source, section));
	sweep.name_len = name.len;
	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->meta, bd_buf_bytes(&name)));
	if (found && !read_value(&sweep, value)) {
		return BD_STORE_DAMAGED;
	}
	sweep.at_ms = at_ms;
	sweep.cursor_len = 0;
	/* If the transaction is given up these are too high, and somebody is looked at in vain. */
	txn->store->marked_commit = txn->commit;
	txn->store->has_sweeps = true;
	BD_TRY(bd_txn_put_counter(txn, "marked", txn->commit));
	/* The cases that are indexed hear of it by the sweep, not once more after a restart. */
	txn->tells_cases = true;
	return put_sweep(txn, &sweep);
}

/* -- one step -- */

static enum bd_code find_sweep(struct sweep *sweep, bool *found, struct bd_txn *txn)
{
	MDB_val name = { sizeof(prefix), (void *)prefix }, value;
	MDB_cursor *cursor;
	const char *end;
	int result = mdb_cursor_open(txn->mdb, txn->store->meta, &cursor);

	*found = false;
	if (result != 0) {
		return bd_txn_fail(txn, result, "meta");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	if (result == 0 && name.mv_size > sizeof(prefix) && name.mv_size < sizeof(sweep->name) &&
		memcmp(name.mv_data, prefix, sizeof(prefix)) == 0) {
		memcpy(sweep->name, name.mv_data, name.mv_size);
		sweep->name_len = name.mv_size;
		*found = read_value(sweep, (struct bd_bytes){ value.mv_data, value.mv_size });
	}
	mdb_cursor_close(cursor);
	if (!*found) {
		return result == 0 || result == MDB_NOTFOUND ? BD_OK
							     : bd_txn_fail(txn, result, "meta");
	}
	sweep->source.ptr = sweep->name + sizeof(prefix);
	end = memchr(sweep->source.ptr, '\0', sweep->name_len - sizeof(prefix));
	if (end == NULL) {
		return BD_STORE_DAMAGED;
	}
	sweep->source.len = (size_t)(end - sweep->source.ptr);
	sweep->section.ptr = end + 1;
	sweep->section.len = sweep->name_len - sizeof(prefix) - sweep->source.len - 1;
	return BD_OK;
}

/* The next subject that some case has looked at, behind the cursor. */
static enum bd_code next_subject(bool *found, struct sweep *sweep, struct bd_txn *txn)
{
	if (sweep->cursor_len == 0) {
		memset(sweep->cursor, 0, sizeof(sweep->cursor));
	}
	BD_TRY(bd_case_next_subject(sweep->cursor, found, txn));
	sweep->cursor_len = *found ? BD_NODE_KEY_BYTES : sweep->cursor_len;
	return BD_OK;
}

static bool is_hidden(const struct sweep *sweep, const struct bd_node_row *row)
{
	return !row->is_seen && bd_bytes_equal(row->source, sweep->source) &&
	       bd_bytes_equal(row->section, sweep->section);
}

/* Rows that are hidden now, and were not by the marks of before. */
static enum bd_code look_at(struct bd_txn *txn, const struct sweep *sweep,
	const struct bd_node_marks *before, struct bd_arena *arena)
{
	const struct bd_node_view view = { txn->store, txn->mdb, txn->store->seal, &txn->marks,
		true, NULL, false };
	struct bd_watch_changes changes = { .count = 0 };
	struct bd_watch_told told = { .count = 0 };
	struct bd_node node;
	bool found = false;
	uint64_t slot;

	BD_TRY(bd_node_load(&node, &slot, &found, &view, sweep->cursor, arena, txn->diag));
	if (!found) {
		return BD_OK;
	}
	node.marks = before;
	for (const struct bd_node_row *row = node.rows; row != NULL; row = row->next) {
		if (is_hidden(sweep, row) && bd_node_row_is_seen(&node, row)) {
			bd_watch_add(&changes,
				&(struct bd_watch_change){ row->source, row->entity,
					BD_WATCH_CHANGED, bd_watch_month(txn->store, row) });
		}
	}
	return changes.count == 0
		       ? BD_OK
		       : bd_watch_tell(txn, &told, sweep->cursor, &changes, sweep->at_ms);
}

static enum bd_code step(struct bd_txn *txn, bool *has_more)
{
	struct bd_arena marks_arena, arena;
	struct bd_node_marks before;
	struct sweep sweep = { .before = 0 };
	bool found = false;
	enum bd_code code = find_sweep(&sweep, &found, txn);

	*has_more = found;
	if (code != BD_OK || !found) {
		return code;
	}
	bd_arena_init(&marks_arena, NODE_ARENA_BYTES);
	bd_arena_init(&arena, NODE_ARENA_BYTES);
	code = bd_marks_load(&before, txn->store, txn->mdb, sweep.before, &marks_arena, txn->diag);
	for (int i = 0; code == BD_OK && found && i < BD_WATCH_SWEEP_MAX; i++) {
		bd_arena_clear(&arena);
		code = next_subject(&found, &sweep, txn);
		code = code == BD_OK && found ? look_at(txn, &sweep, &before, &arena) : code;
	}
	if (code == BD_OK) {
		code = found ? put_sweep(txn, &sweep)
			     : bd_txn_delete(txn, txn->store->meta,
				       (struct bd_bytes){ sweep.name, sweep.name_len });
	}
	bd_arena_release(&arena);
	bd_arena_release(&marks_arena);
	return code;
}

enum bd_code bd_watch_sweep(struct bd_store *store, bool *has_more, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	*has_more = false;
	if (!store->has_sweeps) {
		return BD_OK;
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = step(&txn, has_more);
		if (code == BD_OK && !*has_more) {
			bd_txn_drop(&txn);
		} else {
			code = bd_txn_end(&txn, code);
		}
	}
	bd_txn_close(&txn);
	if (code == BD_OK) {
		store->has_sweeps = *has_more;
	} else {
		*has_more = false;
	}
	return code;
}
