/* look_up_department.c - a department of taxation that is asked on the spot, as cheap as it can be.
 *
 *     look_up_department FILE FAULT PORT-FILE
 *
 * FILE is what bidui_gen wrote (tax.ndxml): each taxpayer is told by its number. FAULT is one of
 * slow:MS (every answer comes so much later), hang (none comes), junk (bytes that nobody can read),
 * flap:N (N answers, then N times 500, and so on, at once). HTTP/1.1 on a port of loopback that is
 * written to PORT-FILE, keep-alive, one thread. tests/stand_in does all that a department does, and
 * takes half a millisecond for it: with two processors those who are measured would wait for it.
 *
 * Told to end (SIGTERM) it prints one JSON object: asked, answered, failed (500), unknown numbers,
 * requests that were none, the most that waited at once, and how late an answer that was to wait
 * left, p50, p99 and most, in milliseconds.
 */
#include "now.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
/* A head and a question about one number have some 1.5 KB. */
#define REQUEST_MAX_BYTES 16384
#define ANSWER_MAX_BYTES 65536
#define JUNK_BYTES 2048
#define EVENTS 256
#define TIMES_MAX 200000

enum fault { SLOW, HANG, JUNK, FLAP };

struct client {
	int fd;
	char in[REQUEST_MAX_BYTES];
	size_t in_len;
	/* A question that waits for its answer, in the order in which they came. */
	struct client *next;
	int64_t due_ns;
	bool is_waiting, is_gone;
};

struct department {
	enum fault fault;
	unsigned value; /* MS, N */
	int epoll, listener, ended;
	struct client *first, **last;
	size_t asked, answered, failed, unknown, wrong, waiting, most_waiting;
	int64_t late_ns[TIMES_MAX];
	size_t late_count;
};

static const char head_begin[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
				 "<service xmlns=\"http://www.chinatax.gov.cn/spec/\"><head>";
static const char head_end[] =
	"<rtn_code>0</rtn_code><rtn_msg><Code>000</Code><Message>调用接口成功</Message>"
	"<Reason>调用接口成功</Reason></rtn_msg></head><body><![CDATA[<?xml version=\"1.0\" "
	"encoding=\"GBK\"?><taxML xmlns=\"http://www.chinatax.gov.cn/dataspec/\">";
static const char body_end[] = "</taxML>]]></body></service>";
static const char nobody[] = "<nsrxxGrid></nsrxxGrid>";

static void fail(const char *what)
{
	fprintf(stderr, "look_up_department: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- what it knows -- */

/* The text between two marks, or NULL. */
static const char *between(size_t *len, const char *text, const char *begin, const char *end)
{
	const char *from = strstr(text, begin), *to;

	from = from != NULL ? from + strlen(begin) : NULL;
	to = from != NULL ? strstr(from, end) : NULL;
	*len = to != NULL ? (size_t)(to - from) : 0;
	return to != NULL ? from : NULL;
}

static void know(const char *number, size_t len, const char *body)
{
	ENTRY entry = { .key = strndup(number, len), .data = (void *)(uintptr_t)body }, *known;

	known = entry.key != NULL ? hsearch(entry, ENTER) : NULL;
	if (known == NULL) {
		fail("memory");
	}
	known->data = entry.data; /* what was said last */
}

/* Under each number that stands in <name>. */
static void know_all(const char *body, const char *begin, const char *end)
{
	size_t len = 0;

	for (const char *at = body; (at = between(&len, at, begin, end)) != NULL; at += len) {
		know(at, len, body);
	}
}

static void read_taxpayers(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, len, count = 0;

	if (file == NULL || hcreate(1 << 20) == 0) {
		fail(path);
	}
	for (; getline(&line, &cap, file) > 0; count++) {
		const char *from = strstr(line, "<taxML"),
			   *body = from != NULL ? between(&len, from, ">", "</taxML>") : NULL;
		char *kept = body != NULL ? strndup(body, len) : NULL;

		if (kept != NULL) {
			know_all(kept, "<nsrsbh>", "</nsrsbh>");
			know_all(kept, "<shxydm>", "</shxydm>");
		}
	}
	free(line);
	fclose(file);
	if (count == 0) {
		fail("no taxpayers");
	}
}

/* -- answers -- */

/* Its memory stays: somebody may have it in hand, and there are no more of them than the connection
 * allows. */
static void drop(struct department *department, struct client *client)
{
	close(client->fd);
	client->is_gone = true;
	if (client->is_waiting && department->fault == HANG) {
		department->waiting--;
	}
}

static size_t put(char *out, size_t at, const char *text, size_t len)
{
	if (at + len > ANSWER_MAX_BYTES) {
		fail("an answer is too long");
	}
	memcpy(out + at, text, len);
	return at + len;
}

/* <name> of the question, as it was. */
static size_t put_again(
	char *out, size_t at, const char *request, const char *begin, const char *end)
{
	size_t len = 0;
	const char *text = between(&len, request, begin, end);

	at = put(out, at, begin, strlen(begin));
	at = put(out, at, text != NULL ? text : "", len);
	return put(out, at, end, strlen(end));
}

static size_t tell(struct department *department, char *out, const char *request)
{
	char stamp[128];
	time_t now = time(NULL);
	struct tm parts;
	size_t len = 0, at = put(out, 0, head_begin, strlen(head_begin));
	const char *number = between(&len, request, "<nsrsbh>", "</nsrsbh>"), *body = nobody;
	char key[64];

	if (number == NULL || len == 0 || len >= sizeof(key)) {
		department->wrong++;
	} else {
		memcpy(key, number, len);
		key[len] = '\0';
		ENTRY *known = hsearch((ENTRY){ .key = key }, FIND);

		department->unknown += known == NULL;
		body = known != NULL ? known->data : nobody;
	}
	at = put_again(out, at, request, "<tran_id>", "</tran_id>");
	at = put_again(out, at, request, "<channel_id>", "</channel_id>");
	at = put_again(out, at, request, "<tran_seq>", "</tran_seq>");
	localtime_r(&now, &parts);
	len = strftime(stamp, sizeof(stamp),
		"<tran_date>%Y%m%d</tran_date><tran_time>%H%M%S000</tran_time>", &parts);
	at = put(out, at, stamp, len);
	at = put(out, at, head_end, strlen(head_end));
	at = put(out, at, body, strlen(body));
	return put(out, at, body_end, strlen(body_end));
}

static size_t junk(char *out)
{
	for (unsigned i = 0; i < JUNK_BYTES; i++) {
		out[i] = (char)((i * 37 + 11) % 256);
	}
	return JUNK_BYTES;
}

static void answer(struct department *department, struct client *client)
{
	static char body[ANSWER_MAX_BYTES], out[ANSWER_MAX_BYTES + 512];
	size_t n = department->answered + department->failed, len, all;
	bool is_failing = department->fault == FLAP && n / department->value % 2 == 1;

	len = is_failing                  ? 0
	      : department->fault == JUNK ? junk(body)
					  : tell(department, body, client->in);
	department->failed += is_failing;
	department->answered += !is_failing;
	all = (size_t)snprintf(out, 512,
		"HTTP/1.1 %d \r\nContent-Type: text/xml; charset=utf-8\r\n"
		"Content-Length: %zu\r\n\r\n",
		is_failing ? 500 : 200, len);
	memcpy(out + all, body, len);
	client->in_len = 0;
	/* The socket is empty: its client has asked nothing since. */
	if (send(client->fd, out, all + len, MSG_NOSIGNAL) != (ssize_t)(all + len)) {
		drop(department, client);
	}
}

/* -- questions -- */

static bool is_whole(const struct client *client)
{
	const char *end = strstr(client->in, "\r\n\r\n");
	const char *length = strcasestr(client->in, "\r\ncontent-length:");

	return end != NULL && length != NULL && length < end &&
	       client->in_len >= (size_t)(end + 4 - client->in) + strtoull(length + 17, NULL, 10);
}

static void take(struct department *department, struct client *client)
{
	department->asked++;
	if (strncmp(client->in, "POST /tax/gt3 ", 14) != 0) {
		department->wrong++;
	}
	if (department->fault != HANG && department->fault != SLOW) {
		answer(department, client);
		return;
	}
	client->is_waiting = true;
	department->waiting++;
	if (department->waiting > department->most_waiting) {
		department->most_waiting = department->waiting;
	}
	if (department->fault == SLOW) {
		client->due_ns = now_ns() + department->value * NS_PER_MS;
		client->next = NULL;
		*department->last = client;
		department->last = &client->next;
	}
}

static void hear(struct department *department, struct client *client)
{
	ssize_t got = client->is_gone ? 0
				      : recv(client->fd, client->in + client->in_len,
						REQUEST_MAX_BYTES - 1 - client->in_len, 0);

	if (client->is_gone || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
		return;
	}
	if (got <= 0) {
		drop(department, client);
		return;
	}
	client->in_len += (size_t)got;
	client->in[client->in_len] = '\0';
	if (!client->is_waiting && is_whole(client)) {
		take(department, client);
	}
}

/* One: of others that wait the listener tells again. */
static void welcome(struct department *department)
{
	const int on = 1;
	int fd = accept4(department->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client = fd >= 0 ? calloc(1, sizeof(*client)) : NULL;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (fd < 0) {
		return;
	}
	if (client == NULL) {
		fail("memory");
	}
	client->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(department->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		fail("epoll");
	}
}

/* -- time -- */

static void answer_due(struct department *department)
{
	int64_t now;

	while (department->first != NULL && (now = now_ns()) >= department->first->due_ns) {
		struct client *client = department->first;

		department->first = client->next;
		department->last =
			department->first == NULL ? &department->first : department->last;
		department->waiting--;
		client->is_waiting = false;
		if (client->is_gone) {
			continue;
		}
		if (department->late_count < TIMES_MAX) {
			department->late_ns[department->late_count++] = now - client->due_ns;
		}
		answer(department, client);
		rest(); /* what is measured goes first */
	}
}

static int by_size(const void *first, const void *second)
{
	int64_t a = *(const int64_t *)first, b = *(const int64_t *)second;

	return a < b ? -1 : a > b;
}

static double late_ms(const struct department *department, unsigned percent)
{
	size_t count = department->late_count;

	return count > 0 ? (double)department->late_ns[(count - 1) * percent / 100] / 1e6 : 0;
}

static void print(struct department *department)
{
	qsort(department->late_ns, department->late_count, sizeof(department->late_ns[0]), by_size);
	printf("{\"asked\":%zu,\"answered\":%zu,\"failed\":%zu,\"unknown\":%zu,\"wrong\":%zu,"
	       "\"most_waiting\":%zu,\"late_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"most\":%.2f}}\n",
		department->asked, department->answered, department->failed, department->unknown,
		department->wrong, department->most_waiting, late_ms(department, 50),
		late_ms(department, 99), late_ms(department, 100));
}

/* -- its life -- */

static void listen_on(struct department *department, const char *port_file)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &department->listener };
	FILE *file;

	department->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (department->listener < 0 ||
		bind(department->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(department->listener, 4096) != 0 ||
		getsockname(department->listener, (struct sockaddr *)&address, &len) != 0 ||
		epoll_ctl(department->epoll, EPOLL_CTL_ADD, department->listener, &event) != 0) {
		fail("listen");
	}
	file = fopen(port_file, "w");
	if (file == NULL || fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 ||
		fclose(file) != 0) {
		fail(port_file);
	}
}

static void await_end(struct department *department)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &department->ended };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	department->ended = signalfd(-1, &ends, SFD_CLOEXEC);
	if (department->ended < 0 ||
		epoll_ctl(department->epoll, EPOLL_CTL_ADD, department->ended, &event) != 0) {
		fail("signal");
	}
}

static bool serve(struct department *department)
{
	struct epoll_event events[EVENTS];
	int64_t left = department->first != NULL ? department->first->due_ns - now_ns() : NS_PER_S;
	struct timespec wait = { .tv_sec = left > 0 ? left / NS_PER_S : 0,
		.tv_nsec = left > 0 ? left % NS_PER_S : 0 };
	int count = epoll_pwait2(department->epoll, events, EVENTS, &wait, NULL);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == &department->ended) {
			return false;
		}
		if (events[i].data.ptr == &department->listener) {
			welcome(department);
		} else {
			hear(department, events[i].data.ptr);
		}
		answer_due(department);
		rest(); /* what is measured goes first */
	}
	answer_due(department);
	return true;
}

static bool read_fault(struct department *department, const char *text)
{
	static const char *const names[] = { "slow", "hang", "junk", "flap" };
	const char *value = strchrnul(text, ':');

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == (size_t)(value - text) &&
			strncmp(names[i], text, (size_t)(value - text)) == 0) {
			department->fault = (enum fault)i;
			department->value =
				*value == ':' ? (unsigned)strtoul(value + 1, NULL, 10) : 0;
			return department->value > 0 || i == HANG || i == JUNK;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	static struct department department;
	struct rlimit most;

	department.last = &department.first;
	if (argc != 4 || !read_fault(&department, argv[2])) {
		fprintf(stderr, "look_up_department: see the head of look_up_department.c\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_NOFILE, &most);
	}
	read_taxpayers(argv[1]);
	department.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (department.epoll < 0) {
		fail("epoll");
	}
	await_end(&department);
	listen_on(&department, argv[3]);
	while (serve(&department)) {
	}
	print(&department);
	return 0;
}
