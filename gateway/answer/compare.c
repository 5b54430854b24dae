/* compare.c - a case in JSON to its findings and decision in JSON. */
#include "answer/decide.h"
#include "answer/memo.h"
#include "base/json_write.h"

#include <string.h>

static void write_flags(struct bd_json_writer *w, uint32_t flags)
{
	bd_jw_array(w, "flags");
	for (uint32_t flag = 1; flag <= BD_FLAG_FORMER; flag <<= 1) {
		if ((flags & flag) != 0) {
			bd_jw_text(w, NULL, bd_flag_term((enum bd_finding_flag)flag)->name);
		}
	}
	bd_jw_array_end(w);
}

/* The reason for machines, and for people in both languages. */
static void write_reason(struct bd_json_writer *w, const char *reason)
{
	const struct bd_term *term = reason[0] != '\0' ? bd_reason_term(reason) : NULL;
	const struct bd_code_info *rule;

	bd_jw_text(w, "reason", reason);
	if (term != NULL) {
		bd_jw_text(w, "detail_zh", term->zh);
		bd_jw_text(w, "detail_en", term->en);
	} else if (reason[0] != '\0') {
		rule = bd_code_info(bd_code_find(reason));
		bd_jw_text(w, "detail_zh", rule->zh);
		bd_jw_text(w, "detail_en", rule->en);
	}
}

static void write_sources(
	struct bd_json_writer *w, const struct bd_finding *finding, int64_t now_ms)
{
	bd_jw_array(w, "sources");
	for (size_t i = 0; i < finding->evidence_count; i++) {
		const struct bd_evidence *one = &finding->evidence[i];

		bd_jw_object(w, NULL);
		bd_jw_text(w, "source", one->source);
		bd_jw_time(w, "as_of", one->as_of_ms);
		if (one->received_ms != 0) {
			bd_jw_i64(w, "age_s", (now_ms - one->received_ms) / 1000);
		}
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void write_finding(
	struct bd_json_writer *w, const struct bd_finding *finding, int64_t now_ms)
{
	const struct bd_term *term = bd_finding_term(finding->code);

	bd_jw_object(w, NULL);
	bd_jw_text(w, "element", finding->element->id);
	bd_jw_text(w, "label_zh", finding->element->label_zh);
	bd_jw_text(w, "label_en", finding->element->label_en);
	bd_jw_text(w, "subject", finding->subject->pointer);
	bd_jw_text(w, "code", term->name);
	bd_jw_text(w, "code_zh", term->zh);
	write_flags(w, finding->flags);
	bd_jw_bool(w, "accepted", bd_finding_is_accepted(finding));
	bd_jw_bool(w, "core", finding->element->is_core);
	write_reason(w, finding->reason);
	if (finding->source != NULL) {
		bd_jw_text(w, "source", finding->source);
	}
	bd_jw_time(w, "as_of", finding->as_of_ms);
	if (finding->received_ms != 0) {
		bd_jw_i64(w, "age_s", (now_ms - finding->received_ms) / 1000);
	}
	write_sources(w, finding, now_ms);
	bd_jw_object_end(w);
}

/* Why it was not passed, and by what law a refusal is proposed. */
static void write_reasons(struct bd_json_writer *w, const struct bd_finding *findings, size_t count)
{
	bd_jw_array(w, "reasons");
	for (size_t i = 0; i < count; i++) {
		const struct bd_element *element = findings[i].element;

		if (bd_finding_is_accepted(&findings[i])) {
			continue;
		}
		bd_jw_object(w, NULL);
		bd_jw_text(w, "element", element->id);
		bd_jw_text(w, "zh", element->label_zh);
		bd_jw_text(w, "en", element->label_en);
		bd_jw_text(w, "code", bd_finding_term(findings[i].code)->name);
		bd_jw_text(w, "reason", findings[i].reason);
		bd_jw_bool(w, "retryable", bd_finding_is_retryable(&findings[i]));
		if (bd_finding_is_ground(&findings[i])) {
			bd_jw_text(w, "basis", element->refusal_basis);
			bd_jw_text(w, "ground", element->refusal_reason);
			bd_jw_text(w, "remedy", element->refusal_remedy);
		}
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void write_obligation(
	struct bd_json_writer *w, const char *party, const char *kind, struct bd_bytes what)
{
	bd_jw_object(w, NULL);
	bd_jw_text(w, "party", party);
	bd_jw_bytes(w, kind, what);
	bd_jw_object_end(w);
}

static void write_obligations(struct bd_json_writer *w, const struct bd_case *asked,
	const struct bd_finding *findings, size_t count, const struct bd_outcome *outcome)
{
	bd_jw_array(w, outcome->offers_commitment ? "offer" : "obligations");
	for (size_t i = 0; i < asked->material_count; i++) {
		if (asked->materials[i].is_to_follow) {
			write_obligation(w, "applicant", "material", asked->materials[i].id);
		}
	}
	for (size_t i = 0; i < count && !outcome->offers_commitment; i++) {
		if (!findings[i].element->is_core && !bd_finding_is_accepted(&findings[i]) &&
			bd_finding_is_retryable(&findings[i])) {
			write_obligation(
				w, "agency", "element", bd_bytes_of(findings[i].element->id));
		}
	}
	bd_jw_array_end(w);
}

static enum bd_code write_answer(struct bd_buf *out, const struct bd_case *asked,
	const struct bd_finding *findings, size_t count, const struct bd_outcome *outcome,
	const struct bd_answer_context *context)
{
	const struct bd_term *decision = bd_decision_term(outcome->decision);
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", context->receipt);
	bd_jw_text(&w, "matter", asked->matter->id);
	bd_jw_text(&w, "version", asked->matter->version);
	bd_jw_bytes(&w, "case", asked->id);
	bd_jw_text(&w, "decision", decision->name);
	bd_jw_text(&w, "decision_zh", decision->zh);
	bd_jw_time(&w, "at", context->now_ms);
	bd_jw_array(&w, "findings");
	for (size_t i = 0; i < count; i++) {
		write_finding(&w, &findings[i], context->now_ms);
	}
	bd_jw_array_end(&w);
	write_reasons(&w, findings, count);
	if (outcome->decision == BD_DECISION_CONDITIONAL) {
		bd_jw_text(&w, "mode", asked->matter->conditional_mode);
	}
	if (outcome->decision == BD_DECISION_CONDITIONAL || outcome->offers_commitment) {
		write_obligations(&w, asked, findings, count, outcome);
	}
	if (outcome->retry_after_s != 0) {
		bd_jw_i64(&w, "retry_after_s", outcome->retry_after_s);
	}
	bd_jw_object_end(&w);
	return w.code;
}

/* All subjects are read before the first element is decided, in one snapshot. */
static enum bd_code read_held(struct bd_case *asked, const struct bd_answer_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < asked->subject_count && code == BD_OK; i++) {
		struct bd_case_subject *subject = &asked->subjects[i];

		if (subject->invalid == BD_OK) {
			code = context->source->lookup(context->source, &subject->held,
				&subject->identifier, 1, arena, diag);
		}
	}
	return code;
}

/* Of a role where not every subject must answer, the best ones stand for all. */
static size_t keep_quantified(
	struct bd_finding *findings, size_t begin, size_t count, const struct bd_role *role)
{
	size_t needed = role->quantifier == BD_QUANTIFIER_ANY        ? 1
			: role->quantifier == BD_QUANTIFIER_AT_LEAST ? role->at_least
								     : count - begin;
	size_t accepted = 0, kept = begin;

	for (size_t i = begin; i < count; i++) {
		accepted += bd_finding_is_accepted(&findings[i]);
	}
	if (role->quantifier == BD_QUANTIFIER_EVERY || accepted < needed) {
		return count;
	}
	for (size_t i = begin; i < count; i++) {
		if (bd_finding_is_accepted(&findings[i])) {
			findings[kept++] = findings[i];
		}
	}
	return kept;
}

static enum bd_code find_all(struct bd_finding *findings, size_t *count,
	const struct bd_case *asked, const struct bd_answer_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_matter *matter = asked->matter;
	enum bd_code code = BD_OK;

	*count = 0;
	for (size_t e = 0; e < matter->element_count; e++) {
		const struct bd_role *role = NULL;
		size_t begin = *count;

		for (size_t s = 0; s < asked->subject_count && code == BD_OK; s++) {
			if (strcmp(matter->elements[e].role, asked->subjects[s].role->name) != 0) {
				continue;
			}
			role = asked->subjects[s].role;
			code = bd_element_find(&findings[(*count)++], &matter->elements[e],
				&asked->subjects[s], asked, context, arena, diag);
		}
		if (role != NULL) {
			*count = keep_quantified(findings, begin, *count, role);
		}
	}
	return code;
}

enum bd_code bd_compare(struct bd_buf *out, struct bd_bytes question,
	const struct bd_answer_context *given, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_answer_context context = *given;
	struct bd_memo memo;
	struct bd_case asked;
	struct bd_finding *findings;
	struct bd_outcome outcome;
	size_t count = 0;
	enum bd_code code = bd_question_case(&asked, question, &context, arena, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_memo_init(&memo, given->source);
	context.source = &memo.source;
	findings = bd_arena_alloc(
		arena, asked.matter->element_count * asked.subject_count, sizeof(*findings));
	if (findings == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	code = read_held(&asked, &context, arena, diag);
	code = code == BD_OK ? find_all(findings, &count, &asked, &context, arena, diag) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bd_decide(&outcome, findings, count, &asked, context.now_ms);
	code = write_answer(out, &asked, findings, count, &outcome, &context);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "the answer is too long");
}
