#include "http/tls.h"

#include "base/clock.h"
#include "base/limits.h"
#include "http/tls_parts.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

struct bd_http_tls {
	struct bd_http_identity *identity;
	BIO_METHOD *method; /* bytes of a session instead of a socket */
	bool wants_client;  /* whoever shows no certificate is not spoken with */
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

/* -- of a loop -- */

enum bd_code bd_http_tls_new_of(struct bd_http_tls **out, struct bd_http_identity *identity)
{
	struct bd_http_tls *tls = calloc(1, sizeof(*tls));
	if (tls == NULL || (tls->method = new_method()) == NULL) {
		free(tls);
		return BD_NO_MEMORY;
	}
	tls->identity = bd_http_identity_ref(identity);
	*out = tls;
	return BD_OK;
}

enum bd_code bd_http_tls_new(
	struct bd_http_tls **out, const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	struct bd_http_identity *identity = NULL;
	enum bd_code code = bd_http_identity_load(&identity, settings, diag);
	if (code == BD_OK && bd_http_tls_new_of(out, identity) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "TLS settings");
	}
	bd_http_identity_unref(identity);
	return code;
}

void bd_http_tls_free(struct bd_http_tls *tls)
{
	if (tls != NULL) {
		bd_http_identity_unref(tls->identity);
		BIO_meth_free(tls->method);
		free(tls);
	}
}

void bd_http_tls_use(struct bd_http_tls *tls, struct bd_http_identity *identity)
{
	struct bd_http_identity *old = tls->identity;
	tls->identity = bd_http_identity_ref(identity);
	bd_http_identity_unref(old);
}

enum bd_code bd_http_tls_reload(
	struct bd_http_tls *tls, const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	struct bd_http_tls_settings with = *settings;
	struct bd_http_identity *identity = NULL;
	with.before = tls->identity;
	enum bd_code code = bd_http_identity_load(&identity, &with, diag);
	if (code == BD_OK) {
		bd_http_tls_use(tls, identity);
	}
	bd_http_identity_unref(identity);
	return code;
}

/* -- one connection -- */

void bd_http_tls_want_client(struct bd_http_tls *tls)
{
	tls->wants_client = true;
}

struct bd_http_session *bd_http_session_new(struct bd_http_tls *tls, struct bd_buf *wire)
{
	struct bd_http_session *session = calloc(1, sizeof(*session));
	BIO *bio = BIO_new(tls->method);
	SSL *ssl = SSL_new(tls->identity->ctx);
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
	SSL_set_app_data(ssl, session);
	SSL_set_accept_state(ssl);
	if (tls->wants_client) {
		SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			SSL_get_verify_callback(ssl));
	}
	session->ssl = ssl;
	session->identity = bd_http_identity_ref(tls->identity);
	session->checked = bd_http_identity_ref(tls->identity);
	session->checked_ms = bd_clock_wall_ms();
	session->wire = wire;
	bd_buf_init(&session->kept, BD_HTTP_CIPHER_BYTES);
	return session;
}

void bd_http_session_free(struct bd_http_session *session)
{
	if (session != NULL) {
		SSL_free(session->ssl);
		bd_buf_release(&session->kept);
		bd_http_identity_unref(session->identity);
		bd_http_identity_unref(session->checked);
		free(session->peer);
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
	if (error == SSL_ERROR_SSL && session->failure == BD_OK &&
		!bd_http_session_is_ready(session)) {
		session->failure = bd_http_reason_of_queue();
	}
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

enum bd_code bd_http_session_failure(const struct bd_http_session *session)
{
	return session->failure;
}

bool bd_http_session_is_resumed(const struct bd_http_session *session)
{
	return SSL_session_reused(session->ssl) == 1;
}

const char *bd_http_session_refused_serial(const struct bd_http_session *session)
{
	return session->serial;
}

/* -- the peer -- */

/* Whose key signed it: of the chain that was verified; of a resumed session, which has none, the
 * authority. The caller frees it. */
static X509 *find_issuer(const struct bd_http_session *session, X509 *cert)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(session->ssl);
	X509 *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : NULL;
	if (issuer != NULL && X509_up_ref(issuer) == 1) {
		return issuer;
	}
	return bd_http_trust_issuer(&session->identity->trust, cert);
}

const struct bd_http_peer *bd_http_session_peer(struct bd_http_session *session)
{
	X509 *cert = session->is_peer_known ? NULL : SSL_get0_peer_certificate(session->ssl);
	session->is_peer_known = true;
	if (cert != NULL && SSL_get_verify_result(session->ssl) == X509_V_OK) {
		X509 *issuer = find_issuer(session, cert);
		session->peer = calloc(1, sizeof(*session->peer));
		if (session->peer != NULL) {
			bd_http_peer_read(session->peer, cert, issuer);
		}
		X509_free(issuer);
	}
	return session->peer;
}

/* The whole of it, by the authorities that are in force now. */
static enum bd_code verify_again(
	const struct bd_http_session *session, const struct bd_http_identity *identity, X509 *cert)
{
	X509_STORE_CTX *look = X509_STORE_CTX_new();
	enum bd_code code = BD_NO_MEMORY;
	if (look != NULL &&
		X509_STORE_CTX_init(look, identity->trust.store, cert,
			SSL_get_peer_cert_chain(session->ssl)) == 1 &&
		X509_STORE_CTX_set_default(look, "ssl_client") == 1) {
		X509_VERIFY_PARAM_set_depth(
			X509_STORE_CTX_get0_param(look), BD_HTTP_CHAIN_DEPTH_MAX);
		code = X509_verify_cert(look) == 1
			       ? BD_OK
			       : bd_http_reason_of_verify(X509_STORE_CTX_get_error(look));
	}
	X509_STORE_CTX_free(look);
	ERR_clear_error();
	return code;
}

static enum bd_code check_chain(const struct bd_http_session *session,
	const struct bd_http_identity *identity, X509 *cert, int64_t now_ms)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(session->ssl);
	enum bd_code code = bd_http_trust_check(&identity->trust, cert, session->peer, now_ms);
	for (int i = 1; i < sk_X509_num(chain) && code == BD_OK; i++) {
		code = bd_http_trust_check(&identity->trust, sk_X509_value(chain, i), NULL, now_ms);
	}
	return code;
}

bool bd_http_session_recheck(
	struct bd_http_session *session, struct bd_http_tls *tls, int64_t now_ms, unsigned *looks)
{
	struct bd_http_identity *identity = tls->identity;
	bool is_new = session->checked != identity;
	unsigned cost = is_new ? BD_HTTP_PEER_VERIFY_LOOKS : 1;
	if ((!is_new && now_ms - session->checked_ms < BD_HTTP_PEER_LOOK_MS) || *looks < cost ||
		!bd_http_session_is_ready(session)) {
		return true;
	}
	*looks -= cost;
	X509 *cert = SSL_get0_peer_certificate(session->ssl);
	if (cert == NULL) {
		session->failure =
			identity->trust.is_client_required ? BD_TLS_NO_CERTIFICATE : BD_OK;
	} else {
		session->failure = check_chain(session, identity, cert, now_ms);
		session->failure = session->failure == BD_OK && is_new
					   ? verify_again(session, identity, cert)
					   : session->failure;
	}
	if (session->failure != BD_OK && cert != NULL) {
		bd_http_serial_read(session->serial, cert);
	}
	session->checked_ms = now_ms;
	if (is_new) {
		bd_http_identity_unref(session->checked);
		session->checked = bd_http_identity_ref(identity);
	}
	return session->failure == BD_OK;
}
