#include "config/grants.h"

#include "base/clock.h"
#include "base/limits.h"
#include "config/compiler.h"

#include <string.h>

struct reading {
	struct bd_compiler compiler;
	const struct bd_xml_node *root;
	const struct bd_senders *senders;
	const struct bd_matter *const *matters;
	size_t matter_count;
	struct bd_grant *items;
	size_t count;
	const char **names; /* room for the names of one kind */
};

/* "no WHAT 'NAME'; did you mean ...?" */
static void unknown(struct reading *reading, const struct bd_xml_node *node, const char *attribute,
	const char *what, const char *name, size_t name_count)
{
	bd_compiler_unknown(
		&reading->compiler, node, attribute, what, name, reading->names, name_count);
}

static void set_sender(
	struct reading *reading, struct bd_grant *grant, const struct bd_xml_node *node)
{
	const struct bd_senders *senders = reading->senders;
	const char *name = bd_xml_attr(node, "sender");

	for (size_t i = 0; i < senders->count; i++) {
		if (strcmp(senders->items[i].name, name) == 0) {
			grant->sender = senders->items[i].name;
			grant->sender_number = (uint32_t)i;
			return;
		}
		reading->names[i] = senders->items[i].name;
	}
	unknown(reading, node, "sender", "sender", name, senders->count);
}

static void set_matter(
	struct reading *reading, struct bd_grant *grant, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "matter");

	for (size_t i = 0; i < reading->matter_count; i++) {
		if (strcmp(reading->matters[i]->id, name) == 0) {
			grant->matter = reading->matters[i]->id;
			return;
		}
		reading->names[i] = reading->matters[i]->id;
	}
	unknown(reading, node, "matter", "matter", name, reading->matter_count);
}

/* All but the sensitive ones: these are named, or not granted. */
static uint64_t common_fields(const struct bd_entity *entity)
{
	uint64_t fields = 0;

	for (size_t i = 0; i < entity->field_count; i++) {
		if (entity->fields[i].sensitivity != BD_SENSITIVITY_SENSITIVE) {
			fields |= (uint64_t)1 << i;
		}
	}
	return fields;
}

static void set_field(struct reading *reading, struct bd_grant *grant,
	const struct bd_xml_node *node, const char *name)
{
	const struct bd_entity *entity = grant->entity;

	for (size_t i = 0; i < entity->field_count; i++) {
		if (strcmp(entity->fields[i].name, name) == 0) {
			grant->fields |= (uint64_t)1 << i;
			return;
		}
		reading->names[i] = entity->fields[i].name;
	}
	unknown(reading, node, "fields", "field", name, entity->field_count);
}

static void set_fields(
	struct reading *reading, struct bd_grant *grant, const struct bd_xml_node *node)
{
	const char *text = bd_xml_attr(node, "fields");
	size_t count = 0;
	const char *const *names = bd_compiler_split(&reading->compiler, text, ' ', &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], "*") == 0) {
			grant->fields |= common_fields(grant->entity);
		} else {
			set_field(reading, grant, node, names[i]);
		}
	}
}

static void set_entity(
	struct reading *reading, struct bd_grant *grant, const struct bd_xml_node *node)
{
	const struct bd_dictionary *dict = reading->compiler.dict;
	const char *name = bd_xml_attr(node, "entity");

	grant->entity = bd_dictionary_entity(dict, name);
	grant->has_identifiers = bd_xml_is_true(node, "identifiers");
	for (size_t i = 0; grant->entity == NULL && i < dict->entity_count; i++) {
		reading->names[i] = dict->entities[i].name;
	}
	if (grant->entity == NULL) {
		unknown(reading, node, "entity", "entity", name, dict->entity_count);
	} else if (grant->entity->field_count > 64) {
		bd_xml_fail(reading->compiler.diags, BD_LIMIT_COUNT, node, "entity",
			"'%s' has more than 64 fields", name);
	} else {
		set_fields(reading, grant, node);
	}
}

static void set_day(struct reading *reading, int32_t *out, const struct bd_xml_node *node,
	const char *attribute)
{
	if (!bd_day_parse(out, bd_bytes_of(bd_xml_attr(node, attribute)))) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, attribute,
			"there is no such day");
	}
}

static void set_giver(
	struct reading *reading, struct bd_grant *grant, const struct bd_xml_node *node)
{
	const char *zh = bd_xml_attr(node, "given-by-zh"), *en = bd_xml_attr(node, "given-by-en");

	grant->giver_zh = zh != NULL ? zh : bd_xml_attr(reading->root, "given-by-zh");
	grant->giver_en = en != NULL ? en : bd_xml_attr(reading->root, "given-by-en");
	if ((zh == NULL) != (en == NULL)) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, NULL,
			"given-by-zh and given-by-en go together");
	}
}

static void set_object(
	struct reading *reading, struct bd_grant *grant, const struct bd_xml_node *node)
{
	bool is_matter = bd_xml_attr(node, "matter") != NULL;
	bool is_entity = bd_xml_attr(node, "entity") != NULL;
	bool has_fields = bd_xml_attr(node, "fields") != NULL;

	if (is_matter == is_entity || is_entity != has_fields) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, NULL,
			"a grant is of a matter, or of an entity and fields");
	} else if (is_matter) {
		set_matter(reading, grant, node);
	} else {
		set_entity(reading, grant, node);
	}
	if (!is_entity && bd_xml_attr(node, "identifiers") != NULL) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, "identifiers",
			"only a grant of an entity says so");
	}
	if (!is_matter && grant->disclosure == BD_DISCLOSE_DECISION) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, "disclosure",
			"of fields there is no decision: codes or values");
	}
}

/* -- grants beside one another -- */

static bool is_same_text(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void check_beside(struct reading *reading, const struct bd_grant *grant,
	const struct bd_xml_node *node, const struct bd_grant *before)
{
	if (is_same_text(grant->id, before->id)) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, "id",
			"'%s' stands twice", grant->id);
	}
	if (is_same_text(grant->sender, before->sender) &&
		is_same_text(grant->purpose, before->purpose) &&
		is_same_text(grant->matter, before->matter) && grant->from <= before->until &&
		before->from <= grant->until) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, "from",
			"'%s' and '%s' are both in force on one day", before->id, grant->id);
	}
}

/* One of the three: the XSD has seen to that. */
static enum bd_disclosure disclosure_of(const char *name)
{
	return strcmp(name, "values") == 0  ? BD_DISCLOSE_VALUES
	       : strcmp(name, "codes") == 0 ? BD_DISCLOSE_CODES
					    : BD_DISCLOSE_DECISION;
}

static void read_grant(struct reading *reading, const struct bd_xml_node *node)
{
	struct bd_grant *grant = &reading->items[reading->count];

	grant->id = bd_xml_attr(node, "id");
	grant->purpose = bd_xml_attr(node, "purpose");
	grant->basis = bd_xml_attr(node, "basis");
	grant->disclosure = disclosure_of(bd_xml_attr(node, "disclosure"));
	grant->line = node->line;
	grant->column = node->column;
	set_sender(reading, grant, node);
	set_object(reading, grant, node);
	set_day(reading, &grant->from, node, "from");
	set_day(reading, &grant->until, node, "until");
	set_giver(reading, grant, node);
	if (grant->from > grant->until) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_MEANING, node, "until",
			"it ends before it begins");
	}
	for (size_t i = 0; i < reading->count; i++) {
		check_beside(reading, grant, node, &reading->items[i]);
	}
	reading->count++;
}

static void read_all(struct reading *reading)
{
	const struct bd_xml_node *node = bd_xml_child(reading->root, "grant");

	for (; node != NULL; node = bd_xml_next(node)) {
		if (reading->count == BD_GRANTS_MAX) {
			bd_xml_fail(reading->compiler.diags, BD_LIMIT_COUNT, node, NULL,
				"more than %d grants", BD_GRANTS_MAX);
			return;
		}
		read_grant(reading, node);
	}
}

/* -- the file -- */

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Whichever kind of names has the most. */
static size_t count_names(const struct reading *reading)
{
	const struct bd_dictionary *dict = reading->compiler.dict;
	size_t count =
		most(most(reading->senders->count, reading->matter_count), dict->entity_count);

	for (size_t i = 0; i < dict->entity_count; i++) {
		count = most(count, dict->entities[i].field_count);
	}
	return count;
}

enum bd_code bd_config_grants(struct bd_grants **out, const char *path, const char *schemas,
	const struct bd_senders *senders, const struct bd_matter *const *matters,
	size_t matter_count, const struct bd_dictionary *dict, struct bd_arena *arena,
	struct bd_diags *diags)
{
	struct reading reading = {
		.compiler = { .schemas = schemas, .dict = dict, .arena = arena, .diags = diags },
		.senders = senders,
		.matters = matters,
		.matter_count = matter_count
	};
	const char *shown = bd_diags_shown(path);
	size_t before = diags->count;
	struct bd_grants *grants;

	if (bd_xml_read(&reading.root, path, shown,
		    bd_compiler_join(&reading.compiler, schemas, "grants.xsd"), arena,
		    diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	grants = bd_compiler_make(&reading.compiler, 1, sizeof(*grants));
	reading.items = bd_compiler_make(
		&reading.compiler, bd_xml_count(reading.root, "grant"), sizeof(*reading.items));
	reading.names =
		bd_compiler_make(&reading.compiler, count_names(&reading), sizeof(const char *));
	if (!reading.compiler.is_out_of_memory) {
		read_all(&reading);
	}
	if (reading.compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, shown, 0, 0, "no room");
	}
	grants->items = reading.items;
	grants->count = reading.count;
	grants->giver_zh = bd_xml_attr(reading.root, "given-by-zh");
	grants->giver_en = bd_xml_attr(reading.root, "given-by-en");
	if (diags->count == before) {
		*out = grants;
	}
	return bd_diags_code(diags);
}
