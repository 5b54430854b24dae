#include "daemon/keep.h"

#include "answer/obligation.h"
#include "base/try.h"

#include <string.h>

/* Of an element: its own, the relation that led to the subject, and what a source said of the claim
 * itself. */
#define ENTITIES_MAX 4

void bd_keep_clear(struct bd_keep *keep)
{
	*keep = (struct bd_keep){ .looked = NULL };
}

enum bd_code bd_keep_look(struct bd_keep *keep, const struct bd_identifier *asked, size_t count,
	const struct bd_held *held, bool is_sandbox, struct bd_arena *arena)
{
	struct bd_looked_at *one = bd_arena_alloc(arena, 1, sizeof(*one));

	if (one == NULL) {
		return bd_arena_code(arena);
	}
	*one = (struct bd_looked_at){ asked, count, held, is_sandbox, keep->looked };
	keep->looked = one;
	keep->looked_count++;
	return BD_OK;
}

/* -- whom it looked at -- */

static bool is_among(
	const struct bd_identifier *items, size_t count, const struct bd_identifier *one)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].kind == one->kind && bd_bytes_equal(items[i].number, one->number) &&
			bd_bytes_equal(items[i].issuer, one->issuer)) {
			return true;
		}
	}
	return false;
}

/* What is held of it, and what was asked by where that is not among it. */
static enum bd_code name_looked(
	struct bd_case_looked *out, const struct bd_looked_at *one, struct bd_arena *arena)
{
	size_t held_count = one->held != NULL ? one->held->identifier_count : 0;
	const struct bd_identifier *held = held_count > 0 ? one->held->identifiers : NULL;
	struct bd_identifier *all = NULL;
	size_t count = held_count;

	*out = (struct bd_case_looked){ held, held_count, one->is_sandbox, NULL };
	for (size_t i = 0; i < one->asked_count; i++) {
		if (is_among(held, held_count, &one->asked[i])) {
			continue;
		}
		if (all == NULL) {
			all = bd_arena_alloc(arena, held_count + one->asked_count, sizeof(*all));
			if (all == NULL) {
				return bd_arena_code(arena);
			}
			if (held_count > 0) {
				memcpy(all, held, held_count * sizeof(*all));
			}
		}
		all[count++] = one->asked[i];
	}
	if (all != NULL) {
		out->identifiers = all;
		out->identifier_count = count;
	}
	return BD_OK;
}

static enum bd_code take_looked(
	struct bd_case_record *out, const struct bd_keep *keep, struct bd_arena *arena)
{
	struct bd_case_looked *looked = bd_arena_alloc(arena, keep->looked_count, sizeof(*looked));
	size_t count = 0;

	if (looked == NULL) {
		return bd_arena_code(arena);
	}
	for (const struct bd_looked_at *one = keep->looked; one != NULL; one = one->next) {
		struct bd_case_looked *name = &looked[count++];

		BD_TRY(name_looked(name, one, arena));
		if (!name->is_sandbox && keep->reader != NULL) {
			BD_TRY(bd_case_blind(&name->keys, keep->reader, name->identifiers,
				name->identifier_count, arena));
		}
	}
	out->looked = looked;
	out->looked_count = count;
	return BD_OK;
}

/* -- what was found -- */

static void take_entities(struct bd_case_finding *out, uint16_t *entities,
	const struct bd_element *element, const struct bd_dictionary *dict)
{
	const struct bd_entity *relation = element->relation_count > 0 ? dict->relation : NULL;

	if (element->entity != NULL) {
		entities[out->entity_count++] = element->entity->number;
	}
	if (relation != NULL && relation != element->entity) {
		entities[out->entity_count++] = relation->number;
	}
	for (size_t i = 0; i < 2 && element->is_claimed; i++) {
		const struct bd_entity *verified =
			i == 0 ? dict->verification : dict->person_verification;

		if (verified != NULL) {
			entities[out->entity_count++] = verified->number;
		}
	}
	out->entities = entities;
}

static enum bd_code take_findings(struct bd_case_record *out, const struct bd_compared *compared,
	const struct bd_trail_receipt *receipt, const uint8_t *salts,
	const struct bd_dictionary *dict, struct bd_arena *arena)
{
	size_t count = compared->finding_count;
	struct bd_case_finding *findings = bd_arena_take(arena, count, sizeof(*findings));
	uint16_t *entities = bd_arena_take(arena, count * ENTITIES_MAX, sizeof(*entities));

	if (findings == NULL || entities == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_finding *found = &compared->findings[i];
		const struct bd_trail_element *told = &receipt->elements[i];
		struct bd_case_finding *finding = &findings[i];

		*finding = (struct bd_case_finding){ .element = told->id,
			.pointer = told->pointer,
			.code = told->code,
			.flags = told->flags,
			.reason = told->reason,
			.rule = told->rule,
			.field = found->element->field != NULL ? found->element->field->number : 0,
			/* The relations of a path count whoever tells them. */
			.sources = found->element->relation_count == 0
					   ? found->element->source_words
					   : (struct bd_bytes){ "", 0 },
			.has_opening = found->claim.len > 0 || found->value.len > 0,
			.claim = found->claim,
			.value = found->value };
		memcpy(finding->salt, salts + i * BD_CASE_SALT_BYTES, sizeof(finding->salt));
		take_entities(finding, entities + i * ENTITIES_MAX, found->element, dict);
	}
	out->findings = findings;
	out->finding_count = count;
	return BD_OK;
}

static enum bd_code take_owed(
	struct bd_case_record *out, const struct bd_compared *compared, struct bd_arena *arena)
{
	size_t count = compared->obligation_count;
	struct bd_case_owed *owed = bd_arena_alloc(arena, count, sizeof(*owed));

	if (owed == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_obligation *one = &compared->obligations[i];

		owed[i] = (struct bd_case_owed){ .is_agency = one->party == BD_PARTY_AGENCY,
			.id = bd_bytes_of(one->id),
			.pointer = bd_bytes_of(
				one->finding != NULL ? one->finding->subject->pointer : ""),
			.may_follow = one->may_follow,
			.due = one->due,
			.extension_working_days = one->extension_working_days,
			.extensions = one->extensions };
	}
	out->owed = owed;
	out->owed_count = count;
	return BD_OK;
}

/* Of the materials that may follow and the checks that the agency may make later: those that are
 * there. */
static enum bd_code take_settled(
	struct bd_case_record *out, const struct bd_compared *compared, struct bd_arena *arena)
{
	const struct bd_case *asked = compared->asked;
	const struct bd_matter *matter = asked->matter;
	struct bd_case_settled *settled = bd_arena_alloc(
		arena, matter->material_count + compared->finding_count, sizeof(*settled));

	if (settled == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < matter->material_count; i++) {
		if (matter->materials[i].due_working_days > 0 &&
			(asked->materials[i] == BD_MATERIAL_SUPPLIED ||
				asked->materials[i] == BD_MATERIAL_E_LICENCE)) {
			settled[out->settled_count++] = (struct bd_case_settled){ false,
				bd_bytes_of(matter->materials[i].id), { "", 0 } };
		}
	}
	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *finding = &compared->findings[i];

		if (finding->element->agency_due_working_days > 0 &&
			bd_finding_is_accepted(finding)) {
			settled[out->settled_count++] =
				(struct bd_case_settled){ true, bd_bytes_of(finding->element->id),
					bd_bytes_of(finding->subject->pointer) };
		}
	}
	out->settled = settled;
	return BD_OK;
}

enum bd_code bd_keep_record(struct bd_case_record *out, const struct bd_keep *keep,
	const struct bd_compared *compared, const struct bd_trail_receipt *receipt,
	const uint8_t *salts, const struct bd_dictionary *dict, struct bd_arena *arena)
{
	const struct bd_case *asked = compared->asked;
	const struct bd_outcome *outcome = compared->outcome;
	bool is_conditional = outcome->decision == BD_DECISION_CONDITIONAL;

	_Static_assert(BD_CASE_SALT_BYTES == BD_TRAIL_SALT_BYTES, "one salt for both");
	*out = (struct bd_case_record){ .client = receipt->caller.client,
		.purpose = receipt->caller.purpose,
		.number = receipt->caller.case_id,
		.matter = receipt->matter,
		.version = receipt->version,
		.decision = receipt->decision,
		.mode = bd_bytes_of(is_conditional && asked->matter->conditional_mode != NULL
					    ? asked->matter->conditional_mode
					    : ""),
		.branch = bd_bytes_of(outcome->branch != BD_NO_BRANCH
					      ? asked->matter->branches[outcome->branch].id
					      : ""),
		.on = asked->on,
		.submitted_ms = asked->submitted_ms,
		.is_sandbox = keep->is_sandbox,
		.commit = keep->commit,
		.question = keep->question };
	BD_TRY(take_looked(out, keep, arena));
	BD_TRY(take_findings(out, compared, receipt, salts, dict, arena));
	BD_TRY(take_settled(out, compared, arena));
	return take_owed(out, compared, arena);
}
