/* test_drops.c - what lies in a drop folder: which file is whole, which is next, what is done to
 * it; and the control totals of a day. */
#include "base/clock.h"
#include "daemon/drop_set.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OWNER 1000
#define USER 2000
#define MAX_BYTES 1000

static const struct bd_feed_plan feeds[] = { { .name = "first" }, { .name = "second" } };
static const struct bd_folder_file files[] = { { "{date}_A", true, &feeds[0] },
	{ "{date}_B", true, &feeds[1] } };

static struct bd_folder_plan plain = { .files = files, .file_count = 2 };
static struct bd_folder_plan marked = { .files = files, .file_count = 2, .done_suffix = ".flag" };
static struct bd_folder_plan counted = { .files = files, .file_count = 2, .totals = "{date}_T" };

/* Names in their order, all alike but for what a test changes. */
static struct bd_drop_list list_of(struct bd_drop_seen *seen, const char *const *names)
{
	struct bd_drop_list list = { .items = seen, .owner = OWNER };

	for (; names[list.count] != NULL; list.count++) {
		seen[list.count] = (struct bd_drop_seen){ .mark = { 1, list.count, 10, 1, 1 },
			.mode = S_IFREG | 0644,
			.owner = OWNER,
			.links = 1 };
		snprintf(seen[list.count].name, sizeof(seen[0].name), "%s", names[list.count]);
	}
	return list;
}

static const struct bd_drop *drop_of(const struct bd_drop_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].seen.name, name) == 0) {
			return &set->items[i];
		}
	}
	fail_msg("%s is not there", name);
	return NULL;
}

static const char *next_of(struct bd_drop_set *set)
{
	int64_t wait;
	struct bd_drop *drop = bd_drop_set_next(set, 0, &wait);

	return drop != NULL ? drop->seen.name : "";
}

static void whole_files_are_next_by_day_and_name(void **state)
{
	static const char *const names[] = { "20260601_B.part", "20260602_A", "20260602_B.txt",
		"20260603_A", "x.pdf", NULL };
	struct bd_drop_set set = { .plan = &plain };
	struct bd_drop_seen seen[8];
	struct bd_drop_list list = list_of(seen, names);
	struct bd_drop_counts counts;

	(void)state;
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_string_equal(next_of(&set), "20260602_A");
	set.items[1].state = BD_DROP_SETTLED;
	assert_string_equal(next_of(&set), "20260602_B.txt");
	assert_int_equal(set.items[2].file, 1);
	set.items[2].state = BD_DROP_SETTLED;
	assert_string_equal(next_of(&set), "20260603_A");
	bd_drop_set_count(&counts, &set);
	assert_int_equal(counts.ready, 1);
	assert_int_equal(drop_of(&set, "x.pdf")->state, BD_DROP_IGNORED);
	/* The same files seen again are as they were; one that was put there anew is not. */
	seen[1].mark.modified_ns++;
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_int_equal(set.items[1].state, BD_DROP_READY);
	assert_int_equal(set.items[2].state, BD_DROP_SETTLED);
	bd_drop_set_release(&set);
}

static void marks_make_whole(void **state)
{
	static const char *const before[] = { "20260601_A", NULL };
	static const char *const after[] = { "20260601_A", "20260601_A.flag", "20260601_B.flag",
		NULL };
	struct bd_drop_set set = { .plan = &marked };
	struct bd_drop_seen seen[8];
	struct bd_drop_list list = list_of(seen, before);

	(void)state;
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_int_equal(set.items[0].state, BD_DROP_INCOMPLETE);
	assert_string_equal(next_of(&set), "");
	list = list_of(seen, after);
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_string_equal(next_of(&set), "20260601_A");
	assert_int_equal(drop_of(&set, "20260601_B.flag")->state, BD_DROP_IGNORED);
	bd_drop_set_release(&set);
}

static void files_await_their_totals(void **state)
{
	static const char *const names[] = { "20260601_A", "20260601_T.txt", "20260602_A", NULL };
	struct bd_drop_set set = { .plan = &counted };
	struct bd_drop_seen seen[8];
	struct bd_drop_list list = list_of(seen, names);
	struct bd_drop_totals *totals = calloc(1, sizeof(*totals));

	(void)state;
	assert_non_null(totals);
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_string_equal(next_of(&set), "20260601_T.txt");
	assert_int_equal(set.items[0].state, BD_DROP_AWAITS);
	*totals = (struct bd_drop_totals){ .day = set.items[1].day, .mark = seen[1].mark };
	snprintf(totals->name, sizeof(totals->name), "%s", "20260601_T.txt");
	set.totals = totals;
	set.items[1].state = BD_DROP_SETTLED;
	assert_string_equal(next_of(&set), "20260601_A");
	assert_int_equal(set.items[2].state, BD_DROP_AWAITS);
	/* When their file is gone, so are they. */
	list.count = 1;
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_null(set.totals);
	assert_string_equal(next_of(&set), "");
	bd_drop_set_release(&set);
}

static void what_must_not_be_read_is_refused(void **state)
{
	static const char *const names[] = { "20260601_A", NULL };
	static const struct {
		uint32_t mode, owner;
		uint64_t links, size;
		enum bd_code code;
	} rows[] = { { S_IFREG, OWNER, 1, 10, BD_OK }, { S_IFREG, USER, 1, 10, BD_OK },
		{ S_IFLNK, OWNER, 1, 10, BD_FOLDER_KIND }, { S_IFIFO, OWNER, 1, 0, BD_FOLDER_KIND },
		{ S_IFSOCK, OWNER, 1, 0, BD_FOLDER_KIND }, { S_IFCHR, OWNER, 1, 0, BD_FOLDER_KIND },
		{ S_IFREG, OWNER, 2, 10, BD_FOLDER_KIND },
		{ S_IFREG, 4711, 1, 10, BD_FOLDER_OWNER }, { S_IFREG, 0, 1, 10, BD_FOLDER_OWNER },
		{ S_IFREG, OWNER, 1, MAX_BYTES + 1, BD_FOLDER_SIZE } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bd_drop_set set = { .plan = &plain };
		struct bd_drop_seen seen[8];
		struct bd_drop_list list = list_of(seen, names);

		seen[0].mode = rows[i].mode;
		seen[0].owner = rows[i].owner;
		seen[0].links = rows[i].links;
		seen[0].mark.size = rows[i].size;
		assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
		assert_int_equal(set.items[0].code, rows[i].code);
		assert_int_equal(set.items[0].state,
			rows[i].code == BD_OK ? BD_DROP_READY : BD_DROP_REFUSED);
		bd_drop_set_release(&set);
	}
}

static void a_name_that_cannot_be_read_is_refused(void **state)
{
	static const char *const names[] = { "\xd5\xc5.txt", NULL };
	struct bd_drop_set set = { .plan = &plain };
	struct bd_drop_seen seen[8];
	struct bd_drop_list list = list_of(seen, names);

	(void)state;
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	assert_int_equal(set.items[0].code, BD_FOLDER_NAME);
	bd_drop_set_release(&set);
}

static void what_fails_is_tried_again_later_and_later(void **state)
{
	static const char *const names[] = { "20260601_A", NULL };
	struct bd_drop_set set = { .plan = &plain };
	struct bd_drop_seen seen[8];
	struct bd_drop_list list = list_of(seen, names);
	int64_t wait;

	(void)state;
	assert_true(bd_drop_set_update(&set, &list, MAX_BYTES, USER));
	bd_drop_put_off(&set.items[0], BD_DISK_FULL, 0);
	assert_null(bd_drop_set_next(&set, 999, &wait));
	assert_int_equal(wait, 1000);
	assert_non_null(bd_drop_set_next(&set, 1000, &wait));
	for (int i = 0; i < 20; i++) {
		bd_drop_put_off(&set.items[0], BD_DISK_FULL, 0);
	}
	assert_int_equal(set.items[0].retry_ms, 60000);
	bd_drop_set_release(&set);
}

/* -- control totals -- */

static enum bd_code read_totals(
	struct bd_totals *out, const char *text, struct bd_arena *arena, struct bd_diag *diag)
{
	bd_diag_clear(diag);
	return bd_totals_read(out, bd_bytes_of(text), arena, diag);
}

static void totals_are_read(void **state)
{
	struct bd_totals totals;
	struct bd_arena arena;
	struct bd_diag diag;

	(void)state;
	bd_arena_init(&arena, 65536);
	assert_int_equal(read_totals(&totals,
				 "\xef\xbb\xbf# 对账\r\n\r\na.txt\t12\tfull\r\nb.txt,0\nc\x01"
				 "7\x01",
				 &arena, &diag),
		BD_OK);
	assert_int_equal(totals.count, 3);
	assert_int_equal(bd_totals_find(&totals, "a.txt")->rows, 12);
	assert_true(bd_totals_find(&totals, "a.txt")->is_full);
	assert_int_equal(bd_totals_find(&totals, "b.txt")->rows, 0);
	assert_int_equal(bd_totals_find(&totals, "c")->rows, 7);
	assert_false(bd_totals_find(&totals, "c")->is_full);
	assert_null(bd_totals_find(&totals, "d"));
	assert_int_equal(bd_totals_count(&totals, BD_TOTAL_AWAITED), 3);
	bd_arena_release(&arena);
}

static void wrong_totals_are_refused_with_the_line(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
	} rows[] = { { "", 0 }, { "# nothing\n", 0 }, { "a.txt", 1 }, { "a.txt\t", 1 },
		{ "a.txt\t-1", 1 }, { "a.txt\t1x", 1 }, { "a.txt\t1\t2", 1 },
		{ "a.txt\t1\tfull\tx", 1 }, { "\t1", 1 }, { "a/b\t1", 1 },
		{ "a.txt\t1\n\nb.txt\tx", 3 }, { "a.txt\t1\na.txt\t1", 0 },
		{ "a.txt\t1234567890123456789", 1 }, { "a\xff\t1", 1 } };
	struct bd_totals totals;
	struct bd_arena arena;
	struct bd_diag diag;

	(void)state;
	bd_arena_init(&arena, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			read_totals(&totals, rows[i].text, &arena, &diag), BD_FOLDER_TOTALS);
		assert_int_equal(diag.place.line, rows[i].line);
	}
	bd_arena_release(&arena);
}

/* -- the files themselves -- */

struct place {
	char root[64], from[80], to[80];
};

static void make_place(struct place *place)
{
	snprintf(place->root, sizeof(place->root), "/tmp/bidui-drops-XXXXXX");
	assert_non_null(mkdtemp(place->root));
	snprintf(place->from, sizeof(place->from), "%s/from", place->root);
	snprintf(place->to, sizeof(place->to), "%s/to", place->root);
	assert_int_equal(mkdir(place->from, 0750), 0);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void remove_place(struct place *place)
{
	static const char *const folders[] = { "from", "to" };
	char path[400];
	struct bd_drop_list list;

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", place->root, folders[i]);
		if (bd_drop_list(&list, path, NULL) == BD_OK) {
			for (size_t k = 0; k < list.count; k++) {
				bd_drop_remove(path, list.items[k].name, "");
			}
			bd_drop_list_release(&list);
			rmdir(path);
		}
	}
	assert_int_equal(rmdir(place->root), 0);
}

static void a_file_is_the_one_that_was_seen_or_not_touched(void **state)
{
	struct bd_drop_list list;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_drop_seen seen;
	struct place place;
	uint8_t digest[BD_DIGEST_BYTES], wanted[BD_DIGEST_BYTES];
	const bool is_over = false;
	char name[BD_FILE_NAME_MAX_BYTES + 1];
	int fd = -1;

	(void)state;
	make_place(&place);
	write_file(place.from, "a", "content");
	assert_int_equal(bd_drop_list(&list, place.from, &diag), BD_OK);
	assert_int_equal(list.count, 1);
	seen = list.items[0];
	bd_drop_list_release(&list);
	assert_int_equal(bd_drop_open(&fd, place.from, &seen, &diag), BD_OK);
	assert_int_equal(bd_drop_digest(digest, fd, &is_over, &diag), BD_OK);
	assert_int_equal(bd_sha256_of(bd_bytes_of("content"), wanted), BD_OK);
	assert_memory_equal(digest, wanted, sizeof(digest));
	close(fd);
	/* Moved, with a name that is taken already. */
	assert_int_equal(bd_drop_choose(name, place.to, "a", &diag), BD_OK);
	assert_int_equal(bd_drop_move(place.from, &seen, place.to, name, &diag), BD_OK);
	assert_true(bd_drop_is_there(place.to, "a", "", 0));
	assert_int_equal(bd_drop_choose(name, place.to, "a", &diag), BD_OK);
	assert_string_equal(name, "a.2");
	/* Another in its place is not touched. */
	write_file(place.from, "a", "another");
	assert_int_equal(bd_drop_open(&fd, place.from, &seen, &diag), BD_FOLDER_CHANGED);
	bd_diag_clear(&diag);
	assert_int_equal(bd_drop_move(place.from, &seen, place.to, name, &diag), BD_FOLDER_CHANGED);
	assert_true(bd_drop_is_there(place.from, "a", "", 0));
	assert_false(bd_drop_is_there(place.to, "a.2", "", 0));
	remove_place(&place);
}

static void nothing_is_written_over(void **state)
{
	struct bd_drop_list list;
	struct bd_diag diag = { .code = BD_OK };
	struct place place;

	(void)state;
	make_place(&place);
	write_file(place.from, "a", "new");
	assert_int_equal(mkdir(place.to, 0750), 0);
	write_file(place.to, "a", "old");
	assert_int_equal(bd_drop_list(&list, place.from, &diag), BD_OK);
	assert_int_equal(
		bd_drop_move(place.from, &list.items[0], place.to, "a", &diag), BD_FOLDER_MOVE);
	assert_true(bd_drop_is_there(place.from, "a", "", 0));
	bd_drop_list_release(&list);
	remove_place(&place);
}

static void a_mark_states_a_digest_or_nothing(void **state)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct place place;
	bool has_one;

	(void)state;
	make_place(&place);
	write_file(place.from, "a.done",
		"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF  a\n");
	bd_drop_stated(digest, &has_one, place.from, "a", ".done");
	assert_true(has_one);
	assert_int_equal(digest[31], 0xff);
	write_file(place.from, "b.done", "");
	bd_drop_stated(digest, &has_one, place.from, "b", ".done");
	assert_false(has_one);
	bd_drop_stated(digest, &has_one, place.from, "c", ".done");
	assert_false(has_one);
	remove_place(&place);
}

static void a_folder_that_everybody_writes_to_is_refused(void **state)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_drop_list list;
	struct place place;

	(void)state;
	make_place(&place);
	assert_int_equal(chmod(place.from, 0777), 0);
	assert_int_equal(bd_drop_list(&list, place.from, &diag), BD_FOLDER_OPEN);
	assert_int_equal(chmod(place.from, 0750), 0);
	bd_diag_clear(&diag);
	assert_int_equal(bd_drop_list(&list, "/nonexistent", &diag), BD_FOLDER_OPEN);
	remove_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_files_are_next_by_day_and_name),
		cmocka_unit_test(marks_make_whole),
		cmocka_unit_test(files_await_their_totals),
		cmocka_unit_test(what_must_not_be_read_is_refused),
		cmocka_unit_test(a_name_that_cannot_be_read_is_refused),
		cmocka_unit_test(what_fails_is_tried_again_later_and_later),
		cmocka_unit_test(totals_are_read),
		cmocka_unit_test(wrong_totals_are_refused_with_the_line),
		cmocka_unit_test(a_file_is_the_one_that_was_seen_or_not_touched),
		cmocka_unit_test(nothing_is_written_over),
		cmocka_unit_test(a_mark_states_a_digest_or_nothing),
		cmocka_unit_test(a_folder_that_everybody_writes_to_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
