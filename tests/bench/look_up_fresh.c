/* look_up_fresh.c - comparisons that the store can answer, at a fixed rate, each with its time.
 *
 *     look_up_fresh PORT TLS-FOLDER CASE-FILE RATE SECONDS READY-FILE
 *
 * The one case again and again, over eight connections, TLS with a client certificate: due at even
 * distances, its time counted from when it was due, not from when it left (a slow server is not
 * asked less), until SECONDS are over or it is told to end (SIGTERM). READY-FILE is made when it
 * has begun. One thread, which sleeps in between: to be run above all others, since in life it has
 * a machine of its own. Prints a line for each: when it was due (CLOCK_MONOTONIC, ns), its time,
 * how late it was sent, both in microseconds, and 1 when the host left the processors alone in that
 * second (windows.h), 0 when it did not; separated by tabs. What was due in a second that is not
 * over is not printed. Exit 1 when an answer was not a pass, or came from a look-up.
 */
#include "load.h"
#include "now.h"
#include "windows.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#define CONNECTIONS 8
#define SAMPLES_MAX 200000

struct sample {
	int64_t due_ns;
	uint32_t time_us, late_us;
};

struct fresh {
	SSL_CTX *tls;
	int epoll;
	struct load_connection connections[CONNECTIONS];
	struct load_request request;
	char head[512];
	unsigned ready;
	int64_t begin_ns, step_ns;
	size_t sent, wrong;
	struct windows windows;
	struct sample samples[SAMPLES_MAX];
	size_t sample_count;
};

static volatile sig_atomic_t is_over;

static void on_end(int number)
{
	(void)number;
	is_over = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "look_up_fresh: %s\n", what);
	exit(1);
}

static void make_request(struct fresh *fresh, const char *path)
{
	FILE *file = fopen(path, "rb");
	static char *text;
	size_t cap = 0;
	ssize_t len = file != NULL ? getdelim(&text, &cap, '\0', file) : -1;

	if (len <= 0) {
		fail(path);
	}
	fclose(file);
	fresh->request = (struct load_request){ .head = fresh->head,
		.head_len = (size_t)snprintf(fresh->head, sizeof(fresh->head),
			"POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
			"application/json\r\nBidui-Purpose: verification\r\n"
			"Content-Length: %zd\r\n\r\n",
			len),
		.body = text,
		.body_len = (size_t)len };
}

static void watch(const struct fresh *fresh, struct load_connection *connection, int operation)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

	event.events |= connection->wants_write ? EPOLLOUT : 0;
	if (epoll_ctl(fresh->epoll, operation, connection->fd, &event) != 0) {
		fail("epoll");
	}
}

static void note(struct fresh *fresh, const struct load_connection *connection, int status)
{
	int64_t now = now_ns();

	if (fresh->sample_count < SAMPLES_MAX) {
		fresh->samples[fresh->sample_count++] =
			(struct sample){ .due_ns = connection->begin_ns,
				.time_us = (uint32_t)((now - connection->begin_ns) / 1000),
				.late_us = (uint32_t)(connection->late_ns / 1000) };
	}
	if (status != 200 || strstr(connection->in, "\"decision\":\"pass\"") == NULL ||
		strstr(connection->in, "\"look_ups\"") != NULL) {
		fresh->wrong++;
	}
}

static void advance(struct fresh *fresh, struct load_connection *connection)
{
	int status = 0;
	size_t bytes = 0;
	bool wanted = connection->wants_write;
	enum load_step step = load_advance(connection, &status, &bytes);

	if (step == LOAD_STEP_CLOSED) {
		fail("a connection was closed");
	}
	fresh->ready += step == LOAD_STEP_READY;
	if (step == LOAD_STEP_ANSWERED) {
		note(fresh, connection, status);
	}
	if (connection->wants_write != wanted) {
		watch(fresh, connection, EPOLL_CTL_MOD);
	}
}

static void poll_once(struct fresh *fresh, int64_t wait_ns)
{
	struct epoll_event events[CONNECTIONS];
	struct timespec wait = { .tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S };
	int got = epoll_pwait2(fresh->epoll, events, CONNECTIONS, wait_ns < 0 ? NULL : &wait, NULL);

	for (int i = 0; i < got; i++) {
		advance(fresh, events[i].data.ptr);
	}
}

static void connect_all(struct fresh *fresh, unsigned port)
{
	int64_t end_ns = now_ns() + 10 * NS_PER_S;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		if (!load_open(&fresh->connections[i], port, fresh->tls)) {
			fail("connect");
		}
		watch(fresh, &fresh->connections[i], EPOLL_CTL_ADD);
	}
	while (fresh->ready < CONNECTIONS && now_ns() < end_ns) {
		poll_once(fresh, NS_PER_S / 10);
	}
	if (fresh->ready < CONNECTIONS) {
		fail("not all can connect");
	}
}

static int64_t due_ns(const struct fresh *fresh)
{
	return fresh->begin_ns + (int64_t)fresh->sent * fresh->step_ns;
}

/* NULL = all wait for their answers. They take turns, so that all loops are asked. */
static struct load_connection *find_idle(struct fresh *fresh)
{
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct load_connection *connection =
			&fresh->connections[(fresh->sent + i) % CONNECTIONS];

		if (connection->state == LOAD_IDLE) {
			return connection;
		}
	}
	return NULL;
}

static void ask_due(struct fresh *fresh)
{
	struct load_connection *connection;
	int64_t now;

	while ((now = now_ns()) >= due_ns(fresh) && (connection = find_idle(fresh)) != NULL) {
		bool wanted = connection->wants_write;

		if (load_send(connection, &fresh->request, due_ns(fresh)) == LOAD_STEP_CLOSED) {
			fail("a connection was closed while it was asked");
		}
		connection->late_ns = now - due_ns(fresh);
		fresh->sent++;
		if (connection->wants_write != wanted) {
			watch(fresh, connection, EPOLL_CTL_MOD);
		}
	}
}

static void run(struct fresh *fresh, unsigned seconds)
{
	int64_t end_ns;

	fresh->begin_ns = now_ns();
	end_ns = fresh->begin_ns + seconds * NS_PER_S;
	windows_begin(&fresh->windows, fresh->begin_ns, NS_PER_S);
	for (int64_t now = fresh->begin_ns; now < end_ns && !is_over; now = now_ns()) {
		bool is_any_idle;
		int64_t left;

		windows_note(&fresh->windows, now);
		ask_due(fresh);
		is_any_idle = find_idle(fresh) != NULL;
		left = due_ns(fresh) - now_ns();
		poll_once(fresh, !is_any_idle ? NS_PER_S : left > 0 ? left : 0);
	}
	/* Those that are under way are answered. */
	for (end_ns = now_ns() + 10 * NS_PER_S;
		fresh->sample_count < fresh->sent && now_ns() < end_ns;) {
		poll_once(fresh, NS_PER_S / 10);
	}
	windows_note(&fresh->windows, now_ns());
}

static void print(const struct fresh *fresh)
{
	for (size_t i = 0; i < fresh->sample_count; i++) {
		const struct sample *sample = &fresh->samples[i];
		size_t window = windows_at(&fresh->windows, sample->due_ns);

		if (window < windows_over(&fresh->windows)) {
			printf("%" PRId64 "\t%u\t%u\t%d\n", sample->due_ns, sample->time_us,
				sample->late_us, windows_is_quiet(&fresh->windows, window));
		}
	}
}

int main(int argc, char **argv)
{
	static struct fresh fresh;
	FILE *file;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_end);
	if (argc != 7 || strtoul(argv[4], NULL, 10) == 0) {
		fprintf(stderr, "look_up_fresh: see the head of look_up_fresh.c\n");
		return 2;
	}
	/* Not a page of it is fetched while it measures. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	fresh.step_ns = NS_PER_S / (int64_t)strtoul(argv[4], NULL, 10);
	fresh.tls = load_tls_of(argv[2]);
	if (fresh.tls == NULL) {
		fail("the files of TLS cannot be used");
	}
	make_request(&fresh, argv[3]);
	fresh.epoll = epoll_create1(EPOLL_CLOEXEC);
	connect_all(&fresh, (unsigned)strtoul(argv[1], NULL, 10));
	file = fopen(argv[6], "w");
	if (file == NULL || fclose(file) != 0) {
		fail(argv[6]);
	}
	run(&fresh, (unsigned)strtoul(argv[5], NULL, 10));
	print(&fresh);
	if (fresh.wrong > 0 || fresh.sample_count < fresh.sent) {
		fprintf(stderr, "look_up_fresh: %zu answers were wrong, %zu did not come\n",
			fresh.wrong, fresh.sent - fresh.sample_count);
		return 1;
	}
	return 0;
}
