/* digest_scrypt.h - passwords as scrypt (RFC 7914), with their own parameters and salt each.
 *
 * Layer: base; OpenSSL stays in digest_scrypt.c. As text, in a file of accounts:
 * "scrypt$LOG2N$R$P$SALT$DIGEST", salt of 16 and digest of 32 bytes in base64.
 */
#ifndef BD_BASE_DIGEST_SCRYPT_H
#define BD_BASE_DIGEST_SCRYPT_H

#include "base/digest.h"

#define BD_PASSWORD_SALT_BYTES 16
#define BD_PASSWORD_MIN_CHARS 12
#define BD_PASSWORD_MAX_BYTES 256
#define BD_PASSWORD_TEXT_BYTES 128

struct bd_password {
	uint8_t log_n, r, p; /* 128 * r * 2^log_n bytes of memory */
	uint8_t salt[BD_PASSWORD_SALT_BYTES];
	uint8_t digest[BD_DIGEST_BYTES];
};

/* A new salt, and the parameters that are good today: 32 MiB, some 100 ms. */
enum bd_code bd_password_make(struct bd_password *out, struct bd_bytes password);
/* BD_INTERNAL where the digest cannot be made: then *is_right is false. */
enum bd_code bd_password_check(
	bool *is_right, const struct bd_password *kept, struct bd_bytes password);
/* False: not of the form, or parameters beyond 64 MiB. */
bool bd_password_read(struct bd_password *out, struct bd_bytes text);
/* Ends with NUL. */
enum bd_code bd_password_write(char out[BD_PASSWORD_TEXT_BYTES], const struct bd_password *kept);

#endif
