/* fuzz_journal.c - any bytes as a journal entry: refused, or read and written the same. */
#include "store/journal.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_journal_entry journal;
	struct bd_buf first, second;
	struct bd_arena arena;

	bd_arena_init(&arena, ARENA_BYTES);
	bd_buf_init(&first, ARENA_BYTES);
	bd_buf_init(&second, ARENA_BYTES);
	if (bd_journal_unpack(&journal, (struct bd_bytes){ (const char *)data, size }, &arena) ==
		BD_OK) {
		if (bd_journal_pack(&first, &journal) != BD_OK ||
			bd_journal_unpack(&journal, bd_buf_bytes(&first), &arena) != BD_OK ||
			bd_journal_pack(&second, &journal) != BD_OK ||
			!bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&second))) {
			abort();
		}
	}
	bd_buf_release(&first);
	bd_buf_release(&second);
	bd_arena_release(&arena);
	return 0;
}
