#include "answer/opening.h"

/* 0: it is open. */
static int64_t closed_until(const char *source, const struct bd_answer_context *context)
{
	int64_t until_ms = 0;

	for (size_t i = 0; i < context->closing_count; i++) {
		const struct bd_source_closing *one = &context->closings[i];

		if (one->from_ms <= context->now_ms && context->now_ms < one->until_ms &&
			one->until_ms > until_ms && bd_is_name(one->source, source)) {
			until_ms = one->until_ms;
		}
	}
	return until_ms;
}

/* When the first of the sources that can mend it is open. */
static int64_t opens_at(const struct bd_finding *finding, const struct bd_answer_context *context)
{
	const struct bd_element *element = finding->element;
	int64_t first_ms = element->source_count > 0 ? INT64_MAX : 0;

	if (element->source_count == 0 && finding->source != NULL) {
		return closed_until(finding->source, context);
	}
	for (size_t i = 0; i < element->source_count; i++) {
		int64_t one_ms = closed_until(element->sources[i], context);

		first_ms = one_ms < first_ms ? one_ms : first_ms;
	}
	return first_ms;
}

void bd_wait_for_opening(struct bd_outcome *outcome, const struct bd_finding *findings,
	size_t count, const struct bd_answer_context *context)
{
	int64_t last_ms = 0, wait_s;

	if (outcome->decision != BD_DECISION_RETRY || context->closing_count == 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_finding *finding = &findings[i];

		if (bd_finding_is_of(finding, outcome->branch) &&
			!bd_finding_is_accepted(finding) && finding->mends_on == BD_NO_DAY) {
			int64_t one_ms = opens_at(finding, context);

			last_ms = one_ms > last_ms ? one_ms : last_ms;
		}
	}
	wait_s = last_ms > context->now_ms ? (last_ms - context->now_ms + 999) / 1000 : 0;
	outcome->retry_after_s = wait_s > outcome->retry_after_s ? wait_s : outcome->retry_after_s;
}
