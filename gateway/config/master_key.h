/* master_key.h - where the master keys come from: a file, a credential of systemd, or a command.
 *
 * Layer: config. Exactly one of the settings master_key_file, master_key_credential and
 * master_key_command is set. Whatever it is, it gives the text of base/keys.h; the text is wiped
 * once it is read, and nothing of it is ever told.
 *
 * A file belongs to whoever runs this, only its owner can read it (0600 or 0400), and it is no
 * symbolic link. A command is run without a shell, its words split at blanks, with an empty
 * standard input; what it writes to standard error is thrown away.
 */
#ifndef BD_CONFIG_MASTER_KEY_H
#define BD_CONFIG_MASTER_KEY_H

#include "base/keys.h"
#include "config/settings.h"

/* What a command may take: a hardware module answers in a second. */
#define BD_KEY_COMMAND_MS 20000

/* BD_KEY_SOURCE: not there, not to be had, or others can read it; the detail says what to do. */
enum bd_code bd_master_key_read(
	struct bd_keys **out, const struct bd_settings *settings, struct bd_diag *diag);
/* A file alone. */
enum bd_code bd_master_key_read_file(struct bd_keys **out, const char *path, struct bd_diag *diag);
/* Writes a file that bd_master_key_read_file takes, whole or not at all. is_new: only when there is
 * none. BD_KEY_SOURCE. */
enum bd_code bd_master_key_write_file(
	const char *path, const struct bd_keys *keys, bool is_new, struct bd_diag *diag);

#endif
