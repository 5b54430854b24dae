/* shares.h - shares of a master key as files or on the terminal. Layer: cli. */
#ifndef BD_CLI_SHARES_H
#define BD_CLI_SHARES_H

#include "base/shares.h"
#include "cli/cli.h"
#include "config/settings.h"

/* The settings of --config; they live in the arena. BD_CLI_OK, or the exit after saying why. */
enum bd_cli_exit bd_cli_settings(const struct bd_settings **out,
	const struct bd_cli_options *options, struct bd_arena *arena);
/* --shares M/N of a key: into files of --to, which may not be there yet, else on standard output.
 * Nothing where --shares was not given. */
enum bd_cli_exit bd_cli_shares_give(const struct bd_cli_options *options, const struct bd_key *key);
/* Files of shares, "-" for standard input, joined; a wrong one is named. */
enum bd_cli_exit bd_cli_shares_take(
	struct bd_key *out, const struct bd_cli_options *options, char *const *paths, size_t count);

#endif
