/* inflate.h - a gzip body (RFC 1952) opened as it comes. Layer: intake; zlib stays in inflate.c.
 *
 * However it was cut on its way, the same comes out, and the same first error at the same place.
 * The end of a body is given out by bd_inflate_end.
 *
 * Bounded: what comes out in all, and how many times more than what went in (BD_GZIP_RATIO_MAX,
 * after the first 64 KiB). Several members one after the other are one body; anything else behind
 * the last is BD_GZIP_DATA.
 */
#ifndef BD_INTAKE_INFLATE_H
#define BD_INTAKE_INFLATE_H

#include "base/diag.h"

struct bd_inflate;
struct bd_inflate_sink;
struct bd_inflate_sink {
	enum bd_code (*on_bytes)(
		struct bd_inflate_sink *sink, struct bd_bytes bytes, struct bd_diag *diag);
};

enum bd_code bd_inflate_new(
	struct bd_inflate **out, struct bd_inflate_sink *sink, uint64_t max_bytes);
void bd_inflate_free(struct bd_inflate *inflate);
enum bd_code bd_inflate_feed(
	struct bd_inflate *inflate, struct bd_bytes bytes, struct bd_diag *diag);
/* BD_MESSAGE_TRUNCATED when the last member is not whole. */
enum bd_code bd_inflate_end(struct bd_inflate *inflate, struct bd_diag *diag);

#endif
