/* map_path.h - every path that a feed's plan speaks of, as one tree that is walked step by step
 * with the message.
 *
 * Layer: intake, private to map.c. Read-only but for the look-up hint, so it may
 * serve one message after the other.
 */
#ifndef BD_INTAKE_MAP_PATH_H
#define BD_INTAKE_MAP_PATH_H

#include "base/arena.h"
#include "intake/plan.h"

enum bd_path_role_kind {
	BD_PATH_RECORD = 1,     /* of a section */
	BD_PATH_GROUP,          /* of a section */
	BD_PATH_SLOT,           /* section, slot */
	BD_PATH_SECTION_SHARED, /* section, slot: of the envelope, shared by its records */
	BD_PATH_PIVOT_GROUP,    /* section */
	BD_PATH_PIVOT_CODE,     /* section */
	BD_PATH_PIVOT_VALUE,    /* section */
	BD_PATH_IGNORED,
	BD_PATH_MESSAGE_SLOT, /* slot */
	BD_PATH_EMBEDDED,     /* slot = index of the embedded plan */
	BD_PATH_ROOT,
	BD_PATH_FOREIGN
};

struct bd_path_role {
	enum bd_path_role_kind kind;
	uint16_t section, slot;
	struct bd_path_role *next;
};

struct bd_path {
	struct bd_bytes name;
	struct bd_path *first, *next; /* children */
	struct bd_path *hint;         /* child to be tried first: the one behind the last found */
	struct bd_path_role *roles;
	bool has_text; /* some role wants the text */
};

/* NULL when the arena is full. */
struct bd_path *bd_path_tree(const struct bd_feed_plan *feed, struct bd_arena *arena);
/* NULL when no path goes that way. */
struct bd_path *bd_path_step(struct bd_path *path, struct bd_bytes name);
const struct bd_path_role *bd_path_role(const struct bd_path *path, enum bd_path_role_kind kind);

#endif
