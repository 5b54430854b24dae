/* tags.h - tagged members, as entries of the trail and kept cases consist of: a later version adds
 * some, and an earlier one passes over what it does not know or keeps it. Layer: base.
 *
 * A member is u8 tag, u8 length, that many bytes; one of more than 255 bytes is u8 zero, u8 tag,
 * u32 length, that many bytes, as all members were once: both are read, wherever they stand.
 * Numbers are without the zeroes in front. Tags are 1 to 255, never renumbered nor reused. A member
 * that says nothing (no bytes, zero) is left out; where a list says so, one of no bytes is as in
 * the item before.
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

/* What stands before the bytes of a member. */
#define BD_TAGS_FRONT_BYTES 2
#define BD_TAGS_LONG_FRONT_BYTES 6
#define BD_TAGS_SHORT_MAX_BYTES 255

/* Room behind what was written, where the buffer has none; NULL after a failure. */
char *bd_tags_room(struct bd_tags *tags, size_t bytes);

static inline char *bd_tags_take(struct bd_tags *tags, size_t bytes)
{
	struct bd_buf *out = tags->out;

	return tags->code == BD_OK && bytes <= out->cap - out->len ? out->ptr + out->len
								   : bd_tags_room(tags, bytes);
}

static inline size_t bd_tags_front_bytes(size_t len)
{
	return len <= BD_TAGS_SHORT_MAX_BYTES ? BD_TAGS_FRONT_BYTES : BD_TAGS_LONG_FRONT_BYTES;
}

static inline char *bd_tags_front(char *at, uint8_t tag, size_t len)
{
	uint32_t len_bytes = htobe32((uint32_t)len);

	if (len <= BD_TAGS_SHORT_MAX_BYTES) {
		at[0] = (char)tag;
		at[1] = (char)len;
		return at + BD_TAGS_FRONT_BYTES;
	}
	at[0] = 0;
	at[1] = (char)tag;
	memcpy(at + 2, &len_bytes, sizeof(len_bytes));
	return at + BD_TAGS_LONG_FRONT_BYTES;
}

static inline void bd_tags_bytes(struct bd_tags *tags, uint8_t tag, struct bd_bytes bytes)
{
	size_t all = bd_tags_front_bytes(bytes.len) + bytes.len;
	char *at = bytes.len > 0 ? bd_tags_take(tags, all) : NULL;

	if (at != NULL) {
		bd_bytes_put(bd_tags_front(at, tag, bytes.len), bytes);
		tags->out->len += all;
	}
}

static inline void bd_tags_number(struct bd_tags *tags, uint8_t tag, uint64_t number)
{
	uint64_t bytes = htobe64(number);
	size_t zeroes = number != 0 ? (size_t)__builtin_clzll(number) / 8 : sizeof(bytes);

	bd_tags_bytes(tags, tag,
		(struct bd_bytes){ (const char *)&bytes + zeroes, sizeof(bytes) - zeroes });
}

/* A text of an item of a list; one that is the same as in the item before is told by no bytes. */
static inline void bd_tags_again(
	struct bd_tags *tags, uint8_t tag, struct bd_bytes bytes, struct bd_bytes before)
{
	bool is_same = bytes.len > 0 && bytes.len == before.len &&
		       (bytes.ptr == before.ptr || bd_bytes_equal(bytes, before));
	char *at = is_same ? bd_tags_take(tags, BD_TAGS_FRONT_BYTES) : NULL;

	if (at != NULL) {
		bd_tags_front(at, tag, 0);
		tags->out->len += BD_TAGS_FRONT_BYTES;
	} else if (!is_same) {
		bd_tags_bytes(tags, tag, bytes);
	}
}

/* A digest; left out when it is all zeroes. */
void bd_tags_digest(struct bd_tags *tags, uint8_t tag, const uint8_t digest[BD_DIGEST_BYTES]);
/* Members within a member: begin gives the place that end wants. */
static inline size_t bd_tags_begin(struct bd_tags *tags, uint8_t tag)
{
	size_t place = tags->out->len;
	char *at = bd_tags_take(tags, BD_TAGS_FRONT_BYTES);

	if (at != NULL) {
		bd_tags_front(at, tag, 0);
		tags->out->len += BD_TAGS_FRONT_BYTES;
	}
	return place;
}

/* What is not short moves on to make room for its longer front. */
void bd_tags_end_long(struct bd_tags *tags, size_t place);

static inline void bd_tags_end(struct bd_tags *tags, size_t place)
{
	size_t len = tags->out->len - place - BD_TAGS_FRONT_BYTES;

	if (tags->code == BD_OK && len <= BD_TAGS_SHORT_MAX_BYTES) {
		tags->out->ptr[place + 1] = (char)len;
	} else if (tags->code == BD_OK) {
		bd_tags_end_long(tags, place);
	}
}

/* Members as they were read. */
void bd_tags_raw(struct bd_tags *tags, struct bd_bytes members);

/* Reading. */
struct bd_tag {
	uint8_t tag;
	struct bd_bytes bytes;
	struct bd_bytes whole; /* with its tag and length */
};
/* False at the end, and then reader->ok says whether all was whole. */
bool bd_tag_next(struct bd_tag *out, struct bd_reader *reader);
/* How many members have this tag. */
size_t bd_tag_count(struct bd_bytes members, uint8_t tag);
/* False when it has another length: of a number 1 to 8. */
bool bd_tag_number(uint64_t *out, const struct bd_tag *tag);
bool bd_tag_digest(uint8_t out[BD_DIGEST_BYTES], const struct bd_tag *tag);

#endif
