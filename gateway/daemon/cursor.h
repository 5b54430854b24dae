/* cursor.h - where the reading of a list goes on: opaque to the client, signed by us, good only for
 * the sender it was given to and for the list it was given with.
 *
 * Layer: daemon. The text has no personal content; its form may change with any version. The key is
 * derived from the master key, so cursors outlive a restart.
 */
#ifndef BD_DAEMON_CURSOR_H
#define BD_DAEMON_CURSOR_H

#include "base/digest.h"

#define BD_CURSOR_KEY_BYTES 32
/* Hexadecimal, and a NUL. */
#define BD_CURSOR_TEXT_BYTES 81

/* What the numbers mean is the list's own matter. */
struct bd_cursor {
	uint64_t numbers[3];
};

/* `list` is a name of ours, "rejects", and `what` whose: "market". */
enum bd_code bd_cursor_write(char out[BD_CURSOR_TEXT_BYTES], const struct bd_cursor *cursor,
	const uint8_t key[BD_CURSOR_KEY_BYTES], const char *sender, const char *list,
	const char *what);
/* BD_CURSOR_INVALID for everything that bd_cursor_write did not give for the same three. */
enum bd_code bd_cursor_read(struct bd_cursor *out, const char *text,
	const uint8_t key[BD_CURSOR_KEY_BYTES], const char *sender, const char *list,
	const char *what);

#endif
