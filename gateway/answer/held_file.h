/* held_file.h - what departments hold of some subjects, written down as JSON: of a case beside a
 * matter (case_file.h), and of the sandbox identities (schemas/sandbox.json).
 *
 * Layer: answer. Pure. A list of:
 *
 *   {"of": {"entity", "id_type", "id_no" | "uscc" ...},
 *    "status": "found" | "no_subject" | "ambiguous" | "withheld",
 *    "disputed": false | true | [{"source", "entity", "field": left out = all of it}],
 *    "statements": [{"source", "entity", "section", "row", "as_of", "received", "rank",
 *                    "other": {a subject}, "inverse", "blocked",
 *                    "values": {"field": "normal form" | null (stated as none) |
 *                               {"unmapped": "native code"} | {"placeholder": "text"} |
 *                               ["one", "another"] (a conflict)}}],
 *    "coverage": [{"source", "entity", "state": "none" | "gap" | "subject" | "feed", "through",
 *                  "blocked"}]}
 *
 * received and through default to as_of and now, as_of to now; section to the entity; rank to 10;
 * row to one of its own, or of an entity that has one row a source to that one; status to found
 * where there are statements, else to no_subject. A time is RFC 3339 or a day.
 */
#ifndef BD_ANSWER_HELD_FILE_H
#define BD_ANSWER_HELD_FILE_H

#include "answer/question.h"

struct bd_held_item;
struct bd_held_file {
	const struct bd_dictionary *dict;
	struct bd_held_item *items;
	size_t count;
};

struct bd_held_reading {
	const struct bd_dictionary *dict;
	int64_t now_ms;
	struct bd_faults *faults;
};

/* Everything lives in the arena of the faults; what is wrong is added to them. list NULL = empty.
 */
void bd_held_file_read(struct bd_held_file *out, const struct bd_json *list,
	const struct bd_held_reading *reading);
/* By any of the identifiers; NULL when none is written down. Borrowed from the file. */
struct bd_held *bd_held_file_find(
	const struct bd_held_file *file, const struct bd_identifier *identifiers, size_t count);

/* -- members of such files -- */

/* The text of a member; `normal` where it is left out. */
const char *bd_held_text(const struct bd_held_reading *reading, const struct bd_json *node,
	const char *name, const char *normal);
bool bd_held_flag(const struct bd_json *node, const char *name);
int64_t bd_held_time(const struct bd_held_reading *reading, const struct bd_json *node,
	const char *name, int64_t normal, const char *pointer);

#endif
