/* decode_rows.h - what the row formats (delimited, CSV, fixed width) share: a row's bytes to its
 * events.
 *
 * Layer: intake, private to it.
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
	enum bd_charset charset; /* BD_CHARSET_UNKNOWN = "auto" */
	uint64_t row;            /* of the one being read, from 1 */
	uint64_t offset;         /* of its first byte */
	struct bd_buf line;      /* a row that came in pieces */
	struct bd_buf text;      /* decoded */
};

enum bd_code bd_rows_open(struct bd_rows *rows, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag);
void bd_rows_close(struct bd_rows *rows);
/* Decoded into rows->text (any earlier content is gone); a bad byte: BD_TEXT_ENCODING and *bad. */
enum bd_code bd_rows_decode(struct bd_rows *rows, struct bd_bytes bytes, size_t *bad);
/* One row of good fields; a field with ptr NULL is none (\N). */
enum bd_code bd_rows_give(
	struct bd_rows *rows, const struct bd_bytes *fields, struct bd_diag *diag);
/* A row that cannot be read: told, and decoding goes on. */
enum bd_code bd_rows_refuse(struct bd_rows *rows, enum bd_code code, uint32_t column,
	struct bd_bytes raw, struct bd_diag *diag, const char *detail, ...)
	__attribute__((format(printf, 6, 7)));

#endif
