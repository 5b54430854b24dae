/* decode_fixed.c - columns of fixed widths in bytes of the row as it came, one LF a row, filled up
 * with blanks. */
#include "base/limits.h"
#include "base/text.h"
#include "intake/decode_rows.h"

#include <stdlib.h>
#include <string.h>

struct decoder {
	struct bd_decoder decoder;
	struct bd_rows rows;
	size_t width; /* of a row */
	bool is_too_long;
	uint64_t seen;
};

static enum bd_code read_row(struct decoder *decoder, struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes fields[BD_ROW_COLUMNS_MAX];
	size_t ends[BD_ROW_COLUMNS_MAX], at = 0;
	struct bd_buf texts;
	enum bd_code code = BD_OK;

	if (raw.len > 0 && raw.ptr[raw.len - 1] == '\r') {
		raw.len--;
	}
	if (raw.len == 0) {
		return BD_OK;
	}
	if (raw.len != decoder->width) {
		return bd_rows_refuse(rows, raw.len < decoder->width ? BD_ROW_SHORT : BD_ROW_LONG,
			0, raw, diag, "%zu bytes, %zu agreed", raw.len, decoder->width);
	}
	bd_buf_init(&texts, (size_t)BD_RECORD_MAX_BYTES * 2);
	for (size_t i = 0; i < rows->column_count && code == BD_OK; i++) {
		size_t bad = 0;

		code = bd_rows_decode(
			rows, (struct bd_bytes){ raw.ptr + at, rows->columns[i].width }, &bad);
		if (code == BD_TEXT_ENCODING) {
			bd_buf_release(&texts);
			return bd_rows_refuse(rows, code, (uint32_t)i + 1, raw, diag,
				"byte %zu of the field", bad + 1);
		}
		code = code == BD_OK ? bd_buf_add(&texts, bd_text_trim(bd_buf_bytes(&rows->text)))
				     : code;
		ends[i] = texts.len;
		at += rows->columns[i].width;
	}
	at = 0;
	for (size_t i = 0; i < rows->column_count && code == BD_OK; i++) {
		fields[i] = (struct bd_bytes){ ends[i] > at ? texts.ptr + at : "", ends[i] - at };
		at = ends[i];
	}
	code = code == BD_OK ? bd_rows_give(rows, fields, diag) : bd_fail(diag, code, "%s", "");
	bd_buf_release(&texts);
	return code;
}

static enum bd_code end_row(struct decoder *decoder, struct bd_diag *diag)
{
	struct bd_bytes raw = bd_buf_bytes(&decoder->rows.line);
	enum bd_code code = decoder->is_too_long ? bd_rows_refuse(&decoder->rows, BD_ROW_LONG, 0,
							   raw, diag, "%s", "")
						 : read_row(decoder, raw, diag);

	decoder->is_too_long = false;
	decoder->rows.row++;
	bd_buf_clear(&decoder->rows.line);
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

		if (decoder->rows.line.len == 0) {
			decoder->rows.offset = decoder->seen;
		}
		if (!decoder->is_too_long && bd_buf_add(&decoder->rows.line, part) != BD_OK) {
			decoder->is_too_long = true;
		}
		if (end != NULL) {
			code = end_row(decoder, diag);
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

	return decoder->rows.line.len > 0 || decoder->is_too_long ? end_row(decoder, diag) : BD_OK;
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
