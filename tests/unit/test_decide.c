/* test_decide.c - what must hold of every decision, whatever was found: over all codes and flags of
 * each element of every matter, over pairs of them, and over matters made at random.
 */
#include "answer/obligation.h"
#include "decide_support.h"

/* Of one element in a given case: from a better state to a worse one the decision never gets better
 * where that would matter. */
static void check_monotone(const struct setting *setting, size_t element,
	const enum bd_decision decisions[STATES], const int ranks[STATES])
{
	for (size_t a = 0; a < STATES; a++) {
		for (size_t b = 0; b < STATES; b++) {
			bool is_more_flags = a / FLAG_SETS == b / FLAG_SETS && (a & ~b) == 0;

			if (ranks[a] >= ranks[b] && !is_more_flags) {
				continue;
			}
			if ((decisions[b] == BD_DECISION_PASS &&
				    decisions[a] != BD_DECISION_PASS) ||
				(decisions[b] == BD_DECISION_CONDITIONAL &&
					decisions[a] > BD_DECISION_CONDITIONAL)) {
				fail_msg("%s, %s: state %zu gives %s, the worse %zu gives %s",
					setting->asked.matter->id,
					setting->asked.matter->elements[element].id, a,
					bd_decision_term(decisions[a])->name, b,
					bd_decision_term(decisions[b])->name);
			}
		}
	}
}

/* -- over every matter -- */

static void try_all_states(struct setting *setting, size_t element)
{
	struct bd_finding *finding = &setting->findings[element];
	struct bd_finding kept = *finding;
	enum bd_decision decisions[STATES];
	int ranks[STATES];

	for (size_t state = 0; state < STATES; state++) {
		set_state(finding, state);
		decisions[state] = decide(setting);
		ranks[state] = bd_finding_rank(finding);
	}
	*finding = kept;
	check_monotone(setting, element, decisions, ranks);
}

static void each_code_and_flags(struct setting *setting, const struct bd_matter *matter)
{
	for (size_t e = 0; e < matter->element_count; e++) {
		begin(setting, matter);
		try_all_states(setting, e);
		for (int i = 0; i < 6; i++) {
			choose_rest(setting);
			try_all_states(setting, e);
		}
	}
}

static void each_pair_of_codes(struct setting *setting, const struct bd_matter *matter)
{
	begin(setting, matter);
	for (size_t a = 0; a < matter->element_count; a++) {
		for (size_t b = a + 1; b < matter->element_count; b++) {
			for (size_t codes = 0;
				codes < (size_t)BD_FINDING_CODE_COUNT * BD_FINDING_CODE_COUNT;
				codes++) {
				set_state(&setting->findings[a],
					codes / BD_FINDING_CODE_COUNT * FLAG_SETS);
				set_state(&setting->findings[b],
					codes % BD_FINDING_CODE_COUNT * FLAG_SETS);
				decide(setting);
			}
			set_good(&setting->findings[b]);
		}
		set_good(&setting->findings[a]);
	}
}

static void many_at_random(struct setting *setting, const struct bd_matter *matter)
{
	for (int i = 0; i < 20000; i++) {
		begin(setting, matter);
		choose_rest(setting);
		for (size_t e = 0; e < matter->element_count; e++) {
			if (pick(setting, 6) == 0) {
				set_state(&setting->findings[e], pick(setting, STATES));
			}
		}
		decide(setting);
	}
	for (int i = 0; i < 8; i++) {
		try_all_states(setting, pick(setting, (uint32_t)matter->element_count));
	}
}

/* Nobody owes anything, and nobody is refused, for what only the State's systems keep back. */
static void outages_alone(struct setting *setting, const struct bd_matter *matter)
{
	for (int i = 0; i < 2000; i++) {
		const struct bd_obligation *owed;
		struct bd_arena arena;
		size_t count;

		begin(setting, matter);
		setting->asked.submitted_ms = pick(setting, 2) == 0 ? 0 : NOW_MS - 5000;
		for (size_t e = 0; e < matter->element_count; e++) {
			struct bd_finding *finding = &setting->findings[e];

			switch (pick(setting, 5)) {
			case 0:
				set_state(finding, (size_t)BD_FINDING_UNAVAILABLE * FLAG_SETS);
				break;
			case 1:
				finding->flags = BD_FLAG_STALE;
				break;
			case 2:
				set_state(finding, (size_t)LASTING * FLAG_SETS);
				break;
			default:
				break;
			}
		}
		assert_true(decide(setting) <= BD_DECISION_REFER);
		bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
		assert_int_equal(bd_obligations(&owed, &count, &setting->asked, setting->findings,
					 count_of(setting), &setting->outcome,
					 setting->given->context.calendar, &arena, NULL),
			BD_OK);
		for (size_t o = 0; o < count; o++) {
			assert_int_equal(owed[o].party, BD_PARTY_AGENCY);
			assert_false(owed[o].finding->element->is_core);
		}
		assert_true(count == 0 || setting->outcome.decision == BD_DECISION_CONDITIONAL);
		bd_arena_release(&arena);
	}
}

/* One branch is enough, whatever was found for the others. */
static void each_branch_alone(struct setting *setting, const struct bd_matter *matter)
{
	for (size_t b = 0; b < matter->branch_count; b++) {
		begin(setting, matter);
		for (size_t e = 0; e < matter->element_count; e++) {
			uint32_t branches = matter->elements[e].branches;

			if (branches != 0 && (branches >> b & 1) == 0) {
				set_state(&setting->findings[e], pick(setting, STATES));
			}
		}
		assert_int_equal(decide(setting), BD_DECISION_PASS);
		for (size_t e = 0; e < matter->element_count; e++) {
			if (matter->elements[e].branches != 0) {
				set_state(&setting->findings[e],
					(size_t)BD_FINDING_MISMATCH * FLAG_SETS);
			}
		}
		assert_int_not_equal(decide(setting), BD_DECISION_PASS);
	}
}

struct trial {
	struct setting setting;
	struct answer_setting *given;
	void (*call)(struct setting *setting, const struct bd_matter *matter);
};

static void try_matter(const char *folder, void *given)
{
	struct trial *trial = given;
	size_t before = trial->given->context.matter_count;

	add_matter(trial->given, folder);
	for (size_t i = before; i < trial->given->context.matter_count; i++) {
		trial->call(&trial->setting, trial->given->matters[i]);
	}
}

static void try_every_matter(void (*call)(struct setting *setting, const struct bd_matter *matter))
{
	struct trial trial = { .given = new_setting(), .call = call };

	trial.setting.chance = 20260601;
	trial.setting.given = trial.given;
	assert_true(each_entry("schemas/matters", "", try_matter, &trial) > 0);
	assert_true(each_entry("schemas/sandbox/matters", "", try_matter, &trial) > 0);
	assert_true(each_entry("tests/answer/matters", "", try_matter, &trial) > 0);
	free_setting(trial.given);
}

static void one_finding_of_every_kind(void **state)
{
	(void)state;
	try_every_matter(each_code_and_flags);
}

static void two_findings_of_every_code(void **state)
{
	(void)state;
	try_every_matter(each_pair_of_codes);
}

static void findings_at_random(void **state)
{
	(void)state;
	try_every_matter(many_at_random);
}

static void the_states_own_outages(void **state)
{
	(void)state;
	try_every_matter(outages_alone);
}

static void branches_that_are_open(void **state)
{
	(void)state;
	try_every_matter(each_branch_alone);
}

/* -- over matters that nobody wrote -- */

#define ELEMENTS 7

struct invented {
	struct bd_matter matter;
	struct bd_element elements[ELEMENTS];
	struct bd_row_filter filters[ELEMENTS];
	struct bd_material_rule materials[3];
	struct bd_branch branches[3];
};

static const struct bd_field plain_field = { .name = "plain", .merge = BD_MERGE_AUTHORITY },
			     any_field = { .name = "any", .merge = BD_MERGE_ANY_ADVERSE };

/* As config/matter_check.c lets an element be. */
static void invent_element(struct setting *setting, struct invented *invented, size_t at)
{
	static const uint32_t known = 1u << BD_FINDING_MATCH | 1u << BD_FINDING_NEAR;
	struct bd_element *element = &invented->elements[at];
	uint32_t lacks = 1u << BD_FINDING_ABSENT | 1u << BD_FINDING_NO_RECORD;
	uint32_t states_own = 1u << BD_FINDING_UNAVAILABLE | 1u << BD_FINDING_WITHHELD;

	invented->filters[at].field = pick(setting, 3) == 0 ? &any_field : &plain_field;
	*element = (struct bd_element){ .id = "invented",
		.field = pick(setting, 3) == 0 ? &any_field : &plain_field,
		.filters = &invented->filters[at],
		.filter_count = pick(setting, 2),
		.polarity = (enum bd_polarity)(1 + pick(setting, 3)),
		.is_claimed = pick(setting, 3) == 0,
		.is_core = pick(setting, 3) > 0,
		.is_for_commitment = pick(setting, 6) == 0,
		.branches = pick(setting, 2) == 0 ? pick(setting, 8) : 0,
		.sources_needed = pick(setting, 3),
		.accepted_flags = pick(setting, FLAG_SETS) & pick(setting, FLAG_SETS) };
	element->accepted_codes = (1u << pick(setting, 2)) | (pick(setting, 4) == 0 ? known : 0) |
				  (element->is_core ? 0 : lacks & pick(setting, 1024));
	element->resubmit_codes =
		pick(setting, 3) == 0 ? pick(setting, 1024) & ~element->accepted_codes & ~states_own
				      : 0;
	element->refuses = element->branches == 0 && pick(setting, 3) == 0;
	element->agency_due_working_days = element->is_core ? 0 : pick(setting, 2) * 5;
}

static void invent(struct setting *setting, struct invented *invented)
{
	struct bd_matter *matter = &invented->matter;

	*matter = (struct bd_matter){ .id = "invented",
		.wait_s = 3600,
		.retry_after_s = 60,
		.elements = invented->elements,
		.element_count = 1 + pick(setting, ELEMENTS),
		.materials = invented->materials,
		.material_count = pick(setting, 4),
		.branches = invented->branches,
		.branch_count = pick(setting, 2) * 3,
		.conditional_mode = pick(setting, 3) > 0 ? "accept_only" : NULL };
	for (size_t i = 0; i < matter->element_count; i++) {
		invent_element(setting, invented, i);
		if (matter->branch_count == 0) {
			invented->elements[i].branches = 0;
		}
	}
	for (size_t i = 0; i < matter->material_count; i++) {
		invented->materials[i] = (struct bd_material_rule){ .id = "paper",
			.branches = matter->branch_count > 0 ? pick(setting, 8) : 0,
			.due_working_days = pick(setting, 2) * 3 };
	}
}

static void matters_that_nobody_wrote(void **state)
{
	struct setting *setting = calloc(1, sizeof(*setting));
	struct answer_setting *given = new_setting();

	(void)state;
	assert_non_null(setting);
	setting->chance = 88172645463325252;
	setting->given = given;
	for (int i = 0; i < 400; i++) {
		struct invented invented = { .matter = { .id = NULL } };

		invent(setting, &invented);
		for (int background = 0; background < 4; background++) {
			begin(setting, &invented.matter);
			choose_rest(setting);
			for (size_t e = 0; e < invented.matter.element_count && background > 0;
				e++) {
				if (pick(setting, 4) == 0) {
					set_state(&setting->findings[e], pick(setting, STATES));
				}
			}
			try_all_states(
				setting, pick(setting, (uint32_t)invented.matter.element_count));
		}
		if (invented.matter.conditional_mode != NULL) {
			outages_alone(setting, &invented.matter);
		}
	}
	free_setting(given);
	free(setting);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_finding_of_every_kind),
		cmocka_unit_test(two_findings_of_every_code), cmocka_unit_test(findings_at_random),
		cmocka_unit_test(the_states_own_outages), cmocka_unit_test(branches_that_are_open),
		cmocka_unit_test(matters_that_nobody_wrote) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
