#include "base/text.h"
#include "intake/map_state.h"

#include <stdio.h>
#include <string.h>

/* -- unknown names -- */

/* So many digits in a row could be a number of somebody. */
#define DIGITS_MAX 5

/* A name is told only if it has the form of one: an outsider's text never goes into a receipt. */
static bool is_tellable(struct bd_bytes name)
{
	size_t digits = 0;

	if (name.len == 0 || name.len > 64) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool is_digit = c >= '0' && c <= '9';

		digits = is_digit ? digits + 1 : 0;
		if (digits > DIGITS_MAX ||
			!(is_digit || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				c == '_' || c == '.' || c == '-')) {
			return false;
		}
	}
	return true;
}

static void report_unknown(
	struct bd_map *map, const struct bd_map_section *section, struct bd_bytes name)
{
	char path[256];
	size_t count = map->result.unmapped_count;

	if (!is_tellable(name)) {
		name = bd_bytes_of("?");
	}
	snprintf(path, sizeof(path), "%s/%.*s", section->plan->name, (int)name.len, name.ptr);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(map->unmapped[i].path, path) == 0) {
			map->unmapped[i].count++;
			return;
		}
	}
	if (count < BD_MAP_UNMAPPED_MAX) {
		map->unmapped[count].path = bd_arena_text(&map->arena, bd_bytes_of(path));
		map->unmapped[count].count = 1;
		map->result.unmapped_count += map->unmapped[count].path != NULL;
	}
}

void bd_map_meet_unknown(struct bd_map *map, const struct bd_map_frame *parent,
	struct bd_bytes name, struct bd_place place)
{
	const struct bd_path_role *group =
		parent->path != NULL ? bd_path_role(parent->path, BD_PATH_GROUP) : NULL;

	if (map->open_sections == 0 && group != NULL) {
		/* Beside the records of a section: no record is at fault. */
		report_unknown(map, &map->sections[group->section], name);
	}
	for (size_t i = 0; map->open_sections > 0 && i < map->settings.feed->section_count; i++) {
		struct bd_map_section *section = &map->sections[i];

		if (!section->is_open) {
			continue;
		}
		report_unknown(map, section, name);
		if (section->plan->is_unknown_refused) {
			bd_map_fault(section, BD_FIELD_UNKNOWN, place, "", "");
		}
	}
}

/* -- slots of a record -- */

static enum bd_code set_slot(struct bd_map *map, struct bd_slot *slot, struct bd_arena *arena,
	const struct bd_map_frame *frame, struct bd_diag *diag)
{
	struct bd_slot made = { .state = frame->is_null ? BD_SLOT_NULL : BD_SLOT_TEXT,
		.place = frame->place };

	if (!frame->is_null) {
		made.text = bd_arena_copy(arena, bd_buf_bytes(&map->text));
		if (made.text.ptr == NULL) {
			return bd_fail_at(diag, bd_arena_code(arena), frame->place,
				"the fields are too long");
		}
	}
	*slot = made;
	return BD_OK;
}

/* No room for a value: of the process, then the message ends; of the record, then that is refused.
 */
static enum bd_code have_no_room(struct bd_map *map, struct bd_map_section *section,
	const struct bd_map_frame *frame, const char *name, struct bd_diag *diag)
{
	if (bd_arena_code(&map->record_arena) == BD_NO_MEMORY) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_map_fault(section, BD_LIMIT_BYTES, frame->place, name, "the record is too long");
	return BD_OK;
}

/* Why the text gathered is none that a value can have. */
static enum bd_code check_text(const struct bd_map *map, const char **detail)
{
	if (map->is_text_too_long) {
		*detail = "the field is too long";
		return BD_LIMIT_BYTES;
	}
	*detail = "";
	return bd_text_has_control(bd_buf_bytes(&map->text)) ? BD_TEXT_CONTROL : BD_OK;
}

static enum bd_code set_section_slot(struct bd_map *map, const struct bd_path_role *role,
	const struct bd_map_frame *frame, struct bd_diag *diag)
{
	struct bd_map_section *section = &map->sections[role->section];
	const char *name = section->plan->slots[role->slot].name;
	struct bd_slot *slot = &section->slots[role->slot];
	const char *detail;
	enum bd_code code = check_text(map, &detail);

	if (!section->is_open) {
		return BD_OK;
	}
	if (code != BD_OK) {
		bd_map_fault(section, code, frame->place, name, detail);
		return BD_OK;
	}
	if (slot->state != BD_SLOT_MISSING) {
		bd_map_fault(
			section, BD_FIELD_UNKNOWN, frame->place, name, "the field stands twice");
		return BD_OK;
	}
	if (set_slot(map, slot, &map->record_arena, frame, NULL) != BD_OK) {
		return have_no_room(map, section, frame, name, diag);
	}
	return BD_OK;
}

/* -- slots of the envelope -- */

static bool says_same(
	const struct bd_map *map, const struct bd_slot *slot, const struct bd_map_frame *frame)
{
	return frame->is_null ? slot->state == BD_SLOT_NULL
			      : slot->state == BD_SLOT_TEXT && !map->is_text_too_long &&
					bd_bytes_equal(slot->text, bd_buf_bytes(&map->text));
}

/* Shared by all records of a section, so it must stand before the first of them and say one thing.
 */
static enum bd_code set_shared(struct bd_map *map, const struct bd_path_role *role,
	const struct bd_map_frame *frame, struct bd_diag *diag)
{
	struct bd_map_section *section = &map->sections[role->section];
	struct bd_slot *slot = &section->shared[role->slot];
	const char *detail;
	enum bd_code code = check_text(map, &detail);

	if (code == BD_OK && says_same(map, slot, frame)) {
		return BD_OK;
	}
	if (code != BD_OK) {
		bd_fail_at(diag, code, frame->place, "%s", detail);
	} else if (slot->state != BD_SLOT_MISSING) {
		code = bd_fail_at(diag, BD_ENVELOPE_MISSING, frame->place,
			"the envelope says it twice, differently");
	} else if (section->has_ended) {
		code = bd_fail_at(diag, BD_ENVELOPE_MISSING, frame->place,
			"it stands behind records that need it");
	} else {
		return set_slot(map, slot, &map->arena, frame, diag);
	}
	if (diag != NULL) {
		bd_diag_set_field(diag, section->plan->slots[role->slot].name);
		bd_diag_set_path(diag, section->plan->slots[role->slot].path);
	}
	return code;
}

static bool is_one_of(struct bd_bytes text, const char *const *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_bytes_is(text, values[i])) {
			return true;
		}
	}
	return false;
}

/* The envelope may say failure: then the message is refused, whatever else it holds. */
static enum bd_code check_success(const struct bd_map *map, uint16_t slot, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;

	text = bd_text_trim(text);
	for (size_t i = 0; i < feed->success_count; i++) {
		const struct bd_success_plan *success = &feed->success[i];
		enum bd_code code = BD_SOURCE_FAILED;

		if (success->slot != slot || is_one_of(text, success->ok, success->ok_count)) {
			continue;
		}
		if (is_one_of(text, success->not_found, success->not_found_count)) {
			code = BD_SOURCE_NOT_FOUND;
		} else if (is_one_of(text, success->several, success->several_count)) {
			code = BD_SOURCE_SEVERAL;
		}
		bd_fail_at(diag, code, place, "%s", "");
		if (diag != NULL) {
			bd_diag_set_field(diag, feed->message_slots[slot].name);
			bd_diag_set_path(diag, feed->message_slots[slot].path);
		}
		return code;
	}
	return BD_OK;
}

/* Said twice and differently, it says nothing of the message as a whole; success must be said each
 * time. */
static enum bd_code set_message_slot(
	struct bd_map *map, uint16_t slot, const struct bd_map_frame *frame, struct bd_diag *diag)
{
	struct bd_slot *kept = &map->message_slots[slot];
	struct bd_bytes text = { "", 0 };
	const char *detail;
	bool is_bad = check_text(map, &detail) != BD_OK;

	if (!frame->is_null && !is_bad) {
		text = bd_buf_bytes(&map->text);
	}
	if (is_bad || (kept->state != BD_SLOT_MISSING && !says_same(map, kept, frame))) {
		map->message_conflicts[slot] = true;
	}
	if (kept->state == BD_SLOT_MISSING && !map->message_conflicts[slot]) {
		enum bd_code code = set_slot(map, kept, &map->arena, frame, diag);

		if (code != BD_OK) {
			return code;
		}
	}
	return check_success(map, slot, text, frame->place, diag);
}

/* -- pairs -- */

static enum bd_code keep_pivot(struct bd_map *map, const struct bd_path_role *role,
	const struct bd_map_frame *frame, struct bd_diag *diag)
{
	struct bd_map_section *section = &map->sections[role->section];
	struct bd_bytes text;
	const char *detail;
	enum bd_code code = check_text(map, &detail);

	if (!section->is_open) {
		return BD_OK;
	}
	if (code != BD_OK) {
		bd_map_fault(section, code, frame->place, "", detail);
		return BD_OK;
	}
	text = bd_arena_copy(&map->record_arena, bd_buf_bytes(&map->text));
	if (text.ptr == NULL) {
		return have_no_room(map, section, frame, "", diag);
	}
	if (role->kind == BD_PATH_PIVOT_CODE) {
		section->pivot_code = bd_text_trim(text);
	} else {
		section->pivot_value = text;
		section->has_pivot_value = !frame->is_null;
	}
	return BD_OK;
}

void bd_map_end_pivot(
	struct bd_map *map, struct bd_map_section *section, const struct bd_map_frame *frame)
{
	const struct bd_section_plan *plan = section->plan;
	bool is_found = false;

	for (size_t i = 0; section->is_open && i < plan->slot_count; i++) {
		struct bd_slot *slot = &section->slots[i];

		if (plan->slots[i].pivot == NULL ||
			!bd_bytes_is(section->pivot_code, plan->slots[i].pivot)) {
			continue;
		}
		is_found = true;
		if (slot->state != BD_SLOT_MISSING) {
			bd_map_fault(section, BD_FIELD_UNKNOWN, frame->place, plan->slots[i].name,
				"the field stands twice");
		}
		*slot = (struct bd_slot){ section->has_pivot_value ? BD_SLOT_TEXT : BD_SLOT_NULL,
			section->pivot_value, frame->place };
	}
	if (section->is_open && !is_found) {
		report_unknown(map, section, section->pivot_code);
		if (plan->is_unknown_refused) {
			bd_map_fault(section, BD_FIELD_UNKNOWN, frame->place, "", "");
		}
	}
	section->pivot_code = (struct bd_bytes){ "", 0 };
	section->pivot_value = (struct bd_bytes){ "", 0 };
	section->has_pivot_value = false;
}

/* -- an element is left -- */

enum bd_code bd_map_set_values(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (const struct bd_path_role *role = frame->path->roles; role != NULL && code == BD_OK;
		role = role->next) {
		if (role->kind == BD_PATH_SLOT) {
			code = set_section_slot(map, role, frame, diag);
		} else if (role->kind == BD_PATH_MESSAGE_SLOT) {
			code = set_message_slot(map, role->slot, frame, diag);
		} else if (role->kind == BD_PATH_SECTION_SHARED) {
			code = set_shared(map, role, frame, diag);
		} else if (role->kind == BD_PATH_PIVOT_CODE || role->kind == BD_PATH_PIVOT_VALUE) {
			code = keep_pivot(map, role, frame, diag);
		}
	}
	return code;
}

enum bd_code bd_map_refuse_values(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag)
{
	static const char detail[] = "the field holds other fields";
	enum bd_code code = BD_OK;

	for (const struct bd_path_role *role = frame->path->roles; role != NULL && code == BD_OK;
		role = role->next) {
		struct bd_map_section *section = &map->sections[role->section];

		if (role->kind == BD_PATH_MESSAGE_SLOT) {
			map->message_conflicts[role->slot] = true;
			code = check_success(
				map, role->slot, (struct bd_bytes){ "", 0 }, frame->place, diag);
		} else if (role->kind == BD_PATH_SLOT && section->is_open) {
			bd_map_fault(section, BD_FIELD_UNKNOWN, frame->place,
				section->plan->slots[role->slot].name, detail);
		} else if ((role->kind == BD_PATH_PIVOT_CODE ||
				   role->kind == BD_PATH_PIVOT_VALUE) &&
			   section->is_open) {
			bd_map_fault(section, BD_FIELD_UNKNOWN, frame->place, "", detail);
		}
	}
	return code;
}

static bool holds_elements(const struct bd_path *path)
{
	for (const struct bd_path *child = path->first; child != NULL; child = child->next) {
		if (child->name.len > 0 && child->name.ptr[0] != '@') {
			return true;
		}
	}
	return false;
}

enum bd_code bd_map_refuse_text(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag)
{
	static const char detail[] = "a text where fields were agreed";

	if (!holds_elements(frame->path)) {
		return BD_OK;
	}
	for (size_t i = 0; i < map->settings.feed->section_count && map->open_sections > 0; i++) {
		if (map->sections[i].is_open) {
			bd_map_fault(&map->sections[i], BD_FIELD_UNKNOWN, frame->place, "", detail);
		}
	}
	return map->open_sections > 0
		       ? BD_OK
		       : bd_fail_at(diag, BD_ENVELOPE_MISSING, frame->place, "%s", detail);
}
