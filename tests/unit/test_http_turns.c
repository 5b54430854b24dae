/* test_http_turns.c - of requests that come at once short ones go before those that are long, and
 * all of these have their turn; over TLS as well.
 */
#include "http_server.h"
#include "tls_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

#define LONGS 5
#define LONG_BYTES 20000

/* Over TLS where ssl is set. */
struct client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static void client_open(struct client *client, struct http_server *server, bool is_tls)
{
	*client = (struct client){ .fd = client_connect(http_server_port(server)) };
	if (is_tls) {
		client->ctx = SSL_CTX_new(TLS_client_method());
		client->ssl = SSL_new(client->ctx);
		SSL_set_fd(client->ssl, client->fd);
		assert_int_equal(SSL_connect(client->ssl), 1);
	}
}

static void client_close(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->ctx);
	close(client->fd);
}

static void write_all(struct client *client, const char *bytes, size_t len)
{
	if (client->ssl != NULL) {
		assert_int_equal(SSL_write(client->ssl, bytes, (int)len), len);
	} else {
		client_send(client->fd, bytes, len);
	}
}

/* fill: all bytes of the body. */
static void ask(struct client *client, const char *path, char fill, size_t body_bytes)
{
	static char request[LONG_BYTES + 256];
	int head = snprintf(request, sizeof(request),
		"POST %s HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n", path, body_bytes);
	memset(request + head, fill, body_bytes);
	write_all(client, request, (size_t)head + body_bytes);
}

/* That its body came as it was sent; which request it was. */
static unsigned number_of(struct client *client, char fill, size_t body_bytes)
{
	char came[1024] = "", expected[64];
	size_t len = 0;
	unsigned number;
	while (strstr(came, "\r\n\r\n#") == NULL || came[len - 1] != '.') {
		char *room = came + len;
		int got = client->ssl != NULL ? SSL_read(client->ssl, room, (int)(1023 - len))
					      : (int)read(client->fd, room, 1023 - len);
		assert_true(got > 0);
		len += (size_t)got;
		came[len] = '\0';
	}
	number = (unsigned)strtoul(strstr(came, "\r\n\r\n#") + 5, NULL, 10);
	snprintf(expected, sizeof(expected), "\r\n\r\n#%u %zu %zu.", number, body_bytes,
		body_bytes * (unsigned char)fill);
	assert_non_null(strstr(came, expected));
	return number;
}

static void check_order(bool is_tls)
{
	struct tls_keys keys;
	struct client blocker, longs[LONGS], left, brief;
	tls_keys_make(&keys);
	const struct bd_http_tls_settings tls = { .cert = keys.server.cert,
		.key = keys.server.key };
	struct http_server *server = http_server_start_tls(NULL, is_tls ? &tls : NULL);

	client_open(&blocker, server, is_tls);
	for (size_t i = 0; i < LONGS; i++) {
		client_open(&longs[i], server, is_tls);
	}
	client_open(&left, server, is_tls);
	client_open(&brief, server, is_tls);
	ask(&blocker, "/busy-long", 'b', 0);
	http_server_wait_requests(server, 1);
	/* All of these are there when the loop looks again. */
	for (size_t i = 0; i < LONGS; i++) {
		ask(&longs[i], "/busy", (char)('a' + i), LONG_BYTES);
	}
	ask(&left, "/busy", 'l', LONG_BYTES);
	client_close(&left);
	ask(&brief, "/number", 's', 10);
	assert_int_equal(number_of(&blocker, 'b', 0), 1);
	/* What the kernel tells of first is read, whatever it is. */
	unsigned number = number_of(&brief, 's', 10), before = 0;
	for (size_t i = 0; i < LONGS; i++) {
		before += number_of(&longs[i], (char)('a' + i), LONG_BYTES) < number;
	}
	assert_in_range(number, 2, 3);
	assert_in_range(before, 0, 1);
	/* Nobody is forgotten: each may ask once more. */
	for (size_t i = 0; i < LONGS; i++) {
		ask(&longs[i], "/number", 'm', LONG_BYTES);
		number_of(&longs[i], 'm', LONG_BYTES);
		client_close(&longs[i]);
	}
	client_close(&blocker);
	client_close(&brief);
	assert_int_equal(http_server_nested(server), 0);
	http_server_stop(server);
	tls_keys_remove(&keys);
}

static void test_short_ones_go_first(void **state)
{
	(void)state;
	check_order(false);
}

static void test_short_ones_go_first_over_tls(void **state)
{
	(void)state;
	check_order(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_ones_go_first),
		cmocka_unit_test(test_short_ones_go_first_over_tls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
