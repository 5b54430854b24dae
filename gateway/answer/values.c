/* values.c - what the rows say against the claim, or against the values that the matter accepts. */
#include "answer/evidence.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include <string.h>

struct verdict {
	enum bd_finding_code code;
	const char *reason;
	const struct bd_statement *row;
	const struct bd_held_value *value;
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
	const struct bd_code_value *code =
		(value->flags & BD_VALUE_UNMAPPED) == 0 ? find_code(field, value->text) : NULL;

	return code != NULL && code->is_adverse;
}

/* -- the claim -- */

static const struct bd_claim *find_claim(const struct bd_work *work)
{
	for (size_t i = 0; i < work->asked->claim_count; i++) {
		if (work->asked->claims[i].subject == work->subject &&
			work->asked->claims[i].field == work->element->field) {
			return &work->asked->claims[i];
		}
	}
	return NULL;
}

static enum bd_code normal_claim(struct bd_bytes *out, const struct bd_field *field,
	struct bd_bytes text, struct bd_arena *arena)
{
	struct bd_diag why = { .code = BD_OK };
	uint8_t flags = 0;

	switch (field->type) {
	case BD_TYPE_DATE:
		return bd_rule_date(out, text, arena, &why);
	case BD_TYPE_MONTH:
		return bd_rule_month(out, text, arena, &why);
	case BD_TYPE_AMOUNT:
		return bd_rule_amount(out, text, 2, arena, &why);
	case BD_TYPE_COUNT:
		return bd_rule_count(out, text, arena, &why);
	case BD_TYPE_BOOL:
		return bd_rule_bool(out, text, &why);
	case BD_TYPE_CODE:
		*out = text;
		return find_code(field, text) != NULL ? BD_OK : BD_CODE_UNMAPPED;
	default:
		return bd_rule_text(out, &flags, field->type, text, arena, &why);
	}
}

/* -- one value -- */

/* Is one date the other with its day, or month, left out? */
static bool is_part_of(struct bd_bytes a, struct bd_bytes b)
{
	return a.len > 0 && a.len < b.len && memcmp(a.ptr, b.ptr, a.len) == 0 &&
	       b.ptr[a.len] == '-';
}

static enum bd_finding_code compare(const char **reason, const struct bd_field *field,
	struct bd_bytes claim, struct bd_bytes held)
{
	if (field->comparator == BD_COMPARE_DATE && !bd_bytes_equal(claim, held) &&
		(is_part_of(claim, held) || is_part_of(held, claim))) {
		*reason = "partial_date";
		return BD_FINDING_NEAR;
	}
	switch (bd_rule_compare_text(field->comparator, claim, held)) {
	case BD_LIKE_SAME:
		return BD_FINDING_MATCH;
	case BD_LIKE_NEAR:
		*reason = "near";
		return BD_FINDING_NEAR;
	case BD_LIKE_UNSURE:
		*reason = "placeholder";
		return BD_FINDING_INDETERMINATE;
	default:
		*reason = "differs";
		return BD_FINDING_MISMATCH;
	}
}

static enum bd_finding_code judge(const char **reason, const struct bd_element *element,
	struct bd_bytes claim, const struct bd_value *value, size_t same_order)
{
	*reason = "";
	if (same_order > 1) {
		*reason = "conflict";
		return BD_FINDING_INDETERMINATE;
	}
	if ((value->flags & BD_VALUE_UNMAPPED) != 0) {
		*reason = "unmapped_code";
		return BD_FINDING_INDETERMINATE;
	}
	if (element->is_claimed) {
		return compare(reason, element->field, claim, value->text);
	}
	for (size_t i = 0; i < element->accepted_value_count; i++) {
		if (bd_bytes_is(value->text, element->accepted_values[i])) {
			return BD_FINDING_MATCH;
		}
	}
	/* Neither the good nor the bad value: the source does not know. */
	if (element->field->merge == BD_MERGE_ANY_ADVERSE && !is_adverse(element->field, value)) {
		*reason = "not_known";
		return BD_FINDING_INDETERMINATE;
	}
	*reason = "differs";
	return BD_FINDING_MISMATCH;
}

/* -- several rows -- */

static size_t authority_of(const struct bd_field *field, const char *source)
{
	size_t i = 0;

	while (i < field->authority_count && strcmp(field->authority[i], source) != 0) {
		i++;
	}
	return i;
}

/* Does a stand before b for the whole? */
static bool leads(const struct bd_field *field, const struct verdict *a, const struct verdict *b)
{
	int worse = bd_finding_badness(a->code) - bd_finding_badness(b->code);
	size_t x, y;

	if (field->merge == BD_MERGE_UNION) {
		return worse < 0;
	}
	if (field->merge == BD_MERGE_ANY_ADVERSE) {
		bool is_a = is_adverse(field, &a->value->value),
		     is_b = is_adverse(field, &b->value->value);

		return is_a != is_b ? is_a : worse > 0;
	}
	x = authority_of(field, a->row->source);
	y = authority_of(field, b->row->source);
	/* Of one authority, the worse one: rows of one source on one subject are all true. */
	return x != y ? x < y : worse > 0;
}

static bool is_good(enum bd_finding_code code)
{
	return code == BD_FINDING_MATCH || code == BD_FINDING_NEAR;
}

static void merge(struct bd_finding *finding, const struct bd_field *field,
	const struct verdict *verdicts, size_t count)
{
	const struct verdict *best = &verdicts[0];
	bool has_good = false, has_bad = false, differ = false;

	for (size_t i = 0; i < count; i++) {
		best = leads(field, &verdicts[i], best) ? &verdicts[i] : best;
		has_good |= is_good(verdicts[i].code);
		has_bad |= verdicts[i].code == BD_FINDING_MISMATCH;
		differ |= !bd_bytes_equal(
			verdicts[i].value->value.text, verdicts[0].value->value.text);
	}
	bd_finding_set(finding, best->code, best->reason);
	bd_finding_tell(finding, best->row);
	if (field->merge == BD_MERGE_ALL_AGREE && differ) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "conflict");
	} else if (field->merge != BD_MERGE_UNION && has_good && has_bad) {
		/* Whoever is right, a person looks: neither a pass nor a ground to refuse. */
		finding->flags |= BD_FLAG_CONFLICT;
		finding->reason = "sources_differ";
	}
	if (strcmp(finding->reason, "conflict") == 0) {
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

		if (used == 0 || strcmp(list[used - 1].source, row->source) != 0) {
			list[used++] = (struct bd_evidence){ row->source, row->as_of_ms,
				row->received_ms };
		}
	}
	finding->evidence = list;
	finding->evidence_count = used;
	return BD_OK;
}

/* A former name that is held makes a differing name a former one. */
static void judge_former(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, struct bd_bytes claim)
{
	const struct bd_field *former;

	if (finding->code != BD_FINDING_MISMATCH || !work->element->is_claimed ||
		strcmp(work->element->field->name, "name") != 0) {
		return;
	}
	former = bd_dictionary_field(
		work->context->dict, work->element->entity->name, "former_name");
	for (size_t i = 0; former != NULL && i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];

		for (size_t v = 0; !row->is_inverse && v < row->value_count; v++) {
			const struct bd_value *value = &row->values[v].value;

			if (value->field == former->number && bd_bytes_equal(value->text, claim)) {
				bd_finding_set(finding, BD_FINDING_NEAR, "former_name");
				finding->flags |= BD_FLAG_FORMER;
			}
		}
	}
}

static size_t collect(struct verdict *verdicts, bool *is_unsure, const struct bd_work *work,
	const struct bd_held *held, struct bd_bytes claim)
{
	const struct bd_element *element = work->element;
	size_t count = 0;

	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum bd_counting answer = bd_row_counts(element, row);
		const struct bd_held_value *value;
		size_t same_order;

		if (answer == BD_COUNTS_NO || bd_row_is_superseded(held, i)) {
			continue;
		}
		value = bd_statement_given(row, element->field->number, &same_order);
		if (value != NULL) {
			*is_unsure |= answer == BD_COUNTS_UNSURE;
			verdicts[count].row = row;
			verdicts[count].value = value;
			verdicts[count].code = judge(
				&verdicts[count].reason, element, claim, &value->value, same_order);
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

/* False: the claim is missing or is no value of its field. */
static bool read_claim(
	struct bd_finding *finding, struct bd_bytes *claim, const struct bd_work *work)
{
	const struct bd_claim *claimed = find_claim(work);

	if (claimed == NULL) {
		bd_finding_set(finding, BD_FINDING_INVALID, "claim_missing");
		return false;
	}
	if (normal_claim(claim, work->element->field, claimed->value, work->arena) != BD_OK) {
		bd_finding_set(finding, BD_FINDING_INVALID, "claim_form");
		return false;
	}
	return true;
}

static void judge_together(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, struct bd_bytes claim, bool is_unsure)
{
	const struct bd_element *element = work->element;

	if (element->is_claimed && finding->code == BD_FINDING_MATCH &&
		!bd_bytes_equal(claim, find_claim(work)->value)) {
		finding->flags |= BD_FLAG_NORMALIZED;
	}
	judge_former(finding, work, held, claim);
	if (bd_rows_are_blocked(element, held)) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "blocked");
	} else if (is_unsure) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "unmapped_code");
	} else if (is_good(finding->code) && finding->evidence_count < bd_sources_needed(element)) {
		bd_finding_set(finding, BD_FINDING_UNAVAILABLE, "too_few_sources");
	}
	bd_judge_age(finding, work, held);
}

enum bd_code bd_judge_values(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	struct bd_bytes claim = { "", 0 };
	struct verdict *verdicts;
	bool is_unsure = false, is_known = held->status != BD_HELD_NO_SUBJECT;
	enum bd_code code;
	size_t count;

	if (element->is_claimed && !read_claim(finding, &claim, work)) {
		return BD_OK;
	}
	verdicts = bd_arena_alloc(work->arena, count_rows(element, held) + 1, sizeof(*verdicts));
	if (verdicts == NULL) {
		return bd_arena_code(work->arena);
	}
	count = collect(verdicts, &is_unsure, work, held, claim);
	if (count == 0) {
		bd_judge_absence(finding, work, held, element->entity->number,
			is_known ? BD_FINDING_ABSENT : BD_FINDING_NO_RECORD,
			is_known ? "no_value" : "no_record");
		return BD_OK;
	}
	merge(finding, element->field, verdicts, count);
	code = tell_all(finding, work, verdicts, count);
	if (code == BD_OK) {
		judge_together(finding, work, held, claim, is_unsure);
	}
	return code;
}
