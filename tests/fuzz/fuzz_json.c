/* fuzz_json.c - any bytes to the JSON reader: any cut is the same, also in what the first error is
 * and where; the tree is what the stream tells, place by place.
 */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>

struct counter {
	struct bd_json_handler handler;
	uint64_t sum;
	uint64_t tree; /* of what a tree keeps: neither the ends nor where a key stood */
};

static void add(
	uint64_t *sum, enum bd_json_event event, struct bd_bytes text, struct bd_place place)
{
	*sum = *sum * 31 + (uint64_t)event;
	if (event != BD_JSON_KEY) {
		*sum = ((*sum * 31 + place.offset) * 31 + place.line) * 31 + place.column;
	}
	for (size_t i = 0; i < text.len; i++) {
		*sum = *sum * 31 + (unsigned char)text.ptr[i];
	}
}

static enum bd_code count(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag)
{
	struct counter *counter = (struct counter *)handler;

	(void)diag;
	if (event != BD_JSON_OBJECT_END && event != BD_JSON_ARRAY_END) {
		add(&counter->tree, event, text, place);
	}
	counter->sum = counter->sum * 31 + (uint64_t)event + place.offset;
	for (size_t i = 0; i < text.len; i++) {
		counter->sum = counter->sum * 31 + (unsigned char)text.ptr[i];
	}
	return BD_OK;
}

static enum bd_code stream(
	uint64_t *sum, uint64_t *tree, struct bd_place *place, struct bd_bytes bytes, size_t step)
{
	struct counter counter = { { count }, 0, 0 };
	struct bd_json_parser *parser;
	struct bd_diag diag = { 0 };
	enum bd_code code = bd_json_new(&parser, &counter.handler);

	if (code != BD_OK) {
		abort();
	}
	while (code == BD_OK && bytes.len > 0) {
		size_t len = bytes.len < step ? bytes.len : step;

		code = bd_json_feed(parser, (struct bd_bytes){ bytes.ptr, len }, &diag);
		bytes = (struct bd_bytes){ bytes.ptr + len, bytes.len - len };
	}
	if (code == BD_OK) {
		code = bd_json_end(parser, &diag);
	}
	bd_json_free(parser);
	*sum = counter.sum;
	*tree = counter.tree;
	*place = diag.place;
	return code;
}

static void walk(uint64_t *sum, const struct bd_json *node)
{
	static const enum bd_json_event events[] = { [BD_JSON_IS_OBJECT] = BD_JSON_OBJECT_BEGIN,
		[BD_JSON_IS_ARRAY] = BD_JSON_ARRAY_BEGIN,
		[BD_JSON_IS_TEXT] = BD_JSON_TEXT,
		[BD_JSON_IS_NUMBER] = BD_JSON_NUMBER,
		[BD_JSON_IS_BOOL] = BD_JSON_FALSE,
		[BD_JSON_IS_NULL] = BD_JSON_NULL };
	size_t children = 0;

	if (node->key.ptr != NULL) {
		add(sum, BD_JSON_KEY, node->key, node->place);
	}
	add(sum,
		bd_bytes_is(node->text, "true") && node->type == BD_JSON_IS_BOOL
			? BD_JSON_TRUE
			: events[node->type],
		node->text, node->place);
	if (node->text.ptr[node->text.len] != '\0') {
		abort();
	}
	for (const struct bd_json *child = node->first; child != NULL; child = child->next) {
		walk(sum, child);
		children++;
	}
	if (children != node->count) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bd_bytes input = { (const char *)bytes, len };
	uint64_t whole, single, told, tree_sum = 0;
	struct bd_arena arena;
	struct bd_json *tree;
	struct bd_diag diag;
	struct bd_place place, single_place;
	enum bd_code code = stream(&whole, &told, &place, input, len > 0 ? len : 1);

	if (stream(&single, &told, &single_place, input, 1) != code || single != whole ||
		single_place.offset != place.offset || single_place.line != place.line ||
		single_place.column != place.column) {
		abort();
	}
	bd_arena_init(&arena, 1 << 24);
	if ((bd_json_parse(&tree, input, &arena, &diag) == BD_OK) != (code == BD_OK)) {
		abort();
	}
	if (code == BD_OK) {
		walk(&tree_sum, tree);
		if (tree_sum != told) {
			abort();
		}
	}
	bd_arena_release(&arena);
	return 0;
}
