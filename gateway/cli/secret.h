/* secret.h - passwords, as people give them to a command. Layer: cli. */
#ifndef BD_CLI_SECRET_H
#define BD_CLI_SECRET_H

#include "base/bytes.h"
#include "cli/cli.h"

/* The password: of --password-file (or BIDUI_PASSWORD_FILE), which nobody else may read; else typed
 * without showing it; else the first line of standard input. is_new: asked twice on a terminal.
 * False after saying why not. The caller wipes it: bd_wipe(out->ptr, out->cap). */
bool bd_cli_password(struct bd_buf *out, const struct bd_cli_options *options, bool is_new);

#endif
