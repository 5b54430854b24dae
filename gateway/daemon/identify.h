/* identify.h - who makes a request, by what it brings: design.md section 9.
 *
 * Layer: daemon, on the loop's thread, before a route begins. In this order, and what is there
 * decides: who fails by it is nobody, whatever else it could show.
 * - on the proxies' listener the connection is a registered proxy's (proxy_pins), or it is refused;
 * there alone Client-Cert (RFC 9440) tells whose certificate the proxy verified. Anywhere else a
 *   request with that header is refused: it would be believed by who trusts the wrong listener;
 * - Authorization: Basic, over TLS: a person's account (login_ask.h);
 * - Signature-Input: a key of the sender (signature.h), once (nonces.h);
 * - gjzwfwpt_sign: a platform by its sid, over TLS from the certificate that is registered with it,
 *   for pushes alone (routes.c), since neither address nor body are signed;
 * - the client's certificate, or the plaintext listener.
 */
#ifndef BD_DAEMON_IDENTIFY_H
#define BD_DAEMON_IDENTIFY_H

#include "daemon/loop.h"

/* Finds the sender and notes it with the exchange. Otherwise the code of the refusal, with its
 * detail in diag. BD_OK with *out NULL: it is being found out; the exchange is deferred, and will
 * be asked for again. */
enum bd_code bd_identify(const struct bd_sender **out, struct bd_gate *gate,
	struct bd_http_exchange *exchange, struct bd_diag *diag);
/* Who was found, for what is entered of a refusal; before that, whose certificate it is. NULL =
 * nobody. */
const struct bd_sender *bd_identified(const struct bd_http_exchange *exchange);

#endif
