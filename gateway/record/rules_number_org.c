/* rules_number_org.c - the rules of numbers of organizations. */
#include "record/rules_number.h"

#include <string.h>

/* Value in the alphabet of GB 32100: digits and capitals without I O Z S V; -1 = none. */
static const char uscc_alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

static int uscc_value(char c)
{
	const char *found = c == '\0' ? NULL : strchr(uscc_alphabet, c);

	return found == NULL ? -1 : (int)(found - uscc_alphabet);
}

/* GB 11714: A is 10 ... Z is 35; X stands for 10 as a check, 0 for 11. */
char bd_number_check_org_code(const char *text)
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

/* Places 1 and 2 of any department and kind: the published lists differ. */
static bool has_form_uscc(const struct bd_number *number)
{
	for (size_t i = 0; i < number->len; i++) {
		if (uscc_value(number->text[i]) < 0) {
			return false;
		}
	}
	return number->len == 18 && bd_number_are_digits(number->text, 2, 8);
}

static char check_uscc(const char *text)
{
	int sum = 0, weight = 1;

	for (size_t i = 0; i < 17; i++) {
		sum += uscc_value(text[i]) * weight;
		weight = weight * 3 % 31;
	}
	return uscc_alphabet[(31 - sum % 31) % 31];
}

static enum bd_code rule_uscc(struct bd_number *number)
{
	if (!has_form_uscc(number)) {
		return bd_number_fail(number, BD_USCC_FORM, "id.uscc", "");
	}
	if (number->text[17] != check_uscc(number->text)) {
		return bd_number_doubt(number, BD_USCC_CHECK_DIGIT, "id.uscc");
	}
	return number->text[16] == bd_number_check_org_code(number->text + 8)
		       ? BD_OK
		       : bd_number_doubt(number, BD_USCC_CHECK_DIGIT, "id.uscc_org_code");
}

bool bd_number_is_right_uscc(const struct bd_number *number)
{
	return has_form_uscc(number) && number->text[17] == check_uscc(number->text) &&
	       number->text[16] == bd_number_check_org_code(number->text + 8);
}

bool bd_number_has_form_org_code(struct bd_number *number)
{
	if (number->len == 10 && number->text[8] == '-') {
		number->text[8] = number->text[9];
		number->len = 9;
	}
	return number->len == 9 && bd_number_is_plain(number);
}

static enum bd_code rule_org_code(struct bd_number *number)
{
	if (!bd_number_has_form_org_code(number)) {
		return bd_number_fail(number, number->len == 9 ? BD_ID_CHARACTER : BD_ID_LENGTH,
			"id.org_code", "9 characters");
	}
	return number->text[8] == bd_number_check_org_code(number->text)
		       ? BD_OK
		       : bd_number_doubt(number, BD_ID_CHECK_DIGIT, "id.org_code");
}

/* ISO 7064 MOD 11,10. */
bool bd_number_is_right_reg_no(const char *text)
{
	int product = 10;

	for (size_t i = 0; i < 14; i++) {
		int sum = (product + text[i] - '0') % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
	}
	return (product + text[14] - '0') % 10 == 1;
}

static enum bd_code rule_reg_no(struct bd_number *number)
{
	if (number->len != 15 || !bd_number_are_digits(number->text, 0, 15)) {
		return bd_number_fail(number, BD_REG_NO_FORM, "id.reg_no", "");
	}
	return bd_number_is_right_reg_no(number->text)
		       ? BD_OK
		       : bd_number_doubt(number, BD_REG_NO_CHECK_DIGIT, "id.reg_no");
}

/* A taxpayer number may be a USCC, 15 digits, or a citizen's number with a suffix: always an
 * organization's alias. */
static enum bd_code rule_taxpayer_no(struct bd_number *number)
{
	if (number->len < 15 || number->len > 20) {
		return bd_number_fail(
			number, BD_ID_LENGTH, "id.taxpayer_no", "15 to 20 characters");
	}
	return bd_number_is_plain(number)
		       ? BD_OK
		       : bd_number_fail(number, BD_ID_CHARACTER, "id.taxpayer_no", "");
}

bd_number_rule *bd_number_organization_rule(const char *kind)
{
	static const struct {
		const char *kind;
		bd_number_rule *rule;
	} rules[] = { { "uscc", rule_uscc }, { "reg_no", rule_reg_no },
		{ "org_code", rule_org_code }, { "taxpayer_no", rule_taxpayer_no } };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (bd_is_name(rules[i].kind, kind)) {
			return rules[i].rule;
		}
	}
	return NULL;
}
