/* rules_compare.h - how a claim and a held value compare: one function a comparator 比对规则.
 *
 * Layer: record. Called by answer. Pure: no memory is taken, nothing fails; what cannot be judged
 * is BD_LIKE_UNSURE, never a guess. Both texts are normal forms (rules_text.h, rules_value.h,
 * rules_identifier.h), UTF-8.
 *
 * Likeness as in likeness.h; what NEAR and UNSURE mean stands at each. Sets and white-lists:
 * rules_set.h; addresses: rules_address.h; ages, days, months: rules_predicate.h. Former names and
 * numbers are the caller's: it compares with each and says `former`.
 */
#ifndef BD_RECORD_RULES_COMPARE_H
#define BD_RECORD_RULES_COMPARE_H

#include "record/likeness.h"
#include "record/record.h"

/* What a matter may say about a comparison. */
struct bd_compare_options {
	int64_t tolerance_fen; /* amounts that differ by no more are NEAR; 0 = none */
	unsigned near_score; /* addresses from this score on are NEAR; 0 = BD_ADDRESS_NEAR_SCORE */
	const char *separators; /* of a set; NULL = BD_SET_SEPARATORS */
};

/* By the comparator of their field, flags minded: an unmapped code is UNSURE with anything. Values
 * that state none are not compared: UNSURE. options NULL = the defaults. */
struct bd_comparison bd_rule_compare(enum bd_comparator comparator, const struct bd_value *claim,
	const struct bd_value *held, const struct bd_compare_options *options);

/* Byte by byte. */
struct bd_comparison bd_rule_compare_exact(struct bd_bytes a, struct bd_bytes b);

/* Numbers without a stated kind, folded by id.fold. SAME: equal; the 15- and the 18-digit number of
 * one person; a credit code and the organization code inside it (GB 32100-2015, places 9 to 17).
 * UNSURE: both are right in form and check but of different kinds, so that neither says anything of
 * the other. */
struct bd_comparison bd_rule_compare_number(struct bd_bytes a, struct bd_bytes b);

/* An identifier against all that are held of one subject: SAME when one of them is it or its
 * computed twin (the organization code in a credit code; a taxpayer number that is a credit code or
 * registration number). A credit code and a registration number have no computable link: they are
 * SAME only where both are held. DIFFERENT when one of its kind and issuer is held and none is it;
 * UNSURE when none of its kind is. */
struct bd_comparison bd_rule_compare_identifier(const struct bd_identifier *claim,
	const struct bd_identifier *held, size_t held_count, const struct bd_dictionary *dict);

/* Personal names. NEAR: one lacks the separators (·) of the other. UNSURE: of one length and
 * different only where one has a placeholder ("??" may be one character beyond U+FFFF). */
struct bd_comparison bd_rule_compare_name(struct bd_bytes a, struct bd_bytes b);

/* Names of organizations. NEAR: the same but for brackets. UNSURE: as with personal names. */
struct bd_comparison bd_rule_compare_org_name(struct bd_bytes a, struct bd_bytes b);

/* Dates and months. NEAR: one is the other with its day, or month and day, left out. */
struct bd_comparison bd_rule_compare_date(struct bd_bytes a, struct bd_bytes b);

/* Whole fen. NEAR: they differ by no more than tolerance_fen >= 0. UNSURE: one is no number. */
struct bd_comparison bd_rule_compare_amount(
	struct bd_bytes a, struct bd_bytes b, int64_t tolerance_fen);

/* Codes of one list, by name; flags as in bd_value. UNSURE: unmapped, or not the same and one of
 * them says that it is not known (`unknown`, `not_stated`, `unspecified`). */
struct bd_comparison bd_rule_compare_code(
	struct bd_bytes a, uint8_t a_flags, struct bd_bytes b, uint8_t b_flags);

#endif
