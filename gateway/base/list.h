/* list.h - room for one more in a list that grows by doubling.
 *
 * Layer: base. For lists that are their owner's to free; one that lives as long as a message or a
 * request is an arena's (arena.h), bytes are a buffer's (bytes.h).
 */
#ifndef BD_BASE_LIST_H
#define BD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* `list` is the address of the pointer to its first item, which is NULL while *cap is 0. Where
 * `count` items, of `bytes` each, fill it there is room for twice as many afterwards, `first` of a
 * new one. False: no memory; list and *cap are as they were. */
bool bd_list_grow(void *list, size_t *cap, size_t count, size_t first, size_t bytes);

#endif
