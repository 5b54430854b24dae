/* case_recover.c - what a start finds of the case files: which there are, and where each series
 * ends.
 */
#include "base/try.h"
#include "store/case_index.h"
#include "store/case_runs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum bd_code bd_cases_new(struct bd_cases **out, struct bd_diag *diag)
{
	struct bd_cases *cases = calloc(1, sizeof(*cases));
	struct bd_case_runs *runs = calloc(1, sizeof(*runs));

	if (cases == NULL || runs == NULL || bd_case_tail_open(&runs->tail) != BD_OK) {
		free(cases);
		free(runs);
		return bd_fail(diag, BD_NO_MEMORY, "cases");
	}
	pthread_mutex_init(&cases->lock, NULL);
	runs->step_max = BD_CASE_STEP_ITEMS;
	runs->garbage_max = BD_CASE_GARBAGE_ROWS;
	cases->runs = runs;
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		const struct bd_case_place begin = { (uint16_t)i, 0, BD_CASE_FILE_HEAD_BYTES };

		cases->series[i].end = begin;
		cases->series[i].read = begin;
		cases->series[i].synced = begin;
		cases->series[i].let_go = begin;
		cases->series[i].indexed = begin;
		cases->series[i].told = begin;
	}
	*out = cases;
	return BD_OK;
}

void bd_cases_free(struct bd_cases *cases)
{
	if (cases != NULL) {
		bd_case_runs_close(cases->runs);
		free(cases->runs);
		pthread_mutex_destroy(&cases->lock);
		free(cases);
	}
}

struct bd_case_series bd_cases_series(struct bd_store *store, uint16_t loop)
{
	struct bd_case_series series;

	pthread_mutex_lock(&store->cases->lock);
	series = store->cases->series[loop];
	pthread_mutex_unlock(&store->cases->lock);
	return series;
}

/* -- the folder -- */

static void note(struct bd_cases *cases, uint32_t loop, uint32_t segment)
{
	struct bd_case_series *series = &cases->series[loop];

	if (!series->is_there || segment < series->first) {
		series->first = segment;
	}
	if (!series->is_there || segment > series->end.segment) {
		series->end.segment = segment;
	}
	series->is_there = true;
	cases->count = loop + 1 > cases->count ? loop + 1 : cases->count;
}

static enum bd_code list(struct bd_store *store, struct bd_diag *diag)
{
	char path[sizeof(store->folder) + 16], name[BD_CASE_NAME_BYTES];
	unsigned loop, segment;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/cases", store->folder);
	folder = opendir(path);
	if (folder == NULL) {
		return bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
	}
	while ((entry = readdir(folder)) != NULL) {
		if (sscanf(entry->d_name, "%4x-%8x", &loop, &segment) == 2 &&
			loop < BD_TRAIL_LOOPS_MAX) {
			bd_case_name(name, (uint16_t)loop, segment);
			if (strcmp(name + strlen("cases/"), entry->d_name) == 0) {
				note(store->cases, loop, segment);
			}
		}
	}
	closedir(folder);
	return BD_OK;
}

/* -- how far the index has come -- */

static const char indexed_name[] = "case index", told_name[] = "cases";
#define NAME_BYTES 24

static struct bd_bytes name_of(char room[NAME_BYTES], const char *what, uint16_t loop)
{
	snprintf(room, NAME_BYTES, "%s %04x", what, loop);
	return bd_bytes_of(room);
}

bool bd_cases_is_indexed_name(struct bd_bytes name)
{
	return name.len > strlen(indexed_name) &&
	       memcmp(name.ptr, indexed_name, strlen(indexed_name)) == 0;
}

static enum bd_code put_indexed(struct bd_txn *txn, const struct bd_case_series *series)
{
	char name[NAME_BYTES], room[8 + BD_TRAIL_ID_BYTES];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u32(&value, series->read.segment));
	BD_TRY(bd_buf_add_u32(&value, series->read.offset));
	if (series->has_newest) {
		BD_TRY(bd_trail_id_pack(&value, &series->newest));
	}
	return bd_txn_put(txn, txn->store->meta, name_of(name, indexed_name, series->end.loop),
		bd_buf_bytes(&value));
}

enum bd_code bd_cases_put_indexed(struct bd_txn *txn)
{
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(txn->store, (uint16_t)i);

		if (series.is_there) {
			BD_TRY(put_indexed(txn, &series));
		}
	}
	return bd_cases_put_told(txn);
}

void bd_cases_set_indexed(struct bd_store *store)
{
	pthread_mutex_lock(&store->cases->lock);
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		store->cases->series[i].indexed = store->cases->series[i].read;
	}
	pthread_mutex_unlock(&store->cases->lock);
}

/* Whoever hears of cases has heard of all that are indexed, and of what this transaction changes.
 * While an index is made anew, of those that are not in it yet nobody hears: their commit stays. */
static enum bd_code put_told(struct bd_txn *txn, const struct bd_case_series *series)
{
	bool is_ahead = bd_case_is_before(&series->read, &series->told);
	const struct bd_case_place *at = is_ahead ? &series->told : &series->read;
	uint64_t commit = txn->is_numbered ? txn->commit : txn->store->commit;
	char name[NAME_BYTES], room[16];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u32(&value, at->segment));
	BD_TRY(bd_buf_add_u32(&value, at->offset));
	BD_TRY(bd_buf_add_u64(&value, is_ahead ? series->told_commit : commit));
	return bd_txn_put(txn, txn->store->meta, name_of(name, told_name, series->end.loop),
		bd_buf_bytes(&value));
}

enum bd_code bd_cases_put_told(struct bd_txn *txn)
{
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(txn->store, (uint16_t)i);

		if (series.is_there) {
			BD_TRY(put_told(txn, &series));
		}
	}
	return BD_OK;
}

/* Where it says nothing, or of files that are no more: their beginning. */
static enum bd_code read_place(struct bd_case_place *out, struct bd_reader *rest, bool *found,
	struct bd_store *store, MDB_txn *txn, const char *what, uint16_t loop)
{
	const struct bd_case_series *series = &store->cases->series[loop];
	char room[NAME_BYTES];
	struct bd_bytes name = name_of(room, what, loop);
	MDB_val key = { name.len, room }, value;
	int result = mdb_get(txn, store->meta, &key, &value);

	*found = result == 0;
	*out = (struct bd_case_place){ loop, series->first, BD_CASE_FILE_HEAD_BYTES };
	if (result == 0) {
		uint32_t segment, offset;

		*rest = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		segment = bd_read_u32(rest);
		offset = bd_read_u32(rest);
		if (!rest->ok) {
			return BD_STORE_DAMAGED;
		}
		if (segment >= series->first && segment <= series->end.segment &&
			offset >= BD_CASE_FILE_HEAD_BYTES) {
			out->segment = segment;
			out->offset = offset;
		}
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : BD_STORE_FAILED;
}

static enum bd_code read_cursors(
	bool *is_indexed, struct bd_store *store, MDB_txn *txn, uint16_t loop)
{
	struct bd_case_series *series = &store->cases->series[loop];
	struct bd_reader rest;
	bool found = false;

	BD_TRY(read_place(&series->indexed, &rest, is_indexed, store, txn, indexed_name, loop));
	if (*is_indexed && rest.rest.len > 0) {
		series->newest = bd_trail_id_unpack(&rest);
		series->has_newest = rest.ok;
	}
	series->read = series->let_go = series->indexed;
	BD_TRY(read_place(&series->told, &rest, &found, store, txn, told_name, loop));
	series->told_commit = store->commit;
	if (found && rest.rest.len > 0) {
		series->told_commit = bd_read_u64(&rest);
	}
	return found && !rest.ok ? BD_STORE_DAMAGED : BD_OK;
}

/* Records that the disk has lost were told of; those that come in their place were not. */
static enum bd_code lower_told(struct bd_store *store, MDB_txn *txn, struct bd_case_series *series)
{
	char name_room[NAME_BYTES], room[16];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };
	struct bd_bytes name = name_of(name_room, told_name, series->end.loop);
	MDB_val key = { name.len, name_room }, data;

	series->told = series->end;
	BD_TRY(bd_buf_add_u32(&value, series->told.segment));
	BD_TRY(bd_buf_add_u32(&value, series->told.offset));
	BD_TRY(bd_buf_add_u64(&value, series->told_commit));
	data = (MDB_val){ value.len, room };
	return mdb_put(txn, store->meta, &key, &data, 0) == 0 ? BD_OK : BD_STORE_FAILED;
}

/* -- the end of a series -- */

static uint32_t file_size(const struct bd_store *store, uint16_t loop, uint32_t segment)
{
	int fd = bd_case_file_open(store, loop, segment, false);
	struct stat status = { .st_size = 0 };

	if (fd >= 0) {
		if (fstat(fd, &status) != 0) {
			status.st_size = 0;
		}
		close(fd);
	}
	return status.st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)status.st_size;
}

/* Where the last whole record ends; *is_torn: something else stands behind it. */
static enum bd_code find_end(struct bd_case_place *end, bool *is_torn, struct bd_store *store,
	const struct bd_case_place *from, struct bd_diag *diag)
{
	uint16_t loop = from->loop;
	struct bd_case_place limit = store->cases->series[loop].end, place;
	struct bd_case_reader reader;
	enum bd_case_step step = BD_CASE_STEP_RECORD;
	struct bd_case_head head;
	struct bd_bytes sealed;
	struct bd_buf plain;
	enum bd_code code = BD_OK;

	limit.offset = file_size(store, loop, limit.segment);
	bd_case_reader_open(&reader, store, from);
	bd_buf_init(&plain, BD_CASE_MAX_BYTES);
	*end = *from;
	while (code == BD_OK && step == BD_CASE_STEP_RECORD) {
		code = bd_case_reader_next(&step, &head, &place, &sealed, &reader, &limit, diag);
		*end = place;
		/* Written, but not all of it: space that was taken ahead makes it seem whole. */
		if (code == BD_OK && step == BD_CASE_STEP_RECORD &&
			bd_case_open_sealed(&plain, store->seal, &place, &head, sealed) ==
				BD_STORE_DAMAGED) {
			step = BD_CASE_STEP_BROKEN;
		}
		if (step == BD_CASE_STEP_BROKEN && place.segment < limit.segment) {
			/* Of a file that is finished: the next one goes on. */
			reader.at = (struct bd_case_place){ loop, place.segment + 1,
				BD_CASE_FILE_HEAD_BYTES };
			step = BD_CASE_STEP_RECORD;
		}
	}
	*is_torn = step == BD_CASE_STEP_BROKEN;
	bd_buf_wipe(&plain);
	bd_case_reader_close(&reader);
	return code;
}

/* A file whose own head is torn holds nothing. */
static enum bd_code cut(
	struct bd_store *store, const struct bd_case_place *end, struct bd_diag *diag)
{
	uint32_t size = file_size(store, end->loop, end->segment);
	char head[BD_CASE_FILE_HEAD_BYTES];
	int fd = bd_case_file_open(store, end->loop, end->segment, true);
	struct bd_buf bytes = { head, 0, sizeof(head), sizeof(head) };
	enum bd_code code = BD_OK;

	if (fd < 0 || ftruncate(fd, (off_t)end->offset) != 0) {
		code = bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
	} else if (end->offset == BD_CASE_FILE_HEAD_BYTES) {
		code = bd_case_file_head_add(&bytes, end->loop, end->segment, 0);
		code = code == BD_OK ? bd_case_write_at(fd, bd_buf_bytes(&bytes), 0, diag) : code;
	}
	if (fd >= 0) {
		close(fd);
	}
	store->cases->cut_bytes += size > end->offset ? size - end->offset : 0;
	return code;
}

static enum bd_code recover(
	struct bd_store *store, MDB_txn *txn, uint16_t loop, struct bd_diag *diag)
{
	struct bd_case_series *series = &store->cases->series[loop];
	struct bd_case_place end;
	bool is_torn = false, is_indexed = false;

	if (!series->is_there) {
		return BD_OK;
	}
	if (read_cursors(&is_indexed, store, txn, loop) != BD_OK) {
		return bd_fail(diag, BD_STORE_DAMAGED, "cases");
	}
	/* Without a run yet, but told: the index is made anew, of files that are known to be whole.
	 */
	BD_TRY(find_end(
		&end, &is_torn, store, is_indexed ? &series->indexed : &series->told, diag));
	if (is_torn) {
		BD_TRY(cut(store, &end, diag));
	}
	series->end = end;
	__atomic_store_n(&store->cases->runs->hidden[loop], series->first, __ATOMIC_RELEASE);
	if (bd_case_is_before(&end, &series->told) && lower_told(store, txn, series) != BD_OK) {
		return bd_fail(diag, BD_STORE_FAILED, "cases");
	}
	return BD_OK;
}

/* What the index was before it had runs. */
static enum bd_code drop_before(MDB_txn *txn, struct bd_diag *diag)
{
	static const char *const names[] = { "cases", "case_numbers", "case_subjects" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		MDB_dbi dbi;
		int result = mdb_dbi_open(txn, names[i], 0, &dbi);

		result = result == 0 ? mdb_drop(txn, dbi, 1) : result;
		if (result != 0 && result != MDB_NOTFOUND) {
			return bd_store_fail(diag, result, "cases");
		}
	}
	return BD_OK;
}

enum bd_code bd_cases_recover(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag)
{
	MDB_stat stat;

	BD_TRY(drop_before(txn, diag));
	BD_TRY(bd_case_runs_open(store, txn, diag));
	store->cases->has_erased =
		mdb_stat(txn, store->case_erased, &stat) != 0 || stat.ms_entries > 0;
	BD_TRY(list(store, diag));
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		BD_TRY(recover(store, txn, (uint16_t)i, diag));
	}
	return BD_OK;
}

uint64_t bd_cases_cut_bytes(const struct bd_store *store)
{
	return store->cases->cut_bytes;
}
