/* fetch.h - the outbound client for many: transfers beside each other on one uv loop.
 *
 * Layer: http; called by daemon/. Settings, requests, limits and codes are those of client.h; what
 * comes is handed on piece by piece, with back-pressure, and is not kept. Over HTTP only Content-
 * Coding is the caller's: what came is handed on as it came. Files come by SFTP or FTP over TLS,
 * with three requests: "GET" a file, "LIST" a folder (names alone, a line each), "STAT" a file (its
 * time).
 *
 * All of it runs on the loop's thread; no callback comes from within bd_http_fetch_start.
 * Connections are kept and used again by transfers of the same client settings.
 */
#ifndef BD_HTTP_FETCH_H
#define BD_HTTP_FETCH_H

#include "http/client.h"

struct uv_loop_s;
struct bd_http_fetcher;
struct bd_http_fetch;
struct bd_http_fetch_parts;

/* When each step was done, from the beginning; 0 = it was not needed, or not reached. */
struct bd_http_fetch_times {
	uint64_t name_us, connect_us;
	uint64_t secured_us; /* TLS, or SSH up to the server's key; of that 0 where libcurl tells
				the login alone */
	uint64_t login_us;   /* of files */
	uint64_t first_byte_us, total_us;
	char address[64]; /* of the other side, as it was connected to; "" = none */
};

/* What came of a transfer. */
struct bd_http_fetch_end {
	int status;          /* whatever it was; of files 200 */
	struct bd_diag diag; /* code BD_OK: it came whole */
	struct bd_http_fetch_times times;
	int64_t changed_s; /* STAT: when the file was changed; -1 = not told */
};

struct bd_http_fetch_ops {
	/* The head of the answer is whole; not of files. A code breaks the transfer off: on_end has
	 * it. May be NULL. */
	enum bd_code (*on_head)(struct bd_http_fetch *fetch, int status);
	/* A piece of the body. *is_held: not taken; the same comes again after
	 * bd_http_fetch_resume. A code as above. Neither start nor cancel may be called from here,
	 * of this transfer or another. */
	enum bd_code (*on_body)(struct bd_http_fetch *fetch, struct bd_bytes bytes, bool *is_held);
	/* Over: the fetch may be started again, or its memory given back, from within. */
	void (*on_end)(struct bd_http_fetch *fetch, const struct bd_http_fetch_end *end);
};

/* Embed it in your own struct and get that back by container_of. Zero it, set ops. */
struct bd_http_fetch {
	const struct bd_http_fetch_ops *ops;
	struct bd_http_fetch_parts *parts; /* private; NULL = not running */
};

/* is_polled: looked at by the clock, for FTP: there libcurl 7.88 waits for one of two sockets and
 * not for the other, and a transfer stands still until it is too late. */
enum bd_code bd_http_fetcher_new(
	struct bd_http_fetcher **out, struct uv_loop_s *loop, bool is_polled);
/* No transfer may be left. on_closed when the loop holds nothing of it any more; it is free then.
 */
void bd_http_fetcher_close(
	struct bd_http_fetcher *fetcher, void (*on_closed)(void *state), void *state);

/* client and request live until on_end or bd_http_fetch_cancel. Not begun when it fails. */
enum bd_code bd_http_fetch_start(struct bd_http_fetcher *fetcher, struct bd_http_fetch *fetch,
	const struct bd_http_client *client, const struct bd_http_request *request,
	struct bd_diag *diag);
void bd_http_fetch_resume(struct bd_http_fetch *fetch);
/* No callback comes after it. Nothing when it is not running. */
void bd_http_fetch_cancel(struct bd_http_fetch *fetch);

/* Of the answer's head, without blanks around it; ptr NULL = not there. The first of that name.
 * From on_head on, before on_end. */
struct bd_bytes bd_http_fetch_header(const struct bd_http_fetch *fetch, const char *name);

#endif
