/* test_uploads.c - what is on the disk of an upload: found again after a restart as it was
 * acknowledged, opened by its own keys alone and in its own place alone, gone with its end.
 */
#include "daemon/uploads.h"

#include "store/ring.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795449600000)
#define LAST_BYTES 1000

struct work {
	char folder[64];
	struct bd_ring *ring;
	struct bd_uploads *uploads;
	struct bd_arena arena;
	struct bd_diag diag;
	char id[BD_UPLOAD_ID_BYTES];
	char *part; /* BD_UPLOAD_PART_BYTES of it, all of one kind */
};

static struct bd_ring *ring_of(uint8_t fill)
{
	struct bd_keys keys = { .items = { { .epoch = 1 } }, .count = 1 };
	struct bd_ring *ring = NULL;

	memset(keys.items[0].bytes, fill, sizeof(keys.items[0].bytes));
	assert_int_equal(bd_ring_new(&ring, &keys, BD_SEALING_AES_GCM), BD_OK);
	return ring;
}

static void start(struct work *work)
{
	assert_int_equal(
		bd_uploads_open(&work->uploads, work->folder, work->ring, NOW_MS, &work->diag),
		BD_OK);
}

static void restart(struct work *work)
{
	bd_uploads_close(work->uploads);
	start(work);
}

static struct bd_upload_terms terms(void)
{
	struct bd_upload_terms out = { .source = "social",
		.feed = "packet",
		.length = (uint64_t)2 * BD_UPLOAD_PART_BYTES + LAST_BYTES,
		.delivery = { .day = 20605, .has_total = true, .total = 7, .is_baseline = true },
		.is_atomic = true,
		.charset = "GB18030",
		.key = "key 1" };

	memset(out.sha256, 9, sizeof(out.sha256));
	return out;
}

static int open_work(void **state)
{
	struct work *work = calloc(1, sizeof(*work));
	struct bd_upload_terms asked = terms();

	assert_non_null(work);
	snprintf(work->folder, sizeof(work->folder), "/tmp/bidui-uploads-XXXXXX");
	assert_non_null(mkdtemp(work->folder));
	work->ring = ring_of(7);
	work->part = malloc(BD_UPLOAD_PART_BYTES);
	assert_non_null(work->part);
	for (size_t i = 0; i < BD_UPLOAD_PART_BYTES; i++) {
		work->part[i] = "林示例440311199106159019 "[i % 28];
	}
	bd_arena_init(&work->arena, 1 << 20);
	start(work);
	assert_int_equal(
		bd_uploads_begin(work->id, work->uploads, "sender", &asked, NOW_MS, &work->diag),
		BD_OK);
	*state = work;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int close_work(void **state)
{
	struct work *work = *state;

	bd_uploads_close(work->uploads);
	bd_ring_free(work->ring);
	bd_arena_release(&work->arena);
	nftw(work->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(work->part);
	free(work);
	return 0;
}

static enum bd_code write_part(struct work *work, uint32_t part)
{
	size_t len = part == 3 ? LAST_BYTES : BD_UPLOAD_PART_BYTES;

	work->part[0] = (char)('0' + part);
	return bd_uploads_part_write(work->uploads, work->id, part,
		(struct bd_bytes){ work->part, len }, NOW_MS, &work->diag);
}

static enum bd_code find(struct bd_upload_view *view, struct work *work, const char *sender)
{
	return bd_uploads_find(
		view, work->uploads, bd_bytes_of(work->id), sender, &work->arena, &work->diag);
}

/* What reading a part gives; its first byte in *first. */
static enum bd_code read_part(char *first, struct work *work, uint32_t part)
{
	struct bd_buf out;
	enum bd_code code;

	bd_buf_init(&out, BD_UPLOAD_PART_BYTES + 64);
	code = bd_uploads_read(&out, work->uploads, work->id, part, &work->diag);
	*first = code == BD_OK && out.len > 0 ? out.ptr[0] : '\0';
	bd_buf_release(&out);
	return code;
}

static void path_of(char path[256], const struct work *work, const char *name)
{
	snprintf(path, 256, "%s/uploads/%s/%s", work->folder, work->id, name);
}

static void flip_byte(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 1);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* -- after a restart -- */

static void test_is_found_as_it_was_begun(void **state)
{
	const struct bd_upload_terms asked = terms();
	struct work *work = *state;
	struct bd_upload_view view;

	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	assert_memory_equal(&view.terms, &asked, sizeof(asked));
	assert_int_equal(view.state, BD_UPLOAD_OPEN);
	assert_int_equal(view.parts, 3);
	assert_int_equal(view.parts_here, 0);
	assert_int_equal(find(&view, work, "another"), BD_UPLOAD_UNKNOWN);
}

static void test_parts_that_were_acknowledged_are_there(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char first;

	assert_int_equal(write_part(work, 2), BD_OK);
	assert_int_equal(write_part(work, 3), BD_OK);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	assert_int_equal(view.parts_here, 2);
	assert_int_equal(view.bytes_here, BD_UPLOAD_PART_BYTES + LAST_BYTES);
	assert_int_equal(view.here[0], 6);
	assert_int_equal(read_part(&first, work, 2), BD_OK);
	assert_int_equal(first, '2');
	assert_int_equal(read_part(&first, work, 3), BD_OK);
	assert_int_equal(first, '3');
	/* The same again is good, other bytes are not. */
	assert_int_equal(write_part(work, 2), BD_OK);
	work->part[100] ^= 1;
	assert_int_equal(write_part(work, 2), BD_UPLOAD_CONFLICT);
}

/* -- the same part from several at once -- */

enum { WRITERS = 8 };

struct writing {
	struct work *work;
	pthread_barrier_t *begin;
	char *bytes;
	uint32_t part;
	enum bd_code code;
	struct bd_diag diag;
	pthread_t thread;
};

static void *write_it(void *state)
{
	struct writing *writing = state;
	size_t len = writing->part == 3 ? LAST_BYTES : BD_UPLOAD_PART_BYTES;

	pthread_barrier_wait(writing->begin);
	writing->code = bd_uploads_part_write(writing->work->uploads, writing->work->id,
		writing->part, (struct bd_bytes){ writing->bytes, len }, NOW_MS, &writing->diag);
	return NULL;
}

/* Every second one has other bytes. How many were told that theirs are there. */
static unsigned write_at_once(struct work *work, uint32_t part, char *other)
{
	struct writing all[WRITERS];
	pthread_barrier_t begin;
	unsigned good = 0;
	char first;

	assert_int_equal(pthread_barrier_init(&begin, NULL, WRITERS), 0);
	work->part[0] = 'a';
	other[0] = 'b';
	for (size_t i = 0; i < WRITERS; i++) {
		all[i] = (struct writing){ .work = work,
			.begin = &begin,
			.bytes = i % 2 == 0 ? work->part : other,
			.part = part };
		assert_int_equal(pthread_create(&all[i].thread, NULL, write_it, &all[i]), 0);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(all[i].thread, NULL), 0);
	}
	pthread_barrier_destroy(&begin);
	assert_int_equal(read_part(&first, work, part), BD_OK);
	for (size_t i = 0; i < WRITERS; i++) {
		assert_int_equal(
			all[i].code, all[i].bytes[0] == first ? BD_OK : BD_UPLOAD_CONFLICT);
		good += all[i].code == BD_OK;
	}
	return good;
}

static void test_one_of_several_writes_a_part(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char *other = malloc(BD_UPLOAD_PART_BYTES);

	assert_non_null(other);
	memcpy(other, work->part, BD_UPLOAD_PART_BYTES);
	for (uint32_t part = 1; part <= 3; part++) {
		assert_int_equal(write_at_once(work, part, other), WRITERS / 2);
	}
	free(other);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	assert_int_equal(view.parts_here, 3);
	assert_int_equal(view.bytes_here, view.terms.length);
}

/* A part takes its name when it is whole: a draft, and what is too short, are none. */
static void test_a_part_that_is_not_whole_is_none(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char path[256], draft[264];

	assert_int_equal(write_part(work, 1), BD_OK);
	assert_int_equal(write_part(work, 2), BD_OK);
	path_of(path, work, "part-000001");
	assert_int_equal(truncate(path, 1000), 0);
	path_of(path, work, "part-000002");
	snprintf(draft, sizeof(draft), "%s.new", path);
	assert_int_equal(rename(path, draft), 0);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	assert_int_equal(view.parts_here, 0);
}

static void test_one_that_is_done_stays_done(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char path[256];
	struct stat st;

	for (uint32_t part = 1; part <= 3; part++) {
		assert_int_equal(write_part(work, part), BD_OK);
	}
	assert_int_equal(bd_uploads_complete_begin(&view, work->uploads, bd_bytes_of(work->id),
				 "sender", &work->arena, &work->diag),
		BD_OK);
	bd_uploads_complete_end(work->uploads, work->id, 42, NOW_MS);
	bd_uploads_put_away(work->uploads, work->id);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	assert_int_equal(view.state, BD_UPLOAD_DONE);
	assert_int_equal(view.message, 42);
	path_of(path, work, "part-000001");
	assert_int_not_equal(stat(path, &st), 0);
	/* Without that file it is open again, and its parts are to be sent. */
	path_of(path, work, "done");
	flip_byte(path, 10);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	assert_int_equal(view.state, BD_UPLOAD_OPEN);
}

/* -- other keys, other places -- */

static void test_other_keys_find_nothing(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char path[256];
	struct stat st;

	assert_int_equal(write_part(work, 1), BD_OK);
	bd_uploads_close(work->uploads);
	bd_ring_free(work->ring);
	work->ring = ring_of(8);
	start(work);
	assert_int_equal(find(&view, work, "sender"), BD_UPLOAD_UNKNOWN);
	path_of(path, work, "");
	assert_int_not_equal(stat(path, &st), 0);
}

static void test_a_head_that_was_changed_is_none(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char path[256];

	path_of(path, work, "head");
	flip_byte(path, 60);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_UPLOAD_UNKNOWN);
}

static void test_nothing_can_be_moved(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;
	char path[256], other[256], first;

	assert_int_equal(write_part(work, 1), BD_OK);
	assert_int_equal(write_part(work, 2), BD_OK);
	/* One part in the place of another. */
	path_of(path, work, "part-000001");
	path_of(other, work, "part-000002");
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(read_part(&first, work, 2), BD_STORE_DAMAGED);
	/* All of it under another number. */
	path_of(path, work, "");
	work->id[0] = work->id[0] == 'a' ? 'b' : 'a';
	path_of(other, work, "");
	assert_int_equal(rename(path, other), 0);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_UPLOAD_UNKNOWN);
}

static void test_nothing_stands_there_in_clear(void **state)
{
	static const char *const names[] = { "head", "part-000001" };
	struct work *work = *state;

	assert_int_equal(write_part(work, 1), BD_OK);
	for (size_t i = 0; i < 2; i++) {
		char path[256], *bytes = malloc(BD_UPLOAD_PART_BYTES + 4096);
		size_t len;
		FILE *file;

		path_of(path, work, names[i]);
		file = fopen(path, "r");
		assert_true(file != NULL && bytes != NULL);
		len = fread(bytes, 1, BD_UPLOAD_PART_BYTES + 4096, file);
		assert_true(len > 40);
		assert_null(memmem(bytes, len, "440311199106159019", 18));
		assert_null(memmem(bytes, len, "packet", 6));
		assert_null(memmem(bytes, len, "sender", 6));
		fclose(file);
		free(bytes);
	}
}

static void test_one_that_nobody_goes_on_with_is_removed(void **state)
{
	struct work *work = *state;
	struct bd_upload_view view;

	bd_uploads_sweep(work->uploads, NOW_MS + BD_UPLOAD_KEEP_MS - 1000);
	assert_int_equal(find(&view, work, "sender"), BD_OK);
	bd_uploads_sweep(work->uploads, NOW_MS + BD_UPLOAD_KEEP_MS + 1000);
	assert_int_equal(find(&view, work, "sender"), BD_UPLOAD_UNKNOWN);
	restart(work);
	assert_int_equal(find(&view, work, "sender"), BD_UPLOAD_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_work, close_work)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_is_found_as_it_was_begun),
		TEST(test_parts_that_were_acknowledged_are_there),
		TEST(test_one_of_several_writes_a_part),
		TEST(test_a_part_that_is_not_whole_is_none),
		TEST(test_one_that_is_done_stays_done),
		TEST(test_other_keys_find_nothing),
		TEST(test_a_head_that_was_changed_is_none),
		TEST(test_nothing_can_be_moved),
		TEST(test_nothing_stands_there_in_clear),
		TEST(test_one_that_nobody_goes_on_with_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
