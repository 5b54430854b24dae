/* calendar.h - reads schemas/calendar/holidays.tsv into the calendar of base/workday.h.
 *
 * Layer: config. Columns, separated by tabs: day (yyyy-MM-dd), kind (off = a holiday on a weekday
 * or weekend, work = a weekend day that is worked), name. Ascending, each day once. A year is there
 * when it has a line; the years are without a gap.
 */
#ifndef BD_CONFIG_CALENDAR_H
#define BD_CONFIG_CALENDAR_H

#include "base/arena.h"
#include "base/workday.h"
#include "config/diags.h"

/* Lives in the arena. Every error is told with its line. */
enum bd_code bd_config_calendar(const struct bd_calendar **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags);

#endif
