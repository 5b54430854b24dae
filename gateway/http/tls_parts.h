/* tls_parts.h - what the files around tls.c share, with OpenSSL's types. Layer: http, tls*.c only.
 *
 * tls_trust.c says which certificates are taken, tls_identity.c makes a context of that and of our
 * own certificate, tls.c moves the bytes of one connection, tls_reason.c names what went wrong.
 */
#ifndef BD_HTTP_TLS_PARTS_H
#define BD_HTTP_TLS_PARTS_H

#include "base/digest.h"
#include "http/tls.h"
#include "http/tls_deny.h"
#include "http/tls_reason.h"
#include "http/tls_ticket.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

/* -- tls_trust.c: the authorities, their revocation lists and the deny list, as read from files at
 * one time; never changed -- */
struct bd_http_crl;

struct bd_http_trust {
	X509_STORE *store;
	STACK_OF(X509) * authorities;
	struct bd_http_crl *crls;
	size_t crl_count;
	struct bd_http_deny deny;
	struct bd_buf deny_text; /* what its entries borrow from */
	int64_t grace_ms;
	int64_t lost_ms; /* since when the CRL file is out of reach, by the wall clock; 0 = it is
			    not */
	bool has_crl_file, is_client_required;
	uint8_t digest[BD_DIGEST_BYTES]; /* of all it was made of */
};

/* As bd_http_identity_load; on failure nothing is to be
 * released.
 */
enum bd_code bd_http_trust_read(struct bd_http_trust *out,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag);
void bd_http_trust_release(struct bd_http_trust *trust);
/* What time and lists say of a certificate whose signature was verified: BD_OK, BD_TLS_EXPIRED,
 * BD_TLS_NOT_YET_VALID, BD_TLS_DENIED, BD_TLS_REVOKED, BD_TLS_CRL. peer NULL: read if needed. A
 * certificate of an authority needs no CRL, but one that lists it counts. */
enum bd_code bd_http_trust_check(const struct bd_http_trust *trust, X509 *cert,
	const struct bd_http_peer *peer, int64_t now_ms);
/* The authority that its name and key identifier point to, for the caller to free; NULL = none
 * here. */
X509 *bd_http_trust_issuer(const struct bd_http_trust *trust, X509 *cert);
void bd_http_trust_report(
	struct bd_http_tls_report *out, const struct bd_http_trust *trust, int64_t now_ms);
/* Milliseconds since 1970; INT64_MAX for NULL and for what is no time. */
int64_t bd_http_time_of(const ASN1_TIME *time);

/* -- tls_identity.c -- */
struct bd_http_identity {
	SSL_CTX *ctx;
	struct bd_http_trust trust;
	struct bd_http_tickets *tickets;
	int64_t own_until_ms;
	unsigned references; /* atomic */
};

/* What a handshake is judged by: the session, as found from OpenSSL's callbacks. */
struct bd_http_session {
	SSL *ssl;
	struct bd_http_identity *identity; /* by which it was made */
	struct bd_http_identity *checked;  /* by which its peer was last looked at */
	int64_t checked_ms;
	struct bd_buf *wire;
	struct bd_bytes given; /* not yet read, borrowed, or what is left of kept */
	struct bd_buf kept;
	enum bd_code failure; /* why the handshake failed, or why its peer is refused now */
	char serial[64];      /* of the certificate that was refused; "" = not known */
	bool is_peer_known;
	struct bd_http_peer *peer;
};

/* -- tls_peer.c -- */
void bd_http_serial_read(char serial[64], X509 *cert);

#endif
