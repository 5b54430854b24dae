#include "intake/signed_text.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/try.h"

#include <stddef.h>
#include <string.h>

/* -- finding -- */

/* What is open, as a path; an array is a step that no path has. */
struct finder {
	struct bd_json_handler handler;
	struct bd_members *members;
	struct bd_bytes message;
	struct bd_arena *arena;
	struct bd_bytes keys[BD_DEPTH_MAX + 1]; /* of the member that is open at each depth */
	bool is_array[BD_DEPTH_MAX + 1];
	struct bd_member *open[BD_DEPTH_MAX + 1]; /* whose value is the container at this depth */
	size_t depth;
};

static bool want(struct bd_members *members, const char *path)
{
	if (path == NULL || bd_members_get(members, path) != NULL) {
		return true;
	}
	if (members->count == BD_MEMBERS_MAX) {
		return false;
	}
	members->items[members->count++] = (struct bd_member){ .path = path };
	return true;
}

bool bd_members_want(struct bd_members *members, const struct bd_feed_plan *feed)
{
	bool is_good = true;

	members->count = 0;
	for (size_t i = 0; i < feed->sealed_count && is_good; i++) {
		const struct bd_sealed_plan *sealed = &feed->sealed[i];

		is_good = want(members, sealed->path) && want(members, sealed->key.path) &&
			  want(members, sealed->stated.path) && want(members, sealed->iv_path);
	}
	for (size_t i = 0; i < feed->signature_count && is_good; i++) {
		const struct bd_signed_plan *one = &feed->signature[i];

		is_good = want(members, one->path) && want(members, one->key.path) &&
			  want(members, one->stated.path);
		for (size_t p = 0; p < one->part_count && is_good; p++) {
			is_good = want(members, one->parts[p].path);
		}
	}
	return is_good;
}

const struct bd_member *bd_members_get(const struct bd_members *members, const char *path)
{
	for (size_t i = 0; i < members->count; i++) {
		if (strcmp(members->items[i].path, path) == 0) {
			return &members->items[i];
		}
	}
	return NULL;
}

/* Does the path that is open lead to this one? */
static bool is_at(const struct finder *finder, const char *path)
{
	for (size_t i = 0; i < finder->depth; i++) {
		size_t len = strcspn(path, "/");
		bool is_last = i + 1 == finder->depth;

		if (finder->is_array[i] ||
			!bd_bytes_equal(finder->keys[i], (struct bd_bytes){ path, len }) ||
			is_last != (path[len] == '\0')) {
			return false;
		}
		path += len + (path[len] == '/');
	}
	return finder->depth > 0;
}

static struct bd_member *wanted_here(struct finder *finder)
{
	for (size_t i = 0; i < finder->members->count; i++) {
		if (is_at(finder, finder->members->items[i].path)) {
			return &finder->members->items[i];
		}
	}
	return NULL;
}

/* Where a text that begins with this quote ends; the parser has found it to be one. */
static size_t text_end(struct bd_bytes message, size_t at)
{
	for (at++; at < message.len && message.ptr[at] != '"'; at++) {
		at += message.ptr[at] == '\\';
	}
	return at + 1;
}

static enum bd_code take_scalar(struct finder *finder, struct bd_member *member,
	enum bd_json_event event, struct bd_bytes text, struct bd_place place)
{
	size_t at = (size_t)place.offset, end = at + (event == BD_JSON_NULL ? 4 : text.len);

	if (event == BD_JSON_TEXT) {
		end = text_end(finder->message, at);
	} else if (event == BD_JSON_TRUE || event == BD_JSON_FALSE) {
		end = at + (event == BD_JSON_TRUE ? 4 : 5);
	}
	if (end > finder->message.len) {
		return BD_INTERNAL;
	}
	member->raw = (struct bd_bytes){ finder->message.ptr + at, end - at };
	member->is_text = event == BD_JSON_TEXT;
	member->text = member->raw;
	member->place = place;
	if (event == BD_JSON_NULL) {
		member->text.len = 0;
	} else if (event == BD_JSON_TEXT) {
		member->text = bd_arena_copy(finder->arena, text);
		return member->text.ptr != NULL ? BD_OK : bd_arena_code(finder->arena);
	}
	return BD_OK;
}

static enum bd_code on_event(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag)
{
	struct finder *finder =
		(struct finder *)(void *)((char *)handler - offsetof(struct finder, handler));
	size_t at = (size_t)place.offset;
	struct bd_member *member;
	enum bd_code code = BD_OK;

	switch (event) {
	case BD_JSON_KEY:
		finder->keys[finder->depth - 1] = bd_arena_copy(finder->arena, text);
		if (finder->keys[finder->depth - 1].ptr == NULL) {
			code = bd_arena_code(finder->arena);
		}
		break;
	case BD_JSON_OBJECT_BEGIN:
	case BD_JSON_ARRAY_BEGIN:
		member = wanted_here(finder);
		if (member != NULL) {
			member->raw.ptr = finder->message.ptr + at;
			member->place = place;
		}
		finder->open[finder->depth] = member;
		finder->keys[finder->depth] = (struct bd_bytes){ "", 0 };
		finder->is_array[finder->depth++] = event == BD_JSON_ARRAY_BEGIN;
		break;
	case BD_JSON_OBJECT_END:
	case BD_JSON_ARRAY_END:
		member = finder->open[--finder->depth];
		if (member != NULL) {
			member->raw.len = (size_t)(finder->message.ptr + at + 1 - member->raw.ptr);
			member->text = member->raw;
		}
		break;
	case BD_JSON_TEXT:
	case BD_JSON_NUMBER:
	case BD_JSON_TRUE:
	case BD_JSON_FALSE:
	case BD_JSON_NULL:
		member = wanted_here(finder);
		code = member != NULL ? take_scalar(finder, member, event, text, place) : BD_OK;
		break;
	}
	return code == BD_OK ? BD_OK : bd_fail_at(diag, code, place, "%s", "");
}

enum bd_code bd_members_find(struct bd_members *members, struct bd_bytes message,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct finder finder = {
		.handler = { on_event }, .members = members, .message = message, .arena = arena
	};
	struct bd_json_parser *parser = NULL;
	enum bd_code code = bd_json_new(&parser, &finder.handler);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	code = bd_json_feed(parser, message, diag);
	code = code == BD_OK ? bd_json_end(parser, diag) : code;
	bd_json_free(parser);
	return code;
}

/* -- the text -- */

static enum bd_code add_name(
	struct bd_buf *out, const struct bd_signed_plan *plan, const char *name, bool is_first)
{
	BD_TRY(bd_buf_add_text(out, is_first ? "" : plan->join));
	if (plan->is_paired && name != NULL) {
		BD_TRY(bd_buf_add_text(out, name));
		BD_TRY(bd_buf_add_byte(out, '='));
	}
	return BD_OK;
}

enum bd_code bd_signed_text(struct bd_buf *before, struct bd_buf *after,
	const struct bd_signed_plan *plan, const struct bd_members *members, const char *opened)
{
	struct bd_buf *out = before;
	bool is_first = true;

	for (size_t i = 0; i < plan->part_count; i++) {
		const struct bd_signed_part *part = &plan->parts[i];
		const struct bd_member *member = bd_members_get(members, part->path);
		bool is_opened = opened != NULL && strcmp(part->path, opened) == 0;

		if (member->text.len == 0 && plan->skips_empty && !is_opened) {
			continue;
		}
		BD_TRY(add_name(out, plan, part->name, is_first));
		is_first = false;
		if (is_opened) {
			out = after;
		} else {
			BD_TRY(bd_buf_add(out, member->text));
		}
	}
	return plan->secret == NULL ? BD_OK : add_name(out, plan, plan->secret_name, is_first);
}
