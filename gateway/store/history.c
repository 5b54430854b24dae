#include "store/history.h"

#include "base/limits.h"
#include "base/try.h"
#include "store/places.h"

#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)
#define COMMIT_BYTES 8
#define VALUE_KEY_BYTES (COMMIT_BYTES + BD_NODE_KEY_BYTES)
#define NAME_MAX_BYTES 400
/* Kept values that one step lets go: they stand one behind the other, so that few pages change. */
#define STEP_VALUES 4096

static const char floor_name[] = "history_floor";

/* -- values -- */

enum bd_code bd_node_head_read(struct bd_node_head *head, struct bd_bytes value)
{
	struct bd_reader reader = bd_reader_of(value);

	head->slot = bd_read_u64(&reader);
	head->written = bd_read_u64(&reader);
	head->sealed = reader.rest;
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_node_head_pack(struct bd_buf *out, uint64_t slot, uint64_t written)
{
	BD_TRY(bd_buf_add_u64(out, slot));
	return bd_buf_add_u64(out, written);
}

/* -- keeping -- */

enum bd_code bd_history_number(struct bd_txn *txn)
{
	char number[COMMIT_BYTES], when[8];
	struct bd_buf name = { number, 0, sizeof(number), sizeof(number) },
		      value = { when, 0, sizeof(when), sizeof(when) };

	if (txn->is_numbered) {
		return BD_OK;
	}
	txn->is_numbered = true;
	BD_TRY(bd_buf_add_u64(&name, txn->commit));
	BD_TRY(bd_buf_add_u64(&value, (uint64_t)txn->now_ms));
	return bd_txn_put(txn, txn->store->history, bd_buf_bytes(&name), bd_buf_bytes(&value));
}

enum bd_code bd_history_keep_node(
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], struct bd_bytes was)
{
	char room[VALUE_KEY_BYTES];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	struct bd_node_head head;

	BD_TRY(bd_history_number(txn));
	if (was.len == 0) {
		return BD_OK;
	}
	BD_TRY(bd_node_head_read(&head, was));
	if (head.written == txn->commit) {
		return BD_OK;
	}
	BD_TRY(bd_buf_add_u64(&name, txn->commit));
	BD_TRY(bd_buf_add(&name, (struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES }));
	return bd_txn_put(txn, txn->store->history, bd_buf_bytes(&name), was);
}

static enum bd_code coverage_key(struct bd_buf *out, struct bd_bytes name, uint64_t commit)
{
	BD_TRY(bd_buf_add(out, name));
	return bd_buf_add_u64(out, commit);
}

enum bd_code bd_history_keep_coverage(struct bd_txn *txn, struct bd_bytes name, struct bd_bytes was)
{
	char room[NAME_MAX_BYTES + COMMIT_BYTES];
	struct bd_buf key = { room, 0, sizeof(room), sizeof(room) };
	struct bd_bytes ignored;
	bool found = false;

	BD_TRY(bd_history_number(txn));
	BD_TRY(coverage_key(&key, name, txn->commit));
	BD_TRY(bd_txn_get(&ignored, &found, txn, txn->store->coverage_history, bd_buf_bytes(&key)));
	return found ? BD_OK
		     : bd_txn_put(txn, txn->store->coverage_history, bd_buf_bytes(&key), was);
}

/* -- finding -- */

static enum bd_code get(
	struct bd_bytes *value, bool *found, MDB_txn *txn, MDB_dbi dbi, struct bd_bytes name)
{
	MDB_val key = { name.len, (void *)name.ptr }, data;
	int result = mdb_get(txn, dbi, &key, &data);

	*found = result == 0;
	if (result == 0) {
		*value = (struct bd_bytes){ data.mv_data, data.mv_size };
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_store_fail(NULL, result, "history");
}

/* Each value is older than the one that it was replaced by, so the way back ends. */
enum bd_code bd_history_node(struct bd_bytes *value, bool *found, const struct bd_store *store,
	MDB_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit)
{
	struct bd_node_head head = { .written = UINT64_MAX };

	*found = true;
	for (;;) {
		uint64_t newer = head.written;
		char room[VALUE_KEY_BYTES];
		struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

		BD_TRY(bd_node_head_read(&head, *value));
		if (head.written >= newer) {
			return BD_STORE_DAMAGED;
		}
		if (head.written <= commit) {
			return BD_OK;
		}
		BD_TRY(bd_buf_add_u64(&name, head.written));
		BD_TRY(bd_buf_add(
			&name, (struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES }));
		BD_TRY(get(value, found, txn, store->history, bd_buf_bytes(&name)));
		if (!*found) {
			return BD_OK;
		}
	}
}

/* Is this the key of a value that stood under that name? Then by which commit it was replaced. */
static bool is_of_name(uint64_t *commit, MDB_val key, struct bd_bytes name)
{
	struct bd_reader reader;

	if (key.mv_size != name.len + COMMIT_BYTES ||
		memcmp(key.mv_data, name.ptr, name.len) != 0) {
		return false;
	}
	reader = bd_reader_of(
		(struct bd_bytes){ (const char *)key.mv_data + name.len, COMMIT_BYTES });
	*commit = bd_read_u64(&reader);
	return true;
}

enum bd_code bd_history_coverage(struct bd_bytes *value, bool *found, const struct bd_store *store,
	MDB_txn *txn, struct bd_bytes name, uint64_t commit)
{
	char room[NAME_MAX_BYTES + COMMIT_BYTES];
	struct bd_buf from = { room, 0, sizeof(room), sizeof(room) };
	MDB_cursor *cursor;
	MDB_val key, data;
	uint64_t replaced;
	int result;

	if (commit == BD_AS_OF_NOW) {
		return get(value, found, txn, store->coverage, name);
	}
	BD_TRY(coverage_key(&from, name, commit + 1));
	result = mdb_cursor_open(txn, store->coverage_history, &cursor);
	if (result != 0) {
		return bd_store_fail(NULL, result, "history");
	}
	key = (MDB_val){ from.len, from.ptr };
	result = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
	mdb_cursor_close(cursor);
	if (result == 0 && is_of_name(&replaced, key, name)) {
		*found = data.mv_size > 0;
		*value = (struct bd_bytes){ data.mv_data, data.mv_size };
		return BD_OK;
	}
	if (result != 0 && result != MDB_NOTFOUND) {
		return bd_store_fail(NULL, result, "history");
	}
	return get(value, found, txn, store->coverage, name);
}

bool bd_history_has_pair(MDB_val value, uint64_t commit)
{
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });

	return commit == BD_AS_OF_NOW || bd_read_u64(&reader) <= commit;
}

enum bd_code bd_history_floor(uint64_t *commit, const struct bd_store *store, MDB_txn *txn)
{
	struct bd_bytes value = { "", 0 };
	struct bd_reader reader;
	bool found = false;

	BD_TRY(get(&value, &found, txn, store->meta, bd_bytes_of(floor_name)));
	reader = bd_reader_of(value);
	*commit = found ? bd_read_u64(&reader) : 0;
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

/* -- when its days are over -- */

struct step {
	struct bd_txn *txn;
	MDB_cursor *cursor; /* of `history` */
	int64_t now_ms, limit_ms;
	uint64_t floor;
	bool is_changed;
};

/* What an erased subject left in its place: nobody can ask any more for what stood there. */
static enum bd_code drop_erased(
	struct step *step, const uint8_t key[BD_NODE_KEY_BYTES], struct bd_bytes was)
{
	struct bd_store *store = step->txn->store;
	struct bd_node_head old, now;
	uint8_t salt[BD_SALT_BYTES];
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_node_head_read(&old, was));
	if (bd_salts_get_own(salt, &store->salts, old.slot)) {
		return BD_OK;
	}
	BD_TRY(bd_place_get(&value, &found, store, step->txn->mdb, key, step->txn->diag));
	if (!found) {
		return BD_OK;
	}
	BD_TRY(bd_node_head_read(&now, value));
	return now.sealed.len == 0 && now.written <= step->floor ? bd_place_drop(step->txn, key)
								 : BD_OK;
}

/* A clock that ran ahead made it: its days count from now. */
static enum bd_code set_time(struct step *step, MDB_val key)
{
	char room[8];
	struct bd_buf now = { room, 0, sizeof(room), sizeof(room) };
	MDB_val value = { sizeof(room), room };
	int result;

	BD_TRY(bd_buf_add_u64(&now, (uint64_t)step->now_ms));
	result = mdb_cursor_put(step->cursor, &key, &value, MDB_CURRENT);
	step->is_changed = true;
	return result == 0 ? BD_OK : bd_txn_fail(step->txn, result, "history");
}

/* Does the oldest entry go? The first of a commit says when it was. */
static enum bd_code judge(bool *goes, struct step *step, MDB_val key, MDB_val value)
{
	struct bd_reader name = bd_reader_of((struct bd_bytes){ key.mv_data, key.mv_size });
	struct bd_bytes was = { value.mv_data, value.mv_size };
	struct bd_reader reader = bd_reader_of(was);
	uint64_t commit = bd_read_u64(&name);
	int64_t ms;

	if (name.rest.len == BD_NODE_KEY_BYTES) {
		*goes = commit <= step->floor;
		return *goes ? drop_erased(step, (const uint8_t *)name.rest.ptr, was)
			     : BD_STORE_DAMAGED;
	}
	ms = (int64_t)bd_read_u64(&reader);
	if (!name.ok || name.rest.len > 0 || !reader.ok) {
		return BD_STORE_DAMAGED;
	}
	*goes = ms < step->limit_ms;
	step->floor = *goes ? commit : step->floor;
	return ms > step->now_ms ? set_time(step, key) : BD_OK;
}

static enum bd_code expire_values(struct step *step, bool *has_more)
{
	size_t left = STEP_VALUES;
	bool goes = true;

	while (left > 0) {
		MDB_val key, value;
		int result = mdb_cursor_get(step->cursor, &key, &value, MDB_FIRST);

		if (result == MDB_NOTFOUND) {
			break;
		}
		BD_TRY(result == 0 ? judge(&goes, step, key, value)
				   : bd_txn_fail(step->txn, result, "history"));
		if (!goes) {
			break;
		}
		result = mdb_cursor_get(step->cursor, &key, &value, MDB_FIRST);
		result = result == 0 ? mdb_cursor_del(step->cursor, 0) : result;
		if (result != 0) {
			return bd_txn_fail(step->txn, result, "history");
		}
		step->is_changed = true;
		left--;
	}
	*has_more = left == 0;
	return BD_OK;
}

/* Of one name of the coverage database, what was replaced up to the floor. */
static enum bd_code expire_name(struct step *step, struct bd_bytes name)
{
	struct bd_txn *txn = step->txn;
	enum bd_code code = BD_OK;
	MDB_cursor *cursor;
	MDB_val value;
	int result = mdb_cursor_open(txn->mdb, txn->store->coverage_history, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "history");
	}
	while (result == 0 && code == BD_OK) {
		char room[NAME_MAX_BYTES + COMMIT_BYTES];
		struct bd_buf from = { room, 0, sizeof(room), sizeof(room) };
		uint64_t commit = 0;
		MDB_val key;

		code = coverage_key(&from, name, 0);
		key = (MDB_val){ from.len, from.ptr };
		result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		if (result != 0 || !is_of_name(&commit, key, name) || commit > step->floor) {
			break;
		}
		result = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? code : bd_txn_fail(txn, result, "history");
}

/* Names of the coverage database never go, so none is missed. */
static enum bd_code expire_coverage(struct step *step)
{
	struct bd_txn *txn = step->txn;
	enum bd_code code = BD_OK;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn->mdb, txn->store->coverage, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "history");
	}
	while (code == BD_OK && (result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		code = expire_name(step, (struct bd_bytes){ key.mv_data, key.mv_size });
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == MDB_NOTFOUND ? code : bd_txn_fail(txn, result, "history");
}

static enum bd_code expire(struct step *step, bool *has_more)
{
	struct bd_txn *txn = step->txn;
	uint64_t before = 0;
	enum bd_code code;
	int result;

	BD_TRY(bd_history_floor(&before, txn->store, txn->mdb));
	result = mdb_cursor_open(txn->mdb, txn->store->history, &step->cursor);
	if (result != 0) {
		return bd_txn_fail(txn, result, "history");
	}
	step->floor = before;
	code = expire_values(step, has_more);
	mdb_cursor_close(step->cursor);
	if (code != BD_OK || step->floor == before) {
		return code;
	}
	BD_TRY(bd_txn_put_counter(txn, floor_name, step->floor));
	return expire_coverage(step);
}

enum bd_code bd_store_expire(
	bool *has_more, struct bd_store *store, int64_t now_ms, struct bd_diag *diag)
{
	struct step step = { .now_ms = now_ms,
		.limit_ms = now_ms - (int64_t)store->history_days * DAY_MS };
	struct bd_txn txn;
	enum bd_code code;

	*has_more = false;
	if (store->history_days == 0) {
		return BD_OK;
	}
	bd_txn_open(&txn, store, diag);
	step.txn = &txn;
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? expire(&step, has_more) : code;
	if (txn.mdb != NULL && code == BD_OK && !step.is_changed) {
		bd_txn_drop(&txn);
	} else if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	*has_more = *has_more && code == BD_OK;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "history");
}
