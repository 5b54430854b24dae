/* uses.h - feeds whose approved use 用数申请 is not in force: what they hold is withheld, and that
 * is an alarm, in the state, the metrics and the log. Layer: daemon. Nothing of anybody is in it.
 */
#ifndef BD_DAEMON_USES_H
#define BD_DAEMON_USES_H

#include "base/json_write.h"
#include "daemon/setup.h"

/* How many there are on this day (base/clock.h). */
size_t bd_uses_lapsed(const struct bd_setup *setup, int32_t day);
/* The member `withheld_feeds` of an object that is open: which, of whose catalogue, and since when.
 */
void bd_uses_write(struct bd_json_writer *w, const struct bd_setup *setup, int32_t day);
/* A warning for each. */
void bd_uses_log(const struct bd_setup *setup, int32_t day);

#endif
