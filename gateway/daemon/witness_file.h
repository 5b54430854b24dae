/* witness_file.h - signed heads of the trail in a second place: the setting witness_file, a file
 * that only grows, on other storage than the trail's.
 *
 * Layer: daemon. Each line is a head as bidui audit witness keeps it (trail/witness.h), without a
 * countersignature: bidui audit verify --witness compares the trail with it, so that a trail that
 * was cut, or put back to an earlier state, is seen. It is written by a thread of its own, so that
 * storage that hangs holds nobody back; a line that cannot be written is an alarm, and the next one
 * is tried. What makes a file worth more than a copy is whose it is: one that the machine of the
 * gateway cannot change (append-only, another's share) shows what its own administrator did, too.
 */
#ifndef BD_DAEMON_WITNESS_FILE_H
#define BD_DAEMON_WITNESS_FILE_H

#include "base/diag.h"

#include <stdint.h>

struct bd_trail;
struct bd_witness_file;

/* path NULL = no such file, and *out is NULL. BD_IO when it cannot be opened: a start wants to be
 * told. */
enum bd_code bd_witness_file_start(struct bd_witness_file **out, const char *path, uint64_t every_s,
	struct bd_trail *trail, struct bd_diag *diag);
/* Writes the newest head, ends the thread. NULL is allowed. */
void bd_witness_file_stop(struct bd_witness_file *file);

struct bd_witness_file_state {
	bool is_there;      /* the setting is */
	bool is_failing;    /* the last line was not written */
	int64_t written_ms; /* the last that was; 0 = none since the start */
	uint64_t lines, failures;
};
/* Any thread; NULL = no such file. now_ms: monotonic. */
void bd_witness_file_state(
	struct bd_witness_file_state *out, struct bd_witness_file *file, int64_t now_ms);

#endif
