/* decode_delimited.c - one LF a row, one separator between columns, no quoting, \N as a whole field
 * for none.
 *
 * Rows are split on bytes before they are decoded: a bad byte cannot swallow the end of its row.
 * Columns are split after that: a separator from 0x40 on can be the second byte of a character of
 * GB18030, but none below 0x30.
 */
#include "base/limits.h"
#include "intake/decode_rows.h"

#include <stdlib.h>
#include <string.h>

struct decoder {
	struct bd_decoder decoder;
	struct bd_rows rows;
	char separator;
	uint64_t held; /* bytes of the row in rows.line */
};

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

/* Which column has the bad byte. Not known where the separator can be half of a character. */
static size_t column_of(const struct decoder *decoder, struct bd_bytes raw, size_t bad)
{
	size_t column = 1;

	if ((unsigned char)decoder->separator >= 0x30) {
		return 0;
	}
	for (size_t i = 0; i < bad && i < raw.len; i++) {
		column += raw.ptr[i] == decoder->separator;
	}
	return column;
}

static enum bd_code read_row(struct decoder *decoder, struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_bytes fields[BD_ROW_COLUMNS_MAX];
	struct bd_rows *rows = &decoder->rows;
	size_t count, bad = 0;
	enum bd_code code;

	raw = bd_rows_trim(rows, raw);
	if (raw.len == 0) {
		return BD_OK;
	}
	code = bd_rows_decode_row(rows, raw, &bad);
	if (code == BD_TEXT_ENCODING) {
		return bd_rows_refuse(rows, code, column_of(decoder, raw, bad), raw, diag,
			"byte %zu of the row", bad + 1);
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	count = split(fields, rows->column_count, bd_buf_bytes(&rows->text), decoder->separator);
	return bd_rows_give(rows, fields, count, raw, diag);
}

static enum bd_code end_row(
	struct decoder *decoder, struct bd_bytes raw, uint64_t len, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	enum bd_code code = rows->is_too_long ? bd_rows_refuse(rows, BD_LIMIT_BYTES, 0, raw, diag,
							"longer than %d bytes", BD_RECORD_MAX_BYTES)
					      : read_row(decoder, raw, diag);

	decoder->held = 0;
	bd_rows_next(rows, len, 1);
	return code;
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */
	struct bd_rows *rows = &decoder->rows;
	enum bd_code code = BD_OK;

	while (bytes.len > 0 && code == BD_OK) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);
		struct bd_bytes part = { bytes.ptr,
			end != NULL ? (size_t)(end - bytes.ptr) : bytes.len };
		size_t used = part.len + (end != NULL);
		bool is_whole =
			end != NULL && decoder->held == 0 && part.len <= BD_RECORD_MAX_BYTES;

		if (!is_whole) {
			code = bd_rows_keep(rows, part);
			decoder->held += used;
			part = bd_buf_bytes(&rows->line);
		}
		if (code != BD_OK) {
			bd_fail(diag, code, "%s", "");
		} else if (end != NULL) {
			code = end_row(decoder, part, is_whole ? used : decoder->held, diag);
		}
		bytes.ptr += used;
		bytes.len -= used;
	}
	return code;
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;

	if (decoder->held > 0) {
		return end_row(decoder, bd_buf_bytes(&decoder->rows.line), decoder->held, diag);
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
	code = bd_rows_open(&decoder->rows, settings, listener, diag);
	if (code != BD_OK) {
		decoder_free(&decoder->decoder);
		return code;
	}
	*out = &decoder->decoder;
	return BD_OK;
}
