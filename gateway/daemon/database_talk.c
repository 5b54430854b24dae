#include "daemon/database_talk.h"

#include "base/try.h"

enum bd_code bd_database_frame_add(
	struct bd_buf *out, enum bd_database_frame type, struct bd_bytes payload)
{
	BD_TRY(bd_buf_add_u8(out, (uint8_t)type));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)payload.len));
	return bd_buf_add(out, payload);
}

bool bd_database_frame_take(
	enum bd_database_frame *type, struct bd_bytes *payload, bool *has, struct bd_bytes *bytes)
{
	struct bd_reader reader = bd_reader_of(*bytes);
	uint32_t len;

	*has = false;
	if (bytes->len < BD_DATABASE_HEAD_BYTES) {
		return true;
	}
	*type = (enum bd_database_frame)bd_read_u8(&reader);
	len = bd_read_u32(&reader);
	if (*type < BD_DATABASE_ASK || *type > BD_DATABASE_FAIL ||
		len > BD_DATABASE_FRAME_MAX_BYTES) {
		return false;
	}
	if (reader.rest.len < len) {
		return true;
	}
	*payload = bd_read_bytes(&reader, len);
	*bytes = reader.rest;
	*has = true;
	return true;
}

enum bd_code bd_database_ask_pack(struct bd_buf *out, const struct bd_database_ask *ask)
{
	const char *const texts[] = { ask->connection, ask->user, ask->password, ask->select,
		ask->consumed, ask->parameters, ask->watermark, ask->key, ask->last_watermark,
		ask->last_key };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		BD_TRY(bd_buf_add_sized(out, bd_bytes_of(texts[i])));
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)ask->column_count));
	for (size_t i = 0; i < ask->column_count; i++) {
		BD_TRY(bd_buf_add_sized(out, bd_bytes_of(ask->columns[i])));
	}
	BD_TRY(bd_buf_add_u8(out, ask->separator));
	BD_TRY(bd_buf_add_u32(out, ask->batch));
	BD_TRY(bd_buf_add_u32(out, ask->connect_s));
	return bd_buf_add_u32(out, ask->query_s);
}

bool bd_database_ask_unpack(
	struct bd_database_ask *out, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);
	const char **const texts[] = { &out->connection, &out->user, &out->password, &out->select,
		&out->consumed, &out->parameters, &out->watermark, &out->key, &out->last_watermark,
		&out->last_key };
	const char **columns;
	bool is_good = true;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && is_good; i++) {
		*texts[i] = bd_arena_text(arena, bd_read_sized(&reader));
		is_good = reader.ok && *texts[i] != NULL;
	}
	out->column_count = bd_read_u16(&reader);
	columns = bd_arena_alloc(arena, out->column_count + 1, sizeof(const char *));
	is_good = is_good && columns != NULL;
	for (size_t i = 0; i < out->column_count && is_good; i++) {
		columns[i] = bd_arena_text(arena, bd_read_sized(&reader));
		is_good = reader.ok && columns[i] != NULL;
	}
	out->columns = columns;
	out->separator = bd_read_u8(&reader);
	out->batch = bd_read_u32(&reader);
	out->connect_s = bd_read_u32(&reader);
	out->query_s = bd_read_u32(&reader);
	return is_good && reader.ok && reader.rest.len == 0;
}

enum bd_code bd_database_end_pack(struct bd_buf *out, const struct bd_database_end *end)
{
	BD_TRY(bd_buf_add_u64(out, end->rows));
	BD_TRY(bd_buf_add_u8(out, end->is_full));
	BD_TRY(bd_buf_add_sized(out, end->watermark));
	return bd_buf_add_sized(out, end->key);
}

bool bd_database_end_unpack(struct bd_database_end *out, struct bd_bytes packed)
{
	struct bd_reader reader = bd_reader_of(packed);

	out->rows = bd_read_u64(&reader);
	out->is_full = bd_read_u8(&reader) != 0;
	out->watermark = bd_read_sized(&reader);
	out->key = bd_read_sized(&reader);
	return reader.ok && reader.rest.len == 0;
}
