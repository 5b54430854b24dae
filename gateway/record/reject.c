#include "record/reject.h"

#include "base/json_write.h"
#include "base/try.h"
#include "record/pack.h"

#include <stdio.h>

#define VERSION 2

static enum bd_code pack_diag(struct bd_buf *buf, const struct bd_diag *diag)
{
	/* By text: the numbers of codes may change between versions, their texts never. */
	BD_TRY(bd_buf_add_sized(buf, bd_bytes_of(bd_code_info(diag->code)->text)));
	BD_TRY(bd_buf_add_u64(buf, diag->place.offset));
	BD_TRY(bd_buf_add_u32(buf, diag->place.line));
	BD_TRY(bd_buf_add_u32(buf, diag->place.column));
	BD_TRY(bd_buf_add_u64(buf, diag->place.row));
	BD_TRY(bd_buf_add_sized(buf, bd_bytes_of(diag->path)));
	BD_TRY(bd_buf_add_sized(buf, bd_bytes_of(diag->field)));
	BD_TRY(bd_buf_add_sized(buf, bd_bytes_of(diag->rule)));
	return bd_buf_add_sized(buf, bd_bytes_of(diag->detail));
}

bool bd_reject_is_of_anybody(const struct bd_reject *reject)
{
	bool is_unknown =
		reject->row_count == 0 && reject->subject_count == 0 && !reject->is_message_subject;

	for (size_t i = 0; i < reject->row_count; i++) {
		const struct bd_reject_row *row = &reject->rows[i];

		is_unknown |= row->is_other_unknown ||
			      (row->subject_count == 0 && !row->is_message_subject);
	}
	return is_unknown;
}

static enum bd_code pack_identifiers(
	struct bd_buf *buf, const struct bd_identifier *identifiers, size_t count)
{
	BD_TRY(bd_buf_add_u16(buf, (uint16_t)count));
	for (size_t i = 0; i < count; i++) {
		BD_TRY(bd_identifier_pack(buf, &identifiers[i]));
	}
	return BD_OK;
}

static enum bd_code pack_row(struct bd_buf *buf, const struct bd_reject_row *row)
{
	BD_TRY(bd_buf_add_u16(buf, row->entity));
	BD_TRY(bd_buf_add_u8(buf, (uint8_t)(row->is_message_subject | row->is_other_unknown << 1 |
					    row->has_key << 2)));
	BD_TRY(pack_identifiers(buf, row->subject, row->subject_count));
	BD_TRY(pack_identifiers(buf, row->other, row->other_count));
	return bd_buf_add_sized(buf, row->key);
}

enum bd_code bd_reject_pack(struct bd_buf *buf, const struct bd_reject *reject)
{
	BD_TRY(bd_buf_add_u8(buf, VERSION));
	BD_TRY(bd_buf_add_u64(buf, reject->index));
	BD_TRY(bd_buf_add_sized(buf, bd_bytes_of(reject->section)));
	BD_TRY(pack_diag(buf, &reject->diag));
	BD_TRY(bd_buf_add_u16(buf, (uint16_t)reject->entity_count));
	for (size_t i = 0; i < reject->entity_count; i++) {
		BD_TRY(bd_buf_add_u16(buf, reject->entities[i]));
	}
	BD_TRY(bd_buf_add_u16(buf, (uint16_t)reject->row_count));
	for (size_t i = 0; i < reject->row_count; i++) {
		BD_TRY(pack_row(buf, &reject->rows[i]));
	}
	BD_TRY(bd_buf_add_u8(
		buf, (uint8_t)(reject->is_message_subject | reject->is_message_order << 1)));
	BD_TRY(pack_identifiers(buf, reject->subject, reject->subject_count));
	BD_TRY(bd_buf_add_u8(buf, (uint8_t)reject->order_kind));
	BD_TRY(bd_buf_add_u8(buf, reject->order.rank));
	BD_TRY(bd_buf_add_u64(buf, (uint64_t)reject->order.order));
	return bd_buf_add_sized(buf, reject->raw);
}

/* Cuts at whole UTF-8 only by never being longer than what was packed from the same array. */
static void read_text(char *out, size_t size, struct bd_reader *reader)
{
	struct bd_bytes text = bd_read_sized(reader);

	if (text.len >= size) {
		reader->ok = false;
		return;
	}
	snprintf(out, size, "%.*s", (int)text.len, text.len > 0 ? text.ptr : "");
}

static void read_diag(struct bd_diag *diag, struct bd_reader *reader)
{
	char code[64] = "";

	read_text(code, sizeof(code), reader);
	diag->code = bd_code_find(code);
	if (diag->code == BD_CODE_COUNT) {
		diag->code = BD_INTERNAL;
	}
	diag->place.offset = bd_read_u64(reader);
	diag->place.line = bd_read_u32(reader);
	diag->place.column = bd_read_u32(reader);
	diag->place.row = bd_read_u64(reader);
	read_text(diag->path, sizeof(diag->path), reader);
	read_text(diag->field, sizeof(diag->field), reader);
	read_text(diag->rule, sizeof(diag->rule), reader);
	read_text(diag->detail, sizeof(diag->detail), reader);
}

/* A count cannot be larger than the bytes that are left could hold. */
static size_t read_count(struct bd_reader *reader, size_t least_bytes)
{
	size_t count = bd_read_u16(reader);

	if (count * least_bytes > reader->rest.len) {
		reader->ok = false;
		return 0;
	}
	return count;
}

/* The arrays are reader->ok, or NULL where the arena is full. */
static const struct bd_identifier *read_identifiers(
	size_t *count, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_identifier *list;

	*count = read_count(reader, 10);
	list = bd_arena_alloc(arena, *count, sizeof(*list));
	for (size_t i = 0; list != NULL && i < *count; i++) {
		list[i] = bd_identifier_unpack(reader);
	}
	return list;
}

static bool read_row(struct bd_reject_row *row, struct bd_reader *reader, struct bd_arena *arena)
{
	uint8_t flags;

	row->entity = bd_read_u16(reader);
	flags = bd_read_u8(reader);
	row->is_message_subject = (flags & 1) != 0;
	row->is_other_unknown = (flags & 2) != 0;
	row->has_key = (flags & 4) != 0;
	row->subject = read_identifiers(&row->subject_count, reader, arena);
	row->other = read_identifiers(&row->other_count, reader, arena);
	row->key = bd_read_sized(reader);
	return row->subject != NULL && row->other != NULL;
}

static const struct bd_reject_row *read_rows(
	size_t *count, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_reject_row *rows;

	*count = read_count(reader, 11);
	rows = bd_arena_alloc(arena, *count, sizeof(*rows));
	for (size_t i = 0; rows != NULL && i < *count; i++) {
		if (!read_row(&rows[i], reader, arena)) {
			return NULL;
		}
	}
	return rows;
}

static enum bd_code unpack(struct bd_reject *reject, struct bd_bytes bytes, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(bytes);
	uint16_t *entities;
	uint8_t flags;

	*reject = (struct bd_reject){ .section = "" };
	if (bd_read_u8(&reader) != VERSION) {
		return BD_STORE_DAMAGED;
	}
	reject->index = bd_read_u64(&reader);
	reject->section = bd_arena_text(arena, bd_read_sized(&reader));
	read_diag(&reject->diag, &reader);
	reject->entity_count = read_count(&reader, 2);
	entities = bd_arena_alloc(arena, reject->entity_count, sizeof(*entities));
	for (size_t i = 0; entities != NULL && i < reject->entity_count; i++) {
		entities[i] = bd_read_u16(&reader);
	}
	reject->entities = entities;
	reject->rows = read_rows(&reject->row_count, &reader, arena);
	flags = bd_read_u8(&reader);
	reject->is_message_subject = (flags & 1) != 0;
	reject->is_message_order = (flags & 2) != 0;
	reject->subject = read_identifiers(&reject->subject_count, &reader, arena);
	reject->order_kind = bd_read_u8(&reader);
	reject->order.rank = bd_read_u8(&reader);
	reject->order.order = (int64_t)bd_read_u64(&reader);
	reject->raw = bd_read_sized(&reader);
	if (reject->section == NULL || entities == NULL || reject->rows == NULL ||
		reject->subject == NULL) {
		return bd_arena_code(arena);
	}
	return reader.ok && reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_reject_unpack(
	struct bd_reject *reject, struct bd_bytes bytes, struct bd_arena *arena)
{
	struct bd_reject read;
	enum bd_code code = unpack(&read, bytes, arena);

	if (code == BD_OK) {
		*reject = read;
	}
	return code;
}

void bd_reject_write(struct bd_json_writer *w, const char *key, const struct bd_reject *reject)
{
	const struct bd_diag *diag = &reject->diag;
	const struct bd_code_info *info = bd_code_info(diag->code);

	bd_jw_object(w, key);
	bd_jw_u64(w, "index", reject->index);
	bd_jw_text(w, "section", reject->section);
	if (diag->place.line != 0) {
		bd_jw_u64(w, "line", diag->place.line);
	}
	if (diag->place.column != 0) {
		bd_jw_u64(w, "column", diag->place.column);
	}
	if (diag->place.row != 0) {
		bd_jw_u64(w, "row", diag->place.row);
	}
	bd_jw_text(w, "field", diag->field);
	bd_jw_text(w, "path", diag->path);
	bd_jw_text(w, "code", info->text);
	bd_jw_text(w, "rule", diag->rule);
	bd_jw_text(w, "detail", diag->detail);
	bd_jw_text(w, "zh", info->zh);
	bd_jw_text(w, "en", info->en);
	bd_jw_text(w, "hint_zh", info->hint_zh);
	bd_jw_text(w, "hint_en", info->hint_en);
	bd_jw_object_end(w);
}
