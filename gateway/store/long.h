/* long.h - long messages, from their sealed spool into the store, a part at a time.
 *
 * Layer: store, private; the writer's thread. One at a time is applied: it has its number, its file
 * is the journal entry, and the database `spools` says how far it has come; others wait in line
 * with their records on disk. A restart finds the one, goes on behind its cursor and finishes it.
 *
 * In `spools`, by message number: a state (the file's id, the cursor, counts), and the native
 * records that have changed something, as bits, so that the receipt's counts are exact over
 * restarts.
 */
#ifndef BD_STORE_LONG_H
#define BD_STORE_LONG_H

#include "store/journal.h"
#include "store/spool.h"

struct bd_waiting {
	struct bd_entry *entry;
	struct bd_waiting *next;
};

struct bd_long {
	struct bd_spool_file file;
	struct bd_journal_entry journal;
	struct bd_arena arena;        /* of the journal entry's lists */
	struct bd_entry *entry;       /* who waits for the outcome; NULL = nobody any more */
	struct bd_pairs *pairs;       /* that are put before; NULL = none are (left) */
	bool has_pairs;               /* all were put: its nodes put none */
	struct bd_spool_merge *merge; /* NULL = not begun */
	struct bd_makers *makers;     /* NULL = not yet */
	struct bd_spool_check check;
	bool is_resumed; /* so it is checked before anything is applied */
	/* Of the rejects, in the order of their keys; made with the merge. */
	struct bd_long_reject *rejects; /* long_nodes.h */
	size_t reject_count, reject_at;
	/* The state as it stands in `spools`. */
	struct bd_buf cursor;
	uint64_t changed;
	uint64_t *told; /* as in struct bd_apply */
};

/* At the start: finds what is to be gone on with, removes what is of no message. */
enum bd_code bd_long_recover(struct bd_store *store, struct bd_diag *diag);
/* Nobody waits for this entry any more; out of the line, if it was in it. */
void bd_long_leave(struct bd_store *store, const struct bd_entry *entry);
/* How much one transaction may hold. */
uint64_t bd_long_part_bytes(const struct bd_store *store);
/* Lets go of all; files and state stay. */
void bd_long_close(struct bd_store *store);

#endif
