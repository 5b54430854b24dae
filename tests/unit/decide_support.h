/* decide_support.h - a case as a decision sees it, for test_decide.c; and what must hold of every
 * decision, said a second time in as few words as it can be.
 */
#ifndef BD_TESTS_DECIDE_SUPPORT_H
#define BD_TESTS_DECIDE_SUPPORT_H

#include "answer/decide.h"
#include "answer_support.h"
#include "base/clock.h"

#define FLAG_SETS 32
/* Each code with each set of flags; and a mismatch that a day mends, and what no wait mends. */
#define STATES (((size_t)BD_FINDING_CODE_COUNT + 2) * FLAG_SETS)
#define MENDS (BD_FINDING_CODE_COUNT + 0)
#define LASTING (BD_FINDING_CODE_COUNT + 1)
#define FINDINGS_MAX 64
#define MATERIALS_MAX 16
#define NOW_MS INT64_C(1780277400000) /* 2026-06-01T09:30 */

/* One case: a finding an element, and what else decides. */
struct setting {
	const struct answer_setting *given;
	struct bd_finding findings[FINDINGS_MAX];
	struct bd_case asked;
	enum bd_material_state materials[MATERIALS_MAX];
	struct bd_outcome outcome;
	uint64_t chance;
};

static inline uint32_t pick(struct setting *setting, uint32_t below)
{
	setting->chance ^= setting->chance << 13;
	setting->chance ^= setting->chance >> 7;
	setting->chance ^= setting->chance << 17;
	return (uint32_t)(setting->chance >> 33) % below;
}

static inline size_t count_of(const struct setting *setting)
{
	return setting->asked.matter->element_count;
}

static inline void set_state(struct bd_finding *finding, size_t state)
{
	size_t code = state / FLAG_SETS;

	finding->code = code == MENDS     ? BD_FINDING_MISMATCH
			: code == LASTING ? BD_FINDING_UNAVAILABLE
					  : (enum bd_finding_code)code;
	finding->flags = (uint32_t)(state % FLAG_SETS);
	finding->mends_on = code == MENDS ? 20700 : BD_NO_DAY;
	finding->is_lasting = code == LASTING;
	finding->evidence_count = 4;
	finding->reason = "";
}

/* The first code that the element accepts, unflagged. */
static inline void set_good(struct bd_finding *finding)
{
	size_t code = 0;

	while ((finding->element->accepted_codes & (1u << code)) == 0) {
		code++;
	}
	set_state(finding, code * FLAG_SETS);
}

static inline void begin(struct setting *setting, const struct bd_matter *matter)
{
	assert_true(matter->element_count <= FINDINGS_MAX);
	assert_true(matter->material_count <= MATERIALS_MAX);
	setting->asked = (struct bd_case){ .matter = matter,
		.on = 20605,
		.submitted_ms = NOW_MS - 5000,
		.materials = setting->materials };
	for (size_t i = 0; i < matter->material_count; i++) {
		setting->materials[i] = BD_MATERIAL_SUPPLIED;
	}
	for (size_t i = 0; i < matter->element_count; i++) {
		setting->findings[i] = (struct bd_finding){ .element = &matter->elements[i] };
		set_good(&setting->findings[i]);
	}
}

/* Everything but the findings. */
static inline void choose_rest(struct setting *setting)
{
	struct bd_case *asked = &setting->asked;

	for (size_t i = 0; i < asked->matter->material_count; i++) {
		setting->materials[i] = pick(setting, 3) > 0
						? BD_MATERIAL_SUPPLIED
						: (enum bd_material_state)pick(setting, 4);
	}
	asked->has_commitment = pick(setting, 2) == 0;
	asked->submitted_ms = pick(setting, 3) == 0 ? 0 : NOW_MS - (int64_t)pick(setting, 8000000);
}

/* -- the rules, said again -- */

static inline bool is_taken(const struct bd_finding *finding)
{
	return (finding->element->accepted_codes >> finding->code & 1) != 0 &&
	       (finding->flags | finding->element->accepted_flags) ==
		       finding->element->accepted_flags;
}

static inline bool counts(const struct setting *setting, const struct bd_finding *finding)
{
	return !finding->element->is_for_commitment &&
	       (finding->element->branches == 0 || setting->outcome.branch == BD_NO_BRANCH ||
		       (finding->element->branches >> setting->outcome.branch & 1) != 0);
}

/* Is a material of the branch not there; only one that may not follow either? */
static inline bool lacks_any(const struct setting *setting, bool is_for_good)
{
	const struct bd_matter *matter = setting->asked.matter;
	int branch = setting->outcome.branch;
	bool lacks = false;

	for (size_t i = 0; i < matter->material_count; i++) {
		const struct bd_material_rule *rule = &matter->materials[i];
		bool is_asked = rule->branches == 0 || branch == BD_NO_BRANCH ||
				(rule->branches >> branch & 1) != 0;
		bool is_there = setting->materials[i] == BD_MATERIAL_SUPPLIED ||
				setting->materials[i] == BD_MATERIAL_E_LICENCE;

		lacks |= is_asked && !is_there && !(is_for_good && rule->due_working_days > 0);
	}
	return lacks;
}

/* May it pass in the branch that decided? */
static inline bool passes(const struct setting *setting)
{
	for (size_t i = 0; i < count_of(setting); i++) {
		const struct bd_finding *finding = &setting->findings[i];

		if (counts(setting, finding) &&
			(!is_taken(finding) || finding->code == BD_FINDING_UNAVAILABLE ||
				finding->code == BD_FINDING_WITHHELD ||
				finding->code == BD_FINDING_INVALID ||
				finding->code == BD_FINDING_MISMATCH ||
				finding->code == BD_FINDING_INDETERMINATE ||
				finding->code == BD_FINDING_AMBIGUOUS)) {
			return false;
		}
	}
	return !lacks_any(setting, false);
}

/* May it be conditional? Nothing is open but what the agency looks at later, or what the applicant
 * has promised and may hand in later. */
static inline bool may_be_conditional(const struct setting *setting)
{
	for (size_t i = 0; i < count_of(setting); i++) {
		const struct bd_finding *finding = &setting->findings[i];

		if (counts(setting, finding) && !is_taken(finding) &&
			(finding->element->is_core ||
				finding->element->agency_due_working_days == 0)) {
			return false;
		}
	}
	return !lacks_any(setting, true) &&
	       (!lacks_any(setting, false) || setting->asked.has_commitment);
}

static inline bool has_invalid(const struct setting *setting)
{
	bool has = false;

	for (size_t i = 0; i < count_of(setting); i++) {
		has |= setting->findings[i].code == BD_FINDING_INVALID;
	}
	return has;
}

/* Is there anything that a refusal may rest on? */
static inline bool may_refuse(const struct setting *setting)
{
	for (size_t i = 0; i < count_of(setting); i++) {
		const struct bd_finding *finding = &setting->findings[i];
		const struct bd_element *element = finding->element;
		bool is_word_of_any =
			element->field != NULL && element->field->merge == BD_MERGE_ANY_ADVERSE;

		for (size_t f = 0; f < element->filter_count; f++) {
			is_word_of_any |= element->filters[f].field != NULL &&
					  element->filters[f].field->merge == BD_MERGE_ANY_ADVERSE;
		}
		if (counts(setting, finding) && element->refuses && !element->is_claimed &&
			!is_word_of_any && finding->code == BD_FINDING_MISMATCH &&
			finding->flags == 0 && finding->mends_on == BD_NO_DAY) {
			return true;
		}
	}
	return false;
}

static inline enum bd_decision decide(struct setting *setting)
{
	bd_decide(&setting->outcome, setting->findings, count_of(setting), &setting->asked, NOW_MS);
	if (setting->outcome.decision == BD_DECISION_PASS && !passes(setting)) {
		fail_msg("%s passes with what is not accepted", setting->asked.matter->id);
	}
	if (setting->outcome.decision == BD_DECISION_REFUSE && !may_refuse(setting)) {
		fail_msg("%s refuses without a ground", setting->asked.matter->id);
	}
	if (setting->outcome.decision == BD_DECISION_CONDITIONAL && !may_be_conditional(setting)) {
		fail_msg("%s is conditional with what is not to follow", setting->asked.matter->id);
	}
	if (setting->asked.matter->branch_count == 0 && has_invalid(setting)) {
		assert_int_equal(setting->outcome.decision, BD_DECISION_RESUBMIT);
	}
	return setting->outcome.decision;
}

#endif
