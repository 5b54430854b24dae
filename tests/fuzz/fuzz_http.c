/* fuzz_http.c - any bytes as a request: the head is found and read the same whatever the cut, what
 * is read lies inside it and has nothing two readers could understand differently, and a chunked
 * body gives the same bytes at any cut.
 */
#include "http/parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static enum bd_code find(size_t *end, struct bd_bytes bytes, size_t step)
{
	size_t scanned = 0, len = 0;
	enum bd_code code = BD_OK;
	*end = 0;
	while (code == BD_OK && *end == 0 && len < bytes.len) {
		len = bytes.len - len < step ? bytes.len : len + step;
		code = bd_http_scan_head(end, &scanned, (struct bd_bytes){ bytes.ptr, len }, NULL);
	}
	return code;
}

static void check_inside(struct bd_bytes part, struct bd_bytes whole)
{
	CHECK(part.len == 0 ||
		(part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
	for (size_t i = 0; i < part.len; i++) {
		CHECK(part.ptr[i] != '\r' && part.ptr[i] != '\n' && part.ptr[i] != '\0');
	}
}

static void check_head(const struct bd_http_head *head, struct bd_bytes bytes)
{
	check_inside(head->method, bytes);
	check_inside(head->path, bytes);
	check_inside(head->query, bytes);
	CHECK(head->path.len > 0 && head->path.ptr[0] == '/');
	CHECK(head->field_count <= BD_HTTP_FIELDS_MAX);
	for (size_t i = 0; i < head->field_count; i++) {
		check_inside(head->fields[i].name, bytes);
		check_inside(head->fields[i].value, bytes);
		CHECK(head->fields[i].name.len > 0);
	}
	CHECK(!head->is_chunked || (head->content_length == 0 && !head->is_1_0));
}

/* A sum over the data, and how far it came. */
static uint64_t take_chunks(enum bd_code *code, bool *is_done, struct bd_bytes bytes, size_t step)
{
	struct bd_http_chunks chunks = { 0 };
	uint64_t sum = 0;
	*code = BD_OK;
	while (*code == BD_OK && bytes.len > 0 && !chunks.is_done) {
		struct bd_bytes part = { bytes.ptr, bytes.len < step ? bytes.len : step };
		size_t given = part.len;
		while (*code == BD_OK && part.len > 0 && !chunks.is_done) {
			struct bd_bytes data;
			*code = bd_http_next_chunk(&data, &chunks, &part, NULL);
			for (size_t i = 0; *code == BD_OK && i < data.len; i++) {
				sum = sum * 31 + (unsigned char)data.ptr[i] + 1;
			}
		}
		given -= part.len;
		bytes = (struct bd_bytes){ bytes.ptr + given, bytes.len - given };
	}
	*is_done = chunks.is_done;
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct bd_bytes bytes = { (const char *)input, len };
	struct bd_http_head head;
	enum bd_code code, other;
	size_t end, other_end;
	bool is_done, is_other_done;

	code = find(&end, bytes, len > 0 ? len : 1);
	other = find(&other_end, bytes, 1);
	/* A fault behind the end of the head belongs to the next request. */
	CHECK(other_end == end || (code != BD_OK && other == BD_OK));
	if (code == BD_OK && end > 0) {
		CHECK(other == BD_OK);
		struct bd_bytes found = { bytes.ptr, end };
		if (bd_http_parse_head(&head, found, NULL) == BD_OK) {
			check_head(&head, found);
		}
	}
	uint64_t sum = take_chunks(&code, &is_done, bytes, len > 0 ? len : 1);
	uint64_t other_sum = take_chunks(&other, &is_other_done, bytes, 1);
	CHECK(code == other && sum == other_sum && is_done == is_other_done);
	return 0;
}
