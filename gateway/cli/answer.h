/* answer.h - shows what the gateway answered and draws the exit code from it.
 *
 * Layer: cli. With -o json the answer goes to stdout byte for byte. A problem (RFC 9457) is told on
 * stderr and is BD_CLI_REFUSED. NDJSON is judged line by line: the worst line decides.
 */
#ifndef BD_CLI_ANSWER_H
#define BD_CLI_ANSWER_H

#include "cli/reply.h"
#include "cli/transport.h"
#include "config/diags.h"

/* What is wrong with files of configuration: FILE:LINE:COLUMN a line, on stderr. */
void bd_cli_show_errors(const struct bd_diags *diags);

/* Whether one answer is what was hoped for; called for each that is no problem. */
enum bd_cli_exit bd_cli_show(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, bool (*is_good)(const struct bd_reply *reply));
/* Sends, shows, releases: what every command but push and adapter does. */
enum bd_cli_exit bd_cli_ask(const struct bd_cli_options *options,
	const struct bd_cli_request *request, bool (*is_good)(const struct bd_reply *reply));

#endif
