/* sign.h - signatures that others can check with a public key alone.
 *
 * Layer: base; OpenSSL stays in sign.c. ECDSA over P-256 with SHA-256 (FIPS 186-5, SEC 1), and SM2
 * with SM3 (GB/T 32918.2-2016, signer's id "1234567812345678" as in GB/T 35276-2017). The curve of
 * the key says which. A signature is r || s, 64 bytes big-endian, or the same two numbers as DER
 * (SEQUENCE of two INTEGER). A struct bd_sign_key may be used by several threads at a time.
 */
#ifndef BD_BASE_SIGN_H
#define BD_BASE_SIGN_H

#include "base/diag.h"
#include "base/digest.h"

#define BD_SIGNATURE_BYTES 64
/* Two INTEGER of 33 bytes in a SEQUENCE. */
#define BD_SIGNATURE_DER_MAX_BYTES 72
/* A PEM file of some public keys, or of one private key. */
#define BD_KEY_FILE_MAX_BYTES 65536

enum bd_sign_algorithm { BD_SIGN_ECDSA_P256_SHA256 = 1, BD_SIGN_SM2_SM3 };

struct bd_sign_key;

enum bd_code bd_sign_key_generate(struct bd_sign_key **out, enum bd_sign_algorithm algorithm);
/* PEM without a password: PKCS#8 or SEC 1 for the private key, SubjectPublicKeyInfo for the public
 * one; the first key of the text, and *rest what follows it (rest NULL = not wanted). BD_KEY_FORM:
 * none, or of another curve or kind. */
enum bd_code bd_sign_key_private(
	struct bd_sign_key **out, struct bd_bytes pem, struct bd_diag *diag);
enum bd_code bd_sign_key_public(
	struct bd_sign_key **out, struct bd_bytes *rest, struct bd_bytes pem, struct bd_diag *diag);
void bd_sign_key_free(struct bd_sign_key *key); /* NULL is allowed */

enum bd_sign_algorithm bd_sign_key_algorithm(const struct bd_sign_key *key);
/* "ecdsa-p256-sha256", "sm2-sm3". */
const char *bd_sign_algorithm_name(enum bd_sign_algorithm algorithm);
/* SHA-256 of the DER SubjectPublicKeyInfo (with the named curve): what a key is known by. */
const uint8_t *bd_sign_key_id(
	const struct bd_sign_key *key); /* BD_DIGEST_BYTES, lives as the key */
/* Appends PEM: the public half, or (PKCS#8, no password) the private key. */
enum bd_code bd_sign_key_write_public(struct bd_buf *out, const struct bd_sign_key *key);
enum bd_code bd_sign_key_write_private(struct bd_buf *out, const struct bd_sign_key *key);

/* BD_INTERNAL when the key is no private one. */
enum bd_code bd_sign(
	uint8_t out[BD_SIGNATURE_BYTES], const struct bd_sign_key *key, struct bd_bytes bytes);
/* BD_OK or BD_SIGNATURE_WRONG, whatever the bytes are. */
enum bd_code bd_sign_check(const uint8_t signature[BD_SIGNATURE_BYTES],
	const struct bd_sign_key *key, struct bd_bytes bytes);

/* Between the two forms. DER: only the one encoding that DER allows, else BD_SIGNATURE_WRONG. */
size_t bd_signature_to_der(
	uint8_t out[BD_SIGNATURE_DER_MAX_BYTES], const uint8_t signature[BD_SIGNATURE_BYTES]);
enum bd_code bd_signature_from_der(uint8_t out[BD_SIGNATURE_BYTES], struct bd_bytes der);

#endif
