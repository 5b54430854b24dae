/* values.c - what the rows say against the claim, or against the values that the matter accepts. */
#include "answer/test.h"
#include "answer/verified.h"
#include "record/rules_compare.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include <string.h>

struct verdict {
	enum bd_finding_code code;
	const char *reason, *rule;
	int score;        /* -1 = none */
	int32_t mends_on; /* BD_NO_DAY */
	const struct bd_statement *row;
	const struct bd_held_value *value;
	size_t rank; /* of its source for the field: the smaller the better */
	bool is_adverse;
};

static const struct bd_code_value *find_code(const struct bd_field *field, struct bd_bytes text)
{
	char name[64];

	if (field->type != BD_TYPE_CODE || text.len >= sizeof(name)) {
		return NULL;
	}
	memcpy(name, text.ptr, text.len);
	name[text.len] = '\0';
	return bd_field_code(field, name);
}

static bool is_adverse(const struct bd_field *field, const struct bd_value *value)
{
	const struct bd_code_value *code;

	if ((value->flags & BD_VALUE_UNMAPPED) != 0) {
		return false;
	}
	if (field->type == BD_TYPE_BOOL) {
		return bd_bytes_is(value->text, "true");
	}
	code = find_code(field, value->text);
	return code != NULL && code->is_adverse;
}

/* -- the claim -- */

enum bd_code bd_claim_normal(struct bd_value *out, const struct bd_field *field,
	struct bd_bytes text, struct bd_arena *arena)
{
	struct bd_diag why = { .code = BD_OK };

	*out = (struct bd_value){ .field = field->number };
	switch (field->type) {
	case BD_TYPE_DATE:
		return bd_rule_date(&out->text, text, arena, &why);
	case BD_TYPE_MONTH:
		return bd_rule_month(&out->text, text, arena, &why);
	case BD_TYPE_AMOUNT:
		return bd_rule_amount(&out->text, text, 2, arena, &why);
	case BD_TYPE_COUNT:
		return bd_rule_count(&out->text, text, arena, &why);
	case BD_TYPE_BOOL:
		return bd_rule_bool(&out->text, text, &why);
	case BD_TYPE_CODE:
		out->text = text;
		return find_code(field, text) != NULL ? BD_OK : BD_CODE_UNMAPPED;
	default:
		return bd_rule_text(&out->text, &out->flags, field->type, text, arena, &why);
	}
}

/* False: the claim is missing or is no value of its field. */
bool bd_claim_read(struct bd_finding *finding, struct bd_value *claim, const struct bd_work *work)
{
	const struct bd_field *field = work->element->field;
	const struct bd_claim *claimed = bd_case_claim(work->asked, work->subject, field->name);

	if (claimed == NULL) {
		bd_finding_set(finding, BD_FINDING_INVALID, "claim_missing");
		return false;
	}
	if (bd_claim_normal(claim, field, claimed->value, work->arena) != BD_OK ||
		claim->text.len == 0) {
		bd_finding_set(finding, BD_FINDING_INVALID, "claim_form");
		return false;
	}
	finding->claim = claim->text;
	if (!bd_bytes_equal(claim->text, claimed->value)) {
		finding->flags |= BD_FLAG_NORMALIZED;
	}
	return true;
}

/* -- one value -- */

static const char *unsure_reason(const struct bd_element *element, const struct bd_value *claim,
	const struct bd_value *value)
{
	if (((claim->flags | value->flags) & BD_VALUE_PLACEHOLDER) != 0) {
		return "placeholder";
	}
	return element->field->type == BD_TYPE_CODE ? "not_known" : "not_comparable";
}

static void conclude(struct verdict *verdict, const struct bd_element *element,
	const struct bd_value *claim, struct bd_comparison comparison)
{
	verdict->rule = comparison.rule;
	if (element->field->comparator == BD_COMPARE_ADDRESS) {
		verdict->score = (int)comparison.score;
	}
	switch (comparison.likeness) {
	case BD_LIKE_SAME:
		verdict->code = BD_FINDING_MATCH;
		verdict->reason = "";
		break;
	case BD_LIKE_NEAR:
		verdict->code = BD_FINDING_NEAR;
		verdict->reason =
			element->field->comparator == BD_COMPARE_DATE ? "partial_date" : "near";
		break;
	case BD_LIKE_UNSURE:
		verdict->code = BD_FINDING_INDETERMINATE;
		verdict->reason = unsure_reason(element, claim, &verdict->value->value);
		break;
	case BD_LIKE_DIFFERENT:
		verdict->code = BD_FINDING_MISMATCH;
		verdict->reason = verdict->mends_on != BD_NO_DAY ? "too_early" : "differs";
		break;
	}
}

static struct bd_comparison compare_with_role(
	const struct bd_work *work, const struct bd_value *value)
{
	const struct bd_case_subject *subject = bd_case_only(work->asked, work->element->same_as);

	if (subject == NULL || subject->invalid != BD_OK) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.identifier");
	}
	return bd_rule_compare_number(subject->identifier.number, value->text);
}

/* Neither the good nor the bad value: the source does not know. */
static bool is_unknown(const struct bd_element *element, const struct bd_value *value)
{
	const struct bd_bytes wanted = bd_bytes_of(element->accepted_values[0]);

	if (element->field->type == BD_TYPE_CODE &&
		bd_rule_compare_code(wanted, 0, value->text, value->flags).likeness ==
			BD_LIKE_UNSURE) {
		return true;
	}
	return element->field->merge == BD_MERGE_ANY_ADVERSE && !is_adverse(element->field, value);
}

static void judge_listed(struct verdict *verdict, const struct bd_element *element)
{
	const struct bd_value *value = &verdict->value->value;

	verdict->rule = "compare.accepted";
	verdict->code = BD_FINDING_MISMATCH;
	verdict->reason = "differs";
	for (size_t i = 0; i < element->accepted_value_count; i++) {
		if (bd_bytes_is(value->text, element->accepted_values[i])) {
			verdict->code = BD_FINDING_MATCH;
			verdict->reason = "";
			return;
		}
	}
	if (is_unknown(element, value)) {
		verdict->code = BD_FINDING_INDETERMINATE;
		verdict->reason = "not_known";
	}
}

static void judge(struct verdict *verdict, const struct bd_work *work, const struct bd_value *claim,
	size_t same_order)
{
	const struct bd_element *element = work->element;
	const struct bd_value *value = &verdict->value->value;
	const struct bd_compare_options options = { .tolerance_fen = element->tolerance_fen };

	if (same_order > 1) {
		verdict->rule = "merge.conflict";
		verdict->code = BD_FINDING_INDETERMINATE;
		verdict->reason = "conflict";
	} else if ((value->flags & BD_VALUE_UNMAPPED) != 0) {
		verdict->rule = "map.unmapped";
		verdict->code = BD_FINDING_INDETERMINATE;
		verdict->reason = "unmapped_code";
	} else if (element->test.kind != BD_TEST_NONE) {
		conclude(verdict, element, claim,
			bd_test_value(&verdict->mends_on, element, value->text, work->asked->on));
	} else if (element->same_as != NULL) {
		conclude(verdict, element, claim, compare_with_role(work, value));
	} else if (element->is_claimed) {
		conclude(verdict, element, claim,
			bd_rule_compare(element->field->comparator, claim, value, &options));
	} else {
		judge_listed(verdict, element);
	}
}

/* -- several rows -- */

static size_t authority_of(const struct bd_field *field, const char *source)
{
	size_t i = 0;

	while (i < field->authority_count && !bd_is_name(field->authority[i], source)) {
		i++;
	}
	return i;
}

static bool is_good(enum bd_finding_code code)
{
	return code == BD_FINDING_MATCH || code == BD_FINDING_NEAR;
}

/* Two rows that a source tells apart, so that both are true. */
static bool are_rows_of_one_source(const struct bd_statement *a, const struct bd_statement *b)
{
	return bd_is_name(a->source, b->source) && !bd_bytes_equal(a->row_key, b->row_key);
}

/* Of rows that say as much: what all have to say is as old as the oldest, what one says enough for
 * as the newest; and so is a row that two feeds tell alike. */
static bool is_told_first(
	const struct bd_field *field, const struct verdict *a, const struct verdict *b)
{
	bool is_one_row = bd_is_name(a->row->source, b->row->source) &&
			  bd_bytes_equal(a->row->row_key, b->row->row_key);

	return is_good(a->code) && field->merge != BD_MERGE_UNION && !is_one_row
		       ? a->row->received_ms < b->row->received_ms
		       : a->row->received_ms > b->row->received_ms;
}

/* Does a stand before b for the whole? Never by the order of their names. */
static bool leads(const struct bd_field *field, const struct verdict *a, const struct verdict *b)
{
	int worse = bd_finding_badness(a->code) - bd_finding_badness(b->code);

	if (field->merge == BD_MERGE_UNION) {
		return worse != 0 ? worse < 0 : is_told_first(field, a, b);
	}
	if (field->merge == BD_MERGE_ANY_ADVERSE) {
		if (a->is_adverse != b->is_adverse) {
			return a->is_adverse;
		}
		if (worse != 0) {
			return worse > 0;
		}
	}
	if (a->rank != b->rank) {
		return a->rank < b->rank;
	}
	/* Of one authority, the worse one: rows of one source on one subject are all true. */
	return worse != 0 ? worse > 0 : is_told_first(field, a, b);
}

/* Another source of the same rank says the contrary of the same row: nobody knows who is right. */
static bool is_undecided(const struct verdict *best, const struct verdict *verdicts, size_t count)
{
	for (size_t i = 0; best->code == BD_FINDING_MISMATCH && i < count; i++) {
		const struct verdict *one = &verdicts[i];

		if (is_good(one->code) && one->rank == best->rank &&
			!bd_is_name(one->row->source, best->row->source) &&
			bd_bytes_equal(one->row->row_key, best->row->row_key)) {
			return true;
		}
	}
	return false;
}

/* By somebody else; what one source says of another of its rows is no contradiction. */
static bool is_contradicted(
	const struct verdict *best, const struct verdict *verdicts, size_t count)
{
	bool has_good = is_good(best->code), has_bad = best->code == BD_FINDING_MISMATCH;

	for (size_t i = 0; i < count; i++) {
		if (!are_rows_of_one_source(verdicts[i].row, best->row)) {
			has_good |= is_good(verdicts[i].code);
			has_bad |= verdicts[i].code == BD_FINDING_MISMATCH;
		}
	}
	return has_good && has_bad;
}

static void merge(struct bd_finding *finding, const struct bd_field *field,
	const struct verdict *verdicts, size_t count)
{
	const struct verdict *best = &verdicts[0];
	bool differ = false;

	for (size_t i = 0; i < count; i++) {
		best = leads(field, &verdicts[i], best) ? &verdicts[i] : best;
		differ |= !bd_bytes_equal(
			verdicts[i].value->value.text, verdicts[0].value->value.text);
	}
	bd_finding_set(finding, best->code, best->reason);
	bd_finding_tell(finding, best->row);
	finding->rule = best->rule;
	finding->score = best->score;
	finding->mends_on = best->mends_on;
	finding->value = best->value->value.text;
	if (field->merge == BD_MERGE_ALL_AGREE && differ) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "conflict");
		finding->rule = "merge.conflict";
	} else if (field->merge != BD_MERGE_UNION && is_contradicted(best, verdicts, count)) {
		/* Whoever is right, a person looks: neither a pass nor a ground to refuse. */
		finding->flags |= BD_FLAG_CONFLICT;
		finding->reason = "sources_differ";
	}
	if (field->merge == BD_MERGE_AUTHORITY && is_undecided(best, verdicts, count)) {
		finding->code = BD_FINDING_INDETERMINATE;
	}
	if (bd_is_name(finding->reason, "conflict")) {
		finding->flags |= BD_FLAG_CONFLICT;
	}
}

/* Each source once; statements come by source. */
static enum bd_code tell_all(struct bd_finding *finding, const struct bd_work *work,
	const struct verdict *verdicts, size_t count)
{
	struct bd_evidence *list = bd_arena_alloc(work->arena, count, sizeof(*list));
	size_t used = 0;

	if (list == NULL) {
		return bd_arena_code(work->arena);
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_statement *row = verdicts[i].row;

		if (used == 0 || !bd_is_name(list[used - 1].source, row->source)) {
			list[used++] = (struct bd_evidence){ row->source, row->as_of_ms,
				row->received_ms, row->version, row->digest };
		}
	}
	finding->evidence = list;
	finding->evidence_count = used;
	return BD_OK;
}

/* A former name that is held makes a differing name a former one. */
static void judge_former(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, const struct bd_value *claim)
{
	const struct bd_field *former;

	if (finding->code != BD_FINDING_MISMATCH || !work->element->is_claimed ||
		!bd_is_name(work->element->field->name, "name")) {
		return;
	}
	former = bd_dictionary_field(
		work->context->dict, work->element->entity->name, "former_name");
	for (size_t i = 0; former != NULL && i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		bool is_heard = !row->is_inverse &&
				bd_is_asked_source(work->element, row->source) &&
				!bd_row_is_superseded(held, i, former->number);

		for (size_t v = 0; is_heard && v < row->value_count; v++) {
			const struct bd_value *value = &row->values[v].value;

			if (value->field == former->number &&
				bd_rule_compare(former->comparator, claim, value, NULL).likeness ==
					BD_LIKE_SAME) {
				bd_finding_set(finding, BD_FINDING_NEAR, "former_name");
				finding->rule = "compare.former";
				finding->flags |= BD_FLAG_FORMER;
			}
		}
	}
}

static size_t collect(struct verdict *verdicts, bool *is_unsure, const struct bd_work *work,
	const struct bd_held *held, const struct bd_value *claim)
{
	const struct bd_element *element = work->element;
	size_t count = 0;

	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum bd_counting answer = bd_row_counts(work, held, i);
		const struct bd_held_value *value;
		size_t same_order;

		if (answer == BD_COUNTS_NO) {
			continue;
		}
		value = bd_statement_given(row, element->field->number, &same_order);
		/* Another feed may say otherwise of this row, in the same order. */
		if (value != NULL && !bd_row_replaces(&same_order, held, i, value)) {
			*is_unsure |= answer == BD_COUNTS_UNSURE;
			verdicts[count] = (struct verdict){ .row = row,
				.value = value,
				.rank = authority_of(element->field, row->source),
				.score = -1,
				.mends_on = BD_NO_DAY };
			verdicts[count].is_adverse =
				same_order == 1 && is_adverse(element->field, &value->value);
			judge(&verdicts[count], work, claim, same_order);
			count++;
		}
	}
	return count;
}

static size_t count_rows(const struct bd_element *element, const struct bd_held *held)
{
	size_t count = 0;

	for (size_t i = 0; i < held->statement_count; i++) {
		count += held->statements[i].entity == element->entity->number;
	}
	return count;
}

/* A row that counts and says nothing of the field, of a source that says it of others of its rows.
 * They would have to agree all; of this one nobody knows. */
static bool has_silent_row(const struct bd_work *work, const struct bd_held *held,
	const struct verdict *verdicts, size_t count)
{
	const struct bd_element *element = work->element;
	size_t same_order;

	if (!element->entity->is_many || element->field->merge == BD_MERGE_UNION) {
		return false;
	}
	for (size_t i = 0; i < held->statement_count; i++) {
		if (bd_row_counts(work, held, i) == BD_COUNTS_NO ||
			bd_row_given(held, i, element->field->number, &same_order) != NULL) {
			continue;
		}
		for (size_t v = 0; v < count; v++) {
			if (bd_is_name(verdicts[v].row->source, held->statements[i].source)) {
				return true;
			}
		}
	}
	return false;
}

static void judge_together(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, const struct bd_value *claim, bool is_unsure, bool is_silent)
{
	const struct bd_element *element = work->element;
	bool is_of_rows = true;

	judge_former(finding, work, held, claim);
	if (bd_rows_are_blocked(element, held)) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "blocked");
		finding->rule = "merge.block";
	} else if (is_unsure) {
		bd_finding_set(
			finding, BD_FINDING_INDETERMINATE, bd_rows_unsure_reason(work, held));
		finding->rule = "";
	} else if (is_silent && is_good(finding->code)) {
		bd_judge_absence(finding, work, held, element->entity->number, BD_FINDING_ABSENT,
			"no_value");
		finding->rule = "";
		is_of_rows = false;
	} else if (is_good(finding->code) && finding->evidence_count < bd_sources_needed(element)) {
		bd_finding_set(finding, BD_FINDING_UNAVAILABLE, "too_few_sources");
	}
	/* Said of a match only: elsewhere how it was written is not what decided. */
	if (finding->code != BD_FINDING_MATCH) {
		finding->flags &= ~(uint32_t)BD_FLAG_NORMALIZED;
	}
	finding->mends_on = finding->code == BD_FINDING_MISMATCH ? finding->mends_on : BD_NO_DAY;
	if (is_of_rows) {
		bd_judge_age(finding, work, held);
	}
}

static enum bd_code judge_rows(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, const struct bd_value *claim, bool *is_told)
{
	const struct bd_element *element = work->element;
	struct verdict *verdicts =
		bd_arena_alloc(work->arena, count_rows(element, held) + 1, sizeof(*verdicts));
	bool is_unsure = false;
	enum bd_code code;
	size_t count;

	if (verdicts == NULL) {
		return bd_arena_code(work->arena);
	}
	count = collect(verdicts, &is_unsure, work, held, claim);
	*is_told = count > 0;
	if (count == 0) {
		return BD_OK;
	}
	merge(finding, element->field, verdicts, count);
	code = tell_all(finding, work, verdicts, count);
	if (code == BD_OK) {
		judge_together(finding, work, held, claim, is_unsure,
			has_silent_row(work, held, verdicts, count));
	}
	return code;
}

/* A source that judged this very claim is heard beside those whose values are held. */
static enum bd_code hear_verdicts(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, const struct bd_value *claim, bool is_told)
{
	struct bd_finding other = *finding;
	bool has_verdict = false;
	enum bd_code code = bd_judge_verified(&other, &has_verdict, work, held, claim);

	if (code != BD_OK || !has_verdict) {
		return code;
	}
	if (!is_told) {
		*finding = other;
	} else if (is_good(finding->code) != is_good(other.code)) {
		finding->flags |= BD_FLAG_CONFLICT;
		finding->reason = "sources_differ";
	}
	return BD_OK;
}

enum bd_code bd_judge_values(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	struct bd_value claim = { .field = 0 };
	bool is_known = held->status != BD_HELD_NO_SUBJECT, is_told = false;
	enum bd_code code;

	if (element->is_claimed && !bd_claim_read(finding, &claim, work)) {
		return BD_OK;
	}
	code = judge_rows(finding, work, held, &claim, &is_told);
	if (code == BD_OK && !is_told && bd_rows_are_blocked(element, held)) {
		finding->flags &= ~(uint32_t)BD_FLAG_NORMALIZED;
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "blocked");
	} else if (code == BD_OK && !is_told) {
		finding->flags &= ~(uint32_t)BD_FLAG_NORMALIZED;
		bd_judge_absence(finding, work, held, element->entity->number,
			is_known ? BD_FINDING_ABSENT : BD_FINDING_NO_RECORD,
			is_known ? "no_value" : "no_record");
	}
	if (code == BD_OK && element->is_claimed) {
		code = hear_verdicts(finding, work, held, &claim, is_told);
	}
	return code;
}
