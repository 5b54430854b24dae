/* reproduced.h - a decision that was drawn again, shown to people. Layer: cli. */
#ifndef BD_CLI_REPRODUCED_H
#define BD_CLI_REPRODUCED_H

#include "cli/answer.h"

/* Good where it came to the same from what was held then, whatever it would be today. */
extern const struct bd_cli_view bd_cli_reproduced;

/* "match 一致: reason" of a finding that was told by its codes; "-" where there is none. Lives in
 * the arena. */
struct bd_bytes bd_cli_told(
	const struct bd_cli_options *options, const struct bd_json *told, struct bd_arena *arena);

#endif
