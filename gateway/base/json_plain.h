/* json_plain.h - eight bytes of a JSON text at a time. Layer: base, private to json.c and
 * json_write.c. */
#ifndef BD_BASE_JSON_PLAIN_H
#define BD_BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

#endif
