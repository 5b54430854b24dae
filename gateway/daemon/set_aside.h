/* set_aside.h - messages that have cost workers, and are not given to another after the third.
 *
 * Layer: daemon; any loop may call it. A message is known by source, feed and the SHA-256 of what a
 * worker had of it when it was lost: of the whole body, or, of a long one that was still coming, of
 * the part given so far. The same bytes are the same fault; a corrected message differs in them and
 * is read. What costs BD_WORKER_LOSSES_MAX workers is set aside (隔离): whoever sends it again is
 * refused with message.set_aside before a worker sees it, and the operator finds it in the status.
 * Kept in memory alone: a restart or a reload, with which a fault may have been mended, forgets it.
 * The digests never leave the process.
 */
#ifndef BD_DAEMON_SET_ASIDE_H
#define BD_DAEMON_SET_ASIDE_H

#include "base/code.h"
#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

#define BD_SET_ASIDE_NAME_BYTES 64

/* What a worker had of a message. */
struct bd_read_part {
	uint64_t bytes; /* 0 = nothing */
	bool is_whole;  /* and the body ended there */
	uint8_t sha256[BD_DIGEST_BYTES];
};

/* Names are cut to their room. */
struct bd_set_aside_item {
	char source[BD_SET_ASIDE_NAME_BYTES], feed[BD_SET_ASIDE_NAME_BYTES];
	char sender[BD_SET_ASIDE_NAME_BYTES]; /* who sent it last */
	struct bd_read_part part;
	unsigned losses;  /* workers */
	uint64_t refused; /* times it came after that */
	enum bd_code why; /* of the last loss: BD_WORKER_DIED, BD_LIMIT_TIME or BD_NO_MEMORY */
	int64_t first_ms, last_ms;
};

struct bd_set_aside;

enum bd_code bd_set_aside_new(struct bd_set_aside **out);
void bd_set_aside_free(struct bd_set_aside *aside);
void bd_set_aside_clear(struct bd_set_aside *aside);

/* After how many bytes, more than `after`, a message of this feed is to be looked at while it
 * comes; UINT64_MAX = nowhere. Costs one load where nothing is known. */
uint64_t bd_set_aside_next(
	struct bd_set_aside *aside, const char *source, const char *feed, uint64_t after);
/* Has this part cost workers before? *is_set_aside: so many that it is not to be read again. */
bool bd_set_aside_find(bool *is_set_aside, struct bd_set_aside *aside, const char *source,
	const char *feed, const struct bd_read_part *part);
/* It has cost a worker. True when it is set aside from now on. When there is no room the one that
 * was lost longest ago is forgotten. */
bool bd_set_aside_add(struct bd_set_aside *aside, const char *source, const char *feed,
	const char *sender, const struct bd_read_part *part, enum bd_code why, int64_t now_ms);

struct bd_set_aside_counts {
	uint64_t items;   /* set aside now */
	uint64_t refused; /* since the start */
};
void bd_set_aside_count(struct bd_set_aside_counts *out, struct bd_set_aside *aside);
/* Those that are set aside, the newest first: how many were written. */
size_t bd_set_aside_list(struct bd_set_aside_item *items, size_t room, struct bd_set_aside *aside);

#endif
