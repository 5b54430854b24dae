/* matter_check.c - is what a matter says of one piece? */
#include "base/limits.h"
#include "config/matter.h"
#include "config/matter_parts.h"

#include <string.h>

/* Codes that never stand for a good answer: who accepts them would pass on what is not known. */
#define NEVER_ACCEPTED                                                                             \
	(1u << BD_FINDING_MISMATCH | 1u << BD_FINDING_INDETERMINATE | 1u << BD_FINDING_AMBIGUOUS | \
		1u << BD_FINDING_UNAVAILABLE | 1u << BD_FINDING_WITHHELD |                         \
		1u << BD_FINDING_INVALID)
/* What the State's own systems keep back is nothing that an applicant could correct. */
#define NEVER_CORRECTED (1u << BD_FINDING_UNAVAILABLE | 1u << BD_FINDING_WITHHELD)
/* A proven lack is known, but no proof of what a core element asks. */
#define NEVER_ACCEPTED_CORE (1u << BD_FINDING_ABSENT | 1u << BD_FINDING_NO_RECORD)

static void fail(struct bd_matter_reader *reader, const struct bd_xml_node *node,
	const char *attribute, const char *detail)
{
	bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, node, attribute, "%s", detail);
}

/* must_agree has one of: a claim, values, a test (of the held value, or of the claim), a role. */
static void check_agreement(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	bool has_test = element->test.kind != BD_TEST_NONE;
	int ways = (element->accepted_value_count > 0) + has_test + (element->same_as != NULL) +
		   (element->is_claimed && !has_test);

	if (element->field == NULL || ways != 1) {
		fail(reader, node, "polarity",
			"must_agree has a field and either claimed=\"true\", values, a test or "
			"same-as");
	}
	if (element->same_as != NULL && element->field != NULL &&
		element->field->type != BD_TYPE_IDENTIFIER) {
		fail(reader, node, "same-as", "the field is no identifier");
	}
	if (element->tolerance_fen != 0 &&
		(element->field == NULL || element->field->comparator != BD_COMPARE_AMOUNT ||
			!element->is_claimed)) {
		fail(reader, node, "tolerance-fen", "a tolerance is for a claimed amount");
	}
}

static void check_polarity(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	if (element->attestation != NULL) {
		if (element->entity != NULL || element->is_claimed || element->refuses) {
			fail(reader, node, NULL,
				"an attestation alone decides its element: no entity, claim or "
				"refusal");
		}
		return;
	}
	if (element->entity == NULL) {
		fail(reader, node, NULL, "an element asks an entity, or an attestation decides it");
	}
	if (element->polarity == BD_MUST_AGREE) {
		check_agreement(reader, element, node);
	} else if (element->is_claimed || element->same_as != NULL ||
		   element->accepted_value_count > 0 || element->test.kind != BD_TEST_NONE) {
		fail(reader, node, "polarity",
			"only must_agree compares with a claim, values, a test or a role");
	}
	if (element->months.field != NULL && element->polarity != BD_MUST_EXIST) {
		fail(reader, node, "polarity", "months must_exist");
	}
}

/* Rows of an organization are never held under a person, nor the other way round. */
static void check_subjects(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	const struct bd_matter *matter = reader->matter;
	bool is_claim_only = element->is_claimed && element->test.kind != BD_TEST_NONE;

	if (element->entity == NULL || is_claim_only || element->relation_count > 0) {
		return;
	}
	for (size_t i = 0; i < matter->role_count; i++) {
		const struct bd_role *role = &matter->roles[i];

		if (bd_element_asks(element, role->name) &&
			role->kind != element->entity->subject) {
			bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, node, "entity",
				"'%s' is not held of the subjects of role '%s'",
				element->entity->name, role->name);
		}
	}
}

static void check_acceptance(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	if ((element->accepted_codes & NEVER_ACCEPTED) != 0) {
		fail(reader, node, "accepted",
			"mismatch, indeterminate, ambiguous, unavailable, withheld and invalid are "
			"never accepted: what is unknown never passes");
	}
	if (element->is_core && (element->accepted_codes & NEVER_ACCEPTED_CORE) != 0) {
		fail(reader, node, "accepted",
			"a core element that accepts absent or no_record would pass on missing "
			"data");
	}
	if ((element->accepted_codes & element->resubmit_codes) != 0) {
		fail(reader, node, "resubmit",
			"what is accepted is never to be corrected: this rule is not reached");
	}
	if ((element->resubmit_codes & NEVER_CORRECTED) != 0) {
		fail(reader, node, "resubmit",
			"unavailable and withheld are the State's own, never the applicant's to "
			"correct");
	}
	if (element->refuses && element->is_claimed) {
		fail(reader, bd_xml_child(node, "refuse"), NULL,
			"a difference from what was claimed never refuses");
	}
	if (element->refuses && element->branches != 0) {
		fail(reader, bd_xml_child(node, "refuse"), NULL,
			"one branch never refuses: another may be open");
	}
	if (element->refuses && bd_element_rests_on_any(element)) {
		fail(reader, bd_xml_child(node, "refuse"), NULL,
			"one source's adverse word stops a pass and never refuses: this rule is "
			"not reached");
	}
}

static void check_freshness(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	bool is_aged = element->freshness == BD_FRESH_OBSERVED ||
		       element->freshness == BD_FRESH_COMPLETE_THROUGH;

	if (is_aged != (bd_xml_attr(node, "max-age-s") != NULL)) {
		fail(reader, node, "freshness",
			"observed and complete_through, and only those, have max-age-s");
	}
	if (element->freshness != BD_FRESH_PERIOD &&
		bd_xml_attr(node, "closes-after-days") != NULL) {
		fail(reader, node, "closes-after-days", "only periods close");
	}
}

static void check_path(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	bool counts = element->quantifier == BD_QUANTIFIER_AT_LEAST;

	if (element->relation_count == 0 && bd_xml_attr(node, "quantifier") != NULL) {
		fail(reader, node, "quantifier", "it counts the ends of a path: name relations");
	}
	if (counts != (element->at_least > 0)) {
		fail(reader, node, "at-least", "at-least goes with at_least");
	}
	if (element->polarity == BD_MUST_NOT_EXIST && element->quantifier != BD_QUANTIFIER_EVERY) {
		fail(reader, node, "quantifier",
			"what must not exist must not exist at any end of the path");
	}
}

/* Is the other one asked wherever this one is? */
static bool has_roles_of(const struct bd_element *other, const struct bd_element *element)
{
	bool has_all = true;

	for (size_t i = 0; i < element->role_count; i++) {
		has_all = has_all && bd_element_asks(other, element->roles[i]);
	}
	return has_all;
}

static bool is_claimed_field(
	const struct bd_matter *matter, const struct bd_element *element, const char *role)
{
	for (size_t i = 0; i < matter->element_count; i++) {
		const struct bd_element *one = &matter->elements[i];

		if (one->is_claimed && one->field != NULL && bd_element_asks(one, role) &&
			strcmp(one->field->name, element->when_claim) == 0) {
			return true;
		}
	}
	return false;
}

static void check_when(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	for (size_t i = 0; element->when_claim != NULL && i < element->role_count; i++) {
		if (!is_claimed_field(reader->matter, element, element->roles[i])) {
			fail(reader, bd_xml_child(node, "when"), "claim",
				"no earlier element of this role compares this claim");
			return;
		}
	}
}

/* How long something is owed, and how often that may be put off. */
static bool is_term(int64_t due_working_days, int64_t extension_working_days, int64_t extensions)
{
	return due_working_days >= 0 && extension_working_days >= 0 && extensions >= 0 &&
	       extensions <= BD_EXTENSIONS_MAX &&
	       (extensions > 0) == (extension_working_days > 0) &&
	       (extensions == 0 || due_working_days > 0);
}

static void check_conditions(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	const struct bd_matter *matter = reader->matter;

	for (size_t i = 0; i < matter->element_count; i++) {
		if (strcmp(matter->elements[i].id, element->id) == 0) {
			bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, node, "id",
				"element '%s' stands twice", element->id);
		}
	}
	check_when(reader, element, node);
	if (element->unless != NULL &&
		(element->unless->branches != element->branches ||
			!has_roles_of(element->unless, element) ||
			element->unless->is_for_commitment != element->is_for_commitment)) {
		fail(reader, node, "unless",
			"both are asked of the same roles, in the same branches");
	}
	if (element->is_for_commitment && matter->conditional_mode == NULL) {
		fail(reader, node, "for", "without conditional-mode nothing rests on a commitment");
	}
	if (element->agency_due_working_days != 0 && element->is_core) {
		fail(reader, node, "agency-due-working-days", "a core element is never left open");
	}
	if (!is_term(element->agency_due_working_days, element->agency_extension_working_days,
		    element->agency_extensions)) {
		fail(reader, node, "agency-extensions",
			"at most 16 extensions, with agency-extension-working-days and "
			"agency-due-working-days");
	}
}

void bd_matter_check_element(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	check_polarity(reader, element, node);
	check_subjects(reader, element, node);
	check_acceptance(reader, element, node);
	check_freshness(reader, element, node);
	check_path(reader, element, node);
	check_conditions(reader, element, node);
}

/* -- the whole -- */

static void check_material(struct bd_matter_reader *reader, const struct bd_material_rule *rule,
	const struct bd_xml_node *node)
{
	if (!is_term(rule->due_working_days, rule->extension_working_days, rule->extensions)) {
		fail(reader, node, NULL,
			"at most 16 extensions, with extension-working-days and due-working-days");
	}
	for (const struct bd_material_rule *one = reader->matter->materials; one < rule; one++) {
		if (strcmp(one->id, rule->id) == 0) {
			bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, node, "id",
				"material '%s' stands twice", rule->id);
		}
	}
}

static bool has_deferrable(const struct bd_matter *matter)
{
	for (size_t i = 0; i < matter->material_count; i++) {
		if (matter->materials[i].due_working_days > 0) {
			return true;
		}
	}
	for (size_t i = 0; i < matter->element_count; i++) {
		if (matter->elements[i].agency_due_working_days > 0) {
			return true;
		}
	}
	return false;
}

static void check_branches(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	const struct bd_matter *matter = reader->matter;
	const struct bd_xml_node *at = bd_xml_child(root, "branch");

	for (size_t b = 0; b < matter->branch_count; b++, at = bd_xml_next(at)) {
		bool is_asked = false;

		for (size_t i = 0; i < matter->element_count; i++) {
			is_asked |= (matter->elements[i].branches & (1u << b)) != 0;
		}
		if (!is_asked) {
			fail(reader, at, NULL,
				"no element asks this branch: it would be open to all");
		}
	}
}

void bd_matter_check(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	const struct bd_matter *matter = reader->matter;
	const struct bd_xml_node *at = bd_xml_child(root, "material");

	for (size_t i = 0; i < matter->material_count; i++, at = bd_xml_next(at)) {
		check_material(reader, &matter->materials[i], at);
	}
	check_branches(reader, root);
	if ((matter->conditional_mode != NULL) != has_deferrable(matter)) {
		fail(reader, root, "conditional-mode",
			"conditional-mode goes with materials that may follow, or checks that the "
			"agency makes afterwards");
	}
	if (matter->commitment_text_version != NULL && matter->conditional_mode == NULL) {
		fail(reader, root, "commitment-text-version",
			"without conditional-mode nothing rests on a commitment");
	}
}

/* -- against the sources -- */

static bool is_asked(const struct bd_element *element, const char *source)
{
	for (size_t i = 0; i < element->source_count; i++) {
		if (strcmp(element->sources[i], source) == 0) {
			return true;
		}
	}
	return element->source_count == 0;
}

static bool states(
	const struct bd_section_plan *section, uint16_t entity, const struct bd_field *field)
{
	for (size_t o = 0; o < section->output_count; o++) {
		const struct bd_output_plan *output = &section->outputs[o];

		for (size_t f = 0; output->entity == entity && f < output->field_count; f++) {
			if (field == NULL || output->fields[f].to == field->number) {
				return true;
			}
		}
		if (output->entity == entity && field == NULL) {
			return true;
		}
	}
	return false;
}

static bool covers(const struct bd_section_plan *section, uint16_t entity)
{
	for (size_t i = 0; i < section->cover_count; i++) {
		if (section->covers[i] == entity) {
			return true;
		}
	}
	return false;
}

struct answers {
	bool has_field, has_cover;
};

static struct answers answers_of(const struct bd_element *element, const struct bd_field *field,
	const struct bd_plan *const *plans, size_t plan_count)
{
	struct answers answers = { false, false };

	for (size_t p = 0; p < plan_count; p++) {
		for (size_t f = 0; is_asked(element, plans[p]->source) && f < plans[p]->feed_count;
			f++) {
			const struct bd_feed_plan *feed = &plans[p]->feeds[f];

			for (size_t s = 0; s < feed->section_count; s++) {
				answers.has_field |=
					states(&feed->sections[s], element->entity->number, field);
				answers.has_cover |=
					covers(&feed->sections[s], element->entity->number);
			}
		}
	}
	return answers;
}

enum bd_code bd_config_matter_covered(const struct bd_matter *matter,
	const struct bd_plan *const *plans, size_t plan_count, struct bd_diags *diags)
{
	for (size_t i = 0; i < matter->element_count; i++) {
		const struct bd_element *element = &matter->elements[i];
		bool is_claim_only = element->is_claimed && element->test.kind != BD_TEST_NONE;
		const struct bd_field *field =
			element->months.field != NULL ? element->months.field : element->field;
		struct answers answers;

		if (element->attestation != NULL || element->entity == NULL || is_claim_only) {
			continue;
		}
		answers = answers_of(element, field, plans, plan_count);
		if (!answers.has_field) {
			bd_diags_add(diags, BD_CONFIG_MEANING, matter->file, element->line,
				element->column,
				"no active source states %s%s%s: element '%s' could never be "
				"answered",
				element->entity->name, field != NULL ? "." : "",
				field != NULL ? field->name : "", element->id);
		} else if (element->polarity == BD_MUST_NOT_EXIST && !answers.has_cover) {
			bd_diags_add(diags, BD_CONFIG_MEANING, matter->file, element->line,
				element->column,
				"no active source tells %s completely: element '%s' could never "
				"be met",
				element->entity->name, element->id);
		}
	}
	return bd_diags_code(diags);
}
