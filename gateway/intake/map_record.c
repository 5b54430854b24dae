#include "intake/map_state.h"
#include "intake/tally.h"

#include <string.h>

void bd_map_begin_record(struct bd_map *map, struct bd_map_section *section, struct bd_place place)
{
	if (section->is_open) {
		return;
	}
	section->is_open = true;
	map->open_sections++;
	section->depth = map->depth;
	section->index = map->result.received++;
	section->place = place;
	bd_diag_clear(&section->fault);
	if (section->plan->slot_count > 0) {
		memset(section->slots, 0, section->plan->slot_count * sizeof(*section->slots));
	}
}

static void close_record(struct bd_map *map, struct bd_map_section *section)
{
	section->is_open = false;
	map->open_sections--;
}

void bd_map_forget_record(struct bd_map *map, struct bd_map_section *section)
{
	close_record(map, section);
	map->result.received--;
}

void bd_map_fault(struct bd_map_section *section, enum bd_code code, struct bd_place place,
	const char *field, const char *detail)
{
	if (section->fault.code == BD_OK) {
		bd_fail_at(&section->fault, code, place, "%s", detail);
		bd_diag_set_path(&section->fault, section->plan->path);
		bd_diag_set_field(&section->fault, field);
	}
}

enum bd_code bd_map_give_reject(struct bd_map *map, struct bd_map_section *section,
	struct bd_reject *reject, struct bd_diag *diag)
{
	map->result.rejected++;
	section->has_reject = true;
	reject->entities = section->entities;
	reject->entity_count = section->entity_count;
	return map->sink->ops->on_reject(map->sink, reject, diag);
}

/* -- whom a section's rows were about -- */

static bool is_same(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->issuer, b->issuer) &&
	       bd_bytes_equal(a->number, b->number);
}

static bool is_seen(const struct bd_map_section *section, const struct bd_record *record)
{
	for (const struct bd_map_seen *seen = section->seen; seen != NULL; seen = seen->next) {
		bool is_equal = seen->entity == record->entity &&
				seen->subject_count == record->subject_count;

		for (size_t i = 0; i < record->subject_count && is_equal; i++) {
			is_equal = is_same(&seen->subject[i], &record->subject[i]);
		}
		if (is_equal) {
			return true;
		}
	}
	return false;
}

static bool is_covered(const struct bd_section_plan *plan, uint16_t entity)
{
	for (size_t i = 0; i < plan->cover_count; i++) {
		if (plan->covers[i] == entity) {
			return true;
		}
	}
	return false;
}

static const struct bd_identifier *copy_subject(struct bd_map *map, const struct bd_record *record)
{
	struct bd_identifier *list =
		bd_arena_alloc(&map->arena, record->subject_count, sizeof(*list));

	for (size_t i = 0; list != NULL && i < record->subject_count; i++) {
		list[i] = record->subject[i];
		list[i].number = bd_arena_copy(&map->arena, record->subject[i].number);
		list[i].issuer = bd_arena_copy(&map->arena, record->subject[i].issuer);
		if (list[i].number.ptr == NULL || list[i].issuer.ptr == NULL) {
			return NULL;
		}
	}
	return list;
}

/* Kept until the end of the message, where the section is closed for each of them. */
static enum bd_code see_subject(struct bd_map *map, struct bd_map_section *section,
	const struct bd_record *record, struct bd_diag *diag)
{
	struct bd_map_seen *seen;

	if (map->settings.feed->kind != BD_FEED_REPLY || record->is_message_subject ||
		!is_covered(section->plan, record->entity) || is_seen(section, record)) {
		return BD_OK;
	}
	if (map->seen_count == BD_REPLY_SUBJECTS_MAX) {
		return bd_fail_at(diag, BD_LIMIT_COUNT, section->place,
			"a reply about more than %d subjects", BD_REPLY_SUBJECTS_MAX);
	}
	seen = bd_arena_alloc(&map->arena, 1, sizeof(*seen));
	if (seen == NULL) {
		return bd_fail(diag, bd_arena_code(&map->arena), "%s", "");
	}
	*seen = (struct bd_map_seen){ record->entity, copy_subject(map, record),
		record->subject_count, section->seen };
	if (seen->subject == NULL) {
		return bd_fail(diag, bd_arena_code(&map->arena), "%s", "");
	}
	section->seen = seen;
	map->seen_count++;
	return BD_OK;
}

/* -- to the sink -- */

static enum bd_code give_records(struct bd_map *map, struct bd_map_section *section,
	const struct bd_record *records, size_t count, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	map->result.accepted++;
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		map->result.records++;
		code = see_subject(map, section, &records[i], diag);
		code = code == BD_OK ? map->sink->ops->on_record(map->sink, &records[i], diag)
				     : code;
	}
	return code;
}

/* What its fields look like: of the first records, as more would tell no more. */
static void tally(struct bd_map_section *section)
{
	if (section->tallied == BD_TALLY_RECORDS) {
		return;
	}
	section->tallied++;
	for (size_t i = 0; i < section->plan->slot_count; i++) {
		const struct bd_slot *slot = &section->slots[i];
		uint8_t shape = slot->state == BD_SLOT_TEXT ? bd_shape_of(slot->text) : 0;

		section->present[i] = (uint8_t)(section->present[i] + (shape != 0));
		section->shapes[i] |= shape;
	}
}

enum bd_code bd_map_end_record(
	struct bd_map *map, struct bd_map_section *section, struct bd_diag *diag)
{
	const struct bd_draft draft = { .feed = map->settings.feed,
		.section = section->plan,
		.index = section->index,
		.place = section->place,
		.slots = section->slots,
		.message_slots = map->message_slots,
		.fault = section->fault.code != BD_OK ? &section->fault : NULL };
	const struct bd_record *records = NULL;
	struct bd_reject reject;
	size_t count = 0;
	enum bd_code code;

	close_record(map, section);
	section->has_ended = true;
	for (size_t i = 0; i < section->plan->slot_count; i++) {
		if (section->plan->slots[i].is_message) {
			section->slots[i] = section->shared[i];
		}
	}
	tally(section);
	code = bd_normalize(&records, &count, &reject, &draft, &map->context, &map->record_arena);
	if (code == BD_NO_MEMORY || code == BD_INTERNAL) {
		return bd_fail(diag, code, "%s", "");
	}
	if (code != BD_OK) {
		/* A record that fills its arena leaves no room to say why. */
		if (reject.diag.code == BD_OK) {
			bd_fail_at(&reject.diag, code, section->place, "the record is too long");
			reject.order_kind = map->settings.feed->order_kind;
			reject.order.rank = map->settings.feed->rank;
		}
		code = bd_map_give_reject(map, section, &reject, diag);
	} else {
		code = give_records(map, section, records, count, diag);
	}
	if (map->open_sections == 0) {
		bd_arena_clear(&map->record_arena);
	}
	return code;
}
