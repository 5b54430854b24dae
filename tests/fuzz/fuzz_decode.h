/* fuzz_decode.h - what the fuzz targets of the decoders share: any cut of a message gives the same
 * events, and the same first error at the same place.
 *
 * The first byte of an input chooses charset and layout, the second the length of the runs; the
 * rest is the message.
 */
#ifndef BD_TESTS_FUZZ_DECODE_H
#define BD_TESTS_FUZZ_DECODE_H

#include "../unit/decode_support.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct bd_decode_settings fuzz_decode_settings(uint8_t choice)
{
	static const char *const charsets[] = { NULL, "GB18030", "auto", "UTF-8" };
	static const char separators[] = { '\x01', ',', '|', '\t' };
	static const struct bd_column_plan columns[] = { { "A", 3 }, { "B", 2 }, { "C", 1 } };
	struct bd_decode_settings settings = { .charset = charsets[choice & 3],
		.separator = separators[choice >> 2 & 3],
		.is_text = (choice >> 4 & 1) != 0,
		.has_header = (choice >> 5 & 1) != 0,
		.columns = columns,
		.column_count = 3 };

	if (settings.is_text) {
		settings.base = (struct bd_place){ .offset = 100, .line = 3, .column = 7 };
	}
	return settings;
}

/* The length of a log without its end and, where that is a failure, without a text that was still
 * open then: how much of it had come is no event. */
static inline size_t fuzz_decode_settled(const char *log, const char *end)
{
	size_t len = (size_t)(end - log);

	if (strncmp(end, "=ok", 3) != 0 && end > log + 1 && end[-2] == '"') {
		for (len -= 2; len > 0 && log[len - 1] != '"'; len--) {
		}
		/* Perhaps nothing of it had come at another cut. */
		len -= len > 0;
	}
	return len;
}

static inline bool fuzz_decode_agree(const char *a, const char *b)
{
	const char *a_end = strrchr(a, '='), *b_end = strrchr(b, '=');
	size_t len;

	decode_log_must(a_end != NULL && b_end != NULL);
	len = fuzz_decode_settled(a, a_end);
	return strcmp(a_end, b_end) == 0 && len == fuzz_decode_settled(b, b_end) &&
	       memcmp(a, b, len) == 0;
}

static inline int fuzz_decode(enum bd_format format, const uint8_t *data, size_t size)
{
	struct bd_decode_settings settings;
	struct decode_log whole;
	struct bd_bytes message;

	if (size < 2) {
		return 0;
	}
	settings = fuzz_decode_settings(data[0]);
	message = (struct bd_bytes){ (const char *)data + 2, size - 2 };
	decode_log_init(&whole);
	whole.has_places = true;
	decode_log_run(&whole, format, &settings, message, 0);
	for (size_t i = 0; i < 2; i++) {
		struct decode_log cut;

		decode_log_init(&cut);
		cut.has_places = true;
		decode_log_run(&cut, format, &settings, message, i == 0 ? 1 : 2 + data[1] % 64u);
		if (!fuzz_decode_agree(whole.out.ptr, cut.out.ptr)) {
			fprintf(stderr, "whole: %s\ncut:   %s\n", whole.out.ptr, cut.out.ptr);
			abort();
		}
		bd_buf_release(&cut.out);
	}
	bd_buf_release(&whole.out);
	return 0;
}

#endif
