/* segment.h - the files of one loop's log, and the walk over the entries in them.
 *
 * Layer: trail, private to it. A segment is BD_TRAIL_SEGMENT_HEAD_BYTES of head, then entries: u32
 * length of the body, the body (entry.h), and 32 bytes of chain = SHA-256(chain before || leaf),
 * where leaf is the body's in the tree (base/merkle.h): a body is digested once for both.
 * The head ends with the chain before its first entry, so the 32 bytes in front of every entry are
 * the chain before it. A length of zero, or the end of the file, ends the segment; a segment that
 * is followed by another is cut at its end.
 *
 * Head: "bdtrail" and version 1, u64 instance, u16 loop, u16 zero, u32 segment, u64 number of the
 * first entry, chain. All zeroes: space made ready, not yet in use.
 */
#ifndef BD_TRAIL_SEGMENT_H
#define BD_TRAIL_SEGMENT_H

#include "base/merkle.h"
#include "trail/entry.h"
#include "trail/file.h"

#define BD_TRAIL_SEGMENT_HEAD_BYTES 64
/* Segments made ready ahead of the one that is written. */
#define BD_TRAIL_SPARES 2
/* Segments before the one that is written that the disk has not yet taken: who would be further
 * ahead of it is refused. */
#define BD_TRAIL_UNSYNCED_MAX 8
/* What an entry takes besides its body. */
#define BD_TRAIL_FRAME_BYTES (4 + BD_DIGEST_BYTES)

/* Before an entry, or behind the last one. */
struct bd_trail_position {
	uint32_t segment, offset;
	uint64_t count;       /* entries before it */
	struct bd_hash chain; /* of the entry before it; zeroes at the beginning */
	int64_t time_ms;      /* of the entry before it; 0 = not known */
};
#define BD_TRAIL_BEGINNING ((struct bd_trail_position){ .offset = BD_TRAIL_SEGMENT_HEAD_BYTES })

enum bd_code bd_trail_segment_head_write(int fd, uint64_t instance, uint16_t loop,
	const struct bd_trail_position *first, struct bd_diag *diag);
/* Appends an entry as the file has it, and moves at behind it. leaf: of its body, also given. */
enum bd_code bd_trail_frame_add(struct bd_buf *out, struct bd_hash *leaf,
	struct bd_trail_position *at, const struct bd_trail_entry *entry);
/* leaf: of the body, also given. */
enum bd_code bd_trail_chain(struct bd_hash *out, struct bd_hash *leaf, const struct bd_hash *before,
	struct bd_bytes body);

/* -- walking -- */

enum bd_trail_step {
	BD_TRAIL_STEP_ENTRY = 1,
	BD_TRAIL_STEP_END,   /* nothing stands there */
	BD_TRAIL_STEP_BROKEN /* something stands there that is no entry behind the one before */
};

struct bd_trail_walk {
	int folder; /* borrowed */
	uint64_t instance;
	uint16_t loop;
	struct bd_trail_position at; /* behind the entry last given */
	struct bd_hash leaf;         /* of that entry */
	const char *why;             /* of BROKEN, and then at is where */
	/* private */
	int fd;
	uint32_t open_segment;
	struct bd_buf window;
	uint64_t window_at;
};

/* Begins at `from`, which is at the beginning or what an earlier walk was at. */
void bd_trail_walk_open(struct bd_trail_walk *walk, int folder, uint64_t instance, uint16_t loop,
	const struct bd_trail_position *from);
void bd_trail_walk_close(struct bd_trail_walk *walk);
/* Goes to another place, and forgets what it read ahead: the file may have grown since. */
void bd_trail_walk_go(struct bd_trail_walk *walk, const struct bd_trail_position *to);
/* entry and body (what is hashed) live until the next call. Any bytes in the files: a code other
 * than BD_OK is only a failure to read them. */
enum bd_code bd_trail_walk_next(enum bd_trail_step *step, struct bd_trail_entry *entry,
	struct bd_bytes *body, struct bd_trail_walk *walk, struct bd_diag *diag);
/* Zeroes from at to the end of its segment? *end: the size of the file, 0 when there is none. */
enum bd_code bd_trail_walk_rest(
	bool *is_zero, uint64_t *end, struct bd_trail_walk *walk, struct bd_diag *diag);

#endif
