#include "answer/grant.h"

#include <stdint.h>

struct bd_grant_slot {
	const struct bd_matter *matter; /* a version; NULL = free */
	uint32_t sender;
	const struct bd_grant *first;
};

const struct bd_asker bd_asker_itself = { .is_itself = true };
static const struct bd_grant everything = { .id = "", .disclosure = BD_DISCLOSE_VALUES };

static const char *const names[] = { [BD_DISCLOSE_NOTHING] = "",
	[BD_DISCLOSE_DECISION] = "decision",
	[BD_DISCLOSE_CODES] = "codes",
	[BD_DISCLOSE_VALUES] = "values" };

const char *bd_disclosure_name(enum bd_disclosure disclosure)
{
	return names[disclosure];
}

enum bd_disclosure bd_disclosure_find(struct bd_bytes name)
{
	for (unsigned i = BD_DISCLOSE_DECISION; i <= BD_DISCLOSE_VALUES; i++) {
		if (bd_bytes_is(name, names[i])) {
			return (enum bd_disclosure)i;
		}
	}
	return BD_DISCLOSE_NOTHING;
}

/* -- the tables -- */

/* The slot of this pair, or the free one where it would stand; at least half of them are free. */
static struct bd_grant_slot *slot_of(
	const struct bd_grants *grants, const struct bd_matter *matter, uint32_t sender)
{
	uint64_t mixed = ((uint64_t)(uintptr_t)matter >> 4) + (uint64_t)sender * 0x9E3779B97F4A7C15;
	size_t at;

	mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9;
	at = (size_t)(mixed >> 32) & grants->slot_mask;
	while (grants->slots[at].matter != NULL &&
		(grants->slots[at].matter != matter || grants->slots[at].sender != sender)) {
		at = (at + 1) & grants->slot_mask;
	}
	return &grants->slots[at];
}

/* The pointer that all grants of one purpose share. */
static const char *intern(struct bd_grants *grants, const char *purpose)
{
	for (size_t i = 0; i < grants->purpose_count; i++) {
		if (bd_is_name(grants->purposes[i], purpose)) {
			return grants->purposes[i];
		}
	}
	grants->purposes[grants->purpose_count++] = purpose;
	return purpose;
}

static bool is_chained(const struct bd_grant *a, const struct bd_grant *b)
{
	return a->sender_number == b->sender_number &&
	       (a->matter == NULL ? b->matter == NULL
				  : b->matter != NULL && bd_is_name(a->matter, b->matter));
}

/* Each grant behind the one before it of the same sender and matter; true of the first. */
static bool chain(struct bd_grant *items, size_t at)
{
	for (size_t i = at; i-- > 0;) {
		if (is_chained(&items[i], &items[at])) {
			items[i].next = &items[at];
			return false;
		}
	}
	return true;
}

static size_t count_versions(
	const struct bd_grant *grant, const struct bd_matter *const *matters, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; grant->matter != NULL && i < count; i++) {
		sum += bd_is_name(matters[i]->id, grant->matter);
	}
	return sum;
}

static void enter(struct bd_grants *grants, const struct bd_grant *first,
	const struct bd_matter *const *matters, size_t matter_count)
{
	if (first->matter == NULL) {
		grants->of_fields[first->sender_number] = first;
		return;
	}
	for (size_t i = 0; i < matter_count; i++) {
		if (bd_is_name(matters[i]->id, first->matter)) {
			*slot_of(grants, matters[i], first->sender_number) =
				(struct bd_grant_slot){ matters[i], first->sender_number, first };
		}
	}
}

enum bd_code bd_grants_index(struct bd_grants *grants, const struct bd_matter *const *matters,
	size_t matter_count, size_t sender_count, struct bd_arena *arena)
{
	size_t pairs = 0, slots = 1;

	for (size_t i = 0; i < grants->count; i++) {
		pairs += count_versions(&grants->items[i], matters, matter_count);
	}
	while (slots < 2 * pairs + 1) {
		slots *= 2;
	}
	grants->sender_count = sender_count;
	grants->slot_mask = slots - 1;
	grants->slots = bd_arena_alloc(arena, slots, sizeof(*grants->slots));
	grants->of_fields =
		bd_arena_alloc(arena, sender_count + 1, sizeof(const struct bd_grant *));
	grants->purposes = bd_arena_alloc(arena, grants->count + 1, sizeof(const char *));
	if (grants->slots == NULL || grants->of_fields == NULL || grants->purposes == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < grants->count; i++) {
		grants->items[i].purpose = intern(grants, grants->items[i].purpose);
		if (chain(grants->items, i)) {
			enter(grants, &grants->items[i], matters, matter_count);
		}
	}
	return BD_OK;
}

/* -- looking up -- */

void bd_asker_state(struct bd_asker *asker, struct bd_bytes text)
{
	asker->has_purpose = text.len > 0;
	asker->purpose = NULL;
	for (size_t i = 0; i < asker->grants->purpose_count; i++) {
		if (bd_bytes_is(text, asker->grants->purposes[i])) {
			asker->purpose = asker->grants->purposes[i];
		}
	}
}

static bool is_for(const struct bd_grant *grant, const struct bd_asker *asker)
{
	return asker->purpose == grant->purpose;
}

static bool is_in_force(const struct bd_grant *grant, int32_t day)
{
	return grant->from <= day && day <= grant->until;
}

static const struct bd_grant *first_of_matter(
	const struct bd_asker *asker, const struct bd_matter *matter)
{
	const struct bd_grants *grants = asker->grants;
	const struct bd_grant_slot *slot = slot_of(grants, matter, asker->sender_number);

	if (slot->matter != NULL) {
		return slot->first;
	}
	/* A version that is not configured, but tried: by its name. */
	for (size_t i = 0; i < grants->count; i++) {
		const struct bd_grant *one = &grants->items[i];

		if (one->sender_number == asker->sender_number && one->matter != NULL &&
			bd_is_name(one->matter, matter->id)) {
			return one;
		}
	}
	return NULL;
}

/* -- what is missing -- */

/* Who has given one like it to anybody, else who gives them. */
static void name_giver(struct bd_missing_grant *missing, const struct bd_grants *grants)
{
	missing->giver_zh = grants->giver_zh;
	missing->giver_en = grants->giver_en;
	for (size_t i = 0; i < grants->count; i++) {
		const struct bd_grant *one = &grants->items[i];

		if (missing->matter != NULL
				? one->matter != NULL && bd_is_name(one->matter, missing->matter)
				: missing->entity != NULL && one->entity != NULL &&
					  bd_is_name(one->entity->name, missing->entity)) {
			missing->giver_zh = one->giver_zh;
			missing->giver_en = one->giver_en;
			return;
		}
	}
}

static const char *why(enum bd_code code, bool is_purpose_known)
{
	return code == BD_GRANT_PURPOSE ? "Bidui-Purpose is missing"
	       : code == BD_GRANT_LEVEL ? "the grant tells less than this needs"
	       : code == BD_GRANT_NOT_IN_FORCE
		       ? "the grant is not in force on this day"
		       : (is_purpose_known ? "there is no grant of this to this sender and purpose"
					   : "no grant has this purpose");
}

/* near: a grant that would be the one but for its days or its level; NULL = none. */
static enum bd_code refuse(struct bd_diag *diag, enum bd_code code, const struct bd_asker *asker,
	struct bd_missing_grant missing, const struct bd_grant *near)
{
	if (asker == NULL || asker->grants == NULL) {
		return bd_fail(diag, BD_GRANT_MISSING, "nobody is known to ask");
	}
	missing.sender = asker->sender;
	missing.purpose = asker->purpose;
	name_giver(&missing, asker->grants);
	if (near != NULL) {
		missing.grant = near->id;
		missing.giver_zh = near->giver_zh;
		missing.giver_en = near->giver_en;
	}
	bd_fail(diag, code, "%s", why(code, missing.purpose != NULL));
	if (diag != NULL && diag->code == code) {
		diag->missing = missing;
	}
	return code;
}

/* -- a matter -- */

enum bd_code bd_grant_matter(const struct bd_grant **out, const struct bd_asker *asker,
	const struct bd_matter *matter, enum bd_disclosure needs, struct bd_diag *diag)
{
	const struct bd_missing_grant missing = { .matter = matter->id,
		.disclosure = bd_disclosure_name(
			needs == BD_DISCLOSE_NOTHING ? BD_DISCLOSE_DECISION : needs) };
	const struct bd_grant *near = NULL;

	if (asker != NULL && asker->is_itself) {
		*out = &everything;
		return BD_OK;
	}
	if (asker == NULL || asker->grants == NULL || !asker->has_purpose) {
		return refuse(diag, BD_GRANT_PURPOSE, asker, missing, NULL);
	}
	for (const struct bd_grant *one = first_of_matter(asker, matter); one != NULL;
		one = one->next) {
		if (!is_for(one, asker)) {
			continue;
		}
		if (is_in_force(one, asker->day)) {
			if (one->disclosure < needs) {
				return refuse(diag, BD_GRANT_LEVEL, asker, missing, one);
			}
			*out = one;
			return BD_OK;
		}
		near = one;
	}
	return refuse(diag, near != NULL ? BD_GRANT_NOT_IN_FORCE : BD_GRANT_MISSING, asker, missing,
		near);
}

enum bd_disclosure bd_grant_least(const struct bd_asker *asker, const struct bd_matter *matter)
{
	enum bd_disclosure least = BD_DISCLOSE_NOTHING;

	for (const struct bd_grant *one = first_of_matter(asker, matter); one != NULL;
		one = one->next) {
		if (is_in_force(one, asker->day) &&
			(least == BD_DISCLOSE_NOTHING || one->disclosure < least)) {
			least = one->disclosure;
		}
	}
	return least;
}

/* -- fields -- */

static void add_sight(struct bd_sight *sight, const struct bd_grant *grant)
{
	sight->held |= grant->fields;
	if (grant->disclosure == BD_DISCLOSE_VALUES) {
		sight->values |= grant->fields;
		sight->has_identifiers |= grant->has_identifiers;
	}
}

/* Rows of a subject of this kind, and relations that name it. */
static bool is_about(const struct bd_entity *entity, enum bd_subject_kind kind)
{
	return entity->subject == kind || entity->is_relation;
}

static void see_all(struct bd_sight *sights, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sights[i] = (struct bd_sight){ UINT64_MAX, UINT64_MAX, true };
	}
}

enum bd_code bd_grant_fields(const struct bd_sight **out, const struct bd_asker *asker,
	enum bd_subject_kind kind, const struct bd_dictionary *dict, struct bd_arena *arena,
	struct bd_diag *diag)
{
	const struct bd_missing_grant missing = {
		.entity = kind == BD_SUBJECT_PERSON ? "person" : "organization",
		.disclosure = bd_disclosure_name(BD_DISCLOSE_VALUES)
	};
	struct bd_sight *sights = bd_arena_alloc(arena, dict->entity_count, sizeof(*sights));
	const struct bd_grant *near = NULL, *first = NULL;
	bool is_any = false;

	if (sights == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	*out = sights;
	if (asker != NULL && asker->is_itself) {
		see_all(sights, dict->entity_count);
		return BD_OK;
	}
	if (asker == NULL || asker->grants == NULL || !asker->has_purpose) {
		return refuse(diag, BD_GRANT_PURPOSE, asker, missing, NULL);
	}
	if (asker->sender_number < asker->grants->sender_count) {
		first = asker->grants->of_fields[asker->sender_number];
	}
	for (const struct bd_grant *one = first; one != NULL; one = one->next) {
		if (!is_for(one, asker) || !is_about(one->entity, kind)) {
			continue;
		}
		if (is_in_force(one, asker->day)) {
			add_sight(&sights[one->entity - dict->entities], one);
			is_any = true;
		} else {
			near = one;
		}
	}
	if (is_any) {
		return BD_OK;
	}
	return refuse(diag, near != NULL ? BD_GRANT_NOT_IN_FORCE : BD_GRANT_MISSING, asker, missing,
		near);
}
