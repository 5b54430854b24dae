/* json_plain.h - what the JSON readers and the writer share: eight bytes of a text at a time, and
 * the bytes of numbers and blanks. Layer: base, private to json.c, json_tree.c and json_write.c. */
#ifndef BD_BASE_JSON_PLAIN_H
#define BD_BASE_JSON_PLAIN_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BD_JSON_NUMBER_MAX_BYTES 64

#define BD_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Of eight bytes those to be escaped: below 0x20, '"' or '\\'. Their highest bits are set in the
 * result; the first that is set is right, one behind it may be set for nothing. */
static inline uint64_t bd_json_escapes(uint64_t eight)
{
	uint64_t quote = eight ^ BD_EACH_BYTE('"'), slash = eight ^ BD_EACH_BYTE('\\');
	uint64_t low = (eight - BD_EACH_BYTE(0x20)) & ~eight;

	quote = (quote - BD_EACH_BYTE(1)) & ~quote;
	slash = (slash - BD_EACH_BYTE(1)) & ~slash;
	return (low | quote | slash) & BD_EACH_BYTE(0x80);
}

static inline bool bd_json_has_escape(uint64_t eight)
{
	return bd_json_escapes(eight) != 0;
}

static inline uint64_t bd_json_eight(const char *text)
{
	uint64_t eight;

	memcpy(&eight, text, sizeof(eight));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	eight = __builtin_bswap64(eight);
#endif
	return eight;
}

/* How many of so many bytes from text on are plain, ASCII that goes without an escape, before the
 * first that is not. */
#ifdef __SSE2__
#define BD_JSON_RUN_BYTES 16
static inline size_t bd_json_plain_len(const char *text)
{
	__m128i run = _mm_loadu_si128((const __m128i *)(const void *)text);
	/* As signed bytes what is not ASCII is below a blank, too. */
	__m128i others = _mm_or_si128(_mm_cmplt_epi8(run, _mm_set1_epi8(' ')),
		_mm_or_si128(_mm_cmpeq_epi8(run, _mm_set1_epi8('"')),
			_mm_cmpeq_epi8(run, _mm_set1_epi8('\\'))));
	unsigned places = (unsigned)_mm_movemask_epi8(others);

	return places == 0 ? BD_JSON_RUN_BYTES : (size_t)__builtin_ctz(places);
}
#else
#define BD_JSON_RUN_BYTES 8
static inline size_t bd_json_plain_len(const char *text)
{
	uint64_t eight = bd_json_eight(text);
	uint64_t others = (eight & BD_EACH_BYTE(0x80)) | bd_json_escapes(eight);

	return others == 0 ? BD_JSON_RUN_BYTES : (size_t)__builtin_ctzll(others) / 8;
}
#endif

/* A character of three bytes, where the first alone says what may follow: nearly all of Chinese. */
static inline bool bd_json_is_three(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	return bytes[0] > 0xE0 && bytes[0] < 0xED && bytes[1] >> 6 == 2 && bytes[2] >> 6 == 2;
}

static inline bool bd_json_is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static inline bool bd_json_is_number_byte(char byte)
{
	return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' ||
	       byte == 'e' || byte == 'E';
}

/* RFC 8259 section 6, over the whole token. */
bool bd_json_is_number(struct bd_bytes text);

#endif
