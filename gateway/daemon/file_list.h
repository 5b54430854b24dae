/* file_list.h - what a department's server says that a folder holds.
 *
 * Layer: daemon; pure, called by daemon/file_pull.c. The server is not trusted: a name is one that
 * may be shown, is no part of a path and fits the pattern, or it is passed over.
 */
#ifndef BD_DAEMON_FILE_LIST_H
#define BD_DAEMON_FILE_LIST_H

#include "base/bytes.h"

struct bd_listed {
	const char *name; /* within the listing */
	int32_t day;      /* INT32_MIN = the pattern has none */
};

/* Takes names, a line each (CR, LF or both), into `out`, in their order by bytes. The listing is
 * cut in place, and ends at its first NUL. BD_LIMIT_COUNT: more than `max` fit, and as many were
 * taken; any other code: the listing is too long to be read, and nothing was. */
enum bd_code bd_file_list_read(struct bd_listed *out, size_t *count, size_t max,
	struct bd_buf *listing, const char *pattern);

#endif
