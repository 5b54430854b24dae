/* database_process.h - one bidui-database at work: started, asked for a batch, heard, and ended
 * (database_talk.h).
 *
 * Layer: daemon; on one loop's thread. What it says is checked against what it may say now; bytes
 * of rows are handed on unread. However it ends (done, failed, too slow, gone, speaking out of
 * turn), on_closed is the last that is heard of it, and no callback comes from within
 * bd_database_process_start, _mark or _end.
 */
#ifndef BD_DAEMON_DATABASE_PROCESS_H
#define BD_DAEMON_DATABASE_PROCESS_H

#include "base/diag.h"
#include "config/settings.h"
#include "config/sources.h"
#include "daemon/database_talk.h"

#include <uv.h>

struct bd_database_process;

struct bd_database_process_ops {
	/* The database let it in. */
	void (*on_open)(struct bd_database_process *process);
	/* A piece of the rows; no more come while process->is_held. */
	void (*on_rows)(struct bd_database_process *process, struct bd_bytes bytes);
	/* The batch is whole; texts of `end` until this returns. It waits to be told to mark or to
	 * end. */
	void (*on_end)(struct bd_database_process *process, const struct bd_database_end *end);
	void (*on_marked)(struct bd_database_process *process, uint64_t rows);
	/* It failed, and is being ended. */
	void (*on_failed)(struct bd_database_process *process, const struct bd_diag *diag);
	/* Nothing of it is left: it may be started again, or freed, from within. */
	void (*on_closed)(struct bd_database_process *process);
};

enum bd_database_step {
	BD_DATABASE_IDLE = 0,
	BD_DATABASE_READING, /* rows come */
	BD_DATABASE_READ,    /* all came */
	BD_DATABASE_MARKING, /* flags are written back */
	BD_DATABASE_ENDING
};

/* Embed it in your own struct and get that back by container_of. Zero it, set ops, loop and plan.
 */
struct bd_database_process {
	const struct bd_database_process_ops *ops;
	uv_loop_t *loop;
	const struct bd_database_plan *plan;
	enum bd_database_step step; /* to be read */
	bool is_held;               /* the owner's, while rows come: bd_database_process_resume */
	/* private */
	bool has_process, is_gone;
	unsigned handles; /* open */
	uv_process_t process;
	uv_pipe_t to, from;
	uv_write_t write;
	uv_timer_t timer;
	struct bd_buf out, in;
};

void bd_database_process_init(struct bd_database_process *process);
void bd_database_process_release(struct bd_database_process *process);

/* Starts it and asks. BD_WORKER_START, BD_CONNECT_BROKEN: on_closed comes all the same. */
enum bd_code bd_database_process_start(struct bd_database_process *process,
	const struct bd_settings *settings, const struct bd_database_ask *ask,
	struct bd_diag *diag);
/* Rows were held and are welcome again. */
void bd_database_process_resume(struct bd_database_process *process);
/* What came is stored: the flags are written back. False: it is gone; on_failed does not come. */
bool bd_database_process_mark(struct bd_database_process *process);
/* In any step; more than once does no harm. */
void bd_database_process_end(struct bd_database_process *process);

#endif
