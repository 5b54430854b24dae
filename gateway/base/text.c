#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <uniwidth.h>

bool bd_text_next_any(uint32_t *point, struct bd_bytes *text, bool *ok)
{
	const uint8_t *at = (const uint8_t *)text->ptr;
	uint8_t low = 0x80, high = 0xBF;
	size_t len = 1;

	if (text->len == 0) {
		return false;
	}
	*point = at[0];
	if (at[0] >= 0xC2 && at[0] <= 0xDF) {
		len = 2;
		*point = at[0] & 0x1F;
	} else if (at[0] >= 0xE0 && at[0] <= 0xEF) {
		len = 3;
		*point = at[0] & 0x0F;
		low = at[0] == 0xE0 ? 0xA0 : low;
		high = at[0] == 0xED ? 0x9F : high;
	} else if (at[0] >= 0xF0 && at[0] <= 0xF4) {
		len = 4;
		*point = at[0] & 0x07;
		low = at[0] == 0xF0 ? 0x90 : low;
		high = at[0] == 0xF4 ? 0x8F : high;
	} else if (at[0] >= 0x80) {
		*ok = false;
		return false;
	}
	for (size_t i = 1; i < len; i++) {
		if (i >= text->len || at[i] < low || at[i] > high) {
			*ok = false;
			return false;
		}
		*point = *point << 6 | (at[i] & 0x3F);
		low = 0x80;
		high = 0xBF;
	}
	text->ptr += len;
	text->len -= len;
	return true;
}

bool bd_text_is_utf8(struct bd_bytes text)
{
	uint32_t point;
	bool ok = true;

	/* Nothing is added to the place of a text without bytes: it has none. */
	while (text.len > 0 && ok) {
		size_t ascii = bd_text_ascii_len(text);

		text = (struct bd_bytes){ text.ptr + ascii, text.len - ascii };
		bd_text_next(&point, &text, &ok);
	}
	return ok;
}

size_t bd_text_characters(struct bd_bytes text)
{
	size_t at = 0, followers = 0;

	/* 10xxxxxx, eight bytes at a time: a one for each, which a multiplication sums up in the
	 * highest byte. Not every processor that we are built for has an instruction that counts
	 * bits, so for that the compiler would call a function. */
	for (uint64_t eight; text.len - at >= sizeof(eight); at += sizeof(eight)) {
		const uint64_t ones = UINT64_C(0x0101010101010101);

		memcpy(&eight, text.ptr + at, sizeof(eight));
		followers += (size_t)(((eight >> 7 & ~(eight >> 6) & ones) * ones) >> 56);
	}
	for (; at < text.len; at++) {
		followers += ((unsigned char)text.ptr[at] & 0xC0) == 0x80;
	}
	return text.len - followers;
}

/* Without a branch: the compiler takes many bytes at once. */
static inline unsigned is_control(unsigned char byte)
{
	return (byte < ' ') & (byte != '\t') & (byte != '\n') & (byte != '\r');
}

static bool has_control(const char *ptr, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_control((unsigned char)ptr[i])) {
			return true;
		}
	}
	return false;
}

/* Is some of eight bytes below a blank? */
static bool has_low(uint64_t eight)
{
	const uint64_t blank = UINT64_C(0x2020202020202020), top = UINT64_C(0x8080808080808080);

	return ((eight - blank) & ~eight & top) != 0;
}

/* All bytes of a text of less than eight, some of them twice. */
static uint64_t few(struct bd_bytes text)
{
	const unsigned char *at = (const unsigned char *)text.ptr;

	if (text.len >= 4) {
		return bd_bytes_four(text.ptr) | (uint64_t)bd_bytes_four(text.ptr + text.len - 4)
							 << 32;
	}
	return at[0] * UINT64_C(0x0101010101) | (uint64_t)at[text.len / 2] << 40 |
	       (uint64_t)at[text.len - 1] << 48 | UINT64_C(0x20) << 56;
}

/* A byte below a blank may be the end of a line: only then each is looked at. */
bool bd_text_has_control(struct bd_bytes text)
{
	bool is_low = false;

	if (text.len < sizeof(uint64_t)) {
		is_low = text.len > 0 && has_low(few(text));
	} else {
		/* The last eight, some of them for the second time. */
		is_low = has_low(bd_bytes_eight(text.ptr + text.len - sizeof(uint64_t)));
		for (size_t at = 0; text.len - at > sizeof(uint64_t) && !is_low;
			at += sizeof(uint64_t)) {
			is_low = has_low(bd_bytes_eight(text.ptr + at));
		}
	}
	return is_low && has_control(text.ptr, text.len);
}

#define BLOCK_BYTES 64

/* Two bytes behind it are there. */
static inline unsigned is_no_xml(const unsigned char *at)
{
	return is_control(at[0]) | ((at[0] == 0xEF) & (at[1] == 0xBF) & (at[2] >= 0xBE));
}

static bool may_have_no_xml(const unsigned char *at)
{
	unsigned char may = 0;

	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		may |= (at[i] < ' ') | (at[i] == 0xEF);
	}
	return may != 0;
}

static bool has_no_xml(const unsigned char *at)
{
	unsigned char has = 0;

	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		has |= is_no_xml(at + i);
	}
	return has != 0;
}

size_t bd_text_xml_len(struct bd_bytes text)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	size_t i = 0;

	while (text.len - i >= BLOCK_BYTES + 2 &&
		(!may_have_no_xml(at + i) || !has_no_xml(at + i))) {
		const size_t next = i + BLOCK_BYTES, last = text.len - BLOCK_BYTES - 2;

		/* The last block has some of the one before once more. */
		i = i < last && next > last ? last : next;
	}
	while (i < text.len && !(text.len - i > 2 ? is_no_xml(at + i) : is_control(at[i]))) {
		i++;
	}
	return i;
}

enum bd_code bd_text_add_point(struct bd_buf *out, uint32_t point)
{
	char bytes[4];
	size_t len = 1;

	if (point < 0x80) {
		bytes[0] = (char)point;
	} else if (point < 0x800) {
		bytes[0] = (char)(0xC0 | point >> 6);
		len = 2;
	} else if (point < 0x10000) {
		bytes[0] = (char)(0xE0 | point >> 12);
		len = 3;
	} else {
		bytes[0] = (char)(0xF0 | point >> 18);
		len = 4;
	}
	for (size_t i = 1; i < len; i++) {
		bytes[i] = (char)(0x80 | (point >> 6 * (len - 1 - i) & 0x3F));
	}
	return bd_buf_add(out, (struct bd_bytes){ bytes, len });
}

/* ASCII is its own NFKC, and most identifiers and dates are ASCII. */
static bool is_ascii(struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80) {
			return false;
		}
	}
	return true;
}

enum bd_code bd_text_nfkc(struct bd_buf *out, struct bd_bytes text)
{
	uint8_t room[512], *normal;
	size_t len = sizeof(room);
	enum bd_code code;

	if (is_ascii(text)) {
		return bd_buf_add(out, text);
	}
	if (!bd_text_is_utf8(text)) {
		return BD_TEXT_ENCODING;
	}
	normal = u8_normalize(UNINORM_NFKC, (const uint8_t *)text.ptr, text.len, room, &len);
	if (normal == NULL) {
		return BD_NO_MEMORY;
	}
	code = bd_buf_add(out, (struct bd_bytes){ (const char *)normal, len });
	if (normal != room) {
		free(normal);
	}
	return code;
}

size_t bd_text_length(struct bd_bytes text)
{
	uint32_t point;
	size_t count = 0;
	bool ok = true;

	while (bd_text_next(&point, &text, &ok)) {
		count++;
	}
	return count;
}

size_t bd_text_columns(struct bd_bytes text)
{
	uint32_t point;
	size_t columns = 0;
	bool ok = true;

	while (bd_text_next(&point, &text, &ok)) {
		int width = uc_width(point, "UTF-8");

		columns += width > 0 ? (size_t)width : 0;
	}
	return columns;
}

/* Bytes of the blank at the begin; 0 = none. */
static size_t leading_blank(struct bd_bytes text)
{
	if (text.len >= 1 && (text.ptr[0] == ' ' || (text.ptr[0] >= '\t' && text.ptr[0] <= '\r'))) {
		return 1;
	}
	if (text.len >= 2 && text.ptr[0] == '\xC2' && text.ptr[1] == '\xA0') {
		return 2;
	}
	if (text.len >= 3 && text.ptr[0] == '\xE3' && text.ptr[1] == '\x80' &&
		text.ptr[2] == '\x80') {
		return 3;
	}
	return 0;
}

static size_t trailing_blank(struct bd_bytes text)
{
	for (size_t len = 1; len <= 3 && len <= text.len; len++) {
		struct bd_bytes tail = { text.ptr + text.len - len, len };

		if (leading_blank(tail) == len) {
			return len;
		}
	}
	return 0;
}

struct bd_bytes bd_text_trim(struct bd_bytes text)
{
	size_t len;

	/* Nearly all: nothing that could be a blank, or the end of one, at either end. */
	if (text.len > 0 && text.ptr[0] > ' ' && text.ptr[text.len - 1] > ' ') {
		return text;
	}

	while ((len = leading_blank(text)) > 0) {
		text.ptr += len;
		text.len -= len;
	}
	while ((len = trailing_blank(text)) > 0) {
		text.len -= len;
	}
	return text;
}

enum bd_code bd_text_replace(struct bd_buf *out, struct bd_bytes text, const char *from, char to)
{
	size_t before = out->len, len = strlen(from);
	enum bd_code code = BD_OK;

	while (code == BD_OK && text.len > 0) {
		const char *at = memmem(text.ptr, text.len, from, len);
		size_t kept = at != NULL ? (size_t)(at - text.ptr) : text.len;

		code = bd_buf_add(out, (struct bd_bytes){ text.ptr, kept });
		if (code == BD_OK && at != NULL) {
			code = bd_buf_add_byte(out, to);
			kept += len;
		}
		text.ptr += kept;
		text.len -= kept;
	}
	out->len = code == BD_OK ? out->len : before;
	return code;
}
