/* offline.h - what the commands share that need no gateway: files, public keys, what was wrong.
 * Layer: cli. */
#ifndef BD_CLI_OFFLINE_H
#define BD_CLI_OFFLINE_H

#include "cli/cli.h"
#include "trail/head.h"

/* A whole file, or standard input for "-". False after saying why. */
bool bd_cli_read_file(struct bd_buf *out, const struct bd_cli_options *options, const char *path);
/* The public keys of --key. BD_CLI_OK, or the exit code after saying why. */
enum bd_cli_exit bd_cli_read_keys(struct bd_trail_keys *out, const struct bd_cli_options *options);
/* The same of a file. */
enum bd_cli_exit bd_cli_read_keys_of(
	struct bd_trail_keys *out, const struct bd_cli_options *options, const char *path);
/* Code, place and hint on stderr. what: the file as it was named. */
void bd_cli_tell(
	const struct bd_cli_options *options, const struct bd_diag *diag, const char *what);

#endif
