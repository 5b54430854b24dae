#include "store/long_state.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/try.h"
#include "store/accept.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bits of 15,872 native records: a value that still shares its page. */
#define BITS_BYTES 1984
#define BITS ((uint64_t)BITS_BYTES * 8)

enum part { PART_STATE = 0, PART_BITS = 1 };
enum standing { STANDING_GOOD = 1, STANDING_FAILED = 2 };

#define NAME_BYTES 17

static struct bd_bytes name_of(
	char room[NAME_BYTES], uint64_t message, enum part part, uint64_t chunk)
{
	for (int i = 0; i < 8; i++) {
		room[i] = (char)(message >> (8 * (7 - i)));
		room[9 + i] = (char)(chunk >> (8 * (7 - i)));
	}
	room[8] = (char)part;
	return (struct bd_bytes){ room, NAME_BYTES };
}

/* -- the state -- */

static enum bd_code put_state(struct bd_txn *txn, const struct bd_long_known *known,
	enum standing standing, const struct bd_long *work)
{
	char name[NAME_BYTES];
	size_t told = work != NULL ? work->journal.entry.section_count : 0;

	bd_buf_clear(&txn->plain);
	BD_TRY(bd_buf_add_u64(&txn->plain, known->id));
	BD_TRY(bd_buf_add_u8(&txn->plain, (uint8_t)standing));
	BD_TRY(bd_buf_add_sized(&txn->plain, (struct bd_bytes){ (const char *)known->key,
						     known->has_key ? sizeof(known->key) : 0 }));
	BD_TRY(bd_buf_add_u64(&txn->plain, work != NULL ? work->changed : 0));
	BD_TRY(bd_buf_add_u16(&txn->plain, (uint16_t)told));
	for (size_t i = 0; i < told; i++) {
		BD_TRY(bd_buf_add_u64(&txn->plain, work->told[i]));
	}
	BD_TRY(bd_buf_add_sized(&txn->plain,
		work != NULL ? bd_buf_bytes(&work->cursor) : (struct bd_bytes){ "", 0 }));
	return bd_txn_put(txn, txn->store->spools, name_of(name, known->message, PART_STATE, 0),
		bd_buf_bytes(&txn->plain));
}

enum bd_code bd_long_put_new(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t id)
{
	struct bd_long_known known = { .message = journal->entry.message, .id = id };
	struct bd_bytes key;

	BD_TRY(bd_key_name(&key, known.key, txn->store->seal, &journal->entry));
	known.has_key = key.len > 0;
	return put_state(txn, &known, STANDING_GOOD, NULL);
}

enum bd_code bd_long_put(struct bd_txn *txn, const struct bd_long *work)
{
	struct bd_long_known known;

	BD_TRY(bd_long_find(&known, txn, work->journal.entry.message));
	return put_state(txn, &known, STANDING_GOOD, work);
}

enum bd_code bd_long_put_failed(struct bd_txn *txn, const struct bd_long_known *known)
{
	BD_TRY(put_state(txn, known, STANDING_FAILED, NULL));
	return bd_forget_key(txn,
		(struct bd_bytes){
			(const char *)known->key, known->has_key ? sizeof(known->key) : 0 },
		known->message);
}

static void read_known(struct bd_long_known *known, struct bd_reader *reader)
{
	struct bd_bytes key;

	known->id = bd_read_u64(reader);
	known->is_failed = bd_read_u8(reader) != STANDING_GOOD;
	key = bd_read_sized(reader);
	known->has_key = key.len == sizeof(known->key);
	if (known->has_key) {
		memcpy(known->key, key.ptr, sizeof(known->key));
	}
}

enum bd_code bd_long_find(struct bd_long_known *known, struct bd_txn *txn, uint64_t message)
{
	char name[NAME_BYTES];
	struct bd_reader reader;
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_txn_get(
		&value, &found, txn, txn->store->spools, name_of(name, message, PART_STATE, 0)));
	if (!found) {
		return bd_fail(txn->diag, BD_STORE_DAMAGED, "a long message");
	}
	reader = bd_reader_of(value);
	*known = (struct bd_long_known){ .message = message };
	read_known(known, &reader);
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code read_state(struct bd_long *work, struct bd_bytes value)
{
	struct bd_reader reader = bd_reader_of(value);
	struct bd_long_known known;
	size_t told;

	read_known(&known, &reader);
	work->changed = bd_read_u64(&reader);
	told = bd_read_u16(&reader);
	if (told > work->journal.entry.section_count) {
		return BD_STORE_DAMAGED;
	}
	for (size_t i = 0; i < work->journal.entry.section_count; i++) {
		work->told[i] = i < told ? bd_read_u64(&reader) : 0;
	}
	bd_buf_clear(&work->cursor);
	BD_TRY(bd_buf_add(&work->cursor, bd_read_sized(&reader)));
	return reader.ok && reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_long_load(struct bd_store *store, struct bd_long *work, struct bd_diag *diag)
{
	char room[NAME_BYTES];
	struct bd_bytes name = name_of(room, work->journal.entry.message, PART_STATE, 0);
	MDB_val key = { name.len, (void *)name.ptr }, value;
	MDB_txn *txn;
	enum bd_code code;
	int result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (result != 0) {
		return bd_store_fail(diag, result, "transaction");
	}
	result = mdb_get(txn, store->spools, &key, &value);
	code = result == 0 ? read_state(work, (struct bd_bytes){ value.mv_data, value.mv_size })
			   : BD_STORE_DAMAGED;
	mdb_txn_abort(txn);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a long message");
}

/* -- native records that changed something -- */

/* Sets the bits of one chunk; items is ascending, all of this chunk. */
static enum bd_code set_bits(
	struct bd_txn *txn, struct bd_long *work, const uint64_t *items, size_t count)
{
	char room[NAME_BYTES], bits[BITS_BYTES] = { 0 };
	struct bd_bytes name =
		name_of(room, work->journal.entry.message, PART_BITS, items[0] / BITS);
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->spools, name));
	if (found && value.len == sizeof(bits)) {
		memcpy(bits, value.ptr, sizeof(bits));
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t bit = items[i] % BITS;
		char mask = (char)(1 << bit % 8);

		work->changed += (bits[bit / 8] & mask) == 0;
		bits[bit / 8] |= mask;
	}
	return bd_txn_put(txn, txn->store->spools, name, (struct bd_bytes){ bits, sizeof(bits) });
}

enum bd_code bd_long_note(struct bd_txn *txn, struct bd_long *work, struct bd_apply *apply)
{
	struct bd_changes *changes = &apply->changes;
	size_t at = 0;

	bd_changes_count(changes); /* sorts them */
	while (at < changes->count) {
		size_t end = at;

		while (end < changes->count &&
			changes->items[end] / BITS == changes->items[at] / BITS) {
			end++;
		}
		BD_TRY(set_bits(txn, work, changes->items + at, end - at));
		at = end;
	}
	for (size_t i = 0; apply->told != NULL && i < work->journal.entry.section_count; i++) {
		work->told[i] += apply->told[i];
	}
	return BD_OK;
}

enum bd_code bd_long_delete(struct bd_txn *txn, uint64_t message)
{
	char room[NAME_BYTES];
	struct bd_bytes name = name_of(room, message, PART_STATE, 0);
	MDB_cursor *cursor;
	MDB_val key = { name.len, (void *)name.ptr }, value;
	int result = mdb_cursor_open(txn->mdb, txn->store->spools, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "spools");
	}
	result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (result == 0 && key.mv_size == NAME_BYTES && memcmp(key.mv_data, room, 8) == 0) {
		result = mdb_cursor_del(cursor, 0);
		result = result == 0 ? mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT)
				     : result;
		/* Behind the last one there is none. */
		result = result == EINVAL ? MDB_NOTFOUND : result;
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "spools");
}

/* -- what there is -- */

/* Each message once: its bits are passed over. */
static enum bd_code list_known(struct bd_long_known **list, size_t *count, MDB_cursor *cursor)
{
	char room[NAME_BYTES];
	struct bd_bytes name = name_of(room, 0, PART_STATE, 0);
	MDB_val key = { name.len, (void *)name.ptr }, value;
	size_t cap = 0;

	while (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0) {
		struct bd_reader reader =
			bd_reader_of((struct bd_bytes){ key.mv_data, key.mv_size });
		uint64_t message = bd_read_u64(&reader);

		if (!bd_list_grow(list, &cap, *count, 8, sizeof(**list))) {
			return BD_NO_MEMORY;
		}
		(*list)[*count] = (struct bd_long_known){ .message = message };
		reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		read_known(&(*list)[(*count)++], &reader);
		name = name_of(room, message + 1, PART_STATE, 0);
		key = (MDB_val){ name.len, (void *)name.ptr };
	}
	return BD_OK;
}

enum bd_code bd_long_list(struct bd_long_known **out, size_t *count, struct bd_store *store,
	MDB_txn *txn, struct bd_diag *diag)
{
	MDB_cursor *cursor;
	enum bd_code code;
	int result = mdb_cursor_open(txn, store->spools, &cursor);

	*out = NULL;
	*count = 0;
	if (result != 0) {
		return bd_store_fail(diag, result, "spools");
	}
	code = list_known(out, count, cursor);
	mdb_cursor_close(cursor);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static enum bd_code list_files(uint64_t **list, size_t *count, DIR *folder)
{
	const struct dirent *entry;
	size_t cap = 0;

	while ((entry = readdir(folder)) != NULL) {
		unsigned long long id;
		int len = 0;

		if (sscanf(entry->d_name, "%16llx%n", &id, &len) != 1 || len != 16 ||
			entry->d_name[len] != '\0') {
			continue;
		}
		if (!bd_list_grow(list, &cap, *count, 8, sizeof(**list))) {
			return BD_NO_MEMORY;
		}
		(*list)[(*count)++] = id;
	}
	return BD_OK;
}

enum bd_code bd_long_files(
	uint64_t **out, size_t *count, struct bd_store *store, struct bd_diag *diag)
{
	enum bd_code code;
	char path[4200];
	DIR *folder;

	*out = NULL;
	*count = 0;
	snprintf(path, sizeof(path), "%s/spool", store->folder);
	folder = opendir(path);
	if (folder == NULL) {
		return bd_fail(diag, BD_IO, "spool: %s", strerror(errno));
	}
	code = list_files(out, count, folder);
	closedir(folder);
	if (*count > 1) {
		qsort(*out, *count, sizeof(**out), compare_ids);
	}
	return code;
}
