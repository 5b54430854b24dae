/* transport.h - one request of the command line, answered or failed, with progress.
 *
 * Layer: cli; the only file of the command line that knows libcurl. Blocking on purpose: a command
 * does one thing, and the daemon's client lives on a loop that a command has no other use for. TLS
 * is always verified; redirects are not followed; http is allowed to loopback addresses only.
 */
#ifndef BD_CLI_TRANSPORT_H
#define BD_CLI_TRANSPORT_H

#include "base/bytes.h"
#include "cli/cli.h"

#include <stdio.h>

/* An answer kept in memory: 100,000 lines of a batch of comparisons have about 100 MiB. */
#define BD_CLI_ANSWER_MAX_BYTES 268435456

struct bd_cli_request {
	const char *method;
	const char *path; /* with its query, already escaped */
	const char *content_type;
	FILE *body;         /* NULL = none; read to its end */
	int64_t body_bytes; /* -1 = not known: sent in chunks */
	bool has_progress;
};

struct bd_cli_answer {
	long status;
	bool is_ndjson;
	struct bd_buf body; /* caller releases, on failure too */
};

bool bd_cli_transport_start(void);
void bd_cli_transport_stop(void);

/* BD_CLI_OK for every HTTP answer; BD_CLI_CONNECT or BD_CLI_CONFIGURATION after saying why. */
enum bd_cli_exit bd_cli_send(struct bd_cli_answer *answer, const struct bd_cli_options *options,
	const struct bd_cli_request *request);
/* Appends text percent-escaped as one path segment or query value. */
enum bd_code bd_cli_escape(struct bd_buf *out, const char *text);
/* Opens FILE or - and says how long it is (-1: not known). NULL after saying why. */
FILE *bd_cli_open(int64_t *bytes, const struct bd_cli_options *options, const char *path);

#endif
