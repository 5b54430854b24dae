/* load_read_parts.h - what reading a file that is one message and one with a message a line share.
 *
 * Layer: daemon, private to load_read.c and load_lines.c. Of one thread, with its loop and workers.
 */
#ifndef BD_DAEMON_LOAD_READ_PARTS_H
#define BD_DAEMON_LOAD_READ_PARTS_H

#include "daemon/load_parts.h"
#include "daemon/pool.h"

#include <sys/types.h>
#include <uv.h>

#define BD_LOAD_CHUNK_BYTES 65536
/* Lines in hand for each worker, so that the next are there when it is ready. */
#define BD_LOAD_LINES_PER_WORKER 12

/* One message in hand. */
struct bd_load_reading {
	struct bd_job job;
	struct bd_load_reader *reader;
	bool is_busy;
	uint64_t line;
	struct bd_buf text, records, rejects;
	uint8_t sha256[BD_DIGEST_BYTES];
};

/* A thread. */
struct bd_load_reader {
	struct bd_load *load;
	pthread_t thread;
	uv_loop_t loop;
	struct bd_pool *pool;
	struct bd_loading *at; /* the file in hand */
	struct bd_load_reading *readings;
	size_t reading_count, busy, busy_with_long;
	char *chunk;
	/* of lines: what was read and not yet given out */
	struct bd_buf ahead;
	size_t taken;
	uint64_t line;
	bool is_end;
	bool is_done; /* with the file in hand */
};

/* -- load_read.c -- */

bool bd_load_has_failed(const struct bd_load *load);
/* What is of no file: nothing more is begun. */
void bd_load_fail(struct bd_load *load, const struct bd_diag *diag);
/* The file in hand is over. */
void bd_load_let_go(struct bd_load_reader *reader);
/* It cannot be taken, and so the load cannot. */
void bd_load_refuse_code(struct bd_load_reader *reader, enum bd_code code, const char *what);
/* As read(2); counted. */
ssize_t bd_load_read_some(struct bd_load_reader *reader, char *out, size_t len);

/* -- load_lines.c -- */

enum bd_code bd_load_open_lines(
	struct bd_load_reader *reader, struct bd_loading *at, struct bd_diag *diag);
/* Gives everybody who is free a line. */
void bd_load_take_lines(struct bd_load_reader *reader);
void bd_load_add_line(struct bd_load_reader *reader, struct bd_load_reading *reading,
	const struct bd_intake_result *result);
void bd_load_end_line(struct bd_load_reader *reader, struct bd_load_reading *reading);
/* What it makes of its line is more than one message may hold. */
void bd_load_drop_line(struct bd_load_reading *reading, enum bd_code code);

#endif
