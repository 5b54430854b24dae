/* sandbox.h - the invented subjects that integrators force every result with (doc/sandbox.md).
 * Layer: daemon.
 *
 * Only where the setting sandbox_folder is given. Times that its file does not state are those of
 * the question, so that what is fresh stays fresh however long biduid runs.
 */
#ifndef BD_DAEMON_SANDBOX_H
#define BD_DAEMON_SANDBOX_H

#include "daemon/setup.h"
#include "record/held.h"

/* *out NULL: not one of the sandbox's. It lives in the arena. */
enum bd_code bd_sandbox_find(struct bd_held **out, const struct bd_setup *setup,
	const struct bd_identifier *identifiers, size_t count, int64_t now_ms,
	struct bd_arena *arena, struct bd_diag *diag);

#endif
