/* user.h - biduid as an ordinary user, whoever started it.
 *
 * Layer: daemon; called by main alone, before any file of the configuration but the settings is
 * read, so that what is read at the start can be read again later. Root without `run_as_user` is
 * refused; `run_as_user = root` says that it is meant, as in a container that has no other.
 */
#ifndef BD_DAEMON_USER_H
#define BD_DAEMON_USER_H

#include "base/diag.h"

/* name: of run_as_user; NULL = not set. BD_RUN_AS_USER: it cannot be that user, or is root without
 * saying so. */
enum bd_code bd_user_become(const char *name, struct bd_diag *diag);
/* No core dump, and not looked into by other processes of its user: it is about to hold keys. Of
 * the process that it is now: becoming another user forgets it. */
enum bd_code bd_user_guard(struct bd_diag *diag);

#endif
