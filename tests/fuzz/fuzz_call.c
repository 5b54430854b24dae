/* fuzz_call.c - what stands beside a body: the query of an address with its escapes, a media type,
 * a wanted language, a cursor that comes back.
 *
 * The first line of an input is the query, what follows is each of the others.
 */
#include "daemon/call.h"

#include "daemon/cursor.h"
#include "daemon/language.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What call.c has of the rest of the daemon, and none of these functions comes to. */
struct bd_setup *bd_setup_ref(struct bd_setup *setup)
{
	return setup;
}

void bd_setup_unref(struct bd_setup *setup)
{
	(void)setup;
}

void bd_http_set_state(struct bd_http_exchange *exchange, void *state)
{
	(void)exchange;
	(void)state;
}

struct bd_bytes bd_http_header_of(const struct bd_http_exchange *exchange, struct bd_bytes name)
{
	(void)exchange;
	(void)name;
	return (struct bd_bytes){ NULL, 0 };
}

/* What is found fits, and is a text. */
static void read_query(struct bd_bytes query)
{
	static const char *const names[] = { "delivery", "total", "cursor", "state", "" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t room = 1; room <= 32; room += 31) {
			char *out = malloc(room);
			enum bd_code code = BD_INTERNAL;
			bool is_found;

			if (out == NULL) {
				abort();
			}
			is_found = bd_call_parameter(out, room, &code, query, names[i]);
			if ((code != BD_OK && code != BD_QUESTION_FORM) ||
				(is_found && (code != BD_OK || strlen(out) >= room))) {
				abort();
			}
			free(out);
		}
	}
	bool is_set = true;
	enum bd_code code = bd_call_flag(&is_set, query, "atomic");
	if (code != BD_OK && (code != BD_QUESTION_FORM || is_set)) {
		abort();
	}
}

/* No cursor is good that we did not sign. */
static void read_cursor(struct bd_bytes bytes)
{
	const uint8_t key[BD_CURSOR_KEY_BYTES] = { 1, 2, 3 };
	struct bd_cursor cursor;
	char *text = malloc(bytes.len + 1);

	if (text == NULL) {
		abort();
	}
	memcpy(text, bytes.ptr, bytes.len);
	text[bytes.len] = '\0';
	if (bd_cursor_read(&cursor, text, key, "sender", "rejects", "market") !=
		BD_CURSOR_INVALID) {
		abort();
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes query = { (const char *)data, size }, rest = { "", 0 };
	const char *end = size > 0 ? memchr(query.ptr, '\n', size) : NULL;

	if (end != NULL) {
		query.len = (size_t)(end - query.ptr);
		rest = (struct bd_bytes){ end + 1, size - query.len - 1 };
	}
	read_query(query);
	bd_call_is_type(rest, "application/json");
	bd_language_is_english(rest);
	read_cursor(rest);
	return 0;
}
