#include "daemon/pulling.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/pull.h"

#include <stddef.h>
#include <stdio.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A timer may wait no longer without looking at the clock again: it may have been set. */
#define LOOK_MS INT64_C(60000)
/* A daily one that failed does not wait for the next day. */
#define FAILED_WAIT_MS INT64_C(900000)

static void wait_for_time(struct bd_pulling *pulling);

/* -- figures -- */

struct note {
	bool is_running, is_end;
	enum bd_code code;
	uint64_t records, pages, unchanged;
	int64_t next_ms;
};

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct note *note = with;

	row->is_running = note->is_running;
	row->records += note->records;
	row->pages += note->pages;
	row->unchanged += note->unchanged;
	row->next_ms = note->next_ms;
	if (note->is_end) {
		row->asked++;
		row->failed += note->code != BD_OK;
		bd_board_row_end(row, note->code, note->code == BD_OK);
	}
}

static void tell(struct bd_pulling *pulling, struct note note)
{
	bd_source_board_change(pulling->endpoint->board, pulling->board_row, change_row, &note);
}

void bd_pulling_tell(struct bd_pulling *pulling, uint64_t records, uint64_t pages)
{
	tell(pulling, (struct note){ .is_running = true, .records = records, .pages = pages });
}

void bd_pulling_tell_unchanged(struct bd_pulling *pulling)
{
	tell(pulling, (struct note){ .is_running = true, .unchanged = 1 });
}

void bd_pulling_finish(struct bd_pulling *pulling, const struct bd_diag *diag)
{
	tell(pulling, (struct note){ .is_end = true, .code = diag->code });
	if (diag->code != BD_OK) {
		bd_log(BD_LOG_WARNING, "sources", "pull.failed", "%s/%s: %s: %s",
			pulling->source->source, pulling->plan->name,
			bd_code_info(diag->code)->text, diag->detail);
	}
	wait_for_time(pulling);
}

/* -- progress without a message -- */

static void on_written(struct bd_letter *letter)
{
	struct bd_pulling *pulling =
		CONTAINER(struct bd_pulling, write, CONTAINER(struct bd_write, letter, letter));
	struct bd_diag diag = pulling->write.diag;

	pulling->is_writing = false;
	if (pulling->on_closed != NULL) {
		bd_pulling_close(pulling, pulling->on_closed, pulling->closed_state);
		return;
	}
	diag.code = pulling->write.code;
	pulling->ops->on_kept(pulling, &diag);
}

/* The writer's thread. */
static enum bd_code set_progress(
	struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	const struct bd_pulling *pulling = CONTAINER(struct bd_pulling, write, write);

	return bd_store_set_progress(
		store, pulling->progress_name, bd_buf_bytes(&pulling->progress), diag);
}

void bd_pulling_keep(struct bd_pulling *pulling)
{
	pulling->is_writing = true;
	pulling->write = (struct bd_write){ .letter = { .deliver = on_written },
		.home = &pulling->loop->mailbox,
		.work = set_progress };
	bd_writer_post(pulling->loop->daemon->writer, &pulling->write);
}

/* -- its time -- */

static void on_timer(uv_timer_t *timer)
{
	struct bd_pulling *pulling = CONTAINER(struct bd_pulling, timer, timer);
	int64_t left_ms = pulling->due_ms - bd_clock_wall_ms();

	if (left_ms <= 0) {
		bd_pulling_tell(pulling, 0, 0);
		pulling->ops->begin(pulling);
	} else {
		uv_timer_start(
			timer, on_timer, (uint64_t)(left_ms < LOOK_MS ? left_ms : LOOK_MS), 0);
	}
}

/* After a failure as after a success: what is tried again at once the asking has tried already. */
static void wait_for_time(struct bd_pulling *pulling)
{
	int64_t now_ms = bd_clock_wall_ms();

	pulling->due_ms = bd_pull_due(pulling->plan, pulling->ran_ms, now_ms);
	if (pulling->has_run && pulling->due_ms <= now_ms) {
		pulling->due_ms =
			now_ms + (pulling->plan->at_minute >= 0 ? FAILED_WAIT_MS
								: (int64_t)pulling->plan->every_ms);
	}
	pulling->has_run = true;
	tell(pulling, (struct note){ .next_ms = pulling->due_ms });
	uv_timer_start(&pulling->timer, on_timer, 0, 0);
}

/* -- its life -- */

static void name_it(struct bd_pulling *pulling, const char *kind)
{
	const char *source = pulling->source->source, *name = pulling->plan->name;

	snprintf(pulling->sender_name, sizeof(pulling->sender_name), "pull:%s/%s", source, name);
	snprintf(pulling->progress_name, sizeof(pulling->progress_name), "%s/%s/%s", kind, source,
		name);
	pulling->sources[0] = source;
	pulling->sender = (struct bd_sender){ .name = pulling->sender_name,
		.roles = BD_SENDER_DEPARTMENT,
		.sources = pulling->sources,
		.source_count = 1 };
	pulling->board_row =
		bd_source_board_find(pulling->endpoint->board, source, name, BD_BOARD_PULL);
}

static void fill_asking(struct bd_pulling *pulling)
{
	struct bd_asking *asking = &pulling->asking;

	asking->loop = pulling->loop;
	asking->endpoint = pulling->endpoint;
	asking->plan = pulling->source;
	asking->feed = pulling->plan->feed;
	asking->sender = &pulling->sender;
	asking->caller.client = bd_bytes_of(pulling->sender_name);
	asking->delivery.day = INT32_MIN;
	asking->how = "PULL";
}

enum bd_code bd_pulling_init(struct bd_pulling *pulling, const char *kind,
	size_t progress_max_bytes, struct bd_diag *diag)
{
	struct bd_store_reader *reader = pulling->loop->reader;
	bool found = false;
	enum bd_code code;

	bd_endpoint_run_ref(pulling->endpoint);
	bd_buf_init(&pulling->progress, progress_max_bytes);
	name_it(pulling, kind);
	fill_asking(pulling);
	code = bd_store_begin(reader, diag);
	if (code != BD_OK) {
		return code;
	}
	code = bd_store_progress(&pulling->progress, &found, reader, pulling->progress_name, diag);
	bd_store_end(reader);
	return code;
}

void bd_pulling_open(struct bd_pulling *pulling)
{
	bd_asking_open(&pulling->asking);
	uv_timer_init(&pulling->loop->uv, &pulling->timer);
	wait_for_time(pulling);
}

void bd_pulling_release(struct bd_pulling *pulling)
{
	bd_buf_release(&pulling->progress);
	bd_endpoint_run_unref(pulling->endpoint);
}

static void maybe_closed(struct bd_pulling *pulling)
{
	void (*on_closed)(void *state) = pulling->on_closed;
	void *state = pulling->closed_state;

	if (pulling->is_asking_closed && pulling->is_timer_closed) {
		pulling->ops->free(pulling);
		on_closed(state);
	}
}

static void on_asking_closed(struct bd_asking *asking)
{
	struct bd_pulling *pulling = CONTAINER(struct bd_pulling, asking, asking);

	pulling->is_asking_closed = true;
	maybe_closed(pulling);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_pulling *pulling = CONTAINER(struct bd_pulling, timer, handle);

	pulling->is_timer_closed = true;
	maybe_closed(pulling);
}

void bd_pulling_close(struct bd_pulling *pulling, void (*on_closed)(void *state), void *state)
{
	pulling->on_closed = on_closed;
	pulling->closed_state = state;
	if (pulling->is_writing) {
		return; /* when that is done */
	}
	if (pulling->ops->cancel != NULL) {
		pulling->ops->cancel(pulling);
	}
	bd_asking_close(&pulling->asking, on_asking_closed);
	uv_close((uv_handle_t *)&pulling->timer, on_timer_closed);
}
