#include "record/rules_identifier.h"

#include "record/rules_number.h"

#include <string.h>

enum bd_code bd_rule_fold_number(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_number number = { .len = 0, .diag = diag };
	struct bd_bytes kept;
	enum bd_code code = bd_number_fold(&number, text, false);

	if (code == BD_OK && number.len == 0) {
		code = BD_ID_LENGTH;
	}
	if (code != BD_OK) {
		return bd_number_fail(&number, code, "id.fold", "");
	}
	kept = bd_arena_copy(arena, (struct bd_bytes){ number.text, number.len });
	if (kept.ptr == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	*out = kept;
	return BD_OK;
}

/* rule: id.kind. A number that is right in every way beats the type of document it came with. */
static const char *kind_by_number(struct bd_number *number)
{
	if (!bd_number_is_right_18(number)) {
		return NULL;
	}
	return bd_number_is_permit(number->text) ? "hmt_residence"
	       : number->text[0] == '9'          ? "foreign_pr"
						 : NULL;
}

static const struct bd_id_kind *beat_kind(
	const struct bd_id_kind *kind, struct bd_number *number, const struct bd_dictionary *dict)
{
	const struct bd_id_kind *other = NULL;
	const char *name = NULL;

	if (kind->subject == BD_SUBJECT_PERSON && !kind->is_issued) {
		name = kind_by_number(number);
	}
	if (name != NULL) {
		other = bd_dictionary_id_kind(dict, name);
	}
	if (other == NULL || other == kind) {
		return kind;
	}
	if (number->warned != NULL) {
		*number->warned = true;
	}
	return other;
}

/* Documents of other kinds, and departments' own keys: anything but empty. */
static enum bd_code rule_any(struct bd_number *number)
{
	return number->len > 0 ? BD_OK : bd_number_fail(number, BD_ID_LENGTH, "id.any", "");
}

static enum bd_code apply_rule(struct bd_number *number, const struct bd_id_kind *kind)
{
	bd_number_rule *rule = kind->subject == BD_SUBJECT_PERSON
				       ? bd_number_person_rule(kind->name)
				       : bd_number_organization_rule(kind->name);

	return rule != NULL ? rule(number) : rule_any(number);
}

enum bd_code bd_rule_identifier(struct bd_identifier *out, const struct bd_dictionary *dict,
	const struct bd_id_kind *kind, struct bd_bytes text, bool *warned, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct bd_number number = { .len = 0, .warned = warned, .diag = diag };
	struct bd_bytes kept;
	enum bd_code code = bd_number_fold(&number, text, kind->is_issued);

	if (code != BD_OK) {
		return bd_number_fail(&number, code, "id.fold", "");
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
static const char *kind_by_shape(struct bd_number *number, enum bd_subject_kind subject)
{
	if (subject == BD_SUBJECT_ORGANIZATION) {
		return bd_number_is_right_uscc(number) ? "uscc"
		       : number->len == 15 && bd_number_are_digits(number->text, 0, 15) &&
				       bd_number_is_right_reg_no(number->text)
			       ? "reg_no"
		       : bd_number_has_form_org_code(number) &&
				       number->text[8] == bd_number_check_org_code(number->text)
			       ? "org_code"
			       : NULL;
	}
	if (bd_number_is_right_18(number)) {
		const char *other = kind_by_number(number);

		return other != NULL ? other : "resident_id";
	}
	if (bd_number_is_old_foreign_pr(number)) {
		return "foreign_pr";
	}
	number->diag = NULL;
	return number->len == 15 && bd_number_rule_15(number) == BD_OK ? "resident_id" : NULL;
}

const struct bd_id_kind *bd_rule_id_by_shape(
	const struct bd_dictionary *dict, enum bd_subject_kind subject, struct bd_bytes text)
{
	struct bd_number number = { .len = 0 };
	const char *name = bd_number_fold(&number, text, false) == BD_OK
				   ? kind_by_shape(&number, subject)
				   : NULL;

	return name != NULL ? bd_dictionary_id_kind(dict, name) : NULL;
}

bool bd_rule_number_forms(struct bd_number_forms *out, struct bd_bytes text)
{
	struct bd_number number = { .len = 0 }, resident;

	if (bd_number_fold(&number, text, false) != BD_OK) {
		return false;
	}
	*out = (struct bd_number_forms){ .len = number.len };
	memcpy(out->text, number.text, number.len);
	resident = number;
	if (bd_number_is_right_18(&number) ||
		(resident.len == 15 && bd_number_rule_15(&resident) == BD_OK)) {
		out->forms |= BD_NUMBER_RESIDENT;
		memcpy(out->resident18, resident.text, sizeof(out->resident18));
	}
	out->forms |= bd_number_is_right_uscc(&number) ? BD_NUMBER_USCC : 0;
	out->forms |= number.len == 15 && bd_number_are_digits(number.text, 0, 15) &&
				      bd_number_is_right_reg_no(number.text)
			      ? BD_NUMBER_REG_NO
			      : 0;
	if (bd_number_has_form_org_code(&number) &&
		number.text[8] == bd_number_check_org_code(number.text)) {
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
	struct bd_number number = { .len = 0 };
	const struct bd_id_kind *other = NULL;

	if (kind == NULL || strcmp(kind->name, "taxpayer_no") != 0 ||
		bd_number_fold(&number, taxpayer->number, false) != BD_OK) {
		return false;
	}
	if (number.len == 18 && bd_number_is_right_uscc(&number) &&
		!bd_number_is_right_18(&number)) {
		other = bd_dictionary_id_kind(dict, "uscc");
	} else if (number.len == 15 && bd_number_are_digits(number.text, 0, 15) &&
		   bd_number_is_right_reg_no(number.text)) {
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
		identifier->number.len != 18 ||
		!bd_number_are_digits(identifier->number.ptr, 0, 17) ||
		!bd_number_birth(birth, identifier->number.ptr)) {
		return false;
	}
	*is_male = (identifier->number.ptr[16] - '0') % 2 == 1;
	return true;
}

static bool is_identity(struct bd_bytes text)
{
	struct bd_number_forms forms;

	return bd_rule_number_forms(&forms, text) &&
	       (forms.forms & (BD_NUMBER_RESIDENT | BD_NUMBER_USCC)) != 0;
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A number of a person or organization by its form, alone or within a longer one. */
bool bd_rule_holds_identity(struct bd_bytes text)
{
	for (size_t begin = 0, end; begin < text.len; begin = end + 1) {
		for (end = begin; end < text.len && is_alphanumeric(text.ptr[end]); end++) {
		}
		if (end - begin == 15 && is_identity((struct bd_bytes){ text.ptr + begin, 15 })) {
			return true;
		}
		for (size_t at = begin; at + 18 <= end; at++) {
			if (is_identity((struct bd_bytes){ text.ptr + at, 18 })) {
				return true;
			}
		}
	}
	return false;
}
