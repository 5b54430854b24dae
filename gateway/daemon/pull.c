#include "daemon/pull.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A timer may wait no longer without looking at the clock again: it may have been set. */
#define LOOK_MS INT64_C(60000)
/* A daily one that failed does not wait for the next day. */
#define FAILED_WAIT_MS INT64_C(900000)

struct bd_pull {
	struct bd_asking asking;
	struct bd_loop *loop;
	struct bd_endpoint_run *endpoint; /* a reference */
	const struct bd_pull_plan *plan;
	const struct bd_plan *source;
	struct bd_sender sender;
	char sender_name[128], progress_name[128];
	const char *sources[1];
	struct bd_form_value *values;
	struct bd_pull_progress progress, next; /* next: when what is asked for is stored */
	enum bd_pull_step step;
	struct bd_buf progress_text;
	char since[BD_PAGE_TEXT_MAX_BYTES + 1];
	size_t board_row;
	int64_t due_ms;
	bool has_run;
	uv_timer_t timer;
	struct bd_write write; /* of progress without a message */
	bool is_writing, is_asking_closed, is_timer_closed;
	void (*on_closed)(void *state);
	void *closed_state;
};

static void wait_for_time(struct bd_pull *pull);
static void ask(struct bd_pull *pull);

/* -- figures -- */

struct note {
	const struct bd_pull *pull;
	bool is_running, is_end;
	enum bd_code code;
	uint64_t records, pages;
	int64_t next_ms;
};

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct note *note = with;

	row->is_running = note->is_running;
	row->records += note->records;
	row->pages += note->pages;
	row->next_ms = note->next_ms;
	if (note->is_end) {
		row->asked++;
		row->failed += note->code != BD_OK;
		row->last = note->code;
		row->last_ms = bd_clock_wall_ms();
		row->good_ms = note->code == BD_OK ? row->last_ms : row->good_ms;
	}
}

static void tell(struct bd_pull *pull, const struct note *note)
{
	bd_source_board_change(pull->endpoint->board, pull->board_row, change_row, note);
}

static void finish_run(struct bd_pull *pull, const struct bd_diag *diag)
{
	const struct note note = { .pull = pull, .is_end = true, .code = diag->code };

	tell(pull, &note);
	if (diag->code != BD_OK) {
		bd_log(BD_LOG_WARNING, "sources", "pull.failed", "%s/%s: %s: %s",
			pull->source->source, pull->plan->name, bd_code_info(diag->code)->text,
			diag->detail);
	}
	wait_for_time(pull);
}

/* -- a page -- */

/* A cursor that could name somebody is not kept: after a restart the pages begin anew. */
static void write_progress(struct bd_pull *pull)
{
	struct bd_pull_progress kept = pull->next;

	if (bd_audit_holds_identity(bd_bytes_of(kept.cursor))) {
		kept.cursor[0] = '\0';
		kept.page = 0;
		kept.until_ms = 0;
	}
	if (bd_audit_holds_identity(bd_bytes_of(kept.since))) {
		strcpy(kept.since, pull->progress.since);
	}
	bd_buf_clear(&pull->progress_text);
	if (!bd_pull_progress_write(&pull->progress_text, &kept)) {
		bd_buf_clear(&pull->progress_text);
	}
}

static void on_result(
	struct bd_asking *asking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, asking, asking);

	pull->next = pull->progress;
	pull->step = bd_pull_advance(
		&pull->next, pull->plan->form, result->received, &result->page, bd_clock_wall_ms());
	if (pull->step == BD_PULL_OVER) {
		strcpy(pull->next.etag, asking->new_etag);
		strcpy(pull->next.last_modified, asking->new_last_modified);
	}
	if (pull->step == BD_PULL_STUCK) {
		return; /* the page is stored, and nothing moves on */
	}
	write_progress(pull);
	entry->progress_name = pull->progress_name;
	entry->progress = bd_buf_bytes(&pull->progress_text);
}

static void on_progress_written(struct bd_letter *letter)
{
	struct bd_pull *pull =
		CONTAINER(struct bd_pull, write, CONTAINER(struct bd_write, letter, letter));
	struct bd_diag diag = pull->write.diag;

	pull->is_writing = false;
	if (pull->on_closed != NULL) {
		bd_pull_close(pull, pull->on_closed, pull->closed_state);
		return;
	}
	diag.code = pull->write.code;
	if (diag.code == BD_OK) {
		pull->progress = pull->next;
	}
	finish_run(pull, &diag);
}

/* The writer's thread. */
static enum bd_code set_progress(
	struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	const struct bd_pull *pull = CONTAINER(struct bd_pull, write, write);

	return bd_store_set_progress(
		store, pull->progress_name, bd_buf_bytes(&pull->progress_text), diag);
}

/* It has nothing, or nothing new. */
static void finish_empty(struct bd_pull *pull)
{
	static const struct bd_page none = { { "", 0 }, { "", 0 }, true };
	struct bd_form single = *pull->plan->form;

	single.paging = BD_PAGING_NONE;
	pull->next = pull->progress;
	bd_pull_advance(&pull->next, &single, 0, &none, bd_clock_wall_ms());
	write_progress(pull);
	pull->is_writing = true;
	pull->write = (struct bd_write){ .letter = { .deliver = on_progress_written },
		.home = &pull->loop->mailbox,
		.work = set_progress };
	bd_writer_post(pull->loop->daemon->writer, &pull->write);
}

static void on_asked(struct bd_asking *asking, const struct bd_asked *asked)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, asking, asking);
	struct bd_diag diag = asked->diag;

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
	tell(pull, &(struct note){ .pull = pull,
			   .is_running = true,
			   .records = asked->receipt->accepted,
			   .pages = 1 });
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
	const struct bd_form *form = pull->plan->form;
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
	const struct bd_form *form = pull->plan->form;
	struct bd_asking *asking = &pull->asking;

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

/* -- its time -- */

static void begin_run(struct bd_pull *pull)
{
	if (pull->progress.until_ms == 0) {
		pull->progress.until_ms = bd_clock_wall_ms();
		pull->progress.page = pull->plan->form->first_page;
		pull->progress.cursor[0] = '\0';
	}
	tell(pull, &(struct note){ .pull = pull, .is_running = true });
	ask(pull);
}

static void on_timer(uv_timer_t *timer)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, timer, timer);
	int64_t now_ms = bd_clock_wall_ms();

	if (pull->due_ms <= now_ms) {
		begin_run(pull);
	} else {
		int64_t left_ms = pull->due_ms - now_ms;

		uv_timer_start(
			timer, on_timer, (uint64_t)(left_ms < LOOK_MS ? left_ms : LOOK_MS), 0);
	}
}

/* After a failure as after a success: what is tried again at once the asking has tried already. */
static void wait_for_time(struct bd_pull *pull)
{
	int64_t now_ms = bd_clock_wall_ms();

	pull->due_ms = bd_pull_due(pull->plan, pull->progress.ran_ms, now_ms);
	if (pull->has_run && pull->due_ms <= now_ms) {
		int64_t wait_ms =
			pull->plan->at_minute >= 0 ? FAILED_WAIT_MS : (int64_t)pull->plan->every_ms;

		pull->due_ms = now_ms + wait_ms;
	}
	pull->has_run = true;
	tell(pull, &(struct note){ .pull = pull, .next_ms = pull->due_ms });
	uv_timer_start(&pull->timer, on_timer, 0, 0);
}

/* -- its life -- */

static enum bd_code read_progress(struct bd_pull *pull, struct bd_diag *diag)
{
	struct bd_store_reader *reader = pull->loop->reader;
	bool found = false;
	enum bd_code code = bd_store_begin(reader, diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_store_progress(&pull->progress_text, &found, reader, pull->progress_name, diag);
	bd_store_end(reader);
	bd_pull_progress_read(&pull->progress, bd_buf_bytes(&pull->progress_text));
	return code;
}

static enum bd_code read_values(struct bd_pull *pull, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	pull->values = calloc(pull->plan->value_count + 1, sizeof(*pull->values));
	if (pull->values == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", pull->plan->name);
	}
	for (size_t i = 0; i < pull->plan->value_count && code == BD_OK; i++) {
		code = bd_endpoint_value(
			&pull->values[i], pull->endpoint, &pull->plan->values[i], diag);
	}
	return code;
}

static void fill_asking(struct bd_pull *pull)
{
	pull->asking.ops = &asking_ops;
	pull->asking.loop = pull->loop;
	pull->asking.endpoint = pull->endpoint;
	pull->asking.form = pull->plan->form;
	pull->asking.values = pull->values;
	pull->asking.value_count = pull->plan->value_count;
	pull->asking.plan = pull->source;
	pull->asking.feed = pull->plan->feed;
	pull->asking.sender = &pull->sender;
	pull->asking.caller.client = bd_bytes_of(pull->sender_name);
	pull->asking.delivery.day = INT32_MIN;
	pull->asking.how = "PULL";
}

static void pull_free(struct bd_pull *pull)
{
	bd_buf_release(&pull->progress_text);
	bd_endpoint_run_unref(pull->endpoint);
	free(pull->values);
	free(pull);
}

enum bd_code bd_pull_new(struct bd_pull **out, struct bd_loop *loop,
	struct bd_endpoint_run *endpoint, const struct bd_pull_plan *plan,
	const struct bd_plan *source, struct bd_diag *diag)
{
	struct bd_pull *pull = calloc(1, sizeof(*pull));
	enum bd_code code;

	if (pull == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	pull->loop = loop;
	pull->endpoint = endpoint;
	bd_endpoint_run_ref(endpoint);
	pull->plan = plan;
	pull->source = source;
	snprintf(pull->sender_name, sizeof(pull->sender_name), "pull:%s/%s", source->source,
		plan->name);
	snprintf(pull->progress_name, sizeof(pull->progress_name), "pull/%s/%s", source->source,
		plan->name);
	pull->sources[0] = source->source;
	pull->sender = (struct bd_sender){ .name = pull->sender_name,
		.roles = BD_SENDER_DEPARTMENT,
		.sources = pull->sources,
		.source_count = 1 };
	pull->board_row =
		bd_source_board_find(endpoint->board, source->source, plan->name, BD_BOARD_PULL);
	bd_buf_init(&pull->progress_text, BD_PULL_PROGRESS_MAX_BYTES);
	code = read_progress(pull, diag);
	code = code == BD_OK ? read_values(pull, diag) : code;
	if (code != BD_OK) {
		pull_free(pull);
		return code;
	}
	fill_asking(pull);
	bd_asking_open(&pull->asking);
	uv_timer_init(&loop->uv, &pull->timer);
	wait_for_time(pull);
	*out = pull;
	return BD_OK;
}

static void maybe_closed(struct bd_pull *pull)
{
	void (*on_closed)(void *state) = pull->on_closed;
	void *state = pull->closed_state;

	if (pull->is_asking_closed && pull->is_timer_closed) {
		pull_free(pull);
		on_closed(state);
	}
}

static void on_asking_closed(struct bd_asking *asking)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, asking, asking);

	pull->is_asking_closed = true;
	maybe_closed(pull);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_pull *pull = CONTAINER(struct bd_pull, timer, handle);

	pull->is_timer_closed = true;
	maybe_closed(pull);
}

void bd_pull_close(struct bd_pull *pull, void (*on_closed)(void *state), void *state)
{
	pull->on_closed = on_closed;
	pull->closed_state = state;
	if (pull->is_writing) {
		return; /* when that is done */
	}
	bd_asking_close(&pull->asking, on_asking_closed);
	uv_close((uv_handle_t *)&pull->timer, on_timer_closed);
}
