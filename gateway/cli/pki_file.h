/* pki_file.h - the folder of a small authority: NAME.crt and NAME.key of each, ca.crt, ca.key and
 * crl.pem.
 *
 * Layer: cli, for pki.c. What is written is written whole or not at all and never over something
 * else, unless `is_replacing`; keys are for their owner alone (0600), and so is a folder made here
 * (0700). Each function has said why when it is not BD_CLI_OK.
 */
#ifndef BD_CLI_PKI_FILE_H
#define BD_CLI_PKI_FILE_H

#include "cli/cli.h"
#include "http/tls_pki.h"

struct bd_cli_folder {
	const struct bd_cli_options *options;
	const char *path;
};

/* NAME with its ending in the folder; "" when that is too long. */
#define BD_CLI_PKI_PATH_BYTES 4096
void bd_cli_pki_path(char out[BD_CLI_PKI_PATH_BYTES], const struct bd_cli_folder *folder,
	const char *name, const char *ending);
bool bd_cli_pki_exists(const struct bd_cli_folder *folder, const char *name, const char *ending);
enum bd_cli_exit bd_cli_pki_make_folder(const struct bd_cli_folder *folder);

enum bd_cli_exit bd_cli_pki_read(
	struct bd_pki **out, const struct bd_cli_folder *folder, const char *name, bool has_key);
/* Any file of a certificate. */
enum bd_cli_exit bd_cli_pki_read_cert(
	struct bd_pki **out, const struct bd_cli_options *options, const char *path);
/* Certificate and, with has_key, its key; says what was written. */
enum bd_cli_exit bd_cli_pki_write(const struct bd_cli_folder *folder, const char *name,
	const struct bd_pki *pki, bool has_key, bool is_replacing);
/* Empty where there is none yet. out is initialized and released by the caller. */
enum bd_cli_exit bd_cli_pki_read_crl(struct bd_buf *out, const struct bd_cli_folder *folder);
enum bd_cli_exit bd_cli_pki_write_crl(const struct bd_cli_folder *folder, struct bd_bytes pem);
/* Of an authority that is replaced: its list is nobody's any more. */
enum bd_cli_exit bd_cli_pki_drop_crl(const struct bd_cli_folder *folder);
/* NAME.crt stays as NAME.old.crt as well, so that it can be revoked. */
enum bd_cli_exit bd_cli_pki_keep_old(const struct bd_cli_folder *folder, const char *name);

#endif
