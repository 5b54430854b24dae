#include "base/digest_sm3.h"

#include "base/digest.h"
#include "base/try.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 64 /* of SM3 */

/* RFC 2104: the key over its two pads, digested once a key. */
struct bd_sm3_hmac {
	EVP_MD *md;
	EVP_MD_CTX *inner, *outer, *work;
};

enum bd_code bd_sm3_of(struct bd_bytes bytes, uint8_t out[BD_SM3_BYTES])
{
	return EVP_Digest(bytes.ptr, bytes.len, out, NULL, EVP_sm3(), NULL) == 1 ? BD_OK
										 : BD_INTERNAL;
}

enum bd_code bd_sm3_hmac_new(struct bd_sm3_hmac **out)
{
	struct bd_sm3_hmac *hmac = calloc(1, sizeof(*hmac));

	*out = NULL;
	if (hmac == NULL) {
		return BD_NO_MEMORY;
	}
	hmac->md = EVP_MD_fetch(NULL, "SM3", NULL);
	hmac->inner = EVP_MD_CTX_new();
	hmac->outer = EVP_MD_CTX_new();
	hmac->work = EVP_MD_CTX_new();
	if (hmac->md == NULL || hmac->inner == NULL || hmac->outer == NULL || hmac->work == NULL) {
		bd_sm3_hmac_free(hmac);
		return BD_INTERNAL;
	}
	*out = hmac;
	return BD_OK;
}

void bd_sm3_hmac_free(struct bd_sm3_hmac *hmac)
{
	if (hmac != NULL) {
		EVP_MD_CTX_free(hmac->inner);
		EVP_MD_CTX_free(hmac->outer);
		EVP_MD_CTX_free(hmac->work);
		EVP_MD_free(hmac->md);
		free(hmac);
	}
}

static bool begin(
	EVP_MD_CTX *context, const EVP_MD *md, const uint8_t key[BLOCK_BYTES], uint8_t pad)
{
	uint8_t block[BLOCK_BYTES];
	bool is_good;

	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		block[i] = key[i] ^ pad;
	}
	is_good = EVP_DigestInit_ex2(context, md, NULL) == 1 &&
		  EVP_DigestUpdate(context, block, sizeof(block)) == 1;
	bd_wipe(block, sizeof(block));
	return is_good;
}

enum bd_code bd_sm3_hmac_key(struct bd_sm3_hmac *hmac, struct bd_bytes key)
{
	uint8_t block[BLOCK_BYTES] = { 0 };
	bool is_good = true;

	if (key.len > BLOCK_BYTES) {
		is_good = bd_sm3_of(key, block) == BD_OK;
	} else if (key.len > 0) {
		memcpy(block, key.ptr, key.len);
	}
	is_good = is_good && begin(hmac->inner, hmac->md, block, 0x36) &&
		  begin(hmac->outer, hmac->md, block, 0x5c);
	bd_wipe(block, sizeof(block));
	return is_good ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_sm3_hmac_of(struct bd_sm3_hmac *hmac, const struct bd_bytes *parts, size_t count,
	uint8_t out[BD_SM3_BYTES])
{
	uint8_t inner[BD_SM3_BYTES];
	bool is_good = EVP_MD_CTX_copy_ex(hmac->work, hmac->inner) == 1;

	for (size_t i = 0; i < count && is_good; i++) {
		is_good = EVP_DigestUpdate(hmac->work, parts[i].ptr, parts[i].len) == 1;
	}
	is_good = is_good && EVP_DigestFinal_ex(hmac->work, inner, NULL) == 1 &&
		  EVP_MD_CTX_copy_ex(hmac->work, hmac->outer) == 1 &&
		  EVP_DigestUpdate(hmac->work, inner, sizeof(inner)) == 1 &&
		  EVP_DigestFinal_ex(hmac->work, out, NULL) == 1;
	return is_good ? BD_OK : BD_INTERNAL;
}
