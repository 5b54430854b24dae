/* explain.h - a receipt with what was compared, side by side and masked, out of its case file.
 * Layer: daemon, on the loop's thread. */
#ifndef BD_DAEMON_EXPLAIN_H
#define BD_DAEMON_EXPLAIN_H

#include "daemon/asker.h"
#include "daemon/loop.h"
#include "trail/receipt.h"

/* The case file of an entry; in the arena. BD_CASE_UNKNOWN, BD_CASE_PENDING, BD_CASE_ERASED,
 * BD_CASE_EXPIRED. */
enum bd_code bd_explain_case(struct bd_case_record *out, struct bd_loop *loop,
	const struct bd_trail_entry *entry, struct bd_arena *arena, struct bd_diag *diag);
/* schemas/openapi.yaml CompareReceipt, each element with its `explain`: for whom may see values of
 * its matter. */
enum bd_code bd_explain_write(struct bd_buf *out, struct bd_loop *loop,
	const struct bd_asker *asker, const struct bd_trail_entry *entry, struct bd_arena *arena,
	struct bd_diag *diag);

#endif
