/* decode_delimited.c - one LF a row, one separator between columns, no quoting, \N as a whole field
 * for none.
 *
 * Rows are split on bytes before they are decoded: a bad byte cannot swallow the end of its row.
 */
#include "base/limits.h"
#include "intake/decode_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
	struct bd_decoder decoder;
	struct bd_rows rows;
	char separator;
	bool has_header;  /* still to come */
	bool is_too_long; /* the rest of this row is skipped */
	uint64_t seen;    /* bytes */
};

/* The header must be the layout: a changed order of columns would put values under wrong names. */
static enum bd_code check_header(
	struct decoder *decoder, const struct bd_bytes *fields, size_t count, struct bd_diag *diag)
{
	for (size_t i = 0; i < decoder->rows.column_count; i++) {
		if (i >= count || !bd_bytes_is(fields[i], decoder->rows.columns[i].name)) {
			const struct bd_place place = {
				.line = 1, .column = (uint32_t)i + 1, .row = 1
			};

			return bd_fail_at(diag, BD_ENVELOPE_MISSING, place,
				"column %zu of the header is not %s", i + 1,
				decoder->rows.columns[i].name);
		}
	}
	return BD_OK;
}

static size_t split(struct bd_bytes *fields, size_t max, struct bd_bytes row, char separator)
{
	size_t count = 0;

	for (;;) {
		const char *end = row.len > 0 ? memchr(row.ptr, separator, row.len) : NULL;
		struct bd_bytes field = { row.ptr,
			end != NULL ? (size_t)(end - row.ptr) : row.len };

		if (count < max) {
			fields[count] = field.len == 2 && memcmp(field.ptr, "\\N", 2) == 0
						? (struct bd_bytes){ NULL, 0 }
						: (struct bd_bytes){ field.len > 0 ? field.ptr : "",
							  field.len };
		}
		count++;
		if (end == NULL) {
			return count;
		}
		row.ptr = end + 1;
		row.len -= field.len + 1;
	}
}

/* A control character in a field is most often a separator of another system: the columns may be
 * shifted. */
static uint32_t find_control(const struct bd_bytes *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < fields[i].len; j++) {
			unsigned char byte = (unsigned char)fields[i].ptr[j];

			if (byte < 0x20 && byte != '\t' && byte != '\r') {
				return (uint32_t)i + 1;
			}
		}
	}
	return 0;
}

static enum bd_code read_row(struct decoder *decoder, struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_bytes fields[BD_ROW_COLUMNS_MAX];
	struct bd_rows *rows = &decoder->rows;
	size_t count, bad = 0;
	uint32_t column;
	enum bd_code code;

	if (raw.len > 0 && raw.ptr[raw.len - 1] == '\r') {
		raw.len--;
	}
	if (raw.len == 0) {
		return BD_OK;
	}
	code = bd_rows_decode(rows, raw, &bad);
	if (code == BD_TEXT_ENCODING) {
		return bd_rows_refuse(rows, code, 0, raw, diag, "byte %zu of the row", bad + 1);
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	count = split(fields, rows->column_count, bd_buf_bytes(&rows->text), decoder->separator);
	if (decoder->has_header) {
		decoder->has_header = false;
		return check_header(decoder, fields, count, diag);
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
	return bd_rows_give(rows, fields, diag);
}

static enum bd_code end_row(struct decoder *decoder, struct bd_bytes raw, struct bd_diag *diag)
{
	enum bd_code code = decoder->is_too_long
				    ? bd_rows_refuse(&decoder->rows, BD_LIMIT_BYTES, 0, raw, diag,
					      "longer than %d bytes", BD_RECORD_MAX_BYTES)
				    : read_row(decoder, raw, diag);

	decoder->is_too_long = false;
	decoder->rows.row++;
	bd_buf_clear(&decoder->rows.line);
	return code;
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */
	struct bd_buf *line = &decoder->rows.line;
	enum bd_code code = BD_OK;

	while (bytes.len > 0 && code == BD_OK) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);
		struct bd_bytes part = { bytes.ptr,
			end != NULL ? (size_t)(end - bytes.ptr) : bytes.len };
		bool is_whole = end != NULL && line->len == 0 && part.len <= BD_RECORD_MAX_BYTES;

		if (line->len == 0 && !decoder->is_too_long) {
			decoder->rows.offset = decoder->seen;
		}
		if (!is_whole && !decoder->is_too_long && bd_buf_add(line, part) != BD_OK) {
			decoder->is_too_long = true;
		}
		if (end != NULL) {
			code = end_row(decoder, is_whole ? part : bd_buf_bytes(line), diag);
			part.len++;
		}
		decoder->seen += part.len;
		bytes.ptr += part.len;
		bytes.len -= part.len;
	}
	return code;
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;

	if (decoder->rows.line.len > 0 || decoder->is_too_long) {
		return end_row(decoder, bd_buf_bytes(&decoder->rows.line), diag);
	}
	/* An empty daily table is a delivery of nothing, which its control total confirms. */
	return BD_OK;
}

static void decoder_free(struct bd_decoder *self)
{
	struct decoder *decoder = (struct decoder *)self;

	bd_rows_close(&decoder->rows);
	free(decoder);
}

static const struct bd_decoder_ops ops = { feed, end, decoder_free };

enum bd_code bd_decode_delimited_new(struct bd_decoder **out,
	const struct bd_decode_settings *settings, struct bd_listener *listener,
	struct bd_diag *diag)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	enum bd_code code;

	if (decoder == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	decoder->decoder.ops = &ops;
	decoder->separator = settings->separator;
	decoder->has_header = settings->has_header;
	code = bd_rows_open(&decoder->rows, settings, listener, diag);
	if (code != BD_OK) {
		decoder_free(&decoder->decoder);
		return code;
	}
	*out = &decoder->decoder;
	return BD_OK;
}
