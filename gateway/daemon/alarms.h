/* alarms.h - feeds that have fallen silent or changed their format: found, told, and taken back
 * when it is over.
 *
 * Layer: daemon. What a feed's fields look like is learnt from every message that is taken
 * (drift.h); when its last message came is compared with its schedule (base/silence.h): that of the
 * sources file, else its cycle in the adapter, and then only if it has ever delivered. A thread
 * looks every second or so, logs what begins and what ends, and keeps what was learnt in the store
 * every minute and at the end: killed, it has lost a minute of learning and nothing else. What is
 * told is a list of what is so now; its version grows with every change. Names and shapes only.
 */
#ifndef BD_DAEMON_ALARMS_H
#define BD_DAEMON_ALARMS_H

#include "daemon/drift.h"
#include "daemon/setup.h"
#include "daemon/writer.h"

struct bd_alarms;

struct bd_alarm {
	enum bd_code code; /* BD_FEED_... */
	char source[64], feed[64];
	char field[BD_DRIFT_NAME_BYTES]; /* "section/slot", or a path that nobody knows; "" = none
					  */
	uint8_t was, is;                 /* shapes, of a field that is retyped */
	int64_t since_ms;
	int64_t last_ms; /* silence: when something came last; 0 = never */
};

/* What was learnt before is read from the store. */
enum bd_code bd_alarms_start(struct bd_alarms **out, struct bd_store *store,
	struct bd_writer *writer, struct bd_setup *setup);
/* Another configuration; takes a reference of its own. Any thread. */
void bd_alarms_reload(struct bd_alarms *alarms, struct bd_setup *setup);
/* While the writer still runs. NULL is allowed. */
void bd_alarms_stop(struct bd_alarms *alarms);

/* A message of the feed was read, with this result. Any thread. NULL is allowed. */
void bd_alarms_learn(struct bd_alarms *alarms, const struct bd_plan *plan,
	const struct bd_feed_plan *feed, const struct bd_intake_result *result);

/* Those there are now, at most so many: how many. *version (NULL: not wanted) is another after
 * every change, and after every start. Any thread. */
size_t bd_alarms_list(
	struct bd_alarm *out, size_t max, uint64_t *version, struct bd_alarms *alarms);
uint64_t bd_alarms_version(struct bd_alarms *alarms);

struct bd_json_writer;
/* The array "alarms". */
void bd_alarms_write(struct bd_json_writer *w, const struct bd_alarm *alarms, size_t count);
enum bd_code bd_alarms_figures(struct bd_buf *out, struct bd_alarms *alarms);

#endif
