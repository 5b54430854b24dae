/* decode_csv.c - RFC 4180, strict: a quote stands only around a whole field, doubled inside; CRLF
 * or LF. \N without quotes as a whole field for none. */
#include "base/limits.h"
#include "intake/decode_rows.h"

#include <stdlib.h>
#include <string.h>

enum state { AT_FIELD = 1, IN_PLAIN, IN_QUOTED, AFTER_QUOTE, AFTER_CR, SKIPPING };

struct decoder {
	struct bd_decoder decoder;
	struct bd_rows rows; /* line: the row's bytes as they came, without its LF */
	char separator;
	enum state state;
	enum bd_code fault;   /* why the row is skipped */
	bool is_quoted;       /* the field being read */
	uint64_t held;        /* bytes of the row */
	uint32_t breaks;      /* quoted LF of the row */
	struct bd_buf fields; /* unquoted bytes of the row's fields, one after the other */
	size_t begin;         /* in it, of the field being read */
	size_t ends[BD_ROW_COLUMNS_MAX];
	bool is_null[BD_ROW_COLUMNS_MAX];
	size_t count;
};

static void fault(struct decoder *decoder, enum bd_code code)
{
	if (decoder->fault == BD_OK) {
		decoder->fault = code;
	}
	decoder->state = SKIPPING;
}

/* Bytes of the field being read. */
static struct bd_bytes current(const struct decoder *decoder)
{
	size_t len = decoder->fields.len - decoder->begin;

	return (struct bd_bytes){ len > 0 ? decoder->fields.ptr + decoder->begin : "", len };
}

static void end_field(struct decoder *decoder)
{
	struct bd_bytes field = current(decoder);

	if (decoder->count == 0 && !decoder->is_quoted && bd_rows_is_mark(&decoder->rows, field)) {
		decoder->fields.len -= 3;
		memmove(decoder->fields.ptr, decoder->fields.ptr + 3, decoder->fields.len);
		field = current(decoder);
	}
	if (decoder->count < BD_ROW_COLUMNS_MAX) {
		decoder->ends[decoder->count] = decoder->fields.len;
		decoder->is_null[decoder->count] =
			!decoder->is_quoted && field.len == 2 && memcmp(field.ptr, "\\N", 2) == 0;
	}
	decoder->count++;
	decoder->begin = decoder->fields.len;
	decoder->is_quoted = false;
	decoder->state = AT_FIELD;
}

/* Decodes field by field, so that a bad byte swallows no quote and no separator. */
static enum bd_code give(struct decoder *decoder, struct bd_bytes raw, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes fields[BD_ROW_COLUMNS_MAX];
	size_t ends[BD_ROW_COLUMNS_MAX], bad = 0;
	size_t count = decoder->count < rows->column_count ? decoder->count : rows->column_count;
	enum bd_code code = bd_rows_begin(rows, raw);

	for (size_t i = 0; i < count && code == BD_OK; i++) {
		size_t begin = i > 0 ? decoder->ends[i - 1] : 0;
		const struct bd_bytes bytes = {
			decoder->fields.len > 0 ? decoder->fields.ptr + begin : "",
			decoder->ends[i] - begin
		};

		code = bd_rows_decode(rows, bytes, &bad);
		if (code == BD_TEXT_ENCODING) {
			return bd_rows_refuse(
				rows, code, i + 1, raw, diag, "byte %zu of the field", bad + 1);
		}
		ends[i] = rows->text.len;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	for (size_t i = 0; i < count; i++) {
		size_t begin = i > 0 ? ends[i - 1] : 0;

		fields[i] = (struct bd_bytes){ ends[i] > begin ? rows->text.ptr + begin : "",
			ends[i] - begin };
		if (decoder->is_null[i]) {
			fields[i] = (struct bd_bytes){ NULL, 0 };
		}
	}
	return bd_rows_give(rows, fields, decoder->count, raw, diag);
}

static enum bd_code end_row(struct decoder *decoder, struct bd_diag *diag)
{
	struct bd_rows *rows = &decoder->rows;
	struct bd_bytes raw = bd_rows_trim(rows, bd_buf_bytes(&rows->line));
	enum bd_code code = BD_OK;

	if (decoder->state != SKIPPING) {
		end_field(decoder);
	}
	if (decoder->fault == BD_NO_MEMORY) {
		code = bd_fail(diag, decoder->fault, "%s", "");
	} else if (decoder->fault != BD_OK) {
		code = bd_rows_refuse(
			rows, decoder->fault, decoder->count + 1, raw, diag, "%s", "");
	} else if (raw.len > 0) { /* else an empty line */
		code = give(decoder, raw, diag);
	}
	bd_rows_next(rows, decoder->held, 1 + decoder->breaks);
	bd_buf_clear(&decoder->fields);
	decoder->held = 0;
	decoder->breaks = 0;
	decoder->count = 0;
	decoder->begin = 0;
	decoder->fault = BD_OK;
	decoder->is_quoted = false;
	decoder->state = AT_FIELD;
	return code;
}

static void add(struct decoder *decoder, struct bd_bytes run)
{
	enum bd_code code = bd_buf_add(&decoder->fields, run);

	if (code != BD_OK) {
		fault(decoder, code);
	}
}

/* Bytes that are neither separator, quote, CR nor LF. */
static void read_run(struct decoder *decoder, struct bd_bytes run)
{
	switch (decoder->state) {
	case AT_FIELD:
	case IN_PLAIN:
		decoder->state = IN_PLAIN;
		add(decoder, run);
		break;
	case IN_QUOTED:
		add(decoder, run);
		break;
	case AFTER_QUOTE:
		fault(decoder, BD_CSV_QUOTE);
		break;
	case AFTER_CR:
		fault(decoder, BD_TEXT_CONTROL);
		break;
	case SKIPPING:
		break;
	}
}

static void read_quote(struct decoder *decoder)
{
	bool is_mark_only = decoder->state == IN_PLAIN && decoder->count == 0 &&
			    decoder->fields.len == 3 &&
			    bd_rows_is_mark(&decoder->rows, current(decoder));

	if (decoder->state == AT_FIELD || is_mark_only) {
		decoder->fields.len = decoder->begin;
		decoder->is_quoted = true;
		decoder->state = IN_QUOTED;
	} else if (decoder->state == IN_QUOTED) {
		decoder->state = AFTER_QUOTE;
	} else if (decoder->state == AFTER_QUOTE) {
		add(decoder, (struct bd_bytes){ "\"", 1 });
		decoder->state = IN_QUOTED;
	} else {
		fault(decoder, decoder->state == AFTER_CR ? BD_TEXT_CONTROL : BD_CSV_QUOTE);
	}
}

/* Separator, quote, CR, or a LF inside of quotes. */
static void read_special(struct decoder *decoder, struct bd_bytes byte)
{
	if (decoder->state == SKIPPING) {
		return;
	}
	if (*byte.ptr == '"') {
		read_quote(decoder);
	} else if (decoder->state == IN_QUOTED) {
		decoder->breaks += *byte.ptr == '\n';
		add(decoder, byte);
	} else if (decoder->state == AFTER_CR) {
		fault(decoder, BD_TEXT_CONTROL);
	} else if (*byte.ptr == '\r') {
		decoder->state = AFTER_CR;
	} else {
		end_field(decoder);
	}
}

/* How many bytes at the begin have no meaning of their own. */
static size_t run_len(const struct decoder *decoder, struct bd_bytes bytes)
{
	size_t len = 0;

	if (decoder->state == SKIPPING) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);

		return end != NULL ? (size_t)(end - bytes.ptr) : bytes.len;
	}
	while (len < bytes.len && bytes.ptr[len] != decoder->separator && bytes.ptr[len] != '"' &&
		bytes.ptr[len] != '\n' && bytes.ptr[len] != '\r') {
		len++;
	}
	return len;
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */
	enum bd_code code = BD_OK;

	while (bytes.len > 0 && code == BD_OK) {
		struct bd_bytes run = { bytes.ptr, run_len(decoder, bytes) };
		bool is_special = run.len == 0;

		run.len += is_special;
		bytes.ptr += run.len;
		bytes.len -= run.len;
		decoder->held += run.len;
		if (*run.ptr == '\n' && decoder->state != IN_QUOTED) {
			code = end_row(decoder, diag);
			continue;
		}
		code = bd_rows_keep(&decoder->rows, run);
		if (code != BD_OK) {
			return bd_fail(diag, code, "%s", "");
		}
		if (decoder->rows.is_too_long) {
			fault(decoder, BD_LIMIT_BYTES);
		} else if (is_special) {
			read_special(decoder, run);
		} else {
			read_run(decoder, run);
		}
	}
	return code;
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;
	const struct bd_place place = { .offset = decoder->rows.offset,
		.line = decoder->rows.line_number,
		.row = decoder->rows.row };

	if (decoder->state == IN_QUOTED) {
		return bd_fail_at(diag, BD_MESSAGE_TRUNCATED, place, "a quote is not closed");
	}
	return decoder->held > 0 ? end_row(decoder, diag) : BD_OK;
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
	decoder->separator = settings->separator == '\0' || settings->separator == '\x01'
				     ? ','
				     : settings->separator;
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
