/* case_recover.c - what a start finds of the case files: which there are, and where each series
 * ends.
 */
#include "base/try.h"
#include "store/case_index.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum bd_code bd_cases_new(struct bd_cases **out, struct bd_diag *diag)
{
	struct bd_cases *cases = calloc(1, sizeof(*cases));

	if (cases == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "cases");
	}
	pthread_mutex_init(&cases->lock, NULL);
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		const struct bd_case_place begin = { (uint16_t)i, 0, BD_CASE_FILE_HEAD_BYTES };

		cases->series[i].end = begin;
		cases->series[i].read = begin;
	}
	*out = cases;
	return BD_OK;
}

void bd_cases_free(struct bd_cases *cases)
{
	if (cases != NULL) {
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

/* -- the end of a series -- */

static enum bd_code read_cursor(struct bd_store *store, MDB_txn *txn, uint16_t loop)
{
	struct bd_case_series *series = &store->cases->series[loop];
	char name[BD_CASES_CURSOR_BYTES];
	MDB_val key = { 0, name }, value;
	struct bd_case_place at = { loop, series->first, BD_CASE_FILE_HEAD_BYTES };
	int result;

	bd_cases_cursor_name(name, loop);
	key.mv_size = strlen(name);
	result = mdb_get(txn, store->meta, &key, &value);
	if (result == 0) {
		struct bd_reader reader =
			bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		uint32_t segment = bd_read_u32(&reader), offset = bd_read_u32(&reader);

		if (!reader.ok) {
			return BD_STORE_DAMAGED;
		}
		if (segment >= series->first && segment <= series->end.segment &&
			offset >= BD_CASE_FILE_HEAD_BYTES) {
			at.segment = segment;
			at.offset = offset;
		}
	}
	series->read = at;
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : BD_STORE_FAILED;
}

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
	uint16_t loop, struct bd_diag *diag)
{
	const struct bd_case_series *series = &store->cases->series[loop];
	struct bd_case_place limit = series->end, place;
	struct bd_case_reader reader;
	enum bd_case_step step = BD_CASE_STEP_RECORD;
	struct bd_case_head head;
	struct bd_bytes sealed;
	struct bd_buf plain;
	enum bd_code code = BD_OK;

	limit.offset = file_size(store, loop, limit.segment);
	bd_case_reader_open(&reader, store, &series->read);
	bd_buf_init(&plain, BD_CASE_MAX_BYTES);
	*end = series->read;
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
	if (plain.ptr != NULL) {
		bd_wipe(plain.ptr, plain.cap);
	}
	bd_buf_release(&plain);
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
	bool is_torn = false;

	if (!series->is_there) {
		return BD_OK;
	}
	if (read_cursor(store, txn, loop) != BD_OK) {
		return bd_fail(diag, BD_STORE_DAMAGED, "cases");
	}
	BD_TRY(find_end(&end, &is_torn, store, loop, diag));
	if (is_torn) {
		BD_TRY(cut(store, &end, diag));
	}
	series->end = end;
	return BD_OK;
}

enum bd_code bd_cases_recover(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag)
{
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
