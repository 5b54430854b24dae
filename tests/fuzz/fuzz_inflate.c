/* fuzz_inflate.c - any bytes as a gzip body: the same output and the same first error at any cut;
 * and what was compressed is opened again.
 *
 * The first byte of an input is the length of the runs.
 */
#include "intake/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_BYTES 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct gathering {
	struct bd_inflate_sink sink;
	struct bd_buf out;
	struct bd_diag diag;
};

static enum bd_code on_bytes(
	struct bd_inflate_sink *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct gathering *gathering = (struct gathering *)self;

	(void)diag;
	if (bytes.len == 0 || bd_buf_add(&gathering->out, bytes) != BD_OK) {
		abort();
	}
	return BD_OK;
}

static enum bd_code open_body(struct gathering *gathering, struct bd_bytes bytes, size_t step)
{
	struct bd_inflate *inflate;
	enum bd_code code;

	*gathering = (struct gathering){ .sink = { on_bytes } };
	bd_buf_init(&gathering->out, MAX_BYTES * 2);
	code = bd_inflate_new(&inflate, &gathering->sink, MAX_BYTES);
	if (code != BD_OK) {
		abort();
	}
	while (code == BD_OK && bytes.len > 0) {
		size_t len = bytes.len < step ? bytes.len : step;

		code = bd_inflate_feed(
			inflate, (struct bd_bytes){ bytes.ptr, len }, &gathering->diag);
		bytes = (struct bd_bytes){ bytes.ptr + len, bytes.len - len };
	}
	code = code == BD_OK ? bd_inflate_end(inflate, &gathering->diag) : code;
	bd_inflate_free(inflate);
	if (gathering->diag.code != code || gathering->out.len > MAX_BYTES) {
		abort();
	}
	return code;
}

/* What stands before the first error may be given in part only: the rest must agree. */
static void check_cut(struct bd_bytes body, size_t step)
{
	struct gathering whole, cut;
	enum bd_code code = open_body(&whole, body, body.len + 1);
	size_t len;

	if (open_body(&cut, body, step) != code ||
		cut.diag.place.offset != whole.diag.place.offset) {
		abort();
	}
	len = whole.out.len < cut.out.len ? whole.out.len : cut.out.len;
	if ((code == BD_OK && whole.out.len != cut.out.len) ||
		(len > 0 && memcmp(whole.out.ptr, cut.out.ptr, len) != 0)) {
		abort();
	}
	bd_buf_release(&whole.out);
	bd_buf_release(&cut.out);
}

static void check_round_trip(struct bd_bytes plain, size_t step)
{
	uLong room = compressBound((uLong)plain.len) + 64;
	Bytef *packed = malloc(room);
	z_stream stream = { .next_in = (Bytef *)plain.ptr, .avail_in = (uInt)plain.len };
	struct gathering gathering;

	if (packed == NULL ||
		deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		abort();
	}
	stream.next_out = packed;
	stream.avail_out = (uInt)room;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END ||
		open_body(&gathering,
			(struct bd_bytes){ (const char *)packed, room - stream.avail_out },
			step) != BD_OK ||
		!bd_bytes_equal(bd_buf_bytes(&gathering.out), plain)) {
		abort();
	}
	deflateEnd(&stream);
	bd_buf_release(&gathering.out);
	free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes body;

	if (size == 0) {
		return 0;
	}
	body = (struct bd_bytes){ (const char *)data + 1, size - 1 };
	check_cut(body, 1);
	check_cut(body, 2 + data[0] % 64u);
	check_round_trip(body, 1 + data[0]);
	return 0;
}
