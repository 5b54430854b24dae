#include "record/rules_compare.h"

#include "base/text.h"
#include "record/rules_address.h"
#include "record/rules_identifier.h"
#include "record/rules_set.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include <string.h>

struct bd_comparison bd_rule_compare_exact(struct bd_bytes a, struct bd_bytes b)
{
	return bd_likeness_if(bd_bytes_equal(a, b), "compare.exact");
}

/* -- numbers -- */

static bool is_resident_pair(const struct bd_number_forms *a, const struct bd_number_forms *b)
{
	return (a->forms & b->forms & BD_NUMBER_RESIDENT) != 0 && a->len != b->len &&
	       memcmp(a->resident18, b->resident18, sizeof(a->resident18)) == 0;
}

/* Does the credit code hold the organization code? */
static bool holds_org_code(struct bd_bytes uscc, struct bd_bytes org_code)
{
	return uscc.len == 18 && org_code.len == 9 && memcmp(uscc.ptr + 8, org_code.ptr, 9) == 0;
}

static struct bd_bytes text_of(const struct bd_number_forms *number)
{
	return (struct bd_bytes){ number->text, number->len };
}

/* Of one person's or one organization's kinds of number, one of which states the other. */
static bool are_of_one_kind(uint8_t a, uint8_t b)
{
	const uint8_t coded = BD_NUMBER_USCC | BD_NUMBER_ORG_CODE;

	return (a & b) != 0 || ((a & coded) != 0 && (b & coded) != 0);
}

struct bd_comparison bd_rule_compare_number(struct bd_bytes a, struct bd_bytes b)
{
	struct bd_number_forms x, y;

	if (!bd_rule_number_forms(&x, a) || !bd_rule_number_forms(&y, b)) {
		return bd_likeness_if(bd_bytes_equal(a, b), "compare.identifier");
	}
	if (bd_bytes_equal(text_of(&x), text_of(&y))) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.identifier");
	}
	if (is_resident_pair(&x, &y)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.identifier.resident15");
	}
	if (((x.forms & BD_NUMBER_USCC) != 0 && holds_org_code(text_of(&x), text_of(&y))) ||
		((y.forms & BD_NUMBER_USCC) != 0 && holds_org_code(text_of(&y), text_of(&x)))) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.identifier.org_code");
	}
	if (x.forms != 0 && y.forms != 0 && !are_of_one_kind(x.forms, y.forms)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.identifier.other_kind");
	}
	return bd_likeness_of(BD_LIKE_DIFFERENT, "compare.identifier");
}

static bool is_kind(
	const struct bd_identifier *one, const struct bd_dictionary *dict, const char *name)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, one->kind);

	return kind != NULL && strcmp(kind->name, name) == 0;
}

/* The rule by which two identifiers of different kinds are one; NULL = none. */
static const char *twin_rule(const struct bd_identifier *a, const struct bd_identifier *b,
	const struct bd_dictionary *dict)
{
	struct bd_identifier twin;

	if (is_kind(a, dict, "uscc") && is_kind(b, dict, "org_code")) {
		return holds_org_code(a->number, b->number) ? "compare.identifier.org_code" : NULL;
	}
	if (bd_rule_taxpayer_twin(&twin, a, dict) && twin.kind == b->kind &&
		bd_bytes_equal(twin.number, b->number)) {
		return "compare.identifier.taxpayer";
	}
	return NULL;
}

struct bd_comparison bd_rule_compare_identifier(const struct bd_identifier *claim,
	const struct bd_identifier *held, size_t held_count, const struct bd_dictionary *dict)
{
	bool has_kind = false;

	for (size_t i = 0; i < held_count; i++) {
		const char *rule;

		if (held[i].kind == claim->kind && bd_bytes_equal(held[i].issuer, claim->issuer)) {
			if (bd_bytes_equal(held[i].number, claim->number)) {
				return bd_likeness_of(BD_LIKE_SAME, "compare.identifier");
			}
			has_kind = true;
			continue;
		}
		rule = twin_rule(claim, &held[i], dict);
		rule = rule == NULL ? twin_rule(&held[i], claim, dict) : rule;
		if (rule != NULL) {
			return bd_likeness_of(BD_LIKE_SAME, rule);
		}
	}
	return has_kind ? bd_likeness_of(BD_LIKE_DIFFERENT, "compare.identifier")
			: bd_likeness_of(BD_LIKE_UNSURE, "compare.identifier.other_kind");
}

/* -- names -- */

/* Next point that is none of `left_out`; 0 at the end. */
static uint32_t next_without(struct bd_bytes *text, const uint32_t *left_out, size_t count)
{
	uint32_t point;
	bool ok = true;

	while (bd_text_next(&point, text, &ok)) {
		size_t i = 0;

		while (i < count && left_out[i] != point) {
			i++;
		}
		if (i == count) {
			return point;
		}
	}
	return 0;
}

static bool is_same_without(
	struct bd_bytes a, struct bd_bytes b, const uint32_t *left_out, size_t count)
{
	uint32_t x, y;

	do {
		x = next_without(&a, left_out, count);
		y = next_without(&b, left_out, count);
	} while (x == y && x != 0);
	return x == y;
}

static bool has_dot(struct bd_bytes name)
{
	return memmem(name.ptr, name.len, "·", strlen("·")) != NULL;
}

struct bd_comparison bd_rule_compare_name(struct bd_bytes a, struct bd_bytes b)
{
	static const uint32_t dot[] = { 0xB7 };

	if (bd_bytes_equal(a, b)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.name");
	}
	if (bd_rule_differs_by_placeholders(a, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.name.placeholder");
	}
	if (has_dot(a) != has_dot(b) && is_same_without(a, b, dot, 1)) {
		return bd_likeness_of(BD_LIKE_NEAR, "compare.name.separator");
	}
	return bd_likeness_of(BD_LIKE_DIFFERENT, "compare.name");
}

struct bd_comparison bd_rule_compare_org_name(struct bd_bytes a, struct bd_bytes b)
{
	static const uint32_t brackets[] = { '(', ')', '[', ']' };

	if (bd_bytes_equal(a, b)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.org_name");
	}
	if (bd_rule_differs_by_placeholders(a, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.org_name.placeholder");
	}
	if (is_same_without(a, b, brackets, 4)) {
		return bd_likeness_of(BD_LIKE_NEAR, "compare.org_name.bracket");
	}
	return bd_likeness_of(BD_LIKE_DIFFERENT, "compare.org_name");
}

/* -- dates, amounts, codes -- */

static bool is_part_of(struct bd_bytes a, struct bd_bytes b)
{
	return a.len >= 4 && a.len < b.len && memcmp(a.ptr, b.ptr, a.len) == 0 &&
	       b.ptr[a.len] == '-';
}

struct bd_comparison bd_rule_compare_date(struct bd_bytes a, struct bd_bytes b)
{
	if (!bd_bytes_equal(a, b) && (is_part_of(a, b) || is_part_of(b, a))) {
		return bd_likeness_of(BD_LIKE_NEAR, "compare.date.partial");
	}
	return bd_likeness_if(bd_bytes_equal(a, b), "compare.date");
}

struct bd_comparison bd_rule_compare_amount(
	struct bd_bytes a, struct bd_bytes b, int64_t tolerance_fen)
{
	int64_t x, y, difference;

	if (!bd_rule_whole_number(&x, a) || !bd_rule_whole_number(&y, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.amount");
	}
	if (x != y && !__builtin_sub_overflow(x > y ? x : y, x > y ? y : x, &difference) &&
		difference <= tolerance_fen) {
		return bd_likeness_of(BD_LIKE_NEAR, "compare.amount.tolerance");
	}
	return bd_likeness_if(x == y, "compare.amount");
}

static bool says_unknown(struct bd_bytes code)
{
	return bd_bytes_is(code, "unknown") || bd_bytes_is(code, "not_stated") ||
	       bd_bytes_is(code, "unspecified");
}

struct bd_comparison bd_rule_compare_code(
	struct bd_bytes a, uint8_t a_flags, struct bd_bytes b, uint8_t b_flags)
{
	if (((a_flags | b_flags) & BD_VALUE_UNMAPPED) != 0) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.code.unmapped");
	}
	if (!bd_bytes_equal(a, b) && (says_unknown(a) || says_unknown(b))) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.code.unknown");
	}
	return bd_likeness_if(bd_bytes_equal(a, b), "compare.code");
}

/* -- by comparator -- */

static struct bd_comparison compare_stated(enum bd_comparator comparator,
	const struct bd_value *claim, const struct bd_value *held,
	const struct bd_compare_options *options)
{
	switch (comparator) {
	case BD_COMPARE_EXACT:
		return bd_rule_compare_exact(claim->text, held->text);
	case BD_COMPARE_IDENTIFIER:
		return bd_rule_compare_number(claim->text, held->text);
	case BD_COMPARE_NAME:
		return bd_rule_compare_name(claim->text, held->text);
	case BD_COMPARE_ORG_NAME:
		return bd_rule_compare_org_name(claim->text, held->text);
	case BD_COMPARE_DATE:
		return bd_rule_compare_date(claim->text, held->text);
	case BD_COMPARE_AMOUNT:
		return bd_rule_compare_amount(claim->text, held->text, options->tolerance_fen);
	case BD_COMPARE_CODE:
		return bd_rule_compare_code(claim->text, claim->flags, held->text, held->flags);
	case BD_COMPARE_ADDRESS:
		return bd_rule_compare_address(claim->text, held->text, options->near_score);
	case BD_COMPARE_SET:
		return bd_rule_compare_set(claim->text, held->text, options->separators);
	}
	return bd_likeness_of(BD_LIKE_UNSURE, "compare.none");
}

struct bd_comparison bd_rule_compare(enum bd_comparator comparator, const struct bd_value *claim,
	const struct bd_value *held, const struct bd_compare_options *options)
{
	struct bd_compare_options chosen = { 0, 0, NULL };

	if (((claim->flags | held->flags) & BD_VALUE_NONE) != 0) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.none");
	}
	if (((claim->flags | held->flags) & BD_VALUE_UNMAPPED) != 0) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.code.unmapped");
	}
	chosen = options != NULL ? *options : chosen;
	chosen.near_score = chosen.near_score == 0 ? BD_ADDRESS_NEAR_SCORE : chosen.near_score;
	chosen.separators = chosen.separators == NULL ? BD_SET_SEPARATORS : chosen.separators;
	return compare_stated(comparator, claim, held, &chosen);
}
