#include "daemon/frame.h"

#include "base/limits.h"
#include "base/text.h"
#include "base/try.h"
#include "record/pack.h"

#include <string.h>

enum bd_code bd_frame_add(struct bd_buf *out, enum bd_frame_type type, struct bd_bytes payload)
{
	if (payload.len >= BD_FRAME_MAX_BYTES) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(bd_buf_reserve(out, BD_FRAME_HEAD_BYTES + payload.len));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)payload.len + 1));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)type));
	return bd_buf_add(out, payload);
}

enum bd_code bd_frame_take(struct bd_frame *frame, bool *has, struct bd_bytes *bytes)
{
	struct bd_reader reader = bd_reader_of(*bytes);
	uint32_t len;
	uint8_t type;

	*has = false;
	if (bytes->len < BD_FRAME_HEAD_BYTES) {
		return BD_OK;
	}
	len = bd_read_u32(&reader);
	type = bd_read_u8(&reader);
	if (len == 0 || len > BD_FRAME_MAX_BYTES || type < BD_FRAME_BEGIN ||
		type > BD_FRAME_OPENED) {
		return BD_WORKER_DIED;
	}
	if (reader.rest.len < len - 1) {
		return BD_OK;
	}
	*frame = (struct bd_frame){ type, bd_read_bytes(&reader, len - 1) };
	*bytes = reader.rest;
	*has = true;
	return BD_OK;
}

static enum bd_code add_text(struct bd_buf *out, const char *text)
{
	BD_TRY(bd_buf_add_u8(out, text != NULL));
	return bd_buf_add_sized(out, bd_bytes_of(text != NULL ? text : ""));
}

/* NULL also when the arena is full: then *ok turns false. */
static const char *read_text(struct bd_reader *reader, struct bd_arena *arena)
{
	bool has = bd_read_u8(reader) != 0;
	struct bd_bytes bytes = bd_read_sized(reader);
	const char *text;

	if (!has || !reader->ok) {
		return NULL;
	}
	text = bd_arena_text(arena, bytes);
	reader->ok = text != NULL;
	return text;
}

enum bd_code bd_frame_begin_pack(struct bd_buf *out, const struct bd_frame_begin *begin)
{
	BD_TRY(add_text(out, begin->source));
	BD_TRY(add_text(out, begin->feed));
	BD_TRY(add_text(out, begin->charset));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)begin->now_ms));
	BD_TRY(bd_buf_add_u8(out, begin->is_gzip));
	BD_TRY(bd_identifier_pack(out, &begin->subject));
	return bd_buf_add_u64(out, begin->max_bytes);
}

enum bd_code bd_frame_begin_unpack(
	struct bd_frame_begin *begin, struct bd_bytes payload, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(payload);
	struct bd_frame_begin read;

	read.source = read_text(&reader, arena);
	read.feed = read_text(&reader, arena);
	read.charset = read_text(&reader, arena);
	read.now_ms = (int64_t)bd_read_u64(&reader);
	read.is_gzip = bd_read_u8(&reader) != 0;
	read.subject = bd_identifier_unpack(&reader);
	read.subject.issuer = bd_arena_copy(arena, read.subject.issuer);
	read.subject.number = bd_arena_copy(arena, read.subject.number);
	read.max_bytes = bd_read_u64(&reader);
	if (!reader.ok || reader.rest.len > 0 || read.source == NULL || read.feed == NULL ||
		read.subject.issuer.ptr == NULL || read.subject.number.ptr == NULL) {
		return BD_WORKER_DIED;
	}
	*begin = read;
	return BD_OK;
}

static enum bd_code pack_tallies(struct bd_buf *out, const struct bd_intake_result *result)
{
	BD_TRY(bd_buf_add_u16(out, (uint16_t)result->tally_count));
	for (size_t i = 0; i < result->tally_count; i++) {
		const struct bd_section_tally *tally = &result->tallies[i];

		BD_TRY(bd_buf_add_u16(out, tally->section));
		BD_TRY(bd_buf_add_u16(out, tally->records));
		BD_TRY(bd_buf_add_u16(out, tally->slot_count));
		BD_TRY(bd_buf_add(
			out, (struct bd_bytes){ (const char *)tally->present, tally->slot_count }));
		BD_TRY(bd_buf_add(
			out, (struct bd_bytes){ (const char *)tally->shapes, tally->slot_count }));
	}
	return BD_OK;
}

enum bd_code bd_frame_result_pack(struct bd_buf *out, const struct bd_intake_result *result)
{
	if (result->subject_count > UINT16_MAX || result->unmapped_count > UINT16_MAX ||
		result->section_count > UINT16_MAX || result->tally_count > UINT16_MAX) {
		return BD_LIMIT_COUNT;
	}
	BD_TRY(bd_buf_add_u64(out, result->received));
	BD_TRY(bd_buf_add_u64(out, result->accepted));
	BD_TRY(bd_buf_add_u64(out, result->rejected));
	BD_TRY(bd_buf_add_u64(out, result->records));
	BD_TRY(bd_buf_add_u8(out, result->order.rank));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)result->order.order));
	BD_TRY(bd_buf_add_u16(out, (uint16_t)result->subject_count));
	for (size_t i = 0; i < result->subject_count; i++) {
		BD_TRY(bd_identifier_pack(out, &result->subject[i]));
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)result->unmapped_count));
	for (size_t i = 0; i < result->unmapped_count; i++) {
		BD_TRY(add_text(out, result->unmapped[i].path));
		BD_TRY(bd_buf_add_u64(out, result->unmapped[i].count));
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)result->section_count));
	for (size_t i = 0; i < result->section_count; i++) {
		BD_TRY(add_text(out, result->sections[i]));
	}
	BD_TRY(bd_buf_add_sized(out, result->page.next));
	BD_TRY(bd_buf_add_sized(out, result->page.mark));
	BD_TRY(bd_buf_add_u8(out, result->page.is_last));
	return pack_tallies(out, result);
}

/* A count, and room for as many; each takes at least one byte of what is left. */
static void *read_array(
	size_t *count, struct bd_reader *reader, size_t size, struct bd_arena *arena)
{
	size_t wanted = bd_read_u16(reader);
	void *room = wanted <= reader->rest.len ? bd_arena_alloc(arena, wanted, size) : NULL;

	*count = room != NULL ? wanted : 0;
	reader->ok = reader->ok && room != NULL;
	return room;
}

/* It goes into a request: a worker that was turned says no more than any other. */
static struct bd_bytes read_page_text(struct bd_reader *reader)
{
	struct bd_bytes text = bd_read_sized(reader);

	reader->ok = reader->ok && text.len <= BD_PAGE_TEXT_MAX_BYTES && bd_text_is_utf8(text) &&
		     !bd_text_has_control(text);
	return text;
}

static const uint8_t *read_counts(struct bd_reader *reader, size_t count, struct bd_arena *arena)
{
	struct bd_bytes copy = bd_arena_copy(arena, bd_read_bytes(reader, count));

	reader->ok = reader->ok && copy.ptr != NULL;
	return (const uint8_t *)copy.ptr;
}

static void read_tallies(
	struct bd_intake_result *read, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_section_tally *tallies =
		read_array(&read->tally_count, reader, sizeof(*tallies), arena);

	for (size_t i = 0; i < read->tally_count; i++) {
		tallies[i].section = bd_read_u16(reader);
		tallies[i].records = bd_read_u16(reader);
		tallies[i].slot_count = bd_read_u16(reader);
		tallies[i].present = read_counts(reader, tallies[i].slot_count, arena);
		tallies[i].shapes = read_counts(reader, tallies[i].slot_count, arena);
	}
	read->tallies = tallies;
}

enum bd_code bd_frame_result_unpack(
	struct bd_intake_result *result, struct bd_bytes payload, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(payload);
	struct bd_intake_result read = { 0 };
	struct bd_identifier *subject;
	struct bd_unmapped *unmapped;
	const char **sections;

	read.received = bd_read_u64(&reader);
	read.accepted = bd_read_u64(&reader);
	read.rejected = bd_read_u64(&reader);
	read.records = bd_read_u64(&reader);
	read.order.rank = bd_read_u8(&reader);
	read.order.order = (int64_t)bd_read_u64(&reader);
	subject = read_array(&read.subject_count, &reader, sizeof(*subject), arena);
	for (size_t i = 0; i < read.subject_count; i++) {
		subject[i] = bd_identifier_unpack(&reader);
	}
	unmapped = read_array(&read.unmapped_count, &reader, sizeof(*unmapped), arena);
	for (size_t i = 0; i < read.unmapped_count; i++) {
		unmapped[i].path = read_text(&reader, arena);
		unmapped[i].count = bd_read_u64(&reader);
		reader.ok = reader.ok && unmapped[i].path != NULL;
	}
	sections = read_array(&read.section_count, &reader, sizeof(*sections), arena);
	for (size_t i = 0; i < read.section_count; i++) {
		sections[i] = read_text(&reader, arena);
		reader.ok = reader.ok && sections[i] != NULL;
	}
	read.page.next = read_page_text(&reader);
	read.page.mark = read_page_text(&reader);
	read.page.is_last = bd_read_u8(&reader) != 0;
	read_tallies(&read, &reader, arena);
	if (!reader.ok || reader.rest.len > 0) {
		return BD_WORKER_DIED;
	}
	read.subject = subject;
	read.unmapped = unmapped;
	read.sections = sections;
	*result = read;
	return BD_OK;
}

enum bd_code bd_frame_opened_pack(struct bd_buf *out, enum bd_code code, struct bd_bytes opened)
{
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(bd_code_info(code)->text)));
	return bd_buf_add_sized(out, code == BD_OK ? opened : (struct bd_bytes){ "", 0 });
}

enum bd_code bd_frame_opened_unpack(
	enum bd_code *code, struct bd_bytes *opened, struct bd_bytes payload)
{
	struct bd_reader reader = bd_reader_of(payload);
	struct bd_bytes name = bd_read_sized(&reader);
	struct bd_bytes read = bd_read_sized(&reader);
	char text[64];
	enum bd_code said;

	if (!reader.ok || reader.rest.len > 0 || name.len >= sizeof(text)) {
		return BD_WORKER_DIED;
	}
	if (name.len > 0) {
		memcpy(text, name.ptr, name.len);
	}
	text[name.len] = '\0';
	said = bd_code_find(text);
	if (said == BD_CODE_COUNT || (said != BD_OK && read.len > 0)) {
		return BD_WORKER_DIED;
	}
	*code = said;
	*opened = read;
	return BD_OK;
}
