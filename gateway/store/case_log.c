/* case_log.c - a loop's series of case files: records collected, sealed, written; synced by the
 * signer. */
#include "base/clock.h"
#include "base/page_cache.h"
#include "base/try.h"
#include "store/case_reseal.h"
#include "store/case_runs.h"
#include "store/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Collected records are written at the latest then. */
#define BATCH_BYTES 1048576
/* Space is taken ahead, so that a full disk is known while there still is some; some thousand
 * records. */
#define AHEAD_BYTES UINT32_C(8388608)
#define FINISHED_MAX 16

struct bd_case_log {
	struct bd_store *store;
	struct bd_seal *seal;
	struct bd_buf batch, plain;
	struct bd_buf keys, name;  /* of one head */
	struct bd_case_place next; /* behind the batch */
	int32_t day;               /* of the records of the file; INT32_MIN = none yet */
	uint64_t allocated;        /* bytes of the file */
	uint32_t target;           /* of the ring: what the records of the file are sealed under */
	uint32_t dirty_end;        /* a failed write may have left bytes up to here */
	bool has_failed;           /* atomic */
	/* under the lock of struct bd_cases; closed by the signer, or when the log is */
	int fd; /* -1 = none yet */
	int finished[FINISHED_MAX];
	size_t finished_count;
	bool is_dirty, has_new_file;
};

enum bd_code bd_case_log_open(
	struct bd_case_log **out, struct bd_store *store, uint16_t loop, struct bd_diag *diag)
{
	struct bd_case_log *log = calloc(1, sizeof(*log));
	enum bd_code code = log != NULL ? bd_seal_new(&log->seal, store->ring) : BD_NO_MEMORY;

	*out = NULL;
	if (code != BD_OK) {
		free(log);
		return bd_fail(diag, code, "cases");
	}
	log->store = store;
	log->fd = -1;
	log->day = INT32_MIN;
	bd_buf_init(&log->batch,
		BATCH_BYTES + 2 * ((size_t)BD_CASE_MAX_BYTES + BD_CASE_HEAD_MAX_BYTES));
	bd_buf_init(&log->plain, BD_CASE_MAX_BYTES - BD_SEAL_OVERHEAD);
	bd_buf_init(&log->keys, BD_CASE_MAX_BYTES);
	bd_buf_init(&log->name, BD_CASE_MAX_BYTES);
	pthread_mutex_lock(&store->cases->lock);
	log->next = store->cases->series[loop].end;
	log->next.loop = loop;
	store->cases->series[loop].log = log;
	pthread_mutex_unlock(&store->cases->lock);
	*out = log;
	return BD_OK;
}

static uint32_t target_of(const struct bd_case_log *log)
{
	return __atomic_load_n(&log->store->ring->target, __ATOMIC_ACQUIRE);
}

/* Gives back the space that was taken ahead. */
static bool cut_file(const struct bd_case_log *log, int fd)
{
	int result;

	do {
		result = ftruncate(fd, (off_t)log->next.offset);
	} while (result != 0 && errno == EINTR);
	return result == 0;
}

void bd_case_log_close(struct bd_case_log *log)
{
	if (log == NULL) {
		return;
	}
	pthread_mutex_lock(&log->store->cases->lock);
	log->store->cases->series[log->next.loop].log = NULL;
	pthread_mutex_unlock(&log->store->cases->lock);
	for (size_t i = 0; i < log->finished_count; i++) {
		fdatasync(log->finished[i]);
		close(log->finished[i]);
	}
	if (log->fd >= 0) {
		if (log->batch.len == 0 && !log->has_failed) {
			cut_file(log, log->fd);
		}
		fdatasync(log->fd);
		close(log->fd);
	}
	bd_buf_wipe(&log->plain);
	bd_buf_release(&log->batch);
	bd_buf_release(&log->keys);
	bd_buf_release(&log->name);
	bd_seal_free(log->seal);
	free(log);
}

/* -- files -- */

static bool has_failed(const struct bd_case_log *log)
{
	return __atomic_load_n(&log->has_failed, __ATOMIC_ACQUIRE);
}

static enum bd_code fail(struct bd_case_log *log, enum bd_code code)
{
	if (code != BD_DISK_FULL) {
		__atomic_store_n(&log->has_failed, true, __ATOMIC_RELEASE);
	}
	return code;
}

/* Space for what comes, half of AHEAD_BYTES before it is needed. Where there is none, what was
 * taken ahead is used first. */
static void allocate(struct bd_case_log *log)
{
	uint64_t end = (uint64_t)log->next.offset + AHEAD_BYTES / 2;

	if (end <= log->allocated) {
		return;
	}
	if (fallocate(log->fd, 0, 0, (off_t)(log->allocated + AHEAD_BYTES)) == 0) {
		log->allocated += AHEAD_BYTES;
	} else if (errno == EOPNOTSUPP) {
		log->allocated = UINT64_MAX; /* every write finds out for itself */
	}
}

/* A new file, or the last one of an earlier run. */
static enum bd_code open_file(
	struct bd_case_log *log, bool is_new, int64_t at_ms, int *fd, struct bd_diag *diag)
{
	struct bd_store *store = log->store;
	char path[sizeof(store->folder) + BD_CASE_NAME_BYTES + 1], name[BD_CASE_NAME_BYTES];
	char room[BD_CASE_FILE_HEAD_BYTES];
	struct bd_buf head = { room, 0, sizeof(room), sizeof(room) };
	enum bd_code code;

	bd_case_name(name, log->next.loop, log->next.segment);
	snprintf(path, sizeof(path), "%s/%s", store->folder, name);
	*fd = open(path, O_RDWR | O_CLOEXEC | (is_new ? O_CREAT | O_EXCL : 0), 0600);
	if (*fd < 0) {
		return bd_fail(diag, errno == ENOSPC || errno == EDQUOT ? BD_DISK_FULL : BD_IO,
			"cases: %s", strerror(errno));
	}
	if (!is_new) {
		return BD_OK;
	}
	BD_TRY(bd_case_file_head_add(&head, log->next.loop, log->next.segment, at_ms));
	code = bd_case_write_at(*fd, bd_buf_bytes(&head), 0, diag);
	if (code != BD_OK) {
		unlink(path);
		close(*fd);
	}
	return code;
}

/* Everything at once: the signer and the writer see the old file or the new one. */
static enum bd_code put_file(struct bd_case_log *log, int fd, bool is_new, struct bd_diag *diag)
{
	struct bd_cases *cases = log->store->cases;
	struct bd_case_series *series = &cases->series[log->next.loop];
	enum bd_code code = BD_OK;

	pthread_mutex_lock(&log->store->cases->lock);
	if (log->fd >= 0 && log->finished_count == FINISHED_MAX) {
		code = bd_fail(diag, BD_IO, "cases: nobody syncs them");
	} else {
		if (log->fd >= 0) {
			log->finished[log->finished_count++] = log->fd;
		}
		log->fd = fd;
		log->has_new_file |= is_new;
		if (!series->is_there) {
			series->first = log->next.segment;
			series->read = series->indexed = series->told = log->next;
			series->synced = series->let_go = log->next;
			__atomic_store_n(&log->store->cases->runs->hidden[log->next.loop],
				log->next.segment, __ATOMIC_RELEASE);
		}
		series->is_there = true;
		cases->count =
			log->next.loop >= cases->count ? (size_t)log->next.loop + 1 : cases->count;
		series->end = log->next;
	}
	pthread_mutex_unlock(&log->store->cases->lock);
	return code;
}

static enum bd_code begin_file(struct bd_case_log *log, int64_t at_ms, struct bd_diag *diag)
{
	bool is_first = !bd_cases_series(log->store, log->next.loop).is_there;
	struct bd_case_place before = log->next;
	enum bd_code code;
	int fd = -1;

	if (log->fd >= 0 && !cut_file(log, log->fd)) {
		return bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
	}
	log->next.segment += is_first ? 0 : 1;
	log->next.offset = BD_CASE_FILE_HEAD_BYTES;
	code = open_file(log, true, at_ms, &fd, diag);
	code = code == BD_OK ? put_file(log, fd, true, diag) : code;
	if (code != BD_OK) {
		log->next = before;
		return code;
	}
	log->day = bd_day_at(at_ms);
	log->target = target_of(log);
	log->allocated = 0;
	log->dirty_end = 0;
	allocate(log);
	return BD_OK;
}

/* The last file of the run before, when it is of this day. */
static enum bd_code resume_file(struct bd_case_log *log, int32_t day, struct bd_diag *diag)
{
	char bytes[BD_CASE_FILE_HEAD_BYTES];
	int64_t first_ms = 0;
	int fd = -1;

	BD_TRY(open_file(log, false, 0, &fd, diag));
	if (bd_case_read_at(fd, bytes, sizeof(bytes), 0) != BD_OK ||
		!bd_case_file_head_read(&first_ms, (struct bd_bytes){ bytes, sizeof(bytes) },
			log->next.loop, log->next.segment) ||
		bd_day_at(first_ms) != day ||
		!bd_case_file_is_current(
			log->store, log->seal, log->next.loop, log->next.segment)) {
		close(fd);
		return BD_OK;
	}
	BD_TRY(put_file(log, fd, false, diag));
	log->day = day;
	log->target = target_of(log);
	log->allocated = log->next.offset;
	allocate(log);
	return BD_OK;
}

/* The file that the next record goes into. */
static enum bd_code find_file(
	struct bd_case_log *log, int64_t at_ms, size_t bytes, struct bd_diag *diag)
{
	int32_t day = bd_day_at(at_ms);

	if (log->fd < 0 && bd_cases_series(log->store, log->next.loop).is_there) {
		BD_TRY(resume_file(log, day, diag));
	}
	if (log->fd >= 0 && log->day == day && log->target == target_of(log) &&
		log->next.offset + (uint64_t)bytes <= BD_CASE_FILE_MAX_BYTES) {
		return BD_OK;
	}
	BD_TRY(bd_cases_flush(log, diag));
	return begin_file(log, at_ms, diag);
}

/* -- records -- */

static enum bd_code pack(struct bd_case_log *log, const struct bd_case_record *record)
{
	enum bd_code code;

	bd_buf_clear(&log->plain);
	code = bd_case_record_pack(&log->plain, record);
	if (code == BD_LIMIT_BYTES) {
		struct bd_case_record cut = *record;

		cut.is_cut = true;
		code = bd_case_record_pack(&log->plain, &cut);
	}
	return code;
}

/* What it is found by, so that the writer need not open it. */
static enum bd_code make_head(
	struct bd_case_log *log, struct bd_case_head *head, const struct bd_case_record *record)
{
	BD_TRY(bd_case_keys_fill(head, &log->keys, log->seal, record));
	if (head->key_count > BD_CASE_KEYS_MAX) {
		head->key_count = 0;
		head->flags |= BD_CASE_HAS_MORE;
	}
	return BD_OK;
}

static enum bd_code add(struct bd_case_log *log, struct bd_case_head *head)
{
	BD_TRY(bd_seal_random(log->seal, head->salt, sizeof(head->salt)));
	bd_buf_clear(&log->name);
	BD_TRY(bd_case_seal_name(&log->name, &log->next, head));
	BD_TRY(bd_case_head_add(&log->batch, head));
	return bd_seal_close(log->seal, &log->batch, head->salt, bd_buf_bytes(&log->name),
		bd_buf_bytes(&log->plain));
}

enum bd_code bd_cases_append(
	struct bd_case_log *log, const struct bd_case_record *record, struct bd_diag *diag)
{
	struct bd_case_head head = { .at_ms = record->at_ms, .receipt = record->receipt };
	size_t before, bytes;
	enum bd_code code = pack(log, record);

	code = code == BD_OK ? make_head(log, &head, record) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "a case file");
	}
	head.length = (uint32_t)(log->plain.len + BD_SEAL_OVERHEAD);
	bytes = bd_case_head_bytes(&head) + head.length;
	code = has_failed(log) ? BD_IO : find_file(log, record->at_ms, bytes, NULL);
	if (code == BD_OK && log->batch.len >= BATCH_BYTES) {
		code = bd_cases_flush(log, NULL);
	}
	before = log->batch.len;
	if (code == BD_OK) {
		code = add(log, &head);
	}
	if (code != BD_OK) {
		log->batch.len = before;
		fail(log, code == BD_NO_MEMORY ? BD_DISK_FULL : code);
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "a case file cannot be written");
	}
	log->next.offset += (uint32_t)bytes;
	return BD_OK;
}

/* What a failed write may have left behind the end must not look like a record. */
static enum bd_code clean(struct bd_case_log *log, struct bd_diag *diag)
{
	static const char zeroes[4096];
	enum bd_code code = BD_OK;

	for (uint32_t at = log->next.offset; code == BD_OK && at < log->dirty_end;
		at += sizeof(zeroes)) {
		uint32_t left = log->dirty_end - at;
		struct bd_bytes bytes = { zeroes, left < sizeof(zeroes) ? left : sizeof(zeroes) };

		code = bd_case_write_at(log->fd, bytes, at, diag);
	}
	log->dirty_end = code == BD_OK ? 0 : log->dirty_end;
	return code;
}

enum bd_code bd_cases_flush(struct bd_case_log *log, struct bd_diag *diag)
{
	uint32_t at = log->next.offset - (uint32_t)log->batch.len;
	enum bd_code code = has_failed(log) ? BD_IO : BD_OK;

	if (log->batch.len == 0) {
		return code;
	}
	allocate(log);
	code = code == BD_OK ? bd_case_write_at(log->fd, bd_buf_bytes(&log->batch), at, diag)
			     : bd_fail(diag, code, "cases: failed before");
	code = code == BD_OK ? clean(log, diag) : code;
	if (code == BD_OK) {
		pthread_mutex_lock(&log->store->cases->lock);
		log->store->cases->series[log->next.loop].end = log->next;
		log->is_dirty = true;
		pthread_mutex_unlock(&log->store->cases->lock);
	} else {
		log->dirty_end =
			log->next.offset > log->dirty_end ? log->next.offset : log->dirty_end;
		log->next.offset = at;
		fail(log, code);
	}
	bd_buf_clear(&log->batch);
	return code;
}

enum bd_code bd_cases_turn(struct bd_case_log *log, int64_t now_ms, struct bd_diag *diag)
{
	if (!bd_cases_series(log->store, log->next.loop).is_there ||
		(log->fd >= 0 ? log->target == target_of(log)
			      : bd_case_file_is_current(log->store, log->seal, log->next.loop,
					log->next.segment))) {
		return BD_OK;
	}
	BD_TRY(bd_cases_flush(log, diag));
	return begin_file(log, now_ms, diag);
}

/* -- the signer -- */

struct sync_work {
	int fds[FINISHED_MAX + 1];
	size_t finished, count;
	bool has_new_file;
	struct bd_case_place begin, end; /* of what is written, and not synced */
};

/* Under the lock. Finished files are the signer's to close. */
static void take_work(struct sync_work *work, struct bd_case_log *log)
{
	*work = (struct sync_work){ .has_new_file = log->has_new_file };
	for (size_t i = 0; i < log->finished_count; i++) {
		work->fds[work->count++] = log->finished[i];
	}
	work->finished = work->count;
	if (log->is_dirty && log->fd >= 0) {
		work->fds[work->count++] = log->fd;
	}
	work->begin = log->store->cases->series[log->next.loop].synced;
	work->end = log->store->cases->series[log->next.loop].end;
	log->is_dirty = false;
	log->has_new_file = false;
	log->finished_count = 0;
}

static void set_synced(struct bd_cases *cases, const struct bd_case_place *end)
{
	pthread_mutex_lock(&cases->lock);
	cases->series[end->loop].synced = *end;
	pthread_mutex_unlock(&cases->lock);
}

static enum bd_code sync_folder(const struct bd_store *store)
{
	char path[sizeof(store->folder) + 16];
	enum bd_code code;
	int fd;

	snprintf(path, sizeof(path), "%s/cases", store->folder);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	code = fd >= 0 && fsync(fd) == 0 ? BD_OK : BD_IO;
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

static enum bd_code sync_log(struct bd_store *store, const struct sync_work *work)
{
	enum bd_code code = work->has_new_file ? sync_folder(store) : BD_OK;

	for (size_t i = 0; i < work->count; i++) {
		bool is_last = i >= work->finished,
		     is_begun = i == 0 && (!is_last || work->begin.segment == work->end.segment);

		code = bd_page_cache_sync(work->fds[i], is_begun ? work->begin.offset : 0,
			       is_last ? work->end.offset : BD_PAGE_CACHE_TO_END) == 0
			       ? code
			       : BD_IO;
		if (i < work->finished) {
			close(work->fds[i]);
		}
	}
	return code;
}

enum bd_code bd_cases_sync(struct bd_store *store, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct sync_work work = { .count = 0 };
		struct bd_case_log *log;

		pthread_mutex_lock(&store->cases->lock);
		log = store->cases->series[i].log;
		if (log != NULL) {
			take_work(&work, log);
		}
		pthread_mutex_unlock(&store->cases->lock);
		if (work.count > 0 && sync_log(store, &work) != BD_OK) {
			code = bd_fail(diag, BD_STORE_SYNC, "cases: sync");
			__atomic_store_n(&log->has_failed, true, __ATOMIC_RELEASE);
		} else if (work.count > 0) {
			set_synced(store->cases, &work.end);
		}
	}
	return code;
}
