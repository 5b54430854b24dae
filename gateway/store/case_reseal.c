#include "store/case_reseal.h"

#include "base/try.h"
#include "store/case_index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What one step copies: some milliseconds of the writer. */
#define STEP_BYTES ((size_t)1048576)
#define DRAFT_ENDING ".new"
#define PATH_BYTES (4096 + BD_CASE_NAME_BYTES + 16)

void bd_case_reseal_open(struct bd_case_reseal *reseal)
{
	*reseal = (struct bd_case_reseal){ .draft = -1 };
	bd_buf_init(&reseal->plain, BD_CASE_MAX_BYTES);
	bd_buf_init(&reseal->sealed,
		STEP_BYTES + 2 * ((size_t)BD_CASE_MAX_BYTES + BD_CASE_HEAD_MAX_BYTES));
	bd_buf_init(&reseal->name, BD_CASE_NAME_MAX_BYTES);
}

static void path_of(char out[PATH_BYTES], const struct bd_store *store, uint16_t loop,
	uint32_t segment, bool is_draft)
{
	char name[BD_CASE_NAME_BYTES];

	bd_case_name(name, loop, segment);
	snprintf(out, PATH_BYTES, "%s/%s%s", store->folder, name, is_draft ? DRAFT_ENDING : "");
}

static void give_up(struct bd_case_reseal *reseal, struct bd_store *store)
{
	char path[PATH_BYTES];

	if (!reseal->has_draft) {
		return;
	}
	path_of(path, store, reseal->reader.at.loop, reseal->reader.at.segment, true);
	unlink(path);
	close(reseal->draft);
	bd_case_reader_close(&reseal->reader);
	reseal->draft = -1;
	reseal->has_draft = false;
}

void bd_case_reseal_close(struct bd_case_reseal *reseal, struct bd_store *store)
{
	give_up(reseal, store);
	bd_buf_wipe(&reseal->plain);
	bd_buf_release(&reseal->sealed);
	bd_buf_release(&reseal->name);
}

enum bd_code bd_case_reseal_clean(struct bd_store *store, struct bd_diag *diag)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	enum bd_code code = BD_OK;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/cases", store->folder);
	folder = opendir(path);
	if (folder == NULL) {
		return bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
	}
	while (code == BD_OK && (entry = readdir(folder)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot != NULL && strcmp(dot, DRAFT_ENDING) == 0 &&
			unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
			code = bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
		}
	}
	closedir(folder);
	return code;
}

uint64_t bd_case_reseal_count(struct bd_store *store)
{
	uint64_t count = 0;

	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(store, (uint16_t)i);

		count += series.is_there ? series.end.segment - series.first + 1 : 0;
	}
	return count;
}

/* The first record's, or true where there is none. */
static bool is_current(int fd, const struct bd_seal *seal)
{
	char sealed[BD_SEAL_OVERHEAD];
	struct bd_case_head head;
	struct bd_buf bytes;
	bool result = true;

	bd_buf_init(&bytes, BD_CASE_HEAD_MAX_BYTES);
	if (bd_case_head_load(&head, &bytes, fd, BD_CASE_FILE_HEAD_BYTES) == BD_OK &&
		bd_case_read_at(fd, sealed, sizeof(sealed),
			BD_CASE_FILE_HEAD_BYTES + bd_case_head_bytes(&head)) == BD_OK) {
		result = bd_seal_is_current(seal, (struct bd_bytes){ sealed, sizeof(sealed) });
	}
	bd_buf_release(&bytes);
	return result;
}

bool bd_case_file_is_current(
	const struct bd_store *store, const struct bd_seal *seal, uint16_t loop, uint32_t segment)
{
	int fd = bd_case_file_open(store, loop, segment, false);
	bool result = fd < 0 || is_current(fd, seal);

	if (fd >= 0) {
		close(fd);
	}
	return result;
}

/* -- which file -- */

/* Behind the last that may be sealed anew. */
static uint32_t limit_of(const struct bd_case_series *series)
{
	return series->log != NULL ? series->end.segment : series->end.segment + 1;
}

/* *found false: there is none. *is_behind as in bd_case_reseal_step. */
static void find_file(uint16_t *loop, uint32_t *segment, bool *found, bool *is_behind,
	struct bd_case_reseal *reseal, struct bd_store *store)
{
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(store, (uint16_t)i);
		uint32_t *next = &reseal->next[i];

		if (!series.is_there) {
			continue;
		}
		*next = *next < series.first ? series.first : *next;
		for (; *next < limit_of(&series); ++*next) {
			if (!bd_case_file_is_current(store, store->seal, (uint16_t)i, *next)) {
				*loop = (uint16_t)i;
				*segment = *next;
				*found = true;
				return;
			}
			reseal->done++;
		}
		*is_behind |= series.log != NULL && !bd_case_file_is_current(store, store->seal,
							    (uint16_t)i, series.end.segment);
	}
}

/* -- the draft -- */

static enum bd_code begin(struct bd_case_reseal *reseal, struct bd_store *store, uint16_t loop,
	uint32_t segment, struct bd_diag *diag)
{
	const struct bd_case_place from = { loop, segment, BD_CASE_FILE_HEAD_BYTES };
	char path[PATH_BYTES], head[BD_CASE_FILE_HEAD_BYTES];
	int fd = bd_case_file_open(store, loop, segment, false);
	enum bd_code code = fd >= 0 ? bd_case_read_at(fd, head, sizeof(head), 0) : BD_IO;

	if (fd >= 0) {
		close(fd);
	}
	if (code != BD_OK) {
		return bd_fail(diag, BD_IO, "cases: a file cannot be read");
	}
	path_of(path, store, loop, segment, true);
	reseal->draft = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (reseal->draft < 0) {
		return bd_fail(diag, errno == ENOSPC || errno == EDQUOT ? BD_DISK_FULL : BD_IO,
			"cases: %s", strerror(errno));
	}
	bd_case_reader_open(&reseal->reader, store, &from);
	reseal->has_draft = true;
	return bd_case_write_at(reseal->draft, (struct bd_bytes){ head, sizeof(head) }, 0, diag);
}

/* In the place of what was erased: zeroes under a salt that nobody has. */
static enum bd_code cover(
	struct bd_case_reseal *reseal, struct bd_store *store, struct bd_bytes sealed)
{
	size_t len = sealed.len - BD_SEAL_OVERHEAD;
	uint8_t salt[BD_SALT_BYTES];

	BD_TRY(bd_seal_random(store->seal, salt, sizeof(salt)));
	BD_TRY(bd_buf_reserve(&reseal->plain, len + 1));
	memset(reseal->plain.ptr, 0, len);
	return bd_seal_close(store->seal, &reseal->sealed, salt, bd_bytes_of(""),
		(struct bd_bytes){ reseal->plain.ptr, len });
}

/* One record into the draft's next bytes. */
static enum bd_code copy(struct bd_case_reseal *reseal, struct bd_store *store,
	const struct bd_case_head *head, const struct bd_case_place *place, struct bd_bytes sealed)
{
	enum bd_code code;

	BD_TRY(bd_case_head_add(&reseal->sealed, head));
	code = bd_case_open_sealed(&reseal->plain, store->seal, place, head, sealed);
	if (code == BD_CASE_ERASED) {
		return cover(reseal, store, sealed);
	}
	BD_TRY(code);
	bd_buf_clear(&reseal->name);
	BD_TRY(bd_case_seal_name(&reseal->name, place, head));
	return bd_seal_close(store->seal, &reseal->sealed, head->salt, bd_buf_bytes(&reseal->name),
		bd_buf_bytes(&reseal->plain));
}

/* *step: how the last look ended. */
static enum bd_code copy_some(enum bd_case_step *step, struct bd_case_reseal *reseal,
	struct bd_store *store, struct bd_diag *diag)
{
	const struct bd_case_place end = { reseal->reader.at.loop, reseal->reader.at.segment,
		UINT32_MAX };
	uint32_t at = reseal->reader.at.offset;

	*step = BD_CASE_STEP_RECORD;
	bd_buf_clear(&reseal->sealed);
	while (*step == BD_CASE_STEP_RECORD && reseal->sealed.len < STEP_BYTES) {
		struct bd_case_head head;
		struct bd_case_place place;
		struct bd_bytes sealed;

		BD_TRY(bd_case_reader_next(
			step, &head, &place, &sealed, &reseal->reader, &end, diag));
		if (*step == BD_CASE_STEP_RECORD) {
			BD_TRY(copy(reseal, store, &head, &place, sealed));
		}
	}
	return bd_case_write_at(reseal->draft, bd_buf_bytes(&reseal->sealed), at, diag);
}

/* What was erased since it was copied. */
static enum bd_code erase_again(
	struct bd_case_reseal *reseal, struct bd_store *store, struct bd_diag *diag)
{
	const struct bd_case_place from = { reseal->reader.at.loop, reseal->reader.at.segment,
		BD_CASE_FILE_HEAD_BYTES },
				   end = { from.loop, from.segment, reseal->reader.at.offset };
	enum bd_case_step step = BD_CASE_STEP_RECORD;
	struct bd_case_reader reader;
	struct bd_case_head head;
	struct bd_case_place place;
	struct bd_bytes sealed;
	enum bd_code code = BD_OK;

	bd_case_reader_open(&reader, store, &from);
	while (code == BD_OK && step == BD_CASE_STEP_RECORD) {
		code = bd_case_reader_next(&step, &head, &place, &sealed, &reader, &end, diag);
		if (code == BD_OK && step == BD_CASE_STEP_RECORD && bd_case_is_erased(&head)) {
			code = bd_case_wipe(reseal->draft, &place, diag);
		}
	}
	bd_case_reader_close(&reader);
	return code;
}

static enum bd_code sync_folder(const struct bd_store *store, struct bd_diag *diag)
{
	char path[PATH_BYTES];
	bool is_good;
	int fd;

	snprintf(path, sizeof(path), "%s/cases", store->folder);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return is_good ? BD_OK : bd_fail(diag, BD_STORE_SYNC, "cases: sync");
}

static enum bd_code finish(
	struct bd_case_reseal *reseal, struct bd_store *store, struct bd_diag *diag)
{
	uint16_t loop = reseal->reader.at.loop;
	uint32_t segment = reseal->reader.at.segment;
	char path[PATH_BYTES], draft[PATH_BYTES];

	BD_TRY(erase_again(reseal, store, diag));
	bd_store_reach(store, "reseal.drafted");
	if (fdatasync(reseal->draft) != 0) {
		return bd_fail(diag, BD_STORE_SYNC, "cases: sync");
	}
	path_of(path, store, loop, segment, false);
	path_of(draft, store, loop, segment, true);
	if (rename(draft, path) != 0) {
		return bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
	}
	bd_store_reach(store, "reseal.renamed");
	close(reseal->draft);
	reseal->draft = -1;
	reseal->has_draft = false;
	bd_case_reader_close(&reseal->reader);
	reseal->next[loop] = segment + 1;
	reseal->done++;
	return sync_folder(store, diag);
}

/* A file that cannot be read to its end stays as it is, and its epoch is needed. */
static enum bd_code leave(struct bd_case_reseal *reseal, struct bd_store *store)
{
	reseal->next[reseal->reader.at.loop] = reseal->reader.at.segment + 1;
	reseal->damaged++;
	reseal->done++;
	give_up(reseal, store);
	return BD_OK;
}

enum bd_code bd_case_reseal_step(bool *is_over, bool *is_behind, struct bd_case_reseal *reseal,
	struct bd_store *store, struct bd_diag *diag)
{
	enum bd_case_step step = BD_CASE_STEP_RECORD;
	uint16_t loop = 0;
	uint32_t segment = 0;
	bool found = false;
	enum bd_code code = BD_OK;

	*is_over = *is_behind = false;
	if (!reseal->has_draft) {
		find_file(&loop, &segment, &found, is_behind, reseal, store);
		*is_over = !found;
		if (!found) {
			return BD_OK;
		}
		code = begin(reseal, store, loop, segment, diag);
	}
	code = code == BD_OK ? copy_some(&step, reseal, store, diag) : code;
	if (code == BD_STORE_DAMAGED || (code == BD_OK && step == BD_CASE_STEP_BROKEN)) {
		return leave(reseal, store);
	}
	code = code == BD_OK && step == BD_CASE_STEP_END ? finish(reseal, store, diag) : code;
	if (code != BD_OK) {
		give_up(reseal, store);
	}
	return code;
}
