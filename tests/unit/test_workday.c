/* test_workday.c - working days over weekends, holidays, worked weekends, and the calendar's edges.
 */
#include "base/clock.h"
#include "base/workday.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int32_t day(const char *text)
{
	int32_t out;

	assert_true(bd_day_parse(&out, bd_bytes_of(text)));
	return out;
}

/* 2026 with a holiday on Thursday, 1 October, and Saturday, 10 October, worked. */
static struct bd_workday_change changes[2];
static const struct bd_calendar *calendar_of_2026(void)
{
	static struct bd_calendar calendar = { changes, 2, 2026, 2026 };

	changes[0] = (struct bd_workday_change){ day("2026-10-01"), false };
	changes[1] = (struct bd_workday_change){ day("2026-10-10"), true };
	return &calendar;
}

static const struct {
	const char *from;
	int64_t count;
	const char *until;
} rows[] = {
	{ "2026-11-26", 1, "2026-11-27" }, /* Thursday to Friday */
	{ "2026-11-27", 1, "2026-11-30" }, /* over a weekend */
	{ "2026-11-28", 1, "2026-11-30" }, /* from a Saturday */
	{ "2026-11-26", 6, "2026-12-04" }, { "2026-09-30", 1, "2026-10-02" }, /* over the holiday */
	{ "2026-10-09", 1, "2026-10-10" }, /* onto the Saturday that is worked */
	{ "2026-10-09", 2, "2026-10-12" },
	{ "2026-12-30", 1, "2026-12-31" }, /* the last day there is */
};

static void added_and_counted(void **state)
{
	const struct bd_calendar *calendar = calendar_of_2026();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t until = 0;
		int64_t count = -1;

		assert_int_equal(
			bd_workday_add(&until, calendar, day(rows[i].from), rows[i].count, NULL),
			BD_OK);
		assert_int_equal(until, day(rows[i].until));
		assert_int_equal(
			bd_workday_count(&count, calendar, day(rows[i].from), until, NULL), BD_OK);
		assert_int_equal(count, rows[i].count);
	}
}

static void nothing_is_left(void **state)
{
	const struct bd_calendar *calendar = calendar_of_2026();
	int64_t count = -1;

	(void)state;
	assert_int_equal(
		bd_workday_count(&count, calendar, day("2026-11-26"), day("2026-11-26"), NULL),
		BD_OK);
	assert_int_equal(count, 0);
	count = -1;
	/* Past it, even where the calendar has no such year: nothing needs to be looked up. */
	assert_int_equal(
		bd_workday_count(&count, calendar, day("2027-02-01"), day("2026-12-31"), NULL),
		BD_OK);
	assert_int_equal(count, 0);
	/* Friday to the Sunday behind it. */
	assert_int_equal(
		bd_workday_count(&count, calendar, day("2026-11-27"), day("2026-11-29"), NULL),
		BD_OK);
	assert_int_equal(count, 0);
}

/* The year ends, and so does what can be said. */
static void a_missing_year_is_an_error(void **state)
{
	const struct bd_calendar *calendar = calendar_of_2026();
	struct bd_diag diag = { .code = BD_OK };
	int64_t count = -1;
	int32_t until = -1;

	(void)state;
	assert_int_equal(
		bd_workday_add(&until, calendar, day("2026-12-31"), 1, &diag), BD_CALENDAR_YEAR);
	assert_string_equal(diag.detail, "2027");
	assert_int_equal(until, -1);
	assert_int_equal(
		bd_workday_count(&count, calendar, day("2026-12-31"), day("2027-01-01"), NULL),
		BD_CALENDAR_YEAR);
	assert_int_equal(
		bd_workday_count(&count, calendar, day("2025-12-30"), day("2026-01-04"), NULL),
		BD_CALENDAR_YEAR);
	assert_int_equal(bd_workday_count(&count, NULL, day("2026-11-26"), day("2026-11-27"), NULL),
		BD_CALENDAR_YEAR);
	assert_int_equal(count, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(added_and_counted),
		cmocka_unit_test(nothing_is_left), cmocka_unit_test(a_missing_year_is_an_error) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
