/* asker.h - who asks by a request, as grants 授权 know it (answer/grant.h), and what they may be
 * told outside a question: of receipts, events and obligations. Layer: daemon. */
#ifndef BD_DAEMON_ASKER_H
#define BD_DAEMON_ASKER_H

#include "answer/grant.h"
#include "daemon/setup.h"
#include "http/server.h"

/* The sender, one of the setup's, for the purpose that the exchange states, on the day of now_ms
 * (0: it is set later). Borrows from the setup alone. */
void bd_asker_of(struct bd_asker *out, const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_http_exchange *exchange, int64_t now_ms);

/* The same where nothing is stated: of events that are sent, say. */
void bd_asker_silent(struct bd_asker *out, const struct bd_setup *setup,
	const struct bd_sender *sender, int64_t now_ms);

/* bd_grant_least, of a matter by its id; of one that is not configured any more it is nothing. */
enum bd_disclosure bd_asker_least(
	const struct bd_asker *asker, const struct bd_setup *setup, struct bd_bytes matter);

/* The codes of bd_grant_matter, of a matter by its id, whichever version. */
enum bd_code bd_asker_may(const struct bd_asker *asker, const struct bd_setup *setup,
	struct bd_bytes matter, enum bd_disclosure needs, struct bd_diag *diag);

#endif
