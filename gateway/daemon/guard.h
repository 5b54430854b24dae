/* guard.h - biduid puts itself under guard: as which user, inside which fence.
 *
 * Layer: daemon; called by main alone. In this order: become, then all of the configuration is
 * read, then the keys, then close, then the first thread is started.
 */
#ifndef BD_DAEMON_GUARD_H
#define BD_DAEMON_GUARD_H

#include "daemon/fence.h"
#include "daemon/setup.h"

/* Of the settings only whom root becomes is read, so that all else is read as that user. What is
 * wrong with them is told when all of them are read. */
enum bd_code bd_guard_become(const char *config, struct bd_diag *diag);
/* No rights gained by what it starts, and the fence closed. *out NULL: this kernel has
 * none and the settings allow that; it is in the log. */
enum bd_code bd_guard_close(struct bd_fence **out, const char *config, const struct bd_setup *setup,
	struct bd_diag *diag);
/* Before a reload: nothing that the configuration names now may lie outside; it could not be read,
 * or would fail later, one file at a time. What is wrong with it otherwise is told as well. */
enum bd_code bd_guard_check(
	const struct bd_fence *fence, const char *config, struct bd_diags *diags);

#endif
