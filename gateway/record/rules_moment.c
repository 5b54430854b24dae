#include "record/rules_moment.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(const char *at)
{
	size_t count = 0;

	while (is_digit(at[count])) {
		count++;
	}
	return count;
}

/* So many digits, which are known to stand there; moves behind them. */
static int take(const char **at, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		value = value * 10 + (*(*at)++ - '0');
	}
	return value;
}

static bool skip(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0) {
		return false;
	}
	*at += len;
	return true;
}

static void skip_blanks(const char **at)
{
	while (**at == ' ') {
		(*at)++;
	}
}

/* Moves behind the mark and the blanks around it; where it does not stand, nowhere. */
static bool skip_mark(const char **at, const char *mark)
{
	const char *begin = *at;

	skip_blanks(at);
	if (!skip(at, mark)) {
		*at = begin;
		return false;
	}
	skip_blanks(at);
	return true;
}

/* Behind the word and the blanks before it; those behind it belong to what follows. */
static void skip_word(const char **at, const char *word)
{
	const char *begin = *at;

	skip_blanks(at);
	if (!skip(at, word)) {
		*at = begin;
	}
}

/* One or two digits; more are no month or day. */
static bool take_short(int *value, const char **at)
{
	size_t count = count_digits(*at);

	if (count < 1 || count > 2) {
		return false;
	}
	*value = take(at, count);
	return true;
}

/* -- the time -- */

static bool read_fraction(struct bd_moment *moment, const char **at)
{
	size_t count;
	int scale = 100;

	if (!skip(at, ".")) {
		return true;
	}
	count = count_digits(*at);
	for (size_t i = 0; i < count; i++) {
		moment->ms += (*(*at)++ - '0') * scale;
		scale /= 10;
	}
	return count > 0;
}

static bool read_colons(struct bd_moment *moment, const char **at)
{
	if (!take_short(&moment->hour, at) || !skip(at, ":") || count_digits(*at) != 2) {
		return false;
	}
	moment->minute = take(at, 2);
	if (!skip(at, ":")) {
		return true;
	}
	if (count_digits(*at) != 2) {
		return false;
	}
	moment->second = take(at, 2);
	return read_fraction(moment, at);
}

/* HHmm, HHmmss, HHmmssSSS. */
static bool read_digits(struct bd_moment *moment, const char **at)
{
	size_t count = count_digits(*at);

	if (count != 4 && count != 6 && count != 9) {
		return false;
	}
	moment->hour = take(at, 2);
	moment->minute = take(at, 2);
	moment->second = count > 4 ? take(at, 2) : 0;
	moment->ms = count > 6 ? take(at, 3) : 0;
	return count != 6 || read_fraction(moment, at);
}

static bool read_zone(struct bd_moment *moment, const char **at)
{
	int sign, hours, minutes = 0;

	skip_blanks(at);
	if (**at == '\0') {
		return true;
	}
	moment->has_zone = true;
	if (skip(at, "Z") || skip(at, "z")) {
		return true;
	}
	sign = **at == '-' ? -1 : 1;
	if ((!skip(at, "+") && !skip(at, "-")) || count_digits(*at) < 2) {
		return false;
	}
	hours = take(at, 2);
	if (skip(at, ":") || is_digit(**at)) {
		if (count_digits(*at) != 2) {
			return false;
		}
		minutes = take(at, 2);
	}
	moment->zone_minutes = sign * (hours * 60 + minutes);
	return hours <= 23 && minutes <= 59;
}

static bool read_time(struct bd_moment *moment, const char *at, bool is_compact)
{
	bool is_apart = *at == ' ' || *at == 'T' || *at == 't';

	if (*at == '\0') {
		return true;
	}
	if (!is_apart && !is_compact) {
		return false;
	}
	if (*at == ' ') {
		skip_blanks(&at);
	} else if (is_apart) {
		at++;
	}
	return (count_digits(at) > 2 ? read_digits(moment, &at) : read_colons(moment, &at)) &&
	       moment->hour <= 23 && moment->minute <= 59 && moment->second <= 59 &&
	       read_zone(moment, &at) && *at == '\0';
}

/* -- the date -- */

static bool read_marked(
	struct bd_moment *moment, const char *at, const char *first, const char *second)
{
	bool is_worded = strcmp(first, second) != 0;

	if (*at == '\0') {
		/* 1991年 is a year; 1991- is torn. */
		return is_worded;
	}
	if (!take_short(&moment->month, &at)) {
		return false;
	}
	if (*at == '\0' || !skip_mark(&at, second)) {
		return *at == '\0';
	}
	if (*at == '\0') {
		return is_worded;
	}
	if (!take_short(&moment->day, &at)) {
		return false;
	}
	if (is_worded) {
		skip_word(&at, "日");
	}
	return read_time(moment, at, false);
}

/* yyyy, yyyyMM, yyyyMMdd and what follows at once. */
static bool read_compact(struct bd_moment *moment, const char *at)
{
	size_t count = count_digits(at);

	if (count == 0) {
		return *at == '\0';
	}
	if (count == 2) {
		moment->month = take(&at, 2);
		return *at == '\0';
	}
	if (count < 4) {
		return false;
	}
	moment->month = take(&at, 2);
	moment->day = take(&at, 2);
	return read_time(moment, at, true);
}

bool bd_moment_read(struct bd_moment *moment, const char *text)
{
	static const char *const marks[][2] = { { "-", "-" }, { "/", "/" }, { ".", "." },
		{ "年", "月" } };
	const char *at = text;

	*moment = (struct bd_moment){ .month = -1, .day = -1, .hour = -1 };
	if (count_digits(at) < 4) {
		return false;
	}
	moment->year = take(&at, 4);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (skip_mark(&at, marks[i][0])) {
			return read_marked(moment, at, marks[i][0], marks[i][1]);
		}
	}
	return read_compact(moment, at);
}
