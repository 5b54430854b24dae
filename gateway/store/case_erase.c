/* case_erase.c - the case files of an erased subject: their salts are overwritten, also of those
 * that are not indexed yet, and of those that were being answered at that moment. */
#include "base/try.h"
#include "store/case_index.h"
#include "store/case_runs.h"
#include "store/erase.h"

#include <errno.h>
#include <unistd.h>

/* An answer whose subjects were read before the erasure is written this long after it at the most:
 * it is made within one turn of its loop. */
#define IN_FLIGHT_MS 10000
/* By then every case that was read before is indexed long since. */
#define NOTED_MS INT64_C(86400000)
/* Files that are open at once until they are synced. */
#define FILES_MAX 16

/* -- salts -- */

static enum bd_code wipe_at(int fd, uint64_t at, size_t len, struct bd_diag *diag)
{
	static const char none[4096];

	while (len > 0) {
		size_t one = len < sizeof(none) ? len : sizeof(none);

		BD_TRY(bd_case_write_at(fd, (struct bd_bytes){ none, one }, at, diag));
		at += one;
		len -= one;
	}
	return BD_OK;
}

/* The salt first: whatever comes between, the record is one that was erased. Once more where that
 * happened. The number stays, by which the case is still found. */
enum bd_code bd_case_wipe(int fd, const struct bd_case_place *place, struct bd_diag *diag)
{
	char front[BD_CASE_FRONT_BYTES];
	struct bd_case_head head;

	BD_TRY(wipe_at(fd, (uint64_t)place->offset + BD_CASE_SALT_AT, BD_SALT_BYTES, diag));
	if (bd_case_read_at(fd, front, sizeof(front), place->offset) != BD_OK ||
		!bd_case_front_read(&head, (struct bd_bytes){ front, sizeof(front) }) ||
		!head.has_keys) {
		return BD_OK;
	}
	return wipe_at(fd, (uint64_t)place->offset + BD_CASE_KEYS_AT,
		head.key_count * BD_NODE_KEY_BYTES, diag);
}

enum bd_code bd_case_wipe_one(
	struct bd_store *store, const struct bd_case_place *place, struct bd_diag *diag)
{
	int fd = bd_case_file_open(store, place->loop, place->segment, true);
	enum bd_code code;

	if (fd < 0) {
		return bd_fail(diag, BD_IO, "cases: open");
	}
	code = bd_case_wipe(fd, place, diag);
	if (code == BD_OK && fdatasync(fd) != 0) {
		code = bd_fail(diag, BD_STORE_SYNC, "cases: sync");
	}
	close(fd);
	return code;
}

struct files {
	struct {
		uint16_t loop;
		uint32_t segment;
		int fd;
	} items[FILES_MAX];
	size_t count;
};

static enum bd_code files_sync(struct files *files, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < files->count; i++) {
		if (fdatasync(files->items[i].fd) != 0) {
			code = bd_fail(diag, BD_STORE_SYNC, "cases: sync");
		}
		close(files->items[i].fd);
	}
	files->count = 0;
	return code;
}

static enum bd_code files_wipe(struct files *files, struct bd_store *store,
	const struct bd_case_place *place, struct bd_diag *diag)
{
	size_t i = 0;

	while (i < files->count && (files->items[i].loop != place->loop ||
					   files->items[i].segment != place->segment)) {
		i++;
	}
	if (i == FILES_MAX) {
		BD_TRY(files_sync(files, diag));
		i = 0;
	}
	if (i == files->count) {
		int fd = bd_case_file_open(store, place->loop, place->segment, true);

		if (fd < 0) {
			/* Where the file is gone, the record is. */
			return errno == ENOENT ? BD_OK : bd_fail(diag, BD_IO, "cases: open");
		}
		files->items[i].loop = place->loop;
		files->items[i].segment = place->segment;
		files->items[i].fd = fd;
		files->count++;
	}
	return bd_case_wipe(files->items[i].fd, place, diag);
}

/* -- who was erased lately -- */

enum bd_code bd_case_note_erased(
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], int64_t now_ms)
{
	char room[16];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u64(&value, txn->commit));
	BD_TRY(bd_buf_add_u64(&value, (uint64_t)now_ms));
	txn->store->cases->has_erased = true;
	return bd_txn_put(txn, txn->store->case_erased,
		(struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES }, bd_buf_bytes(&value));
}

static enum bd_code is_overtaken_by(bool *out, struct bd_txn *txn,
	const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_case_head *head)
{
	struct bd_reader reader;
	struct bd_bytes value;
	bool found = false;
	uint64_t commit;
	int64_t at_ms;

	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->case_erased,
		(struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES }));
	if (!found) {
		return BD_OK;
	}
	reader = bd_reader_of(value);
	commit = bd_read_u64(&reader);
	at_ms = (int64_t)bd_read_u64(&reader);
	*out = *out || head->at_ms <= at_ms ||
	       (head->commit < commit && head->at_ms <= at_ms + IN_FLIGHT_MS);
	return BD_OK;
}

enum bd_code bd_case_is_overtaken(
	bool *is_overtaken, struct bd_txn *txn, const struct bd_case_head *head)
{
	*is_overtaken = false;
	for (size_t i = 0; i < head->key_count; i++) {
		BD_TRY(is_overtaken_by(is_overtaken, txn, head->keys[i], head));
	}
	return BD_OK;
}

enum bd_code bd_case_forget_erased(struct bd_txn *txn, int64_t now_ms)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(txn->mdb, txn->store->case_erased, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "cases");
	}
	result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (result == 0) {
		struct bd_reader reader =
			bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });

		bd_read_u64(&reader);
		if ((int64_t)bd_read_u64(&reader) + NOTED_MS < now_ms) {
			result = mdb_cursor_del(cursor, 0);
		}
		result = result == 0 ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : result;
	}
	if (result != MDB_NOTFOUND) {
		code = bd_txn_fail(txn, result, "cases");
	}
	mdb_cursor_close(cursor);
	return code;
}

/* -- those that are indexed -- */

/* Looked up at once. */
#define LISTED_MAX 64

/* Whatever it is found to be, it is in the list no more afterwards. Wiped before it is taken out:
 * it is found again where that was not done. */
static enum bd_code erase_case(
	struct bd_txn *txn, struct files *files, const struct bd_case_item *item, uint64_t *erased)
{
	struct bd_case_place place = bd_case_item_place(item);
	struct bd_case_head head;
	enum bd_code code;

	bd_arena_clear(&txn->arena);
	code = bd_case_find_head(&head, txn, &place);
	/* Of one that was erased before, the names may have been left; one that is damaged may be
	 * so in part. */
	if (code != BD_OK && code != BD_CASE_ERASED && code != BD_STORE_DAMAGED) {
		return code;
	}
	BD_TRY(files_wipe(files, txn->store, &place, txn->diag));
	if (code == BD_OK) {
		BD_TRY(bd_case_unlist(txn, &head, &place));
		++*erased;
	}
	return bd_case_take_out(txn, item);
}

/* One transaction: on disk before the index forgets them, so that a second try finds what the first
 * did not do. */
static enum bd_code erase_some(
	struct bd_txn *txn, const uint8_t of[BD_NODE_KEY_BYTES], uint64_t *erased, bool *has_more)
{
	static const uint32_t nothing[BD_TRAIL_LOOPS_MAX];
	struct bd_case_item items[LISTED_MAX];
	struct bd_case_gather gather = { .items = items, .max = LISTED_MAX, .hidden = nothing };
	struct files files = { .count = 0 };
	enum bd_code code, synced;

	bd_case_item_bound(&gather.front, BD_CASE_BY_SUBJECT, of, 0);
	code = bd_case_find(&gather, txn);
	*has_more = gather.count > 0;
	for (size_t i = 0; i < gather.count && code == BD_OK; i++) {
		code = erase_case(txn, &files, &items[i], erased);
	}
	synced = files_sync(&files, txn->diag);
	return code == BD_OK ? synced : code;
}

enum bd_code bd_cases_erase_listed(
	struct bd_txn *txn, const uint8_t of[BD_NODE_KEY_BYTES], uint64_t *erased)
{
	bool has_more = true;

	while (has_more) {
		BD_TRY(bd_txn_begin(txn));
		BD_TRY(bd_txn_end(txn, erase_some(txn, of, erased, &has_more)));
	}
	return BD_OK;
}

/* -- those of others that name it -- */

static bool is_named_by(const struct bd_case_record *record, const struct bd_erase_who *who)
{
	bool is_named = bd_erase_has_number(who, record->question);

	for (size_t i = 0; i < record->finding_count && !is_named; i++) {
		const struct bd_case_finding *finding = &record->findings[i];

		is_named = bd_erase_has_number(who, finding->claim) ||
			   bd_erase_has_number(who, finding->value) ||
			   bd_erase_is_word(who, finding->claim) ||
			   bd_erase_is_word(who, finding->value);
	}
	return is_named;
}

static enum bd_code erase_if_named(struct bd_txn *txn, const struct bd_erase_who *who,
	struct files *files, const struct bd_case_item *item, uint64_t *erased)
{
	const struct bd_case_place place = bd_case_item_place(item);
	struct bd_case_record record;
	enum bd_code code;

	bd_arena_clear(&txn->arena);
	code = bd_case_load(&record, txn->store, txn->store->seal, &place, &txn->arena);
	if (code != BD_OK) {
		/* Nobody can open it; of a file that is gone there is nothing. */
		return code == BD_CASE_ERASED || code == BD_STORE_DAMAGED ? BD_OK : code;
	}
	return is_named_by(&record, who) ? erase_case(txn, files, item, erased) : BD_OK;
}

/* Of one transaction; *after becomes the last that was looked at. */
static enum bd_code erase_some_naming(struct bd_txn *txn, const struct bd_erase_who *who,
	struct bd_case_item *after, uint64_t *erased, bool *has_more)
{
	static const uint32_t nothing[BD_TRAIL_LOOPS_MAX];
	struct bd_case_item items[LISTED_MAX];
	struct bd_case_gather gather = { .front = *after,
		.after = after,
		.items = items,
		.max = LISTED_MAX,
		.hidden = nothing };
	struct files files = { .count = 0 };
	enum bd_code code = bd_case_find(&gather, txn), synced;

	*has_more = gather.count > 0;
	for (size_t i = 0; i < gather.count && code == BD_OK; i++) {
		code = erase_if_named(txn, who, &files, &items[i], erased);
		*after = items[i];
	}
	synced = files_sync(&files, txn->diag);
	return code == BD_OK ? synced : code;
}

enum bd_code bd_cases_erase_naming(struct bd_txn *txn, const struct bd_erase_who *who,
	const uint8_t of[BD_NODE_KEY_BYTES], uint64_t *erased)
{
	struct bd_case_item after;
	bool has_more = true;

	bd_case_item_bound(&after, BD_CASE_BY_SUBJECT, of, 0);
	while (has_more) {
		BD_TRY(bd_txn_begin(txn));
		BD_TRY(bd_txn_end(txn, erase_some_naming(txn, who, &after, erased, &has_more)));
	}
	return BD_OK;
}

/* -- those that were written and not indexed -- */

enum bd_code bd_cases_catch_up(struct bd_store *store, uint64_t *erased, struct bd_diag *diag)
{
	struct bd_case_place ends[BD_TRAIL_LOOPS_MAX];
	uint64_t before = store->cases->overtaken;
	bool is_behind = true, has_more;

	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		ends[i] = bd_cases_series(store, (uint16_t)i).end;
	}
	while (is_behind) {
		BD_TRY(bd_cases_index(store, &has_more, diag));
		is_behind = false;
		for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX && !is_behind; i++) {
			struct bd_case_series series = bd_cases_series(store, (uint16_t)i);

			is_behind = series.is_there && bd_case_is_before(&series.read, &ends[i]);
		}
	}
	*erased += store->cases->overtaken - before;
	return BD_OK;
}
