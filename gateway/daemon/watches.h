/* watches.h - events of cases whose data changed, as JSON: what is asked for and what is sent.
 *
 * Layer: daemon.
 */
#ifndef BD_DAEMON_WATCHES_H
#define BD_DAEMON_WATCHES_H

#include "base/json_write.h"
#include "daemon/today.h"

/* The member `watches` of an object that is open, for whom it is told (asker.h). today: what the
 * cases would come to, or NULL. Whoever asked for a case always hears that it is to be looked at
 * again; what has changed is told where the grants of its matter tell codes. */
void bd_watches_write(struct bd_json_writer *writer, const struct bd_watch_page *page,
	const struct bd_setup *setup, const struct bd_asker *asker, const struct bd_today *today);

#endif
