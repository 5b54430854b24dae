/* parse.h - the head of one HTTP/1.1 request (RFC 9112), and the chunks of its body.
 *
 * Layer: http, used by connection.c; the only file with llhttp or http_parser. Strict before
 * lenient: our own rules read every byte first and refuse what two readers could understand
 * differently; the library must then agree on the framing, or the request is refused. Chunks are
 * read by our own decoder, because Debian builds http_parser with its strict checks off and it then
 * takes any byte for the LF of a chunk.
 */
#ifndef BD_HTTP_PARSE_H
#define BD_HTTP_PARSE_H

#include "base/diag.h"
#include "base/limits.h"

struct bd_http_field {
	struct bd_bytes name, value; /* value without the space around it */
};

/* All bytes are borrowed from the head that was parsed. */
struct bd_http_head {
	struct bd_bytes method, path, query; /* query without '?' */
	struct bd_http_field fields[BD_HTTP_FIELDS_MAX];
	size_t field_count;
	uint64_t content_length; /* 0 without a body */
	bool is_chunked;
	bool is_1_0; /* of HTTP/1.0: no chunks and no 100 Continue for it, closed after the answer
		      */
	bool is_keep_alive;
	bool is_continue_expected;
	bool has_unknown_expectation;
};

/* Looks for the empty line. *end is 0 while it has not come, else the length of the head with it.
 * *scanned starts 0 and remembers how far earlier calls read. BD_HTTP_SYNTAX at NUL, a control
 * byte, a bare CR or LF. */
enum bd_code bd_http_scan_head(
	size_t *end, size_t *scanned, struct bd_bytes bytes, struct bd_diag *diag);
/* BD_HTTP_SYNTAX, BD_HTTP_FRAMING, BD_HTTP_HEADER_SIZE (too many fields). Only a path that begins
 * with a slash and has no dot segment is taken (RFC 3986 section 3.3): clients resolve those, and
 * two readers of what is left would disagree. Upgrade is ignored (RFC 9110 section 7.8). */
enum bd_code bd_http_parse_head(
	struct bd_http_head *head, struct bd_bytes bytes, struct bd_diag *diag);
/* Value of the first field of that name, any case; ptr NULL when there is none. */
struct bd_bytes bd_http_head_find(const struct bd_http_head *head, struct bd_bytes name);
/* How many fields have that name. */
size_t bd_http_head_count(const struct bd_http_head *head, const char *name);

/* State of one chunked body (RFC 9112 section 7.1); all zero at the start. */
struct bd_http_chunks {
	int state;
	unsigned digits;
	size_t line_len; /* bytes of the size line or of the trailers, bounded */
	uint64_t left;
	bool is_done;
};

/* Takes from the front of *rest; *data is the next run of body bytes, empty when more input is
 * needed or the body is done. BD_HTTP_FRAMING. */
enum bd_code bd_http_next_chunk(struct bd_bytes *data, struct bd_http_chunks *chunks,
	struct bd_bytes *rest, struct bd_diag *diag);

#endif
