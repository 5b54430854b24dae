/* file.h - a file, or standard input, as the body of a request.
 *
 * Layer: cli. What is sent is the file as it was when it was opened, or nothing: a file that grew,
 * shrank or was written to meanwhile breaks the request off before its last byte, and the gateway
 * stores nothing of it. A half-copied dump is thus never taken for a whole one.
 */
#ifndef BD_CLI_FILE_H
#define BD_CLI_FILE_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "http/client.h"

#include <sys/stat.h>

enum bd_cli_file_fault { BD_CLI_FILE_GOOD = 0, BD_CLI_FILE_CHANGED, BD_CLI_FILE_UNREADABLE };

struct bd_cli_file {
	struct bd_http_body body; /* given to the client */
	const struct bd_cli_options *options;
	const char *path;
	bool is_whole; /* a regular file, from its first byte */
	bool is_gzip;  /* by its first bytes; of a whole one only */
	int fd, error; /* errno of BD_CLI_FILE_UNREADABLE */
	enum bd_cli_file_fault fault;
	struct stat opened;
	uint64_t given;
	struct bd_cli_progress progress;
};

/* Opens path, "-" for standard input; has_progress = show it while it is sent, where there is a
 * terminal. False after saying why not. */
bool bd_cli_file_open(struct bd_cli_file *file, const struct bd_cli_options *options,
	const char *path, bool has_progress);
void bd_cli_file_close(struct bd_cli_file *file);
/* Says why the request broke off. */
void bd_cli_file_tell(const struct bd_cli_file *file);
/* Ends the line of the progress, if one was begun. */
void bd_cli_file_end_progress(struct bd_cli_file *file);

#endif
