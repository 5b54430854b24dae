/* database_batch.h - one batch of rows of a front-end database 前置库: read by a process of its
 * own, taken as a message, and marked as taken.
 *
 *   asked for the rows behind the watermark -> their bytes to a worker (taking.h)
 *   -> committed, the new watermark with them -> flags written back -> process ended
 *
 * Layer: daemon; on the loop that fetches. Databases (databases.h) are made of it, and trials of
 * them, which read one row and store nothing.
 */
#ifndef BD_DAEMON_DATABASE_BATCH_H
#define BD_DAEMON_DATABASE_BATCH_H

#include "daemon/database_process.h"
#include "daemon/taking.h"

struct bd_database_batch;

struct bd_database_batch_ops {
	/* How it went, once: diag->code BD_OK = what came is stored, and marked. on_closed follows.
	 */
	void (*on_over)(struct bd_database_batch *batch, const struct bd_diag *diag);
	/* Nothing of it runs: it may begin again, or be released, from within. */
	void (*on_closed)(struct bd_database_batch *batch);
};

/* Embed it in your own struct and get that back by container_of. Zero it, and fill in what is above
 * the line; all of it lives until on_closed. */
struct bd_database_batch {
	const struct bd_database_batch_ops *ops;
	struct bd_loop *loop;
	struct bd_setup *setup; /* whose plan and settings these are */
	const struct bd_database_plan *plan;
	const struct bd_plan *source;
	const struct bd_sender *sender;
	struct bd_trail_caller caller;
	bool is_trial;   /* one row, and nothing is stored or marked */
	const char *how; /* on the trail, in the place of a method */
	/* -- found */
	uint64_t rows, marked;
	uint64_t received, accepted, rejected; /* of the receipt */
	bool is_stored, is_full;               /* is_full: there may be more */
	uint64_t opened_us, read_us, over_us;  /* from its beginning; 0 = not reached */
	/* -- private */
	struct bd_database_process process;
	struct bd_taking taking;
	bool is_taking, is_over;
	struct bd_diag diag;
	char progress_name[160];
	struct bd_buf progress; /* behind this batch */
	int64_t begun_us;
};

void bd_database_batch_init(struct bd_database_batch *batch);
void bd_database_batch_release(struct bd_database_batch *batch);
/* on_over comes, and on_closed after it. */
void bd_database_batch_begin(struct bd_database_batch *batch);
/* Gives up what has not been handed to the writer. Without on_over; on_closed comes. True: it is
 * with the writer or being marked, and goes on to its end. */
bool bd_database_batch_leave(struct bd_database_batch *batch);

#endif
