/* digest.h - SHA-256, keyed HMAC-SHA256 (or HMAC-SM3), random bytes, hex and base64. Layer: base;
 * OpenSSL stays in digest.c. FIPS 180-4, FIPS 198-1, RFC 4648.
 */
#ifndef BD_BASE_DIGEST_H
#define BD_BASE_DIGEST_H

#include "base/bytes.h"

#define BD_DIGEST_BYTES 32

struct bd_sha256; /* a running digest */
struct bd_hmac;   /* a key made ready */

enum bd_code bd_sha256_new(struct bd_sha256 **out);
enum bd_code bd_sha256_update(struct bd_sha256 *sha, struct bd_bytes bytes);
/* Gives the digest and starts anew. */
enum bd_code bd_sha256_final(struct bd_sha256 *sha, uint8_t out[BD_DIGEST_BYTES]);
/* Of what came so far; it goes on. */
enum bd_code bd_sha256_so_far(const struct bd_sha256 *sha, uint8_t out[BD_DIGEST_BYTES]);
void bd_sha256_free(struct bd_sha256 *sha);
enum bd_code bd_sha256_of(struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES]);
/* Of what the parts are together; a copy of what is short is wiped. */
enum bd_code bd_sha256_of_parts(
	const struct bd_bytes *parts, size_t count, uint8_t out[BD_DIGEST_BYTES]);

enum bd_code bd_hmac_new(struct bd_hmac **out, struct bd_bytes key);
/* HMAC-SM3 instead (digest_sm3.h); used by one thread. */
enum bd_code bd_hmac_new_sm3(struct bd_hmac **out, struct bd_bytes key);
enum bd_code bd_hmac_of(
	const struct bd_hmac *hmac, struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES]);
/* Wipes the key. */
void bd_hmac_free(struct bd_hmac *hmac);

enum bd_code bd_random(uint8_t *out, size_t len);
/* Random bytes drawn at once: asking the generator for every nonce and salt was a fifth of a push.
 */
#define BD_RANDOM_BYTES 4096
struct bd_random {
	uint8_t bytes[BD_RANDOM_BYTES];
	size_t left; /* at the end */
};
/* At most BD_RANDOM_BYTES, each given out once. One thread; not across fork; wipe it at the end. */
enum bd_code bd_random_draw(struct bd_random *pool, uint8_t *out, size_t len);
bool bd_equal_secret(const uint8_t *a, const uint8_t *b, size_t len); /* in constant time */
void bd_wipe(void *memory, size_t len);
/* out has room for 2 * len + 1. */
void bd_hex(char *out, const uint8_t *bytes, size_t len);
/* false unless text is exactly 2 * len hex digits. */
bool bd_unhex(uint8_t *out, size_t len, struct bd_bytes text);
enum bd_code bd_base64_add(struct bd_buf *out, struct bd_bytes bytes);
/* Appends the bytes of a text; false, with out as before, unless the text is the one that
 * bd_base64_add writes of them (padded, no blanks, no bits left over) and there is room. */
bool bd_base64_read(struct bd_buf *out, struct bd_bytes text);

#endif
