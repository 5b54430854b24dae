#include "base/trail_id.h"

#include "base/digest.h"

/* As many hexadecimal digits of a number; gives the place behind. */
static char *put_hex(char *out, uint64_t number, size_t width)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = width; i > 0; i--) {
		out[i - 1] = digits[number & 15];
		number >>= 4;
	}
	return out + width;
}

/* Not by printf, which costs as much as all the findings' codes: every answer has one. */
void bd_trail_id_write(char out[BD_TRAIL_ID_TEXT_BYTES], const struct bd_trail_id *id)
{
	char *at = put_hex(out, id->instance, 16);

	*at++ = '-';
	at = put_hex(at, id->loop, 4);
	*at++ = '-';
	at = put_hex(at, id->segment, 8);
	*at++ = '-';
	at = put_hex(at, id->offset, 8);
	*at = '\0';
}

/* One text an id: what reads as one but is written otherwise is none. */
bool bd_trail_id_read(struct bd_trail_id *out, struct bd_bytes text)
{
	static const size_t lens[] = { 16, 4, 8, 8 };
	uint8_t parts[4][8] = { { 0 } };
	char again[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_trail_id id;
	size_t at = 0;

	if (text.len != BD_TRAIL_ID_TEXT_BYTES - 1) {
		return false;
	}
	for (size_t i = 0; i < 4; i++) {
		size_t bytes = lens[i] / 2;

		if (!bd_unhex(parts[i] + 8 - bytes, bytes,
			    (struct bd_bytes){ text.ptr + at, lens[i] })) {
			return false;
		}
		at += lens[i] + 1;
	}
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ (char *)parts, sizeof(parts) });

	id.instance = bd_read_u64(&reader);
	id.loop = (uint16_t)bd_read_u64(&reader);
	id.segment = (uint32_t)bd_read_u64(&reader);
	id.offset = (uint32_t)bd_read_u64(&reader);
	bd_trail_id_write(again, &id);
	if (!bd_bytes_is(text, again)) {
		return false;
	}
	*out = id;
	return true;
}

bool bd_trail_id_equal(const struct bd_trail_id *a, const struct bd_trail_id *b)
{
	return a->instance == b->instance && a->loop == b->loop && a->segment == b->segment &&
	       a->offset == b->offset;
}

enum bd_code bd_trail_id_pack(struct bd_buf *out, const struct bd_trail_id *id)
{
	enum bd_code code = bd_buf_reserve(out, BD_TRAIL_ID_BYTES);

	if (code == BD_OK) {
		bd_trail_id_put(out->ptr + out->len, id);
		out->len += BD_TRAIL_ID_BYTES;
	}
	return code;
}

struct bd_trail_id bd_trail_id_unpack(struct bd_reader *reader)
{
	struct bd_trail_id id;

	id.instance = bd_read_u64(reader);
	id.loop = bd_read_u16(reader);
	id.segment = bd_read_u32(reader);
	id.offset = bd_read_u32(reader);
	return id;
}
