/* pool.h - worker processes that parse messages, as one loop of biduid sees them.
 *
 * Layer: daemon. One pool belongs to one libuv loop; all its functions and callbacks run on that
 * loop's thread. A worker works at one message at a time; short ones may lie in its socket already
 * (goes_ahead). What a worker does wrong (dies, hangs, spins, swells, asks the kernel for what it
 * may not, breaks the frame rules) costs the message that it works at: on_fail with BD_WORKER_DIED,
 * BD_LIMIT_TIME or BD_NO_MEMORY, and a new worker is spawned, who gets what lay there. When none
 * gets ready, whoever waits for one gets on_fail with BD_WORKER_START.
 */
#ifndef BD_DAEMON_POOL_H
#define BD_DAEMON_POOL_H

#include "intake/intake.h"

struct uv_loop_s;
struct bd_message_keys;
struct bd_pool;
struct bd_job;

/* What any thread may read of a pool, atomically; it belongs to whoever made the pool and outlives
 * it. */
struct bd_pool_figures {
	uint64_t workers, busy, died, timed_out, forbidden, swollen;
};

struct bd_pool_settings {
	const char *worker_path;
	struct bd_bytes image; /* intake/image.h; copied into a sealed memfd */
	struct bd_message_keys
		*keys; /* what workers ask to be opened is opened with; NULL = none */
	unsigned count;
	unsigned time_max_ms; /* for one message after its last byte was given, and without progress
				 before */
	unsigned start_max_ms; /* until it is ready; 0 = 30 s */
	bool is_best_effort;   /* workers may do without what the kernel lacks (confine.h) */
	unsigned stop_max_ms;  /* until an idle one has ended by itself, then it is killed; 0 = 10 s
				*/
	struct bd_pool_figures *figures; /* kept up to date; NULL = nobody reads them */
};

/* Each runs on the loop. After on_result or on_fail the job is over and its memory is the caller's
 * again; neither comes after bd_job_cancel. */
struct bd_job_ops {
	void (*on_ready)(struct bd_job *job);    /* a worker is free: begin */
	void (*on_writable)(struct bd_job *job); /* bd_job_write had said stop */
	/* Each record sized and packed. */
	void (*on_records)(struct bd_job *job, struct bd_bytes records, uint64_t count);
	void (*on_reject)(struct bd_job *job, struct bd_bytes reject); /* packed */
	void (*on_result)(struct bd_job *job,
		const struct bd_intake_result *result); /* lives until it returns */
	void (*on_fail)(struct bd_job *job, const struct bd_diag *diag);
};
#define BD_JOB_AHEAD_MAX_BYTES 16384

/* Embed it in your own struct and get that back by container_of. Zero it, set ops. */
struct bd_job {
	const struct bd_job_ops *ops;
	/* It may be sent to a worker that is busy with another, so that it lies there when that one
	 * is done: on_ready sends all of it by bd_job_send, and comes again should the worker fail
	 * before. Up to BD_JOB_AHEAD_MAX_BYTES. */
	bool goes_ahead;
	/* private */
	struct bd_job *next;
	struct bd_pool *pool;
	struct bd_worker *worker;
	bool is_queued;
};

/* What the worker is told; texts are copied. */
struct bd_job_settings {
	const char *source, *feed;
	int64_t now_ms;
	bool is_gzip;
	const char *charset; /* NULL = none */
	struct bd_identifier subject;
	uint64_t max_bytes;
};

enum bd_code bd_pool_new(struct bd_pool **out, struct uv_loop_s *loop,
	const struct bd_pool_settings *settings, struct bd_diag *diag);
/* Workers spawned later work by the new image; busy ones finish by the old. Idle ones end by
 * themselves. */
enum bd_code bd_pool_reload(
	struct bd_pool *pool, const struct bd_pool_settings *settings, struct bd_diag *diag);
/* Ends the workers (no job may be left), the idle ones in order, the others by force; on_closed
 * when the loop holds nothing of it any more, and frees it. */
void bd_pool_close(struct bd_pool *pool, void (*on_closed)(void *state), void *state);

/* Waits its turn for a worker, then on_ready (never from within this call). */
void bd_pool_take(struct bd_pool *pool, struct bd_job *job);
/* A message that is all in hand: begin, all its bytes, end. */
enum bd_code bd_job_send(
	struct bd_job *job, const struct bd_job_settings *settings, struct bd_bytes bytes);
/* One that is not, as it comes. */
enum bd_code bd_job_begin(struct bd_job *job, const struct bd_job_settings *settings);
/* Takes all the bytes; false when credit is spent: give no more until on_writable. */
bool bd_job_write(struct bd_job *job, struct bd_bytes bytes);
void bd_job_end(struct bd_job *job);
/* From take on, at any time. No callback comes after it. */
void bd_job_cancel(struct bd_job *job);

struct bd_pool_counts {
	uint64_t workers, busy, queued;
	bool can_start; /* false: every worker died before it was ready, and none is left */
	/* Since the start; died: by a fault of its own or a broken rule of frame.h; timed_out: too
	 * long without progress, or too much processor time; forbidden: ended by the kernel for a
	 * system call that no parser needs; swollen: wanted more memory than it may have. */
	uint64_t started, died, timed_out, forbidden, swollen;
	uint64_t buffered_high_bytes; /* most that waited for a worker at once */
};
void bd_pool_counts(struct bd_pool_counts *out, const struct bd_pool *pool);

#endif
