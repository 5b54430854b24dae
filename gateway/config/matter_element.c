/* matter_element.c - one element of a matter: what it asks of whom, and what it takes for an
 * answer. */
#include "config/matter_parts.h"

#include "base/json_write.h"

#include <stdlib.h>
#include <string.h>

/* A path over a relation fans out; more than a company's shareholders is a mistake (公司法: 50). */
#define FAN_OUT_NORMAL 64
/* Without a calendar of the source, the month before the last is the newest that has surely closed:
 * so long after its end. */
#define CLOSES_AFTER_DAYS 31

/* In the order of enum bd_finding_code and of the bits of enum bd_finding_flag. */
static const char *const findings[] = { "match", "near", "mismatch", "indeterminate", "absent",
	"no_record", "ambiguous", "unavailable", "withheld", "invalid" };
_Static_assert(BD_COUNT(findings) == BD_FINDING_CODE_COUNT, "a finding code without a name");
static const char *const flags[] = { "stale", "disputed", "conflict", "normalized", "former" };
_Static_assert(1u << (BD_COUNT(flags) - 1) == BD_FLAG_FORMER, "a flag without a name");

static const char *const quantifiers[] = { "every", "any", "at_least" };
static const char *const polarities[] = { "must_agree", "must_exist", "must_not_exist" };
static const char *const freshness[] = { "any", "observed", "complete_through", "period" };
/* In the order of enum bd_test_kind. */
static const char *const tests[] = { "age", "days_since", "number", "in_list" };

/* A bit for each name of the list; 0 where the attribute is absent. */
static uint32_t bits_of(struct bd_matter_reader *reader, const struct bd_xml_node *node,
	const char *attribute, const char *what, const char *const *table, size_t table_count)
{
	size_t count = 0;
	const char *const *names = bd_matter_names(&reader->compiler, node, attribute, ' ', &count);
	uint32_t bits = 0;

	for (size_t i = 0; i < count; i++) {
		int place = bd_matter_place(table, table_count, names[i]);

		if (place == 0) {
			bd_compiler_unknown(&reader->compiler, node, attribute, what, names[i],
				table, table_count);
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
		if (name != NULL && strcmp(names[i], name) == 0) {
			return &compiler->dict->entities[i];
		}
	}
	if (name != NULL && names != NULL) {
		bd_compiler_unknown(compiler, node, "entity", "entity", name, names, count);
	}
	return NULL;
}

static const struct bd_field *find_field(struct bd_compiler *compiler,
	const struct bd_entity *entity, const struct bd_xml_node *node, const char *attribute,
	const char *name)
{
	const char **names;

	if (name == NULL || entity == NULL) {
		return NULL;
	}
	names = bd_compiler_make(compiler, entity->field_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < entity->field_count; i++) {
		names[i] = entity->fields[i].name;
		if (strcmp(names[i], name) == 0) {
			return &entity->fields[i];
		}
	}
	if (names != NULL) {
		bd_compiler_unknown(
			compiler, node, attribute, "field", name, names, entity->field_count);
	}
	return NULL;
}

/* Values of a code field must be its codes; "" stands for no value. */
static void check_values(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const struct bd_field *field, const char *const *values,
	size_t value_count)
{
	const char **names;

	if (field == NULL || field->type != BD_TYPE_CODE) {
		return;
	}
	names = bd_compiler_make(compiler, field->code_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < field->code_count; i++) {
		names[i] = field->codes[i].name;
	}
	for (size_t i = 0; names != NULL && i < value_count; i++) {
		if (values[i][0] != '\0' &&
			bd_matter_place(names, field->code_count, values[i]) == 0) {
			bd_compiler_unknown(compiler, node, attribute, "code of this field",
				values[i], names, field->code_count);
		}
	}
}

static bool is_number(const struct bd_field *field)
{
	return field->type == BD_TYPE_AMOUNT || field->type == BD_TYPE_COUNT;
}

/* -- parts of an element -- */

static bool asks_time(const struct bd_row_filter *filter)
{
	return bd_range_is_bound(&filter->days_since) || bd_range_is_bound(&filter->years_since);
}

/* The field is of the type that is asked. */
static void check_filter_type(struct bd_compiler *compiler, const struct bd_row_filter *filter,
	const struct bd_xml_node *node)
{
	const struct bd_field *field = filter->field;

	if (field == NULL) {
		return;
	}
	if (bd_range_is_bound(&filter->number) && !is_number(field)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "field", "'%s' is no number",
			field->name);
	}
	if (asks_time(filter) && field->type != BD_TYPE_DATE) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "field", "'%s' is no date",
			field->name);
	}
	if (filter->same_as != NULL && field->type != BD_TYPE_IDENTIFIER) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "same-as",
			"the field is no identifier");
	}
}

static void check_filter(struct bd_compiler *compiler, const struct bd_row_filter *filter,
	const struct bd_xml_node *node, const struct bd_entity *entity)
{
	int ranges = bd_range_is_bound(&filter->number) + bd_range_is_bound(&filter->days_since) +
		     bd_range_is_bound(&filter->years_since);
	int asked = (bd_xml_attr(node, "is") != NULL) + (bd_xml_attr(node, "is-not") != NULL) +
		    ranges + (filter->same_as != NULL) + (filter->other_role != NULL);

	if (asked != 1 || (filter->other_role != NULL) == (bd_xml_attr(node, "field") != NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
			"a filter has a field and one of is, is-not, a number's bounds, the days "
			"or years since a date, same-as; or other-role alone");
	}
	if (filter->counts_none && ranges == 0) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "or-none",
			"it goes with bounds; is and is-not have the empty value");
	}
	if (filter->other_role != NULL && entity != NULL && !entity->is_relation) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "other-role",
			"only a relation has another side");
	}
	check_filter_type(compiler, filter, node);
}

static void make_filter(struct bd_matter_reader *reader, struct bd_row_filter *filter,
	const struct bd_xml_node *node, const struct bd_entity *entity)
{
	struct bd_compiler *compiler = &reader->compiler;
	const char *which = bd_xml_attr(node, "is-not") != NULL ? "is-not" : "is";

	filter->field = find_field(compiler, entity, node, "field", bd_xml_attr(node, "field"));
	filter->is_not = bd_xml_attr(node, "is-not") != NULL;
	filter->values = bd_matter_names(compiler, node, which, '|', &filter->value_count);
	filter->number = bd_matter_range(reader, node, "at-least", "at-most");
	filter->days_since =
		bd_matter_range(reader, node, "days-since-at-least", "days-since-at-most");
	filter->years_since =
		bd_matter_range(reader, node, "years-since-at-least", "years-since-at-most");
	filter->counts_none = bd_xml_is_true(node, "or-none");
	filter->same_as = bd_xml_attr(node, "same-as");
	bd_matter_role(reader, node, "same-as", filter->same_as);
	filter->other_role = bd_xml_attr(node, "other-role");
	bd_matter_role(reader, node, "other-role", filter->other_role);
	check_values(compiler, node, which, filter->field, filter->values, filter->value_count);
	check_filter(compiler, filter, node, entity);
}

static void make_filters(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	struct bd_row_filter *filters =
		bd_compiler_make(&reader->compiler, bd_xml_count(node, "filter"), sizeof(*filters));

	for (const struct bd_xml_node *at = bd_xml_child(node, "filter");
		at != NULL && filters != NULL; at = bd_xml_next(at)) {
		make_filter(reader, &filters[element->filter_count++], at, element->entity);
	}
	element->filters = filters;
}

static void make_accepted_values(
	struct bd_compiler *compiler, struct bd_element *element, const struct bd_xml_node *node)
{
	const char **values =
		bd_compiler_make(compiler, bd_xml_count(node, "value"), sizeof(*values));

	for (const struct bd_xml_node *at = bd_xml_child(node, "value");
		at != NULL && values != NULL; at = bd_xml_next(at)) {
		values[element->accepted_value_count] = at->text;
		check_values(compiler, at, NULL, element->field,
			&values[element->accepted_value_count], 1);
		element->accepted_value_count++;
	}
	element->accepted_values = values;
}

static const struct bd_list *find_list(
	struct bd_matter_reader *reader, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "list");
	const char **names =
		bd_compiler_make(&reader->compiler, reader->list_count, sizeof(*names));

	for (size_t i = 0; names != NULL && name != NULL && i < reader->list_count; i++) {
		names[i] = reader->lists[i].name;
		if (strcmp(names[i], name) == 0) {
			return &reader->lists[i];
		}
	}
	if (name != NULL && names != NULL) {
		bd_compiler_unknown(
			&reader->compiler, node, "list", "list", name, names, reader->list_count);
	}
	return NULL;
}

static void make_test(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "test");
	const struct bd_field *field = element->field;
	struct bd_test *test = &element->test;
	bool fits = true, is_list;

	if (at == NULL) {
		return;
	}
	test->kind =
		(enum bd_test_kind)bd_matter_place(tests, BD_COUNT(tests), bd_xml_attr(at, "kind"));
	test->range = bd_matter_range(reader, at, "at-least", "at-most");
	test->list = find_list(reader, at);
	test->waits = bd_xml_is_true(at, "waits");
	is_list = test->kind == BD_TEST_IN_LIST;
	if (is_list != (bd_xml_attr(at, "list") != NULL) ||
		is_list == bd_range_is_bound(&test->range)) {
		bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, at, NULL,
			"in_list has a list, every other test has bounds");
	}
	if (test->waits && (test->kind != BD_TEST_DAYS_SINCE || test->range.at_most != INT64_MAX ||
				   element->is_claimed)) {
		bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, at, "waits",
			"time alone mends only days_since with at-least of a held date");
	}
	if (field != NULL && test->kind == BD_TEST_NUMBER) {
		fits = is_number(field);
	} else if (field != NULL && !is_list) {
		fits = field->type == BD_TYPE_DATE;
	} else if (field != NULL) {
		fits = field->comparator == BD_COMPARE_SET || field->type == BD_TYPE_NATIVE_CODE ||
		       field->type == BD_TYPE_CODE;
	}
	if (!fits) {
		bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, at, "kind",
			"'%s' is of another type", field->name);
	}
}

static void make_months(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "months");

	if (at == NULL) {
		return;
	}
	element->months.field = find_field(
		&reader->compiler, element->entity, at, "field", bd_xml_attr(at, "field"));
	element->months.kind = find_field(&reader->compiler, element->entity, at, "kind-field",
		bd_xml_attr(at, "kind-field"));
	element->months.at_least = bd_matter_number(reader, at, "at-least", 1);
	element->months.counts_back_paid = bd_xml_is_true(at, "counts-back-paid");
	element->months.is_continuous = strcmp(bd_xml_attr(at, "mode"), "continuous") == 0;
	element->closes_after_days =
		bd_matter_number(reader, at, "closes-after-days", CLOSES_AFTER_DAYS);
	if (element->months.field != NULL && element->months.field->type != BD_TYPE_MONTH) {
		bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, at, "field",
			"'%s' is no month", element->months.field->name);
	}
	if (element->months.at_least < 1) {
		bd_xml_fail(reader->compiler.diags, BD_CONFIG_MEANING, at, "at-least",
			"at least one month");
	}
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
	rule->providers = bd_matter_names(compiler, at, "providers", ' ', &rule->provider_count);
	rule->max_age_s = strtoll(bd_xml_attr(at, "max-age-s"), NULL, 10);
	element->attestation = rule;
}

static void make_refusal(struct bd_element *element, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "refuse");

	if (at != NULL) {
		element->refuses = true;
		element->refusal_basis = bd_xml_attr(at, "basis");
		element->refusal_reason = bd_xml_attr(at, "reason");
		element->refusal_remedy = bd_xml_attr(at, "remedy");
	}
}

static void make_when(
	struct bd_compiler *compiler, struct bd_element *element, const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "when");

	if (at != NULL) {
		element->when_claim = bd_xml_attr(at, "claim");
		element->when_values =
			bd_matter_names(compiler, at, "is", '|', &element->when_value_count);
	}
}

/* An earlier element: one that is decided when this one is asked. */
static const struct bd_element *find_unless(
	struct bd_matter_reader *reader, const struct bd_xml_node *node)
{
	const struct bd_matter *matter = reader->matter;
	const char *name = bd_xml_attr(node, "unless");
	const char **names =
		bd_compiler_make(&reader->compiler, matter->element_count, sizeof(*names));

	for (size_t i = 0; names != NULL && name != NULL && i < matter->element_count; i++) {
		names[i] = matter->elements[i].id;
		if (strcmp(names[i], name) == 0) {
			return &matter->elements[i];
		}
	}
	if (name != NULL && names != NULL) {
		bd_compiler_unknown(&reader->compiler, node, "unless", "earlier element", name,
			names, matter->element_count);
	}
	return NULL;
}

static void check_relations(struct bd_compiler *compiler, const struct bd_element *element,
	const struct bd_xml_node *node)
{
	if (element->relation_count > 0) {
		const struct bd_entity *relation = bd_dictionary_entity(compiler->dict, "relation");

		check_values(compiler, node, "relations",
			find_field(compiler, relation, node, "relations", "role"),
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
		if (bd_matter_place(names, count, element->documents[i]) == 0) {
			bd_compiler_unknown(compiler, node, "documents", "identifier kind",
				element->documents[i], names, count);
		}
	}
}

static void make_roles(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	size_t count;
	const char *const *names = bd_matter_names(&reader->compiler, node, "role", ' ', &count);
	const char **roles = bd_compiler_make(&reader->compiler, count, sizeof(*roles));

	/* The role's own text: to compare what is one and the same costs nothing. */
	for (size_t i = 0; roles != NULL && i < count; i++) {
		const struct bd_role *role = bd_matter_role(reader, node, "role", names[i]);

		roles[i] = role != NULL ? role->name : names[i];
	}
	element->roles = roles;
	element->role_count = roles != NULL ? count : 0;
}

static void make_path(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	struct bd_compiler *compiler = &reader->compiler;
	int quantifier = bd_matter_place(
		quantifiers, BD_COUNT(quantifiers), bd_xml_attr(node, "quantifier"));

	element->relations =
		bd_matter_names(compiler, node, "relations", ' ', &element->relation_count);
	element->is_relation_inverse = bd_xml_is_true(node, "inverse");
	element->quantifier =
		quantifier == 0 ? BD_QUANTIFIER_EVERY : (enum bd_quantifier)quantifier;
	element->at_least = (uint32_t)bd_matter_number(reader, node, "at-least", 0);
	element->fan_out_max =
		(uint32_t)bd_matter_number(reader, node, "fan-out-max", FAN_OUT_NORMAL);
	check_relations(compiler, element, node);
}

static void make_acceptance(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	element->accepted_codes =
		bits_of(reader, node, "accepted", "finding code", findings, BD_COUNT(findings));
	if (bd_xml_attr(node, "accepted") == NULL) {
		element->accepted_codes = 1u << BD_FINDING_MATCH;
	}
	element->accepted_flags =
		bits_of(reader, node, "tolerated", "flag", flags, BD_COUNT(flags));
	element->resubmit_codes =
		bits_of(reader, node, "resubmit", "finding code", findings, BD_COUNT(findings));
}

/* What stands in every answer about it is written once. */
static void write_members(struct bd_compiler *compiler, struct bd_element *element)
{
	struct bd_json_writer w;
	struct bd_buf text;

	element->name = bd_bytes_of(element->id);
	bd_buf_init(&text, 65536);
	bd_jw_init(&w, &text);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "element", element->id);
	bd_jw_text(&w, "label_zh", element->label_zh);
	bd_jw_text(&w, "label_en", element->label_en);
	if (w.code == BD_OK && bd_buf_add_text(&text, ",\"subject\":\"") == BD_OK) {
		element->members = bd_arena_copy(compiler->arena, bd_buf_bytes(&text));
	}
	compiler->is_out_of_memory |= element->members.ptr == NULL;
	bd_buf_release(&text);
}

/* As a kept case has them. */
static void write_sources(struct bd_compiler *compiler, struct bd_element *element)
{
	struct bd_buf text;
	enum bd_code code = BD_OK;

	bd_buf_init(&text, 65536);
	for (size_t i = 0; i < element->source_count && code == BD_OK; i++) {
		code = i > 0 ? bd_buf_add_byte(&text, ' ') : BD_OK;
		code = code == BD_OK ? bd_buf_add_text(&text, element->sources[i]) : code;
	}
	element->source_words = bd_arena_copy(compiler->arena, bd_buf_bytes(&text));
	compiler->is_out_of_memory |= code != BD_OK || element->source_words.ptr == NULL;
	bd_buf_release(&text);
}

void bd_matter_element(
	struct bd_matter_reader *reader, struct bd_element *element, const struct bd_xml_node *node)
{
	struct bd_compiler *compiler = &reader->compiler;
	const char *entity = bd_xml_attr(node, "entity");
	int fresh = bd_matter_place(freshness, BD_COUNT(freshness), bd_xml_attr(node, "freshness"));

	element->line = node->line;
	element->column = node->column;
	element->id = bd_xml_attr(node, "id");
	element->label_zh = bd_xml_attr(node, "zh");
	element->label_en = bd_xml_attr(node, "en");
	write_members(compiler, element);
	make_roles(reader, element, node);
	make_path(reader, element, node);
	element->entity = entity == NULL ? NULL : find_entity(compiler, node, entity);
	element->field =
		find_field(compiler, element->entity, node, "field", bd_xml_attr(node, "field"));
	element->polarity = (enum bd_polarity)bd_matter_place(
		polarities, BD_COUNT(polarities), bd_xml_attr(node, "polarity"));
	element->is_claimed = bd_xml_is_true(node, "claimed");
	element->same_as = bd_xml_attr(node, "same-as");
	bd_matter_role(reader, node, "same-as", element->same_as);
	element->tolerance_fen = bd_matter_number(reader, node, "tolerance-fen", 0);
	element->sources = bd_matter_names(compiler, node, "sources", ' ', &element->source_count);
	write_sources(compiler, element);
	element->sources_needed = (uint32_t)bd_matter_number(reader, node, "sources-needed", 0);
	element->documents =
		bd_matter_names(compiler, node, "documents", ' ', &element->document_count);
	check_documents(compiler, element, node);
	element->is_core = bd_xml_is_true(node, "core");
	element->branches = bd_matter_branches(reader, node);
	element->is_for_commitment = bd_xml_attr(node, "for") != NULL;
	element->unless = find_unless(reader, node);
	element->freshness = fresh == 0 ? BD_FRESH_ANY : (enum bd_freshness)fresh;
	element->max_age_s = bd_matter_number(reader, node, "max-age-s", 0);
	element->closes_after_days =
		bd_matter_number(reader, node, "closes-after-days", CLOSES_AFTER_DAYS);
	element->agency_due_working_days =
		bd_matter_number(reader, node, "agency-due-working-days", 0);
	element->agency_extension_working_days =
		bd_matter_number(reader, node, "agency-extension-working-days", 0);
	element->agency_extensions = bd_matter_number(reader, node, "agency-extensions", 0);
	make_acceptance(reader, element, node);
	make_when(compiler, element, node);
	make_filters(reader, element, node);
	make_accepted_values(compiler, element, node);
	make_test(reader, element, node);
	make_months(reader, element, node);
	make_attestation(compiler, element, node);
	make_refusal(element, node);
}
