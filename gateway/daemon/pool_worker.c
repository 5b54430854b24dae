#include "daemon/pool_parts.h"

#include "base/limits.h"
#include "base/log.h"
#include "daemon/confine.h"
#include "daemon/opening.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A worker that dies before it was ready is started again only after this. */
#define BACK_OFF_MS 1000
/* Its processor time is reckoned anew each time so many bytes more were given. */
#define STEP_BYTES 1048576
/* A message that begins so soon after its worker's time was set needs no more. */
#define TIMED_LATELY_MS 1000

/* -- the end of a worker -- */

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_worker *worker = BD_POOL_CONTAINER(struct bd_worker, timer, (uv_timer_t *)handle);

	worker->pool->timers_open--;
	bd_pool_maybe_closed(worker->pool);
}

void bd_worker_close_timer(struct bd_worker *worker)
{
	uv_close((uv_handle_t *)&worker->timer, on_timer_closed);
}

static void on_start_timer(uv_timer_t *timer)
{
	bd_worker_start(BD_POOL_CONTAINER(struct bd_worker, timer, timer));
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct bd_worker *worker = handle->data;
	struct bd_pool *pool = worker->pool;
	bool was_ready = worker->has_begun;

	if (--worker->open_handles > 0) {
		return;
	}
	worker->state = BD_WORKER_GONE;
	if (pool->is_closing) {
		bd_worker_close_timer(worker);
		return;
	}
	if (was_ready) {
		bd_worker_start(worker);
		return;
	}
	uv_timer_start(&worker->timer, on_start_timer, BACK_OFF_MS, 0);
	pool->failed_starts++;
	if (pool->failed_starts >= pool->count && !bd_pool_can_serve(pool)) {
		bd_pool_fail_queue(pool);
	}
}

void bd_worker_end(struct bd_worker *worker, enum bd_code code, const char *detail)
{
	struct bd_job *job = worker->job;
	struct bd_diag diag = { .code = BD_OK };

	if (worker->state == BD_WORKER_GONE || worker->state == BD_WORKER_ENDING) {
		return;
	}
	worker->state = BD_WORKER_ENDING;
	worker->job = NULL;
	bd_pool_give_back(worker);
	bd_opening_forget(worker->opening);
	worker->opening = NULL;
	if (code == BD_WORKER_DIED) {
		worker->pool->counts.died++;
		worker->fault = detail;
	} else if (code == BD_NO_MEMORY) {
		worker->pool->counts.swollen++;
		bd_log(BD_LOG_WARNING, "pool", "worker.memory", "wanted more than %u bytes",
			(unsigned)BD_WORKER_MEMORY_MAX_BYTES);
	}
	bd_pool_publish(worker->pool);
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
	struct bd_worker *worker = BD_POOL_CONTAINER(struct bd_worker, timer, timer);

	uv_process_kill(&worker->process, SIGKILL);
}

void bd_worker_retire(struct bd_worker *worker)
{
	worker->state = BD_WORKER_ENDING;
	worker->is_retired = true;
	uv_close((uv_handle_t *)&worker->pipe, on_handle_closed);
	uv_timer_start(&worker->timer, on_stop_timeout, worker->pool->stop_max_ms, 0);
}

/* Nobody told it to end: what the kernel says of it is why. */
static void end_by_itself(struct bd_worker *worker, int status, int signal)
{
	if (signal == SIGXCPU) {
		worker->pool->counts.timed_out++;
		bd_log(BD_LOG_WARNING, "pool", "worker.spun", "%llu bytes of its message",
			(unsigned long long)worker->given);
		bd_worker_end(worker, BD_LIMIT_TIME, "");
		return;
	}
	if (signal == SIGSYS) {
		/* Whatever wrote this message may have taken the parser over: somebody should look.
		 */
		worker->pool->counts.forbidden++;
		bd_log(BD_LOG_ERROR, "pool", "worker.forbidden",
			"a worker asked the kernel for what it may not and was ended");
	}
	bd_worker_end(worker, BD_WORKER_DIED,
		worker->has_begun                   ? ""
		: status == BD_WORKER_EXIT_IMAGE    ? "the adapters could not be read"
		: status == BD_WORKER_EXIT_CONFINED ? "it could not be confined"
						    : "before it was ready");
}

static void on_exit_seen(uv_process_t *process, int64_t status, int signal)
{
	struct bd_worker *worker = process->data;

	uv_timer_stop(&worker->timer);
	uv_close((uv_handle_t *)process, on_handle_closed);
	if (worker->state != BD_WORKER_ENDING) {
		end_by_itself(worker, (int)status, signal);
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
	struct bd_worker *worker = BD_POOL_CONTAINER(struct bd_worker, timer, timer);

	worker->pool->counts.timed_out++;
	bd_log(BD_LOG_ERROR, "pool", "worker.start", "not ready after %u ms",
		worker->pool->start_max_ms);
	bd_worker_end(worker, BD_OK, "");
}

static void on_timeout(uv_timer_t *timer)
{
	struct bd_worker *worker = BD_POOL_CONTAINER(struct bd_worker, timer, timer);

	worker->pool->counts.timed_out++;
	bd_log(BD_LOG_WARNING, "pool", "worker.timeout", "after %u ms", worker->pool->time_max_ms);
	bd_worker_end(worker, BD_LIMIT_TIME, "");
}

void bd_worker_watch(struct bd_worker *worker)
{
	if (worker->state == BD_WORKER_BUSY && (worker->unacknowledged > 0 || worker->has_ended)) {
		uv_timer_start(&worker->timer, on_timeout, worker->pool->time_max_ms, 0);
	} else {
		uv_timer_stop(&worker->timer);
	}
}

void bd_worker_begin_time(struct bd_worker *worker)
{
	uint64_t now = uv_now(worker->pool->loop);

	worker->given = 0;
	/* Lately told of a short one, it has as good as all of its time still. */
	if (worker->timed_to == STEP_BYTES && now - worker->timed_ms < TIMED_LATELY_MS) {
		return;
	}
	worker->timed_to = 0;
	worker->timed_ms = now;
	bd_worker_allow_time(worker);
}

/* With what TIMED_LATELY_MS may have taken of it. */
void bd_worker_allow_time(struct bd_worker *worker)
{
	rlim_t seconds = 1 + TIMED_LATELY_MS / 1000 + (worker->pool->time_max_ms + 999) / 1000 +
			 worker->given / BD_WORKER_BYTES_PER_SECOND_MIN;
	struct rlimit limit;
	struct timespec used;
	clockid_t clock;

	if (worker->timed_to != 0 && worker->given < worker->timed_to) {
		return;
	}
	worker->timed_to = worker->given + STEP_BYTES;
	/* One that is gone already has no clock, and needs none. */
	if (clock_getcpuclockid(worker->process.pid, &clock) == 0 &&
		clock_gettime(clock, &used) == 0 && getrlimit(RLIMIT_CPU, &limit) == 0) {
		seconds += (rlim_t)used.tv_sec;
		limit.rlim_cur = seconds < limit.rlim_max ? seconds : limit.rlim_max;
		prlimit(worker->process.pid, RLIMIT_CPU, &limit, NULL);
	}
}

/* -- start -- */

static bool spawn(struct bd_worker *worker)
{
	char best_effort[] = BD_CONFINE_BEST_EFFORT;
	char *args[] = { worker->pool->worker_path,
		worker->pool->is_best_effort ? best_effort : NULL, NULL };
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
	result = bd_worker_listen(worker);
	if (result != 0) {
		/* Its exit closes it. */
		bd_log(BD_LOG_ERROR, "pool", "worker.spawn", "%s", uv_strerror(result));
		uv_close((uv_handle_t *)&worker->pipe, on_handle_closed);
		uv_process_kill(&worker->process, SIGKILL);
	}
	return result == 0;
}

void bd_worker_start(struct bd_worker *worker)
{
	struct bd_pool *pool = worker->pool;

	worker->has_begun = false;
	worker->is_retired = false;
	worker->fault = NULL;
	worker->has_ended = false;
	worker->was_blocked = false;
	worker->is_old = false;
	worker->timed_to = 0; /* whatever the one before it had */
	worker->unacknowledged = 0;
	bd_buf_clear(&worker->in);
	worker->state = BD_WORKER_STARTING;
	pool->counts.started++;
	if (!spawn(worker)) {
		worker->state = BD_WORKER_ENDING;
		return;
	}
	uv_timer_start(&worker->timer, on_start_timeout, pool->start_max_ms, 0);
}
