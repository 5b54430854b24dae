#include "http/tls_parts.h"

#include "base/digest.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static void read_names(struct bd_http_peer *peer, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	peer->has_alternative_names = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS && name->type != GEN_URI && name->type != GEN_EMAIL) {
			continue;
		}
		const char *text = (const char *)ASN1_STRING_get0_data(name->d.ia5);
		size_t len = (size_t)ASN1_STRING_length(name->d.ia5);
		if (len < sizeof(peer->names[0]) && memchr(text, 0, len) == NULL &&
			peer->name_count < BD_HTTP_PEER_NAMES_MAX) {
			memcpy(peer->names[peer->name_count], text, len);
			peer->names[peer->name_count++][len] = 0;
		}
	}
	GENERAL_NAMES_free(names);
}

static void read_common_name(struct bd_http_peer *peer, X509 *cert)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0) {
		return;
	}
	unsigned char *text = NULL;
	int len = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len > 0 && (size_t)len < sizeof(peer->common_name) &&
		memchr(text, 0, (size_t)len) == NULL) {
		memcpy(peer->common_name, text, (size_t)len);
	}
	OPENSSL_free(text);
}

/* Lower-case hexadecimal of SHA-256 of its SubjectPublicKeyInfo in DER; "" when there is none. */
static void read_pin(char pin[65], X509 *cert)
{
	unsigned char *der = NULL, digest[32];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1) {
		for (size_t i = 0; i < sizeof(digest); i++) {
			snprintf(pin + 2 * i, 3, "%02x", digest[i]);
		}
	}
	OPENSSL_free(der);
}

void bd_http_serial_read(char serial[64], X509 *cert)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = number == NULL ? NULL : BN_bn2hex(number);
	if (hex != NULL && strlen(hex) < 64) {
		memcpy(serial, hex, strlen(hex) + 1);
	}
	OPENSSL_free(hex);
	BN_free(number);
}

static void read_issuer(struct bd_http_peer *peer, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	if (bio != NULL && X509_NAME_print_ex(bio, X509_get_issuer_name(cert), 0,
				   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
		long len = BIO_get_mem_data(bio, &text);
		if (len > 0 && (size_t)len < sizeof(peer->issuer)) {
			memcpy(peer->issuer, text, (size_t)len);
		}
	}
	BIO_free(bio);
}

void bd_http_peer_read(struct bd_http_peer *peer, X509 *cert, X509 *issuer)
{
	read_common_name(peer, cert);
	read_names(peer, cert);
	bd_http_serial_read(peer->serial, cert);
	read_issuer(peer, cert);
	read_pin(peer->spki_sha256, cert);
	if (issuer != NULL) {
		read_pin(peer->issuer_spki_sha256, issuer);
	}
}

/* -- from a header -- */

/* Longer than a certificate with a long chain of names in it. */
#define DER_MAX_BYTES 8192

static X509 *from_der(struct bd_bytes text)
{
	struct bd_buf der;
	X509 *cert = NULL;
	bd_buf_init(&der, DER_MAX_BYTES);
	if (bd_base64_read(&der, text)) {
		const unsigned char *at = (const unsigned char *)der.ptr;
		cert = d2i_X509(NULL, &at, (long)der.len);
		if (cert != NULL && at != (const unsigned char *)der.ptr + der.len) {
			X509_free(cert);
			cert = NULL;
		}
	}
	bd_buf_release(&der);
	return cert;
}

static X509 *from_escaped_pem(struct bd_bytes text)
{
	struct bd_buf pem;
	X509 *cert = NULL;
	bool is_good = true;
	bd_buf_init(&pem, 2 * DER_MAX_BYTES);
	for (size_t i = 0; is_good && i < text.len; i++) {
		uint8_t byte = (uint8_t)text.ptr[i];
		if (byte == '%') {
			is_good = i + 2 < text.len &&
				  bd_unhex(&byte, 1, (struct bd_bytes){ text.ptr + i + 1, 2 });
			i += 2;
		}
		is_good = is_good && bd_buf_add_byte(&pem, (char)byte) == BD_OK;
	}
	BIO *bio = is_good ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	if (bio != NULL) {
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	}
	BIO_free(bio);
	bd_buf_release(&pem);
	return cert;
}

bool bd_http_peer_forwarded(struct bd_http_peer *peer, struct bd_bytes header)
{
	static const char dashes[] = "-----BEGIN";
	X509 *cert = NULL;
	if (header.len > 2 && header.ptr[0] == ':' && header.ptr[header.len - 1] == ':') {
		cert = from_der((struct bd_bytes){ header.ptr + 1, header.len - 2 });
	} else if (header.len > sizeof(dashes) &&
		   memcmp(header.ptr, dashes, sizeof(dashes) - 1) == 0) {
		cert = from_escaped_pem(header);
	}
	bool is_good = cert != NULL && X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
		       X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
	if (is_good) {
		bd_http_peer_read(peer, cert, NULL);
	}
	X509_free(cert);
	ERR_clear_error();
	return is_good;
}
