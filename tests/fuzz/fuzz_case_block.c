/* fuzz_case_block.c - any bytes as a row of the index of cases, name and value: read as a block or
 * as what a run is, or refused; searched without a step outside. */
#include "store/case_run.h"

#include <stdlib.h>

#define NAME_BYTES (4 + BD_CASE_ITEM_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(const struct bd_case_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_case_item_search(items, count, &items[i], false) > count ||
			bd_case_item_search(items, count, &items[i], true) > count) {
			abort();
		}
		bd_case_item_place(&items[i]);
		bd_case_item_receipt(&items[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t name_len = size > 0 ? (size_t)data[0] % (NAME_BYTES + 1) : 0;
	struct bd_bytes name, value;
	const struct bd_case_item *items;
	struct bd_case_run run;
	struct bd_buf packed;
	size_t count;

	if (size < 1 + name_len) {
		return 0;
	}
	name = (struct bd_bytes){ (const char *)data + 1, name_len };
	value = (struct bd_bytes){ name.ptr + name_len, size - 1 - name_len };
	if (bd_case_block_read(&items, &count, name, value, 0)) {
		search(items, count);
	}
	bd_buf_init(&packed, 256);
	if (bd_case_run_unpack(&run, name, value) &&
		(bd_case_run_pack(&packed, &run) != BD_OK ||
			!bd_bytes_equal(bd_buf_bytes(&packed), value))) {
		abort();
	}
	bd_buf_release(&packed);
	return 0;
}
