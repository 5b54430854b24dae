/* tls.h - TLS 1.2+ over bytes in memory, for connection.c. Layer: http; the only file there with
 * OpenSSL.
 *
 * AEAD suites only, session tickets on, client certificates optional or required and checked
 * against one CA file and, where given, a CRL file.
 */
#ifndef BD_HTTP_TLS_H
#define BD_HTTP_TLS_H

#include "base/diag.h"

#define BD_HTTP_PEER_NAMES_MAX 8

/* The client's certificate, verified. Texts end with NUL; what does not fit is left out, never cut.
 */
struct bd_http_peer {
	char common_name[128];
	char names[BD_HTTP_PEER_NAMES_MAX][128]; /* DNS, URI and mail SANs, in order */
	size_t name_count;
	bool has_alternative_names; /* any SAN: then the common name names nobody (RFC 6125) */
	char issuer[512]; /* its issuer's name (RFC 4514), in UTF-8 as `openssl x509 -issuer
			   * -nameopt RFC2253,-esc_msb` shows it */
	/* of the issuer's key as spki_sha256 is of its own; "" when the issuer is not known */
	char issuer_spki_sha256[65];
	char serial[64];      /* upper-case hexadecimal */
	char spki_sha256[65]; /* lower-case hexadecimal of SHA-256 of the public key (SPKI, DER) */
};

struct bd_http_tls_settings {
	const char *cert, *key; /* PEM files; cert with its chain */
	const char *ca, *crl;   /* PEM; NULL = clients are not asked for certificates, no CRL */
	bool is_client_required;
};

struct bd_http_tls;
struct bd_http_session;

/* BD_CONFIG_REFERENCE when a file cannot be used. */
enum bd_code bd_http_tls_new(struct bd_http_tls **out, const struct bd_http_tls_settings *settings,
	struct bd_diag *diag);
void bd_http_tls_free(struct bd_http_tls *tls);
/* New connections use the new files, open ones go on; on failure all go on with the old. Loop
 * thread only: each loop has its own struct bd_http_tls. */
enum bd_code bd_http_tls_reload(
	struct bd_http_tls *tls, const struct bd_http_tls_settings *settings, struct bd_diag *diag);

/* -- one connection; used by connection.c and output.c
 * ---------------------------------------------------------
 */
/* Ciphertext for the network is appended to wire, which must outlive the session. */
struct bd_http_session *bd_http_session_new(struct bd_http_tls *tls, struct bd_buf *wire);
void bd_http_session_free(struct bd_http_session *session);
/* Bytes from the network, borrowed until bd_http_session_keep. Only when nothing is kept. */
void bd_http_session_feed(struct bd_http_session *session, struct bd_bytes cipher);
/* Copies what was not read of them; false = no memory. */
bool bd_http_session_keep(struct bd_http_session *session);
bool bd_http_session_has_kept(const struct bd_http_session *session);
/* The handshake is over. */
bool bd_http_session_is_ready(const struct bd_http_session *session);
/* Plain bytes out: >0 count, 0 = needs more, -1 = end or failure (an alert may be in wire). */
int bd_http_session_read(struct bd_http_session *session, char *out, size_t room);
/* Encrypts all; false on failure. */
bool bd_http_session_write(struct bd_http_session *session, struct bd_bytes plain);
/* Says that nothing more comes. */
void bd_http_session_close(struct bd_http_session *session);
/* NULL without a verified certificate; lives as the session. */
const struct bd_http_peer *bd_http_session_peer(struct bd_http_session *session);

/* tls_peer.c: what a certificate says of its holder. issuer: the certificate it was verified by,
 * NULL = not known. */
struct x509_st;
void bd_http_peer_read(struct bd_http_peer *peer, struct x509_st *cert, struct x509_st *issuer);

#endif
