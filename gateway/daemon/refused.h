/* refused.h - a configuration, or certificates, that were to come into force and did not: an entry
 * of the trail, so that it is seen who tried what after whoever has the log is gone.
 *
 * Layer: daemon. The entry names the code and the place in the files, as `system`: who signalled a
 * process nobody can tell. It is made on the first loop, whose log it stands in. Kind config,
 * status "refused", `of` "configuration" or "certificates".
 */
#ifndef BD_DAEMON_REFUSED_H
#define BD_DAEMON_REFUSED_H

#include "base/diag.h"

struct bd_daemon;

/* The main thread. Before the loops are there nothing is entered: such a start does not come about.
 */
void bd_refused_enter(struct bd_daemon *daemon, const char *of, const struct bd_diag *diag);

#endif
