#include "intake/map.h"

#include "base/limits.h"
#include "base/text.h"
#include "intake/decode.h"
#include "intake/map_path.h"
#include "intake/normalize.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A document in a document, and one in that. */
#define EMBEDDED_MAX 2
#define FRAMES_MAX (BD_DEPTH_MAX * (EMBEDDED_MAX + 1))
/* Different unknown names that one receipt tells. */
#define UNMAPPED_MAX 64

/* One step of the path that is open. */
struct frame {
	struct bd_path *path; /* NULL: nothing of the plan goes here */
	bool is_quiet;        /* within something unknown or ignored: told once, or not at all */
	bool has_children, is_null;
	bool opens_record; /* of each section with a record here */
	struct bd_place place;
};

struct section {
	const struct bd_section_plan *plan;
	struct bd_slot *slots;  /* of the open record */
	struct bd_slot *shared; /* of the envelope */
	bool is_open, is_group_seen, has_reject;
	uint64_t index;
	struct bd_place place;
	struct bd_diag fault; /* why the open record is refused whatever its values are */
	struct bd_bytes pivot_code, pivot_value;
	bool has_pivot_value;
};

struct bd_map {
	struct bd_listener listener;
	struct bd_intake_settings settings;
	struct bd_intake_sink *sink;
	struct bd_normalize_context context;
	struct bd_path *root;
	struct frame frames[FRAMES_MAX];
	size_t depth;
	struct bd_decoder *embedded[EMBEDDED_MAX];
	size_t embedded_count;
	size_t inside; /* decoders, from the outermost, whose feed or end is running above this call
			*/
	struct section *sections;
	size_t open_sections;
	struct bd_slot *message_slots;
	bool *message_conflicts;
	bool is_root_seen;
	struct bd_buf text; /* of the innermost open element */
	bool is_text_too_long;
	struct bd_arena arena, record_arena;
	struct bd_unmapped unmapped[UNMAPPED_MAX];
	struct bd_intake_result result;
};

static struct bd_map *map_of(struct bd_listener *listener)
{
	return (struct bd_map *)(void *)((char *)listener - offsetof(struct bd_map, listener));
}

static bool is_blank(struct bd_bytes text)
{
	return bd_text_trim(text).len == 0;
}

/* -- records to the sink -- */

static enum bd_code give_reject(struct bd_map *map, struct bd_reject *reject, struct bd_diag *diag)
{
	map->result.rejected++;
	if (reject->subject_count == 0 && reject->is_message_subject &&
		map->settings.subject.kind != 0) {
		reject->subject = &map->settings.subject;
		reject->subject_count = 1;
		reject->is_message_subject = false;
	}
	return map->sink->ops->on_reject(map->sink, reject, diag);
}

static enum bd_code give_records(
	struct bd_map *map, const struct bd_record *records, size_t count, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	map->result.accepted++;
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		map->result.records++;
		code = map->sink->ops->on_record(map->sink, &records[i], diag);
	}
	return code;
}

/* Refused as a whole: the reject still says whom it is about, if the slots do. */
static void apply_fault(struct bd_reject *reject, const struct section *section)
{
	reject->diag = section->fault;
}

static enum bd_code end_record(struct bd_map *map, struct section *section, struct bd_diag *diag)
{
	const struct bd_draft draft = { .feed = map->settings.feed,
		.section = section->plan,
		.index = section->index,
		.place = section->place,
		.slots = section->slots,
		.message_slots = map->message_slots };
	const struct bd_record *records = NULL;
	struct bd_reject reject;
	size_t count = 0;
	enum bd_code code;

	section->is_open = false;
	map->open_sections--;
	for (size_t i = 0; i < section->plan->slot_count; i++) {
		if (section->plan->slots[i].is_message) {
			section->slots[i] = section->shared[i];
		}
	}
	code = bd_normalize(&records, &count, &reject, &draft, &map->context, &map->record_arena);
	if (section->fault.code != BD_OK && code == BD_OK) {
		/* Its values are good but its form is not: refused all the same, with whom it is
		 * about. */
		reject.subject = count > 0 ? records[0].subject : NULL;
		reject.subject_count = count > 0 ? records[0].subject_count : 0;
		reject.is_message_subject = count > 0 && records[0].is_message_subject;
		reject.entities = section->plan->covers;
		reject.entity_count = section->plan->cover_count;
		code = section->fault.code;
	}
	if (section->fault.code != BD_OK) {
		apply_fault(&reject, section);
	}
	if (code == BD_NO_MEMORY || code == BD_INTERNAL) {
		return bd_fail(diag, code, "%s", "");
	}
	if (code != BD_OK) {
		section->has_reject = true;
		code = give_reject(map, &reject, diag);
	} else {
		code = give_records(map, records, count, diag);
	}
	if (map->open_sections == 0) {
		bd_arena_clear(&map->record_arena);
	}
	return code;
}

static void begin_record(struct bd_map *map, struct section *section, struct bd_place place)
{
	if (section->is_open) {
		return;
	}
	section->is_open = true;
	map->open_sections++;
	section->index = map->result.received++;
	section->place = place;
	bd_diag_clear(&section->fault);
	memset(section->slots, 0, section->plan->slot_count * sizeof(*section->slots));
}

/* -- unknown names -- */

/* A name is told only if it has the form of one: an outsider's text never goes into a receipt. */
static bool is_tellable(struct bd_bytes name)
{
	if (name.len == 0 || name.len > 64) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '_' || c == '.' || c == '-')) {
			return false;
		}
	}
	/* Digits alone could be a number of somebody. */
	return strspn(name.ptr, "0123456789") < name.len;
}

static void report_unknown(struct bd_map *map, const struct section *section, struct bd_bytes name)
{
	char path[256];
	size_t count = map->result.unmapped_count;

	snprintf(path, sizeof(path), "%s/%.*s", section->plan->name,
		is_tellable(name) ? (int)name.len : 1, is_tellable(name) ? name.ptr : "?");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(map->unmapped[i].path, path) == 0) {
			map->unmapped[i].count++;
			return;
		}
	}
	if (count < UNMAPPED_MAX) {
		map->unmapped[count].path = bd_arena_text(&map->arena, bd_bytes_of(path));
		map->unmapped[count].count = 1;
		map->result.unmapped_count += map->unmapped[count].path != NULL;
	}
}

static void fault_at(struct section *section, enum bd_code code, struct bd_place place,
	const char *field, const char *detail)
{
	if (section->fault.code == BD_OK) {
		bd_fail_at(&section->fault, code, place, "%s", detail);
		bd_diag_set_path(&section->fault, section->plan->path);
		bd_diag_set_field(&section->fault, field);
	}
}

static void meet_unknown(struct bd_map *map, struct bd_bytes name, struct bd_place place)
{
	for (size_t i = 0; map->open_sections > 0 && i < map->settings.feed->section_count; i++) {
		struct section *section = &map->sections[i];

		if (!section->is_open) {
			continue;
		}
		report_unknown(map, section, name);
		if (section->plan->is_unknown_refused) {
			fault_at(section, BD_FIELD_UNKNOWN, place, "", "");
		}
	}
}

/* -- values -- */

static enum bd_code set_slot(struct bd_map *map, struct bd_slot *slot, struct bd_arena *arena,
	const struct frame *frame, struct bd_diag *diag)
{
	*slot = (struct bd_slot){ .state = frame->is_null ? BD_SLOT_NULL : BD_SLOT_TEXT,
		.place = frame->place };
	if (!frame->is_null) {
		slot->text = bd_arena_copy(arena, bd_buf_bytes(&map->text));
		if (slot->text.ptr == NULL) {
			return bd_fail(diag, bd_arena_code(arena), "the record is too long");
		}
	}
	return BD_OK;
}

static enum bd_code set_section_slot(struct bd_map *map, const struct bd_path_role *role,
	const struct frame *frame, struct bd_diag *diag)
{
	struct section *section = &map->sections[role->section];
	const char *name = section->plan->slots[role->slot].name;
	struct bd_slot *slot = &section->slots[role->slot];

	if (!section->is_open) {
		return BD_OK;
	}
	if (map->is_text_too_long) {
		fault_at(section, BD_LIMIT_BYTES, frame->place, name, "the field is too long");
		return BD_OK;
	}
	if (slot->state != BD_SLOT_MISSING) {
		fault_at(section, BD_FIELD_UNKNOWN, frame->place, name, "the field stands twice");
		return BD_OK;
	}
	if (set_slot(map, slot, &map->record_arena, frame, NULL) != BD_OK) {
		if (bd_arena_code(&map->record_arena) == BD_NO_MEMORY) {
			return bd_fail(diag, BD_NO_MEMORY, "%s", "");
		}
		slot->state = BD_SLOT_MISSING;
		fault_at(section, BD_LIMIT_BYTES, frame->place, name, "the record is too long");
	}
	return BD_OK;
}

/* The envelope may say failure: then the message is refused, whatever else it holds. */
static enum bd_code check_success(const struct bd_map *map, uint16_t slot, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	struct bd_bytes text = map->message_slots[slot].state == BD_SLOT_TEXT
				       ? bd_text_trim(map->message_slots[slot].text)
				       : (struct bd_bytes){ "", 0 };

	for (size_t i = 0; i < feed->success_count; i++) {
		const struct bd_success_plan *success = &feed->success[i];
		const struct {
			const char *const *values;
			size_t count;
			enum bd_code code;
		} rows[] = { { success->ok, success->ok_count, BD_OK },
			{ success->not_found, success->not_found_count, BD_SOURCE_NOT_FOUND },
			{ success->several, success->several_count, BD_SOURCE_SEVERAL } };
		enum bd_code code = BD_SOURCE_FAILED;

		if (success->slot != slot) {
			continue;
		}
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
			for (size_t v = 0; v < rows[r].count; v++) {
				code = bd_bytes_is(text, rows[r].values[v]) ? rows[r].code : code;
			}
		}
		if (code != BD_OK) {
			bd_fail_at(diag, code, map->message_slots[slot].place, "%s", "");
			bd_diag_set_field(diag, feed->message_slots[slot].name);
			bd_diag_set_path(diag, feed->message_slots[slot].path);
			return code;
		}
	}
	return BD_OK;
}

static enum bd_code set_message_slot(
	struct bd_map *map, uint16_t slot, const struct frame *frame, struct bd_diag *diag)
{
	struct bd_slot *kept = &map->message_slots[slot];
	enum bd_code code;

	if (map->is_text_too_long) {
		return bd_fail_at(
			diag, BD_LIMIT_BYTES, frame->place, "a field of the envelope is too long");
	}
	if (kept->state == BD_SLOT_TEXT && !map->message_conflicts[slot]) {
		/* Said twice and differently, it says nothing of the message as a whole. */
		map->message_conflicts[slot] =
			frame->is_null || !bd_bytes_equal(kept->text, bd_buf_bytes(&map->text));
		return BD_OK;
	}
	if (map->message_conflicts[slot]) {
		return BD_OK;
	}
	code = set_slot(map, kept, &map->arena, frame, diag);
	return code == BD_OK ? check_success(map, slot, diag) : code;
}

static enum bd_code keep_pivot(struct bd_map *map, const struct bd_path_role *role,
	const struct frame *frame, struct bd_diag *diag)
{
	struct section *section = &map->sections[role->section];
	struct bd_bytes text = bd_arena_copy(&map->record_arena, bd_buf_bytes(&map->text));

	if (!section->is_open) {
		return BD_OK;
	}
	if (text.ptr == NULL) {
		return bd_fail(diag, bd_arena_code(&map->record_arena), "%s", "");
	}
	if (map->is_text_too_long) {
		fault_at(section, BD_LIMIT_BYTES, frame->place, "", "the field is too long");
	}
	if (role->kind == BD_PATH_PIVOT_CODE) {
		section->pivot_code = bd_text_trim(text);
	} else {
		section->pivot_value = text;
		section->has_pivot_value = !frame->is_null;
	}
	return BD_OK;
}

static void end_pivot(struct bd_map *map, struct section *section, const struct frame *frame)
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
			fault_at(section, BD_FIELD_UNKNOWN, frame->place, plan->slots[i].name,
				"the field stands twice");
		}
		*slot = (struct bd_slot){ section->has_pivot_value ? BD_SLOT_TEXT : BD_SLOT_NULL,
			section->pivot_value, frame->place };
	}
	if (section->is_open && !is_found) {
		report_unknown(map, section, section->pivot_code);
	}
	section->pivot_code = (struct bd_bytes){ "", 0 };
	section->pivot_value = (struct bd_bytes){ "", 0 };
	section->has_pivot_value = false;
}

/* -- embedded documents -- */

/* A decoder tells of the document whose text the one before gives: which of them speaks is how many
 * are running. */
static bool is_embedded_open(const struct bd_map *map)
{
	return map->embedded_count > map->inside;
}

static enum bd_code open_embedded(
	struct bd_map *map, size_t embedded, struct bd_place place, struct bd_diag *diag)
{
	const struct bd_decode_settings settings = { .is_text = true, .base = place };
	enum bd_code code;

	if (map->embedded_count == EMBEDDED_MAX) {
		return bd_fail_at(diag, BD_LIMIT_DEPTH, place, "documents in documents");
	}
	code = bd_decode_new(&map->embedded[map->embedded_count],
		map->settings.feed->embedded[embedded].format, &settings, &map->listener, diag);
	map->embedded_count += code == BD_OK;
	return code;
}

static enum bd_code feed_embedded(struct bd_map *map, struct bd_bytes text, struct bd_diag *diag)
{
	struct bd_decoder *decoder = map->embedded[map->inside++];
	enum bd_code code = decoder->ops->feed(decoder, text, diag);

	map->inside--;
	return code;
}

/* The first text of an element that holds a document; blanks before it would hide an XML
 * declaration. */
static enum bd_code begin_embedded(struct bd_map *map, size_t embedded, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	enum bd_code code;

	while (text.len > 0 && is_blank((struct bd_bytes){ text.ptr, 1 })) {
		text.ptr++;
		text.len--;
	}
	if (text.len == 0) {
		return BD_OK;
	}
	code = open_embedded(map, embedded, place, diag);
	return code == BD_OK ? feed_embedded(map, text, diag) : code;
}

static enum bd_code end_embedded(struct bd_map *map, struct bd_diag *diag)
{
	struct bd_decoder *decoder = map->embedded[map->inside++];
	enum bd_code code = decoder->ops->end(decoder, diag);

	map->inside--;
	map->embedded_count--;
	decoder->ops->free(decoder);
	return code;
}

/* -- events -- */

static enum bd_code meet(
	struct bd_map *map, struct frame *frame, enum bd_node node, struct bd_diag *diag)
{
	for (const struct bd_path_role *role = frame->path->roles; role != NULL;
		role = role->next) {
		switch (role->kind) {
		case BD_PATH_FOREIGN:
			return bd_fail_at(diag, BD_MESSAGE_KIND, frame->place, "%s", "");
		case BD_PATH_ROOT:
			map->is_root_seen = true;
			break;
		case BD_PATH_GROUP:
			map->sections[role->section].is_group_seen = true;
			break;
		case BD_PATH_RECORD:
			if (node != BD_NODE_ARRAY) {
				begin_record(map, &map->sections[role->section], frame->place);
				frame->opens_record = true;
			}
			break;
		default:
			break;
		}
	}
	return BD_OK;
}

static enum bd_code on_enter(struct bd_listener *listener, enum bd_node node, struct bd_bytes name,
	struct bd_place place, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct frame *parent = &map->frames[map->depth], *frame;

	if (is_embedded_open(map)) {
		return bd_fail_at(
			diag, BD_ENVELOPE_MISSING, place, "an element beside an embedded document");
	}
	if (map->depth + 1 == FRAMES_MAX) {
		return bd_fail_at(diag, BD_LIMIT_DEPTH, place, "%s", "");
	}
	parent->has_children = true;
	frame = &map->frames[++map->depth];
	*frame = (struct frame){
		.path = parent->path, .is_quiet = parent->is_quiet, .place = place
	};
	bd_buf_clear(&map->text);
	map->is_text_too_long = false;
	if (name.len > 0 && parent->path != NULL) {
		frame->path = bd_path_step(parent->path, name);
		if (frame->path == NULL && !frame->is_quiet) {
			frame->is_quiet = true;
			if (name.ptr[0] != '@') {
				meet_unknown(map, name, place);
			}
		}
	}
	if (frame->path == NULL) {
		return BD_OK;
	}
	frame->is_quiet |= bd_path_role(frame->path, BD_PATH_IGNORED) != NULL;
	/* An array's path is met once, its items meet the record. */
	return meet(map, frame, node, diag);
}

static enum bd_code on_text(struct bd_listener *listener, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	const struct frame *frame = &map->frames[map->depth];
	const struct bd_path_role *embedded;

	if (is_embedded_open(map)) {
		return feed_embedded(map, text, diag);
	}
	if (frame->path == NULL) {
		return BD_OK;
	}
	embedded = bd_path_role(frame->path, BD_PATH_EMBEDDED);
	if (embedded != NULL) {
		return begin_embedded(map, embedded->slot, text, place, diag);
	}
	if (frame->path->has_text && !map->is_text_too_long &&
		bd_buf_add(&map->text, text) != BD_OK) {
		map->is_text_too_long = true;
	}
	return BD_OK;
}

/* null says nothing: a section that is null was not told. */
static enum bd_code on_null(
	struct bd_listener *listener, struct bd_place place, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct frame *frame = &map->frames[map->depth];

	(void)place;
	(void)diag;
	frame->is_null = true;
	for (const struct bd_path_role *role = frame->path != NULL ? frame->path->roles : NULL;
		role != NULL; role = role->next) {
		struct section *section = &map->sections[role->section];

		if (role->kind == BD_PATH_GROUP) {
			section->is_group_seen = false;
		} else if (role->kind == BD_PATH_RECORD && section->is_open) {
			section->is_open = false;
			map->open_sections--;
			map->result.received--;
			frame->opens_record = false;
		}
	}
	return BD_OK;
}

static enum bd_code set_values(struct bd_map *map, const struct frame *frame, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (const struct bd_path_role *role = frame->path->roles; role != NULL && code == BD_OK;
		role = role->next) {
		struct section *section = &map->sections[role->section];

		if (role->kind == BD_PATH_SLOT) {
			code = set_section_slot(map, role, frame, diag);
		} else if (role->kind == BD_PATH_MESSAGE_SLOT) {
			code = set_message_slot(map, role->slot, frame, diag);
		} else if (role->kind == BD_PATH_SECTION_SHARED) {
			code = set_slot(
				map, &section->shared[role->slot], &map->arena, frame, diag);
		} else if (role->kind == BD_PATH_PIVOT_CODE || role->kind == BD_PATH_PIVOT_VALUE) {
			code = keep_pivot(map, role, frame, diag);
		}
	}
	return code;
}

static enum bd_code on_leave(
	struct bd_listener *listener, struct bd_place place, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct frame *frame = &map->frames[map->depth];
	enum bd_code code = BD_OK;

	(void)place;
	if (is_embedded_open(map)) {
		code = end_embedded(map, diag);
		if (code != BD_OK) {
			return code;
		}
	}
	if (frame->path != NULL) {
		if (frame->path->has_text && !frame->has_children) {
			code = set_values(map, frame, diag);
		}
		for (const struct bd_path_role *role = frame->path->roles;
			role != NULL && code == BD_OK; role = role->next) {
			if (role->kind == BD_PATH_PIVOT_GROUP && !frame->is_null) {
				end_pivot(map, &map->sections[role->section], frame);
			}
		}
		for (const struct bd_path_role *role = frame->path->roles;
			frame->opens_record && role != NULL && code == BD_OK; role = role->next) {
			if (role->kind == BD_PATH_RECORD && map->sections[role->section].is_open) {
				code = end_record(map, &map->sections[role->section], diag);
			}
		}
	}
	map->depth--;
	bd_buf_clear(&map->text);
	return code;
}

static enum bd_code on_bad_row(struct bd_listener *listener, const struct bd_diag *why,
	struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct section *section = &map->sections[0];
	struct bd_reject reject = { .index = map->result.received++,
		.section = section->plan->name,
		.diag = *why,
		.entities = section->plan->covers,
		.entity_count = section->plan->cover_count,
		.order_kind = map->settings.feed->order_kind,
		.order = { map->settings.feed->rank, 0 },
		.raw = raw };

	section->has_reject = true;
	section->is_group_seen = true;
	return give_reject(map, &reject, diag);
}

static const struct bd_listener_ops listener_ops = { on_enter, on_text, on_null, on_leave,
	on_bad_row };

/* -- begin and end -- */

static bool open_sections(struct bd_map *map)
{
	const struct bd_feed_plan *feed = map->settings.feed;

	map->sections = bd_arena_alloc(&map->arena, feed->section_count, sizeof(*map->sections));
	map->message_slots =
		bd_arena_alloc(&map->arena, feed->message_slot_count, sizeof(*map->message_slots));
	map->message_conflicts = bd_arena_alloc(
		&map->arena, feed->message_slot_count, sizeof(*map->message_conflicts));
	map->root = bd_path_tree(feed, &map->arena);
	if (map->sections == NULL || map->message_slots == NULL || map->message_conflicts == NULL ||
		map->root == NULL) {
		return false;
	}
	for (size_t i = 0; i < feed->section_count; i++) {
		struct section *section = &map->sections[i];

		section->plan = &feed->sections[i];
		section->slots = bd_arena_alloc(
			&map->arena, section->plan->slot_count, sizeof(*section->slots));
		section->shared = bd_arena_alloc(
			&map->arena, section->plan->slot_count, sizeof(*section->shared));
		section->pivot_code = (struct bd_bytes){ "", 0 };
		section->pivot_value = (struct bd_bytes){ "", 0 };
		if (section->slots == NULL || section->shared == NULL) {
			return false;
		}
	}
	return true;
}

enum bd_code bd_map_new(struct bd_map **out, const struct bd_intake_settings *settings,
	struct bd_intake_sink *sink, struct bd_diag *diag)
{
	struct bd_map *map = calloc(1, sizeof(*map));

	if (map == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	map->listener.ops = &listener_ops;
	map->settings = *settings;
	map->sink = sink;
	map->context =
		(struct bd_normalize_context){ settings->dict, settings->plan, settings->now_ms };
	bd_buf_init(&map->text, BD_FIELD_MAX_BYTES);
	bd_arena_init(&map->arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_arena_init(&map->record_arena, BD_RECORD_ARENA_MAX_BYTES);
	if (!open_sections(map)) {
		bd_map_free(map);
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	map->frames[0].path = map->root;
	*out = map;
	return BD_OK;
}

void bd_map_free(struct bd_map *map)
{
	if (map == NULL) {
		return;
	}
	while (map->embedded_count > 0) {
		struct bd_decoder *decoder = map->embedded[--map->embedded_count];

		decoder->ops->free(decoder);
	}
	bd_buf_release(&map->text);
	bd_arena_release(&map->arena);
	bd_arena_release(&map->record_arena);
	free(map);
}

struct bd_listener *bd_map_listener(struct bd_map *map)
{
	return &map->listener;
}

static enum bd_code check_envelope(const struct bd_map *map, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;

	if (feed->root != NULL && !map->is_root_seen) {
		bd_fail(diag, BD_ENVELOPE_MISSING, "%s", "");
		bd_diag_set_path(diag, feed->root);
		return BD_ENVELOPE_MISSING;
	}
	for (size_t i = 0; i < feed->success_count; i++) {
		const struct bd_slot_plan *slot = &feed->message_slots[feed->success[i].slot];

		if (feed->success[i].is_required &&
			map->message_slots[feed->success[i].slot].state == BD_SLOT_MISSING) {
			bd_fail(diag, BD_ENVELOPE_MISSING,
				"nothing says whether the source succeeded");
			bd_diag_set_path(diag, slot->path);
			bd_diag_set_field(diag, slot->name);
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

/* All that a section of a reply says has been said: what it did not name is no more. Not where a
 * record was refused: silence about that one is ours, not the source's. */
static enum bd_code close_section(
	struct bd_map *map, const struct section *section, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	struct bd_record record = { .index = map->result.received,
		.section = section->plan->name,
		.action = BD_ACTION_SECTION,
		.is_message_subject = true,
		.order_kind = feed->order_kind,
		.is_message_order = feed->order_kind != BD_ORDER_RECEIPT,
		.order = { feed->rank, 0 } };
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < section->plan->cover_count && code == BD_OK; i++) {
		record.entity = section->plan->covers[i];
		map->result.records++;
		code = map->sink->ops->on_record(map->sink, &record, diag);
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
		const struct section *section = &map->sections[i];

		/* A table that came is there, also when it has no row. */
		if (section->is_group_seen || feed->column_count > 0) {
			names[map->result.section_count++] = section->plan->name;
		}
		if (feed->kind == BD_FEED_REPLY && section->is_group_seen && !section->has_reject &&
			map->result.subject_count > 0) {
			code = close_section(map, section, diag);
		}
	}
	map->result.sections = names;
	map->result.unmapped = map->unmapped;
	*result = &map->result;
	return code;
}
