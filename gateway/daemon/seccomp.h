/* seccomp.h - which system calls a worker may make: the only file with libseccomp is seccomp.c.
 *
 * Layer: daemon. An allow-list by name, so that it is the same on every architecture: read and
 * write on the one socket, memory that is neither a file nor code, and what ends a process. Any
 * other call ends the process at once with SIGSYS, which biduid sees and counts (pool.h): a parser
 * that asks for a file or a socket is no longer ours. A build with a sanitizer (BD_IS_SANITIZED)
 * lets more pass, because sanitizers open files, make threads and look at themselves; such a build
 * says so at its start and is not for production.
 */
#ifndef BD_DAEMON_SECCOMP_H
#define BD_DAEMON_SECCOMP_H

#include "base/diag.h"

/* Locks the whole process for good; NO_NEW_PRIVS must be set. BD_CONFINEMENT when the kernel does
 * not have it. */
enum bd_code bd_seccomp_worker(int socket_fd, struct bd_diag *diag);

#endif
