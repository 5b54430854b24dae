/* fuzz_receipt.c - any bytes as the payload of an entry: what is taken is the same when it is
 * packed and taken again.
 */
#include "trail/event.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

/* Packed twice over: the order of members is ours from the first time on. */
static void receipt(struct bd_bytes input, struct bd_arena *arena)
{
	struct bd_trail_receipt first, second;
	struct bd_buf a, b;

	bd_buf_init(&a, 1 << 22);
	bd_buf_init(&b, 1 << 22);
	if (bd_trail_receipt_unpack(&first, input, arena) == BD_OK) {
		must(bd_trail_receipt_pack(&a, &first) == BD_OK);
		must(bd_trail_receipt_unpack(&second, bd_buf_bytes(&a), arena) == BD_OK);
		must(second.element_count == first.element_count);
		must(bd_trail_receipt_pack(&b, &second) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&a), bd_buf_bytes(&b)));
	}
	bd_buf_release(&a);
	bd_buf_release(&b);
}

static void event(struct bd_bytes input, struct bd_arena *arena)
{
	struct bd_trail_event first, second;
	struct bd_buf a, b;

	bd_buf_init(&a, 1 << 22);
	bd_buf_init(&b, 1 << 22);
	if (bd_trail_event_unpack(&first, input, arena) == BD_OK) {
		must(bd_trail_event_pack(&a, &first) == BD_OK);
		must(bd_trail_event_unpack(&second, bd_buf_bytes(&a), arena) == BD_OK);
		must(bd_trail_event_pack(&b, &second) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&a), bd_buf_bytes(&b)));
	}
	bd_buf_release(&a);
	bd_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bd_bytes input = { (const char *)bytes, len };
	struct bd_arena arena;
	struct bd_buf json;

	bd_arena_init(&arena, 1 << 24);
	bd_buf_init(&json, 1 << 24);
	receipt(input, &arena);
	event(input, &arena);
	for (int kind = BD_TRAIL_START; kind <= BD_TRAIL_WITNESSED + 1; kind++) {
		const struct bd_trail_entry entry = { .kind = (enum bd_trail_kind)kind,
			.payload = input };

		bd_buf_clear(&json);
		bd_trail_entry_write(&json, &entry, &arena);
		bd_trail_entry_client(&entry);
	}
	bd_buf_release(&json);
	bd_arena_release(&arena);
	return 0;
}
