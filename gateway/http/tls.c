#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

struct bd_http_tls {
	SSL_CTX *ctx;
};

struct bd_http_session {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	bool has_peer, is_peer_known;
	struct bd_http_peer peer;
};

static bool load_clients(SSL_CTX *ctx, const struct bd_http_tls_settings *settings)
{
	if (settings->ca == NULL) {
		return !settings->is_client_required && settings->crl == NULL;
	}
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(settings->ca);
	if (names == NULL || SSL_CTX_load_verify_file(ctx, settings->ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx,
		SSL_VERIFY_PEER |
			(settings->is_client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		NULL);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	return settings->crl == NULL ||
	       (X509_STORE_load_file(store, settings->crl) == 1 &&
		       X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1);
}

static bool set_up(SSL_CTX *ctx, const struct bd_http_tls_settings *settings)
{
	static const unsigned char context[] = "bidui";
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, SUITES) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1) == 1 &&
	       SSL_CTX_use_certificate_chain_file(ctx, settings->cert) == 1 &&
	       SSL_CTX_use_PrivateKey_file(ctx, settings->key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(ctx) == 1 && load_clients(ctx, settings);
}

enum bd_code bd_http_tls_reload(
	struct bd_http_tls *tls, const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL || !set_up(ctx, settings)) {
		SSL_CTX_free(ctx);
		ERR_clear_error();
		return bd_fail(
			diag, BD_CONFIG_REFERENCE, "certificate, key, CA or CRL is not usable");
	}
	SSL_CTX_free(tls->ctx);
	tls->ctx = ctx;
	return BD_OK;
}

enum bd_code bd_http_tls_new(
	struct bd_http_tls **out, const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	struct bd_http_tls *tls = calloc(1, sizeof(*tls));
	if (tls == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "TLS settings");
	}
	enum bd_code code = bd_http_tls_reload(tls, settings, diag);
	if (code != BD_OK) {
		free(tls);
		return code;
	}
	*out = tls;
	return BD_OK;
}

void bd_http_tls_free(struct bd_http_tls *tls)
{
	if (tls != NULL) {
		SSL_CTX_free(tls->ctx);
		free(tls);
	}
}

struct bd_http_session *bd_http_session_new(struct bd_http_tls *tls)
{
	struct bd_http_session *session = calloc(1, sizeof(*session));
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(tls->ctx);
	if (session == NULL || in == NULL || out == NULL || ssl == NULL) {
		BIO_free(in);
		BIO_free(out);
		SSL_free(ssl);
		free(session);
		return NULL;
	}
	SSL_set_bio(ssl, in, out);
	SSL_set_accept_state(ssl);
	session->ssl = ssl;
	session->in = in;
	session->out = out;
	return session;
}

void bd_http_session_free(struct bd_http_session *session)
{
	if (session != NULL) {
		SSL_free(session->ssl);
		free(session);
	}
}

bool bd_http_session_feed(struct bd_http_session *session, struct bd_bytes cipher)
{
	return BIO_write(session->in, cipher.ptr, (int)cipher.len) == (int)cipher.len;
}

int bd_http_session_read(struct bd_http_session *session, char *out, size_t room)
{
	ERR_clear_error();
	int got = SSL_read(session->ssl, out, (int)room);
	if (got > 0) {
		return got;
	}
	int error = SSL_get_error(session->ssl, got);
	ERR_clear_error();
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

bool bd_http_session_write(struct bd_http_session *session, struct bd_bytes plain)
{
	ERR_clear_error();
	size_t done = 0;
	bool is_ok =
		plain.len == 0 ||
		(SSL_write_ex(session->ssl, plain.ptr, plain.len, &done) == 1 && done == plain.len);
	ERR_clear_error();
	return is_ok;
}

void bd_http_session_close(struct bd_http_session *session)
{
	if (SSL_is_init_finished(session->ssl)) {
		SSL_shutdown(session->ssl);
	}
	ERR_clear_error();
}

enum bd_code bd_http_session_drain(struct bd_http_session *session, struct bd_buf *out)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(session->out, &bytes);
	if (len <= 0) {
		return BD_OK;
	}
	enum bd_code code = bd_buf_add(out, (struct bd_bytes){ bytes, (size_t)len });
	(void)BIO_reset(session->out);
	return code;
}

static void read_names(struct bd_http_peer *peer, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
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

static void read_key(struct bd_http_peer *peer, X509 *cert)
{
	unsigned char *der = NULL, digest[32];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1) {
		for (size_t i = 0; i < sizeof(digest); i++) {
			snprintf(peer->spki_sha256 + 2 * i, 3, "%02x", digest[i]);
		}
	}
	OPENSSL_free(der);
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = serial == NULL ? NULL : BN_bn2hex(serial);
	if (hex != NULL && strlen(hex) < sizeof(peer->serial)) {
		memcpy(peer->serial, hex, strlen(hex));
	}
	OPENSSL_free(hex);
	BN_free(serial);
}

const struct bd_http_peer *bd_http_session_peer(struct bd_http_session *session)
{
	if (!session->is_peer_known) {
		session->is_peer_known = true;
		X509 *cert = SSL_get1_peer_certificate(session->ssl);
		session->has_peer =
			cert != NULL && SSL_get_verify_result(session->ssl) == X509_V_OK;
		if (session->has_peer) {
			read_common_name(&session->peer, cert);
			read_names(&session->peer, cert);
			read_key(&session->peer, cert);
		}
		X509_free(cert);
	}
	return session->has_peer ? &session->peer : NULL;
}
