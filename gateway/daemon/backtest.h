/* backtest.h - what another version of a matter would have decided of the cases of a time, as of
 * then: before it is put in force.
 *
 * Layer: daemon; a thread of its own, with a reader of its own, so that no loop is held up however
 * many cases there are. What comes of it is lines of JSON (schemas/openapi.yaml, BacktestLine): how
 * far it has come, every decision that would be another, and at the end a summary that accounts for
 * every case.
 */
#ifndef BD_DAEMON_BACKTEST_H
#define BD_DAEMON_BACKTEST_H

#include "daemon/again.h"

/* Where the lines go. Embed it in your own struct and get that back by container_of. */
struct bd_backtest_sink {
	/* Whole lines; they live until it returns. False: nobody reads any more. */
	bool (*write)(struct bd_backtest_sink *sink, struct bd_bytes lines);
	/* Asked often: is there still somebody who reads? */
	bool (*is_wanted)(struct bd_backtest_sink *sink);
};

struct bd_backtest {
	const struct bd_setup *setup;
	struct bd_store *store;
	struct bd_store_reader *reader;
	const struct bd_matter *matter; /* the version */
	struct bd_asker asker;          /* who is told; its day is set */
	int64_t since_ms, until_ms;     /* of the answers; since included */
};

/* Runs to its end, or until nobody reads: then BD_OK as well. A code ends it without a summary. */
enum bd_code bd_backtest_run(
	const struct bd_backtest *backtest, struct bd_backtest_sink *sink, struct bd_diag *diag);

#endif
