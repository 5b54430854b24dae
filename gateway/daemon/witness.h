/* witness.h - who countersigned the trail's heads, and how long ago: the newest of each witness.
 *
 * Layer: daemon. One for all loops; any thread. A witness keeps all it saw itself
 * (trail/witness.h), here stands the last of each, in the file `witnesses` beside the trail, so
 * that an operator sees when one has stopped looking. Nothing rests on this file: what counts is
 * what the witness has.
 */
#ifndef BD_DAEMON_WITNESS_H
#define BD_DAEMON_WITNESS_H

#include "base/json_write.h"
#include "trail/trail.h"
#include "trail/witness.h"

struct bd_witness;

/* The public keys of witnesses, in PEM; keys_file NULL = there are none, and none is expected. What
 * the file in the folder has of others is left out. */
enum bd_code bd_witness_open(struct bd_witness **out, const char *keys_file,
	const char *data_folder, const struct bd_sign_key *trail_key, struct bd_diag *diag);
void bd_witness_close(struct bd_witness *witness); /* NULL is allowed */

/* Takes a line: of one of our heads, by one of the witnesses, no older than their last.
 * BD_WITNESS_FORM (also of a head that is not ours), BD_SIGNATURE_WRONG, or an error of JSON. id:
 * of the key, in hexadecimal. */
enum bd_code bd_witness_take(char id[2 * BD_DIGEST_BYTES + 1], uint64_t *number,
	struct bd_witness *witness, struct bd_trail *trail, struct bd_bytes line, int64_t now_ms,
	struct bd_arena *arena, struct bd_diag *diag);

struct bd_witness_counts {
	size_t expected;     /* witnesses whose keys we have */
	int64_t newest_ms;   /* when the last countersignature came; 0 = never */
	uint64_t head, size; /* that it was of */
};
void bd_witness_count(struct bd_witness_counts *out, struct bd_witness *witness);
/* None came for so long, though one is expected. now_ms of the wall clock. */
bool bd_witness_is_overdue(
	const struct bd_witness_counts *counts, uint64_t age_max_s, int64_t now_ms);
/* Each witness as an object of the array `key`. */
void bd_witness_write(struct bd_json_writer *w, const char *key, struct bd_witness *witness);

#endif
