/* access.h - who is speaking, and what they may do. Layer: daemon. Fail closed: who is not listed
 * is nobody. */
#ifndef BD_DAEMON_ACCESS_H
#define BD_DAEMON_ACCESS_H

#include "config/settings.h"
#include "http/tls.h"

/* peer NULL = no certificate. is_loopback: came in on the plaintext listener. NULL = not known. */
const struct bd_sender *bd_access_sender(
	const struct bd_senders *senders, const struct bd_http_peer *peer, bool is_loopback);
/* Any of these roles. */
bool bd_access_has(const struct bd_sender *sender, uint32_t roles);
bool bd_access_speaks_for(const struct bd_sender *sender, const char *source);

#endif
