/* json_tree.c - a whole JSON text as a tree: at once where nothing in it is unusual, else by the
 * streaming reader, which alone says what is wrong.
 */
#include "base/json.h"

#include "base/json_plain.h"
#include "base/limits.h"
#include "base/text.h"

#include <string.h>

/* -- by the streaming reader -- */

struct tree {
	struct bd_json_handler handler;
	struct bd_arena *arena;
	struct bd_json *root;
	struct bd_json *open[BD_DEPTH_MAX];
	struct bd_json *last[BD_DEPTH_MAX]; /* newest child of each */
	size_t depth;
	struct bd_bytes key;
};

static const enum bd_json_type types[] = { [BD_JSON_OBJECT_BEGIN] = BD_JSON_IS_OBJECT,
	[BD_JSON_ARRAY_BEGIN] = BD_JSON_IS_ARRAY,
	[BD_JSON_TEXT] = BD_JSON_IS_TEXT,
	[BD_JSON_NUMBER] = BD_JSON_IS_NUMBER,
	[BD_JSON_TRUE] = BD_JSON_IS_BOOL,
	[BD_JSON_FALSE] = BD_JSON_IS_BOOL,
	[BD_JSON_NULL] = BD_JSON_IS_NULL };

static void hang(struct tree *tree, struct bd_json *node)
{
	if (tree->depth == 0) {
		tree->root = node;
		return;
	}
	if (tree->last[tree->depth - 1] == NULL) {
		tree->open[tree->depth - 1]->first = node;
	} else {
		tree->last[tree->depth - 1]->next = node;
	}
	tree->last[tree->depth - 1] = node;
	tree->open[tree->depth - 1]->count++;
}

static enum bd_code on_tree_event(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag)
{
	struct tree *tree = (struct tree *)handler; /* its first member */
	struct bd_json *node;

	if (event == BD_JSON_OBJECT_END || event == BD_JSON_ARRAY_END) {
		tree->depth--;
		return BD_OK;
	}
	text = bd_arena_copy(tree->arena, text);
	if (event == BD_JSON_KEY && text.ptr != NULL) {
		tree->key = text;
		return BD_OK;
	}
	node = bd_arena_alloc(tree->arena, 1, sizeof(*node));
	if (node == NULL || text.ptr == NULL) {
		return bd_fail_at(diag, bd_arena_code(tree->arena), place, "too many values");
	}
	*node = (struct bd_json){
		.type = types[event], .key = tree->key, .text = text, .place = place
	};
	tree->key = (struct bd_bytes){ NULL, 0 };
	hang(tree, node);
	if (event == BD_JSON_OBJECT_BEGIN || event == BD_JSON_ARRAY_BEGIN) {
		tree->open[tree->depth] = node;
		tree->last[tree->depth++] = NULL;
	}
	return BD_OK;
}

static enum bd_code read_stream(struct bd_json **out, struct bd_bytes bytes, size_t text_max,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct tree tree = { .handler = { on_tree_event }, .arena = arena };
	struct bd_json_parser *parser;
	enum bd_code code = bd_json_new(&parser, &tree.handler);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bd_json_allow(parser, text_max);
	code = bd_json_feed(parser, bytes, diag);
	if (code == BD_OK) {
		code = bd_json_end(parser, diag);
	}
	bd_json_free(parser);
	if (code == BD_OK) {
		*out = tree.root;
	}
	return code;
}

/* -- at once -- */

/* Members of an object, beyond which a key is looked for by the streaming reader: here each is
 * compared with all before it. */
#define MEMBERS_MAX 24
#define NODES_AT_ONCE 16

/* A copy of the text, in which a NUL takes the place of every quote that ends a text: keys and
 * texts stay where they are. Where it has come to is handed on from one step to the next; NULL:
 * something is wrong or unusual. A byte can be looked at wherever it has come to: behind the end
 * there are NULs. */
struct plain {
	char *end, *copy;
	char *line;       /* its first byte */
	size_t followers; /* bytes of this line that are not the first of their character */
	uint32_t line_number;
	size_t text_max;
	struct bd_arena *arena;
	struct bd_json *nodes; /* not used yet */
	size_t node_count;
	struct bd_json *open[BD_DEPTH_MAX], *last[BD_DEPTH_MAX];
	size_t depth;
};

static inline char *skip_blanks(struct plain *plain, char *at)
{
	while (bd_json_is_blank(*at)) {
		if (*at++ == '\n') {
			plain->line = at;
			plain->line_number++;
			plain->followers = 0;
		}
	}
	return at;
}

static inline struct bd_place place_of(const struct plain *plain, const char *at)
{
	size_t column = (size_t)(at - plain->line) - plain->followers + 1;

	return (struct bd_place){ .offset = (uint64_t)(at - plain->copy),
		.line = plain->line_number,
		.column = (uint32_t)column };
}

/* Past the character of more than one byte that begins here; NULL: it is not UTF-8. */
static char *skip_character(struct plain *plain, char *at)
{
	struct bd_bytes rest = { at, (size_t)(plain->end - at) };
	uint32_t point;
	bool is_utf8 = true;

	if (bd_json_is_three(at)) {
		plain->followers += 2;
		return at + 3;
	}
	if (!bd_text_next(&point, &rest, &is_utf8)) {
		return NULL;
	}
	plain->followers += (size_t)(rest.ptr - at) - 1;
	return at + (rest.ptr - at);
}

/* From behind a quote to behind the next. */
static char *take_text(struct plain *plain, char *at, struct bd_bytes *text)
{
	char *begin = at;

	for (;;) {
		size_t len = bd_json_plain_len(at);

		at += len;
		if (len == BD_JSON_RUN_BYTES) {
			continue;
		}
		if (*at == '"') {
			break;
		}
		/* The NUL behind the end is one of these. */
		if (*at == '\\' || (unsigned char)*at < 0x20) {
			return NULL;
		}
		at = skip_character(plain, at);
		if (at == NULL) {
			return NULL;
		}
	}
	*at = '\0';
	*text = (struct bd_bytes){ begin, (size_t)(at - begin) };
	return text->len <= plain->text_max ? at + 1 : NULL;
}

static char *take_number(struct plain *plain, char *at, struct bd_bytes *text)
{
	struct bd_bytes number = { at, 0 };

	while (bd_json_is_number_byte(*at)) {
		at++;
		number.len++;
	}
	*text = bd_arena_copy(plain->arena, number);
	return number.len <= BD_JSON_NUMBER_MAX_BYTES && bd_json_is_number(number) &&
			       text->ptr != NULL
		       ? at
		       : NULL;
}

static char *take_literal(const struct plain *plain, char *at, const char *literal)
{
	size_t len = strlen(literal);

	return (size_t)(plain->end - at) >= len && memcmp(at, literal, len) == 0 ? at + len : NULL;
}

static inline struct bd_json *new_node(struct plain *plain)
{
	if (plain->node_count == 0) {
		plain->nodes = bd_arena_take(plain->arena, NODES_AT_ONCE, sizeof(*plain->nodes));
		if (plain->nodes == NULL) {
			return NULL;
		}
		plain->node_count = NODES_AT_ONCE;
	}
	plain->node_count--;
	return plain->nodes++;
}

static inline char *open_node(
	struct plain *plain, char *at, struct bd_json *node, enum bd_json_type type)
{
	if (plain->depth == BD_DEPTH_MAX) {
		return NULL;
	}
	node->type = type;
	plain->open[plain->depth] = node;
	plain->last[plain->depth++] = NULL;
	return at + 1;
}

/* What stands here, but for what stands inside of it. */
static inline char *take_value(struct plain *plain, char *at, struct bd_json *node)
{
	switch (*at) {
	case '"':
		node->type = BD_JSON_IS_TEXT;
		return take_text(plain, at + 1, &node->text);
	case '{':
		return open_node(plain, at, node, BD_JSON_IS_OBJECT);
	case '[':
		return open_node(plain, at, node, BD_JSON_IS_ARRAY);
	case 't':
		node->type = BD_JSON_IS_BOOL;
		node->text = (struct bd_bytes){ "true", 4 };
		return take_literal(plain, at, "true");
	case 'f':
		node->type = BD_JSON_IS_BOOL;
		node->text = (struct bd_bytes){ "false", 5 };
		return take_literal(plain, at, "false");
	case 'n':
		node->type = BD_JSON_IS_NULL;
		return take_literal(plain, at, "null");
	default:
		node->type = BD_JSON_IS_NUMBER;
		return take_number(plain, at, &node->text);
	}
}

static inline bool has_key(const struct bd_json *object, struct bd_bytes key)
{
	for (const struct bd_json *member = object->first; member != NULL; member = member->next) {
		if (bd_bytes_equal(member->key, key)) {
			return true;
		}
	}
	return false;
}

/* The key, the colon, and up to the value. */
static inline char *take_key(
	struct plain *plain, char *at, const struct bd_json *object, struct bd_bytes *key)
{
	if (*at != '"' || object->count == MEMBERS_MAX) {
		return NULL;
	}
	at = take_text(plain, at + 1, key);
	if (at == NULL || has_key(object, *key)) {
		return NULL;
	}
	at = skip_blanks(plain, at);
	return *at == ':' ? skip_blanks(plain, at + 1) : NULL;
}

static inline char *take_node(struct plain *plain, char *at, struct bd_json **root)
{
	struct bd_json *parent = plain->depth > 0 ? plain->open[plain->depth - 1] : NULL, **last;
	struct bd_json *node = new_node(plain);
	struct bd_bytes key = { NULL, 0 };

	if (node == NULL) {
		return NULL;
	}
	if (parent != NULL && parent->type == BD_JSON_IS_OBJECT) {
		at = take_key(plain, at, parent, &key);
		if (at == NULL) {
			return NULL;
		}
	}
	*node = (struct bd_json){ .key = key, .text = { "", 0 }, .place = place_of(plain, at) };
	if (parent == NULL) {
		*root = node;
	} else {
		last = &plain->last[plain->depth - 1];
		*(*last != NULL ? &(*last)->next : &parent->first) = node;
		*last = node;
		parent->count++;
	}
	return take_value(plain, at, node);
}

/* After a value: closes what ends here, up to where the next begins. *is_over: there is none. */
static inline char *close_nodes(struct plain *plain, char *at, bool *is_over)
{
	while (plain->depth > 0) {
		const struct bd_json *open = plain->open[plain->depth - 1];

		at = skip_blanks(plain, at);
		if (*at == (open->type == BD_JSON_IS_OBJECT ? '}' : ']')) {
			at++;
			plain->depth--;
			continue;
		}
		if (open->count == 0) {
			return at;
		}
		return *at == ',' ? skip_blanks(plain, at + 1) : NULL;
	}
	*is_over = true;
	return at;
}

/* False: something is wrong or unusual. What was taken of the arena stays taken. */
static bool read_plain(
	struct bd_json **out, struct bd_bytes bytes, size_t text_max, struct bd_arena *arena)
{
	struct plain plain;
	struct bd_json *root = NULL;
	bool is_over = false;
	char *at;

	/* A run can be read wherever a byte can. */
	plain.copy = bytes.len > SIZE_MAX - BD_JSON_RUN_BYTES
			     ? NULL
			     : bd_arena_take(arena, bytes.len + BD_JSON_RUN_BYTES, 1);
	if (plain.copy == NULL) {
		return false;
	}
	if (bytes.len > 0) {
		memcpy(plain.copy, bytes.ptr, bytes.len);
	}
	memset(plain.copy + bytes.len, 0, BD_JSON_RUN_BYTES);
	plain.line = plain.copy;
	plain.end = plain.copy + bytes.len;
	plain.followers = plain.depth = plain.node_count = 0;
	plain.line_number = 1;
	plain.text_max = text_max;
	plain.arena = arena;
	at = skip_blanks(&plain, plain.copy);
	while (at != NULL && !is_over) {
		at = take_node(&plain, at, &root);
		at = at != NULL ? close_nodes(&plain, at, &is_over) : NULL;
	}
	if (at == NULL || skip_blanks(&plain, at) != plain.end) {
		return false;
	}
	*out = root;
	return true;
}

static enum bd_code parse(struct bd_json **out, struct bd_bytes bytes, size_t text_max,
	struct bd_arena *arena, struct bd_diag *diag)
{
	return read_plain(out, bytes, text_max, arena)
		       ? BD_OK
		       : read_stream(out, bytes, text_max, arena, diag);
}

enum bd_code bd_json_parse(
	struct bd_json **out, struct bd_bytes bytes, struct bd_arena *arena, struct bd_diag *diag)
{
	return parse(out, bytes, BD_FIELD_MAX_BYTES, arena, diag);
}

enum bd_code bd_json_parse_answer(
	struct bd_json **out, struct bd_bytes bytes, struct bd_arena *arena, struct bd_diag *diag)
{
	return parse(out, bytes, bytes.len, arena, diag);
}

const struct bd_json *bd_json_find(const struct bd_json *node, struct bd_bytes key)
{
	if (node == NULL || node->type != BD_JSON_IS_OBJECT) {
		return NULL;
	}
	for (node = node->first; node != NULL; node = node->next) {
		if (bd_bytes_equal(node->key, key)) {
			return node;
		}
	}
	return NULL;
}
