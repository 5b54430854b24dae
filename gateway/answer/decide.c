#include "answer/decide.h"

#define RETRY_AFTER_S 60

bool bd_finding_is_accepted(const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return (element->accepted_codes & (1u << finding->code)) != 0 &&
	       (finding->flags & ~element->accepted_flags) == 0;
}

bool bd_finding_is_retryable(const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return finding->code == BD_FINDING_UNAVAILABLE ||
	       ((element->accepted_codes & (1u << finding->code)) != 0 &&
		       (finding->flags & ~element->accepted_flags) == BD_FLAG_STALE);
}

bool bd_finding_is_ground(const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return element->refuses && !element->is_claimed &&
	       (element->field == NULL || element->field->merge != BD_MERGE_ANY_ADVERSE) &&
	       finding->code == BD_FINDING_MISMATCH && finding->flags == 0 &&
	       !bd_finding_is_accepted(finding);
}

int bd_finding_rank(const struct bd_finding *finding)
{
	int tier = bd_finding_is_accepted(finding) ? 0 : bd_finding_is_retryable(finding) ? 1 : 2;

	return tier * BD_FINDING_CODE_COUNT + bd_finding_badness(finding->code);
}

bool bd_material_is_deferrable(const struct bd_matter *matter, const struct bd_material *material)
{
	for (size_t i = 0; i < matter->deferrable_material_count; i++) {
		if (bd_bytes_is(material->id, matter->deferrable_materials[i])) {
			return true;
		}
	}
	return false;
}

struct tally {
	bool has_invalid, has_refusal, has_correctable, has_core_failure, has_retryable,
		has_other_failure;
	bool has_agency_duty; /* a non-core element that only the State's own systems keep open */
};

static void count(struct tally *tally, const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	tally->has_invalid |= finding->code == BD_FINDING_INVALID;
	if (bd_finding_is_accepted(finding)) {
		return;
	}
	tally->has_refusal |= bd_finding_is_ground(finding);
	tally->has_correctable |= (element->resubmit_codes & (1u << finding->code)) != 0;
	if (bd_finding_is_retryable(finding)) {
		tally->has_retryable |= element->is_core;
		tally->has_agency_duty |= !element->is_core;
	} else if (element->is_core) {
		tally->has_core_failure = true;
	} else {
		tally->has_other_failure = true;
	}
}

/* What only materials, commitments and the State's own duties leave open. */
static enum bd_decision decide_materials(
	struct bd_outcome *out, const struct tally *tally, const struct bd_case *asked)
{
	const struct bd_matter *matter = asked->matter;
	bool has_open = false;

	for (size_t i = 0; i < asked->material_count; i++) {
		if (!asked->materials[i].is_to_follow) {
			continue;
		}
		if (!bd_material_is_deferrable(matter, &asked->materials[i]) ||
			matter->conditional_mode == NULL) {
			return BD_DECISION_REFER;
		}
		has_open = true;
	}
	if (has_open && !asked->has_commitment) {
		out->offers_commitment = true;
		return BD_DECISION_REFER;
	}
	if (tally->has_agency_duty && matter->conditional_mode == NULL) {
		return BD_DECISION_REFER;
	}
	return has_open || tally->has_agency_duty ? BD_DECISION_CONDITIONAL : BD_DECISION_PASS;
}

void bd_decide(struct bd_outcome *out, const struct bd_finding *findings, size_t finding_count,
	const struct bd_case *asked, int64_t now_ms)
{
	struct tally tally = { false };

	*out = (struct bd_outcome){ .decision = BD_DECISION_REFER };
	for (size_t i = 0; i < finding_count; i++) {
		count(&tally, &findings[i]);
	}
	if (tally.has_invalid) {
		out->decision = BD_DECISION_RESUBMIT;
	} else if (tally.has_refusal) {
		out->decision = BD_DECISION_REFUSE;
	} else if (tally.has_correctable) {
		out->decision = BD_DECISION_RESUBMIT;
	} else if (tally.has_core_failure || tally.has_other_failure) {
		out->decision = BD_DECISION_REFER;
	} else if (tally.has_retryable) {
		/* Without the time of submission nobody could say how long it has been tried. */
		if (asked->submitted_ms != 0 &&
			now_ms < asked->submitted_ms + asked->matter->wait_s * 1000) {
			out->decision = BD_DECISION_RETRY;
			out->retry_after_s = RETRY_AFTER_S;
		}
	} else {
		out->decision = decide_materials(out, &tally, asked);
	}
}
