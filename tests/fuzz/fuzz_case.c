/* fuzz_case.c - any bytes as a kept case: refused, or read and written to bytes that read the same.
 */
#include "store/cases.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_case_record record;
	struct bd_buf first, second;
	struct bd_arena arena;

	bd_arena_init(&arena, ARENA_BYTES);
	bd_buf_init(&first, ARENA_BYTES);
	bd_buf_init(&second, ARENA_BYTES);
	if (bd_case_record_unpack(&record, (struct bd_bytes){ (const char *)data, size }, &arena) ==
		BD_OK) {
		if (bd_case_record_pack(&first, &record) != BD_OK ||
			bd_case_record_unpack(&record, bd_buf_bytes(&first), &arena) != BD_OK ||
			bd_case_record_pack(&second, &record) != BD_OK ||
			!bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&second))) {
			abort();
		}
	}
	bd_buf_release(&first);
	bd_buf_release(&second);
	bd_arena_release(&arena);
	return 0;
}
