/* arena.h - memory that lives for one message or one request.
 *
 * Layer: base. Everything allocated from an arena dies at bd_arena_clear or bd_arena_release;
 * nothing is freed singly. The arena never holds more than max bytes: past it, and when malloc
 * fails, alloc gives NULL and the caller returns BD_NO_MEMORY (bd_arena_code tells which of the two
 * it was).
 */
#ifndef BD_BASE_ARENA_H
#define BD_BASE_ARENA_H

#include "base/bytes.h"

#include <stdalign.h>

/* Private to arena.c and to what stands below, which is here as it is called everywhere. */
struct bd_arena_block {
	struct bd_arena_block *next; /* older */
	size_t used, size;           /* of data */
	alignas(max_align_t) char data[];
};

struct bd_arena {
	struct bd_arena_block *first; /* newest block */
	size_t used;                  /* bytes of its blocks, and of their heads */
	size_t max;
	enum bd_code code; /* why the last alloc gave NULL */
};

void bd_arena_init(struct bd_arena *arena, size_t max);
void bd_arena_release(struct bd_arena *arena);
/* Forgets everything, keeps the largest block for reuse: taken from the system each time, its pages
 * would be cleared anew. */
void bd_arena_clear(struct bd_arena *arena);
#define BD_ARENA_ALIGNMENT alignof(max_align_t)

/* bd_arena_take where the newest block has too little room. */
void *bd_arena_grow(struct bd_arena *arena, size_t bytes);

/* Not zeroed: for what is filled before it is read. Aligned for any type. count * size is checked.
 */
static inline void *bd_arena_take(struct bd_arena *arena, size_t count, size_t size)
{
	struct bd_arena_block *block = arena->first;
	size_t bytes, rounded;
	void *memory;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		bytes = SIZE_MAX;
	}
	/* Nothing has a place of its own, too. */
	rounded = (bytes + (bytes == 0) + BD_ARENA_ALIGNMENT - 1) & ~(BD_ARENA_ALIGNMENT - 1);
	if (block == NULL || bytes > block->size || rounded > block->size - block->used) {
		return bd_arena_grow(arena, bytes);
	}
	memory = block->data + block->used;
	block->used += rounded;
	return memory;
}

/* Zeroed. */
static inline void *bd_arena_alloc(struct bd_arena *arena, size_t count, size_t size)
{
	void *memory = bd_arena_take(arena, count, size);
	size_t bytes = count * size;

	/* What memory was given for is not more; the compiler cannot know. */
	return memory != NULL && bytes <= PTRDIFF_MAX ? memset(memory, 0, bytes) : memory;
}

/* A copy with a NUL behind it (not counted). ptr is NULL when there was no room and len was not 0.
 */
struct bd_bytes bd_arena_copy(struct bd_arena *arena, struct bd_bytes bytes);
const char *bd_arena_text(struct bd_arena *arena, struct bd_bytes bytes);
enum bd_code bd_arena_code(const struct bd_arena *arena);
/* Bytes handed out since it was cleared, with what blocks before the newest have left over. Not
 * `used`: a block that is kept counts there as a whole, empty or not. */
size_t bd_arena_given(const struct bd_arena *arena);

#endif
