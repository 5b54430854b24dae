#include "base/clock.h"
#include "base/limits.h"
#include "http/tls_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"
#define SUITES_1_3 "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
/* A session goes on for as long as the key of its ticket seals. */
#define SESSION_S ((long)(BD_HTTP_TICKET_KEY_MS / 1000))
/* What a ticket carries beside the session: the digest of what its certificate was judged by. */
#define TICKET_DATA_BYTES BD_DIGEST_BYTES

static struct bd_http_identity *identity_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* -- what OpenSSL asks -- */

/* A key with a pass phrase is not usable: nobody is there to type it. */
static int no_pass_phrase(char *buf, int size, int is_write, void *data)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)data;
	return -1;
}

/* For each certificate of a chain whose signatures are good, and for each fault. */
static int judge(int is_good, X509_STORE_CTX *look)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(look, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct bd_http_session *session = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(look);
	enum bd_code code = is_good != 1 ? bd_http_reason_of_verify(X509_STORE_CTX_get_error(look))
					 : bd_http_trust_check(&identity_of(ssl)->trust, cert, NULL,
						   bd_clock_wall_ms());
	if (code == BD_OK) {
		return 1;
	}
	session->failure = code;
	if (cert != NULL) {
		bd_http_serial_read(session->serial, cert);
	}
	if (is_good == 1) {
		X509_STORE_CTX_set_error(look, bd_http_verify_error_of(code));
	}
	return 0;
}

static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int is_sealing)
{
	struct bd_http_tickets *tickets = identity_of(ssl)->tickets;
	int64_t now_ms = bd_clock_monotonic_ms();
	return is_sealing ? bd_http_tickets_seal(tickets, now_ms, name, iv, cipher, mac)
			  : bd_http_tickets_open(tickets, now_ms, name, iv, cipher, mac);
}

static int on_ticket_made(SSL *ssl, void *state)
{
	(void)state;
	return SSL_SESSION_set1_ticket_appdata(
		SSL_get0_session(ssl), identity_of(ssl)->trust.digest, TICKET_DATA_BYTES);
}

/* Is the certificate in the ticket still taken, by what is in force now? */
static bool is_ticket_good(SSL *ssl, SSL_SESSION *resumed)
{
	const struct bd_http_trust *trust = &identity_of(ssl)->trust;
	X509 *cert = SSL_SESSION_get0_peer(resumed);
	void *digest = NULL;
	size_t len = 0;
	if (SSL_SESSION_get0_ticket_appdata(resumed, &digest, &len) != 1 ||
		len != TICKET_DATA_BYTES || memcmp(digest, trust->digest, len) != 0) {
		return false;
	}
	if (cert == NULL) {
		return !trust->is_client_required;
	}
	/* Of an issuer that only the client's own chain led to, nothing is left in the ticket. */
	X509 *issuer = bd_http_trust_issuer(trust, cert);
	X509_free(issuer);
	return issuer != NULL &&
	       bd_http_trust_check(trust, cert, NULL, bd_clock_wall_ms()) == BD_OK;
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *resumed, const unsigned char *name,
	size_t name_len, SSL_TICKET_STATUS status, void *state)
{
	(void)name;
	(void)name_len;
	(void)state;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
	if (!is_ticket_good(ssl, resumed)) {
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* -- making one -- */

static bool set_up(SSL_CTX *ctx)
{
	static const unsigned char context[] = "bidui";
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_max_cert_list(ctx, BD_HTTP_CHAIN_MAX_BYTES);
	SSL_CTX_set_verify_depth(ctx, BD_HTTP_CHAIN_DEPTH_MAX);
	/* Tickets hold the session at the client; a cache here would grow by each client. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, SESSION_S);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 1) == 1 && SSL_CTX_set_cipher_list(ctx, SUITES) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, SUITES_1_3) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key) == 1 &&
	       SSL_CTX_set_session_ticket_cb(ctx, on_ticket_made, on_ticket_opened, NULL) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1) == 1;
}

/* Who takes it must be told its authorities' names (RFC 8446 section 4.2.4). */
static bool ask_clients(SSL_CTX *ctx, const struct bd_http_trust *trust)
{
	for (int i = 0; i < sk_X509_num(trust->authorities); i++) {
		if (SSL_CTX_add_client_CA(ctx, sk_X509_value(trust->authorities, i)) != 1) {
			return false;
		}
	}
	SSL_CTX_set1_verify_cert_store(ctx, trust->store);
	SSL_CTX_set_verify(ctx,
		SSL_VERIFY_PEER | (trust->is_client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		judge);
	return true;
}

static enum bd_code load_own(struct bd_http_identity *identity,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	SSL_CTX *ctx = identity->ctx;
	const char *wrong = NULL;
	X509 *cert = NULL;
	if (SSL_CTX_use_certificate_chain_file(ctx, settings->cert) != 1 ||
		(cert = SSL_CTX_get0_certificate(ctx)) == NULL) {
		wrong = "tls_certificate: not a PEM file of a certificate and its chain";
	} else if (X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0) != 1) {
		wrong = "tls_certificate: not for servers (extended key usage serverAuth)";
	} else if (SSL_CTX_use_PrivateKey_file(ctx, settings->key, SSL_FILETYPE_PEM) != 1) {
		wrong = "tls_key: not a key in PEM without pass phrase, or not that of "
			"tls_certificate";
	} else if (SSL_CTX_check_private_key(ctx) != 1) {
		wrong = "tls_key: not that of tls_certificate";
	}
	ERR_clear_error();
	if (wrong != NULL) {
		return bd_fail(diag, BD_CONFIG_REFERENCE, "%s", wrong);
	}
	identity->own_until_ms = bd_http_time_of(X509_get0_notAfter(cert));
	return BD_OK;
}

static enum bd_code load(struct bd_http_identity *identity,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;
	if (settings->before != NULL) {
		identity->tickets = bd_http_tickets_ref(settings->before->tickets);
	} else {
		code = bd_http_tickets_new(&identity->tickets);
	}
	if (code != BD_OK || (identity->ctx = SSL_CTX_new(TLS_server_method())) == NULL ||
		!set_up(identity->ctx)) {
		ERR_clear_error();
		return bd_fail(diag, BD_NO_MEMORY, "TLS settings");
	}
	SSL_CTX_set_app_data(identity->ctx, identity);
	code = load_own(identity, settings, diag);
	if (code == BD_OK && settings->ca != NULL &&
		!ask_clients(identity->ctx, &identity->trust)) {
		code = bd_fail(diag, BD_NO_MEMORY, "TLS settings");
	}
	return code;
}

enum bd_code bd_http_identity_load(struct bd_http_identity **out,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	struct bd_http_identity *identity = calloc(1, sizeof(*identity));
	if (identity == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "TLS settings");
	}
	enum bd_code code = bd_http_trust_read(&identity->trust, settings, diag);
	if (code != BD_OK) {
		free(identity);
		return code;
	}
	identity->references = 1;
	code = load(identity, settings, diag);
	if (code != BD_OK) {
		bd_http_identity_unref(identity);
		return code;
	}
	*out = identity;
	return BD_OK;
}

struct bd_http_identity *bd_http_identity_ref(struct bd_http_identity *identity)
{
	__atomic_add_fetch(&identity->references, 1, __ATOMIC_RELAXED);
	return identity;
}

void bd_http_identity_unref(struct bd_http_identity *identity)
{
	if (identity != NULL &&
		__atomic_sub_fetch(&identity->references, 1, __ATOMIC_ACQ_REL) == 0) {
		SSL_CTX_free(identity->ctx);
		bd_http_trust_release(&identity->trust);
		bd_http_tickets_unref(identity->tickets);
		free(identity);
	}
}

void bd_http_identity_report(
	struct bd_http_tls_report *out, const struct bd_http_identity *identity, int64_t now_ms)
{
	bd_http_trust_report(out, &identity->trust, now_ms);
	out->own_until_ms = identity->own_until_ms;
}
