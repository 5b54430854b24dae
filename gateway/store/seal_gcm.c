#include "store/seal_gcm.h"

#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct bd_gcm {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *closing, *opening;
};

enum bd_code bd_gcm_new(struct bd_gcm **out)
{
	struct bd_gcm *gcm = calloc(1, sizeof(*gcm));

	*out = NULL;
	if (gcm == NULL) {
		return BD_NO_MEMORY;
	}
	gcm->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	gcm->closing = EVP_CIPHER_CTX_new();
	gcm->opening = EVP_CIPHER_CTX_new();
	if (gcm->cipher == NULL || gcm->closing == NULL || gcm->opening == NULL ||
		EVP_EncryptInit_ex2(gcm->closing, gcm->cipher, NULL, NULL, NULL) != 1 ||
		EVP_DecryptInit_ex2(gcm->opening, gcm->cipher, NULL, NULL, NULL) != 1) {
		bd_gcm_free(gcm);
		return BD_INTERNAL;
	}
	*out = gcm;
	return BD_OK;
}

void bd_gcm_free(struct bd_gcm *gcm)
{
	if (gcm != NULL) {
		EVP_CIPHER_CTX_free(gcm->closing);
		EVP_CIPHER_CTX_free(gcm->opening);
		EVP_CIPHER_free(gcm->cipher);
		free(gcm);
	}
}

enum bd_code bd_gcm_close(struct bd_gcm *gcm, uint8_t *out, uint8_t tag[BD_GCM_TAG_BYTES],
	const uint8_t key[BD_GCM_KEY_BYTES], const uint8_t nonce[BD_GCM_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes plain)
{
	EVP_CIPHER_CTX *context = gcm->closing;
	int len = 0;

	if (plain.len > INT32_MAX || name.len > INT32_MAX) {
		return BD_LIMIT_BYTES;
	}
	if (EVP_EncryptInit_ex2(context, NULL, key, nonce, NULL) != 1 ||
		(name.len > 0 && EVP_EncryptUpdate(context, NULL, &len, (const uint8_t *)name.ptr,
					 (int)name.len) != 1) ||
		(plain.len > 0 && EVP_EncryptUpdate(context, out, &len, (const uint8_t *)plain.ptr,
					  (int)plain.len) != 1) ||
		EVP_EncryptFinal_ex(context, tag, &len) != 1 ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, BD_GCM_TAG_BYTES, tag) != 1) {
		return BD_INTERNAL;
	}
	return BD_OK;
}

enum bd_code bd_gcm_open(struct bd_gcm *gcm, uint8_t *out, const uint8_t tag[BD_GCM_TAG_BYTES],
	const uint8_t key[BD_GCM_KEY_BYTES], const uint8_t nonce[BD_GCM_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes sealed)
{
	EVP_CIPHER_CTX *context = gcm->opening;
	uint8_t expected[BD_GCM_TAG_BYTES], rest[BD_GCM_TAG_BYTES];
	int len = 0;

	if (sealed.len > INT32_MAX || name.len > INT32_MAX) {
		return BD_STORE_DAMAGED;
	}
	memcpy(expected, tag, sizeof(expected));
	if (EVP_DecryptInit_ex2(context, NULL, key, nonce, NULL) != 1 ||
		(name.len > 0 && EVP_DecryptUpdate(context, NULL, &len, (const uint8_t *)name.ptr,
					 (int)name.len) != 1) ||
		(sealed.len > 0 && EVP_DecryptUpdate(context, out, &len,
					   (const uint8_t *)sealed.ptr, (int)sealed.len) != 1) ||
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, BD_GCM_TAG_BYTES, expected) !=
			1 ||
		EVP_DecryptFinal_ex(context, rest, &len) != 1) {
		bd_wipe(out, sealed.len);
		return BD_STORE_DAMAGED;
	}
	return BD_OK;
}
