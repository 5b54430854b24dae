#include "config/diags.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names in configuration are at most 48 characters in our own schemas; native names run a little
 * longer. */
#define BD_NEAREST_MAX_BYTES 96

enum bd_code bd_diags_add(struct bd_diags *diags, enum bd_code code, const char *file,
	uint32_t line, uint32_t column, const char *detail, ...)
{
	if (diags->count == BD_DIAGS_MAX) {
		diags->more++;
		return code;
	}
	struct bd_diag *diag = &diags->items[diags->count++];
	memset(diag, 0, sizeof(*diag));
	diag->code = code;
	diag->place.line = line;
	diag->place.column = column;
	snprintf(diag->file, sizeof(diag->file), "%s", file);
	va_list args;
	va_start(args, detail);
	vsnprintf(diag->detail, sizeof(diag->detail), detail, args);
	va_end(args);
	return code;
}

enum bd_code bd_diags_code(const struct bd_diags *diags)
{
	return diags->count == 0 ? BD_OK : diags->items[0].code;
}

const char *bd_diags_shown(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

void bd_diag_show(char *text, size_t size, const struct bd_diag *diag)
{
	if (diag->place.line == 0) {
		snprintf(text, size, "%s: %s", diag->file, diag->detail);
	} else if (diag->place.column == 0) {
		snprintf(text, size, "%s:%u: %s", diag->file, diag->place.line, diag->detail);
	} else {
		snprintf(text, size, "%s:%u:%u: %s", diag->file, diag->place.line,
			diag->place.column, diag->detail);
	}
}

/* Optimal string alignment distance: insert, delete, replace, swap of neighbours. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][BD_NEAREST_MAX_BYTES + 1];
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);
	if (len_a > BD_NEAREST_MAX_BYTES || len_b > BD_NEAREST_MAX_BYTES) {
		return SIZE_MAX;
	}
	for (size_t j = 0; j <= len_b; j++) {
		rows[0][j] = j;
	}
	for (size_t i = 1; i <= len_a; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				size_t swap = rows[(i - 2) % 3][j - 2] + 1;
				best = swap < best ? swap : best;
			}
			row[j] = best;
		}
	}
	return rows[len_a % 3][len_b];
}

const char *bd_nearest(const char *wrong, const char *const *names, size_t name_count)
{
	size_t limit = strlen(wrong) / 3;
	size_t best = (limit < 2 ? 2 : limit) + 1;
	const char *found = NULL;
	for (size_t i = 0; i < name_count; i++) {
		size_t here = distance(wrong, names[i]);
		if (here < best && here < strlen(names[i])) {
			best = here;
			found = names[i];
		}
	}
	return found;
}
