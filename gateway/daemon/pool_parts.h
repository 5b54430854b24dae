/* pool_parts.h - what the files of the pool share: one worker, the pool, and who calls whom.
 *
 * Layer: daemon, private to pool*.c. pool.c has the queue, the jobs and the pool as a whole;
 * pool_worker.c the life of one process, from its start to its end; pool_talk.c what is said to it
 * and what it says. All of it runs on the pool's loop.
 */
#ifndef BD_DAEMON_POOL_PARTS_H
#define BD_DAEMON_POOL_PARTS_H

#include "daemon/frame.h"
#include "daemon/pool.h"

#include <stddef.h>
#include <uv.h>

#define BD_POOL_CONTAINER(type, member, ptr)                                                       \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define BD_POOL_READ_BYTES 65536
/* So many messages wait in the socket of a worker that is busy. */
#define BD_POOL_AHEAD_MAX 8

enum bd_worker_state {
	BD_WORKER_GONE = 0, /* no process; may wait for its time to start */
	BD_WORKER_STARTING,
	BD_WORKER_IDLE,
	BD_WORKER_BUSY,  /* has a job, or reads its rest until READY */
	BD_WORKER_ENDING /* killed or told to end, its end has not been seen */
};

struct bd_worker {
	struct bd_pool *pool;
	enum bd_worker_state state;
	struct bd_job *job;
	/* Sent to it already, in this order, for when it is ready again; NULL = nobody's any more.
	 */
	struct bd_job *ahead[BD_POOL_AHEAD_MAX];
	unsigned ahead_count;
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t timer;
	unsigned open_handles; /* process and pipe */
	bool has_begun, has_ended, was_blocked, is_old;
	bool is_retired;            /* told to end, and expected to do so in order */
	const char *fault;          /* what it did wrong; NULL = nothing */
	struct bd_opening *opening; /* what it asked for and waits for; NULL = nothing */
	uint64_t unacknowledged;
	uint64_t given, timed_to; /* bytes of the message; up to which it has time */
	uint64_t timed_ms;        /* when that was set for the beginning of a message */
	struct bd_buf in;
	struct bd_arena arena;
};

struct bd_pool {
	uv_loop_t *loop;
	char *worker_path;
	struct bd_message_keys *keys; /* NULL = none */
	int image_fd;
	unsigned time_max_ms, start_max_ms, stop_max_ms;
	struct bd_worker *workers;
	unsigned count;
	struct bd_job *first, **last; /* waiting */
	bool is_best_effort;
	unsigned failed_starts; /* since a worker was last ready */
	struct bd_pool_counts counts;
	struct bd_pool_figures *figures; /* may be NULL */
	bool is_closing;
	unsigned timers_open;
	void (*on_closed)(void *state);
	void *closed_state;
};

/* -- pool.c -- */

/* For threads that cannot look into the pool. */
void bd_pool_publish(const struct bd_pool *pool);
/* Is there a worker that those who wait may hope for? */
bool bd_pool_can_serve(const struct bd_pool *pool);
/* Gives idle workers to those that wait. */
void bd_pool_serve_queue(struct bd_pool *pool);
/* To those that wait: what was sent ahead to a worker that is no more. */
void bd_pool_give_back(struct bd_worker *worker);
/* Nobody will come for those that wait: every worker died before it was ready. Those that come
 * while this is so wait for the next start, and hear the same. */
void bd_pool_fail_queue(struct bd_pool *pool);
/* Frees the pool and says so, when it is closing and the loop holds nothing of it any more. */
void bd_pool_maybe_closed(struct bd_pool *pool);

/* -- pool_worker.c -- */

void bd_worker_start(struct bd_worker *worker);
/* The job, if any, fails; the process is killed and its handles closed. BD_OK = it did no wrong. */
void bd_worker_end(struct bd_worker *worker, enum bd_code code, const char *detail);
/* A worker that has nothing to do ends by itself when its socket does. */
void bd_worker_retire(struct bd_worker *worker);
/* A worker is timed while it has something to do: from now on. */
void bd_worker_watch(struct bd_worker *worker);
/* A message begins: processor time for it, ended by the kernel past it; and for what it was given.
 */
void bd_worker_begin_time(struct bd_worker *worker);
void bd_worker_allow_time(struct bd_worker *worker);
/* Its timer runs no more, and then it is nobody's. */
void bd_worker_close_timer(struct bd_worker *worker);

/* -- pool_talk.c -- */

/* Takes the bytes of the frames, whatever it returns. */
enum bd_code bd_worker_post(struct bd_worker *worker, struct bd_buf *frames);
enum bd_code bd_worker_send(
	struct bd_worker *worker, enum bd_frame_type type, struct bd_bytes payload);
/* Of a message with a hole nothing may come: the worker is killed before it could read on, and its
 * end, seen from the loop, fails the job. */
bool bd_worker_send_or_kill(
	struct bd_worker *worker, enum bd_frame_type type, struct bd_bytes payload);
/* Hears it from now on; 0, or an error of libuv. */
int bd_worker_listen(struct bd_worker *worker);

#endif
