#include "config/dictionary.h"

#include "config/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code_list {
	const char *name;
	const struct bd_code_value *codes;
	size_t count;
};

struct making {
	struct bd_dictionary *dict;
	struct code_list *lists;
	size_t list_count;
	struct bd_arena *arena;
	struct bd_diags *diags;
	bool is_out_of_memory;
};

/* Names of common.xml in the order of their enums: the place in the table + 1 is the value. */
static const char *const types[] = { "text", "name", "org_name", "address", "identifier", "code",
	"native_code", "date", "month", "time", "amount", "count", "bool" };
static const char *const merges[] = { "authority", "any_adverse", "union", "all_agree" };
static const char *const sensitivities[] = { "public", "internal", "personal", "sensitive" };
static const char *const comparators[] = { "exact", "identifier", "name", "org_name", "date",
	"amount", "code", "address", "set" };
static const char *const subjects[] = { "person", "organization" };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int place_in(const char *const *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i], name) == 0) {
			return (int)i + 1;
		}
	}
	return 0;
}

static uint16_t number_of(const struct bd_xml_node *node, const char *attribute)
{
	const char *text = bd_xml_attr(node, attribute);
	return text == NULL ? 0 : (uint16_t)strtoul(text, NULL, 10);
}

static void *make(struct making *making, size_t count, size_t size)
{
	void *made = bd_arena_alloc(making->arena, count == 0 ? 1 : count, size);
	making->is_out_of_memory |= made == NULL;
	return made;
}

/* The same number or name twice among siblings. */
static void check_unique(struct making *making, const struct bd_xml_node *node)
{
	for (const struct bd_xml_node *other = bd_xml_child(node->parent, node->name);
		other != node; other = bd_xml_next(other)) {
		if (strcmp(bd_xml_attr(other, "name"), bd_xml_attr(node, "name")) == 0) {
			bd_xml_fail(making->diags, BD_CONFIG_MEANING, node, "name",
				"'%s' stands twice, first in line %u", bd_xml_attr(node, "name"),
				other->line);
		}
		if (bd_xml_attr(node, "number") != NULL &&
			number_of(other, "number") == number_of(node, "number")) {
			bd_xml_fail(making->diags, BD_CONFIG_MEANING, node, "number",
				"number %u stands twice, first in line %u",
				number_of(node, "number"), other->line);
		}
	}
}

static void make_id_kinds(struct making *making, const struct bd_xml_node *root)
{
	const struct bd_xml_node *parent = bd_xml_child(root, "id-kinds");
	size_t count = bd_xml_count(parent, "id-kind");
	struct bd_id_kind *kinds = make(making, count, sizeof(*kinds));
	if (kinds == NULL) {
		return;
	}
	size_t i = 0;
	for (const struct bd_xml_node *node = bd_xml_child(parent, "id-kind"); node != NULL;
		node = bd_xml_next(node)) {
		check_unique(making, node);
		kinds[i++] = (struct bd_id_kind){ .number = number_of(node, "number"),
			.name = bd_xml_attr(node, "name"),
			.label_zh = bd_xml_attr(node, "zh"),
			.label_en = bd_xml_attr(node, "en"),
			.subject = (enum bd_subject_kind)place_in(
				subjects, COUNT(subjects), bd_xml_attr(node, "subject")),
			.rank = number_of(node, "rank"),
			.is_issued = bd_xml_is_true(node, "issued") };
	}
	making->dict->id_kinds = kinds;
	making->dict->id_kind_count = count;
}

static void make_codes(
	struct making *making, struct code_list *list, const struct bd_xml_node *parent)
{
	list->name = bd_xml_attr(parent, "name");
	list->count = bd_xml_count(parent, "code");
	struct bd_code_value *codes = make(making, list->count, sizeof(*codes));
	list->codes = codes;
	if (codes == NULL) {
		return;
	}
	size_t i = 0;
	for (const struct bd_xml_node *node = bd_xml_child(parent, "code"); node != NULL;
		node = bd_xml_next(node)) {
		check_unique(making, node);
		codes[i++] = (struct bd_code_value){ .number = number_of(node, "number"),
			.name = bd_xml_attr(node, "name"),
			.label_zh = bd_xml_attr(node, "zh"),
			.label_en = bd_xml_attr(node, "en"),
			.is_adverse = bd_xml_is_true(node, "adverse") };
	}
}

static void make_lists(struct making *making, const struct bd_xml_node *root)
{
	const struct bd_xml_node *parent = bd_xml_child(root, "code-lists");
	making->list_count = bd_xml_count(parent, "code-list");
	making->lists = make(making, making->list_count, sizeof(*making->lists));
	if (making->lists == NULL) {
		return;
	}
	struct code_list *list = making->lists;
	for (const struct bd_xml_node *node = bd_xml_child(parent, "code-list"); node != NULL;
		node = bd_xml_next(node)) {
		check_unique(making, node);
		make_codes(making, list++, node);
	}
}

static void set_codes(struct making *making, struct bd_field *field, const struct bd_xml_node *node)
{
	const char *wanted = bd_xml_attr(node, "codes");
	if ((wanted != NULL) != (field->type == BD_TYPE_CODE)) {
		bd_xml_fail(making->diags, BD_CONFIG_MEANING, node, "type",
			"a field of type code, and no other, names its code list");
		return;
	}
	if (wanted == NULL) {
		return;
	}
	const char **names = make(making, making->list_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < making->list_count; i++) {
		names[i] = making->lists[i].name;
		if (strcmp(names[i], wanted) == 0) {
			field->codes = making->lists[i].codes;
			field->code_count = making->lists[i].count;
			return;
		}
	}
	const char *near = names == NULL ? NULL : bd_nearest(wanted, names, making->list_count);
	bd_xml_fail(making->diags, BD_CONFIG_REFERENCE, node, "codes", "no code list '%s'%s%s%s",
		wanted, near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
		near == NULL ? "" : "'?");
}

static void set_authority(
	struct making *making, struct bd_field *field, const struct bd_xml_node *node)
{
	const char *text = bd_xml_attr(node, "authority");
	size_t max = text == NULL ? 0 : strlen(text) / 2 + 1;
	const char **names = max == 0 ? NULL : make(making, max, sizeof(*names));
	if (names == NULL) {
		return;
	}
	for (text += strspn(text, " \t\r\n"); *text != '\0'; text += strspn(text, " \t\r\n")) {
		size_t len = strcspn(text, " \t\r\n");
		const char *name = bd_arena_text(making->arena, (struct bd_bytes){ text, len });
		making->is_out_of_memory |= name == NULL;
		names[field->authority_count++] = name;
		text += len;
	}
	field->authority = names;
}

static void make_fields(
	struct making *making, struct bd_entity *entity, const struct bd_xml_node *parent)
{
	entity->field_count = bd_xml_count(parent, "field");
	struct bd_field *fields = make(making, entity->field_count, sizeof(*fields));
	entity->fields = fields;
	if (fields == NULL) {
		return;
	}
	for (const struct bd_xml_node *node = bd_xml_child(parent, "field"); node != NULL;
		node = bd_xml_next(node), fields++) {
		check_unique(making, node);
		*fields = (struct bd_field){ .number = number_of(node, "number"),
			.entity = entity->number,
			.name = bd_xml_attr(node, "name"),
			.label_zh = bd_xml_attr(node, "zh"),
			.label_en = bd_xml_attr(node, "en"),
			.type = (enum bd_type)place_in(
				types, COUNT(types), bd_xml_attr(node, "type")),
			.sensitivity = (enum bd_sensitivity)place_in(sensitivities,
				COUNT(sensitivities), bd_xml_attr(node, "sensitivity")),
			.merge = (enum bd_merge)place_in(
				merges, COUNT(merges), bd_xml_attr(node, "merge")),
			.comparator = (enum bd_comparator)place_in(
				comparators, COUNT(comparators), bd_xml_attr(node, "compare")),
			.is_key = bd_xml_is_true(node, "key") };
		set_codes(making, fields, node);
		set_authority(making, fields, node);
		if (fields->is_key && !entity->is_many) {
			bd_xml_fail(making->diags, BD_CONFIG_MEANING, node, "key",
				"'%s' has one row a source, so it has no key fields", entity->name);
		}
	}
}

static void make_entities(struct making *making, const struct bd_xml_node *root)
{
	size_t count = bd_xml_count(root, "entity");
	struct bd_entity *entities = make(making, count, sizeof(*entities));
	if (entities == NULL) {
		return;
	}
	making->dict->entities = entities;
	making->dict->entity_count = count;
	for (const struct bd_xml_node *node = bd_xml_child(root, "entity"); node != NULL;
		node = bd_xml_next(node)) {
		check_unique(making, node);
		*entities = (struct bd_entity){ .number = number_of(node, "number"),
			.name = bd_xml_attr(node, "name"),
			.label_zh = bd_xml_attr(node, "zh"),
			.label_en = bd_xml_attr(node, "en"),
			.subject = (enum bd_subject_kind)place_in(
				subjects, COUNT(subjects), bd_xml_attr(node, "subject")),
			.is_many = bd_xml_is_true(node, "many"),
			.is_relation = bd_xml_is_true(node, "relation") };
		make_fields(making, entities++, node);
	}
}

static void make_index(struct making *making, const struct bd_xml_node *root)
{
	struct bd_dictionary *dict = making->dict;
	uint16_t max = 0;
	for (size_t e = 0; e < dict->entity_count; e++) {
		for (size_t f = 0; f < dict->entities[e].field_count; f++) {
			uint16_t number = dict->entities[e].fields[f].number;
			max = number > max ? number : max;
		}
	}
	const struct bd_field **index = make(making, (size_t)max + 1, sizeof(struct bd_field *));
	if (index == NULL) {
		return;
	}
	for (size_t e = 0; e < dict->entity_count; e++) {
		for (size_t f = 0; f < dict->entities[e].field_count; f++) {
			const struct bd_field *field = &dict->entities[e].fields[f];
			if (index[field->number] != NULL) {
				bd_xml_fail(making->diags, BD_CONFIG_MEANING, root, NULL,
					"field number %u stands in two entities", field->number);
			}
			index[field->number] = field;
		}
	}
	dict->fields_by_number = index;
	dict->fields_by_number_count = (size_t)max + 1;
	dict->relation = bd_dictionary_entity(dict, "relation");
	dict->verification = bd_dictionary_entity(dict, "verification");
	dict->person_verification = bd_dictionary_entity(dict, "person_verification");
}

enum bd_code bd_config_dictionary_all(const struct bd_dictionary **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	char xsd_path[4096];
	const char *slash = strrchr(path, '/');
	int folder = slash == NULL ? 0 : (int)(slash - path + 1);
	if (snprintf(xsd_path, sizeof(xsd_path), "%.*scommon.xsd", folder, path) >=
		(int)sizeof(xsd_path)) {
		return bd_diags_add(diags, BD_LIMIT_BYTES, "common.xml", 0, 0, "path too long");
	}
	const struct bd_xml_node *root = NULL;
	enum bd_code code = bd_xml_read(&root, path, path + folder, xsd_path, arena, diags);
	if (code != BD_OK) {
		return code;
	}
	struct making making = { .arena = arena, .diags = diags };
	making.dict = make(&making, 1, sizeof(*making.dict));
	if (making.dict != NULL) {
		making.dict->version = bd_xml_attr(root, "version");
		make_id_kinds(&making, root);
		make_lists(&making, root);
	}
	if (!making.is_out_of_memory) {
		make_entities(&making, root);
		make_index(&making, root);
	}
	if (making.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, path + folder, 0, 0, "no room");
	}
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = making.dict;
	}
	return code;
}

enum bd_code bd_config_dictionary(const struct bd_dictionary **out, const char *path,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	if (diags == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "no room");
	}
	enum bd_code code = bd_config_dictionary_all(out, path, arena, diags);
	if (code != BD_OK && diag != NULL && diag->code == BD_OK) {
		*diag = diags->items[0];
	}
	free(diags);
	return code;
}

const char *bd_config_type_name(enum bd_type type)
{
	return types[(size_t)type - 1];
}

const char *bd_config_merge_name(enum bd_merge merge)
{
	return merges[(size_t)merge - 1];
}

const char *bd_config_sensitivity_name(enum bd_sensitivity sensitivity)
{
	return sensitivities[(size_t)sensitivity - 1];
}

const char *bd_config_comparator_name(enum bd_comparator comparator)
{
	return comparators[(size_t)comparator - 1];
}
