#include "store/seal_sm4.h"

#include "base/digest.h"
#include "base/digest_sm3.h"
#include "base/try.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct bd_sm4 {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *context;
	struct bd_sm3_hmac *hmac;
};

enum bd_code bd_sm4_new(struct bd_sm4 **out)
{
	struct bd_sm4 *sm4 = calloc(1, sizeof(*sm4));
	enum bd_code code;

	*out = NULL;
	if (sm4 == NULL) {
		return BD_NO_MEMORY;
	}
	code = bd_sm3_hmac_new(&sm4->hmac);
	sm4->cipher = EVP_CIPHER_fetch(NULL, "SM4-CTR", NULL);
	sm4->context = EVP_CIPHER_CTX_new();
	if (code == BD_OK &&
		(sm4->cipher == NULL || sm4->context == NULL ||
			EVP_EncryptInit_ex2(sm4->context, sm4->cipher, NULL, NULL, NULL) != 1)) {
		code = BD_INTERNAL;
	}
	if (code != BD_OK) {
		bd_sm4_free(sm4);
		return code;
	}
	*out = sm4;
	return BD_OK;
}

void bd_sm4_free(struct bd_sm4 *sm4)
{
	if (sm4 != NULL) {
		EVP_CIPHER_CTX_free(sm4->context);
		EVP_CIPHER_free(sm4->cipher);
		bd_sm3_hmac_free(sm4->hmac);
		free(sm4);
	}
}

enum bd_code bd_sm4_ctr(struct bd_sm4 *sm4, uint8_t *out, const uint8_t key[BD_SM4_BLOCK_BYTES],
	const uint8_t first[BD_SM4_BLOCK_BYTES], struct bd_bytes in)
{
	int len = 0;

	if (EVP_EncryptInit_ex2(sm4->context, NULL, key, first, NULL) != 1 ||
		(in.len > 0 && EVP_EncryptUpdate(sm4->context, out, &len, (const uint8_t *)in.ptr,
				       (int)in.len) != 1)) {
		return BD_INTERNAL;
	}
	return BD_OK;
}

/* Counts from zero behind the nonce: 64 GiB under one nonce, more than a value can have. */
static enum bd_code crypt(struct bd_sm4 *sm4, uint8_t *out, const uint8_t *key,
	const uint8_t nonce[BD_SM4_NONCE_BYTES], struct bd_bytes in)
{
	uint8_t first[BD_SM4_BLOCK_BYTES] = { 0 };

	memcpy(first, nonce, BD_SM4_NONCE_BYTES);
	return bd_sm4_ctr(sm4, out, key, first, in);
}

static enum bd_code authenticate(struct bd_sm4 *sm4, uint8_t tag[BD_SM4_TAG_BYTES],
	const uint8_t *key, const uint8_t nonce[BD_SM4_NONCE_BYTES], struct bd_bytes name,
	struct bd_bytes sealed)
{
	uint64_t length = htobe64(name.len);
	const struct bd_bytes parts[] = { { (const char *)&length, sizeof(length) }, name,
		{ (const char *)nonce, BD_SM4_NONCE_BYTES }, sealed };
	uint8_t whole[BD_SM3_BYTES];

	BD_TRY(bd_sm3_hmac_key(sm4->hmac, (struct bd_bytes){ (const char *)key + BD_SM4_BLOCK_BYTES,
						  BD_SM4_KEY_BYTES - BD_SM4_BLOCK_BYTES }));
	BD_TRY(bd_sm3_hmac_of(sm4->hmac, parts, sizeof(parts) / sizeof(parts[0]), whole));
	memcpy(tag, whole, BD_SM4_TAG_BYTES);
	return BD_OK;
}

enum bd_code bd_sm4_close(struct bd_sm4 *sm4, uint8_t *out, uint8_t tag[BD_SM4_TAG_BYTES],
	const uint8_t key[BD_SM4_KEY_BYTES], const uint8_t nonce[BD_SM4_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes plain)
{
	if (plain.len > INT32_MAX || name.len > INT32_MAX) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(crypt(sm4, out, key, nonce, plain));
	return authenticate(
		sm4, tag, key, nonce, name, (struct bd_bytes){ (const char *)out, plain.len });
}

enum bd_code bd_sm4_open(struct bd_sm4 *sm4, uint8_t *out, const uint8_t tag[BD_SM4_TAG_BYTES],
	const uint8_t key[BD_SM4_KEY_BYTES], const uint8_t nonce[BD_SM4_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes sealed)
{
	uint8_t expected[BD_SM4_TAG_BYTES];

	if (sealed.len > INT32_MAX || name.len > INT32_MAX) {
		return BD_STORE_DAMAGED;
	}
	BD_TRY(authenticate(sm4, expected, key, nonce, name, sealed));
	if (!bd_equal_secret(expected, tag, sizeof(expected))) {
		return BD_STORE_DAMAGED;
	}
	return crypt(sm4, out, key, nonce, sealed);
}
