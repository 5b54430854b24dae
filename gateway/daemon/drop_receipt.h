/* drop_receipt.h - what became of a file that was dropped, as it lies beside it: JSON for the
 * department's program, a text for the clerk who looks into the folder.
 *
 * Layer: daemon, pure. Both have the counts, the control total, and each reject by row with code
 * and what to do; nothing of a row's content. The text is Chinese with English beside it, its lines
 * end with CR LF: it is opened where it lies.
 */
#ifndef BD_DAEMON_DROP_RECEIPT_H
#define BD_DAEMON_DROP_RECEIPT_H

#include "daemon/receipt.h"
#include "daemon/totals.h"

struct bd_drop_told {
	const char *file; /* as it may be shown */
	const char *source;
	const struct bd_feed_plan *feed; /* NULL = of none */
	int32_t day;                     /* INT32_MIN = none */
	const struct bd_total *total;    /* NULL = none */
	uint64_t bytes;
	int64_t at_ms;
	bool is_repeat;                   /* taken before */
	const struct bd_receipt *receipt; /* of what is stored; NULL = it was refused, or is a
					     repeat whose receipt is not kept any more */
	const struct bd_diag *diag;       /* why it was refused; NULL = it was not */
};

/* Is it done, or failed: refused, or nothing of it accepted? */
bool bd_drop_told_is_good(const struct bd_drop_told *told);
enum bd_code bd_drop_told_json(
	struct bd_buf *out, const struct bd_drop_told *told, struct bd_arena *arena);
enum bd_code bd_drop_told_text(
	struct bd_buf *out, const struct bd_drop_told *told, struct bd_arena *arena);

/* Of a day's control totals, once every file that they name is done with. */
struct bd_set_told {
	const char *file, *source;
	int32_t day;
	int64_t at_ms;
	const struct bd_totals *totals;
	const struct bd_diag *diag; /* they could not be read; NULL = they could */
};
bool bd_set_told_is_good(const struct bd_set_told *told);
enum bd_code bd_set_told_json(struct bd_buf *out, const struct bd_set_told *told);
enum bd_code bd_set_told_text(struct bd_buf *out, const struct bd_set_told *told);

#endif
