/* test_tls_hostile.c - bytes that are no handshake of ours, each with its recorded refusal: the
 * files of tests/hostile/tls are named CODE-ALERT-WHAT, after the reason the operator reads and the
 * number of the alert the client gets (RFC 8446 section 6), or none; and clients that misbehave
 * after their hello.
 */
#include "base/limits.h"
#include "http_server.h"
#include "tls_keys.h"

#include <ctype.h>
#include <dirent.h>
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
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HELLO_MAX_BYTES 4096
#define HOSTILE_LEAST 20
#define NONE (-1)

static struct tls_keys keys;
static struct http_server *server;

static int set_up(void **state)
{
	/* Only a client that stalls is cut off by time. */
	static const struct bd_http_settings patient = { .header_ms = 5000 };
	(void)state;
	tls_keys_make(&keys);
	const struct bd_http_tls_settings with = {
		.cert = keys.server.cert, .key = keys.server.key, .ca = keys.ca.cert
	};
	server = http_server_start_tls(&patient, &with);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_server_stop(server);
	tls_keys_remove(&keys);
	return 0;
}

/* -- bytes of files -- */

/* Hexadecimal, '#' begins a comment line. */
static size_t read_bytes(char bytes[HELLO_MAX_BYTES], const char *path)
{
	char line[1024];
	size_t len = 0;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		for (const char *at = line; line[0] != '#' && *at != '\0' && *at != '\n'; at++) {
			unsigned byte;
			if (*at != ' ') {
				assert_int_equal(sscanf(at++, "%2x", &byte), 1);
				assert_true(len < HELLO_MAX_BYTES);
				bytes[len++] = (char)byte;
			}
		}
	}
	fclose(file);
	return len;
}

/* The fatal alert among the records of an answer. */
static int alert_in(const char *answer, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)answer;
	for (size_t at = 0; at + 5 <= len;) {
		size_t record = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
		if (bytes[at] == 21 && record == 2 && at + 7 <= len && bytes[at + 5] == 2) {
			return bytes[at + 6];
		}
		at += 5 + record;
	}
	return NONE;
}

/* Whether its recorded refusal came. */
static bool is_refused(const char *path, enum bd_code code, int alert, size_t step)
{
	char bytes[HELLO_MAX_BYTES];
	size_t len = read_bytes(bytes, path), all = 0;
	unsigned before = http_server_secured(server, code);
	int fd = client_connect(http_server_port(server));
	for (size_t at = 0; at < len; at += step) {
		client_send(fd, bytes + at, len - at < step ? len - at : step);
	}
	shutdown(fd, SHUT_WR);
	const char *answer = client_read_end(fd, &all);
	int came = answer != NULL ? alert_in(answer, all) : NONE;
	close(fd);
	for (int i = 0; i < 3000 && http_server_secured(server, code) == before; i++) {
		usleep(1000);
	}
	bool is_good =
		answer != NULL && came == alert && http_server_secured(server, code) == before + 1;
	if (!is_good) {
		print_error("%s in steps of %zu: alert %d, or another reason\n", path, step, came);
	}
	return is_good;
}

static void test_no_handshake_of_ours(void **state)
{
	const char *srcdir = getenv("srcdir");
	char folder[4096], path[8192];
	unsigned count = 0, failed = 0;
	const struct dirent *entry;
	(void)state;
	snprintf(folder, sizeof(folder), "%s/tests/hostile/tls", srcdir != NULL ? srcdir : ".");
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char code[64], alert[8];
		if (sscanf(entry->d_name, "%63[a-z._]-%7[a-z0-9]-", code, alert) != 2) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		assert_int_not_equal(bd_code_find(code), BD_CODE_COUNT);
		for (size_t step = 1; step <= HELLO_MAX_BYTES; step *= HELLO_MAX_BYTES) {
			failed += !is_refused(path, bd_code_find(code),
				isdigit((unsigned char)alert[0]) ? atoi(alert) : NONE, step);
		}
		count++;
	}
	closedir(dir);
	assert_int_equal(failed, 0);
	assert_true(count >= HOSTILE_LEAST);
	/* None of them is taken for a handshake. */
	assert_int_equal(http_server_secured(server, BD_OK), 0);
}

/* -- clients that speak TLS -- */

struct client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static void client_open(struct client *client, struct http_server *to, int version)
{
	client->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(client->ctx, version);
	SSL_CTX_use_certificate_chain_file(client->ctx, keys.client.cert);
	SSL_CTX_use_PrivateKey_file(client->ctx, keys.client.key, SSL_FILETYPE_PEM);
	client->fd = client_connect(http_server_port(to));
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

static int last_alert(void)
{
	int reason = ERR_GET_REASON(ERR_peek_error());
	return reason >= SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : NONE;
}

/* After half a hello the client says nothing: it is cut off by time, and the operator reads why. */
static void test_a_stalled_handshake_is_cut_off(void **state)
{
	static const struct bd_http_settings hasty = { .header_ms = 200 };
	static const char half[] = { 0x16, 0x03, 0x01, 0x00, 0x70, 0x01 };
	const struct bd_http_tls_settings with = { .cert = keys.server.cert,
		.key = keys.server.key };
	struct http_server *other = http_server_start_tls(&hasty, &with);
	size_t len = 1;
	(void)state;
	int fd = client_connect(http_server_port(other));
	client_send(fd, half, sizeof(half));
	assert_non_null(client_read_end(fd, &len));
	assert_int_equal(len, 0);
	http_server_wait_secured(other, BD_TLS_TIMEOUT, 0);
	close(fd);
	http_server_stop(other);
}

/* A client that asks for another handshake is told no, and its connection goes on as it was
 * (TLS 1.2; later versions have none). */
static void test_renegotiation_is_refused(void **state)
{
	static const char request[] = "GET /who HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
	char answer[512];
	struct client client;
	(void)state;
	client_open(&client, server, TLS1_2_VERSION);
	assert_int_equal(SSL_connect(client.ssl), 1);
	assert_int_equal(SSL_renegotiate(client.ssl), 1);
	assert_true(SSL_do_handshake(client.ssl) <= 0);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	client_close(&client);
	client_open(&client, server, TLS1_2_VERSION);
	assert_int_equal(SSL_connect(client.ssl), 1);
	assert_int_equal(SSL_write(client.ssl, request, sizeof(request) - 1), sizeof(request) - 1);
	assert_true(SSL_read(client.ssl, answer, sizeof(answer)) > 0);
	client_close(&client);
}

/* A chain longer than BD_HTTP_CHAIN_MAX_BYTES is not read to its end. */
static void test_a_huge_chain_is_refused(void **state)
{
	unsigned before = http_server_secured(server, BD_TLS_BAD_CERTIFICATE);
	struct client client;
	char byte;
	(void)state;
	client_open(&client, server, TLS1_2_VERSION);
	FILE *file = fopen(keys.other_ca.cert, "r");
	X509 *extra = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	for (int i = 0; i < BD_HTTP_CHAIN_MAX_BYTES / 300; i++) {
		assert_int_equal(SSL_add1_chain_cert(client.ssl, extra), 1);
	}
	X509_free(extra);
	int got = SSL_connect(client.ssl);
	if (got == 1) {
		got = SSL_read(client.ssl, &byte, 1);
	}
	assert_true(got <= 0);
	assert_int_equal(last_alert(), SSL_AD_ILLEGAL_PARAMETER);
	http_server_wait_secured(server, BD_TLS_BAD_CERTIFICATE, before);
	client_close(&client);
}

/* A body that ends with the connection, without close_notify: its handler hears that it was cut,
 * never that it was whole. */
static void test_a_close_without_notify_is_no_end(void **state)
{
	static const char *const heads[] = { "Content-Length: 10\r\n\r\n12345",
		"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n" };
	char request[256];
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		unsigned aborts = http_server_aborts(server);
		unsigned begun = http_server_requests(server);
		struct client client;
		client_open(&client, server, 0);
		assert_int_equal(SSL_connect(client.ssl), 1);
		int len = snprintf(
			request, sizeof(request), "POST /echo HTTP/1.1\r\nHost: t\r\n%s", heads[i]);
		assert_int_equal(SSL_write(client.ssl, request, len), len);
		http_server_wait_requests(server, begun + 1);
		shutdown(client.fd, SHUT_WR);
		for (int t = 0; t < 5000 && http_server_aborts(server) == aborts; t++) {
			usleep(1000);
		}
		assert_int_equal(http_server_aborts(server), aborts + 1);
		client_close(&client);
	}
}

/* A record whose bytes were changed on the way ends the connection with an alert, and what stood in
 * it is not seen. */
static void test_a_changed_record_is_refused(void **state)
{
	static const char request[] = "GET /who HTTP/1.1\r\nHost: t\r\n\r\n";
	unsigned begun = http_server_requests(server);
	struct client client;
	char byte;
	(void)state;
	client_open(&client, server, 0);
	assert_int_equal(SSL_connect(client.ssl), 1);
	BIO *memory = BIO_new(BIO_s_mem()), *socket_bio = SSL_get_wbio(client.ssl);
	BIO_up_ref(socket_bio);
	SSL_set0_wbio(client.ssl, memory);
	assert_int_equal(SSL_write(client.ssl, request, sizeof(request) - 1), sizeof(request) - 1);
	char *record = NULL;
	long len = BIO_get_mem_data(memory, &record);
	record[len - 1] = (char)(record[len - 1] ^ 1);
	client_send(client.fd, record, (size_t)len);
	int got = SSL_read(client.ssl, &byte, 1);
	assert_true(got <= 0);
	assert_int_equal(http_server_requests(server), begun);
	BIO_free(socket_bio);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_handshake_of_ours),
		cmocka_unit_test(test_a_stalled_handshake_is_cut_off),
		cmocka_unit_test(test_renegotiation_is_refused),
		cmocka_unit_test(test_a_huge_chain_is_refused),
		cmocka_unit_test(test_a_close_without_notify_is_no_end),
		cmocka_unit_test(test_a_changed_record_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
