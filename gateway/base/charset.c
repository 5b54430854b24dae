#include "base/charset.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

#include "base/charset_table.inc"

#define LAST_BMP_POINTER 39419
#define FIRST_HIGH_POINTER 189000
#define LAST_HIGH_POINTER 1237575

enum bd_charset bd_charset_find(struct bd_bytes label)
{
	static const struct {
		const char *label;
		enum bd_charset charset;
	} rows[] = { { "utf-8", BD_CHARSET_UTF8 }, { "utf8", BD_CHARSET_UTF8 },
		{ "us-ascii", BD_CHARSET_UTF8 }, { "ascii", BD_CHARSET_UTF8 },
		{ "gb18030", BD_CHARSET_GB18030 }, { "gbk", BD_CHARSET_GB18030 },
		{ "gb2312", BD_CHARSET_GB18030 }, { "x-gbk", BD_CHARSET_GB18030 },
		{ "cp936", BD_CHARSET_GB18030 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (label.len == strlen(rows[i].label) &&
			strncasecmp(label.ptr, rows[i].label, label.len) == 0) {
			return rows[i].charset;
		}
	}
	return BD_CHARSET_UNKNOWN;
}

/* What stands at the begin of bytes. */
enum sequence { SEQUENCE_WHOLE, SEQUENCE_SHORT, SEQUENCE_BAD };

static enum sequence utf8_sequence(size_t *len, const uint8_t *at, size_t left)
{
	uint8_t low = 0x80, high = 0xBF;

	if (at[0] >= 0xC2 && at[0] <= 0xDF) {
		*len = 2;
	} else if (at[0] >= 0xE0 && at[0] <= 0xEF) {
		*len = 3;
		low = at[0] == 0xE0 ? 0xA0 : low;
		high = at[0] == 0xED ? 0x9F : high;
	} else if (at[0] >= 0xF0 && at[0] <= 0xF4) {
		*len = 4;
		low = at[0] == 0xF0 ? 0x90 : low;
		high = at[0] == 0xF4 ? 0x8F : high;
	} else {
		return SEQUENCE_BAD;
	}
	for (size_t i = 1; i < *len; i++) {
		if (i == left) {
			return SEQUENCE_SHORT;
		}
		if (at[i] < low || at[i] > high) {
			return SEQUENCE_BAD;
		}
		low = 0x80;
		high = 0xBF;
	}
	return SEQUENCE_WHOLE;
}

/* The last range that begins at or before the pointer. */
static uint32_t point_of_pointer(uint32_t pointer)
{
	size_t low = 0, high = sizeof(four_bytes) / sizeof(four_bytes[0]);

	if (pointer >= FIRST_HIGH_POINTER) {
		return 0x10000 + (pointer - FIRST_HIGH_POINTER);
	}
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (four_bytes[middle].pointer <= pointer) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return four_bytes[low].point + (pointer - four_bytes[low].pointer);
}

static enum sequence gb18030_four(uint32_t *point, const uint8_t *at, size_t left)
{
	uint32_t pointer;

	if (left > 2 && (at[2] < 0x81 || at[2] > 0xFE)) {
		return SEQUENCE_BAD;
	}
	if (left > 3 && (at[3] < 0x30 || at[3] > 0x39)) {
		return SEQUENCE_BAD;
	}
	if (left < 4) {
		return SEQUENCE_SHORT;
	}
	pointer = ((at[0] - 0x81u) * 10 + (at[1] - 0x30u)) * 1260 + (at[2] - 0x81u) * 10 +
		  (at[3] - 0x30u);
	if ((pointer > LAST_BMP_POINTER && pointer < FIRST_HIGH_POINTER) ||
		pointer > LAST_HIGH_POINTER) {
		return SEQUENCE_BAD;
	}
	*point = point_of_pointer(pointer);
	return SEQUENCE_WHOLE;
}

static enum sequence gb18030_sequence(uint32_t *point, size_t *len, const uint8_t *at, size_t left)
{
	if (at[0] < 0x81 || at[0] > 0xFE) {
		return SEQUENCE_BAD;
	}
	if (left == 1) {
		return SEQUENCE_SHORT;
	}
	if (at[1] >= 0x30 && at[1] <= 0x39) {
		*len = 4;
		return gb18030_four(point, at, left);
	}
	if (at[1] < 0x40 || at[1] == 0x7F || at[1] == 0xFF) {
		return SEQUENCE_BAD;
	}
	*len = 2;
	*point = two_bytes[(at[0] - 0x81) * 190 + at[1] - (at[1] < 0x7F ? 0x40 : 0x41)];
	return SEQUENCE_WHOLE;
}

/* Decodes what is whole; *used tells how far. BD_TEXT_ENCODING at a bad sequence, BD_OK also when
 * the last is short. */
static enum bd_code decode(
	struct bd_buf *out, enum bd_charset charset, struct bd_bytes bytes, size_t *used)
{
	const uint8_t *ptr = (const uint8_t *)bytes.ptr;
	size_t at = 0, begin = 0, len = 0;
	enum bd_code code = BD_OK;

	while (code == BD_OK && at < bytes.len) {
		enum sequence sequence;
		uint32_t point = 0;

		if (ptr[at] < 0x80) {
			at += bd_text_ascii_len(
				(struct bd_bytes){ bytes.ptr + at, bytes.len - at });
			continue;
		}
		if (charset == BD_CHARSET_UTF8) {
			sequence = utf8_sequence(&len, ptr + at, bytes.len - at);
			if (sequence == SEQUENCE_WHOLE) {
				at += len;
				continue;
			}
		} else {
			sequence = gb18030_sequence(&point, &len, ptr + at, bytes.len - at);
		}
		code = bd_buf_add(out, (struct bd_bytes){ bytes.ptr + begin, at - begin });
		begin = at;
		if (code == BD_OK && sequence == SEQUENCE_WHOLE) {
			code = bd_text_add_point(out, point);
			at += len;
			begin = at;
		} else if (code == BD_OK) {
			*used = at;
			return sequence == SEQUENCE_BAD ? BD_TEXT_ENCODING : BD_OK;
		}
	}
	if (code == BD_OK) {
		code = bd_buf_add(out, (struct bd_bytes){ bytes.ptr + begin, at - begin });
	}
	*used = at;
	return code;
}

enum bd_code bd_charset_decode(
	struct bd_buf *out, enum bd_charset charset, struct bd_bytes bytes, size_t *bad)
{
	size_t used = 0;
	enum bd_code code = decode(out, charset, bytes, &used);

	*bad = used;
	return code == BD_OK && used < bytes.len ? BD_TEXT_ENCODING : code;
}

void bd_charset_stream_init(struct bd_charset_stream *stream, enum bd_charset charset)
{
	*stream = (struct bd_charset_stream){ .charset = charset };
}

/* Fills up the character that the chunk before has cut. *taken tells how much of bytes it took. */
static enum bd_code finish_pending(
	struct bd_charset_stream *stream, struct bd_buf *out, struct bd_bytes bytes, size_t *taken)
{
	while (stream->pending_len > 0 && *taken < bytes.len) {
		size_t used = 0;
		enum bd_code code;

		stream->pending[stream->pending_len++] = bytes.ptr[(*taken)++];
		code = decode(out, stream->charset,
			(struct bd_bytes){ stream->pending, stream->pending_len }, &used);
		if (code != BD_OK) {
			return code;
		}
		if (used > 0) {
			stream->offset += used;
			stream->pending_len = 0;
		}
	}
	return BD_OK;
}

enum bd_code bd_charset_stream_feed(
	struct bd_charset_stream *stream, struct bd_buf *out, struct bd_bytes bytes)
{
	size_t taken = 0, used = 0;
	enum bd_code code = finish_pending(stream, out, bytes, &taken);
	struct bd_bytes rest = { bytes.ptr + taken, bytes.len - taken };

	if (code != BD_OK || rest.len == 0) {
		return code;
	}
	code = decode(out, stream->charset, rest, &used);
	stream->offset += used;
	if (code == BD_OK && used < rest.len) {
		stream->pending_len = rest.len - used;
		memcpy(stream->pending, rest.ptr + used, stream->pending_len);
	}
	return code;
}

enum bd_code bd_charset_stream_end(struct bd_charset_stream *stream)
{
	return stream->pending_len > 0 ? BD_TEXT_ENCODING : BD_OK;
}
