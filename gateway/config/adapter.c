#include "config/adapter.h"

#include "config/compiler.h"
#include "config/file.h"

#include <stdio.h>
#include <string.h>

void *bd_compiler_make(struct bd_compiler *compiler, size_t count, size_t size)
{
	void *made = bd_arena_alloc(compiler->arena, count == 0 ? 1 : count, size);
	compiler->is_out_of_memory |= made == NULL;
	return made;
}

const char *bd_compiler_join(struct bd_compiler *compiler, const char *a, const char *b)
{
	if (a == NULL || a[0] == '\0') {
		return b;
	}
	if (b == NULL || b[0] == '\0') {
		return a;
	}
	size_t size = strlen(a) + strlen(b) + 2;
	char *joined = bd_compiler_make(compiler, size, 1);
	if (joined == NULL) {
		return "";
	}
	snprintf(joined, size, "%s/%s", a, b);
	return joined;
}

const char *const *bd_compiler_split(
	struct bd_compiler *compiler, const char *text, char separator, size_t *count)
{
	const char separators[] = { separator, '\0' };
	const char *ends = separator == ' ' ? " \t\r\n" : separators;
	size_t parts = 1;
	for (const char *at = text; *at != '\0'; at++) {
		parts += strchr(ends, *at) != NULL;
	}
	const char **out = bd_compiler_make(compiler, parts, sizeof(*out));
	*count = 0;
	for (size_t i = 0; out != NULL && i < parts; i++) {
		size_t len = strcspn(text, ends);
		if (len > 0 || separator != ' ') {
			out[*count] =
				bd_arena_text(compiler->arena, (struct bd_bytes){ text, len });
			compiler->is_out_of_memory |= out[*count] == NULL;
			(*count)++;
		}
		text += len + (text[len] != '\0');
	}
	if (compiler->is_out_of_memory) {
		*count = 0;
		return NULL;
	}
	return out;
}

void bd_compiler_unknown(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const char *what, const char *name, const char *const *names,
	size_t name_count)
{
	const char *near = names == NULL ? NULL : bd_nearest(name, names, name_count);
	if (near == NULL) {
		bd_xml_fail(compiler->diags, BD_CONFIG_REFERENCE, node, attribute, "no %s '%s'",
			what, name);
	} else {
		bd_xml_fail(compiler->diags, BD_CONFIG_REFERENCE, node, attribute,
			"no %s '%s'; did you mean '%s'?", what, name, near);
	}
}

static void check_feeds(
	struct bd_compiler *compiler, const struct bd_plan *plan, const char *const *files)
{
	for (size_t i = 0; i < plan->feed_count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct bd_feed_plan *a = &plan->feeds[j];
			const struct bd_feed_plan *b = &plan->feeds[i];
			if (a->name == NULL || b->name == NULL) {
				continue;
			}
			if (a->number == b->number || strcmp(a->name, b->name) == 0) {
				bd_diags_add(compiler->diags, BD_CONFIG_MEANING,
					bd_compiler_join(compiler, "feeds", files[i]), 1, 1,
					"same number or name as feeds/%s", files[j]);
			}
		}
	}
}

static void make_feeds(struct bd_compiler *compiler, struct bd_plan *plan)
{
	const char *const *files = NULL;
	size_t count = 0;
	const char *folder = bd_compiler_join(compiler, compiler->folder, "feeds");
	enum bd_code code = bd_file_list(&files, &count, folder, ".xml", compiler->arena);
	if (code != BD_OK || count == 0) {
		bd_diags_add(compiler->diags, code == BD_OK ? BD_CONFIG_MEANING : code, "feeds", 0,
			0, "an adapter has at least one feed in feeds/");
		return;
	}
	struct bd_feed_plan *feeds = bd_compiler_make(compiler, count, sizeof(*feeds));
	for (size_t i = 0; feeds != NULL && i < count; i++) {
		bd_compiler_feed(compiler, &feeds[i], files[i]);
	}
	plan->feeds = feeds;
	plan->feed_count = feeds == NULL ? 0 : count;
	check_feeds(compiler, plan, files);
}

enum bd_code bd_config_adapter(const struct bd_plan **out, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_compiler compiler = {
		.folder = folder, .schemas = schemas, .dict = dict, .arena = arena, .diags = diags
	};
	const struct bd_xml_node *root = NULL;
	enum bd_code code = bd_xml_read(&root, bd_compiler_join(&compiler, folder, "adapter.xml"),
		"adapter.xml", bd_compiler_join(&compiler, schemas, "adapter.xsd"), arena, diags);
	if (compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, "adapter.xml", 0, 0, "no room");
	}
	if (code != BD_OK) {
		return code;
	}
	const char *name = bd_diags_shown(folder);
	compiler.source = bd_xml_attr(root, "source");
	if (strcmp(compiler.source, name) != 0) {
		bd_xml_fail(diags, BD_CONFIG_MEANING, root, "source",
			"the folder of source '%s' has another name", compiler.source);
	}
	struct bd_plan *plan = bd_compiler_make(&compiler, 1, sizeof(*plan));
	if (plan != NULL) {
		bd_compiler_codes(&compiler);
		compiler.catalogue = bd_compiler_catalogue(&compiler, root);
		*plan = (struct bd_plan){ .source = compiler.source,
			.label_zh = bd_xml_attr(root, "zh"),
			.label_en = bd_xml_attr(root, "en"),
			.version = bd_xml_attr(root, "version"),
			.maps = compiler.maps,
			.map_count = compiler.map_count };
		make_feeds(&compiler, plan);
	}
	if (compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, "adapter.xml", 0, 0, "no room");
	}
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = plan;
	}
	return code;
}

enum bd_code bd_config_sources(const char *const **out, size_t *out_count, const char *adapters,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_file_folders(out, out_count, adapters, "adapter.xml", arena);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "the folder of adapters cannot be read");
}
