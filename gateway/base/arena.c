#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8192

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

static bool add_block(struct bd_arena *arena, size_t need)
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
		return false;
	}
	block = malloc(sizeof(*block) + size);
	if (block == NULL) {
		arena->code = BD_NO_MEMORY;
		return false;
	}
	*block = (struct bd_arena_block){ .next = arena->first, .size = size };
	arena->first = block;
	arena->used += sizeof(*block) + size;
	return true;
}

void *bd_arena_grow(struct bd_arena *arena, size_t bytes)
{
	/* Also what could not be rounded up, nor have the head of a block before it. */
	if (bytes > arena->max || bytes > SIZE_MAX / 2) {
		arena->code = BD_LIMIT_BYTES;
		return NULL;
	}
	bytes = (bytes + (bytes == 0) + BD_ARENA_ALIGNMENT - 1) & ~(BD_ARENA_ALIGNMENT - 1);
	return add_block(arena, bytes) ? bd_arena_take(arena, 1, bytes) : NULL;
}

struct bd_bytes bd_arena_copy(struct bd_arena *arena, struct bd_bytes bytes)
{
	char *copy = bytes.len == SIZE_MAX ? NULL : bd_arena_take(arena, bytes.len + 1, 1);

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
