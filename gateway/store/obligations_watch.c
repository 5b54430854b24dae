/* obligations_watch.c - which checks of the agency a change of a subject may settle.
 *
 * Rows S and R of obligations_form.h. Every node that is changed is looked for in a set in memory,
 * which holds a piece of each key that is watched: so a push that touches none of them reads
 * nothing. The set only grows; what it holds too much costs one look, until the next start.
 */
#include "base/try.h"
#include "store/obligations_form.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024

/* Keys are blinded, so any piece of one serves as its hash. 0 = an empty slot. */
static uint64_t piece_of(const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t piece;

	memcpy(&piece, key, sizeof(piece));
	return piece == 0 ? 1 : piece;
}

static bool has(const struct bd_owed_watch *watch, uint64_t piece)
{
	size_t at = (size_t)piece & (watch->size - 1);

	while (watch->size > 0 && watch->slots[at] != 0) {
		if (watch->slots[at] == piece) {
			return true;
		}
		at = (at + 1) & (watch->size - 1);
	}
	return false;
}

static void put(struct bd_owed_watch *watch, uint64_t piece)
{
	size_t at = (size_t)piece & (watch->size - 1);

	while (watch->slots[at] != 0) {
		at = (at + 1) & (watch->size - 1);
	}
	watch->slots[at] = piece;
	watch->count++;
}

static bool grow(struct bd_owed_watch *watch)
{
	struct bd_owed_watch bigger = { .size = watch->size == 0 ? FIRST_SLOTS : watch->size * 2 };

	if (watch->count * 2 < watch->size) {
		return true;
	}
	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (bigger.slots == NULL) {
		return false;
	}
	for (size_t i = 0; i < watch->size; i++) {
		if (watch->slots[i] != 0) {
			put(&bigger, watch->slots[i]);
		}
	}
	free(watch->slots);
	*watch = bigger;
	return true;
}

static enum bd_code remember(struct bd_owed_watch *watch, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t piece = piece_of(key);

	if (has(watch, piece)) {
		return BD_OK;
	}
	if (!grow(watch)) {
		return BD_NO_MEMORY;
	}
	put(watch, piece);
	return BD_OK;
}

void bd_owed_watch_close(struct bd_store *store)
{
	free(store->owed_sink);
	store->owed_sink = NULL;
	free(store->owed_watch.slots);
	store->owed_watch = (struct bd_owed_watch){ .slots = NULL };
}

enum bd_code bd_owed_watch_open(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag)
{
	char letter = BD_OWED_ROW_SUBJECT;
	MDB_val name = { 1, &letter }, value;
	MDB_cursor *cursor;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(txn, store->owed, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "obligations");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && *(const char *)name.mv_data == letter && code == BD_OK) {
		code = name.mv_size == BD_OWED_ROW_BYTES
			       ? remember(&store->owed_watch, (const uint8_t *)name.mv_data + 1)
			       : BD_STORE_DAMAGED;
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	/* What was left to be told or looked at when the last run ended. */
	__atomic_store_n(&store->has_owed_news, true, __ATOMIC_RELEASE);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a row of an obligation");
}

/* -- rows -- */

enum bd_code bd_owed_watch_put(struct bd_txn *txn, const struct bd_owed *owed, bool is_watched)
{
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };

	for (size_t at = 0; at + BD_NODE_KEY_BYTES <= owed->watched.len; at += BD_NODE_KEY_BYTES) {
		const uint8_t *key = (const uint8_t *)owed->watched.ptr + at;

		BD_TRY(bd_owed_key_row(&row, BD_OWED_ROW_SUBJECT, key, owed->id));
		if (is_watched) {
			BD_TRY(remember(&txn->store->owed_watch, key));
			BD_TRY(bd_txn_put(txn, txn->store->owed, bd_buf_bytes(&row),
				(struct bd_bytes){ "", 0 }));
		} else {
			BD_TRY(bd_txn_delete(txn, txn->store->owed, bd_buf_bytes(&row)));
		}
	}
	return BD_OK;
}

static enum bd_code put_again(struct bd_txn *txn, const uint8_t id[BD_OWED_ID_BYTES])
{
	char room[BD_OWED_ROW_BYTES], number[8];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) },
		      value = { number, 0, sizeof(number), sizeof(number) };

	BD_TRY(bd_buf_add_u8(&row, BD_OWED_ROW_AGAIN));
	BD_TRY(bd_buf_add(&row, (struct bd_bytes){ (const char *)id, BD_OWED_ID_BYTES }));
	BD_TRY(bd_buf_add_u64(&value, mdb_txn_id(txn->mdb)));
	__atomic_store_n(&txn->store->has_owed_news, true, __ATOMIC_RELEASE);
	return bd_txn_put(txn, txn->store->owed, bd_buf_bytes(&row), bd_buf_bytes(&value));
}

/* A page of the ids that watch this key, so that none is put while the cursor stands. */
#define IDS_AT_ONCE 64

static enum bd_code list_watchers(
	uint8_t (*ids)[BD_OWED_ID_BYTES], size_t *count, struct bd_txn *txn, struct bd_buf *row)
{
	struct bd_bytes front = { row->ptr, 1 + BD_OWED_BLIND_BYTES };
	MDB_val name = { row->len, row->ptr }, value;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn->mdb, txn->store->owed, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "obligations");
	}
	*count = 0;
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && *count < IDS_AT_ONCE && name.mv_size == BD_OWED_ROW_BYTES &&
		memcmp(name.mv_data, front.ptr, front.len) == 0) {
		memcpy(ids[(*count)++], (const char *)name.mv_data + front.len, BD_OWED_ID_BYTES);
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_txn_fail(txn, result, "obligations");
}

/* The next id in the order of their bytes. */
static void raise_id(uint8_t id[BD_OWED_ID_BYTES])
{
	for (size_t i = BD_OWED_ID_BYTES; i > 0 && ++id[i - 1] == 0; i--) {
	}
}

enum bd_code bd_owed_touch(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint8_t ids[IDS_AT_ONCE][BD_OWED_ID_BYTES], from[BD_OWED_ID_BYTES] = { 0 };
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };
	size_t count = IDS_AT_ONCE;

	if (!has(&txn->store->owed_watch, piece_of(key))) {
		return BD_OK;
	}
	while (count == IDS_AT_ONCE) {
		BD_TRY(bd_owed_key_row(&row, BD_OWED_ROW_SUBJECT, key, from));
		BD_TRY(list_watchers(ids, &count, txn, &row));
		for (size_t i = 0; i < count; i++) {
			BD_TRY(put_again(txn, ids[i]));
		}
		if (count > 0) {
			memcpy(from, ids[count - 1], sizeof(from));
			raise_id(from);
		}
	}
	return BD_OK;
}

/* -- what was looked at again -- */

static enum bd_code forget_one(
	struct bd_txn *txn, const uint8_t id[BD_OWED_ID_BYTES], uint64_t snapshot)
{
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };
	struct bd_reader reader;
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_buf_add_u8(&row, BD_OWED_ROW_AGAIN));
	BD_TRY(bd_buf_add(&row, (struct bd_bytes){ (const char *)id, BD_OWED_ID_BYTES }));
	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->owed, bd_buf_bytes(&row)));
	if (!found) {
		return BD_OK;
	}
	reader = bd_reader_of(value);
	return bd_read_u64(&reader) <= snapshot
		       ? bd_txn_delete(txn, txn->store->owed, bd_buf_bytes(&row))
		       : BD_OK;
}

enum bd_code bd_owed_looked(struct bd_store *store, uint8_t (*ids)[BD_OWED_ID_BYTES], size_t count,
	uint64_t snapshot, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		code = forget_one(&txn, ids[i], snapshot);
	}
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	return code;
}

enum bd_code bd_owed_again(uint8_t (*ids)[BD_OWED_ID_BYTES], size_t *count, size_t max,
	uint64_t *snapshot, struct bd_store_reader *reader, struct bd_diag *diag)
{
	char letter = BD_OWED_ROW_AGAIN;
	MDB_val name = { 1, &letter }, value;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(reader->txn, reader->store->owed, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "obligations");
	}
	*count = 0;
	*snapshot = mdb_txn_id(reader->txn);
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && *count < max && name.mv_size == 1 + BD_OWED_ID_BYTES &&
		*(const char *)name.mv_data == letter) {
		memcpy(ids[(*count)++], (const char *)name.mv_data + 1, BD_OWED_ID_BYTES);
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_store_fail(diag, result, "obligations");
}
