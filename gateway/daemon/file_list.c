#include "daemon/file_list.h"

#include "base/file_pattern.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct bd_listed *)a)->name, ((const struct bd_listed *)b)->name);
}

static bool take(struct bd_listed *out, const char *name, const char *pattern)
{
	struct bd_bytes bytes = bd_bytes_of(name);

	out->name = name;
	return bd_file_name_is_good(bytes) && !bd_file_name_is_passing(bytes) &&
	       bd_file_pattern_fits(&out->day, pattern, false, bytes);
}

enum bd_code bd_file_list_read(struct bd_listed *out, size_t *count, size_t max,
	struct bd_buf *listing, const char *pattern)
{
	enum bd_code code = bd_buf_add_byte(listing, '\0');
	struct bd_listed one;

	*count = 0;
	for (char *at = listing->ptr; code == BD_OK && *at != '\0';) {
		char *end = at + strcspn(at, "\r\n");
		char *next = end + strspn(end, "\r\n");

		*end = '\0';
		if (take(&one, at, pattern)) {
			code = *count < max ? BD_OK : BD_LIMIT_COUNT;
			if (code == BD_OK) {
				out[(*count)++] = one;
			}
		}
		at = next;
	}
	if (*count > 0) {
		qsort(out, *count, sizeof(*out), by_name);
	}
	return code;
}
