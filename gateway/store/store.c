#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "store/backup.h"
#include "store/case_index.h"
#include "store/erase_who.h"
#include "store/history.h"
#include "store/lately.h"
#include "store/long.h"
#include "store/obligations_form.h"
#include "store/pairs.h"
#include "store/recent.h"
#include "store/secrets.h"
#include "store/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FORMAT "7"
#define MARKS_ARENA_BYTES 1048576

/* -- covers -- */

static void covers_free(struct bd_covers *covers)
{
	if (covers != NULL) {
		bd_arena_release(&covers->arena);
		free(covers);
	}
}

static bool group_covers(struct bd_covers *covers)
{
	covers->groups = bd_arena_alloc(&covers->arena, covers->count, sizeof(*covers->groups));
	for (size_t i = 0; covers->groups != NULL && i < covers->count; i++) {
		const struct bd_cover *item = &covers->items[i];
		size_t j = 0;

		while (j < i && (covers->items[j].entity != item->entity ||
					strcmp(covers->items[j].source, item->source) != 0)) {
			j++;
		}
		covers->groups[i] = j < i ? covers->groups[j] : covers->group_count++;
	}
	return covers->groups != NULL;
}

const char *bd_covers_source(const struct bd_covers *covers, struct bd_bytes source)
{
	for (size_t i = 0; i < covers->count; i++) {
		if (bd_bytes_equal(covers->names[i].source, source)) {
			return covers->items[i].source;
		}
	}
	return NULL;
}

static struct bd_covers *covers_copy(const struct bd_cover *items, size_t count)
{
	struct bd_covers *covers = calloc(1, sizeof(*covers));

	if (covers == NULL) {
		return NULL;
	}
	bd_arena_init(&covers->arena, (size_t)16 << 20);
	covers->references = 1;
	covers->items = bd_arena_alloc(&covers->arena, count, sizeof(*covers->items));
	covers->names = bd_arena_alloc(&covers->arena, count, sizeof(*covers->names));
	for (size_t i = 0; covers->items != NULL && covers->names != NULL && i < count; i++) {
		struct bd_cover *copy = &covers->items[i];
		struct bd_bytes source = bd_bytes_of(items[i].source);

		*copy = items[i];
		copy->source = bd_covers_source(covers, source);
		if (copy->source == NULL) {
			copy->source = bd_arena_text(&covers->arena, source);
		}
		copy->feed = bd_arena_text(&covers->arena, bd_bytes_of(items[i].feed));
		copy->section = bd_arena_text(&covers->arena, bd_bytes_of(items[i].section));
		copy->cycle = items[i].cycle == NULL
				      ? NULL
				      : bd_arena_text(&covers->arena, bd_bytes_of(items[i].cycle));
		if (copy->source == NULL || copy->feed == NULL || copy->section == NULL) {
			break;
		}
		covers->names[i] = (struct bd_cover_names){ bd_bytes_of(copy->source),
			bd_bytes_of(copy->section) };
		covers->count++;
	}
	if (covers->items == NULL || covers->count != count || !group_covers(covers)) {
		covers_free(covers);
		return NULL;
	}
	return covers;
}

static void covers_unref(struct bd_store *store, struct bd_covers *covers)
{
	bool is_last;

	if (covers == NULL) {
		return;
	}
	pthread_mutex_lock(&store->lock);
	is_last = --covers->references == 0;
	pthread_mutex_unlock(&store->lock);
	if (is_last) {
		covers_free(covers);
	}
}

enum bd_code bd_store_set_covers(struct bd_store *store, const struct bd_cover *covers,
	size_t cover_count, struct bd_diag *diag)
{
	struct bd_covers *made = covers_copy(covers, cover_count), *old;

	if (made == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	pthread_mutex_lock(&store->lock);
	old = store->covers;
	store->covers = made;
	pthread_mutex_unlock(&store->lock);
	covers_unref(store, old);
	return BD_OK;
}

/* -- opening -- */

/* The first start writes it, every other must find it: before anything else is believed. */
static enum bd_code check_format(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag)
{
	MDB_val name = { 6, "format" }, format;
	int result = mdb_get(txn, store->meta, &name, &format);

	if (result == MDB_NOTFOUND) {
		MDB_stat stat;

		result = mdb_stat(txn, store->meta, &stat);
		if (result == 0 && stat.ms_entries > 0) {
			return bd_fail(diag, BD_STORE_DAMAGED, "a store without a format");
		}
		format = (MDB_val){ sizeof(FORMAT) - 1, FORMAT };
		result = result == 0 ? mdb_put(txn, store->meta, &name, &format, 0) : result;
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "meta");
	}
	return format.mv_size == sizeof(FORMAT) - 1 &&
			       memcmp(format.mv_data, FORMAT, format.mv_size) == 0
		       ? BD_OK
		       : bd_fail(diag, BD_STORE_DAMAGED, "a store of another format");
}

static uint64_t read_counter(struct bd_store *store, MDB_txn *txn, const char *name)
{
	MDB_val key = { strlen(name), (void *)name }, value;
	struct bd_reader reader;

	if (mdb_get(txn, store->meta, &key, &value) != 0) {
		return 0;
	}
	reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
	return bd_read_u64(&reader);
}

static enum bd_code open_keys(
	struct bd_store *store, MDB_txn *txn, enum bd_blinding blinding, struct bd_diag *diag)
{
	uint8_t salt[BD_ROOT_BYTES];

	BD_TRY(check_format(store, txn, diag));
	BD_TRY(bd_secrets_open(store, txn, blinding, diag));
	BD_TRY(bd_seal_new(&store->seal, store->ring));
	BD_TRY(bd_ring_derive(salt, store->ring, "bidui salt of messages"));
	memcpy(store->message_salt, salt, sizeof(store->message_salt));
	return BD_OK;
}

static enum bd_code set_up(struct bd_store *store, enum bd_blinding blinding, struct bd_diag *diag)
{
	MDB_txn *txn = NULL;
	MDB_stat stat;
	enum bd_code code;
	int result = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (result != 0) {
		return bd_store_fail(diag, result, "transaction");
	}
	result = bd_databases_open(store, txn);
	code = result == 0 ? open_keys(store, txn, blinding, diag)
			   : bd_store_fail(diag, result, "databases");
	if (code == BD_OK) {
		store->loading = read_counter(store, txn, BD_PAIRS_COUNTER);
		store->next_message = read_counter(store, txn, "message") + 1;
		store->next_slot = read_counter(store, txn, "slot");
		store->watch_last = read_counter(store, txn, "watch");
		store->next_watch = store->watch_last + 1;
		store->marked_commit = read_counter(store, txn, "marked");
		store->has_sweeps = true;
		store->commit = read_counter(store, txn, "commit");
		store->has_snapshots = read_counter(store, txn, "snapshots") > 0;
		store->has_erasures = bd_erase_is_noted(store, txn);
		store->has_untold_erasures = bd_erase_is_untold(store, txn);
		store->has_owed = mdb_stat(txn, store->owed, &stat) != 0 || stat.ms_entries > 0;
	}
	code = code == BD_OK ? bd_cases_recover(store, txn, diag) : code;
	code = code == BD_OK ? bd_owed_watch_open(store, txn, diag) : code;
	if (code != BD_OK) {
		mdb_txn_abort(txn);
		return code;
	}
	result = mdb_txn_commit(txn);
	return result == 0 ? BD_OK : bd_store_fail(diag, result, "commit");
}

enum bd_code bd_store_lock(int *fd, const char *folder, struct bd_diag *diag)
{
	*fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		return bd_fail(diag, BD_IO, "data_folder: %s", strerror(errno));
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
		return BD_OK;
	}
	close(*fd);
	*fd = -1;
	return bd_fail(diag, BD_STORE_IN_USE, "%s", "another process has it");
}

static enum bd_code make_folder(
	const struct bd_store *store, const char *name, struct bd_diag *diag)
{
	char path[sizeof(store->folder) + 16];

	snprintf(path, sizeof(path), "%s%s", store->folder, name);
	return mkdir(path, 0700) == 0 || errno == EEXIST
		       ? BD_OK
		       : bd_fail(diag, BD_IO, "data_folder: %s", strerror(errno));
}

enum bd_code bd_store_open(struct bd_store **out, const struct bd_store_settings *settings,
	const struct bd_cover *covers, size_t cover_count, struct bd_diag *diag)
{
	struct bd_store *store = calloc(1, sizeof(*store));
	enum bd_code code;

	*out = NULL;
	if (store == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	pthread_mutex_init(&store->lock, NULL);
	snprintf(store->folder, sizeof(store->folder), "%s", settings->folder);
	store->journal_days = settings->journal_days;
	store->history_days = settings->history_days;
	store->free_min_bytes = settings->free_min_bytes;
	store->free_min_percent = settings->free_min_percent;
	store->hook = settings->hook;
	store->cases_days = settings->cases_days;
	store->lock_fd = -1;
	code = bd_restore_check(store->folder, diag);
	code = code == BD_OK ? make_folder(store, "", diag) : code;
	if (code == BD_OK && !settings->is_locked) {
		code = bd_store_lock(&store->lock_fd, store->folder, diag);
	}
	if (code == BD_OK) {
		bd_rebuild_clean(store->folder);
	}
	code = code == BD_OK ? make_folder(store, "/cases", diag) : code;
	code = code == BD_OK ? bd_cases_new(&store->cases, diag) : code;
	if (code == BD_OK) {
		bd_watch_open(store);
	}
	code = code == BD_OK ? bd_ring_new(&store->ring, settings->keys, settings->sealing) : code;
	code = code == BD_OK ? bd_salts_open(&store->salts, store->folder, diag) : code;
	code = code == BD_OK ? bd_env_open(store, settings->map_size_bytes, diag) : code;
	code = code == BD_OK ? set_up(store, settings->blinding, diag) : code;
	if (code == BD_OK && bd_pairs_are_missing(store) && !settings->is_load) {
		code = bd_fail(diag, BD_LOAD_UNFINISHED, "%.200s", store->folder);
	}
	code = code == BD_OK ? bd_store_set_covers(store, covers, cover_count, diag) : code;
	code = code == BD_OK ? make_folder(store, "/spool", diag) : code;
	store->lately = code == BD_OK ? bd_lately_new(store->commit) : NULL;
	code = code == BD_OK ? bd_long_recover(store, diag) : code;
	code = code == BD_OK ? bd_cases_refill(store, diag) : code;
	code = code == BD_OK ? bd_reseal_open(store, diag) : code;
	if (code != BD_OK) {
		bd_store_close(store);
		return code;
	}
	*out = store;
	return BD_OK;
}

void bd_store_close(struct bd_store *store)
{
	if (store == NULL) {
		return;
	}
	bd_pairs_free(store->pairs);
	bd_long_close(store);
	bd_reseal_close(store);
	bd_cases_free(store->cases);
	bd_lately_free(store->lately);
	if (store->env != NULL) {
		mdb_env_close(store->env);
	}
	bd_owed_watch_close(store);
	bd_salts_close(&store->salts);
	bd_seal_free(store->seal);
	covers_free(store->covers);
	bd_ring_free(store->ring);
	if (store->lock_fd >= 0) {
		close(store->lock_fd);
	}
	pthread_mutex_destroy(&store->lock);
	free(store);
}

enum bd_code bd_store_derive(
	uint8_t out[BD_MASTER_KEY_BYTES], const struct bd_store *store, const char *use)
{
	return bd_ring_derive(out, store->ring, use);
}

const struct bd_ring *bd_store_ring(const struct bd_store *store)
{
	return store->ring;
}

/* -- while it is open -- */

enum bd_code bd_store_check_space(const struct bd_store *store, struct bd_diag *diag)
{
	struct statvfs status;
	uint64_t free_bytes, all_bytes;

	if (statvfs(store->folder, &status) != 0) {
		return bd_fail(diag, BD_IO, "data_folder: %s", strerror(errno));
	}
	free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	all_bytes = (uint64_t)status.f_blocks * status.f_frsize;
	if (free_bytes < store->free_min_bytes ||
		free_bytes / 100 < all_bytes / 10000 * store->free_min_percent) {
		return bd_fail(diag, BD_DISK_FULL, "%llu MiB free",
			(unsigned long long)(free_bytes >> 20));
	}
	return BD_OK;
}

bool bd_store_has_room(const struct bd_store *store)
{
	return bd_store_check_space(store, NULL) == BD_OK;
}

/* A line of LMDB's list of readers: process, thread, transaction, "-" where none is open. */
static int look_at_reader(const char *line, void *context)
{
	struct bd_store_tended *tended = context;
	unsigned long long txn;

	if (sscanf(line, "%*d %*x %llu", &txn) == 1) {
		tended->readers++;
		if (tended->oldest_reads == 0 || txn < tended->oldest_reads) {
			tended->oldest_reads = txn;
		}
	}
	return 0;
}

enum bd_code bd_store_tend(
	struct bd_store_tended *out, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_store_tended tended = { .readers = 0 };
	MDB_envinfo info;
	int dead = 0, result = mdb_reader_check(store->env, &dead);

	result = result == 0 ? mdb_env_info(store->env, &info) : result;
	if (result != 0) {
		return bd_store_fail(diag, result, "readers");
	}
	if (mdb_reader_list(store->env, look_at_reader, &tended) < 0) {
		return bd_fail(diag, BD_STORE_FAILED, "readers");
	}
	tended.newest = info.me_last_txnid;
	*out = tended;
	return BD_OK;
}

/* -- readers -- */

enum bd_code bd_store_reader_new(
	struct bd_store_reader **out, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_store_reader *reader = calloc(1, sizeof(*reader));
	enum bd_code code;
	int result;

	*out = NULL;
	if (reader == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	reader->store = store;
	reader->marks_txn = SIZE_MAX;
	reader->commit_txn = SIZE_MAX;
	bd_buf_init(&reader->plain, BD_NODE_MAX_BYTES);
	bd_arena_init(&reader->marks_arena, MARKS_ARENA_BYTES);
	code = bd_seal_new(&reader->seal, store->ring);
	if (code != BD_OK) {
		bd_store_reader_free(reader);
		return bd_fail(diag, code, "%s", "");
	}
	result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &reader->txn);
	if (result != 0) {
		bd_store_reader_free(reader);
		return bd_store_fail(diag, result, "reader");
	}
	mdb_txn_reset(reader->txn);
	*out = reader;
	return BD_OK;
}

void bd_store_reader_free(struct bd_store_reader *reader)
{
	if (reader == NULL) {
		return;
	}
	if (reader->owners != NULL) {
		mdb_cursor_close(reader->owners);
	}
	if (reader->links != NULL) {
		mdb_cursor_close(reader->links);
	}
	if (reader->txn != NULL) {
		mdb_txn_abort(reader->txn);
	}
	covers_unref(reader->store, reader->covers);
	bd_recent_free(reader->recent);
	bd_seal_free(reader->seal);
	bd_buf_release(&reader->plain);
	bd_arena_release(&reader->marks_arena);
	free(reader->now);
	free(reader);
}

/* The same for all lookups of one commit. */
static enum bd_code refresh_marks(struct bd_store_reader *reader, struct bd_diag *diag)
{
	size_t txn = mdb_txn_id(reader->txn);
	enum bd_code code;

	if (reader->commit_txn != txn) {
		reader->commit = read_counter(reader->store, reader->txn, "commit");
		reader->commit_txn = txn;
	}
	if (reader->marks_txn == txn && reader->marks_at == reader->as_of.commit) {
		return BD_OK;
	}
	bd_arena_clear(&reader->marks_arena);
	code = bd_marks_load(&reader->marks, reader->store, reader->txn, reader->as_of.commit,
		&reader->marks_arena, diag);
	reader->marks_txn = code == BD_OK ? txn : SIZE_MAX;
	reader->marks_at = reader->as_of.commit;
	if (code != BD_OK) {
		bd_store_end(reader);
	}
	return code;
}

static enum bd_code begin(struct bd_store_reader *reader, uint64_t commit, struct bd_diag *diag)
{
	struct bd_store *store = reader->store;
	struct bd_covers *old = reader->covers;
	int result = mdb_txn_renew(reader->txn);

	if (result != 0) {
		return bd_store_fail(diag, result, "snapshot");
	}
	pthread_mutex_lock(&store->lock);
	if (store->covers != old) {
		reader->covers = store->covers;
		reader->covers->references++;
	}
	pthread_mutex_unlock(&store->lock);
	if (reader->covers != old) {
		covers_unref(store, old);
		free(reader->now);
		reader->now = NULL;
	}
	reader->memo = NULL;
	reader->is_open = true;
	reader->as_of = (struct bd_as_of){ commit, false };
	if (reader->recent != NULL) {
		bd_recent_begin(reader->recent, reader);
	}
	return refresh_marks(reader, diag);
}

enum bd_code bd_store_reader_remember(struct bd_store_reader *reader)
{
	return reader->recent != NULL ? BD_OK : bd_recent_new(&reader->recent);
}

enum bd_code bd_store_begin(struct bd_store_reader *reader, struct bd_diag *diag)
{
	return begin(reader, BD_AS_OF_NOW, diag);
}

enum bd_code bd_store_begin_at(
	struct bd_store_reader *reader, uint64_t commit, struct bd_diag *diag)
{
	enum bd_code code = begin(reader, commit, diag);
	uint64_t oldest = 0;

	if (code != BD_OK) {
		return code;
	}
	code = bd_history_floor(&oldest, reader->store, reader->txn);
	if (code == BD_OK && commit < oldest) {
		code = BD_HISTORY_EXPIRED;
	} else if (code == BD_OK && commit > reader->commit) {
		code = BD_HISTORY_UNKNOWN;
	}
	if (code != BD_OK) {
		bd_store_end(reader);
		return bd_fail(diag, code, "commit %llu of %llu to %llu",
			(unsigned long long)commit, (unsigned long long)oldest,
			(unsigned long long)reader->commit);
	}
	return BD_OK;
}

uint64_t bd_store_reader_commit(const struct bd_store_reader *reader)
{
	return reader->as_of.commit != BD_AS_OF_NOW ? reader->as_of.commit : reader->commit;
}

bool bd_store_met_erased(const struct bd_store_reader *reader)
{
	return reader->as_of.has_erased;
}

void bd_store_end(struct bd_store_reader *reader)
{
	if (reader->is_open) {
		mdb_txn_reset(reader->txn);
		reader->is_open = false;
	}
}
