#include "store/seal.h"

#include "base/digest.h"
#include "base/try.h"
#include "store/seal_gcm.h"

#include <stdlib.h>
#include <string.h>

struct bd_seal {
	struct bd_hmac *master, *blind, *statement;
	struct bd_gcm *gcm;
	struct bd_random random;
	bool has_kept;
	uint8_t kept_salt[BD_SALT_BYTES], kept_key[BD_DIGEST_BYTES];
};

/* A key of the store for one use, from the master key and the name of that use. */
static enum bd_code make_key(struct bd_hmac **out, struct bd_hmac *master, const char *use)
{
	uint8_t key[BD_DIGEST_BYTES];
	enum bd_code code = bd_hmac_of(master, bd_bytes_of(use), key);

	if (code == BD_OK) {
		code = bd_hmac_new(out, (struct bd_bytes){ (const char *)key, sizeof(key) });
	}
	bd_wipe(key, sizeof(key));
	return code;
}

enum bd_code bd_seal_new(struct bd_seal **out, const uint8_t master[32])
{
	struct bd_seal *seal = calloc(1, sizeof(*seal));
	enum bd_code code;

	*out = NULL;
	if (seal == NULL) {
		return BD_NO_MEMORY;
	}
	code = bd_hmac_new(&seal->master, (struct bd_bytes){ (const char *)master, 32 });
	code = code == BD_OK ? make_key(&seal->blind, seal->master, "bidui blinding key 1") : code;
	code = code == BD_OK ? make_key(&seal->statement, seal->master, "bidui statement key 1")
			     : code;
	code = code == BD_OK ? bd_gcm_new(&seal->gcm) : code;
	if (code != BD_OK) {
		bd_seal_free(seal);
		return code;
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
	bd_hmac_free(seal->statement);
	bd_gcm_free(seal->gcm);
	bd_wipe(seal->kept_key, sizeof(seal->kept_key));
	bd_wipe(&seal->random, sizeof(seal->random));
	free(seal);
}

enum bd_code bd_seal_digest(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32])
{
	return bd_hmac_of(seal->blind, bytes, out);
}

enum bd_code bd_seal_statement(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32])
{
	return bd_hmac_of(seal->statement, bytes, out);
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
	return bd_random_draw(&seal->random, out, len);
}

enum bd_code bd_seal_close(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes plain)
{
	uint8_t key[BD_DIGEST_BYTES], *at;
	enum bd_code code;

	BD_TRY(bd_buf_reserve(out, plain.len + BD_SEAL_OVERHEAD));
	at = (uint8_t *)out->ptr + out->len;
	BD_TRY(bd_seal_random(seal, at, BD_GCM_NONCE_BYTES));
	BD_TRY(key_of(seal, salt, key));
	code = bd_gcm_close(seal->gcm, at + BD_GCM_NONCE_BYTES, at + BD_GCM_NONCE_BYTES + plain.len,
		key, at, name, plain);
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
	uint8_t key[BD_DIGEST_BYTES];
	size_t len;
	enum bd_code code;

	if (sealed.len < BD_SEAL_OVERHEAD) {
		return BD_STORE_DAMAGED;
	}
	len = sealed.len - BD_SEAL_OVERHEAD;
	BD_TRY(bd_buf_reserve(out, len + 1));
	BD_TRY(key_of(seal, salt, key));
	code = bd_gcm_open(seal->gcm, (uint8_t *)out->ptr + out->len, at + BD_GCM_NONCE_BYTES + len,
		key, at, name, (struct bd_bytes){ sealed.ptr + BD_GCM_NONCE_BYTES, len });
	bd_wipe(key, sizeof(key));
	if (code == BD_OK) {
		out->len += len;
	}
	return code;
}
