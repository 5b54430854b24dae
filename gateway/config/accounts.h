/* accounts.h - the file of people's accounts: who they are, what they may do, and their passwords
 * as scrypt.
 *
 * Layer: config; read by daemon/, read and written by cli/account.c. One "[name]" a person with
 * roles, password (base/digest_scrypt.h) and, when it is so, disabled = yes. People are no
 * department and no engine. Only its owner may read it.
 */
#ifndef BD_CONFIG_ACCOUNTS_H
#define BD_CONFIG_ACCOUNTS_H

#include "base/digest_scrypt.h"
#include "config/settings.h"

/* The senders, and behind them the people, in one list; a name is of one alone. BD_CONFIG_...: each
 * told with its place. */
enum bd_code bd_config_accounts(const struct bd_senders **out, const struct bd_senders *senders,
	const char *path, struct bd_arena *arena, struct bd_diags *diags);

#endif
