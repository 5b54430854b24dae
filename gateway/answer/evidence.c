#include "answer/evidence.h"

#include "answer/test.h"
#include "base/clock.h"
#include "record/rules_compare.h"

void bd_finding_set(struct bd_finding *finding, enum bd_finding_code code, const char *reason)
{
	finding->code = code;
	finding->reason = reason;
}

void bd_finding_tell(struct bd_finding *finding, const struct bd_statement *statement)
{
	finding->source = statement->source;
	finding->as_of_ms = statement->as_of_ms;
	finding->received_ms = statement->received_ms;
	finding->version = statement->version;
	finding->digest = statement->digest;
}

bool bd_is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_is_name(names[i], name)) {
			return true;
		}
	}
	return false;
}

/* -- rows -- */

bool bd_is_asked_source(const struct bd_element *element, const char *source)
{
	return element->source_count == 0 ||
	       bd_is_listed(element->sources, element->source_count, source);
}

static bool is_field(const struct bd_field *field, uint16_t number)
{
	return field != NULL && field->number == number;
}

/* A name is also held against those that it was before. */
static bool is_former(const struct bd_work *work, uint16_t field)
{
	const struct bd_element *element = work->element;

	return element->field != NULL && bd_is_name(element->field->name, "name") &&
	       is_field(bd_dictionary_field(
				work->context->dict, element->entity->name, "former_name"),
		       field);
}

/* Of rows that are only counted it looks at all that they say. */
static bool looks_at(const struct bd_work *work, uint16_t field)
{
	const struct bd_element *element = work->element;
	bool is_one = field == 0 || (element->field == NULL && element->filter_count == 0) ||
		      is_field(element->field, field) || is_field(element->months.field, field) ||
		      is_field(element->months.kind, field) || is_former(work, field);

	for (size_t i = 0; i < element->filter_count && !is_one; i++) {
		is_one = is_field(element->filters[i].field, field);
	}
	return is_one;
}

bool bd_is_disputed(const struct bd_work *work, const struct bd_held *held)
{
	for (size_t i = 0; i < held->dispute_count; i++) {
		const struct bd_held_dispute *one = &held->disputes[i];

		if (one->entity == work->element->entity->number &&
			bd_is_asked_source(work->element, one->source) &&
			looks_at(work, one->field)) {
			return true;
		}
	}
	return held->is_disputed;
}

bool bd_entity_is_disputed(
	const struct bd_held *held, const struct bd_entity *entity, const char *source)
{
	for (size_t i = 0; i < held->dispute_count; i++) {
		if (held->disputes[i].entity == entity->number &&
			(source == NULL || bd_is_name(held->disputes[i].source, source))) {
			return true;
		}
	}
	return held->is_disputed;
}

static enum bd_counting counting_of(struct bd_comparison comparison)
{
	switch (comparison.likeness) {
	case BD_LIKE_SAME:
	case BD_LIKE_NEAR:
		return BD_COUNTS_YES;
	case BD_LIKE_DIFFERENT:
		return BD_COUNTS_NO;
	case BD_LIKE_UNSURE:
		break;
	}
	return BD_COUNTS_UNSURE;
}

/* The subject of that role, or NULL: then nobody knows. */
static const struct bd_case_subject *subject_of(const struct bd_work *work, const char *role)
{
	const struct bd_case_subject *subject = bd_case_only(work->asked, role);

	return subject != NULL && subject->invalid == BD_OK ? subject : NULL;
}

/* The other side is the subject of that role; a number of another kind says neither. */
static enum bd_counting is_other(const struct bd_row_filter *filter, const struct bd_work *work,
	const struct bd_statement *row)
{
	const struct bd_case_subject *subject = subject_of(work, filter->other_role);

	if (subject == NULL || row->other_count == 0) {
		return BD_COUNTS_UNSURE;
	}
	return counting_of(bd_rule_compare_identifier(
		&subject->identifier, row->other, row->other_count, work->context->dict));
}

static enum bd_counting is_number_of(
	const struct bd_row_filter *filter, const struct bd_work *work, struct bd_bytes number)
{
	const struct bd_case_subject *subject = subject_of(work, filter->same_as);

	return subject == NULL
		       ? BD_COUNTS_UNSURE
		       : counting_of(bd_rule_compare_number(subject->identifier.number, number));
}

static enum bd_counting is_listed_value(
	const struct bd_row_filter *filter, const struct bd_value *value)
{
	struct bd_bytes text = value != NULL ? value->text : (struct bd_bytes){ "", 0 };
	bool is_one = false;

	for (size_t i = 0; i < filter->value_count; i++) {
		is_one |= bd_bytes_is(text, filter->values[i]);
	}
	return is_one != filter->is_not ? BD_COUNTS_YES : BD_COUNTS_NO;
}

/* A value that is there and can be read. */
static enum bd_counting fulfils(
	const struct bd_row_filter *filter, const struct bd_work *work, struct bd_bytes text)
{
	int32_t on = work->asked->on;

	if (filter->same_as != NULL) {
		return is_number_of(filter, work, text);
	}
	if (bd_range_is_bound(&filter->number)) {
		return counting_of(bd_rule_number(text, filter->number));
	}
	if (bd_range_is_bound(&filter->days_since)) {
		return counting_of(bd_test_days_since(filter->days_since, text, on));
	}
	return counting_of(bd_rule_age(text, on, filter->years_since, BD_AGE_DAY_AFTER));
}

static enum bd_counting passes_filter(const struct bd_row_filter *filter,
	const struct bd_work *work, const struct bd_held *rows, size_t at)
{
	const struct bd_held_value *held;
	const struct bd_value *value;
	size_t count;

	if (filter->other_role != NULL) {
		return is_other(filter, work, &rows->statements[at]);
	}
	held = bd_row_value(rows, at, filter->field->number, &count);
	value = held != NULL && (held->value.flags & BD_VALUE_NONE) == 0 ? &held->value : NULL;
	if (count > 1 || (value != NULL && (value->flags & (BD_VALUE_UNMAPPED |
								   BD_VALUE_PLACEHOLDER)) != 0)) {
		return BD_COUNTS_UNSURE;
	}
	if (filter->value_count > 0) {
		return is_listed_value(filter, value);
	}
	if (value == NULL) {
		return filter->counts_none ? BD_COUNTS_YES : BD_COUNTS_UNSURE;
	}
	return fulfils(filter, work, value->text);
}

static bool is_of_element(const struct bd_element *element, const struct bd_statement *row)
{
	return bd_is_row_of(element, row) && bd_is_asked_source(element, row->source);
}

enum bd_counting bd_row_counts_of_entity(
	const struct bd_work *work, const struct bd_held *held, size_t at)
{
	const struct bd_element *element = work->element;
	enum bd_counting answer = BD_COUNTS_YES;

	if (!is_of_element(element, &held->statements[at])) {
		return BD_COUNTS_NO;
	}
	for (size_t i = 0; i < element->filter_count; i++) {
		enum bd_counting one = passes_filter(&element->filters[i], work, held, at);

		if (one == BD_COUNTS_NO) {
			return BD_COUNTS_NO;
		}
		answer = one == BD_COUNTS_UNSURE ? BD_COUNTS_UNSURE : answer;
	}
	return answer;
}

static bool has_unmapped(const struct bd_element *element, const struct bd_held *held, size_t at)
{
	for (size_t i = 0; i < element->filter_count; i++) {
		const struct bd_field *field = element->filters[i].field;
		const struct bd_held_value *value = NULL;
		size_t count;

		if (field != NULL) {
			value = bd_row_value(held, at, field->number, &count);
		}
		if (value != NULL && (value->value.flags & BD_VALUE_UNMAPPED) != 0) {
			return true;
		}
	}
	return false;
}

const char *bd_rows_unsure_reason(const struct bd_work *work, const struct bd_held *held)
{
	for (size_t i = 0; i < held->statement_count; i++) {
		if (bd_row_counts(work, held, i) == BD_COUNTS_UNSURE &&
			has_unmapped(work->element, held, i)) {
			return "unmapped_code";
		}
	}
	return "row_unsure";
}

bool bd_rows_are_blocked(const struct bd_element *element, const struct bd_held *held)
{
	for (size_t i = 0; i < held->statement_count; i++) {
		if (held->statements[i].is_blocked &&
			is_of_element(element, &held->statements[i])) {
			return true;
		}
	}
	return false;
}

uint32_t bd_sources_needed(const struct bd_element *element)
{
	return element->sources_needed == 0 ? 1 : element->sources_needed;
}

/* -- coverage and age -- */

/* A month is closed so many days after its end. */
int32_t bd_closed_until(const struct bd_work *work)
{
	int64_t last = (int64_t)work->asked->on - work->element->closes_after_days;
	int year, month, dayofmonth;
	int32_t first = INT32_MIN;

	if (last > INT32_MIN) {
		bd_day_civil((int32_t)last, &year, &month, &dayofmonth);
		bd_day_of(&first, year, month, 1);
	}
	return first;
}

/* What was told up to here or later is fresh. */
static int64_t fresh_from(const struct bd_work *work)
{
	if (work->element->freshness != BD_FRESH_PERIOD) {
		return work->context->now_ms - work->element->max_age_s * 1000;
	}
	return bd_day_begin_ms(bd_closed_until(work));
}

static int64_t through_of(
	const struct bd_work *work, const struct bd_held *held, const char *source)
{
	for (size_t i = 0; source != NULL && i < held->coverage_count; i++) {
		if (held->coverage[i].entity == work->element->entity->number &&
			bd_is_name(held->coverage[i].source, source)) {
			return held->coverage[i].complete_through_ms;
		}
	}
	return 0;
}

static bool has_age(const struct bd_element *element)
{
	return element->freshness == BD_FRESH_OBSERVED ||
	       element->freshness == BD_FRESH_COMPLETE_THROUGH ||
	       element->freshness == BD_FRESH_PERIOD;
}

int64_t bd_told_until(const struct bd_work *work, const struct bd_held *held, const char *source,
	int64_t received_ms)
{
	return has_age(work->element) && work->element->freshness != BD_FRESH_OBSERVED
		       ? through_of(work, held, source)
		       : received_ms;
}

/* A difference may have been put right since. */
static void set_stale(struct bd_finding *finding)
{
	finding->flags |= BD_FLAG_STALE;
	if (finding->code == BD_FINDING_MISMATCH) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "stale");
	} else if (finding->reason[0] == '\0') {
		finding->reason = "stale";
	}
}

void bd_judge_age(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held)
{
	if (has_age(work->element) && bd_told_until(work, held, finding->source,
					      finding->received_ms) < fresh_from(work)) {
		set_stale(finding);
	}
}

struct proof {
	uint32_t proven, fresh; /* sources that told all, and lately enough */
	bool has_gap, is_blocked;
	int64_t through_ms; /* newest of the proven */
	const char *source;
};

/* Of months, only who has told all up to the last closed one proves that one was not paid. */
static bool reaches(const struct bd_work *work, const struct bd_coverage *coverage)
{
	return work->element->months.field == NULL ||
	       coverage->entity != work->element->entity->number ||
	       coverage->complete_through_ms >= bd_day_begin_ms(bd_closed_until(work));
}

static void count_proof(
	struct proof *proof, const struct bd_work *work, const struct bd_coverage *coverage)
{
	proof->proven++;
	proof->fresh += coverage->complete_through_ms >= fresh_from(work);
	if (proof->source == NULL || coverage->complete_through_ms > proof->through_ms) {
		proof->source = coverage->source;
		proof->through_ms = coverage->complete_through_ms;
	}
}

static void collect_proof(struct proof *proof, const struct bd_work *work,
	const struct bd_held *held, uint16_t entity)
{
	*proof = (struct proof){ 0 };
	for (size_t i = 0; i < held->coverage_count; i++) {
		const struct bd_coverage *coverage = &held->coverage[i];

		if (coverage->entity != entity ||
			!bd_is_asked_source(work->element, coverage->source)) {
			continue;
		}
		proof->is_blocked |= coverage->is_blocked;
		if (coverage->state == BD_COVERAGE_SUBJECT || coverage->state == BD_COVERAGE_FEED) {
			if (reaches(work, coverage)) {
				count_proof(proof, work, coverage);
			} else {
				proof->has_gap = true;
			}
		}
		proof->has_gap |= coverage->state == BD_COVERAGE_GAP;
	}
}

void bd_judge_absence(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, uint16_t entity, enum bd_finding_code proven,
	const char *reason)
{
	const struct bd_element *element = work->element;
	struct proof proof;

	collect_proof(&proof, work, held, entity);
	finding->source = proof.source;
	finding->received_ms = proof.through_ms;
	finding->as_of_ms = proof.through_ms;
	if (proof.is_blocked) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "blocked");
	} else if (proof.proven >= bd_sources_needed(element)) {
		bd_finding_set(finding, proven, reason);
		if (has_age(element) && proof.fresh < bd_sources_needed(element)) {
			set_stale(finding);
		}
	} else {
		bd_finding_set(
			finding, BD_FINDING_UNAVAILABLE, proof.has_gap ? "gap" : "not_covered");
	}
}
