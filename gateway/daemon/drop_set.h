/* drop_set.h - what lies in a drop folder, and what is to be done about it next.
 *
 * Layer: daemon, pure: made of lists (drop_file.h), moments and outcomes that are passed in. Each
 * file has a state that it keeps as long as it is the same file; a file that was changed or put
 * there anew is looked at anew. Files of a day are taken by day and name, and where their folder
 * has control totals not before these are there.
 */
#ifndef BD_DAEMON_DROP_SET_H
#define BD_DAEMON_DROP_SET_H

#include "config/sources.h"
#include "daemon/drop_file.h"
#include "daemon/totals.h"

enum bd_drop_state {
	BD_DROP_IGNORED = 0, /* fits no pattern, or passing (file_pattern.h) */
	BD_DROP_INCOMPLETE,  /* its mark is not there */
	BD_DROP_AWAITS,      /* its day's control totals are not there */
	BD_DROP_READY,       /* to be taken now, or at retry_ms */
	BD_DROP_REFUSED,     /* as it lies there: `code` */
	BD_DROP_SETTLED      /* done with; it lies there until somebody takes it away */
};

#define BD_DROP_TOTALS SIZE_MAX /* instead of a feed */

struct bd_drop {
	struct bd_drop_seen seen;
	size_t file; /* of the plan's files; or BD_DROP_TOTALS */
	int32_t day; /* INT32_MIN = none */
	enum bd_drop_state state;
	enum bd_code code; /* why it was refused */
	enum bd_code hold; /* why it is tried again */
	unsigned tries;
	int64_t retry_ms;
};

/* Control totals that were read. */
struct bd_drop_totals {
	struct bd_drop_totals *next;
	char name[BD_FILE_NAME_MAX_BYTES + 1];
	struct bd_drop_mark mark;
	int32_t day;
	struct bd_totals totals;
	bool is_told; /* all its files are done with, and that was told */
	struct bd_arena arena;
};

struct bd_drop_set {
	const struct bd_folder_plan *plan;
	struct bd_drop *items; /* by the bytes of their names */
	size_t count;
	struct bd_drop_totals *totals; /* whose file lies there */
	bool is_cut;
};

/* How many are in a state. */
struct bd_drop_counts {
	uint64_t incomplete, awaiting, ready, refused;
};

/* Takes up what lies there now; max_bytes: of one file. user: our own. False: no memory, and
 * nothing has changed. */
bool bd_drop_set_update(struct bd_drop_set *set, const struct bd_drop_list *list,
	uint64_t max_bytes, uint32_t user);
void bd_drop_set_release(struct bd_drop_set *set);
/* The one to do next, refused ones too until they are settled; NULL = none for now, then *wait_ms
 * (INT64_MAX: none at all) is when one is to be tried again. */
struct bd_drop *bd_drop_set_next(struct bd_drop_set *set, int64_t now_ms, int64_t *wait_ms);
/* It could not be done for now. */
void bd_drop_put_off(struct bd_drop *drop, enum bd_code code, int64_t now_ms);
void bd_drop_set_count(struct bd_drop_counts *out, const struct bd_drop_set *set);
/* NULL = none are there of that day. */
struct bd_drop_totals *bd_drop_set_totals(const struct bd_drop_set *set, int32_t day);

#endif
