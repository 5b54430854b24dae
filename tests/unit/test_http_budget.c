/* test_http_budget.c - each time budget of a connection: who is late is told or closed, who is not
 * late is left alone. Only the order of events is asserted, never a speed.
 */
#include "base/limits.h"
#include "http_server.h"
#include "tls_keys.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: t\r\n"

static const struct bd_http_settings short_ones = { .header_ms = 300,
	.idle_ms = 900,
	.write_ms = 300,
	.body_grace_ms = 300,
	.body_rate_bytes = 1000 };

static int set_up(void **state)
{
	*state = http_server_start(&short_ones);
	return 0;
}

static int tear_down(void **state)
{
	http_server_stop(*state);
	return 0;
}

static void test_a_slow_head_is_told(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "GET /echo HTTP/1.1\r\nHo");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "HTTP/1.1 408 "));
	assert_non_null(strstr(answer, "\"code\":\"http.timeout\""));
	close(fd);
}

/* Idle for longer than a head may take: the next request has its whole time. */
static void test_idle_time_is_not_the_heads(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(client_read_until(fd, "\r\n\r\n"), "200"));
	usleep(500000);
	client_say(fd, "GET /echo HT");
	usleep(50000);
	client_say(fd, "TP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(client_read_until(fd, "\r\n\r\n"), "HTTP/1.1 200 "));
	close(fd);
}

static void test_an_idle_connection_is_closed_silently(void **state)
{
	int fd = client_connect(http_server_port(*state));
	size_t len;
	assert_non_null(client_read_end(fd, &len));
	assert_int_equal(len, 0);
	close(fd);
}

/* More than are looked at in one step of a tick: those behind them have their budgets too. */
static void test_everybody_has_a_budget(void **state)
{
	int waiting[2 * BD_HTTP_TICK_STEP], fd = client_connect(http_server_port(*state));
	size_t count = sizeof(waiting) / sizeof(waiting[0]);
	unsigned begun = http_server_requests(*state);
	client_say(fd, "GET /echo HTTP/1.1\r\nHo");
	for (size_t i = 0; i < count; i++) {
		waiting[i] = client_connect(http_server_port(*state));
		client_say(waiting[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	}
	http_server_wait_requests(*state, begun + (unsigned)count);
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "HTTP/1.1 408 "));
	close(fd);
	for (size_t i = 0; i < count; i++) {
		close(waiting[i]);
	}
}

static void test_a_slow_body_is_told(void **state)
{
	int fd = client_connect(http_server_port(*state));
	unsigned before = http_server_aborts(*state);
	client_say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9000\r\n\r\nfew");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "HTTP/1.1 408 "));
	assert_int_equal(http_server_aborts(*state), before + 1);
	close(fd);
}

/* While the handler has paused, and for longer than the grace, the client cannot be late. */
static void test_a_pause_is_not_the_clients_time(void **state)
{
	static char body[200000];
	char head[] = "POST /paused-long HTTP/1.1\r\n" HOST "Content-Length: 200000\r\n"
		      "Connection: close\r\n\r\n";
	int fd = client_connect(http_server_port(*state));
	client_say(fd, head);
	memset(body, 'a', sizeof(body));
	client_send(fd, body, sizeof(body));
	assert_non_null(strstr(client_read_end(fd, NULL), "HTTP/1.1 200 "));
	close(fd);
}

static void test_a_client_that_takes_nothing_is_closed(void **state)
{
	unsigned before = http_server_aborts(*state);
	int small = 4096, fd = client_connect(http_server_port(*state));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_say(fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 500 && http_server_aborts(*state) == before; i++) {
		usleep(10000);
	}
	assert_int_equal(http_server_aborts(*state), before + 1);
	close(fd);
}

/* -- TLS: a handshake has the time of a head, whatever an idle connection has -- */

static const struct bd_http_settings patient_when_idle = { .header_ms = 300, .idle_ms = 60000 };

static struct http_server *start_tls(struct tls_keys *keys)
{
	tls_keys_make(keys);
	const struct bd_http_tls_settings tls = { .cert = keys->server.cert,
		.key = keys->server.key };
	return http_server_start_tls(&patient_when_idle, &tls);
}

/* A byte now and then is not taking it: the answer's rate counts, and what is in the kernel is
 * dropped. */
static void test_a_client_that_takes_too_little_is_closed(void **state)
{
	/* It takes some 80 KB a second, and never pauses for long. */
	static const struct bd_http_settings patient = { .write_ms = 600,
		.write_rate_bytes = 1000000 };
	struct http_server *server = http_server_start(&patient);
	static char bytes[65536];
	int small = 4096;
	size_t all = 0;
	ssize_t got = 1;
	(void)state;
	int fd = client_connect(http_server_port(server));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_say(fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 500 && http_server_aborts(server) == 0; i++) {
		got = recv(fd, bytes, 4096, 0);
		all += got > 0 ? (size_t)got : 0;
		usleep(50000);
	}
	assert_int_equal(http_server_aborts(server), 1);
	/* What its own machine has of it, and then no more. */
	while (got > 0) {
		got = recv(fd, bytes, sizeof(bytes), 0);
		all += got > 0 ? (size_t)got : 0;
	}
	assert_int_equal(errno, ECONNRESET);
	assert_true(all > 0 && all < STREAM_BYTES);
	close(fd);
	http_server_stop(server);
}

static void test_a_stalled_handshake_is_closed(void **state)
{
	/* Nothing at all, and the first bytes of a ClientHello (RFC 8446 section 5.1). */
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00";
	const size_t lens[] = { 0, sizeof(hello) - 1 };
	struct tls_keys keys;
	(void)state;
	struct http_server *server = start_tls(&keys);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len;
		int fd = client_connect(http_server_port(server));
		client_send(fd, hello, lens[i]);
		assert_non_null(client_read_end(fd, &len));
		assert_int_equal(len, 0);
		close(fd);
	}
	http_server_stop(server);
	tls_keys_remove(&keys);
}

static void test_a_handshake_done_is_idle_time(void **state)
{
	char answer[1024] = "";
	struct tls_keys keys;
	(void)state;
	struct http_server *server = start_tls(&keys);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	int fd = client_connect(http_server_port(server));
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	usleep(700000);
	assert_int_equal(SSL_write(ssl, "GET /early HTTP/1.1\r\n" HOST "\r\n", 32), 32);
	assert_true(SSL_read(ssl, answer, sizeof(answer) - 1) > 0);
	assert_non_null(strstr(answer, "HTTP/1.1 200 "));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	http_server_stop(server);
	tls_keys_remove(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_slow_head_is_told),
		cmocka_unit_test(test_idle_time_is_not_the_heads),
		cmocka_unit_test(test_an_idle_connection_is_closed_silently),
		cmocka_unit_test(test_everybody_has_a_budget),
		cmocka_unit_test(test_a_slow_body_is_told),
		cmocka_unit_test(test_a_pause_is_not_the_clients_time),
		cmocka_unit_test(test_a_client_that_takes_nothing_is_closed),
		cmocka_unit_test(test_a_client_that_takes_too_little_is_closed),
		cmocka_unit_test(test_a_stalled_handshake_is_closed),
		cmocka_unit_test(test_a_handshake_done_is_idle_time),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
