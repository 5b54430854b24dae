/* case_expire.c - case files past their keeping time: out of the index, salts overwritten, then the
 * file is removed; some records at a time. */
#include "base/clock.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/case_runs.h"
#include "store/erase.h"
#include "store/obligations.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

/* When its last record was written, at the latest. A head that is not ours, or was mended, does not
 * say it: then by the file itself. */
static int64_t end_of_file_ms(int fd, uint16_t loop, uint32_t segment)
{
	char bytes[BD_CASE_FILE_HEAD_BYTES];
	struct stat status = { .st_mtime = 0 };
	int64_t first_ms = 0;

	if (bd_case_read_at(fd, bytes, sizeof(bytes), 0) == BD_OK &&
		bd_case_file_head_read(
			&first_ms, (struct bd_bytes){ bytes, sizeof(bytes) }, loop, segment) &&
		first_ms > 0) {
		return bd_day_begin_ms(bd_day_at(first_ms) + 1);
	}
	return fstat(fd, &status) == 0 ? (int64_t)status.st_mtime * 1000 : INT64_MAX;
}

/* What it owed. Of an erased one the entry says whether it was a case: another may have had its
 * receipt since. */
static enum bd_code drop(
	struct bd_txn *txn, const struct bd_case_head *head, const struct bd_case_place *place)
{
	char room[BD_TRAIL_ID_BYTES];
	struct bd_buf key = { room, 0, sizeof(room), sizeof(room) };

	bd_arena_clear(&txn->arena);
	if (bd_case_is_erased(head)) {
		struct bd_case_item item;
		struct bd_case_place at;
		bool found = false;

		BD_TRY(bd_case_find_receipt(&item, &found, txn, &head->receipt, true));
		at = found ? bd_case_item_place(&item) : *place;
		if (!found || !bd_case_is_same_place(&at, place)) {
			return BD_OK;
		}
	}
	BD_TRY(bd_trail_id_pack(&key, &head->receipt));
	return bd_owed_drop(txn, (const uint8_t *)room, &txn->arena);
}

struct step {
	struct bd_store *store;
	struct bd_case_place from, to; /* of one file */
	struct bd_case_place wiped[BD_CASES_INDEX_MAX];
	size_t count;
	bool is_over; /* the file has no more */
};

static enum bd_code drop_some(struct step *step, struct bd_txn *txn)
{
	enum bd_case_step found = BD_CASE_STEP_RECORD;
	struct bd_case_place place, end = { step->from.loop, step->from.segment, UINT32_MAX };
	struct bd_case_reader reader;
	struct bd_case_head head;
	struct bd_bytes sealed;
	enum bd_code code = BD_OK;

	bd_case_reader_open(&reader, step->store, &step->from);
	while (code == BD_OK && step->count < BD_CASES_INDEX_MAX && !step->is_over) {
		code = bd_case_reader_next(
			&found, &head, &place, &sealed, &reader, &end, txn->diag);
		step->is_over = code == BD_OK && found != BD_CASE_STEP_RECORD;
		if (code == BD_OK && found == BD_CASE_STEP_RECORD) {
			code = drop(txn, &head, &place);
			step->wiped[step->count++] = place;
		}
	}
	step->to = reader.at;
	bd_case_reader_close(&reader);
	return code;
}

static enum bd_code wipe(const struct step *step, int fd, struct bd_diag *diag)
{
	for (size_t i = 0; i < step->count; i++) {
		BD_TRY(bd_case_wipe(fd, &step->wiped[i], diag));
	}
	return step->count == 0 || fdatasync(fd) == 0 ? BD_OK
						      : bd_fail(diag, BD_STORE_SYNC, "cases: sync");
}

/* The next file is the oldest from now on. */
static enum bd_code remove_file(struct bd_store *store, uint16_t loop, struct bd_diag *diag)
{
	char path[sizeof(store->folder) + BD_CASE_NAME_BYTES + 1], name[BD_CASE_NAME_BYTES];
	struct bd_case_series *series = &store->cases->series[loop];

	bd_case_name(name, loop, series->first);
	snprintf(path, sizeof(path), "%s/%s", store->folder, name);
	if (unlink(path) != 0 && errno != ENOENT) {
		return bd_fail(diag, BD_IO, "cases: remove");
	}
	pthread_mutex_lock(&store->cases->lock);
	series->first++;
	pthread_mutex_unlock(&store->cases->lock);
	store->cases->runs->has_expired = true;
	store->cases->expired = (struct bd_case_place){ 0, 0, 0 };
	return BD_OK;
}

/* Where an earlier step of this file ended; its beginning, after a restart. */
static struct bd_case_place begin_of(const struct bd_store *store, uint16_t loop, uint32_t segment)
{
	const struct bd_case_place *at = &store->cases->expired;

	if (at->loop == loop && at->segment == segment && at->offset > 0) {
		return *at;
	}
	return (struct bd_case_place){ loop, segment, BD_CASE_FILE_HEAD_BYTES };
}

static enum bd_code expire_some(
	struct bd_store *store, uint16_t loop, uint32_t segment, int fd, struct bd_diag *diag)
{
	struct step step;
	struct bd_txn txn;
	enum bd_code code;

	step = (struct step){ .store = store, .from = begin_of(store, loop, segment) };
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? bd_txn_end(&txn, drop_some(&step, &txn)) : code;
	bd_txn_close(&txn);
	code = code == BD_OK ? wipe(&step, fd, diag) : code;
	if (code == BD_OK) {
		store->cases->expired = step.to;
	}
	return code == BD_OK && step.is_over ? remove_file(store, loop, diag) : code;
}

/* *done: there was something to do. */
static enum bd_code expire_series(
	bool *done, struct bd_store *store, uint16_t loop, int64_t limit_ms, struct bd_diag *diag)
{
	struct bd_case_series series = bd_cases_series(store, loop);
	enum bd_code code = BD_OK;
	int fd;

	/* Never the file that is written, nor one that is not indexed. */
	if (!series.is_there || series.first >= series.end.segment ||
		series.first >= series.read.segment) {
		return BD_OK;
	}
	fd = bd_case_file_open(store, loop, series.first, true);
	if (fd < 0) {
		*done = true;
		__atomic_store_n(
			&store->cases->runs->hidden[loop], series.first + 1, __ATOMIC_RELEASE);
		return remove_file(store, loop, diag);
	}
	if (end_of_file_ms(fd, loop, series.first) <= limit_ms) {
		*done = true;
		/* Nobody finds what of it is there still. */
		__atomic_store_n(
			&store->cases->runs->hidden[loop], series.first + 1, __ATOMIC_RELEASE);
		code = expire_some(store, loop, series.first, fd, diag);
	}
	close(fd);
	return code;
}

static enum bd_code forget(struct bd_store *store, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_txn txn;
	MDB_stat stat;
	enum bd_code code;

	if (!store->cases->has_erased) {
		return BD_OK;
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK && mdb_stat(txn.mdb, store->case_erased, &stat) == 0 &&
		stat.ms_entries == 0) {
		store->cases->has_erased = false;
		bd_txn_drop(&txn);
	} else if (code == BD_OK) {
		code = bd_txn_end(&txn, bd_case_forget_erased(&txn, now_ms));
	}
	bd_txn_close(&txn);
	return code;
}

int64_t bd_cases_kept_from(const struct bd_store *store, int64_t now_ms)
{
	return store->cases_days == 0 ? INT64_MIN : now_ms - (int64_t)store->cases_days * DAY_MS;
}

enum bd_code bd_cases_expire(
	struct bd_store *store, int64_t now_ms, bool *has_more, struct bd_diag *diag)
{
	int64_t limit_ms = bd_cases_kept_from(store, now_ms);

	*has_more = false;
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX && !*has_more; i++) {
		BD_TRY(expire_series(has_more, store, (uint16_t)i, limit_ms, diag));
	}
	return *has_more ? BD_OK : forget(store, now_ms, diag);
}
