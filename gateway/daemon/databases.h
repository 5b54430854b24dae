/* databases.h - front-end databases 前置库: batches of rows are read on a schedule, taken as
 * messages, and marked as taken (database_batch.h).
 *
 * Layer: daemon; a guest of the loop that fetches (loop.h). A database is asked again at once while
 * a batch was full, else when it is due; after a failure later and later. The watermark stands in
 * the same transaction as the rows: killed anywhere, rows come again that were not stored, none is
 * skipped, and none counts twice, for what comes again changes nothing. Flags are written after the
 * commit; where that fails it is told, and a query that selects by the flag brings the rows again.
 * Whoever reads the database is a process of its own (database_main.c): this one never loads a
 * driver. How each goes is on the board (board.h).
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

#endif
