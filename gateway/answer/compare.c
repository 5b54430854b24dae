/* compare.c - a case to its findings, its decision and what is owed after it. */
#include "answer/memo.h"
#include "answer/opening.h"
#include "answer/render.h"

#include <string.h>

/* All subjects are read before the first element is decided, in one snapshot. */
static enum bd_code read_held(struct bd_case *asked, const struct bd_answer_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < asked->subject_count && code == BD_OK; i++) {
		struct bd_case_subject *subject = &asked->subjects[i];

		if (subject->invalid == BD_OK) {
			code = context->source->lookup(context->source, &subject->held,
				&subject->identifier, 1, &asked->matter->wanted, arena, diag);
		}
	}
	return code;
}

/* Is it among the `needed` best of these, the earlier of equal ones? */
static bool is_among_best(
	const struct bd_finding *findings, size_t count, size_t one, size_t needed)
{
	int rank = bd_finding_rank(&findings[one]);
	size_t better = 0;

	for (size_t i = 0; i < count; i++) {
		int other = bd_finding_rank(&findings[i]);

		better += other < rank || (other == rank && i < one);
	}
	return better < needed;
}

/* Of a role where not every subject must answer, the best ones stand for all: who is left out is
 * neither a reason to refer nor a ground to refuse. */
static enum bd_code keep_quantified(struct bd_finding *findings, size_t *count,
	const struct bd_role *role, struct bd_arena *arena)
{
	size_t needed = role->quantifier == BD_QUANTIFIER_AT_LEAST ? role->at_least : 1;
	struct bd_finding *kept;
	size_t used = 0;

	if (role->quantifier == BD_QUANTIFIER_EVERY) {
		return BD_OK;
	}
	kept = bd_arena_alloc(arena, *count, sizeof(*kept));
	if (kept == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < *count; i++) {
		if (bd_finding_is_accepted(&findings[i]) ||
			is_among_best(findings, *count, i, needed)) {
			kept[used++] = findings[i];
		}
	}
	memcpy(findings, kept, used * sizeof(*kept));
	*count = used;
	return BD_OK;
}

static enum bd_code find_of_role(struct bd_answered *answered, struct bd_finding *findings,
	const struct bd_element *element, const char *name, const struct bd_answer_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_case *asked = answered->asked;
	const struct bd_role *role = NULL;
	size_t begin = answered->finding_count;
	enum bd_code code = BD_OK;

	for (size_t s = 0; s < asked->subject_count && code == BD_OK; s++) {
		const struct bd_case_subject *subject = &asked->subjects[s];

		if (!bd_is_name(name, subject->role->name)) {
			continue;
		}
		if (!bd_element_applies(element, subject, asked, findings, begin)) {
			answered->needless[answered->needless_count++] =
				(struct bd_needless){ element, subject };
			continue;
		}
		role = subject->role;
		code = bd_element_find(&findings[answered->finding_count++], element, subject,
			asked, context, arena, diag);
	}
	if (role != NULL && code == BD_OK) {
		size_t count = answered->finding_count - begin;

		code = keep_quantified(&findings[begin], &count, role, arena);
		answered->finding_count = begin + count;
	}
	return code;
}

static enum bd_code find_element(struct bd_answered *answered, struct bd_finding *findings,
	const struct bd_element *element, const struct bd_answer_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < element->role_count && code == BD_OK; i++) {
		code = find_of_role(
			answered, findings, element, element->roles[i], context, arena, diag);
	}
	return code;
}

static enum bd_code find_all(struct bd_answered *answered, const struct bd_answer_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_matter *matter = answered->asked->matter;
	size_t most = matter->element_count * answered->asked->subject_count;
	struct bd_finding *findings = bd_arena_alloc(arena, most + 1, sizeof(*findings));
	enum bd_code code = BD_OK;

	answered->findings = findings;
	answered->needless = bd_arena_alloc(arena, most + 1, sizeof(*answered->needless));
	if (findings == NULL || answered->needless == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t e = 0; e < matter->element_count && code == BD_OK; e++) {
		code = find_element(answered, findings, &matter->elements[e], context, arena, diag);
	}
	return code;
}

static enum bd_code answer(struct bd_answered *answered, struct bd_case *asked,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = read_held(asked, context, arena, diag);

	answered->asked = asked;
	code = code == BD_OK ? find_all(answered, context, arena, diag) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bd_decide(&answered->outcome, answered->findings, answered->finding_count, asked,
		context->now_ms);
	bd_wait_for_opening(
		&answered->outcome, answered->findings, answered->finding_count, context);
	return bd_obligations(&answered->obligations, &answered->obligation_count, asked,
		answered->findings, answered->finding_count, &answered->outcome, context->calendar,
		arena, diag);
}

/* Before anything is looked up. Who has no grant is not told either what is wrong with the case. */
static enum bd_code check_grant(const struct bd_grant **grant, const struct bd_case *asked,
	enum bd_code code, const struct bd_answer_context *context, struct bd_diag *diag)
{
	enum bd_disclosure needs = context->explains ? BD_DISCLOSE_VALUES : context->needs;
	struct bd_diag why;
	enum bd_code refusal;

	if (code == BD_OK) {
		return bd_grant_matter(grant, context->asker, asked->matter, needs, diag);
	}
	if (asked->matter == NULL) {
		return code;
	}
	bd_diag_clear(&why);
	refusal = bd_grant_matter(grant, context->asker, asked->matter, needs, &why);
	if (refusal != BD_OK && diag != NULL) {
		*diag = why;
	}
	return refusal != BD_OK ? refusal : code;
}

enum bd_code bd_compare(struct bd_buf *out, struct bd_compared *compared, struct bd_bytes question,
	const struct bd_answer_context *given, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_answer_context context = *given;
	struct bd_case *asked = bd_arena_alloc(arena, 1, sizeof(*asked));
	struct bd_answered *answered = bd_arena_alloc(arena, 1, sizeof(*answered));
	const struct bd_grant *grant = NULL;
	struct bd_memo memo;
	enum bd_code code;

	if (asked == NULL || answered == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	code = bd_question_case(asked, question, &context, arena, diag);
	code = check_grant(&grant, asked, code, &context, diag);
	if (code != BD_OK) {
		return code;
	}
	context.discloses = grant->disclosure;
	bd_memo_init(&memo, given->source);
	context.source = &memo.source;
	code = answer(answered, asked, &context, arena, diag);
	if (code != BD_OK) {
		return code;
	}
	if (compared != NULL) {
		*compared = (struct bd_compared){ asked, answered->findings,
			answered->finding_count, &answered->outcome, answered->obligations,
			answered->obligation_count, grant };
	}
	code = bd_render(out, answered, &context);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "the answer is too long");
}
