/* client.h - the outbound client: one HTTP/1.1 request to somebody else, answered or failed.
 *
 * Layer: http; called by cli/ now, by daemon/ for pulls and live look-ups. The only file with
 * libcurl. It uses nothing of the server beside it.
 *
 * What is promised, whoever stands at the other end:
 * - https unless the settings say otherwise; TLS 1.2+ with the server's AEAD suites; the
 *   certificate and its name are always verified, against `ca` alone where it is given;
 * - no redirects (a 3xx is BD_CONNECT_REDIRECT), no proxy and nothing else of the environment, no
 *   cookies, no content coding: what came is what is in the answer;
 * - every address is shown to the guard after the name was resolved and before a socket is opened
 *   to it, so a name that resolves elsewhere the second time gains nothing;
 * - own limits: bytes of the answer's head (BD_HTTP_ANSWER_HEAD_MAX_BYTES) and of its body (the
 *   maximum of the caller's buffer), and the three times of the settings;
 * - a body that ends before its stated length breaks the request off, so the receiver never takes
 *   a part for the whole.
 *
 * bd_http_client_ask blocks. It is made of a beginning and a conclusion around the transfer itself,
 * so that many transfers on one uv loop (fetch.h) have another middle only: settings, request,
 * callbacks and codes are the same.
 *
 * Failures: BD_CONNECT (name, TCP, TLS), BD_CONNECT_ADDRESS (the guard said no),
 * BD_CONNECT_CERTIFICATE and _EXPIRED, _EARLY, _ISSUER, _NAME, _USAGE (theirs is not trusted, and
 * why), BD_CONNECT_OWN_CERTIFICATE and OWN_EXPIRED, OWN_REVOKED, OWN_ISSUER, OWN_USAGE, OWN_MISSING
 * (they refused ours), BD_CONNECT_TLS (no version or suite in common), BD_CONNECT_TIMEOUT,
 * BD_CONNECT_BROKEN (broke off, or not HTTP), BD_CONNECT_REDIRECT, BD_CONNECT_ANSWER_SIZE,
 * BD_CONFIG_REFERENCE (a file of ours cannot be used), BD_CONFIG_MEANING (the URL or a header is
 * not one), BD_IO (our own body could not be read), BD_NO_MEMORY. The diag's detail is libcurl's
 * own text in printable ASCII: our address and the name in their certificate may be in it, nothing
 * of a body ever is.
 */
#ifndef BD_HTTP_CLIENT_H
#define BD_HTTP_CLIENT_H

#include "base/diag.h"
#include "http/header.h"

struct sockaddr;
struct bd_http_client;

/* Says which addresses may be called. Embed it in your own struct and get that back by
 * container_of. */
struct bd_http_guard {
	/* Numeric, as resolved. */
	bool (*may_connect)(struct bd_http_guard *guard, const struct sockaddr *address);
};

/* Files by SFTP (sftp://) or FTP over TLS instead of HTTP: explicit (ftpes://, RFC 4217 section 4)
 * or implicit (ftps://). What is no TLS ends before the login, on both connections. Texts are
 * copied. */
struct bd_http_client_files {
	const char *user;
	const char *password;        /* NULL = by key */
	const char *key;             /* SFTP: our private key's file, without a pass phrase */
	const char *host_key_sha256; /* SFTP: of the server, in base64; NULL = by known_hosts */
	const char *known_hosts;     /* a file */
};

/* Zero in a row of time = the default in brackets. Texts are copied. */
struct bd_http_client_settings {
	const char *ca;         /* PEM; NULL = those the system trusts */
	const char *cert, *key; /* PEM, ours; key NULL = in cert; a pass phrase is not asked for */
	bool is_plaintext_allowed; /* http:// as well as https:// */
	/* Other threads ask meanwhile, by clients of their own: the caller ignores SIGPIPE. */
	bool is_among_threads;
	unsigned connect_ms; /* name, TCP and TLS [10 s] */
	unsigned idle_ms;    /* no byte either way, the wait for the answer included; kept to
				within a second [60 s] */
	unsigned total_ms;   /* all of it [no limit] */
	const struct bd_http_client_files *files; /* NULL = HTTP */
	struct bd_http_guard *guard; /* NULL = every address; must outlive the client */
};

/* A body given piece by piece, once, from its beginning. Embed it as above. */
struct bd_http_body {
	/* Puts up to `room` bytes into `out`: how many, 0 = the end, -1 = it cannot go on. */
	ptrdiff_t (*give)(struct bd_http_body *body, char *out, size_t room);
	/* Bytes sent and received so far; called as they move and at least once a second. May be
	 * NULL. */
	void (*on_progress)(struct bd_http_body *body, uint64_t sent, uint64_t received);
	int64_t len; /* -1 = not known: sent in chunks */
};

struct bd_http_request {
	const char *method, *url;             /* the URL's parts already escaped */
	const struct bd_http_header *headers; /* end with name NULL; NULL = none */
	struct bd_http_body *body;            /* NULL = `bytes` */
	struct bd_bytes bytes;                /* the body; ptr NULL = none */
	unsigned idle_ms;                     /* 0 = that of the client */
	bool is_fresh; /* a connection of its own, and the name looked up anew */
};

/* body: initialized by the caller with the most it may hold, released by the caller; empty after a
 * failure. */
struct bd_http_answer {
	int status;
	char content_type[128]; /* "" when not said, or longer than any we know */
	struct bd_buf body;
	/* After each piece of the body has come. May be NULL. */
	void (*on_piece)(struct bd_http_answer *answer);
};

/* The first one before there are threads. */
enum bd_code bd_http_client_new(struct bd_http_client **out,
	const struct bd_http_client_settings *settings, struct bd_diag *diag);
void bd_http_client_free(struct bd_http_client *client);
/* BD_OK for every answer but a redirect, whatever its status. Blocks; by one thread at a time.
 * SIGPIPE is set aside while it runs, for the whole process: not where others ask meanwhile. */
enum bd_code bd_http_client_ask(struct bd_http_client *client, struct bd_http_answer *answer,
	const struct bd_http_request *request, struct bd_diag *diag);

#endif
