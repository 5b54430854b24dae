/* rules_number_person.c - the rules of numbers of people. */
#include "base/clock.h"
#include "record/rules_number.h"

#include <string.h>

#define BIRTH_YEAR_MIN 1850

/* ISO 7064 MOD 11-2 over the first 17. */
static char check_11_2(const char *text)
{
	static const int weights[17] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;

	for (size_t i = 0; i < 17; i++) {
		sum += (text[i] - '0') * weights[i];
	}
	return "10X98765432"[sum % 11];
}

static int digits_at(const char *text, size_t at, size_t count)
{
	int value = 0;

	for (size_t i = at; i < at + count; i++) {
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* A day that exists, of someone a living register can hold. */
bool bd_number_birth(int32_t *day, const char *text)
{
	int year = digits_at(text, 6, 4);

	return year >= BIRTH_YEAR_MIN &&
	       bd_day_of(day, year, digits_at(text, 10, 2), digits_at(text, 12, 2));
}

static bool has_form_18(const struct bd_number *number)
{
	return number->len == 18 && bd_number_are_digits(number->text, 0, 17) &&
	       (number->text[17] == 'X' || bd_number_are_digits(number->text, 17, 18));
}

/* 18 characters that end in a MOD 11-2 check: resident numbers and those made like them. */
static enum bd_code rule_18(struct bd_number *number, const char *rule)
{
	int32_t birth;

	if (number->is_right_18) {
		return BD_OK;
	}
	if (number->len != 18) {
		return bd_number_fail(number, BD_ID_LENGTH, rule, "");
	}
	if (!has_form_18(number)) {
		return bd_number_fail(number, BD_ID_CHARACTER, rule, "");
	}
	if (!bd_number_birth(&birth, number->text)) {
		return bd_number_fail(number, BD_ID_BIRTH_DATE, rule, "");
	}
	return number->text[17] == check_11_2(number->text)
		       ? BD_OK
		       : bd_number_doubt(number, BD_ID_CHECK_DIGIT, rule);
}

/* Right in form, birth date and check. */
bool bd_number_is_right_18(struct bd_number *number)
{
	int32_t birth;

	number->is_right_18 = number->is_right_18 ||
			      (has_form_18(number) && bd_number_birth(&birth, number->text) &&
				      number->text[17] == check_11_2(number->text));
	return number->is_right_18;
}

bool bd_number_is_permit(const char *text)
{
	return text[0] == '8' && text[1] >= '1' && text[1] <= '3' &&
	       memcmp(text + 2, "0000", 4) == 0;
}

/* 15 digits of before 1999: the century is the 20th, the check follows. The documents of those who
 * are not from here came later: no such number begins like theirs. */
enum bd_code bd_number_rule_15(struct bd_number *number)
{
	if (!bd_number_are_digits(number->text, 0, 15) || number->text[0] == '9' ||
		bd_number_is_permit(number->text)) {
		return bd_number_fail(number, BD_ID_CHARACTER, "id.resident15", "");
	}
	memmove(number->text + 8, number->text + 6, 9);
	memcpy(number->text + 6, "19", 2);
	number->text[17] = check_11_2(number->text);
	number->len = 18;
	return rule_18(number, "id.resident15");
}

static enum bd_code rule_resident(struct bd_number *number)
{
	return number->len == 15 ? bd_number_rule_15(number) : rule_18(number, "id.resident");
}

static enum bd_code rule_residence_permit(struct bd_number *number)
{
	if (number->len != 18) {
		return bd_number_fail(number, BD_ID_LENGTH, "id.hmt_residence", "");
	}
	if (!bd_number_is_permit(number->text)) {
		return bd_number_fail(number, BD_ID_CHARACTER, "id.hmt_residence",
			"begins with 810000, 820000 or 830000");
	}
	return rule_18(number, "id.hmt_residence");
}

bool bd_number_is_old_foreign_pr(const struct bd_number *number)
{
	for (size_t i = 0; i < 3; i++) {
		if (number->text[i] < 'A' || number->text[i] > 'Z') {
			return false;
		}
	}
	return number->len == 15 && bd_number_are_digits(number->text, 3, 15);
}

static enum bd_code rule_foreign_pr(struct bd_number *number)
{
	if (number->len == 18 && number->text[0] == '9') {
		return rule_18(number, "id.foreign_pr");
	}
	if (number->len != 15 && number->len != 18) {
		return bd_number_fail(
			number, BD_ID_LENGTH, "id.foreign_pr", "18 or, formerly, 15 characters");
	}
	return bd_number_is_old_foreign_pr(number)
		       ? BD_OK
		       : bd_number_fail(number, BD_ID_CHARACTER, "id.foreign_pr", "");
}

/* The two digits of renewal are no part of the person's number. */
static enum bd_code rule_hk_macao(struct bd_number *number)
{
	if ((number->len != 9 && number->len != 11) ||
		(number->text[0] != 'H' && number->text[0] != 'M') ||
		!bd_number_are_digits(number->text, 1, number->len)) {
		return bd_number_fail(number,
			number->len == 9 || number->len == 11 ? BD_ID_CHARACTER : BD_ID_LENGTH,
			"id.hk_macao_permit", "H or M and 8 digits");
	}
	number->len = 9;
	return BD_OK;
}

static enum bd_code rule_taiwan(struct bd_number *number)
{
	if ((number->len != 8 && number->len != 10) ||
		!bd_number_are_digits(number->text, 0, number->len)) {
		return bd_number_fail(number,
			number->len == 8 || number->len == 10 ? BD_ID_CHARACTER : BD_ID_LENGTH,
			"id.taiwan_permit", "8 digits");
	}
	number->len = 8;
	return BD_OK;
}

/* No checksum: what can be said is that it has letters and digits only. */
static enum bd_code rule_passport(struct bd_number *number)
{
	if (number->len < 5 || number->len > 20) {
		return bd_number_fail(number, BD_ID_LENGTH, "id.passport", "5 to 20 characters");
	}
	return bd_number_is_plain(number)
		       ? BD_OK
		       : bd_number_fail(number, BD_ID_CHARACTER, "id.passport", "");
}

bd_number_rule *bd_number_person_rule(const char *kind)
{
	static const struct {
		const char *kind;
		bd_number_rule *rule;
	} rules[] = { { "resident_id", rule_resident }, { "hmt_residence", rule_residence_permit },
		{ "foreign_pr", rule_foreign_pr }, { "hk_macao_permit", rule_hk_macao },
		{ "taiwan_permit", rule_taiwan }, { "cn_passport", rule_passport },
		{ "foreign_passport", rule_passport } };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (bd_is_name(rules[i].kind, kind)) {
			return rules[i].rule;
		}
	}
	return NULL;
}
