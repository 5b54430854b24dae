#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

struct bd_sha256 {
	EVP_MD *algorithm; /* kept: fetching it each time costs six times the digest */
	EVP_MD_CTX *context;
};

/* RFC 2104 over a kept digest: an EVP_MAC copies two contexts, with malloc, for every text. */
#define BLOCK_BYTES 64 /* of SHA-256 */
struct bd_hmac {
	struct bd_sha256 *sha;
	uint8_t inner[BLOCK_BYTES], outer[BLOCK_BYTES]; /* the key over its two pads */
};

enum bd_code bd_sha256_new(struct bd_sha256 **out)
{
	struct bd_sha256 *sha = calloc(1, sizeof(*sha));

	*out = NULL;
	if (sha == NULL) {
		return BD_NO_MEMORY;
	}
	sha->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha->context = EVP_MD_CTX_new();
	if (sha->algorithm == NULL || sha->context == NULL ||
		EVP_DigestInit_ex2(sha->context, sha->algorithm, NULL) != 1) {
		bd_sha256_free(sha);
		return BD_INTERNAL;
	}
	*out = sha;
	return BD_OK;
}

enum bd_code bd_sha256_update(struct bd_sha256 *sha, struct bd_bytes bytes)
{
	return EVP_DigestUpdate(sha->context, bytes.ptr, bytes.len) == 1 ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_sha256_final(struct bd_sha256 *sha, uint8_t out[BD_DIGEST_BYTES])
{
	unsigned len = 0;

	if (EVP_DigestFinal_ex(sha->context, out, &len) != 1 || len != BD_DIGEST_BYTES) {
		return BD_INTERNAL;
	}
	return EVP_DigestInit_ex2(sha->context, NULL, NULL) == 1 ? BD_OK : BD_INTERNAL;
}

void bd_sha256_free(struct bd_sha256 *sha)
{
	if (sha != NULL) {
		EVP_MD_CTX_free(sha->context);
		EVP_MD_free(sha->algorithm);
		free(sha);
	}
}

enum bd_code bd_sha256_of(struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES])
{
	size_t len = 0;

	return EVP_Q_digest(NULL, "SHA256", NULL, bytes.ptr, bytes.len, out, &len) == 1
		       ? BD_OK
		       : BD_INTERNAL;
}

enum bd_code bd_hmac_new(struct bd_hmac **out, struct bd_bytes key)
{
	struct bd_hmac *hmac = calloc(1, sizeof(*hmac));
	uint8_t block[BLOCK_BYTES] = { 0 };
	enum bd_code code;

	*out = NULL;
	if (hmac == NULL) {
		return BD_NO_MEMORY;
	}
	code = bd_sha256_new(&hmac->sha);
	if (code == BD_OK && key.len > BLOCK_BYTES) {
		code = bd_sha256_of(key, block);
	} else if (code == BD_OK && key.len > 0) {
		memcpy(block, key.ptr, key.len);
	}
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		hmac->inner[i] = block[i] ^ 0x36;
		hmac->outer[i] = block[i] ^ 0x5c;
	}
	bd_wipe(block, sizeof(block));
	if (code != BD_OK) {
		bd_hmac_free(hmac);
		return code;
	}
	*out = hmac;
	return BD_OK;
}

static enum bd_code digest_two(struct bd_sha256 *sha, const uint8_t pad[BLOCK_BYTES],
	struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES])
{
	enum bd_code code =
		bd_sha256_update(sha, (struct bd_bytes){ (const char *)pad, BLOCK_BYTES });

	code = code == BD_OK ? bd_sha256_update(sha, bytes) : code;
	return code == BD_OK ? bd_sha256_final(sha, out) : code;
}

enum bd_code bd_hmac_of(struct bd_hmac *hmac, struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES])
{
	uint8_t inner[BD_DIGEST_BYTES];
	enum bd_code code = digest_two(hmac->sha, hmac->inner, bytes, inner);

	return code == BD_OK ? digest_two(hmac->sha, hmac->outer,
				       (struct bd_bytes){ (const char *)inner, sizeof(inner) }, out)
			     : code;
}

void bd_hmac_free(struct bd_hmac *hmac)
{
	if (hmac != NULL) {
		bd_sha256_free(hmac->sha);
		bd_wipe(hmac, sizeof(*hmac));
		free(hmac);
	}
}

enum bd_code bd_random(uint8_t *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1 ? BD_OK : BD_INTERNAL;
}

bool bd_equal_secret(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void bd_wipe(void *memory, size_t len)
{
	OPENSSL_cleanse(memory, len);
}

void bd_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool bd_unhex(uint8_t *out, size_t len, struct bd_bytes text)
{
	if (text.len != 2 * len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

enum bd_code bd_base64_add(struct bd_buf *out, struct bd_bytes bytes)
{
	size_t len = (bytes.len + 2) / 3 * 4;
	enum bd_code code;

	if (bytes.len > INT32_MAX / 2) {
		return BD_LIMIT_BYTES;
	}
	/* One more byte: OpenSSL ends it with a NUL. */
	code = bd_buf_reserve(out, len + 1);
	if (code == BD_OK && len != 0) {
		EVP_EncodeBlock((unsigned char *)out->ptr + out->len,
			(const unsigned char *)bytes.ptr, (int)bytes.len);
		out->len += len;
	}
	return code;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits into three bytes; of the last four, one or two may be padding. */
static bool read_quad(uint8_t out[3], size_t *count, const char *text, bool is_last)
{
	uint32_t bits = 0;
	size_t pads = 0;

	for (size_t i = 0; i < 4; i++) {
		bool is_pad = is_last && i >= 2 && text[i] == '=' && (i == 3 || text[3] == '=');
		int digit = is_pad ? 0 : base64_digit(text[i]);

		if (digit < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)digit;
		pads += is_pad;
	}
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	*count = 3 - pads;
	return pads == 0 || (bits & (pads == 1 ? 0xffu : 0xffffu)) == 0;
}

bool bd_base64_read(struct bd_buf *out, struct bd_bytes text)
{
	size_t before = out->len;

	if (text.len % 4 != 0 || bd_buf_reserve(out, text.len / 4 * 3) != BD_OK) {
		return false;
	}
	for (size_t i = 0; i < text.len; i += 4) {
		size_t count;

		if (!read_quad((uint8_t *)out->ptr + out->len, &count, text.ptr + i,
			    i + 4 == text.len)) {
			out->len = before;
			return false;
		}
		out->len += count;
	}
	return true;
}
