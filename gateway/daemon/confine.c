#include "daemon/confine.h"

#include "base/limits.h"
#include "daemon/landlock.h"
#include "daemon/seccomp.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct bound {
	int resource; /* RLIMIT_... */
	rlim_t max;
	bool is_sanitized_too;
};

/* The limits of the file table and of processes are a second lock behind seccomp: without a
 * descriptor to spare nothing opens, with no process allowed none is made. */
static const struct bound worker_bounds[] = {
	{ RLIMIT_CORE, 0, true },
	{ RLIMIT_AS, BD_WORKER_MEMORY_MAX_BYTES, false },
	{ RLIMIT_FSIZE, 0, false },
	{ RLIMIT_MEMLOCK, 0, false },
	{ RLIMIT_MSGQUEUE, 0, false },
	{ RLIMIT_NOFILE, 0, false },
	{ RLIMIT_NPROC, 0, false },
};

static enum bd_code set_bounds(const struct bound *bounds, size_t count, struct bd_diag *diag)
{
	for (size_t i = 0; i < count; i++) {
		const struct rlimit limit = { bounds[i].max, bounds[i].max };

#ifdef BD_IS_SANITIZED
		if (!bounds[i].is_sanitized_too) {
			continue;
		}
#endif
		if (setrlimit((__rlimit_resource_t)bounds[i].resource, &limit) != 0) {
			return bd_fail(diag, BD_CONFINEMENT, "limit %d: %s", bounds[i].resource,
				strerror(errno));
		}
	}
	return BD_OK;
}

/* All but one; standard error too, or a worker that was taken over could write what it likes into
 * the log, a citizen's value among it. Sanitizers report there. */
static enum bd_code close_others(int kept_fd, struct bd_diag *diag)
{
	unsigned first = 0;

#ifdef BD_IS_SANITIZED
	first = STDERR_FILENO + 1;
#endif
	if ((kept_fd > (int)first && close_range(first, (unsigned)kept_fd - 1, 0) != 0) ||
		close_range((unsigned)kept_fd + 1, ~0U, 0) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "descriptors: %s", strerror(errno));
	}
	return BD_OK;
}

static enum bd_code lock_files(bool is_best_effort, struct bd_diag *diag)
{
	struct bd_landlock *lock = NULL;
	const char *reason;
	enum bd_code code;

	if (is_best_effort && bd_landlock_abi(&reason) == 0) {
		return BD_OK;
	}
	code = bd_landlock_new(&lock, true, diag);
#ifdef BD_IS_SANITIZED
	/* They read /proc and the program itself. */
	code = code == BD_OK ? bd_landlock_allow(lock, "/", BD_MAY_READ, diag) : code;
#endif
	code = code == BD_OK ? bd_landlock_enforce(lock, diag) : code;
	bd_landlock_free(lock);
	return code;
}

enum bd_code bd_confine_worker(int socket_fd, bool is_best_effort, struct bd_diag *diag)
{
	enum bd_code code;

#ifndef BD_IS_SANITIZED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "PR_SET_DUMPABLE: %s", strerror(errno));
	}
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	}
	code = lock_files(is_best_effort, diag);
	code = code == BD_OK ? close_others(socket_fd, diag) : code;
	code = code == BD_OK ? set_bounds(worker_bounds,
				       sizeof(worker_bounds) / sizeof(worker_bounds[0]), diag)
			     : code;
	return code == BD_OK ? bd_seccomp_worker(socket_fd, diag) : code;
}
