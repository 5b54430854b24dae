/* pushed.h - the receipt of a message, shown to who sent it: counts first, then every reject.
 *
 * Layer: cli. A reject begins FILE:LINE:COLUMN where the place is known, so that an editor can go
 * there, and names row and field; it has its code, its text in both languages and what to do.
 */
#ifndef BD_CLI_PUSHED_H
#define BD_CLI_PUSHED_H

#include "cli/answer.h"

/* Nothing rejected. */
bool bd_cli_pushed_is_good(const struct bd_json *receipt);
/* path = of the file as it was named. */
void bd_cli_pushed_show(
	const struct bd_cli_options *options, const struct bd_json *receipt, const char *path);

#endif
