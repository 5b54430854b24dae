#include "daemon/totals.h"

#include "base/file_pattern.h"

#include <stdlib.h>
#include <string.h>

/* A number that no file reaches: 18 digits always fit. */
#define ROWS_MAX_DIGITS 18

static enum bd_code fail(struct bd_diag *diag, uint32_t line, const char *detail)
{
	return bd_fail_at(diag, BD_FOLDER_TOTALS, (struct bd_place){ .line = line }, "%s", detail);
}

static bool is_separator(char byte)
{
	return byte == '\t' || byte == ',' || byte == '\x01';
}

/* Up to the next separator, which is taken, or the end. */
static struct bd_bytes take_cell(struct bd_bytes *rest, bool *has_more)
{
	struct bd_bytes cell = { rest->ptr, 0 };

	while (cell.len < rest->len && !is_separator(rest->ptr[cell.len])) {
		cell.len++;
	}
	*has_more = cell.len < rest->len;
	rest->ptr += cell.len + *has_more;
	rest->len -= cell.len + *has_more;
	return cell;
}

static struct bd_bytes take_line(struct bd_bytes *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct bd_bytes line = { rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len };

	rest->ptr += line.len + (end != NULL);
	rest->len -= line.len + (end != NULL);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
		line.len--;
	}
	return line;
}

static bool read_rows(uint64_t *rows, struct bd_bytes cell)
{
	uint64_t value = 0;

	if (cell.len == 0 || cell.len > ROWS_MAX_DIGITS) {
		return false;
	}
	for (size_t i = 0; i < cell.len; i++) {
		if (cell.ptr[i] < '0' || cell.ptr[i] > '9') {
			return false;
		}
		value = value * 10 + (uint64_t)(cell.ptr[i] - '0');
	}
	*rows = value;
	return true;
}

static enum bd_code read_line(struct bd_total *total, struct bd_bytes line, uint32_t number,
	struct bd_arena *arena, struct bd_diag *diag)
{
	bool has_rows, has_mark, has_more = false;
	struct bd_bytes name = take_cell(&line, &has_rows);
	struct bd_bytes rows = take_cell(&line, &has_mark);
	struct bd_bytes mark = { "", 0 };

	if (!bd_file_name_is_good(name)) {
		return fail(diag, number, "no file name");
	}
	if (!has_rows || !read_rows(&total->rows, rows)) {
		return fail(diag, number, "no number of rows");
	}
	if (has_mark) {
		mark = take_cell(&line, &has_more);
	}
	if (has_more || (has_mark && mark.len > 0 && !bd_bytes_is(mark, "full"))) {
		return fail(diag, number, "behind the rows only full may stand");
	}
	total->is_full = mark.len > 0;
	total->name = bd_arena_text(arena, name);
	return total->name != NULL ? BD_OK : bd_fail(diag, BD_NO_MEMORY, "%s", "");
}

static bool says_something(struct bd_bytes line)
{
	return line.len > 0 && line.ptr[0] != '#';
}

static size_t count_lines(struct bd_bytes text)
{
	size_t count = 0;

	while (text.len > 0) {
		count += says_something(take_line(&text));
	}
	return count;
}

static int by_name(const void *a, const void *b)
{
	const struct bd_total *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static enum bd_code check_names(
	const struct bd_totals *totals, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_total **sorted =
		bd_arena_alloc(arena, totals->count, sizeof(const struct bd_total *));

	if (sorted == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < totals->count; i++) {
		sorted[i] = &totals->items[i];
	}
	qsort(sorted, totals->count, sizeof(const struct bd_total *), by_name);
	for (size_t i = 1; i < totals->count; i++) {
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
			return fail(diag, 0, "a file stands twice");
		}
	}
	return BD_OK;
}

enum bd_code bd_totals_read(
	struct bd_totals *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct bd_totals totals = { .items = NULL };
	enum bd_code code = BD_OK;
	uint32_t number = 0;
	size_t count;

	if (text.len >= 3 && memcmp(text.ptr, mark, 3) == 0) {
		text.ptr += 3;
		text.len -= 3;
	}
	count = count_lines(text);
	if (count == 0) {
		return fail(diag, 0, "names no file");
	}
	totals.items = bd_arena_alloc(arena, count, sizeof(*totals.items));
	if (totals.items == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	memset(totals.items, 0, count * sizeof(*totals.items));
	while (code == BD_OK && text.len > 0) {
		struct bd_bytes line = take_line(&text);

		number++;
		if (says_something(line)) {
			code = read_line(&totals.items[totals.count++], line, number, arena, diag);
		}
	}
	code = code == BD_OK ? check_names(&totals, arena, diag) : code;
	if (code == BD_OK) {
		*out = totals;
	}
	return code;
}

struct bd_total *bd_totals_find(const struct bd_totals *totals, const char *name)
{
	for (size_t i = 0; i < totals->count; i++) {
		if (strcmp(totals->items[i].name, name) == 0) {
			return &totals->items[i];
		}
	}
	return NULL;
}

size_t bd_totals_count(const struct bd_totals *totals, enum bd_total_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < totals->count; i++) {
		count += totals->items[i].state == state;
	}
	return count;
}
