/* fuzz_database.c - any bytes as what bidui-database and biduid say to each other: the same frames
 * at any cut, each inside what came; and what is accepted says, packed again, the same.
 */
#include "daemon/database_talk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void check_end(struct bd_bytes payload)
{
	struct bd_database_end first, second;
	struct bd_buf packed;

	if (!bd_database_end_unpack(&first, payload)) {
		return;
	}
	bd_buf_init(&packed, BD_DATABASE_FRAME_MAX_BYTES);
	must(bd_database_end_pack(&packed, &first) == BD_OK &&
		bd_database_end_unpack(&second, bd_buf_bytes(&packed)));
	must(first.rows == second.rows && first.is_full == second.is_full &&
		bd_bytes_equal(first.watermark, second.watermark) &&
		bd_bytes_equal(first.key, second.key));
	bd_buf_release(&packed);
}

/* Packed twice: a text ends at its first NUL from the first time on. */
static void check_ask(struct bd_bytes payload)
{
	struct bd_database_ask first, second;
	struct bd_buf packed, again;
	struct bd_arena arena;

	bd_arena_init(&arena, 1 << 24);
	if (bd_database_ask_unpack(&first, payload, &arena)) {
		bd_buf_init(&packed, BD_DATABASE_FRAME_MAX_BYTES);
		bd_buf_init(&again, BD_DATABASE_FRAME_MAX_BYTES);
		must(bd_database_ask_pack(&packed, &first) == BD_OK &&
			bd_database_ask_unpack(&second, bd_buf_bytes(&packed), &arena) &&
			bd_database_ask_pack(&again, &second) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&packed), bd_buf_bytes(&again)));
		bd_buf_release(&packed);
		bd_buf_release(&again);
	}
	bd_arena_release(&arena);
}

static void check_payload(enum bd_database_frame type, struct bd_bytes payload)
{
	if (type == BD_DATABASE_ASK) {
		check_ask(payload);
	} else if (type == BD_DATABASE_END) {
		check_end(payload);
	}
}

/* A sum over the frames that come when the bytes arrive in steps. */
static uint64_t take_all(bool *is_good, struct bd_bytes bytes, size_t step, bool is_checked)
{
	uint64_t sum = 0;
	size_t begin = 0, end = 0;

	*is_good = true;
	while (*is_good && end < bytes.len) {
		bool has = true;

		end = bytes.len - end < step ? bytes.len : end + step;
		while (*is_good && has) {
			struct bd_bytes rest = { bytes.ptr + begin, end - begin }, payload;
			enum bd_database_frame type;

			*is_good = bd_database_frame_take(&type, &payload, &has, &rest);
			if (!*is_good || !has) {
				continue;
			}
			must(payload.len == 0 ||
				(payload.ptr >= bytes.ptr + begin &&
					payload.ptr + payload.len <= bytes.ptr + end));
			sum = sum * 31 + type + payload.len * 17 + begin;
			begin = (size_t)(rest.ptr - bytes.ptr);
			if (is_checked) {
				check_payload(type, payload);
			}
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes bytes = { (const char *)data, size };
	bool is_good, is_other_good;
	uint64_t sum = take_all(&is_good, bytes, size > 0 ? size : 1, true);

	must(sum == take_all(&is_other_good, bytes, 1, false) && is_good == is_other_good);
	check_end(bytes);
	check_ask(bytes);
	return 0;
}
