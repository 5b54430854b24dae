/* look_plan.c - what of a case a department can be asked on the spot.
 *
 * A finding asks for it when its budget of freshness is not met, or when nobody has told. A source
 * that has told the lack of something completely is not asked again for it; nor is anybody asked
 * for a case that has to be corrected by the applicant first or is refused on what is held, for a
 * way that was not taken, or about an invented subject. The ends of a path over relations are not
 * asked about: whom it leads to is only known when all of them are told. A source that judges
 * claims is told no more than the one claim.
 */
#include "answer/decide.h"
#include "answer/verified.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts of some dozen subjects, and who asks. */
#define ARENA_BYTES 262144

struct planning {
	const struct bd_question *question;
	const struct bd_compared *compared;
	const struct bd_dictionary *dict;
	struct bd_look *look; /* NULL before the first item */
	/* Its items, in the loop's arena until all are found. */
	struct bd_look_item *items;
	struct bd_diag *diag;
	int64_t now_ms;
};

bool bd_look_is_possible(const struct bd_loop *loop, const struct bd_setup *setup)
{
	return setup->look_up_count > 0 && loop->daemon->puller != NULL && setup->sandbox.len == 0;
}

/* -- which findings -- */

static bool is_unmet(const struct bd_finding *finding)
{
	return (finding->code == BD_FINDING_UNAVAILABLE && !finding->is_lasting) ||
	       (finding->flags & BD_FLAG_STALE) != 0;
}

/* Of a case that may be closed already only what its own way rests on. */
static bool is_wanted(const struct bd_finding *finding, const struct bd_outcome *outcome)
{
	bool is_closed = outcome->decision == BD_DECISION_PASS ||
			 outcome->decision == BD_DECISION_CONDITIONAL;

	return is_unmet(finding) && finding->element->entity != NULL &&
	       (!is_closed || bd_finding_is_of(finding, outcome->branch));
}

static bool has_any(const struct bd_compared *compared)
{
	for (size_t i = 0; i < compared->finding_count; i++) {
		if (is_unmet(&compared->findings[i])) {
			return true;
		}
	}
	return false;
}

/* -- which sources -- */

/* What the element looks at on the subject itself. */
static uint16_t entity_of(const struct planning *planning, const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;

	return element->relation_count > 0 ? planning->dict->relation->number
					   : element->entity->number;
}

static bool tells(const struct bd_feed_plan *feed, uint16_t entity)
{
	for (size_t s = 0; s < feed->section_count; s++) {
		for (size_t o = 0; o < feed->sections[s].output_count; o++) {
			if (feed->sections[s].outputs[o].entity == entity) {
				return true;
			}
		}
	}
	return false;
}

/* It has told of this lately enough: another one has not. */
static bool is_fresh(
	const struct planning *planning, const struct bd_finding *finding, const char *source)
{
	const struct bd_element *element = finding->element;

	if (element->freshness != BD_FRESH_OBSERVED) {
		return false;
	}
	for (size_t i = 0; i < finding->evidence_count; i++) {
		const struct bd_evidence *one = &finding->evidence[i];

		if (strcmp(one->source, source) == 0 &&
			one->received_ms >= planning->now_ms - element->max_age_s * 1000) {
			return true;
		}
	}
	return false;
}

/* It has said itself that it does not answer now. */
static bool is_closed(const struct bd_source_access *access, int64_t now_ms)
{
	for (size_t i = 0; i < access->closed_count; i++) {
		if (access->closed[i].from_ms <= now_ms && now_ms < access->closed[i].until_ms) {
			return true;
		}
	}
	return false;
}

/* -- about whom -- */

static const char *kind_asked(const struct bd_form *form, const struct bd_identifier *identifier,
	const struct bd_dictionary *dict)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, identifier->kind);

	for (size_t i = 0; kind != NULL && i < form->kind_count; i++) {
		if (strcmp(form->kinds[i], kind->name) == 0) {
			return kind->name;
		}
	}
	return NULL;
}

/* By the number that it was named by, or another that the store knows it by. */
static const struct bd_identifier *find_number(const char **kind, const struct planning *planning,
	const struct bd_form *form, const struct bd_case_subject *subject)
{
	const struct bd_held *held = subject->held;

	*kind = kind_asked(form, &subject->identifier, planning->dict);
	if (*kind != NULL) {
		return &subject->identifier;
	}
	for (size_t i = 0; held != NULL && i < held->identifier_count; i++) {
		*kind = kind_asked(form, &held->identifiers[i], planning->dict);
		if (*kind != NULL) {
			return &held->identifiers[i];
		}
	}
	return NULL;
}

/* -- the letter -- */

static enum bd_code make_look(struct planning *planning)
{
	const struct bd_call *call = planning->question->call;
	struct bd_look *look = calloc(1, sizeof(*look));
	enum bd_code code;

	if (look == NULL) {
		return BD_NO_MEMORY;
	}
	bd_arena_init(&look->arena, ARENA_BYTES);
	look->loop = call->loop;
	look->setup = bd_setup_ref(call->setup);
	look->is_back = true;
	planning->items =
		bd_arena_take(&call->loop->arena, BD_CASE_LOOK_UPS_MAX, sizeof(*planning->items));
	planning->look = look;
	code = planning->items != NULL ? bd_audit_caller_kept(&look->caller, &call->loop->audit,
						 call->exchange, call->sender->name, &look->arena)
				       : BD_NO_MEMORY;
	if (code == BD_OK && look->caller.case_id.len == 0) {
		code = bd_audit_text(&look->caller.case_id, &call->loop->audit,
			planning->compared->asked->id, &look->arena);
		look->caller.case_id = bd_arena_copy(&look->arena, look->caller.case_id);
	}
	return code;
}

static bool is_listed(const struct planning *planning, const struct bd_look_item *wanted)
{
	for (size_t i = 0; planning->look != NULL && i < planning->look->count; i++) {
		const struct bd_look_item *item = &planning->items[i];

		if (strcmp(item->source, wanted->source) == 0 &&
			strcmp(item->feed, wanted->feed) == 0 &&
			strcmp(item->digest, wanted->digest) == 0 &&
			bd_identifier_equal(&item->subject, &wanted->subject)) {
			return true;
		}
	}
	return false;
}

/* Something just as old is no better, but where age alone is asked. */
static uint64_t max_age_of(const struct bd_element *element)
{
	return element->freshness == BD_FRESH_OBSERVED ||
			       element->freshness == BD_FRESH_COMPLETE_THROUGH
		       ? (uint64_t)element->max_age_s * 1000
		       : UINT64_MAX;
}

/* The look's own, of what is borrowed. */
static bool keep_item(struct planning *planning, const struct bd_look_item *wanted)
{
	struct bd_look *look = planning->look;
	struct bd_look_item *item = &planning->items[look->count];
	struct bd_arena *arena = &look->arena;

	*item = *wanted;
	item->look = look;
	item->pointer = bd_arena_text(arena, bd_bytes_of(wanted->pointer));
	item->field = bd_arena_text(arena, bd_bytes_of(wanted->field));
	item->digest = bd_arena_text(arena, bd_bytes_of(wanted->digest));
	item->claim = bd_arena_copy(arena, wanted->claim);
	item->subject.number = bd_arena_copy(arena, wanted->subject.number);
	item->subject.issuer = bd_arena_copy(arena, wanted->subject.issuer);
	look->count++;
	return item->pointer != NULL && item->field != NULL && item->digest != NULL &&
	       (item->claim.ptr != NULL || wanted->claim.len == 0) &&
	       item->subject.number.ptr != NULL;
}

static enum bd_code add(struct planning *planning, const struct bd_look_item *wanted)
{
	enum bd_code code = BD_OK;

	if (is_listed(planning, wanted)) {
		return BD_OK;
	}
	code = planning->look == NULL ? make_look(planning) : BD_OK;
	if (code != BD_OK || planning->look->count == BD_CASE_LOOK_UPS_MAX) {
		return code;
	}
	return keep_item(planning, wanted) ? BD_OK : BD_NO_MEMORY;
}

/* Thousands may wait: the look has room for as many as it has. */
static bool keep_items(struct planning *planning, uint64_t wait_ms)
{
	struct bd_look *look = planning->look;

	look->items = bd_arena_alloc(&look->arena, look->count, sizeof(*look->items));
	if (look->items != NULL) {
		memcpy(look->items, planning->items, look->count * sizeof(*look->items));
	}
	look->wait_ms = wait_ms;
	look->open = look->count;
	return look->items != NULL;
}

/* What is held of the subject, or the claim alone, to be judged. */
static enum bd_code add_asked(struct planning *planning, const struct bd_finding *finding,
	const struct bd_source_access *access, const struct bd_lookup_plan *lookup)
{
	struct bd_look_item wanted = { .source = access->plan->source,
		.feed = lookup->feed->name,
		.pointer = finding->subject->pointer,
		.max_age_ms = max_age_of(finding->element),
		.field = "",
		.digest = "" };
	const struct bd_identifier *number =
		find_number(&wanted.id_kind, planning, lookup->form, finding->subject);
	char digest[BD_CLAIM_DIGEST_SIZE], name[128];
	const struct bd_element *element = finding->element;

	if (number == NULL) {
		return BD_OK;
	}
	wanted.subject = *number;
	if (lookup->form->judged_count > 0) {
		snprintf(name, sizeof(name), "%s.%s", element->entity->name, element->field->name);
		BD_TRY(bd_claim_digest(digest, &finding->subject->identifier, element->field,
			finding->claim, planning->dict));
		wanted.field = name;
		wanted.digest = digest;
		wanted.claim = finding->claim;
		wanted.max_age_ms = UINT64_MAX;
	}
	return add(planning, &wanted);
}

/* Does it tell what the element looks at, or judge what was claimed? */
static bool answers(const struct planning *planning, const struct bd_lookup_plan *lookup,
	const struct bd_finding *finding)
{
	const struct bd_element *element = finding->element;
	char name[128];

	if (lookup->form->judged_count == 0) {
		return tells(lookup->feed, entity_of(planning, finding));
	}
	if (!element->is_claimed || element->field == NULL || element->relation_count > 0 ||
		finding->claim.len == 0) {
		return false;
	}
	snprintf(name, sizeof(name), "%s.%s", element->entity->name, element->field->name);
	return bd_is_listed(lookup->form->judged, lookup->form->judged_count, name);
}

static enum bd_code plan_finding(struct planning *planning, const struct bd_finding *finding)
{
	const struct bd_sources *sources = planning->question->call->setup->sources;
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < sources->count && code == BD_OK; i++) {
		const struct bd_source_access *access = &sources->items[i];

		if (access->lookup_count == 0 ||
			!bd_is_asked_source(finding->element, access->plan->source) ||
			is_fresh(planning, finding, access->plan->source) ||
			is_closed(access, planning->now_ms)) {
			continue;
		}
		for (size_t l = 0; l < access->lookup_count && code == BD_OK; l++) {
			if (answers(planning, &access->lookups[l], finding)) {
				code = add_asked(planning, finding, access, &access->lookups[l]);
			}
		}
	}
	return code;
}

/* How long it may wait; 0 = nobody is asked. */
static uint64_t wait_of(const struct planning *planning)
{
	const struct bd_settings *settings = planning->question->call->setup->settings;
	int64_t wanted_ms = planning->compared->asked->deadline_ms;
	uint64_t most_ms = settings->look_up_wait_ms;

	if (wanted_ms != BD_NO_DEADLINE && (uint64_t)wanted_ms < most_ms) {
		most_ms = (uint64_t)wanted_ms;
	}
	return most_ms > BD_DEADLINE_MARGIN_MS ? most_ms - BD_DEADLINE_MARGIN_MS : 0;
}

enum bd_code bd_look_plan(struct bd_look **out, const struct bd_question *question,
	const struct bd_compared *compared, struct bd_diag *diag)
{
	struct planning planning = { .question = question,
		.compared = compared,
		.dict = question->call->setup->dict,
		.diag = diag,
		.now_ms = question->now_ms };
	enum bd_code code = BD_OK;
	uint64_t wait_ms;

	*out = NULL;
	if (!has_any(compared) || compared->outcome->decision == BD_DECISION_REFUSE ||
		compared->outcome->decision == BD_DECISION_RESUBMIT) {
		return BD_OK;
	}
	wait_ms = wait_of(&planning);
	for (size_t i = 0; i < compared->finding_count && wait_ms > 0 && code == BD_OK; i++) {
		if (is_wanted(&compared->findings[i], compared->outcome)) {
			code = plan_finding(&planning, &compared->findings[i]);
		}
	}
	if (code == BD_OK && planning.look != NULL && !keep_items(&planning, wait_ms)) {
		code = BD_NO_MEMORY;
	}
	if (code != BD_OK) {
		bd_look_release(planning.look);
		return bd_fail(diag, code, "%s", "");
	}
	*out = planning.look;
	return BD_OK;
}
