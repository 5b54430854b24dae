#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define READ_MAX ((size_t)8 << 20)

struct http_server {
	struct bd_http_handler handler; /* first */
	struct bd_http_loop *http;
	struct bd_http_settings settings;
	struct bd_http_tls *tls;
	uv_loop_t uv;
	uv_async_t drain, release, reload;
	unsigned secured[BD_CODE_COUNT], resumed; /* atomic */
	const struct bd_http_tls_settings *next;
	enum bd_code reloaded;
	pthread_barrier_t has_reloaded;
	uint64_t mark, safe;         /* atomic: what answers wait for, how far that has come */
	unsigned marks, is_dropping; /* atomic */
	pthread_t thread;
	pthread_barrier_t started;
	struct call *held;
	unsigned port, aborts, nested, crowded, requests;
	uv_prepare_t before;
	uv_check_t after;
	unsigned turn;                /* changes before and after the sockets are looked at */
	bool is_calling, is_draining; /* is_draining: of the test's thread */
};

struct call {
	struct http_server *server;
	struct call *next_held;
	struct bd_http_exchange *exchange;
	struct bd_buf body;
	uv_timer_t timer;
	size_t sent;
	unsigned turn;   /* in which it was asked for more */
	unsigned number; /* of the request, from 1 */
	bool is_ended, is_timed, is_streaming;
};

/* What is named busy keeps its loop for that. */
static void be_busy(struct bd_bytes path)
{
	uint64_t ms = bd_bytes_is(path, "/busy") ? 5 : bd_bytes_is(path, "/busy-long") ? 1000 : 0;
	uint64_t end_ns = uv_hrtime() + ms * 1000000;
	while (uv_hrtime() < end_ns) {
	}
}

static void enter(struct http_server *server)
{
	if (server->is_calling) {
		__atomic_add_fetch(&server->nested, 1, __ATOMIC_SEQ_CST);
	}
}

static void free_call(uv_handle_t *handle)
{
	struct call *call = handle->data;
	bd_buf_release(&call->body);
	free(call);
}

static void end_call(struct call *call)
{
	call->is_ended = true;
	uv_close((uv_handle_t *)&call->timer, free_call);
}

static void respond(struct call *call, struct bd_bytes body)
{
	struct http_server *server = call->server;
	server->is_calling = true;
	if (call->is_streaming) {
		bd_http_write(call->exchange, body);
		bd_http_end(call->exchange);
	} else {
		bd_http_respond(call->exchange, 200, NULL, body);
	}
	server->is_calling = false;
	end_call(call);
}

/* And how long its body was, and the sum of its bytes. */
static void respond_number(struct call *call)
{
	char text[64];
	unsigned sum = 0;
	for (size_t i = 0; i < call->body.len; i++) {
		sum += (unsigned char)call->body.ptr[i];
	}
	snprintf(text, sizeof(text), "#%u %zu %u.", call->number, call->body.len, sum);
	respond(call, bd_bytes_of(text));
}

static void stream(struct call *call)
{
	static char chunk[65536];
	struct http_server *server = call->server;
	bool may_go_on = true;
	server->is_calling = true;
	while (may_go_on && call->sent < STREAM_BYTES) {
		memset(chunk, 'a' + (int)(call->sent / sizeof(chunk) % 26), sizeof(chunk));
		may_go_on =
			bd_http_write(call->exchange, (struct bd_bytes){ chunk, sizeof(chunk) });
		call->sent += sizeof(chunk);
	}
	if (call->sent >= STREAM_BYTES) {
		bd_http_end(call->exchange);
		end_call(call);
	}
	server->is_calling = false;
}

static void on_timer(uv_timer_t *timer)
{
	struct call *call = timer->data;
	if (bd_bytes_is(bd_http_path(call->exchange), "/paused") ||
		bd_bytes_is(bd_http_path(call->exchange), "/paused-long")) {
		call->server->is_calling = true;
		bd_http_resume(call->exchange);
		call->server->is_calling = false;
	} else {
		respond(call, bd_bytes_of("later"));
	}
}

static void on_request(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct http_server *server = (struct http_server *)handler;
	struct call *call = calloc(1, sizeof(*call));
	enter(server);
	call->number = __atomic_add_fetch(&server->requests, 1, __ATOMIC_SEQ_CST);
	be_busy(bd_http_path(exchange));
	call->server = server;
	call->exchange = exchange;
	bd_buf_init(&call->body, READ_MAX);
	uv_timer_init(&server->uv, &call->timer);
	call->timer.data = call;
	bd_http_set_state(exchange, call);
	if (bd_bytes_is(bd_http_path(exchange), "/early")) {
		respond(call, bd_bytes_of("early"));
	} else if (bd_bytes_is(bd_http_path(exchange), "/who")) {
		const struct bd_http_peer *peer = bd_http_peer(exchange);
		respond(call, bd_bytes_of(peer != NULL ? peer->common_name : "-"));
	} else if (bd_bytes_is(bd_http_path(exchange), "/redirect")) {
		static const struct bd_http_header headers[] = { { "Location", "/early" },
			{ NULL, NULL } };
		bd_http_respond(exchange, 302, headers, bd_bytes_of("elsewhere"));
		end_call(call);
	} else if (bd_bytes_is(bd_http_path(exchange), "/early-stream")) {
		bd_http_begin(exchange, 200, NULL);
		bd_http_write(exchange, bd_bytes_of("early"));
		bd_http_end(exchange);
		end_call(call);
	} else if (bd_bytes_is(bd_http_path(exchange), "/paused")) {
		bd_http_pause(exchange);
		uv_timer_start(&call->timer, on_timer, 100, 0);
	} else if (bd_bytes_is(bd_http_path(exchange), "/paused-long")) {
		bd_http_pause(exchange);
		uv_timer_start(&call->timer, on_timer, 800, 0);
	} else if (bd_bytes_is(bd_http_path(exchange), "/watched-paused")) {
		bd_http_pause(exchange);
		bd_http_watch(exchange);
	}
}

static void on_body(
	struct bd_http_handler *handler, struct bd_http_exchange *exchange, struct bd_bytes bytes)
{
	struct call *call = bd_http_state(exchange);
	enter((struct http_server *)handler);
	if (bd_buf_add(&call->body, bytes) != BD_OK) {
		abort();
	}
}

static void hold(struct call *call)
{
	call->next_held = call->server->held;
	call->server->held = call;
}

static void on_body_end(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct call *call = bd_http_state(exchange);
	struct bd_bytes path = bd_http_path(exchange);
	enter((struct http_server *)handler);
	if (bd_bytes_is(path, "/later")) {
		uv_timer_start(&call->timer, on_timer, 30, 0);
	} else if (bd_bytes_is(path, "/stream")) {
		bd_http_begin(exchange, 200, NULL);
		stream(call);
	} else if (bd_bytes_is(path, "/watched")) {
		bd_http_watch(exchange);
		hold(call);
	} else if (bd_bytes_is(path, "/watched-stream")) {
		call->is_streaming = true;
		bd_http_begin(exchange, 200, NULL);
		bd_http_write(exchange, bd_bytes_of("first"));
		bd_http_watch(exchange);
		hold(call);
	} else if (bd_bytes_is(path, "/hold")) {
		hold(call);
	} else if (bd_bytes_is(path, "/busy") || bd_bytes_is(path, "/busy-long") ||
		   bd_bytes_is(path, "/number")) {
		respond_number(call);
	} else {
		respond(call, bd_buf_bytes(&call->body));
	}
}

static void on_abort(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct http_server *server = (struct http_server *)handler;
	struct call *call = bd_http_state(exchange);
	enter(server);
	__atomic_add_fetch(&server->aborts, 1, __ATOMIC_SEQ_CST);
	if (!call->is_ended) {
		struct call **link = &server->held;
		while (*link != NULL && *link != call) {
			link = &(*link)->next_held;
		}
		*link = *link != NULL ? call->next_held : NULL;
		bd_http_end(exchange);
		end_call(call);
	}
}

static void on_writable(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct http_server *server = (struct http_server *)handler;
	struct call *call = bd_http_state(exchange);
	enter(server);
	if (call->turn == server->turn) {
		__atomic_add_fetch(&server->crowded, 1, __ATOMIC_SEQ_CST);
	}
	call->turn = server->turn;
	stream(call);
}

static void on_before(uv_prepare_t *before)
{
	((struct http_server *)before->data)->turn++;
}

static void on_after(uv_check_t *after)
{
	((struct http_server *)after->data)->turn++;
}

static void on_drained(struct bd_http_handler *handler)
{
	struct http_server *server = (struct http_server *)handler;
	uv_close((uv_handle_t *)&server->drain, NULL);
	uv_close((uv_handle_t *)&server->release, NULL);
	uv_close((uv_handle_t *)&server->reload, NULL);
	uv_close((uv_handle_t *)&server->before, NULL);
	uv_close((uv_handle_t *)&server->after, NULL);
}

static uint64_t on_mark(struct bd_http_handler *handler)
{
	struct http_server *server = (struct http_server *)handler;
	uint64_t mark = __atomic_load_n(&server->mark, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&server->marks, 1, __ATOMIC_SEQ_CST);
	return mark;
}

static void on_release(uv_async_t *async)
{
	struct http_server *server = async->data;
	bd_http_loop_release(server->http, __atomic_load_n(&server->safe, __ATOMIC_SEQ_CST));
	if (__atomic_exchange_n(&server->is_dropping, 0, __ATOMIC_SEQ_CST) != 0) {
		bd_http_loop_drop_held(server->http);
	}
}

static void on_secured(struct bd_http_handler *handler, const struct bd_http_secured *secured)
{
	struct http_server *server = (struct http_server *)handler;
	__atomic_add_fetch(&server->secured[secured->code], 1, __ATOMIC_SEQ_CST);
	if (secured->code == BD_OK && secured->is_resumed) {
		__atomic_add_fetch(&server->resumed, 1, __ATOMIC_SEQ_CST);
	}
}

static void on_reload(uv_async_t *async)
{
	struct http_server *server = async->data;
	server->reloaded = bd_http_tls_reload(server->tls, server->next, NULL);
	pthread_barrier_wait(&server->has_reloaded);
}

static const struct bd_http_ops ops = { on_request, on_body, on_body_end, on_abort, on_writable,
	NULL, on_drained, on_mark, NULL, on_secured };

static void on_drain(uv_async_t *async)
{
	struct http_server *server = async->data;
	while (server->held != NULL) {
		struct call *call = server->held;
		server->held = call->next_held;
		respond(call, bd_bytes_of("held"));
	}
	bd_http_loop_drain(server->http);
}

static void *run(void *state)
{
	struct http_server *server = state;
	struct bd_diag diag;
	uv_loop_init(&server->uv);
	uv_async_init(&server->uv, &server->drain, on_drain);
	server->drain.data = server;
	uv_async_init(&server->uv, &server->release, on_release);
	server->release.data = server;
	uv_async_init(&server->uv, &server->reload, on_reload);
	server->reload.data = server;
	uv_prepare_init(&server->uv, &server->before);
	uv_check_init(&server->uv, &server->after);
	server->before.data = server->after.data = server;
	server->turn = 1;
	uv_prepare_start(&server->before, on_before);
	uv_check_start(&server->after, on_after);
	if (bd_http_loop_new(&server->http, &server->uv, &server->settings, &server->handler,
		    &diag) != BD_OK ||
		bd_http_listen(server->http, "127.0.0.1", &server->port, server->tls, &diag) !=
			BD_OK) {
		abort();
	}
	pthread_barrier_wait(&server->started);
	uv_run(&server->uv, UV_RUN_DEFAULT);
	bd_http_loop_free(server->http);
	bd_http_tls_free(server->tls);
	if (uv_loop_close(&server->uv) != 0) {
		abort();
	}
	return NULL;
}

struct http_server *http_server_start(const struct bd_http_settings *settings)
{
	return http_server_start_tls(settings, NULL);
}

struct http_server *http_server_start_tls(
	const struct bd_http_settings *settings, const struct bd_http_tls_settings *tls)
{
	struct http_server *server = calloc(1, sizeof(*server));
	if (tls != NULL && bd_http_tls_new(&server->tls, tls, NULL) != BD_OK) {
		abort();
	}
	server->handler.ops = &ops;
	server->settings = settings != NULL ? *settings : (struct bd_http_settings){ 0 };
	server->settings.tick_ms = 10;
	pthread_barrier_init(&server->started, NULL, 2);
	pthread_barrier_init(&server->has_reloaded, NULL, 2);
	if (pthread_create(&server->thread, NULL, run, server) != 0) {
		abort();
	}
	pthread_barrier_wait(&server->started);
	return server;
}

unsigned http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_drain(struct http_server *server)
{
	if (!server->is_draining) {
		server->is_draining = true;
		uv_async_send(&server->drain);
	}
}

unsigned http_server_crowded(struct http_server *server)
{
	return __atomic_load_n(&server->crowded, __ATOMIC_SEQ_CST);
}

void http_server_hold(struct http_server *server, uint64_t mark)
{
	__atomic_store_n(&server->mark, mark, __ATOMIC_SEQ_CST);
}

void http_server_release(struct http_server *server, uint64_t safe)
{
	__atomic_store_n(&server->safe, safe, __ATOMIC_SEQ_CST);
	uv_async_send(&server->release);
}

void http_server_drop(struct http_server *server)
{
	__atomic_store_n(&server->is_dropping, 1, __ATOMIC_SEQ_CST);
	uv_async_send(&server->release);
}

unsigned http_server_marks(struct http_server *server)
{
	return __atomic_load_n(&server->marks, __ATOMIC_SEQ_CST);
}

void http_server_stop(struct http_server *server)
{
	http_server_drain(server);
	pthread_join(server->thread, NULL);
	pthread_barrier_destroy(&server->started);
	pthread_barrier_destroy(&server->has_reloaded);
	free(server);
}

unsigned http_server_secured(struct http_server *server, enum bd_code code)
{
	return __atomic_load_n(&server->secured[code], __ATOMIC_SEQ_CST);
}

void http_server_wait_secured(struct http_server *server, enum bd_code code, unsigned before)
{
	for (int i = 0; i < 5000 && http_server_secured(server, code) <= before; i++) {
		usleep(1000);
	}
	if (http_server_secured(server, code) <= before) {
		abort();
	}
}

unsigned http_server_resumed(struct http_server *server)
{
	return __atomic_load_n(&server->resumed, __ATOMIC_SEQ_CST);
}

enum bd_code http_server_reload(
	struct http_server *server, const struct bd_http_tls_settings *settings)
{
	server->next = settings;
	uv_async_send(&server->reload);
	pthread_barrier_wait(&server->has_reloaded);
	return server->reloaded;
}

unsigned http_server_requests(struct http_server *server)
{
	return __atomic_load_n(&server->requests, __ATOMIC_SEQ_CST);
}

void http_server_wait_requests(struct http_server *server, unsigned count)
{
	for (int i = 0; i < 5000 && http_server_requests(server) < count; i++) {
		usleep(1000);
	}
	if (http_server_requests(server) < count) {
		abort();
	}
}

unsigned http_server_aborts(struct http_server *server)
{
	return __atomic_load_n(&server->aborts, __ATOMIC_SEQ_CST);
}

void http_server_wait_aborts(struct http_server *server, unsigned count)
{
	for (int i = 0; i < 5000 && http_server_aborts(server) < count; i++) {
		usleep(1000);
	}
	if (http_server_aborts(server) < count) {
		abort();
	}
}

unsigned http_server_nested(struct http_server *server)
{
	return __atomic_load_n(&server->nested, __ATOMIC_SEQ_CST);
}

/* -- client -- */

int client_connect(unsigned port)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { 5, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
		abort();
	}
	return fd;
}

void client_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent < 0) {
			return; /* the answer says why it was closed */
		}
		bytes += sent;
		len -= (size_t)sent;
	}
}

void client_say(int fd, const char *text)
{
	client_send(fd, text, strlen(text));
}

static char came[READ_MAX];

const char *client_read_until(int fd, const char *text)
{
	size_t len = 0;
	ssize_t got = 1;
	came[0] = 0;
	while (got > 0 && strstr(came, text) == NULL && len + 1 < sizeof(came)) {
		got = recv(fd, came + len, sizeof(came) - 1 - len, 0);
		len += got > 0 ? (size_t)got : 0;
		came[len] = 0;
	}
	return came;
}

const char *client_read_end(int fd, size_t *len)
{
	size_t all = 0;
	ssize_t got;
	do {
		got = recv(fd, came + all, sizeof(came) - 1 - all, 0);
		all += got > 0 ? (size_t)got : 0;
	} while (got > 0 && all + 1 < sizeof(came));
	came[all] = 0;
	if (len != NULL) {
		*len = all;
	}
	/* A reset after the last answer is an end as well. */
	return got == 0 || (got < 0 && errno == ECONNRESET) ? came : NULL;
}
