/* test_tls.c - which clients a TLS server takes: by their certificate, its issuer's list, the deny
 * list; at the handshake, when a session is resumed, and while a connection is open. Times are
 * invented by the certificates and lists, never waited for.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "http/tls_deny.h"
#include "http/tls_parts.h"
#include "http/tls_pki.h"
#include "http_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define PEM_MAX_BYTES 65536
#define PATH_BYTES 256
#define PATHS 32
#define ANSWER_BYTES 512

enum who { CA, OTHER_CA, SERVER, CLIENT, EXPIRED, EARLY, STRANGER, WHO_COUNT };

static const char *const names[WHO_COUNT] = { "ca", "other", "server", "client", "expired", "early",
	"stranger" };

static char folder[PATH_BYTES], paths[PATHS][PATH_BYTES];
static struct bd_pki *holders[WHO_COUNT];
static int64_t now_ms;

/* -- files -- */

/* The same pointer for the same name: settings keep it. */
static const char *path_of(const char *name)
{
	char wanted[PATH_BYTES];
	size_t i = 0;
	snprintf(wanted, sizeof(wanted), "%.200s/%.40s", folder, name);
	while (paths[i][0] != '\0' && strcmp(paths[i], wanted) != 0) {
		assert_true(++i < PATHS);
	}
	memcpy(paths[i], wanted, sizeof(wanted));
	return paths[i];
}

static void write_file(const char *name, struct bd_bytes bytes)
{
	FILE *file = fopen(path_of(name), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

static void write_holder(enum who who)
{
	char name[64];
	struct bd_buf pem;
	bd_buf_init(&pem, PEM_MAX_BYTES);
	assert_int_equal(bd_pki_write_cert(&pem, holders[who]), BD_OK);
	snprintf(name, sizeof(name), "%s.crt", names[who]);
	write_file(name, bd_buf_bytes(&pem));
	bd_buf_clear(&pem);
	assert_int_equal(bd_pki_write_key(&pem, holders[who]), BD_OK);
	snprintf(name, sizeof(name), "%s.key", names[who]);
	write_file(name, bd_buf_bytes(&pem));
	bd_buf_release(&pem);
}

static void make(
	enum who who, enum bd_pki_kind kind, enum who issuer, int64_t from_ms, int64_t until_ms)
{
	static const char *const server_names[] = { "IP:127.0.0.1" };
	const struct bd_pki_wanted wanted = { .kind = kind,
		.common_name = names[who],
		.names = server_names,
		.name_count = kind == BD_PKI_SERVER ? 1 : 0,
		.from_ms = now_ms + from_ms,
		.until_ms = now_ms + until_ms };
	assert_int_equal(
		bd_pki_make(&holders[who], &wanted, who == issuer ? NULL : holders[issuer], NULL),
		BD_OK);
	write_holder(who);
}

static int set_up(void **state)
{
	const char *base = getenv("TMPDIR");
	(void)state;
	now_ms = bd_clock_wall_ms();
	snprintf(folder, sizeof(folder), "%.200s/bidui-tls-XXXXXX", base != NULL ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	make(CA, BD_PKI_AUTHORITY, CA, -48 * HOUR_MS, 48 * HOUR_MS);
	make(OTHER_CA, BD_PKI_AUTHORITY, OTHER_CA, -48 * HOUR_MS, 48 * HOUR_MS);
	make(SERVER, BD_PKI_SERVER, CA, -HOUR_MS, 24 * HOUR_MS);
	make(CLIENT, BD_PKI_CLIENT, CA, -HOUR_MS, 24 * HOUR_MS);
	make(EXPIRED, BD_PKI_CLIENT, CA, -24 * HOUR_MS, -HOUR_MS);
	make(EARLY, BD_PKI_CLIENT, CA, HOUR_MS, 24 * HOUR_MS);
	make(STRANGER, BD_PKI_CLIENT, OTHER_CA, -HOUR_MS, 24 * HOUR_MS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < WHO_COUNT; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s.crt", names[i]);
		unlink(path_of(name));
		snprintf(name, sizeof(name), "%s.key", names[i]);
		unlink(path_of(name));
		bd_pki_free(holders[i]);
	}
	unlink(path_of("crl.pem"));
	unlink(path_of("deny"));
	return rmdir(folder);
}

/* A list of the CA that began an hour ago, with one revoked or none. */
static void write_crl(const struct bd_pki *revoked, enum who issuer, int64_t until_ms)
{
	struct bd_buf pem;
	bd_buf_init(&pem, PEM_MAX_BYTES);
	assert_int_equal(bd_pki_make_crl(&pem, (struct bd_bytes){ NULL, 0 }, revoked,
				 now_ms - 30 * HOUR_MS, now_ms + until_ms, holders[issuer], NULL),
		BD_OK);
	write_file("crl.pem", bd_buf_bytes(&pem));
	bd_buf_release(&pem);
}

static struct bd_http_tls_settings settings(void)
{
	return (struct bd_http_tls_settings){
		.cert = path_of("server.crt"), .key = path_of("server.key"), .ca = path_of("ca.crt")
	};
}

/* -- a client -- */

struct client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static SSL_SESSION *kept; /* the newest ticket of any client */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

static void client_open(struct client *client, unsigned port, enum who who, int version)
{
	char name[64];
	client->ctx = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_load_verify_file(client->ctx, path_of("ca.crt")), 1);
	SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_proto_version(client->ctx, version);
	SSL_CTX_set_session_cache_mode(
		client->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client->ctx, keep_session);
	if (who != WHO_COUNT) {
		snprintf(name, sizeof(name), "%s.crt", names[who]);
		assert_int_equal(SSL_CTX_use_certificate_chain_file(client->ctx, path_of(name)), 1);
		snprintf(name, sizeof(name), "%s.key", names[who]);
		assert_int_equal(
			SSL_CTX_use_PrivateKey_file(client->ctx, path_of(name), SSL_FILETYPE_PEM),
			1);
	}
	client->fd = client_connect(port);
	client->ssl = SSL_new(client->ctx);
	SSL_set_fd(client->ssl, client->fd);
	ERR_clear_error();
}

static void client_close(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->ctx);
	close(client->fd);
	ERR_clear_error();
}

/* Says who it is: 0 and the answer, or the alert that came, or -1. */
static int client_ask(struct client *client, char answer[ANSWER_BYTES])
{
	static const char request[] = "GET /who HTTP/1.1\r\nHost: t\r\n\r\n";
	size_t all = 0;
	int got = SSL_connect(client->ssl);
	answer[0] = '\0';
	if (got == 1) {
		got = SSL_write(client->ssl, request, sizeof(request) - 1);
	}
	while (got > 0 && strstr(answer, "\r\n\r\n") == NULL && all + 1 < ANSWER_BYTES) {
		got = SSL_read(client->ssl, answer + all, (int)(ANSWER_BYTES - 1 - all));
		all += got > 0 ? (size_t)got : 0;
		answer[all] = '\0';
	}
	if (got > 0) {
		return 0;
	}
	int reason = ERR_GET_REASON(ERR_peek_error());
	ERR_clear_error();
	return reason >= SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : -1;
}

static int ask_once(struct http_server *server, enum who who, int version, SSL_SESSION *resume)
{
	char answer[ANSWER_BYTES];
	struct client client;
	client_open(&client, http_server_port(server), who, version);
	if (resume != NULL) {
		/* OpenSSL's client would offer one only once. */
		SSL_SESSION *copy = SSL_SESSION_dup(resume);
		SSL_set_session(client.ssl, copy);
		SSL_SESSION_free(copy);
	}
	int alert = client_ask(&client, answer);
	if (alert == 0) {
		SSL_shutdown(client.ssl);
	}
	client_close(&client);
	return alert;
}

/* -- the tests -- */

struct refused {
	enum who who;
	enum bd_code code;
	int alert;
};

/* Each client that may not come in, the reason the operator reads, and the alert the client gets.
 */
static void test_refusals_have_reasons(void **state)
{
	static const struct refused refusals[] = {
		{ EXPIRED, BD_TLS_EXPIRED, SSL_AD_CERTIFICATE_EXPIRED },
		{ EARLY, BD_TLS_NOT_YET_VALID, SSL_AD_BAD_CERTIFICATE },
		{ STRANGER, BD_TLS_UNKNOWN_ISSUER, SSL_AD_UNKNOWN_CA },
		{ SERVER, BD_TLS_WRONG_USAGE, SSL_AD_UNSUPPORTED_CERTIFICATE },
		{ WHO_COUNT, BD_TLS_NO_CERTIFICATE, 0 },
	};
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct bd_http_tls_settings with = settings();
	(void)state;
	with.is_client_required = true;
	struct http_server *server = http_server_start_tls(NULL, &with);
	for (size_t v = 0; v < 2; v++) {
		assert_int_equal(ask_once(server, CLIENT, versions[v], NULL), 0);
		for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
			const struct refused *one = &refusals[i];
			unsigned before = http_server_secured(server, one->code);
			int alert = ask_once(server, one->who, versions[v], NULL);
			http_server_wait_secured(server, one->code, before);
			/* Without any certificate TLS 1.2 has no alert of its own. */
			int wanted = one->who != WHO_COUNT           ? one->alert
				     : versions[v] == TLS1_3_VERSION ? SSL_AD_CERTIFICATE_REQUIRED
								     : SSL_AD_HANDSHAKE_FAILURE;
			assert_int_equal(alert, wanted);
		}
	}
	assert_int_equal(http_server_secured(server, BD_OK), 2);
	http_server_stop(server);
}

static void test_without_a_certificate_one_is_nobody(void **state)
{
	char answer[ANSWER_BYTES];
	struct bd_http_tls_settings with = settings();
	struct http_server *server = http_server_start_tls(NULL, &with);
	struct client client;
	(void)state;
	client_open(&client, http_server_port(server), WHO_COUNT, 0);
	assert_int_equal(client_ask(&client, answer), 0);
	client_close(&client);
	http_server_stop(server);
}

/* A list revokes: new connections get the alert, an open one is closed though it was asked nothing,
 * and who is not on the list stays. */
static void test_a_revoked_certificate_is_out_everywhere(void **state)
{
	char answer[ANSWER_BYTES];
	struct bd_http_tls_settings with = settings();
	struct client open, beside;
	(void)state;
	write_crl(NULL, CA, 24 * HOUR_MS);
	with.crl = path_of("crl.pem");
	struct http_server *server = http_server_start_tls(NULL, &with);
	client_open(&open, http_server_port(server), CLIENT, 0);
	assert_int_equal(client_ask(&open, answer), 0);
	client_open(&beside, http_server_port(server), WHO_COUNT, 0);
	assert_int_equal(client_ask(&beside, answer), 0);
	write_crl(holders[CLIENT], CA, 24 * HOUR_MS);
	assert_int_equal(http_server_reload(server, &with), BD_OK);
	http_server_wait_secured(server, BD_TLS_REVOKED, 0);
	assert_int_equal(SSL_read(open.ssl, answer, 1), 0);
	assert_int_equal(
		ask_once(server, CLIENT, TLS1_2_VERSION, NULL), SSL_AD_CERTIFICATE_REVOKED);
	assert_int_equal(ask_once(server, CLIENT, 0, NULL), SSL_AD_CERTIFICATE_REVOKED);
	assert_int_equal(client_ask(&beside, answer), 0);
	client_close(&open);
	client_close(&beside);
	http_server_stop(server);
}

/* A request that runs gets no answer any more, and its handler knows. */
static void test_a_request_in_flight_is_given_up(void **state)
{
	static const char request[] = "GET /hold HTTP/1.1\r\nHost: t\r\n\r\n";
	char byte;
	struct bd_http_tls_settings with = settings();
	struct client open;
	(void)state;
	write_crl(NULL, CA, 24 * HOUR_MS);
	with.crl = path_of("crl.pem");
	struct http_server *server = http_server_start_tls(NULL, &with);
	client_open(&open, http_server_port(server), CLIENT, 0);
	assert_int_equal(SSL_connect(open.ssl), 1);
	assert_int_equal(SSL_write(open.ssl, request, sizeof(request) - 1), sizeof(request) - 1);
	http_server_wait_requests(server, 1);
	write_crl(holders[CLIENT], CA, 24 * HOUR_MS);
	assert_int_equal(http_server_reload(server, &with), BD_OK);
	http_server_wait_secured(server, BD_TLS_REVOKED, 0);
	assert_true(SSL_read(open.ssl, &byte, 1) <= 0);
	for (int i = 0; i < 5000 && http_server_aborts(server) == 0; i++) {
		usleep(1000);
	}
	assert_int_equal(http_server_aborts(server), 1);
	client_close(&open);
	http_server_stop(server);
}

/* A session goes on from a ticket, over a reload of the same files too; not when any list has
 * changed, and then a certificate that was revoked is refused as in any handshake. */
static void test_resumption_asks_again(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct bd_http_tls_settings with = settings();
		write_crl(NULL, CA, 24 * HOUR_MS);
		with.crl = path_of("crl.pem");
		struct http_server *server = http_server_start_tls(NULL, &with);
		assert_int_equal(ask_once(server, CLIENT, versions[v], NULL), 0);
		SSL_SESSION *ticket = SSL_SESSION_dup(kept);
		assert_int_equal(ask_once(server, CLIENT, versions[v], ticket), 0);
		assert_int_equal(http_server_resumed(server), 1);
		assert_int_equal(http_server_reload(server, &with), BD_OK);
		assert_int_equal(ask_once(server, CLIENT, versions[v], ticket), 0);
		assert_int_equal(http_server_resumed(server), 2);
		write_crl(holders[EXPIRED], CA, 24 * HOUR_MS);
		assert_int_equal(http_server_reload(server, &with), BD_OK);
		assert_int_equal(ask_once(server, CLIENT, versions[v], ticket), 0);
		assert_int_equal(http_server_resumed(server), 2);
		SSL_SESSION_free(ticket);
		ticket = SSL_SESSION_dup(kept);
		write_crl(holders[CLIENT], CA, 24 * HOUR_MS);
		assert_int_equal(http_server_reload(server, &with), BD_OK);
		assert_int_equal(
			ask_once(server, CLIENT, versions[v], ticket), SSL_AD_CERTIFICATE_REVOKED);
		assert_int_equal(http_server_resumed(server), 2);
		SSL_SESSION_free(ticket);
		http_server_stop(server);
	}
}

static void check_deny(
	struct http_server *server, struct bd_http_tls_settings *with, const char *line, int alert)
{
	write_file("deny", bd_bytes_of(line));
	with->deny = path_of("deny");
	assert_int_equal(http_server_reload(server, with), BD_OK);
	assert_int_equal(ask_once(server, CLIENT, 0, NULL), alert);
}

static void test_the_deny_list_acts_at_once(void **state)
{
	char line[1024], answer[ANSWER_BYTES];
	struct bd_pki_facts facts;
	struct bd_http_tls_settings with = settings();
	struct http_server *server = http_server_start_tls(NULL, &with);
	struct client open;
	(void)state;
	bd_pki_describe(&facts, holders[CLIENT]);
	client_open(&open, http_server_port(server), CLIENT, 0);
	assert_int_equal(client_ask(&open, answer), 0);
	check_deny(server, &with, "# nobody\n", 0);
	snprintf(line, sizeof(line), "serial %s CN=other\n", facts.peer.serial);
	check_deny(server, &with, line, 0);
	assert_int_equal(http_server_secured(server, BD_TLS_DENIED), 0);
	snprintf(line, sizeof(line), " serial %s CN=ca \r\n", facts.peer.serial);
	check_deny(server, &with, line, SSL_AD_CERTIFICATE_REVOKED);
	assert_int_equal(SSL_read(open.ssl, answer, 1), 0);
	snprintf(line, sizeof(line), "pin %s", facts.peer.spki_sha256);
	check_deny(server, &with, line, SSL_AD_CERTIFICATE_REVOKED);
	/* Half a list would let somebody in: the old one stays in force. */
	write_file("deny", bd_bytes_of("pin 00\n"));
	assert_int_equal(http_server_reload(server, &with), BD_CONFIG_SYNTAX);
	assert_int_equal(ask_once(server, CLIENT, 0, NULL), SSL_AD_CERTIFICATE_REVOKED);
	client_close(&open);
	http_server_stop(server);
}

/* -- lists that do not count -- */

/* What a list that is out of date, or of another authority, comes to. */
static enum bd_code judge(int64_t grace_ms, int64_t at_ms, const struct bd_http_trust *before)
{
	struct bd_http_tls_settings with = settings();
	struct bd_http_trust trust;
	struct bd_http_identity old;
	with.crl = path_of("crl.pem");
	with.crl_grace_ms = grace_ms;
	if (before != NULL) {
		old.trust = *before;
		with.before = &old;
	}
	enum bd_code code = bd_http_trust_read(&trust, &with, NULL);
	if (code == BD_OK) {
		BIO *bio = BIO_new_file(path_of("client.crt"), "r");
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		code = bd_http_trust_check(&trust, cert, NULL, at_ms);
		X509_free(cert);
		BIO_free(bio);
		bd_http_trust_release(&trust);
	}
	return code;
}

static void test_a_list_counts_until_its_end_and_grace(void **state)
{
	(void)state;
	write_crl(NULL, CA, 2 * HOUR_MS);
	assert_int_equal(judge(0, now_ms, NULL), BD_OK);
	assert_int_equal(judge(0, now_ms + 2 * HOUR_MS - 2000, NULL), BD_OK);
	assert_int_equal(judge(0, now_ms + 2 * HOUR_MS + 1000, NULL), BD_TLS_CRL);
	assert_int_equal(judge(HOUR_MS, now_ms + 3 * HOUR_MS - 2000, NULL), BD_OK);
	assert_int_equal(judge(HOUR_MS, now_ms + 3 * HOUR_MS + 1000, NULL), BD_TLS_CRL);
	/* A certificate that was good when its connection began, or its ticket was made. */
	write_crl(NULL, CA, 48 * HOUR_MS);
	assert_int_equal(judge(0, now_ms + 24 * HOUR_MS + 1000, NULL), BD_TLS_EXPIRED);
	assert_int_equal(judge(0, now_ms - HOUR_MS - 1000, NULL), BD_TLS_NOT_YET_VALID);
	/* Out of date or not, whom it names is out. */
	write_crl(holders[CLIENT], CA, -HOUR_MS);
	assert_int_equal(judge(0, now_ms, NULL), BD_TLS_REVOKED);
	/* Of another authority it is no list at all. */
	write_crl(NULL, OTHER_CA, 24 * HOUR_MS);
	assert_int_equal(judge(0, now_ms, NULL), BD_TLS_CRL_LOST);
	write_file("crl.pem", bd_bytes_of("-----BEGIN X509 CRL-----\nMIIB\n"));
	assert_int_equal(judge(0, now_ms, NULL), BD_TLS_CRL_LOST);
}

/* Whoever is refused for want of a list is not told that the certificate was at fault, or its
 * issuer. */
static void test_without_a_list_the_certificate_is_not_blamed(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct bd_http_tls_settings with = settings();
	(void)state;
	write_crl(NULL, CA, -HOUR_MS);
	with.crl = path_of("crl.pem");
	struct http_server *server = http_server_start_tls(NULL, &with);
	for (size_t v = 0; v < 2; v++) {
		unsigned before = http_server_secured(server, BD_TLS_CRL);
		assert_int_equal(
			ask_once(server, CLIENT, versions[v], NULL), SSL_AD_CERTIFICATE_UNKNOWN);
		http_server_wait_secured(server, BD_TLS_CRL, before);
	}
	http_server_stop(server);
}

/* Without the file the lists of before count for a minute and the grace, then they do not. */
static void test_a_list_out_of_reach(void **state)
{
	struct bd_http_tls_settings with = settings();
	struct bd_http_trust before;
	(void)state;
	write_crl(NULL, CA, 24 * HOUR_MS);
	with.crl = path_of("crl.pem");
	assert_int_equal(bd_http_trust_read(&before, &with, NULL), BD_OK);
	unlink(path_of("crl.pem"));
	assert_int_equal(judge(0, bd_clock_wall_ms() + 50000, &before), BD_OK);
	assert_int_equal(judge(0, bd_clock_wall_ms() + 61000, &before), BD_TLS_CRL);
	assert_int_equal(judge(HOUR_MS, bd_clock_wall_ms() + 61000, &before), BD_OK);
	assert_int_equal(judge(HOUR_MS, bd_clock_wall_ms() + HOUR_MS + 61000, &before), BD_TLS_CRL);
	/* Since when it is out of reach stays what it was. */
	before.lost_ms = bd_clock_wall_ms() - 70000;
	assert_int_equal(judge(0, bd_clock_wall_ms(), &before), BD_TLS_CRL);
	assert_int_equal(judge(0, bd_clock_wall_ms(), NULL), BD_TLS_CRL_LOST);
	bd_http_trust_release(&before);
}

/* -- what is set -- */

static void test_suites_are_aead_with_ephemeral_keys(void **state)
{
	struct bd_http_tls_settings with = settings();
	struct bd_http_identity *identity = NULL;
	(void)state;
	assert_int_equal(bd_http_identity_load(&identity, &with, NULL), BD_OK);
	STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(identity->ctx);
	assert_true(sk_SSL_CIPHER_num(suites) >= 6);
	for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
		const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
		int exchange = SSL_CIPHER_get_kx_nid(suite);
		assert_true(SSL_CIPHER_is_aead(suite));
		assert_true(exchange == NID_kx_ecdhe || exchange == NID_kx_any);
	}
	assert_int_equal(SSL_CTX_get_min_proto_version(identity->ctx), TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_get_max_early_data(identity->ctx), 0);
	assert_true((SSL_CTX_get_options(identity->ctx) &
			    (SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION)) ==
		    (SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION));
	bd_http_identity_unref(identity);
}

static void test_files_that_cannot_be_used_are_named(void **state)
{
	struct bd_http_tls_settings with = settings();
	struct bd_http_identity *identity = NULL;
	struct bd_diag diag = { .code = BD_OK };
	(void)state;
	with.cert = path_of("client.crt");
	assert_int_equal(bd_http_identity_load(&identity, &with, &diag), BD_CONFIG_REFERENCE);
	assert_non_null(strstr(diag.detail, "tls_certificate: not for servers"));
	bd_diag_clear(&diag);
	with = settings();
	with.key = path_of("client.key");
	assert_int_equal(bd_http_identity_load(&identity, &with, &diag), BD_CONFIG_REFERENCE);
	assert_non_null(strstr(diag.detail, "tls_key: "));
	bd_diag_clear(&diag);
	with = settings();
	with.ca = path_of("server.key");
	assert_int_equal(bd_http_identity_load(&identity, &with, &diag), BD_CONFIG_REFERENCE);
	assert_non_null(strstr(diag.detail, "tls_ca: "));
	with = settings();
	with.ca = NULL;
	with.is_client_required = true;
	assert_int_equal(bd_http_identity_load(&identity, &with, &diag), BD_CONFIG_REFERENCE);
	assert_null(identity);
}

static void test_the_keys_of_tickets_change(void **state)
{
	unsigned char name[16], iv[16];
	struct bd_http_tickets *tickets = NULL;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	const int64_t key_ms = BD_HTTP_TICKET_KEY_MS;
	(void)state;
	assert_int_equal(bd_http_tickets_new(&tickets), BD_OK);
	assert_int_equal(bd_http_tickets_seal(tickets, 1000, name, iv, cipher, mac), 1);
	assert_int_equal(bd_http_tickets_open(tickets, 2000, name, iv, cipher, mac), 1);
	unsigned char fresh[16];
	assert_int_equal(bd_http_tickets_seal(tickets, 1000 + key_ms, fresh, iv, cipher, mac), 1);
	assert_memory_not_equal(fresh, name, sizeof(name));
	assert_int_equal(bd_http_tickets_open(tickets, 1000 + key_ms, fresh, iv, cipher, mac), 1);
	assert_int_equal(bd_http_tickets_open(tickets, 1000 + key_ms, name, iv, cipher, mac), 2);
	assert_int_equal(
		bd_http_tickets_open(tickets, 1000 + 2 * key_ms, name, iv, cipher, mac), 0);
	name[0] ^= 1;
	assert_int_equal(bd_http_tickets_open(tickets, 1000 + key_ms, name, iv, cipher, mac), 0);
	EVP_CIPHER_CTX_free(cipher);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	bd_http_tickets_unref(tickets);
}

/* Who somebody is, and whose word that is: the pin of the issuer is the pin of the issuer's own. */
static void test_a_peer_and_its_issuer(void **state)
{
	struct bd_pki_facts client, ca;
	struct bd_http_tls_settings with = settings();
	struct bd_http_trust trust;
	BIO *bio = BIO_new_file(path_of("client.crt"), "r");
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	struct bd_http_peer peer = { .issuer = "" };
	(void)state;
	bd_pki_describe(&client, holders[CLIENT]);
	bd_pki_describe(&ca, holders[CA]);
	assert_string_equal(client.peer.common_name, "client");
	assert_string_equal(client.peer.issuer, "CN=ca");
	assert_string_equal(client.peer.issuer_spki_sha256, "");
	assert_int_equal(strlen(client.peer.spki_sha256), 64);
	assert_int_equal(bd_http_trust_read(&trust, &with, NULL), BD_OK);
	X509 *issuer = bd_http_trust_issuer(&trust, cert);
	bd_http_peer_read(&peer, cert, issuer);
	assert_string_equal(peer.issuer_spki_sha256, ca.peer.spki_sha256);
	assert_string_not_equal(peer.spki_sha256, ca.peer.spki_sha256);
	X509_free(issuer);
	X509_free(cert);
	BIO_free(bio);
	bd_http_trust_release(&trust);
}

static void test_lines_of_the_deny_list(void **state)
{
	static const struct {
		const char *text;
		enum bd_code code;
		size_t count;
	} lists[] = {
		{ "", BD_OK, 0 },
		{ "# a comment\n\n  \t\r\n", BD_OK, 0 },
		{ "serial 0A:ff CN=x,O=机构", BD_OK, 1 },
		{ "serial 00 CN=x", BD_CONFIG_SYNTAX, 0 },
		{ "serial 1", BD_CONFIG_SYNTAX, 0 },
		{ "serial 1g CN=x", BD_CONFIG_SYNTAX, 0 },
		{ "serial :1 CN=x", BD_CONFIG_SYNTAX, 0 },
		{ "pin 1234", BD_CONFIG_SYNTAX, 0 },
		{ "PIN 1234", BD_CONFIG_SYNTAX, 0 },
		{ "serial 1 CN=a\nserial 2 CN=b\n", BD_OK, 2 },
		{ "serial 1 CN=a\nserial", BD_CONFIG_SYNTAX, 0 },
	};
	struct bd_http_deny deny = { NULL, 0, 0 };
	struct bd_http_peer peer = { .serial = "0AFF", .issuer = "CN=x,O=机构" };
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct bd_http_deny one = { NULL, 0, 0 };
		assert_int_equal(
			bd_http_deny_read(&one, bd_bytes_of(lists[i].text), NULL), lists[i].code);
		assert_int_equal(one.count, lists[i].count);
		bd_http_deny_release(&one);
	}
	assert_int_equal(bd_http_deny_read(&deny, bd_bytes_of(lists[2].text), NULL), BD_OK);
	assert_true(bd_http_deny_has(&deny, &peer));
	peer.serial[0] = '1';
	assert_false(bd_http_deny_has(&deny, &peer));
	bd_http_deny_release(&deny);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals_have_reasons),
		cmocka_unit_test(test_without_a_certificate_one_is_nobody),
		cmocka_unit_test(test_a_revoked_certificate_is_out_everywhere),
		cmocka_unit_test(test_a_request_in_flight_is_given_up),
		cmocka_unit_test(test_resumption_asks_again),
		cmocka_unit_test(test_the_deny_list_acts_at_once),
		cmocka_unit_test(test_a_list_counts_until_its_end_and_grace),
		cmocka_unit_test(test_without_a_list_the_certificate_is_not_blamed),
		cmocka_unit_test(test_a_list_out_of_reach),
		cmocka_unit_test(test_suites_are_aead_with_ephemeral_keys),
		cmocka_unit_test(test_files_that_cannot_be_used_are_named),
		cmocka_unit_test(test_the_keys_of_tickets_change),
		cmocka_unit_test(test_a_peer_and_its_issuer),
		cmocka_unit_test(test_lines_of_the_deny_list),
	};
	int result = cmocka_run_group_tests(tests, set_up, tear_down);
	SSL_SESSION_free(kept);
	return result;
}
