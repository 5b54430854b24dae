/* bench_load.c - asks a server on loopback as fast as it answers, or at a stated rate.
 *
 *     bench_load --port P --path /v1/compare --type TYPE --bodies FILE [--whole] [--connections N]
 *                [--seconds S] [--warm-up S] [--rate R] [--once] [--sleep] [--watch PID] [--memory]
 *                [--ca FILE --cert FILE --key FILE]
 *
 * FILE holds a body a line, or is one body (--whole). --rate: requests are due at even distances
 * and their time counts from when they were due, so a slow server is not asked less (no coordinated
 * omission). --once: every body once, then the end. Without --sleep the client never sleeps, so
 * that no server pays for waking it: it needs a processor of its own. Prints one line of requests,
 * seconds, failed, microseconds of CPU of PID and its children, p50, p99, largest time in
 * microseconds, bytes of an answer; separated by tabs. --memory adds how many KiB more of memory
 * PID had at the most; --rate adds the p99 of how late the client itself was, in microseconds: from
 * when a request was due and a connection was free for it until it was sent. Exit 1 when an answer
 * was not 2xx.
 */
#include "load.h"
#include "now.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define CONNECTIONS_MAX 4096
#define HEAD_BYTES 512
/* Latencies kept: five minutes at 100,000 a second and no more. */
#define TIMES_MAX ((size_t)30 << 20)
/* A message of a gigabyte is answered when all of it is stored. */
#define ANSWER_S 600
#define EVENTS_MAX 256

struct load {
	unsigned port, connection_count;
	const char *path, *type, *bodies, *ca, *cert, *key;
	bool is_whole, is_once, may_sleep;
	double seconds, warm_up, rate;
	int watch;
	bool wants_memory;
	uint64_t memory_kib;     /* at the begin */
	uint64_t memory_max_kib; /* atomic */
	SSL_CTX *tls;
	int epoll;
	struct load_connection connections[CONNECTIONS_MAX];
	size_t idle[CONNECTIONS_MAX], idle_count;
	struct load_request *requests;
	size_t request_count, sent, answered;
	uint32_t *times_us;
	uint32_t *late_us; /* of as many: how late the client itself was */
	size_t time_count, time_cap, failed, bytes, reopened;
	int64_t free_since_ns; /* some connection has been free since */
	int first_failure;
	/* What the first answer that failed said, cut to this. */
	char first_failure_text[2048];
	int64_t begin_ns, window_ns; /* first request; window: counted from here */
	uint64_t cpu_us;
};

static bool fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_load: %s: %s\n", what, why);
	return false;
}

/* -- requests -- */

static bool add_request(struct load *load, const char *body, size_t len)
{
	char *head = malloc(HEAD_BYTES);
	struct load_request *grown = load->requests;

	if ((load->request_count & (load->request_count - 1)) == 0) {
		grown = realloc(load->requests,
			(load->request_count == 0 ? 1 : load->request_count * 2) * sizeof(*grown));
	}
	if (head == NULL || grown == NULL) {
		free(head);
		return fail("requests", "no memory");
	}
	load->requests = grown;
	load->requests[load->request_count++] = (struct load_request){ .head = head,
		.head_len = (size_t)snprintf(head, HEAD_BYTES,
			"POST %.200s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %.80s\r\n"
			"Bidui-Purpose: verification\r\nContent-Length: %zu\r\n\r\n",
			load->path, load->type, len),
		.body = body,
		.body_len = len };
	return true;
}

/* The text lives until the end of the process. */
static bool read_requests(struct load *load)
{
	FILE *file = fopen(load->bodies, "rb");
	char *text = NULL;
	long len = -1;
	bool is_good = true;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
		len = ftell(file);
		rewind(file);
		text = len >= 0 ? malloc((size_t)len + 1) : NULL;
	}
	if (text == NULL || fread(text, 1, (size_t)len, file) != (size_t)len) {
		return fail(load->bodies, "cannot be read");
	}
	fclose(file);
	if (load->is_whole) {
		return add_request(load, text, (size_t)len);
	}
	for (char *at = text; at < text + len && is_good;) {
		char *end = memchr(at, '\n', (size_t)(text + len - at));

		end = end != NULL ? end : text + len;
		is_good = end == at || add_request(load, at, (size_t)(end - at));
		at = end + 1;
	}
	return is_good && load->request_count > 0 ? true : fail(load->bodies, "no request");
}

/* -- connections -- */

static bool watch(struct load *load, size_t index, int operation)
{
	struct load_connection *connection = &load->connections[index];
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = index };

	if (connection->wants_write) {
		event.events |= EPOLLOUT;
	}
	return epoll_ctl(load->epoll, operation, connection->fd, &event) == 0 ||
	       fail("epoll", strerror(errno));
}

static bool open_one(struct load *load, size_t index)
{
	return (load_open(&load->connections[index], load->port, load->tls) ||
		       fail("connect", strerror(errno))) &&
	       watch(load, index, EPOLL_CTL_ADD);
}

static bool grow(uint32_t **times, size_t cap)
{
	uint32_t *grown = realloc(*times, cap * sizeof(*grown));

	*times = grown != NULL ? grown : *times;
	return grown != NULL;
}

static void add_time(struct load *load, int64_t time_ns, int64_t late_ns)
{
	if (load->time_count == load->time_cap && load->time_cap < TIMES_MAX) {
		size_t cap = load->time_cap == 0 ? 65536 : load->time_cap * 2;

		if (!grow(&load->times_us, cap) || !grow(&load->late_us, cap)) {
			return;
		}
		load->time_cap = cap;
	}
	if (load->time_count < load->time_cap) {
		load->late_us[load->time_count] = (uint32_t)(late_ns / 1000);
		load->times_us[load->time_count++] = (uint32_t)(time_ns / 1000);
	}
}

static void add_idle(struct load *load, size_t index)
{
	if (load->idle_count == 0) {
		load->free_since_ns = now_ns();
	}
	load->idle[load->idle_count++] = index;
}

static void count_answer(
	struct load *load, const struct load_connection *connection, int status, size_t bytes)
{
	load->answered++;
	if (status < 200 || status > 299) {
		if (load->failed++ == 0) {
			load->first_failure = status;
			snprintf(load->first_failure_text, sizeof(load->first_failure_text), "%s",
				connection->in);
		}
	}
	if (load->window_ns != 0) {
		load->bytes = bytes;
		add_time(load, now_ns() - connection->begin_ns, connection->late_ns);
	}
}

/* False ends the run. */
static bool step(struct load *load, size_t index)
{
	struct load_connection *connection = &load->connections[index];
	bool wanted = connection->wants_write;
	int status = 0;
	size_t bytes = 0;

	switch (load_advance(connection, &status, &bytes)) {
	case LOAD_STEP_ANSWERED:
		count_answer(load, connection, status, bytes);
		add_idle(load, index);
		break;
	case LOAD_STEP_READY:
		add_idle(load, index);
		break;
	case LOAD_STEP_CLOSED:
		/* A server may close an idle connection; one that was asked owes an answer. */
		if (connection->state != LOAD_IDLE || ++load->reopened > CONNECTIONS_MAX) {
			return fail("connection", "closed before its answer");
		}
		for (size_t i = 0; i < load->idle_count; i++) {
			if (load->idle[i] == index) {
				load->idle[i] = load->idle[--load->idle_count];
			}
		}
		load_close(connection);
		return open_one(load, index);
	case LOAD_STEP_WAIT:
		break;
	}
	return connection->wants_write == wanted || watch(load, index, EPOLL_CTL_MOD);
}

/* -- the run -- */

/* When the next request is due, at a rate. */
static int64_t due_ns(const struct load *load)
{
	return load->begin_ns + (int64_t)((double)load->sent * 1e9 / load->rate);
}

static bool may_send(const struct load *load, int64_t now)
{
	if (load->idle_count == 0 || (load->is_once && load->sent == load->request_count)) {
		return false;
	}
	return load->rate <= 0 || due_ns(load) <= now;
}

static bool send_due(struct load *load)
{
	int64_t now = now_ns();

	while (may_send(load, now)) {
		size_t index = load->idle[--load->idle_count];
		struct load_connection *connection = &load->connections[index];
		int64_t due = load->rate <= 0 ? now : due_ns(load);

		connection->late_ns = now - (due > load->free_since_ns ? due : load->free_since_ns);
		if (load_send(connection, &load->requests[load->sent++ % load->request_count],
			    due) == LOAD_STEP_CLOSED) {
			return fail("connection", "closed while it was asked");
		}
		if (connection->wants_write && !watch(load, index, EPOLL_CTL_MOD)) {
			return false;
		}
	}
	return true;
}

static bool open_all(struct load *load)
{
	struct epoll_event events[64];

	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < load->connection_count; i++) {
		if (!open_one(load, i)) {
			return false;
		}
	}
	while (load->idle_count < load->connection_count) {
		int count = epoll_wait(load->epoll, events, 64, 10000);

		if (count <= 0) {
			return fail("connect", "no answer in 10 s");
		}
		for (int i = 0; i < count; i++) {
			if (!step(load, (size_t)events[i].data.u64)) {
				return false;
			}
		}
	}
	return true;
}

static void open_window(struct load *load)
{
	load->window_ns = now_ns();
	load->cpu_us = load->watch != 0 ? load_process_cpu_us(load->watch) : 0;
}

/* Looks every few milliseconds for the most there was. */
static void *watch_memory(void *state)
{
	const struct timespec pause = { 0, 5000000 };
	struct load *load = state;

	for (;;) {
		uint64_t kib = load_process_memory_kib(load->watch);

		if (kib > __atomic_load_n(&load->memory_max_kib, __ATOMIC_RELAXED)) {
			__atomic_store_n(&load->memory_max_kib, kib, __ATOMIC_RELAXED);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static bool begin_watching(struct load *load)
{
	pthread_t thread;

	if (!load->wants_memory) {
		return true;
	}
	load->memory_kib = load->memory_max_kib = load_process_memory_kib(load->watch);
	return pthread_create(&thread, NULL, watch_memory, load) == 0 ||
	       fail("memory", "no thread to watch it");
}

static bool is_over(const struct load *load, int64_t now)
{
	if (load->is_once) {
		return load->answered == load->request_count;
	}
	return load->window_ns != 0 && (double)(now - load->window_ns) >= load->seconds * 1e9;
}

/* How many of `events`; 0 when another request is due; -1 said why. */
static int wait_for_some(const struct load *load, struct epoll_event events[EVENTS_MAX])
{
	struct timespec left = { 0, 0 };
	bool is_due_later = load->rate > 0 && load->idle_count > 0;
	int count;

	if (load->may_sleep) {
		int64_t until = is_due_later ? due_ns(load) : now_ns() + ANSWER_S * NS_PER_S;
		int64_t wait = until - now_ns();

		left.tv_sec = wait > 0 ? wait / NS_PER_S : 0;
		left.tv_nsec = wait > 0 ? wait % NS_PER_S : 0;
	}
	count = epoll_pwait2(load->epoll, events, EVENTS_MAX, &left, NULL);
	if (count == 0 && load->may_sleep && !is_due_later) {
		fail("run", "no answer in ten minutes");
		return -1;
	}
	return count > 0 ? count : 0;
}

static bool run(struct load *load)
{
	struct epoll_event events[EVENTS_MAX];

	load->begin_ns = now_ns();
	while (!is_over(load, now_ns())) {
		int count;

		if (load->window_ns == 0 &&
			(double)(now_ns() - load->begin_ns) >= load->warm_up * 1e9) {
			open_window(load);
		}
		if (!send_due(load)) {
			return false;
		}
		count = wait_for_some(load, events);
		if (count < 0) {
			return false;
		}
		for (int i = 0; i < count; i++) {
			if (!step(load, (size_t)events[i].data.u64)) {
				return false;
			}
		}
	}
	return true;
}

static int by_time(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void report(struct load *load)
{
	double seconds = (double)(now_ns() - load->window_ns) / 1e9;
	uint64_t cpu_us = load->watch != 0 ? load_process_cpu_us(load->watch) - load->cpu_us : 0;
	size_t n = load->time_count;

	qsort(load->times_us, n, sizeof(*load->times_us), by_time);
	printf("%zu\t%.3f\t%zu\t%llu\t%u\t%u\t%u\t%zu", n, seconds, load->failed,
		(unsigned long long)cpu_us, n > 0 ? load->times_us[n / 2] : 0,
		n > 0 ? load->times_us[n * 99 / 100] : 0, n > 0 ? load->times_us[n - 1] : 0,
		load->bytes);
	if (load->wants_memory) {
		printf("\t%llu", (unsigned long long)(__atomic_load_n(&load->memory_max_kib,
							      __ATOMIC_RELAXED) -
						      load->memory_kib));
	}
	if (load->rate > 0) {
		qsort(load->late_us, n, sizeof(*load->late_us), by_time);
		printf("\t%u", n > 0 ? load->late_us[n * 99 / 100] : 0);
	}
	putchar('\n');
	if (load->failed > 0) {
		fprintf(stderr, "bench_load: %zu answers were not 2xx, the first was %d:\n%s\n",
			load->failed, load->first_failure, load->first_failure_text);
	}
}

/* The same suite of every server, so that none is faster by choosing another. */
static bool open_tls(struct load *load)
{
	load->tls = SSL_CTX_new(TLS_client_method());
	if (load->tls == NULL || SSL_CTX_set_min_proto_version(load->tls, TLS1_3_VERSION) != 1 ||
		SSL_CTX_set_ciphersuites(load->tls, "TLS_AES_256_GCM_SHA384") != 1 ||
		SSL_CTX_load_verify_locations(load->tls, load->ca, NULL) != 1 ||
		SSL_CTX_use_certificate_chain_file(load->tls, load->cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(load->tls, load->key, SSL_FILETYPE_PEM) != 1) {
		return fail("tls", "certificates cannot be used");
	}
	SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(
		load->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return true;
}

static bool read_options(struct load *load, int argc, char **argv)
{
	static const struct option options[] = { { "port", 1, NULL, 'p' }, { "path", 1, NULL, 'u' },
		{ "type", 1, NULL, 't' }, { "bodies", 1, NULL, 'b' }, { "whole", 0, NULL, 'w' },
		{ "connections", 1, NULL, 'c' }, { "seconds", 1, NULL, 's' },
		{ "warm-up", 1, NULL, 'm' }, { "rate", 1, NULL, 'r' }, { "once", 0, NULL, 'o' },
		{ "watch", 1, NULL, 'i' }, { "memory", 0, NULL, 'y' }, { "ca", 1, NULL, 'a' },
		{ "sleep", 0, NULL, 'l' }, { "cert", 1, NULL, 'e' }, { "key", 1, NULL, 'k' },
		{ 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			load->port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'u':
			load->path = optarg;
			break;
		case 't':
			load->type = optarg;
			break;
		case 'b':
			load->bodies = optarg;
			break;
		case 'w':
			load->is_whole = true;
			break;
		case 'c':
			load->connection_count = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			load->seconds = strtod(optarg, NULL);
			break;
		case 'm':
			load->warm_up = strtod(optarg, NULL);
			break;
		case 'r':
			load->rate = strtod(optarg, NULL);
			break;
		case 'o':
			load->is_once = true;
			break;
		case 'l':
			load->may_sleep = true;
			break;
		case 'i':
			load->watch = (int)strtol(optarg, NULL, 10);
			break;
		case 'y':
			load->wants_memory = true;
			break;
		case 'a':
			load->ca = optarg;
			break;
		case 'e':
			load->cert = optarg;
			break;
		case 'k':
			load->key = optarg;
			break;
		default:
			return false;
		}
	}
	load->warm_up = load->is_once ? 0 : load->warm_up;
	return optind == argc && load->port != 0 && load->path != NULL && load->bodies != NULL &&
	       load->connection_count >= 1 && load->connection_count <= CONNECTIONS_MAX &&
	       (load->watch != 0 || !load->wants_memory) &&
	       (load->ca == NULL || (load->cert != NULL && load->key != NULL));
}

int main(int argc, char **argv)
{
	static struct load load = {
		.connection_count = 1, .seconds = 1, .warm_up = 0.3, .type = "application/json"
	};

	signal(SIGPIPE, SIG_IGN);
	if (!read_options(&load, argc, argv)) {
		fprintf(stderr, "bench_load: see the head of bench_load.c\n");
		return 2;
	}
	if ((load.ca != NULL && !open_tls(&load)) || !read_requests(&load) || !open_all(&load) ||
		!begin_watching(&load) || !run(&load)) {
		return 1;
	}
	report(&load);
	return load.failed == 0 ? 0 : 1;
}
