#include "record/rules_identifier.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "record/rules_text.h"

#include <string.h>

/* Room for the longest number, and for 15 digits to become 18. */
#define NUMBER_MAX (BD_IDENTIFIER_MAX_BYTES + 4)
#define BIRTH_YEAR_MIN 1850

/* A number being made canonical. */
struct number {
	char text[NUMBER_MAX];
	size_t len;
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

static bool are_letters_or_digits(const struct number *number)
{
	for (size_t i = 0; i < number->len; i++) {
		bool is_letter = number->text[i] >= 'A' && number->text[i] <= 'Z';

		if (!is_letter && !are_digits(number->text, i, i + 1)) {
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

/* A day that exists, of someone a living register can hold. */
static bool birth_of(int32_t *day, const char *text)
{
	int year = digits_at(text, 6, 4);

	return year >= BIRTH_YEAR_MIN &&
	       bd_day_of(day, year, digits_at(text, 10, 2), digits_at(text, 12, 2));
}

static bool has_form_18(const struct number *number)
{
	return number->len == 18 && are_digits(number->text, 0, 17) &&
	       (number->text[17] == 'X' || are_digits(number->text, 17, 18));
}

/* 18 characters that end in a MOD 11-2 check: resident numbers and those made like them. */
static enum bd_code rule_18(struct number *number, const char *rule)
{
	int32_t birth;

	if (number->len != 18) {
		return fail(number, BD_ID_LENGTH, rule, "");
	}
	if (!has_form_18(number)) {
		return fail(number, BD_ID_CHARACTER, rule, "");
	}
	if (!birth_of(&birth, number->text)) {
		return fail(number, BD_ID_BIRTH_DATE, rule, "");
	}
	return number->text[17] == check_11_2(number->text)
		       ? BD_OK
		       : doubt(number, BD_ID_CHECK_DIGIT, rule);
}

/* Right in form, birth date and check. */
static bool is_right_18(const struct number *number)
{
	int32_t birth;

	return has_form_18(number) && birth_of(&birth, number->text) &&
	       number->text[17] == check_11_2(number->text);
}

static bool is_residence_permit(const char *text)
{
	return text[0] == '8' && text[1] >= '1' && text[1] <= '3' &&
	       memcmp(text + 2, "0000", 4) == 0;
}

/* 15 digits of before 1999: the century is the 20th, the check follows. The documents of those who
 * are not from here came later: no such number begins like theirs. */
static enum bd_code rule_15(struct number *number)
{
	if (!are_digits(number->text, 0, 15) || number->text[0] == '9' ||
		is_residence_permit(number->text)) {
		return fail(number, BD_ID_CHARACTER, "id.resident15", "");
	}
	memmove(number->text + 8, number->text + 6, 9);
	memcpy(number->text + 6, "19", 2);
	number->text[17] = check_11_2(number->text);
	number->len = 18;
	return rule_18(number, "id.resident15");
}

static enum bd_code rule_resident(struct number *number)
{
	return number->len == 15 ? rule_15(number) : rule_18(number, "id.resident");
}

static enum bd_code rule_residence_permit(struct number *number)
{
	if (number->len != 18) {
		return fail(number, BD_ID_LENGTH, "id.hmt_residence", "");
	}
	if (!is_residence_permit(number->text)) {
		return fail(number, BD_ID_CHARACTER, "id.hmt_residence",
			"begins with 810000, 820000 or 830000");
	}
	return rule_18(number, "id.hmt_residence");
}

static bool is_old_foreign_pr(const struct number *number)
{
	for (size_t i = 0; i < 3; i++) {
		if (number->text[i] < 'A' || number->text[i] > 'Z') {
			return false;
		}
	}
	return number->len == 15 && are_digits(number->text, 3, 15);
}

static enum bd_code rule_foreign_pr(struct number *number)
{
	if (number->len == 18 && number->text[0] == '9') {
		return rule_18(number, "id.foreign_pr");
	}
	if (number->len != 15 && number->len != 18) {
		return fail(
			number, BD_ID_LENGTH, "id.foreign_pr", "18 or, formerly, 15 characters");
	}
	return is_old_foreign_pr(number) ? BD_OK
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
	if ((number->len != 8 && number->len != 10) || !are_digits(number->text, 0, number->len)) {
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
	return are_letters_or_digits(number) ? BD_OK
					     : fail(number, BD_ID_CHARACTER, "id.passport", "");
}

static enum bd_code rule_any(struct number *number)
{
	return number->len > 0 ? BD_OK : fail(number, BD_ID_LENGTH, "id.any", "");
}

/* -- organizations -- */

/* Value in the alphabet of GB 32100: digits and capitals without I O Z S V; -1 = none. */
static const char uscc_alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

static int uscc_value(char c)
{
	const char *found = c == '\0' ? NULL : strchr(uscc_alphabet, c);

	return found == NULL ? -1 : (int)(found - uscc_alphabet);
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

/* Places 1 and 2 of any department and kind: the published lists differ. */
static bool has_form_uscc(const struct number *number)
{
	for (size_t i = 0; i < number->len; i++) {
		if (uscc_value(number->text[i]) < 0) {
			return false;
		}
	}
	return number->len == 18 && are_digits(number->text, 2, 8);
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

static enum bd_code rule_uscc(struct number *number)
{
	if (!has_form_uscc(number)) {
		return fail(number, BD_USCC_FORM, "id.uscc", "");
	}
	if (number->text[17] != check_uscc(number->text)) {
		return doubt(number, BD_USCC_CHECK_DIGIT, "id.uscc");
	}
	return number->text[16] == check_org_code(number->text + 8)
		       ? BD_OK
		       : doubt(number, BD_USCC_CHECK_DIGIT, "id.uscc_org_code");
}

static bool is_right_uscc(const struct number *number)
{
	return has_form_uscc(number) && number->text[17] == check_uscc(number->text) &&
	       number->text[16] == check_org_code(number->text + 8);
}

static bool has_form_org_code(struct number *number)
{
	if (number->len == 10 && number->text[8] == '-') {
		number->text[8] = number->text[9];
		number->len = 9;
	}
	return number->len == 9 && are_letters_or_digits(number);
}

static enum bd_code rule_org_code(struct number *number)
{
	if (!has_form_org_code(number)) {
		return fail(number, number->len == 9 ? BD_ID_CHARACTER : BD_ID_LENGTH,
			"id.org_code", "9 characters");
	}
	return number->text[8] == check_org_code(number->text)
		       ? BD_OK
		       : doubt(number, BD_ID_CHECK_DIGIT, "id.org_code");
}

/* ISO 7064 MOD 11,10. */
static bool is_right_11_10(const char *text)
{
	int product = 10;

	for (size_t i = 0; i < 14; i++) {
		int sum = (product + text[i] - '0') % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
	}
	return (product + text[14] - '0') % 10 == 1;
}

static enum bd_code rule_reg_no(struct number *number)
{
	if (number->len != 15 || !are_digits(number->text, 0, 15)) {
		return fail(number, BD_REG_NO_FORM, "id.reg_no", "");
	}
	return is_right_11_10(number->text) ? BD_OK
					    : doubt(number, BD_REG_NO_CHECK_DIGIT, "id.reg_no");
}

/* A taxpayer number may be a USCC, 15 digits, or a citizen's number with a suffix: always an
 * organization's alias. */
static enum bd_code rule_taxpayer_no(struct number *number)
{
	if (number->len < 15 || number->len > 20) {
		return fail(number, BD_ID_LENGTH, "id.taxpayer_no", "15 to 20 characters");
	}
	return are_letters_or_digits(number) ? BD_OK
					     : fail(number, BD_ID_CHARACTER, "id.taxpayer_no", "");
}

static const struct {
	const char *kind;
	enum bd_code (*rule)(struct number *number);
} rules[] = { { "resident_id", rule_resident }, { "hmt_residence", rule_residence_permit },
	{ "foreign_pr", rule_foreign_pr }, { "hk_macao_permit", rule_hk_macao },
	{ "taiwan_permit", rule_taiwan }, { "cn_passport", rule_passport },
	{ "foreign_passport", rule_passport }, { "uscc", rule_uscc }, { "reg_no", rule_reg_no },
	{ "org_code", rule_org_code }, { "taxpayer_no", rule_taxpayer_no } };

static enum bd_code append(struct number *number, uint32_t point)
{
	struct bd_buf out = { number->text, number->len, BD_IDENTIFIER_MAX_BYTES,
		BD_IDENTIFIER_MAX_BYTES };

	if (point < 0x20 || point == 0x7F) {
		return BD_ID_CHARACTER;
	}
	if (point < 0x80 && number->len < BD_IDENTIFIER_MAX_BYTES) {
		number->text[number->len++] = (char)point;
		return BD_OK;
	}
	if (bd_text_add_point(&out, point) != BD_OK) {
		return BD_ID_LENGTH;
	}
	number->len = out.len;
	return BD_OK;
}

static enum bd_code append_folded(struct number *number, uint32_t point, bool is_issued)
{
	if (is_issued) {
		return append(number, point);
	}
	if (bd_rule_is_blank(point)) {
		return BD_OK;
	}
	return append(number, point >= 'a' && point <= 'z' ? point - ('a' - 'A')
			      : bd_rule_is_dash(point)     ? '-'
							   : point);
}

/* Most numbers are ASCII, which is its own NFKC; false when this one is not. */
static bool fold_ascii(
	enum bd_code *code, struct number *number, struct bd_bytes text, bool is_issued)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80) {
			return false;
		}
	}
	*code = BD_OK;
	for (size_t i = 0; i < text.len && *code == BD_OK; i++) {
		*code = append_folded(number, (unsigned char)text.ptr[i], is_issued);
	}
	return true;
}

static enum bd_code fold_once(struct number *number, struct bd_bytes text, bool is_issued)
{
	struct bd_buf folded;
	struct bd_bytes rest;
	uint32_t point;
	bool is_good = true;
	enum bd_code code;

	bd_buf_init(&folded, (size_t)BD_IDENTIFIER_MAX_BYTES * 8);
	code = is_issued ? bd_buf_add(&folded, text) : bd_text_nfkc(&folded, text);
	if (code == BD_LIMIT_BYTES) {
		code = BD_ID_LENGTH;
	}
	rest = bd_buf_bytes(&folded);
	while (code == BD_OK && bd_text_next(&point, &rest, &is_good)) {
		code = append_folded(number, point, is_issued);
	}
	bd_buf_release(&folded);
	return code == BD_TEXT_ENCODING || !is_good ? BD_ID_CHARACTER : code;
}

/* rule: id.fold. Half width, capitals, one kind of dash, no blanks; what a clerk's keyboard adds is
 * not the number. Issued keys are kept as they are. */
static enum bd_code fold(struct number *number, struct bd_bytes text, bool is_issued)
{
	enum bd_code code;
	bool is_final = is_issued;

	text = bd_text_trim(text);
	if (fold_ascii(&code, number, text, is_issued)) {
		return code;
	}
	code = fold_once(number, text, is_issued);
	/* A mark behind a blank that has gone now joins the letter before it: each pass is shorter,
	 * or the last. */
	while (code == BD_OK && !is_final) {
		struct number before = *number;

		number->len = 0;
		code = fold_once(number, (struct bd_bytes){ before.text, before.len }, false);
		is_final = number->len == before.len &&
			   memcmp(number->text, before.text, before.len) == 0;
	}
	return code;
}

enum bd_code bd_rule_fold_number(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	struct number number = { .len = 0, .diag = diag };
	struct bd_bytes kept;
	enum bd_code code = fold(&number, text, false);

	if (code == BD_OK && number.len == 0) {
		code = BD_ID_LENGTH;
	}
	if (code != BD_OK) {
		return fail(&number, code, "id.fold", "");
	}
	kept = bd_arena_copy(arena, (struct bd_bytes){ number.text, number.len });
	if (kept.ptr == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	*out = kept;
	return BD_OK;
}

/* rule: id.kind. A number that is right in every way beats the type of document it came with. */
static const char *kind_by_number(const struct number *number)
{
	if (!is_right_18(number)) {
		return NULL;
	}
	return is_residence_permit(number->text) ? "hmt_residence"
	       : number->text[0] == '9'          ? "foreign_pr"
						 : NULL;
}

static const struct bd_id_kind *beat_kind(const struct bd_id_kind *kind,
	const struct number *number, const struct bd_dictionary *dict)
{
	const struct bd_id_kind *other = NULL;

	if (kind->subject == BD_SUBJECT_PERSON && !kind->is_issued &&
		kind_by_number(number) != NULL) {
		other = bd_dictionary_id_kind(dict, kind_by_number(number));
	}
	if (other == NULL || other == kind) {
		return kind;
	}
	if (number->warned != NULL) {
		*number->warned = true;
	}
	return other;
}

static enum bd_code apply_rule(struct number *number, const struct bd_id_kind *kind)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].kind, kind->name) == 0) {
			return rules[i].rule(number);
		}
	}
	return rule_any(number);
}

enum bd_code bd_rule_identifier(struct bd_identifier *out, const struct bd_dictionary *dict,
	const struct bd_id_kind *kind, struct bd_bytes text, bool *warned, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct number number = { .len = 0, .warned = warned, .diag = diag };
	struct bd_bytes kept;
	enum bd_code code = fold(&number, text, kind->is_issued);

	if (code != BD_OK) {
		return fail(&number, code, "id.fold", "");
	}
	kind = beat_kind(kind, &number, dict);
	code = apply_rule(&number, kind);
	if (code != BD_OK) {
		return code;
	}
	kept = bd_arena_copy(arena, (struct bd_bytes){ number.text, number.len });
	if (kept.ptr == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	*out = (struct bd_identifier){ .kind = kind->number, .number = kept };
	return BD_OK;
}

/* rule: id.shape. Only forms that no other document of the table has. */
static const char *kind_by_shape(struct number *number, enum bd_subject_kind subject)
{
	if (subject == BD_SUBJECT_ORGANIZATION) {
		return is_right_uscc(number) ? "uscc"
		       : number->len == 15 && are_digits(number->text, 0, 15) &&
				       is_right_11_10(number->text)
			       ? "reg_no"
		       : has_form_org_code(number) &&
				       number->text[8] == check_org_code(number->text)
			       ? "org_code"
			       : NULL;
	}
	if (is_right_18(number)) {
		const char *other = kind_by_number(number);

		return other != NULL ? other : "resident_id";
	}
	if (is_old_foreign_pr(number)) {
		return "foreign_pr";
	}
	number->diag = NULL;
	return number->len == 15 && rule_15(number) == BD_OK ? "resident_id" : NULL;
}

const struct bd_id_kind *bd_rule_id_by_shape(
	const struct bd_dictionary *dict, enum bd_subject_kind subject, struct bd_bytes text)
{
	struct number number = { .len = 0 };
	const char *name =
		fold(&number, text, false) == BD_OK ? kind_by_shape(&number, subject) : NULL;

	return name != NULL ? bd_dictionary_id_kind(dict, name) : NULL;
}

bool bd_rule_number_forms(struct bd_number_forms *out, struct bd_bytes text)
{
	struct number number = { .len = 0 }, resident;

	if (fold(&number, text, false) != BD_OK) {
		return false;
	}
	*out = (struct bd_number_forms){ .len = number.len };
	memcpy(out->text, number.text, number.len);
	resident = number;
	if (is_right_18(&number) || (resident.len == 15 && rule_15(&resident) == BD_OK)) {
		out->forms |= BD_NUMBER_RESIDENT;
		memcpy(out->resident18, resident.text, sizeof(out->resident18));
	}
	out->forms |= is_right_uscc(&number) ? BD_NUMBER_USCC : 0;
	out->forms |=
		number.len == 15 && are_digits(number.text, 0, 15) && is_right_11_10(number.text)
			? BD_NUMBER_REG_NO
			: 0;
	if (has_form_org_code(&number) && number.text[8] == check_org_code(number.text)) {
		/* Its hyphen is gone now. */
		out->forms |= BD_NUMBER_ORG_CODE;
		out->len = number.len;
		memcpy(out->text, number.text, number.len);
	}
	return true;
}

/* rule: id.taxpayer_twin. */
bool bd_rule_taxpayer_twin(struct bd_identifier *twin, const struct bd_identifier *taxpayer,
	const struct bd_dictionary *dict)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, taxpayer->kind);
	struct number number = { .len = 0 };
	const struct bd_id_kind *other = NULL;

	if (kind == NULL || strcmp(kind->name, "taxpayer_no") != 0 ||
		fold(&number, taxpayer->number, false) != BD_OK) {
		return false;
	}
	if (number.len == 18 && is_right_uscc(&number) && !is_right_18(&number)) {
		other = bd_dictionary_id_kind(dict, "uscc");
	} else if (number.len == 15 && are_digits(number.text, 0, 15) &&
		   is_right_11_10(number.text)) {
		other = bd_dictionary_id_kind(dict, "reg_no");
	}
	if (other == NULL) {
		return false;
	}
	*twin = (struct bd_identifier){ .kind = other->number, .number = taxpayer->number };
	return true;
}

/* rule: id.facts. */
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
