/* puller_parts.h - what the files of the puller share.
 *
 * Layer: daemon, private to puller.c, trial.c and trial_database.c; on the sources' loop.
 */
#ifndef BD_DAEMON_PULLER_PARTS_H
#define BD_DAEMON_PULLER_PARTS_H

#include "daemon/file_pull.h"
#include "daemon/lookups.h"
#include "daemon/pull.h"
#include "daemon/puller.h"
#include "daemon/trial.h"

struct bd_puller {
	struct bd_loop_guest guest;
	struct bd_loop *loop;
	struct bd_setup *setup; /* a reference; of what is at work */
	struct bd_endpoint_run **endpoints;
	struct bd_pull **pulls;
	struct bd_file_pull **file_pulls;
	size_t endpoint_count, pull_count, file_pull_count;
	size_t closing; /* pulls and trials that are not closed yet */
	struct bd_trial *trials;
	struct bd_lookups *lookups;
	bool is_draining, is_tearing_down;
};

/* The connection at work; NULL = it does not work. */
struct bd_endpoint_run *bd_puller_endpoint(
	const struct bd_puller *puller, const struct bd_endpoint *plan);
/* One of those that a tear down waits for is closed. */
void bd_puller_closed_one(struct bd_puller *puller);
/* Gives up those that run. */
void bd_puller_end_trials(struct bd_puller *puller);
/* Ends in trial->answer at home. */
void bd_puller_try(struct bd_puller *puller, struct bd_trial *trial);

/* trial.c: it is under way, in nobody's name but its own; and nothing of it is left. */
void bd_trial_begin(struct bd_puller *puller, struct bd_trial *trial, const struct bd_plan *source);
void bd_trial_over(struct bd_trial *trial);
/* trial_database.c */
void bd_trial_database(struct bd_puller *puller, struct bd_trial *trial,
	const struct bd_source_access *access, const struct bd_database_plan *plan);

#endif
