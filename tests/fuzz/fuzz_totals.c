/* fuzz_totals.c - control totals of a day, which biduid reads by itself, and names of files against
 * patterns. */
#include "base/file_pattern.h"
#include "daemon/totals.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const patterns[] = { "{date}_E_PB_BASEINFO", "*{date}*?", "**a*b*" };
	struct bd_bytes text = { (const char *)data, size };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_totals totals;
	struct bd_arena arena;
	int32_t day;

	bd_arena_init(&arena, 16777216);
	if (bd_totals_read(&totals, text, &arena, &diag) == BD_OK) {
		for (size_t i = 0; i < totals.count; i++) {
			/* Whatever is named can be shown. */
			if (bd_totals_find(&totals, totals.items[i].name) != &totals.items[i] ||
				!bd_file_name_is_good(bd_bytes_of(totals.items[i].name))) {
				abort();
			}
		}
	}
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		bd_file_pattern_fits(&day, patterns[i], i % 2 == 0, text);
	}
	bd_arena_release(&arena);
	return 0;
}
