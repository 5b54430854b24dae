/* decode_check.h - the checks that the tests of all decoders share, over decode_support.h. */
#ifndef BD_TESTS_DECODE_CHECK_H
#define BD_TESTS_DECODE_CHECK_H

#include "decode_support.h"
#include "intake/intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct decode_case {
	const char *input;
	const char *expected; /* the log */
	size_t len;           /* of input; 0 = its strlen */
};

static inline struct bd_bytes decode_case_bytes(const struct decode_case *row)
{
	return (struct bd_bytes){ row->input, row->len > 0 ? row->len : strlen(row->input) };
}

/* The log is as expected, all at once and at every small cut, and so with what the documents that
 * were checked before have left. */
static inline void check_log(enum bd_format format, const struct bd_decode_settings *settings,
	struct bd_bytes bytes, const char *expected, bool has_places)
{
	static const size_t steps[] = { 0, 1, 2, 3, 5, 7, 64 };
	static struct bd_xml_parsers *parsers;
	struct bd_decode_settings kept = *settings;

	parsers = parsers != NULL ? parsers : bd_xml_parsers_new();
	assert_non_null(parsers);
	kept.parsers = parsers;
	for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
		struct decode_log log;

		decode_log_init(&log);
		log.has_places = has_places;
		decode_log_run(&log, format, i % 2 == 0 ? settings : &kept, bytes, steps[i / 2]);
		if (strcmp(log.out.ptr, expected) != 0) {
			print_error("step %zu of: %.*s\n", steps[i / 2],
				(int)(bytes.len < 200 ? bytes.len : 200), bytes.ptr);
		}
		assert_string_equal(log.out.ptr, expected);
		bd_buf_release(&log.out);
	}
}

static inline void check_cases(enum bd_format format, const struct bd_decode_settings *settings,
	const struct decode_case *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_log(format, settings, decode_case_bytes(&rows[i]), rows[i].expected, false);
	}
}

/* What a log says up to its end: without the last event when that is a text or a number, which may
 * be half. */
static inline size_t decode_log_settled(const char *log)
{
	const char *end = strstr(log, " =");
	size_t len;

	while (end != NULL && strstr(end + 1, " =") != NULL) {
		end = strstr(end + 1, " =");
	}
	len = end == NULL ? 0 : (size_t)(end - log);
	if (len > 3 && memcmp(log + len - 3, "\" -", 3) == 0) {
		len -= 2;
	}
	if (len > 0 && log[len - 1] == '"') {
		for (len--; len > 0 && log[len - 1] != '"'; len--) {
		}
	}
	return len;
}

/* Cut after every byte: never accepted before `whole` bytes, and nothing said that the whole
 * message does not say. */
static inline void check_truncated(enum bd_format format, const struct bd_decode_settings *settings,
	struct bd_bytes bytes, size_t whole, enum bd_code expected)
{
	struct decode_log all;

	decode_log_init(&all);
	assert_int_equal(decode_log_run(&all, format, settings, bytes, 0), BD_OK);
	for (size_t len = 1; len < bytes.len; len++) {
		struct decode_log log;
		enum bd_code code;

		decode_log_init(&log);
		code = decode_log_run(
			&log, format, settings, (struct bd_bytes){ bytes.ptr, len }, 0);
		if (code != (len < whole ? expected : BD_OK)) {
			print_error("%zu of %zu bytes: %s\n", len, bytes.len, log.out.ptr);
		}
		assert_int_equal(code, len < whole ? expected : BD_OK);
		assert_memory_equal(log.out.ptr, all.out.ptr, decode_log_settled(log.out.ptr));
		bd_buf_release(&log.out);
	}
	bd_buf_release(&all.out);
}

/* A listener that refuses the n-th event is not called again, and its code comes out. */
static inline void check_refusals(
	enum bd_format format, const struct bd_decode_settings *settings, struct bd_bytes bytes)
{
	enum bd_code code = BD_BUSY;

	for (size_t event = 1; code == BD_BUSY; event++) {
		struct decode_log log;

		decode_log_init(&log);
		log.left = event;
		code = decode_log_run(&log, format, settings, bytes, event % 2);
		assert_true(code == BD_BUSY || (code == BD_OK && event > 1));
		bd_buf_release(&log.out);
	}
}

#endif
