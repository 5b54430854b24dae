/* watches.h - events of cases whose data changed, as JSON: what is asked for and what is sent.
 *
 * Layer: daemon.
 */
#ifndef BD_DAEMON_WATCHES_H
#define BD_DAEMON_WATCHES_H

#include "base/json_write.h"
#include "daemon/today.h"
#include "record/dictionary.h"

/* The member `watches` of an object that is open. today: what the cases would come to, or NULL. */
void bd_watches_write(struct bd_json_writer *writer, const struct bd_watch_page *page,
	const struct bd_dictionary *dict, const struct bd_today *today);

#endif
