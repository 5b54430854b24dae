#include "record/rules_decimal.h"

#include <stdbool.h>
#include <stddef.h>

/* Of a power of ten: whatever has more is out of every range. */
#define POWER_MAX_DIGITS 9

/* A decimal as it is written, without its sign: digits, how many of them stand behind the point,
 * and the power of ten behind an E. */
struct decimal {
	char digits[BD_DECIMAL_MAX_CHARS];
	size_t len, behind;
	int64_t power;
	bool is_negative;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take_digits(struct decimal *decimal, const char **at)
{
	while (is_digit(**at)) {
		decimal->digits[decimal->len++] = *(*at)++;
	}
}

/* 1234567 or 1,234,567: one to three digits and then three by three. */
static bool read_whole(struct decimal *decimal, const char **at)
{
	take_digits(decimal, at);
	if (**at == ',' && (decimal->len < 1 || decimal->len > 3)) {
		return false;
	}
	while (**at == ',') {
		size_t before = decimal->len;

		(*at)++;
		take_digits(decimal, at);
		if (decimal->len - before != 3) {
			return false;
		}
	}
	return true;
}

/* What programs write for large and small numbers: 1.0E7. */
static bool read_power(struct decimal *decimal, const char **at)
{
	bool is_negative;
	size_t count = 0;

	if (**at != 'E' && **at != 'e') {
		return true;
	}
	(*at)++;
	is_negative = **at == '-';
	*at += **at == '-' || **at == '+';
	for (; is_digit(**at) && count < POWER_MAX_DIGITS; (*at)++) {
		decimal->power = decimal->power * 10 + (**at - '0');
		count++;
	}
	decimal->power = is_negative ? -decimal->power : decimal->power;
	return count > 0 && !is_digit(**at);
}

static bool read_decimal(struct decimal *decimal, const char *at)
{
	*decimal = (struct decimal){ .is_negative = *at == '-' };
	at += *at == '-' || *at == '+';
	if (!read_whole(decimal, &at)) {
		return false;
	}
	if (*at == '.') {
		size_t before = decimal->len;

		at++;
		take_digits(decimal, &at);
		decimal->behind = decimal->len - before;
	}
	return decimal->len > 0 && read_power(decimal, &at) && *at == '\0';
}

static bool is_zero(const struct decimal *decimal)
{
	for (size_t i = 0; i < decimal->len; i++) {
		if (decimal->digits[i] != '0') {
			return false;
		}
	}
	return true;
}

enum bd_code bd_decimal_scale(int64_t *value, const char *text, unsigned decimals)
{
	struct decimal decimal;
	int64_t shift, whole = 0;

	if (!read_decimal(&decimal, text)) {
		return BD_NUMBER_FORM;
	}
	if (is_zero(&decimal)) {
		*value = 0;
		return BD_OK;
	}
	shift = decimals + decimal.power - (int64_t)decimal.behind;
	for (; shift < 0; shift++) {
		if (decimal.len == 0 || decimal.digits[--decimal.len] != '0') {
			return BD_NUMBER_FORM;
		}
	}
	for (size_t i = 0; i < decimal.len; i++) {
		if (__builtin_mul_overflow(whole, 10, &whole) ||
			__builtin_add_overflow(whole, decimal.digits[i] - '0', &whole)) {
			return BD_NUMBER_RANGE;
		}
	}
	for (; shift > 0; shift--) {
		if (__builtin_mul_overflow(whole, 10, &whole)) {
			return BD_NUMBER_RANGE;
		}
	}
	*value = decimal.is_negative ? -whole : whole;
	return BD_OK;
}
