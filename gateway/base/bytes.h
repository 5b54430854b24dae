/* bytes.h - borrowed byte ranges and bounded growing buffers.
 *
 * Layer: base. Called by everyone.
 *
 * A struct bd_bytes never owns: whoever hands it out says until when it lives. A struct bd_buf owns
 * its memory and never grows past the maximum it was given; growth past it is BD_LIMIT_BYTES, lack
 * of memory is BD_NO_MEMORY, and in both cases the buffer is as before the call.
 */
#ifndef BD_BASE_BYTES_H
#define BD_BASE_BYTES_H

#include "base/code.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bd_bytes {
	const char *ptr; /* may be NULL only when len is 0 */
	size_t len;      /* bytes */
};

/* Bytes of a NUL-terminated string, the NUL not counted. What is small and everywhere stands here:
 * the length of a text that is known is then known to the compiler too. */
static inline struct bd_bytes bd_bytes_of(const char *text)
{
	return (struct bd_bytes){ text, strlen(text) };
}

/* Of a text that is written out, as an initializer. */
#define BD_BYTES(text)                                                                             \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static inline uint64_t bd_bytes_eight(const char *at)
{
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	return eight;
}

static inline uint32_t bd_bytes_four(const char *at)
{
	uint32_t four;

	memcpy(&four, at, sizeof(four));
	return four;
}

/* Are so many bytes the same? Most texts are of a few, which are compared sooner than a call is
 * made: two parts, which may overlap, are of any length up to twice that of one. */
static inline bool bd_is_same(const char *a, const char *b, size_t len)
{
	if (len > 16) {
		return memcmp(a, b, len) == 0;
	}
	if (len >= 8) {
		return ((bd_bytes_eight(a) ^ bd_bytes_eight(b)) |
			       (bd_bytes_eight(a + len - 8) ^ bd_bytes_eight(b + len - 8))) == 0;
	}
	if (len >= 4) {
		return ((bd_bytes_four(a) ^ bd_bytes_four(b)) |
			       (bd_bytes_four(a + len - 4) ^ bd_bytes_four(b + len - 4))) == 0;
	}
	return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

static inline bool bd_bytes_equal(struct bd_bytes a, struct bd_bytes b)
{
	return a.len == b.len && bd_is_same(a.ptr, b.ptr, a.len);
}

static inline bool bd_bytes_is(struct bd_bytes a, const char *text)
{
	/* Names are looked for in lists: nearly all others differ in their first byte. */
	return (a.len == 0 || a.ptr[0] == text[0]) && bd_bytes_equal(a, bd_bytes_of(text));
}

/* Of two names that end with NUL. Most are one and the same, or differ in their first byte. */
static inline bool bd_is_name(const char *a, const char *b)
{
	return a == b || (a[0] == b[0] && strcmp(a, b) == 0);
}

/* Copies them to where there is room for them; gives the place behind. Most texts are of a few
 * bytes, which are copied sooner than a call is made: two copies, which may overlap, are of any
 * length up to twice that of one. */
static inline char *bd_bytes_put(char *at, struct bd_bytes bytes)
{
	const char *from = bytes.ptr;
	size_t len = bytes.len;

	if (len > 32) {
		memcpy(at, from, len);
	} else if (len >= 16) {
		memcpy(at, from, 16);
		memcpy(at + len - 16, from + len - 16, 16);
	} else if (len >= 8) {
		memcpy(at, from, 8);
		memcpy(at + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(at, from, 4);
		memcpy(at + len - 4, from + len - 4, 4);
	} else if (len > 0) {
		at[0] = from[0];
		at[len / 2] = from[len / 2];
		at[len - 1] = from[len - 1];
	}
	return at + len;
}

/* Order by unsigned byte, a prefix first: <0, 0, >0. */
int bd_bytes_compare(struct bd_bytes a, struct bd_bytes b);

struct bd_buf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t max; /* bytes it may ever hold */
};

void bd_buf_init(struct bd_buf *buf, size_t max);
void bd_buf_release(struct bd_buf *buf);
/* Of what nobody else may find in this memory: overwritten, then released. */
void bd_buf_wipe(struct bd_buf *buf);
/* Forgets the content, keeps the memory. */
static inline void bd_buf_clear(struct bd_buf *buf)
{
	buf->len = 0;
}

/* bd_buf_reserve where there is too little room. */
enum bd_code bd_buf_grow(struct bd_buf *buf, size_t more);

/* Room for so many more bytes. */
static inline enum bd_code bd_buf_reserve(struct bd_buf *buf, size_t more)
{
	return more <= buf->cap - buf->len ? BD_OK : bd_buf_grow(buf, more);
}

static inline enum bd_code bd_buf_add(struct bd_buf *buf, struct bd_bytes bytes)
{
	enum bd_code code = bd_buf_reserve(buf, bytes.len);

	if (code == BD_OK && bytes.len != 0) {
		memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
		buf->len += bytes.len;
	}
	return code;
}

static inline enum bd_code bd_buf_add_byte(struct bd_buf *buf, char byte)
{
	return bd_buf_add(buf, (struct bd_bytes){ &byte, 1 });
}

static inline enum bd_code bd_buf_add_text(struct bd_buf *buf, const char *text)
{
	return bd_buf_add(buf, bd_bytes_of(text));
}

/* printf into the buffer; the format is ours, never an outsider's. */
enum bd_code bd_buf_printf(struct bd_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline struct bd_bytes bd_buf_bytes(const struct bd_buf *buf)
{
	return (struct bd_bytes){ buf->ptr, buf->len };
}

/* Fixed-width big-endian integers: their bytes sort as the numbers do. */
static inline enum bd_code bd_buf_add_u8(struct bd_buf *buf, uint8_t value)
{
	return bd_buf_add_byte(buf, (char)value);
}

static inline enum bd_code bd_buf_add_u16(struct bd_buf *buf, uint16_t value)
{
	uint16_t bytes = htobe16(value);

	return bd_buf_add(buf, (struct bd_bytes){ (const char *)&bytes, sizeof(bytes) });
}

static inline enum bd_code bd_buf_add_u32(struct bd_buf *buf, uint32_t value)
{
	uint32_t bytes = htobe32(value);

	return bd_buf_add(buf, (struct bd_bytes){ (const char *)&bytes, sizeof(bytes) });
}

static inline enum bd_code bd_buf_add_u64(struct bd_buf *buf, uint64_t value)
{
	uint64_t bytes = htobe64(value);

	return bd_buf_add(buf, (struct bd_bytes){ (const char *)&bytes, sizeof(bytes) });
}

/* Unsigned LEB128 (DWARF 5, 7.6), the varint of others: seven bits a byte, the lowest first; what
 * is small takes little. */
#define BD_VARINT_MAX_BYTES 10
static inline enum bd_code bd_buf_add_varint(struct bd_buf *buf, uint64_t value)
{
	char bytes[BD_VARINT_MAX_BYTES];
	size_t len = 0;

	for (; value >= 0x80; value >>= 7) {
		bytes[len++] = (char)(value | 0x80);
	}
	bytes[len++] = (char)value;
	return bd_buf_add(buf, (struct bd_bytes){ bytes, len });
}

/* Of either sign: 0, -1, 1, -2 ... are 0, 1, 2, 3. */
static inline enum bd_code bd_buf_add_zigzag(struct bd_buf *buf, int64_t value)
{
	return bd_buf_add_varint(buf, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

/* A varint of its length, then the bytes. */
static inline enum bd_code bd_buf_add_varsized(struct bd_buf *buf, struct bd_bytes bytes)
{
	enum bd_code code = bd_buf_add_varint(buf, bytes.len);

	return code == BD_OK ? bd_buf_add(buf, bytes) : code;
}

/* Where there is room for them; gives the place behind. */
static inline char *bd_put_u16(char *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static inline char *bd_put_u32(char *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static inline char *bd_put_u64(char *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

/* A u32 length, then the bytes. */
static inline char *bd_put_sized(char *at, struct bd_bytes bytes)
{
	return bd_bytes_put(bd_put_u32(at, (uint32_t)bytes.len), bytes);
}

static inline enum bd_code bd_buf_add_sized(struct bd_buf *buf, struct bd_bytes bytes)
{
	enum bd_code code =
		bytes.len > UINT32_MAX - 4 ? BD_LIMIT_BYTES : bd_buf_reserve(buf, 4 + bytes.len);

	if (code == BD_OK) {
		bd_put_sized(buf->ptr + buf->len, bytes);
		buf->len += 4 + bytes.len;
	}
	return code;
}

/* Reads what the adders wrote. `ok` starts true, turns false at the first read past the end, and
 * every read after that gives zero or empty: check it once at the end. */
struct bd_reader {
	struct bd_bytes rest;
	bool ok;
};

static inline struct bd_reader bd_reader_of(struct bd_bytes bytes)
{
	return (struct bd_reader){ bytes, true };
}

/* Borrowed from the bytes read. Here, because unpacking is little but these. */
static inline struct bd_bytes bd_read_bytes(struct bd_reader *reader, size_t len)
{
	struct bd_bytes bytes = { NULL, 0 };

	reader->ok = reader->ok && len <= reader->rest.len;
	if (reader->ok && len != 0) {
		bytes = (struct bd_bytes){ reader->rest.ptr, len };
		reader->rest.ptr += len;
		reader->rest.len -= len;
	}
	return bytes;
}

/* So many bytes, BD_FIXED_MAX_BYTES at the most, of which each has its place; zeroes past the end.
 */
#define BD_FIXED_MAX_BYTES 128
extern const char bd_bytes_zeroes[BD_FIXED_MAX_BYTES];
static inline const char *bd_read_fixed(struct bd_reader *reader, size_t len)
{
	struct bd_bytes bytes = bd_read_bytes(reader, len);

	return bytes.ptr != NULL ? bytes.ptr : bd_bytes_zeroes;
}

/* What bd_put_... put there. */
static inline uint16_t bd_get_u16(const char *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static inline uint32_t bd_get_u32(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static inline uint64_t bd_get_u64(const char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static inline uint8_t bd_read_u8(struct bd_reader *reader)
{
	return (uint8_t)*bd_read_fixed(reader, 1);
}

static inline uint16_t bd_read_u16(struct bd_reader *reader)
{
	return bd_get_u16(bd_read_fixed(reader, sizeof(uint16_t)));
}

static inline uint32_t bd_read_u32(struct bd_reader *reader)
{
	return bd_get_u32(bd_read_fixed(reader, sizeof(uint32_t)));
}

static inline uint64_t bd_read_u64(struct bd_reader *reader)
{
	return bd_get_u64(bd_read_fixed(reader, sizeof(uint64_t)));
}

static inline struct bd_bytes bd_read_sized(struct bd_reader *reader)
{
	uint32_t len = bd_read_u32(reader);

	return bd_read_bytes(reader, len);
}

/* Each number in one form only: a longer one of it, or one that is too large, is none. */
static inline uint64_t bd_read_varint(struct bd_reader *reader)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = bd_read_u8(reader);
		reader->ok = reader->ok && (shift < 63 || byte == 1) && (shift == 0 || byte != 0);
		value |= shift <= 63 ? (uint64_t)(byte & 0x7f) << shift : 0;
		shift += 7;
	} while (reader->ok && byte >= 0x80);
	return reader->ok ? value : 0;
}

static inline int64_t bd_read_zigzag(struct bd_reader *reader)
{
	uint64_t value = bd_read_varint(reader);

	return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

static inline struct bd_bytes bd_read_varsized(struct bd_reader *reader)
{
	uint64_t len = bd_read_varint(reader);

	return bd_read_bytes(reader, len);
}

#endif
