#include "intake/inflate.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define OUT_BYTES 65536
/* zlib is given the body in pieces of this length, however it came: how far it has read ahead of
 * what it gives depends on what it is given at once, and with it the place of an error and, at the
 * very edge, whether a body expands too much. */
#define IN_BYTES 4096
#define RATIO_FREE_BYTES 65536

struct bd_inflate {
	z_stream stream;
	struct bd_inflate_sink *sink;
	uint64_t in, out, max;
	bool is_whole;     /* a member has just ended */
	enum bd_code code; /* first failure; every call after it gives it again */
	size_t held;       /* of the next piece */
	uint8_t piece[IN_BYTES];
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

/* Up to the next point where limits are looked at. These are points of what comes out, so that the
 * answer is the same however the body was cut. */
static uInt room_left(const struct bd_inflate *self)
{
	uint64_t room = OUT_BYTES - self->out % OUT_BYTES;

	return (uInt)(self->max - self->out < room ? self->max - self->out + 1 : room);
}

static bool is_too_much(const struct bd_inflate *self)
{
	return self->out > self->max ||
	       (self->out % OUT_BYTES == 0 && self->out > RATIO_FREE_BYTES &&
		       self->out / BD_GZIP_RATIO_MAX > self->in);
}

static enum bd_code give(struct bd_inflate *self, size_t len, struct bd_diag *diag)
{
	const struct bd_place place = { .offset = self->in };

	self->out += len;
	if (len > 0 && is_too_much(self)) {
		return bd_fail_at(diag, BD_LIMIT_EXPANSION, place, "%s", "");
	}
	if (len == 0) {
		return BD_OK;
	}
	return self->sink->on_bytes(
		self->sink, (struct bd_bytes){ (const char *)self->room, len }, diag);
}

/* One call of zlib: as much as fits into the room. */
static enum bd_code step(struct bd_inflate *self, struct bd_diag *diag)
{
	z_stream *stream = &self->stream;
	uInt before = stream->avail_in, room = room_left(self);
	int result;

	if (self->is_whole) {
		inflateReset(stream);
		self->is_whole = false;
	}
	stream->next_out = self->room;
	stream->avail_out = room;
	result = inflate(stream, Z_NO_FLUSH);
	self->in += before - stream->avail_in;
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
		const struct bd_place place = { .offset = self->in };

		return bd_fail_at(
			diag, result == Z_MEM_ERROR ? BD_NO_MEMORY : BD_GZIP_DATA, place, "%s", "");
	}
	self->is_whole = result == Z_STREAM_END;
	return give(self, room - stream->avail_out, diag);
}

static void open_piece(struct bd_inflate *self, struct bd_bytes piece, struct bd_diag *diag)
{
	z_stream *stream = &self->stream;

	stream->next_in = (Bytef *)piece.ptr;
	stream->avail_in = (uInt)piece.len;
	stream->avail_out = 1;
	/* A full room may mean that more waits inside. */
	while (self->code == BD_OK &&
		(stream->avail_in > 0 || (stream->avail_out == 0 && !self->is_whole))) {
		self->code = step(self, diag);
	}
}

/* The next piece, when it is there whole: from where it stands if it can be. */
static struct bd_bytes take_piece(struct bd_inflate *self, struct bd_bytes *bytes)
{
	size_t wanted = IN_BYTES - self->held, len = bytes->len < wanted ? bytes->len : wanted;
	struct bd_bytes piece = { bytes->ptr, len };

	if (len < IN_BYTES) {
		memcpy(self->piece + self->held, bytes->ptr, len);
		self->held += len;
		piece = (struct bd_bytes){ (const char *)self->piece, self->held };
	}
	bytes->ptr += len;
	bytes->len -= len;
	if (piece.len < IN_BYTES) {
		return (struct bd_bytes){ NULL, 0 };
	}
	self->held = 0;
	return piece;
}

enum bd_code bd_inflate_feed(struct bd_inflate *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	while (self->code == BD_OK && bytes.len > 0) {
		struct bd_bytes piece = take_piece(self, &bytes);

		if (piece.len > 0) {
			open_piece(self, piece, diag);
		}
	}
	return self->code == BD_OK ? BD_OK : bd_fail(diag, self->code, "%s", "");
}

enum bd_code bd_inflate_end(struct bd_inflate *self, struct bd_diag *diag)
{
	if (self->code == BD_OK && self->held > 0) {
		open_piece(self, (struct bd_bytes){ (const char *)self->piece, self->held }, diag);
		self->held = 0;
	}
	if (self->code != BD_OK) {
		return bd_fail(diag, self->code, "%s", "");
	}
	const struct bd_place place = { .offset = self->in };
	return self->is_whole ? BD_OK : bd_fail_at(diag, BD_MESSAGE_TRUNCATED, place, "%s", "");
}
