/* test_repeats.c - the first answer of a key, for 24 hours, over restarts and torn files. */
#include "base/clock.h"
#include "daemon/repeats.h"
#include "store/ring.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1780277400000) /* 2026-06-01T09:30:00+08:00 */
#define HOUR (INT64_C(3600) * 1000)

static const struct bd_ring ring = { .keys = { .items = { { 1, { 1, 2, 3 } } }, .count = 1 },
	.target = 1 };
static char folder[256];
static struct bd_repeats *repeats;
static struct bd_arena arena;

static void open_at(int64_t now_ms)
{
	assert_int_equal(bd_repeats_open(&repeats, folder, &ring, true, now_ms, NULL), BD_OK);
}

static void close_all(void)
{
	bd_repeats_close(repeats);
	repeats = NULL;
}

static int set_up(void **state)
{
	const char *top = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/bdrepeats.XXXXXX", top != NULL ? top : "/tmp");
	assert_non_null(mkdtemp(folder));
	bd_arena_init(&arena, 1 << 24);
	open_at(NOW);
	return 0;
}

static int tear_down(void **state)
{
	DIR *dir;
	const struct dirent *entry;

	(void)state;
	bd_repeats_close(repeats);
	bd_arena_release(&arena);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
		}
	}
	closedir(dir);
	return rmdir(folder);
}

static struct bd_repeat repeat_of(unsigned number, unsigned body)
{
	struct bd_repeat repeat;
	char text[32];

	snprintf(text, sizeof(text), "key %u", number);
	assert_int_equal(bd_sha256_of(bd_bytes_of(text), repeat.key), BD_OK);
	snprintf(text, sizeof(text), "body %u", body);
	assert_int_equal(bd_sha256_of(bd_bytes_of(text), repeat.body), BD_OK);
	return repeat;
}

static enum bd_repeat_state begin(unsigned number, unsigned body, int64_t now_ms)
{
	struct bd_repeat repeat = repeat_of(number, body);
	enum bd_repeat_state state = BD_REPEAT_NEW;
	struct bd_bytes receipt = { NULL, 0 }, answer = { NULL, 0 };
	char wanted[64];

	bd_arena_clear(&arena);
	assert_int_equal(
		bd_repeats_begin(&state, &receipt, &answer, repeats, &repeat, now_ms, &arena, NULL),
		BD_OK);
	if (state == BD_REPEAT_SAME) {
		snprintf(wanted, sizeof(wanted), "receipt %u", number);
		assert_true(bd_bytes_is(receipt, wanted));
		snprintf(wanted, sizeof(wanted), "{\"answer\":%u}", number);
		assert_true(bd_bytes_is(answer, wanted));
	}
	return state;
}

static void keep(unsigned number, unsigned body, int64_t now_ms)
{
	struct bd_repeat repeat = repeat_of(number, body);
	char receipt[64], answer[64];

	snprintf(receipt, sizeof(receipt), "receipt %u", number);
	snprintf(answer, sizeof(answer), "{\"answer\":%u}", number);
	assert_int_equal(
		bd_repeats_keep(repeats, &repeat, receipt, bd_bytes_of(answer), now_ms, NULL),
		BD_OK);
}

static void add(unsigned number, int64_t now_ms)
{
	assert_int_equal(begin(number, 1, now_ms), BD_REPEAT_NEW);
	keep(number, 1, now_ms);
}

static void the_first_answer_is_given_again(void **state)
{
	struct bd_repeat repeat = repeat_of(1, 1);

	(void)state;
	assert_int_equal(begin(1, 1, NOW), BD_REPEAT_NEW);
	assert_int_equal(begin(1, 1, NOW), BD_REPEAT_RUNNING);
	assert_int_equal(begin(1, 2, NOW), BD_REPEAT_DIFFERS);
	keep(1, 1, NOW);
	assert_int_equal(begin(1, 1, NOW + HOUR), BD_REPEAT_SAME);
	assert_int_equal(begin(1, 2, NOW + HOUR), BD_REPEAT_DIFFERS);
	assert_int_equal(begin(2, 1, NOW), BD_REPEAT_NEW);
	repeat = repeat_of(2, 1);
	bd_repeats_forget(repeats, &repeat);
	assert_int_equal(begin(2, 2, NOW), BD_REPEAT_NEW);
	/* What is kept is not forgotten by a mistake. */
	repeat = repeat_of(1, 1);
	bd_repeats_forget(repeats, &repeat);
	assert_int_equal(begin(1, 1, NOW), BD_REPEAT_SAME);
}

static void it_outlives_a_restart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		add(i, NOW + i);
	}
	assert_int_equal(begin(60, 1, NOW), BD_REPEAT_NEW); /* killed while it ran */
	close_all();
	open_at(NOW + HOUR);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(begin(i, 1, NOW + HOUR), BD_REPEAT_SAME);
	}
	assert_int_equal(begin(60, 1, NOW + HOUR), BD_REPEAT_NEW);
}

static bool has_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* For 24 hours, also past midnight, and no longer; then its file goes. */
static void it_is_kept_a_day(void **state)
{
	(void)state;
	add(1, NOW);
	assert_int_equal(begin(1, 1, NOW + 24 * HOUR - 1), BD_REPEAT_SAME);
	add(2, NOW + 20 * HOUR); /* the day after */
	close_all();
	open_at(NOW + 23 * HOUR);
	assert_int_equal(begin(1, 1, NOW + 24 * HOUR - 1), BD_REPEAT_SAME);
	assert_int_equal(begin(1, 2, NOW + 24 * HOUR), BD_REPEAT_NEW);
	keep(1, 2, NOW + 24 * HOUR);
	assert_int_equal(begin(2, 1, NOW + 24 * HOUR), BD_REPEAT_SAME);
	assert_true(has_file("2026-06-01") && has_file("2026-06-02"));
	add(3, NOW + 40 * HOUR);
	assert_true(has_file("2026-06-02") && has_file("2026-06-03"));
	assert_false(has_file("2026-06-01"));
	close_all();
	open_at(NOW + 90 * HOUR);
	assert_false(has_file("2026-06-02") || has_file("2026-06-03"));
	assert_int_equal(begin(3, 1, NOW + 90 * HOUR), BD_REPEAT_NEW);
}

/* The file cut at every byte of its last record: the ones before stay, and it goes on from there.
 */
static void torn_file_goes_on(void **state)
{
	char path[512], bytes[4096];
	struct stat whole, less;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/2026-06-01", folder);
	add(1, NOW);
	assert_int_equal(stat(path, &less), 0);
	add(2, NOW);
	assert_int_equal(stat(path, &whole), 0);
	close_all();
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), whole.st_size);
	close(fd);
	for (off_t len = less.st_size; len < whole.st_size; len++) {
		fd = open(path, O_WRONLY | O_TRUNC);
		assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
		close(fd);
		open_at(NOW);
		assert_int_equal(begin(1, 1, NOW), BD_REPEAT_SAME);
		assert_int_equal(begin(2, 1, NOW), BD_REPEAT_NEW);
		keep(2, 1, NOW);
		close_all();
		open_at(NOW);
		assert_int_equal(begin(2, 1, NOW), BD_REPEAT_SAME);
		close_all();
	}
}

/* Sealed: nothing in clear, and what was changed, or moved to another key, is not given. */
static void it_is_sealed(void **state)
{
	struct bd_repeat repeat = repeat_of(1, 1);
	enum bd_repeat_state found;
	struct bd_bytes receipt, answer;
	char path[512], bytes[4096];
	ssize_t len;
	int fd;

	(void)state;
	add(1, NOW);
	close_all();
	snprintf(path, sizeof(path), "%s/2026-06-01", folder);
	fd = open(path, O_RDWR);
	len = pread(fd, bytes, sizeof(bytes), 0);
	assert_true(len > 44);
	assert_null(memmem(bytes, (size_t)len, "answer", 6));
	for (ssize_t at = 4; at < len; at++) {
		enum bd_code code;

		bytes[at] ^= 1;
		assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
		bytes[at] ^= 1;
		open_at(NOW);
		code = bd_repeats_begin(
			&found, &receipt, &answer, repeats, &repeat, NOW, &arena, NULL);
		/* Under a changed key it is not found; with a changed body digest it differs. */
		assert_true(code == BD_STORE_DAMAGED || (code == BD_OK && found != BD_REPEAT_SAME));
		close_all();
	}
	close(fd);
}

/* Keys that meet in the table, and leave it from between others. */
static void many_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(begin(i, 1, NOW), BD_REPEAT_NEW);
	}
	for (unsigned i = 0; i < 3000; i += 3) {
		struct bd_repeat repeat = repeat_of(i, 1);

		bd_repeats_forget(repeats, &repeat);
	}
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(begin(i, 1, NOW), i % 3 == 0 ? BD_REPEAT_NEW : BD_REPEAT_RUNNING);
	}
}

static void another_key_opens_nothing(void **state)
{
	static const struct bd_ring other = { .keys = { .items = { { 1, { 9 } } }, .count = 1 },
		.target = 1 };
	struct bd_repeat repeat = repeat_of(1, 1);
	enum bd_repeat_state found;
	struct bd_bytes receipt, answer;

	(void)state;
	add(1, NOW);
	close_all();
	assert_int_equal(bd_repeats_open(&repeats, folder, &other, false, NOW, NULL), BD_OK);
	assert_int_equal(
		bd_repeats_begin(&found, &receipt, &answer, repeats, &repeat, NOW, &arena, NULL),
		BD_STORE_DAMAGED);
}

/* -- erased -- */

static bool is_odd(void *state, struct bd_bytes receipt)
{
	++*(size_t *)state;
	return (receipt.ptr[receipt.len - 1] - '0') % 2 == 1;
}

/* Do the bytes of some record of the file end in zeroes where a sealed one stood? */
static size_t count_zeroes(int64_t now_ms)
{
	char day[11], path[300], bytes[4096];
	size_t len, zeroes = 0;
	FILE *in;

	bd_day_format(day, bd_day_at(now_ms));
	snprintf(path, sizeof(path), "%s/%s", folder, day);
	in = fopen(path, "r");
	assert_non_null(in);
	len = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	for (size_t i = 0; i < len; i++) {
		zeroes += bytes[i] == '\0';
	}
	return zeroes;
}

/* Of five answers those of erased cases are gone, on the disk and for who asks again; the others
 * are what they were, over a restart too. */
static void erased(void **state)
{
	size_t asked = 0;
	const struct bd_repeats_judge judge = { is_odd, &asked };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(begin(i, i, NOW), BD_REPEAT_NEW);
		keep(i, i, NOW);
	}
	assert_true(count_zeroes(NOW) < 60);
	assert_int_equal(bd_repeats_erase(repeats, &judge, NULL), BD_OK);
	assert_int_equal(asked, 5);
	assert_true(count_zeroes(NOW) > 80);
	for (int restarts = 0; restarts < 2; restarts++) {
		for (unsigned i = 0; i < 5; i += 2) {
			assert_int_equal(begin(i, i, NOW + 1), BD_REPEAT_SAME);
		}
		close_all();
		open_at(NOW + 1);
	}
	for (unsigned i = 1; i < 5; i += 2) {
		assert_int_equal(begin(i, i, NOW + 2), BD_REPEAT_NEW);
		keep(i, i, NOW + 2);
	}
	asked = 0;
	assert_int_equal(bd_repeats_erase(repeats, &judge, NULL), BD_OK);
	assert_int_equal(asked, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_answer_is_given_again),
		TEST(it_outlives_a_restart),
		TEST(it_is_kept_a_day),
		TEST(torn_file_goes_on),
		TEST(it_is_sealed),
		TEST(many_keys),
		TEST(another_key_opens_nothing),
		TEST(erased),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
