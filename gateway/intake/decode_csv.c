/* decode_csv.c - RFC 4180, strict: a quote stands only around a whole field, doubled inside; CRLF
 * or LF. */
#include "base/limits.h"
#include "intake/decode_rows.h"

#include <stdlib.h>
#include <string.h>

enum state { AT_FIELD = 1, IN_PLAIN, IN_QUOTED, AFTER_QUOTE, SKIPPING };

struct decoder {
	struct bd_decoder decoder;
	struct bd_rows rows; /* line: the row's bytes as they came */
	char separator;
	bool has_header;
	enum state state;
	enum bd_code fault;   /* why the row is skipped */
	struct bd_buf fields; /* unquoted bytes of the row's fields, one after the other */
	size_t ends[BD_ROW_COLUMNS_MAX];
	size_t count;
	uint64_t seen;
};

static void fault(struct decoder *decoder, enum bd_code code)
{
	if (decoder->fault == BD_OK) {
		decoder->fault = code;
	}
	decoder->state = SKIPPING;
}

static void end_field(struct decoder *decoder)
{
	if (decoder->count < BD_ROW_COLUMNS_MAX) {
		decoder->ends[decoder->count] = decoder->fields.len;
	}
	decoder->count++;
	decoder->state = AT_FIELD;
}

static enum bd_code check_header(
	struct decoder *decoder, const struct bd_bytes *fields, struct bd_diag *diag)
{
	for (size_t i = 0; i < decoder->rows.column_count; i++) {
		if (!bd_bytes_is(fields[i], decoder->rows.columns[i].name)) {
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

/* Decodes field by field: all texts stand in rows.text, one after the other. */
static enum bd_code give(struct decoder *decoder, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes fields[BD_ROW_COLUMNS_MAX];
	size_t ends[BD_ROW_COLUMNS_MAX], begin = 0;
	struct bd_buf texts;
	enum bd_code code = BD_OK;

	bd_buf_init(&texts, (size_t)BD_RECORD_MAX_BYTES * 2);
	for (size_t i = 0; i < decoder->count && code == BD_OK; i++) {
		struct bd_bytes bytes = { decoder->fields.ptr + begin, decoder->ends[i] - begin };
		size_t bad = 0;

		code = bd_rows_decode(rows, bytes, &bad);
		if (code == BD_TEXT_ENCODING) {
			bd_buf_release(&texts);
			return bd_rows_refuse(rows, code, (uint32_t)i + 1,
				bd_buf_bytes(&rows->line), diag, "byte %zu of the field", bad + 1);
		}
		code = code == BD_OK ? bd_buf_add(&texts, bd_buf_bytes(&rows->text)) : code;
		ends[i] = texts.len;
		begin = decoder->ends[i];
	}
	begin = 0;
	for (size_t i = 0; i < decoder->count && code == BD_OK; i++) {
		fields[i] = (struct bd_bytes){ ends[i] > begin ? texts.ptr + begin : "",
			ends[i] - begin };
		begin = ends[i];
	}
	if (code != BD_OK) {
		bd_fail(diag, code, "%s", "");
	} else if (decoder->has_header) {
		decoder->has_header = false;
		code = check_header(decoder, fields, diag);
	} else {
		code = bd_rows_give(rows, fields, diag);
	}
	bd_buf_release(&texts);
	return code;
}

static enum bd_code end_row(struct decoder *decoder, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes raw = bd_buf_bytes(&rows->line);
	enum bd_code code;

	if (decoder->state != SKIPPING) {
		end_field(decoder);
	}
	if (decoder->fault != BD_OK) {
		code = bd_rows_refuse(
			rows, decoder->fault, (uint32_t)decoder->count + 1, raw, diag, "%s", "");
	} else if (decoder->count == 1 && decoder->fields.len == 0) {
		code = BD_OK; /* an empty line */
	} else if (decoder->count != rows->column_count) {
		code = bd_rows_refuse(rows,
			decoder->count < rows->column_count ? BD_ROW_SHORT : BD_ROW_LONG, 0, raw,
			diag, "%zu columns, %zu agreed", decoder->count, rows->column_count);
	} else {
		code = give(decoder, diag);
	}
	rows->row++;
	bd_buf_clear(&rows->line);
	bd_buf_clear(&decoder->fields);
	decoder->count = 0;
	decoder->fault = BD_OK;
	decoder->state = AT_FIELD;
	return code;
}

static void add(struct decoder *decoder, char byte)
{
	if (bd_buf_add_byte(&decoder->fields, byte) != BD_OK) {
		fault(decoder, BD_LIMIT_BYTES);
	}
}

/* One byte that ends no row. */
static void read_byte(struct decoder *decoder, char byte)
{
	switch (decoder->state) {
	case AT_FIELD:
	case IN_PLAIN:
		if (byte == decoder->separator) {
			end_field(decoder);
		} else if (byte == '"') {
			if (decoder->state == AT_FIELD) {
				decoder->state = IN_QUOTED;
			} else {
				fault(decoder, BD_CSV_QUOTE);
			}
		} else {
			decoder->state = IN_PLAIN;
			add(decoder, byte);
		}
		break;
	case IN_QUOTED:
		if (byte == '"') {
			decoder->state = AFTER_QUOTE;
		} else {
			add(decoder, byte);
		}
		break;
	case AFTER_QUOTE:
		if (byte == '"') {
			add(decoder, byte);
			decoder->state = IN_QUOTED;
		} else if (byte == decoder->separator) {
			end_field(decoder);
		} else if (byte != '\r') {
			fault(decoder, BD_CSV_QUOTE);
		}
		break;
	default:
		break;
	}
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < bytes.len && code == BD_OK; i++) {
		char byte = bytes.ptr[i];

		if (decoder->rows.line.len == 0) {
			decoder->rows.offset = decoder->seen;
		}
		decoder->seen++;
		if (byte == '\n' && decoder->state != IN_QUOTED) {
			/* CRLF: the CR was taken for a part of a plain field. */
			if (decoder->state == IN_PLAIN && decoder->fields.len > 0 &&
				decoder->fields.ptr[decoder->fields.len - 1] == '\r') {
				decoder->fields.len--;
			}
			code = end_row(decoder, diag);
			continue;
		}
		if (decoder->state != SKIPPING &&
			bd_buf_add_byte(&decoder->rows.line, byte) != BD_OK) {
			fault(decoder, BD_LIMIT_BYTES);
		}
		read_byte(decoder, byte);
	}
	return code;
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;

	if (decoder->state == IN_QUOTED) {
		return bd_fail(diag, BD_MESSAGE_TRUNCATED, "a quote is not closed");
	}
	return decoder->rows.line.len > 0 ? end_row(decoder, diag) : BD_OK;
}

static void decoder_free(struct bd_decoder *self)
{
	struct decoder *decoder = (struct decoder *)self;

	bd_rows_close(&decoder->rows);
	bd_buf_release(&decoder->fields);
	free(decoder);
}

static const struct bd_decoder_ops ops = { feed, end, decoder_free };

enum bd_code bd_decode_csv_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	enum bd_code code;

	if (decoder == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	decoder->decoder.ops = &ops;
	decoder->separator = settings->separator == '\x01' ? ',' : settings->separator;
	decoder->has_header = settings->has_header;
	decoder->state = AT_FIELD;
	bd_buf_init(&decoder->fields, BD_RECORD_MAX_BYTES);
	code = bd_rows_open(&decoder->rows, settings, listener, diag);
	if (code != BD_OK) {
		decoder_free(&decoder->decoder);
		return code;
	}
	*out = &decoder->decoder;
	return BD_OK;
}
