/* diags.h - everything that is wrong with a configuration, told at once.
 *
 * Layer: config. An administrator corrects a file once, not once an error: readers go on after an
 * error as far as what follows still has a meaning. Bounded: what does not fit is counted in
 * `more`.
 */
#ifndef BD_CONFIG_DIAGS_H
#define BD_CONFIG_DIAGS_H

#include "base/diag.h"

/* A screenful or two; nobody reads more before correcting the first. */
#define BD_DIAGS_MAX 64

struct bd_diags {
	struct bd_diag items[BD_DIAGS_MAX];
	size_t count;
	size_t more; /* errors past the last item */
};

/* Adds one: file as shown, line and column from 1 (0 = not known). Returns code. */
enum bd_code bd_diags_add(struct bd_diags *diags, enum bd_code code, const char *file,
	uint32_t line, uint32_t column, const char *detail, ...)
	__attribute__((format(printf, 6, 7)));
/* Code of the first, BD_OK when there is none. */
enum bd_code bd_diags_code(const struct bd_diags *diags);
/* "feeds/gt3.xml:12:7: detail" into text; always ends with NUL, cut where it does not fit. */
void bd_diag_show(char *text, size_t size, const struct bd_diag *diag);

/* How a file or folder is called in a diag: the last part of its path. */
const char *bd_diags_shown(const char *path);

/* The name of `names` nearest to `wrong` by edit distance, NULL when none is near enough to be
 * meant: at most a third of its characters differ (two where it is short). */
const char *bd_nearest(const char *wrong, const char *const *names, size_t name_count);

#endif
