#include "intake/inflate.h"

#include "base/limits.h"

#include <stdlib.h>
#include <zlib.h>

#define OUT_BYTES 65536
#define RATIO_FREE_BYTES 65536

struct bd_inflate {
	z_stream stream;
	struct bd_inflate_sink *sink;
	uint64_t in, out, max;
	bool is_whole; /* a member has just ended */
	uint8_t room[OUT_BYTES];
};

enum bd_code bd_inflate_new(
	struct bd_inflate **out, struct bd_inflate_sink *sink, uint64_t max_bytes)
{
	struct bd_inflate *self = calloc(1, sizeof(*self));

	*out = NULL;
	if (self == NULL) {
		return BD_NO_MEMORY;
	}
	self->sink = sink;
	self->max = max_bytes;
	/* 16 more: gzip only. */
	if (inflateInit2(&self->stream, 15 + 16) != Z_OK) {
		free(self);
		return BD_NO_MEMORY;
	}
	*out = self;
	return BD_OK;
}

void bd_inflate_free(struct bd_inflate *self)
{
	if (self != NULL) {
		inflateEnd(&self->stream);
		free(self);
	}
}

static enum bd_code give(struct bd_inflate *self, size_t len, struct bd_diag *diag)
{
	self->out += len;
	if (self->out > self->max ||
		(self->out > RATIO_FREE_BYTES && self->out / BD_GZIP_RATIO_MAX > self->in)) {
		return bd_fail(diag, BD_LIMIT_EXPANSION, "%s", "");
	}
	if (len == 0) {
		return BD_OK;
	}
	return self->sink->on_bytes(
		self->sink, (struct bd_bytes){ (const char *)self->room, len }, diag);
}

enum bd_code bd_inflate_feed(struct bd_inflate *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	z_stream *stream = &self->stream;
	enum bd_code code = BD_OK;

	self->in += bytes.len;
	stream->next_in = (Bytef *)bytes.ptr;
	stream->avail_in = (uInt)bytes.len;
	while (code == BD_OK && (stream->avail_in > 0 || stream->avail_out == 0)) {
		int result;

		if (self->is_whole) {
			if (stream->avail_in == 0) {
				break;
			}
			inflateReset(stream);
			self->is_whole = false;
		}
		stream->next_out = self->room;
		stream->avail_out = OUT_BYTES;
		result = inflate(stream, Z_NO_FLUSH);
		if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
			return bd_fail(diag, result == Z_MEM_ERROR ? BD_NO_MEMORY : BD_GZIP_DATA,
				"%s", "");
		}
		self->is_whole = result == Z_STREAM_END;
		code = give(self, OUT_BYTES - stream->avail_out, diag);
	}
	stream->avail_out = 1; /* nothing waits inside: the next call begins with new bytes */
	return code;
}

enum bd_code bd_inflate_end(struct bd_inflate *self, struct bd_diag *diag)
{
	return self->is_whole ? BD_OK : bd_fail(diag, BD_MESSAGE_TRUNCATED, "%s", "");
}
