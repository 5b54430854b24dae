/* trail_ask.h - requests about the trail that have a body: one small JSON object, answered at once.
 * Layer: daemon, on the loop's thread. */
#ifndef BD_DAEMON_TRAIL_ASK_H
#define BD_DAEMON_TRAIL_ASK_H

#include "base/json.h"
#include "daemon/document.h"

/* Checks the body, does what is asked, enters it, and writes the answer into document. A code:
 * refused; the document's diag has why. */
typedef enum bd_code bd_trail_ask_take(
	struct bd_document *document, const struct bd_sender *sender, struct bd_bytes body);

/* Owns the exchange from here on. max_bytes: of the body. */
void bd_trail_ask_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, size_t max_bytes, bd_trail_ask_take *take);

#endif
