#include "http/tls.h"

#include "base/limits.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

struct bd_http_tls {
	SSL_CTX *ctx;
	BIO_METHOD *method; /* bytes of a session instead of a socket */
};

struct bd_http_session {
	SSL *ssl;
	struct bd_buf *wire;
	struct bd_bytes given; /* not yet read, borrowed, or what is left of kept */
	struct bd_buf kept;
	bool has_peer, is_peer_known;
	struct bd_http_peer peer;
};

/* -- the BIO: reads what was given, writes into wire -- */

static int give(BIO *bio, char *out, int room)
{
	struct bd_http_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (session->given.len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t len = session->given.len < (size_t)room ? session->given.len : (size_t)room;
	memcpy(out, session->given.ptr, len);
	session->given = (struct bd_bytes){ session->given.ptr + len, session->given.len - len };
	return (int)len;
}

static int take(BIO *bio, const char *bytes, int len)
{
	struct bd_http_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	return bd_buf_add(session->wire, (struct bd_bytes){ bytes, (size_t)len }) == BD_OK ? len
											   : -1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *new_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "bidui");
	if (method != NULL &&
		(BIO_meth_set_read(method, give) != 1 || BIO_meth_set_write(method, take) != 1 ||
			BIO_meth_set_ctrl(method, control) != 1)) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/* -- settings -- */

/* A key with a pass phrase is not usable: nobody is there to type it. */
static int no_pass_phrase(char *buf, int size, int is_write, void *data)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)data;
	return -1;
}

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
	SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
	/* Tickets hold the session at the client; a cache here would grow by each client. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 1) == 1 && SSL_CTX_set_cipher_list(ctx, SUITES) == 1 &&
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
	if (tls == NULL || (tls->method = new_method()) == NULL) {
		bd_http_tls_free(tls);
		return bd_fail(diag, BD_NO_MEMORY, "TLS settings");
	}
	enum bd_code code = bd_http_tls_reload(tls, settings, diag);
	if (code != BD_OK) {
		bd_http_tls_free(tls);
		return code;
	}
	*out = tls;
	return BD_OK;
}

void bd_http_tls_free(struct bd_http_tls *tls)
{
	if (tls != NULL) {
		SSL_CTX_free(tls->ctx);
		BIO_meth_free(tls->method);
		free(tls);
	}
}

/* -- one connection -- */

struct bd_http_session *bd_http_session_new(struct bd_http_tls *tls, struct bd_buf *wire)
{
	struct bd_http_session *session = calloc(1, sizeof(*session));
	BIO *bio = BIO_new(tls->method);
	SSL *ssl = SSL_new(tls->ctx);
	if (session == NULL || bio == NULL || ssl == NULL) {
		BIO_free(bio);
		SSL_free(ssl);
		free(session);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	session->ssl = ssl;
	session->wire = wire;
	bd_buf_init(&session->kept, BD_HTTP_CIPHER_BYTES);
	return session;
}

void bd_http_session_free(struct bd_http_session *session)
{
	if (session != NULL) {
		SSL_free(session->ssl);
		bd_buf_release(&session->kept);
		free(session);
	}
}

void bd_http_session_feed(struct bd_http_session *session, struct bd_bytes cipher)
{
	session->given = cipher;
}

bool bd_http_session_keep(struct bd_http_session *session)
{
	if (session->given.len == 0) {
		bd_buf_release(&session->kept);
		return true;
	}
	if (session->kept.len > 0) {
		return true;
	}
	bool is_ok = bd_buf_add(&session->kept, session->given) == BD_OK;
	session->given = bd_buf_bytes(&session->kept);
	return is_ok;
}

bool bd_http_session_has_kept(const struct bd_http_session *session)
{
	return session->given.len > 0;
}

bool bd_http_session_is_ready(const struct bd_http_session *session)
{
	return SSL_is_init_finished(session->ssl) == 1;
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

/* Whose key signed it: of the chain that was verified, or, of a resumed session, of the CA file;
 * NULL when neither has it. The caller frees it. */
static X509 *find_issuer(SSL *ssl, X509 *cert)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	X509 *issuer = NULL;
	if (sk_X509_num(chain) > 1) {
		issuer = sk_X509_value(chain, 1);
		X509_up_ref(issuer);
		return issuer;
	}
	X509_STORE_CTX *look = X509_STORE_CTX_new();
	X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
	if (look == NULL || X509_STORE_CTX_init(look, store, cert, NULL) != 1 ||
		X509_STORE_CTX_get1_issuer(&issuer, look, cert) != 1) {
		issuer = NULL;
	}
	X509_STORE_CTX_free(look);
	ERR_clear_error();
	return issuer;
}

const struct bd_http_peer *bd_http_session_peer(struct bd_http_session *session)
{
	if (!session->is_peer_known) {
		session->is_peer_known = true;
		X509 *cert = SSL_get1_peer_certificate(session->ssl);
		session->has_peer =
			cert != NULL && SSL_get_verify_result(session->ssl) == X509_V_OK;
		if (session->has_peer) {
			X509 *issuer = find_issuer(session->ssl, cert);
			bd_http_peer_read(&session->peer, cert, issuer);
			X509_free(issuer);
		}
		X509_free(cert);
	}
	return session->has_peer ? &session->peer : NULL;
}
