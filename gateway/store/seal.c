#include "store/seal.h"

#include "base/digest.h"
#include "base/locked.h"
#include "base/try.h"
#include "store/seal_gcm.h"
#include "store/seal_sm4.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(
	BD_GCM_KEY_BYTES == BD_DIGEST_BYTES && BD_SM4_KEY_BYTES == BD_DIGEST_BYTES &&
		BD_GCM_NONCE_BYTES == BD_SM4_NONCE_BYTES && BD_GCM_TAG_BYTES == BD_SM4_TAG_BYTES &&
		BD_SEAL_OVERHEAD == BD_SEAL_HEAD_BYTES + BD_GCM_NONCE_BYTES + BD_GCM_TAG_BYTES,
	"all sealings have one shape");

/* The present one and the one before, in two sealings: more come and go. */
#define FORMS_MAX 4

/* What a value was, or will be, closed under. */
struct form {
	enum bd_sealing sealing;
	uint16_t epoch;
	struct bd_hmac *master; /* NULL = not made ready */
};

struct bd_seal {
	const struct bd_ring *ring;
	struct bd_hmac *blinds[BD_BLINDINGS_MAX], *statement;
	size_t blind_count;
	struct form forms[FORMS_MAX];
	size_t next_form; /* to give way */
	struct bd_gcm *gcm;
	struct bd_sm4 *sm4; /* NULL = nothing was sealed by it yet */
	struct bd_random random;
	/* The key that is kept, in locked memory. */
	const struct form *kept_form; /* NULL = none */
	uint8_t kept_salt[BD_SALT_BYTES], *kept_key;
};

static struct bd_bytes root_bytes(const uint8_t root[BD_ROOT_BYTES])
{
	return (struct bd_bytes){ (const char *)root, BD_ROOT_BYTES };
}

static enum bd_code make_names(struct bd_seal *seal)
{
	const struct bd_roots *roots = &seal->ring->roots;
	uint8_t key[BD_ROOT_BYTES];
	enum bd_code code = BD_OK;

	for (; seal->blind_count < roots->blinding_count && code == BD_OK; seal->blind_count++) {
		const struct bd_blinding_key *root = &roots->blindings[seal->blind_count];
		struct bd_hmac **out = &seal->blinds[seal->blind_count];

		code = root->algorithm == BD_BLINDING_SM3
			       ? bd_hmac_new_sm3(out, root_bytes(root->bytes))
			       : bd_hmac_new(out, root_bytes(root->bytes));
	}
	code = code == BD_OK ? bd_ring_derive(key, seal->ring, "bidui statement key 1") : code;
	code = code == BD_OK ? bd_hmac_new(&seal->statement, root_bytes(key)) : code;
	bd_wipe(key, sizeof(key));
	return code;
}

enum bd_code bd_seal_new(struct bd_seal **out, const struct bd_ring *ring)
{
	struct bd_seal *seal = calloc(1, sizeof(*seal));
	enum bd_code code;

	*out = NULL;
	if (seal == NULL) {
		return BD_NO_MEMORY;
	}
	seal->ring = ring;
	seal->kept_key = bd_locked_alloc(BD_DIGEST_BYTES);
	code = seal->kept_key != NULL ? bd_gcm_new(&seal->gcm) : BD_NO_MEMORY;
	code = code == BD_OK && ring->roots.blinding_count > 0 ? make_names(seal) : code;
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
	for (size_t i = 0; i < BD_BLINDINGS_MAX; i++) {
		bd_hmac_free(seal->blinds[i]);
	}
	for (size_t i = 0; i < FORMS_MAX; i++) {
		bd_hmac_free(seal->forms[i].master);
	}
	bd_hmac_free(seal->statement);
	bd_gcm_free(seal->gcm);
	bd_sm4_free(seal->sm4);
	bd_locked_free(seal->kept_key, BD_DIGEST_BYTES);
	bd_wipe(&seal->random, sizeof(seal->random));
	free(seal);
}

/* -- names -- */

uint32_t bd_seal_generation(const struct bd_seal *seal)
{
	return (uint32_t)seal->blind_count;
}

static enum bd_code blind_again(struct bd_seal *seal, size_t first, uint8_t digest[BD_DIGEST_BYTES])
{
	for (size_t i = first; i < seal->blind_count; i++) {
		BD_TRY(bd_hmac_of(seal->blinds[i],
			(struct bd_bytes){ (const char *)digest, BD_NODE_KEY_BYTES }, digest));
	}
	return BD_OK;
}

enum bd_code bd_seal_digest(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32])
{
	BD_TRY(bd_hmac_of(seal->blinds[0], bytes, out));
	return seal->blind_count > 1 ? blind_again(seal, 1, out) : BD_OK;
}

enum bd_code bd_seal_blind_again(
	struct bd_seal *seal, const uint8_t name[BD_NODE_KEY_BYTES], uint8_t out[32])
{
	memcpy(out, name, BD_NODE_KEY_BYTES);
	return blind_again(seal, seal->blind_count - 1, out);
}

enum bd_code bd_seal_statement(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32])
{
	return bd_hmac_of(seal->statement, bytes, out);
}

static enum bd_code add_identifier(struct bd_buf *out, const struct bd_identifier *identifier)
{
	BD_TRY(bd_buf_add_u16(out, identifier->kind));
	BD_TRY(bd_buf_add_sized(out, identifier->issuer));
	return bd_buf_add_sized(out, identifier->number);
}

enum bd_code bd_seal_blind(struct bd_seal *seal, const struct bd_identifier *identifier,
	uint8_t out[BD_NODE_KEY_BYTES])
{
	char room[512];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	uint8_t digest[BD_DIGEST_BYTES];

	BD_TRY(add_identifier(&name, identifier));
	BD_TRY(bd_seal_digest(seal, bd_buf_bytes(&name), digest));
	memcpy(out, digest, BD_NODE_KEY_BYTES);
	return BD_OK;
}

enum bd_code bd_seal_origin(struct bd_seal *seal, const struct bd_identifier *identifier,
	const uint8_t name[BD_NODE_KEY_BYTES], uint8_t out[BD_NODE_KEY_BYTES])
{
	char room[512];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	uint8_t digest[BD_DIGEST_BYTES];

	memcpy(digest, name, BD_NODE_KEY_BYTES);
	if (seal->blind_count > 1) {
		BD_TRY(add_identifier(&text, identifier));
		BD_TRY(bd_hmac_of(seal->blinds[0], bd_buf_bytes(&text), digest));
	}
	memcpy(out, digest, BD_NODE_KEY_BYTES);
	return BD_OK;
}

/* -- keys -- */

static enum bd_code make_form(struct form *form, const struct bd_key *key, enum bd_sealing sealing)
{
	struct bd_bytes bytes = { (const char *)key->bytes, sizeof(key->bytes) };

	form->sealing = sealing;
	form->epoch = key->epoch;
	return sealing == BD_SEALING_SM4_SM3 ? bd_hmac_new_sm3(&form->master, bytes)
					     : bd_hmac_new(&form->master, bytes);
}

/* BD_STORE_DAMAGED: a sealing or an epoch that there is not. */
static enum bd_code find_form(
	const struct form **out, struct bd_seal *seal, enum bd_sealing sealing, uint16_t epoch)
{
	const struct bd_key *key;
	struct form *form;

	for (size_t i = 0; i < FORMS_MAX; i++) {
		form = &seal->forms[i];
		if (form->master != NULL && form->epoch == epoch && form->sealing == sealing) {
			*out = form;
			return BD_OK;
		}
	}
	key = bd_ring_find(seal->ring, epoch);
	if (key == NULL || (sealing != BD_SEALING_AES_GCM && sealing != BD_SEALING_SM4_SM3)) {
		return BD_STORE_DAMAGED;
	}
	if (sealing == BD_SEALING_SM4_SM3 && seal->sm4 == NULL) {
		BD_TRY(bd_sm4_new(&seal->sm4));
	}
	form = &seal->forms[seal->next_form];
	seal->next_form = (seal->next_form + 1) % FORMS_MAX;
	seal->kept_form = seal->kept_form == form ? NULL : seal->kept_form;
	bd_hmac_free(form->master);
	form->master = NULL;
	BD_TRY(make_form(form, key, sealing));
	*out = form;
	return BD_OK;
}

static enum bd_code target(const struct form **out, struct bd_seal *seal)
{
	enum bd_sealing sealing;
	uint16_t epoch;

	bd_ring_target(&sealing, &epoch, seal->ring);
	return find_form(out, seal, sealing, epoch);
}

static enum bd_code key_of(struct bd_seal *seal, const struct form *form,
	const uint8_t salt[BD_SALT_BYTES], uint8_t key[BD_DIGEST_BYTES])
{
	if (seal->kept_form == form && memcmp(salt, seal->kept_salt, BD_SALT_BYTES) == 0) {
		memcpy(key, seal->kept_key, BD_DIGEST_BYTES);
		return BD_OK;
	}
	return bd_hmac_of(
		form->master, (struct bd_bytes){ (const char *)salt, BD_SALT_BYTES }, key);
}

enum bd_code bd_seal_keep(struct bd_seal *seal, const uint8_t salt[BD_SALT_BYTES])
{
	const struct form *form = NULL;

	seal->kept_form = NULL;
	BD_TRY(target(&form, seal));
	BD_TRY(key_of(seal, form, salt, seal->kept_key));
	memcpy(seal->kept_salt, salt, BD_SALT_BYTES);
	seal->kept_form = form;
	return BD_OK;
}

enum bd_code bd_seal_random(struct bd_seal *seal, uint8_t *out, size_t len)
{
	return bd_random_draw(&seal->random, out, len);
}

/* -- values -- */

static void put_head(uint8_t out[BD_SEAL_HEAD_BYTES], const struct form *form)
{
	out[0] = (uint8_t)(form->sealing + 1);
	out[1] = (uint8_t)(form->epoch >> 8);
	out[2] = (uint8_t)form->epoch;
}

static enum bd_sealing head_sealing(const uint8_t *head)
{
	return (enum bd_sealing)(head[0] - 1);
}

static uint16_t head_epoch(const uint8_t *head)
{
	return (uint16_t)(head[1] << 8 | head[2]);
}

bool bd_seal_is_current(const struct bd_seal *seal, struct bd_bytes sealed)
{
	const uint8_t *head = (const uint8_t *)sealed.ptr;
	enum bd_sealing sealing;
	uint16_t epoch;

	bd_ring_target(&sealing, &epoch, seal->ring);
	return sealed.len >= BD_SEAL_OVERHEAD && head_sealing(head) == sealing &&
	       head_epoch(head) == epoch;
}

enum bd_code bd_seal_close(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes plain)
{
	uint8_t key[BD_DIGEST_BYTES], *at, *nonce, *text;
	const struct form *form = NULL;
	enum bd_code code;

	BD_TRY(bd_buf_reserve(out, plain.len + BD_SEAL_OVERHEAD));
	BD_TRY(target(&form, seal));
	at = (uint8_t *)out->ptr + out->len;
	nonce = at + BD_SEAL_HEAD_BYTES;
	text = nonce + BD_GCM_NONCE_BYTES;
	put_head(at, form);
	BD_TRY(bd_seal_random(seal, nonce, BD_GCM_NONCE_BYTES));
	BD_TRY(key_of(seal, form, salt, key));
	code = form->sealing == BD_SEALING_SM4_SM3
		       ? bd_sm4_close(seal->sm4, text, text + plain.len, key, nonce, name, plain)
		       : bd_gcm_close(seal->gcm, text, text + plain.len, key, nonce, name, plain);
	bd_wipe(key, sizeof(key));
	if (code == BD_OK) {
		out->len += plain.len + BD_SEAL_OVERHEAD;
	}
	return code;
}

enum bd_code bd_seal_open(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes sealed)
{
	const uint8_t *at = (const uint8_t *)sealed.ptr, *nonce = at + BD_SEAL_HEAD_BYTES;
	const uint8_t *text = nonce + BD_GCM_NONCE_BYTES;
	uint8_t key[BD_DIGEST_BYTES], *plain;
	const struct form *form = NULL;
	struct bd_bytes closed;
	enum bd_code code;

	if (sealed.len < BD_SEAL_OVERHEAD) {
		return BD_STORE_DAMAGED;
	}
	closed = (struct bd_bytes){ (const char *)text, sealed.len - BD_SEAL_OVERHEAD };
	BD_TRY(bd_buf_reserve(out, closed.len + 1));
	BD_TRY(find_form(&form, seal, head_sealing(at), head_epoch(at)));
	BD_TRY(key_of(seal, form, salt, key));
	plain = (uint8_t *)out->ptr + out->len;
	code = form->sealing == BD_SEALING_SM4_SM3
		       ? bd_sm4_open(seal->sm4, plain, text + closed.len, key, nonce, name, closed)
		       : bd_gcm_open(seal->gcm, plain, text + closed.len, key, nonce, name, closed);
	bd_wipe(key, sizeof(key));
	if (code == BD_OK) {
		out->len += closed.len;
	}
	return code;
}
