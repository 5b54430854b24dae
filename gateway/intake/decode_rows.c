#include "intake/decode_rows.h"

#include "base/limits.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum bd_code bd_rows_open(struct bd_rows *rows, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag)
{
	*rows = (struct bd_rows){ .listener = listener,
		.columns = settings->columns,
		.column_count = settings->column_count,
		.charset = BD_CHARSET_UTF8,
		.has_header = settings->has_header,
		.row = 1,
		.line_number = 1 };
	bd_buf_init(&rows->line, BD_RECORD_MAX_BYTES);
	bd_buf_init(&rows->text, (size_t)BD_RECORD_MAX_BYTES * 2);
	if (settings->column_count == 0 || settings->column_count > BD_ROW_COLUMNS_MAX) {
		return bd_fail(diag, BD_CONFIG_MEANING, "the feed has no layout");
	}
	if (settings->charset != NULL && !settings->is_text) {
		bool is_auto = strcmp(settings->charset, "auto") == 0;

		rows->charset = is_auto ? BD_CHARSET_UNKNOWN
					: bd_charset_find(bd_bytes_of(settings->charset));
		if (!is_auto && rows->charset == BD_CHARSET_UNKNOWN) {
			return bd_fail(diag, BD_TEXT_ENCODING, "no such charset");
		}
	}
	return BD_OK;
}

void bd_rows_close(struct bd_rows *rows)
{
	bd_buf_release(&rows->line);
	bd_buf_release(&rows->text);
}

enum bd_code bd_rows_keep(struct bd_rows *rows, struct bd_bytes bytes)
{
	size_t room = BD_RECORD_MAX_BYTES - rows->line.len;

	if (bytes.len > room) {
		bytes.len = room;
		rows->is_too_long = true;
	}
	return bd_buf_add(&rows->line, bytes);
}

bool bd_rows_is_mark(const struct bd_rows *rows, struct bd_bytes bytes)
{
	return rows->row == 1 && rows->charset != BD_CHARSET_GB18030 && bytes.len >= 3 &&
	       memcmp(bytes.ptr, "\xEF\xBB\xBF", 3) == 0;
}

struct bd_bytes bd_rows_trim(const struct bd_rows *rows, struct bd_bytes raw)
{
	if (raw.len > 0 && raw.ptr[raw.len - 1] == '\r') {
		raw.len--;
	}
	if (bd_rows_is_mark(rows, raw)) {
		raw.ptr += 3;
		raw.len -= 3;
	}
	return raw;
}

/* A row of GB18030 is all but never valid UTF-8 by chance; the reverse is common. */
enum bd_code bd_rows_decode_row(struct bd_rows *rows, struct bd_bytes raw, size_t *bad)
{
	bool is_auto = rows->charset == BD_CHARSET_UNKNOWN;
	enum bd_code code;

	bd_buf_clear(&rows->text);
	rows->row_charset = is_auto ? BD_CHARSET_UTF8 : rows->charset;
	code = bd_rows_decode(rows, raw, bad);
	if (is_auto && code == BD_TEXT_ENCODING) {
		bd_buf_clear(&rows->text);
		rows->row_charset = BD_CHARSET_GB18030;
		code = bd_rows_decode(rows, raw, bad);
	}
	return code;
}

enum bd_code bd_rows_begin(struct bd_rows *rows, struct bd_bytes raw)
{
	enum bd_code code = BD_OK;
	size_t bad;

	rows->row_charset = rows->charset;
	if (rows->charset == BD_CHARSET_UNKNOWN) {
		code = bd_rows_decode_row(rows, raw, &bad);
	}
	bd_buf_clear(&rows->text);
	/* The field that has the bad byte will say so. */
	return code == BD_TEXT_ENCODING ? BD_OK : code;
}

enum bd_code bd_rows_decode(struct bd_rows *rows, struct bd_bytes bytes, size_t *bad)
{
	return bd_charset_decode(&rows->text, rows->row_charset, bytes, bad);
}

/* The header must be the layout: a changed order of columns would put values under wrong names. */
static enum bd_code check_header(
	struct bd_rows *rows, const struct bd_bytes *fields, size_t count, struct bd_diag *diag)
{
	size_t last = count > rows->column_count ? count : rows->column_count;

	rows->has_header = false;
	for (size_t i = 0; i < last; i++) {
		const struct bd_place place = { .offset = rows->offset,
			.line = rows->line_number,
			.column = (uint32_t)i + 1,
			.row = rows->row };

		if (i >= rows->column_count) {
			return bd_fail_at(diag, BD_ENVELOPE_MISSING, place,
				"the header has %zu columns, %zu agreed", count,
				rows->column_count);
		}
		if (i >= count || !bd_bytes_is(fields[i], rows->columns[i].name)) {
			return bd_fail_at(diag, BD_ENVELOPE_MISSING, place,
				"column %zu of the header is not %s", i + 1, rows->columns[i].name);
		}
	}
	return BD_OK;
}

/* A control character is most often a separator of another system: the columns may be shifted. The
 * number of the first column that has one; 0 = none. LF can stand in a quoted field only. */
static size_t find_control(const struct bd_bytes *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_text_has_control(fields[i])) {
			return i + 1;
		}
	}
	return 0;
}

static enum bd_code give_fields(
	struct bd_rows *rows, const struct bd_bytes *fields, struct bd_diag *diag)
{
	const struct bd_listener_ops *ops = rows->listener->ops;
	struct bd_place place = {
		.offset = rows->offset, .line = rows->line_number, .row = rows->row
	};
	enum bd_code code = ops->enter(
		rows->listener, BD_NODE_ITEM, (struct bd_bytes){ "row", 3 }, place, diag);

	for (size_t i = 0; i < rows->column_count && code == BD_OK; i++) {
		place.column = (uint32_t)i + 1;
		code = ops->enter(rows->listener, BD_NODE_ELEMENT,
			bd_bytes_of(rows->columns[i].name), place, diag);
		if (code == BD_OK) {
			code = fields[i].ptr == NULL
				       ? ops->text_null(rows->listener, diag)
				       : ops->text(rows->listener, fields[i], place, diag);
		}
		if (code == BD_OK) {
			code = ops->leave(rows->listener, diag);
		}
	}
	place.column = 0;
	return code == BD_OK ? ops->leave(rows->listener, diag) : code;
}

enum bd_code bd_rows_give(struct bd_rows *rows, const struct bd_bytes *fields, size_t count,
	struct bd_bytes raw, struct bd_diag *diag)
{
	size_t column;

	if (rows->has_header) {
		return check_header(rows, fields, count, diag);
	}
	if (count != rows->column_count) {
		return bd_rows_refuse(rows, count < rows->column_count ? BD_ROW_SHORT : BD_ROW_LONG,
			0, raw, diag, "%zu columns, %zu agreed", count, rows->column_count);
	}
	column = find_control(fields, count);
	if (column != 0) {
		return bd_rows_refuse(rows, BD_TEXT_CONTROL, column, raw, diag, "%s",
			rows->columns[column - 1].name);
	}
	return give_fields(rows, fields, diag);
}

enum bd_code bd_rows_refuse(struct bd_rows *rows, enum bd_code code, size_t column,
	struct bd_bytes raw, struct bd_diag *diag, const char *detail, ...)
{
	struct bd_diag why = { .code = code,
		.place = { .offset = rows->offset,
			.line = rows->line_number,
			.column = (uint32_t)column,
			.row = rows->row } };
	va_list args;

	va_start(args, detail);
	vsnprintf(why.detail, sizeof(why.detail), detail, args);
	va_end(args);
	bd_diag_set_path(&why, "row");
	if (column > 0 && column <= rows->column_count) {
		bd_diag_set_field(&why, rows->columns[column - 1].name);
	}
	return rows->listener->ops->bad_row(rows->listener, &why, raw, diag);
}

void bd_rows_next(struct bd_rows *rows, uint64_t len, uint32_t lines)
{
	rows->row++;
	rows->line_number += lines;
	rows->offset += len;
	rows->is_too_long = false;
	bd_buf_clear(&rows->line);
}
