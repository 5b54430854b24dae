/* pulling.h - what a pull of requests (pull.h) and one of files (file_pull.h) have in common: in
 * whose name they take, when they run, what the board is told, how their progress is kept, and how
 * they end.
 *
 * Layer: daemon, for those two; on the sources' loop. A run begins by ops->begin and ends by
 * bd_pulling_finish, which waits for the next one.
 */
#ifndef BD_DAEMON_PULLING_H
#define BD_DAEMON_PULLING_H

#include "daemon/asking.h"
#include "daemon/writer.h"

struct bd_pulling;

struct bd_pulling_ops {
	/* It is due. */
	void (*begin)(struct bd_pulling *pulling);
	/* The progress that bd_pulling_keep was given is in the store, or is not. */
	void (*on_kept)(struct bd_pulling *pulling, const struct bd_diag *diag);
	/* Gives up what runs beside the asking. May be NULL. */
	void (*cancel)(struct bd_pulling *pulling);
	/* Frees what embeds it, after bd_pulling_release. */
	void (*free)(struct bd_pulling *pulling);
};

/* Embed it in your own struct and get that back by container_of. Zero it, and fill in what is above
 * the line. */
struct bd_pulling {
	const struct bd_pulling_ops *ops;
	struct bd_loop *loop;
	struct bd_endpoint_run *endpoint;
	const struct bd_pull_plan *plan;
	const struct bd_plan *source;
	/* -- */
	struct bd_asking asking;
	struct bd_buf progress; /* what is kept with a message, or by itself */
	char progress_name[128];
	int64_t ran_ms; /* the owner's: when a run was last over; 0 = never */
	/* private */
	struct bd_sender sender;
	char sender_name[128];
	const char *sources[1];
	size_t board_row;
	int64_t due_ms;
	bool has_run;
	uv_timer_t timer;
	struct bd_write write;
	bool is_writing, is_asking_closed, is_timer_closed;
	void (*on_closed)(void *state);
	void *closed_state;
};

/* Takes a reference on the endpoint, fills in the asking but for its ops, and reads into `progress`
 * what is kept under `kind`/source/name. Released in every case. */
enum bd_code bd_pulling_init(struct bd_pulling *pulling, const char *kind,
	size_t progress_max_bytes, struct bd_diag *diag);
/* With asking.ops and ran_ms set: from here on it waits for its time, and is closed. */
void bd_pulling_open(struct bd_pulling *pulling);
void bd_pulling_release(struct bd_pulling *pulling);

/* Within a run: it runs, and has stored so much more. */
void bd_pulling_tell(struct bd_pulling *pulling, uint64_t records, uint64_t pages);
/* The source said that nothing has changed (304). */
void bd_pulling_tell_unchanged(struct bd_pulling *pulling);
/* Keeps `progress` without a message; ops->on_kept follows. */
void bd_pulling_keep(struct bd_pulling *pulling);
/* The run is over: diag->code says how. */
void bd_pulling_finish(struct bd_pulling *pulling, const struct bd_diag *diag);
/* Gives up what runs; on_closed when nothing of it is left. */
void bd_pulling_close(struct bd_pulling *pulling, void (*on_closed)(void *state), void *state);

#endif
