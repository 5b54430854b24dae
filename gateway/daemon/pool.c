#include "daemon/pool.h"

#include "base/limits.h"
#include "base/log.h"
#include "daemon/frame.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define READ_BYTES 65536
/* A worker that dies before it was ready is started again only after this. */
#define BACK_OFF_MS 1000
/* A worker loads the adapters and is ready: some milliseconds, seconds on a machine that swaps. */
#define START_MAX_MS 30000
/* And ends by itself when its socket does; under a leak checker that takes a while. */
#define STOP_MAX_MS 10000

enum worker_state {
	WORKER_GONE = 0, /* no process; may wait for its time to start */
	WORKER_STARTING,
	WORKER_IDLE,
	WORKER_BUSY,  /* has a job, or reads its rest until READY */
	WORKER_ENDING /* killed or told to end, its end has not been seen */
};

struct bd_worker {
	struct bd_pool *pool;
	enum worker_state state;
	struct bd_job *job;
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t timer;
	unsigned open_handles; /* process and pipe */
	bool has_begun, has_ended, was_blocked, is_old;
	bool is_retired;   /* told to end, and expected to do so in order */
	const char *fault; /* what it did wrong; NULL = nothing */
	uint64_t unacknowledged;
	struct bd_buf in;
	struct bd_arena arena;
};

struct bd_pool {
	uv_loop_t *loop;
	char *worker_path;
	int image_fd;
	unsigned time_max_ms, start_max_ms, stop_max_ms;
	struct bd_worker *workers;
	unsigned count;
	struct bd_job *first, **last; /* waiting */
	unsigned failed_starts;       /* since a worker was last ready */
	struct bd_pool_counts counts;
	struct bd_pool_figures *figures; /* may be NULL */
	bool is_closing;
	unsigned timers_open;
	void (*on_closed)(void *state);
	void *closed_state;
};

/* One write to a worker and its bytes. */
struct request {
	uv_write_t write;
	struct bd_worker *worker;
	struct bd_buf bytes;
};

static void start(struct bd_worker *worker);
static void serve_queue(struct bd_pool *pool);

/* For threads that cannot look into the pool. */
static void publish(const struct bd_pool *pool)
{
	struct bd_pool_counts counts;

	if (pool->figures != NULL) {
		bd_pool_counts(&counts, pool);
		__atomic_store_n(&pool->figures->workers, counts.workers, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->busy, counts.busy, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->died, counts.died, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->timed_out, counts.timed_out, __ATOMIC_RELAXED);
	}
}

/* -- the image -- */

static int seal_image(struct bd_bytes image, struct bd_diag *diag)
{
	int fd = memfd_create("bidui-adapters", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0) {
		bd_fail(diag, BD_IO, "memfd_create");
		return -1;
	}
	while (image.len > 0) {
		ssize_t len = write(fd, image.ptr, image.len);

		if (len <= 0) {
			close(fd);
			bd_fail(diag, BD_IO, "writing the image");
			return -1;
		}
		image.ptr += len;
		image.len -= (size_t)len;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		close(fd);
		bd_fail(diag, BD_IO, "sealing the image");
		return -1;
	}
	return fd;
}

/* -- the queue -- */

static struct bd_job *take_first(struct bd_pool *pool)
{
	struct bd_job *job = pool->first;

	pool->first = job->next;
	if (pool->first == NULL) {
		pool->last = &pool->first;
	}
	pool->counts.queued--;
	job->is_queued = false;
	return job;
}

static bool can_serve(const struct bd_pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++) {
		if (pool->workers[i].state == WORKER_IDLE ||
			pool->workers[i].state == WORKER_BUSY) {
			return true;
		}
	}
	return false;
}

/* Nobody will come for those that wait: every worker died before it was ready. Those that come
 * while this is so wait for the next start, and hear the same. */
static void fail_queue(struct bd_pool *pool)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, BD_WORKER_START, "%s", "");
	/* Only those that wait now: whoever hears it may come again at once. */
	for (uint64_t count = pool->counts.queued; count > 0 && pool->first != NULL; count--) {
		struct bd_job *job = take_first(pool);

		job->ops->on_fail(job, &diag);
	}
}

/* -- the end of a worker -- */

static void maybe_closed(struct bd_pool *pool)
{
	void (*on_closed)(void *state) = pool->on_closed;
	void *state = pool->closed_state;

	for (unsigned i = 0; i < pool->count; i++) {
		if (pool->workers[i].open_handles > 0) {
			return;
		}
	}
	if (!pool->is_closing || pool->timers_open > 0) {
		return;
	}
	for (unsigned i = 0; i < pool->count; i++) {
		bd_buf_release(&pool->workers[i].in);
		bd_arena_release(&pool->workers[i].arena);
	}
	close(pool->image_fd);
	free(pool->workers);
	free(pool->worker_path);
	free(pool);
	on_closed(state);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_worker *worker = CONTAINER(struct bd_worker, timer, (uv_timer_t *)handle);

	worker->pool->timers_open--;
	maybe_closed(worker->pool);
}

static void on_start_timer(uv_timer_t *timer)
{
	start(CONTAINER(struct bd_worker, timer, timer));
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct bd_worker *worker = handle->data;
	struct bd_pool *pool = worker->pool;
	bool was_ready = worker->has_begun;

	if (--worker->open_handles > 0) {
		return;
	}
	worker->state = WORKER_GONE;
	if (pool->is_closing) {
		uv_close((uv_handle_t *)&worker->timer, on_timer_closed);
		return;
	}
	if (was_ready) {
		start(worker);
		return;
	}
	uv_timer_start(&worker->timer, on_start_timer, BACK_OFF_MS, 0);
	pool->failed_starts++;
	if (pool->failed_starts >= pool->count && !can_serve(pool)) {
		fail_queue(pool);
	}
}

/* The job, if any, fails; the process is killed and its handles closed. */
static void end_worker(struct bd_worker *worker, enum bd_code code, const char *detail)
{
	struct bd_job *job = worker->job;
	struct bd_diag diag = { .code = BD_OK };

	if (worker->state == WORKER_GONE || worker->state == WORKER_ENDING) {
		return;
	}
	worker->state = WORKER_ENDING;
	worker->job = NULL;
	if (code == BD_WORKER_DIED) {
		worker->pool->counts.died++;
		worker->fault = detail;
	}
	publish(worker->pool);
	uv_timer_stop(&worker->timer);
	if (!uv_is_closing((uv_handle_t *)&worker->process)) {
		uv_process_kill(&worker->process, SIGKILL);
	}
	if (!uv_is_closing((uv_handle_t *)&worker->pipe)) {
		uv_close((uv_handle_t *)&worker->pipe, on_handle_closed);
	}
	if (job != NULL) {
		job->worker = NULL;
		bd_fail(&diag, code, "%s", detail);
		job->ops->on_fail(job, &diag);
	}
}

static void on_stop_timeout(uv_timer_t *timer)
{
	struct bd_worker *worker = CONTAINER(struct bd_worker, timer, timer);

	uv_process_kill(&worker->process, SIGKILL);
}

/* A worker that has nothing to do ends by itself when its socket does. */
static void retire(struct bd_worker *worker)
{
	worker->state = WORKER_ENDING;
	worker->is_retired = true;
	uv_close((uv_handle_t *)&worker->pipe, on_handle_closed);
	uv_timer_start(&worker->timer, on_stop_timeout, worker->pool->stop_max_ms, 0);
}

static void on_exit_seen(uv_process_t *process, int64_t status, int signal)
{
	struct bd_worker *worker = process->data;

	uv_timer_stop(&worker->timer);
	uv_close((uv_handle_t *)process, on_handle_closed);
	if (worker->state != WORKER_ENDING) {
		end_worker(worker, BD_WORKER_DIED, "");
	}
	if (worker->fault != NULL) {
		bd_log(BD_LOG_WARNING, "pool", "worker.died", "status %d signal %d %s", (int)status,
			signal, worker->fault);
	} else if (worker->is_retired && (status != 0 || signal != 0)) {
		bd_log(BD_LOG_WARNING, "pool", "worker.ended", "status %d signal %d", (int)status,
			signal);
	}
}

static void on_start_timeout(uv_timer_t *timer)
{
	struct bd_worker *worker = CONTAINER(struct bd_worker, timer, timer);

	worker->pool->counts.timed_out++;
	bd_log(BD_LOG_ERROR, "pool", "worker.start", "not ready after %u ms",
		worker->pool->start_max_ms);
	end_worker(worker, BD_OK, "");
}

static void on_timeout(uv_timer_t *timer)
{
	struct bd_worker *worker = CONTAINER(struct bd_worker, timer, timer);

	worker->pool->counts.timed_out++;
	bd_log(BD_LOG_WARNING, "pool", "worker.timeout", "after %u ms", worker->pool->time_max_ms);
	end_worker(worker, BD_LIMIT_TIME, "");
}

/* A worker is watched while it has something to do. */
static void watch(struct bd_worker *worker)
{
	if (worker->state == WORKER_BUSY && (worker->unacknowledged > 0 || worker->has_ended)) {
		uv_timer_start(&worker->timer, on_timeout, worker->pool->time_max_ms, 0);
	} else {
		uv_timer_stop(&worker->timer);
	}
}

/* -- to a worker -- */

static void on_written(uv_write_t *write, int status)
{
	struct request *request = CONTAINER(struct request, write, write);

	/* A worker that cannot be written to is seen by its exit. */
	(void)status;
	bd_buf_release(&request->bytes);
	free(request);
}

static enum bd_code send_frame(
	struct bd_worker *worker, enum bd_frame_type type, struct bd_bytes payload)
{
	struct request *request = calloc(1, sizeof(*request));
	enum bd_code code;
	uv_buf_t out;

	if (request == NULL) {
		return BD_NO_MEMORY;
	}
	request->worker = worker;
	bd_buf_init(&request->bytes, BD_FRAME_MAX_BYTES + BD_FRAME_HEAD_BYTES);
	code = bd_frame_add(&request->bytes, type, payload);
	out = uv_buf_init(request->bytes.ptr, (unsigned)request->bytes.len);
	if (code == BD_OK &&
		uv_write(&request->write, (uv_stream_t *)&worker->pipe, &out, 1, on_written) != 0) {
		code = BD_WORKER_DIED;
	}
	if (code != BD_OK) {
		bd_buf_release(&request->bytes);
		free(request);
	}
	return code;
}

/* Of a message with a hole nothing may come: the worker is killed before it could read on, and its
 * end, seen from the loop, fails the job. */
static bool send_or_kill(struct bd_worker *worker, enum bd_frame_type type, struct bd_bytes payload)
{
	if (send_frame(worker, type, payload) == BD_OK) {
		return true;
	}
	uv_process_kill(&worker->process, SIGKILL);
	return false;
}

/* -- from a worker -- */

static void on_ready(struct bd_worker *worker)
{
	struct bd_pool *pool = worker->pool;

	if (worker->job != NULL) {
		end_worker(worker, BD_WORKER_DIED, "ready without a result");
		return;
	}
	worker->has_begun = true;
	pool->failed_starts = 0;
	worker->has_ended = false;
	worker->unacknowledged = 0;
	worker->state = WORKER_IDLE;
	publish(pool);
	watch(worker);
	if (worker->is_old) {
		retire(worker);
		return;
	}
	serve_queue(pool);
}

static void on_credit(struct bd_worker *worker, struct bd_bytes payload)
{
	struct bd_reader reader = bd_reader_of(payload);
	uint64_t bytes = bd_read_u64(&reader);

	if (!reader.ok || bytes > worker->unacknowledged) {
		end_worker(worker, BD_WORKER_DIED, "credit for what was not sent");
		return;
	}
	worker->unacknowledged -= bytes;
	watch(worker);
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
		send_or_kill(worker, BD_FRAME_END, (struct bd_bytes){ "", 0 });
	}
	/* It still has to get ready. */
	watch(worker);
	return job;
}

static void on_result(struct bd_worker *worker, struct bd_bytes payload)
{
	struct bd_intake_result result;
	struct bd_job *job;

	bd_arena_clear(&worker->arena);
	if (!worker->has_ended ||
		bd_frame_result_unpack(&result, payload, &worker->arena) != BD_OK) {
		end_worker(worker, BD_WORKER_DIED, "a result of a wrong form");
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
		end_worker(worker, BD_WORKER_DIED, "a failure of a wrong form");
		return;
	}
	job = release_job(worker);
	job->ops->on_fail(job, &reject.diag);
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
	if (frame->type < BD_FRAME_RECORDS) {
		end_worker(worker, BD_WORKER_DIED, "a frame of the other side");
		return;
	}
	/* After a failure or a result the rest is of nobody. */
	if (job == NULL) {
		return;
	}
	watch(worker);
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
	if (bd_buf_reserve(&worker->in, READ_BYTES) == BD_OK) {
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
		/* Its end is seen by its exit; a worker that only closed its socket is ended. */
		if (worker->state != WORKER_ENDING) {
			uv_read_stop(stream);
			end_worker(worker, BD_WORKER_DIED, "");
		}
		return;
	}
	worker->in.len += (size_t)len;
	rest = bd_buf_bytes(&worker->in);
	while (has && worker->state != WORKER_ENDING && worker->state != WORKER_GONE) {
		struct bd_frame frame;

		if (bd_frame_take(&frame, &has, &rest) != BD_OK) {
			end_worker(worker, BD_WORKER_DIED, "a frame of a wrong form");
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

/* -- start -- */

static bool spawn(struct bd_worker *worker)
{
	char *args[] = { worker->pool->worker_path, NULL };
	char *environment[] = { NULL };
	uv_stdio_container_t stdio[5] = { { .flags = UV_IGNORE }, { .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
			.data.stream = (uv_stream_t *)&worker->pipe },
		{ .flags = UV_INHERIT_FD, .data.fd = worker->pool->image_fd } };
	const uv_process_options_t options = { .exit_cb = on_exit_seen,
		.file = worker->pool->worker_path,
		.args = args,
		.env = environment,
		.stdio_count = 5,
		.stdio = stdio };
	int result = uv_pipe_init(worker->pool->loop, &worker->pipe, 0);

	worker->pipe.data = worker;
	worker->process.data = worker;
	worker->open_handles = 2;
	result = result == 0 ? uv_spawn(worker->pool->loop, &worker->process, &options) : result;
	if (result != 0) {
		bd_log(BD_LOG_ERROR, "pool", "worker.spawn", "%s", uv_strerror(result));
		uv_close((uv_handle_t *)&worker->pipe, on_handle_closed);
		uv_close((uv_handle_t *)&worker->process, on_handle_closed);
		return false;
	}
	result = uv_read_start((uv_stream_t *)&worker->pipe, on_alloc, on_read);
	if (result != 0) {
		/* Its exit closes it. */
		bd_log(BD_LOG_ERROR, "pool", "worker.spawn", "%s", uv_strerror(result));
		uv_close((uv_handle_t *)&worker->pipe, on_handle_closed);
		uv_process_kill(&worker->process, SIGKILL);
	}
	return result == 0;
}

static void start(struct bd_worker *worker)
{
	struct bd_pool *pool = worker->pool;

	worker->has_begun = false;
	worker->is_retired = false;
	worker->fault = NULL;
	worker->has_ended = false;
	worker->was_blocked = false;
	worker->is_old = false;
	worker->unacknowledged = 0;
	bd_buf_clear(&worker->in);
	worker->state = WORKER_STARTING;
	pool->counts.started++;
	if (!spawn(worker)) {
		worker->state = WORKER_ENDING;
		return;
	}
	uv_timer_start(&worker->timer, on_start_timeout, pool->start_max_ms, 0);
}

enum bd_code bd_pool_new(struct bd_pool **out, struct uv_loop_s *loop,
	const struct bd_pool_settings *settings, struct bd_diag *diag)
{
	struct bd_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	pool->loop = loop;
	pool->last = &pool->first;
	pool->count = settings->count;
	pool->figures = settings->figures;
	pool->time_max_ms = settings->time_max_ms;
	pool->start_max_ms = settings->start_max_ms != 0 ? settings->start_max_ms : START_MAX_MS;
	pool->stop_max_ms = settings->stop_max_ms != 0 ? settings->stop_max_ms : STOP_MAX_MS;
	pool->worker_path = strdup(settings->worker_path);
	pool->workers = calloc(settings->count, sizeof(*pool->workers));
	pool->image_fd = seal_image(settings->image, diag);
	if (pool->worker_path == NULL || pool->workers == NULL || pool->image_fd < 0 ||
		access(settings->worker_path, X_OK) != 0) {
		enum bd_code code =
			bd_fail(diag, BD_CONFIG_REFERENCE, "worker_path: cannot be run");

		if (pool->image_fd >= 0) {
			close(pool->image_fd);
		}
		free(pool->worker_path);
		free(pool->workers);
		free(pool);
		return code;
	}
	for (unsigned i = 0; i < pool->count; i++) {
		struct bd_worker *worker = &pool->workers[i];

		worker->pool = pool;
		bd_buf_init(&worker->in, BD_FRAME_MAX_BYTES + READ_BYTES * 2);
		bd_arena_init(&worker->arena, BD_RECORD_ARENA_MAX_BYTES);
		uv_timer_init(loop, &worker->timer);
		pool->timers_open++;
		start(worker);
	}
	*out = pool;
	return BD_OK;
}

enum bd_code bd_pool_reload(
	struct bd_pool *pool, const struct bd_pool_settings *settings, struct bd_diag *diag)
{
	int fd = seal_image(settings->image, diag);

	if (fd < 0) {
		return BD_IO;
	}
	close(pool->image_fd);
	pool->image_fd = fd;
	pool->time_max_ms = settings->time_max_ms;
	for (unsigned i = 0; i < pool->count; i++) {
		struct bd_worker *worker = &pool->workers[i];

		worker->is_old = true;
		if (worker->state == WORKER_IDLE) {
			retire(worker);
		}
	}
	return BD_OK;
}

void bd_pool_close(struct bd_pool *pool, void (*on_closed)(void *state), void *state)
{
	pool->is_closing = true;
	pool->on_closed = on_closed;
	pool->closed_state = state;
	for (unsigned i = 0; i < pool->count; i++) {
		struct bd_worker *worker = &pool->workers[i];

		if (worker->state == WORKER_IDLE) {
			retire(worker);
		} else if (worker->state == WORKER_GONE) {
			uv_close((uv_handle_t *)&worker->timer, on_timer_closed);
		} else {
			end_worker(worker, BD_DRAINING, "");
		}
	}
}

/* -- jobs -- */

static void give(struct bd_worker *worker, struct bd_job *job)
{
	worker->state = WORKER_BUSY;
	worker->job = job;
	worker->has_ended = false;
	worker->was_blocked = false;
	job->worker = worker;
	publish(worker->pool);
	job->ops->on_ready(job);
}

static void serve_queue(struct bd_pool *pool)
{
	for (unsigned i = 0; i < pool->count && pool->first != NULL; i++) {
		if (pool->workers[i].state == WORKER_IDLE) {
			give(&pool->workers[i], take_first(pool));
		}
	}
}

static void on_turn(uv_timer_t *timer)
{
	struct bd_worker *worker = CONTAINER(struct bd_worker, timer, timer);

	serve_queue(worker->pool);
}

void bd_pool_take(struct bd_pool *pool, struct bd_job *job)
{
	job->next = NULL;
	job->pool = pool;
	job->is_queued = true;
	*pool->last = job;
	pool->last = &job->next;
	pool->counts.queued++;
	/* Never from within this call: the idle worker's timer brings it on the next turn of the
	 * loop. */
	for (unsigned i = 0; i < pool->count; i++) {
		if (pool->workers[i].state == WORKER_IDLE) {
			uv_timer_start(&pool->workers[i].timer, on_turn, 0, 0);
			return;
		}
	}
}

enum bd_code bd_job_begin(struct bd_job *job, const struct bd_job_settings *settings)
{
	const struct bd_frame_begin begin = { settings->source, settings->feed, settings->charset,
		settings->now_ms, settings->is_gzip, settings->subject, settings->max_bytes };
	struct bd_buf payload;
	enum bd_code code;

	bd_buf_init(&payload, BD_FRAME_MAX_BYTES - 1);
	code = bd_frame_begin_pack(&payload, &begin);
	code = code == BD_OK ? send_frame(job->worker, BD_FRAME_BEGIN, bd_buf_bytes(&payload))
			     : code;
	bd_buf_release(&payload);
	return code;
}

bool bd_job_write(struct bd_job *job, struct bd_bytes bytes)
{
	struct bd_worker *worker = job->worker;
	struct bd_pool *pool = worker->pool;

	while (bytes.len > 0) {
		struct bd_bytes part = { bytes.ptr,
			bytes.len < READ_BYTES ? bytes.len : READ_BYTES };

		if (!send_or_kill(worker, BD_FRAME_DATA, part)) {
			return true;
		}
		worker->unacknowledged += part.len;
		bytes.ptr += part.len;
		bytes.len -= part.len;
	}
	if (worker->unacknowledged > pool->counts.buffered_high_bytes) {
		pool->counts.buffered_high_bytes = worker->unacknowledged;
	}
	watch(worker);
	worker->was_blocked = worker->unacknowledged > BD_FRAME_CREDIT_BYTES / 2;
	return !worker->was_blocked;
}

void bd_job_end(struct bd_job *job)
{
	struct bd_worker *worker = job->worker;

	worker->has_ended = true;
	send_or_kill(worker, BD_FRAME_END, (struct bd_bytes){ "", 0 });
	watch(worker);
}

void bd_job_cancel(struct bd_job *job)
{
	if (job->is_queued) {
		struct bd_pool *pool = job->pool;
		struct bd_job **link = &pool->first;

		while (*link != NULL && *link != job) {
			link = &(*link)->next;
		}
		if (*link != NULL) {
			*link = job->next;
			pool->last = *link == NULL ? link : pool->last;
			pool->counts.queued--;
		}
		job->is_queued = false;
	} else if (job->worker != NULL) {
		struct bd_worker *worker = job->worker;

		/* Its message is half read: a new process costs less than knowing when the old one
		 * is done. */
		worker->job = NULL;
		job->worker = NULL;
		end_worker(worker, BD_OK, "");
	}
}

void bd_pool_counts(struct bd_pool_counts *out, const struct bd_pool *pool)
{
	*out = pool->counts;
	out->workers = pool->count;
	out->can_start = pool->failed_starts < pool->count || can_serve(pool);
	out->busy = 0;
	for (unsigned i = 0; i < pool->count; i++) {
		out->busy += pool->workers[i].state == WORKER_BUSY;
	}
}
