/* look_up_waiting.c - cases that wait for a department, all at once.
 *
 *     look_up_waiting PORT TLS-FOLDER CASES-FILE READY-FILE
 *
 * CASES-FILE has a case a line. They are sent in batches of 64 (NDJSON), each over a connection of
 * its own, TLS with a client certificate: READY-FILE is made when all are connected, and a second
 * later all of them ask. One thread. Prints one JSON object: how many cases were answered, when the
 * first was sent and the last answered (CLOCK_MONOTONIC, ns), how many waited at the most at once,
 * decisions, codes of look-ups, and the time of a case: from when the first was sent until its line
 * was there, in milliseconds. Exit 1 when a batch was not answered as it should be.
 */
#include "base/json.h"
#include "load.h"
#include "now.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 64
#define BATCHES_MAX 1024
#define NAMES_MAX 32
#define EVENTS 256
#define ANSWER_S 120
#define LINE_MAX_BYTES ((size_t)1 << 20)

/* How often each name was seen. */
struct tally {
	char names[NAMES_MAX][64];
	unsigned counts[NAMES_MAX];
	size_t count;
};

struct batch {
	struct load_connection connection; /* first */
	struct load_request request;
	char head[512];
	unsigned cases;
	bool is_sent, is_over;
	size_t at;   /* in what has come: the next chunk */
	char *lines; /* what of the body is no whole line yet */
	size_t lines_len, lines_cap;
};

struct waiting {
	struct batch *batches;
	size_t batch_count, ready, over;
	int epoll;
	SSL_CTX *tls;
	int64_t begin_ns, end_ns;
	int64_t *times_ns;
	size_t cases, answered, sent, most;
	struct tally decisions, look_ups;
	struct bd_arena arena;
};

static void fail(const char *what)
{
	fprintf(stderr, "look_up_waiting: %s\n", what);
	exit(1);
}

/* -- what is counted -- */

static void count(struct tally *tally, struct bd_bytes name)
{
	size_t at = 0;

	while (at < tally->count && !bd_bytes_is(name, tally->names[at])) {
		at++;
	}
	if (at == NAMES_MAX || name.len >= sizeof(tally->names[0])) {
		fail("too many or too long names");
	}
	if (at == tally->count) {
		memcpy(tally->names[at], name.ptr, name.len);
		tally->count++;
	}
	tally->counts[at]++;
}

/* The decision, or the code of the problem in its place; and how each look-up ended. */
static void count_answer(struct waiting *waiting, struct bd_bytes line)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_json *root = NULL;
	const struct bd_json *decision, *look_ups;

	bd_arena_clear(&waiting->arena);
	if (bd_json_parse_answer(&root, line, &waiting->arena, &diag) != BD_OK ||
		waiting->answered == waiting->cases) {
		fail("an answer is no JSON, or is one too many");
	}
	waiting->times_ns[waiting->answered++] = now_ns() - waiting->begin_ns;
	decision = bd_json_get(root, "decision");
	decision = decision != NULL ? decision : bd_json_get(root, "code");
	if (decision == NULL) {
		fail("an answer says neither a decision nor a code");
	}
	count(&waiting->decisions, decision->text);
	look_ups = bd_json_get(root, "look_ups");
	for (const struct bd_json *one = look_ups != NULL ? look_ups->first : NULL; one != NULL;
		one = one->next) {
		const struct bd_json *code = bd_json_get(one, "code");

		if (code == NULL) {
			fail("a look-up says no code");
		}
		count(&waiting->look_ups, code->text);
	}
	/* What is measured goes first: it would wait for a tick when this is let in once. */
	sched_yield();
}

/* -- what comes: chunks, and lines in them -- */

static void add_bytes(struct waiting *waiting, struct batch *batch, const char *bytes, size_t len)
{
	size_t from = 0;
	char *end;

	if (batch->lines_len + len > batch->lines_cap) {
		batch->lines_cap = (batch->lines_len + len) * 2;
		batch->lines = realloc(batch->lines, batch->lines_cap);
		if (batch->lines == NULL || batch->lines_cap > 2 * LINE_MAX_BYTES) {
			fail("a line is too long");
		}
	}
	memcpy(batch->lines + batch->lines_len, bytes, len);
	batch->lines_len += len;
	while ((end = memchr(batch->lines + from, '\n', batch->lines_len - from)) != NULL) {
		count_answer(waiting, (struct bd_bytes){ batch->lines + from,
					      (size_t)(end - batch->lines) - from });
		from = (size_t)(end - batch->lines) + 1;
	}
	memmove(batch->lines, batch->lines + from, batch->lines_len - from);
	batch->lines_len -= from;
}

/* Where the body begins; 0 = the head is not whole. */
static size_t end_of_head(const struct load_connection *connection)
{
	const char *end = connection->in_len > 0
				  ? memmem(connection->in, connection->in_len, "\r\n\r\n", 4)
				  : NULL;

	if (end != NULL &&
		(connection->in_len < 12 || strncmp(connection->in + 9, "200", 3) != 0)) {
		fprintf(stderr, "%.*s\n", (int)connection->in_len, connection->in);
		fail("a batch was refused");
	}
	return end != NULL ? (size_t)(end - connection->in) + 4 : 0;
}

static void read_chunks(struct waiting *waiting, struct batch *batch)
{
	const struct load_connection *connection = &batch->connection;

	batch->at = batch->at == 0 ? end_of_head(connection) : batch->at;
	while (batch->at > 0 && batch->at < connection->in_len) {
		const char *size_at = connection->in + batch->at;
		const char *end = memchr(size_at, '\n', connection->in_len - batch->at);
		size_t size = strtoul(size_at, NULL, 16);
		size_t body = end != NULL ? (size_t)(end - connection->in) + 1 : 0;

		if (end == NULL || body + size + 2 > connection->in_len) {
			return;
		}
		add_bytes(waiting, batch, connection->in + body, size);
		batch->at = body + size + 2;
	}
}

static void note_sent(struct waiting *waiting, struct batch *batch)
{
	if (!batch->is_sent &&
		batch->connection.written == batch->request.head_len + batch->request.body_len) {
		batch->is_sent = true;
		waiting->sent += batch->cases;
	}
	if (waiting->sent > waiting->answered &&
		waiting->sent - waiting->answered > waiting->most) {
		waiting->most = waiting->sent - waiting->answered;
	}
}

/* -- connections -- */

static void watch(const struct waiting *waiting, struct batch *batch, int operation)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = batch };

	event.events |= batch->connection.wants_write ? EPOLLOUT : 0;
	if (epoll_ctl(waiting->epoll, operation, batch->connection.fd, &event) != 0) {
		fail("epoll");
	}
}

static void advance(struct waiting *waiting, struct batch *batch)
{
	int status = 0;
	size_t bytes = 0;
	enum load_step step = load_advance(&batch->connection, &status, &bytes);

	if (step == LOAD_STEP_CLOSED) {
		fail("a connection was closed before its answers");
	}
	waiting->ready += step == LOAD_STEP_READY;
	if (waiting->begin_ns != 0) {
		note_sent(waiting, batch);
		read_chunks(waiting, batch);
	}
	if (step == LOAD_STEP_ANSWERED) {
		if (batch->lines_len != 0) {
			fail("a batch ends within a line");
		}
		batch->is_over = true;
		waiting->over++;
		waiting->end_ns = now_ns();
	}
	watch(waiting, batch, EPOLL_CTL_MOD);
}

static void poll_once(struct waiting *waiting, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int got = epoll_wait(waiting->epoll, events, EVENTS, wait_ms);

	for (int i = 0; i < got; i++) {
		advance(waiting, events[i].data.ptr);
		rest();
	}
}

static void connect_all(struct waiting *waiting, unsigned port, const char *ready_file)
{
	int64_t end_ns = now_ns() + 60 * NS_PER_S;
	FILE *file;

	for (size_t i = 0; i < waiting->batch_count; i++) {
		if (!load_open(&waiting->batches[i].connection, port, waiting->tls)) {
			fail("connect");
		}
		watch(waiting, &waiting->batches[i], EPOLL_CTL_ADD);
		while (waiting->ready < i && now_ns() < end_ns) {
			poll_once(waiting, 100);
		}
	}
	while (waiting->ready < waiting->batch_count && now_ns() < end_ns) {
		poll_once(waiting, 100);
	}
	file = waiting->ready == waiting->batch_count ? fopen(ready_file, "w") : NULL;
	if (file == NULL || fclose(file) != 0) {
		fail("not all can connect");
	}
	/* Session tickets are read, and whoever asks beside us has begun. */
	for (end_ns = now_ns() + NS_PER_S; now_ns() < end_ns;) {
		poll_once(waiting, 10);
	}
}

static void ask_all(struct waiting *waiting)
{
	int64_t last_ns;

	waiting->begin_ns = now_ns();
	last_ns = waiting->begin_ns + ANSWER_S * NS_PER_S;
	for (size_t i = 0; i < waiting->batch_count; i++) {
		struct batch *batch = &waiting->batches[i];

		if (load_send(&batch->connection, &batch->request, now_ns()) == LOAD_STEP_CLOSED) {
			fail("a connection was closed while it was asked");
		}
		note_sent(waiting, batch);
		watch(waiting, batch, EPOLL_CTL_MOD);
		rest();
	}
	while (waiting->over < waiting->batch_count && now_ns() < last_ns) {
		poll_once(waiting, 100);
	}
	if (waiting->over < waiting->batch_count) {
		fail("not all were answered in two minutes");
	}
}

/* -- what it is told -- */

static void make_batch(struct batch *batch, const char *body, size_t len, unsigned cases)
{
	batch->cases = cases;
	batch->request = (struct load_request){ .head = batch->head,
		.head_len = (size_t)snprintf(batch->head, sizeof(batch->head),
			"POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
			"application/x-ndjson\r\nBidui-Purpose: verification\r\n"
			"Content-Length: %zu\r\n\r\n",
			len),
		.body = body,
		.body_len = len };
}

/* The text of the cases lives until the end. */
static void read_cases(struct waiting *waiting, const char *path)
{
	FILE *file = fopen(path, "rb");
	static char *text;
	size_t cap = 0, from = 0, at = 0;
	unsigned cases = 0;
	ssize_t len = file != NULL ? getdelim(&text, &cap, '\0', file) : -1;

	waiting->batches = calloc(BATCHES_MAX, sizeof(*waiting->batches));
	if (len <= 0 || waiting->batches == NULL) {
		fail(path);
	}
	fclose(file);
	for (; at < (size_t)len; at++) {
		cases += text[at] == '\n';
		if ((text[at] == '\n' && cases == BATCH) || (at + 1 == (size_t)len && cases > 0)) {
			if (waiting->batch_count == BATCHES_MAX) {
				fail("too many cases");
			}
			make_batch(&waiting->batches[waiting->batch_count++], text + from,
				at + 1 - from, cases);
			waiting->cases += cases;
			from = at + 1;
			cases = 0;
		}
	}
	waiting->times_ns = calloc(waiting->cases, sizeof(*waiting->times_ns));
	if (waiting->times_ns == NULL) {
		fail("memory");
	}
}

/* -- what is said -- */

static int by_size(const void *first, const void *second)
{
	int64_t a = *(const int64_t *)first, b = *(const int64_t *)second;

	return a < b ? -1 : a > b;
}

static void print_tally(const char *name, const struct tally *tally)
{
	printf("\"%s\":{", name);
	for (size_t i = 0; i < tally->count; i++) {
		printf("%s\"%s\":%u", i > 0 ? "," : "", tally->names[i], tally->counts[i]);
	}
	printf("},");
}

static double time_ms(const struct waiting *waiting, unsigned percent)
{
	return (double)waiting->times_ns[(waiting->answered - 1) * percent / 100] / 1e6;
}

static void print(struct waiting *waiting)
{
	if (waiting->answered != waiting->cases) {
		fail("a batch has fewer answers than cases");
	}
	qsort(waiting->times_ns, waiting->answered, sizeof(waiting->times_ns[0]), by_size);
	printf("{\"cases\":%zu,\"begin_ns\":%" PRId64 ",\"end_ns\":%" PRId64
	       ",\"seconds\":%.2f,\"most_waiting\":%zu,",
		waiting->answered, waiting->begin_ns, waiting->end_ns,
		(double)(waiting->end_ns - waiting->begin_ns) / 1e9, waiting->most);
	print_tally("decisions", &waiting->decisions);
	print_tally("look_ups", &waiting->look_ups);
	printf("\"ms\":{\"p50\":%.0f,\"p99\":%.0f,\"most\":%.0f}}\n", time_ms(waiting, 50),
		time_ms(waiting, 99), time_ms(waiting, 100));
}

int main(int argc, char **argv)
{
	static struct waiting waiting;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 5) {
		fprintf(stderr, "look_up_waiting: see the head of look_up_waiting.c\n");
		return 2;
	}
	bd_arena_init(&waiting.arena, 4 * LINE_MAX_BYTES);
	waiting.tls = load_tls_of(argv[2]);
	if (waiting.tls == NULL) {
		fail("the files of TLS cannot be used");
	}
	read_cases(&waiting, argv[3]);
	waiting.epoll = epoll_create1(EPOLL_CLOEXEC);
	connect_all(&waiting, (unsigned)strtoul(argv[1], NULL, 10), argv[4]);
	ask_all(&waiting);
	print(&waiting);
	return 0;
}
