/* slow.c - clients that are slow on purpose, beside clients that are not: what it costs the others,
 * and what becomes of the slow ones (reliability.md, promise 6).
 *
 * One thread, epoll, TLS with a client certificate, loopback only. First the good clients ask
 * alone, at a fixed rate: their baseline. Then the slow ones connect, all of them, and the good
 * ones ask again at the same rate while
 *   - slow heads send one byte of a request's head at a time,
 *   - slow bodies send one byte of a body at a time,
 *   - slow reads ask for more than any buffer holds, and read one byte at a time.
 * At last everybody waits for what the gateway makes of the slow ones. The result is one line of
 * JSON: counts, latencies in microseconds, memory of the gateway in KiB. Nothing is judged here.
 */
#include "load.h"
#include "now.h"
#include "windows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
#define EVENTS 256
#define GOOD_MAX 64
/* Answers asked for at once by a slow reader: more than the kernel and the gateway would hold. */
#define PIPELINED 40
/* Slow connections that are served between two looks at the good ones. */
#define SLOW_STEP 16
/* Handshakes that run at once. */
#define SHAKING_MAX 64
#define WINDOW_S 5
/* With fewer quiet windows nothing can be said. The baseline goes on until there are so many, for
 * four times as long at most. */
#define QUIET_WINDOWS 3
#define BASELINE_TIMES 4

enum kind { GOOD, SLOW_HEAD, SLOW_BODY, SLOW_READ, KINDS };
enum outcome { OPEN, TIMEOUT_SAID, CLOSED, ANSWERED, FAILED, OUTCOMES };

struct client {
	struct load_connection connection; /* first */
	enum kind kind;
	enum outcome outcome;
	bool is_ready;
	int64_t next_ns; /* when the next byte is due */
	size_t sent;
	char came[16];
	size_t came_len;
};

struct options {
	unsigned port, rate, good, wanted[KINDS], baseline_s, under_s, patience_s, open_rate,
		drip_ms;
	const char *ca, *cert, *key, *body_path;
	int pid;
};

/* Times in microseconds, in the order in which they were taken. */
struct times {
	int64_t *us;
	size_t count, room;
};

/* What the good clients saw. A machine that others share is slow for a second now and then, so the
 * p99 is told of each window, too, beside what the host took of the processors in it. */
struct phase {
	struct times whole, late; /* late: from when a request was due until it was sent */
	struct windows windows;
	struct times of_window[WINDOWS_MAX];
	unsigned sent, refused, closed;
};

struct run {
	struct options options;
	SSL_CTX *tls;
	int epoll;
	struct client good[GOOD_MAX], *slow;
	size_t slow_count, drip_at;
	char *body;
	struct load_request request;
	struct phase *phase; /* what good answers count for; NULL = for nothing */
	size_t good_at;
};

static void fail(const char *what)
{
	fprintf(stderr, "slow: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- what it is told -- */

static void read_options(struct options *options, int argc, char **argv)
{
	const struct {
		const char *name;
		unsigned *number;
		const char **text;
	} known[] = { { "--port", &options->port, NULL }, { "--rate", &options->rate, NULL },
		{ "--good", &options->good, NULL },
		{ "--heads", &options->wanted[SLOW_HEAD], NULL },
		{ "--bodies", &options->wanted[SLOW_BODY], NULL },
		{ "--reads", &options->wanted[SLOW_READ], NULL },
		{ "--baseline-s", &options->baseline_s, NULL },
		{ "--under-s", &options->under_s, NULL },
		{ "--patience-s", &options->patience_s, NULL },
		{ "--open-rate", &options->open_rate, NULL },
		{ "--drip-ms", &options->drip_ms, NULL }, { "--ca", NULL, &options->ca },
		{ "--cert", NULL, &options->cert }, { "--key", NULL, &options->key },
		{ "--body", NULL, &options->body_path },
		{ "--pid", (unsigned *)&options->pid, NULL } };

	for (int i = 1; i + 1 < argc; i += 2) {
		size_t k = 0;

		while (k < sizeof(known) / sizeof(known[0]) &&
			strcmp(known[k].name, argv[i]) != 0) {
			k++;
		}
		if (k == sizeof(known) / sizeof(known[0])) {
			fprintf(stderr, "slow: no option %s\n", argv[i]);
			exit(2);
		}
		if (known[k].number != NULL) {
			*known[k].number = (unsigned)strtoul(argv[i + 1], NULL, 10);
		} else {
			*known[k].text = argv[i + 1];
		}
	}
	if (options->good > GOOD_MAX || options->cert == NULL || options->body_path == NULL) {
		fprintf(stderr, "slow: --cert, --key, --ca, --body, --port; --good up to %d\n",
			GOOD_MAX);
		exit(2);
	}
}

/* As many descriptors as this process may have; says so when they do not suffice. */
static void raise_descriptors(const struct run *run)
{
	struct rlimit limit;
	size_t needed = run->slow_count + run->options.good + 64;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		fail("RLIMIT_NOFILE");
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < needed) {
		fprintf(stderr, "slow: %zu descriptors are needed, %llu are allowed (ulimit -Hn)\n",
			needed, (unsigned long long)limit.rlim_max);
		exit(3);
	}
}

static void prepare_request(struct run *run)
{
	static char head[512];
	FILE *file = fopen(run->options.body_path, "rb");
	long len = 0;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) <= 0) {
		fail(run->options.body_path);
	}
	rewind(file);
	run->body = malloc((size_t)len);
	if (run->body == NULL || fread(run->body, 1, (size_t)len, file) != (size_t)len) {
		fail(run->options.body_path);
	}
	fclose(file);
	run->request =
		(struct load_request){ .head = head, .body = run->body, .body_len = (size_t)len };
	run->request.head_len = (size_t)snprintf(head, sizeof(head),
		"POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nBidui-Purpose: verification\r\n"
		"Content-Type: application/json\r\n"
		"Content-Length: %ld\r\n\r\n",
		len);
}

static void prepare_tls(struct run *run)
{
	run->tls = SSL_CTX_new(TLS_client_method());
	if (run->tls == NULL || SSL_CTX_load_verify_file(run->tls, run->options.ca) != 1 ||
		SSL_CTX_use_certificate_chain_file(run->tls, run->options.cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(run->tls, run->options.key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "slow: the files of TLS cannot be used\n");
		exit(2);
	}
	SSL_CTX_set_verify(run->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(run->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_session_cache_mode(run->tls, SSL_SESS_CACHE_OFF);
}

/* -- one client -- */

static void watch(struct run *run, struct client *client, int operation)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	/* A slow reader is not woken by what it will not read. */
	if (client->kind == SLOW_READ && client->is_ready && client->outcome == OPEN) {
		event.events = 0;
	}
	event.events |= client->connection.wants_write ? EPOLLOUT : 0;
	epoll_ctl(run->epoll, operation, client->connection.fd, &event);
}

static void open_client(struct run *run, struct client *client, enum kind kind)
{
	int small = 4096;

	memset(client, 0, sizeof(*client));
	client->kind = kind;
	if (!load_open(&client->connection, run->options.port, run->tls)) {
		client->outcome = FAILED;
		return;
	}
	if (kind == SLOW_READ) {
		setsockopt(client->connection.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	}
	watch(run, client, EPOLL_CTL_ADD);
}

static void end(struct client *client, enum outcome outcome)
{
	client->outcome = outcome;
	load_close(&client->connection);
}

/* What one byte at a time comes to. */
static const char *text_of(enum kind kind)
{
	static const char head[] = "POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
	static const char body[] =
		"POST /v1/compare HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{";

	return kind == SLOW_HEAD ? head : body;
}

/* The beginning comes at once, what is after it slowly. */
static bool drip(struct client *client)
{
	const char *text = text_of(client->kind);
	size_t len = strlen(text);
	int done;

	if (client->sent < len) {
		done = SSL_write(client->connection.ssl, text, (int)len);
		client->sent = done > 0 ? len : 0;
	} else {
		done = SSL_write(client->connection.ssl, "a", 1);
	}
	return done > 0 || SSL_get_error(client->connection.ssl, done) == SSL_ERROR_WANT_WRITE;
}

static bool ask_much(struct client *client)
{
	static const char one[] = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char all[sizeof(one) * PIPELINED];
	size_t len = 0;
	char byte;

	if (client->sent == 0) {
		for (int i = 0; i < PIPELINED; i++) {
			memcpy(all + len, one, sizeof(one) - 1);
			len += sizeof(one) - 1;
		}
		client->sent = len;
		return SSL_write(client->connection.ssl, all, (int)len) == (int)len;
	}
	int got = recv(client->connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0
			  ? -1
			  : SSL_read(client->connection.ssl, &byte, 1);
	return got > 0 ||
	       (got < 0 && SSL_get_error(client->connection.ssl, got) == SSL_ERROR_WANT_READ);
}

static void note_answer(struct client *client)
{
	int got;

	do {
		got = SSL_read(client->connection.ssl, client->came + client->came_len,
			(int)(sizeof(client->came) - 1 - client->came_len));
		client->came_len += got > 0 ? (size_t)got : 0;
	} while (got > 0 && client->came_len + 1 < sizeof(client->came));
	if (client->came_len >= 12) {
		end(client, memcmp(client->came + 9, "408", 3) == 0 ? TIMEOUT_SAID : ANSWERED);
	} else if (got <= 0 && SSL_get_error(client->connection.ssl, got) != SSL_ERROR_WANT_READ) {
		end(client, CLOSED);
	}
}

/* -- all of them -- */

static void on_slow(struct run *run, struct client *client)
{
	int status;
	size_t bytes;

	if (client->is_ready) {
		if (client->kind == SLOW_READ) {
			end(client, CLOSED); /* nothing else is waited for */
		} else {
			note_answer(client);
		}
		return;
	}
	enum load_step step = load_advance(&client->connection, &status, &bytes);

	if (step == LOAD_STEP_CLOSED) {
		end(client, FAILED);
		return;
	}
	client->is_ready = step == LOAD_STEP_READY;
	watch(run, client, EPOLL_CTL_MOD);
}

static void add_time(struct times *times, int64_t us)
{
	if (times->count < times->room) {
		times->us[times->count++] = us;
	}
}

static void note_time(struct phase *phase, int64_t due_ns)
{
	int64_t us = (now_ns() - due_ns) / 1000;
	size_t window = windows_at(&phase->windows, due_ns);

	add_time(&phase->whole, us);
	if (window < WINDOWS_MAX) {
		add_time(&phase->of_window[window], us);
	}
}

static void on_good(struct run *run, struct client *client)
{
	int status = 0;
	size_t bytes;
	enum load_step step = load_advance(&client->connection, &status, &bytes);
	struct phase *phase = run->phase;

	client->is_ready = client->is_ready || step == LOAD_STEP_READY;
	if (step == LOAD_STEP_CLOSED) {
		if (phase != NULL) {
			phase->closed++;
		}
		load_close(&client->connection);
		open_client(run, client, GOOD);
		return;
	}
	if (step == LOAD_STEP_ANSWERED && phase != NULL) {
		phase->refused += status != 200;
		note_time(phase, client->connection.begin_ns);
	}
	watch(run, client, EPOLL_CTL_MOD);
}

static void poll_once(struct run *run, int64_t wait_ns)
{
	struct epoll_event events[EVENTS];
	struct timespec wait = { .tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S };
	int count = epoll_pwait2(run->epoll, events, EVENTS, &wait, NULL);

	for (int i = 0; i < count; i++) {
		struct client *client = events[i].data.ptr;

		if (client->connection.fd < 0) {
			continue;
		}
		if (client->kind == GOOD) {
			on_good(run, client);
		} else {
			on_slow(run, client);
		}
	}
}

/* The next few whose byte is due. */
static void drip_some(struct run *run)
{
	int64_t now = now_ns();

	for (size_t n = 0; n < SLOW_STEP * 16 && run->slow_count > 0; n++) {
		struct client *client = &run->slow[run->drip_at++ % run->slow_count];
		bool is_open;

		if (!client->is_ready || client->outcome != OPEN || client->next_ns > now) {
			continue;
		}
		is_open = client->kind == SLOW_READ ? ask_much(client) : drip(client);
		/* Each in its own rhythm. */
		client->next_ns = now + run->options.drip_ms * NS_PER_MS;
		if (!is_open && client->kind == SLOW_READ) {
			end(client, CLOSED);
		} else if (!is_open) {
			note_answer(client);
			if (client->outcome == OPEN) {
				end(client, CLOSED);
			}
		}
	}
}

/* Sends what is due; one that finds no idle connection counts from when it was due. */
static void ask_due(struct run *run, int64_t *due_ns)
{
	int64_t step_ns = NS_PER_S / run->options.rate;

	for (unsigned tries = 0; *due_ns <= now_ns() && tries < run->options.good; tries++) {
		struct client *client = &run->good[run->good_at++ % run->options.good];
		int64_t late_ns = now_ns() - *due_ns;

		if (!client->is_ready || client->connection.state != LOAD_IDLE) {
			continue;
		}
		if (load_send(&client->connection, &run->request, *due_ns) == LOAD_STEP_CLOSED) {
			run->phase->closed++;
			load_close(&client->connection);
			open_client(run, client, GOOD);
		} else {
			watch(run, client, EPOLL_CTL_MOD);
		}
		add_time(&run->phase->late, late_ns / 1000);
		run->phase->sent++;
		*due_ns += step_ns;
	}
}

static void make_room(struct times *times, size_t room)
{
	times->us = calloc(room, sizeof(times->us[0]));
	times->room = room;
	if (times->us == NULL) {
		fail("memory");
	}
}

/* At most a millisecond, for the slow ones. */
static int64_t wait_for(int64_t due_ns)
{
	int64_t left = due_ns - now_ns();

	return left < 0 ? 0 : left < NS_PER_MS ? left : NS_PER_MS;
}

/* For so long, and on by whole windows, up to longest, until QUIET_WINDOWS were quiet. */
static void measure(struct run *run, struct phase *phase, unsigned seconds, unsigned longest)
{
	int64_t begin = now_ns(), due = begin, end_ns = begin + seconds * NS_PER_S,
		last_ns = begin + longest * NS_PER_S;

	windows_begin(&phase->windows, begin, WINDOW_S * NS_PER_S);
	make_room(&phase->whole, run->options.rate * longest + 1);
	make_room(&phase->late, run->options.rate * longest + 1);
	for (unsigned i = 0; i < WINDOWS_MAX && i * WINDOW_S < longest; i++) {
		make_room(&phase->of_window[i], run->options.rate * WINDOW_S + 1);
	}
	run->phase = phase;
	while (now_ns() < end_ns ||
		(phase->whole.count < phase->sent && now_ns() < end_ns + 5 * NS_PER_S)) {
		int64_t now = now_ns();

		windows_note(&phase->windows, now < end_ns ? now : end_ns);
		if (now + NS_PER_S > end_ns && end_ns + WINDOW_S * NS_PER_S <= last_ns &&
			windows_count_quiet(&phase->windows) < QUIET_WINDOWS) {
			end_ns += WINDOW_S * NS_PER_S;
		}
		if (now < end_ns) {
			ask_due(run, &due);
		}
		drip_some(run);
		poll_once(run, wait_for(due));
	}
	windows_note(&phase->windows, end_ns);
	run->phase = NULL;
}

/* -- the phases -- */

static size_t count_ready(const struct run *run)
{
	size_t ready = 0;

	for (size_t i = 0; i < run->slow_count; i++) {
		ready += run->slow[i].is_ready && run->slow[i].outcome == OPEN;
	}
	return ready;
}

static void connect_good(struct run *run)
{
	int64_t end_ns = now_ns() + 10 * NS_PER_S;
	size_t ready = 0;

	for (unsigned i = 0; i < run->options.good; i++) {
		open_client(run, &run->good[i], GOOD);
	}
	while (ready < run->options.good && now_ns() < end_ns) {
		poll_once(run, 10 * NS_PER_MS);
		ready = 0;
		for (unsigned i = 0; i < run->options.good; i++) {
			ready += run->good[i].is_ready;
		}
	}
	if (ready < run->options.good) {
		fail("the good clients cannot connect");
	}
}

static size_t count_shaking(const struct run *run, size_t opened)
{
	size_t shaking = 0;

	for (size_t i = 0; i < opened; i++) {
		shaking += !run->slow[i].is_ready && run->slow[i].outcome == OPEN;
	}
	return shaking;
}

/* All at a bounded rate, and few at a time: a handshake costs both sides a signature, which is not
 * what is measured. */
static void connect_slow(struct run *run)
{
	int64_t begin = now_ns();
	size_t opened = 0;

	for (size_t i = 0; i < run->slow_count; i++) {
		run->slow[i].connection.fd = -1;
	}
	while (opened < run->slow_count) {
		int64_t due = (now_ns() - begin) * run->options.open_rate / NS_PER_S;
		size_t shaking = count_shaking(run, opened);

		for (; opened < run->slow_count && (int64_t)opened < due && shaking < SHAKING_MAX;
			opened++, shaking++) {
			enum kind kind = opened < run->options.wanted[SLOW_HEAD] ? SLOW_HEAD
					 : opened < run->options.wanted[SLOW_HEAD] +
								 run->options.wanted[SLOW_BODY]
						 ? SLOW_BODY
						 : SLOW_READ;

			open_client(run, &run->slow[opened], kind);
		}
		poll_once(run, NS_PER_MS);
	}
	for (int64_t end_ns = now_ns() + 20 * NS_PER_S;
		count_ready(run) < run->slow_count && now_ns() < end_ns;) {
		poll_once(run, 10 * NS_PER_MS);
	}
}

/* Each in its own rhythm: they do not all send at once. */
static void spread(struct run *run)
{
	int64_t now = now_ns();

	for (size_t i = 0; i < run->slow_count; i++) {
		/* Stepping by a prime mixes the kinds. */
		size_t at = i * 7919 % run->slow_count;

		run->slow[at].next_ns = now + (int64_t)i * run->options.drip_ms * NS_PER_MS /
						      (int64_t)run->slow_count;
	}
}

static void wait_for_ends(struct run *run)
{
	int64_t end_ns = now_ns() + run->options.patience_s * NS_PER_S;

	while (count_ready(run) > 0 && now_ns() < end_ns) {
		drip_some(run);
		poll_once(run, NS_PER_MS);
	}
}

/* -- what is said -- */

static unsigned long memory_kib(int pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "VmRSS: %lu", &kib);
	}
	if (file != NULL) {
		fclose(file);
	}
	return kib;
}

static int by_size(const void *first, const void *second)
{
	int64_t a = *(const int64_t *)first, b = *(const int64_t *)second;

	return a < b ? -1 : a > b;
}

/* The times are sorted. */
static int64_t share_of(const struct times *times, unsigned percent)
{
	return times->count > 0 ? times->us[(times->count - 1) * percent / 100] : 0;
}

static void print_times(const char *what, struct times *times)
{
	qsort(times->us, times->count, sizeof(times->us[0]), by_size);
	printf("\"%sp50_us\":%" PRId64 ",\"%sp99_us\":%" PRId64 ",\"%smax_us\":%" PRId64, what,
		share_of(times, 50), what, share_of(times, 99), what, share_of(times, 100));
	free(times->us);
}

static void print_windows(struct phase *phase)
{
	printf(",\"windows\":[");
	for (size_t i = 0; i < windows_over(&phase->windows); i++) {
		struct times *times = &phase->of_window[i];

		qsort(times->us, times->count, sizeof(times->us[0]), by_size);
		printf("%s{\"p99_us\":%" PRId64 ",\"is_quiet\":%s}", i > 0 ? "," : "",
			share_of(times, 99),
			windows_is_quiet(&phase->windows, i) ? "true" : "false");
	}
	for (size_t i = 0; i < WINDOWS_MAX; i++) {
		free(phase->of_window[i].us);
	}
	printf("]");
}

static void print_phase(const char *name, struct phase *phase)
{
	printf("\"%s\":{\"sent\":%u,\"answered\":%zu,\"refused\":%u,\"closed\":%u,", name,
		phase->sent, phase->whole.count, phase->refused, phase->closed);
	print_times("", &phase->whole);
	printf(",");
	print_times("late_", &phase->late);
	print_windows(phase);
	printf("},");
}

static void print_slow(const struct run *run)
{
	static const char *const kinds[] = { "good", "heads", "bodies", "reads" };
	static const char *const outcomes[] = { "open", "timeout", "closed", "answered", "failed" };

	for (int kind = SLOW_HEAD; kind < KINDS; kind++) {
		unsigned counts[OUTCOMES] = { 0 };

		for (size_t i = 0; i < run->slow_count; i++) {
			counts[run->slow[i].outcome] += run->slow[i].kind == (enum kind)kind;
		}
		printf("\"%s\":{", kinds[kind]);
		for (int o = 0; o < OUTCOMES; o++) {
			printf("%s\"%s\":%u", o > 0 ? "," : "", outcomes[o], counts[o]);
		}
		printf("},");
	}
}

int main(int argc, char **argv)
{
	struct run run = { .options = { .rate = 100,
				   .good = 20,
				   .baseline_s = 10,
				   .under_s = 20,
				   .patience_s = 60,
				   .open_rate = 400,
				   .drip_ms = 10000 } };
	static struct phase baseline, under;
	unsigned long before_kib, under_kib;
	size_t held;

	signal(SIGPIPE, SIG_IGN);
	read_options(&run.options, argc, argv);
	for (int kind = SLOW_HEAD; kind < KINDS; kind++) {
		run.slow_count += run.options.wanted[kind];
	}
	raise_descriptors(&run);
	prepare_request(&run);
	prepare_tls(&run);
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	run.slow = calloc(run.slow_count + 1, sizeof(run.slow[0]));
	if (run.epoll < 0 || run.slow == NULL) {
		fail("epoll");
	}
	connect_good(&run);
	measure(&run, &baseline, run.options.baseline_s, run.options.baseline_s * BASELINE_TIMES);
	before_kib = memory_kib(run.options.pid);
	connect_slow(&run);
	spread(&run);
	measure(&run, &under, run.options.under_s, run.options.under_s);
	held = count_ready(&run);
	under_kib = memory_kib(run.options.pid);
	wait_for_ends(&run);
	printf("{");
	print_phase("baseline", &baseline);
	print_phase("under", &under);
	print_slow(&run);
	printf("\"quiet_least\":%d,\"held\":%zu,\"before_kib\":%lu,\"under_kib\":%lu}\n",
		QUIET_WINDOWS, held, before_kib, under_kib);
	for (size_t i = 0; i < run.slow_count; i++) {
		load_close(&run.slow[i].connection);
		free(run.slow[i].connection.in);
	}
	for (unsigned i = 0; i < run.options.good; i++) {
		load_close(&run.good[i].connection);
		free(run.good[i].connection.in);
	}
	SSL_CTX_free(run.tls);
	free(run.slow);
	free(run.body);
	return 0;
}
