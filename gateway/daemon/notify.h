/* notify.h - the thread that sends watches to whoever wants them sent: signed webhooks.
 *
 * Layer: daemon. Of each sender with a webhook_url: its events in their order, some at a time,
 * again until they are taken (2xx), so each at least once; up to where is kept in the store. One
 * sends after the other, each with its own waiting after a failure (doubled up to
 * BD_NOTIFY_WAIT_MAX_MS, with a random part). Signed as the Standard Webhooks say: webhook-id (the
 * same when it is sent again), webhook-timestamp, webhook-signature "v1," and base64 of HMAC-SHA256
 * under the sender's key over id, timestamp and body, a dot between each two. No redirects; http
 * only to this machine. A sender that is an operator gets the alarms of feeds as well (alarms.h),
 * all that there are whenever they have changed, and after a start: type "alarms".
 */
#ifndef BD_DAEMON_NOTIFY_H
#define BD_DAEMON_NOTIFY_H

#include "daemon/setup.h"
#include "daemon/writer.h"

struct bd_alarms;
struct bd_notifier;

/* Before there are threads: libcurl wants that. */
enum bd_code bd_notifier_prepare(struct bd_diag *diag);
enum bd_code bd_notifier_start(struct bd_notifier **out, struct bd_store *store,
	struct bd_writer *writer, struct bd_alarms *alarms, struct bd_setup *setup);
/* Another configuration; takes a reference of its own. Any thread. */
void bd_notifier_reload(struct bd_notifier *notifier, struct bd_setup *setup);
void bd_notifier_stop(struct bd_notifier *notifier); /* NULL is allowed */

struct bd_notifier_counts {
	uint64_t sent, events,
		failures; /* requests taken, events in them, requests that were not */
};
void bd_notifier_counts(struct bd_notifier_counts *out, struct bd_notifier *notifier);
/* How it stands with one sender; false when it has no webhook. Any thread. */
struct bd_notifier_state {
	uint64_t told;                  /* number of the last event that it has taken */
	uint64_t failures;              /* in a row */
	const struct bd_code_info *why; /* of the last failure; NULL = none, or it said no */
	int status;                     /* of its last answer; 0 = none */
};
bool bd_notifier_state(
	struct bd_notifier_state *out, struct bd_notifier *notifier, const char *sender);

#endif
