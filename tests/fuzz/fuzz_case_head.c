/* fuzz_case_head.c - any bytes as the head of a kept case: refused, or written to the same bytes.
 */
#include "store/case_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_case_head head;
	struct bd_buf written;

	bd_buf_init(&written, BD_CASE_HEAD_MAX_BYTES);
	if (bd_case_head_read(&head, (struct bd_bytes){ (const char *)data, size })) {
		if (bd_case_head_bytes(&head) > size ||
			bd_case_head_add(&written, &head) != BD_OK ||
			written.len != bd_case_head_bytes(&head) ||
			memcmp(written.ptr, data, written.len) != 0) {
			abort();
		}
	}
	bd_buf_release(&written);
	return 0;
}
