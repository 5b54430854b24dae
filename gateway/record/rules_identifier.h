/* rules_identifier.h - numbers of people and organizations in their canonical form.
 *
 * Layer: record. Used by intake (what departments send) and by answer (what is asked): both must
 * come to the same number. Rule ids are those of schemas/rules.tsv; on failure the diag names the
 * rule. Source: GB 11643-1999 (resident number), GB 32100-2015 (USCC), GB 11714-1997 (organization
 * code), GS15-2006 (registration number, ISO 7064 MOD 11,10); ISO 7064 MOD 11-2 for the check
 * characters of numbers of people.
 */
#ifndef BD_RECORD_RULES_IDENTIFIER_H
#define BD_RECORD_RULES_IDENTIFIER_H

#include "base/limits.h"
#include "record/record.h"

/* Canonical number of `text`, said to be of `kind`; out->number lives in the arena, out->issuer is
 * empty. A number that is right in form and check as a residence permit (81, 82, 83) or as a
 * foreign resident's number (9) gets that kind, whatever document it was sent as, with a warning.
 * warned NULL: a wrong check digit is an error; else it is kept and *warned set true (some codes
 * given out early do not satisfy their checksum, and a department's own register is what counts).
 */
enum bd_code bd_rule_identifier(struct bd_identifier *out, const struct bd_dictionary *dict,
	const struct bd_id_kind *kind, struct bd_bytes text, bool *warned, struct bd_arena *arena,
	struct bd_diag *diag);

/* A number of no stated kind, folded by id.fold and nothing else; lives in the arena. */
enum bd_code bd_rule_fold_number(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);

/* The kind of document a number must be of, by its form alone: NULL where several could have it
 * (passports, permits of 8 digits) or where its check digit is wrong. For numbers sent without a
 * type of document. */
const struct bd_id_kind *bd_rule_id_by_shape(
	const struct bd_dictionary *dict, enum bd_subject_kind subject, struct bd_bytes text);

/* Since 2015 the taxpayer number 纳税人识别号 is the USCC, before it often the registration number:
 * 18 characters with both checks right are also a `uscc`, 15 digits with a right check also a
 * `reg_no`, and whoever states or asks by the one means the other too. 18 characters that are right
 * as a citizen's number are an organization's alias and nothing else. false = no such twin. The
 * number is borrowed from `taxpayer`. */
bool bd_rule_taxpayer_twin(struct bd_identifier *twin, const struct bd_identifier *taxpayer,
	const struct bd_dictionary *dict);

/* What a number is by its form and check alone: bits, for it may be several things. */
enum bd_number_form {
	BD_NUMBER_RESIDENT = 1, /* of a person: 18 characters, or 15 digits */
	BD_NUMBER_USCC = 2,     /* both checks right */
	BD_NUMBER_REG_NO = 4,
	BD_NUMBER_ORG_CODE = 8
};
struct bd_number_forms {
	uint8_t forms;                          /* 0 = of no form that can be told */
	char text[BD_IDENTIFIER_MAX_BYTES + 4]; /* folded by id.fold */
	size_t len;
	char resident18[18]; /* where BD_NUMBER_RESIDENT: the 18 characters */
};
/* false when it cannot be folded (too long, or not UTF-8). */
bool bd_rule_number_forms(struct bd_number_forms *out, struct bd_bytes text);
/* Does the text hold what looks like the number of a person or organization? */
bool bd_rule_holds_identity(struct bd_bytes text);

/* What an 18-character number says of its person: birth date in days (clock.h) and sex; false for
 * other forms. */
bool bd_rule_identifier_facts(int32_t *birth, bool *is_male, const struct bd_identifier *identifier,
	const struct bd_dictionary *dict);

#endif
