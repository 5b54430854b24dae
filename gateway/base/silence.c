#include "base/silence.h"

#include "base/clock.h"
#include "base/limits.h"

#define DAY_MS (INT64_C(86400) * 1000)

static bool is_counted_day(
	int32_t day, const struct bd_quiet *quiet, const struct bd_calendar *calendar)
{
	bool is_worked;

	if (!quiet->is_working_days) {
		return true;
	}
	if (calendar != NULL && bd_workday_is(&is_worked, calendar, day, NULL) == BD_OK) {
		return is_worked;
	}
	/* 1970-01-01 was a Thursday. */
	return (day % 7 + 7 + 3) % 7 < 5;
}

/* The first moment from `at` on that is not closed; or `at`. */
static int64_t open_from(int64_t at, const struct bd_quiet *quiet)
{
	for (size_t i = 0; i < quiet->closed_count; i++) {
		const struct bd_closed *closed = &quiet->closed[i];

		if (closed->from_ms <= at && at < closed->until_ms) {
			/* Another may begin before this one ends. */
			return open_from(closed->until_ms, quiet);
		}
	}
	return at;
}

static int64_t next_closing(int64_t at, int64_t end, const struct bd_quiet *quiet)
{
	for (size_t i = 0; i < quiet->closed_count; i++) {
		if (quiet->closed[i].from_ms > at && quiet->closed[i].from_ms < end) {
			end = quiet->closed[i].from_ms;
		}
	}
	return end;
}

int64_t bd_quiet_until(
	int64_t last_ms, const struct bd_quiet *quiet, const struct bd_calendar *calendar)
{
	int64_t left = quiet->span_ms, at = last_ms, limit = last_ms + BD_QUIET_DAYS_MAX * DAY_MS;

	while (left > 0 && at < limit) {
		int32_t day = bd_day_at(at);
		int64_t end = bd_day_begin_ms(day + 1), part;

		if (!is_counted_day(day, quiet, calendar)) {
			at = end;
			continue;
		}
		part = open_from(at, quiet);
		if (part != at) {
			at = part;
			continue;
		}
		end = next_closing(at, end, quiet);
		part = end - at < left ? end - at : left;
		left -= part;
		at += part;
	}
	return at;
}
