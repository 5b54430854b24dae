#include "record/pack.h"

#include "base/limits.h"
#include "base/try.h"

/* Tags of a packed record's parts. Permanent: packed records stand in the journal. A part is u8
 * tag, u32 length, bytes; a reader skips tags that it does not know. */
enum tag {
	TAG_HEAD = 1, /* index u64, entity u16, action u8, flags u8, order kind u8, rank u8, order
			 u64, as_of u64 */
	TAG_SECTION,
	TAG_SUBJECT, /* one identifier */
	TAG_OTHER,
	TAG_ROW_KEY,
	TAG_VALUE,
	TAG_END /* empty, the last: what was cut between two parts is known to be */
};

enum flag { FLAG_MESSAGE_SUBJECT = 1, FLAG_MESSAGE_ORDER = 2 };

/* A chain of writes that stops at the first failure. */
enum bd_code bd_identifier_pack(struct bd_buf *buf, const struct bd_identifier *identifier)
{
	BD_TRY(bd_buf_add_u16(buf, identifier->kind));
	BD_TRY(bd_buf_add_sized(buf, identifier->issuer));
	return bd_buf_add_sized(buf, identifier->number);
}

struct bd_identifier bd_identifier_unpack(struct bd_reader *reader)
{
	struct bd_identifier identifier;

	identifier.kind = bd_read_u16(reader);
	identifier.issuer = bd_read_sized(reader);
	identifier.number = bd_read_sized(reader);
	return identifier;
}

enum bd_code bd_value_pack(struct bd_buf *buf, const struct bd_value *value)
{
	BD_TRY(bd_buf_add_u16(buf, value->field));
	BD_TRY(bd_buf_add_u8(buf, value->flags));
	BD_TRY(bd_buf_add_sized(buf, value->text));
	return bd_buf_add_sized(buf, value->native);
}

/* The length of a part is known only behind it: it is written over. */
static enum bd_code begin_part(struct bd_buf *buf, enum tag tag, size_t *at)
{
	BD_TRY(bd_buf_add_u8(buf, (uint8_t)tag));
	*at = buf->len;
	return bd_buf_add_u32(buf, 0);
}

static void end_part(struct bd_buf *buf, size_t at)
{
	size_t len = buf->len - at - 4;

	for (size_t i = 0; i < 4; i++) {
		buf->ptr[at + i] = (char)(len >> (8 * (3 - i)));
	}
}

static enum bd_code pack_head(struct bd_buf *buf, const struct bd_record *record)
{
	uint8_t flags = (uint8_t)((record->is_message_subject ? FLAG_MESSAGE_SUBJECT : 0) |
				  (record->is_message_order ? FLAG_MESSAGE_ORDER : 0));
	size_t at;

	BD_TRY(begin_part(buf, TAG_HEAD, &at));
	BD_TRY(bd_buf_add_u64(buf, record->index));
	BD_TRY(bd_buf_add_u16(buf, record->entity));
	BD_TRY(bd_buf_add_u8(buf, (uint8_t)record->action));
	BD_TRY(bd_buf_add_u8(buf, flags));
	BD_TRY(bd_buf_add_u8(buf, (uint8_t)record->order_kind));
	BD_TRY(bd_buf_add_u8(buf, record->order.rank));
	BD_TRY(bd_buf_add_u64(buf, (uint64_t)record->order.order));
	BD_TRY(bd_buf_add_u64(buf, (uint64_t)record->as_of_ms));
	end_part(buf, at);
	return BD_OK;
}

static enum bd_code pack_identifiers(
	struct bd_buf *buf, enum tag tag, const struct bd_identifier *identifiers, size_t count)
{
	size_t at;

	for (size_t i = 0; i < count; i++) {
		BD_TRY(begin_part(buf, tag, &at));
		BD_TRY(bd_identifier_pack(buf, &identifiers[i]));
		end_part(buf, at);
	}
	return BD_OK;
}

static enum bd_code pack_bytes(struct bd_buf *buf, enum tag tag, struct bd_bytes bytes)
{
	BD_TRY(bd_buf_add_u8(buf, (uint8_t)tag));
	return bd_buf_add_sized(buf, bytes);
}

enum bd_code bd_record_pack(struct bd_buf *buf, const struct bd_record *record)
{
	size_t at;

	BD_TRY(pack_head(buf, record));
	BD_TRY(pack_bytes(buf, TAG_SECTION, bd_bytes_of(record->section)));
	BD_TRY(pack_identifiers(buf, TAG_SUBJECT, record->subject, record->subject_count));
	BD_TRY(pack_identifiers(buf, TAG_OTHER, record->other, record->other_count));
	BD_TRY(pack_bytes(buf, TAG_ROW_KEY, record->row_key));
	for (size_t i = 0; i < record->value_count; i++) {
		BD_TRY(begin_part(buf, TAG_VALUE, &at));
		BD_TRY(bd_value_pack(buf, &record->values[i]));
		end_part(buf, at);
	}
	return pack_bytes(buf, TAG_END, (struct bd_bytes){ "", 0 });
}

static bool read_head(struct bd_record *record, struct bd_reader reader)
{
	uint8_t flags;

	record->index = bd_read_u64(&reader);
	record->entity = bd_read_u16(&reader);
	record->action = bd_read_u8(&reader);
	flags = bd_read_u8(&reader);
	record->order_kind = bd_read_u8(&reader);
	record->order.rank = bd_read_u8(&reader);
	record->order.order = (int64_t)bd_read_u64(&reader);
	record->as_of_ms = (int64_t)bd_read_u64(&reader);
	record->is_message_subject = (flags & FLAG_MESSAGE_SUBJECT) != 0;
	record->is_message_order = (flags & FLAG_MESSAGE_ORDER) != 0;
	return reader.ok && record->action >= BD_ACTION_REPLACE &&
	       record->action <= BD_ACTION_SECTION && record->order_kind >= BD_ORDER_TIME &&
	       record->order_kind <= BD_ORDER_RECEIPT;
}

struct counts {
	size_t subjects, others, values;
};

/* Counts the parts, so that each array is taken once; false when a length is wrong or the end is
 * not where it must be. */
static bool count_parts(struct counts *counts, struct bd_bytes bytes)
{
	struct bd_reader reader = bd_reader_of(bytes);
	uint8_t tag = 0;

	while (reader.ok && reader.rest.len > 0 && tag != TAG_END) {
		tag = bd_read_u8(&reader);
		bd_read_sized(&reader);
		counts->subjects += tag == TAG_SUBJECT;
		counts->others += tag == TAG_OTHER;
		counts->values += tag == TAG_VALUE;
	}
	return reader.ok && reader.rest.len == 0 && tag == TAG_END;
}

struct arrays {
	struct bd_identifier *subject, *other;
	struct bd_value *values;
};

static bool read_part(struct bd_record *record, const struct arrays *arrays, uint8_t tag,
	struct bd_bytes part, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(part);

	switch (tag) {
	case TAG_HEAD:
		return read_head(record, reader);
	case TAG_SECTION:
		record->section = bd_arena_text(arena, part);
		return record->section != NULL;
	case TAG_SUBJECT:
		arrays->subject[record->subject_count++] = bd_identifier_unpack(&reader);
		return reader.ok;
	case TAG_OTHER:
		arrays->other[record->other_count++] = bd_identifier_unpack(&reader);
		return reader.ok;
	case TAG_ROW_KEY:
		record->row_key = part;
		return true;
	case TAG_VALUE:
		arrays->values[record->value_count++] = bd_value_unpack(&reader);
		return reader.ok;
	default:
		return true;
	}
}

static enum bd_code unpack(struct bd_record *record, struct bd_bytes bytes, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(bytes);
	struct counts counts = { 0, 0, 0 };
	struct arrays arrays;

	*record = (struct bd_record){ .section = "" };
	if (!count_parts(&counts, bytes)) {
		return BD_STORE_DAMAGED;
	}
	arrays.subject = bd_arena_alloc(arena, counts.subjects, sizeof(*arrays.subject));
	arrays.other = bd_arena_alloc(arena, counts.others, sizeof(*arrays.other));
	arrays.values = bd_arena_alloc(arena, counts.values, sizeof(*arrays.values));
	if (arrays.subject == NULL || arrays.other == NULL || arrays.values == NULL) {
		return bd_arena_code(arena);
	}
	record->subject = arrays.subject;
	record->other = arrays.other;
	record->values = arrays.values;
	while (reader.rest.len > 0) {
		uint8_t tag = bd_read_u8(&reader);
		struct bd_bytes part = bd_read_sized(&reader);

		if (!read_part(record, &arrays, tag, part, arena)) {
			return record->section == NULL ? bd_arena_code(arena) : BD_STORE_DAMAGED;
		}
	}
	return record->entity != 0 ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_record_unpack(
	struct bd_record *record, struct bd_bytes bytes, struct bd_arena *arena)
{
	struct bd_record read;
	enum bd_code code = unpack(&read, bytes, arena);

	if (code == BD_OK) {
		*record = read;
	}
	return code;
}
