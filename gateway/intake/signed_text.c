#include "intake/signed_text.h"

#include "base/json.h"
#include "base/try.h"

#include <string.h>

/* -- finding -- */

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

/* The value that a path leads to, from member to member; NULL = it is not there. */
static const struct bd_json *value_at(const struct bd_json *node, const char *path)
{
	for (size_t len; node != NULL && *path != '\0'; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		node = bd_json_find(node, (struct bd_bytes){ path, len });
	}
	return node;
}

/* Where a text that begins with this quote ends; the parser has found it to be one. */
static size_t text_end(struct bd_bytes message, size_t at)
{
	for (at++; at < message.len && message.ptr[at] != '"'; at++) {
		at += message.ptr[at] == '\\';
	}
	return at + 1;
}

/* The same of an object or array. */
static size_t container_end(struct bd_bytes message, size_t at)
{
	size_t depth = 0;

	while (at < message.len) {
		char byte = message.ptr[at];

		at = byte == '"' ? text_end(message, at) : at + 1;
		depth += byte == '{' || byte == '[';
		depth -= byte == '}' || byte == ']';
		if (depth == 0) {
			break;
		}
	}
	return at;
}

static size_t value_end(struct bd_bytes message, const struct bd_json *value)
{
	size_t at = (size_t)value->place.offset;

	switch (value->type) {
	case BD_JSON_IS_OBJECT:
	case BD_JSON_IS_ARRAY:
		return container_end(message, at);
	case BD_JSON_IS_TEXT:
		return text_end(message, at);
	case BD_JSON_IS_NULL:
		return at + 4;
	case BD_JSON_IS_NUMBER:
	case BD_JSON_IS_BOOL:
		break;
	}
	return at + value->text.len;
}

static enum bd_code take_value(
	struct bd_member *member, struct bd_bytes message, const struct bd_json *value)
{
	size_t at = (size_t)value->place.offset, end = value_end(message, value);

	if (end > message.len) {
		return BD_INTERNAL;
	}
	member->raw = (struct bd_bytes){ message.ptr + at, end - at };
	member->is_text = value->type == BD_JSON_IS_TEXT;
	member->text = member->is_text ? value->text : member->raw;
	member->text.len = value->type == BD_JSON_IS_NULL ? 0 : member->text.len;
	member->place = value->place;
	return BD_OK;
}

enum bd_code bd_members_find(struct bd_members *members, struct bd_bytes message,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, message, arena, diag);

	for (size_t i = 0; i < members->count && code == BD_OK; i++) {
		const struct bd_json *value = value_at(root, members->items[i].path);

		code = value != NULL ? take_value(&members->items[i], message, value) : BD_OK;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
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
