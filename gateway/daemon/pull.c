#include "daemon/pull.h"

#include "base/clock.h"
#include "base/limits.h"
#include "daemon/pulling.h"
#include "record/rules_identifier.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct bd_pull {
	struct bd_pulling pulling;
	struct bd_form_value *values;
	struct bd_pull_progress progress, next; /* next: when what is asked for is stored */
	enum bd_pull_step step;
	char since[BD_PAGE_TEXT_MAX_BYTES + 1];
};

static struct bd_pull *pull_of(struct bd_asking *asking)
{
	return CONTAINER(struct bd_pull, pulling.asking, asking);
}

static void ask(struct bd_pull *pull);

static void finish_run(struct bd_pull *pull, const struct bd_diag *diag)
{
	pull->pulling.ran_ms = pull->progress.ran_ms;
	bd_pulling_finish(&pull->pulling, diag);
}

/* -- a page -- */

/* A cursor that could name somebody is not kept: after a restart the pages begin anew. */
static void write_progress(struct bd_pull *pull)
{
	struct bd_pull_progress kept = pull->next;

	if (bd_rule_holds_identity(bd_bytes_of(kept.cursor))) {
		kept.cursor[0] = '\0';
		kept.page = 0;
		kept.until_ms = 0;
	}
	if (bd_rule_holds_identity(bd_bytes_of(kept.since))) {
		strcpy(kept.since, pull->progress.since);
	}
	bd_buf_clear(&pull->pulling.progress);
	if (!bd_pull_progress_write(&pull->pulling.progress, &kept)) {
		bd_buf_clear(&pull->pulling.progress);
	}
}

static void on_result(
	struct bd_asking *asking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct bd_pull *pull = pull_of(asking);

	pull->next = pull->progress;
	pull->step = bd_pull_advance(&pull->next, pull->pulling.plan->form, result->received,
		&result->page, bd_clock_wall_ms());
	if (pull->step == BD_PULL_OVER) {
		strcpy(pull->next.etag, asking->new_etag);
		strcpy(pull->next.last_modified, asking->new_last_modified);
	}
	if (pull->step == BD_PULL_STUCK) {
		return; /* the page is stored, and nothing moves on */
	}
	write_progress(pull);
	entry->progress_name = pull->pulling.progress_name;
	entry->progress = bd_buf_bytes(&pull->pulling.progress);
}

static void on_kept(struct bd_pulling *pulling, const struct bd_diag *diag)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, pulling, pulling);

	if (diag->code == BD_OK) {
		pull->progress = pull->next;
	}
	finish_run(pull, diag);
}

/* It has nothing, or nothing new. */
static void finish_empty(struct bd_pull *pull)
{
	static const struct bd_page none = { { "", 0 }, { "", 0 }, true };
	struct bd_form single = *pull->pulling.plan->form;

	single.paging = BD_PAGING_NONE;
	pull->next = pull->progress;
	bd_pull_advance(&pull->next, &single, 0, &none, bd_clock_wall_ms());
	write_progress(pull);
	bd_pulling_keep(&pull->pulling);
}

static void on_asked(struct bd_asking *asking, const struct bd_asked *asked)
{
	struct bd_pull *pull = pull_of(asking);
	struct bd_diag diag = asked->diag;

	if (asked->is_unchanged) {
		bd_pulling_tell_unchanged(&pull->pulling);
	}
	if (asked->is_unchanged || diag.code == BD_SOURCE_NOT_FOUND) {
		finish_empty(pull);
		return;
	}
	if (asked->receipt == NULL) {
		finish_run(pull, &diag);
		return;
	}
	if (pull->step == BD_PULL_STUCK) {
		bd_fail(&diag, BD_ASK_PAGING, "page %llu", (unsigned long long)pull->progress.page);
		finish_run(pull, &diag);
		return;
	}
	pull->progress = pull->next;
	bd_pulling_tell(&pull->pulling, asked->receipt->accepted, 1);
	if (pull->step == BD_PULL_OVER) {
		finish_run(pull, &diag);
	} else {
		ask(pull);
	}
}

static const struct bd_asking_ops asking_ops = { on_result, on_asked };

/* Where this window begins: an overlap before the end of the last one, for what was late there. */
static void set_since(struct bd_pull *pull)
{
	const struct bd_form *form = pull->pulling.plan->form;
	const char *since =
		pull->progress.since[0] != '\0' ? pull->progress.since : form->first_since;
	int64_t ms;

	snprintf(pull->since, sizeof(pull->since), "%s", since);
	if (form->is_windowed && pull->progress.since[0] != '\0' &&
		bd_form_time_read(&ms, bd_bytes_of(since))) {
		bd_form_time(pull->since, ms - (int64_t)form->overlap_ms);
	}
}

static void ask(struct bd_pull *pull)
{
	const struct bd_form *form = pull->pulling.plan->form;
	struct bd_asking *asking = &pull->pulling.asking;

	set_since(pull);
	asking->given = (struct bd_form_given){ .page = pull->progress.page,
		.offset = (pull->progress.page - form->first_page) * form->page_size,
		.cursor = bd_bytes_of(pull->progress.cursor),
		.since = bd_bytes_of(pull->since),
		.until_ms = pull->progress.until_ms };
	asking->etag = form->is_conditional ? pull->progress.etag : NULL;
	asking->last_modified = form->is_conditional ? pull->progress.last_modified : NULL;
	bd_asking_ask(asking);
}

static void begin(struct bd_pulling *pulling)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, pulling, pulling);

	if (pull->progress.until_ms == 0) {
		pull->progress.until_ms = bd_clock_wall_ms();
		pull->progress.page = pulling->plan->form->first_page;
		pull->progress.cursor[0] = '\0';
	}
	ask(pull);
}

/* -- its life -- */

static enum bd_code read_values(struct bd_pull *pull, struct bd_diag *diag)
{
	const struct bd_pull_plan *plan = pull->pulling.plan;
	enum bd_code code = BD_OK;

	pull->values = calloc(plan->value_count + 1, sizeof(*pull->values));
	if (pull->values == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	for (size_t i = 0; i < plan->value_count && code == BD_OK; i++) {
		code = bd_endpoint_value(
			&pull->values[i], pull->pulling.endpoint, &plan->values[i], diag);
	}
	return code;
}

static void pull_free(struct bd_pulling *pulling)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, pulling, pulling);

	bd_pulling_release(pulling);
	free(pull->values);
	free(pull);
}

static const struct bd_pulling_ops pulling_ops = { begin, on_kept, NULL, pull_free };

enum bd_code bd_pull_new(struct bd_pull **out, struct bd_loop *loop,
	struct bd_endpoint_run *endpoint, const struct bd_pull_plan *plan,
	const struct bd_plan *source, struct bd_diag *diag)
{
	struct bd_pull *pull = calloc(1, sizeof(*pull));
	struct bd_pulling *pulling;
	enum bd_code code;

	if (pull == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	pulling = &pull->pulling;
	pulling->ops = &pulling_ops;
	pulling->loop = loop;
	pulling->endpoint = endpoint;
	pulling->plan = plan;
	pulling->source = source;
	code = bd_pulling_init(pulling, "pull", BD_PULL_PROGRESS_MAX_BYTES, diag);
	code = code == BD_OK ? read_values(pull, diag) : code;
	if (code != BD_OK) {
		pull_free(pulling);
		return code;
	}
	bd_pull_progress_read(&pull->progress, bd_buf_bytes(&pulling->progress));
	pulling->ran_ms = pull->progress.ran_ms;
	pulling->asking.ops = &asking_ops;
	pulling->asking.form = plan->form;
	pulling->asking.values = pull->values;
	pulling->asking.value_count = plan->value_count;
	bd_pulling_open(pulling);
	*out = pull;
	return BD_OK;
}

void bd_pull_close(struct bd_pull *pull, void (*on_closed)(void *state), void *state)
{
	bd_pulling_close(&pull->pulling, on_closed, state);
}
