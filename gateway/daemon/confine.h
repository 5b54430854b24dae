/* confine.h - what biduid and its workers give up before they touch what outsiders wrote.
 *
 * Layer: daemon. A worker: every descriptor but its socket, files, ports, signals to others
 * (landlock.h), every system call that parsing does not need (seccomp.h), new processes, files,
 * core dumps, more memory than one message may take, and being looked into by others of its user.
 * All of it is in force before its first byte of a message, and none of it can be taken back.
 */
#ifndef BD_DAEMON_CONFINE_H
#define BD_DAEMON_CONFINE_H

#include "base/diag.h"
#include "base/sanitized.h"

/* How a worker that cannot go on ends, so that the log can say why. */
enum bd_worker_exit {
	BD_WORKER_EXIT_GOOD = 0,
	BD_WORKER_EXIT_TALK = 1,    /* biduid spoke out of turn, or there was no memory to answer */
	BD_WORKER_EXIT_IMAGE = 3,   /* the adapters could not be read */
	BD_WORKER_EXIT_CONFINED = 4 /* it could not be confined */
};

/* The argument that makes a worker go without the locks that the kernel lacks. */
#define BD_CONFINE_BEST_EFFORT "--confinement=best_effort"

/* Locks this process. The only descriptor left is socket_fd. best_effort: a kernel without Landlock
 * is no failure; one without seccomp always is. */
enum bd_code bd_confine_worker(int socket_fd, bool is_best_effort, struct bd_diag *diag);

#endif
