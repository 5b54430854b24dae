/* test_trail_faults.c - a full disk, a sync that fails, and each call of the system failing once:
 * nothing that was acknowledged is lost, nothing that failed is acknowledged. */
#include "trail_support.h"

#include "trail/segment.h"

#include <errno.h>

/* What the next calls do; the linker puts these in the place of libc's. */
static struct {
	long until; /* calls that still succeed; -1 = all */
	int error;
	bool is_disk_full; /* no more space is given, what is allocated can be written */
	unsigned long calls, folder_syncs;
} fault = { .until = -1 };

static bool fails(void)
{
	fault.calls++;
	if (fault.until < 0 || fault.until-- > 0) {
		return false;
	}
	errno = fault.error;
	return true;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	if (fails()) {
		/* Half of it had come to the disk. */
		int error = errno;

		if (__real_pwrite(fd, bytes, len / 2, offset) < 0) {
			abort();
		}
		errno = error;
		return -1;
	}
	return __real_pwrite(fd, bytes, len, offset);
}

ssize_t __real_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset)
{
	return fails() ? -1 : __real_pread(fd, bytes, len, offset);
}

int __real_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (fault.is_disk_full) {
		errno = ENOSPC;
		return -1;
	}
	return fails() ? -1 : __real_fallocate(fd, mode, offset, len);
}

#define WRAP_FD(name)                                                                              \
	int __real_##name(int fd);                                                                 \
	int __wrap_##name(int fd);                                                                 \
	int __wrap_##name(int fd)                                                                  \
	{                                                                                          \
		return fails() ? -1 : __real_##name(fd);                                           \
	}
WRAP_FD(fdatasync)

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	fault.folder_syncs++;
	return fails() ? -1 : __real_fsync(fd);
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
	return fails() ? -1 : __real_ftruncate(fd, len);
}

static void no_fault(void)
{
	fault.until = -1;
	fault.is_disk_full = false;
}

/* Entries of 200 bytes and their frames, in a segment of 8,192. */
#define IN_A_SEGMENT ((8192 - 64) / 272)

/* Reads go on until the reserve is spent, then nothing; with space all is well again. */
static void full_disk(void **state)
{
	struct bd_trail *trail = open_trail(2, 8192);
	struct bd_trail_id id;
	unsigned taken = 0, refused = 0;
	bool has_more;

	(void)state;
	fault.is_disk_full = true;
	assert_false(bd_trail_is_low(trail));
	for (int64_t i = 0; i < 1000 && refused < 20; i++) {
		enum bd_code code = try_enter(&id, trail, 0, NOW + i, 200);

		assert_true(code == BD_OK || code == BD_TRAIL_UNAVAILABLE);
		taken += code == BD_OK;
		refused += code != BD_OK;
		if (i % 10 == 0) {
			assert_int_equal(bd_trail_sign(trail, NOW + i, &has_more, NULL), BD_OK);
			make_ready(trail);
		}
	}
	/* The segment that is written and the spares. */
	assert_int_equal(taken, (1 + BD_TRAIL_SPARES) * IN_A_SEGMENT);
	assert_true(bd_trail_is_low(trail));
	assert_false(bd_trail_has_failed(trail));
	/* The other loop still has its own. */
	enter(trail, 1, NOW + 5000, 200);
	fault.is_disk_full = false;
	assert_int_equal(make_ready(trail), BD_OK);
	assert_false(bd_trail_is_low(trail));
	enter(trail, 0, NOW + 5000, 200);
	assert_int_equal(bd_trail_close(trail, NOW + 6000, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, taken + 2);
}

/* What makes segments ready asks nothing of the disk but space: who signs may be waiting for it. */
static void stages_without_the_disk(void **state)
{
	struct bd_trail *trail = open_trail(1, 8192);
	struct bd_trail_id id;
	int64_t i = 0;

	(void)state;
	for (; i < (1 + BD_TRAIL_SPARES) * IN_A_SEGMENT; i++) {
		enter(trail, 0, NOW + i, 200);
	}
	assert_int_equal(try_enter(&id, trail, 0, NOW + i, 200), BD_TRAIL_UNAVAILABLE);
	fault = (typeof(fault)){ .until = BD_TRAIL_SPARES, .error = EIO };
	assert_int_equal(bd_trail_stage(trail, NULL), BD_OK);
	assert_int_equal(fault.until, 0);
	no_fault();
	enter(trail, 0, NOW + i, 200);
	assert_int_equal(bd_trail_close(trail, NOW + i, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, i + 1);
}

/* So far ahead of the disk, and not further; once it has caught up it goes on. */
static void goes_ahead_of_the_disk(void **state)
{
	struct bd_trail *trail = open_trail(1, 8192);
	struct bd_trail_id id;
	struct bd_diag diag = { .code = BD_OK };
	int64_t i = 0;

	(void)state;
	while (try_enter(&id, trail, 0, NOW + i, 200) == BD_OK) {
		assert_int_equal(bd_trail_stage(trail, NULL), BD_OK);
		i++;
	}
	assert_int_equal(i, (1 + BD_TRAIL_UNSYNCED_MAX) * IN_A_SEGMENT);
	assert_int_equal(
		bd_trail_next(&id, bd_trail_log(trail, 0), 300, &diag), BD_TRAIL_UNAVAILABLE);
	assert_string_equal(diag.detail, "the disk is segments behind");
	assert_int_equal(bd_trail_sync(trail, NULL), BD_OK);
	assert_int_equal(bd_trail_synced(bd_trail_log(trail, 0)), i);
	enter(trail, 0, NOW + i, 200);
	assert_int_equal(bd_trail_close(trail, NOW + i, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, i + 1);
}

/* An entry is not synced before the name of its segment is. */
static void names_are_synced(void **state)
{
	struct bd_trail *trail = open_trail(1, 8192);
	int64_t i = 0;

	(void)state;
	enter(trail, 0, NOW, 200);
	assert_int_equal(bd_trail_sync(trail, NULL), BD_OK);
	fault.folder_syncs = 0;
	for (i = 1; i < IN_A_SEGMENT; i++) {
		enter(trail, 0, NOW + i, 200);
		assert_int_equal(bd_trail_sync(trail, NULL), BD_OK);
	}
	assert_int_equal(fault.folder_syncs, 0);
	enter(trail, 0, NOW + i, 200);
	assert_int_equal(bd_trail_sync(trail, NULL), BD_OK);
	assert_int_equal(fault.folder_syncs, 1);
	enter(trail, 0, NOW + i, 200);
	assert_int_equal(bd_trail_sync(trail, NULL), BD_OK);
	assert_int_equal(fault.folder_syncs, 1);
	assert_int_equal(bd_trail_close(trail, NOW + i, NULL), BD_OK);
}

/* A write for which there was no space after all: refused, and room made for the next. */
static void write_without_space(void **state)
{
	struct bd_trail *trail = open_trail(1, 8192);
	struct bd_trail_id id;
	struct kept kept;

	(void)state;
	enter(trail, 0, NOW, 100);
	fault = (typeof(fault)){ .until = 0, .error = ENOSPC };
	assert_int_equal(try_enter(&id, trail, 0, NOW + 1, 900), BD_TRAIL_UNAVAILABLE);
	no_fault();
	assert_false(bd_trail_has_failed(trail));
	enter(trail, 0, NOW + 2, 50);
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW + 3, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 2);
	/* Killed instead: nothing of the failed write stands behind the last entry. */
	put_folder(&kept);
	assert_int_equal(must_verify().unsigned_entries, 2);
	free_kept(&kept);
}

/* A failed sync is final: no retry says that what was lost is there. */
static void failed_sync_is_final(void **state)
{
	struct bd_trail *trail = open_trail(1, 8192);
	struct bd_trail_id id;
	bool has_more;

	(void)state;
	enter(trail, 0, NOW, 100);
	fault = (typeof(fault)){ .until = 0, .error = EIO };
	assert_int_equal(bd_trail_sync(trail, NULL), BD_IO);
	no_fault();
	assert_true(bd_trail_has_failed(trail));
	assert_int_equal(bd_trail_synced(bd_trail_log(trail, 0)), 0);
	assert_int_equal(bd_trail_sync(trail, NULL), BD_TRAIL_UNAVAILABLE);
	assert_int_equal(bd_trail_sign(trail, NOW, &has_more, NULL), BD_TRAIL_UNAVAILABLE);
	assert_int_equal(try_enter(&id, trail, 0, NOW, 100), BD_TRAIL_UNAVAILABLE);
	assert_int_not_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	trail = open_trail(1, 8192);
	enter(trail, 0, NOW, 100);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 2);
}

/* One life of a trail; how many entries were acknowledged before something failed. */
static size_t live(struct bd_trail_id made[], int64_t time_ms)
{
	struct bd_trail_settings settings = settings_of(2, 4096);
	struct bd_trail_found found;
	struct bd_trail *trail = NULL;
	size_t count = 0;
	bool has_more;

	settings.heads_per_file = 3;
	if (bd_trail_open(&trail, &found, &settings, NULL) != BD_OK) {
		return 0;
	}
	for (size_t i = 0; i < 24; i++) {
		if (try_enter(&made[count], trail, i % 2, time_ms + (int64_t)i, 300) == BD_OK) {
			count++;
		}
		if (i % 4 == 3) {
			bd_trail_sign(trail, time_ms + (int64_t)i, &has_more, NULL);
			make_ready(trail);
		}
	}
	bd_trail_close(trail, time_ms + 30, NULL);
	return count;
}

/* Each call fails once, with each error: the trail opens again, has what was acknowledged, in
 * order, and passes the check. */
static void each_call_fails_once(void **state)
{
	static const int errors[] = { EIO, ENOSPC };
	struct bd_trail_id made[64];
	unsigned long calls;

	(void)state;
	fault.calls = 0;
	assert_int_equal(live(made, NOW), 24);
	calls = fault.calls;
	assert_true(calls > 100);
	for (size_t e = 0; e < 2; e++) {
		for (unsigned long n = 0; n < calls; n++) {
			struct bd_trail *trail;
			struct bd_arena arena;
			size_t count;

			empty_folder(folder);
			fault = (typeof(fault)){ .until = (long)n, .error = errors[e] };
			count = live(made, NOW);
			/* It fails once, and not again behind it. */
			no_fault();
			trail = open_trail(2, 4096);
			bd_arena_init(&arena, 1 << 20);
			for (size_t i = 0; i < count; i++) {
				struct bd_trail_entry entry;

				assert_int_equal(
					bd_trail_read(&entry, NULL, trail, &made[i], &arena, NULL),
					BD_OK);
			}
			bd_arena_release(&arena);
			enter(trail, 0, NOW + 100, 50);
			assert_int_equal(bd_trail_close(trail, NOW + 100, NULL), BD_OK);
			assert_true(must_verify().leaves >= count + 1);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_folder, tear_down_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(full_disk),
		TEST(stages_without_the_disk),
		TEST(goes_ahead_of_the_disk),
		TEST(names_are_synced),
		TEST(write_without_space),
		TEST(failed_sync_is_final),
		TEST(each_call_fails_once),
	};
	return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
