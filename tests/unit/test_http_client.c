/* test_http_client.c - the outbound client against our own server, and against others that do what
 * no server should. Only loopback; what is slow is slow for ever, so no limit is a race.
 */
#include "http/client.h"

#include "base/clock.h"
#include "http_server.h"
#include "tls_keys.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
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

#define LARGE_BYTES ((size_t)3 << 20)

struct fixture {
	struct tls_keys keys;
	struct http_server *plain;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	tls_keys_make(&fixture->keys);
	fixture->plain = http_server_start(NULL);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	http_server_stop(fixture->plain);
	tls_keys_remove(&fixture->keys);
	free(fixture);
	return 0;
}

/* -- one request, start to end -- */

static struct bd_http_answer answer;
static struct bd_diag diag;

static enum bd_code ask_with(
	const struct bd_http_client_settings *settings, const struct bd_http_request *request)
{
	struct bd_http_client *client = NULL;
	bd_diag_clear(&diag);
	assert_int_equal(bd_http_client_new(&client, settings, &diag), BD_OK);
	enum bd_code code = bd_http_client_ask(client, &answer, request, &diag);
	bd_http_client_free(client);
	assert_int_equal(diag.code, code);
	if (code != BD_OK) {
		assert_int_equal(answer.body.len, 0);
	}
	return code;
}

static const char *url(const char *scheme, unsigned port, const char *path)
{
	static char text[128];
	snprintf(text, sizeof(text), "%s://127.0.0.1:%u%s", scheme, port, path);
	return text;
}

static const struct bd_http_client_settings plain = { .is_plaintext_allowed = true,
	.total_ms = 20000 };

static enum bd_code get(
	const struct bd_http_client_settings *settings, unsigned port, const char *path)
{
	const struct bd_http_request request = { .method = "GET", .url = url("http", port, path) };
	return ask_with(settings, &request);
}

static enum bd_code get_tls(
	const struct bd_http_client_settings *settings, unsigned port, const char *path)
{
	const struct bd_http_request request = { .method = "GET", .url = url("https", port, path) };
	return ask_with(settings, &request);
}

static int clear_answer(void **state)
{
	(void)state;
	bd_buf_release(&answer.body);
	memset(&answer, 0, sizeof(answer));
	bd_buf_init(&answer.body, (size_t)16 << 20);
	return 0;
}

static void assert_body(const char *text)
{
	assert_int_equal(answer.body.len, strlen(text));
	assert_memory_equal(answer.body.ptr, text, strlen(text));
}

static unsigned port_of(void **state)
{
	struct fixture *fixture = *state;
	return http_server_port(fixture->plain);
}

static void test_an_answer_comes_whole(void **state)
{
	assert_int_equal(get(&plain, port_of(state), "/early"), BD_OK);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.content_type, "");
	assert_body("early");
	/* A refusal is an answer. */
	assert_int_equal(get(&plain, port_of(state), "/a/../b"), BD_OK);
	assert_int_equal(answer.status, 400);
	assert_string_equal(answer.content_type, "application/problem+json");
}

static void test_bytes_are_sent(void **state)
{
	const struct bd_http_header headers[] = { { "Bidui-Purpose", "\xe6\xb5\x8b" },
		{ "Bidui-Case", "" }, { NULL, NULL } };
	const struct bd_http_request request = { .method = "POST",
		.url = url("http", port_of(state), "/echo"),
		.headers = headers,
		.bytes = { "a\0b", 3 } };
	assert_int_equal(ask_with(&plain, &request), BD_OK);
	assert_int_equal(answer.body.len, 3);
	assert_memory_equal(answer.body.ptr, "a\0b", 3);
}

/* -- a body given piece by piece -- */

struct pieces {
	struct bd_http_body body; /* first */
	size_t given, end;        /* `end` bytes there are, whatever body.len says */
	bool is_broken;           /* says -1 at the end */
	uint64_t sent, received;
	bool is_backwards;
};

static ptrdiff_t give(struct bd_http_body *body, char *out, size_t room)
{
	struct pieces *pieces = (struct pieces *)body;
	size_t len = pieces->end - pieces->given < room ? pieces->end - pieces->given : room;
	len = len > 10007 ? 10007 : len; /* never what is asked for */
	if (len == 0 && pieces->is_broken) {
		return -1;
	}
	for (size_t i = 0; i < len; i++) {
		out[i] = (char)('a' + (pieces->given + i) % 26);
	}
	pieces->given += len;
	return (ptrdiff_t)len;
}

static void on_progress(struct bd_http_body *body, uint64_t sent, uint64_t received)
{
	struct pieces *pieces = (struct pieces *)body;
	pieces->is_backwards |= sent < pieces->sent || received < pieces->received;
	pieces->sent = sent;
	pieces->received = received;
}

static enum bd_code post_pieces(struct pieces *pieces, unsigned port)
{
	const struct bd_http_request request = {
		.method = "POST", .url = url("http", port, "/echo"), .body = &pieces->body
	};
	return ask_with(&plain, &request);
}

static void check_echo(size_t len)
{
	assert_int_equal(answer.body.len, len);
	for (size_t i = 0; i < len; i++) {
		assert_true(answer.body.ptr[i] == (char)('a' + i % 26));
	}
}

static void test_a_large_body_is_streamed_with_progress(void **state)
{
	struct pieces pieces = { .body = { give, on_progress, (int64_t)LARGE_BYTES },
		.end = LARGE_BYTES };
	assert_int_equal(post_pieces(&pieces, port_of(state)), BD_OK);
	check_echo(LARGE_BYTES);
	assert_int_equal(pieces.sent, LARGE_BYTES);
	assert_int_equal(pieces.received, LARGE_BYTES);
	assert_false(pieces.is_backwards);
}

static void test_a_body_of_unknown_length_is_sent_in_chunks(void **state)
{
	struct pieces pieces = { .body = { give, NULL, -1 }, .end = LARGE_BYTES };
	assert_int_equal(post_pieces(&pieces, port_of(state)), BD_OK);
	check_echo(LARGE_BYTES);
	struct pieces none = { .body = { give, NULL, -1 } };
	assert_int_equal(post_pieces(&none, port_of(state)), BD_OK);
	check_echo(0);
}

static void test_no_more_than_stated_is_sent(void **state)
{
	struct pieces pieces = { .body = { give, NULL, 5 }, .end = 50 };
	assert_int_equal(post_pieces(&pieces, port_of(state)), BD_OK);
	check_echo(5);
}

/* The server must not take a part for the whole. */
static void test_a_body_that_ends_early_breaks_off(void **state)
{
	struct fixture *fixture = *state;
	const struct pieces cases[] = {
		{ .body = { give, NULL, (int64_t)LARGE_BYTES }, .end = LARGE_BYTES / 2 },
		{ .body = { give, NULL, -1 }, .end = LARGE_BYTES / 2, .is_broken = true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pieces pieces = cases[i];
		unsigned before = http_server_aborts(fixture->plain);
		assert_int_equal(post_pieces(&pieces, port_of(state)), BD_IO);
		for (int wait = 0; wait < 500 && http_server_aborts(fixture->plain) == before;
			wait++) {
			usleep(10000);
		}
		assert_int_equal(http_server_aborts(fixture->plain), before + 1);
	}
}

/* -- limits -- */

static void test_a_redirect_is_refused(void **state)
{
	assert_int_equal(get(&plain, port_of(state), "/redirect"), BD_CONNECT_REDIRECT);
	assert_string_equal(diag.detail, "HTTP 302");
}

static void test_an_answer_over_the_limit_is_refused(void **state)
{
	bd_buf_release(&answer.body);
	bd_buf_init(&answer.body, STREAM_BYTES);
	assert_int_equal(get(&plain, port_of(state), "/stream"), BD_OK);
	assert_int_equal(answer.body.len, STREAM_BYTES);
	bd_buf_release(&answer.body);
	bd_buf_init(&answer.body, STREAM_BYTES - 1);
	assert_int_equal(get(&plain, port_of(state), "/stream"), BD_CONNECT_ANSWER_SIZE);
}

static void test_a_slow_answer_times_out(void **state)
{
	const struct bd_http_client_settings all = { .is_plaintext_allowed = true,
		.total_ms = 100 };
	const struct bd_http_client_settings idle = { .is_plaintext_allowed = true,
		.idle_ms = 100 };
	assert_int_equal(get(&all, port_of(state), "/hold"), BD_CONNECT_TIMEOUT);
	assert_int_equal(get(&idle, port_of(state), "/hold"), BD_CONNECT_TIMEOUT);
}

/* Long before the client's own would be over. */
static void test_a_request_may_have_less_time(void **state)
{
	const struct bd_http_request request = {
		.method = "GET", .url = url("http", port_of(state), "/hold"), .idle_ms = 100
	};
	int64_t begun_ms = bd_clock_monotonic_ms();

	assert_int_equal(ask_with(&plain, &request), BD_CONNECT_TIMEOUT);
	assert_true(bd_clock_monotonic_ms() - begun_ms < (int64_t)plain.total_ms / 2);
}

/* -- who may be called -- */

struct watch {
	struct bd_http_guard guard; /* first */
	bool is_open;
	unsigned asked, loopback;
};

static bool may_connect(struct bd_http_guard *guard, const struct sockaddr *address)
{
	struct watch *watch = (struct watch *)guard;
	const struct sockaddr_in *four = (const void *)address;
	const struct sockaddr_in6 *six = (const void *)address;
	watch->asked++;
	watch->loopback += address->sa_family == AF_INET
				   ? four->sin_addr.s_addr == htonl(INADDR_LOOPBACK)
				   : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	return watch->is_open;
}

static void test_the_guard_sees_each_address(void **state)
{
	struct watch watch = { .guard = { may_connect } };
	const struct bd_http_client_settings guarded = {
		.is_plaintext_allowed = true, .guard = &watch.guard, .total_ms = 20000
	};
	char named[64];
	assert_int_equal(get(&guarded, port_of(state), "/early"), BD_CONNECT_ADDRESS);
	assert_int_equal(watch.asked, 1);
	/* A name is shown as what it resolves to. */
	snprintf(named, sizeof(named), "http://localhost:%u/early", port_of(state));
	const struct bd_http_request request = { .method = "GET", .url = named };
	assert_int_equal(ask_with(&guarded, &request), BD_CONNECT_ADDRESS);
	assert_true(watch.asked >= 2);
	assert_int_equal(watch.loopback, watch.asked);
	watch.is_open = true;
	assert_int_equal(ask_with(&guarded, &request), BD_OK);
	assert_body("early");
}

static void test_only_https_unless_said_otherwise(void **state)
{
	const char *urls[] = { url("http", port_of(state), "/early"), "file:///etc/passwd",
		"ftp://127.0.0.1/", "127.0.0.1", "" };
	const struct bd_http_client_settings strict = { .total_ms = 20000 };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct bd_http_request request = { .method = "GET", .url = urls[i] };
		assert_int_equal(ask_with(&strict, &request), BD_CONFIG_MEANING);
		if (i > 0) {
			assert_int_equal(ask_with(&plain, &request), BD_CONFIG_MEANING);
		}
	}
}

static void test_a_header_cannot_hold_a_line_break(void **state)
{
	const struct bd_http_header headers[] = { { "Bidui-Case", "1\r\nBidui-Operator: x" },
		{ NULL, NULL } };
	const struct bd_http_request request = {
		.method = "GET", .url = url("http", port_of(state), "/early"), .headers = headers
	};
	assert_int_equal(ask_with(&plain, &request), BD_CONFIG_MEANING);
}

static void test_the_environment_names_no_proxy(void **state)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	enum bd_code code = get(&plain, port_of(state), "/early");
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(code, BD_OK);
}

/* A port that is ours and that nobody listens on. */
static void test_nobody_there(void **state)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	assert_int_equal(get(&plain, ntohs(where.sin_port), "/"), BD_CONNECT);
	assert_non_null(strstr(diag.detail, "127.0.0.1"));
	close(fd);
}

/* -- TLS -- */

static struct http_server *start_tls(
	const struct fixture *fixture, const struct tls_pair *pair, bool is_client_required)
{
	const struct bd_http_tls_settings tls = { .cert = pair->cert,
		.key = pair->key,
		.ca = fixture->keys.ca.cert,
		.is_client_required = is_client_required };
	return http_server_start_tls(NULL, &tls);
}

static struct bd_http_client_settings trusting(
	const struct tls_pair *ca, const struct tls_pair *own)
{
	struct bd_http_client_settings settings = { .ca = ca->cert, .total_ms = 20000 };
	if (own != NULL) {
		settings.cert = own->cert;
		settings.key = own->key;
	}
	return settings;
}

static void test_tls_with_and_without_a_certificate(void **state)
{
	struct fixture *fixture = *state;
	struct http_server *server = start_tls(fixture, &fixture->keys.server, false);
	unsigned port = http_server_port(server);
	struct bd_http_client_settings settings = trusting(&fixture->keys.ca, NULL);
	assert_int_equal(get_tls(&settings, port, "/who"), BD_OK);
	assert_body("-");
	settings = trusting(&fixture->keys.ca, &fixture->keys.client);
	assert_int_equal(get_tls(&settings, port, "/who"), BD_OK);
	assert_body("client");
	http_server_stop(server);
}

static void test_a_server_that_is_not_trusted(void **state)
{
	struct fixture *fixture = *state;
	const struct tls_keys *keys = &fixture->keys;
	const struct {
		const struct tls_pair *server, *ca;
		enum bd_code code;
	} cases[] = {
		{ &keys->server, &keys->other_ca, BD_CONNECT_CERTIFICATE_ISSUER },
		{ &keys->elsewhere, &keys->ca, BD_CONNECT_CERTIFICATE_NAME },
		{ &keys->expired, &keys->ca, BD_CONNECT_CERTIFICATE_EXPIRED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_server *server = start_tls(fixture, cases[i].server, false);
		struct bd_http_client_settings settings = trusting(cases[i].ca, &keys->client);
		assert_int_equal(
			get_tls(&settings, http_server_port(server), "/who"), cases[i].code);
		http_server_stop(server);
	}
}

static void test_a_certificate_that_they_refuse(void **state)
{
	struct fixture *fixture = *state;
	struct http_server *server = start_tls(fixture, &fixture->keys.server, true);
	const struct {
		const struct tls_pair *own;
		enum bd_code code;
	} cases[] = {
		{ &fixture->keys.stranger, BD_CONNECT_OWN_ISSUER },
		{ &fixture->keys.expired, BD_CONNECT_OWN_EXPIRED },
		{ NULL, BD_CONNECT_OWN_MISSING },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bd_http_client_settings settings = trusting(&fixture->keys.ca, cases[i].own);
		assert_int_equal(
			get_tls(&settings, http_server_port(server), "/who"), cases[i].code);
	}
	http_server_stop(server);
}

/* Whoever asks for the pass phrase gets it here, and the key would be used. */
static void say_the_pass_phrase(void)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "secret\n", 7), 7);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
}

static void test_files_that_cannot_be_used(void **state)
{
	struct fixture *fixture = *state;
	const struct tls_keys *keys = &fixture->keys;
	struct http_server *server = start_tls(fixture, &keys->server, false);
	const struct bd_http_client_settings cases[] = {
		{ .ca = "/nonexistent/ca.crt" },
		{ .ca = keys->client.key },
		{ .ca = keys->ca.cert, .cert = "/nonexistent/client.crt", .key = keys->client.key },
		{ .ca = keys->ca.cert,
			.cert = keys->client.cert,
			.key = "/nonexistent/client.key" },
		{ .ca = keys->ca.cert, .cert = keys->client.cert, .key = keys->stranger.key },
		{ .ca = keys->ca.cert, .cert = keys->client.cert }, /* holds no key */
		{ .ca = keys->ca.cert,
			.cert = keys->client.cert,
			.key = keys->key_with_pass_phrase },
	};
	say_the_pass_phrase();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum bd_code code = get_tls(&cases[i], http_server_port(server), "/who");
		if (code != BD_CONFIG_REFERENCE) {
			fail_msg("case %zu: %s %s", i, bd_code_info(code)->text, diag.detail);
		}
	}
	http_server_stop(server);
}

static void test_tls_to_a_plain_port_and_back(void **state)
{
	struct fixture *fixture = *state;
	struct http_server *server = start_tls(fixture, &fixture->keys.server, false);
	struct bd_http_client_settings settings = trusting(&fixture->keys.ca, NULL);
	assert_int_equal(get_tls(&settings, port_of(state), "/who"), BD_CONNECT);
	assert_int_equal(get(&plain, http_server_port(server), "/who"), BD_CONNECT_BROKEN);
	http_server_stop(server);
}

/* -- servers that do what none should -- */

struct odd_server {
	const char *says; /* after a request's head; then it closes */
	size_t repeat;    /* so often; SIZE_MAX = until the client has gone */
	bool is_mute;     /* accepts and says nothing until the client has gone */
	SSL_CTX *tls;     /* NULL = plain */
	int listening;
	unsigned port;
	pthread_t thread;
};

static void read_head(int fd)
{
	char bytes[4096];
	size_t len = 0;
	ssize_t got = 1;
	while (got > 0 && len + 1 < sizeof(bytes)) {
		got = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
		len += got > 0 ? (size_t)got : 0;
		bytes[len] = 0;
		if (strstr(bytes, "\r\n\r\n") != NULL) {
			return;
		}
	}
}

static void *serve(void *state)
{
	struct odd_server *server = state;
	char byte;
	int fd = accept(server->listening, NULL, NULL);
	if (server->is_mute) {
		while (recv(fd, &byte, 1, 0) > 0) {
		}
	} else if (server->tls != NULL) {
		SSL *ssl = SSL_new(server->tls);
		SSL_set_fd(ssl, fd);
		SSL_accept(ssl);
		SSL_free(ssl);
	} else {
		bool is_there = true;
		read_head(fd);
		for (size_t i = 0; i < server->repeat && is_there; i++) {
			is_there = send(fd, server->says, strlen(server->says), MSG_NOSIGNAL) > 0;
		}
	}
	close(fd);
	return NULL;
}

static void start_odd(struct odd_server *server)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(where);
	server->listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listening, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(server->listening, 1), 0);
	assert_int_equal(getsockname(server->listening, (struct sockaddr *)&where, &len), 0);
	server->port = ntohs(where.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop_odd(struct odd_server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listening);
	SSL_CTX_free(server->tls);
}

static enum bd_code get_odd(const char *says, size_t repeat)
{
	struct odd_server server = { .says = says, .repeat = repeat };
	start_odd(&server);
	enum bd_code code = get(&plain, server.port, "/");
	stop_odd(&server);
	return code;
}

static void test_broken_answers(void **state)
{
	const char *cases[] = {
		"",
		"hello\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum bd_code code = get_odd(cases[i], 1);
		if (code != BD_CONNECT_BROKEN) {
			fail_msg("case %zu: %s %s", i, bd_code_info(code)->text, diag.detail);
		}
	}
}

static void test_an_endless_head_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
		get_odd("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n", SIZE_MAX), BD_CONNECT_ANSWER_SIZE);
}

static void test_a_coded_answer_is_not_opened(void **state)
{
	(void)state;
	assert_int_equal(get_odd("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
				 "Content-Length: 3\r\n\r\nabc",
				 1),
		BD_OK);
	assert_body("abc");
}

static void test_what_libcurl_says_is_made_printable(void **state)
{
	(void)state;
	assert_int_equal(get_odd("HTTP/1.1 2\x1b[31m\x07 OK\r\n\r\n", 1), BD_CONNECT_BROKEN);
	for (const char *at = diag.detail; *at != '\0'; at++) {
		assert_in_range((unsigned char)*at, ' ', '~');
	}
}

static void test_a_handshake_that_never_ends(void **state)
{
	struct fixture *fixture = *state;
	struct odd_server server = { .is_mute = true };
	struct bd_http_client_settings settings = trusting(&fixture->keys.ca, NULL);
	settings.connect_ms = 100;
	start_odd(&server);
	int64_t before = bd_clock_monotonic_ms();
	assert_int_equal(get_tls(&settings, server.port, "/"), BD_CONNECT_TIMEOUT);
	/* By this limit, not by that of the whole. */
	assert_true(bd_clock_monotonic_ms() - before < (int64_t)settings.total_ms);
	stop_odd(&server);
}

/* Without AEAD nothing is agreed on. */
static void test_old_cipher_suites_are_not_spoken(void **state)
{
	struct fixture *fixture = *state;
	struct odd_server server = { .tls = SSL_CTX_new(TLS_server_method()) };
	struct bd_http_client_settings settings = trusting(&fixture->keys.ca, NULL);
	assert_int_equal(SSL_CTX_set_max_proto_version(server.tls, TLS1_2_VERSION), 1);
	assert_int_equal(SSL_CTX_set_cipher_list(server.tls, "ECDHE-ECDSA-AES256-SHA"), 1);
	assert_int_equal(SSL_CTX_use_certificate_file(
				 server.tls, fixture->keys.server.cert, SSL_FILETYPE_PEM),
		1);
	assert_int_equal(
		SSL_CTX_use_PrivateKey_file(server.tls, fixture->keys.server.key, SSL_FILETYPE_PEM),
		1);
	start_odd(&server);
	assert_int_equal(get_tls(&settings, server.port, "/"), BD_CONNECT_TLS);
	stop_odd(&server);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_answer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_answer_comes_whole),
		TEST(test_bytes_are_sent),
		TEST(test_a_large_body_is_streamed_with_progress),
		TEST(test_a_body_of_unknown_length_is_sent_in_chunks),
		TEST(test_no_more_than_stated_is_sent),
		TEST(test_a_body_that_ends_early_breaks_off),
		TEST(test_a_redirect_is_refused),
		TEST(test_an_answer_over_the_limit_is_refused),
		TEST(test_a_slow_answer_times_out),
		TEST(test_a_request_may_have_less_time),
		TEST(test_the_guard_sees_each_address),
		TEST(test_only_https_unless_said_otherwise),
		TEST(test_a_header_cannot_hold_a_line_break),
		TEST(test_the_environment_names_no_proxy),
		TEST(test_nobody_there),
		TEST(test_tls_with_and_without_a_certificate),
		TEST(test_a_server_that_is_not_trusted),
		TEST(test_a_certificate_that_they_refuse),
		TEST(test_files_that_cannot_be_used),
		TEST(test_tls_to_a_plain_port_and_back),
		TEST(test_broken_answers),
		TEST(test_an_endless_head_is_refused),
		TEST(test_a_coded_answer_is_not_opened),
		TEST(test_what_libcurl_says_is_made_printable),
		TEST(test_a_handshake_that_never_ends),
		TEST(test_old_cipher_suites_are_not_spoken),
	};
	int failed = cmocka_run_group_tests(tests, set_up, tear_down);
	bd_buf_release(&answer.body);
	return failed;
}
