/* workday.h - working days 工作日: weekdays, less the public holidays, with the weekend days that
 * are worked instead (调休).
 *
 * Layer: base. The State Council announces each year's holidays at the end of the year before
 * (国务院 办公厅关于部分节假日安排的通知, by 全国年节及纪念日放假办法, State Council Order 795);
 * the table is data, read by config. A year that it does not have is an error, never a guess.
 */
#ifndef BD_BASE_WORKDAY_H
#define BD_BASE_WORKDAY_H

#include "base/diag.h"

/* A day that is not what its weekday says. */
struct bd_workday_change {
	int32_t day; /* base/clock.h */
	bool is_worked;
};

struct bd_calendar {
	const struct bd_workday_change *changes; /* ascending */
	size_t count;
	int first_year, last_year; /* every year of these is there; 0, 0 = none */
};

/* BD_CALENDAR_YEAR when the day's year is not in the calendar. */
enum bd_code bd_workday_is(
	bool *is_worked, const struct bd_calendar *calendar, int32_t day, struct bd_diag *diag);
/* The count-th working day after `day` (which itself does not count: 民法典 第二百零一条); count
 * >= 1. calendar may be NULL: it then has no year. */
enum bd_code bd_workday_add(int32_t *out, const struct bd_calendar *calendar, int32_t day,
	int64_t count, struct bd_diag *diag);
/* Working days after `from` up to and with `until`; 0 where until is not after it. */
enum bd_code bd_workday_count(int64_t *out, const struct bd_calendar *calendar, int32_t from,
	int32_t until, struct bd_diag *diag);

#endif
