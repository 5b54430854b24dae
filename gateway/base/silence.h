/* silence.h - until when a source may be quiet 静默.
 *
 * Layer: base, pure. A span runs from the last message; days on which the source does not work, and
 * times that were announced as closed (系统维护、假期), do not count: it runs on behind them. Civil
 * days are those of Asia/Shanghai. A year that the calendar lacks has no holidays here: an alarm
 * that comes too early asks somebody to look, one that is left out asks nobody.
 */
#ifndef BD_BASE_SILENCE_H
#define BD_BASE_SILENCE_H

#include "base/workday.h"

struct bd_closed {
	int64_t from_ms, until_ms; /* until excluded */
};

struct bd_quiet {
	int64_t span_ms;
	bool is_working_days; /* weekends and holidays do not count */
	const struct bd_closed *closed;
	size_t closed_count;
};

/* When the silence since last_ms becomes too long; past BD_QUIET_DAYS_MAX days it is too long
 * whatever was closed. */
int64_t bd_quiet_until(
	int64_t last_ms, const struct bd_quiet *quiet, const struct bd_calendar *calendar);

#endif
