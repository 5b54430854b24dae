/* json.h - strict streaming JSON reader (RFC 8259), and a tree for small questions.
 *
 * Layer: base. UTF-8 without BOM, depth <= BD_DEPTH_MAX, duplicate keys refused (compared after
 * unescaping), numbers kept as text, lone surrogates refused, one text to a key or value <=
 * BD_FIELD_MAX_BYTES, nothing but blanks behind the value. Errors: BD_JSON_SYNTAX,
 * BD_JSON_DUPLICATE, BD_TEXT_ENCODING, BD_LIMIT_DEPTH, BD_LIMIT_BYTES, BD_MESSAGE_TRUNCATED,
 * BD_MESSAGE_EMPTY, BD_NO_MEMORY; the diag has offset, line and column.
 */
#ifndef BD_BASE_JSON_H
#define BD_BASE_JSON_H

#include "base/arena.h"
#include "base/diag.h"

enum bd_json_event {
	BD_JSON_OBJECT_BEGIN = 1,
	BD_JSON_OBJECT_END,
	BD_JSON_ARRAY_BEGIN,
	BD_JSON_ARRAY_END,
	BD_JSON_KEY,
	BD_JSON_TEXT,
	BD_JSON_NUMBER, /* text as written */
	BD_JSON_TRUE,
	BD_JSON_FALSE,
	BD_JSON_NULL
};

struct bd_json_handler;
/* text lives until the call returns; anything but BD_OK stops the parser and is what feed returns.
 */
typedef enum bd_code bd_json_on_event(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag);
/* Embed it in your own struct and get that back by container_of. */
struct bd_json_handler {
	bd_json_on_event *on_event;
};

struct bd_json_parser;

enum bd_code bd_json_new(struct bd_json_parser **out, struct bd_json_handler *handler);
void bd_json_free(struct bd_json_parser *parser);
/* One text may be as long as this, instead of BD_FIELD_MAX_BYTES. */
void bd_json_allow(struct bd_json_parser *parser, size_t text_max);
/* Any cut of the input gives the same events. After an error every call gives that error. */
enum bd_code bd_json_feed(
	struct bd_json_parser *parser, struct bd_bytes bytes, struct bd_diag *diag);
enum bd_code bd_json_end(struct bd_json_parser *parser, struct bd_diag *diag);
/* Where the next byte will stand. */
struct bd_place bd_json_place(const struct bd_json_parser *parser);

/* -- tree -----------------------------------------------------------------------------------------
 */
enum bd_json_type {
	BD_JSON_IS_OBJECT = 1,
	BD_JSON_IS_ARRAY,
	BD_JSON_IS_TEXT,
	BD_JSON_IS_NUMBER,
	BD_JSON_IS_BOOL,
	BD_JSON_IS_NULL
};

struct bd_json {
	enum bd_json_type type;
	struct bd_bytes key;          /* empty unless a member */
	struct bd_bytes text;         /* text, number as written, "true" or "false" */
	struct bd_json *first, *next; /* children of objects and arrays, in their order */
	size_t count;                 /* of children */
	struct bd_place place;
};

/* Lives in the arena; a NUL stands behind every text and key. */
enum bd_code bd_json_parse(
	struct bd_json **out, struct bd_bytes bytes, struct bd_arena *arena, struct bd_diag *diag);
/* The same of an answer that we asked for: one text may be as long as the whole. */
enum bd_code bd_json_parse_answer(
	struct bd_json **out, struct bd_bytes bytes, struct bd_arena *arena, struct bd_diag *diag);
/* NULL when node is NULL, no object, or has no such member. */
const struct bd_json *bd_json_find(const struct bd_json *node, struct bd_bytes key);

/* Here, so that the length of a key that is written out is known when compiling. */
static inline const struct bd_json *bd_json_get(const struct bd_json *node, const char *key)
{
	return bd_json_find(node, bd_bytes_of(key));
}

#endif
