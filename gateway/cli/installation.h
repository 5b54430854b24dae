/* installation.h - what biduid reads at its start, read by a command: the settings and all that
 * they name but adapters' samples. Layer: cli. Offline. */
#ifndef BD_CLI_INSTALLATION_H
#define BD_CLI_INSTALLATION_H

#include "answer/grant.h"
#include "cli/cli.h"
#include "config/settings.h"
#include "intake/plan.h"

struct bd_cli_installation {
	struct bd_arena arena;
	struct bd_diags diags;
	const struct bd_settings *settings;
	const struct bd_senders *senders;
	const struct bd_dictionary *dict;
	const struct bd_plan **plans;
	size_t plan_count;
	const struct bd_matter *
		*matters; /* every version of all, the sandbox's too; with approvals */
	size_t matter_count;
	struct bd_grants *grants; /* indexed */
};

/* False: diags say why. Release it in any case. */
bool bd_cli_installation_read(struct bd_cli_installation *out, const char *config);
void bd_cli_installation_release(struct bd_cli_installation *installation);

#endif
