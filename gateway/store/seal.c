#include "store/seal.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Address space for 64 million subjects; the file is sparse. */
#define SALTS_SIZE ((size_t)1 << 30)
#define NONCE_BYTES 12
#define TAG_BYTES 16
/* Random bytes drawn at once: asking the generator for every nonce and salt was a fifth of a push.
 */
#define POOL_BYTES 4096

struct bd_seal {
	struct bd_hmac *master, *blind;
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *closing, *opening;
	uint8_t pool[POOL_BYTES];
	size_t pool_left; /* bytes, at the end */
	bool has_kept;
	uint8_t kept_salt[BD_SALT_BYTES], kept_key[BD_DIGEST_BYTES];
};

/* -- salts -- */

enum bd_code bd_salts_open(struct bd_salts *salts, const char *folder, struct bd_diag *diag)
{
	char path[4096];
	void *memory;

	snprintf(path, sizeof(path), "%s/salts", folder);
	salts->size = SALTS_SIZE;
	salts->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (salts->fd < 0 || ftruncate(salts->fd, (off_t)salts->size) != 0) {
		return bd_fail(diag, BD_IO, "salts: %s", strerror(errno));
	}
	memory = mmap(NULL, salts->size, PROT_READ, MAP_SHARED, salts->fd, 0);
	if (memory == MAP_FAILED) {
		return bd_fail(diag, BD_NO_MEMORY, "salts: %s", strerror(errno));
	}
	salts->slots = memory;
	return BD_OK;
}

void bd_salts_close(struct bd_salts *salts)
{
	if (salts->slots != NULL) {
		munmap(salts->slots, salts->size);
	}
	if (salts->fd > 0) {
		close(salts->fd);
	}
}

enum bd_code bd_salts_sync(const struct bd_salts *salts)
{
	return fdatasync(salts->fd) == 0 ? BD_OK : BD_IO;
}

/* By write, not through the map: a full disk is an error here, not a signal. */
enum bd_code bd_salts_set(struct bd_salts *salts, uint64_t slot, const uint8_t salt[BD_SALT_BYTES])
{
	if (slot >= salts->size / BD_SALT_BYTES) {
		return BD_DISK_FULL;
	}
	return pwrite(salts->fd, salt, BD_SALT_BYTES, (off_t)(slot * BD_SALT_BYTES)) ==
			       BD_SALT_BYTES
		       ? BD_OK
		       : BD_DISK_FULL;
}

bool bd_salts_get(uint8_t salt[BD_SALT_BYTES], const struct bd_salts *salts, uint64_t slot)
{
	static const uint8_t erased[BD_SALT_BYTES];

	if (slot >= salts->size / BD_SALT_BYTES) {
		return false;
	}
	memcpy(salt, salts->slots + slot * BD_SALT_BYTES, BD_SALT_BYTES);
	return memcmp(salt, erased, BD_SALT_BYTES) != 0;
}

/* -- keys -- */

enum bd_code bd_seal_new(struct bd_seal **out, const uint8_t master[32])
{
	struct bd_seal *seal = calloc(1, sizeof(*seal));
	uint8_t key[BD_DIGEST_BYTES];
	enum bd_code code;

	*out = NULL;
	if (seal == NULL) {
		return BD_NO_MEMORY;
	}
	code = bd_hmac_new(&seal->master, (struct bd_bytes){ (const char *)master, 32 });
	if (code == BD_OK) {
		code = bd_hmac_of(seal->master, bd_bytes_of("bidui blinding key 1"), key);
	}
	if (code == BD_OK) {
		code = bd_hmac_new(
			&seal->blind, (struct bd_bytes){ (const char *)key, sizeof(key) });
	}
	bd_wipe(key, sizeof(key));
	seal->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	seal->closing = EVP_CIPHER_CTX_new();
	seal->opening = EVP_CIPHER_CTX_new();
	if (code != BD_OK || seal->cipher == NULL || seal->closing == NULL ||
		seal->opening == NULL ||
		EVP_EncryptInit_ex2(seal->closing, seal->cipher, NULL, NULL, NULL) != 1 ||
		EVP_DecryptInit_ex2(seal->opening, seal->cipher, NULL, NULL, NULL) != 1) {
		bd_seal_free(seal);
		return code != BD_OK ? code : BD_INTERNAL;
	}
	*out = seal;
	return BD_OK;
}

void bd_seal_free(struct bd_seal *seal)
{
	if (seal == NULL) {
		return;
	}
	bd_hmac_free(seal->master);
	bd_hmac_free(seal->blind);
	EVP_CIPHER_CTX_free(seal->closing);
	EVP_CIPHER_CTX_free(seal->opening);
	EVP_CIPHER_free(seal->cipher);
	bd_wipe(seal->kept_key, sizeof(seal->kept_key));
	bd_wipe(seal->pool, sizeof(seal->pool));
	free(seal);
}

enum bd_code bd_seal_digest(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32])
{
	return bd_hmac_of(seal->blind, bytes, out);
}

enum bd_code bd_seal_blind(struct bd_seal *seal, const struct bd_identifier *identifier,
	uint8_t out[BD_NODE_KEY_BYTES])
{
	char room[512];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	uint8_t digest[BD_DIGEST_BYTES];
	enum bd_code code = bd_buf_add_u16(&name, identifier->kind);

	code = code == BD_OK ? bd_buf_add_sized(&name, identifier->issuer) : code;
	code = code == BD_OK ? bd_buf_add_sized(&name, identifier->number) : code;
	code = code == BD_OK ? bd_hmac_of(seal->blind, bd_buf_bytes(&name), digest) : code;
	if (code == BD_OK) {
		memcpy(out, digest, BD_NODE_KEY_BYTES);
	}
	return code;
}

static enum bd_code key_of(
	struct bd_seal *seal, const uint8_t salt[BD_SALT_BYTES], uint8_t key[BD_DIGEST_BYTES])
{
	if (seal->has_kept && memcmp(salt, seal->kept_salt, BD_SALT_BYTES) == 0) {
		memcpy(key, seal->kept_key, BD_DIGEST_BYTES);
		return BD_OK;
	}
	return bd_hmac_of(
		seal->master, (struct bd_bytes){ (const char *)salt, BD_SALT_BYTES }, key);
}

enum bd_code bd_seal_keep(struct bd_seal *seal, const uint8_t salt[BD_SALT_BYTES])
{
	enum bd_code code;

	seal->has_kept = false;
	code = key_of(seal, salt, seal->kept_key);
	if (code == BD_OK) {
		memcpy(seal->kept_salt, salt, BD_SALT_BYTES);
		seal->has_kept = true;
	}
	return code;
}

enum bd_code bd_seal_random(struct bd_seal *seal, uint8_t *out, size_t len)
{
	uint8_t *at;

	if (len > seal->pool_left) {
		enum bd_code code = bd_random(seal->pool, sizeof(seal->pool));

		if (code != BD_OK) {
			return code;
		}
		seal->pool_left = sizeof(seal->pool);
	}
	if (len > seal->pool_left) {
		return BD_INTERNAL;
	}
	at = seal->pool + sizeof(seal->pool) - seal->pool_left;
	memcpy(out, at, len);
	bd_wipe(at, len);
	seal->pool_left -= len;
	return BD_OK;
}

enum bd_code bd_seal_close(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes plain)
{
	uint8_t key[BD_DIGEST_BYTES], *at;
	int len = 0;
	enum bd_code code = bd_buf_reserve(out, plain.len + BD_SEAL_OVERHEAD);

	if (code != BD_OK || plain.len > INT32_MAX) {
		return code != BD_OK ? code : BD_LIMIT_BYTES;
	}
	at = (uint8_t *)out->ptr + out->len;
	code = bd_seal_random(seal, at, NONCE_BYTES);
	code = code == BD_OK ? key_of(seal, salt, key) : code;
	if (code == BD_OK && (EVP_EncryptInit_ex2(seal->closing, NULL, key, at, NULL) != 1 ||
				     EVP_EncryptUpdate(seal->closing, NULL, &len,
					     (const uint8_t *)name.ptr, (int)name.len) != 1 ||
				     EVP_EncryptUpdate(seal->closing, at + NONCE_BYTES, &len,
					     (const uint8_t *)plain.ptr, (int)plain.len) != 1 ||
				     EVP_EncryptFinal_ex(seal->closing,
					     at + NONCE_BYTES + plain.len, &len) != 1 ||
				     EVP_CIPHER_CTX_ctrl(seal->closing, EVP_CTRL_AEAD_GET_TAG,
					     TAG_BYTES, at + NONCE_BYTES + plain.len) != 1)) {
		code = BD_INTERNAL;
	}
	bd_wipe(key, sizeof(key));
	if (code == BD_OK) {
		out->len += plain.len + BD_SEAL_OVERHEAD;
	}
	return code;
}

enum bd_code bd_seal_open(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes sealed)
{
	const uint8_t *at = (const uint8_t *)sealed.ptr;
	uint8_t key[BD_DIGEST_BYTES], tag[TAG_BYTES];
	size_t plain_len = sealed.len - BD_SEAL_OVERHEAD;
	int len = 0;
	enum bd_code code;

	if (sealed.len < BD_SEAL_OVERHEAD || sealed.len > INT32_MAX) {
		return BD_STORE_DAMAGED;
	}
	code = bd_buf_reserve(out, plain_len + 1);
	code = code == BD_OK ? key_of(seal, salt, key) : code;
	if (code != BD_OK) {
		return code;
	}
	memcpy(tag, at + NONCE_BYTES + plain_len, TAG_BYTES);
	if (EVP_DecryptInit_ex2(seal->opening, NULL, key, at, NULL) != 1 ||
		EVP_DecryptUpdate(
			seal->opening, NULL, &len, (const uint8_t *)name.ptr, (int)name.len) != 1 ||
		EVP_DecryptUpdate(seal->opening, (uint8_t *)out->ptr + out->len, &len,
			at + NONCE_BYTES, (int)plain_len) != 1 ||
		EVP_CIPHER_CTX_ctrl(seal->opening, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1 ||
		EVP_DecryptFinal_ex(
			seal->opening, (uint8_t *)out->ptr + out->len + plain_len, &len) != 1) {
		code = BD_STORE_DAMAGED;
	}
	bd_wipe(key, sizeof(key));
	if (code == BD_OK) {
		out->len += plain_len;
	}
	return code;
}
