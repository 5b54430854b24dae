#include "http/tls_pki.h"

#include "base/digest.h"
#include "http/tls_parts.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define SERIAL_BYTES 16

struct bd_pki {
	X509 *cert;
	EVP_PKEY *key; /* NULL = not here */
};

static enum bd_code fail(struct bd_diag *diag, enum bd_code code, const char *detail)
{
	ERR_clear_error();
	return bd_fail(diag, code, "%s", detail);
}

static struct bd_pki *new_pki(X509 *cert, EVP_PKEY *key)
{
	struct bd_pki *pki = calloc(1, sizeof(*pki));
	if (pki == NULL || cert == NULL) {
		free(pki);
		X509_free(cert);
		EVP_PKEY_free(key);
		return NULL;
	}
	*pki = (struct bd_pki){ cert, key };
	return pki;
}

void bd_pki_free(struct bd_pki *pki)
{
	if (pki != NULL) {
		X509_free(pki->cert);
		EVP_PKEY_free(pki->key);
		free(pki);
	}
}

/* -- making -- */

static bool set_serial(X509 *cert)
{
	uint8_t bytes[SERIAL_BYTES];
	if (bd_random(bytes, sizeof(bytes)) != BD_OK) {
		return false;
	}
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool is_good =
		number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return is_good;
}

static bool set_time(X509 *cert, int64_t from_ms, int64_t until_ms)
{
	return ASN1_TIME_adj(X509_getm_notBefore(cert), from_ms / 1000, 0, 0) != NULL &&
	       ASN1_TIME_adj(X509_getm_notAfter(cert), until_ms / 1000, 0, 0) != NULL;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool is_good = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_good;
}

static bool add_usage(X509 *cert, X509 *issuer, enum bd_pki_kind kind)
{
	bool is_authority = kind == BD_PKI_AUTHORITY;
	return add_extension(cert, issuer, NID_basic_constraints,
		       is_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
	       add_extension(cert, issuer, NID_key_usage,
		       is_authority ? "critical,keyCertSign,cRLSign"
				    : "critical,digitalSignature") &&
	       (is_authority || add_extension(cert, issuer, NID_ext_key_usage,
					kind == BD_PKI_SERVER ? "serverAuth" : "clientAuth"));
}

static GENERAL_NAME *read_name(const char *text)
{
	static const struct {
		const char *prefix;
		int kind;
	} kinds[] = { { "DNS:", GEN_DNS }, { "IP:", GEN_IPADD }, { "URI:", GEN_URI },
		{ "email:", GEN_EMAIL } };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);
		if (strncmp(text, kinds[i].prefix, len) == 0 && text[len] != '\0') {
			return a2i_GENERAL_NAME(NULL, NULL, NULL, kinds[i].kind, text + len, 0);
		}
	}
	return NULL;
}

static bool add_names(X509 *cert, const struct bd_pki_wanted *wanted)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool is_good = names != NULL;
	for (size_t i = 0; i < wanted->name_count && is_good; i++) {
		GENERAL_NAME *name = read_name(wanted->names[i]);
		is_good = name != NULL && sk_GENERAL_NAME_push(names, name) > 0;
		if (!is_good) {
			GENERAL_NAME_free(name);
		}
	}
	is_good =
		is_good && (wanted->name_count == 0 || X509_add1_ext_i2d(cert, NID_subject_alt_name,
							       names, 0, X509V3_ADD_DEFAULT) == 1);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return is_good;
}

/* Whose it is, until when, by whom; all that follows from no kind. */
static bool fill(X509 *cert, EVP_PKEY *key, int64_t from_ms, int64_t until_ms, X509 *issuer)
{
	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	       set_time(cert, from_ms, until_ms) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	       X509_set_pubkey(cert, key) == 1;
}

static bool finish(X509 *cert, X509 *issuer, EVP_PKEY *signer)
{
	return add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
	       (cert == issuer ||
		       add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always")) &&
	       X509_sign(cert, signer, EVP_sha256()) > 0;
}

enum bd_code bd_pki_make(struct bd_pki **out, const struct bd_pki_wanted *wanted,
	const struct bd_pki *issuer, struct bd_diag *diag)
{
	struct bd_pki *pki = new_pki(X509_new(), EVP_EC_gen("P-256"));
	if (pki == NULL || pki->key == NULL) {
		bd_pki_free(pki);
		return fail(diag, BD_NO_MEMORY, "certificate");
	}
	X509 *by = issuer != NULL ? issuer->cert : pki->cert;
	EVP_PKEY *signer = issuer != NULL ? issuer->key : pki->key;
	X509_NAME *subject = X509_get_subject_name(pki->cert);
	const char *wrong = NULL;
	if (signer == NULL) {
		wrong = "the issuer's key is not here";
	} else if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
			   (const unsigned char *)wanted->common_name, -1, -1, 0) != 1) {
		wrong = "the common name is empty, too long or not UTF-8";
	} else if (!add_names(pki->cert, wanted)) {
		wrong = "a name is not DNS:…, IP:…, URI:… or email:…";
	} else if (!fill(pki->cert, pki->key, wanted->from_ms, wanted->until_ms, by) ||
		   !add_usage(pki->cert, by, wanted->kind) || !finish(pki->cert, by, signer)) {
		wrong = "the certificate cannot be made";
	}
	if (wrong != NULL) {
		bd_pki_free(pki);
		return fail(diag, BD_CONFIG_MEANING, wrong);
	}
	*out = pki;
	return BD_OK;
}

static bool copy_extensions(X509 *cert, X509 *old)
{
	for (int i = 0; i < X509_get_ext_count(old); i++) {
		X509_EXTENSION *extension = X509_get_ext(old, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
		if (nid != NID_subject_key_identifier && nid != NID_authority_key_identifier &&
			X509_add_ext(cert, extension, -1) != 1) {
			return false;
		}
	}
	return true;
}

enum bd_code bd_pki_renew(struct bd_pki **out, const struct bd_pki *old, int64_t from_ms,
	int64_t until_ms, const struct bd_pki *issuer, struct bd_diag *diag)
{
	if (old->key == NULL || EVP_PKEY_up_ref(old->key) != 1) {
		return fail(diag, BD_CONFIG_MEANING, "its key is not here");
	}
	struct bd_pki *pki = new_pki(X509_new(), old->key);
	if (pki == NULL) {
		return fail(diag, BD_NO_MEMORY, "certificate");
	}
	bool is_own = issuer == NULL;
	X509 *by = is_own ? pki->cert : issuer->cert;
	EVP_PKEY *signer = is_own ? pki->key : issuer->key;
	if (signer == NULL ||
		X509_set_subject_name(pki->cert, X509_get_subject_name(old->cert)) != 1 ||
		!fill(pki->cert, pki->key, from_ms, until_ms, by) ||
		!copy_extensions(pki->cert, old->cert) || !finish(pki->cert, by, signer)) {
		bd_pki_free(pki);
		return fail(diag, BD_CONFIG_MEANING, "the certificate cannot be made");
	}
	*out = pki;
	return BD_OK;
}

/* -- bytes -- */

static BIO *bio_of(struct bd_bytes bytes)
{
	return bytes.ptr == NULL ? NULL : BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
}

static int no_pass_phrase(char *buf, int size, int is_write, void *data)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)data;
	return -1;
}

enum bd_code bd_pki_read(
	struct bd_pki **out, struct bd_bytes cert, struct bd_bytes key, struct bd_diag *diag)
{
	BIO *cert_bio = bio_of(cert), *key_bio = bio_of(key);
	struct bd_pki *pki = new_pki(
		cert_bio == NULL ? NULL : PEM_read_bio_X509(cert_bio, NULL, NULL, NULL), NULL);
	if (pki != NULL && key_bio != NULL) {
		pki->key = PEM_read_bio_PrivateKey(key_bio, NULL, no_pass_phrase, NULL);
	}
	BIO_free(cert_bio);
	BIO_free(key_bio);
	if (pki == NULL) {
		return fail(diag, BD_CONFIG_SYNTAX, "not a certificate in PEM");
	}
	if (key.ptr != NULL &&
		(pki->key == NULL || X509_check_private_key(pki->cert, pki->key) != 1)) {
		bd_pki_free(pki);
		return fail(diag, BD_CONFIG_SYNTAX,
			"not a key in PEM without pass phrase, or not that of the certificate");
	}
	ERR_clear_error();
	*out = pki;
	return BD_OK;
}

/* What was written into a BIO of memory; frees it. */
static enum bd_code drain(struct bd_buf *out, BIO *bio, bool is_written)
{
	char *text = NULL;
	long len = is_written ? BIO_get_mem_data(bio, &text) : 0;
	enum bd_code code =
		len > 0 ? bd_buf_add(out, (struct bd_bytes){ text, (size_t)len }) : BD_NO_MEMORY;
	if (len > 0) {
		bd_wipe(text, (size_t)len);
	}
	BIO_free(bio);
	ERR_clear_error();
	return code;
}

enum bd_code bd_pki_write_cert(struct bd_buf *out, const struct bd_pki *pki)
{
	BIO *bio = BIO_new(BIO_s_mem());
	return drain(out, bio, bio != NULL && PEM_write_bio_X509(bio, pki->cert) == 1);
}

enum bd_code bd_pki_write_key(struct bd_buf *out, const struct bd_pki *pki)
{
	BIO *bio = BIO_new(BIO_s_mem());
	return drain(out, bio,
		bio != NULL && pki->key != NULL &&
			PEM_write_bio_PrivateKey(bio, pki->key, NULL, NULL, 0, NULL, NULL) == 1);
}

void bd_pki_describe(struct bd_pki_facts *out, const struct bd_pki *pki)
{
	*out = (struct bd_pki_facts){ .from_ms = bd_http_time_of(X509_get0_notBefore(pki->cert)),
		.until_ms = bd_http_time_of(X509_get0_notAfter(pki->cert)),
		.is_authority = X509_check_ca(pki->cert) == 1,
		.may_serve = X509_check_purpose(pki->cert, X509_PURPOSE_SSL_SERVER, 0) == 1,
		.may_ask = X509_check_purpose(pki->cert, X509_PURPOSE_SSL_CLIENT, 0) == 1 };
	bd_http_peer_read(&out->peer, pki->cert, NULL);
}

bool bd_pki_is_issued_by(const struct bd_pki *pki, const struct bd_pki *issuer)
{
	bool is_so = X509_NAME_cmp(X509_get_issuer_name(pki->cert),
			     X509_get_subject_name(issuer->cert)) == 0 &&
		     X509_verify(pki->cert, X509_get0_pubkey(issuer->cert)) == 1;
	ERR_clear_error();
	return is_so;
}

/* -- revocation lists -- */

static enum bd_code read_crl(X509_CRL **out, struct bd_bytes pem, struct bd_diag *diag)
{
	BIO *bio = bio_of(pem);
	X509_CRL *crl = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (crl == NULL) {
		return fail(diag, BD_CONFIG_SYNTAX, "not a revocation list in PEM");
	}
	*out = crl;
	return BD_OK;
}

static bool copy_entries(X509_CRL *crl, X509_CRL *before)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(before);
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *copy = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));
		if (copy == NULL || X509_CRL_add0_revoked(crl, copy) != 1) {
			X509_REVOKED_free(copy);
			return false;
		}
	}
	return true;
}

/* Again for what is on the list already: the first time stays. */
static bool add_entry(X509_CRL *crl, X509 *cert, int64_t when_ms)
{
	X509_REVOKED *entry = NULL;
	if (X509_CRL_get0_by_cert(crl, &entry, cert) == 1) {
		return true;
	}
	ASN1_TIME *when = ASN1_TIME_adj(NULL, when_ms / 1000, 0, 0);
	entry = X509_REVOKED_new();
	bool is_good = when != NULL && entry != NULL &&
		       X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) == 1 &&
		       X509_REVOKED_set_revocationDate(entry, when) == 1 &&
		       X509_CRL_add0_revoked(crl, entry) == 1;
	ASN1_TIME_free(when);
	if (!is_good) {
		X509_REVOKED_free(entry);
	}
	return is_good;
}

/* One more than that of the list before (RFC 5280 section 5.2.3). */
static bool set_number(X509_CRL *crl, X509_CRL *before)
{
	ASN1_INTEGER *number =
		before == NULL ? NULL : X509_CRL_get_ext_d2i(before, NID_crl_number, NULL, NULL);
	BIGNUM *next = number == NULL ? BN_new() : ASN1_INTEGER_to_BN(number, NULL);
	bool is_good = next != NULL && BN_add_word(next, 1) == 1;
	ASN1_INTEGER *written = is_good ? BN_to_ASN1_INTEGER(next, NULL) : NULL;
	is_good = written != NULL && X509_CRL_add1_ext_i2d(crl, NID_crl_number, written, 0, 0) == 1;
	ASN1_INTEGER_free(written);
	ASN1_INTEGER_free(number);
	BN_free(next);
	return is_good;
}

static bool set_crl(X509_CRL *crl, const struct bd_pki *issuer, int64_t from_ms, int64_t until_ms)
{
	ASN1_TIME *from = ASN1_TIME_adj(NULL, from_ms / 1000, 0, 0);
	ASN1_TIME *until = ASN1_TIME_adj(NULL, until_ms / 1000, 0, 0);
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer->cert, NULL, NULL, crl, 0);
	X509_EXTENSION *key =
		X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	bool is_good = from != NULL && until != NULL && key != NULL &&
		       X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		       X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) == 1 &&
		       X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		       X509_CRL_set1_nextUpdate(crl, until) == 1 &&
		       X509_CRL_add_ext(crl, key, -1) == 1;
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	X509_EXTENSION_free(key);
	return is_good;
}

enum bd_code bd_pki_make_crl(struct bd_buf *out, struct bd_bytes before,
	const struct bd_pki *revoked, int64_t from_ms, int64_t until_ms,
	const struct bd_pki *issuer, struct bd_diag *diag)
{
	X509_CRL *old = NULL, *crl = NULL;
	if (before.ptr != NULL) {
		enum bd_code code = read_crl(&old, before, diag);
		if (code != BD_OK) {
			return code;
		}
	}
	if (old != NULL && X509_CRL_verify(old, X509_get0_pubkey(issuer->cert)) != 1) {
		X509_CRL_free(old);
		return fail(diag, BD_CONFIG_SYNTAX, "the list before is not of this authority");
	}
	crl = X509_CRL_new();
	bool is_good = crl != NULL && issuer->key != NULL &&
		       set_crl(crl, issuer, from_ms, until_ms) && set_number(crl, old) &&
		       (old == NULL || copy_entries(crl, old)) &&
		       (revoked == NULL || add_entry(crl, revoked->cert, from_ms)) &&
		       X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0;
	BIO *bio = is_good ? BIO_new(BIO_s_mem()) : NULL;
	enum bd_code code = drain(out, bio, bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1);
	X509_CRL_free(crl);
	X509_CRL_free(old);
	return code == BD_OK ? BD_OK : fail(diag, code, "the list cannot be made");
}

enum bd_code bd_pki_look_up(int64_t *revoked_ms, int64_t *until_ms, struct bd_bytes crl,
	const struct bd_pki *pki, struct bd_diag *diag)
{
	X509_REVOKED *entry = NULL;
	X509_CRL *list = NULL;
	enum bd_code code = read_crl(&list, crl, diag);
	if (code != BD_OK) {
		return code;
	}
	*until_ms = bd_http_time_of(X509_CRL_get0_nextUpdate(list));
	*revoked_ms = X509_CRL_get0_by_cert(list, &entry, pki->cert) == 1
			      ? bd_http_time_of(X509_REVOKED_get0_revocationDate(entry))
			      : 0;
	X509_CRL_free(list);
	return BD_OK;
}
