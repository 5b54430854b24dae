/* tags.h - tagged members, as entries of the trail and kept cases consist of: a later version adds
 * some, and an earlier one passes over what it does not know or keeps it. Layer: base.
 *
 * A member is u16 tag, u32 length, that many bytes. Tags are never renumbered nor reused. A member
 * that says nothing (no bytes, zero) is left out.
 */
#ifndef BD_BASE_TAGS_H
#define BD_BASE_TAGS_H

#include "base/arena.h"
#include "base/digest.h"

/* Writing: the first failure is kept; look once, at the end. Members are written here: a comparison
 * has some two hundred, most of a few bytes. */
struct bd_tags {
	struct bd_buf *out;
	enum bd_code code;
};

#define BD_TAGS_FRONT_BYTES 6 /* tag and length */

/* Room behind what was written, where the buffer has none; NULL after a failure. */
char *bd_tags_room(struct bd_tags *tags, size_t bytes);

static inline char *bd_tags_take(struct bd_tags *tags, size_t bytes)
{
	struct bd_buf *out = tags->out;

	return tags->code == BD_OK && bytes <= out->cap - out->len ? out->ptr + out->len
								   : bd_tags_room(tags, bytes);
}

static inline char *bd_tags_front(char *at, uint16_t tag, size_t len)
{
	uint16_t tag_bytes = htobe16(tag);
	uint32_t len_bytes = htobe32((uint32_t)len);

	memcpy(at, &tag_bytes, sizeof(tag_bytes));
	memcpy(at + sizeof(tag_bytes), &len_bytes, sizeof(len_bytes));
	return at + BD_TAGS_FRONT_BYTES;
}

static inline void bd_tags_bytes(struct bd_tags *tags, uint16_t tag, struct bd_bytes bytes)
{
	char *at = bytes.len > 0 ? bd_tags_take(tags, BD_TAGS_FRONT_BYTES + bytes.len) : NULL;

	if (at != NULL) {
		memcpy(bd_tags_front(at, tag, bytes.len), bytes.ptr, bytes.len);
		tags->out->len += BD_TAGS_FRONT_BYTES + bytes.len;
	}
}

static inline void bd_tags_number(struct bd_tags *tags, uint16_t tag, uint64_t number)
{
	uint64_t bytes = htobe64(number);

	if (number != 0) {
		bd_tags_bytes(tags, tag, (struct bd_bytes){ (const char *)&bytes, sizeof(bytes) });
	}
}

/* A digest; left out when it is all zeroes. */
void bd_tags_digest(struct bd_tags *tags, uint16_t tag, const uint8_t digest[BD_DIGEST_BYTES]);
/* Members within a member: begin gives the place that end wants. */
size_t bd_tags_begin(struct bd_tags *tags, uint16_t tag);
void bd_tags_end(struct bd_tags *tags, size_t place);
/* Members as they were read. */
void bd_tags_raw(struct bd_tags *tags, struct bd_bytes members);

/* Reading. */
struct bd_tag {
	uint16_t tag;
	struct bd_bytes bytes;
	struct bd_bytes whole; /* with its tag and length */
};
/* False at the end, and then reader->ok says whether all was whole. */
bool bd_tag_next(struct bd_tag *out, struct bd_reader *reader);
/* How many members have this tag. */
size_t bd_tag_count(struct bd_bytes members, uint16_t tag);
/* False when it has another length. */
bool bd_tag_number(uint64_t *out, const struct bd_tag *tag);
bool bd_tag_digest(uint8_t out[BD_DIGEST_BYTES], const struct bd_tag *tag);

#endif
