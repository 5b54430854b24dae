/* imprint.h - one digest of everything a configuration was read from, for the trail: whoever holds
 * the files can tell later which were in force. Layer: daemon. */
#ifndef BD_DAEMON_IMPRINT_H
#define BD_DAEMON_IMPRINT_H

#include "base/diag.h"
#include "base/digest.h"

/* SHA-256 over the files and, of each folder, over all files in it by their names: each as its path
 * from there and the SHA-256 of its bytes, both sized (bd_buf_add_sized). Hidden files are left
 * out. */
enum bd_code bd_imprint(
	uint8_t out[BD_DIGEST_BYTES], const char *const *paths, size_t count, struct bd_diag *diag);

#endif
