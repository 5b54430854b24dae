/* spool.c - the records of a long message into a file. */
#include "store/spool.h"
#include "store/spool_form.h"

#include "base/fronts.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/pairs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sealed blocks wait in memory up to this before they are written. */
#define WRITE_BYTES 262144
/* A full run is written while the next one is gathered, so many of its records with each that
 * comes: all at once it held up, for milliseconds, the loop and the worker that waits for it. */
#define WRITE_WITH_EACH 2
#define RUN_BESIDE_BYTES ((size_t)BD_LOAD_RUN_BYTES + BD_RECORD_MAX_BYTES * 2)
/* A run of pairs is so many times shorter: of a few bytes each, as many bytes of them take long to
 * sort, and a loop that answers does it. */
#define PAIRS_SHARE 8
/* Beside each record in a block: key, number, length. */
#define ITEM_BYTES (BD_NODE_KEY_BYTES + 12)

/* The key as two numbers, which compare as its bytes do. */
struct place {
	uint64_t high, low;
	uint64_t number;
	uint32_t offset, len; /* in the run's bytes */
};

/* Records that are not yet in the file. */
struct gathering {
	struct bd_buf bytes;
	struct place *places;
	size_t count, cap;
};

struct bd_spool {
	struct bd_store *store;
	struct bd_seal *seal; /* of the thread that adds */
	uint64_t id;
	uint8_t salt[BD_SALT_BYTES];
	int fd;
	bool is_finished, is_sealed, is_scratch;
	size_t run_bytes; /* of the first runs */
	uint64_t written, records, blocks;
	struct bd_stamp newest;
	struct gathering gathered, of_subject;
	struct gathering full;  /* the run that is being written */
	struct bd_front *order; /* of its places, and as much room */
	size_t order_cap;
	const struct bd_front *sorted; /* in there */
	size_t full_at;                /* its next record */
	struct bd_spool_run *runs;
	size_t run_count;
	struct bd_buf block, out;
	struct bd_arena arena; /* of the record that is added */
	struct bd_sha256 *sha;
	struct bd_pairs *pairs; /* of its records; NULL = none are gathered */
};

static enum bd_code io_fail(struct bd_diag *diag, int error)
{
	return bd_fail(diag, error == ENOSPC || error == EDQUOT ? BD_DISK_FULL : BD_IO, "spool: %s",
		strerror(error));
}

static void path_of(char path[4200], const struct bd_store *store, uint64_t id)
{
	snprintf(path, 4200, "%s/spool/%016llx", store->folder, (unsigned long long)id);
}

void bd_spool_remove(const struct bd_store *store, uint64_t id)
{
	char path[4200];

	path_of(path, store, id);
	unlink(path);
}

uint64_t bd_spool_id(const struct bd_spool *spool)
{
	return spool->id;
}

uint64_t bd_spool_count(const struct bd_spool *spool)
{
	return spool->records;
}

const struct bd_stamp *bd_spool_newest(const struct bd_spool *spool)
{
	return &spool->newest;
}

/* -- beginning and end -- */

/* Of the largest run that can come, and a record more. */
static size_t run_max(const struct bd_spool *spool)
{
	return (spool->run_bytes << (BD_SPOOL_RUNS_MAX / BD_SPOOL_RUNS_STEP - 1)) +
	       BD_RECORD_MAX_BYTES * 2;
}

static enum bd_code begin_file(struct bd_spool *spool, struct bd_diag *diag)
{
	char path[4200];

	spool->id = __atomic_add_fetch(&spool->store->spool_number, 1, __ATOMIC_RELAXED);
	path_of(path, spool->store, spool->id);
	spool->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (spool->fd < 0) {
		return io_fail(diag, errno);
	}
	BD_TRY(bd_seal_new(&spool->seal, spool->store->ring));
	BD_TRY(bd_seal_random(spool->seal, spool->salt, sizeof(spool->salt)));
	BD_TRY(bd_seal_keep(spool->seal, spool->salt));
	BD_TRY(bd_sha256_new(&spool->sha));
	BD_TRY(bd_buf_add_text(&spool->out, BD_SPOOL_MAGIC));
	BD_TRY(bd_buf_add_u64(&spool->out, spool->id));
	return bd_buf_add(
		&spool->out, (struct bd_bytes){ (const char *)spool->salt, sizeof(spool->salt) });
}

struct bd_pairs *bd_spool_take_pairs(struct bd_spool *spool)
{
	struct bd_pairs *pairs = spool->pairs;

	spool->pairs = NULL;
	return pairs;
}

static enum bd_code new_spool(
	struct bd_spool **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag)
{
	struct bd_spool *spool = calloc(1, sizeof(*spool));
	enum bd_code code;

	*out = NULL;
	if (spool == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	code = bd_store_check_space(store, diag);
	if (code != BD_OK) {
		free(spool);
		return code;
	}
	spool->store = store;
	spool->run_bytes = run_bytes;
	spool->fd = -1;
	bd_buf_init(&spool->gathered.bytes, run_max(spool));
	bd_buf_init(&spool->of_subject.bytes, run_max(spool));
	bd_buf_init(&spool->full.bytes, run_max(spool));
	bd_buf_init(&spool->block, BD_SPOOL_BLOCK_BYTES + BD_RECORD_MAX_BYTES * 2);
	bd_buf_init(&spool->out, run_max(spool) * 2);
	bd_arena_init(&spool->arena, BD_RECORD_ARENA_MAX_BYTES);
	spool->runs = calloc(BD_SPOOL_RUNS_MAX, sizeof(*spool->runs));
	code = spool->runs != NULL ? begin_file(spool, diag) : BD_NO_MEMORY;
	if (code != BD_OK) {
		bd_spool_free(spool);
		return bd_fail(diag, code, "spool");
	}
	*out = spool;
	return BD_OK;
}

enum bd_code bd_spool_new_scratch(
	struct bd_spool **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag)
{
	BD_TRY(new_spool(out, store, run_bytes, diag));
	(*out)->is_scratch = true;
	return BD_OK;
}

enum bd_code bd_spool_new(struct bd_spool **out, struct bd_store *store, struct bd_diag *diag)
{
	return bd_spool_new_runs(out, store, BD_SPOOL_RUN_BYTES, diag);
}

enum bd_code bd_spool_new_runs(
	struct bd_spool **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag)
{
	enum bd_code code = new_spool(out, store, run_bytes, diag);

	code = code == BD_OK ? bd_pairs_new(&(*out)->pairs, store, run_bytes / PAIRS_SHARE, diag)
			     : code;
	if (code != BD_OK) {
		bd_spool_free(*out);
		*out = NULL;
	}
	return code;
}

static void forget(struct gathering *gathering)
{
	bd_buf_wipe(&gathering->bytes);
	free(gathering->places);
	*gathering = (struct gathering){ .bytes = { .max = 0 } };
}

static void let_go(struct bd_spool *spool)
{
	forget(&spool->gathered);
	forget(&spool->of_subject);
	forget(&spool->full);
	free(spool->order);
	spool->order = NULL;
	spool->order_cap = 0;
	bd_buf_wipe(&spool->block);
	bd_buf_release(&spool->out);
	bd_arena_release(&spool->arena);
}

void bd_spool_free(struct bd_spool *spool)
{
	if (spool == NULL) {
		return;
	}
	if (spool->fd >= 0) {
		close(spool->fd);
		if (!spool->is_sealed) {
			bd_spool_remove(spool->store, spool->id);
		}
	}
	let_go(spool);
	bd_pairs_free(spool->pairs);
	bd_seal_free(spool->seal);
	bd_sha256_free(spool->sha);
	free(spool->runs);
	free(spool);
}

/* -- writing -- */

static enum bd_code flush(struct bd_spool *spool, struct bd_diag *diag)
{
	size_t at = 0;

	while (at < spool->out.len) {
		ssize_t len = pwrite(
			spool->fd, spool->out.ptr + at, spool->out.len - at, (off_t)spool->written);

		if (len < 0 && errno != EINTR) {
			return io_fail(diag, errno);
		}
		if (len > 0) {
			at += (size_t)len;
			spool->written += (uint64_t)len;
		}
	}
	bd_buf_clear(&spool->out);
	return BD_OK;
}

/* Seals the block, with its length before it. */
static enum bd_code end_block(struct bd_spool *spool, struct bd_diag *diag)
{
	char room[BD_SPOOL_NAME_BYTES];
	struct bd_bytes name = bd_spool_block_name(room, spool->id, spool->blocks);

	if (spool->block.len == 0) {
		return BD_OK;
	}
	BD_TRY(bd_buf_add_u32(&spool->out, (uint32_t)(spool->block.len + BD_SEAL_OVERHEAD)));
	BD_TRY(bd_seal_close(
		spool->seal, &spool->out, spool->salt, name, bd_buf_bytes(&spool->block)));
	BD_TRY(bd_sha256_update(spool->sha, bd_spool_block_tag(bd_buf_bytes(&spool->out))));
	spool->blocks++;
	bd_buf_clear(&spool->block);
	return spool->out.len >= WRITE_BYTES ? flush(spool, diag) : BD_OK;
}

static enum bd_code add_item(struct bd_spool *spool, const struct gathering *gathering,
	const struct place *place, struct bd_diag *diag)
{
	const struct bd_bytes record = { gathering->bytes.ptr + place->offset, place->len };

	if (spool->block.len > 0 &&
		spool->block.len + record.len + ITEM_BYTES > BD_SPOOL_BLOCK_BYTES) {
		BD_TRY(end_block(spool, diag));
	}
	BD_TRY(bd_buf_add_u64(&spool->block, place->high));
	BD_TRY(bd_buf_add_u64(&spool->block, place->low));
	BD_TRY(bd_buf_add_u64(&spool->block, place->number));
	return bd_buf_add_sized(&spool->block, record);
}

static int compare_places(uint32_t a, uint32_t b, const void *places)
{
	const struct place *x = (const struct place *)places + a,
			   *y = (const struct place *)places + b;

	if (x->high != y->high) {
		return x->high < y->high ? -1 : 1;
	}
	if (x->low != y->low) {
		return x->low < y->low ? -1 : 1;
	}
	return (x->number > y->number) - (x->number < y->number);
}

static enum bd_code sort_places(struct bd_spool *spool, const struct gathering *gathering)
{
	const struct place *places = gathering->places;

	if (gathering->count > spool->order_cap) {
		struct bd_front *order = realloc(spool->order, 2 * gathering->cap * sizeof(*order));

		if (order == NULL) {
			return BD_NO_MEMORY;
		}
		spool->order = order;
		spool->order_cap = gathering->cap;
	}
	for (size_t i = 0; i < gathering->count; i++) {
		spool->order[i] = (struct bd_front){ places[i].high, (uint32_t)i };
	}
	spool->sorted = bd_fronts_sort(spool->order, spool->order + spool->order_cap,
		gathering->count, compare_places, places);
	return BD_OK;
}

/* What was gathered is the run that is to be written; the one before it is. */
static enum bd_code begin_run(
	struct bd_spool *spool, struct gathering *gathering, struct bd_diag *diag)
{
	const struct gathering empty = spool->full;

	if (spool->run_count == BD_SPOOL_RUNS_MAX) {
		return bd_fail(diag, BD_LIMIT_BYTES, "more than one message may hold");
	}
	BD_TRY(sort_places(spool, gathering));
	spool->runs[spool->run_count] =
		(struct bd_spool_run){ .is_message_subject = gathering == &spool->of_subject,
			.offset = spool->written + spool->out.len,
			.block = spool->blocks,
			.record_count = gathering->count };
	spool->full = *gathering;
	spool->full_at = 0;
	*gathering = empty;
	return BD_OK;
}

static enum bd_code end_run(struct bd_spool *spool, struct bd_diag *diag)
{
	struct bd_spool_run *run = &spool->runs[spool->run_count];

	BD_TRY(end_block(spool, diag));
	BD_TRY(flush(spool, diag));
	run->block_count = spool->blocks - run->block;
	spool->run_count++;
	spool->full.count = 0;
	bd_buf_clear(&spool->full.bytes);
	/* On its way to the disk, so that the sync at the end finds little to do. */
	if (!spool->is_scratch) {
		sync_file_range(spool->fd, (off_t)run->offset,
			(off_t)(spool->written - run->offset), SYNC_FILE_RANGE_WRITE);
	}
	bd_store_reach(spool->store, "spool.run");
	return BD_OK;
}

/* So many records of the run that is being written, and its end. */
static enum bd_code write_some(struct bd_spool *spool, size_t count, struct bd_diag *diag)
{
	const struct gathering *full = &spool->full;

	if (full->count == 0) {
		return BD_OK;
	}
	for (; count > 0 && spool->full_at < full->count; count--) {
		BD_TRY(add_item(
			spool, full, &full->places[spool->sorted[spool->full_at++].at], diag));
	}
	return spool->full_at == full->count ? end_run(spool, diag) : BD_OK;
}

static enum bd_code write_run(
	struct bd_spool *spool, struct gathering *gathering, struct bd_diag *diag)
{
	BD_TRY(write_some(spool, SIZE_MAX, diag));
	if (gathering->count == 0) {
		return BD_OK;
	}
	BD_TRY(begin_run(spool, gathering, diag));
	return write_some(spool, SIZE_MAX, diag);
}

/* -- adding -- */

static struct place *new_place(struct gathering *gathering)
{
	return bd_list_grow(&gathering->places, &gathering->cap, gathering->count, 4096,
		       sizeof(*gathering->places))
		       ? &gathering->places[gathering->count]
		       : NULL;
}

_Static_assert(BD_NODE_KEY_BYTES == 16, "a key is two numbers");
static void set_key(struct place *place, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES });

	place->high = bd_read_u64(&reader);
	place->low = bd_read_u64(&reader);
}

static enum bd_code keep_pair(struct bd_spool *spool, bool is_link,
	const struct bd_identifier *from, const uint8_t to[BD_NODE_KEY_BYTES], struct bd_diag *diag)
{
	uint8_t bytes[2 * BD_NODE_KEY_BYTES];

	BD_TRY(bd_seal_blind(spool->seal, from, bytes));
	memcpy(bytes + BD_NODE_KEY_BYTES, to, BD_NODE_KEY_BYTES);
	return bd_pairs_keep(spool->pairs, is_link, bytes, 0, diag);
}

/* All that apply.c would put for it. Where the message's end tells whose a record is, it does. */
static enum bd_code keep_pairs(struct bd_spool *spool, const struct bd_record *record,
	const uint8_t key[BD_NODE_KEY_BYTES], struct bd_diag *diag)
{
	for (size_t i = 1; spool->pairs != NULL && i < record->subject_count; i++) {
		BD_TRY(keep_pair(spool, false, &record->subject[i], key, diag));
	}
	for (size_t i = 0; spool->pairs != NULL && i < record->other_count; i++) {
		BD_TRY(keep_pair(spool, true, &record->other[i], key, diag));
	}
	return BD_OK;
}

static enum bd_code read_key(struct bd_spool *spool, struct place *place, bool *of_subject,
	struct bd_bytes packed, struct bd_diag *diag)
{
	uint8_t key[BD_NODE_KEY_BYTES];
	struct bd_record record;

	bd_arena_clear(&spool->arena);
	BD_TRY(bd_record_unpack(&record, packed, &spool->arena));
	if (!spool->newest.is_set || bd_order_compare(record.order, spool->newest.order) > 0) {
		spool->newest = (struct bd_stamp){ true, record.order };
	}
	*of_subject = record.is_message_subject;
	if (record.is_message_subject) {
		bd_pairs_free(spool->pairs);
		spool->pairs = NULL;
		return BD_OK;
	}
	if (record.subject_count == 0) {
		return BD_SUBJECT_MISSING;
	}
	BD_TRY(bd_seal_blind(spool->seal, &record.subject[0], key));
	set_key(place, key);
	return keep_pairs(spool, &record, key, diag);
}

static enum bd_code put(struct bd_spool *spool, struct gathering *gathering, struct place place,
	struct bd_bytes record, struct bd_diag *diag)
{
	size_t step = spool->run_count / BD_SPOOL_RUNS_STEP;
	struct place *kept = new_place(gathering);

	if (kept == NULL) {
		return BD_NO_MEMORY;
	}
	place.offset = (uint32_t)gathering->bytes.len;
	place.len = (uint32_t)record.len;
	BD_TRY(bd_buf_add(&gathering->bytes, record));
	*kept = place;
	gathering->count++;
	spool->records++;
	BD_TRY(write_some(spool, WRITE_WITH_EACH, diag));
	if (gathering->bytes.len < spool->run_bytes << step) {
		return BD_OK;
	}
	/* Of a longer one there is no second in memory: the next is gathered where it was. */
	if (gathering->bytes.len > RUN_BESIDE_BYTES) {
		struct gathering shorter;

		BD_TRY(write_run(spool, gathering, diag));
		shorter = *gathering;
		*gathering = spool->full;
		spool->full = shorter;
		return BD_OK;
	}
	BD_TRY(write_some(spool, SIZE_MAX, diag));
	return begin_run(spool, gathering, diag);
}

static enum bd_code add(struct bd_spool *spool, struct bd_bytes record, struct bd_diag *diag)
{
	struct place place = { .number = spool->records };
	bool of_subject = false;

	BD_TRY(read_key(spool, &place, &of_subject, record, diag));
	return put(spool, of_subject ? &spool->of_subject : &spool->gathered, place, record, diag);
}

enum bd_code bd_spool_add(struct bd_spool *spool, struct bd_bytes record, struct bd_diag *diag)
{
	enum bd_code code =
		record.len <= BD_RECORD_MAX_BYTES * 2 ? add(spool, record, diag) : BD_LIMIT_BYTES;

	return code == BD_OK ? BD_OK : bd_fail(diag, code, "spool");
}

enum bd_code bd_spool_put(struct bd_spool *spool, const uint8_t key[BD_NODE_KEY_BYTES],
	uint64_t number, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct place place = { .number = number };
	enum bd_code code = BD_LIMIT_BYTES;

	set_key(&place, key);
	if (bytes.len <= BD_RECORD_MAX_BYTES * 2) {
		code = put(spool, &spool->gathered, place, bytes, diag);
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "spool");
}

/* -- the end -- */

static enum bd_code sync_file(struct bd_spool *spool, struct bd_diag *diag)
{
	return spool->is_scratch || fdatasync(spool->fd) == 0 ? BD_OK : io_fail(diag, errno);
}

/* So few go with the nodes. */
static enum bd_code end_pairs(struct bd_spool *spool, struct bd_diag *diag)
{
	if (!bd_pairs_are_few(spool->pairs)) {
		return bd_pairs_finish(spool->pairs, diag);
	}
	bd_pairs_free(spool->pairs);
	spool->pairs = NULL;
	return BD_OK;
}

enum bd_code bd_spool_finish(struct bd_spool *spool, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (spool->is_finished) {
		return BD_OK;
	}
	if (spool->pairs != NULL) {
		code = end_pairs(spool, diag);
	}
	code = code == BD_OK ? write_run(spool, &spool->gathered, diag) : code;
	code = code == BD_OK ? write_run(spool, &spool->of_subject, diag) : code;
	/* The head, where there was no run. */
	code = code == BD_OK ? flush(spool, diag) : code;
	code = code == BD_OK ? sync_file(spool, diag) : code;
	let_go(spool);
	spool->is_finished = code == BD_OK;
	bd_store_reach(spool->store, "spool.finished");
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "spool");
}

static enum bd_code pack_end(struct bd_spool *spool, struct bd_buf *plain, struct bd_bytes entry)
{
	uint8_t digest[BD_DIGEST_BYTES];

	BD_TRY(bd_sha256_final(spool->sha, digest));
	BD_TRY(bd_buf_add_u64(plain, spool->records));
	BD_TRY(bd_buf_add_u64(plain, spool->blocks));
	BD_TRY(bd_buf_add(plain, (struct bd_bytes){ (const char *)digest, sizeof(digest) }));
	BD_TRY(bd_buf_add_u32(plain, (uint32_t)spool->run_count));
	for (size_t i = 0; i < spool->run_count; i++) {
		const struct bd_spool_run *run = &spool->runs[i];

		BD_TRY(bd_buf_add_u8(plain, run->is_message_subject));
		BD_TRY(bd_buf_add_u64(plain, run->offset));
		BD_TRY(bd_buf_add_u64(plain, run->block));
		BD_TRY(bd_buf_add_u64(plain, run->block_count));
		BD_TRY(bd_buf_add_u64(plain, run->record_count));
	}
	return bd_buf_add_sized(plain, entry);
}

static enum bd_code write_end(
	struct bd_spool *spool, struct bd_buf *plain, struct bd_bytes entry, struct bd_diag *diag)
{
	char room[BD_SPOOL_NAME_BYTES];
	uint64_t begin = spool->written;

	BD_TRY(pack_end(spool, plain, entry));
	BD_TRY(bd_seal_close(spool->seal, &spool->out, spool->salt,
		bd_spool_end_name(room, spool->id, begin), bd_buf_bytes(plain)));
	BD_TRY(bd_buf_add_u64(&spool->out, begin));
	BD_TRY(bd_buf_add_u32(&spool->out, (uint32_t)(plain->len + BD_SEAL_OVERHEAD)));
	BD_TRY(bd_buf_add_text(&spool->out, BD_SPOOL_FOOT));
	return flush(spool, diag);
}

/* The name of a new file is on disk when its folder is. */
static enum bd_code sync_folder(const struct bd_store *store, struct bd_diag *diag)
{
	char path[4200];
	int fd, result, error;

	snprintf(path, sizeof(path), "%s/spool", store->folder);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = fd >= 0 ? fsync(fd) : -1;
	error = errno;
	if (fd >= 0) {
		close(fd);
	}
	return result == 0 ? BD_OK : io_fail(diag, error);
}

enum bd_code bd_spool_seal(struct bd_spool *spool, struct bd_bytes entry, struct bd_diag *diag)
{
	const size_t max = (size_t)BD_MESSAGE_REJECTS_MAX_BYTES * 2;
	struct bd_buf plain;
	enum bd_code code;

	bd_buf_init(&plain, max);
	bd_buf_init(&spool->out, max);
	code = write_end(spool, &plain, entry, diag);
	bd_store_reach(spool->store, "spool.ended");
	code = code == BD_OK ? sync_file(spool, diag) : code;
	code = code == BD_OK && !spool->is_scratch ? sync_folder(spool->store, diag) : code;
	bd_buf_wipe(&plain);
	bd_buf_release(&spool->out);
	if (code != BD_OK) {
		return bd_fail(diag, code, "spool");
	}
	spool->is_sealed = true;
	/* Whoever reads it opens it for that. */
	close(spool->fd);
	spool->fd = -1;
	bd_store_reach(spool->store, "spool.sealed");
	return BD_OK;
}
