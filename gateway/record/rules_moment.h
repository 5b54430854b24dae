/* rules_moment.h - a date or time as it is written, taken apart.
 *
 * Layer: record, private to rules_value.c. Nothing is guessed: what is not one of the forms below
 * is none.
 *
 * Dates: yyyyMMdd, yyyyMM, yyyy; yyyy-M-d and yyyy-M with one of - / . between, blanks around it or
 * not; yyyy年M月d日 and its first parts. Behind a whole date, with blanks or a T between, or
 * nothing when the date is digits alone: H:mm[:ss[.f]], HHmm, HHmmss[.f], HHmmssSSS; behind that a
 * zone: Z, +hh, +hhmm, +hh:mm.
 */
#ifndef BD_RECORD_RULES_MOMENT_H
#define BD_RECORD_RULES_MOMENT_H

#include <stdbool.h>

struct bd_moment {
	int year, month, day;         /* month and day -1 where they are not given */
	int hour, minute, second, ms; /* hour -1 where no time is given */
	bool has_zone;
	int zone_minutes; /* east of Greenwich */
};

/* Text in half width with a NUL, dashes all '-', blanks all ' '. The parts of a time are in range,
 * those of a date need not be. */
bool bd_moment_read(struct bd_moment *moment, const char *text);

#endif
