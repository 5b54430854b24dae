#include "answer/element.h"

#include "answer/decide.h"
#include "answer/path.h"
#include "answer/test.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

/* -- must_exist and must_not_exist -- */

struct tally {
	enum bd_counting answer;
	uint32_t sources; /* that surely have one */
};

static void count_rows(struct tally *tally, struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	const char *last = NULL;

	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum bd_counting one = bd_row_counts(work, held, i);
		size_t same_order = 1;

		if (one == BD_COUNTS_NO ||
			(element->field != NULL && bd_row_given(held, i, element->field->number,
							   &same_order) == NULL)) {
			continue;
		}
		one = same_order > 1 ? BD_COUNTS_UNSURE : one;
		/* Of rows that say as much the freshest is told of: one is enough. */
		if (one != tally->answer
				? tally->answer != BD_COUNTS_YES
				: bd_told_until(work, held, row->source, row->received_ms) >
					  bd_told_until(work, held, finding->source,
						  finding->received_ms)) {
			tally->answer = one;
			bd_finding_tell(finding, row);
		}
		if (one == BD_COUNTS_YES && (last == NULL || !bd_is_name(last, row->source))) {
			last = row->source;
			tally->sources++;
		}
	}
}

static void judge_wanted(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, const struct tally *tally)
{
	bool is_known = held->status != BD_HELD_NO_SUBJECT;

	if (tally->answer == BD_COUNTS_NO) {
		bd_judge_absence(finding, work, held, work->element->entity->number,
			is_known ? BD_FINDING_ABSENT : BD_FINDING_NO_RECORD,
			is_known ? "no_row" : "no_record");
		return;
	}
	if (tally->answer == BD_COUNTS_UNSURE) {
		bd_finding_set(
			finding, BD_FINDING_INDETERMINATE, bd_rows_unsure_reason(work, held));
	} else if (tally->sources < bd_sources_needed(work->element)) {
		bd_finding_set(finding, BD_FINDING_UNAVAILABLE, "too_few_sources");
	} else {
		bd_finding_set(finding, BD_FINDING_MATCH, "");
	}
	bd_judge_age(finding, work, held);
}

static void judge_unwanted(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, const struct tally *tally)
{
	if (tally->answer == BD_COUNTS_NO) {
		bd_judge_absence(
			finding, work, held, work->element->entity->number, BD_FINDING_MATCH, "");
		return;
	}
	if (tally->answer == BD_COUNTS_UNSURE) {
		bd_finding_set(
			finding, BD_FINDING_INDETERMINATE, bd_rows_unsure_reason(work, held));
	} else {
		bd_finding_set(finding, BD_FINDING_MISMATCH, "exists");
	}
	bd_judge_age(finding, work, held);
}

enum bd_code bd_element_find_in(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held)
{
	struct tally tally = { BD_COUNTS_NO, 0 };

	if (held->status == BD_HELD_AMBIGUOUS) {
		bd_finding_set(finding, BD_FINDING_AMBIGUOUS, "several_subjects");
		return BD_OK;
	}
	if (held->status == BD_HELD_WITHHELD) {
		bd_finding_set(finding, BD_FINDING_WITHHELD, "withheld");
		return BD_OK;
	}
	if (bd_is_disputed(work, held)) {
		finding->flags |= BD_FLAG_DISPUTED;
	}
	if (work->element->polarity == BD_MUST_AGREE) {
		return bd_judge_values(finding, work, held);
	}
	if (work->element->months.field != NULL) {
		return bd_judge_months(finding, work, held);
	}
	count_rows(&tally, finding, work, held);
	if (bd_rows_are_blocked(work->element, held)) {
		/* A row that does not count as it stands may after the rejected one. */
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "blocked");
	} else if (work->element->polarity == BD_MUST_EXIST) {
		judge_wanted(finding, work, held, &tally);
	} else {
		judge_unwanted(finding, work, held, &tally);
	}
	return BD_OK;
}

/* -- attestations and the rest -- */

static void attest_one(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_attestation *one)
{
	const struct bd_attestation_rule *rule = work->element->attestation;
	int64_t now = work->context->now_ms, asked = work->asked->submitted_ms;
	bool is_trusted = false;

	for (size_t i = 0; i < rule->provider_count; i++) {
		is_trusted |= bd_bytes_is(one->provider, rule->providers[i]);
	}
	finding->as_of_ms = one->at_ms;
	if (!is_trusted) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "provider_not_listed");
	} else if (one->at_ms > now + BD_CLOCK_AHEAD_MS) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "attestation_ahead");
	} else if (one->at_ms + rule->max_age_s * 1000 < (asked != 0 ? asked : now)) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "attestation_expired");
		finding->flags = BD_FLAG_STALE;
	} else {
		bd_finding_set(finding, BD_FINDING_MATCH, "");
	}
}

/* Is somebody else of the case to be attested in the same way? */
static bool has_other_attested(const struct bd_work *work, struct bd_bytes kind)
{
	const struct bd_case *asked = work->asked;

	for (size_t e = 0; e < asked->matter->element_count; e++) {
		const struct bd_element *element = &asked->matter->elements[e];

		if (element->attestation == NULL ||
			!bd_bytes_is(kind, element->attestation->kind)) {
			continue;
		}
		for (size_t s = 0; s < asked->subject_count; s++) {
			if (bd_element_asks(element, asked->subjects[s].role->name) &&
				!bd_case_is_same(&asked->subjects[s], work->subject)) {
				return true;
			}
		}
	}
	return false;
}

static void attest(struct bd_finding *finding, const struct bd_work *work)
{
	bd_finding_set(finding, BD_FINDING_ABSENT, "attestation_missing");
	for (size_t i = 0; i < work->asked->attestation_count; i++) {
		const struct bd_attestation *one = &work->asked->attestations[i];

		if (!bd_bytes_is(one->kind, work->element->attestation->kind) ||
			(one->subject != NULL && !bd_case_is_same(one->subject, work->subject))) {
			continue;
		}
		finding->flags = 0;
		if (one->subject == NULL && has_other_attested(work, one->kind)) {
			bd_finding_set(finding, BD_FINDING_INDETERMINATE, "attestation_of_whom");
		} else {
			attest_one(finding, work, one);
		}
		if (finding->code == BD_FINDING_MATCH) {
			return;
		}
	}
}

static bool is_document_covered(const struct bd_work *work)
{
	const struct bd_element *element = work->element;
	const struct bd_id_kind *kind =
		bd_dictionary_id_kind_number(work->context->dict, work->subject->identifier.kind);

	return element->document_count == 0 ||
	       (kind != NULL &&
		       bd_is_listed(element->documents, element->document_count, kind->name));
}

/* Of a finding that one source decided: that one. */
static enum bd_code tell_source(struct bd_finding *finding, struct bd_arena *arena)
{
	struct bd_evidence *one;

	if (finding->evidence_count > 0 || finding->source == NULL) {
		return BD_OK;
	}
	one = bd_arena_alloc(arena, 1, sizeof(*one));
	if (one == NULL) {
		return bd_arena_code(arena);
	}
	*one = (struct bd_evidence){ finding->source, finding->as_of_ms, finding->received_ms,
		finding->version, finding->digest };
	finding->evidence = one;
	finding->evidence_count = 1;
	return BD_OK;
}

enum bd_code bd_element_find(struct bd_finding *out, const struct bd_element *element,
	const struct bd_case_subject *subject, const struct bd_case *asked,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_work work = { element, asked, context, subject, arena, diag };
	enum bd_code code;

	*out = (struct bd_finding){ .element = element,
		.subject = subject,
		.code = BD_FINDING_INDETERMINATE,
		.reason = "",
		.rule = "",
		.score = -1,
		.mends_on = BD_NO_DAY };
	if (element->attestation != NULL) {
		attest(out, &work);
		return BD_OK;
	}
	if (element->is_claimed && element->test.kind != BD_TEST_NONE) {
		return bd_judge_claim(out, &work);
	}
	if (subject->invalid != BD_OK) {
		bd_finding_set(out, BD_FINDING_INVALID, bd_code_info(subject->invalid)->text);
		return BD_OK;
	}
	if (!is_document_covered(&work)) {
		bd_finding_set(out, BD_FINDING_UNAVAILABLE, "not_covered");
		out->is_lasting = true;
		return BD_OK;
	}
	if (!bd_is_approved(&asked->matter->approvals[element - asked->matter->elements],
		    bd_day_at(context->now_ms))) {
		bd_finding_set(out, BD_FINDING_WITHHELD, BD_REASON_USE_EXPIRED);
		return BD_OK;
	}
	code = element->relation_count > 0 ? bd_path_follow(out, &work, subject->held)
					   : bd_element_find_in(out, &work, subject->held);
	return code == BD_OK ? tell_source(out, arena) : code;
}

bool bd_element_applies(const struct bd_element *element, const struct bd_case_subject *subject,
	const struct bd_case *asked, const struct bd_finding *findings, size_t count)
{
	const struct bd_claim *claim = element->when_claim != NULL
					       ? bd_case_claim(asked, subject, element->when_claim)
					       : NULL;
	bool is_one = claim == NULL;

	for (size_t i = 0; claim != NULL && i < element->when_value_count; i++) {
		is_one |= bd_bytes_is(bd_text_trim(claim->value), element->when_values[i]);
	}
	for (size_t i = 0; element->unless != NULL && i < count; i++) {
		if (findings[i].element == element->unless && findings[i].subject == subject &&
			bd_finding_is_accepted(&findings[i])) {
			return false;
		}
	}
	return is_one;
}
