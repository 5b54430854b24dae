/* tls_pki.h - keys, certificates and revocation lists of a small authority, for development and for
 * offices that have none of their own.
 *
 * Layer: http; called by cli/pki.c and by tests. Pure: bytes in, bytes out; files, and who may read
 * them, are the caller's. Keys are EC P-256 (the suites of tls.h sign with nothing larger);
 * signatures ECDSA with SHA-256; serial numbers 127 bits of chance (RFC 5280 section 4.1.2.2).
 * Certificates of servers may serve only, those of clients may only ask.
 */
#ifndef BD_HTTP_TLS_PKI_H
#define BD_HTTP_TLS_PKI_H

#include "base/diag.h"
#include "http/tls.h"

enum bd_pki_kind { BD_PKI_AUTHORITY, BD_PKI_SERVER, BD_PKI_CLIENT };

/* A certificate with its key, or without. */
struct bd_pki;

struct bd_pki_wanted {
	enum bd_pki_kind kind;
	const char *common_name;
	const char *const *names; /* "DNS:…", "IP:…", "URI:…", "email:…" */
	size_t name_count;
	int64_t from_ms, until_ms; /* since 1970, to the second */
};

struct bd_pki_facts {
	struct bd_http_peer peer;
	int64_t from_ms, until_ms;
	bool is_authority, may_serve, may_ask;
};

/* issuer NULL = signs itself. BD_CONFIG_MEANING when a name is not one. */
enum bd_code bd_pki_make(struct bd_pki **out, const struct bd_pki_wanted *wanted,
	const struct bd_pki *issuer, struct bd_diag *diag);
/* Subject, names, usage and key of `old`, a serial number and a time of its own. */
enum bd_code bd_pki_renew(struct bd_pki **out, const struct bd_pki *old, int64_t from_ms,
	int64_t until_ms, const struct bd_pki *issuer, struct bd_diag *diag);
void bd_pki_free(struct bd_pki *pki); /* NULL is allowed */
/* PEM; key ptr NULL = without. BD_CONFIG_SYNTAX when they are not, or do not belong together. */
enum bd_code bd_pki_read(
	struct bd_pki **out, struct bd_bytes cert, struct bd_bytes key, struct bd_diag *diag);
enum bd_code bd_pki_write_cert(struct bd_buf *out, const struct bd_pki *pki);
enum bd_code bd_pki_write_key(struct bd_buf *out, const struct bd_pki *pki);
void bd_pki_describe(struct bd_pki_facts *out, const struct bd_pki *pki);
/* Signed by that one. */
bool bd_pki_is_issued_by(const struct bd_pki *pki, const struct bd_pki *issuer);

/* The list of `issuer`, PEM: all of `before` (ptr NULL = none) and, when `revoked` is not NULL,
 * that one, with the next number. BD_CONFIG_SYNTAX when before is not a list of that issuer. */
enum bd_code bd_pki_make_crl(struct bd_buf *out, struct bd_bytes before,
	const struct bd_pki *revoked, int64_t from_ms, int64_t until_ms,
	const struct bd_pki *issuer, struct bd_diag *diag);
/* When that certificate was revoked by a list in PEM; 0 = it is not on it. *until_ms: the list's
 * end. */
enum bd_code bd_pki_look_up(int64_t *revoked_ms, int64_t *until_ms, struct bd_bytes crl,
	const struct bd_pki *pki, struct bd_diag *diag);

#endif
