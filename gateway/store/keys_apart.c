#include "store/keys_apart.h"

#include "base/limits.h"
#include "base/try.h"
#include "store/accept.h"
#include "store/kept.h"
#include "store/long.h"

#include <stdlib.h>
#include <string.h>

/* A spool sorts by a node's key and a number: the beginning of the digest is taken for them. */
#define FRONT_BYTES BD_NODE_KEY_BYTES
#define REST_BYTES (BD_DIGEST_BYTES - FRONT_BYTES)
#define ARENA_BYTES ((size_t)64 << 20)

static const char counter[] = "keys";

struct bd_keys_apart {
	struct bd_store *store;
	struct bd_spool *spool;
	struct bd_spool_file file;
	struct bd_spool_merge *merge;
};

static void close_merge(struct bd_keys_apart *keys)
{
	bd_spool_merge_free(keys->merge);
	keys->merge = NULL;
	if (keys->file.store != NULL) {
		bd_spool_file_close(&keys->file);
		keys->file.store = NULL;
	}
}

void bd_keys_apart_free(struct bd_keys_apart *keys)
{
	if (keys == NULL) {
		return;
	}
	close_merge(keys);
	if (keys->spool != NULL) {
		bd_spool_remove(keys->store, bd_spool_id(keys->spool));
		bd_spool_free(keys->spool);
	}
	keys->store->keys_are_apart = false;
	free(keys);
}

/* -- keeping -- */

static enum bd_code keep(struct bd_keys_apart *keys, const struct bd_entry *entry, uint32_t days,
	struct bd_diag *diag)
{
	char room[REST_BYTES + BD_KEY_VALUE_BYTES];
	struct bd_buf rest = { room, 0, sizeof(room), sizeof(room) };
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_reader reader;
	struct bd_bytes name;

	BD_TRY(bd_key_name(&name, digest, keys->store->seal, entry));
	if (name.len == 0) {
		return BD_OK;
	}
	reader = bd_reader_of((struct bd_bytes){ name.ptr + FRONT_BYTES, REST_BYTES });
	BD_TRY(bd_buf_add(&rest, reader.rest));
	BD_TRY(bd_key_value(&rest, entry, days, BD_KEY_DONE));
	return bd_spool_put(keys->spool, digest, bd_read_u64(&reader), bd_buf_bytes(&rest), diag);
}

enum bd_code bd_keys_apart_add(
	struct bd_keys_apart *keys, const struct bd_entry *entry, struct bd_diag *diag)
{
	return keep(keys, entry, bd_key_days(keys->store, entry), diag);
}

/* -- putting -- */

static enum bd_code put_until_full(bool *has_more, struct bd_keys_apart *keys, struct bd_txn *txn)
{
	const MDB_dbi dbi = keys->store->keys;
	uint64_t most = bd_long_part_bytes(keys->store);

	txn->dirt[dbi].is_behind = true;
	do {
		const struct bd_spool_item *item = NULL;
		char name[BD_DIGEST_BYTES];
		struct bd_bytes stands;

		BD_TRY(bd_spool_merge_look(&item, keys->merge, txn->diag));
		*has_more = item != NULL;
		if (item == NULL) {
			return BD_OK;
		}
		if (item->record.len != REST_BYTES + BD_KEY_VALUE_BYTES) {
			return BD_STORE_DAMAGED;
		}
		memcpy(name, item->key, FRONT_BYTES);
		memcpy(name + FRONT_BYTES, item->record.ptr, REST_BYTES);
		BD_TRY(bd_txn_put_new(&stands, txn, dbi, (struct bd_bytes){ name, sizeof(name) },
			(struct bd_bytes){ item->record.ptr + REST_BYTES, BD_KEY_VALUE_BYTES }));
		BD_TRY(bd_spool_merge_pass(keys->merge, txn->diag));
	} while (bd_dirty_bytes(&txn->dirt[dbi]) < most);
	return BD_OK;
}

/* With the last of them nothing is missing any more. */
static enum bd_code put_part(bool *has_more, struct bd_keys_apart *keys, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, keys->store, diag);
	code = bd_txn_begin(&txn);
	if (txn.mdb != NULL) {
		code = put_until_full(has_more, keys, &txn);
		code = code == BD_OK && !*has_more
			       ? bd_txn_delete(&txn, keys->store->meta, bd_bytes_of(counter))
			       : code;
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	bd_store_reach(keys->store, "keys.part");
	return code;
}

static enum bd_code put_all(struct bd_keys_apart *keys, struct bd_diag *diag)
{
	enum bd_code code = bd_spool_finish(keys->spool, diag);
	bool has_more = true;

	code = code == BD_OK ? bd_spool_seal(keys->spool, (struct bd_bytes){ "", 0 }, diag) : code;
	code = code == BD_OK ? bd_spool_file_open(
				       &keys->file, keys->store, bd_spool_id(keys->spool), diag)
			     : code;
	code = code == BD_OK ? bd_spool_merge_new(&keys->merge, &keys->file, 1, NULL,
				       (struct bd_bytes){ "", 0 }, diag)
			     : code;
	while (code == BD_OK && has_more) {
		code = put_part(&has_more, keys, diag);
	}
	close_merge(keys);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "idempotency keys");
}

enum bd_code bd_keys_apart_end(struct bd_keys_apart *keys, struct bd_diag *diag)
{
	enum bd_code code = put_all(keys, diag);

	bd_keys_apart_free(keys);
	return code;
}

/* -- what an earlier one left out -- */

static enum bd_code new_spool(struct bd_keys_apart *keys, struct bd_diag *diag)
{
	return bd_spool_new_scratch(&keys->spool, keys->store, BD_LOAD_RUN_BYTES, diag);
}

struct finding {
	struct bd_keys_apart *keys;
	struct bd_buf plain;
	struct bd_arena arena; /* of one message */
	struct bd_diag *diag;
};

/* One whose subject was erased does not say its key any more. */
static enum bd_code find_one(struct finding *at, MDB_val name, MDB_val value)
{
	struct bd_store *store = at->keys->store;
	struct bd_journal_entry journal;
	enum bd_code code;

	bd_arena_clear(&at->arena);
	bd_buf_clear(&at->plain);
	code = bd_kept_open(&at->plain, store->seal, store, true,
		(struct bd_bytes){ name.mv_data, name.mv_size },
		(struct bd_bytes){ value.mv_data, value.mv_size });
	if (code != BD_OK) {
		return code == BD_STORE_DAMAGED ? BD_OK : code;
	}
	BD_TRY(bd_kept_unpack(&journal, NULL, bd_buf_bytes(&at->plain), &at->arena));
	return journal.kind == BD_JOURNAL_MESSAGE
		       ? keep(at->keys, &journal.entry, journal.keep_days, at->diag)
		       : BD_OK;
}

static enum bd_code find_all(struct finding *at, MDB_txn *txn, uint64_t first)
{
	char room[8];
	struct bd_buf from = { room, 0, sizeof(room), sizeof(room) };
	enum bd_code code = bd_buf_add_u64(&from, first);
	MDB_val key = { sizeof(room), room }, value;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn, at->keys->store->messages, &cursor);

	if (result != 0) {
		return bd_store_fail(at->diag, result, "messages");
	}
	result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (result == 0 && code == BD_OK) {
		code = find_one(at, key, value);
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == MDB_NOTFOUND
		       ? code
		       : bd_store_fail(at->diag, result, "messages");
}

static enum bd_code put_missing(struct bd_keys_apart *keys, uint64_t first, struct bd_diag *diag)
{
	struct finding at = { .keys = keys, .diag = diag };
	MDB_txn *txn;
	enum bd_code code;
	int result = mdb_txn_begin(keys->store->env, NULL, MDB_RDONLY, &txn);

	if (result != 0) {
		return bd_store_fail(diag, result, "messages");
	}
	bd_arena_init(&at.arena, ARENA_BYTES);
	bd_buf_init(&at.plain, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES);
	code = find_all(&at, txn, first);
	mdb_txn_abort(txn);
	bd_buf_wipe(&at.plain);
	bd_arena_release(&at.arena);
	code = code == BD_OK ? put_all(keys, diag) : bd_fail(diag, code, "idempotency keys");
	bd_spool_remove(keys->store, bd_spool_id(keys->spool));
	bd_spool_free(keys->spool);
	keys->spool = NULL;
	return code == BD_OK ? new_spool(keys, diag) : code;
}

/* -- from here on -- */

/* 0 = nothing is missing; else it is so from the next message on. */
static enum bd_code begin_counter(uint64_t *first, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_bytes value;
	struct bd_reader reader;
	bool found = false;
	struct bd_txn txn;
	enum bd_code code;

	*first = 0;
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (txn.mdb != NULL) {
		code = bd_txn_get(&value, &found, &txn, store->meta, bd_bytes_of(counter));
		if (code == BD_OK && found) {
			reader = bd_reader_of(value);
			*first = bd_read_u64(&reader);
			bd_txn_drop(&txn);
		} else {
			code = code == BD_OK
				       ? bd_txn_put_counter(&txn, counter, store->next_message)
				       : code;
			code = bd_txn_end(&txn, code);
		}
	}
	bd_txn_close(&txn);
	return code;
}

enum bd_code bd_keys_apart_begin(
	struct bd_keys_apart **out, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_keys_apart *keys = calloc(1, sizeof(*keys));
	uint64_t first = 0;
	enum bd_code code;

	*out = NULL;
	if (keys == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	keys->store = store;
	code = new_spool(keys, diag);
	code = code == BD_OK ? begin_counter(&first, store, diag) : code;
	if (code == BD_OK && first != 0) {
		code = put_missing(keys, first, diag);
		code = code == BD_OK ? begin_counter(&first, store, diag) : code;
	}
	if (code != BD_OK) {
		bd_keys_apart_free(keys);
		return bd_fail(diag, code, "idempotency keys");
	}
	store->keys_are_apart = true;
	*out = keys;
	return BD_OK;
}
