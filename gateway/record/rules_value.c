#include "record/rules_value.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 64

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
	*out = bd_arena_copy(arena, bd_bytes_of(text));
	return out->ptr != NULL ? BD_OK : bd_fail(diag, bd_arena_code(arena), "%s", "");
}

/* Half width, trimmed, with a NUL. What does not fit is no date, time or number: `form`. */
static enum bd_code fold(char out[TEXT_MAX], struct bd_bytes text, enum bd_code form)
{
	struct bd_buf folded;
	enum bd_code code;

	bd_buf_init(&folded, TEXT_MAX * 4);
	code = bd_text_nfkc(&folded, bd_text_trim(text));
	if (code == BD_OK && folded.len < TEXT_MAX) {
		memcpy(out, folded.ptr != NULL ? folded.ptr : "", folded.len);
		out[folded.len] = '\0';
		code = strlen(out) == folded.len ? BD_OK : form;
	} else if (code != BD_NO_MEMORY) {
		code = form;
	}
	bd_buf_release(&folded);
	return code;
}

/* What was read of a date and time; -1 = not given. */
struct moment {
	int year, month, day, hour, minute, second, ms;
	bool has_zone;
	int zone_minutes;
};

/* Exactly `most` digits, or at least one where is_loose; moves *at. -1 = none. */
static int take(const char **at, size_t most, bool is_loose)
{
	size_t count = 0;
	int value = 0;

	while (count < most && **at >= '0' && **at <= '9') {
		value = value * 10 + (*(*at)++ - '0');
		count++;
	}
	return count == most || (is_loose && count > 0) ? value : -1;
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

/* -, /, . or the Chinese word. */
static bool skip_mark(const char **at, const char *word)
{
	return skip(at, "-") || skip(at, "/") || skip(at, ".") || skip(at, word);
}

static bool read_zone(struct moment *moment, const char **at)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	if (skip(at, "Z")) {
		moment->has_zone = true;
		return true;
	}
	if (!skip(at, "+") && !skip(at, "-")) {
		return true;
	}
	hours = take(at, 2, false);
	skip(at, ":");
	minutes = take(at, 2, false);
	moment->has_zone = true;
	moment->zone_minutes = sign * (hours * 60 + minutes);
	return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

/* Behind the date: "", " HH:mm[:ss[.f]]", "THH:mm:ss", "HHmmss". */
static bool read_clock(struct moment *moment, const char *at)
{
	bool has_colon;

	if (*at == '\0') {
		return true;
	}
	while (*at == ' ' || *at == 'T' || *at == 't') {
		at++;
	}
	moment->hour = take(&at, 2, false);
	has_colon = skip(&at, ":");
	moment->minute = take(&at, 2, false);
	moment->second = 0;
	if ((has_colon && skip(&at, ":")) || (!has_colon && *at != '\0')) {
		moment->second = take(&at, 2, false);
	}
	moment->ms = 0;
	if (!has_colon && *at >= '0' && *at <= '9') {
		moment->ms = take(&at, 3, false);
	} else if (skip(&at, ".")) {
		int scale = 100;

		for (; *at >= '0' && *at <= '9'; at++) {
			moment->ms += (*at - '0') * scale;
			scale /= 10;
		}
	}
	return moment->hour >= 0 && moment->hour <= 23 && moment->minute >= 0 &&
	       moment->minute <= 59 && moment->second >= 0 && moment->second <= 59 &&
	       moment->ms >= 0 && read_zone(moment, &at) && *at == '\0';
}

static bool read_moment(struct moment *moment, const char *text)
{
	const char *at = text;
	bool has_mark;

	*moment = (struct moment){ -1, -1, -1, -1, -1, -1, 0, false, 0 };
	moment->year = take(&at, 4, false);
	if (moment->year < 0) {
		return false;
	}
	has_mark = skip_mark(&at, "年");
	if (*at == '\0') {
		return true;
	}
	moment->month = take(&at, 2, has_mark);
	if (moment->month < 0) {
		return false;
	}
	if (has_mark ? !skip_mark(&at, "月") : false) {
		return *at == '\0';
	}
	if (*at == '\0') {
		return true;
	}
	moment->day = take(&at, 2, has_mark);
	if (moment->day < 0) {
		return false;
	}
	skip(&at, "日");
	return read_clock(moment, at);
}

/* rule: date.open. */
static bool is_open(const char *text)
{
	static const char *const words[] = { "长期", "永久", "长期有效", "无固定期限", "29991231",
		"99991231", "2999-12-31", "9999-12-31" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if (strncmp(text, words[i], len) == 0 && (text[len] == '\0' || text[len] == ' ')) {
			return true;
		}
	}
	return false;
}

/* A day that exists, or part of one; years that a living register can hold. */
static bool is_real(const struct moment *moment)
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
static void write_moment(char out[TEXT_MAX], const struct moment *moment)
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
	struct moment moment;
	enum bd_code code;

	code = fold(folded, text, BD_DATE_FORM);
	if (code != BD_OK) {
		return fail(diag, code, "date.form", "");
	}
	if (is_open(folded)) {
		return keep(out, BD_DATE_OPEN, arena, diag);
	}
	if (!read_moment(&moment, folded)) {
		return fail(diag, BD_DATE_FORM, "date.form", "");
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
	struct moment moment;
	enum bd_code code = fold(folded, text, BD_DATE_FORM);

	if (code == BD_OK && (!read_moment(&moment, folded) || moment.month < 0)) {
		code = BD_DATE_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "date.month", "");
	}
	if (!is_real(&moment)) {
		return fail(diag, BD_DATE_RANGE, "date.month", "");
	}
	moment.day = -1;
	write_moment(month, &moment);
	return keep(out, month, arena, diag);
}

enum bd_code bd_rule_time(int64_t *ms, struct bd_bytes text, struct bd_diag *diag)
{
	char folded[TEXT_MAX];
	struct moment moment;
	int32_t day;
	enum bd_code code = fold(folded, text, BD_DATE_FORM);

	if (code == BD_OK && (!read_moment(&moment, folded) || moment.day < 0)) {
		code = BD_DATE_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "time.form", "");
	}
	if (!is_real(&moment) || !bd_day_of(&day, moment.year, moment.month, moment.day)) {
		return fail(diag, BD_DATE_RANGE, "time.form", "");
	}
	*ms = bd_day_begin_ms(day);
	if (moment.hour >= 0) {
		*ms += ((moment.hour * INT64_C(60) + moment.minute) * 60 + moment.second) * 1000 +
		       moment.ms;
	}
	if (moment.has_zone) {
		*ms += (8 * 60 - moment.zone_minutes) * INT64_C(60000);
	}
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

/* Digits with thousands commas in their places into *value times ten to the power of decimals. */
static bool read_decimal(int64_t *value, const char *at, unsigned decimals)
{
	bool is_negative = *at == '-', has_digit = false, has_point = false;
	unsigned left = decimals;

	*value = 0;
	if (*at == '-' || *at == '+') {
		at++;
	}
	for (; *at != '\0'; at++) {
		if (*at == '.' && !has_point && has_digit) {
			has_point = true;
		} else if (*at == ',' && !has_point && has_digit &&
			   strspn(at + 1, "0123456789") == 3) {
			continue;
		} else if (*at < '0' || *at > '9') {
			return false;
		} else if (has_point && left == 0) {
			/* Finer than a fen: only if it is nothing. */
			if (*at != '0') {
				return false;
			}
		} else {
			if (__builtin_mul_overflow(*value, 10, value) ||
				__builtin_add_overflow(*value, *at - '0', value)) {
				return false;
			}
			left -= has_point;
			has_digit = true;
		}
	}
	for (; left > 0; left--) {
		if (__builtin_mul_overflow(*value, 10, value)) {
			return false;
		}
	}
	*value = is_negative ? -*value : *value;
	return has_digit;
}

enum bd_code bd_rule_amount(struct bd_bytes *out, struct bd_bytes text, unsigned decimals,
	struct bd_arena *arena, struct bd_diag *diag)
{
	char folded[TEXT_MAX], amount[24];
	int64_t value;
	enum bd_code code = fold(folded, text, BD_AMOUNT_FORM);

	if (code == BD_OK && !read_decimal(&value, folded, decimals)) {
		code = BD_AMOUNT_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "amount.form", "");
	}
	snprintf(amount, sizeof(amount), "%" PRId64, value);
	return keep(out, amount, arena, diag);
}

enum bd_code bd_rule_count(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	char folded[TEXT_MAX];
	const char *at = folded;
	enum bd_code code = fold(folded, text, BD_NUMBER_FORM);

	if (code == BD_OK &&
		(folded[0] == '\0' || strspn(folded, "0123456789") != strlen(folded))) {
		code = BD_NUMBER_FORM;
	}
	if (code != BD_OK) {
		return fail(diag, code, "count.form", "");
	}
	while (at[0] == '0' && at[1] != '\0') {
		at++;
	}
	if (strlen(at) > 18) {
		return fail(diag, BD_NUMBER_RANGE, "count.form", "");
	}
	return keep(out, at, arena, diag);
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
	} words[] = { { "1", "true" }, { "Y", "true" }, { "y", "true" }, { "true", "true" },
		{ "是", "true" }, { "0", "false" }, { "N", "false" }, { "n", "false" },
		{ "false", "false" }, { "否", "false" } };
	char folded[TEXT_MAX];
	enum bd_code code = fold(folded, text, BD_NUMBER_FORM);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && code == BD_OK; i++) {
		if (strcmp(folded, words[i].text) == 0) {
			*out = bd_bytes_of(words[i].value);
			return BD_OK;
		}
	}
	return fail(diag, code == BD_OK ? BD_NUMBER_FORM : code, "bool.form", "yes or no");
}
