#include "record/rules_identifier.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

#include <string.h>

#define NUMBER_MAX (BD_IDENTIFIER_MAX_BYTES + 1)

/* A number being made canonical. */
struct number {
	char text[NUMBER_MAX];
	size_t len;
	const char *kind; /* it turns out to be */
	bool *warned;
	struct bd_diag *diag;
};

static enum bd_code fail(
	struct number *number, enum bd_code code, const char *rule, const char *detail)
{
	bd_fail(number->diag, code, "%s", detail);
	bd_diag_set_rule(number->diag, rule);
	return code;
}

/* A wrong check digit: refused, or kept with a warning. */
static enum bd_code doubt(struct number *number, enum bd_code code, const char *rule)
{
	if (number->warned == NULL) {
		return fail(number, code, rule, "");
	}
	*number->warned = true;
	return BD_OK;
}

static bool are_digits(const char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
	}
	return true;
}

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

static bool birth_of(int32_t *day, const char *text)
{
	return bd_day_of(
		day, digits_at(text, 6, 4), digits_at(text, 10, 2), digits_at(text, 12, 2));
}

/* 18 characters that end in a MOD 11-2 check: resident numbers and those made like them. */
static enum bd_code rule_18(struct number *number)
{
	int32_t birth;

	if (!are_digits(number->text, 0, 17) ||
		(number->text[17] != 'X' && !are_digits(number->text, 17, 18))) {
		return fail(number, BD_ID_CHARACTER, "id.resident", "");
	}
	if (!birth_of(&birth, number->text)) {
		return fail(number, BD_ID_BIRTH_DATE, "id.resident", "");
	}
	if (number->text[17] != check_11_2(number->text)) {
		return doubt(number, BD_ID_CHECK_DIGIT, "id.resident");
	}
	return BD_OK;
}

/* 15 digits of before 1999: the century is the 20th, the check follows. */
static enum bd_code rule_15(struct number *number)
{
	if (!are_digits(number->text, 0, 15)) {
		return fail(number, BD_ID_CHARACTER, "id.resident15", "");
	}
	memmove(number->text + 8, number->text + 6, 9);
	memcpy(number->text + 6, "19", 2);
	number->text[17] = check_11_2(number->text);
	number->len = 18;
	return rule_18(number);
}

static enum bd_code rule_resident(struct number *number)
{
	if (number->len == 15 && are_digits(number->text, 0, 3)) {
		return rule_15(number);
	}
	if (number->len != 18) {
		return fail(number, BD_ID_LENGTH, "id.resident", "");
	}
	if (memcmp(number->text, "810000", 6) == 0 || memcmp(number->text, "820000", 6) == 0 ||
		memcmp(number->text, "830000", 6) == 0) {
		number->kind = "hmt_residence";
	} else if (number->text[0] == '9') {
		number->kind = "foreign_pr";
	}
	return rule_18(number);
}

static enum bd_code rule_residence_permit(struct number *number)
{
	if (number->len != 18) {
		return fail(number, BD_ID_LENGTH, "id.hmt_residence", "");
	}
	if (number->text[0] != '8' || number->text[1] < '1' || number->text[1] > '3' ||
		memcmp(number->text + 2, "0000", 4) != 0) {
		return fail(number, BD_ID_CHARACTER, "id.hmt_residence",
			"begins with 810000, 820000 or 830000");
	}
	return rule_18(number);
}

static enum bd_code rule_foreign_pr(struct number *number)
{
	if (number->len == 18 && number->text[0] == '9') {
		return rule_18(number);
	}
	if (number->len != 15) {
		return fail(
			number, BD_ID_LENGTH, "id.foreign_pr", "18 or, formerly, 15 characters");
	}
	for (size_t i = 0; i < 3; i++) {
		if (number->text[i] < 'A' || number->text[i] > 'Z') {
			return fail(number, BD_ID_CHARACTER, "id.foreign_pr", "");
		}
	}
	return are_digits(number->text, 3, 15) ? BD_OK
					       : fail(number, BD_ID_CHARACTER, "id.foreign_pr", "");
}

/* The two digits of renewal are no part of the person's number. */
static enum bd_code rule_hk_macao(struct number *number)
{
	if ((number->len != 9 && number->len != 11) ||
		(number->text[0] != 'H' && number->text[0] != 'M') ||
		!are_digits(number->text, 1, number->len)) {
		return fail(number,
			number->len == 9 || number->len == 11 ? BD_ID_CHARACTER : BD_ID_LENGTH,
			"id.hk_macao_permit", "H or M and 8 digits");
	}
	number->len = 9;
	return BD_OK;
}

static enum bd_code rule_taiwan(struct number *number)
{
	if ((number->len != 8 && number->len != 10) || !are_digits(number->text, 0, 8)) {
		return fail(number,
			number->len == 8 || number->len == 10 ? BD_ID_CHARACTER : BD_ID_LENGTH,
			"id.taiwan_permit", "8 digits");
	}
	number->len = 8;
	return BD_OK;
}

/* No checksum: what can be said is that it has letters and digits only. */
static enum bd_code rule_passport(struct number *number)
{
	if (number->len < 5 || number->len > 20) {
		return fail(number, BD_ID_LENGTH, "id.passport", "5 to 20 characters");
	}
	for (size_t i = 0; i < number->len; i++) {
		bool is_letter = number->text[i] >= 'A' && number->text[i] <= 'Z';

		if (!is_letter && !are_digits(number->text, i, i + 1)) {
			return fail(number, BD_ID_CHARACTER, "id.passport", "");
		}
	}
	return BD_OK;
}

static enum bd_code rule_any(struct number *number)
{
	return number->len > 0 ? BD_OK : fail(number, BD_ID_LENGTH, "id.any", "");
}

/* -- organizations -- */

/* Value in the alphabet of GB 32100: digits and capitals without I O Z S V; -1 = none. */
static int uscc_value(char c)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	const char *found = c == '\0' ? NULL : strchr(alphabet, c);

	return found == NULL ? -1 : (int)(found - alphabet);
}

/* GB 11714: A is 10 ... Z is 35; X stands for 10 as a check, 0 for 11. */
static char check_org_code(const char *text)
{
	static const int weights[8] = { 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0, check;

	for (size_t i = 0; i < 8; i++) {
		int value = text[i] >= 'A' ? text[i] - 'A' + 10 : text[i] - '0';

		sum += value * weights[i];
	}
	check = 11 - sum % 11;
	return check == 10 ? 'X' : check == 11 ? '0' : (char)('0' + check);
}

static enum bd_code rule_uscc(struct number *number)
{
	int sum = 0, weight = 1;

	if (number->len != 18) {
		return fail(number, BD_USCC_FORM, "id.uscc", "");
	}
	for (size_t i = 0; i < 18; i++) {
		if (uscc_value(number->text[i]) < 0) {
			return fail(number, BD_USCC_FORM, "id.uscc", "");
		}
	}
	if (!are_digits(number->text, 2, 8)) {
		return fail(number, BD_USCC_FORM, "id.uscc", "places 3 to 8 are digits");
	}
	for (size_t i = 0; i < 17; i++) {
		sum += uscc_value(number->text[i]) * weight;
		weight = weight * 3 % 31;
	}
	if (uscc_value(number->text[17]) != (31 - sum % 31) % 31 ||
		number->text[16] != check_org_code(number->text + 8)) {
		return doubt(number, BD_USCC_CHECK_DIGIT, "id.uscc");
	}
	return BD_OK;
}

static enum bd_code rule_org_code(struct number *number)
{
	if (number->len == 10 && number->text[8] == '-') {
		number->text[8] = number->text[9];
		number->len = 9;
	}
	if (number->len != 9) {
		return fail(number, BD_ID_LENGTH, "id.org_code", "9 characters");
	}
	for (size_t i = 0; i < 9; i++) {
		bool is_letter = number->text[i] >= 'A' && number->text[i] <= 'Z';

		if (!is_letter && !are_digits(number->text, i, i + 1)) {
			return fail(number, BD_ID_CHARACTER, "id.org_code", "");
		}
	}
	return number->text[8] == check_org_code(number->text)
		       ? BD_OK
		       : doubt(number, BD_ID_CHECK_DIGIT, "id.org_code");
}

/* ISO 7064 MOD 11,10. */
static enum bd_code rule_reg_no(struct number *number)
{
	int product = 10;

	if (number->len != 15 || !are_digits(number->text, 0, 15)) {
		return fail(number, BD_REG_NO_FORM, "id.reg_no", "");
	}
	for (size_t i = 0; i < 14; i++) {
		int sum = (product + number->text[i] - '0') % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
	}
	return (product + number->text[14] - '0') % 10 == 1
		       ? BD_OK
		       : doubt(number, BD_REG_NO_CHECK_DIGIT, "id.reg_no");
}

/* A taxpayer number may be a USCC, 15 digits, or a citizen's number with a suffix: always an
 * organization's alias. */
static enum bd_code rule_taxpayer_no(struct number *number)
{
	if (number->len < 15 || number->len > 20) {
		return fail(number, BD_ID_LENGTH, "id.taxpayer_no", "15 to 20 characters");
	}
	for (size_t i = 0; i < number->len; i++) {
		bool is_letter = number->text[i] >= 'A' && number->text[i] <= 'Z';

		if (!is_letter && !are_digits(number->text, i, i + 1)) {
			return fail(number, BD_ID_CHARACTER, "id.taxpayer_no", "");
		}
	}
	return BD_OK;
}

static const struct {
	const char *kind;
	enum bd_code (*rule)(struct number *number);
} rules[] = { { "resident_id", rule_resident }, { "hmt_residence", rule_residence_permit },
	{ "foreign_pr", rule_foreign_pr }, { "hk_macao_permit", rule_hk_macao },
	{ "taiwan_permit", rule_taiwan }, { "cn_passport", rule_passport },
	{ "foreign_passport", rule_passport }, { "uscc", rule_uscc }, { "reg_no", rule_reg_no },
	{ "org_code", rule_org_code }, { "taxpayer_no", rule_taxpayer_no } };

/* Half width, capitals, no blanks: what a clerk's keyboard adds is not the number. Issued keys are
 * kept as they are. */
static enum bd_code fold(struct number *number, struct bd_bytes text, bool is_issued)
{
	struct bd_buf folded;
	enum bd_code code;

	bd_buf_init(&folded, BD_IDENTIFIER_MAX_BYTES * 8);
	text = bd_text_trim(text);
	code = is_issued ? bd_buf_add(&folded, text) : bd_text_nfkc(&folded, text);
	for (size_t i = 0; code == BD_OK && i < folded.len; i++) {
		char c = folded.ptr[i];

		if (!is_issued && (c == ' ' || c == '\t')) {
			continue;
		}
		if (!is_issued && c >= 'a' && c <= 'z') {
			c = (char)(c - 'a' + 'A');
		}
		if (number->len == BD_IDENTIFIER_MAX_BYTES || (unsigned char)c < 0x20) {
			code = (unsigned char)c < 0x20 ? BD_ID_CHARACTER : BD_ID_LENGTH;
		} else {
			number->text[number->len++] = c;
		}
	}
	bd_buf_release(&folded);
	return code == BD_OK || code == BD_NO_MEMORY || code == BD_ID_CHARACTER ? code
										: BD_ID_LENGTH;
}

enum bd_code bd_rule_identifier(struct bd_identifier *out, const struct bd_dictionary *dict,
	const struct bd_id_kind *kind, struct bd_bytes text, bool *warned, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct number number = { .len = 0, .kind = kind->name, .warned = warned, .diag = diag };
	enum bd_code (*rule)(struct number * number) = rule_any;
	enum bd_code code = fold(&number, text, kind->is_issued);

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].kind, kind->name) == 0) {
			rule = rules[i].rule;
		}
	}
	code = code == BD_OK ? rule(&number) : fail(&number, code, "id.any", "");
	if (code != BD_OK) {
		return code;
	}
	if (strcmp(number.kind, kind->name) != 0) {
		const struct bd_id_kind *other = bd_dictionary_id_kind(dict, number.kind);

		kind = other != NULL ? other : kind;
	}
	*out = (struct bd_identifier){ .kind = kind->number,
		.number = bd_arena_copy(arena, (struct bd_bytes){ number.text, number.len }) };
	return out->number.ptr != NULL ? BD_OK : bd_fail(diag, bd_arena_code(arena), "%s", "");
}

bool bd_rule_identifier_facts(int32_t *birth, bool *is_male, const struct bd_identifier *identifier,
	const struct bd_dictionary *dict)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, identifier->kind);

	if (kind == NULL || kind->subject != BD_SUBJECT_PERSON || kind->is_issued ||
		identifier->number.len != 18 || !are_digits(identifier->number.ptr, 0, 17) ||
		!birth_of(birth, identifier->number.ptr)) {
		return false;
	}
	*is_male = (identifier->number.ptr[16] - '0') % 2 == 1;
	return true;
}
