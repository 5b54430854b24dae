/* trial_database.c - a front-end database tried: opened, asked, and its next row read as a dry run;
 * nothing is stored, and no flag written back. */
#include "daemon/puller_parts.h"

#include <stddef.h>
#include <stdio.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void on_over(struct bd_database_batch *batch, const struct bd_diag *diag)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, batch, batch);

	trial->code = diag->code;
	trial->diag = *diag;
	trial->has_times = true;
	trial->times = (struct bd_http_fetch_times){ .login_us = batch->opened_us,
		.first_byte_us = batch->read_us,
		.total_us = batch->over_us };
	/* Also of a database that has nothing new. */
	trial->has_counts = batch->read_us != 0;
	trial->records_us = batch->over_us;
	trial->received = batch->received;
	trial->accepted = batch->accepted;
	trial->rejected = batch->rejected;
}

static void on_closed(struct bd_database_batch *batch)
{
	bd_database_batch_release(batch);
	bd_trial_over(CONTAINER(struct bd_trial, batch, batch));
}

static const struct bd_database_batch_ops batch_ops = { on_over, on_closed };

void bd_trial_database(struct bd_puller *puller, struct bd_trial *trial,
	const struct bd_source_access *access, const struct bd_database_plan *plan)
{
	struct bd_database_batch *batch = &trial->batch;

	snprintf(trial->tried, sizeof(trial->tried), "%s", plan->name);
	snprintf(trial->connection, sizeof(trial->connection), "%s", plan->name);
	trial->kind = BD_TRIAL_DATABASE;
	bd_trial_begin(puller, trial, access->plan);
	batch->ops = &batch_ops;
	batch->loop = puller->loop;
	batch->setup = puller->setup;
	batch->plan = plan;
	batch->source = access->plan;
	batch->sender = &trial->sender;
	batch->caller = trial->caller;
	batch->is_trial = true;
	batch->how = "TEST";
	bd_database_batch_init(batch);
	bd_database_batch_begin(batch);
}
