/* reply.h - an answer of our own gateway as a tree, and the tree as text for a person.
 *
 * Layer: cli. A tree suits here and only here: answers are ours, bounded (transport.h) and shown
 * whole. What outsiders send is never read this way.
 */
#ifndef BD_CLI_REPLY_H
#define BD_CLI_REPLY_H

#include "base/arena.h"
#include "base/diag.h"

#include <stdio.h>

enum bd_reply_kind { BD_REPLY_SCALAR = 1, BD_REPLY_TEXT, BD_REPLY_ARRAY, BD_REPLY_OBJECT };

struct bd_reply {
	enum bd_reply_kind kind;
	struct bd_bytes name; /* in its object; empty in an array */
	struct bd_bytes
		text; /* of a text, unescaped; of a number, true, false or null, as it stands */
	struct bd_reply *first, *next;
};

/* Reads one JSON value that fills `json` (white space around it). The tree lives in the arena and
 * borrows from json. */
enum bd_code bd_reply_read(const struct bd_reply **out, struct bd_bytes json,
	struct bd_arena *arena, struct bd_diag *diag);
/* Member of an object, NULL when there is none (or when reply is NULL or no object). */
const struct bd_reply *bd_reply_find(const struct bd_reply *reply, const char *name);
/* Text of a member, "" when there is none. */
struct bd_bytes bd_reply_text(const struct bd_reply *reply, const char *name);

/* One line a member; an array of objects as a table with aligned columns. Control characters are
 * shown as
 * '?', so an answer cannot steer the terminal. */
void bd_reply_show(FILE *out, const struct bd_reply *reply, int indent);

#endif
