/* pki_show.h - certificates as people read them: one, all of a folder, and the section of a sender.
 * Layer: cli, for pki.c. */
#ifndef BD_CLI_PKI_SHOW_H
#define BD_CLI_PKI_SHOW_H

#include "cli/pki_file.h"

/* Who, by whom, until when, for what, and its lines for the deny list. */
void bd_cli_pki_show(const struct bd_cli_options *options, const struct bd_pki *pki);
/* A table: each certificate of the folder, and the revocation list. */
enum bd_cli_exit bd_cli_pki_list(const struct bd_cli_folder *folder);
/* The section of senders.conf that knows it, for people to finish. */
void bd_cli_pki_show_sender(const struct bd_cli_options *options, const struct bd_pki *pki,
	const char *name, const char *roles);

#endif
