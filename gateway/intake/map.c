#include "intake/map.h"

#include "base/text.h"
#include "intake/decode.h"
#include "intake/map_state.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct bd_map *map_of(struct bd_listener *listener)
{
	return (struct bd_map *)(void *)((char *)listener - offsetof(struct bd_map, listener));
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
	const struct bd_decode_settings settings = {
		.is_text = true, .base = place, .parsers = map->settings.parsers
	};
	enum bd_code code;

	if (map->embedded_count == BD_MAP_EMBEDDED_MAX) {
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

	while (text.len > 0 && bd_text_trim((struct bd_bytes){ text.ptr, 1 }).len == 0) {
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
	/* One that fails may leave others open within it: bd_map_free ends them all, in order. */
	if (code == BD_OK) {
		map->embedded_count--;
		decoder->ops->free(decoder);
	}
	return code;
}

/* -- events -- */

static enum bd_code meet(struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag)
{
	for (const struct bd_path_role *role = frame->path->roles; role != NULL;
		role = role->next) {
		if (role->kind == BD_PATH_FOREIGN) {
			return bd_fail_at(diag, BD_MESSAGE_KIND, frame->place, "%s", "");
		}
		if (role->kind == BD_PATH_ROOT) {
			map->is_root_seen = true;
		} else if (role->kind == BD_PATH_GROUP) {
			map->sections[role->section].is_group_seen = true;
		} else if (role->kind == BD_PATH_RECORD && frame->node != BD_NODE_ARRAY) {
			/* An array is no record, its items are. */
			bd_map_begin_record(map, &map->sections[role->section], frame->place);
		}
	}
	return BD_OK;
}

static enum bd_code on_enter(struct bd_listener *listener, enum bd_node node, struct bd_bytes name,
	struct bd_place place, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct bd_map_frame *parent = &map->frames[map->depth], *frame;
	bool is_attribute = name.len > 0 && name.ptr[0] == '@';

	if (is_embedded_open(map)) {
		return bd_fail_at(
			diag, BD_ENVELOPE_MISSING, place, "an element beside an embedded document");
	}
	if (map->depth + 1 == BD_MAP_FRAMES_MAX) {
		return bd_fail_at(diag, BD_LIMIT_DEPTH, place, "%s", "");
	}
	parent->has_children |= !is_attribute;
	frame = &map->frames[++map->depth];
	*frame = (struct bd_map_frame){
		.path = parent->path, .node = node, .is_quiet = parent->is_quiet, .place = place
	};
	bd_buf_clear(&map->text);
	map->is_text_too_long = false;
	if (node != BD_NODE_ITEM || name.len > 0) {
		frame->path = parent->path != NULL ? bd_path_step(parent->path, name) : NULL;
		if (frame->path == NULL && !frame->is_quiet && !is_attribute) {
			bd_map_meet_unknown(map, parent, name, place);
		}
	}
	if (frame->path == NULL) {
		frame->is_quiet = true;
		return BD_OK;
	}
	frame->is_quiet |= bd_path_role(frame->path, BD_PATH_IGNORED) != NULL;
	return meet(map, frame, diag);
}

static enum bd_code on_text(struct bd_listener *listener, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct bd_map_frame *frame = &map->frames[map->depth];
	const struct bd_path_role *embedded;
	enum bd_code code;

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
	if (!frame->path->has_text || map->is_text_too_long) {
		frame->has_stray_text |= !frame->is_quiet && bd_text_trim(text).len > 0;
		return BD_OK;
	}
	code = bd_buf_add(&map->text, text);
	map->is_text_too_long = code == BD_LIMIT_BYTES;
	return code == BD_OK || code == BD_LIMIT_BYTES ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* A member that is null says nothing: a section that is null was not told. An item that is null
 * stands where a record should, and is refused as one. */
static enum bd_code on_null(struct bd_listener *listener, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct bd_map_frame *frame = &map->frames[map->depth];

	(void)diag;
	frame->is_null = true;
	for (const struct bd_path_role *role = frame->path != NULL ? frame->path->roles : NULL;
		role != NULL && frame->node == BD_NODE_ELEMENT; role = role->next) {
		struct bd_map_section *section = &map->sections[role->section];

		if (role->kind == BD_PATH_GROUP) {
			section->is_group_seen = false;
		} else if (role->kind == BD_PATH_RECORD && section->is_open &&
			   section->depth == map->depth) {
			bd_map_forget_record(map, section);
		}
	}
	return BD_OK;
}

/* What the element filled, then the pair, then the record that it was. */
static enum bd_code leave_path(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag)
{
	const struct bd_path *path = frame->path;
	enum bd_code code = BD_OK;

	if (path->has_text && !frame->has_children) {
		code = bd_map_set_values(map, frame, diag);
	} else if (path->has_text && frame->node != BD_NODE_ARRAY && path->first == NULL) {
		code = bd_map_refuse_values(map, frame, diag);
	} else if (!path->has_text && frame->has_stray_text && !frame->has_children) {
		code = bd_map_refuse_text(map, frame, diag);
	}
	for (const struct bd_path_role *role = path->roles; role != NULL; role = role->next) {
		if (role->kind == BD_PATH_PIVOT_GROUP && !frame->is_null &&
			frame->node != BD_NODE_ARRAY) {
			bd_map_end_pivot(map, &map->sections[role->section], frame);
		}
	}
	for (const struct bd_path_role *role = path->roles; role != NULL && code == BD_OK;
		role = role->next) {
		struct bd_map_section *section = &map->sections[role->section];

		if (role->kind == BD_PATH_RECORD && section->is_open &&
			section->depth == map->depth) {
			code = bd_map_end_record(map, section, diag);
		}
	}
	return code;
}

static enum bd_code on_leave(struct bd_listener *listener, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct bd_map_frame *frame = &map->frames[map->depth];
	enum bd_code code = BD_OK;

	if (is_embedded_open(map)) {
		code = end_embedded(map, diag);
	}
	if (code == BD_OK && frame->path != NULL) {
		code = leave_path(map, frame, diag);
	}
	map->depth--;
	bd_buf_clear(&map->text);
	return code;
}

/* Rows are of the first section: a table has one. */
static enum bd_code on_bad_row(struct bd_listener *listener, const struct bd_diag *why,
	struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_map *map = map_of(listener);
	struct bd_map_section *section = &map->sections[0];
	struct bd_reject reject = { .index = map->result.received++,
		.section = section->plan->name,
		.diag = *why,
		.order_kind = map->settings.feed->order_kind,
		.order = { map->settings.feed->rank, 0 },
		.raw = raw };

	section->is_group_seen = true;
	return bd_map_give_reject(map, section, &reject, diag);
}

static const struct bd_listener_ops listener_ops = { on_enter, on_text, on_null, on_leave,
	on_bad_row };

/* -- begin -- */

static bool open_section(
	struct bd_map_section *section, const struct bd_section_plan *plan, struct bd_arena *arena)
{
	section->plan = plan;
	section->slots = bd_arena_alloc(arena, plan->slot_count, sizeof(*section->slots));
	section->shared = bd_arena_alloc(arena, plan->slot_count, sizeof(*section->shared));
	section->present = bd_arena_alloc(arena, plan->slot_count, 1);
	section->shapes = bd_arena_alloc(arena, plan->slot_count, 1);
	section->pivot_code = (struct bd_bytes){ "", 0 };
	section->pivot_value = (struct bd_bytes){ "", 0 };
	section->entities = bd_plan_entities(&section->entity_count, plan, arena);
	return section->slots != NULL && section->shared != NULL && section->present != NULL &&
	       section->shapes != NULL && section->entities != NULL;
}

static bool open_feed(struct bd_map *map)
{
	const struct bd_feed_plan *feed = map->settings.feed;
	struct bd_arena *arena = &map->arena;
	bool is_good;

	map->sections = bd_arena_alloc(arena, feed->section_count, sizeof(*map->sections));
	map->message_slots =
		bd_arena_alloc(arena, feed->message_slot_count, sizeof(*map->message_slots));
	map->message_conflicts =
		bd_arena_alloc(arena, feed->message_slot_count, sizeof(*map->message_conflicts));
	map->frames[0].path =
		map->settings.paths != NULL ? map->settings.paths : bd_path_tree(feed, arena);
	is_good = map->sections != NULL && map->message_slots != NULL &&
		  map->message_conflicts != NULL && map->frames[0].path != NULL;
	for (size_t i = 0; i < feed->section_count && is_good; i++) {
		is_good = open_section(&map->sections[i], &feed->sections[i], arena);
	}
	return is_good;
}

enum bd_code bd_map_new(struct bd_map **out, const struct bd_intake_settings *settings,
	struct bd_intake_sink *sink, struct bd_diag *diag)
{
	struct bd_map *map = malloc(sizeof(*map));

	if (map == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	/* A short message has its own, and frames are most of it. */
	memset(map, 0, offsetof(struct bd_map, frames) + sizeof(map->frames[0]));
	map->listener.ops = &listener_ops;
	map->settings = *settings;
	map->sink = sink;
	map->context =
		(struct bd_normalize_context){ settings->dict, settings->plan, settings->now_ms };
	bd_buf_init(&map->text, BD_FIELD_MAX_BYTES);
	bd_arena_init(&map->arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_arena_init(&map->record_arena, BD_RECORD_ARENA_MAX_BYTES);
	if (!open_feed(map)) {
		enum bd_code code = bd_arena_code(&map->arena);

		bd_map_free(map);
		return bd_fail(diag, code, "the adapter's feed is too large");
	}
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
