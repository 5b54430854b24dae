/* http_server.h - an HTTP server of our own in a thread, for the tests of the http layer, and a
 * client that writes and reads plain bytes.
 *
 * Paths: /echo answers with the body; /early answers before it reads, /early-stream in chunks;
 * /later answers after 30 ms; /paused reads nothing for the first 100 ms, /paused-long
 * for the first 800, then echoes; /stream
 * sends STREAM_BYTES in chunks as the client takes them; /hold answers when the server is
 * drained, and so does /watched, which watches for its client meanwhile, as does /watched-stream,
 * which sends "first" at once, and /watched-paused, which reads nothing; /redirect sends to /early;
 * /number answers with "#", which request of the server it was, how long its body, the sum of the
 * body's bytes, and "."; so do /busy and /busy-long, which keep the loop for 5 ms and a second
 * before; /who answers with the name in the client's certificate, "-" without one.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/server.h"
#include "http/tls.h"

#define STREAM_BYTES ((size_t)4 << 20)

struct http_server;

/* Budgets in milliseconds as in struct bd_http_settings; NULL = generous ones. */
struct http_server *http_server_start(const struct bd_http_settings *settings);
/* The same over TLS; tls NULL = plain. */
struct http_server *http_server_start_tls(
	const struct bd_http_settings *settings, const struct bd_http_tls_settings *tls);
unsigned http_server_port(const struct http_server *server);
/* Begins the drain and returns at once. */
void http_server_drain(struct http_server *server);
/* Drains, waits for the end, frees. */
void http_server_stop(struct http_server *server);
/* Answers formed from now on wait for this mark; those up to `safe` leave; those that wait are
 * given up. How often the server was asked for a mark. */
void http_server_hold(struct http_server *server, uint64_t mark);
void http_server_release(struct http_server *server, uint64_t safe);
void http_server_drop(struct http_server *server);
unsigned http_server_marks(struct http_server *server);
/* How often on_abort came; how many callbacks came from inside a call of the handler (a defect). */
unsigned http_server_aborts(struct http_server *server);
/* Waits, at most 5 s, until it has come so often. */
void http_server_wait_aborts(struct http_server *server, unsigned count);
unsigned http_server_nested(struct http_server *server);
/* How often a stream was asked for more twice before others had their turn (a defect). */
unsigned http_server_crowded(struct http_server *server);
/* How many requests have begun; and waits until so many have, at most 5 s. */
unsigned http_server_requests(struct http_server *server);
void http_server_wait_requests(struct http_server *server, unsigned count);

/* How many handshakes ended, or open connections were closed, with this code; waits, at most 5 s,
 * until there is one more than `before`. */
unsigned http_server_secured(struct http_server *server, enum bd_code code);
void http_server_wait_secured(struct http_server *server, enum bd_code code, unsigned before);
/* How many sessions were resumed. */
unsigned http_server_resumed(struct http_server *server);
/* As bd_http_tls_reload, on the server's thread and waited for; what it gave. */
enum bd_code http_server_reload(
	struct http_server *server, const struct bd_http_tls_settings *settings);

int client_connect(unsigned port);
void client_send(int fd, const char *bytes, size_t len);
void client_say(int fd, const char *text);
/* Reads until the text stands in what came (or the end, or 5 s); gives what came. */
const char *client_read_until(int fd, const char *text);
/* Reads to the end of the connection; NULL when it does not end within 5 s. */
const char *client_read_end(int fd, size_t *len);

#endif
