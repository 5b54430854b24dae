/* decode_rows.h - what the row formats (delimited, CSV, fixed width) share: a row's bytes to its
 * events.
 *
 * Layer: intake, private to it. A decoder gathers a row with bd_rows_keep, finds its fields, gives
 * it with bd_rows_give or refuses it with bd_rows_refuse, and ends it with bd_rows_next. Nothing
 * here depends on how the message was cut.
 */
#ifndef BD_INTAKE_DECODE_ROWS_H
#define BD_INTAKE_DECODE_ROWS_H

#include "base/charset.h"
#include "intake/decode.h"

#define BD_ROW_COLUMNS_MAX 512

struct bd_rows {
	struct bd_listener *listener;
	const struct bd_column_plan *columns;
	size_t column_count;
	enum bd_charset charset;     /* BD_CHARSET_UNKNOWN = "auto" */
	enum bd_charset row_charset; /* of this row */
	bool has_header;             /* still to come */
	bool is_too_long;            /* this row; `line` has its begin */
	uint64_t row;                /* of the one being read, from 1 */
	uint32_t line_number;        /* of its first line */
	uint64_t offset;             /* of its first byte */
	struct bd_buf line;          /* a row that came in pieces */
	struct bd_buf text;          /* decoded */
};

enum bd_code bd_rows_open(struct bd_rows *rows, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag);
void bd_rows_close(struct bd_rows *rows);
/* Adds to `line`; past BD_RECORD_MAX_BYTES the rest is dropped and is_too_long set. Only
 * BD_NO_MEMORY can come. */
enum bd_code bd_rows_keep(struct bd_rows *rows, struct bd_bytes bytes);
/* The row without CR at its end and, the first, without a byte order mark. */
struct bd_bytes bd_rows_trim(const struct bd_rows *rows, struct bd_bytes raw);
bool bd_rows_is_mark(const struct bd_rows *rows, struct bd_bytes bytes);
/* The whole row into rows->text; a bad byte: BD_TEXT_ENCODING and *bad. */
enum bd_code bd_rows_decode_row(struct bd_rows *rows, struct bd_bytes raw, size_t *bad);
/* Or field by field: begin decides on the charset of the whole row, decode appends to rows->text.
 */
enum bd_code bd_rows_begin(struct bd_rows *rows, struct bd_bytes raw);
enum bd_code bd_rows_decode(struct bd_rows *rows, struct bd_bytes bytes, size_t *bad);
/* One row of decoded fields, of which min(count, column_count) are given; a field with ptr NULL is
 * none (\N). Checks header, count and control characters. */
enum bd_code bd_rows_give(struct bd_rows *rows, const struct bd_bytes *fields, size_t count,
	struct bd_bytes raw, struct bd_diag *diag);
/* A row that cannot be read: told, and decoding goes on. column from 1, 0 = the whole row. */
enum bd_code bd_rows_refuse(struct bd_rows *rows, enum bd_code code, size_t column,
	struct bd_bytes raw, struct bd_diag *diag, const char *detail, ...)
	__attribute__((format(printf, 6, 7)));
/* The row of `lines` lines and `len` bytes, its LF included, is over. */
void bd_rows_next(struct bd_rows *rows, uint64_t len, uint32_t lines);

#endif
