/* decode.h - the decoders: bytes of one message in its format and charset to events (events.h).
 *
 * Layer: intake. `base` is where the first byte stands (embedded documents: the place of the text
 * in its parent). Charset: the caller's label wins (Content-Type, adapter), else for XML its
 * declaration or BOM, else UTF-8; "auto" tries UTF-8 and falls back to GB18030 only for delimited
 * (a row at a time) and whole small messages. Input is decoded by base/charset before any parser
 * sees it.
 */
#ifndef BD_INTAKE_DECODE_H
#define BD_INTAKE_DECODE_H

#include "intake/events.h"
#include "intake/plan.h"

struct bd_decode_settings {
	const char *charset; /* label, NULL or "auto" */
	bool is_text;        /* already UTF-8 (embedded): any XML encoding declaration is ignored */
	struct bd_place base;
	char separator; /* delimited, CSV */
	bool has_header;
	const struct bd_column_plan *columns;
	size_t column_count;
	struct bd_xml_parsers *parsers; /* of libxml2 (intake.h); NULL = each document its own */
};

enum bd_code bd_decode_xml_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag);
enum bd_code bd_decode_json_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag);
enum bd_code bd_decode_delimited_new(struct bd_decoder **out,
	const struct bd_decode_settings *settings, struct bd_listener *listener,
	struct bd_diag *diag);
enum bd_code bd_decode_csv_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag);
enum bd_code bd_decode_fixed_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag);
/* Picks one of the above. */
enum bd_code bd_decode_new(struct bd_decoder **out, enum bd_format format,
	const struct bd_decode_settings *settings, struct bd_listener *listener,
	struct bd_diag *diag);

#endif
