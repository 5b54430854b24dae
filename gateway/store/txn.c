#include "store/txn.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/obligations.h"
#include "store/pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORK_ARENA_BYTES ((size_t)64 << 20)
#define NODE_ARENA_BYTES ((size_t)64 << 20)
#define MARKS_ARENA_BYTES 1048576
#define PAGE_BYTES 4096

void bd_txn_open(struct bd_txn *txn, struct bd_store *store, struct bd_diag *diag)
{
	*txn = (struct bd_txn){ .store = store, .diag = diag };
	bd_arena_init(&txn->arena, WORK_ARENA_BYTES);
	bd_arena_init(&txn->node_arena, NODE_ARENA_BYTES);
	bd_arena_init(&txn->marks_arena, MARKS_ARENA_BYTES);
	bd_arena_init(&txn->tally_arena, MARKS_ARENA_BYTES);
	bd_buf_init(&txn->plain, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES);
	bd_buf_init(&txn->sealed, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES + 64);
}

void bd_txn_close(struct bd_txn *txn)
{
	if (txn->mdb != NULL) {
		bd_txn_drop(txn);
	}
	bd_arena_release(&txn->arena);
	bd_arena_release(&txn->node_arena);
	bd_arena_release(&txn->marks_arena);
	bd_arena_release(&txn->tally_arena);
	bd_buf_wipe(&txn->plain);
	bd_buf_release(&txn->sealed);
	free(txn->pairs);
}

/* -- begin and end -- */

static void count_pages(struct bd_txn *txn)
{
	const struct bd_store *store = txn->store;

	memset(txn->dirt, 0, sizeof(txn->dirt));
	txn->dirt[store->places].is_behind = true;
	txn->dirt[store->history].is_behind = true;
	txn->dirt[store->places].is_of_digests = true;
	txn->dirt[store->owners].is_of_digests = true;
	txn->dirt[store->links].is_of_digests = true;
	txn->dirt[store->keys].is_of_digests = true;
	for (MDB_dbi dbi = 0; dbi < BD_DIRT_MAX; dbi++) {
		MDB_stat stat;

		/* The first two are LMDB's own; numbers that are no database give an error. */
		if (dbi > 1 && mdb_stat(txn->mdb, dbi, &stat) == 0) {
			txn->dirt[dbi].pages_before = stat.ms_leaf_pages + stat.ms_branch_pages;
		}
	}
	/* What a commit puts there stands behind all that was there. */
	txn->dirt[store->history].pages_before = 1;
}

enum bd_code bd_txn_begin(struct bd_txn *txn)
{
	struct bd_store *store = txn->store;
	enum bd_code code;
	int result;

	if (store->is_broken) {
		return bd_fail(txn->diag, BD_STORE_SYNC, "%s", "");
	}
	result = mdb_txn_begin(store->env, NULL, 0, &txn->mdb);
	if (result != 0) {
		txn->mdb = NULL;
		return bd_txn_fail(txn, result, "transaction");
	}
	txn->message = store->next_message;
	txn->slot = store->next_slot;
	txn->watch = store->next_watch;
	txn->commit = store->commit + 1;
	txn->now_ms = 0;
	txn->is_numbered = false;
	txn->tells_cases = false;
	txn->pair_count = 0;
	txn->tally_count = 0;
	bd_arena_clear(&txn->tally_arena);
	count_pages(txn);
	code = bd_txn_load_marks(txn);
	return code == BD_OK ? BD_OK : bd_txn_end(txn, code);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct bd_pair *x = a, *y = b;

	if (x->dbi != y->dbi) {
		return x->dbi < y->dbi ? -1 : 1;
	}
	return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

/* Appends while what comes stands behind all that is there, which does not leave pages half empty;
 * from the first that does not, puts it where it belongs. Result of LMDB. */
static int put_behind(struct bd_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
	struct bd_dirt *dirt = &txn->dirt[dbi];
	int result = MDB_KEYEXIST;

	if (dirt->is_behind) {
		result = dirt->is_of_digests
				 ? bd_append_digest(txn->mdb, dbi, &dirt->leaf, key, value)
				 : mdb_put(txn->mdb, dbi, key, value, MDB_APPEND);
	}
	if (result == MDB_KEYEXIST) {
		dirt->is_behind = false;
		result = mdb_put(txn->mdb, dbi, key, value, flags);
	}
	return result;
}

/* How far a digest lies in the order of all that there could be says about in which page. */
static void note_new(struct bd_dirt *dirt, const char *digest, size_t bytes)
{
	uint64_t front = be64toh(bd_bytes_eight(digest)) >> 32;
	uint64_t page = (front * dirt->pages_before) >> 32;

	if (dirt->puts == 0 || page != dirt->last_page) {
		dirt->puts++;
		dirt->last_page = page;
	}
	dirt->bytes += bytes;
}

/* The value says since which commit it is there; one that is there stays as it is. */
static enum bd_code put_pair(bool *is_new, struct bd_txn *txn, MDB_dbi dbi,
	const uint8_t bytes[2 * BD_NODE_KEY_BYTES], uint64_t since)
{
	char room[8];
	struct bd_buf packed = { room, 0, sizeof(room), sizeof(room) };
	MDB_val key = { 2 * (size_t)BD_NODE_KEY_BYTES, (void *)bytes },
		value = { sizeof(room), room };
	int result;

	BD_TRY(bd_buf_add_u64(&packed, since));
	result = put_behind(txn, dbi, &key, &value, MDB_NOOVERWRITE);
	*is_new = result == 0;
	return result == 0 || result == MDB_KEYEXIST ? BD_OK : bd_txn_fail(txn, result, "pair");
}

enum bd_code bd_txn_put_pair(
	struct bd_txn *txn, MDB_dbi dbi, const uint8_t bytes[2 * BD_NODE_KEY_BYTES], uint64_t since)
{
	bool is_new = false;

	BD_TRY(put_pair(&is_new, txn, dbi, bytes, since));
	if (is_new) {
		note_new(&txn->dirt[dbi], (const char *)bytes,
			sizeof(((struct bd_pair *)NULL)->bytes) + sizeof(since));
	}
	return BD_OK;
}

/* In the order of their bytes: neighbours share pages. */
static enum bd_code put_pairs(struct bd_txn *txn)
{
	if (txn->pair_count > 1) {
		qsort(txn->pairs, txn->pair_count, sizeof(*txn->pairs), compare_pairs);
	}
	for (size_t i = 0; i < txn->pair_count; i++) {
		const struct bd_pair *pair = &txn->pairs[i];

		if (i == 0 || compare_pairs(pair, pair - 1) != 0) {
			bool is_new;

			BD_TRY(put_pair(&is_new, txn, pair->dbi, pair->bytes, txn->commit));
			bd_thread_share();
		}
	}
	txn->pair_count = 0;
	return BD_OK;
}

static enum bd_code put_tallies(struct bd_txn *txn)
{
	size_t count = txn->tally_count;

	txn->tally_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct bd_tally *tally = &txn->tallies[i];
		uint64_t rows = 0;

		BD_TRY(bd_tally_get(&rows, txn, tally->source, tally->section));
		rows = tally->rows < 0 && rows < (uint64_t)-tally->rows
			       ? 0
			       : rows + (uint64_t)tally->rows;
		BD_TRY(bd_tally_set(txn, tally->source, tally->section, rows));
	}
	bd_arena_clear(&txn->tally_arena);
	return BD_OK;
}

/* Salts first: a node whose salt is not on disk could never be read again. */
static enum bd_code finish(struct bd_txn *txn)
{
	struct bd_store *store = txn->store;

	BD_TRY(put_pairs(txn));
	BD_TRY(put_tallies(txn));
	if (store->next_message != txn->message) {
		BD_TRY(bd_txn_put_counter(txn, "message", store->next_message - 1));
	}
	if (store->next_slot != txn->slot) {
		BD_TRY(bd_txn_put_counter(txn, "slot", store->next_slot));
	}
	if (store->next_watch != txn->watch) {
		BD_TRY(bd_txn_put_counter(txn, "watch", store->next_watch - 1));
	}
	if (txn->is_numbered) {
		BD_TRY(bd_txn_put_counter(txn, "commit", txn->commit));
	}
	if (txn->tells_cases) {
		BD_TRY(bd_cases_put_told(txn));
	}
	return bd_salts_sync(&store->salts);
}

/* LMDB lets nothing more through once it does not know what its first pages are. */
static bool is_panicked(struct bd_store *store)
{
	MDB_txn *probe;
	int result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &probe);

	if (result == 0) {
		mdb_txn_abort(probe);
	}
	return result == MDB_PANIC;
}

/* No room is told before anything of the commit counts; whatever else fails may have been lost on
 * its way to the disk. */
static enum bd_code commit(struct bd_txn *txn)
{
	int result = mdb_txn_commit(txn->mdb);

	txn->mdb = NULL;
	if (result == 0) {
		txn->store->commit += txn->is_numbered;
		__atomic_store_n(
			&txn->store->watch_last, txn->store->next_watch - 1, __ATOMIC_RELEASE);
		return BD_OK;
	}
	txn->store->next_message = txn->message;
	txn->store->next_slot = txn->slot;
	txn->store->next_watch = txn->watch;
	if ((result != ENOSPC && result != EDQUOT && result != MDB_MAP_FULL &&
		    result != MDB_TXN_FULL && result != ENOMEM) ||
		is_panicked(txn->store)) {
		bd_fail(txn->diag, BD_STORE_SYNC, "commit: %s", mdb_strerror(result));
		return BD_STORE_SYNC;
	}
	return bd_txn_fail(txn, result, "commit");
}

void bd_txn_drop(struct bd_txn *txn)
{
	struct bd_store *store = txn->store;

	mdb_txn_abort(txn->mdb);
	txn->mdb = NULL;
	store->next_message = txn->message;
	store->next_slot = txn->slot;
	store->next_watch = txn->watch;
	bd_salts_forget(&store->salts);
}

enum bd_code bd_txn_end(struct bd_txn *txn, enum bd_code code)
{
	struct bd_store *store = txn->store;

	code = code == BD_OK ? finish(txn) : code;
	code = code == BD_OK ? commit(txn) : code;
	if (code == BD_OK) {
		return BD_OK;
	}
	if (txn->mdb != NULL) {
		bd_txn_drop(txn);
	}
	store->is_broken |= code == BD_STORE_SYNC;
	return bd_fail(txn->diag, code, "transaction");
}

uint64_t bd_txn_dirt_of(uint64_t puts, uint64_t bytes)
{
	return puts * PAGE_BYTES + bytes * 2;
}

/* A put dirties at most a page of those that were there, and the pages of what is new. */
uint64_t bd_dirty_bytes(const struct bd_dirt *dirt)
{
	uint64_t pages = dirt->puts < dirt->pages_before ? dirt->puts : dirt->pages_before;

	return bd_txn_dirt_of(pages, dirt->bytes);
}

uint64_t bd_txn_dirty_bytes(const struct bd_txn *txn)
{
	uint64_t sum = txn->pair_count * sizeof(*txn->pairs) * 4;

	for (size_t i = 0; i < BD_DIRT_MAX; i++) {
		sum += bd_dirty_bytes(&txn->dirt[i]);
	}
	return sum;
}

/* -- puts -- */

enum bd_code bd_txn_fail(struct bd_txn *txn, int result, const char *what)
{
	return bd_store_fail(txn->diag, result, what);
}

enum bd_code bd_txn_put(
	struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes name, struct bd_bytes value)
{
	MDB_val key = { name.len, (void *)name.ptr }, data = { value.len, (void *)value.ptr };
	int result = put_behind(txn, dbi, &key, &data, 0);

	txn->dirt[dbi].puts++;
	txn->dirt[dbi].bytes += name.len + value.len;
	return result == 0 ? BD_OK : bd_txn_fail(txn, result, "put");
}

enum bd_code bd_txn_put_new(struct bd_bytes *stands, struct bd_txn *txn, MDB_dbi dbi,
	struct bd_bytes name, struct bd_bytes value)
{
	MDB_val key = { name.len, (void *)name.ptr }, data = { value.len, (void *)value.ptr };
	int result = put_behind(txn, dbi, &key, &data, MDB_NOOVERWRITE);

	*stands = (struct bd_bytes){ NULL, 0 };
	if (result == MDB_KEYEXIST) {
		*stands = (struct bd_bytes){ data.mv_data, data.mv_size };
		return BD_OK;
	}
	note_new(&txn->dirt[dbi], name.ptr, name.len + value.len);
	return result == 0 ? BD_OK : bd_txn_fail(txn, result, "put");
}

enum bd_code bd_txn_get(
	struct bd_bytes *value, bool *found, struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes name)
{
	MDB_val key = { name.len, (void *)name.ptr }, data;
	int result = mdb_get(txn->mdb, dbi, &key, &data);

	*found = result == 0;
	if (result == 0) {
		*value = (struct bd_bytes){ data.mv_data, data.mv_size };
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "get");
}

enum bd_code bd_txn_delete(struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes name)
{
	MDB_val key = { name.len, (void *)name.ptr };
	int result = mdb_del(txn->mdb, dbi, &key, NULL);

	txn->dirt[dbi].puts++;
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "delete");
}

enum bd_code bd_txn_put_counter(struct bd_txn *txn, const char *name, uint64_t value)
{
	char room[8];
	struct bd_buf packed = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u64(&packed, value));
	return bd_txn_put(txn, txn->store->meta, bd_bytes_of(name), bd_buf_bytes(&packed));
}

static enum bd_code add_pair(struct bd_txn *txn, const struct bd_pair *added)
{
	if (!bd_list_grow(&txn->pairs, &txn->pair_cap, txn->pair_count, 256, sizeof(*added))) {
		return bd_fail(txn->diag, BD_NO_MEMORY, "%s", "");
	}
	txn->pairs[txn->pair_count++] = *added;
	txn->dirt[added->dbi].puts++;
	txn->dirt[added->dbi].bytes += sizeof(added->bytes);
	return BD_OK;
}

enum bd_code bd_txn_pair(struct bd_txn *txn, MDB_dbi dbi, const struct bd_identifier *from,
	const uint8_t to[BD_NODE_KEY_BYTES])
{
	struct bd_store *store = txn->store;
	struct bd_pair pair = { .dbi = dbi };

	BD_TRY(bd_seal_blind(store->seal, from, pair.bytes));
	memcpy(pair.bytes + BD_NODE_KEY_BYTES, to, BD_NODE_KEY_BYTES);
	BD_TRY(bd_owed_touch(txn, pair.bytes));
	return store->pairs != NULL ? bd_pairs_keep(store->pairs, dbi == store->links, pair.bytes,
					      txn->commit, txn->diag)
				    : add_pair(txn, &pair);
}

enum bd_code bd_txn_has_pair(struct bd_txn *txn, const struct bd_identifier *from)
{
	uint8_t key[BD_NODE_KEY_BYTES];

	if (txn->store->owed_watch.count == 0) {
		return BD_OK;
	}
	BD_TRY(bd_seal_blind(txn->store->seal, from, key));
	return bd_owed_touch(txn, key);
}

/* -- rows of a section -- */

static struct bd_tally *find_tally(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section)
{
	for (size_t i = 0; i < txn->tally_count; i++) {
		if (bd_bytes_equal(txn->tallies[i].section, section) &&
			bd_bytes_equal(txn->tallies[i].source, source)) {
			return &txn->tallies[i];
		}
	}
	return NULL;
}

enum bd_code bd_tally_add(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section, int64_t rows)
{
	struct bd_tally *tally = find_tally(txn, source, section);

	if (tally != NULL) {
		tally->rows += rows;
		return BD_OK;
	}
	if (txn->tally_count == BD_TALLIES_MAX) {
		BD_TRY(put_tallies(txn));
	}
	tally = &txn->tallies[txn->tally_count];
	tally->source = bd_arena_copy(&txn->tally_arena, source);
	tally->section = bd_arena_copy(&txn->tally_arena, section);
	tally->rows = rows;
	if (tally->source.ptr == NULL || tally->section.ptr == NULL) {
		return bd_arena_code(&txn->tally_arena);
	}
	txn->tally_count++;
	return BD_OK;
}

enum bd_code bd_tally_get(
	uint64_t *rows, struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section)
{
	const struct bd_tally *waiting = find_tally(txn, source, section);
	char room[400];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	struct bd_reader reader;
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_coverage_name(&name, "rows", source, section));
	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->coverage, bd_buf_bytes(&name)));
	reader = bd_reader_of(found ? value : (struct bd_bytes){ "", 0 });
	*rows = found ? bd_read_u64(&reader) : 0;
	if (waiting != NULL) {
		*rows = waiting->rows < 0 && *rows < (uint64_t)-waiting->rows
				? 0
				: *rows + (uint64_t)waiting->rows;
	}
	return BD_OK;
}

enum bd_code bd_tally_set(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section, uint64_t rows)
{
	struct bd_tally *waiting = find_tally(txn, source, section);
	char room[400], count[8];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) },
		      value = { count, 0, sizeof(count), sizeof(count) };

	if (waiting != NULL) {
		waiting->rows = 0;
	}
	BD_TRY(bd_coverage_name(&name, "rows", source, section));
	BD_TRY(bd_buf_add_u64(&value, rows));
	return bd_txn_put(txn, txn->store->coverage, bd_buf_bytes(&name), bd_buf_bytes(&value));
}

enum bd_code bd_txn_load_marks(struct bd_txn *txn)
{
	bd_arena_clear(&txn->marks_arena);
	return bd_marks_load(
		&txn->marks, txn->store, txn->mdb, BD_AS_OF_NOW, &txn->marks_arena, txn->diag);
}
