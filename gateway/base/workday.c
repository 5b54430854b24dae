#include "base/workday.h"

#include "base/clock.h"

/* 1970-01-01 was a Thursday. */
static bool is_weekend(int32_t day)
{
	int32_t weekday = ((day % 7) + 7 + 4) % 7;

	return weekday == 0 || weekday == 6;
}

static const struct bd_workday_change *find(const struct bd_calendar *calendar, int32_t day)
{
	size_t low = 0, high = calendar->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (calendar->changes[middle].day < day) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < calendar->count && calendar->changes[low].day == day ? &calendar->changes[low]
									  : NULL;
}

enum bd_code bd_workday_is(
	bool *is_worked, const struct bd_calendar *calendar, int32_t day, struct bd_diag *diag)
{
	const struct bd_workday_change *change;
	int year, month, dayofmonth;

	bd_day_civil(day, &year, &month, &dayofmonth);
	if (calendar == NULL || year < calendar->first_year || year > calendar->last_year) {
		return bd_fail(diag, BD_CALENDAR_YEAR, "%d", year);
	}
	change = find(calendar, day);
	*is_worked = change != NULL ? change->is_worked : !is_weekend(day);
	return BD_OK;
}

enum bd_code bd_workday_add(int32_t *out, const struct bd_calendar *calendar, int32_t day,
	int64_t count, struct bd_diag *diag)
{
	/* Ends: a calendar ends, and past it every day is an error. */
	while (count > 0) {
		bool is_worked = false;
		enum bd_code code = bd_workday_is(&is_worked, calendar, ++day, diag);

		if (code != BD_OK) {
			return code;
		}
		count -= is_worked;
	}
	*out = day;
	return BD_OK;
}

enum bd_code bd_workday_count(int64_t *out, const struct bd_calendar *calendar, int32_t from,
	int32_t until, struct bd_diag *diag)
{
	int64_t count = 0;

	while (from < until) {
		bool is_worked = false;
		enum bd_code code = bd_workday_is(&is_worked, calendar, ++from, diag);

		if (code != BD_OK) {
			return code;
		}
		count += is_worked;
	}
	*out = count;
	return BD_OK;
}
