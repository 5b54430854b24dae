#include "base/sign.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define SM2_ID "1234567812345678"
#define HALF (BD_SIGNATURE_BYTES / 2)

static const struct algorithm {
	const char *name, *type, *group, *digest;
} algorithms[] = {
	[BD_SIGN_ECDSA_P256_SHA256] = { "ecdsa-p256-sha256", "EC", "prime256v1", "SHA256" },
	[BD_SIGN_SM2_SM3] = { "sm2-sm3", "SM2", "SM2", "SM3" },
};

struct bd_sign_key {
	EVP_PKEY *key;
	enum bd_sign_algorithm algorithm;
	uint8_t id[BD_DIGEST_BYTES];
};

/* -- keys -- */

static bool find_algorithm(enum bd_sign_algorithm *out, const EVP_PKEY *key)
{
	char group[64];
	size_t len;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1) {
		return false;
	}
	for (int i = BD_SIGN_ECDSA_P256_SHA256; i <= BD_SIGN_SM2_SM3; i++) {
		if (strcmp(algorithms[i].group, group) == 0) {
			*out = (enum bd_sign_algorithm)i;
			return true;
		}
	}
	return false;
}

static enum bd_code set_id(struct bd_sign_key *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key->key, &der);
	enum bd_code code =
		len > 0 ? bd_sha256_of((struct bd_bytes){ (char *)der, (size_t)len }, key->id)
			: BD_INTERNAL;

	OPENSSL_free(der);
	return code;
}

/* Owns pkey from here on, also when it fails. The error queue is left empty: TLS reads it. */
static enum bd_code take(struct bd_sign_key **out, EVP_PKEY *pkey)
{
	struct bd_sign_key *key = calloc(1, sizeof(*key));
	enum bd_code code = BD_KEY_FORM;

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return BD_NO_MEMORY;
	}
	key->key = pkey;
	if (pkey != NULL && find_algorithm(&key->algorithm, pkey)) {
		code = set_id(key);
	}
	ERR_clear_error();
	if (code != BD_OK) {
		bd_sign_key_free(key);
		return code;
	}
	*out = key;
	return BD_OK;
}

/* Not EVP_EC_gen: what it makes of the curve SM2 is an EC key, which does not sign as SM2 does. */
enum bd_code bd_sign_key_generate(struct bd_sign_key **out, enum bd_sign_algorithm algorithm)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithms[algorithm].type, NULL);
	EVP_PKEY *pkey = NULL;

	if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
		EVP_PKEY_CTX_set_group_name(context, algorithms[algorithm].group) != 1 ||
		EVP_PKEY_generate(context, &pkey) != 1) {
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(context);
	return take(out, pkey);
}

/* Without it OpenSSL asks the terminal. */
static int no_password(char *text, int size, int is_writing, void *state)
{
	(void)text;
	(void)size;
	(void)is_writing;
	(void)state;
	return -1;
}

static BIO *open_text(struct bd_bytes pem)
{
	return pem.len > 0 && pem.len <= BD_KEY_FILE_MAX_BYTES
		       ? BIO_new_mem_buf(pem.ptr, (int)pem.len)
		       : NULL;
}

/* A file may hold a point that is not its number's: what that signs, nobody could check. */
static bool is_pair(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool is_good = context != NULL && EVP_PKEY_pairwise_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	return is_good;
}

enum bd_code bd_sign_key_private(
	struct bd_sign_key **out, struct bd_bytes pem, struct bd_diag *diag)
{
	BIO *bio = open_text(pem);
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	enum bd_code code;

	if (pkey != NULL && !is_pair(pkey)) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	code = take(out, pkey);
	BIO_free(bio);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "no private key of P-256 or SM2 in PEM");
}

enum bd_code bd_sign_key_public(
	struct bd_sign_key **out, struct bd_bytes *rest, struct bd_bytes pem, struct bd_diag *diag)
{
	BIO *bio = open_text(pem);
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;
	size_t left = bio != NULL ? BIO_ctrl_pending(bio) : 0;
	enum bd_code code = take(out, pkey);

	BIO_free(bio);
	if (code == BD_OK && rest != NULL) {
		*rest = (struct bd_bytes){ pem.ptr + (pem.len - left), left };
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "no public key of P-256 or SM2 in PEM");
}

void bd_sign_key_free(struct bd_sign_key *key)
{
	if (key != NULL) {
		EVP_PKEY_free(key->key);
		free(key);
	}
}

enum bd_sign_algorithm bd_sign_key_algorithm(const struct bd_sign_key *key)
{
	return key->algorithm;
}

const char *bd_sign_algorithm_name(enum bd_sign_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

const uint8_t *bd_sign_key_id(const struct bd_sign_key *key)
{
	return key->id;
}

static enum bd_code write_pem(struct bd_buf *out, const struct bd_sign_key *key, bool is_private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	enum bd_code code = BD_INTERNAL;
	char *text;

	if (bio == NULL) {
		return BD_NO_MEMORY;
	}
	if ((is_private ? PEM_write_bio_PKCS8PrivateKey(bio, key->key, NULL, NULL, 0, NULL, NULL)
			: PEM_write_bio_PUBKEY(bio, key->key)) == 1) {
		long len = BIO_get_mem_data(bio, &text);

		code = bd_buf_add(out, (struct bd_bytes){ text, (size_t)len });
	}
	ERR_clear_error();
	BIO_free(bio);
	return code;
}

enum bd_code bd_sign_key_write_public(struct bd_buf *out, const struct bd_sign_key *key)
{
	return write_pem(out, key, false);
}

enum bd_code bd_sign_key_write_private(struct bd_buf *out, const struct bd_sign_key *key)
{
	return write_pem(out, key, true);
}

/* -- DER: SEQUENCE { INTEGER r, INTEGER s } (X.690) -- */

/* One number of HALF bytes; gives how many bytes it took. */
static size_t put_integer(uint8_t *out, const uint8_t number[HALF])
{
	size_t skip = 0, pad;

	while (skip < HALF - 1 && number[skip] == 0) {
		skip++;
	}
	/* The first bit would be a sign. */
	pad = number[skip] >> 7;
	out[0] = 0x02;
	out[1] = (uint8_t)(HALF - skip + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, number + skip, HALF - skip);
	return 2 + pad + HALF - skip;
}

size_t bd_signature_to_der(
	uint8_t out[BD_SIGNATURE_DER_MAX_BYTES], const uint8_t signature[BD_SIGNATURE_BYTES])
{
	size_t len = 2;

	len += put_integer(out + len, signature);
	len += put_integer(out + len, signature + HALF);
	out[0] = 0x30;
	out[1] = (uint8_t)(len - 2);
	return len;
}

static bool take_integer(uint8_t out[HALF], struct bd_reader *reader)
{
	uint8_t tag = bd_read_u8(reader), len = bd_read_u8(reader);
	struct bd_bytes digits = bd_read_bytes(reader, len);
	size_t pad;

	if (!reader->ok || tag != 0x02 || len == 0 || len > HALF + 1 || (digits.ptr[0] & 0x80)) {
		return false;
	}
	pad = len > 1 && digits.ptr[0] == 0 ? 1 : 0;
	/* A zero in front only where the sign needs it: DER has one encoding. */
	if ((pad == 1 && (digits.ptr[1] & 0x80) == 0) || len - pad > HALF) {
		return false;
	}
	memset(out, 0, HALF);
	memcpy(out + HALF - (len - pad), digits.ptr + pad, len - pad);
	return true;
}

enum bd_code bd_signature_from_der(uint8_t out[BD_SIGNATURE_BYTES], struct bd_bytes der)
{
	struct bd_reader reader = bd_reader_of(der);
	uint8_t signature[BD_SIGNATURE_BYTES];
	uint8_t tag = bd_read_u8(&reader), len = bd_read_u8(&reader);

	if (!reader.ok || tag != 0x30 || len != reader.rest.len ||
		!take_integer(signature, &reader) || !take_integer(signature + HALF, &reader) ||
		reader.rest.len != 0) {
		return BD_SIGNATURE_WRONG;
	}
	memcpy(out, signature, sizeof(signature));
	return BD_OK;
}

/* -- signing -- */

/* A context for one signature or check; NULL when OpenSSL gives none. */
static EVP_MD_CTX *begin(const struct bd_sign_key *key, bool is_check)
{
	const char *digest = algorithms[key->algorithm].digest;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL; /* the context's own */
	int result = 0;

	if (context != NULL) {
		result = is_check ? EVP_DigestVerifyInit_ex(
					    context, &options, digest, NULL, NULL, key->key, NULL)
				  : EVP_DigestSignInit_ex(
					    context, &options, digest, NULL, NULL, key->key, NULL);
	}
	/* Not as a parameter of the init: OpenSSL 3.0 refuses the id there. */
	if (result == 1 && key->algorithm == BD_SIGN_SM2_SM3) {
		result = EVP_PKEY_CTX_set1_id(options, SM2_ID, strlen(SM2_ID));
	}
	if (result != 1) {
		EVP_MD_CTX_free(context);
		return NULL;
	}
	return context;
}

enum bd_code bd_sign(
	uint8_t out[BD_SIGNATURE_BYTES], const struct bd_sign_key *key, struct bd_bytes bytes)
{
	uint8_t der[BD_SIGNATURE_DER_MAX_BYTES];
	size_t len = sizeof(der);
	EVP_MD_CTX *context = begin(key, false);
	enum bd_code code = BD_INTERNAL;

	if (context != NULL && EVP_DigestSign(context, der, &len, (const unsigned char *)bytes.ptr,
				       bytes.len) == 1) {
		code = bd_signature_from_der(out, (struct bd_bytes){ (char *)der, len });
	}
	ERR_clear_error();
	EVP_MD_CTX_free(context);
	return code == BD_OK ? BD_OK : BD_INTERNAL;
}

enum bd_code bd_sign_check(const uint8_t signature[BD_SIGNATURE_BYTES],
	const struct bd_sign_key *key, struct bd_bytes bytes)
{
	uint8_t der[BD_SIGNATURE_DER_MAX_BYTES];
	size_t len = bd_signature_to_der(der, signature);
	EVP_MD_CTX *context = begin(key, true);
	enum bd_code code = BD_INTERNAL;

	if (context != NULL) {
		code = EVP_DigestVerify(
			       context, der, len, (const unsigned char *)bytes.ptr, bytes.len) == 1
			       ? BD_OK
			       : BD_SIGNATURE_WRONG;
	}
	ERR_clear_error();
	EVP_MD_CTX_free(context);
	return code;
}
