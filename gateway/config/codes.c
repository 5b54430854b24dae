#include "config/compiler.h"
#include "config/file.h"

#include <stdlib.h>
#include <string.h>

/* A tuple of local values stands in one column joined by '+'; in memory it is joined by U+001F. */
#define TUPLE_IN_FILE '+'
#define TUPLE_IN_MEMORY '\x1f'

static int by_from(const void *a, const void *b)
{
	return strcmp(((const struct bd_code_map_entry *)a)->from,
		((const struct bd_code_map_entry *)b)->from);
}

static const char *copy_part(struct bd_compiler *compiler, const char *text, size_t len)
{
	char *copy = bd_compiler_make(compiler, len + 1, 1);
	if (copy != NULL) {
		memcpy(copy, text, len);
	}
	return copy == NULL ? "" : copy;
}

/* One line: local value, tab, common name, then anything as a note. */
static bool read_line(struct bd_compiler *compiler, struct bd_code_map_entry *entry,
	const char *line, size_t len, const char *shown, uint32_t number)
{
	const char *tab = memchr(line, '\t', len);
	size_t from = tab == NULL ? 0 : (size_t)(tab - line);
	if (from == 0) {
		bd_diags_add(compiler->diags, BD_CONFIG_SYNTAX, shown, number, 1,
			"expected: local value, tab, common code");
		return false;
	}
	const char *to = tab + 1;
	const char *end = memchr(to, '\t', len - from - 1);
	size_t to_len = end == NULL ? len - from - 1 : (size_t)(end - to);
	if (to_len == 0) {
		bd_diags_add(compiler->diags, BD_CONFIG_SYNTAX, shown, number, (uint32_t)from + 2,
			"the common code is empty");
		return false;
	}
	char *local = (char *)copy_part(compiler, line, from);
	for (size_t i = 0; i < from && !compiler->is_out_of_memory; i++) {
		local[i] = local[i] == TUPLE_IN_FILE ? TUPLE_IN_MEMORY : local[i];
	}
	entry->from = local;
	entry->to = copy_part(compiler, to, to_len);
	return true;
}

static void read_map(struct bd_compiler *compiler, struct bd_code_map *map, const char *file)
{
	const char *shown = bd_compiler_join(compiler, "codes", file);
	struct bd_bytes text;
	enum bd_code code = bd_file_read(
		&text, bd_compiler_join(compiler, compiler->folder, shown), compiler->arena);
	map->name = copy_part(compiler, file, strlen(file) - strlen(".tsv"));
	if (code != BD_OK) {
		bd_diags_add(compiler->diags, code, shown, 0, 0, "the file cannot be read");
		return;
	}
	size_t lines = 1;
	for (size_t i = 0; i < text.len; i++) {
		lines += text.ptr[i] == '\n';
	}
	struct bd_code_map_entry *entries = bd_compiler_make(compiler, lines, sizeof(*entries));
	uint32_t number = 0;
	const char *line = text.ptr;
	for (size_t rest = text.len; entries != NULL && rest > 0;) {
		const char *end = memchr(line, '\n', rest);
		size_t len = end == NULL ? rest : (size_t)(end - line);
		size_t used = len + (end != NULL);
		number++;
		if (len > 0 && line[0] != '#' &&
			read_line(compiler, &entries[map->entry_count], line, len, shown, number)) {
			map->entry_count++;
		}
		line += used;
		rest -= used;
	}
	if (entries == NULL || compiler->is_out_of_memory) {
		return;
	}
	qsort(entries, map->entry_count, sizeof(*entries), by_from);
	map->entries = entries;
	for (size_t i = 1; i < map->entry_count; i++) {
		if (strcmp(entries[i - 1].from, entries[i].from) == 0) {
			bd_diags_add(compiler->diags, BD_CONFIG_MEANING, shown, 0, 0,
				"the local value '%s' stands twice", entries[i].from);
		}
	}
}

void bd_compiler_codes(struct bd_compiler *compiler)
{
	const char *const *files = NULL;
	size_t count = 0;
	const char *folder = bd_compiler_join(compiler, compiler->folder, "codes");
	enum bd_code code = bd_file_list(&files, &count, folder, ".tsv", compiler->arena);
	struct bd_code_map *maps = bd_compiler_make(compiler, count, sizeof(*maps));
	if (code != BD_OK) {
		bd_diags_add(compiler->diags, code, "codes", 0, 0, "the folder cannot be read");
		return;
	}
	for (size_t i = 0; maps != NULL && i < count; i++) {
		read_map(compiler, &maps[i], files[i]);
	}
	compiler->maps = maps;
	compiler->map_count = maps == NULL ? 0 : count;
}

const struct bd_code_map *bd_compiler_map(
	struct bd_compiler *compiler, const struct bd_xml_node *node, const char *attribute)
{
	const char *name = bd_xml_attr(node, attribute);
	if (name == NULL) {
		return NULL;
	}
	const char **names = bd_compiler_make(compiler, compiler->map_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < compiler->map_count; i++) {
		names[i] = compiler->maps[i].name;
		if (strcmp(names[i], name) == 0) {
			return &compiler->maps[i];
		}
	}
	bd_compiler_unknown(
		compiler, node, attribute, "code map", name, names, compiler->map_count);
	return NULL;
}

void bd_compiler_check_map(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const struct bd_code_map *map, const struct bd_field *field)
{
	size_t count = field == NULL ? compiler->dict->id_kind_count : field->code_count;
	if (field != NULL && field->type != BD_TYPE_CODE) {
		return;
	}
	const char *attribute = bd_xml_attr(node, "map") == NULL ? "value" : "map";
	const char **names = bd_compiler_make(compiler, count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < count; i++) {
		names[i] = field == NULL ? compiler->dict->id_kinds[i].name : field->codes[i].name;
	}
	for (size_t e = 0; names != NULL && e < map->entry_count; e++) {
		size_t i = 0;
		while (i < count && strcmp(names[i], map->entries[e].to) != 0) {
			i++;
		}
		if (i == count) {
			bd_compiler_unknown(compiler, node, attribute,
				field == NULL ? "identifier kind" : "code of this field",
				map->entries[e].to, names, count);
		}
	}
}
