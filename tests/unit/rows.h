/* rows.h - tests as tables: tests/FOLDER/NAME.tsv, a case a line, what is expected in its last
 * column.
 *
 * Columns stand between TABs; lines that begin with '#' and empty ones are for the reader. In a
 * column \u{HEX} is a code point, \x{HEX} a byte, \n a line feed, \e nothing at all (an empty
 * column), \\ a backslash. Whoever has checked new cases by hand may let BIDUI_TEST_WRITE=1 write
 * the last column.
 */
#ifndef BD_TESTS_ROWS_H
#define BD_TESTS_ROWS_H

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROW_COLUMNS_MAX 8
#define ROW_MAX_BYTES ((size_t)1 << 20)

struct row {
	size_t count; /* of columns, the expected one not counted */
	struct bd_bytes columns[ROW_COLUMNS_MAX];
	struct bd_buf text; /* what the columns are borrowed from */
};

/* The answer to one row. */
typedef void row_answer(struct bd_buf *out, const struct row *row);

static inline struct bd_bytes row_column(const struct row *row, size_t at)
{
	return at < row->count ? row->columns[at] : (struct bd_bytes){ "", 0 };
}

static inline bool row_is(const struct row *row, size_t at, const char *text)
{
	return bd_bytes_is(row_column(row, at), text);
}

/* With a NUL behind it, until the next row. */
static inline const char *row_text(const struct row *row, size_t at)
{
	return at < row->count ? row->columns[at].ptr : "";
}

static inline int64_t row_number(const struct row *row, size_t at)
{
	return strtoll(row_text(row, at), NULL, 10);
}

/* One column without its escapes, and a NUL behind it. */
static inline void row_add_column(struct bd_buf *out, struct bd_bytes raw)
{
	for (size_t i = 0; i < raw.len; i++) {
		char *end = NULL;
		unsigned long number;

		if (raw.ptr[i] != '\\') {
			assert_int_equal(bd_buf_add_byte(out, raw.ptr[i]), BD_OK);
			continue;
		}
		i++;
		assert_true(i < raw.len && strchr("uxne\\", raw.ptr[i]) != NULL);
		if (raw.ptr[i] == 'n' || raw.ptr[i] == '\\') {
			bd_buf_add_byte(out, raw.ptr[i] == 'n' ? '\n' : '\\');
		} else if (raw.ptr[i] != 'e') {
			assert_true(i + 1 < raw.len && raw.ptr[i + 1] == '{');
			number = strtoul(raw.ptr + i + 2, &end, 16);
			assert_true(*end == '}');
			if (raw.ptr[i] == 'x') {
				bd_buf_add_byte(out, (char)number);
			} else {
				bd_text_add_point(out, (uint32_t)number);
			}
			i = (size_t)(end - raw.ptr);
		}
	}
	assert_int_equal(bd_buf_add_byte(out, '\0'), BD_OK);
}

/* What an eye cannot tell apart is written as an escape. */
static inline void row_show(struct bd_buf *out, struct bd_bytes text)
{
	if (text.len == 0) {
		bd_buf_add_text(out, "\\e");
	}
	while (text.len > 0) {
		uint32_t point;
		bool ok = true;
		const char *at = text.ptr;

		if (!bd_text_next(&point, &text, &ok)) {
			bd_buf_printf(out, "\\x{%02X}", (unsigned char)*text.ptr);
			text.ptr++;
			text.len--;
		} else if (point == '\\') {
			bd_buf_add_text(out, "\\\\");
		} else if (point == '\n') {
			bd_buf_add_text(out, "\\n");
		} else if (point < 0x20 || (point >= 0x7F && point <= 0xA0) || point == 0xAD ||
			   (point >= 0x2000 && point <= 0x200F) ||
			   (point >= 0x2028 && point <= 0x202F) ||
			   (point >= 0x2E80 && point <= 0x2FDF) || point == 0x3000 ||
			   (point >= 0xE000 && point <= 0xFAFF) ||
			   (point >= 0xFE00 && point <= 0xFEFF) ||
			   (point >= 0xFFF0 && point <= 0xFFFF) || point >= 0xE0000) {
			bd_buf_printf(out, "\\u{%X}", (unsigned)point);
		} else {
			bd_buf_add(out, (struct bd_bytes){ at, (size_t)(text.ptr - at) });
		}
	}
}

/* Splits a line; *expected is where its last column begins in the line. */
static inline void row_read(struct row *row, struct bd_bytes line, size_t *expected)
{
	size_t begin = 0, offsets[ROW_COLUMNS_MAX + 1];

	row->count = 0;
	bd_buf_clear(&row->text);
	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && line.ptr[i] != '\t') {
			continue;
		}
		assert_true(row->count <= ROW_COLUMNS_MAX);
		offsets[row->count++] = row->text.len;
		row_add_column(&row->text, (struct bd_bytes){ line.ptr + begin, i - begin });
		*expected = begin;
		begin = i + 1;
	}
	assert_true(row->count >= 2);
	row->count--;
	for (size_t i = 0; i < row->count; i++) {
		row->columns[i] = (struct bd_bytes){ row->text.ptr + offsets[i],
			offsets[i + 1] - offsets[i] - 1 };
	}
}

static inline struct bd_bytes rows_load(const char *path)
{
	FILE *file = fopen(path, "rbe");
	char *text = malloc(ROW_MAX_BYTES);
	size_t len;

	if (file == NULL || text == NULL) {
		fail_msg("cannot read %s", path);
	}
	len = fread(text, 1, ROW_MAX_BYTES, file);
	assert_true(len > 0 && len < ROW_MAX_BYTES && text[len - 1] == '\n');
	fclose(file);
	return (struct bd_bytes){ text, len };
}

static inline void rows_save(const char *path, const struct bd_buf *text)
{
	FILE *file = fopen(path, "wbe");

	assert_non_null(file);
	assert_int_equal(fwrite(text->ptr, 1, text->len, file), text->len);
	fclose(file);
}

/* Every row of the file is asked; each that answers otherwise is named. */
static inline void check_rows(const char *name, row_answer *answer)
{
	const char *srcdir = getenv("srcdir");
	bool writes = getenv("BIDUI_TEST_WRITE") != NULL;
	struct bd_buf have, written;
	struct row row = { .count = 0 };
	size_t failed = 0, checked = 0, number = 0;
	char path[4096];
	struct bd_bytes all, rest;

	snprintf(path, sizeof(path), "%s/tests/%s", srcdir == NULL ? "." : srcdir, name);
	all = rest = rows_load(path);
	bd_buf_init(&row.text, ROW_MAX_BYTES);
	bd_buf_init(&have, ROW_MAX_BYTES);
	bd_buf_init(&written, ROW_MAX_BYTES * 2);
	while (rest.len > 0) {
		size_t len = (size_t)((const char *)memchr(rest.ptr, '\n', rest.len) - rest.ptr);
		struct bd_bytes line = { rest.ptr, len };
		size_t expected = len;

		rest = (struct bd_bytes){ rest.ptr + len + 1, rest.len - len - 1 };
		number++;
		bd_buf_clear(&have);
		if (len > 0 && line.ptr[0] != '#') {
			row_read(&row, line, &expected);
			answer(&have, &row);
			checked++;
		}
		bd_buf_add(&written, (struct bd_bytes){ line.ptr, expected });
		bd_buf_add(&written, bd_buf_bytes(&have));
		bd_buf_add_byte(&written, '\n');
		line.ptr += expected;
		line.len -= expected;
		if (!bd_bytes_equal(bd_buf_bytes(&have), line)) {
			failed++;
			print_error("%s:%zu: '%.*s' was expected, '%.*s' came\n", name, number,
				(int)line.len, line.ptr, (int)have.len, have.ptr);
		}
	}
	if (writes) {
		rows_save(path, &written);
	}
	free((void *)(uintptr_t)all.ptr);
	bd_buf_release(&row.text);
	bd_buf_release(&have);
	bd_buf_release(&written);
	assert_true(checked > 0);
	assert_int_equal(failed, 0);
}

#endif
