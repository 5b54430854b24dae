/* test_silence.c - until when a source may be quiet. */
#include "base/clock.h"
#include "base/silence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static int64_t at(const char *text)
{
	int64_t ms;

	assert_true(bd_time_parse(&ms, bd_bytes_of(text)));
	return ms;
}

static void assert_until(const char *last, const struct bd_quiet *quiet,
	const struct bd_calendar *calendar, const char *until)
{
	char got[30];

	bd_time_format(got, bd_quiet_until(at(last), quiet, calendar));
	assert_string_equal(got, until);
}

static void a_span_runs_from_the_last_message(void **state)
{
	const struct bd_quiet quiet = { .span_ms = 30 * HOUR_MS };

	(void)state;
	assert_until("2026-06-01T10:00:00+08:00", &quiet, NULL, "2026-06-02T16:00:00.000+08:00");
}

/* 2026-06-05 is a Friday. */
static void weekends_and_holidays_do_not_count(void **state)
{
	const struct bd_quiet quiet = { .span_ms = DAY_MS, .is_working_days = true };
	struct bd_workday_change changes[2] = { { .is_worked = false }, { .is_worked = true } };
	const struct bd_calendar calendar = { changes, 2, 2026, 2026 };

	(void)state;
	assert_until("2026-06-05T18:00:00+08:00", &quiet, NULL, "2026-06-08T18:00:00.000+08:00");
	assert_until("2026-06-06T12:00:00+08:00", &quiet, NULL, "2026-06-09T00:00:00.000+08:00");
	/* Monday is a holiday, the Saturday after it is worked. */
	assert_true(bd_day_of(&changes[0].day, 2026, 6, 8));
	assert_true(bd_day_of(&changes[1].day, 2026, 6, 13));
	assert_until(
		"2026-06-05T18:00:00+08:00", &quiet, &calendar, "2026-06-09T18:00:00.000+08:00");
	assert_until(
		"2026-06-12T18:00:00+08:00", &quiet, &calendar, "2026-06-13T18:00:00.000+08:00");
	/* A year that the calendar lacks has weekends alone. */
	assert_until(
		"2027-01-01T18:00:00+08:00", &quiet, &calendar, "2027-01-04T18:00:00.000+08:00");
}

static void closed_times_do_not_count(void **state)
{
	const struct bd_closed closed[] = { { at("2026-06-02T00:00:00+08:00"),
						    at("2026-06-04T00:00:00+08:00") },
		{ at("2026-06-03T12:00:00+08:00"), at("2026-06-04T06:00:00+08:00") },
		{ at("2026-06-04T08:00:00+08:00"), at("2026-06-04T09:00:00+08:00") } };
	const struct bd_quiet quiet = {
		.span_ms = 10 * HOUR_MS, .closed = closed, .closed_count = 3
	};

	(void)state;
	assert_until("2026-06-01T20:00:00+08:00", &quiet, NULL, "2026-06-04T13:00:00.000+08:00");
	assert_until("2026-06-02T10:00:00+08:00", &quiet, NULL, "2026-06-04T17:00:00.000+08:00");
	assert_until("2026-06-05T00:00:00+08:00", &quiet, NULL, "2026-06-05T10:00:00.000+08:00");
}

static void it_is_not_closed_for_ever(void **state)
{
	const struct bd_closed closed = { 0, INT64_MAX };
	const struct bd_quiet quiet = { .span_ms = DAY_MS, .closed = &closed, .closed_count = 1 };

	(void)state;
	assert_true(bd_quiet_until(DAY_MS, &quiet, NULL) > 400 * DAY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_runs_from_the_last_message),
		cmocka_unit_test(weekends_and_holidays_do_not_count),
		cmocka_unit_test(closed_times_do_not_count),
		cmocka_unit_test(it_is_not_closed_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
