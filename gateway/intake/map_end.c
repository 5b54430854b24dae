#include "base/limits.h"
#include "base/text.h"
#include "intake/map_state.h"

static enum bd_code check_envelope(const struct bd_map *map, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;

	if (feed->root != NULL && !map->is_root_seen) {
		bd_fail(diag, BD_ENVELOPE_MISSING, "%s", "");
		if (diag != NULL) {
			bd_diag_set_path(diag, feed->root);
		}
		return BD_ENVELOPE_MISSING;
	}
	for (size_t i = 0; i < feed->success_count; i++) {
		const struct bd_slot_plan *slot = &feed->message_slots[feed->success[i].slot];

		if (feed->success[i].is_required &&
			map->message_slots[feed->success[i].slot].state == BD_SLOT_MISSING) {
			bd_fail(diag, BD_ENVELOPE_MISSING,
				"nothing says whether the source succeeded");
			if (diag != NULL) {
				bd_diag_set_path(diag, slot->path);
				bd_diag_set_field(diag, slot->name);
			}
			return BD_ENVELOPE_MISSING;
		}
	}
	return BD_OK;
}

/* The subject that the message names, or the one that was asked for. */
static enum bd_code find_subject(struct bd_map *map, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	enum bd_code code;

	for (size_t i = 0; i < feed->message_slot_count; i++) {
		if (map->message_conflicts[i]) {
			map->message_slots[i].state = BD_SLOT_MISSING;
		}
	}
	code = bd_normalize_message(&map->result.subject, &map->result.subject_count,
		&map->result.order, feed, map->message_slots, &map->context, &map->arena, diag);
	if (code == BD_OK && map->result.subject_count == 0 && map->settings.subject.kind != 0) {
		map->result.subject = &map->settings.subject;
		map->result.subject_count = 1;
	}
	return code;
}

static bool needs_subject(const struct bd_map *map)
{
	for (size_t i = 0; i < map->settings.feed->section_count; i++) {
		const struct bd_section_plan *plan = map->sections[i].plan;

		for (size_t o = 0; map->sections[i].is_group_seen && o < plan->output_count; o++) {
			if (plan->outputs[o].is_message_subject) {
				return true;
			}
		}
	}
	return false;
}

/* -- the sections of a reply -- */

/* One of its identifiers is one of the message's. */
static bool is_message_subject(const struct bd_map *map, const struct bd_map_seen *seen)
{
	for (size_t i = 0; i < seen->subject_count; i++) {
		for (size_t j = 0; j < map->result.subject_count; j++) {
			const struct bd_identifier *a = &seen->subject[i];
			const struct bd_identifier *b = &map->result.subject[j];

			if (a->kind == b->kind && bd_bytes_equal(a->issuer, b->issuer) &&
				bd_bytes_equal(a->number, b->number)) {
				return true;
			}
		}
	}
	return false;
}

/* Is the entity told of whom the rows name themselves, and of nobody else? */
static bool names_its_own(const struct bd_section_plan *plan, uint16_t entity)
{
	bool is_own = false;

	for (size_t i = 0; i < plan->output_count; i++) {
		if (plan->outputs[i].entity == entity) {
			if (plan->outputs[i].is_message_subject) {
				return false;
			}
			is_own = true;
		}
	}
	return is_own;
}

static enum bd_code give_marker(
	struct bd_map *map, const struct bd_record *marker, struct bd_diag *diag)
{
	map->result.records++;
	return map->sink->ops->on_record(map->sink, marker, diag);
}

/* One entity of a section: for each subject that its rows named; for the message's when it has no
 * rows, or rows about that one. */
static enum bd_code close_entity(struct bd_map *map, const struct bd_map_section *section,
	struct bd_record *marker, struct bd_diag *diag)
{
	bool is_message = !names_its_own(section->plan, marker->entity), has_rows = false;
	enum bd_code code = BD_OK;

	for (const struct bd_map_seen *seen = section->seen; seen != NULL && code == BD_OK;
		seen = seen->next) {
		if (seen->entity != marker->entity) {
			continue;
		}
		has_rows = true;
		if (is_message_subject(map, seen)) {
			is_message = true;
			continue;
		}
		marker->is_message_subject = false;
		marker->subject = seen->subject;
		marker->subject_count = seen->subject_count;
		code = give_marker(map, marker, diag);
	}
	marker->is_message_subject = true;
	marker->subject = NULL;
	marker->subject_count = 0;
	if (code == BD_OK && map->result.subject_count > 0 && (is_message || !has_rows)) {
		code = give_marker(map, marker, diag);
	}
	return code;
}

/* All that a section of a reply says has been said: what it did not name is no more. Not where a
 * record was refused: silence about that one is ours, not the source's. */
static enum bd_code close_section(
	struct bd_map *map, const struct bd_map_section *section, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	struct bd_record marker = { .index = map->result.received,
		.section = section->plan->name,
		.action = BD_ACTION_SECTION,
		.order_kind = feed->order_kind,
		.is_message_order = feed->order_kind != BD_ORDER_RECEIPT,
		.order = { feed->rank, 0 } };
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < section->plan->cover_count && code == BD_OK; i++) {
		marker.entity = section->plan->covers[i];
		code = close_entity(map, section, &marker, diag);
	}
	return code;
}

/* -- a page -- */

/* A text that could not be asked with is none. */
static struct bd_bytes page_text(const struct bd_map *map, uint16_t slot)
{
	bool is_said = slot < map->settings.feed->message_slot_count;
	const struct bd_slot *found = is_said ? &map->message_slots[slot] : NULL;
	struct bd_bytes text = { "", 0 };

	if (found != NULL && found->state == BD_SLOT_TEXT) {
		text = bd_text_trim(found->text);
	}
	return text.len > BD_PAGE_TEXT_MAX_BYTES || bd_text_has_control(text)
		       ? (struct bd_bytes){ "", 0 }
		       : text;
}

static void read_page(struct bd_map *map)
{
	const struct bd_page_plan *plan = &map->settings.feed->page;
	struct bd_bytes last = page_text(map, plan->last_slot);

	map->result.page = (struct bd_page){ .next = page_text(map, plan->next_slot),
		.mark = page_text(map, plan->mark_slot) };
	for (size_t i = 0; i < plan->last_is_count; i++) {
		map->result.page.is_last =
			map->result.page.is_last || bd_bytes_is(last, plan->last_is[i]);
	}
}

/* -- what its fields look like -- */

static enum bd_code tell_tallies(struct bd_map *map)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	struct bd_section_tally *tallies =
		bd_arena_alloc(&map->arena, feed->section_count, sizeof(*tallies));

	for (size_t i = 0; tallies != NULL && i < feed->section_count; i++) {
		const struct bd_map_section *section = &map->sections[i];

		if (section->tallied > 0) {
			tallies[map->result.tally_count++] = (struct bd_section_tally){ (uint16_t)i,
				section->tallied, (uint16_t)section->plan->slot_count,
				section->present, section->shapes };
		}
	}
	map->result.tallies = tallies;
	return tallies != NULL ? BD_OK : bd_arena_code(&map->arena);
}

enum bd_code bd_map_end(
	struct bd_map *map, const struct bd_intake_result **result, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	const char **names = bd_arena_alloc(&map->arena, feed->section_count, sizeof(*names));
	enum bd_code code = check_envelope(map, diag);

	if (names == NULL) {
		return bd_fail(diag, bd_arena_code(&map->arena), "%s", "");
	}
	code = code == BD_OK ? find_subject(map, diag) : code;
	if (code == BD_OK && map->result.subject_count == 0 && needs_subject(map)) {
		code = bd_fail(diag, BD_SUBJECT_MISSING, "say it in Bidui-Subject: KIND:NUMBER");
	}
	for (size_t i = 0; i < feed->section_count && code == BD_OK; i++) {
		const struct bd_map_section *section = &map->sections[i];

		/* A table that came is there, also when it has no row. */
		if (section->is_group_seen || feed->column_count > 0) {
			names[map->result.section_count++] = section->plan->name;
		}
		if (feed->kind == BD_FEED_REPLY && section->is_group_seen && !section->has_reject) {
			code = close_section(map, section, diag);
		}
	}
	if (code != BD_OK) {
		return code;
	}
	read_page(map);
	code = tell_tallies(map);
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	map->result.sections = names;
	map->result.unmapped = map->unmapped;
	*result = &map->result;
	return BD_OK;
}
