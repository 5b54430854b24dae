/* totals.h - a day's control totals (对账): how many rows each of its files has, as its department
 * counted them.
 *
 * Layer: daemon, pure. A line names a file and its rows, and may add "full" where the file is a
 * full export; between them stands one tab, comma or U+0001. Lines that begin with '#' and empty
 * ones say nothing. UTF-8; CR LF or LF ends a line. Whatever else is in it makes all of it
 * BD_FOLDER_TOTALS, with the line: a department that is misread is not agreed with.
 */
#ifndef BD_DAEMON_TOTALS_H
#define BD_DAEMON_TOTALS_H

#include "base/arena.h"
#include "base/diag.h"

enum bd_total_state {
	BD_TOTAL_AWAITED = 0, /* its file has not come, or is not done with */
	BD_TOTAL_AGREED,      /* taken, with as many rows */
	BD_TOTAL_FAILED       /* refused: another number of rows, or whatever its receipt says */
};

struct bd_total {
	const char *name;
	uint64_t rows;
	bool is_full; /* everything up to that day is in it */
	enum bd_total_state state;
};

struct bd_totals {
	struct bd_total *items; /* in their order; each name once */
	size_t count;
};

/* At least one. Everything lives in the arena. */
enum bd_code bd_totals_read(
	struct bd_totals *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);
/* NULL = not named. */
struct bd_total *bd_totals_find(const struct bd_totals *totals, const char *name);
/* How many are in this state. */
size_t bd_totals_count(const struct bd_totals *totals, enum bd_total_state state);

#endif
