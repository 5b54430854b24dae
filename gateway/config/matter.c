#include "config/matter.h"

#include "config/compiler.h"
#include "config/file.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
/* A path over a relation fans out; more than a company's shareholders is a mistake (公司法: 50). */
#define FAN_OUT_NORMAL 64

/* In the order of enum bd_finding_code and of the bits of enum bd_finding_flag. */
static const char *const findings[] = { "match", "near", "mismatch", "indeterminate", "absent",
	"no_record", "ambiguous", "unavailable", "withheld", "invalid" };
_Static_assert(COUNT(findings) == BD_FINDING_CODE_COUNT, "a finding code without a name");
static const char *const flags[] = { "stale", "disputed", "conflict", "normalized", "former" };
_Static_assert(1u << (COUNT(flags) - 1) == BD_FLAG_FORMER, "a flag without a name");

static const char *const subjects[] = { "person", "organization" };
static const char *const quantifiers[] = { "every", "any", "at_least" };
static const char *const polarities[] = { "must_agree", "must_exist", "must_not_exist" };
static const char *const freshness[] = { "any", "observed", "complete_through", "period" };

/* Place in a table from 1; 0 where the name is absent or not in it. */
static int place_in(const char *const *table, size_t count, const char *name)
{
	for (size_t i = 0; name != NULL && i < count; i++) {
		if (strcmp(table[i], name) == 0) {
			return (int)i + 1;
		}
	}
	return 0;
}

static uint32_t number(const struct bd_xml_node *node, const char *attribute, uint32_t normal)
{
	const char *text = bd_xml_attr(node, attribute);
	return text == NULL ? normal : (uint32_t)strtoul(text, NULL, 10);
}

static const char *const *names_of(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, char separator, size_t *count)
{
	const char *text = bd_xml_attr(node, attribute);
	*count = 0;
	return text == NULL ? NULL : bd_compiler_split(compiler, text, separator, count);
}

/* A bit for each name of the list; 0 where the attribute is absent. */
static uint32_t bits_of(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const char *what, const char *const *table, size_t table_count)
{
	size_t count = 0;
	const char *const *names = names_of(compiler, node, attribute, ' ', &count);
	uint32_t bits = 0;
	for (size_t i = 0; i < count; i++) {
		int place = place_in(table, table_count, names[i]);
		if (place == 0) {
			bd_compiler_unknown(
				compiler, node, attribute, what, names[i], table, table_count);
		} else {
			bits |= 1u << (place - 1);
		}
	}
	return bits;
}

static const struct bd_entity *find_entity(
	struct bd_compiler *compiler, const struct bd_xml_node *node, const char *name)
{
	size_t count = compiler->dict->entity_count;
	const char **names = bd_compiler_make(compiler, count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < count; i++) {
		names[i] = compiler->dict->entities[i].name;
	}
	int place = names == NULL ? 0 : place_in(names, count, name);
	if (place == 0) {
		bd_compiler_unknown(compiler, node, "entity", "entity", name, names, count);
		return NULL;
	}
	return &compiler->dict->entities[place - 1];
}

static const struct bd_field *find_field(struct bd_compiler *compiler,
	const struct bd_entity *entity, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "field");
	if (name == NULL || entity == NULL) {
		return NULL;
	}
	const char **names = bd_compiler_make(compiler, entity->field_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < entity->field_count; i++) {
		names[i] = entity->fields[i].name;
	}
	int place = names == NULL ? 0 : place_in(names, entity->field_count, name);
	if (place == 0) {
		bd_compiler_unknown(
			compiler, node, "field", "field", name, names, entity->field_count);
		return NULL;
	}
	return &entity->fields[place - 1];
}

/* Values of a code field must be its codes; "" stands for no value. */
static void check_values(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const struct bd_field *field, const char *const *values,
	size_t value_count)
{
	if (field == NULL || field->type != BD_TYPE_CODE) {
		return;
	}
	const char **names = bd_compiler_make(compiler, field->code_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < field->code_count; i++) {
		names[i] = field->codes[i].name;
	}
	for (size_t i = 0; names != NULL && i < value_count; i++) {
		if (values[i][0] != '\0' && place_in(names, field->code_count, values[i]) == 0) {
			bd_compiler_unknown(compiler, node, attribute, "code of this field",
				values[i], names, field->code_count);
		}
	}
}

static void make_filters(
	struct bd_compiler *compiler, struct bd_element *element, const struct bd_xml_node *node)
{
	size_t count = bd_xml_count(node, "filter");
	struct bd_row_filter *filters = bd_compiler_make(compiler, count, sizeof(*filters));
	for (const struct bd_xml_node *at = bd_xml_child(node, "filter");
		at != NULL && filters != NULL; at = bd_xml_next(at)) {
		struct bd_row_filter *filter = &filters[element->filter_count++];
		const char *which = bd_xml_attr(at, "is") != NULL ? "is" : "is-not";
		if ((bd_xml_attr(at, "is") != NULL) == (bd_xml_attr(at, "is-not") != NULL)) {
			bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, at, NULL,
				"a filter has either 'is' or 'is-not'");
		}
		filter->field = find_field(compiler, element->entity, at);
		filter->is_not = which[2] != '\0';
		filter->values = names_of(compiler, at, which, '|', &filter->value_count);
		check_values(
			compiler, at, which, filter->field, filter->values, filter->value_count);
	}
	element->filters = filters;
}

static void make_accepted_values(
	struct bd_compiler *compiler, struct bd_element *element, const struct bd_xml_node *node)
{
	size_t count = bd_xml_count(node, "value");
	const char **values = bd_compiler_make(compiler, count, sizeof(*values));
	for (const struct bd_xml_node *at = bd_xml_child(node, "value");
		at != NULL && values != NULL; at = bd_xml_next(at)) {
		values[element->accepted_value_count] = at->text;
		check_values(compiler, at, NULL, element->field,
			&values[element->accepted_value_count], 1);
		element->accepted_value_count++;
	}
	element->accepted_values = values;
}

static void make_attestation(
	struct bd_compiler *compiler, struct bd_element *element, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "attestation");
	struct bd_attestation_rule *rule =
		at == NULL ? NULL : bd_compiler_make(compiler, 1, sizeof(*rule));
	if (rule == NULL) {
		return;
	}
	rule->kind = bd_xml_attr(at, "kind");
	rule->providers = names_of(compiler, at, "providers", ' ', &rule->provider_count);
	rule->max_age_s = number(at, "max-age-s", 0);
	element->attestation = rule;
}

static void make_refusal(
	struct bd_compiler *compiler, struct bd_element *element, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "refuse");
	if (at == NULL) {
		return;
	}
	element->refuses = true;
	element->refusal_basis = bd_xml_attr(at, "basis");
	element->refusal_reason = bd_xml_attr(at, "reason");
	element->refusal_remedy = bd_xml_attr(at, "remedy");
	if (element->is_claimed) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, at, NULL,
			"a difference from what was claimed never refuses");
	}
}

static void check_relations(struct bd_compiler *compiler, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	const struct bd_xml_attribute attribute = { "field", "role", node->line, node->column };
	struct bd_xml_node wanted = *node;
	wanted.attributes = &attribute;
	wanted.attribute_count = 1;
	if (element->relation_count > 0) {
		const struct bd_entity *relation = find_entity(compiler, node, "relation");
		check_values(compiler, node, "relations", find_field(compiler, relation, &wanted),
			element->relations, element->relation_count);
	}
}

static void check_documents(struct bd_compiler *compiler, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	size_t count = compiler->dict->id_kind_count;
	const char **names = bd_compiler_make(compiler, count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < count; i++) {
		names[i] = compiler->dict->id_kinds[i].name;
	}
	for (size_t i = 0; names != NULL && i < element->document_count; i++) {
		if (place_in(names, count, element->documents[i]) == 0) {
			bd_compiler_unknown(compiler, node, "documents", "identifier kind",
				element->documents[i], names, count);
		}
	}
}

/* What is said of an element belongs together. */
static void check_element(struct bd_compiler *compiler, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	bool agrees = element->polarity == BD_MUST_AGREE;
	if (element->attestation == NULL && element->entity == NULL) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
			"an element asks an entity, or an attestation decides it");
	}
	if (element->attestation == NULL && agrees &&
		(element->field == NULL ||
			element->is_claimed == (element->accepted_value_count > 0))) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "polarity",
			"must_agree has a field and either claimed=\"true\" or values");
	}
	if (!agrees && element->is_claimed) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "claimed",
			"only must_agree compares with a claim");
	}
	bool is_aged = element->freshness == BD_FRESH_OBSERVED ||
		       element->freshness == BD_FRESH_COMPLETE_THROUGH;
	if (is_aged != (bd_xml_attr(node, "max-age-s") != NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "freshness",
			"observed and complete_through, and only those, have max-age-s");
	}
	uint32_t never = 1u << BD_FINDING_UNAVAILABLE | 1u << BD_FINDING_INVALID;
	if ((element->accepted_codes & never) != 0) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "accepted",
			"unavailable and invalid are never accepted: what is unknown never "
			"passes");
	}
	check_relations(compiler, element, node);
	check_documents(compiler, element, node);
}

static void make_element(struct bd_compiler *compiler, struct bd_element *element,
	const struct bd_xml_node *node, const struct bd_matter *matter)
{
	const char *entity = bd_xml_attr(node, "entity");
	const char **roles = bd_compiler_make(compiler, matter->role_count, sizeof(*roles));
	for (size_t i = 0; roles != NULL && i < matter->role_count; i++) {
		roles[i] = matter->roles[i].name;
	}
	element->role = bd_xml_attr(node, "role");
	if (roles != NULL && place_in(roles, matter->role_count, element->role) == 0) {
		bd_compiler_unknown(
			compiler, node, "role", "role", element->role, roles, matter->role_count);
	}
	element->id = bd_xml_attr(node, "id");
	element->label_zh = bd_xml_attr(node, "zh");
	element->label_en = bd_xml_attr(node, "en");
	element->relations = names_of(compiler, node, "relations", ' ', &element->relation_count);
	element->is_relation_inverse = bd_xml_is_true(node, "inverse");
	element->fan_out_max = number(node, "fan-out-max", FAN_OUT_NORMAL);
	element->entity = entity == NULL ? NULL : find_entity(compiler, node, entity);
	element->field = find_field(compiler, element->entity, node);
	element->polarity = (enum bd_polarity)place_in(
		polarities, COUNT(polarities), bd_xml_attr(node, "polarity"));
	element->is_claimed = bd_xml_is_true(node, "claimed");
	element->sources = names_of(compiler, node, "sources", ' ', &element->source_count);
	element->sources_needed = number(node, "sources-needed", 0);
	element->documents = names_of(compiler, node, "documents", ' ', &element->document_count);
	element->is_core = bd_xml_is_true(node, "core");
	int fresh = place_in(freshness, COUNT(freshness), bd_xml_attr(node, "freshness"));
	element->freshness = fresh == 0 ? BD_FRESH_ANY : (enum bd_freshness)fresh;
	element->max_age_s = number(node, "max-age-s", 0);
	element->accepted_codes =
		bits_of(compiler, node, "accepted", "finding code", findings, COUNT(findings));
	if (bd_xml_attr(node, "accepted") == NULL) {
		element->accepted_codes = 1u << BD_FINDING_MATCH;
	}
	element->accepted_flags = bits_of(compiler, node, "tolerated", "flag", flags, COUNT(flags));
	element->resubmit_codes =
		bits_of(compiler, node, "resubmit", "finding code", findings, COUNT(findings));
	make_filters(compiler, element, node);
	make_accepted_values(compiler, element, node);
	make_attestation(compiler, element, node);
	make_refusal(compiler, element, node);
	check_element(compiler, element, node);
}

static void make_roles(
	struct bd_compiler *compiler, struct bd_matter *matter, const struct bd_xml_node *root)
{
	struct bd_role *roles =
		bd_compiler_make(compiler, bd_xml_count(root, "role"), sizeof(*roles));
	for (const struct bd_xml_node *at = bd_xml_child(root, "role"); at != NULL && roles != NULL;
		at = bd_xml_next(at)) {
		int quantifier =
			place_in(quantifiers, COUNT(quantifiers), bd_xml_attr(at, "quantifier"));
		struct bd_role *role = &roles[matter->role_count++];
		*role = (struct bd_role){ .name = bd_xml_attr(at, "name"),
			.label_zh = bd_xml_attr(at, "zh"),
			.label_en = bd_xml_attr(at, "en"),
			.kind = (enum bd_subject_kind)place_in(
				subjects, COUNT(subjects), bd_xml_attr(at, "kind")),
			.min = number(at, "min", 0),
			.max = number(at, "max", 0),
			.quantifier = quantifier == 0 ? BD_QUANTIFIER_EVERY
						      : (enum bd_quantifier)quantifier,
			.at_least = number(at, "at-least", 0) };
		bool counts = role->quantifier == BD_QUANTIFIER_AT_LEAST;
		if (role->min > role->max || role->max == 0 || counts != (role->at_least > 0)) {
			bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, at, NULL,
				"min <= max, max > 0, and at-least goes with at_least");
		}
	}
	matter->roles = roles;
}

static void make_elements(
	struct bd_compiler *compiler, struct bd_matter *matter, const struct bd_xml_node *root)
{
	struct bd_element *elements =
		bd_compiler_make(compiler, bd_xml_count(root, "element"), sizeof(*elements));
	matter->elements = elements;
	for (const struct bd_xml_node *at = bd_xml_child(root, "element");
		at != NULL && elements != NULL; at = bd_xml_next(at)) {
		make_element(compiler, &elements[matter->element_count], at, matter);
		for (size_t i = 0; i < matter->element_count; i++) {
			if (strcmp(elements[i].id, elements[matter->element_count].id) == 0) {
				bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, at, "id",
					"element '%s' stands twice", elements[i].id);
			}
		}
		matter->element_count++;
	}
	const char **materials =
		bd_compiler_make(compiler, bd_xml_count(root, "deferrable"), sizeof(*materials));
	for (const struct bd_xml_node *at = bd_xml_child(root, "deferrable");
		at != NULL && materials != NULL; at = bd_xml_next(at)) {
		materials[matter->deferrable_material_count++] = bd_xml_attr(at, "material");
	}
	matter->deferrable_materials = materials;
	if ((matter->conditional_mode != NULL) != (matter->deferrable_material_count > 0)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, root, "conditional-mode",
			"conditional-mode goes with deferrable materials");
	}
}

enum bd_code bd_config_matter(const struct bd_matter **out, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_compiler compiler = {
		.folder = folder, .schemas = schemas, .dict = dict, .arena = arena, .diags = diags
	};
	const struct bd_xml_node *root = NULL;
	enum bd_code code = bd_xml_read(&root, bd_compiler_join(&compiler, folder, "matter.xml"),
		"matter.xml", bd_compiler_join(&compiler, schemas, "matter.xsd"), arena, diags);
	struct bd_matter *matter =
		code == BD_OK ? bd_compiler_make(&compiler, 1, sizeof(*matter)) : NULL;
	if (matter != NULL) {
		const char *slash = strrchr(folder, '/');
		*matter = (struct bd_matter){ .id = bd_xml_attr(root, "id"),
			.version = bd_xml_attr(root, "version"),
			.title_zh = bd_xml_attr(root, "zh"),
			.title_en = bd_xml_attr(root, "en"),
			.basis = bd_xml_attr(root, "basis"),
			.effective_from = bd_xml_attr(root, "effective-from"),
			.effective_until = bd_xml_attr(root, "effective-until"),
			.wait_s = number(root, "wait-s", 0),
			.conditional_mode = bd_xml_attr(root, "conditional-mode") };
		if (strcmp(matter->id, slash == NULL ? folder : slash + 1) != 0) {
			bd_xml_fail(diags, BD_CONFIG_MEANING, root, "id",
				"the folder of matter '%s' has another name", matter->id);
		}
		make_roles(&compiler, matter, root);
		make_elements(&compiler, matter, root);
	}
	if (compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, "matter.xml", 0, 0, "no room");
	}
	code = code == BD_OK ? bd_diags_code(diags) : code;
	if (code == BD_OK) {
		*out = matter;
	}
	return code;
}

enum bd_code bd_config_matters(const char *const **out, size_t *out_count, const char *matters,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_file_folders(out, out_count, matters, "matter.xml", arena);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "the folder of matters cannot be read");
}
