/* runs.h - which leaves of the tree the entries of one log are: a record for each head that took
 * some of them, so that a proof finds its leaf by a search among fixed records.
 *
 * Layer: trail, private to it. Derived: the heads say it all, in order; a check makes it again and
 * compares. 64 bytes each: u64 number of the head, u64 entries of the log so far, u64 leaf of the
 * first of its entries, u32 segment and u32 offset behind the last, and its chain.
 */
#ifndef BD_TRAIL_RUNS_H
#define BD_TRAIL_RUNS_H

#include "trail/segment.h"

#define BD_TRAIL_RUN_BYTES 64

struct bd_trail_leaves {
	uint64_t head, first_leaf;
	struct bd_trail_position end; /* time is 0 */
};

void bd_trail_run_pack(uint8_t out[BD_TRAIL_RUN_BYTES], const struct bd_trail_leaves *run);
void bd_trail_run_unpack(struct bd_trail_leaves *out, const uint8_t bytes[BD_TRAIL_RUN_BYTES]);
/* The index-th record. BD_TRAIL_DAMAGED when the file ends before it. */
enum bd_code bd_trail_run_read(
	struct bd_trail_leaves *out, int fd, uint16_t loop, uint64_t index, struct bd_diag *diag);
/* How many of the records are of heads up to `head`. */
enum bd_code bd_trail_run_count(
	uint64_t *out, int fd, uint16_t loop, uint64_t head, struct bd_diag *diag);
/* The leaf of entry number `entry`, which is among the first `count` records. *has false: it is of
 * none of them. */
enum bd_code bd_trail_run_find(bool *has, uint64_t *leaf, int fd, uint16_t loop, uint64_t count,
	uint64_t entry, struct bd_diag *diag);

#endif
