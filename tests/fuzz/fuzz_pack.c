/* fuzz_pack.c - any bytes as a packed record or reject: damaged, or something that is packed again
 * into bytes that give the same.
 *
 * The first byte of an input says which of the two.
 */
#include "record/pack.h"
#include "record/reject.h"

#include <stdlib.h>

#define ARENA_MAX_BYTES ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bd_code repack(struct bd_buf *out, struct bd_bytes bytes, bool is_record)
{
	struct bd_record record;
	struct bd_reject reject;
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	code = is_record ? bd_record_unpack(&record, bytes, &arena)
			 : bd_reject_unpack(&reject, bytes, &arena);
	if (code == BD_OK && (is_record ? bd_record_pack(out, &record)
					: bd_reject_pack(out, &reject)) != BD_OK) {
		abort();
	}
	bd_arena_release(&arena);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_buf first, second;
	bool is_record;
	enum bd_code code;

	if (size == 0) {
		return 0;
	}
	is_record = data[0] == 'r';
	bd_buf_init(&first, ARENA_MAX_BYTES);
	bd_buf_init(&second, ARENA_MAX_BYTES);
	code = repack(&first, (struct bd_bytes){ (const char *)data + 1, size - 1 }, is_record);
	if (code == BD_OK) {
		if (repack(&second, bd_buf_bytes(&first), is_record) != BD_OK ||
			!bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&second))) {
			abort();
		}
	} else if (code != BD_STORE_DAMAGED && code != BD_LIMIT_BYTES) {
		abort();
	}
	bd_buf_release(&first);
	bd_buf_release(&second);
	return 0;
}
