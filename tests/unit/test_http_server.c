/* test_http_server.c - the http layer over real sockets: framing, order, pauses, ends, hostile
 * heads. */
#include "http_server.h"

#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: t\r\n"
#define HOSTILE_LEAST 100

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

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;
	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
		count++;
	}
	return count;
}

static void test_keeps_the_connection(void **state)
{
	int fd = client_connect(http_server_port(*state));
	for (int i = 0; i < 3; i++) {
		client_say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
		const char *answer = client_read_until(fd, "\r\n\r\nabc");
		assert_non_null(strstr(answer, "HTTP/1.1 200 "));
		assert_non_null(strstr(answer, "Content-Length: 3\r\n"));
		assert_non_null(strstr(answer, "\r\nDate: "));
		assert_null(strstr(answer, "Connection: close"));
	}
	close(fd);
}

static void test_answers_a_pipeline_in_order(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n"
		       "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
		       "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		       "2\r\nde\r\n1;x=y\r\nf\r\n0\r\nTrailer: t\r\n\r\n"
		       "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_int_equal(count_of(answer, "HTTP/1.1 200 "), 4);
	const char *later = strstr(answer, "\r\n\r\nlater"), *abc = strstr(answer, "\r\n\r\nabc");
	const char *def = strstr(answer, "\r\n\r\ndef");
	assert_non_null(later);
	assert_true(abc > later && def > abc);
	assert_int_equal(count_of(answer, "Connection: close"), 1);
	close(fd);
}

/* Waits until the server has formed that many answers, counted by the marks it was asked for. */
static void wait_for_marks(struct http_server *server, unsigned count)
{
	while (http_server_marks(server) < count) {
		sched_yield();
	}
}

/* A round trip of another client: what the loop had to do before is done. */
static void ask_beside(struct http_server *server)
{
	int fd = client_connect(http_server_port(server));
	client_say(fd, "GET /early HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	assert_non_null(strstr(client_read_end(fd, NULL), "\r\n\r\nearly"));
	close(fd);
}

/* An answer leaves when what it waits for is safe, and not before; later ones wait for theirs. */
static void test_answers_wait_for_their_mark(void **state)
{
	char byte;
	int fd = client_connect(http_server_port(*state));
	unsigned marks = http_server_marks(*state);
	http_server_hold(*state, 5);
	client_say(fd, "GET /early HTTP/1.1\r\n" HOST "\r\n");
	wait_for_marks(*state, marks + 1);
	http_server_hold(*state, 0);
	ask_beside(*state);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	http_server_release(*state, 4);
	ask_beside(*state);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	http_server_release(*state, 5);
	assert_non_null(strstr(client_read_until(fd, "early"), "HTTP/1.1 200 "));
	/* The next one waits for more, and the connection goes on when that is there. */
	marks = http_server_marks(*state);
	http_server_hold(*state, 6);
	client_say(fd, "GET /early-stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	wait_for_marks(*state, marks + 1);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	http_server_release(*state, 6);
	assert_non_null(strstr(client_read_end(fd, NULL), "early"));
	http_server_hold(*state, 0);
	close(fd);
}

/* What will never be safe is never said. */
static void test_dropped_answers_are_not_sent(void **state)
{
	size_t len = 1;
	int fd = client_connect(http_server_port(*state));
	unsigned marks = http_server_marks(*state);
	http_server_hold(*state, 100);
	client_say(fd, "GET /early HTTP/1.1\r\n" HOST "\r\n");
	wait_for_marks(*state, marks + 1);
	http_server_hold(*state, 0);
	http_server_drop(*state);
	assert_non_null(client_read_end(fd, &len));
	assert_int_equal(len, 0);
	close(fd);
	ask_beside(*state);
}

static void test_any_cut_is_the_same(void **state)
{
	static const char request[] = "POST /echo HTTP/1.1\r\n" HOST
				      "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
				      "A\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n";
	for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
		int fd = client_connect(http_server_port(*state));
		client_send(fd, request, cut);
		usleep(300);
		client_send(fd, request + cut, sizeof(request) - 1 - cut);
		const char *answer = client_read_end(fd, NULL);
		assert_non_null(answer);
		assert_non_null(strstr(answer, "\r\n\r\n0123456789abc"));
		close(fd);
	}
}

static void test_a_large_body_comes_whole(void **state)
{
	size_t len = 3 << 20;
	char *body = malloc(len), head[128];
	for (size_t i = 0; i < len; i++) {
		body[i] = (char)('a' + i % 26);
	}
	int fd = client_connect(http_server_port(*state));
	snprintf(head, sizeof(head),
		"POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: %zu\r\n\r\n",
		len);
	client_say(fd, head);
	client_send(fd, body, len);
	size_t all;
	const char *answer = client_read_end(fd, &all);
	assert_non_null(answer);
	assert_true(all > len);
	assert_memory_equal(answer + all - len, body, len);
	free(body);
	close(fd);
}

static void test_continue_is_said_when_wanted(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		       "Content-Length: 2\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(client_read_until(fd, "\r\n\r\n"), "HTTP/1.1 100 "));
	client_say(fd, "ok");
	assert_non_null(strstr(client_read_end(fd, NULL), "\r\n\r\nok"));
	close(fd);
	/* Refused before the body: nothing invites it. */
	fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /early HTTP/1.1\r\n" HOST
		       "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	const char *answer = client_read_end(fd, NULL);
	assert_null(strstr(answer, "HTTP/1.1 100 "));
	assert_non_null(strstr(answer, "Connection: close\r\n"));
	close(fd);
}

/* RFC 9110 section 10.1.1: of HTTP/1.0 the expectation is ignored. */
static void test_http_1_0_gets_no_continue(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /paused HTTP/1.0\r\nExpect: 100-continue\r\n"
		       "Content-Length: 2\r\n\r\n");
	usleep(200000); /* for longer than the handler pauses */
	client_say(fd, "ok");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(strstr(answer, "\r\n\r\nok"));
	assert_null(strstr(answer, " 100 "));
	close(fd);
}

static void test_continue_waits_for_a_pause(void **state)
{
	struct timespec before, after;
	int fd = client_connect(http_server_port(*state));
	clock_gettime(CLOCK_MONOTONIC, &before);
	client_say(fd, "POST /paused HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		       "Content-Length: 2\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(client_read_until(fd, "\r\n\r\n"), "HTTP/1.1 100 "));
	clock_gettime(CLOCK_MONOTONIC, &after);
	int64_t waited =
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	assert_true(waited >= 90); /* the handler resumes after 100 ms */
	client_say(fd, "ok");
	assert_non_null(strstr(client_read_end(fd, NULL), "\r\n\r\nok"));
	close(fd);
}

static void test_a_pause_holds_the_body(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /paused HTTP/1.1\r\n" HOST
		       "Content-Length: 2\r\nConnection: close\r\n\r\nok");
	shutdown(fd, SHUT_WR); /* a client that has said all may close its half */
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "\r\n\r\nok"));
	close(fd);
}

static void test_streams_as_the_client_takes(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "GET /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	usleep(50000); /* its buffers fill */
	size_t all;
	const char *answer = client_read_end(fd, &all);
	assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
	assert_true(all > STREAM_BYTES);
	assert_string_equal(answer + all - 7, "\r\n0\r\n\r\n");
	close(fd);
}

/* A client that takes all at once does not keep the loop: others have their turn between. */
static void test_a_long_answer_lets_others_between(void **state)
{
	int fd = client_connect(http_server_port(*state));
	size_t all;
	client_say(fd, "GET /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	assert_non_null(client_read_end(fd, &all));
	assert_true(all > STREAM_BYTES);
	assert_int_equal(http_server_crowded(*state), 0);
	close(fd);
}

static void test_http_1_0_gets_no_chunks(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "GET /stream HTTP/1.0\r\n\r\n");
	size_t all;
	const char *answer = client_read_end(fd, &all), *body = strstr(answer, "\r\n\r\n");
	assert_null(strstr(answer, "Transfer-Encoding"));
	assert_non_null(body);
	assert_int_equal(all - (size_t)(body + 4 - answer), STREAM_BYTES);
	close(fd);
}

static void test_head_has_no_body(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "HEAD /early HTTP/1.1\r\n" HOST "\r\n"
		       "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(strstr(answer, "Content-Length: 5\r\n"));
	assert_null(strstr(answer, "early"));
	assert_int_equal(count_of(answer, "HTTP/1.1 200 "), 2);
	close(fd);
}

static void test_an_unread_body_ends_a_stream(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /early-stream HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n"
		       "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_int_equal(count_of(answer, "HTTP/1.1 "), 1);
	assert_non_null(strstr(answer, "5\r\nearly\r\n0\r\n\r\n"));
	close(fd);
}

/* The rest of an unwanted body must not be read as the next request. */
static void test_an_unread_body_ends_the_connection(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n"
		       "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_int_equal(count_of(answer, "HTTP/1.1 "), 1);
	assert_non_null(strstr(answer, "Connection: close\r\n"));
	close(fd);
}

/* Here whole, it is passed over and the connection goes on; what follows it is the next request. */
static void test_an_unread_body_that_is_here_is_passed_over(void **state)
{
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n"
		       "GET /none HTTP/1.1\r\n"
		       "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
		       "Connection: close\r\n\r\nnext");
	const char *answer = client_read_end(fd, NULL);
	assert_non_null(answer);
	assert_int_equal(count_of(answer, "HTTP/1.1 "), 2);
	assert_int_equal(count_of(answer, "Connection: close\r\n"), 1);
	assert_non_null(strstr(answer, "\r\n\r\nearly"));
	assert_non_null(strstr(answer, "\r\n\r\nnext"));
	close(fd);
}

static void test_a_client_that_goes_is_told(void **state)
{
	unsigned before = http_server_aborts(*state), begun = http_server_requests(*state);
	int fd = client_connect(http_server_port(*state));
	client_say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\nhalf");
	http_server_wait_requests(*state, begun + 1);
	close(fd);
	for (int i = 0; i < 500 && http_server_aborts(*state) == before; i++) {
		usleep(10000);
	}
	assert_int_equal(http_server_aborts(*state), before + 1);
}

static void test_a_drain_finishes_what_runs(void **state)
{
	(void)state;
	struct http_server *server = http_server_start(NULL);
	int idle = client_connect(http_server_port(server));
	int busy = client_connect(http_server_port(server));
	client_say(busy, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	http_server_wait_requests(server, 1);
	http_server_drain(server);
	const char *answer = client_read_end(busy, NULL);
	assert_non_null(strstr(answer, "\r\n\r\nlater"));
	assert_non_null(strstr(answer, "Connection: close\r\n"));
	assert_non_null(client_read_end(idle, NULL));
	close(idle);
	close(busy);
	http_server_stop(server);
}

/* -- hostile requests: each file is named CODE-WHAT, after the code of its refusal, or CODE+N-WHAT,
 * where N good requests stand before what is refused. What comes behind it is never answered, and
 * the connection ends. -- */

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *bytes = malloc(1 << 20);
	assert_non_null(file);
	*len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

/* Whether its recorded refusal came, and nothing else. */
static bool is_refused(
	unsigned port, const char *path, const char *code, unsigned good, size_t step)
{
	size_t len;
	char *bytes = read_file(path, &len), wanted[100];
	int fd = client_connect(port);
	for (size_t at = 0; at < len; at += step) {
		client_send(fd, bytes + at, len - at < step ? len - at : step);
	}
	shutdown(fd, SHUT_WR);
	const char *answer = client_read_end(fd, NULL);
	snprintf(wanted, sizeof(wanted), "\"code\":\"%s\"", code);
	bool is_good = answer != NULL && count_of(answer, wanted) == 1 &&
		       count_of(answer, "HTTP/1.1 200 ") == good &&
		       count_of(answer, "HTTP/1.1 ") == good + 1 &&
		       count_of(answer, "Connection: close\r\n") == 1;
	if (!is_good) {
		print_error("%s in steps of %zu: %.300s\n", path, step,
			answer != NULL ? answer : "no end");
	}
	free(bytes);
	close(fd);
	return is_good;
}

static void test_hostile_requests_are_refused(void **state)
{
	const char *srcdir = getenv("srcdir");
	char folder[4096], path[8192];
	unsigned count = 0, failed = 0;
	const struct dirent *entry;
	snprintf(folder, sizeof(folder), "%s/tests/hostile/http", srcdir != NULL ? srcdir : ".");
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char code[64], mark;
		unsigned good = 0;
		if (sscanf(entry->d_name, "%63[a-z._]%c%u-", code, &mark, &good) < 2 ||
			(mark != '-' && mark != '+')) {
			continue;
		}
		good = mark == '+' ? good : 0;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		failed += !is_refused(http_server_port(*state), path, code, good, 1 << 20);
		failed += !is_refused(http_server_port(*state), path, code, good, 1);
		count++;
	}
	closedir(dir);
	assert_int_equal(failed, 0);
	assert_true(count >= HOSTILE_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_the_connection),
		cmocka_unit_test(test_answers_a_pipeline_in_order),
		cmocka_unit_test(test_answers_wait_for_their_mark),
		cmocka_unit_test(test_dropped_answers_are_not_sent),
		cmocka_unit_test(test_any_cut_is_the_same),
		cmocka_unit_test(test_a_large_body_comes_whole),
		cmocka_unit_test(test_continue_is_said_when_wanted),
		cmocka_unit_test(test_continue_waits_for_a_pause),
		cmocka_unit_test(test_http_1_0_gets_no_continue),
		cmocka_unit_test(test_a_pause_holds_the_body),
		cmocka_unit_test(test_streams_as_the_client_takes),
		cmocka_unit_test(test_a_long_answer_lets_others_between),
		cmocka_unit_test(test_http_1_0_gets_no_chunks),
		cmocka_unit_test(test_head_has_no_body),
		cmocka_unit_test(test_an_unread_body_ends_the_connection),
		cmocka_unit_test(test_an_unread_body_that_is_here_is_passed_over),
		cmocka_unit_test(test_an_unread_body_ends_a_stream),
		cmocka_unit_test(test_a_client_that_goes_is_told),
		cmocka_unit_test(test_a_drain_finishes_what_runs),
		cmocka_unit_test(test_hostile_requests_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
