#include "config/lines.h"

#include "config/file.h"

#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r"

static uint32_t column_at(const char *line, const char *at)
{
	uint32_t column = 1;
	for (; line < at; line++) {
		column += ((unsigned char)*line & 0xC0) != 0x80;
	}
	return column;
}

/* Ends the text before the blanks at its end. */
static char *trim(char *text)
{
	text += strspn(text, BLANKS);
	size_t len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL) {
		len--;
	}
	text[len] = '\0';
	return text;
}

/* False when the line says nothing or is wrong. */
static bool read_line(struct bd_line *out, char *line, struct bd_diags *diags)
{
	char *text = trim(line);
	size_t len = strlen(text);
	if (len == 0 || text[0] == '#') {
		return false;
	}
	out->key_column = column_at(line, text);
	if (text[0] == '[' && text[len - 1] == ']' && len > 2) {
		text[len - 1] = '\0';
		out->section = trim(text + 1);
		return true;
	}
	char *equals = strchr(text, '=');
	if (equals == NULL || equals == text) {
		bd_diags_add(diags, BD_CONFIG_SYNTAX, out->shown, out->number, out->key_column,
			"expected: key = value");
		return false;
	}
	char *value = equals + 1 + strspn(equals + 1, BLANKS);
	out->value_column = column_at(line, value);
	*equals = '\0';
	out->key = trim(text);
	out->value = trim(value);
	return true;
}

enum bd_code bd_lines_read(const struct bd_line **out, size_t *out_count, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	const char *shown = bd_arena_text(arena, bd_bytes_of(bd_diags_shown(path)));
	struct bd_bytes text = { 0 };
	enum bd_code code = shown == NULL ? BD_NO_MEMORY : bd_file_read(&text, path, arena);
	if (code != BD_OK) {
		return bd_diags_add(
			diags, code, shown == NULL ? "" : shown, 0, 0, "the file cannot be read");
	}
	size_t max = 1;
	for (size_t i = 0; i < text.len; i++) {
		max += text.ptr[i] == '\n';
	}
	struct bd_line *lines = bd_arena_alloc(arena, max, sizeof(*lines));
	char *copy = bd_arena_alloc(arena, text.len + 1, 1);
	if (lines == NULL || copy == NULL) {
		return bd_diags_add(diags, BD_NO_MEMORY, shown, 0, 0, "no room");
	}
	memcpy(copy, text.ptr, text.len);
	size_t count = 0;
	char *end = copy;
	for (uint32_t number = 1; number <= max; number++) {
		char *line = end;
		size_t len = strcspn(line, "\n");
		end = line + len + (line[len] != '\0');
		line[len] = '\0';
		lines[count] = (struct bd_line){ .shown = shown, .number = number };
		count += read_line(&lines[count], line, diags);
	}
	*out = lines;
	*out_count = count;
	return BD_OK;
}

const char *bd_lines_resolve(const char *value, const char *path, struct bd_arena *arena)
{
	const char *slash = strrchr(path, '/');
	if (value[0] == '/' || slash == NULL) {
		return bd_arena_text(arena, bd_bytes_of(value));
	}
	size_t folder = (size_t)(slash - path + 1);
	size_t size = folder + strlen(value) + 1;
	char *full = bd_arena_alloc(arena, size, 1);
	if (full != NULL) {
		snprintf(full, size, "%.*s%s", (int)folder, path, value);
	}
	return full;
}
