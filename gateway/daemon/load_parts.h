/* load_parts.h - what the files of the load share. Layer: daemon, private to load*.c.
 *
 * load.c opens and closes everything and has the order of things; load_read.c, and load_lines.c of
 * files with a message a line, read the files into spools, on threads of their own; load_store.c
 * stores them, on the caller's; load_entry.c says what they are in the journal.
 */
#ifndef BD_DAEMON_LOAD_PARTS_H
#define BD_DAEMON_LOAD_PARTS_H

#include "base/digest.h"
#include "daemon/load.h"
#include "daemon/setup.h"
#include "intake/intake.h"
#include "store/bulk.h"
#include "trail/trail.h"

#include <pthread.h>

/* Whose idempotency keys these are, and who stands in the journal. */
#define BD_LOAD_SENDER "bidui load"
/* "load ", a digest in base64 and a NUL. */
#define BD_LOAD_KEY_BYTES (5 + (BD_DIGEST_BYTES + 2) / 3 * 4 + 1)

/* A file on its way. */
struct bd_loading {
	struct bd_load_file *file;
	const struct bd_plan *plan;
	const struct bd_feed_plan *feed;
	int64_t received_ms;
	uint64_t read; /* bytes; atomic */
	/* one message */
	struct bd_sha256 *sha;
	struct bd_spool *spool;
	struct bd_buf rejects;
	struct bd_arena arena;
	struct bd_intake_result result;
	uint8_t sha256[BD_DIGEST_BYTES];
	char key[BD_LOAD_KEY_BYTES];
	/* a message a line */
	struct bd_bulk *bulk;
};

struct bd_load {
	const struct bd_load_order *order;
	struct bd_setup *setup;
	struct bd_store *store;
	struct bd_trail *trail;
	struct bd_hmac *digest; /* of the trail */
	struct bd_loading *files;
	/* of the threads that read */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t next, running; /* under the lock */
	unsigned workers;     /* of each */
	bool is_failed;       /* atomic: nothing more is begun */
	struct bd_diag diag;  /* under the lock: what is of no file */
};

/* The key by which a file, or a line of one, is known again. */
enum bd_code bd_load_key(char out[BD_LOAD_KEY_BYTES], const struct bd_load_file *file,
	uint64_t line, const uint8_t sha256[BD_DIGEST_BYTES]);
/* What every entry of this file has; counts and records are the caller's. */
void bd_load_entry(
	struct bd_entry *entry, const struct bd_load *load, const struct bd_loading *loading);
void bd_load_entry_result(struct bd_entry *entry, const struct bd_intake_result *result);
/* Of a line. The first of them are kept. */
void bd_load_note_refused(struct bd_load_file *file, uint64_t line, enum bd_code code);
void bd_load_show(const struct bd_load *load, enum bd_load_stage stage, uint64_t done);

/* Reads what is not stored yet. False: some file cannot be taken, or load->diag says why. */
bool bd_load_read(struct bd_load *load);
/* Stores them in their order. */
enum bd_code bd_load_store(struct bd_load *load, struct bd_diag *diag);

#endif
