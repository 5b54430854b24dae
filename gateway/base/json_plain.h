/* json_plain.h - what the JSON readers and the writer share: eight bytes of a text at a time, and
 * the bytes of numbers and blanks. Layer: base, private to json.c, json_tree.c and json_write.c. */
#ifndef BD_BASE_JSON_PLAIN_H
#define BD_BASE_JSON_PLAIN_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BD_JSON_NUMBER_MAX_BYTES 64

#define BD_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is one of eight bytes to be escaped: below 0x20, '"' or '\\'? Where one is, others may be taken
 * for such too. */
static inline bool bd_json_has_escape(uint64_t eight)
{
	uint64_t quote = eight ^ BD_EACH_BYTE('"'), slash = eight ^ BD_EACH_BYTE('\\');
	uint64_t low = (eight - BD_EACH_BYTE(0x20)) & ~eight;

	quote = (quote - BD_EACH_BYTE(1)) & ~quote;
	slash = (slash - BD_EACH_BYTE(1)) & ~slash;
	return ((low | quote | slash) & BD_EACH_BYTE(0x80)) != 0;
}

/* Are the eight bytes from text on ASCII, and none to be escaped? */
static inline bool bd_json_is_plain(const char *text)
{
	uint64_t eight;

	memcpy(&eight, text, sizeof(eight));
	return (eight & BD_EACH_BYTE(0x80)) == 0 && !bd_json_has_escape(eight);
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
