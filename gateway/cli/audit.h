/* audit.h - what the files of bidui audit share. Layer: cli, private to audit*.c. */
#ifndef BD_CLI_AUDIT_H
#define BD_CLI_AUDIT_H

#include "cli/cli.h"
#include "trail/event.h"
#include "trail/verify.h"

/* -- which entries: audit_find.c -- */

/* Digests that one subject may have: of each of its numbers. */
#define BD_CLI_DIGESTS_MAX 64

struct bd_cli_filter {
	uint8_t digests[BD_CLI_DIGESTS_MAX][BD_DIGEST_BYTES];
	size_t digest_count;                                            /* 0 = of anybody */
	const char *case_id, *operator_name, *purpose, *client, *event; /* NULL = any */
	int64_t since_ms, until_ms;                                     /* 0 = no bound */
	uint64_t after; /* leaves up to this one are passed over, BD_TRAIL_NO_LEAF = none */
};

/* From the options. Of --subject-file the gateway is asked for the digests, by the key of
 * BIDUI_KEY. BD_CLI_OK, or the exit code after saying why. */
enum bd_cli_exit bd_cli_filter_read(
	struct bd_cli_filter *out, const struct bd_cli_options *options);
/* The caller and the subjects are those of the entry, unpacked. */
bool bd_cli_filter_fits(const struct bd_cli_filter *filter, const struct bd_trail_entry *entry,
	const struct bd_trail_caller *caller, const struct bd_trail_subject *subjects,
	size_t subject_count, uint64_t leaf);

/* Prints the digests of the subject in the file. */
enum bd_cli_exit bd_cli_audit_digest(const struct bd_cli_options *options, const char *path);

/* -- audit_witness.c -- */

/* A line a minute for a year. */
#define BD_CLI_WITNESS_FILE_MAX_BYTES 1073741824

/* Fetches, checks, countersigns, keeps in the file, gives back. */
enum bd_cli_exit bd_cli_audit_witness(const struct bd_cli_options *options, const char *path);

/* -- audit_show.c -- */

/* Those entries of a folder: as lines for people or as JSON, or each with its proof. */
enum bd_cli_exit bd_cli_audit_show(
	const struct bd_cli_options *options, const char *folder, bool is_export);

#endif
