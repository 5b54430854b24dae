#include "answer/test.h"

#include "base/clock.h"
#include "record/rules_set.h"

#include <string.h>

struct bd_comparison bd_test_days_since(struct bd_range days, struct bd_bytes date, int32_t on)
{
	char today[11];

	bd_day_format(today, on);
	return bd_rule_days(date, bd_bytes_of(today), days);
}

/* The day from which so many days have passed since the date. */
static int32_t first_day(struct bd_bytes date, int64_t days)
{
	int32_t day;

	return bd_day_parse(&day, date) && days < INT32_MAX - (int64_t)day && days > -INT32_MAX
		       ? (int32_t)(day + days)
		       : BD_NO_DAY;
}

struct bd_comparison bd_test_value(
	int32_t *mends_on, const struct bd_element *element, struct bd_bytes text, int32_t on)
{
	const struct bd_test *test = &element->test;
	const char *separators =
		element->field->type == BD_TYPE_TEXT ? BD_SCOPE_SEPARATORS : BD_SET_SEPARATORS;
	struct bd_comparison comparison;

	switch (test->kind) {
	case BD_TEST_AGE:
		return bd_rule_age(text, on, test->range, BD_AGE_ON_BIRTHDAY);
	case BD_TEST_DAYS_SINCE:
		comparison = bd_test_days_since(test->range, text, on);
		if (test->waits && comparison.likeness == BD_LIKE_DIFFERENT) {
			*mends_on = first_day(text, test->range.at_least);
		}
		return comparison;
	case BD_TEST_NUMBER:
		return bd_rule_number(text, test->range);
	case BD_TEST_IN_LIST:
		return bd_rule_compare_listed(text, separators, &test->list->allowed);
	case BD_TEST_NONE:
		break;
	}
	return bd_likeness_of(BD_LIKE_UNSURE, "predicate.unreadable");
}

enum bd_code bd_judge_claim(struct bd_finding *finding, const struct bd_work *work)
{
	struct bd_value claim;
	struct bd_comparison comparison;

	if (!bd_claim_read(finding, &claim, work)) {
		return BD_OK;
	}
	finding->flags &= ~(uint32_t)BD_FLAG_NORMALIZED;
	comparison = bd_test_value(&finding->mends_on, work->element, claim.text, work->asked->on);
	finding->rule = comparison.rule;
	switch (comparison.likeness) {
	case BD_LIKE_SAME:
		bd_finding_set(finding, BD_FINDING_MATCH, "");
		break;
	case BD_LIKE_NEAR:
		bd_finding_set(finding, BD_FINDING_NEAR, "near");
		break;
	case BD_LIKE_UNSURE:
		bd_finding_set(finding, BD_FINDING_INDETERMINATE,
			(claim.flags & BD_VALUE_PLACEHOLDER) != 0 ? "placeholder"
								  : "not_comparable");
		break;
	case BD_LIKE_DIFFERENT:
		bd_finding_set(finding, BD_FINDING_MISMATCH, "condition");
		break;
	}
	return BD_OK;
}

/* -- months -- */

static enum bd_month_kind kind_of(const struct bd_work *work, const struct bd_held *rows, size_t at)
{
	const struct bd_field *field = work->element->months.kind;
	const struct bd_held_value *held;
	size_t count;

	if (field == NULL) {
		return BD_MONTH_NORMAL;
	}
	held = bd_row_given(rows, at, field->number, &count);
	if (held == NULL || count > 1 || (held->value.flags & BD_VALUE_UNMAPPED) != 0) {
		return BD_MONTH_UNKNOWN;
	}
	return bd_bytes_is(held->value.text, "normal")         ? BD_MONTH_NORMAL
	       : bd_bytes_is(held->value.text, "back_payment") ? BD_MONTH_BACK_PAID
	       : bd_bytes_is(held->value.text, "refund")       ? BD_MONTH_REFUNDED
							       : BD_MONTH_UNKNOWN;
}

/* Months of the rows that count; one that may count is one of unknown kind. */
static size_t collect(struct bd_month *months, struct bd_finding *finding,
	const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_field *field = work->element->months.field;
	size_t used = 0;

	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum bd_counting answer = bd_row_counts(work, held, i);
		const struct bd_held_value *value;
		size_t count;

		if (answer == BD_COUNTS_NO) {
			continue;
		}
		value = bd_row_given(held, i, field->number, &count);
		if (value == NULL ||
			!bd_rule_month_number(&months[used].month, value->value.text)) {
			continue;
		}
		months[used].kind = answer == BD_COUNTS_UNSURE || count > 1 || row->is_blocked
					    ? BD_MONTH_UNKNOWN
					    : kind_of(work, held, i);
		if (used++ == 0 || row->received_ms > finding->received_ms) {
			bd_finding_tell(finding, row);
		}
	}
	return used;
}

static int32_t last_closed_month(const struct bd_work *work)
{
	int year, month, dayofmonth;

	bd_day_civil(bd_closed_until(work) - 1, &year, &month, &dayofmonth);
	return year * 12 + month - 1;
}

/* Too few of what is held is only a difference where the source has told everything; of somebody
 * without any payment it has nothing that could differ. */
static void judge_too_few(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, size_t months)
{
	bool is_known = held->status != BD_HELD_NO_SUBJECT;
	enum bd_finding_code proven = months > 0 ? BD_FINDING_MISMATCH
				      : is_known ? BD_FINDING_ABSENT
						 : BD_FINDING_NO_RECORD;

	bd_judge_absence(finding, work, held, work->element->entity->number, proven,
		months > 0 ? "too_few_months"
		: is_known ? "no_row"
			   : "no_record");
}

enum bd_code bd_judge_months(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_months *rule = &work->element->months;
	const struct bd_months_options options = { last_closed_month(work),
		rule->counts_back_paid };
	struct bd_month *months =
		bd_arena_alloc(work->arena, held->statement_count + 1, sizeof(*months));
	struct bd_months_paid paid;
	struct bd_comparison comparison;
	size_t count;

	if (months == NULL) {
		return bd_arena_code(work->arena);
	}
	count = collect(months, finding, work, held);
	bd_rule_months_paid(&paid, months, count, &options);
	comparison = rule->is_continuous ? bd_rule_months_enough(paid.sure.current,
						   paid.possible.current, (uint32_t)rule->at_least)
					 : bd_rule_months_enough(paid.sure.total,
						   paid.possible.total, (uint32_t)rule->at_least);
	finding->rule = comparison.rule;
	if (comparison.likeness == BD_LIKE_SAME) {
		bd_finding_set(finding, BD_FINDING_MATCH, "");
		bd_judge_age(finding, work, held);
	} else if (comparison.likeness == BD_LIKE_UNSURE) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "not_known");
	} else {
		judge_too_few(finding, work, held, count);
	}
	return BD_OK;
}
