#include "base/tags.h"

#include <string.h>

char *bd_tags_room(struct bd_tags *tags, size_t bytes)
{
	if (tags->code == BD_OK) {
		tags->code = bd_buf_reserve(tags->out, bytes);
	}
	return tags->code == BD_OK ? tags->out->ptr + tags->out->len : NULL;
}

void bd_tags_raw(struct bd_tags *tags, struct bd_bytes members)
{
	if (tags->code == BD_OK) {
		tags->code = bd_buf_add(tags->out, members);
	}
}

bool bd_tag_next(struct bd_tag *out, struct bd_reader *reader)
{
	struct bd_bytes before = reader->rest;

	if (!reader->ok || reader->rest.len == 0) {
		return false;
	}
	out->tag = bd_read_u8(reader);
	if (out->tag != 0) {
		out->bytes = bd_read_bytes(reader, bd_read_u8(reader));
	} else {
		out->tag = bd_read_u8(reader);
		out->bytes = bd_read_sized(reader);
	}
	out->whole = (struct bd_bytes){ before.ptr, before.len - reader->rest.len };
	return reader->ok;
}

size_t bd_tag_count(struct bd_bytes members, uint8_t tag)
{
	struct bd_reader reader = bd_reader_of(members);
	struct bd_tag member;
	size_t count = 0;

	while (bd_tag_next(&member, &reader)) {
		count += member.tag == tag;
	}
	return count;
}

bool bd_tag_number(uint64_t *out, const struct bd_tag *tag)
{
	uint64_t number = 0;

	if (tag->bytes.len == 0 || tag->bytes.len > sizeof(number)) {
		return false;
	}
	for (size_t i = 0; i < tag->bytes.len; i++) {
		number = number << 8 | (uint8_t)tag->bytes.ptr[i];
	}
	*out = number;
	return true;
}

bool bd_tag_digest(uint8_t out[BD_DIGEST_BYTES], const struct bd_tag *tag)
{
	if (tag->bytes.len != BD_DIGEST_BYTES) {
		return false;
	}
	memcpy(out, tag->bytes.ptr, BD_DIGEST_BYTES);
	return true;
}
