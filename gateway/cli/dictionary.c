/* dictionary.c - bidui dictionary: the common schema as a table, read from the one file that the
 * gateway reads. Nothing is asked of a gateway. */
#include "config/dictionary.h"
#include "base/json_write.h"
#include "cli/answer.h"

#include <string.h>

/* The dictionary with its code lists. */
#define DICTIONARY_MAX_BYTES 16777216

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static void write_codes(struct bd_json_writer *w, const struct bd_field *field)
{
	bd_jw_array(w, "codes");
	for (size_t i = 0; i < field->code_count; i++) {
		bd_jw_text(w, NULL, field->codes[i].name);
	}
	bd_jw_array_end(w);
}

static void write_field(
	struct bd_json_writer *w, const struct bd_entity *entity, const struct bd_field *field)
{
	bd_jw_object(w, NULL);
	bd_jw_u64(w, "number", field->number);
	bd_jw_text(w, "entity", entity->name);
	bd_jw_text(w, "field", field->name);
	bd_jw_text(w, "zh", field->label_zh);
	bd_jw_text(w, "en", field->label_en);
	bd_jw_text(w, "type", bd_config_type_name(field->type));
	bd_jw_bool(w, "key", field->is_key);
	bd_jw_text(w, "sensitivity", bd_config_sensitivity_name(field->sensitivity));
	bd_jw_text(w, "merge", bd_config_merge_name(field->merge));
	bd_jw_text(w, "compare", bd_config_comparator_name(field->comparator));
	write_codes(w, field);
	bd_jw_object_end(w);
}

static void write_entity(struct bd_json_writer *w, const struct bd_entity *entity)
{
	bd_jw_object(w, NULL);
	bd_jw_u64(w, "number", entity->number);
	bd_jw_text(w, "entity", entity->name);
	bd_jw_text(w, "zh", entity->label_zh);
	bd_jw_text(w, "en", entity->label_en);
	bd_jw_text(w, "subject", entity->subject == BD_SUBJECT_PERSON ? "person" : "organization");
	bd_jw_bool(w, "many", entity->is_many);
	bd_jw_bool(w, "relation", entity->is_relation);
	bd_jw_object_end(w);
}

/* All entities and fields, or those of one entity; false when there is none of that name. */
static bool write_dictionary(
	struct bd_json_writer *w, const struct bd_dictionary *dict, const char *only)
{
	bool is_found = only == NULL;

	bd_jw_object(w, NULL);
	bd_jw_text(w, "version", dict->version);
	bd_jw_array(w, "entities");
	for (size_t e = 0; e < dict->entity_count; e++) {
		if (only == NULL || strcmp(dict->entities[e].name, only) == 0) {
			is_found = true;
			write_entity(w, &dict->entities[e]);
		}
	}
	bd_jw_array_end(w);
	bd_jw_array(w, "fields");
	for (size_t e = 0; e < dict->entity_count; e++) {
		const struct bd_entity *entity = &dict->entities[e];

		for (size_t f = 0; f < entity->field_count; f++) {
			if (only == NULL || strcmp(entity->name, only) == 0) {
				write_field(w, entity, &entity->fields[f]);
			}
		}
	}
	bd_jw_array_end(w);
	bd_jw_object_end(w);
	return is_found;
}

static enum bd_cli_exit show(
	const struct bd_cli_options *options, const struct bd_dictionary *dict, const char *only)
{
	static const struct bd_cli_view view = { is_always_good, bd_cli_show_any };
	struct bd_cli_answer answer = { .status = 200 };
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_json_writer w;

	bd_buf_init(&answer.body, DICTIONARY_MAX_BYTES);
	bd_jw_init(&w, &answer.body);
	if (!write_dictionary(&w, dict, only)) {
		bd_cli_notice(options, "数据字典中没有该实体", "the dictionary has no such entity");
	} else if (w.code != BD_OK || bd_buf_add_byte(&answer.body, '\n') != BD_OK) {
		bd_cli_notice(options, "内存不足", "out of memory");
		result = BD_CLI_CONFIGURATION;
	} else {
		result = bd_cli_show(options, &answer, &view);
	}
	bd_buf_release(&answer.body);
	return result;
}

enum bd_cli_exit bd_cli_dictionary(const struct bd_cli_options *options)
{
	static const struct bd_diags no_diags;
	struct bd_diags diags = no_diags;
	const struct bd_dictionary *dict = NULL;
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;
	struct bd_arena arena;
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/common.xml", options->schemas);

	if (len < 0 || (size_t)len >= sizeof(path)) {
		bd_cli_notice(options, "目录名过长", "the name of the folder is too long");
		return BD_CLI_USAGE;
	}
	bd_arena_init(&arena, DICTIONARY_MAX_BYTES);
	if (bd_config_dictionary_all(&dict, path, &arena, &diags) == BD_OK) {
		result = show(options, dict, options->arg_count == 1 ? options->args[0] : NULL);
	}
	bd_cli_show_errors(&diags);
	bd_arena_release(&arena);
	return result;
}
