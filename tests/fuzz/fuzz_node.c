/* fuzz_node.c - any bytes as a node: refused, or read and written to bytes that read the same. */
#include "store/node.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes every row anew, not as it was read. */
static void pack(struct bd_buf *out, struct bd_node *node)
{
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		row->is_touched = true;
	}
	if (bd_node_pack(out, node) != BD_OK) {
		abort();
	}
}

static void look(struct bd_node *node)
{
	const struct bd_node_mark mark = { { "s", 1 }, { "t", 1 }, { 1, 5 }, 3 };
	const struct bd_node_marks marks = { &mark, 1 };
	struct bd_buf content;

	if (bd_node_settle(node, &marks) != BD_OK || node->identifier_count == 0) {
		abort();
	}
	bd_buf_init(&content, ARENA_BYTES);
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		bd_buf_clear(&content);
		if (bd_node_row_content(&content, row, (struct bd_bytes){ "key", 3 }) != BD_OK) {
			abort();
		}
		bd_node_is_blocked(node, row->source, row->entity);
	}
	bd_buf_release(&content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_buf first, second;
	struct bd_arena arena;
	struct bd_node node;

	bd_arena_init(&arena, ARENA_BYTES);
	bd_buf_init(&first, ARENA_BYTES);
	bd_buf_init(&second, ARENA_BYTES);
	if (bd_node_unpack(&node, (struct bd_bytes){ (const char *)data, size }, &arena) == BD_OK) {
		look(&node);
		pack(&first, &node);
		if (bd_node_unpack(&node, bd_buf_bytes(&first), &arena) != BD_OK) {
			abort();
		}
		pack(&second, &node);
		if (!bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&second))) {
			abort();
		}
	}
	bd_buf_release(&first);
	bd_buf_release(&second);
	bd_arena_release(&arena);
	return 0;
}
