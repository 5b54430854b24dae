#include "http/connection.h"

#include "base/thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct listener {
	uv_tcp_t tcp; /* first: the handle is the listener */
	struct bd_http_loop *loop;
	struct bd_http_tls *tls;
	struct listener *next;
};

/* -- the end of a drain: connections first, then the loop's own handles -- */

static void finish_drain(struct bd_http_loop *loop)
{
	if (loop->is_draining && loop->handle_count == 0 && !loop->is_drained) {
		loop->is_drained = true;
		if (loop->handler->ops->on_drained != NULL) {
			loop->handler->ops->on_drained(loop->handler);
		}
	}
}

static void on_own_closed(uv_handle_t *handle)
{
	struct bd_http_loop *loop = handle->data;
	loop->handle_count--;
	finish_drain(loop);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *listener = (struct listener *)handle;
	struct bd_http_loop *loop = listener->loop;
	free(listener);
	loop->handle_count--;
	finish_drain(loop);
}

static void close_own_when_empty(struct bd_http_loop *loop)
{
	if (loop->is_draining && loop->connection_count == 0 &&
		!uv_is_closing((uv_handle_t *)&loop->timer)) {
		uv_close((uv_handle_t *)&loop->timer, on_own_closed);
		uv_close((uv_handle_t *)&loop->idle, on_own_closed);
		uv_close((uv_handle_t *)&loop->before, on_own_closed);
		uv_close((uv_handle_t *)&loop->turn, on_own_closed);
	}
}

/* -- answers that wait -- */

void bd_http_loop_hold(struct bd_http_exchange *x)
{
	struct bd_http_loop *loop = x->loop;
	if (x->is_held) {
		return;
	}
	x->is_held = true;
	x->held_mark = x->mark;
	x->next_held = NULL;
	x->previous_held = loop->last_held;
	*(loop->last_held != NULL ? &loop->last_held->next_held : &loop->held) = x;
	loop->last_held = x;
}

static void unhold(struct bd_http_exchange *x)
{
	struct bd_http_loop *loop = x->loop;
	if (!x->is_held) {
		return;
	}
	x->is_held = false;
	*(x->previous_held != NULL ? &x->previous_held->next_held : &loop->held) = x->next_held;
	*(x->next_held != NULL ? &x->next_held->previous_held : &loop->last_held) =
		x->previous_held;
}

/* Marks only grow, so the list is in their order; who has formed more answers since waits anew. */
bool bd_http_loop_release(struct bd_http_loop *loop, uint64_t safe)
{
	loop->safe = safe > loop->safe ? safe : loop->safe;
	while (loop->held != NULL && loop->held->held_mark <= loop->safe) {
		struct bd_http_exchange *x = loop->held;
		unhold(x);
		if (x->mark > loop->safe) {
			bd_http_loop_hold(x);
		} else {
			bd_http_connection_wake(x);
		}
	}
	return loop->held != NULL;
}

bool bd_http_loop_has_held(const struct bd_http_loop *loop)
{
	return loop->held != NULL;
}

void bd_http_loop_drop_held(struct bd_http_loop *loop)
{
	/* Closing only marks: a connection leaves the list in its close callback. */
	for (struct bd_http_exchange *x = loop->held; x != NULL; x = x->next_held) {
		bd_http_connection_close(x);
	}
}

void bd_http_loop_refuse_held(struct bd_http_loop *loop, uint64_t kept, enum bd_code code)
{
	struct bd_http_exchange *x = loop->held, *next;
	for (; x != NULL; x = next) {
		next = x->next_held;
		if (x->mark <= kept) {
			continue;
		}
		unhold(x);
		if (x->formed > 1 || x->is_streaming) {
			bd_http_connection_close(x);
		} else {
			bd_buf_clear(&x->out);
			x->mark = x->formed = 0;
			bd_http_connection_refuse(x, code);
			bd_http_connection_wake(x);
		}
	}
}

static void end_turn(struct bd_http_loop *loop)
{
	if (loop->handler->ops->on_turn != NULL) {
		loop->handler->ops->on_turn(loop->handler);
	}
}

/* What was formed since then, when a connection could take more, must not wait with the loop:
 * nobody may come for as long as a tick. */
static void on_before(uv_prepare_t *before)
{
	struct bd_http_loop *loop = before->data;
	end_turn(loop);
	loop->long_ends_ns = 0;
	bd_thread_answering(false);
}

/* -- connections of the loop -- */

void bd_http_loop_forget(struct bd_http_exchange *x)
{
	unhold(x);
	if (x->loop->visited == x) {
		x->loop->visited = x->next;
	}
	if (x->previous != NULL) {
		x->previous->next = x->next;
	} else {
		x->loop->connections = x->next;
	}
	if (x->next != NULL) {
		x->next->previous = x->previous;
	}
}

void bd_http_loop_count_out(struct bd_http_loop *loop)
{
	loop->connection_count--;
	close_own_when_empty(loop);
}

struct bd_http_block *bd_http_block_take(struct bd_http_loop *loop)
{
	struct bd_http_block *block = loop->blocks;
	if (block == NULL) {
		return malloc(sizeof(*block));
	}
	loop->blocks = block->next;
	loop->block_count--;
	return block;
}

void bd_http_block_give(struct bd_http_loop *loop, struct bd_http_block *block)
{
	if (block == NULL || loop->block_count >= BD_HTTP_BLOCKS_KEPT) {
		free(block);
		return;
	}
	block->next = loop->blocks;
	loop->blocks = block;
	loop->block_count++;
}

void bd_http_spare_lend(struct bd_http_loop *loop, struct bd_buf *buf)
{
	struct bd_http_spares *spares = &loop->spares;
	if (buf->ptr == NULL && spares->count > 0) {
		const struct bd_buf *spare = &spares->items[--spares->count];
		buf->ptr = spare->ptr;
		buf->cap = spare->cap;
	}
}

void bd_http_spare_take(struct bd_http_loop *loop, struct bd_buf *buf)
{
	struct bd_http_spares *spares = &loop->spares;
	if (spares->count < BD_HTTP_SPARES_KEPT && buf->cap <= BD_HTTP_SPARE_MAX_BYTES) {
		spares->items[spares->count++] = *buf;
		bd_buf_init(buf, buf->max);
	}
	bd_buf_release(buf);
}

static void put(struct bd_http_queue *queue, struct bd_http_exchange *x)
{
	x->next_ready = NULL;
	*(queue->last != NULL ? &queue->last->next_ready : &queue->first) = x;
	queue->last = x;
}

/* Not from a queue that is empty. */
static struct bd_http_exchange *take(struct bd_http_queue *queue)
{
	struct bd_http_exchange *x = queue->first;
	queue->first = x->next_ready;
	queue->last = queue->first != NULL ? queue->last : NULL;
	x->is_ready = false;
	return x;
}

/* Who is queued meanwhile has the next turn. end_ns 0: all of them. */
static void process_until(struct bd_http_queue *queue, uint64_t end_ns)
{
	struct bd_http_exchange *last = queue->last;
	bool is_over = last == NULL;
	while (!is_over) {
		struct bd_http_exchange *x = take(queue);
		is_over = x == last;
		bd_http_connection_process(x);
		is_over = is_over || (end_ns != 0 && uv_hrtime() >= end_ns);
	}
}

static void process_in_turn(struct bd_http_queue *queue)
{
	if (queue->first != NULL) {
		process_until(queue, uv_hrtime() + BD_TURN_NS);
	}
}

static void rest_if_empty(struct bd_http_loop *loop)
{
	if (loop->ready.first == NULL && loop->coming.first == NULL &&
		loop->going_on.first == NULL) {
		uv_idle_stop(&loop->idle);
	}
}

static void on_idle(uv_idle_t *idle)
{
	struct bd_http_loop *loop = idle->data;
	process_until(&loop->ready, 0);
	process_in_turn(&loop->coming);
	process_in_turn(&loop->going_on);
	rest_if_empty(loop);
}

/* What may leave leaves at once, before anything that may be done later. */
static void on_turn(uv_check_t *turn)
{
	struct bd_http_loop *loop = turn->data;
	end_turn(loop);
	process_until(&loop->ready, 0);
	rest_if_empty(loop);
}

void bd_http_loop_queue(struct bd_http_queue *queue, struct bd_http_exchange *x)
{
	x->is_ready = true;
	put(queue, x);
	uv_idle_start(&x->loop->idle, on_idle);
}

void bd_http_loop_note_long(struct bd_http_loop *loop)
{
	if (loop->long_ends_ns == 0) {
		loop->long_ends_ns = uv_hrtime() + BD_TURN_NS;
	}
}

bool bd_http_loop_is_long_over(const struct bd_http_loop *loop)
{
	return loop->long_ends_ns != 0 && uv_hrtime() >= loop->long_ends_ns;
}

static void note_date(struct bd_http_loop *loop)
{
	time_t now = time(NULL);
	struct tm parts;
	if (now == loop->dated) {
		return;
	}
	loop->dated = now;
	gmtime_r(&now, &parts);
	strftime(loop->date, sizeof(loop->date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

/* -- budgets: everybody's within a tick, a few at a time, so that nobody waits for all of them --
 */

static void on_tick(uv_timer_t *timer);

static void start_timer(struct bd_http_loop *loop)
{
	uint64_t tick = loop->settings.tick_ms, count = loop->connection_count,
		 wait = count <= BD_HTTP_TICK_STEP ? tick : tick * BD_HTTP_TICK_STEP / count;
	uv_timer_start(&loop->timer, on_tick, wait > 0 ? wait : 1, 0);
}

/* Its share of what has passed since the last step, of the connections and of the looks. */
static size_t begin_step(struct bd_http_loop *loop, uint64_t now)
{
	uint64_t tick = loop->settings.tick_ms, passed = now - loop->stepped_ms,
		 looks = loop->looks + BD_HTTP_PEER_LOOKS_TICK * passed / tick,
		 visits = loop->connection_count * passed / tick + 1;
	loop->stepped_ms = now;
	loop->looks = looks < BD_HTTP_PEER_LOOKS_STEP ? (unsigned)looks : BD_HTTP_PEER_LOOKS_STEP;
	return visits < BD_HTTP_TICK_STEP_MAX ? (size_t)visits : BD_HTTP_TICK_STEP_MAX;
}

static void on_tick(uv_timer_t *timer)
{
	struct bd_http_loop *loop = timer->data;
	uint64_t now = uv_now(loop->uv);
	note_date(loop);
	struct bd_http_exchange *x = loop->visited != NULL ? loop->visited : loop->connections;
	/* Closing only marks: a connection leaves the list in its close callback. */
	for (size_t left = begin_step(loop, now); left > 0 && x != NULL; left--) {
		bd_http_connection_tick(x, now);
		x = x->next;
	}
	loop->visited = x;
	start_timer(loop);
}

/* -- its life -- */

static unsigned or_default(unsigned value, unsigned standard)
{
	return value == 0 ? standard : value;
}

enum bd_code bd_http_loop_new(struct bd_http_loop **out, struct uv_loop_s *uv,
	const struct bd_http_settings *settings, struct bd_http_handler *handler,
	struct bd_diag *diag)
{
	struct bd_http_loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "HTTP loop");
	}
	loop->uv = uv;
	loop->handler = handler;
	loop->settings = (struct bd_http_settings){
		.header_ms = or_default(settings->header_ms, 10000),
		.idle_ms = or_default(settings->idle_ms, 60000),
		.write_ms = or_default(settings->write_ms, 30000),
		.body_grace_ms = or_default(settings->body_grace_ms, 10000),
		.body_rate_bytes = or_default(settings->body_rate_bytes, 1024),
		.write_rate_bytes = or_default(settings->write_rate_bytes, 1024),
		.tick_ms = or_default(settings->tick_ms, 250),
		.connections_max =
			settings->connections_max == 0 ? 10000 : settings->connections_max,
	};
	note_date(loop);
	uv_timer_init(uv, &loop->timer);
	uv_idle_init(uv, &loop->idle);
	uv_prepare_init(uv, &loop->before);
	uv_check_init(uv, &loop->turn);
	loop->timer.data = loop->idle.data = loop->before.data = loop->turn.data = loop;
	loop->handle_count = 4;
	uv_prepare_start(&loop->before, on_before);
	uv_check_start(&loop->turn, on_turn);
	loop->stepped_ms = uv_now(uv);
	start_timer(loop);
	*out = loop;
	return BD_OK;
}

void bd_http_loop_free(struct bd_http_loop *loop)
{
	while (loop->blocks != NULL) {
		struct bd_http_block *block = loop->blocks;
		loop->blocks = block->next;
		free(block);
	}
	while (loop->spares.count > 0) {
		bd_buf_release(&loop->spares.items[--loop->spares.count]);
	}
	free(loop);
}

static void free_refused(uv_handle_t *handle)
{
	free(handle);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *listener = (struct listener *)stream;
	struct bd_http_loop *loop = listener->loop;
	struct bd_http_exchange *x = status < 0 ? NULL : calloc(1, sizeof(*x));
	if (x == NULL) {
		return;
	}
	x->loop = loop;
	uv_tcp_init(loop->uv, &x->tcp);
	if (uv_accept(stream, (uv_stream_t *)&x->tcp) != 0 ||
		loop->connection_count >= loop->settings.connections_max) {
		uv_close((uv_handle_t *)&x->tcp, free_refused);
		return;
	}
	x->is_open = true;
	x->next = loop->connections;
	if (x->next != NULL) {
		x->next->previous = x;
	}
	loop->connections = x;
	loop->connection_count++;
	bd_http_connection_start(x, listener->tls);
}

static int bind_shared(uv_tcp_t *tcp, const struct sockaddr *address)
{
	/* What is accepted inherits it. */
	int on = 1, room = BD_HTTP_SEND_BUFFER_BYTES,
	    fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) != 0 ||
		uv_tcp_open(tcp, fd) != 0) {
		if (fd >= 0) {
			close(fd);
		}
		return -1;
	}
	return uv_tcp_bind(tcp, address, 0);
}

enum bd_code bd_http_listen(struct bd_http_loop *loop, const char *address, unsigned *port,
	struct bd_http_tls *tls, struct bd_diag *diag)
{
	struct sockaddr_storage where = { 0 };
	if (uv_ip4_addr(address, (int)*port, (struct sockaddr_in *)&where) != 0 &&
		uv_ip6_addr(address, (int)*port, (struct sockaddr_in6 *)&where) != 0) {
		return bd_fail(diag, BD_CONFIG_MEANING, "the address to listen on is not numeric");
	}
	struct listener *listener = calloc(1, sizeof(*listener));
	if (listener == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "listener");
	}
	listener->loop = loop;
	listener->tls = tls;
	uv_tcp_init(loop->uv, &listener->tcp);
	loop->handle_count++;
	int len = sizeof(where);
	if (bind_shared(&listener->tcp, (struct sockaddr *)&where) != 0 ||
		uv_listen((uv_stream_t *)&listener->tcp, 1024, on_connection) != 0 ||
		uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&where, &len) != 0) {
		uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
		return bd_fail(diag, BD_IO, "cannot listen on port %u", *port);
	}
	/* The port lies at the same place in both families. */
	*port = ntohs(((struct sockaddr_in *)&where)->sin_port);
	listener->next = loop->listeners;
	loop->listeners = listener;
	return BD_OK;
}

void bd_http_loop_drain(struct bd_http_loop *loop)
{
	loop->is_draining = true;
	while (loop->listeners != NULL) {
		struct listener *listener = loop->listeners;
		loop->listeners = listener->next;
		uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
	}
	/* Those that are idle close themselves, the others after their answer. */
	for (struct bd_http_exchange *x = loop->connections; x != NULL; x = x->next) {
		bd_http_connection_wake(x);
	}
	close_own_when_empty(loop);
}
