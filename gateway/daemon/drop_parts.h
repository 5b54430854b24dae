/* drop_parts.h - what the two files under drop_file.h share: drop_file.c looks at files and reads
 * them, drop_move.c puts them away.
 *
 * Layer: daemon, private to drop_file.c and drop_move.c.
 */
#ifndef BD_DAEMON_DROP_PARTS_H
#define BD_DAEMON_DROP_PARTS_H

#include "daemon/drop_file.h"

#include <sys/stat.h>
#include <sys/types.h>

#define BD_DROP_PIECE_BYTES 1048576
#define BD_DROP_NAME_BYTES (BD_FILE_NAME_MAX_BYTES + 1)

/* -1 = it cannot be opened, with errno. */
int bd_drop_folder(const char *path);
int64_t bd_drop_ns(struct timespec at);
struct bd_drop_mark bd_drop_mark_of(const struct stat *status);
/* A move changes the time of change, and nothing else. */
bool bd_drop_mark_is_moved(const struct bd_drop_mark *a, const struct bd_drop_mark *b);
/* The bytes of one read; 0 = the end, -1 = it failed, with errno. */
ssize_t bd_drop_piece(int fd, char *piece, size_t size, off_t at);
/* False: it is no name of a file any more. */
bool bd_drop_join(
	char out[BD_DROP_NAME_BYTES], const char *before, const char *name, const char *suffix);

#endif
