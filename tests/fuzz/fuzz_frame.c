/* fuzz_frame.c - any bytes as what one side says to the other over the socketpair: the same frames
 * at any cut, each inside what came; and a payload that is accepted says, packed again, the same.
 */
#include "base/limits.h"
#include "daemon/frame.h"
#include "record/pack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void check_begin(struct bd_bytes payload, struct bd_arena *arena)
{
	struct bd_frame_begin first, second;
	struct bd_buf packed, again;
	if (bd_frame_begin_unpack(&first, payload, arena) != BD_OK) {
		return;
	}
	bd_buf_init(&packed, BD_FRAME_MAX_BYTES);
	bd_buf_init(&again, BD_FRAME_MAX_BYTES);
	CHECK(bd_frame_begin_pack(&packed, &first) == BD_OK);
	CHECK(bd_frame_begin_unpack(&second, bd_buf_bytes(&packed), arena) == BD_OK);
	CHECK(bd_frame_begin_pack(&again, &second) == BD_OK);
	CHECK(bd_bytes_equal(bd_buf_bytes(&packed), bd_buf_bytes(&again)));
	bd_buf_release(&packed);
	bd_buf_release(&again);
}

static void check_result(struct bd_bytes payload, struct bd_arena *arena)
{
	struct bd_intake_result first, second;
	struct bd_buf packed, again;
	if (bd_frame_result_unpack(&first, payload, arena) != BD_OK) {
		return;
	}
	bd_buf_init(&packed, BD_FRAME_MAX_BYTES);
	bd_buf_init(&again, BD_FRAME_MAX_BYTES);
	CHECK(bd_frame_result_pack(&packed, &first) == BD_OK);
	CHECK(bd_frame_result_unpack(&second, bd_buf_bytes(&packed), arena) == BD_OK);
	CHECK(bd_frame_result_pack(&again, &second) == BD_OK);
	CHECK(bd_bytes_equal(bd_buf_bytes(&packed), bd_buf_bytes(&again)));
	bd_buf_release(&packed);
	bd_buf_release(&again);
}

static void check_opened(struct bd_bytes payload)
{
	struct bd_bytes opened;
	struct bd_buf again;
	enum bd_code code;
	if (bd_frame_opened_unpack(&code, &opened, payload) != BD_OK) {
		return;
	}
	bd_buf_init(&again, BD_FRAME_MAX_BYTES);
	CHECK(bd_frame_opened_pack(&again, code, opened) == BD_OK);
	CHECK(bd_bytes_equal(bd_buf_bytes(&again), payload));
	bd_buf_release(&again);
}

static void check_records(struct bd_bytes payload, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(payload);
	while (reader.ok && reader.rest.len > 0) {
		struct bd_record record;
		bd_record_unpack(&record, bd_read_sized(&reader), arena);
	}
}

static void check_payload(const struct bd_frame *frame)
{
	struct bd_reject reject;
	struct bd_arena arena;
	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	switch (frame->type) {
	case BD_FRAME_OPENED:
		check_opened(frame->payload);
		break;
	case BD_FRAME_OPEN: /* fuzz_sealed.c */
		break;
	case BD_FRAME_BEGIN:
		check_begin(frame->payload, &arena);
		break;
	case BD_FRAME_RECORDS:
		check_records(frame->payload, &arena);
		break;
	case BD_FRAME_REJECT:
	case BD_FRAME_FAIL:
		bd_reject_unpack(&reject, frame->payload, &arena);
		break;
	case BD_FRAME_RESULT:
		check_result(frame->payload, &arena);
		break;
	case BD_FRAME_DATA:
	case BD_FRAME_END:
	case BD_FRAME_READY:
	case BD_FRAME_CREDIT:
		break;
	}
	bd_arena_release(&arena);
}

/* A sum over the frames that come when the bytes arrive in steps. */
static uint64_t take_all(enum bd_code *code, struct bd_bytes bytes, size_t step, bool is_checked)
{
	uint64_t sum = 0;
	size_t begin = 0, end = 0;
	*code = BD_OK;
	while (*code == BD_OK && end < bytes.len) {
		bool has = true;
		end = bytes.len - end < step ? bytes.len : end + step;
		while (*code == BD_OK && has) {
			struct bd_bytes rest = { bytes.ptr + begin, end - begin };
			struct bd_frame frame;
			*code = bd_frame_take(&frame, &has, &rest);
			if (*code != BD_OK || !has) {
				continue;
			}
			CHECK(frame.payload.len == 0 ||
				(frame.payload.ptr >= bytes.ptr + begin &&
					frame.payload.ptr + frame.payload.len <= bytes.ptr + end));
			sum = sum * 31 + frame.type + frame.payload.len * 17 + begin;
			begin = (size_t)(rest.ptr - bytes.ptr);
			if (is_checked) {
				check_payload(&frame);
			}
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct bd_bytes bytes = { (const char *)input, len };
	enum bd_code code, other;
	uint64_t sum = take_all(&code, bytes, len > 0 ? len : 1, true);
	uint64_t other_sum = take_all(&other, bytes, 1, false);
	CHECK(code == other && sum == other_sum);
	return 0;
}
