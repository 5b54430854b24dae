/* test_pull_progress.c - what comes after a page, what is kept of a pull, and when it runs next. */
#include "daemon/pull.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1780277415120)

static const struct bd_page none = { { "", 0 }, { "", 0 }, false };
static const struct bd_page last = { { "", 0 }, { "", 0 }, true };

static struct bd_pull_progress begun(void)
{
	return (struct bd_pull_progress){ .until_ms = NOW, .page = 1 };
}

static void numbered_pages_end_as_the_form_says(void **state)
{
	struct bd_form form = { .paging = BD_PAGING_NUMBER,
		.last = BD_LAST_EMPTY,
		.first_page = 1,
		.page_size = 10,
		.pages_max = 100 };
	struct bd_pull_progress progress = begun();

	(void)state;
	assert_int_equal(bd_pull_advance(&progress, &form, 3, &last, NOW), BD_PULL_MORE);
	assert_int_equal(progress.page, 2);
	assert_int_equal(progress.until_ms, NOW);
	assert_int_equal(bd_pull_advance(&progress, &form, 0, &none, NOW), BD_PULL_OVER);
	assert_int_equal(progress.until_ms, 0);
	assert_int_equal(progress.ran_ms, NOW);
	form.last = BD_LAST_SHORT;
	progress = begun();
	assert_int_equal(bd_pull_advance(&progress, &form, 10, &last, NOW), BD_PULL_MORE);
	assert_int_equal(bd_pull_advance(&progress, &form, 9, &none, NOW), BD_PULL_OVER);
	form.last = BD_LAST_SAID;
	progress = begun();
	assert_int_equal(bd_pull_advance(&progress, &form, 0, &none, NOW), BD_PULL_MORE);
	assert_int_equal(bd_pull_advance(&progress, &form, 10, &last, NOW), BD_PULL_OVER);
}

static void cursors_end_where_there_is_none(void **state)
{
	const struct bd_form form = {
		.paging = BD_PAGING_CURSOR, .pages_max = 100, .first_page = 1
	};
	const struct bd_page a = { { "a", 1 }, { "", 0 }, false },
			     b = { { "b", 1 }, { "", 0 }, false };
	struct bd_pull_progress progress = begun();

	(void)state;
	assert_int_equal(bd_pull_advance(&progress, &form, 10, &a, NOW), BD_PULL_MORE);
	assert_string_equal(progress.cursor, "a");
	assert_int_equal(bd_pull_advance(&progress, &form, 10, &b, NOW), BD_PULL_MORE);
	assert_string_equal(progress.cursor, "b");
	/* The same again would go on for ever. */
	assert_int_equal(bd_pull_advance(&progress, &form, 10, &b, NOW), BD_PULL_STUCK);
	assert_int_equal(bd_pull_advance(&progress, &form, 10, &none, NOW), BD_PULL_OVER);
	assert_string_equal(progress.cursor, "");
}

static void no_more_pages_than_there_may_be(void **state)
{
	const struct bd_form form = {
		.paging = BD_PAGING_NUMBER, .last = BD_LAST_EMPTY, .first_page = 0, .pages_max = 3
	};
	struct bd_pull_progress progress = { .until_ms = NOW };

	(void)state;
	assert_int_equal(bd_pull_advance(&progress, &form, 1, &none, NOW), BD_PULL_MORE);
	assert_int_equal(bd_pull_advance(&progress, &form, 1, &none, NOW), BD_PULL_MORE);
	assert_int_equal(bd_pull_advance(&progress, &form, 1, &none, NOW), BD_PULL_STUCK);
}

static void the_next_begins_where_this_one_was_begun(void **state)
{
	const struct bd_form by_time = { .is_windowed = true };
	const struct bd_form by_message = { .is_marked_by_message = true };
	const struct bd_page marked = { { "", 0 }, { "seq 17", 6 }, true };
	struct bd_pull_progress progress = begun();
	int64_t ms;

	(void)state;
	assert_int_equal(bd_pull_advance(&progress, &by_time, 1, &none, NOW + 5000), BD_PULL_OVER);
	assert_true(bd_form_time_read(&ms, bd_bytes_of(progress.since)));
	assert_int_equal(ms, NOW);
	progress = begun();
	bd_pull_advance(&progress, &by_message, 1, &marked, NOW);
	assert_string_equal(progress.since, "seq 17");
	/* One that says nothing leaves the mark where it was. */
	progress.until_ms = NOW;
	bd_pull_advance(&progress, &by_message, 1, &none, NOW);
	assert_string_equal(progress.since, "seq 17");
}

static void it_reads_back_as_it_was_kept(void **state)
{
	struct bd_pull_progress progress = { .since = "20260601093015120",
		.until_ms = NOW,
		.page = 7,
		.cursor = "a=b&c",
		.etag = "\"x\"",
		.last_modified = "Mon, 01 Jun 2026 01:30:15 GMT",
		.ran_ms = NOW - 1 };
	struct bd_pull_progress again;
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, BD_PULL_PROGRESS_MAX_BYTES);
	assert_true(bd_pull_progress_write(&text, &progress));
	bd_pull_progress_read(&again, bd_buf_bytes(&text));
	assert_memory_equal(&again, &progress, sizeof(again));
	strcpy(progress.cursor, "a\nran=9");
	bd_buf_clear(&text);
	assert_false(bd_pull_progress_write(&text, &progress));
	bd_pull_progress_read(&again, bd_bytes_of("what=is this\n=\n\nsince"));
	assert_int_equal(again.until_ms, 0);
	bd_buf_release(&text);
}

static void it_runs_when_it_is_due(void **state)
{
	const struct bd_pull_plan every = { .every_ms = 900000, .at_minute = -1 };
	const struct bd_pull_plan daily = { .at_minute = 150 };
	const int64_t midnight = bd_day_begin_ms(bd_day_at(NOW)),
		      half_past_two = midnight + 9000000;

	(void)state;
	assert_int_equal(bd_pull_due(&every, 0, NOW), NOW);
	assert_int_equal(bd_pull_due(&every, NOW - 1000, NOW), NOW + 899000);
	assert_true(bd_pull_due(&every, NOW - 1000000, NOW) <= NOW);
	assert_int_equal(bd_pull_due(&every, NOW + 86400000, NOW), NOW);
	assert_int_equal(bd_pull_due(&daily, 0, NOW), NOW);
	/* What was missed is made up for. */
	assert_int_equal(bd_pull_due(&daily, half_past_two - 1000, NOW), NOW);
	assert_int_equal(bd_pull_due(&daily, half_past_two, NOW), half_past_two + 86400000);
	assert_int_equal(
		bd_pull_due(&daily, half_past_two - 80000000, midnight + 1), half_past_two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbered_pages_end_as_the_form_says),
		cmocka_unit_test(cursors_end_where_there_is_none),
		cmocka_unit_test(no_more_pages_than_there_may_be),
		cmocka_unit_test(the_next_begins_where_this_one_was_begun),
		cmocka_unit_test(it_reads_back_as_it_was_kept),
		cmocka_unit_test(it_runs_when_it_is_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
