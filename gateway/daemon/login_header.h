/* login_header.h - a name and a password as Authorization carries them.
 *
 * Layer: daemon; pure, called by daemon/login_ask.c.
 */
#ifndef BD_DAEMON_LOGIN_HEADER_H
#define BD_DAEMON_LOGIN_HEADER_H

#include "daemon/logins.h"

/* "Basic BASE64", of NAME:PASSWORD (RFC 7617 section 2), into name, password and password_len.
 * False: it is none, and nothing was set. */
bool bd_login_read(struct bd_login *out, struct bd_bytes header);

#endif
