/* watches.h - watches 事后核查: what became of the data behind decisions that were already made.
 *
 * Layer: store. When something is changed, corrected for a past period, withdrawn or disputed that
 * a case has read, whoever asked for that case is to hear of it: an event for each such receipt,
 * written in the transaction of the change itself, under the asker's name and a number that only
 * rises. No citizen's value is in it: it says which case to look at again, not what is new.
 *
 * A change between the reading of a case and its indexing is found when it is indexed: the nodes
 * that it looked at are compared with what they were at the commit it had read.
 *
 * What a full export has no more is gone without being touched; the subjects of cases are looked
 * through afterwards, some at a time.
 *
 * Bounded: of one subject the BD_WATCH_RECEIPTS_MAX newest receipts hear of a change; the last of
 * them says so where older ones are cut (is_cut). Events are kept for BD_WATCH_KEEP_MS.
 */
#ifndef BD_STORE_WATCHES_H
#define BD_STORE_WATCHES_H

#include "base/trail_id.h"
#include "store/store.h"

/* Numbers of the packed form: never reused. */
enum bd_watch_what {
	BD_WATCH_CHANGED = 1,
	BD_WATCH_ADDED,
	BD_WATCH_CORRECTED_PERIOD, /* of a month that was over on the day of the case */
	BD_WATCH_RECALLED,
	BD_WATCH_DISPUTED
};

struct bd_watch {
	uint64_t number;
	int64_t at_ms; /* of the change */
	enum bd_watch_what what;
	const char *source;
	uint16_t entity;
	struct bd_trail_id receipt;
	struct bd_bytes case_number, matter; /* empty = not stated */
	bool is_cut;
};

struct bd_watch_query {
	const char *client; /* who asked for the cases */
	uint64_t after;     /* events above this number */
	size_t max;         /* > 0 */
};
struct bd_watch_page {
	const struct bd_watch *items;
	size_t count;
	bool has_more;
};
/* In the order of their numbers; everything lives in the arena. */
enum bd_code bd_store_watches(struct bd_watch_page *out, struct bd_store_reader *reader,
	const struct bd_watch_query *query, struct bd_arena *arena, struct bd_diag *diag);
/* The number of the newest event of anybody; 0 = none. Any thread. */
uint64_t bd_store_watch_last(const struct bd_store *store);

/* One step, at most one transaction: rows that a snapshot of everybody has hidden, of subjects that
 * some case has looked at. Goes on after a restart where it was. *has_more: call again. Writer
 * thread. */
enum bd_code bd_watch_sweep(struct bd_store *store, bool *has_more, struct bd_diag *diag);

/* Up to where a client has taken what was sent to it: kept for who sends. Within a snapshot. */
enum bd_code bd_store_watch_told(
	uint64_t *number, struct bd_store_reader *reader, const char *client, struct bd_diag *diag);
/* Writer thread: a short transaction of its own. */
enum bd_code bd_store_watch_tell(
	struct bd_store *store, const char *client, uint64_t number, struct bd_diag *diag);

#endif
