/* file_pull.h - files pulled from a folder at a department, by SFTP or FTP over TLS: each once.
 *
 * Layer: daemon; on the sources' loop. A run lists the folder, and takes in the order of their
 * names the files that fit the pattern, have not changed for a while, and have not been taken.
 * Which have been is kept in the store with each file's message (store.h, progress): after a crash
 * a file is taken once more or not at all, as its message was stored or not. A file is another one
 * when it was changed: the department corrects it by replacing it. Those that are no longer in the
 * folder are forgotten.
 */
#ifndef BD_DAEMON_FILE_PULL_H
#define BD_DAEMON_FILE_PULL_H

#include "daemon/asking.h"

struct bd_file_pull;

enum bd_code bd_file_pull_new(struct bd_file_pull **out, struct bd_loop *loop,
	struct bd_endpoint_run *endpoint, const struct bd_pull_plan *plan,
	const struct bd_plan *source, struct bd_diag *diag);
/* Gives up what runs; on_closed when nothing of it is left. */
void bd_file_pull_close(struct bd_file_pull *pull, void (*on_closed)(void *state), void *state);

#endif
