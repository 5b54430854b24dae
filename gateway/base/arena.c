#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8192

struct bd_arena_block {
	struct bd_arena_block *next; /* older */
	size_t used, size;           /* of data */
	alignas(max_align_t) char data[];
};

void bd_arena_init(struct bd_arena *arena, size_t max)
{
	*arena = (struct bd_arena){ .max = max, .code = BD_OK };
}

static void free_blocks(struct bd_arena_block *block)
{
	while (block != NULL) {
		struct bd_arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void bd_arena_release(struct bd_arena *arena)
{
	free_blocks(arena->first);
	bd_arena_init(arena, arena->max);
}

void bd_arena_clear(struct bd_arena *arena)
{
	struct bd_arena_block *kept = arena->first, *next;

	arena->code = BD_OK;
	if (kept == NULL) {
		return;
	}
	for (struct bd_arena_block *block = kept->next; block != NULL; block = next) {
		struct bd_arena_block *smaller = block->size > kept->size ? kept : block;

		next = block->next;
		kept = block->size > kept->size ? block : kept;
		free(smaller);
	}
	kept->next = NULL;
	kept->used = 0;
	arena->first = kept;
	arena->used = sizeof(*kept) + kept->size;
}

static struct bd_arena_block *grow(struct bd_arena *arena, size_t need)
{
	size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
	struct bd_arena_block *block;

	/* Blocks double while the arena is small beside its maximum: fewer of them. */
	if (arena->first != NULL && size < arena->first->size * 2 &&
		arena->first->size <= BLOCK_BYTES * 64) {
		size = arena->first->size * 2;
	}
	if (arena->used > arena->max || size + sizeof(*block) > arena->max - arena->used) {
		size = need;
	}
	if (arena->used > arena->max || size + sizeof(*block) > arena->max - arena->used) {
		arena->code = BD_LIMIT_BYTES;
		return NULL;
	}
	block = malloc(sizeof(*block) + size);
	if (block == NULL) {
		arena->code = BD_NO_MEMORY;
		return NULL;
	}
	*block = (struct bd_arena_block){ .next = arena->first, .size = size };
	arena->first = block;
	arena->used += sizeof(*block) + size;
	return block;
}

/* Not zeroed; aligned. */
static void *take(struct bd_arena *arena, size_t need)
{
	struct bd_arena_block *block = arena->first;
	void *memory;

	/* Also what could not be rounded up, nor have the head of a block before it. */
	if (need > arena->max || need > SIZE_MAX / 2) {
		arena->code = BD_LIMIT_BYTES;
		return NULL;
	}
	need = (need + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (block == NULL || block->size - block->used < need) {
		block = grow(arena, need);
		if (block == NULL) {
			return NULL;
		}
	}
	memory = block->data + block->used;
	block->used += need;
	return memory;
}

void *bd_arena_take(struct bd_arena *arena, size_t count, size_t size)
{
	size_t need;

	if (__builtin_mul_overflow(count, size, &need)) {
		arena->code = BD_LIMIT_BYTES;
		return NULL;
	}
	return take(arena, need == 0 ? 1 : need);
}

void *bd_arena_alloc(struct bd_arena *arena, size_t count, size_t size)
{
	void *memory = bd_arena_take(arena, count, size);

	if (memory != NULL) {
		memset(memory, 0, count * size);
	}
	return memory;
}

struct bd_bytes bd_arena_copy(struct bd_arena *arena, struct bd_bytes bytes)
{
	char *copy = bytes.len == SIZE_MAX ? NULL : take(arena, bytes.len + 1);

	if (copy == NULL) {
		return (struct bd_bytes){ NULL, 0 };
	}
	if (bytes.len != 0) {
		memcpy(copy, bytes.ptr, bytes.len);
	}
	copy[bytes.len] = '\0';
	return (struct bd_bytes){ copy, bytes.len };
}

const char *bd_arena_text(struct bd_arena *arena, struct bd_bytes bytes)
{
	return bd_arena_copy(arena, bytes).ptr;
}

enum bd_code bd_arena_code(const struct bd_arena *arena)
{
	return arena->code;
}

size_t bd_arena_given(const struct bd_arena *arena)
{
	const struct bd_arena_block *first = arena->first;

	return first == NULL ? 0 : arena->used - sizeof(*first) - (first->size - first->used);
}
