#include "daemon/cursor.h"

#include <string.h>

#define NUMBERS_BYTES 24
/* Half of the digest, RFC 2104 section 5: nobody can try 2^128 of them. */
#define MARK_BYTES 16

_Static_assert(2 * (NUMBERS_BYTES + MARK_BYTES) + 1 == BD_CURSOR_TEXT_BYTES, "cursor.h");

/* Each name sized, so that no two triples of names sign the same bytes. */
static enum bd_code sign(uint8_t mark[BD_DIGEST_BYTES], struct bd_bytes numbers,
	const uint8_t key[BD_CURSOR_KEY_BYTES], const char *const names[3])
{
	struct bd_hmac *hmac = NULL;
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, 4096);
	code = bd_buf_add(&text, numbers);
	for (int i = 0; i < 3 && code == BD_OK; i++) {
		code = bd_buf_add_sized(&text, bd_bytes_of(names[i]));
	}
	code = code == BD_OK ? bd_hmac_new(&hmac,
				       (struct bd_bytes){ (const char *)key, BD_CURSOR_KEY_BYTES })
			     : code;
	code = code == BD_OK ? bd_hmac_of(hmac, bd_buf_bytes(&text), mark) : code;
	bd_hmac_free(hmac);
	bd_buf_release(&text);
	return code;
}

enum bd_code bd_cursor_write(char out[BD_CURSOR_TEXT_BYTES], const struct bd_cursor *cursor,
	const uint8_t key[BD_CURSOR_KEY_BYTES], const char *sender, const char *list,
	const char *what)
{
	const char *const names[] = { sender, list, what };
	char room[NUMBERS_BYTES];
	struct bd_buf numbers = { room, 0, sizeof(room), sizeof(room) };
	uint8_t mark[BD_DIGEST_BYTES];
	enum bd_code code = BD_OK;

	for (int i = 0; i < 3 && code == BD_OK; i++) {
		code = bd_buf_add_u64(&numbers, cursor->numbers[i]);
	}
	code = code == BD_OK ? sign(mark, bd_buf_bytes(&numbers), key, names) : code;
	if (code == BD_OK) {
		bd_hex(out, (const uint8_t *)room, NUMBERS_BYTES);
		bd_hex(out + (size_t)2 * NUMBERS_BYTES, mark, MARK_BYTES);
	}
	return code;
}

enum bd_code bd_cursor_read(struct bd_cursor *out, const char *text,
	const uint8_t key[BD_CURSOR_KEY_BYTES], const char *sender, const char *list,
	const char *what)
{
	const char *const names[] = { sender, list, what };
	uint8_t bytes[NUMBERS_BYTES + MARK_BYTES], mark[BD_DIGEST_BYTES];
	struct bd_bytes numbers = { (const char *)bytes, NUMBERS_BYTES };
	struct bd_reader reader = bd_reader_of(numbers);
	enum bd_code code;

	if (!bd_unhex(bytes, sizeof(bytes), bd_bytes_of(text))) {
		return BD_CURSOR_INVALID;
	}
	code = sign(mark, numbers, key, names);
	if (code != BD_OK) {
		return code;
	}
	if (!bd_equal_secret(mark, bytes + NUMBERS_BYTES, MARK_BYTES)) {
		return BD_CURSOR_INVALID;
	}
	for (int i = 0; i < 3; i++) {
		out->numbers[i] = bd_read_u64(&reader);
	}
	return BD_OK;
}
