/* landlock.h - the kernel's file and port locks (Landlock), as a short list of what stays allowed.
 *
 * Layer: daemon. What is not allowed is denied, to this thread, to threads it starts later and to
 * the processes they start; nobody can take it back, and a process that is locked already can only
 * be locked further. An open descriptor keeps the rights it was opened with. Needs Linux 5.13; what
 * a kernel can lock is its ABI number (Linux Documentation/userspace-api/landlock.rst): from 2
 * renaming between folders, from 3 truncation, from 4 TCP ports, from 5 device ioctls, from 6
 * signals and abstract sockets.
 */
#ifndef BD_DAEMON_LANDLOCK_H
#define BD_DAEMON_LANDLOCK_H

#include "base/diag.h"

#include <stdint.h>

/* The oldest that is accepted: Linux 5.19. Debian 12 has Linux 6.1, ABI 2. Below it a rename
 * between two folders is always denied. */
#define BD_LANDLOCK_ABI_MIN 2

/* Of one path and what lies below it. */
enum bd_landlock_right {
	BD_MAY_READ = 1,    /* files and lists of folders */
	BD_MAY_WRITE = 2,   /* make, change, rename and remove files and folders */
	BD_MAY_EXECUTE = 4, /* start programs */
	BD_MAY_USE = 8      /* write to what is there: a device */
};

struct bd_landlock;

/* 0 = this kernel has none, or it is switched off; then *reason says which (never NULL). */
unsigned bd_landlock_abi(const char **reason);

/* At first nothing is allowed. `ports`: TCP ports are locked too, where the ABI can. */
enum bd_code bd_landlock_new(struct bd_landlock **out, bool ports, struct bd_diag *diag);
/* rights: enum bd_landlock_right. BD_IO: there is no such path (the diag names it). */
enum bd_code bd_landlock_allow(
	struct bd_landlock *lock, const char *path, unsigned rights, struct bd_diag *diag);
/* To listen there; 0 = wherever the kernel chooses. */
enum bd_code bd_landlock_allow_port(struct bd_landlock *lock, unsigned port, struct bd_diag *diag);
/* In force from here on; NO_NEW_PRIVS must be set. */
enum bd_code bd_landlock_enforce(struct bd_landlock *lock, struct bd_diag *diag);
void bd_landlock_free(struct bd_landlock *lock);

#endif
