/* tls.h - TLS 1.2+ over bytes in memory, for connection.c. Layer: http; tls*.c are the only files
 * there with OpenSSL.
 *
 * What is promised:
 * - AEAD suites with ephemeral keys only; no renegotiation, no compression, no early data;
 * - client certificates asked for, or required, and verified against one file of authorities:
 * signature, time, usage (clientAuth), the authorities' revocation lists and a local deny list. A
 * list has to be complete (no delta, not for some reasons only) and signed by a certificate of the
 * CA file; it counts until its own end, or until its file has been out of reach for
 * BD_HTTP_CRL_MISSING_MS, and for crl_grace_ms longer. Of an issuer without a list that counts, no
 * certificate is taken;
 * - sessions are resumed by tickets. A ticket opens only while authorities, lists and deny list are
 *   those it was made under and the certificate still passes; else the whole handshake is done, and
 *   refuses with its reason;
 * - the certificates of open connections are judged anew when any of these files changes, and every
 *   BD_HTTP_PEER_LOOK_MS for what comes by time alone; a connection whose certificate is refused is
 *   closed at once. A request in flight then gets no answer: it may have been carried out, as when
 * a connection breaks.
 *
 * An identity is what was read from the files at one time, never changed afterwards and shared by
 * all loops; a reload makes a new one beside it. Each loop has a struct bd_http_tls that points to
 * the one in force.
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
	const char *ca, *crl,
		*deny;        /* NULL = clients are not asked for certificates; no CRL; no list */
	int64_t crl_grace_ms; /* how long a CRL counts after its end; 0 = not at all */
	bool is_client_required; /* false: who shows no certificate is let in as nobody */
	/* The one in force: its ticket keys are used further, and its CRLs when those of the file
	 * cannot be read. NULL = there is none. */
	const struct bd_http_identity *before;
};

/* Times by the wall clock in milliseconds since 1970; INT64_MAX = there is none. */
struct bd_http_tls_report {
	int64_t own_until_ms, ca_until_ms, crl_until_ms; /* the first of several */
	size_t crl_count, deny_count;
	int64_t crl_lost_ms; /* since when the CRL file cannot be read; 0 = it can */
	bool is_crl_due;     /* a list is in the last quarter of its time */
};

struct bd_http_tls;
struct bd_http_identity;
struct bd_http_session;

/* BD_CONFIG_REFERENCE with the setting and what is wrong when a file cannot be used;
 * BD_TLS_CRL_LOST when it is that of the CRLs and there are none before. Any thread. With CRLs of
 * before it is BD_OK, the report says since when, and diag why. */
enum bd_code bd_http_identity_load(struct bd_http_identity **out,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag);
struct bd_http_identity *bd_http_identity_ref(struct bd_http_identity *identity);
void bd_http_identity_unref(struct bd_http_identity *identity); /* NULL is allowed */
void bd_http_identity_report(
	struct bd_http_tls_report *out, const struct bd_http_identity *identity, int64_t now_ms);

/* Takes a reference of its own. */
enum bd_code bd_http_tls_new_of(struct bd_http_tls **out, struct bd_http_identity *identity);
/* As that, of an identity that is nobody else's. */
enum bd_code bd_http_tls_new(struct bd_http_tls **out, const struct bd_http_tls_settings *settings,
	struct bd_diag *diag);
void bd_http_tls_free(struct bd_http_tls *tls);
/* From now on a handshake without a certificate fails (BD_TLS_NO_CERTIFICATE), whatever the
 * identity says. A session that is resumed may still have none. */
void bd_http_tls_want_client(struct bd_http_tls *tls);
/* From now on this one, for new connections and for the peers of open ones. The loop's thread only.
 * Takes a reference of its own. */
void bd_http_tls_use(struct bd_http_tls *tls, struct bd_http_identity *identity);
/* The same with one read here; on failure the old one stays. */
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
/* How the handshake ended: BD_OK, or a code of TLS_...; why its peer was refused later. */
enum bd_code bd_http_session_failure(const struct bd_http_session *session);
/* It went on from an earlier one. */
bool bd_http_session_is_resumed(const struct bd_http_session *session);
/* The serial number of the certificate that was refused, "" when none was. */
const char *bd_http_session_refused_serial(const struct bd_http_session *session);
/* Judges the peer again, if that is due. *looks is what is left to this step, and is taken from;
 * with none left it is put off. False: the peer is refused now, and the failure says why. */
bool bd_http_session_recheck(
	struct bd_http_session *session, struct bd_http_tls *tls, int64_t now_ms, unsigned *looks);
/* Says that nothing more comes. */
void bd_http_session_close(struct bd_http_session *session);
/* NULL without a verified certificate; lives as the session. */
const struct bd_http_peer *bd_http_session_peer(struct bd_http_session *session);

/* tls_peer.c: what a certificate says of its holder. issuer: the certificate it was verified by,
 * NULL = not known. */
struct x509_st;
void bd_http_peer_read(struct bd_http_peer *peer, struct x509_st *cert, struct x509_st *issuer);

/* The certificate that a terminating proxy verified, as it writes it into Client-Cert: ":BASE64:"
 * of its DER (RFC 9440 section 2.1), or its PEM percent-escaped (nginx: $ssl_client_escaped_cert).
 * False: it is none, or not valid at this time. Its issuer's key is not known. */
bool bd_http_peer_forwarded(struct bd_http_peer *peer, struct bd_bytes header);

#endif
