#include "base/list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool bd_list_grow(void *list, size_t *cap, size_t count, size_t first, size_t bytes)
{
	size_t more = *cap == 0 ? first : *cap * 2;
	void *items;

	if (count < *cap) {
		return true;
	}
	if (*cap > SIZE_MAX / 2 || more > SIZE_MAX / bytes) {
		return false;
	}
	/* Whatever it points to: by its bytes. */
	memcpy(&items, list, sizeof(items));
	items = realloc(items, more * bytes);
	if (items == NULL) {
		return false;
	}
	memcpy(list, &items, sizeof(items));
	*cap = more;
	return true;
}
