/* node_pack.c - a node as bytes: a head, then the rows. */
#include "store/node.h"

#include "base/try.h"
#include "record/pack.h"

#include <string.h>

/* With disputes, and without: nearly all are. */
#define VERSION_PLAIN 2
#define VERSION_DISPUTED 3

/* -- parts -- */

static enum bd_code pack_order(struct bd_buf *out, struct bd_order order)
{
	BD_TRY(bd_buf_add_u8(out, order.rank));
	return bd_buf_add_u64(out, (uint64_t)order.order);
}

static struct bd_order read_order(struct bd_reader *reader)
{
	const char *at = bd_read_fixed(reader, 1 + sizeof(uint64_t));

	return (struct bd_order){ (uint8_t)at[0], (int64_t)bd_get_u64(at + 1) };
}

static enum bd_code pack_stamp(struct bd_buf *out, const struct bd_stamp *stamp)
{
	BD_TRY(bd_buf_add_u8(out, stamp->is_set));
	return stamp->is_set ? pack_order(out, stamp->order) : BD_OK;
}

static struct bd_stamp read_stamp(struct bd_reader *reader)
{
	struct bd_stamp stamp = { .is_set = bd_read_u8(reader) != 0 };

	if (stamp.is_set) {
		stamp.order = read_order(reader);
	}
	return stamp;
}

static enum bd_code pack_short(struct bd_buf *out, struct bd_bytes bytes)
{
	if (bytes.len > UINT8_MAX) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(bd_buf_add_u8(out, (uint8_t)bytes.len));
	return bd_buf_add(out, bytes);
}

static struct bd_bytes read_short(struct bd_reader *reader)
{
	size_t len = bd_read_u8(reader);

	return bd_read_bytes(reader, len);
}

static enum bd_code pack_identifier(struct bd_buf *out, const struct bd_identifier *identifier)
{
	BD_TRY(bd_buf_add_u16(out, identifier->kind));
	BD_TRY(pack_short(out, identifier->issuer));
	return pack_short(out, identifier->number);
}

static struct bd_identifier read_identifier(struct bd_reader *reader)
{
	struct bd_identifier identifier;

	identifier.kind = bd_read_u16(reader);
	identifier.issuer = read_short(reader);
	identifier.number = read_short(reader);
	return identifier;
}

/* Where: what the lists below are of. */
static enum bd_code pack_place(
	struct bd_buf *out, struct bd_bytes source, struct bd_bytes section, uint16_t entity)
{
	BD_TRY(pack_short(out, source));
	BD_TRY(pack_short(out, section));
	return bd_buf_add_u16(out, entity);
}

/* An array of what was counted, none of it larger than what is left could hold; not zeroed. */
static void *take_array(size_t *count, size_t least_bytes, size_t size, struct bd_reader *reader,
	struct bd_arena *arena)
{
	void *list;

	if (*count * least_bytes > reader->rest.len) {
		reader->ok = false;
		*count = 0;
	}
	list = bd_arena_take(arena, *count, size);
	reader->ok = reader->ok && list != NULL;
	*count = list == NULL ? 0 : *count;
	return list;
}

static void *read_array(size_t *count, size_t least_bytes, size_t size, struct bd_reader *reader,
	struct bd_arena *arena)
{
	void *list = take_array(count, least_bytes, size, reader, arena);

	if (*count > 0) {
		memset(list, 0, *count * size);
	}
	return list;
}

#define IDENTIFIER_MIN_BYTES 4
#define NAME_MIN_BYTES (IDENTIFIER_MIN_BYTES + 9)

static enum bd_code pack_names(struct bd_buf *out, const struct bd_node_name *names)
{
	size_t count = 0;

	for (const struct bd_node_name *name = names; name != NULL; name = name->next) {
		count++;
	}
	BD_TRY(bd_buf_add_u8(out, (uint8_t)count));
	for (const struct bd_node_name *name = names; name != NULL; name = name->next) {
		BD_TRY(pack_identifier(out, &name->identifier));
		BD_TRY(pack_order(out, name->order));
	}
	return BD_OK;
}

static struct bd_node_name *read_names(struct bd_reader *reader, struct bd_arena *arena)
{
	size_t count = bd_read_u8(reader);
	struct bd_node_name *names;

	if (count == 0) {
		return NULL;
	}
	names = read_array(&count, NAME_MIN_BYTES, sizeof(*names), reader, arena);
	for (size_t i = 0; i < count; i++) {
		names[i].identifier = read_identifier(reader);
		names[i].order = read_order(reader);
		names[i].next = i + 1 < count ? &names[i + 1] : NULL;
	}
	return count > 0 ? names : NULL;
}

/* -- fields -- */

static enum bd_code pack_field(struct bd_buf *out, const struct bd_node_field *field)
{
	size_t count = 0;

	for (const struct bd_node_value *value = field->values; value != NULL;
		value = value->next) {
		count++;
	}
	BD_TRY(bd_buf_add_u16(out, field->number));
	BD_TRY(pack_order(out, field->order));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)count));
	for (const struct bd_node_value *value = field->values; value != NULL;
		value = value->next) {
		BD_TRY(bd_value_pack(out, &value->value));
		BD_TRY(bd_buf_add_u64(out, (uint64_t)value->as_of_ms));
		BD_TRY(bd_buf_add_u64(out, (uint64_t)value->received_ms));
		BD_TRY(bd_buf_add_u64(out, value->message));
	}
	return BD_OK;
}

static inline void read_value(struct bd_node_value *value, struct bd_reader *reader)
{
	const char *at;

	value->value = bd_value_unpack(reader);
	at = bd_read_fixed(reader, 3 * sizeof(uint64_t));
	value->as_of_ms = (int64_t)bd_get_u64(at);
	value->received_ms = (int64_t)bd_get_u64(at + 8);
	value->message = bd_get_u64(at + 16);
}

/* Number, order and count of values. */
#define FIELD_MIN_BYTES 12

/* `first` is room for the one value that nearly every field has. Sets all of the field. */
static void read_field(struct bd_node_field *field, struct bd_node_value *first,
	struct bd_reader *reader, struct bd_arena *arena)
{
	const char *at = bd_read_fixed(reader, FIELD_MIN_BYTES);
	struct bd_node_value **link = &field->values, *value = first;
	size_t count = (uint8_t)at[11];

	*field = (struct bd_node_field){ .number = bd_get_u16(at),
		.is_recalled = count == 0,
		.order = { (uint8_t)at[2], (int64_t)bd_get_u64(at + 3) } };
	for (size_t i = 0; i < count && reader->ok; i++) {
		value = i == 0 ? first : bd_arena_take(arena, 1, sizeof(*value));
		if (value == NULL) {
			reader->ok = false;
			return;
		}
		read_value(value, reader);
		value->next = NULL;
		*link = value;
		link = &value->next;
	}
}

/* All fields of a row and their values from two pieces of memory. */
static struct bd_node_field *read_fields(struct bd_reader *reader, struct bd_arena *arena)
{
	size_t count = bd_read_u16(reader);
	struct bd_node_field *fields;
	struct bd_node_value *values;

	if (count == 0) {
		return NULL;
	}
	fields = take_array(&count, FIELD_MIN_BYTES, sizeof(*fields), reader, arena);
	values = take_array(&count, FIELD_MIN_BYTES, sizeof(*values), reader, arena);
	for (size_t i = 0; i < count && reader->ok; i++) {
		read_field(&fields[i], &values[i], reader, arena);
		fields[i].next = i + 1 < count ? &fields[i + 1] : NULL;
	}
	return count > 0 && reader->ok ? fields : NULL;
}

/* -- rows -- */

enum bd_code bd_node_pack_row(struct bd_buf *out, const struct bd_node_row *row)
{
	size_t count = 0;

	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		count++;
	}
	if (count > UINT16_MAX) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(pack_place(out, row->source, row->section, row->entity));
	BD_TRY(bd_buf_add_sized(out, row->key));
	BD_TRY(pack_stamp(out, &row->base));
	BD_TRY(pack_stamp(out, &row->deleted));
	BD_TRY(pack_stamp(out, &row->told));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)row->as_of_ms));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)row->received_ms));
	BD_TRY(bd_buf_add_u64(out, row->message));
	BD_TRY(bd_buf_add_u64(out, row->first));
	BD_TRY(bd_buf_add_u64(out, row->version));
	BD_TRY(bd_buf_add(
		out, (struct bd_bytes){ (const char *)row->digest, sizeof(row->digest) }));
	BD_TRY(pack_names(out, row->aliases));
	BD_TRY(pack_names(out, row->others));
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		BD_TRY(pack_field(out, field));
	}
	return BD_OK;
}

static void read_row(struct bd_node_row *row, struct bd_reader *reader, struct bd_arena *arena)
{
	const char *begin = reader->rest.ptr, *at;

	row->source = read_short(reader);
	row->section = read_short(reader);
	row->entity = bd_read_u16(reader);
	row->key = bd_read_sized(reader);
	row->base = read_stamp(reader);
	row->deleted = read_stamp(reader);
	row->told = read_stamp(reader);
	at = bd_read_fixed(reader, 5 * sizeof(uint64_t) + sizeof(row->digest));
	row->as_of_ms = (int64_t)bd_get_u64(at);
	row->received_ms = (int64_t)bd_get_u64(at + 8);
	row->message = bd_get_u64(at + 16);
	row->first = bd_get_u64(at + 24);
	row->version = bd_get_u64(at + 32);
	memcpy(row->digest, at + 40, sizeof(row->digest));
	row->aliases = read_names(reader, arena);
	row->others = read_names(reader, arena);
	row->fields = read_fields(reader, arena);
	row->packed = (struct bd_bytes){ begin, (size_t)(reader->rest.ptr - begin) };
}

/* -- the head -- */

static enum bd_code pack_markers(struct bd_buf *out, const struct bd_node *node)
{
	size_t count = 0;

	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		count++;
	}
	if (count > UINT16_MAX) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		BD_TRY(pack_place(out, marker->source, marker->section, marker->entity));
		BD_TRY(pack_order(out, marker->order));
		BD_TRY(bd_buf_add_u64(out, (uint64_t)marker->received_ms));
		BD_TRY(pack_names(out, marker->aliases));
	}
	return BD_OK;
}

#define MARKER_MIN_BYTES 22

static void read_markers(struct bd_node *node, struct bd_reader *reader)
{
	size_t count = bd_read_u16(reader);
	struct bd_node_marker *list =
		read_array(&count, MARKER_MIN_BYTES, sizeof(*list), reader, node->arena);

	for (size_t i = 0; i < count && reader->ok; i++) {
		list[i].source = read_short(reader);
		list[i].section = read_short(reader);
		list[i].entity = bd_read_u16(reader);
		list[i].order = read_order(reader);
		list[i].received_ms = (int64_t)bd_read_u64(reader);
		list[i].aliases = read_names(reader, node->arena);
		list[i].next = i + 1 < count ? &list[i + 1] : NULL;
	}
	node->markers = count > 0 ? list : NULL;
}

static enum bd_code pack_block(struct bd_buf *out, const struct bd_node_block *block)
{
	BD_TRY(pack_place(out, block->source, block->section, block->entity));
	BD_TRY(bd_buf_add_u8(out, block->has_key));
	BD_TRY(bd_buf_add_sized(out, block->key));
	BD_TRY(pack_stamp(out, &block->order));
	BD_TRY(bd_buf_add_u64(out, block->message));
	if (block->other_count > UINT8_MAX) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(bd_buf_add_u8(out, (uint8_t)block->other_count));
	for (size_t i = 0; i < block->other_count; i++) {
		BD_TRY(pack_identifier(out, &block->others[i]));
	}
	return BD_OK;
}

static void read_block(
	struct bd_node_block *block, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_identifier *others;

	block->source = read_short(reader);
	block->section = read_short(reader);
	block->entity = bd_read_u16(reader);
	block->has_key = bd_read_u8(reader) != 0;
	block->key = bd_read_sized(reader);
	block->order = read_stamp(reader);
	block->message = bd_read_u64(reader);
	block->other_count = bd_read_u8(reader);
	others = read_array(
		&block->other_count, IDENTIFIER_MIN_BYTES, sizeof(*others), reader, arena);
	for (size_t i = 0; i < block->other_count; i++) {
		others[i] = read_identifier(reader);
	}
	block->others = others;
}

#define BLOCK_MIN_BYTES 19

static enum bd_code pack_blocks(struct bd_buf *out, const struct bd_node *node)
{
	size_t count = 0;

	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		count++;
	}
	if (count > UINT16_MAX) {
		return BD_LIMIT_BYTES;
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		BD_TRY(pack_block(out, block));
	}
	return BD_OK;
}

static void read_blocks(struct bd_node *node, struct bd_reader *reader)
{
	size_t count = bd_read_u16(reader);
	struct bd_node_block *list =
		read_array(&count, BLOCK_MIN_BYTES, sizeof(*list), reader, node->arena);

	for (size_t i = 0; i < count && reader->ok; i++) {
		read_block(&list[i], reader, node->arena);
		list[i].next = i + 1 < count ? &list[i + 1] : NULL;
	}
	node->blocks = count > 0 ? list : NULL;
}

static enum bd_code pack_dispute(struct bd_buf *out, const struct bd_node_dispute *dispute)
{
	BD_TRY(bd_buf_add_u64(out, dispute->id));
	BD_TRY(pack_short(out, dispute->source));
	BD_TRY(bd_buf_add_u16(out, dispute->entity));
	BD_TRY(bd_buf_add_u16(out, dispute->field));
	BD_TRY(bd_buf_add_u8(out, dispute->has_all_marks));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)dispute->mark_count));
	return bd_buf_add(out, (struct bd_bytes){ (const char *)dispute->marks,
				       dispute->mark_count * BD_DISPUTE_MARK_BYTES });
}

static enum bd_code pack_disputes(struct bd_buf *out, const struct bd_node *node)
{
	size_t count = 0;

	for (const struct bd_node_dispute *one = node->disputes; one != NULL; one = one->next) {
		count++;
	}
	if (count == 0) {
		return BD_OK;
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_dispute *one = node->disputes; one != NULL; one = one->next) {
		BD_TRY(pack_dispute(out, one));
	}
	return BD_OK;
}

#define DISPUTE_MIN_BYTES 15

static void read_dispute(struct bd_node_dispute *dispute, struct bd_reader *reader)
{
	dispute->id = bd_read_u64(reader);
	dispute->source = read_short(reader);
	dispute->entity = bd_read_u16(reader);
	dispute->field = bd_read_u16(reader);
	dispute->has_all_marks = bd_read_u8(reader) != 0;
	dispute->mark_count = bd_read_u8(reader);
	dispute->marks = (const uint8_t(*)[BD_DISPUTE_MARK_BYTES])(const void *)bd_read_bytes(
		reader, dispute->mark_count * BD_DISPUTE_MARK_BYTES)
				 .ptr;
}

static void read_disputes(struct bd_node *node, struct bd_reader *reader)
{
	size_t count = bd_read_u16(reader);
	struct bd_node_dispute *list =
		read_array(&count, DISPUTE_MIN_BYTES, sizeof(*list), reader, node->arena);

	for (size_t i = 0; i < count && reader->ok; i++) {
		read_dispute(&list[i], reader);
		list[i].next = i + 1 < count ? &list[i + 1] : NULL;
	}
	node->disputes = count > 0 ? list : NULL;
}

enum bd_code bd_node_pack_head(struct bd_buf *out, const struct bd_node *node)
{
	BD_TRY(pack_identifier(out, &node->self));
	BD_TRY(pack_markers(out, node));
	BD_TRY(pack_blocks(out, node));
	return pack_disputes(out, node);
}

/* -- the whole -- */

enum bd_code bd_node_pack(struct bd_buf *out, const struct bd_node *node)
{
	size_t count = 0;

	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		count++;
	}
	BD_TRY(bd_buf_add_u8(out, node->disputes != NULL ? VERSION_DISPUTED : VERSION_PLAIN));
	BD_TRY(bd_node_pack_head(out, node));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)count));
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		BD_TRY(row->packed.len > 0 && !row->is_touched ? bd_buf_add(out, row->packed)
							       : bd_node_pack_row(out, row));
	}
	return BD_OK;
}

#define ROW_MIN_BYTES 87

static void read_rows(struct bd_node *node, struct bd_reader *reader)
{
	size_t count = bd_read_u32(reader);
	struct bd_node_row *rows =
		read_array(&count, ROW_MIN_BYTES, sizeof(*rows), reader, node->arena);

	for (size_t i = 0; i < count && reader->ok; i++) {
		read_row(&rows[i], reader, node->arena);
		rows[i].next = i + 1 < count ? &rows[i + 1] : NULL;
	}
	node->rows = count > 0 ? rows : NULL;
}

enum bd_code bd_node_unpack(struct bd_node *node, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t version = bd_read_u8(&reader);
	const char *head;

	*node = (struct bd_node){ .arena = arena };
	if (version != VERSION_PLAIN && version != VERSION_DISPUTED) {
		return BD_STORE_DAMAGED;
	}
	head = reader.rest.ptr;
	node->self = read_identifier(&reader);
	read_markers(node, &reader);
	read_blocks(node, &reader);
	if (version == VERSION_DISPUTED) {
		read_disputes(node, &reader);
	}
	node->head = (struct bd_bytes){ head, (size_t)(reader.rest.ptr - head) };
	read_rows(node, &reader);
	if (!reader.ok || reader.rest.len > 0) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_STORE_DAMAGED;
	}
	return BD_OK;
}
