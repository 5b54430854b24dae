#include "store/node.h"

#include "base/limits.h"
#include "record/pack.h"

#include <string.h>

#define VERSION 1

#define TRY(call)                                                                                  \
	do {                                                                                       \
		enum bd_code try_code = (call);                                                    \
		if (try_code != BD_OK) {                                                           \
			return try_code;                                                           \
		}                                                                                  \
	} while (0)

/* rule: order.compare. */
int bd_order_compare(struct bd_order a, struct bd_order b)
{
	if (a.rank != b.rank) {
		return a.rank < b.rank ? -1 : 1;
	}
	return (a.order > b.order) - (a.order < b.order);
}

bool bd_identifier_equal(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->number, b->number) &&
	       bd_bytes_equal(a->issuer, b->issuer);
}

/* The higher of what is there and what comes; true when it came. */
static bool raise_stamp(struct bd_stamp *stamp, struct bd_order order)
{
	if (stamp->is_set && bd_order_compare(stamp->order, order) >= 0) {
		return false;
	}
	*stamp = (struct bd_stamp){ true, order };
	return true;
}

void bd_node_init(struct bd_node *node, struct bd_arena *arena)
{
	*node = (struct bd_node){ .arena = arena };
}

/* -- what is seen -- */

static bool is_above(struct bd_order order, const struct bd_stamp *stamp)
{
	return !stamp->is_set || bd_order_compare(order, stamp->order) > 0;
}

bool bd_node_field_is_seen(const struct bd_node_row *row, const struct bd_node_field *field)
{
	return is_above(field->order, &row->deleted) &&
	       (!row->base.is_set || bd_order_compare(field->order, row->base.order) >= 0);
}

const struct bd_node_marker *bd_node_find_marker(const struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity)
{
	const struct bd_node_marker *marker = node->markers;

	while (marker != NULL &&
		(marker->entity != entity || !bd_bytes_equal(marker->source, source) ||
			!bd_bytes_equal(marker->section, section))) {
		marker = marker->next;
	}
	return marker;
}

bool bd_node_row_is_seen(const struct bd_node *node, const struct bd_node_row *row)
{
	const struct bd_node_marker *marker =
		bd_node_find_marker(node, row->source, row->section, row->entity);
	bool is_seen = false, is_recent = marker == NULL;

	if (row->base.is_set && is_above(row->base.order, &row->deleted)) {
		is_seen = true;
		is_recent = is_recent || bd_order_compare(row->base.order, marker->order) >= 0;
	}
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		if (bd_node_field_is_seen(row, field)) {
			is_seen = true;
			is_recent = is_recent || bd_order_compare(field->order, marker->order) >= 0;
		}
	}
	return is_seen && is_recent;
}

/* -- merging -- */

static int compare_rows(const struct bd_node_row *row, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity, struct bd_bytes key)
{
	int order = bd_bytes_compare(row->source, source);

	order = order != 0 ? order : bd_bytes_compare(row->section, section);
	order = order != 0 ? order : (row->entity > entity) - (row->entity < entity);
	return order != 0 ? order : bd_bytes_compare(row->key, key);
}

/* Its row, made if it is not there; NULL when the arena is full. */
static struct bd_node_row *find_row(struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity, struct bd_bytes key)
{
	struct bd_node_row **link = &node->rows, *row;

	while (*link != NULL && compare_rows(*link, source, section, entity, key) < 0) {
		link = &(*link)->next;
	}
	if (*link != NULL && compare_rows(*link, source, section, entity, key) == 0) {
		return *link;
	}
	row = bd_arena_alloc(node->arena, 1, sizeof(*row));
	if (row != NULL) {
		*row = (struct bd_node_row){ .source = source,
			.section = section,
			.key = key,
			.entity = entity,
			.next = *link };
		*link = row;
	}
	return row;
}

static int compare_values(const struct bd_value *a, const struct bd_value *b)
{
	int order = bd_bytes_compare(a->text, b->text);
	int a_flags = a->flags & ~BD_VALUE_NORMALIZED, b_flags = b->flags & ~BD_VALUE_NORMALIZED;

	return order != 0 ? order : a_flags - b_flags;
}

/* rule: merge.conflict. One more content at the same order: both stay, and read as a conflict. Of
 * too many the first in byte order stay, so that it does not matter which came first. */
static enum bd_code add_value(struct bd_node *node, struct bd_node_field *field,
	const struct bd_value *value, int64_t as_of_ms, const struct bd_node_context *context,
	bool *changed)
{
	struct bd_node_value **link = &field->values, *made;
	size_t count = 0;

	while (*link != NULL && compare_values(&(*link)->value, value) < 0) {
		link = &(*link)->next;
	}
	if (*link != NULL && compare_values(&(*link)->value, value) == 0) {
		return BD_OK;
	}
	made = bd_arena_alloc(node->arena, 1, sizeof(*made));
	if (made == NULL) {
		return bd_arena_code(node->arena);
	}
	*made = (struct bd_node_value){ *value, as_of_ms, context->received_ms, context->message,
		*link };
	*link = made;
	*changed = true;
	for (made = field->values; made != NULL; made = made->next) {
		if (++count == BD_CONFLICT_VALUES_MAX) {
			made->next = NULL;
		}
	}
	return BD_OK;
}

static struct bd_node_field *find_field(
	struct bd_node *node, struct bd_node_row *row, uint16_t number)
{
	struct bd_node_field **link = &row->fields, *field;

	while (*link != NULL && (*link)->number < number) {
		link = &(*link)->next;
	}
	if (*link != NULL && (*link)->number == number) {
		return *link;
	}
	field = bd_arena_alloc(node->arena, 1, sizeof(*field));
	if (field != NULL) {
		*field = (struct bd_node_field){ .number = number, .next = *link };
		*link = field;
	}
	return field;
}

/* rules: merge.newer, merge.patch. */
static enum bd_code set_value(struct bd_node *node, struct bd_node_row *row,
	const struct bd_value *value, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed)
{
	struct bd_node_field *field = find_field(node, row, value->field);
	int64_t as_of_ms = record->as_of_ms != 0 ? record->as_of_ms : context->received_ms;
	int order;

	if (field == NULL) {
		return bd_arena_code(node->arena);
	}
	order = field->values == NULL ? 1 : bd_order_compare(record->order, field->order);
	if (order < 0) {
		return BD_OK;
	}
	if (order > 0) {
		bool is_same = field->values != NULL && field->values->next == NULL &&
			       compare_values(&field->values->value, value) == 0 &&
			       bd_node_field_is_seen(row, field);
		bool ignored = false;

		field->order = record->order;
		field->values = NULL;
		return add_value(
			node, field, value, as_of_ms, context, is_same ? &ignored : changed);
	}
	return add_value(node, field, value, as_of_ms, context, changed);
}

static void clear_blocks(
	struct bd_node *node, const struct bd_record *record, const struct bd_node_context *context)
{
	struct bd_node_block **link = &node->blocks;

	while (*link != NULL) {
		const struct bd_node_block *block = *link;

		if (block->entity == record->entity && block->message < context->message &&
			bd_bytes_equal(block->source, context->source) &&
			bd_bytes_is(block->section, record->section)) {
			*link = block->next;
		} else {
			link = &(*link)->next;
		}
	}
}

/* rule: merge.section. */
static enum bd_code apply_marker(struct bd_node *node, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed)
{
	struct bd_bytes section = bd_bytes_of(record->section);
	struct bd_node_marker *marker = (struct bd_node_marker *)bd_node_find_marker(
		node, context->source, section, record->entity);

	if (marker == NULL) {
		marker = bd_arena_alloc(node->arena, 1, sizeof(*marker));
		if (marker == NULL) {
			return bd_arena_code(node->arena);
		}
		*marker = (struct bd_node_marker){ context->source, section, record->entity,
			record->order, context->received_ms, node->markers };
		node->markers = marker;
		*changed = true;
		return BD_OK;
	}
	if (bd_order_compare(record->order, marker->order) > 0) {
		marker->order = record->order;
		marker->received_ms = context->received_ms;
		for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
			*changed |= row->entity == record->entity &&
				    bd_bytes_equal(row->source, context->source) &&
				    bd_bytes_equal(row->section, section) &&
				    !bd_node_row_is_seen(node, row);
		}
	}
	return BD_OK;
}

static enum bd_code set_other(
	struct bd_node *node, struct bd_node_row *row, const struct bd_record *record)
{
	struct bd_identifier *list;
	size_t count = row->other_count;

	if (record->other_count == 0) {
		return BD_OK;
	}
	/* The union, in the order of the first that named them: identifiers only ever become known.
	 */
	list = bd_arena_alloc(node->arena, count + record->other_count, sizeof(*list));
	if (list == NULL) {
		return bd_arena_code(node->arena);
	}
	if (count > 0) {
		memcpy(list, row->other, count * sizeof(*list));
	}
	for (size_t i = 0; i < record->other_count; i++) {
		size_t j = 0;

		while (j < count && !bd_identifier_equal(&list[j], &record->other[i])) {
			j++;
		}
		list[j] = record->other[i];
		count += j == count;
	}
	row->other = list;
	row->other_count = count;
	return BD_OK;
}

enum bd_code bd_node_apply(struct bd_node *node, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed)
{
	struct bd_node_row *row;

	*changed = false;
	clear_blocks(node, record, context);
	if (record->action == BD_ACTION_SECTION) {
		return apply_marker(node, record, context, changed);
	}
	row = find_row(node, context->source, bd_bytes_of(record->section), record->entity,
		record->row_key);
	if (row == NULL) {
		return bd_arena_code(node->arena);
	}
	TRY(set_other(node, row, record));
	row->message = context->message > row->message ? context->message : row->message;
	/* rule: merge.delete. */
	if (record->action == BD_ACTION_DELETE) {
		bool was_seen = bd_node_row_is_seen(node, row);

		raise_stamp(&row->deleted, record->order);
		*changed = was_seen && !bd_node_row_is_seen(node, row);
		return BD_OK;
	}
	if (record->action == BD_ACTION_REPLACE) {
		*changed = !row->base.is_set;
		if (raise_stamp(&row->base, record->order)) {
			row->as_of_ms =
				record->as_of_ms != 0 ? record->as_of_ms : context->received_ms;
			row->received_ms = context->received_ms;
		}
	}
	for (size_t i = 0; i < record->value_count; i++) {
		TRY(set_value(node, row, &record->values[i], record, context, changed));
	}
	/* rule: merge.replace. What the row had and this replace does not name is gone. */
	for (struct bd_node_field **link = &row->fields; *link != NULL;) {
		if (row->base.is_set && bd_order_compare((*link)->order, row->base.order) < 0) {
			*link = (*link)->next;
			*changed = true;
		} else {
			link = &(*link)->next;
		}
	}
	return BD_OK;
}

/* rule: merge.identifiers. */
enum bd_code bd_node_add_identifiers(
	struct bd_node *node, const struct bd_identifier *identifiers, size_t count, bool *added)
{
	*added = false;
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < node->identifier_count &&
			!bd_identifier_equal(&node->identifiers[j], &identifiers[i])) {
			j++;
		}
		if (j < node->identifier_count || node->identifier_count >= BD_SUBJECT_NODES_MAX) {
			continue;
		}
		if (node->identifier_count == node->identifier_cap) {
			size_t cap = node->identifier_cap == 0 ? 8 : node->identifier_cap * 2;
			struct bd_identifier *list =
				bd_arena_alloc(node->arena, cap, sizeof(*list));

			if (list == NULL) {
				return bd_arena_code(node->arena);
			}
			if (node->identifier_count > 0) {
				memcpy(list, node->identifiers,
					node->identifier_count * sizeof(*list));
			}
			node->identifiers = list;
			node->identifier_cap = cap;
		}
		node->identifiers[node->identifier_count++] = identifiers[i];
		*added = true;
	}
	return BD_OK;
}

/* rule: merge.block. */
enum bd_code bd_node_block(struct bd_node *node, struct bd_bytes section, uint16_t entity,
	const struct bd_node_context *context)
{
	struct bd_node_block *block = bd_arena_alloc(node->arena, 1, sizeof(*block));

	if (block == NULL) {
		return bd_arena_code(node->arena);
	}
	*block = (struct bd_node_block){ context->source, section, entity, context->message,
		node->blocks };
	node->blocks = block;
	return BD_OK;
}

/* -- packing -- */

static enum bd_code pack_order(struct bd_buf *out, struct bd_order order)
{
	TRY(bd_buf_add_u8(out, order.rank));
	return bd_buf_add_u64(out, (uint64_t)order.order);
}

static struct bd_order read_order(struct bd_reader *reader)
{
	struct bd_order order;

	order.rank = bd_read_u8(reader);
	order.order = (int64_t)bd_read_u64(reader);
	return order;
}

static enum bd_code pack_stamp(struct bd_buf *out, const struct bd_stamp *stamp)
{
	TRY(bd_buf_add_u8(out, stamp->is_set));
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
	if (bytes.len > 255) {
		return BD_LIMIT_BYTES;
	}
	TRY(bd_buf_add_u8(out, (uint8_t)bytes.len));
	return bd_buf_add(out, bytes);
}

static struct bd_bytes read_short(struct bd_reader *reader)
{
	size_t len = bd_read_u8(reader);

	return bd_read_bytes(reader, len);
}

static enum bd_code pack_identifiers(
	struct bd_buf *out, const struct bd_identifier *identifiers, size_t count)
{
	TRY(bd_buf_add_u8(out, (uint8_t)count));
	for (size_t i = 0; i < count; i++) {
		TRY(bd_buf_add_u16(out, identifiers[i].kind));
		TRY(pack_short(out, identifiers[i].issuer));
		TRY(pack_short(out, identifiers[i].number));
	}
	return BD_OK;
}

static struct bd_identifier *read_identifiers(
	size_t *count, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_identifier *list;

	*count = bd_read_u8(reader);
	list = bd_arena_alloc(arena, *count, sizeof(*list));
	for (size_t i = 0; list != NULL && i < *count; i++) {
		list[i].kind = bd_read_u16(reader);
		list[i].issuer = read_short(reader);
		list[i].number = read_short(reader);
	}
	reader->ok = reader->ok && list != NULL;
	return list;
}

static enum bd_code pack_field(struct bd_buf *out, const struct bd_node_field *field)
{
	size_t count = 0;

	for (const struct bd_node_value *value = field->values; value != NULL;
		value = value->next) {
		count++;
	}
	TRY(bd_buf_add_u16(out, field->number));
	TRY(pack_order(out, field->order));
	TRY(bd_buf_add_u8(out, (uint8_t)count));
	for (const struct bd_node_value *value = field->values; value != NULL;
		value = value->next) {
		TRY(bd_value_pack(out, &value->value));
		TRY(bd_buf_add_u64(out, (uint64_t)value->as_of_ms));
		TRY(bd_buf_add_u64(out, (uint64_t)value->received_ms));
		TRY(bd_buf_add_u64(out, value->message));
	}
	return BD_OK;
}

static void read_value(struct bd_node_value *value, struct bd_reader *reader)
{
	value->value = bd_value_unpack(reader);
	value->as_of_ms = (int64_t)bd_read_u64(reader);
	value->received_ms = (int64_t)bd_read_u64(reader);
	value->message = bd_read_u64(reader);
}

/* `first` is room for the one value that nearly every field has. */
static void read_field(struct bd_node_field *field, struct bd_node_value *first,
	struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_node_value **link = &field->values, *value = first;
	size_t count;

	field->number = bd_read_u16(reader);
	field->order = read_order(reader);
	count = bd_read_u8(reader);
	for (size_t i = 0; i < count && reader->ok; i++) {
		value = i == 0 ? first : bd_arena_alloc(arena, 1, sizeof(*value));
		if (value == NULL) {
			reader->ok = false;
			return;
		}
		read_value(value, reader);
		*link = value;
		link = &value->next;
	}
}

/* Number, order and count of values. */
#define FIELD_MIN_BYTES 12

/* All fields of a row and their values from two pieces of memory. */
static struct bd_node_field *read_fields(struct bd_reader *reader, struct bd_arena *arena)
{
	size_t count = bd_read_u16(reader);
	struct bd_node_field *fields;
	struct bd_node_value *values;

	if (count == 0 || count > reader->rest.len / FIELD_MIN_BYTES) {
		reader->ok = reader->ok && count == 0;
		return NULL;
	}
	fields = bd_arena_alloc(arena, count, sizeof(*fields));
	values = bd_arena_alloc(arena, count, sizeof(*values));
	if (fields == NULL || values == NULL) {
		reader->ok = false;
		return NULL;
	}
	for (size_t i = 0; i < count && reader->ok; i++) {
		read_field(&fields[i], &values[i], reader, arena);
		fields[i].next = i + 1 < count ? &fields[i + 1] : NULL;
	}
	return fields;
}

static enum bd_code pack_row(struct bd_buf *out, const struct bd_node_row *row)
{
	size_t count = 0;

	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		count++;
	}
	TRY(pack_short(out, row->source));
	TRY(pack_short(out, row->section));
	TRY(bd_buf_add_u16(out, row->entity));
	TRY(bd_buf_add_sized(out, row->key));
	TRY(pack_stamp(out, &row->base));
	TRY(pack_stamp(out, &row->deleted));
	TRY(bd_buf_add_u64(out, (uint64_t)row->as_of_ms));
	TRY(bd_buf_add_u64(out, (uint64_t)row->received_ms));
	TRY(bd_buf_add_u64(out, row->message));
	TRY(pack_identifiers(out, row->other, row->other_count));
	TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		TRY(pack_field(out, field));
	}
	return BD_OK;
}

static struct bd_node_row *read_row(struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_node_row *row = bd_arena_alloc(arena, 1, sizeof(*row));

	if (row == NULL) {
		reader->ok = false;
		return NULL;
	}
	row->source = read_short(reader);
	row->section = read_short(reader);
	row->entity = bd_read_u16(reader);
	row->key = bd_read_sized(reader);
	row->base = read_stamp(reader);
	row->deleted = read_stamp(reader);
	row->as_of_ms = (int64_t)bd_read_u64(reader);
	row->received_ms = (int64_t)bd_read_u64(reader);
	row->message = bd_read_u64(reader);
	row->other = read_identifiers(&row->other_count, reader, arena);
	row->fields = read_fields(reader, arena);
	return row;
}

static enum bd_code pack_markers(struct bd_buf *out, const struct bd_node *node)
{
	size_t count = 0;

	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		count++;
	}
	TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		TRY(pack_short(out, marker->source));
		TRY(pack_short(out, marker->section));
		TRY(bd_buf_add_u16(out, marker->entity));
		TRY(pack_order(out, marker->order));
		TRY(bd_buf_add_u64(out, (uint64_t)marker->received_ms));
	}
	count = 0;
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		count++;
	}
	TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		TRY(pack_short(out, block->source));
		TRY(pack_short(out, block->section));
		TRY(bd_buf_add_u16(out, block->entity));
		TRY(bd_buf_add_u64(out, block->message));
	}
	return BD_OK;
}

static void read_markers(struct bd_node *node, struct bd_reader *reader)
{
	size_t count = bd_read_u16(reader);

	for (size_t i = 0; i < count && reader->ok; i++) {
		struct bd_node_marker *marker = bd_arena_alloc(node->arena, 1, sizeof(*marker));

		if (marker == NULL) {
			reader->ok = false;
			return;
		}
		marker->source = read_short(reader);
		marker->section = read_short(reader);
		marker->entity = bd_read_u16(reader);
		marker->order = read_order(reader);
		marker->received_ms = (int64_t)bd_read_u64(reader);
		marker->next = node->markers;
		node->markers = marker;
	}
	count = bd_read_u16(reader);
	for (size_t i = 0; i < count && reader->ok; i++) {
		struct bd_node_block *block = bd_arena_alloc(node->arena, 1, sizeof(*block));

		if (block == NULL) {
			reader->ok = false;
			return;
		}
		block->source = read_short(reader);
		block->section = read_short(reader);
		block->entity = bd_read_u16(reader);
		block->message = bd_read_u64(reader);
		block->next = node->blocks;
		node->blocks = block;
	}
}

enum bd_code bd_node_pack(struct bd_buf *out, const struct bd_node *node)
{
	size_t count = 0;

	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		count++;
	}
	TRY(bd_buf_add_u8(out, VERSION));
	TRY(pack_identifiers(out, node->identifiers, node->identifier_count));
	TRY(pack_markers(out, node));
	TRY(bd_buf_add_u32(out, (uint32_t)count));
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		TRY(pack_row(out, row));
	}
	return BD_OK;
}

enum bd_code bd_node_unpack(struct bd_node *node, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);
	struct bd_node_row **link = &node->rows;
	size_t count;

	bd_node_init(node, arena);
	if (bd_read_u8(&reader) != VERSION) {
		return BD_STORE_DAMAGED;
	}
	node->identifiers = read_identifiers(&node->identifier_count, &reader, arena);
	node->identifier_cap = node->identifier_count;
	read_markers(node, &reader);
	count = bd_read_u32(&reader);
	for (size_t i = 0; i < count && reader.ok; i++) {
		*link = read_row(&reader, arena);
		link = *link != NULL ? &(*link)->next : link;
	}
	if (!reader.ok || reader.rest.len > 0) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_STORE_DAMAGED;
	}
	return BD_OK;
}
