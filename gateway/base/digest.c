/* The digest functions of OpenSSL 1: in 3.0 they are marked as deprecated in favour of EVP, which
 * goes through a provider for every call. A comparison makes some thirty digests, most of a few
 * dozen bytes: there EVP takes twice as long (0.16 us against 0.075 for 40 bytes, with all of it
 * kept), and a keyed digest cannot begin from a key made ready. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/digest.h"

#include "base/digest_sm3.h"
#include "base/locked.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 64 /* of SHA-256 */
/* Two blocks with the padding: one and a length of eight bytes (FIPS 180-4, 5.1.1). */
#define SHORT_BYTES (2 * BLOCK_BYTES - 9)

struct bd_sha256 {
	SHA256_CTX context;
};

/* RFC 2104: the key over its two pads, digested once. */
struct bd_hmac {
	SHA256_CTX inner, outer;
	struct bd_sm3_hmac *sm3; /* NULL = SHA-256 */
};

enum bd_code bd_sha256_new(struct bd_sha256 **out)
{
	*out = malloc(sizeof(**out));
	if (*out == NULL) {
		return BD_NO_MEMORY;
	}
	return SHA256_Init(&(*out)->context) == 1 ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_sha256_update(struct bd_sha256 *sha, struct bd_bytes bytes)
{
	return SHA256_Update(&sha->context, bytes.ptr, bytes.len) == 1 ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_sha256_final(struct bd_sha256 *sha, uint8_t out[BD_DIGEST_BYTES])
{
	return SHA256_Final(out, &sha->context) == 1 && SHA256_Init(&sha->context) == 1
		       ? BD_OK
		       : BD_INTERNAL;
}

enum bd_code bd_sha256_so_far(const struct bd_sha256 *sha, uint8_t out[BD_DIGEST_BYTES])
{
	SHA256_CTX copy = sha->context;

	return SHA256_Final(out, &copy) == 1 ? BD_OK : BD_INTERNAL;
}

void bd_sha256_free(struct bd_sha256 *sha)
{
	free(sha);
}

static size_t sum_of(const struct bd_bytes *parts, size_t count)
{
	size_t sum = 0;

	/* What is too long for a sum is too long for memory. */
	for (size_t i = 0; i < count; i++) {
		sum += parts[i].len;
	}
	return sum;
}

/* Ends a message whose first `before` bytes, whole blocks, are digested: of what is short the
 * blocks are made here, for what OpenSSL keeps of a message that may go on takes twice as long as
 * its digest. */
static void end_short(SHA256_CTX *context, size_t before, const struct bd_bytes *parts,
	size_t count, uint8_t out[BD_DIGEST_BYTES])
{
	char blocks[2 * BLOCK_BYTES], *at = blocks, *digest = (char *)out;
	size_t size;

	for (size_t i = 0; i < count; i++) {
		at = bd_bytes_put(at, parts[i]);
	}
	size = at - blocks < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
	before += (size_t)(at - blocks);
	*at++ = (char)0x80;
	memset(at, 0, (size_t)(blocks + size - 8 - at));
	bd_put_u64(blocks + size - 8, (uint64_t)before * 8);
	for (size_t done = 0; done < size; done += BLOCK_BYTES) {
		SHA256_Transform(context, (const unsigned char *)blocks + done);
	}
	for (size_t i = 0; i < BD_DIGEST_BYTES / sizeof(uint32_t); i++) {
		digest = bd_put_u32(digest, context->h[i]);
	}
	bd_wipe(blocks, size);
}

/* Works on a copy: the context is begun with, or with nothing but whole blocks. */
static bool end_parts(const SHA256_CTX *begun, size_t before, const struct bd_bytes *parts,
	size_t count, uint8_t out[BD_DIGEST_BYTES])
{
	SHA256_CTX context = *begun;
	bool is_good = true;

	if (sum_of(parts, count) <= SHORT_BYTES) {
		end_short(&context, before, parts, count, out);
		return true;
	}
	for (size_t i = 0; i < count && is_good; i++) {
		is_good = SHA256_Update(&context, parts[i].ptr, parts[i].len) == 1;
	}
	return is_good && SHA256_Final(out, &context) == 1;
}

enum bd_code bd_sha256_of_parts(
	const struct bd_bytes *parts, size_t count, uint8_t out[BD_DIGEST_BYTES])
{
	SHA256_CTX context;

	return SHA256_Init(&context) == 1 && end_parts(&context, 0, parts, count, out)
		       ? BD_OK
		       : BD_INTERNAL;
}

enum bd_code bd_sha256_of(struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES])
{
	return bd_sha256_of_parts(&bytes, 1, out);
}

static bool begin(SHA256_CTX *context, const uint8_t key[BLOCK_BYTES], uint8_t pad)
{
	uint8_t block[BLOCK_BYTES];
	bool is_good;

	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		block[i] = key[i] ^ pad;
	}
	is_good = SHA256_Init(context) == 1 && SHA256_Update(context, block, BLOCK_BYTES) == 1;
	bd_wipe(block, sizeof(block));
	return is_good;
}

enum bd_code bd_hmac_new(struct bd_hmac **out, struct bd_bytes key)
{
	struct bd_hmac *hmac = bd_locked_alloc(sizeof(*hmac));
	uint8_t block[BLOCK_BYTES] = { 0 };
	enum bd_code code = BD_OK;

	*out = NULL;
	if (hmac == NULL) {
		return BD_NO_MEMORY;
	}
	if (key.len > BLOCK_BYTES) {
		code = bd_sha256_of(key, block);
	} else if (key.len > 0) {
		memcpy(block, key.ptr, key.len);
	}
	if (code == BD_OK &&
		(!begin(&hmac->inner, block, 0x36) || !begin(&hmac->outer, block, 0x5c))) {
		code = BD_INTERNAL;
	}
	bd_wipe(block, sizeof(block));
	if (code != BD_OK) {
		bd_hmac_free(hmac);
		return code;
	}
	*out = hmac;
	return BD_OK;
}

enum bd_code bd_hmac_new_sm3(struct bd_hmac **out, struct bd_bytes key)
{
	struct bd_hmac *hmac = bd_locked_alloc(sizeof(*hmac));
	enum bd_code code = hmac != NULL ? bd_sm3_hmac_new(&hmac->sm3) : BD_NO_MEMORY;

	*out = NULL;
	code = code == BD_OK ? bd_sm3_hmac_key(hmac->sm3, key) : code;
	if (code != BD_OK) {
		bd_hmac_free(hmac);
		return code;
	}
	*out = hmac;
	return BD_OK;
}

enum bd_code bd_hmac_of(
	const struct bd_hmac *hmac, struct bd_bytes bytes, uint8_t out[BD_DIGEST_BYTES])
{
	uint8_t inner[BD_DIGEST_BYTES];
	const struct bd_bytes digest = { (const char *)inner, sizeof(inner) };

	if (hmac->sm3 != NULL) {
		return bd_sm3_hmac_of(hmac->sm3, &bytes, 1, out);
	}
	return end_parts(&hmac->inner, BLOCK_BYTES, &bytes, 1, inner) &&
			       end_parts(&hmac->outer, BLOCK_BYTES, &digest, 1, out)
		       ? BD_OK
		       : BD_INTERNAL;
}

void bd_hmac_free(struct bd_hmac *hmac)
{
	if (hmac != NULL) {
		bd_sm3_hmac_free(hmac->sm3);
		bd_locked_free(hmac, sizeof(*hmac));
	}
}

enum bd_code bd_random(uint8_t *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1 ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_random_draw(struct bd_random *pool, uint8_t *out, size_t len)
{
	uint8_t *at;

	if (len > pool->left) {
		enum bd_code code = len > sizeof(pool->bytes)
					    ? BD_INTERNAL
					    : bd_random(pool->bytes, sizeof(pool->bytes));

		if (code != BD_OK) {
			return code;
		}
		pool->left = sizeof(pool->bytes);
	}
	at = pool->bytes + sizeof(pool->bytes) - pool->left;
	memcpy(out, at, len);
	bd_wipe(at, len);
	pool->left -= len;
	return BD_OK;
}

bool bd_equal_secret(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void bd_wipe(void *memory, size_t len)
{
	explicit_bzero(memory, len);
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
