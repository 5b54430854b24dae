#include "daemon/repeats.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_BYTES 16 /* of a keyed digest: nobody can try 2^128 of them */
#define FRONT_BYTES (4 + 8 + 2 * DIGEST_BYTES)
#define SLOTS_MIN 1024
#define DAYS 2 /* 24 hours lie in two civil days at most */
#define NO_DAY INT32_MIN

enum slot_state { SLOT_FREE = 0, SLOT_RUNNING, SLOT_KEPT };

struct slot {
	uint8_t key[DIGEST_BYTES], body[DIGEST_BYTES];
	int64_t time_ms;
	uint64_t offset; /* of what is sealed, in the file of its day */
	uint32_t len;
	int32_t day;
	enum slot_state state;
};

struct day_file {
	int32_t day; /* NO_DAY = none */
	int fd;
	uint64_t end;
};

struct bd_repeats {
	pthread_mutex_t lock;
	int folder;
	bool is_synced;
	struct bd_seal *seal;
	struct day_file files[DAYS]; /* by day % DAYS */
	struct slot *slots;
	size_t slot_count, used; /* a power of two; not free */
	int64_t full_ms;         /* when it was last found to be full */
	struct bd_buf record;
};

static const uint8_t own_salt[BD_SALT_BYTES] = "bidui repeats 1"; /* of no subject */

/* -- the table: linear probing, never more than half full -- */

static struct slot *probe(struct slot *slots, size_t count, const uint8_t key[DIGEST_BYTES])
{
	size_t at;

	memcpy(&at, key, sizeof(at));
	for (at &= count - 1; slots[at].state != SLOT_FREE; at = (at + 1) & (count - 1)) {
		if (memcmp(slots[at].key, key, DIGEST_BYTES) == 0) {
			break;
		}
	}
	return &slots[at];
}

static bool is_over(const struct slot *slot, int64_t now_ms)
{
	return slot->state == SLOT_KEPT && now_ms - slot->time_ms >= BD_REPEATS_KEPT_MS;
}

/* A table with room, without what is over. */
static enum bd_code make_room(struct bd_repeats *repeats, int64_t now_ms)
{
	size_t live = 0, count = SLOTS_MIN;
	struct slot *slots;

	if (repeats->used * 2 < repeats->slot_count) {
		return BD_OK;
	}
	/* Looking through all of it takes some milliseconds. */
	if (repeats->full_ms != 0 && now_ms - repeats->full_ms < 1000) {
		return BD_BUSY;
	}
	repeats->full_ms = 0;
	for (size_t i = 0; i < repeats->slot_count; i++) {
		live += repeats->slots[i].state != SLOT_FREE &&
			!is_over(&repeats->slots[i], now_ms);
	}
	if (live >= BD_REPEATS_MAX) {
		repeats->full_ms = now_ms;
		return BD_BUSY;
	}
	while (count < live * 4 && count < (size_t)2 * BD_REPEATS_MAX) {
		count *= 2;
	}
	slots = calloc(count, sizeof(*slots));
	if (slots == NULL) {
		return BD_NO_MEMORY;
	}
	for (size_t i = 0; i < repeats->slot_count; i++) {
		const struct slot *old = &repeats->slots[i];

		if (old->state != SLOT_FREE && !is_over(old, now_ms)) {
			*probe(slots, count, old->key) = *old;
		}
	}
	free(repeats->slots);
	repeats->slots = slots;
	repeats->slot_count = count;
	repeats->used = live;
	return BD_OK;
}

/* Out of the table, and what was pushed past it moves up: so that probing finds it. */
static void take_out(struct bd_repeats *repeats, struct slot *slot)
{
	size_t mask = repeats->slot_count - 1, at = (size_t)(slot - repeats->slots);

	slot->state = SLOT_FREE;
	repeats->used--;
	for (at = (at + 1) & mask; repeats->slots[at].state != SLOT_FREE; at = (at + 1) & mask) {
		struct slot moved = repeats->slots[at];

		repeats->slots[at].state = SLOT_FREE;
		*probe(repeats->slots, repeats->slot_count, moved.key) = moved;
	}
}

/* -- the files -- */

static enum bd_code fail(struct bd_diag *diag)
{
	int error = errno;

	return bd_fail(diag, error == ENOSPC || error == EDQUOT ? BD_DISK_FULL : BD_IO,
		"repeats: %s", strerror(error));
}

static void close_file(struct day_file *file)
{
	if (file->day != NO_DAY) {
		close(file->fd);
	}
	*file = (struct day_file){ .day = NO_DAY, .fd = -1 };
}

static struct day_file *file_of(struct bd_repeats *repeats, int32_t day)
{
	return &repeats->files[(uint32_t)day % DAYS];
}

/* The file of a day; in its place goes that of two days before, of which nothing counts. */
static enum bd_code open_day(struct bd_repeats *repeats, int32_t day, struct bd_diag *diag)
{
	struct day_file *file = file_of(repeats, day);
	struct stat status;
	char name[11];
	int fd;

	if (file->day == day) {
		return BD_OK;
	}
	if (file->day != NO_DAY) {
		bd_day_format(name, file->day);
		unlinkat(repeats->folder, name, 0);
		close_file(file);
	}
	bd_day_format(name, day);
	fd = openat(repeats->folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return fail(diag);
	}
	if (fstat(fd, &status) != 0 || (repeats->is_synced && fsync(repeats->folder) != 0)) {
		enum bd_code code = fail(diag);

		close(fd);
		return code;
	}
	*file = (struct day_file){ day, fd, (uint64_t)status.st_size };
	return BD_OK;
}

/* What is authenticated with an answer: the record it belongs to. */
static struct bd_bytes name_of(uint8_t out[FRONT_BYTES], const struct slot *slot)
{
	uint64_t time_ms = htobe64((uint64_t)slot->time_ms);

	memcpy(out, slot->key, DIGEST_BYTES);
	memcpy(out + DIGEST_BYTES, slot->body, DIGEST_BYTES);
	memcpy(out + 2 * DIGEST_BYTES, &time_ms, sizeof(time_ms));
	return (struct bd_bytes){ (char *)out, 2 * DIGEST_BYTES + sizeof(time_ms) };
}

/* The record that stands there; false: no whole one does. Of one that was erased its length is
 * left.
 */
static bool read_front(struct slot *slot, bool *is_erased, const struct day_file *file, uint64_t at)
{
	char front[FRONT_BYTES + 1];
	ssize_t got = pread(file->fd, front, sizeof(front), (off_t)at);
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ front, got > 0 ? (size_t)got : 0 });

	*slot = (struct slot){ .state = SLOT_KEPT, .day = file->day };
	slot->len = bd_read_u32(&reader);
	slot->time_ms = (int64_t)bd_read_u64(&reader);
	slot->offset = at + FRONT_BYTES;
	if (got < FRONT_BYTES || slot->len > file->end - slot->offset) {
		return false;
	}
	memcpy(slot->key, reader.rest.ptr, DIGEST_BYTES);
	memcpy(slot->body, reader.rest.ptr + DIGEST_BYTES, DIGEST_BYTES);
	*is_erased = got == sizeof(front) && front[FRONT_BYTES] == '\0';
	return true;
}

/* The records of a day into the table; the file is cut behind the last whole one. */
static enum bd_code load_day(
	struct bd_repeats *repeats, int32_t day, int64_t now_ms, struct bd_diag *diag)
{
	struct day_file *file;
	uint64_t at = 0;
	enum bd_code code = open_day(repeats, day, diag);

	file = file_of(repeats, day);
	while (code == BD_OK) {
		struct slot slot;
		bool is_erased;

		if (!read_front(&slot, &is_erased, file, at)) {
			break;
		}
		at = slot.offset + slot.len;
		if (!is_erased && !is_over(&slot, now_ms)) {
			code = make_room(repeats, now_ms);
			if (code == BD_OK) {
				struct slot *place =
					probe(repeats->slots, repeats->slot_count, slot.key);

				repeats->used += place->state == SLOT_FREE;
				*place = slot;
			}
		}
	}
	if (code == BD_OK && ftruncate(file->fd, (off_t)at) != 0) {
		code = fail(diag);
	}
	file->end = code == BD_OK ? at : file->end;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "repeats");
}

/* Files of other days than these go: nothing in them counts. */
static enum bd_code remove_others(struct bd_repeats *repeats, int32_t today, struct bd_diag *diag)
{
	int copy = openat(repeats->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	int32_t day;

	if (dir == NULL) {
		return fail(diag);
	}
	while ((entry = readdir(dir)) != NULL) {
		if (bd_day_parse(&day, bd_bytes_of(entry->d_name)) &&
			(day > today || day < today - 1)) {
			unlinkat(repeats->folder, entry->d_name, 0);
		}
	}
	closedir(dir);
	return BD_OK;
}

enum bd_code bd_repeats_open(struct bd_repeats **out, const char *folder,
	const struct bd_ring *ring, bool is_synced, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_repeats *repeats = calloc(1, sizeof(*repeats));
	int32_t today = bd_day_at(now_ms);
	enum bd_code code;

	if (repeats == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "repeats");
	}
	pthread_mutex_init(&repeats->lock, NULL);
	repeats->is_synced = is_synced;
	repeats->folder = -1;
	for (size_t i = 0; i < DAYS; i++) {
		repeats->files[i] = (struct day_file){ .day = NO_DAY, .fd = -1 };
	}
	bd_buf_init(&repeats->record, FRONT_BYTES + BD_ANSWER_MAX_BYTES + 65536);
	code = bd_seal_new(&repeats->seal, ring);
	code = code == BD_OK ? bd_seal_keep(repeats->seal, own_salt) : code;
	if (code == BD_OK && mkdir(folder, 0700) != 0 && errno != EEXIST) {
		code = fail(diag);
	}
	repeats->folder = code == BD_OK ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (code == BD_OK && repeats->folder < 0) {
		code = fail(diag);
	}
	code = code == BD_OK ? make_room(repeats, now_ms) : code;
	code = code == BD_OK ? remove_others(repeats, today, diag) : code;
	code = code == BD_OK ? load_day(repeats, today - 1, now_ms, diag) : code;
	code = code == BD_OK ? load_day(repeats, today, now_ms, diag) : code;
	if (code != BD_OK) {
		bd_repeats_close(repeats);
		return bd_fail(diag, code, "repeats");
	}
	*out = repeats;
	return BD_OK;
}

void bd_repeats_close(struct bd_repeats *repeats)
{
	if (repeats == NULL) {
		return;
	}
	for (size_t i = 0; i < DAYS; i++) {
		close_file(&repeats->files[i]);
	}
	if (repeats->folder >= 0) {
		close(repeats->folder);
	}
	bd_seal_free(repeats->seal);
	free(repeats->slots);
	bd_buf_release(&repeats->record);
	pthread_mutex_destroy(&repeats->lock);
	free(repeats);
}

/* The first record of a file is its oldest. */
bool bd_repeats_are_current(struct bd_repeats *repeats)
{
	bool are_current = true;

	pthread_mutex_lock(&repeats->lock);
	for (size_t i = 0; i < DAYS; i++) {
		char bytes[BD_SEAL_OVERHEAD];

		if (repeats->files[i].day != NO_DAY &&
			pread(repeats->files[i].fd, bytes, sizeof(bytes), FRONT_BYTES) ==
				(ssize_t)sizeof(bytes)) {
			are_current &= bd_seal_is_current(
				repeats->seal, (struct bd_bytes){ bytes, sizeof(bytes) });
		}
	}
	pthread_mutex_unlock(&repeats->lock);
	return are_current;
}

/* -- asking and keeping -- */

static enum bd_code open_answer(struct bd_bytes *receipt, struct bd_bytes *answer,
	struct bd_repeats *repeats, const struct slot *slot, struct bd_arena *arena,
	struct bd_diag *diag)
{
	const struct day_file *file = file_of(repeats, slot->day);
	struct bd_buf *record = &repeats->record, plain;
	uint8_t name[FRONT_BYTES];
	enum bd_code code;

	bd_buf_clear(record);
	code = bd_buf_reserve(record, slot->len);
	if (code == BD_OK &&
		(file->day != slot->day || pread(file->fd, record->ptr, slot->len,
						   (off_t)slot->offset) != slot->len)) {
		code = BD_IO;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "repeats");
	}
	record->len = slot->len;
	bd_buf_init(&plain, slot->len);
	code = bd_seal_open(
		repeats->seal, &plain, own_salt, name_of(name, slot), bd_buf_bytes(record));
	if (code == BD_OK) {
		struct bd_reader reader = bd_reader_of(bd_arena_copy(arena, bd_buf_bytes(&plain)));

		*receipt = bd_read_sized(&reader);
		*answer = reader.rest;
		code = reader.ok ? BD_OK : bd_arena_code(arena);
		code = reader.ok || code != BD_OK ? code : BD_STORE_DAMAGED;
	}
	bd_buf_release(&plain);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "repeats");
}

static enum bd_code begin(enum bd_repeat_state *state, struct bd_bytes *receipt,
	struct bd_bytes *answer, struct bd_repeats *repeats, const struct bd_repeat *repeat,
	int64_t now_ms, struct bd_arena *arena, struct bd_diag *diag)
{
	struct slot *slot = probe(repeats->slots, repeats->slot_count, repeat->key);
	enum bd_code code = BD_OK;

	if (slot->state == SLOT_FREE || is_over(slot, now_ms)) {
		code = make_room(repeats, now_ms);
		if (code != BD_OK) {
			return bd_fail(diag, code, "keys of repeats");
		}
		slot = probe(repeats->slots, repeats->slot_count, repeat->key);
		repeats->used += slot->state == SLOT_FREE;
		*slot = (struct slot){ .time_ms = now_ms, .state = SLOT_RUNNING };
		memcpy(slot->key, repeat->key, DIGEST_BYTES);
		memcpy(slot->body, repeat->body, DIGEST_BYTES);
		*state = BD_REPEAT_NEW;
	} else if (memcmp(slot->body, repeat->body, DIGEST_BYTES) != 0) {
		*state = BD_REPEAT_DIFFERS;
	} else if (slot->state == SLOT_RUNNING) {
		*state = BD_REPEAT_RUNNING;
	} else {
		code = open_answer(receipt, answer, repeats, slot, arena, diag);
		*state = BD_REPEAT_SAME;
	}
	return code;
}

enum bd_code bd_repeats_begin(enum bd_repeat_state *state, struct bd_bytes *receipt,
	struct bd_bytes *answer, struct bd_repeats *repeats, const struct bd_repeat *repeat,
	int64_t now_ms, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code;

	pthread_mutex_lock(&repeats->lock);
	code = begin(state, receipt, answer, repeats, repeat, now_ms, arena, diag);
	pthread_mutex_unlock(&repeats->lock);
	return code;
}

/* The record of the slot, sealed, as one run of bytes. */
static enum bd_code make_record(
	struct bd_repeats *repeats, struct slot *slot, const char *receipt, struct bd_bytes answer)
{
	struct bd_buf *record = &repeats->record, plain;
	uint8_t name[FRONT_BYTES];
	enum bd_code code;

	bd_buf_init(&plain, answer.len + strlen(receipt) + 4);
	code = bd_buf_add_sized(&plain, bd_bytes_of(receipt));
	code = code == BD_OK ? bd_buf_add(&plain, answer) : code;
	bd_buf_clear(record);
	slot->len = (uint32_t)(plain.len + BD_SEAL_OVERHEAD);
	code = code == BD_OK ? bd_buf_add_u32(record, slot->len) : code;
	code = code == BD_OK ? bd_buf_add_u64(record, (uint64_t)slot->time_ms) : code;
	code = code == BD_OK
		       ? bd_buf_add(record, (struct bd_bytes){ (char *)slot->key, DIGEST_BYTES })
		       : code;
	code = code == BD_OK
		       ? bd_buf_add(record, (struct bd_bytes){ (char *)slot->body, DIGEST_BYTES })
		       : code;
	code = code == BD_OK ? bd_seal_close(repeats->seal, record, own_salt, name_of(name, slot),
				       bd_buf_bytes(&plain))
			     : code;
	bd_buf_release(&plain);
	return code;
}

static enum bd_code write_record(
	struct bd_repeats *repeats, struct slot *slot, struct bd_diag *diag)
{
	struct day_file *file;
	struct bd_bytes rest = bd_buf_bytes(&repeats->record);
	uint64_t at;
	enum bd_code code = open_day(repeats, slot->day, diag);

	if (code != BD_OK) {
		return code;
	}
	file = file_of(repeats, slot->day);
	for (at = file->end; rest.len > 0;) {
		ssize_t len = pwrite(file->fd, rest.ptr, rest.len, (off_t)at);

		if (len < 0 && errno != EINTR) {
			return fail(diag);
		}
		if (len > 0) {
			rest = (struct bd_bytes){ rest.ptr + len, rest.len - (size_t)len };
			at += (uint64_t)len;
		}
	}
	if (repeats->is_synced && fdatasync(file->fd) != 0) {
		return bd_fail(diag, BD_IO, "repeats: sync: %s", strerror(errno));
	}
	slot->offset = file->end + FRONT_BYTES;
	file->end = at;
	return BD_OK;
}

enum bd_code bd_repeats_keep(struct bd_repeats *repeats, const struct bd_repeat *repeat,
	const char *receipt, struct bd_bytes answer, int64_t now_ms, struct bd_diag *diag)
{
	struct slot *slot;
	enum bd_code code;

	pthread_mutex_lock(&repeats->lock);
	slot = probe(repeats->slots, repeats->slot_count, repeat->key);
	slot->time_ms = now_ms;
	slot->day = bd_day_at(now_ms);
	code = make_record(repeats, slot, receipt, answer);
	code = code == BD_OK ? write_record(repeats, slot, diag) : code;
	if (code == BD_OK) {
		slot->state = SLOT_KEPT;
	} else {
		take_out(repeats, slot);
	}
	pthread_mutex_unlock(&repeats->lock);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "repeats");
}

void bd_repeats_forget(struct bd_repeats *repeats, const struct bd_repeat *repeat)
{
	struct slot *slot;

	pthread_mutex_lock(&repeats->lock);
	slot = probe(repeats->slots, repeats->slot_count, repeat->key);
	if (slot->state == SLOT_RUNNING) {
		take_out(repeats, slot);
	}
	pthread_mutex_unlock(&repeats->lock);
}

/* -- erasing -- */

static enum bd_code overwrite(
	const struct day_file *file, const struct slot *slot, struct bd_diag *diag)
{
	static const char none[4096];
	uint64_t at = slot->offset, end = slot->offset + slot->len;

	while (at < end) {
		size_t one = end - at < sizeof(none) ? (size_t)(end - at) : sizeof(none);
		ssize_t len = pwrite(file->fd, none, one, (off_t)at);

		if (len < 0 && errno != EINTR) {
			return fail(diag);
		}
		at += len > 0 ? (uint64_t)len : 0;
	}
	return BD_OK;
}

/* The record at this place of a day's file. *next 0: there is none. */
static enum bd_code erase_at(bool *is_changed, uint64_t *next, struct bd_repeats *repeats,
	struct day_file *file, uint64_t at, const struct bd_repeats_judge *judge,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_bytes receipt, answer;
	struct slot found, *kept;
	bool is_erased;

	*next = 0;
	if (file->day == NO_DAY || !read_front(&found, &is_erased, file, at)) {
		return BD_OK;
	}
	*next = found.offset + found.len;
	bd_arena_clear(arena);
	/* What cannot be opened is opened by nobody. */
	if (is_erased || open_answer(&receipt, &answer, repeats, &found, arena, NULL) != BD_OK ||
		!judge->is_erased(judge->state, receipt)) {
		return BD_OK;
	}
	kept = probe(repeats->slots, repeats->slot_count, found.key);
	if (kept->state == SLOT_KEPT && kept->day == found.day && kept->offset == found.offset) {
		take_out(repeats, kept);
	}
	*is_changed = true;
	return overwrite(file, &found, diag);
}

static enum bd_code erase_day(struct bd_repeats *repeats, struct day_file *file,
	const struct bd_repeats_judge *judge, struct bd_arena *arena, struct bd_diag *diag)
{
	bool is_changed = false;
	enum bd_code code = BD_OK;
	uint64_t at = 0;

	do {
		pthread_mutex_lock(&repeats->lock);
		code = erase_at(&is_changed, &at, repeats, file, at, judge, arena, diag);
		if (code == BD_OK && at == 0 && is_changed && fdatasync(file->fd) != 0) {
			code = fail(diag);
		}
		pthread_mutex_unlock(&repeats->lock);
	} while (code == BD_OK && at != 0);
	return code;
}

enum bd_code bd_repeats_erase(
	struct bd_repeats *repeats, const struct bd_repeats_judge *judge, struct bd_diag *diag)
{
	struct bd_arena arena;
	enum bd_code code = BD_OK;

	bd_arena_init(&arena, BD_ANSWER_MAX_BYTES + 65536);
	for (size_t i = 0; i < DAYS && code == BD_OK; i++) {
		code = erase_day(repeats, &repeats->files[i], judge, &arena, diag);
	}
	bd_arena_release(&arena);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "repeats");
}
