#include "base/clock.h"
#include "base/limits.h"
#include "daemon/puller_parts.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void send_back(struct bd_trial *trial)
{
	free(trial->values);
	trial->values = NULL;
	trial->letter.deliver = trial->answer;
	bd_mailbox_post(trial->home, &trial->letter);
}

void bd_trial_over(struct bd_trial *trial)
{
	struct bd_puller *puller = trial->puller;
	bool is_awaited = trial->is_awaited;
	struct bd_trial **link = &puller->trials;

	while (*link != trial) {
		link = &(*link)->next;
	}
	*link = trial->next;
	bd_loop_background_end(puller->loop);
	send_back(trial);
	if (is_awaited) {
		bd_puller_closed_one(puller);
	}
}

static void on_closed(struct bd_asking *asking)
{
	bd_endpoint_run_unref(asking->endpoint);
	bd_trial_over(CONTAINER(struct bd_trial, asking, asking));
}

static void end(struct bd_trial *trial)
{
	if (trial->is_closing) {
		return;
	}
	trial->is_closing = true;
	if (trial->kind == BD_TRIAL_DATABASE) {
		bd_database_batch_leave(&trial->batch);
	} else {
		bd_http_fetch_cancel(&trial->fetch);
		bd_turn_cancel(&trial->turn);
		bd_asking_close(&trial->asking, on_closed);
	}
}

/* Their connections end with the configuration that they were of. */
void bd_puller_end_trials(struct bd_puller *puller)
{
	for (struct bd_trial *trial = puller->trials; trial != NULL; trial = trial->next) {
		if (!trial->is_closing) {
			trial->code = bd_fail(&trial->diag, BD_DRAINING, "%s", "");
		}
		trial->is_awaited = true;
		puller->closing++;
		end(trial);
	}
}

static void on_asked(struct bd_asking *asking, const struct bd_asked *asked)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, asking, asking);

	trial->code = asked->diag.code;
	trial->diag = asked->diag;
	if (asked->times != NULL) {
		trial->has_times = true;
		trial->times = *asked->times;
	}
	if (asked->receipt != NULL) {
		trial->has_counts = true;
		trial->records_us = trial->times.first_byte_us + asked->records_us;
		trial->code = asked->receipt->code;
		trial->received = asked->receipt->received;
		trial->accepted = asked->receipt->accepted;
		trial->rejected = asked->receipt->rejected;
	}
	end(trial);
}

static const struct bd_asking_ops asking_ops = { NULL, on_asked };

/* -- a folder: it is listed, and nothing is fetched from it -- */

static enum bd_code on_names(struct bd_http_fetch *fetch, struct bd_bytes bytes, bool *is_held)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, fetch, fetch);

	(void)is_held;
	for (size_t i = 0; i < bytes.len; i++) {
		trial->received += bytes.ptr[i] == '\n';
	}
	return BD_OK;
}

static void on_listed(struct bd_http_fetch *fetch, const struct bd_http_fetch_end *listed)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, fetch, fetch);

	trial->code = listed->diag.code;
	trial->diag = listed->diag;
	trial->has_times = true;
	trial->times = listed->times;
	trial->has_counts = trial->code == BD_OK;
	trial->records_us = listed->times.total_us;
	bd_turn_end(&trial->turn, trial->code == BD_OK ? BD_TURN_GOOD : BD_TURN_BAD, trial->code);
	end(trial);
}

static const struct bd_http_fetch_ops list_ops = { NULL, on_names, on_listed };

static void on_turn(struct bd_turn *turn)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, turn, turn);

	trial->fetch.ops = &list_ops;
	trial->http =
		(struct bd_http_request){ .method = "LIST", .url = trial->url, .is_fresh = true };
	trial->code = bd_http_fetch_start(trial->asking.endpoint->fetcher, &trial->fetch,
		trial->asking.endpoint->client, &trial->http, &trial->diag);
	if (trial->code != BD_OK) {
		bd_turn_end(turn, BD_TURN_VOID, trial->code);
		end(trial);
	}
}

static void on_turn_refused(struct bd_turn *turn, const struct bd_diag *diag)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, turn, turn);

	trial->code = diag->code;
	trial->diag = *diag;
	end(trial);
}

static const struct bd_turn_ops list_turn_ops = { on_turn, on_turn_refused };

void bd_trial_begin(struct bd_puller *puller, struct bd_trial *trial, const struct bd_plan *source)
{
	trial->sources[0] = source->source;
	trial->sender = (struct bd_sender){ .name = "trial",
		.roles = BD_SENDER_DEPARTMENT,
		.sources = trial->sources,
		.source_count = 1 };
	puller->loop->background++;
	trial->next = puller->trials;
	puller->trials = trial;
}

static void begin(struct bd_puller *puller, struct bd_trial *trial,
	struct bd_endpoint_run *endpoint, const struct bd_plan *source)
{
	bd_trial_begin(puller, trial, source);
	snprintf(trial->connection, sizeof(trial->connection), "%s", endpoint->plan->name);
	trial->is_secured = strncmp(endpoint->plan->base, "http://", 7) != 0;
	trial->asking.loop = puller->loop;
	trial->asking.endpoint = endpoint;
	bd_endpoint_run_ref(endpoint);
	bd_asking_open(&trial->asking);
}

static void list(struct bd_puller *puller, struct bd_trial *trial, struct bd_endpoint_run *endpoint,
	const struct bd_plan *source)
{
	begin(puller, trial, endpoint, source);
	trial->kind = BD_TRIAL_FILES;
	snprintf(trial->url, sizeof(trial->url), "%s/", endpoint->plan->base);
	trial->turn.ops = &list_turn_ops;
	trial->turn.is_free = true;
	bd_turn_take(endpoint, &trial->turn);
}

static enum bd_code refuse(struct bd_trial *trial, enum bd_code code, const char *detail)
{
	trial->code = bd_fail(&trial->diag, code, "%s", detail);
	send_back(trial);
	return code;
}

static enum bd_code read_values(struct bd_trial *trial, struct bd_endpoint_run *endpoint,
	const struct bd_source_value *values, size_t count)
{
	enum bd_code code = BD_OK;

	trial->values = calloc(count + 1, sizeof(*trial->values));
	if (trial->values == NULL) {
		return bd_fail(&trial->diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		code = bd_endpoint_value(&trial->values[i], endpoint, &values[i], &trial->diag);
	}
	trial->asking.values = trial->values;
	trial->asking.value_count = count;
	return code;
}

static void start(struct bd_puller *puller, struct bd_trial *trial,
	struct bd_endpoint_run *endpoint, const struct bd_plan *source,
	const struct bd_feed_plan *feed, const struct bd_form *form)
{
	struct bd_asking *asking = &trial->asking;

	trial->single = *form;
	asking->ops = &asking_ops;
	asking->form = &trial->single;
	asking->plan = source;
	asking->feed = feed;
	asking->sender = &trial->sender;
	asking->caller = trial->caller;
	asking->delivery.day = INT32_MIN;
	asking->subject = trial->subject;
	asking->is_dry_run = asking->is_trial = true;
	asking->tries = 1;
	asking->how = "TEST";
	asking->given = (struct bd_form_given){ .identifier = trial->subject.number,
		.id_kind = trial->subject_kind,
		.page = form->first_page,
		.since = bd_bytes_of(form->first_since),
		.until_ms = bd_clock_wall_ms() };
	begin(puller, trial, endpoint, source);
	bd_asking_ask(asking);
}

static bool is_wanted(const struct bd_trial *trial, const char *name)
{
	return trial->name[0] == '\0' || strcmp(trial->name, name) == 0;
}

/* False: the trial is over already. */
static bool try_pull(struct bd_puller *puller, struct bd_trial *trial,
	const struct bd_source_access *access, const struct bd_pull_plan *pull)
{
	struct bd_endpoint_run *endpoint = bd_puller_endpoint(puller, pull->from);

	snprintf(trial->tried, sizeof(trial->tried), "%s", pull->name);
	if (endpoint == NULL) {
		refuse(trial, BD_CONFIG_REFERENCE, pull->from->name);
	} else if (pull->form == NULL) {
		list(puller, trial, endpoint, access->plan);
	} else if (read_values(trial, endpoint, pull->values, pull->value_count) != BD_OK) {
		trial->code = trial->diag.code;
		send_back(trial);
	} else {
		start(puller, trial, endpoint, access->plan, pull->feed, pull->form);
	}
	return true;
}

static bool try_lookup(struct bd_puller *puller, struct bd_trial *trial,
	const struct bd_source_access *access, const struct bd_lookup_plan *lookup)
{
	struct bd_endpoint_run *endpoint = bd_puller_endpoint(puller, lookup->from);

	snprintf(trial->tried, sizeof(trial->tried), "%s", lookup->feed->name);
	if (endpoint == NULL) {
		refuse(trial, BD_CONFIG_REFERENCE, lookup->from->name);
	} else if (lookup->form->judged_count > 0) {
		refuse(trial, BD_ASK_FORM, "what judges a claim is tried by a case");
	} else if (trial->subject.kind == 0) {
		refuse(trial, BD_SUBJECT_MISSING, "a look-up is tried with a subject");
	} else if (read_values(trial, endpoint, lookup->values, lookup->value_count) != BD_OK) {
		trial->code = trial->diag.code;
		send_back(trial);
	} else {
		start(puller, trial, endpoint, access->plan, lookup->feed, lookup->form);
	}
	return true;
}

void bd_puller_try(struct bd_puller *puller, struct bd_trial *trial)
{
	const struct bd_source_access *access =
		puller->setup != NULL && !puller->is_tearing_down
			? bd_source_access_find(puller->setup->sources, trial->source)
			: NULL;

	for (size_t i = 0; access != NULL && i < access->pull_count; i++) {
		if (is_wanted(trial, access->pulls[i].name) &&
			(trial->name[0] != '\0' || trial->subject.kind == 0)) {
			try_pull(puller, trial, access, &access->pulls[i]);
			return;
		}
	}
	for (size_t i = 0; access != NULL && i < access->lookup_count; i++) {
		if (is_wanted(trial, access->lookups[i].feed->name)) {
			try_lookup(puller, trial, access, &access->lookups[i]);
			return;
		}
	}
	for (size_t i = 0; access != NULL && i < access->database_count; i++) {
		if (is_wanted(trial, access->databases[i].name)) {
			bd_trial_database(puller, trial, access, &access->databases[i]);
			return;
		}
	}
	refuse(trial, BD_SOURCE_UNKNOWN, "nothing of that name is fetched");
}
