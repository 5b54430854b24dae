/* test_http_leave.c - clients that leave before their answer, and such as only have nothing more to
 * say: the first are noticed, the others are answered, plain and over TLS.
 */
#include "http_server.h"
#include "tls_keys.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: t\r\n"
#define WATCHED "GET /watched HTTP/1.1\r\n" HOST "\r\n"
#define STREAM "GET /watched-stream HTTP/1.1\r\n" HOST "\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static int set_up(void **state)
{
	*state = http_server_start(NULL);
	return 0;
}

static int tear_down(void **state)
{
	unsigned nested = http_server_nested(*state);
	http_server_stop(*state);
	return nested == 0 ? 0 : -1;
}

/* Whose request the server has. */
static int ask(struct http_server *server, const char *request)
{
	unsigned before = http_server_requests(server);
	int fd = client_connect(http_server_port(server));
	client_say(fd, request);
	http_server_wait_requests(server, before + 1);
	return fd;
}

/* So that closing resets. */
static void make_abrupt(int fd)
{
	struct linger none = { .l_onoff = 1, .l_linger = 0 };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
}

static void test_who_leaves_is_noticed(void **state)
{
	static const char *const requests[] = { WATCHED, STREAM,
		/* What is pipelined behind it changes nothing. */
		WATCHED "GET /early HTTP/1.1\r\n" HOST "\r\n" };
	for (size_t i = 0; i < 2 * sizeof(requests) / sizeof(requests[0]); i++) {
		unsigned before = http_server_aborts(*state);
		int fd = ask(*state, requests[i / 2]);
		if (i % 2 == 1) {
			make_abrupt(fd);
		}
		close(fd);
		http_server_wait_aborts(*state, before + 1);
	}
}

/* So many lines wait that the rest of the body is not read; all that was sent has come. */
static void test_who_leaves_unread_is_noticed(void **state)
{
	static char some[20000];
	for (int is_abrupt = 0; is_abrupt < 2; is_abrupt++) {
		unsigned before = http_server_aborts(*state);
		int fd = ask(*state,
			"POST /watched-paused HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
		memset(some, 'a', sizeof(some));
		client_send(fd, some, sizeof(some));
		if (is_abrupt) {
			make_abrupt(fd);
		}
		close(fd);
		http_server_wait_aborts(*state, before + 1);
	}
}

/* More is pipelined than is kept of it. */
static void test_who_leaves_behind_a_pipeline_is_noticed(void **state)
{
	unsigned before = http_server_aborts(*state);
	int fd = ask(*state, WATCHED);
	for (int i = 0; i < 1200; i++) {
		client_say(fd, WATCHED);
	}
	close(fd);
	http_server_wait_aborts(*state, before + 1);
}

/* -- clients that only have nothing more to say -- */

/* Round trips of another client: what the server does by the clock it has done meanwhile. */
static void ask_beside(struct http_server *server, int times)
{
	for (int i = 0; i < times; i++) {
		int fd = client_connect(http_server_port(server));
		client_say(fd, "GET /later HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
		assert_non_null(client_read_end(fd, NULL));
		close(fd);
	}
}

static void test_half_closed_is_answered(void **state)
{
	(void)state;
	struct http_server *server = http_server_start(NULL);
	int fd = ask(server, WATCHED);
	shutdown(fd, SHUT_WR);
	/* It was sounded, is there, and is not sounded again. */
	assert_string_equal(client_read_until(fd, "\r\n\r\n"), CONTINUE);
	ask_beside(server, 5);
	http_server_drain(server);
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(answer, "\r\n\r\nheld"));
	assert_int_equal(http_server_aborts(server), 0);
	close(fd);
	http_server_stop(server);
}

static void test_half_closed_in_chunks_is_answered(void **state)
{
	(void)state;
	struct http_server *server = http_server_start(NULL);
	int fd = ask(server, STREAM);
	client_read_until(fd, "5\r\nfirst\r\n");
	shutdown(fd, SHUT_WR);
	assert_string_equal(client_read_until(fd, "0"), "0");
	http_server_drain(server);
	assert_string_equal(client_read_end(fd, NULL), "4\r\nheld\r\n0\r\n\r\n");
	assert_int_equal(http_server_aborts(server), 0);
	close(fd);
	http_server_stop(server);
}

/* HTTP/1.0 is not sent what it does not know. */
static void test_half_closed_1_0_is_answered(void **state)
{
	(void)state;
	struct http_server *server = http_server_start(NULL);
	int fd = ask(server, "GET /watched HTTP/1.0\r\n" HOST "\r\n");
	shutdown(fd, SHUT_WR);
	ask_beside(server, 20);
	http_server_drain(server);
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_int_equal(http_server_aborts(server), 0);
	close(fd);
	http_server_stop(server);
}

/* -- TLS -- */

struct tls_client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static struct http_server *start_tls(struct tls_keys *keys)
{
	tls_keys_make(keys);
	const struct bd_http_tls_settings tls = { .cert = keys->server.cert,
		.key = keys->server.key };
	return http_server_start_tls(NULL, &tls);
}

static void tls_ask(
	struct tls_client *client, struct http_server *server, int version, const char *request)
{
	unsigned before = http_server_requests(server);
	client->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(client->ctx, version);
	client->ssl = SSL_new(client->ctx);
	client->fd = client_connect(http_server_port(server));
	SSL_set_fd(client->ssl, client->fd);
	assert_int_equal(SSL_connect(client->ssl), 1);
	assert_int_equal(SSL_write(client->ssl, request, (int)strlen(request)), strlen(request));
	http_server_wait_requests(server, before + 1);
}

static void tls_leave(struct tls_client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->ctx);
	close(client->fd);
}

/* With a farewell and without; abruptly. */
static void test_who_leaves_tls_is_noticed(void **state)
{
	static const char *const requests[] = { WATCHED, STREAM };
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct tls_keys keys;
	struct tls_client client;
	(void)state;
	struct http_server *server = start_tls(&keys);
	for (unsigned i = 0; i < 12; i++) {
		tls_ask(&client, server, versions[i % 2], requests[i / 2 % 2]);
		if (i / 4 == 0) {
			SSL_shutdown(client.ssl);
		} else if (i / 4 == 1) {
			make_abrupt(client.fd);
		}
		tls_leave(&client);
		http_server_wait_aborts(server, i + 1);
	}
	assert_int_equal(http_server_nested(server), 0);
	http_server_stop(server);
	tls_keys_remove(&keys);
}

static void tls_read_until(char came[1024], struct tls_client *client, const char *text)
{
	size_t len = 0;
	int got = 1;
	came[0] = '\0';
	while (got > 0 && strstr(came, text) == NULL && len < 1023) {
		got = SSL_read(client->ssl, came + len, (int)(1023 - len));
		len += got > 0 ? (size_t)got : 0;
		came[len] = '\0';
	}
}

/* RFC 8446 section 6.1: close_notify is of one direction. Some end the TCP half alone. */
static void test_half_closed_tls_is_answered(void **state)
{
	char came[1024];
	struct tls_keys keys;
	struct tls_client client;
	(void)state;
	for (int is_polite = 0; is_polite < 2; is_polite++) {
		struct http_server *server = start_tls(&keys);
		tls_ask(&client, server, TLS1_3_VERSION, WATCHED);
		if (is_polite) {
			assert_int_equal(SSL_shutdown(client.ssl), 0);
		}
		shutdown(client.fd, SHUT_WR);
		tls_read_until(came, &client, "\r\n\r\n");
		assert_string_equal(came, CONTINUE);
		http_server_drain(server);
		tls_read_until(came, &client, "held");
		assert_int_equal(strncmp(came, "HTTP/1.1 200 ", 13), 0);
		assert_non_null(strstr(came, "held"));
		assert_int_equal(http_server_aborts(server), 0);
		tls_leave(&client);
		http_server_stop(server);
		tls_keys_remove(&keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_leaves_is_noticed),
		cmocka_unit_test(test_who_leaves_unread_is_noticed),
		cmocka_unit_test(test_who_leaves_behind_a_pipeline_is_noticed),
		cmocka_unit_test(test_half_closed_is_answered),
		cmocka_unit_test(test_half_closed_in_chunks_is_answered),
		cmocka_unit_test(test_half_closed_1_0_is_answered),
		cmocka_unit_test(test_who_leaves_tls_is_noticed),
		cmocka_unit_test(test_half_closed_tls_is_answered),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
