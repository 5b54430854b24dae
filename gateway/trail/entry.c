#include "trail/entry.h"

#define VERSION 1

const char *bd_trail_kind_name(enum bd_trail_kind kind)
{
	static const char *const names[] = { [BD_TRAIL_START] = "start",
		[BD_TRAIL_CONFIG] = "config",
		[BD_TRAIL_COMPARE] = "compare",
		[BD_TRAIL_QUERY] = "query",
		[BD_TRAIL_PUSH] = "push",
		[BD_TRAIL_REFUSAL] = "refusal",
		[BD_TRAIL_REPEAT] = "repeat",
		[BD_TRAIL_OBLIGATION] = "obligation",
		[BD_TRAIL_ERASE] = "erase",
		[BD_TRAIL_RECALL] = "recall",
		[BD_TRAIL_DISPUTE] = "dispute",
		[BD_TRAIL_REPRODUCE] = "reproduce",
		[BD_TRAIL_BACKTEST] = "backtest",
		[BD_TRAIL_READ] = "read",
		[BD_TRAIL_WITNESSED] = "witnessed",
		[BD_TRAIL_LOOK_UP] = "look_up" };
	size_t number = (size_t)kind;

	return number > 0 && number < sizeof(names) / sizeof(names[0]) ? names[number] : "unknown";
}

enum bd_code bd_trail_entry_pack(struct bd_buf *out, const struct bd_trail_entry *entry)
{
	size_t before = out->len;
	enum bd_code code = bd_buf_reserve(out, BD_TRAIL_ENTRY_HEAD_BYTES + entry->payload.len);

	if (code != BD_OK) {
		return code;
	}
	/* There is room: none of these fails. */
	bd_buf_add_u8(out, VERSION);
	bd_buf_add_u8(out, (uint8_t)entry->kind);
	bd_buf_add_u64(out, entry->id.instance);
	bd_buf_add_u16(out, entry->id.loop);
	bd_buf_add_u32(out, entry->id.segment);
	bd_buf_add_u32(out, entry->id.offset);
	bd_buf_add_u64(out, entry->number);
	bd_buf_add_u64(out, (uint64_t)entry->time_ms);
	code = bd_buf_add(out, entry->payload);
	out->len = code == BD_OK ? out->len : before;
	return code;
}

bool bd_trail_entry_unpack(struct bd_trail_entry *out, struct bd_bytes body)
{
	struct bd_reader reader = bd_reader_of(body);
	struct bd_trail_entry entry;
	uint8_t version = bd_read_u8(&reader);

	entry.kind = (enum bd_trail_kind)bd_read_u8(&reader);
	entry.id.instance = bd_read_u64(&reader);
	entry.id.loop = bd_read_u16(&reader);
	entry.id.segment = bd_read_u32(&reader);
	entry.id.offset = bd_read_u32(&reader);
	entry.number = bd_read_u64(&reader);
	entry.time_ms = (int64_t)bd_read_u64(&reader);
	entry.payload = reader.rest;
	if (!reader.ok || version != VERSION || entry.kind == 0) {
		return false;
	}
	*out = entry;
	return true;
}
