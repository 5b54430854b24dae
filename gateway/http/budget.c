#include "http/connection.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

static bool is_shaking_hands(const struct bd_http_exchange *x)
{
	return x->session != NULL && !x->is_secured && !bd_http_session_is_ready(x->session);
}

/* What since_ms is the start of, and the limit that goes with it:
 * - waiting for a request: since it began to wait; a TLS handshake has the time of a head, what is
 *   idle has idle_ms;
 * - a head has begun: since its first byte, header_ms;
 * - a body: since we listen for it, the least rate after a grace;
 * - lingering: since our half was closed.
 */
static bool is_over_idle(const struct bd_http_exchange *x, uint64_t age)
{
	const struct bd_http_settings *settings = &x->loop->settings;
	return age > (is_shaking_hands(x) ? settings->header_ms : settings->idle_ms);
}

static bool is_too_slow(const struct bd_http_exchange *x, uint64_t age)
{
	const struct bd_http_settings *settings = &x->loop->settings;
	return x->is_reading && age > settings->body_grace_ms &&
	       x->body_bytes * 1000 / age < settings->body_rate_bytes;
}

size_t bd_http_connection_untaken(const struct bd_http_exchange *x)
{
	int in_kernel = 0;
	uv_os_fd_t fd;
	if (uv_fileno((const uv_handle_t *)&x->tcp, &fd) != 0 ||
		ioctl(fd, SIOCOUTQ, &in_kernel) != 0) {
		in_kernel = 0;
	}
	return x->tcp.write_queue_size + (size_t)in_kernel;
}

/* What the kernel holds counts as not taken: it may hold minutes of a slow client, who is then
 * neither stuck nor done. */
static bool is_write_stuck(struct bd_http_exchange *x, uint64_t now)
{
	const struct bd_http_settings *settings = &x->loop->settings;
	if (!x->is_writing) {
		return false;
	}
	size_t left = bd_http_connection_untaken(x);
	uint64_t age = now - x->write_begun_ms;
	if (x->write_left != left) {
		x->write_left = left;
		x->write_ms = now;
	}
	return now - x->write_ms > settings->write_ms ||
	       (age > settings->write_ms &&
		       (x->write_all - left) * 1000 / age < settings->write_rate_bytes);
}

/* -- clients that leave before their answer -- */

/* TCP_CLOSE_WAIT: it sends nothing any more; TCP_CLOSE: it is gone; 0 where that is not told. */
static int state_of(const struct bd_http_exchange *x)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	uv_os_fd_t fd;
	if (uv_fileno((const uv_handle_t *)&x->tcp, &fd) != 0 ||
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
		return 0;
	}
	return info.tcpi_state;
}

/* Whoever has closed its half has left, or still reads: only the machine of who has left refuses
 * what is sent to it. Nothing comes of it where somebody reads: 100 Continue may come as often as
 * one likes before an answer (RFC 9110 section 15.2), a zero in front of a chunk's length is part
 * of that (RFC 9112 section 7.1). HTTP/1.0 has neither. */
static void sound(struct bd_http_exchange *x)
{
	bool is_able = !x->block->head.is_1_0 && !(x->is_streaming && x->is_head_method);
	if (x->is_sounded || !is_able || bd_http_waiting(x) > 0) {
		return;
	}
	x->is_sounded = true;
	if (bd_buf_add_text(&x->out, x->is_streaming ? "0" : "HTTP/1.1 100 Continue\r\n\r\n") !=
		BD_OK) {
		bd_http_connection_close(x);
	}
	bd_http_connection_wake(x);
}

/* What is read from tells its end by itself; else the kernel is asked. */
static bool is_gone(struct bd_http_exchange *x)
{
	int state;
	if (!x->is_watched || !x->is_handled || x->is_reading) {
		return false;
	}
	state = state_of(x);
	if (state == TCP_CLOSE_WAIT) {
		sound(x);
	}
	return state == TCP_CLOSE;
}

void bd_http_connection_tick(struct bd_http_exchange *x, uint64_t now)
{
	uint64_t age = now > x->since_ms ? now - x->since_ms : 0;
	bool is_dead = false, is_late = false;
	if (x->is_closing) {
		return;
	}
	if (is_write_stuck(x, now)) {
		bd_http_connection_reset(x);
		return;
	}
	if (is_gone(x) || bd_http_connection_is_peer_refused(x)) {
		bd_http_connection_close(x);
		return;
	}
	switch (x->phase) {
	case BD_HTTP_HEAD:
		/* While an answer is on its way its own clock runs. */
		is_dead = (!x->is_begun && !x->is_writing && is_over_idle(x, age));
		is_late = x->is_begun && age > x->loop->settings.header_ms;
		break;
	case BD_HTTP_BODY:
		is_late = is_too_slow(x, age);
		break;
	case BD_HTTP_ANSWERING:
		break;
	case BD_HTTP_LINGER:
		is_dead = (x->is_shut && age > BD_HTTP_LINGER_MS);
		break;
	}
	if (is_dead && is_shaking_hands(x)) {
		bd_http_connection_tell_secured(x, BD_TLS_TIMEOUT);
	}
	if (is_dead) {
		bd_http_connection_close(x);
	} else if (is_late) {
		bd_http_connection_refuse(x, BD_HTTP_TIMEOUT);
		bd_http_connection_wake(x);
	}
}
