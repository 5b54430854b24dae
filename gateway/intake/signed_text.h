/* signed_text.h - the members of a message that its seal and its signature speak of, found in its
 * bytes; and the text that was signed.
 *
 * Layer: intake, private to sealed.c.
 */
#ifndef BD_INTAKE_SIGNED_TEXT_H
#define BD_INTAKE_SIGNED_TEXT_H

#include "intake/plan.h"

/* One member: how its value stands in the message, and what it says. */
struct bd_member {
	const char *path;
	struct bd_bytes raw;  /* with its quotes; of the message. Empty = it is not there */
	struct bd_bytes text; /* of a text what it says, of null nothing, else raw */
	bool is_text;
	struct bd_place place;
};

#define BD_MEMBERS_MAX 64

struct bd_members {
	struct bd_member items[BD_MEMBERS_MAX];
	size_t count;
};

/* Every path that the feed's seal and signature name. False: more than there is room for. */
bool bd_members_want(struct bd_members *members, const struct bd_feed_plan *feed);
/* Finds them; texts come from the arena. An error of JSON. */
enum bd_code bd_members_find(struct bd_members *members, struct bd_bytes message,
	struct bd_arena *arena, struct bd_diag *diag);
/* Of a path that was wanted. */
const struct bd_member *bd_members_get(const struct bd_members *members, const char *path);

/* The text up to where what is opened belongs, and what comes behind that; without such a part all
 * of it is `before`. `opened` is that member's path, NULL = none. */
enum bd_code bd_signed_text(struct bd_buf *before, struct bd_buf *after,
	const struct bd_signed_plan *plan, const struct bd_members *members, const char *opened);

#endif
