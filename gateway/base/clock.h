/* clock.h - time: read at the edge (daemon, cli), passed in everywhere else. Layer: base.
 * All wall times are ms since 1970-01-01T00:00Z; civil days and times are Asia/Shanghai = UTC+8
 * without summer time (GB/T 7408.1-2023 forms). Days are counted from 1970-01-01. */
#ifndef BD_BASE_CLOCK_H
#define BD_BASE_CLOCK_H

#include "base/bytes.h"

int64_t bd_clock_wall_ms(void);
int64_t bd_clock_monotonic_ms(void);
int64_t bd_clock_monotonic_us(void);
/* Days of a civil date, and back; proleptic Gregorian. false when there is no such day. */
bool bd_day_of(int32_t *day, int year, int month, int dayofmonth);
void bd_day_civil(int32_t day, int *year, int *month, int *dayofmonth);
/* "yyyy-MM-dd" exactly. */
bool bd_day_parse(int32_t *day, struct bd_bytes text);
void bd_day_format(char out[11], int32_t day);
int64_t bd_day_begin_ms(int32_t day); /* 00:00 at +08:00 */
int32_t bd_day_at(int64_t ms);        /* the day at +08:00 */
/* RFC 3339 with zone; "yyyy-MM-ddTHH:mm:ss[.fff](Z|+hh:mm)". */
bool bd_time_parse(int64_t *ms, struct bd_bytes text);
void bd_time_format(char out[30], int64_t ms); /* "2026-06-01T09:30:00.000+08:00" */

#endif
