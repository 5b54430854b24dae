/* upload.h - a large file pushed in parts 断点续传, two at a time, so that a break costs these and
 * no more.
 *
 * Layer: cli. Which parts the gateway has is known to the gateway alone: the upload is found again
 * by the digest of the file and what it is pushed as, so whoever pushes the same file again goes on
 * where it stood, from another machine too. A connection that breaks is tried again, longer apart
 * each time; --resume goes on trying.
 */
#ifndef BD_CLI_UPLOAD_H
#define BD_CLI_UPLOAD_H

#include "cli/answer.h"
#include "cli/file.h"

/* Longer files go in parts: at 10 MB/s a break at the end would cost seven seconds. */
#define BD_CLI_UPLOAD_BYTES 67108864

/* Does it go in parts? */
bool bd_cli_upload_is_wanted(const struct bd_cli_options *options, const struct bd_cli_file *file);
enum bd_cli_exit bd_cli_upload(const struct bd_cli_options *options, struct bd_cli_file *file,
	const struct bd_cli_view *view);

#endif
