/* client_parts.h - what the files of the outbound client share: client.c has the settings and the
 * request that blocks, client_transfer.c one transfer from its beginning to its conclusion,
 * client_fetch.c many of them on a loop.
 *
 * Layer: http, private to client*.c: with them the only files with libcurl.
 */
#ifndef BD_HTTP_CLIENT_PARTS_H
#define BD_HTTP_CLIENT_PARTS_H

#include "http/client.h"

#include <curl/curl.h>

struct bd_http_client {
	CURL *settings; /* never performed: each transfer is a copy of it */
	struct bd_http_guard *guard;
	int64_t idle_ms;
	bool is_plaintext_allowed;
	bool is_files; /* sftp://, ftpes:// or ftps:// instead of http */
};

/* Fill client and request, and where what comes goes to; the rest is private. */
struct bd_transfer {
	const struct bd_http_client *client;
	const struct bd_http_request *request;
	/* A piece of the body. BD_OK; or a code, which breaks the transfer off; *is_held: it is not
	 * taken, and comes again when the transfer goes on. */
	enum bd_code (*take)(struct bd_transfer *transfer, struct bd_bytes bytes, bool *is_held);
	/* A line of the head, with its end of line. May be NULL. */
	enum bd_code (*take_head)(struct bd_transfer *transfer, struct bd_bytes line);
	CURL *easy;
	struct curl_slist *headers;
	enum bd_code code; /* what one of our callbacks found; counts only if the transfer fails */
	uint64_t given, head_bytes;
	/* Of files, from begun_us; 0 = not told: the server is the one that was pinned (SFTP, only
	 * of a request that is_fresh), and it let us in (FTP). */
	int64_t begun_us, known_us, login_us;
	curl_off_t sent, received;
	int64_t moved_ms; /* when either last grew */
	char error[CURL_ERROR_SIZE];
};

/* A copy of the client's settings, ready to be performed. The request lives until the end. */
enum bd_code bd_transfer_begin(struct bd_transfer *transfer, struct bd_diag *diag);
/* What came of it: the status (of files 200), or a code and libcurl's words. */
enum bd_code bd_transfer_conclude(
	int *status, const struct bd_transfer *transfer, CURLcode result, struct bd_diag *diag);
void bd_transfer_release(struct bd_transfer *transfer);

/* Of every easy handle that is made; in client_transfer.c, where the callbacks are. */
bool bd_transfer_set_callbacks(CURL *easy);
/* How long nothing may move. */
int64_t bd_transfer_idle_ms(const struct bd_transfer *transfer);
bool bd_transfer_is_sftp(const struct bd_transfer *transfer);

#endif
