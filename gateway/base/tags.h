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
/* Room for a number, and for what stands before so many members. */
#define BD_TAGS_NUMBER_BYTES (BD_TAGS_FRONT_BYTES + 8)
#define BD_TAGS_FRONTS_BYTES(count) ((count)*BD_TAGS_LONG_FRONT_BYTES)

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

/* Members where there is room for them, each with the place behind it; tags->out->len is set when
 * all are put. Of a list of many parts the room is then looked for once. */
static inline char *bd_tag_put(char *at, uint8_t tag, struct bd_bytes bytes)
{
	return bytes.len > 0 ? bd_bytes_put(bd_tags_front(at, tag, bytes.len), bytes) : at;
}

static inline char *bd_tag_put_number(char *at, uint8_t tag, uint64_t number)
{
	uint64_t bytes = htobe64(number);
	size_t zeroes = number != 0 ? (size_t)__builtin_clzll(number) / 8 : sizeof(bytes);

	return bd_tag_put(at, tag,
		(struct bd_bytes){ (const char *)&bytes + zeroes, sizeof(bytes) - zeroes });
}

/* A text of an item of a list; one that is the same as in the item before is told by no bytes. */
static inline char *bd_tag_put_again(
	char *at, uint8_t tag, struct bd_bytes bytes, struct bd_bytes before)
{
	bool is_same = bytes.len > 0 && bytes.len == before.len &&
		       (bytes.ptr == before.ptr || bd_bytes_equal(bytes, before));

	return is_same ? bd_tags_front(at, tag, 0) : bd_tag_put(at, tag, bytes);
}

/* A digest; left out when it is all zeroes. */
static inline char *bd_tag_put_digest(char *at, uint8_t tag, const uint8_t digest[BD_DIGEST_BYTES])
{
	uint64_t parts[BD_DIGEST_BYTES / sizeof(uint64_t)];

	memcpy(parts, digest, sizeof(parts));
	return (parts[0] | parts[1] | parts[2] | parts[3]) != 0
		       ? bd_tag_put(at, tag,
				 (struct bd_bytes){ (const char *)digest, BD_DIGEST_BYTES })
		       : at;
}

/* Members within a member: they are put BD_TAGS_FRONT_BYTES behind `begin`; gives the place behind
 * all of it. What is not short moves on to make room for its longer front. */
static inline char *bd_tag_put_end(char *begin, uint8_t tag, char *at)
{
	size_t len = (size_t)(at - begin) - BD_TAGS_FRONT_BYTES;
	size_t more = bd_tags_front_bytes(len) - BD_TAGS_FRONT_BYTES;

	if (more > 0) {
		memmove(begin + BD_TAGS_LONG_FRONT_BYTES, begin + BD_TAGS_FRONT_BYTES, len);
	}
	bd_tags_front(begin, tag, len);
	return at + more;
}

/* All up to here is put. */
static inline void bd_tags_put(struct bd_tags *tags, const char *at)
{
	tags->out->len = (size_t)(at - tags->out->ptr);
}

/* One member, with a look for its room. */
static inline void bd_tags_bytes(struct bd_tags *tags, uint8_t tag, struct bd_bytes bytes)
{
	char *at = bytes.len > 0 ? bd_tags_take(tags, bd_tags_front_bytes(bytes.len) + bytes.len)
				 : NULL;

	if (at != NULL) {
		bd_tags_put(tags, bd_tag_put(at, tag, bytes));
	}
}

static inline void bd_tags_number(struct bd_tags *tags, uint8_t tag, uint64_t number)
{
	char *at = bd_tags_take(tags, BD_TAGS_NUMBER_BYTES);

	if (at != NULL) {
		bd_tags_put(tags, bd_tag_put_number(at, tag, number));
	}
}

static inline void bd_tags_digest(
	struct bd_tags *tags, uint8_t tag, const uint8_t digest[BD_DIGEST_BYTES])
{
	char *at = bd_tags_take(tags, BD_TAGS_FRONT_BYTES + BD_DIGEST_BYTES);

	if (at != NULL) {
		bd_tags_put(tags, bd_tag_put_digest(at, tag, digest));
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
