/* test_clock.c - days and times, every day of the calendar; and the forms that are not read. */
#include "base/clock.h"

#include "rows.h"

static void every_day_comes_back(void **state)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int32_t expected = -719162, day; /* 0001-01-01 */
	char text[11], plain[16];

	(void)state;
	for (int year = 1; year <= 9999; year++) {
		bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (int month = 1; month <= 12; month++) {
			int last = lengths[month - 1] + (month == 2 && is_leap);
			int y, m, d;

			for (int at = 1; at <= last; at++, expected++) {
				assert_true(bd_day_of(&day, year, month, at));
				assert_int_equal(day, expected);
				bd_day_civil(day, &y, &m, &d);
				assert_true(y == year && m == month && d == at);
			}
			assert_false(bd_day_of(&day, year, month, last + 1));
			assert_false(bd_day_of(&day, year, month, 0));
			bd_day_format(text, expected - 1);
			snprintf(plain, sizeof(plain), "%04d-%02d-%02d", year, month, last);
			assert_string_equal(text, plain);
			assert_true(bd_day_parse(&day, bd_bytes_of(text)));
			assert_int_equal(day, expected - 1);
		}
	}
	assert_false(bd_day_of(&day, 0, 1, 1) || bd_day_of(&day, 10000, 1, 1) ||
		     bd_day_of(&day, 2026, 0, 1) || bd_day_of(&day, 2026, 13, 1) ||
		     bd_day_of(&day, 2026, -1, 1));
	assert_true(bd_day_of(&day, 1970, 1, 1));
	assert_int_equal(day, 0);
}

static void answer_time(struct bd_buf *out, const struct row *row)
{
	int64_t ms;
	int32_t day;
	char text[30];

	if (row_is(row, 0, "day")) {
		if (bd_day_parse(&day, row_column(row, 1))) {
			bd_buf_printf(out, "%d", (int)day);
			return;
		}
	} else if (bd_time_parse(&ms, row_column(row, 1))) {
		bd_time_format(text, ms);
		bd_buf_printf(out, "%lld %s", (long long)ms, text);
		return;
	}
	bd_buf_add_text(out, "-");
}

static void each_time_is_read_as_the_table_says(void **state)
{
	(void)state;
	check_rows("base/clock.tsv", answer_time);
}

/* A day begins at 00:00 at +08:00 and ends a millisecond before the next. */
static void a_day_has_its_first_and_last_moment(void **state)
{
	static const int32_t days[] = { -719162, -1, 0, 1, 20605, 2932896 };

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		int64_t begin = bd_day_begin_ms(days[i]);

		assert_int_equal(bd_day_at(begin), days[i]);
		assert_int_equal(bd_day_at(begin - 1), days[i] - 1);
		assert_int_equal(bd_day_at(begin + 86399999), days[i]);
		assert_int_equal(bd_day_at(begin + 86400000), days[i] + 1);
	}
}

static void a_clock_goes_on(void **state)
{
	int64_t ms = bd_clock_monotonic_ms(), us = bd_clock_monotonic_us();

	(void)state;
	assert_true(us >= ms * 1000 && bd_clock_monotonic_ms() >= ms);
	/* After this was written. */
	assert_true(bd_clock_wall_ms() > INT64_C(1700000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_comes_back),
		cmocka_unit_test(each_time_is_read_as_the_table_says),
		cmocka_unit_test(a_day_has_its_first_and_last_moment),
		cmocka_unit_test(a_clock_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
