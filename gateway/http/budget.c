#include "http/connection.h"

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

static bool is_write_stuck(struct bd_http_exchange *x, uint64_t now)
{
	if (!x->is_writing) {
		return false;
	}
	if (x->write_left != x->tcp.write_queue_size) {
		x->write_left = x->tcp.write_queue_size;
		x->write_ms = now;
	}
	return now - x->write_ms > x->loop->settings.write_ms;
}

void bd_http_connection_tick(struct bd_http_exchange *x, uint64_t now)
{
	uint64_t age = now > x->since_ms ? now - x->since_ms : 0;
	bool is_dead = is_write_stuck(x, now), is_late = false;
	if (x->is_closing) {
		return;
	}
	if (bd_http_connection_is_peer_refused(x)) {
		bd_http_connection_close(x);
		return;
	}
	switch (x->phase) {
	case BD_HTTP_HEAD:
		/* While an answer is on its way its own clock runs. */
		is_dead = is_dead || (!x->is_begun && !x->is_writing && is_over_idle(x, age));
		is_late = x->is_begun && age > x->loop->settings.header_ms;
		break;
	case BD_HTTP_BODY:
		is_late = is_too_slow(x, age);
		break;
	case BD_HTTP_ANSWERING:
		break;
	case BD_HTTP_LINGER:
		is_dead = is_dead || (x->is_shut && age > BD_HTTP_LINGER_MS);
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
