#include "record/rules_value.h"

#include "base/clock.h"
#include "base/text.h"
#include "record/rules_decimal.h"
#include "record/rules_moment.h"
#include "record/rules_point.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX BD_DECIMAL_MAX_CHARS
#define HOUR_MS (INT64_C(3600) * 1000)

static enum bd_code fail(
	struct bd_diag *diag, enum bd_code code, const char *rule, const char *detail)
{
	bd_fail(diag, code, "%s", detail);
	bd_diag_set_rule(diag, rule);
	return code;
}

static enum bd_code keep(
	struct bd_bytes *out, const char *text, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_bytes kept = bd_arena_copy(arena, bd_bytes_of(text));

	if (kept.ptr == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	*out = kept;
	return BD_OK;
}

/* Blanks become spaces, marks of no width go, dashes become one. False when there is no more room.
 */
static bool put_plain(char out[TEXT_MAX], size_t *len, uint32_t point)
{
	struct bd_buf buf = { out, *len, TEXT_MAX - 1, TEXT_MAX - 1 };
	bool is_space = point == ' ' || (point >= '\t' && point <= '\r');

	if (bd_point_is_blank(point) && !is_space) {
		return true;
	}
	point = is_space ? ' ' : bd_point_is_dash(point) ? '-' : point;
	if (bd_text_add_point(&buf, point) != BD_OK) {
		return false;
	}
	*len = buf.len;
	return true;
}

/* Of other texts than ASCII. */
static enum bd_code fold_wide(
	char out[TEXT_MAX], size_t *len, struct bd_bytes text, enum bd_code form)
{
	struct bd_buf folded;
	struct bd_bytes rest;
	uint32_t point;
	bool ok = true;
	enum bd_code code;

	bd_buf_init(&folded, TEXT_MAX * 4);
	code = bd_text_nfkc(&folded, text);
	rest = bd_buf_bytes(&folded);
	while (code == BD_OK && bd_text_next(&point, &rest, &ok)) {
		code = point != 0 && put_plain(out, len, point) ? BD_OK : form;
	}
	bd_buf_release(&folded);
	return code == BD_OK || code == BD_NO_MEMORY ? code : form;
}

/* Half width, trimmed, with a NUL. What does not fit is no date, time or number: `form`. */
static enum bd_code fold(char out[TEXT_MAX], struct bd_bytes text, enum bd_code form)
{
	enum bd_code code = BD_OK;
	size_t len = 0;

	text = bd_text_trim(text);
	while (len < text.len && len < TEXT_MAX - 1 && (signed char)text.ptr[len] > 0) {
		out[len] = text.ptr[len] >= '\t' && text.ptr[len] <= '\r' ? ' ' : text.ptr[len];
		len++;
	}
	if (len < text.len) {
		len = 0;
		code = fold_wide(out, &len, text, form);
	}
	while (len > 0 && out[len - 1] == ' ') {
		len--;
	}
	out[len] = '\0';
	return code;
}

/* -- dates and times -- */

/* ms since 1970 of a moment whose day is given; false when there is no such day. */
static bool moment_ms(int64_t *ms, const struct bd_moment *moment)
{
	int32_t day;

	if (!bd_day_of(&day, moment->year, moment->month, moment->day)) {
		return false;
	}
	*ms = bd_day_begin_ms(day);
	if (moment->hour >= 0) {
		*ms += ((moment->hour * INT64_C(60) + moment->minute) * 60 + moment->second) *
			       1000 +
		       moment->ms;
	}
	if (moment->has_zone) {
		*ms += (8 * 60 - moment->zone_minutes) * INT64_C(60000);
	}
	return true;
}

/* The first Sunday of a month that is not before this day. */
static int32_t sunday_since(int year, int month, int dayofmonth)
{
	int32_t day = 0;

	bd_day_of(&day, year, month, dayofmonth);
	/* 1970-01-01 was a Thursday: day 3 a Sunday. */
	return day + ((3 - day) % 7 + 7) % 7;
}

/* rule: date.summer. An hour ahead from 2:00 on a Sunday of April (in 1986: 4 May) to 2:00 of one
 * in September, by IANA's tz data. A birthday that a program wrote as a moment is midnight of its
 * clock. */
static bool is_summer_time(int64_t ms)
{
	int32_t begin, end;
	int year, month, day;

	bd_day_civil(bd_day_at(ms), &year, &month, &day);
	if (year < 1986 || year > 1991) {
		return false;
	}
	begin = year == 1986 ? sunday_since(1986, 5, 4) : sunday_since(year, 4, 11);
	end = sunday_since(year, 9, 11);
	return ms >= bd_day_begin_ms(begin) + 2 * HOUR_MS && ms < bd_day_begin_ms(end) + HOUR_MS;
}

/* A moment with a zone becomes the day that a calendar in Shanghai showed. */
static bool move_to_shanghai(struct bd_moment *moment)
{
	int64_t ms;

	if (!moment->has_zone) {
		return true;
	}
	if (!moment_ms(&ms, moment)) {
		return false;
	}
	bd_day_civil(bd_day_at(ms + (is_summer_time(ms) ? HOUR_MS : 0)), &moment->year,
		&moment->month, &moment->day);
	return true;
}

/* rule: date.open. */
static bool is_open_word(const char *text)
{
	static const char *const words[] = { "长期", "永久", "长期有效", "无固定期限" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (bd_is_name(text, words[i])) {
			return true;
		}
	}
	return false;
}

static bool is_open_day(const struct bd_moment *moment)
{
	return (moment->year == 2999 || moment->year == 9999) && moment->month == 12 &&
	       moment->day == 31;
}

/* A day that exists, or part of one; years that a living register can hold. */
static bool is_real(const struct bd_moment *moment)
{
	int32_t day;

	return moment->year >= 1850 && moment->year <= 2998 &&
	       bd_day_of(&day, moment->year, moment->month < 0 ? 1 : moment->month,
		       moment->day < 0 ? 1 : moment->day);
}

static char *put_digits(char *out, int value, size_t width)
{
	for (size_t i = width; i > 0; i--) {
		out[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

/* "2026", "2026-06" or "2026-06-01": as much as is known. */
static void write_moment(char out[TEXT_MAX], const struct bd_moment *moment)
{
	char *at = put_digits(out, moment->year, 4);

	if (moment->month >= 0) {
		*at++ = '-';
		at = put_digits(at, moment->month, 2);
	}
	if (moment->month >= 0 && moment->day >= 0) {
		*at++ = '-';
		at = put_digits(at, moment->day, 2);
	}
	*at = '\0';
}

enum bd_code bd_rule_date(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	char folded[TEXT_MAX], date[TEXT_MAX];
	struct bd_moment moment;
	enum bd_code code = fold(folded, text, BD_DATE_FORM);

	if (code == BD_OK && is_open_word(folded)) {
		return keep(out, BD_DATE_OPEN, arena, diag);
	}
	if (code == BD_OK && !bd_moment_read(&moment, folded)) {
		code = BD_DATE_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "date.form", "");
	}
	if (!move_to_shanghai(&moment)) {
		return fail(diag, BD_DATE_RANGE, "date.range", "");
	}
	if (is_open_day(&moment)) {
		return keep(out, BD_DATE_OPEN, arena, diag);
	}
	if (!is_real(&moment)) {
		return fail(diag, BD_DATE_RANGE, "date.range", "");
	}
	write_moment(date, &moment);
	return keep(out, date, arena, diag);
}

/* Digits as a number; -1 when one is none. */
static int number_at(struct bd_bytes text, size_t at, size_t len)
{
	int value = 0;

	for (size_t i = at; i < at + len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return -1;
		}
		value = value * 10 + (text.ptr[i] - '0');
	}
	return value;
}

bool bd_rule_date_span(int32_t *first, int32_t *last, struct bd_bytes date)
{
	int year, month, next;

	if (date.len == 10) {
		bool is_day = bd_day_parse(first, date);

		*last = is_day ? *first : *last;
		return is_day;
	}
	if (date.len != 4 && (date.len != 7 || date.ptr[4] != '-')) {
		return false;
	}
	year = number_at(date, 0, 4);
	month = date.len == 7 ? number_at(date, 5, 2) : 1;
	next = date.len == 7 ? month + 1 : 13;
	/* The year after 9999 is not counted: no partial date is of it. */
	if (year < 1 || year > 9998 || !bd_day_of(first, year, month, 1)) {
		return false;
	}
	bd_day_of(last, year + (next == 13), next == 13 ? 1 : next, 1);
	(*last)--;
	return true;
}

enum bd_code bd_rule_month(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	char folded[TEXT_MAX], month[TEXT_MAX];
	struct bd_moment moment;
	enum bd_code code = fold(folded, text, BD_DATE_FORM);

	if (code == BD_OK && (!bd_moment_read(&moment, folded) || moment.month < 0)) {
		code = BD_DATE_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "date.month", "");
	}
	if (!move_to_shanghai(&moment) || !is_real(&moment)) {
		return fail(diag, BD_DATE_RANGE, "date.month", "");
	}
	moment.day = -1;
	write_moment(month, &moment);
	return keep(out, month, arena, diag);
}

enum bd_code bd_rule_time(int64_t *ms, struct bd_bytes text, struct bd_diag *diag)
{
	char folded[TEXT_MAX];
	struct bd_moment moment;
	int64_t read;
	enum bd_code code = fold(folded, text, BD_DATE_FORM);

	if (code == BD_OK && (!bd_moment_read(&moment, folded) || moment.day < 0)) {
		code = BD_DATE_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "time.form", "");
	}
	if (!is_real(&moment) || !moment_ms(&read, &moment)) {
		return fail(diag, BD_DATE_RANGE, "time.form", "");
	}
	*ms = read;
	return BD_OK;
}

enum bd_code bd_rule_time_text(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	char formatted[30];
	int64_t ms;
	enum bd_code code = bd_rule_time(&ms, text, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_time_format(formatted, ms);
	return keep(out, formatted, arena, diag);
}

/* -- numbers -- */

static enum bd_code keep_number(
	struct bd_bytes *out, int64_t value, struct bd_arena *arena, struct bd_diag *diag)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return keep(out, text, arena, diag);
}

enum bd_code bd_rule_amount(struct bd_bytes *out, struct bd_bytes text, unsigned decimals,
	struct bd_arena *arena, struct bd_diag *diag)
{
	char folded[TEXT_MAX];
	int64_t value = 0;
	enum bd_code code = fold(folded, text, BD_AMOUNT_FORM);

	if (code == BD_OK && bd_decimal_scale(&value, folded, decimals) != BD_OK) {
		code = BD_AMOUNT_FORM;
	}
	return code == BD_OK ? keep_number(out, value, arena, diag)
			     : fail(diag, code, "amount.form", "");
}

enum bd_code bd_rule_count(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	char folded[TEXT_MAX];
	int64_t value = 0;
	enum bd_code code = fold(folded, text, BD_NUMBER_FORM);

	code = code == BD_OK ? bd_decimal_scale(&value, folded, 0) : code;
	code = code == BD_OK && value < 0 ? BD_NUMBER_RANGE : code;
	return code == BD_OK ? keep_number(out, value, arena, diag)
			     : fail(diag, code, "count.form", "");
}

bool bd_rule_whole_number(int64_t *value, struct bd_bytes text)
{
	bool is_negative = text.len > 0 && text.ptr[0] == '-';
	int64_t read = 0;

	for (size_t i = is_negative; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' ||
			__builtin_mul_overflow(read, 10, &read) ||
			__builtin_add_overflow(read, text.ptr[i] - '0', &read)) {
			return false;
		}
	}
	if (text.len == is_negative) {
		return false;
	}
	*value = is_negative ? -read : read;
	return true;
}

enum bd_code bd_rule_bool(struct bd_bytes *out, struct bd_bytes text, struct bd_diag *diag)
{
	static const struct {
		const char *text, *value;
	} words[] = { { "1", "true" }, { "Y", "true" }, { "TRUE", "true" }, { "是", "true" },
		{ "0", "false" }, { "N", "false" }, { "FALSE", "false" }, { "否", "false" } };
	char folded[TEXT_MAX];
	enum bd_code code = fold(folded, text, BD_NUMBER_FORM);

	for (char *at = folded; code == BD_OK && *at != '\0'; at++) {
		*at = *at >= 'a' && *at <= 'z' ? (char)(*at - ('a' - 'A')) : *at;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && code == BD_OK; i++) {
		if (strcmp(folded, words[i].text) == 0) {
			*out = bd_bytes_of(words[i].value);
			return BD_OK;
		}
	}
	return fail(diag, code == BD_OK ? BD_NUMBER_FORM : code, "bool.form", "yes or no");
}
