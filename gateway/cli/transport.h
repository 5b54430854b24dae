/* transport.h - one request of the command line to the gateway, answered or failed.
 *
 * Layer: cli; a thin user of http/client.h. http:// is spoken to loopback addresses only, whatever
 * name stands in front of them. What went wrong is told here, with what to do about it.
 */
#ifndef BD_CLI_TRANSPORT_H
#define BD_CLI_TRANSPORT_H

#include "base/diag.h"
#include "cli/cli.h"

struct bd_cli_file;

/* An answer kept in memory: 100,000 lines of a batch of comparisons have about 100 MiB. */
#define BD_CLI_ANSWER_MAX_BYTES 268435456

struct bd_cli_request {
	const char *method;
	const char *path; /* with its query, already escaped */
	const char *content_type;
	const char *content_digest; /* RFC 9530; NULL = none */
	struct bd_cli_file *file;   /* the body; NULL = `text` */
	struct bd_bytes text;       /* ptr NULL = none */
	unsigned idle_ms;           /* how long nothing may move; 0 = as long as a push takes */
	/* While the answer comes: what has come of it. May be NULL. */
	void (*on_piece)(const struct bd_cli_request *request, struct bd_bytes so_far);
};

struct bd_cli_answer {
	int status;
	bool is_ndjson;
	struct bd_buf body; /* caller releases, on failure too */
};

/* BD_CLI_OK for every HTTP answer; BD_CLI_CONNECT, BD_CLI_CONFIGURATION or BD_CLI_USAGE (our file
 * could not be read to its end) after saying why. */
enum bd_cli_exit bd_cli_send(struct bd_cli_answer *answer, const struct bd_cli_options *options,
	const struct bd_cli_request *request);

/* -- many requests -- */
/* Whose they are and how they go; for one request after the other, by one thread at a time. The
 * first one is made before there are threads. */
struct bd_cli_connection;

/* A person with an account is asked for the password here, and not again. is_among_threads: other
 * threads ask by connections of their own meanwhile, and the caller ignores SIGPIPE. As bd_cli_send
 * after saying why not. */
enum bd_cli_exit bd_cli_connection_new(struct bd_cli_connection **out,
	const struct bd_cli_options *options, bool is_among_threads);
void bd_cli_connection_free(struct bd_cli_connection *connection);
/* BD_OK for every HTTP answer, else as bd_http_client_ask; nothing is said. */
enum bd_code bd_cli_send_by(struct bd_cli_answer *answer, struct bd_cli_connection *connection,
	const struct bd_cli_request *request, struct bd_diag *diag);
/* Says what went wrong, unless it was a file of the request. */
void bd_cli_send_tell(
	const struct bd_cli_options *options, enum bd_code code, const struct bd_diag *diag);
enum bd_cli_exit bd_cli_send_exit(enum bd_code code);

/* Appends text percent-escaped as one path segment or query value. */
enum bd_code bd_cli_escape(struct bd_buf *out, const char *text);

#endif
