#include "answer/decide.h"

#include "base/clock.h"

bool bd_finding_is_accepted(const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return (element->accepted_codes & (1u << finding->code)) != 0 &&
	       (finding->flags & ~element->accepted_flags) == 0;
}

bool bd_finding_is_retryable(const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return (finding->code == BD_FINDING_UNAVAILABLE && !finding->is_lasting) ||
	       finding->mends_on != BD_NO_DAY ||
	       ((element->accepted_codes & (1u << finding->code)) != 0 &&
		       (finding->flags & ~element->accepted_flags) == BD_FLAG_STALE);
}

/* Of values, as many sources as the matter asks have spoken: one that is down could contradict. A
 * row that is there is there, whoever else is silent. */
static bool is_confirmed(const struct bd_finding *finding)
{
	return finding->code == BD_FINDING_MISMATCH && finding->flags == 0 &&
	       finding->mends_on == BD_NO_DAY &&
	       (finding->element->polarity != BD_MUST_AGREE ||
		       finding->evidence_count >= finding->element->sources_needed);
}

bool bd_finding_is_ground(const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return element->refuses && !element->is_claimed && !bd_element_rests_on_any(element) &&
	       is_confirmed(finding) && !bd_finding_is_accepted(finding);
}

bool bd_finding_is_of(const struct bd_finding *finding, int branch)
{
	uint32_t asked = finding->element->branches;

	return asked == 0 || branch == BD_NO_BRANCH || (asked & (1u << branch)) != 0;
}

/* Only the State's own systems keep it open, and the matter lets the agency look afterwards. */
static bool is_agency_duty(const struct bd_finding *finding)
{
	return finding->element->agency_due_working_days > 0 && finding->mends_on == BD_NO_DAY &&
	       (bd_finding_is_retryable(finding) || finding->is_lasting);
}

int bd_finding_rank(const struct bd_finding *finding)
{
	bool is_open = bd_finding_is_retryable(finding) || is_agency_duty(finding);
	int tier = bd_finding_is_accepted(finding) ? 0 : is_open ? 1 : 2;

	return tier * BD_FINDING_CODE_COUNT + bd_finding_badness(finding->code);
}

bool bd_material_is_open(const struct bd_case *asked, size_t material, int branch)
{
	uint32_t branches = asked->matter->materials[material].branches;
	enum bd_material_state state = asked->materials[material];

	if (branches != 0 && branch != BD_NO_BRANCH && (branches & (1u << branch)) == 0) {
		return false;
	}
	return state == BD_MATERIAL_MISSING || state == BD_MATERIAL_TO_FOLLOW;
}

bool bd_material_may_follow(const struct bd_matter *matter, const struct bd_material_rule *rule)
{
	return rule->due_working_days > 0 && matter->conditional_mode != NULL;
}

/* What some finding gives reason for; NOTHING is true of every case. */
enum ground {
	GROUND_NOTHING = 0,
	GROUND_INVALID = 1,
	GROUND_REFUSAL = 2,
	GROUND_CORRECTABLE = 4,
	GROUND_FAILURE = 8,     /* that waiting cannot mend */
	GROUND_DAY = 16,        /* that a day mends */
	GROUND_SOURCE = 32,     /* that a source may mend */
	GROUND_AGENCY_DUTY = 64 /* a non-core one that only the State's own systems keep open */
};

struct tally {
	uint32_t grounds;
	int32_t mends_on; /* the last of the days; BD_NO_DAY */
	/* of who may promise to hand in the rest */
	bool is_excluded, is_promise_waiting;
};

static void count_waiting(struct tally *tally, const struct bd_finding *finding)
{
	if (finding->mends_on == BD_NO_DAY) {
		tally->grounds |= GROUND_SOURCE;
		return;
	}
	tally->grounds |= GROUND_DAY;
	if (finding->mends_on > tally->mends_on) {
		tally->mends_on = finding->mends_on;
	}
}

static void count(struct tally *tally, const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	tally->grounds |= finding->code == BD_FINDING_INVALID ? GROUND_INVALID : 0;
	if (bd_finding_is_accepted(finding)) {
		return;
	}
	if (element->is_for_commitment) {
		tally->is_promise_waiting |= bd_finding_is_retryable(finding);
		tally->is_excluded |= !bd_finding_is_retryable(finding);
		return;
	}
	tally->grounds |= bd_finding_is_ground(finding) ? GROUND_REFUSAL : 0;
	if ((element->resubmit_codes & (1u << finding->code)) != 0) {
		tally->grounds |= GROUND_CORRECTABLE;
	}
	if (is_agency_duty(finding)) {
		tally->grounds |= GROUND_AGENCY_DUTY;
	} else if (bd_finding_is_retryable(finding)) {
		count_waiting(tally, finding);
	} else {
		tally->grounds |= GROUND_FAILURE;
	}
}

/* -- what follows from a ground -- */

static enum bd_decision resubmit(struct bd_outcome *out, const struct bd_case *asked,
	const struct tally *tally, int64_t now_ms)
{
	(void)out, (void)asked, (void)tally, (void)now_ms;
	return BD_DECISION_RESUBMIT;
}

static enum bd_decision refuse(struct bd_outcome *out, const struct bd_case *asked,
	const struct tally *tally, int64_t now_ms)
{
	(void)out, (void)asked, (void)tally, (void)now_ms;
	return BD_DECISION_REFUSE;
}

static enum bd_decision refer(struct bd_outcome *out, const struct bd_case *asked,
	const struct tally *tally, int64_t now_ms)
{
	(void)out, (void)asked, (void)tally, (void)now_ms;
	return BD_DECISION_REFER;
}

/* Without the time of submission nobody could say how long it has been tried. */
static enum bd_decision wait_for_source(struct bd_outcome *out, const struct bd_case *asked,
	const struct tally *tally, int64_t now_ms)
{
	const struct bd_matter *matter = asked->matter;

	(void)tally;
	if (asked->submitted_ms == 0 || now_ms >= asked->submitted_ms + matter->wait_s * 1000) {
		return BD_DECISION_REFER;
	}
	out->retry_after_s = matter->retry_after_s;
	return BD_DECISION_RETRY;
}

static enum bd_decision wait_for_day(struct bd_outcome *out, const struct bd_case *asked,
	const struct tally *tally, int64_t now_ms)
{
	int64_t seconds = (bd_day_begin_ms(tally->mends_on) - now_ms + 999) / 1000;

	if ((tally->grounds & GROUND_SOURCE) != 0 &&
		wait_for_source(out, asked, tally, now_ms) == BD_DECISION_REFER) {
		return BD_DECISION_REFER;
	}
	out->retry_on = tally->mends_on;
	out->retry_after_s = seconds > 0 ? seconds : asked->matter->retry_after_s;
	return BD_DECISION_RETRY;
}

/* What only materials, commitments and the State's own duties leave open. */
static enum bd_decision decide_materials(struct bd_outcome *out, const struct bd_case *asked,
	const struct tally *tally, int64_t now_ms)
{
	const struct bd_matter *matter = asked->matter;
	bool must_supply = false;

	for (size_t i = 0; i < matter->material_count; i++) {
		if (bd_material_is_open(asked, i, out->branch)) {
			out->has_missing = true;
			must_supply |= !bd_material_may_follow(matter, &matter->materials[i]);
		}
	}
	if (!out->has_missing) {
		return (tally->grounds & GROUND_AGENCY_DUTY) != 0 ? BD_DECISION_CONDITIONAL
								  : BD_DECISION_PASS;
	}
	out->is_excluded = tally->is_excluded;
	if (must_supply || tally->is_excluded) {
		return BD_DECISION_REFER;
	}
	if (tally->is_promise_waiting) {
		enum bd_decision decision = wait_for_source(out, asked, tally, now_ms);

		out->has_missing = decision == BD_DECISION_REFER;
		return decision;
	}
	out->offers_commitment = !asked->has_commitment;
	return asked->has_commitment ? BD_DECISION_CONDITIONAL : BD_DECISION_REFER;
}

/* The precedence: the first ground that there is decides. */
static const struct {
	enum ground ground;
	enum bd_decision (*decide)(struct bd_outcome *out, const struct bd_case *asked,
		const struct tally *tally, int64_t now_ms);
} precedence[] = {
	{ GROUND_INVALID, resubmit }, { GROUND_REFUSAL, refuse },
	{ GROUND_CORRECTABLE, resubmit }, /* where the matter calls the code the applicant's */
	{ GROUND_FAILURE, refer },
	{ GROUND_DAY, wait_for_day }, /* retry; refer when the wait for a source is over */
	{ GROUND_SOURCE, wait_for_source },
	{ GROUND_NOTHING, decide_materials }, /* conditional, refer with the offer, pass */
};

static void decide_branch(struct bd_outcome *out, int branch, const struct bd_finding *findings,
	size_t finding_count, const struct bd_case *asked, int64_t now_ms)
{
	struct tally tally = { .mends_on = BD_NO_DAY };
	size_t rule = 0;

	*out = (struct bd_outcome){ BD_DECISION_REFER, branch, .retry_on = BD_NO_DAY };
	for (size_t i = 0; i < finding_count; i++) {
		if (bd_finding_is_of(&findings[i], branch)) {
			count(&tally, &findings[i]);
		}
	}
	while (precedence[rule].ground != GROUND_NOTHING &&
		(tally.grounds & precedence[rule].ground) == 0) {
		rule++;
	}
	out->decision = precedence[rule].decide(out, asked, &tally, now_ms);
}

/* Of two branches that both need an officer: one where nothing but materials is missing, best one
 * where a commitment would do, is what the applicant has to be told of. */
static int nearness(const struct bd_outcome *outcome)
{
	return outcome->offers_commitment ? 2 : outcome->has_missing ? 1 : 0;
}

static bool is_better(const struct bd_outcome *a, const struct bd_outcome *b)
{
	if (a->decision != b->decision) {
		return a->decision < b->decision;
	}
	return a->decision == BD_DECISION_REFER && nearness(a) > nearness(b);
}

void bd_decide(struct bd_outcome *out, const struct bd_finding *findings, size_t finding_count,
	const struct bd_case *asked, int64_t now_ms)
{
	size_t branches = asked->matter->branch_count;

	decide_branch(
		out, branches == 0 ? BD_NO_BRANCH : 0, findings, finding_count, asked, now_ms);
	for (size_t b = 1; b < branches; b++) {
		struct bd_outcome other;

		decide_branch(&other, (int)b, findings, finding_count, asked, now_ms);
		if (is_better(&other, out)) {
			*out = other;
		}
	}
}
