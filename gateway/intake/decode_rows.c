#include "intake/decode_rows.h"

#include "base/limits.h"

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
		.row = 1 };
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

enum bd_code bd_rows_decode(struct bd_rows *rows, struct bd_bytes bytes, size_t *bad)
{
	enum bd_code code;

	bd_buf_clear(&rows->text);
	if (rows->charset != BD_CHARSET_UNKNOWN) {
		return bd_charset_decode(&rows->text, rows->charset, bytes, bad);
	}
	/* A row of GB18030 is all but never valid UTF-8 by chance; the reverse is common. */
	code = bd_charset_decode(&rows->text, BD_CHARSET_UTF8, bytes, bad);
	if (code == BD_TEXT_ENCODING) {
		bd_buf_clear(&rows->text);
		code = bd_charset_decode(&rows->text, BD_CHARSET_GB18030, bytes, bad);
	}
	return code;
}

enum bd_code bd_rows_give(struct bd_rows *rows, const struct bd_bytes *fields, struct bd_diag *diag)
{
	const struct bd_listener_ops *ops = rows->listener->ops;
	struct bd_place place = {
		.offset = rows->offset, .line = (uint32_t)rows->row, .row = rows->row
	};
	enum bd_code code = ops->enter(
		rows->listener, BD_NODE_ITEM, (struct bd_bytes){ "row", 3 }, place, diag);

	for (size_t i = 0; i < rows->column_count && code == BD_OK; i++) {
		place.column = (uint32_t)i + 1;
		code = ops->enter(rows->listener, BD_NODE_ELEMENT,
			bd_bytes_of(rows->columns[i].name), place, diag);
		if (code == BD_OK) {
			code = fields[i].ptr == NULL
				       ? ops->text_null(rows->listener, place, diag)
				       : ops->text(rows->listener, fields[i], place, diag);
		}
		if (code == BD_OK) {
			code = ops->leave(rows->listener, place, diag);
		}
	}
	place.column = 0;
	return code == BD_OK ? ops->leave(rows->listener, place, diag) : code;
}

enum bd_code bd_rows_refuse(struct bd_rows *rows, enum bd_code code, uint32_t column,
	struct bd_bytes raw, struct bd_diag *diag, const char *detail, ...)
{
	struct bd_diag why = { .code = code,
		.place = { .offset = rows->offset,
			.line = (uint32_t)rows->row,
			.column = column,
			.row = rows->row } };
	va_list args;

	va_start(args, detail);
	vsnprintf(why.detail, sizeof(why.detail), detail, args);
	va_end(args);
	bd_diag_set_path(&why, "row");
	if (raw.len > BD_RECORD_MAX_BYTES) {
		raw.len = BD_RECORD_MAX_BYTES;
	}
	return rows->listener->ops->bad_row(rows->listener, &why, raw, diag);
}
