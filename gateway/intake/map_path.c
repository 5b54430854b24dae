#include "intake/map_path.h"

#include <string.h>

struct bd_path *bd_path_step(struct bd_path *path, struct bd_bytes name)
{
	struct bd_path *child = path->hint;

	if (child == NULL || !bd_bytes_equal(child->name, name)) {
		for (child = path->first; child != NULL; child = child->next) {
			if (bd_bytes_equal(child->name, name)) {
				break;
			}
		}
	}
	path->hint = child != NULL ? child->next : NULL;
	return child;
}

const struct bd_path_role *bd_path_role(const struct bd_path *path, enum bd_path_role_kind kind)
{
	const struct bd_path_role *role = path->roles;

	while (role != NULL && role->kind != kind) {
		role = role->next;
	}
	return role;
}

/* The child of this name, made if it is not there; behind the others, so that hints follow the
 * layout. */
static struct bd_path *grow(struct bd_path *path, struct bd_bytes name, struct bd_arena *arena)
{
	struct bd_path **link = &path->first;

	while (*link != NULL && !bd_bytes_equal((*link)->name, name)) {
		link = &(*link)->next;
	}
	if (*link == NULL) {
		*link = bd_arena_alloc(arena, 1, sizeof(**link));
		if (*link != NULL) {
			(*link)->name = name;
		}
	}
	return *link;
}

/* The end of "a/b/c" from here; an empty text is here. */
static struct bd_path *reach(struct bd_path *path, const char *text, struct bd_arena *arena)
{
	while (path != NULL && text != NULL && *text != '\0') {
		size_t len = strcspn(text, "/");

		path = len > 0 ? grow(path, (struct bd_bytes){ text, len }, arena) : path;
		text += len + (text[len] == '/');
	}
	return path;
}

static bool add_role(struct bd_path *path, enum bd_path_role_kind kind, size_t section, size_t slot,
	struct bd_arena *arena)
{
	struct bd_path_role *role = path == NULL ? NULL : bd_arena_alloc(arena, 1, sizeof(*role));

	if (role == NULL) {
		return false;
	}
	*role = (struct bd_path_role){ kind, (uint16_t)section, (uint16_t)slot, path->roles };
	path->roles = role;
	path->has_text |= kind == BD_PATH_SLOT || kind == BD_PATH_SECTION_SHARED ||
			  kind == BD_PATH_MESSAGE_SLOT || kind == BD_PATH_PIVOT_CODE ||
			  kind == BD_PATH_PIVOT_VALUE;
	return true;
}

static bool add_section(
	struct bd_path *root, const struct bd_feed_plan *feed, size_t index, struct bd_arena *arena)
{
	const struct bd_section_plan *section = &feed->sections[index];
	struct bd_path *record = reach(root, section->path, arena);
	bool is_good =
		add_role(record, BD_PATH_RECORD, index, 0, arena) &&
		add_role(reach(root, section->group_path, arena), BD_PATH_GROUP, index, 0, arena);

	for (size_t i = 0; i < section->slot_count && is_good; i++) {
		const struct bd_slot_plan *slot = &section->slots[i];

		if (slot->is_message) {
			is_good = add_role(reach(root, slot->path, arena), BD_PATH_SECTION_SHARED,
				index, i, arena);
		} else if (slot->pivot == NULL) {
			is_good = add_role(
				reach(record, slot->path, arena), BD_PATH_SLOT, index, i, arena);
		}
	}
	for (size_t i = 0; i < section->ignored_count && is_good; i++) {
		is_good = add_role(reach(record, section->ignored[i], arena), BD_PATH_IGNORED,
			index, 0, arena);
	}
	if (section->pivot_path != NULL && is_good) {
		struct bd_path *group = reach(record, section->pivot_path, arena);

		is_good = add_role(group, BD_PATH_PIVOT_GROUP, index, 0, arena) &&
			  add_role(reach(group, section->pivot_code, arena), BD_PATH_PIVOT_CODE,
				  index, 0, arena) &&
			  add_role(reach(group, section->pivot_value, arena), BD_PATH_PIVOT_VALUE,
				  index, 0, arena);
	}
	return is_good;
}

struct bd_path *bd_path_tree(const struct bd_feed_plan *feed, struct bd_arena *arena)
{
	struct bd_path *root = bd_arena_alloc(arena, 1, sizeof(*root));
	bool is_good = root != NULL;

	for (size_t i = 0; i < feed->section_count && is_good; i++) {
		is_good = add_section(root, feed, i, arena);
	}
	for (size_t i = 0; i < feed->message_slot_count && is_good; i++) {
		is_good = add_role(reach(root, feed->message_slots[i].path, arena),
			BD_PATH_MESSAGE_SLOT, 0, i, arena);
	}
	for (size_t i = 0; i < feed->embedded_count && is_good; i++) {
		is_good = add_role(
			reach(root, feed->embedded[i].path, arena), BD_PATH_EMBEDDED, 0, i, arena);
	}
	for (size_t i = 0; i < feed->foreign_count && is_good; i++) {
		is_good = add_role(
			reach(root, feed->foreign[i], arena), BD_PATH_FOREIGN, 0, 0, arena);
	}
	if (feed->root != NULL && is_good) {
		is_good = add_role(reach(root, feed->root, arena), BD_PATH_ROOT, 0, 0, arena);
	}
	return is_good ? root : NULL;
}
