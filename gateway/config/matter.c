#include "config/matter.h"

#include "base/clock.h"
#include "config/file.h"
#include "config/matter_parts.h"

#include <stdlib.h>
#include <string.h>

/* A source that is down is asked again after this. */
#define RETRY_AFTER_S 60
/* One bit each in the elements that name them; the form allows no more. */
#define BRANCHES_MAX 16

static const char *const subjects[] = { "person", "organization" };
static const char *const quantifiers[] = { "every", "any", "at_least" };

int bd_matter_place(const char *const *table, size_t count, const char *name)
{
	for (size_t i = 0; name != NULL && i < count; i++) {
		if (strcmp(table[i], name) == 0) {
			return (int)i + 1;
		}
	}
	return 0;
}

const char *const *bd_matter_names(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, char separator, size_t *count)
{
	const char *text = bd_xml_attr(node, attribute);

	*count = 0;
	return text == NULL ? NULL : bd_compiler_split(compiler, text, separator, count);
}

int64_t bd_matter_number(struct bd_matter_reader *reader, const struct bd_xml_node *node,
	const char *attribute, int64_t normal)
{
	const struct bd_matter *matter = reader->matter;
	const char *text = bd_xml_attr(node, attribute);
	const char **names;

	if (text == NULL) {
		return normal;
	}
	if (text[0] != '@') {
		return strtoll(text, NULL, 10);
	}
	names = bd_compiler_make(&reader->compiler, matter->parameter_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < matter->parameter_count; i++) {
		names[i] = matter->parameters[i].name;
		if (strcmp(names[i], text + 1) == 0) {
			return matter->parameters[i].value;
		}
	}
	bd_compiler_unknown(&reader->compiler, node, attribute, "parameter", text + 1, names,
		matter->parameter_count);
	return normal;
}

struct bd_range bd_matter_range(struct bd_matter_reader *reader, const struct bd_xml_node *node,
	const char *least, const char *most)
{
	struct bd_range range = {
		.at_least = bd_matter_number(reader, node, least, INT64_MIN),
		.at_most = bd_matter_number(reader, node, most, INT64_MAX),
	};

	if (range.at_least > range.at_most) {
		bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, node, least,
			"nothing lies between %lld and %lld", (long long)range.at_least,
			(long long)range.at_most);
	}
	return range;
}

uint32_t bd_matter_branches(struct bd_matter_reader *reader, const struct bd_xml_node *node)
{
	const struct bd_matter *matter = reader->matter;
	const char *table[BRANCHES_MAX];
	size_t count = 0;
	const char *const *names =
		bd_matter_names(&reader->compiler, node, "branches", ' ', &count);
	uint32_t bits = 0;

	for (size_t i = 0; i < matter->branch_count; i++) {
		table[i] = matter->branches[i].id;
	}
	for (size_t i = 0; i < count; i++) {
		int place = bd_matter_place(table, matter->branch_count, names[i]);

		if (place == 0) {
			bd_compiler_unknown(&reader->compiler, node, "branches", "branch", names[i],
				table, matter->branch_count);
		} else {
			bits |= 1u << (place - 1);
		}
	}
	return bits;
}

const struct bd_role *bd_matter_role(struct bd_matter_reader *reader,
	const struct bd_xml_node *node, const char *attribute, const char *name)
{
	const struct bd_matter *matter = reader->matter;
	const char **names =
		bd_compiler_make(&reader->compiler, matter->role_count, sizeof(*names));

	for (size_t i = 0; names != NULL && i < matter->role_count; i++) {
		names[i] = matter->roles[i].name;
		if (name != NULL && strcmp(names[i], name) == 0) {
			return &matter->roles[i];
		}
	}
	if (name != NULL && names != NULL) {
		bd_compiler_unknown(&reader->compiler, node, attribute, "role", name, names,
			matter->role_count);
	}
	return NULL;
}

/* -- the parts -- */

static void make_parameters(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_matter *matter = reader->matter;
	struct bd_parameter *parameters = bd_compiler_make(
		&reader->compiler, bd_xml_count(root, "parameter"), sizeof(*parameters));

	for (const struct bd_xml_node *at = bd_xml_child(root, "parameter");
		at != NULL && parameters != NULL; at = bd_xml_next(at)) {
		parameters[matter->parameter_count++] =
			(struct bd_parameter){ bd_xml_attr(at, "name"), bd_xml_attr(at, "zh"),
				bd_xml_attr(at, "en"),
				strtoll(bd_xml_attr(at, "value"), NULL, 10) };
	}
	matter->parameters = parameters;
}

/* One value a line; blank lines and those that begin with '#' say nothing. */
static void make_list(
	struct bd_matter_reader *reader, struct bd_list *list, const struct bd_xml_node *node)
{
	struct bd_compiler *compiler = &reader->compiler;
	const char *file = bd_xml_attr(node, "file");
	const char *const *lines;
	const char **values;
	struct bd_bytes text;
	size_t count = 0, used = 0;
	enum bd_code code;

	list->name = bd_xml_attr(node, "name");
	if (bd_file_read(&text, bd_compiler_join(compiler, compiler->folder, file),
		    compiler->arena) != BD_OK) {
		bd_xml_fail(compiler->diags, BD_CONFIG_REFERENCE, node, "file",
			"the file '%s' cannot be read", file);
		return;
	}
	lines = bd_compiler_split(compiler, text.ptr, '\n', &count);
	values = bd_compiler_make(compiler, count, sizeof(*values));
	for (size_t i = 0; values != NULL && lines != NULL && i < count; i++) {
		size_t len = strcspn(lines[i], "\r");

		if (len > 0 && lines[i][0] != '#') {
			values[used++] =
				bd_arena_text(compiler->arena, (struct bd_bytes){ lines[i], len });
			compiler->is_out_of_memory |= values[used - 1] == NULL;
		}
	}
	if (values == NULL || compiler->is_out_of_memory) {
		return;
	}
	code = bd_rule_allow(&list->allowed, values, used, compiler->arena);
	if (code != BD_OK) {
		bd_xml_fail(compiler->diags, code, node, "file",
			"a line of the list '%s' is longer than 512 bytes", list->name);
	}
	if (used == 0) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "file",
			"the list '%s' is empty: nothing would ever be in it", list->name);
	}
}

static void make_lists(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_list *lists =
		bd_compiler_make(&reader->compiler, bd_xml_count(root, "list"), sizeof(*lists));

	for (const struct bd_xml_node *at = bd_xml_child(root, "list"); at != NULL && lists != NULL;
		at = bd_xml_next(at)) {
		make_list(reader, &lists[reader->list_count++], at);
	}
	reader->lists = lists;
}

static void make_roles(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_matter *matter = reader->matter;
	struct bd_role *roles =
		bd_compiler_make(&reader->compiler, bd_xml_count(root, "role"), sizeof(*roles));

	for (const struct bd_xml_node *at = bd_xml_child(root, "role"); at != NULL && roles != NULL;
		at = bd_xml_next(at)) {
		int quantifier = bd_matter_place(
			quantifiers, BD_COUNT(quantifiers), bd_xml_attr(at, "quantifier"));
		struct bd_role *role = &roles[matter->role_count++];
		bool counts;

		*role = (struct bd_role){ .name = bd_xml_attr(at, "name"),
			.label_zh = bd_xml_attr(at, "zh"),
			.label_en = bd_xml_attr(at, "en"),
			.kind = (enum bd_subject_kind)bd_matter_place(
				subjects, BD_COUNT(subjects), bd_xml_attr(at, "kind")),
			.min = (uint32_t)bd_matter_number(reader, at, "min", 0),
			.max = (uint32_t)bd_matter_number(reader, at, "max", 0),
			.quantifier = quantifier == 0 ? BD_QUANTIFIER_EVERY
						      : (enum bd_quantifier)quantifier,
			.at_least = (uint32_t)bd_matter_number(reader, at, "at-least", 0) };
		counts = role->quantifier == BD_QUANTIFIER_AT_LEAST;
		if (role->min > role->max || role->max == 0 || counts != (role->at_least > 0)) {
			bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, at, NULL,
				"min <= max, max > 0, and at-least goes with at_least");
		}
	}
	matter->roles = roles;
}

static void make_branches(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_matter *matter = reader->matter;
	struct bd_branch *branches = bd_compiler_make(
		&reader->compiler, bd_xml_count(root, "branch"), sizeof(*branches));

	for (const struct bd_xml_node *at = bd_xml_child(root, "branch");
		at != NULL && branches != NULL; at = bd_xml_next(at)) {
		branches[matter->branch_count++] = (struct bd_branch){ bd_xml_attr(at, "id"),
			bd_xml_attr(at, "zh"), bd_xml_attr(at, "en") };
	}
	matter->branches = branches;
}

static void make_elements(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_matter *matter = reader->matter;
	struct bd_element *elements = bd_compiler_make(
		&reader->compiler, bd_xml_count(root, "element"), sizeof(*elements));

	matter->elements = elements;
	matter->approvals = bd_compiler_make(
		&reader->compiler, bd_xml_count(root, "element"), sizeof(*matter->approvals));
	for (const struct bd_xml_node *at = bd_xml_child(root, "element");
		at != NULL && elements != NULL; at = bd_xml_next(at)) {
		bd_matter_element(reader, &elements[matter->element_count], at);
		bd_matter_check_element(reader, &elements[matter->element_count], at);
		matter->element_count++;
	}
}

static void make_materials(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_matter *matter = reader->matter;
	struct bd_material_rule *materials = bd_compiler_make(
		&reader->compiler, bd_xml_count(root, "material"), sizeof(*materials));

	for (const struct bd_xml_node *at = bd_xml_child(root, "material");
		at != NULL && materials != NULL; at = bd_xml_next(at)) {
		materials[matter->material_count++] = (struct bd_material_rule){ .id = bd_xml_attr(
											 at, "id"),
			.label_zh = bd_xml_attr(at, "zh"),
			.label_en = bd_xml_attr(at, "en"),
			.branches = bd_matter_branches(reader, at),
			.due_working_days = bd_matter_number(reader, at, "due-working-days", 0),
			.extension_working_days =
				bd_matter_number(reader, at, "extension-working-days", 0),
			.extensions = bd_matter_number(reader, at, "extensions", 0) };
	}
	matter->materials = materials;
}

/* A day of the form yyyy-MM-dd that there is. */
static int32_t day_of(struct bd_compiler *compiler, const struct bd_xml_node *root,
	const char *name, int32_t normal)
{
	const char *text = bd_xml_attr(root, name);
	int32_t day = normal;

	if (text != NULL && !bd_day_parse(&day, bd_bytes_of(text))) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, root, name, "there is no such day");
	}
	return day;
}

static void make_head(struct bd_matter_reader *reader, const struct bd_xml_node *root)
{
	struct bd_compiler *compiler = &reader->compiler;
	struct bd_matter *matter = reader->matter;

	matter->id = bd_xml_attr(root, "id");
	matter->version = bd_xml_attr(root, "version");
	matter->title_zh = bd_xml_attr(root, "zh");
	matter->title_en = bd_xml_attr(root, "en");
	matter->basis = bd_xml_attr(root, "basis");
	matter->effective_from = day_of(compiler, root, "effective-from", 0);
	matter->effective_until = day_of(compiler, root, "effective-until", INT32_MAX);
	matter->wait_s = bd_matter_number(reader, root, "wait-s", 0);
	matter->retry_after_s = bd_matter_number(reader, root, "retry-after-s", RETRY_AFTER_S);
	matter->conditional_mode = bd_xml_attr(root, "conditional-mode");
	matter->commitment_text_version = bd_xml_attr(root, "commitment-text-version");
	if (strcmp(matter->id, bd_diags_shown(compiler->folder)) != 0) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, root, "id",
			"the folder of matter '%s' has another name", matter->id);
	}
	if (matter->effective_from >= matter->effective_until) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, root, "effective-until",
			"it ends before it begins");
	}
}

static uint64_t bit_of(const struct bd_dictionary *dict, const char *entity)
{
	const struct bd_entity *found = bd_dictionary_entity(dict, entity);

	return found != NULL ? bd_wanted_bit(found->number) : 0;
}

/* What its elements look at: rows of their entities, relations to get there, and what a source says
 * of a claim without giving the value. */
static struct bd_wanted wanted_by(const struct bd_matter *matter, const struct bd_dictionary *dict)
{
	struct bd_wanted wanted = {
		bit_of(dict, "verification") | bit_of(dict, "person_verification"), false
	};

	for (size_t i = 0; i < matter->element_count; i++) {
		const struct bd_element *element = &matter->elements[i];

		wanted.entities |=
			element->entity != NULL ? bd_wanted_bit(element->entity->number) : 0;
		if (element->relation_count > 0) {
			wanted.entities |= bit_of(dict, "relation");
			wanted.inverse |= element->is_relation_inverse;
		}
	}
	return wanted;
}

static struct bd_matter *make_version(
	struct bd_compiler *compiler, const struct bd_xml_node *root, const char *shown)
{
	struct bd_matter_reader reader = { .compiler = *compiler };

	reader.matter = bd_compiler_make(compiler, 1, sizeof(*reader.matter));
	if (reader.matter == NULL) {
		return NULL;
	}
	reader.matter->file = shown;
	make_head(&reader, root);
	make_parameters(&reader, root);
	make_lists(&reader, root);
	make_roles(&reader, root);
	make_branches(&reader, root);
	make_elements(&reader, root);
	make_materials(&reader, root);
	reader.matter->wanted = wanted_by(reader.matter, compiler->dict);
	bd_matter_check(&reader, root);
	compiler->is_out_of_memory |= reader.compiler.is_out_of_memory;
	return reader.matter;
}

static struct bd_matter *read_version(struct bd_compiler *compiler, const char *file)
{
	const struct bd_xml_node *root = NULL;
	const char *shown = bd_compiler_join(compiler, bd_diags_shown(compiler->folder), file);

	if (bd_xml_read(&root, bd_compiler_join(compiler, compiler->folder, file), shown,
		    bd_compiler_join(compiler, compiler->schemas, "matter.xsd"), compiler->arena,
		    compiler->diags) != BD_OK) {
		return NULL;
	}
	return make_version(compiler, root, shown);
}

enum bd_code bd_config_matter_version(const struct bd_matter **out, struct bd_bytes xml,
	const char *shown, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_compiler compiler = {
		.folder = folder, .schemas = schemas, .dict = dict, .arena = arena, .diags = diags
	};
	const struct bd_xml_node *root = NULL;
	const struct bd_matter *matter;

	if (bd_xml_read_bytes(&root, xml, shown, bd_compiler_join(&compiler, schemas, "matter.xsd"),
		    arena, diags) != BD_OK) {
		return bd_diags_code(diags);
	}
	matter = make_version(&compiler, root, shown);
	if (matter == NULL || compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, shown, 0, 0, "no room");
	}
	if (bd_diags_code(diags) == BD_OK) {
		*out = matter;
	}
	return bd_diags_code(diags);
}

static int by_begin(const void *a, const void *b)
{
	int32_t x = (*(const struct bd_matter *const *)a)->effective_from,
		y = (*(const struct bd_matter *const *)b)->effective_from;

	return (x > y) - (x < y);
}

static void check_versions(
	struct bd_compiler *compiler, const struct bd_matter *const *versions, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (versions[i - 1]->effective_until > versions[i]->effective_from) {
			bd_diags_add(compiler->diags, BD_CONFIG_MEANING, versions[i]->file, 0, 0,
				"versions '%s' and '%s' are both in force on one day",
				versions[i - 1]->version, versions[i]->version);
		}
	}
}

enum bd_code bd_config_matter(const struct bd_matter *const **out, size_t *out_count,
	const char *folder, const char *schemas, const struct bd_dictionary *dict,
	struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_compiler compiler = {
		.folder = folder, .schemas = schemas, .dict = dict, .arena = arena, .diags = diags
	};
	const char *const *files = NULL;
	const struct bd_matter **versions;
	size_t file_count = 0, count = 0;
	enum bd_code code = bd_file_list(&files, &file_count, folder, ".xml", arena);

	if (code != BD_OK) {
		return bd_diags_add(diags, code, "matter.xml", 0, 0, "the folder cannot be read");
	}
	versions = bd_compiler_make(&compiler, file_count, sizeof(*versions));
	for (size_t i = 0; versions != NULL && i < file_count; i++) {
		if (strncmp(files[i], "matter", strlen("matter")) == 0) {
			versions[count] = read_version(&compiler, files[i]);
			count += versions[count] != NULL;
		}
	}
	if (versions == NULL || compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, "matter.xml", 0, 0, "no room");
	}
	qsort(versions, count, sizeof(*versions), by_begin);
	check_versions(&compiler, versions, count);
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = versions;
		*out_count = count;
	}
	return code;
}

enum bd_code bd_config_matters(const char *const **out, size_t *out_count, const char *matters,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_file_folders(out, out_count, matters, "matter.xml", arena);

	return code == BD_OK ? BD_OK : bd_fail(diag, code, "the folder of matters cannot be read");
}
