/* decode_fixed.c - columns of fixed widths in bytes of the row as it came, one LF a row, filled up
 * with blanks; \N as a whole field for none. */
#include "base/limits.h"
#include "base/text.h"
#include "intake/decode_rows.h"

#include <stdlib.h>
#include <string.h>

struct decoder {
	struct bd_decoder decoder;
	struct bd_rows rows;
	size_t width;  /* of a row */
	uint64_t held; /* bytes of the row in rows.line */
};

/* Field i of rows->text without its blanks. */
static struct bd_bytes field_of(const struct bd_rows *rows, size_t begin, size_t end)
{
	struct bd_bytes field =
		bd_text_trim((struct bd_bytes){ rows->text.ptr + begin, end - begin });

	if (field.len == 2 && memcmp(field.ptr, "\\N", 2) == 0) {
		return (struct bd_bytes){ NULL, 0 };
	}
	return field.len > 0 ? field : (struct bd_bytes){ "", 0 };
}

static enum bd_code give(struct decoder *decoder, struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes fields[BD_ROW_COLUMNS_MAX];
	size_t ends[BD_ROW_COLUMNS_MAX], at = 0, bad = 0;
	enum bd_code code = bd_rows_begin(rows, raw);

	for (size_t i = 0; i < rows->column_count && code == BD_OK; i++) {
		const struct bd_bytes bytes = { raw.ptr + at, rows->columns[i].width };

		code = bd_rows_decode(rows, bytes, &bad);
		if (code == BD_TEXT_ENCODING) {
			return bd_rows_refuse(
				rows, code, i + 1, raw, diag, "byte %zu of the field", bad + 1);
		}
		ends[i] = rows->text.len;
		at += bytes.len;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	for (size_t i = 0; i < rows->column_count; i++) {
		fields[i] = field_of(rows, i > 0 ? ends[i - 1] : 0, ends[i]);
	}
	return bd_rows_give(rows, fields, rows->column_count, raw, diag);
}

static enum bd_code end_row(struct decoder *decoder, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes raw = bd_rows_trim(rows, bd_buf_bytes(&rows->line));
	enum bd_code code = BD_OK;

	if (rows->is_too_long) {
		code = bd_rows_refuse(rows, BD_LIMIT_BYTES, 0, bd_buf_bytes(&rows->line), diag,
			"longer than %d bytes", BD_RECORD_MAX_BYTES);
	} else if (raw.len > 0 && raw.len != decoder->width) {
		code = bd_rows_refuse(rows, raw.len < decoder->width ? BD_ROW_SHORT : BD_ROW_LONG,
			0, raw, diag, "%zu bytes, %zu agreed", raw.len, decoder->width);
	} else if (raw.len > 0) {
		code = give(decoder, raw, diag);
	}
	bd_rows_next(rows, decoder->held, 1);
	decoder->held = 0;
	return code;
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */
	enum bd_code code = BD_OK;

	while (bytes.len > 0 && code == BD_OK) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);
		struct bd_bytes part = { bytes.ptr,
			end != NULL ? (size_t)(end - bytes.ptr) : bytes.len };
		size_t used = part.len + (end != NULL);

		code = bd_rows_keep(&decoder->rows, part);
		decoder->held += used;
		if (code != BD_OK) {
			bd_fail(diag, code, "%s", "");
		} else if (end != NULL) {
			code = end_row(decoder, diag);
		}
		bytes.ptr += used;
		bytes.len -= used;
	}
	return code;
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;

	return decoder->held > 0 ? end_row(decoder, diag) : BD_OK;
}

static void decoder_free(struct bd_decoder *self)
{
	struct decoder *decoder = (struct decoder *)self;

	bd_rows_close(&decoder->rows);
	free(decoder);
}

static const struct bd_decoder_ops ops = { feed, end, decoder_free };

enum bd_code bd_decode_fixed_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	enum bd_code code;

	if (decoder == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	decoder->decoder.ops = &ops;
	for (size_t i = 0; i < settings->column_count; i++) {
		decoder->width += settings->columns[i].width;
	}
	code = bd_rows_open(&decoder->rows, settings, listener, diag);
	if (code != BD_OK) {
		decoder_free(&decoder->decoder);
		return code;
	}
	*out = &decoder->decoder;
	return BD_OK;
}
