/* adapter.h - a source's adapter as its administrator works on it, here and not at the gateway.
 *
 * Layer: cli.
 */
#ifndef BD_CLI_ADAPTER_H
#define BD_CLI_ADAPTER_H

#include "cli/cli.h"
#include "config/diags.h"
#include "intake/plan.h"

/* The dictionary and one compiled adapter with its code maps (some thousand rows). */
#define BD_CLI_PLAN_MAX_BYTES 67108864

struct bd_cli_plan {
	struct bd_arena arena;
	const struct bd_dictionary *dict;
	const struct bd_plan *plan;
	struct bd_diags diags;
};

/* Compiles a folder; false with every error in diags. Release it either way. */
bool bd_cli_plan_read(
	struct bd_cli_plan *plan, const struct bd_cli_options *options, const char *folder);
void bd_cli_plan_release(struct bd_cli_plan *plan);

/* `adapter run`: a file through SOURCE/FEED or FOLDER/FEED, as a receipt with what would be stored.
 * Nothing is asked of a gateway, so it works on an adapter that is not in force yet. */
enum bd_cli_exit bd_cli_sample(
	const struct bd_cli_options *options, const char *feed, const char *file);

#endif
