#include "store/rebuild.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/cases.h"
#include "store/dispute.h"
#include "store/obligations_form.h"
#include "store/places.h"
#include "store/secrets.h"
#include "store/watch.h"
#include "store/watches.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of one transaction of the new environment. */
#define TXN_BYTES ((uint64_t)16 << 20)
#define WATCH_ROWS 4096
#define VALUE_MAX_BYTES ((size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES + 64)

/* One store as it is turned into the other. */
struct turn {
	struct bd_store *from, *to; /* of `to` environment, databases and ring */
	struct bd_seal *opening, *closing;
	MDB_txn *read, *write;
	struct bd_buf key, value, plain, name; /* of the row that is turned */
	struct bd_arena arena;
	uint64_t done, total, dirty;
	struct bd_rebuild_watch *watch;
	struct bd_diag *diag;
};

/* Fills turn->key and turn->value. *is_left: the row has no place in the new one. */
typedef enum bd_code (*turn_row_t)(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left);

/* -- names -- */

static enum bd_code add_name(struct turn *turn, struct bd_buf *out, const void *name)
{
	uint8_t digest[BD_DIGEST_BYTES];

	BD_TRY(bd_seal_blind_again(turn->closing, name, digest));
	return bd_buf_add(out, (struct bd_bytes){ (const char *)digest, BD_NODE_KEY_BYTES });
}

/* So many bytes as they are, then so many names, then the rest as it is. */
static enum bd_code add_names(
	struct turn *turn, struct bd_buf *out, struct bd_bytes bytes, size_t before, size_t names)
{
	if (bytes.len < before + names * BD_NODE_KEY_BYTES) {
		return BD_STORE_DAMAGED;
	}
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ bytes.ptr, before }));
	for (size_t i = 0; i < names; i++) {
		BD_TRY(add_name(turn, out, bytes.ptr + before + i * BD_NODE_KEY_BYTES));
	}
	before += names * BD_NODE_KEY_BYTES;
	return bd_buf_add(out, (struct bd_bytes){ bytes.ptr + before, bytes.len - before });
}

/* -- rows -- */

static enum bd_code as_it_is(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	(void)is_left;
	BD_TRY(bd_buf_add(&turn->key, key));
	return bd_buf_add(&turn->value, value);
}

static enum bd_code one_name(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	(void)is_left;
	BD_TRY(add_names(turn, &turn->key, key, 0, 1));
	return bd_buf_add(&turn->value, value);
}

static enum bd_code two_names(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	(void)is_left;
	BD_TRY(add_names(turn, &turn->key, key, 0, 2));
	return bd_buf_add(&turn->value, value);
}

/* The whole digest: idempotency keys. */
static enum bd_code digest_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	uint8_t digest[BD_DIGEST_BYTES];

	(void)is_left;
	if (key.len != sizeof(digest)) {
		return BD_STORE_DAMAGED;
	}
	BD_TRY(bd_seal_blind_again(turn->closing, (const uint8_t *)key.ptr, digest));
	BD_TRY(bd_buf_add(&turn->key, (struct bd_bytes){ (const char *)digest, sizeof(digest) }));
	return bd_buf_add(&turn->value, value);
}

/* What is sealed behind `at` is bound to its new name. */
static enum bd_code close_again(struct turn *turn, const uint8_t salt[BD_SALT_BYTES],
	struct bd_bytes value, size_t at, struct bd_bytes was, struct bd_bytes is)
{
	bd_buf_clear(&turn->plain);
	BD_TRY(bd_seal_open(turn->opening, &turn->plain, salt, was,
		(struct bd_bytes){ value.ptr + at, value.len - at }));
	BD_TRY(bd_buf_add(&turn->value, (struct bd_bytes){ value.ptr, at }));
	return bd_seal_close(turn->closing, &turn->value, salt, is, bd_buf_bytes(&turn->plain));
}

/* Of an erased subject nothing can be opened, and it stays so. */
static enum bd_code node_value(
	struct turn *turn, struct bd_bytes value, struct bd_bytes was, struct bd_bytes is)
{
	struct bd_reader reader = bd_reader_of(value);
	uint8_t salt[BD_SALT_BYTES];
	uint64_t slot = bd_read_u64(&reader);

	if (value.len <= 16 || !bd_salts_get(salt, &turn->from->salts, slot)) {
		return bd_buf_add(&turn->value, value);
	}
	return close_again(turn, salt, value, 16, was, is);
}

/* A place, or a commit, stands before the name. */
static enum bd_code node_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	(void)is_left;
	BD_TRY(add_names(turn, &turn->key, key, 8, 1));
	return node_value(turn, value, (struct bd_bytes){ key.ptr + 8, BD_NODE_KEY_BYTES },
		(struct bd_bytes){ turn->key.ptr + 8, BD_NODE_KEY_BYTES });
}

/* The key of a commit alone has when it was. */
static enum bd_code history_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	return key.len == 8 ? as_it_is(turn, key, value, is_left)
			    : node_row(turn, key, value, is_left);
}

static enum bd_code dispute_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	if (key.len != BD_DISPUTE_NAME_BYTES) {
		return as_it_is(turn, key, value, is_left);
	}
	BD_TRY(bd_buf_add(&turn->key, key));
	return add_names(turn, &turn->value, value, 0, 1);
}

static enum bd_code watch_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	if (key.len != BD_WATCH_KEY_BYTES || value.len <= 8) {
		return as_it_is(turn, key, value, is_left);
	}
	BD_TRY(add_names(turn, &turn->key, key, 0, 1));
	return close_again(turn, turn->from->message_salt, value, 8, key, bd_buf_bytes(&turn->key));
}

/* The index of cases stands in the order of names: the next start makes it anew from the cases. */
static enum bd_code left_out(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	(void)turn;
	(void)key;
	(void)value;
	*is_left = true;
	return BD_OK;
}

static enum bd_code turn_key(struct turn *turn, uint8_t key[BD_OWED_BLIND_BYTES])
{
	uint8_t digest[BD_DIGEST_BYTES];

	BD_TRY(bd_seal_blind_again(turn->closing, key, digest));
	memcpy(key, digest, BD_OWED_BLIND_BYTES);
	return BD_OK;
}

/* Its clear part names the subjects that it waits for, and its case. */
static enum bd_code obligation_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	const struct bd_salts *salts = &turn->from->salts;
	uint8_t salt[BD_SALT_BYTES];
	struct bd_owed_parts parts;
	struct bd_owed owed;

	(void)is_left;
	if (key.len != BD_OWED_ID_BYTES) {
		return BD_STORE_DAMAGED;
	}
	BD_TRY(bd_owed_unpack(&owed, &parts, value));
	memcpy(owed.id, key.ptr, sizeof(owed.id));
	BD_TRY(bd_owed_open(&owed, &parts, turn->opening, salts, false, &turn->arena));
	bd_buf_clear(&turn->name);
	BD_TRY(add_names(turn, &turn->name, owed.watched, 0, owed.watched.len / BD_NODE_KEY_BYTES));
	owed.watched = bd_buf_bytes(&turn->name);
	BD_TRY(turn_key(turn, owed.case_key));
	BD_TRY(turn_key(turn, owed.scope_key));
	BD_TRY(bd_buf_add(&turn->key, key));
	return bd_owed_pack(&turn->value, &owed, turn->closing,
		bd_salts_get(salt, salts, owed.slot) ? salt : NULL, parts.sealed);
}

static enum bd_code owed_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	if (key.len == 0 || (key.ptr[0] != BD_OWED_ROW_CASE && key.ptr[0] != BD_OWED_ROW_SCOPE &&
				    key.ptr[0] != BD_OWED_ROW_SUBJECT)) {
		return as_it_is(turn, key, value, is_left);
	}
	BD_TRY(add_names(turn, &turn->key, key, 1, 1));
	return bd_buf_add(&turn->value, value);
}

/* How far a client was told; the roots are written at the end, and how far cases are indexed goes
 * with their index. */
static enum bd_code meta_row(
	struct turn *turn, struct bd_bytes key, struct bd_bytes value, bool *is_left)
{
	static const size_t told_bytes = 4 + BD_NODE_KEY_BYTES;

	*is_left = bd_bytes_is(key, "secrets") || bd_bytes_is(key, "reseal") ||
		   bd_cases_is_indexed_name(key);
	if (key.len != told_bytes || memcmp(key.ptr, "told", 4) != 0) {
		return as_it_is(turn, key, value, is_left);
	}
	BD_TRY(add_names(turn, &turn->key, key, 4, 1));
	return bd_buf_add(&turn->value, value);
}

static const struct {
	size_t offset; /* of the database in struct bd_store */
	turn_row_t turn;
} databases[] = {
	{ offsetof(struct bd_store, nodes), node_row },
	{ offsetof(struct bd_store, places), one_name },
	{ offsetof(struct bd_store, owners), two_names },
	{ offsetof(struct bd_store, links), two_names },
	{ offsetof(struct bd_store, coverage), as_it_is },
	{ offsetof(struct bd_store, messages), as_it_is },
	{ offsetof(struct bd_store, keys), digest_row },
	{ offsetof(struct bd_store, obligations), obligation_row },
	{ offsetof(struct bd_store, owed), owed_row },
	{ offsetof(struct bd_store, spools), as_it_is },
	{ offsetof(struct bd_store, history), history_row },
	{ offsetof(struct bd_store, coverage_history), as_it_is },
	{ offsetof(struct bd_store, disputes), dispute_row },
	{ offsetof(struct bd_store, watches), watch_row },
	{ offsetof(struct bd_store, meta), meta_row },
	{ offsetof(struct bd_store, case_runs), left_out },
	{ offsetof(struct bd_store, case_erased), one_name },
};
#define DATABASES (sizeof(databases) / sizeof(databases[0]))
_Static_assert(DATABASES == BD_DATABASES, "each database has a row here");

static MDB_dbi dbi_of(const struct bd_store *store, size_t database)
{
	MDB_dbi dbi;

	memcpy(&dbi, (const char *)store + databases[database].offset, sizeof(dbi));
	return dbi;
}

/* -- all of them -- */

static enum bd_code begin_write(struct turn *turn)
{
	int result = mdb_txn_begin(turn->to->env, NULL, 0, &turn->write);

	turn->dirty = 0;
	return result == 0 ? BD_OK : bd_store_fail(turn->diag, result, "rebuild");
}

static enum bd_code end_write(struct turn *turn)
{
	int result = mdb_txn_commit(turn->write);

	turn->write = NULL;
	return result == 0 ? BD_OK : bd_store_fail(turn->diag, result, "rebuild");
}

static enum bd_code put_row(struct turn *turn, MDB_dbi dbi)
{
	MDB_val key = { turn->key.len, turn->key.ptr },
		value = { turn->value.len, turn->value.ptr };
	int result = mdb_put(turn->write, dbi, &key, &value, MDB_NOOVERWRITE);

	if (result != 0) {
		return bd_store_fail(turn->diag, result, "rebuild");
	}
	turn->dirty += key.mv_size + value.mv_size + 4096 / 16;
	if (turn->dirty < TXN_BYTES) {
		return BD_OK;
	}
	BD_TRY(end_write(turn));
	return begin_write(turn);
}

static enum bd_code turn_one(struct turn *turn, size_t database, MDB_val key, MDB_val value)
{
	bool is_left = false;

	bd_buf_clear(&turn->key);
	bd_buf_clear(&turn->value);
	bd_arena_clear(&turn->arena);
	BD_TRY(databases[database].turn(turn, (struct bd_bytes){ key.mv_data, key.mv_size },
		(struct bd_bytes){ value.mv_data, value.mv_size }, &is_left));
	turn->done++;
	if (turn->watch != NULL && turn->done % WATCH_ROWS == 0) {
		turn->watch->rows(turn->watch, turn->done, turn->total);
	}
	return is_left ? BD_OK : put_row(turn, dbi_of(turn->to, database));
}

static enum bd_code turn_database(struct turn *turn, size_t database)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(turn->read, dbi_of(turn->from, database), &cursor);

	if (result != 0) {
		return bd_store_fail(turn->diag, result, "rebuild");
	}
	while (code == BD_OK && (result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		code = turn_one(turn, database, key, value);
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == MDB_NOTFOUND
		       ? code
		       : bd_store_fail(turn->diag, result, "rebuild");
}

static enum bd_code turn_all(struct turn *turn)
{
	BD_TRY(begin_write(turn));
	for (size_t i = 0; i < DATABASES; i++) {
		BD_TRY(turn_database(turn, i));
	}
	BD_TRY(bd_secrets_add(turn->to, turn->write, turn->to->ring, turn->diag));
	return end_write(turn);
}

/* -- looked through, before it counts -- */

static enum bd_code check_node(struct turn *turn, MDB_val key, MDB_val value)
{
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
	uint64_t slot = bd_read_u64(&reader);
	uint8_t salt[BD_SALT_BYTES];

	if (key.mv_size != BD_PLACE_NAME_BYTES) {
		return BD_STORE_DAMAGED;
	}
	if (value.mv_size <= 16 || !bd_salts_get(salt, &turn->from->salts, slot)) {
		return BD_OK;
	}
	bd_read_u64(&reader);
	bd_buf_clear(&turn->plain);
	return bd_seal_open(turn->closing, &turn->plain, salt,
		(struct bd_bytes){ (const char *)key.mv_data + BD_PLACE_BYTES, BD_NODE_KEY_BYTES },
		reader.rest);
}

static enum bd_code check_nodes(struct turn *turn, MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(txn, turn->to->nodes, &cursor);

	if (result != 0) {
		return bd_store_fail(turn->diag, result, "rebuild");
	}
	while (code == BD_OK && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		code = check_node(turn, key, value);
	}
	mdb_cursor_close(cursor);
	return code;
}

/* As many rows of each as there were; of meta, which loses one that goes by itself, not fewer than
 * that. */
static enum bd_code check_all(struct turn *turn)
{
	enum bd_code code = BD_OK;
	MDB_txn *txn;
	int result = mdb_txn_begin(turn->to->env, NULL, MDB_RDONLY, &txn);

	if (result != 0) {
		return bd_store_fail(turn->diag, result, "rebuild");
	}
	for (size_t i = 0; i < DATABASES && code == BD_OK; i++) {
		MDB_stat was = { 0 }, is = { 0 };
		bool is_meta = databases[i].turn == meta_row;

		mdb_stat(turn->read, dbi_of(turn->from, i), &was);
		mdb_stat(txn, dbi_of(turn->to, i), &is);
		if (is.ms_entries > was.ms_entries ||
			is.ms_entries + (is_meta ? 1 : 0) < was.ms_entries) {
			code = bd_fail(turn->diag, BD_STORE_DAMAGED, "rebuild: rows are missing");
		}
	}
	code = code == BD_OK ? check_nodes(turn, txn) : code;
	mdb_txn_abort(txn);
	return code;
}

/* -- beginning and end -- */

static void count_all(struct turn *turn)
{
	for (size_t i = 0; i < DATABASES; i++) {
		MDB_stat stat;

		if (mdb_stat(turn->read, dbi_of(turn->from, i), &stat) == 0) {
			turn->total += stat.ms_entries;
		}
	}
}

static enum bd_code open_target(struct turn *turn, uint64_t map_size)
{
	struct bd_store *to = turn->to;
	MDB_txn *txn = NULL;
	int result;

	snprintf(to->folder, sizeof(to->folder), "%.4000s/" BD_REBUILD_FOLDER, turn->from->folder);
	if (mkdir(to->folder, 0700) != 0) {
		return bd_fail(turn->diag, errno == ENOSPC ? BD_DISK_FULL : BD_IO, "rebuild: %s",
			strerror(errno));
	}
	BD_TRY(bd_env_open(to, map_size, turn->diag));
	result = mdb_txn_begin(to->env, NULL, 0, &txn);
	result = result == 0 ? bd_databases_open(to, txn) : result;
	result = result == 0 ? mdb_txn_commit(txn) : result;
	return result == 0 ? BD_OK : bd_store_fail(turn->diag, result, "rebuild");
}

/* The ring of before and one blinding key more. */
static enum bd_code make_ring(struct turn *turn, enum bd_blinding blinding)
{
	const struct bd_ring *from = turn->from->ring;
	struct bd_blinding_key *key;
	enum bd_sealing sealing;
	uint16_t epoch;

	if (from->roots.blinding_count == BD_BLINDINGS_MAX) {
		return bd_fail(turn->diag, BD_LIMIT_COUNT, "names were blinded anew %d times",
			BD_BLINDINGS_MAX - 1);
	}
	bd_ring_target(&sealing, &epoch, from);
	BD_TRY(bd_ring_new(&turn->to->ring, &from->keys, sealing));
	turn->to->ring->roots = from->roots;
	key = &turn->to->ring->roots.blindings[turn->to->ring->roots.blinding_count++];
	key->algorithm = blinding;
	BD_TRY(bd_random(key->bytes, sizeof(key->bytes)));
	return bd_seal_new(&turn->closing, turn->to->ring);
}

/* Neither a long message, nor a sweep, nor an erasure is under way: how far they are is said by
 * names of the earlier key. */
static enum bd_code is_at_rest(struct bd_store *store, struct bd_diag *diag)
{
	MDB_val key = { 5, "sweep" }, value;
	MDB_cursor *cursor = NULL;
	MDB_txn *txn;
	bool is_busy = bd_store_has_work(store) || store->has_erasures;
	int result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (result != 0) {
		return bd_store_fail(diag, result, "rebuild");
	}
	if (mdb_cursor_open(txn, store->meta, &cursor) == 0) {
		is_busy |= mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0 &&
			   key.mv_size > 5 && memcmp(key.mv_data, "sweep", 5) == 0;
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return is_busy ? bd_fail(diag, BD_STORE_IN_USE,
				 "a long message or an erasure is not at its end: start biduid, "
				 "let it "
				 "finish, stop it")
		       : BD_OK;
}

static enum bd_code write_new(struct turn *turn, uint64_t map_size)
{
	int result;

	BD_TRY(open_target(turn, map_size));
	result = mdb_txn_begin(turn->from->env, NULL, MDB_RDONLY, &turn->read);
	if (result != 0) {
		return bd_store_fail(turn->diag, result, "rebuild");
	}
	count_all(turn);
	BD_TRY(turn_all(turn));
	bd_store_reach(turn->from, "rebuild.written");
	BD_TRY(check_all(turn));
	result = mdb_env_sync(turn->to->env, 1);
	return result == 0 ? BD_OK : bd_store_fail(turn->diag, result, "rebuild");
}

static void close_all(struct turn *turn)
{
	if (turn->read != NULL) {
		mdb_txn_abort(turn->read);
	}
	if (turn->write != NULL) {
		mdb_txn_abort(turn->write);
	}
	bd_buf_release(&turn->key);
	bd_buf_release(&turn->value);
	bd_buf_wipe(&turn->plain);
	bd_buf_release(&turn->name);
	bd_arena_release(&turn->arena);
	bd_seal_free(turn->opening);
	bd_seal_free(turn->closing);
	if (turn->to->env != NULL) {
		mdb_env_close(turn->to->env);
	}
	bd_ring_free(turn->to->ring);
	free(turn->to);
}

static enum bd_code sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum bd_code code = fd >= 0 && fsync(fd) == 0 ? BD_OK : BD_IO;

	if (fd >= 0) {
		close(fd);
	}
	return code;
}

/* One rename: before it the old one, after it the new one. */
static enum bd_code swap(const char *folder, const struct bd_store_hook *hook, struct bd_diag *diag)
{
	char from[4200], to[4200];

	snprintf(from, sizeof(from), "%.4000s/" BD_REBUILD_FOLDER "/data.mdb", folder);
	snprintf(to, sizeof(to), "%.4000s/data.mdb", folder);
	if (hook != NULL) {
		hook->reach(hook, "rebuild.synced");
	}
	if (rename(from, to) != 0 || sync_folder(folder) != BD_OK) {
		return bd_fail(diag, BD_IO, "rebuild: %s", strerror(errno));
	}
	if (hook != NULL) {
		hook->reach(hook, "rebuild.swapped");
	}
	bd_rebuild_clean(folder);
	return BD_OK;
}

static enum bd_code write_beside(struct bd_store *store, const struct bd_store_settings *settings,
	struct bd_rebuild_watch *watch, struct bd_diag *diag)
{
	struct turn turn = { .from = store, .watch = watch, .diag = diag };
	enum bd_code code;

	turn.to = calloc(1, sizeof(*turn.to));
	if (turn.to == NULL) {
		return BD_NO_MEMORY;
	}
	bd_buf_init(&turn.key, 1024);
	bd_buf_init(&turn.value, VALUE_MAX_BYTES);
	bd_buf_init(&turn.plain, VALUE_MAX_BYTES);
	bd_buf_init(&turn.name, VALUE_MAX_BYTES);
	bd_arena_init(&turn.arena, (size_t)64 << 20);
	code = bd_seal_new(&turn.opening, store->ring);
	code = code == BD_OK ? make_ring(&turn, settings->blinding) : code;
	code = code == BD_OK ? write_new(&turn, settings->map_size_bytes) : code;
	close_all(&turn);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "rebuild");
}

enum bd_code bd_store_rebuild(const struct bd_store_settings *settings,
	struct bd_rebuild_watch *watch, struct bd_diag *diag)
{
	struct bd_store_settings own = *settings;
	struct bd_store *store = NULL;
	enum bd_code code;
	int lock = -1;

	own.blinding = BD_BLINDING_AS_IT_IS;
	own.is_locked = true;
	BD_TRY(bd_store_lock(&lock, settings->folder, diag));
	code = bd_store_open(&store, &own, NULL, 0, diag);
	if (code == BD_OK) {
		code = is_at_rest(store, diag);
		code = code == BD_OK ? write_beside(store, settings, watch, diag) : code;
		bd_store_close(store);
	}
	code = code == BD_OK ? swap(settings->folder, settings->hook, diag) : code;
	close(lock);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "rebuild");
}

void bd_rebuild_clean(const char *folder)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[4200];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%.4000s/" BD_REBUILD_FOLDER "/%s", folder, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%.4000s/" BD_REBUILD_FOLDER, folder);
	rmdir(path);
}
