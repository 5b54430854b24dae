#include "base/digest_scrypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

#define LOG_N_MIN 10
#define LOG_N_MAX 16
#define R_MAX 16
#define P_MAX 4
#define MEMORY_MAX_BYTES UINT64_C(67108864)
/* What scrypt takes beside its table. */
#define MEMORY_MORE_BYTES UINT64_C(1048576)

static uint64_t memory_of(const struct bd_password *kept)
{
	return UINT64_C(128) * kept->r << kept->log_n;
}

static enum bd_code digest(
	uint8_t out[BD_DIGEST_BYTES], const struct bd_password *kept, struct bd_bytes password)
{
	int done = EVP_PBE_scrypt(password.ptr, password.len, kept->salt, sizeof(kept->salt),
		UINT64_C(1) << kept->log_n, kept->r, kept->p, memory_of(kept) + MEMORY_MORE_BYTES,
		out, BD_DIGEST_BYTES);

	ERR_clear_error();
	return done == 1 ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_password_make(struct bd_password *out, struct bd_bytes password)
{
	struct bd_password made = { .log_n = 15, .r = 8, .p = 1 };
	enum bd_code code = bd_random(made.salt, sizeof(made.salt));

	code = code == BD_OK ? digest(made.digest, &made, password) : code;
	if (code == BD_OK) {
		*out = made;
	}
	return code;
}

enum bd_code bd_password_check(
	bool *is_right, const struct bd_password *kept, struct bd_bytes password)
{
	uint8_t made[BD_DIGEST_BYTES];
	enum bd_code code = digest(made, kept, password);

	*is_right = code == BD_OK && bd_equal_secret(made, kept->digest, sizeof(made));
	bd_wipe(made, sizeof(made));
	return code;
}

static bool take_part(struct bd_bytes *part, struct bd_bytes *rest)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, '$', rest->len);
	size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr);

	*part = (struct bd_bytes){ rest->ptr, len };
	rest->ptr += len + (end != NULL);
	rest->len -= len + (end != NULL);
	return len > 0;
}

static bool take_number(uint8_t *out, struct bd_bytes *rest, unsigned min, unsigned max)
{
	struct bd_bytes part;
	unsigned value = 0;

	if (!take_part(&part, rest) || part.len > 2) {
		return false;
	}
	for (size_t i = 0; i < part.len; i++) {
		if (part.ptr[i] < '0' || part.ptr[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(part.ptr[i] - '0');
	}
	*out = (uint8_t)value;
	return value >= min && value <= max;
}

static bool read_bytes(uint8_t *out, size_t len, struct bd_bytes text)
{
	char room[64];
	struct bd_buf bytes = { room, 0, sizeof(room), sizeof(room) };

	if (!bd_base64_read(&bytes, text) || bytes.len != len) {
		return false;
	}
	memcpy(out, room, len);
	return true;
}

bool bd_password_read(struct bd_password *out, struct bd_bytes text)
{
	struct bd_password read;
	struct bd_bytes name, salt;

	if (!take_part(&name, &text) || !bd_bytes_is(name, "scrypt") ||
		!take_number(&read.log_n, &text, LOG_N_MIN, LOG_N_MAX) ||
		!take_number(&read.r, &text, 1, R_MAX) || !take_number(&read.p, &text, 1, P_MAX) ||
		!take_part(&salt, &text) || !read_bytes(read.salt, sizeof(read.salt), salt) ||
		!read_bytes(read.digest, sizeof(read.digest), text) ||
		memory_of(&read) > MEMORY_MAX_BYTES) {
		return false;
	}
	*out = read;
	return true;
}

enum bd_code bd_password_write(char out[BD_PASSWORD_TEXT_BYTES], const struct bd_password *kept)
{
	struct bd_buf text = { out, 0, BD_PASSWORD_TEXT_BYTES, BD_PASSWORD_TEXT_BYTES };
	enum bd_code code = bd_buf_printf(&text, "scrypt$%u$%u$%u$", kept->log_n, kept->r, kept->p);

	code = code == BD_OK ? bd_base64_add(&text, (struct bd_bytes){ (const char *)kept->salt,
							    sizeof(kept->salt) })
			     : code;
	code = code == BD_OK ? bd_buf_add_byte(&text, '$') : code;
	code = code == BD_OK ? bd_base64_add(&text, (struct bd_bytes){ (const char *)kept->digest,
							    sizeof(kept->digest) })
			     : code;
	return code == BD_OK ? bd_buf_add_byte(&text, '\0') : code;
}
