/* login_ask.h - who a request's Authorization header says is asking: a person by a password (RFC
 * 7617, in UTF-8), over TLS only.
 *
 * Layer: daemon, on the loop's thread, for daemon/identify.c.
 */
#ifndef BD_DAEMON_LOGIN_ASK_H
#define BD_DAEMON_LOGIN_ASK_H

#include "daemon/loop.h"

/* BD_OK with *out NULL: the password is being checked, the exchange is deferred. BD_AUTH_PASSWORD,
 * BD_AUTH_LOCKED, BD_AUTH_PLAINTEXT, BD_AUTH_UNKNOWN (another scheme), BD_BUSY. */
enum bd_code bd_login_find(const struct bd_sender **out, struct bd_gate *gate,
	struct bd_http_exchange *exchange, struct bd_diag *diag);

#endif
