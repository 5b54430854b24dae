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
 * texts stay where they are. */
struct plain {
	char *at, *end, *copy;
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

static inline void skip_blanks(struct plain *plain)
{
	/* The NUL behind the end is below a blank. */
	if ((unsigned char)*plain->at > ' ') {
		return;
	}
	while (plain->at < plain->end && bd_json_is_blank(*plain->at)) {
		if (*plain->at++ == '\n') {
			plain->line = plain->at;
			plain->line_number++;
			plain->followers = 0;
		}
	}
}

static struct bd_place place_of(const struct plain *plain)
{
	size_t column = (size_t)(plain->at - plain->line) - plain->followers + 1;

	return (struct bd_place){ .offset = (uint64_t)(plain->at - plain->copy),
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
static bool take_text(struct plain *plain, struct bd_bytes *text)
{
	char *begin = plain->at, *at = begin;

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
			return false;
		}
		at = skip_character(plain, at);
		if (at == NULL) {
			return false;
		}
	}
	*at = '\0';
	*text = (struct bd_bytes){ begin, (size_t)(at - begin) };
	plain->at = at + 1;
	return text->len <= plain->text_max;
}

static bool take_number(struct plain *plain, struct bd_bytes *text)
{
	struct bd_bytes number = { plain->at, 0 };

	while (plain->at < plain->end && bd_json_is_number_byte(*plain->at)) {
		plain->at++;
		number.len++;
	}
	*text = bd_arena_copy(plain->arena, number);
	return number.len <= BD_JSON_NUMBER_MAX_BYTES && bd_json_is_number(number) &&
	       text->ptr != NULL;
}

static bool take_literal(struct plain *plain, const char *literal)
{
	size_t len = strlen(literal);
	bool is_there =
		(size_t)(plain->end - plain->at) >= len && memcmp(plain->at, literal, len) == 0;

	plain->at += is_there ? len : 0;
	return is_there;
}

static struct bd_json *new_node(struct plain *plain)
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

static bool open_node(struct plain *plain, struct bd_json *node, enum bd_json_type type)
{
	if (plain->depth == BD_DEPTH_MAX) {
		return false;
	}
	node->type = type;
	plain->open[plain->depth] = node;
	plain->last[plain->depth++] = NULL;
	plain->at++;
	return true;
}

/* What stands here, but for what stands inside of it. */
static bool take_value(struct plain *plain, struct bd_json *node)
{
	switch (*plain->at) {
	case '{':
		return open_node(plain, node, BD_JSON_IS_OBJECT);
	case '[':
		return open_node(plain, node, BD_JSON_IS_ARRAY);
	case '"':
		node->type = BD_JSON_IS_TEXT;
		plain->at++;
		return take_text(plain, &node->text);
	case 't':
		node->type = BD_JSON_IS_BOOL;
		node->text = (struct bd_bytes){ "true", 4 };
		return take_literal(plain, "true");
	case 'f':
		node->type = BD_JSON_IS_BOOL;
		node->text = (struct bd_bytes){ "false", 5 };
		return take_literal(plain, "false");
	case 'n':
		node->type = BD_JSON_IS_NULL;
		return take_literal(plain, "null");
	default:
		node->type = BD_JSON_IS_NUMBER;
		return take_number(plain, &node->text);
	}
}

static bool has_key(const struct bd_json *object, struct bd_bytes key)
{
	for (const struct bd_json *member = object->first; member != NULL; member = member->next) {
		if (bd_bytes_equal(member->key, key)) {
			return true;
		}
	}
	return false;
}

/* The key, the colon, and up to the value. */
static bool take_key(struct plain *plain, const struct bd_json *object, struct bd_bytes *key)
{
	if (plain->at == plain->end || *plain->at != '"' || object->count == MEMBERS_MAX) {
		return false;
	}
	plain->at++;
	if (!take_text(plain, key) || has_key(object, *key)) {
		return false;
	}
	skip_blanks(plain);
	if (plain->at == plain->end || *plain->at != ':') {
		return false;
	}
	plain->at++;
	skip_blanks(plain);
	return true;
}

static bool take_node(struct plain *plain, struct bd_json **root)
{
	struct bd_json *parent = plain->depth > 0 ? plain->open[plain->depth - 1] : NULL;
	struct bd_json **last = plain->depth > 0 ? &plain->last[plain->depth - 1] : NULL;
	struct bd_json *node = new_node(plain);
	struct bd_bytes key = { NULL, 0 };

	if (node == NULL || (parent != NULL && parent->type == BD_JSON_IS_OBJECT &&
				    !take_key(plain, parent, &key))) {
		return false;
	}
	if (plain->at == plain->end) {
		return false;
	}
	*node = (struct bd_json){ .key = key, .text = { "", 0 }, .place = place_of(plain) };
	if (parent == NULL) {
		*root = node;
	} else {
		*(*last != NULL ? &(*last)->next : &parent->first) = node;
		*last = node;
		parent->count++;
	}
	return take_value(plain, node);
}

/* After a value: closes what ends here. False: nothing but a value may follow. */
static bool close_nodes(struct plain *plain, bool *is_wrong)
{
	while (plain->depth > 0) {
		const struct bd_json *open = plain->open[plain->depth - 1];
		char closing = open->type == BD_JSON_IS_OBJECT ? '}' : ']';

		skip_blanks(plain);
		if (plain->at < plain->end && *plain->at == closing) {
			plain->at++;
			plain->depth--;
			continue;
		}
		if (open->count > 0) {
			*is_wrong = plain->at == plain->end || *plain->at++ != ',';
			skip_blanks(plain);
		}
		return false;
	}
	return true;
}

/* False: something is wrong or unusual. What was taken of the arena stays taken. */
static bool read_plain(
	struct bd_json **out, struct bd_bytes bytes, size_t text_max, struct bd_arena *arena)
{
	struct plain plain;
	struct bd_json *root = NULL;
	bool is_wrong = false;

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
	plain.at = plain.line = plain.copy;
	plain.end = plain.copy + bytes.len;
	plain.followers = plain.depth = plain.node_count = 0;
	plain.line_number = 1;
	plain.text_max = text_max;
	plain.arena = arena;
	skip_blanks(&plain);
	do {
		if (!take_node(&plain, &root)) {
			return false;
		}
	} while (!close_nodes(&plain, &is_wrong) && !is_wrong);
	skip_blanks(&plain);
	if (is_wrong || plain.at != plain.end) {
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
