#include "daemon/puller_parts.h"

#include "base/clock.h"
#include "base/log.h"

#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* -- making -- */

static void note_code(struct bd_board_row *row, const void *with)
{
	const enum bd_code *code = with;

	row->last = *code;
	row->last_ms = bd_clock_wall_ms();
}

/* It does not work; all else does. */
static void note_broken(struct bd_puller *puller, const char *source, const char *name,
	enum bd_board_kind kind, const struct bd_diag *diag)
{
	struct bd_source_board *board = puller->loop->daemon->board;

	bd_log(BD_LOG_ERROR, "sources", "broken", "%s/%s: %s: %s", source, name,
		bd_code_info(diag->code)->text, diag->detail);
	bd_source_board_change(
		board, bd_source_board_find(board, source, name, kind), note_code, &diag->code);
}

static struct bd_endpoint_run *make_endpoint(
	struct bd_puller *puller, const struct bd_source_access *access, size_t i)
{
	struct bd_endpoint_run *endpoint = NULL;
	struct bd_diag diag = { .code = BD_OK };

	if (bd_endpoint_run_new(&endpoint, &access->endpoints[i], access->plan->source,
		    puller->setup, &puller->loop->uv, puller->loop->daemon->board,
		    &diag) != BD_OK) {
		note_broken(puller, access->plan->source, access->endpoints[i].name,
			BD_BOARD_CONNECTION, &diag);
		return NULL;
	}
	puller->endpoints[puller->endpoint_count++] = endpoint;
	return endpoint;
}

struct bd_endpoint_run *bd_puller_endpoint(
	const struct bd_puller *puller, const struct bd_endpoint *plan)
{
	for (size_t i = 0; i < puller->endpoint_count; i++) {
		if (puller->endpoints[i]->plan == plan) {
			return puller->endpoints[i];
		}
	}
	return NULL;
}

static void make_pull(struct bd_puller *puller, const struct bd_source_access *access, size_t i)
{
	const struct bd_pull_plan *plan = &access->pulls[i];
	struct bd_endpoint_run *endpoint = bd_puller_endpoint(puller, plan->from);
	struct bd_diag diag = { .code = BD_OK };

	if (endpoint == NULL) {
		bd_fail(&diag, BD_CONFIG_REFERENCE, "%s", plan->from->name);
	} else if (plan->files != NULL) {
		bd_file_pull_new(&puller->file_pulls[puller->file_pull_count], puller->loop,
			endpoint, plan, access->plan, &diag);
	} else {
		bd_pull_new(&puller->pulls[puller->pull_count], puller->loop, endpoint, plan,
			access->plan, &diag);
	}
	if (diag.code != BD_OK) {
		note_broken(puller, access->plan->source, plan->name, BD_BOARD_PULL, &diag);
	} else if (plan->files != NULL) {
		puller->file_pull_count++;
	} else {
		puller->pull_count++;
	}
}

static struct bd_endpoint_run *endpoint_of(void *state, const struct bd_endpoint *plan)
{
	return bd_puller_endpoint(state, plan);
}

static void count(size_t *endpoints, size_t *pulls, const struct bd_sources *sources)
{
	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		*endpoints += sources->items[i].endpoint_count;
		*pulls += sources->items[i].pull_count;
	}
}

static void build(struct bd_puller *puller)
{
	static const enum bd_board_kind kinds[] = { BD_BOARD_CONNECTION, BD_BOARD_PULL,
		BD_BOARD_LOOK_UP };
	const struct bd_sources *sources = puller->loop->setup->sources;
	struct bd_source_board *board = puller->loop->daemon->board;
	size_t endpoints = 0, pulls = 0;

	count(&endpoints, &pulls, sources);
	puller->setup = bd_setup_ref(puller->loop->setup);
	puller->endpoints = calloc(endpoints + 1, sizeof(*puller->endpoints));
	puller->pulls = calloc(pulls + 1, sizeof(*puller->pulls));
	puller->file_pulls = calloc(pulls + 1, sizeof(*puller->file_pulls));
	if (puller->endpoints == NULL || puller->pulls == NULL || puller->file_pulls == NULL) {
		bd_log(BD_LOG_ERROR, "sources", "memory", "nothing is fetched");
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bd_source_board_mark(board, kinds[i]);
	}
	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		const struct bd_source_access *access = &sources->items[i];

		for (size_t e = 0; e < access->endpoint_count; e++) {
			make_endpoint(puller, access, e);
		}
		for (size_t p = 0; p < access->pull_count; p++) {
			make_pull(puller, access, p);
		}
	}
	if (bd_lookups_open(puller->lookups, sources, endpoint_of, puller, board) != BD_OK) {
		bd_log(BD_LOG_ERROR, "sources", "memory", "nothing is looked up");
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bd_source_board_sweep(board, kinds[i]);
	}
}

/* -- unmaking -- */

static void torn_down(struct bd_puller *puller)
{
	for (size_t i = 0; i < puller->endpoint_count; i++) {
		bd_endpoint_run_unref(puller->endpoints[i]);
	}
	free(puller->endpoints);
	free(puller->pulls);
	free(puller->file_pulls);
	puller->endpoints = NULL;
	puller->pulls = NULL;
	puller->file_pulls = NULL;
	puller->endpoint_count = puller->pull_count = puller->file_pull_count = 0;
	bd_setup_unref(puller->setup);
	puller->setup = NULL;
	puller->is_tearing_down = false;
	if (puller->is_draining) {
		bd_lookups_end(puller->lookups);
		bd_loop_background_end(puller->loop);
	} else {
		build(puller);
	}
}

void bd_puller_closed_one(struct bd_puller *puller)
{
	if (--puller->closing == 0) {
		torn_down(puller);
	}
}

static void on_pull_closed(void *state)
{
	bd_puller_closed_one(state);
}

static void tear_down(struct bd_puller *puller)
{
	if (puller->is_tearing_down) {
		return;
	}
	puller->is_tearing_down = true;
	puller->closing = puller->pull_count + puller->file_pull_count + 2;
	for (size_t i = 0; i < puller->pull_count; i++) {
		bd_pull_close(puller->pulls[i], on_pull_closed, puller);
	}
	for (size_t i = 0; i < puller->file_pull_count; i++) {
		bd_file_pull_close(puller->file_pulls[i], on_pull_closed, puller);
	}
	bd_puller_end_trials(puller);
	bd_lookups_close(puller->lookups, on_pull_closed, puller);
	bd_puller_closed_one(puller);
}

static void on_drain(struct bd_loop_guest *guest)
{
	struct bd_puller *puller = CONTAINER(struct bd_puller, guest, guest);

	puller->is_draining = true;
	bd_lookups_drain(puller->lookups);
	tear_down(puller);
}

/* A reload that comes while one is torn down is in loop->setup when the new one is made. */
static void on_reload(struct bd_loop_guest *guest)
{
	tear_down(CONTAINER(struct bd_puller, guest, guest));
}

enum bd_code bd_puller_new(struct bd_puller **out, struct bd_loop *loop, struct bd_diag *diag)
{
	struct bd_puller *puller = calloc(1, sizeof(*puller));

	if (puller == NULL || bd_lookups_new(&puller->lookups, loop) != BD_OK) {
		free(puller);
		return bd_fail(diag, BD_NO_MEMORY, "nothing to fetch with");
	}
	puller->loop = loop;
	puller->guest = (struct bd_loop_guest){ .on_drain = on_drain, .on_reload = on_reload };
	build(puller);
	bd_loop_join(loop, &puller->guest);
	*out = puller;
	return BD_OK;
}

void bd_puller_free(struct bd_puller *puller)
{
	if (puller != NULL) {
		bd_lookups_free(puller->lookups);
		free(puller);
	}
}

static void on_trial(struct bd_letter *letter)
{
	struct bd_trial *trial = CONTAINER(struct bd_trial, letter, letter);

	bd_puller_try(trial->puller, trial);
}

void bd_puller_post_trial(struct bd_puller *puller, struct bd_trial *trial)
{
	trial->puller = puller;
	trial->letter.deliver = on_trial;
	bd_mailbox_post(&puller->loop->mailbox, &trial->letter);
}

/* -- look-ups -- */

static void on_look(struct bd_letter *letter)
{
	struct bd_look *look = CONTAINER(struct bd_look, posted, letter);

	bd_lookups_begin(look->loop->daemon->puller->lookups, look);
}

void bd_puller_post_look(struct bd_puller *puller, struct bd_look *look)
{
	look->posted.deliver = on_look;
	bd_mailbox_post(&puller->loop->mailbox, &look->posted);
}
