/* text.h - UTF-8 text: code points, NFKC, width, names of columns. Layer: base; libunistring stays
 * in text.c. Unicode 15 (UAX #15 normalization, UAX #11 width). */
#ifndef BD_BASE_TEXT_H
#define BD_BASE_TEXT_H

#include "base/bytes.h"

/* Bytes of text before the first that is not ASCII, eight at a time. */
static inline size_t bd_text_ascii_len(struct bd_bytes text)
{
	size_t len = 0;
	uint64_t eight = 0;

	while (text.len - len >= sizeof(eight)) {
		memcpy(&eight, text.ptr + len, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) != 0) {
			break;
		}
		len += sizeof(eight);
	}
	while (len < text.len && (unsigned char)text.ptr[len] < 0x80) {
		len++;
	}
	return len;
}

/* Bytes of text before the first character that is no ideograph from U+4E00 to U+9FFF: three each.
 */
static inline size_t bd_text_ideographs_len(struct bd_bytes text)
{
	const uint8_t *at = (const uint8_t *)text.ptr;
	size_t len = 0;

	while (text.len - len >= 3 && at[len] <= 0xE9 &&
		at[len] >= (at[len + 1] < 0xB8 ? 0xE5 : 0xE4) && at[len + 1] >> 6 == 2 &&
		at[len + 2] >> 6 == 2) {
		len += 3;
	}
	return len;
}

/* Characters of text, or of what of them begins in it: bytes that continue none. */
size_t bd_text_characters(struct bd_bytes text);
/* false at the end or at a byte that is not UTF-8 (then *ok turns false). Advances text. */
bool bd_text_next_any(uint32_t *point, struct bd_bytes *text, bool *ok);

/* Here: nearly all are ASCII, and of three bytes from U+1000 to U+CFFF, which are the ideographs.
 */
static inline bool bd_text_next(uint32_t *point, struct bd_bytes *text, bool *ok)
{
	const uint8_t *at = (const uint8_t *)text->ptr;

	if (text->len > 0 && at[0] < 0x80) {
		*point = at[0];
		text->ptr++;
		text->len--;
		return true;
	}
	if (text->len >= 3 && at[0] >= 0xE1 && at[0] <= 0xEC && (at[1] & 0xC0) == 0x80 &&
		(at[2] & 0xC0) == 0x80) {
		*point = (uint32_t)(at[0] & 0x0F) << 12 | (uint32_t)(at[1] & 0x3F) << 6 |
			 (at[2] & 0x3F);
		text->ptr += 3;
		text->len -= 3;
		return true;
	}
	return bd_text_next_any(point, text, ok);
}
bool bd_text_is_utf8(struct bd_bytes text);
/* A C0 control character (GB/T 1988-1998) other than TAB, LF and CR. */
bool bd_text_has_control(struct bd_bytes text);
/* How many bytes stand before the first character that no XML document has: such a control
 * character, U+FFFE or U+FFFF (XML 1.0, 5th edition, [2] Char). UTF-8, in whole characters. */
size_t bd_text_xml_len(struct bd_bytes text);
enum bd_code bd_text_add_point(struct bd_buf *out, uint32_t point);
/* Appends NFKC of text. */
enum bd_code bd_text_nfkc(struct bd_buf *out, struct bd_bytes text);
/* Code points, and columns on a terminal. */
size_t bd_text_length(struct bd_bytes text);
size_t bd_text_columns(struct bd_bytes text);
/* Without ASCII blanks, U+3000 and U+00A0 at both ends. Borrowed. */
struct bd_bytes bd_text_trim(struct bd_bytes text);
/* Appends the text, each `from` in it as the one character `to`. */
enum bd_code bd_text_replace(struct bd_buf *out, struct bd_bytes text, const char *from, char to);

#endif
