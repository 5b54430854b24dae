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

/* Bytes before what is in a part: tag and length. */
#define PART_FRONT_BYTES 5
#define HEAD_BYTES 30

/* Room for all of it, so that the parts are put without a look at each. */
static enum bd_code reserve(struct bd_buf *buf, size_t bytes)
{
	return bytes > UINT32_MAX ? BD_LIMIT_BYTES : bd_buf_reserve(buf, bytes);
}

enum bd_code bd_identifier_pack(struct bd_buf *buf, const struct bd_identifier *identifier)
{
	BD_TRY(reserve(buf, bd_identifier_bytes(identifier)));
	buf->len = (size_t)(bd_identifier_put(buf->ptr + buf->len, identifier) - buf->ptr);
	return BD_OK;
}

struct bd_identifier bd_identifier_unpack(struct bd_reader *reader)
{
	struct bd_identifier identifier;

	identifier.kind = bd_read_u16(reader);
	identifier.issuer = bd_read_sized(reader);
	identifier.number = bd_read_sized(reader);
	return identifier;
}

static size_t value_bytes(const struct bd_value *value)
{
	return 2 + 1 + 4 + value->text.len + 4 + value->native.len;
}

static char *put_value(char *at, const struct bd_value *value)
{
	at = bd_put_u16(at, value->field);
	*at++ = (char)value->flags;
	at = bd_put_sized(at, value->text);
	return bd_put_sized(at, value->native);
}

enum bd_code bd_value_pack(struct bd_buf *buf, const struct bd_value *value)
{
	BD_TRY(reserve(buf, value_bytes(value)));
	buf->len = (size_t)(put_value(buf->ptr + buf->len, value) - buf->ptr);
	return BD_OK;
}

static char *put_front(char *at, enum tag tag, size_t bytes)
{
	*at++ = (char)tag;
	return bd_put_u32(at, (uint32_t)bytes);
}

static char *put_head(char *at, const struct bd_record *record)
{
	at = put_front(at, TAG_HEAD, HEAD_BYTES);
	at = bd_put_u64(at, record->index);
	at = bd_put_u16(at, record->entity);
	*at++ = (char)record->action;
	*at++ = (char)((record->is_message_subject ? FLAG_MESSAGE_SUBJECT : 0) |
		       (record->is_message_order ? FLAG_MESSAGE_ORDER : 0));
	*at++ = (char)record->order_kind;
	*at++ = (char)record->order.rank;
	at = bd_put_u64(at, (uint64_t)record->order.order);
	return bd_put_u64(at, (uint64_t)record->as_of_ms);
}

static size_t identifiers_bytes(const struct bd_identifier *identifiers, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		bytes += PART_FRONT_BYTES + bd_identifier_bytes(&identifiers[i]);
	}
	return bytes;
}

static char *put_identifiers(
	char *at, enum tag tag, const struct bd_identifier *identifiers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		at = put_front(at, tag, bd_identifier_bytes(&identifiers[i]));
		at = bd_identifier_put(at, &identifiers[i]);
	}
	return at;
}

static char *put_bytes(char *at, enum tag tag, struct bd_bytes bytes)
{
	return bd_bytes_put(put_front(at, tag, bytes.len), bytes);
}

static size_t record_bytes(const struct bd_record *record, struct bd_bytes section)
{
	size_t bytes = PART_FRONT_BYTES + HEAD_BYTES + PART_FRONT_BYTES + section.len +
		       identifiers_bytes(record->subject, record->subject_count) +
		       identifiers_bytes(record->other, record->other_count) + PART_FRONT_BYTES +
		       record->row_key.len + PART_FRONT_BYTES;

	for (size_t i = 0; i < record->value_count; i++) {
		bytes += PART_FRONT_BYTES + value_bytes(&record->values[i]);
	}
	return bytes;
}

enum bd_code bd_record_pack(struct bd_buf *buf, const struct bd_record *record)
{
	struct bd_bytes section = bd_bytes_of(record->section);
	char *at;

	BD_TRY(reserve(buf, record_bytes(record, section)));
	at = put_head(buf->ptr + buf->len, record);
	at = put_bytes(at, TAG_SECTION, section);
	at = put_identifiers(at, TAG_SUBJECT, record->subject, record->subject_count);
	at = put_identifiers(at, TAG_OTHER, record->other, record->other_count);
	at = put_bytes(at, TAG_ROW_KEY, record->row_key);
	for (size_t i = 0; i < record->value_count; i++) {
		at = put_front(at, TAG_VALUE, value_bytes(&record->values[i]));
		at = put_value(at, &record->values[i]);
	}
	at = put_front(at, TAG_END, 0);
	buf->len = (size_t)(at - buf->ptr);
	return BD_OK;
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
