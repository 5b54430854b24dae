/* fuzz_spool.c - any bytes as the opened end of a spool file: refused, or with runs that stand one
 * behind the other and hold together what is counted.
 */
#include "base/limits.h"
#include "store/spool_form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_spool_file file = { .fd = -1 };
	uint64_t blocks = 0, records = 0, end = UINT64_C(1) << 34;

	bd_arena_init(&file.arena, (size_t)64 << 20);
	if (bd_spool_end_unpack(&file, (struct bd_bytes){ (const char *)data, size }, end) ==
		BD_OK) {
		for (size_t i = 0; i < file.run_count; i++) {
			const struct bd_spool_run *run = &file.runs[i];

			if (run->block != blocks || run->offset >= end || run->block_count == 0 ||
				(i > 0 && run->offset < file.runs[i - 1].offset)) {
				abort();
			}
			blocks += run->block_count;
			records += run->record_count;
		}
		if (blocks != file.block_count || records != file.record_count ||
			file.run_count > BD_SPOOL_RUNS_MAX || file.entry.len > size) {
			abort();
		}
	}
	bd_arena_release(&file.arena);
	return 0;
}
