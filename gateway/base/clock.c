#include "base/clock.h"

#include <string.h>
#include <time.h>

#define SHANGHAI_MS (INT64_C(8) * 3600 * 1000)
#define DAY_MS (INT64_C(86400) * 1000)

static int64_t read_clock(clockid_t id, int64_t per_second)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * per_second + now.tv_nsec / (INT64_C(1000000000) / per_second);
}

int64_t bd_clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME, 1000);
}

int64_t bd_clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t bd_clock_monotonic_us(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000000);
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days before 1 January of a year, counted from year 0 (proleptic Gregorian). */
static int32_t days_before(int year)
{
	int last = year - 1;

	return year <= 0 ? 0 : 366 + last * 365 + last / 4 - last / 100 + last / 400;
}

#define DAYS_TO_1970 719528
#define DAYS_TO_MARCH 60 /* of year 0, a leap year */
#define DAYS_OF_ERA 146097

/* Of a year of 365 days. */
static const int days_before_month[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };

bool bd_day_of(int32_t *day, int year, int month, int dayofmonth)
{
	int32_t count;

	if (year < 1 || year > 9999 || month < 1 || month > 12 || dayofmonth < 1 ||
		dayofmonth > days_in_month(year, month)) {
		return false;
	}
	count = days_before(year) + days_before_month[month - 1] + dayofmonth - 1 - DAYS_TO_1970;
	*day = count + (month > 2 && is_leap(year));
	return true;
}

void bd_day_civil(int32_t day, int *year, int *month, int *dayofmonth)
{
	/* Years from 1 March on, so that a leap day is a year's last: 153 days are five months from
	 * there. */
	int32_t rest = day + DAYS_TO_1970 - DAYS_TO_MARCH;
	int32_t era = (rest >= 0 ? rest : rest - (DAYS_OF_ERA - 1)) / DAYS_OF_ERA;
	int32_t of_era = rest - era * DAYS_OF_ERA;
	int32_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int32_t of_year = of_era - (y * 365 + y / 4 - y / 100);
	int32_t m = (5 * of_year + 2) / 153;

	*dayofmonth = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = era * 400 + y + (*month <= 2);
}

/* count digits at text[at]; -1 when one is none. */
static int digits(struct bd_bytes text, size_t at, size_t count)
{
	int value = 0;

	if (at + count > text.len) {
		return -1;
	}
	for (size_t i = at; i < at + count; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return -1;
		}
		value = value * 10 + (text.ptr[i] - '0');
	}
	return value;
}

bool bd_day_parse(int32_t *day, struct bd_bytes text)
{
	return text.len == 10 && text.ptr[4] == '-' && text.ptr[7] == '-' &&
	       bd_day_of(day, digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
}

/* Two decimal digits; gives the place behind. Every answer has some ten times: a printf of each was
 * a tenth of a comparison. */
static inline char *put_two(char *out, unsigned value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
	return out + 2;
}

static void put_day(char out[11], int32_t day)
{
	int year, month, dayofmonth;
	char *at;

	bd_day_civil(day, &year, &month, &dayofmonth);
	at = put_two(put_two(out, (unsigned)year / 100 % 100), (unsigned)year % 100);
	*at++ = '-';
	at = put_two(at, (unsigned)month);
	*at++ = '-';
	at = put_two(at, (unsigned)dayofmonth);
	*at = '\0';
}

/* The days that one answer after the other tells are few: today, and those of the last deliveries.
 */
#define DAYS_KNOWN 8
void bd_day_format(char out[11], int32_t day)
{
	static __thread struct {
		int32_t day;
		char text[11]; /* "" = none yet */
	} known[DAYS_KNOWN];
	size_t at = (uint32_t)day % DAYS_KNOWN;

	if (known[at].day != day || known[at].text[0] == '\0') {
		put_day(known[at].text, day);
		known[at].day = day;
	}
	memcpy(out, known[at].text, sizeof(known[at].text));
}

int64_t bd_day_begin_ms(int32_t day)
{
	return day * DAY_MS - SHANGHAI_MS;
}

int32_t bd_day_at(int64_t ms)
{
	int64_t local = ms + SHANGHAI_MS;

	return (int32_t)(local >= 0 ? local / DAY_MS : -((-local + DAY_MS - 1) / DAY_MS));
}

/* ".fff" with 1 to 9 digits at *at; gives ms and moves past it. No fraction is 0. */
static int64_t fraction(struct bd_bytes text, size_t *at)
{
	int64_t ms = 0, scale = 100;

	if (*at >= text.len || text.ptr[*at] != '.') {
		return 0;
	}
	for ((*at)++; digits(text, *at, 1) >= 0; (*at)++) {
		ms += digits(text, *at, 1) * scale;
		scale /= 10;
	}
	return ms;
}

/* "Z" or "+hh:mm" to the end of text. */
static bool zone(int64_t *ms, struct bd_bytes text, size_t at)
{
	int hours, minutes;

	if (text.len - at == 1 && (text.ptr[at] == 'Z' || text.ptr[at] == 'z')) {
		*ms = 0;
		return true;
	}
	if (text.len - at != 6 || text.ptr[at + 3] != ':' ||
		(text.ptr[at] != '+' && text.ptr[at] != '-')) {
		return false;
	}
	hours = digits(text, at + 1, 2);
	minutes = digits(text, at + 4, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
		return false;
	}
	*ms = (hours * INT64_C(60) + minutes) * 60000 * (text.ptr[at] == '-' ? -1 : 1);
	return true;
}

bool bd_time_parse(int64_t *ms, struct bd_bytes text)
{
	int hour, minute, second;
	int64_t part, offset;
	size_t at = 19;
	int32_t day;

	if (text.len < 20 || !bd_day_parse(&day, (struct bd_bytes){ text.ptr, 10 }) ||
		(text.ptr[10] != 'T' && text.ptr[10] != 't') || text.ptr[13] != ':' ||
		text.ptr[16] != ':') {
		return false;
	}
	hour = digits(text, 11, 2);
	minute = digits(text, 14, 2);
	second = digits(text, 17, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
		return false;
	}
	part = fraction(text, &at);
	if (text.ptr[at - 1] == '.' || !zone(&offset, text, at)) {
		return false;
	}
	*ms = day * DAY_MS + ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + part - offset;
	return true;
}

void bd_time_format(char out[30], int64_t ms)
{
	int32_t day = bd_day_at(ms);
	unsigned rest = (unsigned)(ms - bd_day_begin_ms(day)), second = rest / 1000;
	char *at = out + 10;

	bd_day_format(out, day);
	*at++ = 'T';
	at = put_two(at, second / 3600);
	*at++ = ':';
	at = put_two(at, second / 60 % 60);
	*at++ = ':';
	at = put_two(at, second % 60);
	*at++ = '.';
	*at++ = (char)('0' + rest % 1000 / 100);
	at = put_two(at, rest % 100);
	memcpy(at, "+08:00", sizeof("+08:00"));
}
