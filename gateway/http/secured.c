#include "base/clock.h"
#include "http/connection.h"

void bd_http_connection_tell_secured(struct bd_http_exchange *x, enum bd_code code)
{
	const struct bd_http_ops *ops = x->loop->handler->ops;
	const struct bd_http_secured secured = { .code = code,
		.is_resumed = bd_http_session_is_resumed(x->session),
		.was_open = x->is_secured,
		.serial = bd_http_session_refused_serial(x->session) };
	x->is_secured = true;
	if (ops->on_secured != NULL) {
		ops->on_secured(x->loop->handler, &secured);
	}
}

void bd_http_connection_note_secured(struct bd_http_exchange *x)
{
	if (x->session == NULL || x->is_secured) {
		return;
	}
	enum bd_code failure = bd_http_session_failure(x->session);
	if (bd_http_session_is_ready(x->session) || failure != BD_OK) {
		bd_http_connection_tell_secured(x, failure);
	} else if (x->is_eof) {
		bd_http_connection_tell_secured(x, BD_TLS_CUT);
	}
}

/* A certificate that was good when the connection began. */
bool bd_http_connection_is_peer_refused(struct bd_http_exchange *x)
{
	if (x->session == NULL || x->phase == BD_HTTP_LINGER ||
		bd_http_session_recheck(x->session, x->tls, bd_clock_wall_ms(), &x->loop->looks)) {
		return false;
	}
	bd_http_connection_tell_secured(x, bd_http_session_failure(x->session));
	return true;
}
