/* load.h - the initial load 初始装载: dumps of any size into the store of a gateway that is
 * stopped.
 *
 * Layer: daemon; called by `bidui load` alone, once in its process. The store's lock keeps biduid
 * away (BD_STORE_IN_USE). A dump goes the way of a push: through its adapter in a sandboxed worker,
 * into sealed sorted runs (store/spool.h), and from there in the order of the store, so what is
 * stored, its receipts, rejects, coverage, history and watches are those of a push. Other than by
 * pushing:
 *
 * - As many workers as cores read at once, several files or the lines of one.
 * - Everything is read, and every control total has been checked, before anything is stored: one
 *   file that cannot be taken refuses the load, and the store is as it was.
 * - Each file is known again by what is in it: after kill -9 the same load goes on. Files that are
 *   stored are passed over, one that is being stored is gone on with where it stood (biduid would
 *   do that too), and what was only read is read again.
 * - Aliases and links are put at the end, for all of the load (store/pairs.h). A load that was
 *   killed before that leaves a store that biduid does not start with (BD_LOAD_UNFINISHED), until a
 *   load, of whatever files, has come to its end.
 *
 * Catching up: what departments push afterwards is in order by itself, since statements carry their
 * source's order; an older dump that is loaded late never replaces what is newer.
 *
 * Files are opened by the caller, as whoever called; all else is done as run_as_user and inside
 * biduid's fence. The trail has two entries for each file, before the first and after the last of
 * it is stored.
 */
#ifndef BD_DAEMON_LOAD_H
#define BD_DAEMON_LOAD_H

#include "config/diags.h"
#include "store/store.h"

/* A line that its message was refused with as a whole; the lines beside it are stored. */
struct bd_load_refused {
	uint64_t line; /* from 1 */
	enum bd_code code;
};

struct bd_load_file {
	const char *path; /* for messages */
	int fd;           /* a regular file, read from its beginning */
	const char *source, *feed;
	struct bd_delivery delivery; /* of a file with lines the total is of all of them */
	bool is_lines;               /* a message a line */
	/* out */
	uint64_t bytes;
	uint64_t messages; /* stored, by this load or before */
	uint64_t received, accepted, unchanged, rejected;
	uint64_t message; /* number of the last, for its receipt; 0 = none */
	bool is_repeat;   /* stored before */
	uint64_t refused_count;
	struct bd_load_refused *refused; /* the first BD_LOAD_REFUSED_MAX; bd_load_release */
	size_t refused_shown;
	struct bd_diag diag; /* why it cannot be taken */
};

enum bd_load_stage { BD_LOAD_READS = 0, BD_LOAD_STORES, BD_LOAD_LINKS };

/* Told some five times a second, in bytes of the files; of links in their number. */
struct bd_load_watch {
	void (*show)(struct bd_load_watch *self, enum bd_load_stage stage, uint64_t done,
		uint64_t total);
};

struct bd_load_order {
	const char *config; /* biduid's settings file */
	const char *who;    /* calls, for the trail */
	struct bd_load_file *files;
	size_t count;
	struct bd_load_watch *watch; /* NULL = nobody looks */
};

/* A code of the whole is in diags; one of a file, whose load is refused for it, is in its diag as
 * well. */
enum bd_code bd_load(const struct bd_load_order *order, struct bd_diags *diags);
/* What the files were given. */
void bd_load_release(const struct bd_load_order *order);

#endif
