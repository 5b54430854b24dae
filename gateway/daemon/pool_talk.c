#include "daemon/pool_parts.h"

#include "base/limits.h"
#include "daemon/opening.h"
#include "record/pack.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* One write to a worker and its bytes. */
struct request {
	uv_write_t write;
	struct bd_worker *worker;
	struct bd_buf bytes;
};

/* -- to a worker -- */

static void on_written(uv_write_t *write, int status)
{
	struct request *request = BD_POOL_CONTAINER(struct request, write, write);

	/* A worker that cannot be written to is seen by its exit. */
	(void)status;
	bd_buf_release(&request->bytes);
	free(request);
}

enum bd_code bd_worker_post(struct bd_worker *worker, struct bd_buf *frames)
{
	struct request *request = calloc(1, sizeof(*request));
	uv_buf_t out;

	if (request == NULL) {
		bd_buf_release(frames);
		return BD_NO_MEMORY;
	}
	request->worker = worker;
	request->bytes = *frames;
	bd_buf_init(frames, frames->max);
	out = uv_buf_init(request->bytes.ptr, (unsigned)request->bytes.len);
	if (uv_write(&request->write, (uv_stream_t *)&worker->pipe, &out, 1, on_written) != 0) {
		bd_buf_release(&request->bytes);
		free(request);
		return BD_WORKER_DIED;
	}
	return BD_OK;
}

enum bd_code bd_worker_send(
	struct bd_worker *worker, enum bd_frame_type type, struct bd_bytes payload)
{
	struct bd_buf frame;
	enum bd_code code;

	bd_buf_init(&frame, BD_FRAME_MAX_BYTES + BD_FRAME_HEAD_BYTES);
	code = bd_frame_add(&frame, type, payload);
	if (code != BD_OK) {
		bd_buf_release(&frame);
		return code;
	}
	return bd_worker_post(worker, &frame);
}

bool bd_worker_send_or_kill(
	struct bd_worker *worker, enum bd_frame_type type, struct bd_bytes payload)
{
	if (bd_worker_send(worker, type, payload) == BD_OK) {
		return true;
	}
	uv_process_kill(&worker->process, SIGKILL);
	return false;
}

/* -- from a worker -- */

/* It has the next one already. */
static void take_ahead(struct bd_worker *worker)
{
	worker->job = worker->ahead[0];
	worker->ahead_count--;
	memmove(worker->ahead, worker->ahead + 1, worker->ahead_count * sizeof(struct bd_job *));
	bd_worker_watch(worker);
	bd_pool_serve_queue(worker->pool);
}

static void on_ready(struct bd_worker *worker)
{
	struct bd_pool *pool = worker->pool;

	if (worker->job != NULL) {
		bd_worker_end(worker, BD_WORKER_DIED, "ready without a result");
		return;
	}
	worker->has_begun = true;
	pool->failed_starts = 0;
	if (worker->ahead_count > 0) {
		take_ahead(worker);
		return;
	}
	worker->has_ended = false;
	worker->unacknowledged = 0;
	worker->state = BD_WORKER_IDLE;
	bd_pool_publish(pool);
	bd_worker_watch(worker);
	if (worker->is_old) {
		bd_worker_retire(worker);
		return;
	}
	bd_pool_serve_queue(pool);
}

static void on_credit(struct bd_worker *worker, struct bd_bytes payload)
{
	struct bd_reader reader = bd_reader_of(payload);
	uint64_t bytes = bd_read_u64(&reader);

	if (!reader.ok || bytes > worker->unacknowledged) {
		bd_worker_end(worker, BD_WORKER_DIED, "credit for what was not sent");
		return;
	}
	worker->unacknowledged -= bytes;
	bd_worker_watch(worker);
	if (worker->was_blocked && worker->unacknowledged <= BD_FRAME_CREDIT_BYTES / 2 &&
		worker->job != NULL) {
		worker->was_blocked = false;
		worker->job->ops->on_writable(worker->job);
	}
}

/* The message is over for its sender; the worker still reads what was sent of it, and END. */
static struct bd_job *release_job(struct bd_worker *worker)
{
	struct bd_job *job = worker->job;

	worker->job = NULL;
	job->worker = NULL;
	if (!worker->has_ended) {
		worker->has_ended = true;
		bd_worker_send_or_kill(worker, BD_FRAME_END, (struct bd_bytes){ "", 0 });
	}
	/* It still has to get ready. */
	bd_worker_watch(worker);
	return job;
}

static void on_result(struct bd_worker *worker, struct bd_bytes payload)
{
	struct bd_intake_result result;
	struct bd_job *job;

	bd_arena_clear(&worker->arena);
	if (!worker->has_ended ||
		bd_frame_result_unpack(&result, payload, &worker->arena) != BD_OK) {
		bd_worker_end(worker, BD_WORKER_DIED, "a result of a wrong form");
		return;
	}
	job = release_job(worker);
	job->ops->on_result(job, &result);
}

static void on_fail(struct bd_worker *worker, struct bd_bytes payload)
{
	struct bd_reject reject;
	struct bd_job *job;

	bd_arena_clear(&worker->arena);
	if (bd_reject_unpack(&reject, payload, &worker->arena) != BD_OK ||
		reject.diag.code == BD_OK) {
		bd_worker_end(worker, BD_WORKER_DIED, "a failure of a wrong form");
		return;
	}
	if (reject.diag.code == BD_NO_MEMORY) {
		/* What it could not free it still has. */
		bd_worker_end(worker, BD_NO_MEMORY, "");
		return;
	}
	job = release_job(worker);
	job->ops->on_fail(job, &reject.diag);
}

static void on_opened(void *state, struct bd_bytes reply)
{
	struct bd_worker *worker = state;

	worker->opening = NULL;
	bd_worker_send_or_kill(worker, BD_FRAME_OPENED, reply);
	bd_worker_watch(worker);
}

static void on_open(struct bd_worker *worker, struct bd_bytes payload)
{
	if (!worker->has_ended || worker->opening != NULL) {
		bd_worker_end(worker, BD_WORKER_DIED, "asks out of turn");
		return;
	}
	if (bd_opening_begin(&worker->opening, worker->pool->loop, worker->pool->keys, payload,
		    on_opened, worker) != BD_OK) {
		bd_worker_end(worker, BD_WORKER_DIED, "asks in a wrong form");
	}
}

static void handle(struct bd_worker *worker, const struct bd_frame *frame)
{
	struct bd_job *job = worker->job;

	if (frame->type == BD_FRAME_READY) {
		on_ready(worker);
		return;
	}
	if (frame->type == BD_FRAME_CREDIT) {
		on_credit(worker, frame->payload);
		return;
	}
	if (frame->type == BD_FRAME_OPEN) {
		on_open(worker, frame->payload);
		return;
	}
	if (frame->type < BD_FRAME_RECORDS || frame->type == BD_FRAME_OPENED) {
		bd_worker_end(worker, BD_WORKER_DIED, "a frame of the other side");
		return;
	}
	/* After a failure or a result the rest is of nobody. */
	if (job == NULL) {
		return;
	}
	bd_worker_watch(worker);
	if (frame->type == BD_FRAME_RECORDS) {
		job->ops->on_records(job, frame->payload, 0);
	} else if (frame->type == BD_FRAME_REJECT) {
		job->ops->on_reject(job, frame->payload);
	} else if (frame->type == BD_FRAME_RESULT) {
		on_result(worker, frame->payload);
	} else {
		on_fail(worker, frame->payload);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct bd_worker *worker = handle->data;

	(void)suggested;
	*buf = uv_buf_init(NULL, 0);
	if (bd_buf_reserve(&worker->in, BD_POOL_READ_BYTES) == BD_OK) {
		*buf = uv_buf_init(worker->in.ptr + worker->in.len,
			(unsigned)(worker->in.cap - worker->in.len));
	}
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct bd_worker *worker = stream->data;
	struct bd_bytes rest;
	bool has = true;

	(void)buf;
	if (len < 0) {
		/* Its exit says how it ended; a worker that only closed its socket is ended. */
		if (worker->state != BD_WORKER_ENDING) {
			uv_read_stop(stream);
			uv_process_kill(&worker->process, SIGKILL);
		}
		return;
	}
	worker->in.len += (size_t)len;
	rest = bd_buf_bytes(&worker->in);
	while (has && worker->state != BD_WORKER_ENDING && worker->state != BD_WORKER_GONE) {
		struct bd_frame frame;

		if (bd_frame_take(&frame, &has, &rest) != BD_OK) {
			bd_worker_end(worker, BD_WORKER_DIED, "a frame of a wrong form");
			return;
		}
		if (has) {
			handle(worker, &frame);
		}
	}
	if (rest.len > 0) {
		memmove(worker->in.ptr, rest.ptr, rest.len);
	}
	worker->in.len = rest.len;
}

int bd_worker_listen(struct bd_worker *worker)
{
	return uv_read_start((uv_stream_t *)&worker->pipe, on_alloc, on_read);
}
