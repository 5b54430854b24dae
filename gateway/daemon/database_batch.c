#include "daemon/database_batch.h"

#include "base/clock.h"
#include "base/limits.h"
#include "daemon/loop.h"
#include "daemon/secret.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PASSWORD_MAX_BYTES 65536
#define PROGRESS_MAX_BYTES 600

static uint64_t since_begun(const struct bd_database_batch *batch)
{
	int64_t us = bd_clock_monotonic_us() - batch->begun_us;

	return us > 0 ? (uint64_t)us : 1;
}

/* -- it is over -- */

/* What has not been committed is given up; it comes again. What the writer has comes back. */
static void close_taking(struct bd_database_batch *batch)
{
	if (batch->is_taking && batch->taking.state != BD_TAKING_WRITING) {
		batch->is_taking = false;
		bd_taking_close(&batch->taking);
	}
}

static void end(struct bd_database_batch *batch, const struct bd_diag *diag)
{
	close_taking(batch);
	bd_database_process_end(&batch->process);
	if (!batch->is_over) {
		batch->is_over = true;
		batch->over_us = since_begun(batch);
		batch->ops->on_over(batch, diag);
	}
}

static void fail(struct bd_database_batch *batch, enum bd_code code, const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", detail);
	end(batch, &diag);
}

static void end_well(struct bd_database_batch *batch)
{
	static const struct bd_diag good = { .code = BD_OK };

	end(batch, &good);
}

static void maybe_closed(struct bd_database_batch *batch)
{
	if (batch->process.step == BD_DATABASE_IDLE && !batch->is_taking) {
		batch->ops->on_closed(batch);
	}
}

static void on_process_closed(struct bd_database_process *process)
{
	maybe_closed(CONTAINER(struct bd_database_batch, process, process));
}

/* -- the batch as a message -- */

static void on_done(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, taking, taking);
	struct bd_diag found = { .code = BD_OK };

	if (receipt == NULL) {
		found = *diag;
		bd_taking_enter_refusal(taking, diag, batch->how);
	} else {
		found.code = receipt->code;
		batch->received = receipt->received;
		batch->accepted = receipt->accepted;
		batch->rejected = receipt->rejected;
		batch->is_stored = receipt->message != 0;
	}
	batch->is_taking = false;
	bd_taking_close(taking);
	if (batch->is_over) {
		maybe_closed(batch);
	} else if (batch->is_trial && receipt != NULL) {
		end(batch, &found);
	} else if (!batch->is_stored) {
		end(batch, &found);
	} else if (!bd_database_process_mark(&batch->process)) {
		/* They are stored all the same; a query by the flag brings them again. */
		fail(batch, BD_CONNECT_BROKEN, "its process is gone");
	}
}

static void on_result(
	struct bd_taking *taking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, taking, taking);

	(void)result;
	entry->progress_name = batch->progress_name;
	entry->progress = bd_buf_bytes(&batch->progress);
}

static void on_room(struct bd_taking *taking)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, taking, taking);

	if (batch->process.is_held) {
		batch->process.is_held = false;
		bd_database_process_resume(&batch->process);
	}
}

static const struct bd_taking_ops taking_ops = { on_room, on_result, on_done };

static enum bd_code begin_taking(struct bd_database_batch *batch, struct bd_diag *diag)
{
	struct bd_taking *taking = &batch->taking;
	struct bd_taking_request *request = &taking->request;
	enum bd_code code;

	memset(taking, 0, sizeof(*taking));
	request->sender = batch->sender;
	code = bd_taking_open(taking, &taking_ops, batch->loop);
	batch->is_taking = true;
	request->plan = bd_setup_plan(taking->setup, bd_bytes_of(batch->source->source));
	request->feed =
		request->plan != NULL ? bd_plan_feed(request->plan, batch->plan->feed->name) : NULL;
	request->caller = batch->caller;
	request->is_dry_run = batch->is_trial;
	if (batch->plan->charset != NULL) {
		snprintf(request->charset, sizeof(request->charset), "%s", batch->plan->charset);
	}
	if (code == BD_OK && request->feed == NULL) {
		code = bd_fail(diag, BD_SOURCE_UNKNOWN, "%s", "");
	}
	return code == BD_OK ? bd_taking_may_begin(taking, diag) : code;
}

static void on_open(struct bd_database_process *process)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, process, process);

	batch->opened_us = since_begun(batch);
}

static void on_rows(struct bd_database_process *process, struct bd_bytes bytes)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, process, process);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = batch->is_taking ? BD_OK : begin_taking(batch, &diag);

	if (code != BD_OK) {
		fail(batch, code, diag.detail);
		return;
	}
	process->is_held = bd_taking_give(&batch->taking, bytes) == BD_TAKING_HOLD;
}

static enum bd_code pack_progress(struct bd_buf *out, const struct bd_database_end *end)
{
	enum bd_code code;

	bd_buf_clear(out);
	code = bd_buf_add_sized(out, end->watermark);
	return code == BD_OK ? bd_buf_add_sized(out, end->key) : code;
}

static void on_end(struct bd_database_process *process, const struct bd_database_end *end)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, process, process);

	batch->read_us = since_begun(batch);
	if ((end->rows > 0) != batch->is_taking || pack_progress(&batch->progress, end) != BD_OK) {
		fail(batch, BD_CONNECT_BROKEN, "its process speaks out of turn");
		return;
	}
	batch->rows = end->rows;
	batch->is_full = end->is_full;
	if (end->rows == 0) {
		end_well(batch);
		return;
	}
	bd_taking_end(&batch->taking);
}

static void on_marked(struct bd_database_process *process, uint64_t rows)
{
	struct bd_database_batch *batch = CONTAINER(struct bd_database_batch, process, process);

	batch->marked = rows;
	end_well(batch);
}

static void on_failed(struct bd_database_process *process, const struct bd_diag *diag)
{
	end(CONTAINER(struct bd_database_batch, process, process), diag);
}

static const struct bd_database_process_ops process_ops = { on_open, on_rows, on_end, on_marked,
	on_failed, on_process_closed };

/* -- what it asks -- */

/* The watermark and key behind which the next rows stand; texts in the arena. */
static enum bd_code read_progress(struct bd_database_ask *ask,
	const struct bd_database_batch *batch, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_store_reader *reader = batch->loop->reader;
	struct bd_reader packed;
	struct bd_buf value;
	bool found = false;
	enum bd_code code = bd_store_begin(reader, diag);

	bd_buf_init(&value, PROGRESS_MAX_BYTES);
	if (code == BD_OK) {
		code = bd_store_progress(&value, &found, reader, batch->progress_name, diag);
		bd_store_end(reader);
	}
	ask->last_watermark = batch->plan->first;
	ask->last_key = "";
	if (code == BD_OK && found) {
		packed = bd_reader_of(bd_buf_bytes(&value));
		ask->last_watermark = bd_arena_text(arena, bd_read_sized(&packed));
		ask->last_key = bd_arena_text(arena, bd_read_sized(&packed));
		if (!packed.ok || ask->last_watermark == NULL || ask->last_key == NULL) {
			code = bd_fail(diag, BD_STORE_DAMAGED, "the watermark of a database");
		}
	}
	bd_buf_release(&value);
	return code;
}

static enum bd_code read_password(
	struct bd_buf *out, const struct bd_database_plan *plan, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (plan->password_file != NULL) {
		code = bd_secret_read(out, plan->password_file, "password-file", diag);
	}
	while (code == BD_OK && out->len > 0 &&
		(out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r')) {
		out->len--;
	}
	return code == BD_OK ? bd_buf_add_byte(out, '\0') : code;
}

static enum bd_code ask(struct bd_database_batch *batch, struct bd_arena *arena,
	struct bd_buf *password, struct bd_diag *diag)
{
	const struct bd_database_plan *plan = batch->plan;
	const char **columns =
		bd_arena_alloc(arena, plan->feed->column_count, sizeof(const char *));
	struct bd_database_ask question = { .connection = plan->connection,
		.user = plan->user,
		.select = plan->select,
		.consumed = plan->consumed != NULL && !batch->is_trial ? plan->consumed : "",
		.parameters = plan->parameters,
		.watermark = plan->watermark,
		.key = plan->key != NULL ? plan->key : "",
		.columns = columns,
		.column_count = plan->feed->column_count,
		.separator = (uint8_t)plan->feed->separator,
		.batch = batch->is_trial ? 1 : plan->batch,
		.connect_s = plan->connect_ms / 1000 + 1,
		.query_s = plan->query_ms / 1000 + 1 };
	enum bd_code code = columns != NULL ? read_password(password, plan, diag) : BD_NO_MEMORY;

	for (size_t i = 0; columns != NULL && i < plan->feed->column_count; i++) {
		columns[i] = plan->feed->columns[i].name;
	}
	question.password = code == BD_OK ? password->ptr : "";
	code = code == BD_OK ? read_progress(&question, batch, arena, diag) : code;
	return code == BD_OK ? bd_database_process_start(
				       &batch->process, batch->setup->settings, &question, diag)
			     : code;
}

void bd_database_batch_begin(struct bd_database_batch *batch)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf password;
	struct bd_arena arena;
	enum bd_code code;

	batch->rows = batch->marked = 0;
	batch->received = batch->accepted = batch->rejected = 0;
	batch->is_stored = batch->is_full = batch->is_over = false;
	batch->opened_us = batch->read_us = batch->over_us = 0;
	batch->begun_us = bd_clock_monotonic_us();
	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_buf_init(&password, PASSWORD_MAX_BYTES);
	code = ask(batch, &arena, &password, &diag);
	bd_buf_wipe(&password);
	bd_arena_release(&arena);
	if (code != BD_OK) {
		fail(batch, code, diag.detail);
		if (batch->process.step == BD_DATABASE_IDLE) {
			maybe_closed(batch); /* it never came to a process */
		}
	}
}

/* -- its life -- */

bool bd_database_batch_leave(struct bd_database_batch *batch)
{
	if ((batch->is_taking && batch->taking.state == BD_TAKING_WRITING) ||
		batch->process.step == BD_DATABASE_MARKING) {
		return true;
	}
	batch->is_over = true;
	close_taking(batch);
	bd_database_process_end(&batch->process);
	return false;
}

void bd_database_batch_init(struct bd_database_batch *batch)
{
	batch->process.ops = &process_ops;
	batch->process.loop = &batch->loop->uv;
	batch->process.plan = batch->plan;
	snprintf(batch->progress_name, sizeof(batch->progress_name), "database %s/%s",
		batch->source->source, batch->plan->name);
	bd_buf_init(&batch->progress, PROGRESS_MAX_BYTES);
	bd_database_process_init(&batch->process);
}

void bd_database_batch_release(struct bd_database_batch *batch)
{
	bd_database_process_release(&batch->process);
	bd_buf_release(&batch->progress);
}
