/* tls_deny.h - the deny list: certificates that are refused at once, whatever their issuer says.
 *
 * Layer: http, for tls_trust.c. One entry a line, '#' begins a comment line:
 *   pin HEX                 SHA-256 of the public key (SPKI, DER), 64 digits
 *   serial HEX ISSUER       a serial number of an issuer, whose name is as in RFC 4514
 * `bidui pki show` prints both lines of a certificate. Blanks around a line are dropped; case and
 * leading zeros of hexadecimal digits do not matter, colons between them are allowed. A line that
 * is none of these makes the whole list unusable: half a list would let somebody in.
 */
#ifndef BD_HTTP_TLS_DENY_H
#define BD_HTTP_TLS_DENY_H

#include "base/diag.h"

struct bd_http_peer;

struct bd_http_deny_entry {
	char digits[65]; /* of the pin, lower case; of the serial, upper case, no leading zeros */
	struct bd_bytes issuer; /* ptr NULL = a pin */
};

struct bd_http_deny {
	struct bd_http_deny_entry *entries;
	size_t count, room;
};

/* Entries borrow from text. BD_CONFIG_SYNTAX with the line, BD_LIMIT_COUNT, BD_NO_MEMORY; then out
 * is empty. */
enum bd_code bd_http_deny_read(
	struct bd_http_deny *out, struct bd_bytes text, struct bd_diag *diag);
void bd_http_deny_release(struct bd_http_deny *deny);
bool bd_http_deny_has(const struct bd_http_deny *deny, const struct bd_http_peer *peer);

#endif
