#include "daemon/pool.h"

#include "base/limits.h"
#include "daemon/message_keys.h"
#include "daemon/pool_parts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A worker loads the adapters and is ready: some milliseconds, seconds on a machine that swaps. */
#define START_MAX_MS 30000
/* And ends by itself when its socket does; under a leak checker that takes a while. */
#define STOP_MAX_MS 10000

void bd_pool_publish(const struct bd_pool *pool)
{
	struct bd_pool_counts counts;

	if (pool->figures != NULL) {
		bd_pool_counts(&counts, pool);
		__atomic_store_n(&pool->figures->workers, counts.workers, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->busy, counts.busy, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->died, counts.died, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->timed_out, counts.timed_out, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->forbidden, counts.forbidden, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->figures->swollen, counts.swollen, __ATOMIC_RELAXED);
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

bool bd_pool_can_serve(const struct bd_pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++) {
		if (pool->workers[i].state == BD_WORKER_IDLE ||
			pool->workers[i].state == BD_WORKER_BUSY) {
			return true;
		}
	}
	return false;
}

void bd_pool_fail_queue(struct bd_pool *pool)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, BD_WORKER_START, "%s", "");
	/* Only those that wait now: whoever hears it may come again at once. */
	for (uint64_t count = pool->counts.queued; count > 0 && pool->first != NULL; count--) {
		struct bd_job *job = take_first(pool);

		job->ops->on_fail(job, &diag);
	}
}

/* -- the pool -- */

void bd_pool_maybe_closed(struct bd_pool *pool)
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
	bd_message_keys_unref(pool->keys);
	free(pool->workers);
	free(pool->worker_path);
	free(pool);
	on_closed(state);
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
	pool->is_best_effort = settings->is_best_effort;
	pool->keys = bd_message_keys_ref(settings->keys);
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
		bd_message_keys_unref(pool->keys);
		free(pool->worker_path);
		free(pool->workers);
		free(pool);
		return code;
	}
	for (unsigned i = 0; i < pool->count; i++) {
		struct bd_worker *worker = &pool->workers[i];

		worker->pool = pool;
		bd_buf_init(&worker->in, BD_FRAME_MAX_BYTES + BD_POOL_READ_BYTES * 2);
		bd_arena_init(&worker->arena, BD_RECORD_ARENA_MAX_BYTES);
		uv_timer_init(loop, &worker->timer);
		pool->timers_open++;
		bd_worker_start(worker);
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
	bd_message_keys_unref(pool->keys);
	pool->keys = bd_message_keys_ref(settings->keys);
	pool->time_max_ms = settings->time_max_ms;
	pool->is_best_effort = settings->is_best_effort;
	for (unsigned i = 0; i < pool->count; i++) {
		struct bd_worker *worker = &pool->workers[i];

		worker->is_old = true;
		if (worker->state == BD_WORKER_IDLE) {
			bd_worker_retire(worker);
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

		if (worker->state == BD_WORKER_IDLE) {
			bd_worker_retire(worker);
		} else if (worker->state == BD_WORKER_GONE) {
			bd_worker_close_timer(worker);
		} else {
			bd_worker_end(worker, BD_DRAINING, "");
		}
	}
}

/* -- jobs -- */

static void give(struct bd_worker *worker, struct bd_job *job)
{
	worker->state = BD_WORKER_BUSY;
	worker->job = job;
	worker->has_ended = false;
	worker->was_blocked = false;
	job->worker = worker;
	bd_pool_publish(worker->pool);
	job->ops->on_ready(job);
}

/* Behind what it has. Its message is sent at once, and nothing of it comes back before it is its
 * turn. */
static void give_ahead(struct bd_worker *worker, struct bd_job *job)
{
	worker->ahead[worker->ahead_count++] = job;
	job->worker = worker;
	job->ops->on_ready(job);
}

static bool has_room_ahead(const struct bd_worker *worker)
{
	return worker->state == BD_WORKER_BUSY && worker->has_ended && !worker->is_old &&
	       worker->ahead_count < BD_POOL_AHEAD_MAX;
}

/* The one with the least ahead of it. */
static struct bd_worker *least_busy(struct bd_pool *pool)
{
	struct bd_worker *found = NULL;

	for (unsigned i = 0; i < pool->count; i++) {
		struct bd_worker *worker = &pool->workers[i];

		if (has_room_ahead(worker) &&
			(found == NULL || worker->ahead_count < found->ahead_count)) {
			found = worker;
		}
	}
	return found;
}

void bd_pool_serve_queue(struct bd_pool *pool)
{
	struct bd_worker *worker;

	for (unsigned i = 0; i < pool->count && pool->first != NULL; i++) {
		if (pool->workers[i].state == BD_WORKER_IDLE) {
			give(&pool->workers[i], take_first(pool));
		}
	}
	while (pool->first != NULL && pool->first->goes_ahead &&
		(worker = least_busy(pool)) != NULL) {
		give_ahead(worker, take_first(pool));
	}
}

/* Those that a worker which failed had not come to are the next. */
void bd_pool_give_back(struct bd_worker *worker)
{
	struct bd_pool *pool = worker->pool;

	while (worker->ahead_count > 0) {
		struct bd_job *job = worker->ahead[--worker->ahead_count];

		if (job == NULL) {
			continue;
		}
		job->worker = NULL;
		job->is_queued = true;
		job->next = pool->first;
		pool->last = pool->first == NULL ? &job->next : pool->last;
		pool->first = job;
		pool->counts.queued++;
	}
}

static void on_turn(uv_timer_t *timer)
{
	struct bd_worker *worker = BD_POOL_CONTAINER(struct bd_worker, timer, timer);

	bd_pool_serve_queue(worker->pool);
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
		if (pool->workers[i].state == BD_WORKER_IDLE) {
			uv_timer_start(&pool->workers[i].timer, on_turn, 0, 0);
			return;
		}
	}
}

static void note_waiting(const struct bd_worker *worker)
{
	struct bd_pool_counts *counts = &worker->pool->counts;

	if (worker->unacknowledged > counts->buffered_high_bytes) {
		counts->buffered_high_bytes = worker->unacknowledged;
	}
}

static enum bd_code add_begin(struct bd_buf *frames, const struct bd_job_settings *settings)
{
	const struct bd_frame_begin begin = { settings->source, settings->feed, settings->charset,
		settings->now_ms, settings->is_gzip, settings->subject, settings->max_bytes };
	struct bd_buf payload;
	enum bd_code code;

	bd_buf_init(&payload, BD_FRAME_MAX_BYTES - 1);
	code = bd_frame_begin_pack(&payload, &begin);
	code = code == BD_OK ? bd_frame_add(frames, BD_FRAME_BEGIN, bd_buf_bytes(&payload)) : code;
	bd_buf_release(&payload);
	return code;
}

enum bd_code bd_job_begin(struct bd_job *job, const struct bd_job_settings *settings)
{
	struct bd_buf frames;
	enum bd_code code;

	bd_worker_begin_time(job->worker);
	bd_buf_init(&frames, BD_FRAME_MAX_BYTES + BD_FRAME_HEAD_BYTES);
	code = add_begin(&frames, settings);
	if (code != BD_OK) {
		bd_buf_release(&frames);
		return code;
	}
	return bd_worker_post(job->worker, &frames);
}

/* One piece: each write may wake the worker. */
enum bd_code bd_job_send(
	struct bd_job *job, const struct bd_job_settings *settings, struct bd_bytes bytes)
{
	struct bd_worker *worker = job->worker;
	size_t len = bytes.len;
	struct bd_buf frames;
	enum bd_code code;

	bd_worker_begin_time(worker);
	bd_buf_init(&frames, len + len / BD_POOL_READ_BYTES * BD_FRAME_HEAD_BYTES +
				     BD_FRAME_MAX_BYTES + (size_t)3 * BD_FRAME_HEAD_BYTES);
	code = add_begin(&frames, settings);
	while (code == BD_OK && bytes.len > 0) {
		struct bd_bytes part = { bytes.ptr,
			bytes.len < BD_POOL_READ_BYTES ? bytes.len : BD_POOL_READ_BYTES };

		code = bd_frame_add(&frames, BD_FRAME_DATA, part);
		bytes.ptr += part.len;
		bytes.len -= part.len;
	}
	code = code == BD_OK ? bd_frame_add(&frames, BD_FRAME_END, (struct bd_bytes){ "", 0 })
			     : code;
	if (code != BD_OK) {
		bd_buf_release(&frames);
		return code;
	}
	code = bd_worker_post(worker, &frames);
	worker->unacknowledged += len;
	worker->given += len;
	worker->has_ended = true;
	note_waiting(worker);
	bd_worker_allow_time(worker);
	bd_worker_watch(worker);
	return code;
}

bool bd_job_write(struct bd_job *job, struct bd_bytes bytes)
{
	struct bd_worker *worker = job->worker;

	while (bytes.len > 0) {
		struct bd_bytes part = { bytes.ptr,
			bytes.len < BD_POOL_READ_BYTES ? bytes.len : BD_POOL_READ_BYTES };

		if (!bd_worker_send_or_kill(worker, BD_FRAME_DATA, part)) {
			return true;
		}
		worker->unacknowledged += part.len;
		worker->given += part.len;
		bytes.ptr += part.len;
		bytes.len -= part.len;
	}
	note_waiting(worker);
	bd_worker_allow_time(worker);
	bd_worker_watch(worker);
	worker->was_blocked = worker->unacknowledged > BD_FRAME_CREDIT_BYTES / 2;
	return !worker->was_blocked;
}

void bd_job_end(struct bd_job *job)
{
	struct bd_worker *worker = job->worker;

	worker->has_ended = true;
	bd_worker_send_or_kill(worker, BD_FRAME_END, (struct bd_bytes){ "", 0 });
	bd_worker_watch(worker);
}

/* What it makes of it will be nobody's. */
static bool forget_ahead(struct bd_worker *worker, struct bd_job *job)
{
	for (unsigned i = 0; i < worker->ahead_count; i++) {
		if (worker->ahead[i] == job) {
			worker->ahead[i] = NULL;
			job->worker = NULL;
			return true;
		}
	}
	return false;
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

		if (forget_ahead(worker, job)) {
			return;
		}
		/* Its message is half read: a new process costs less than knowing when the old one
		 * is done. */
		worker->job = NULL;
		job->worker = NULL;
		bd_worker_end(worker, BD_OK, "");
	}
}

void bd_pool_counts(struct bd_pool_counts *out, const struct bd_pool *pool)
{
	*out = pool->counts;
	out->workers = pool->count;
	out->can_start = pool->failed_starts < pool->count || bd_pool_can_serve(pool);
	out->busy = 0;
	for (unsigned i = 0; i < pool->count; i++) {
		out->busy += pool->workers[i].state == BD_WORKER_BUSY;
	}
}
