/* fuzz_json.c - any bytes to the JSON reader: the tree and the stream agree, any cut is the same,
 * also in what the first error is and where.
 */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>

struct counter {
	struct bd_json_handler handler;
	uint64_t sum;
};

static enum bd_code count(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag)
{
	struct counter *counter = (struct counter *)handler;

	(void)diag;
	counter->sum = counter->sum * 31 + (uint64_t)event + place.offset;
	for (size_t i = 0; i < text.len; i++) {
		counter->sum = counter->sum * 31 + (unsigned char)text.ptr[i];
	}
	return BD_OK;
}

static enum bd_code stream(
	uint64_t *sum, struct bd_place *place, struct bd_bytes bytes, size_t step)
{
	struct counter counter = { { count }, 0 };
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
	*place = diag.place;
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bd_bytes input = { (const char *)bytes, len };
	uint64_t whole, single;
	struct bd_arena arena;
	struct bd_json *tree;
	struct bd_diag diag;
	struct bd_place place, single_place;
	enum bd_code code = stream(&whole, &place, input, len > 0 ? len : 1);

	if (stream(&single, &single_place, input, 1) != code || single != whole ||
		single_place.offset != place.offset || single_place.line != place.line ||
		single_place.column != place.column) {
		abort();
	}
	bd_arena_init(&arena, 1 << 24);
	if ((bd_json_parse(&tree, input, &arena, &diag) == BD_OK) != (code == BD_OK)) {
		abort();
	}
	bd_arena_release(&arena);
	return 0;
}
