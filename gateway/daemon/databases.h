/* databases.h - front-end databases 前置库: batches of rows are read on a schedule, taken as
 * messages, and marked as taken.
 *
 * Layer: daemon; a guest of the loop that fetches (loop.h). One database:
 *
 *   process started -> asked for the rows behind the watermark -> their bytes to a worker
 * (taking.h)
 *   -> committed, the new watermark with them -> flags written back -> process ended
 *
 * at once again while a batch was full, else when it is due. The watermark stands in the same
 * transaction as the rows: killed anywhere, rows come again that were not stored, none is skipped,
 * and none counts twice, for what comes again changes nothing. Flags are written after the commit;
 * where that fails it is told, and a query that selects by the flag brings the rows again. Whoever
 * reads the database is a process of its own (database_main.c): this one never loads a driver.
 */
#ifndef BD_DAEMON_DATABASES_H
#define BD_DAEMON_DATABASES_H

#include "daemon/loop.h"

struct bd_databases;

/* Before the loop's thread runs. */
enum bd_code bd_databases_new(
	struct bd_databases **out, struct bd_loop *loop, struct bd_diag *diag);
/* After bd_loop_close. NULL is allowed. */
void bd_databases_free(struct bd_databases *databases);
/* The figures of all, for /metrics; any thread. databases NULL = none. */
enum bd_code bd_databases_figures(struct bd_buf *out, const struct bd_databases *databases);

#endif
