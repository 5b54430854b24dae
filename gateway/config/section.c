#include "config/compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of normalization that a mapping may ask for; without one the type of the field decides. */
static const char *const normalizations[] = { "amount_yuan", "amount_wan_yuan", "amount_fen",
	"date", "date_open_end", "month", "time", "text" };

uint16_t bd_compiler_slot(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const struct bd_slot_plan *slots, size_t slot_count)
{
	const char *name = bd_xml_attr(node, attribute);
	if (name == NULL) {
		return BD_NO_SLOT;
	}
	const char **names = bd_compiler_make(compiler, slot_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < slot_count; i++) {
		names[i] = slots[i].name;
		if (strcmp(names[i], name) == 0) {
			return (uint16_t)i;
		}
	}
	bd_compiler_unknown(compiler, node, attribute, "slot", name, names, slot_count);
	return BD_NO_SLOT;
}

struct bd_when bd_compiler_when(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *slot_attribute, const struct bd_slot_plan *slots, size_t slot_count)
{
	struct bd_when when = { 0 };
	const char *is = bd_xml_attr(node, "is");
	const char *is_not = bd_xml_attr(node, "is-not");
	bool has_slot = bd_xml_attr(node, slot_attribute) != NULL;
	if (is == NULL && is_not == NULL && !has_slot) {
		return when;
	}
	if (!has_slot || (is == NULL) == (is_not == NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, slot_attribute,
			"a condition is '%s' with either 'is' or 'is-not'", slot_attribute);
		return when;
	}
	when.slot = bd_compiler_slot(compiler, node, slot_attribute, slots, slot_count);
	when.is_not = is_not != NULL;
	when.values =
		bd_compiler_split(compiler, is_not != NULL ? is_not : is, '|', &when.value_count);
	return when;
}

static uint16_t find_kind(
	struct bd_compiler *compiler, const struct bd_xml_node *node, const struct bd_id_kind **out)
{
	const char *name = bd_xml_attr(node, "kind");
	size_t count = compiler->dict->id_kind_count;
	const char **names = bd_compiler_make(compiler, count, sizeof(*names));
	if (name == NULL || names == NULL) {
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		names[i] = compiler->dict->id_kinds[i].name;
		if (strcmp(names[i], name) == 0) {
			*out = &compiler->dict->id_kinds[i];
			return (*out)->number;
		}
	}
	bd_compiler_unknown(compiler, node, "kind", "identifier kind", name, names, count);
	return 0;
}

static void make_identifier(struct bd_compiler *compiler, struct bd_identifier_plan *id,
	const struct bd_xml_node *node, const struct bd_slot_plan *slots, size_t slot_count)
{
	const struct bd_id_kind *kind = NULL;
	const char *key = bd_xml_attr(node, "key");
	*id = (struct bd_identifier_plan){ .kind = find_kind(compiler, node, &kind),
		.slot = bd_compiler_slot(compiler, node, "slot", slots, slot_count),
		.type_slot = bd_compiler_slot(compiler, node, "type", slots, slot_count),
		.type_map = bd_compiler_map(compiler, node, "map"),
		.when = bd_compiler_when(compiler, node, "when", slots, slot_count),
		.is_strict = bd_xml_is_true(node, "strict") };
	if (kind != NULL && kind->is_issued != (key != NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "kind",
			"'key' names a department's own key, and only that");
	}
	if (key != NULL) {
		size_t size = strlen(compiler->source) + strlen(key) + 2;
		char *issuer = bd_compiler_make(compiler, size, 1);
		if (issuer != NULL) {
			snprintf(issuer, size, "%s:%s", compiler->source, key);
		}
		id->issuer = issuer;
	}
	if (id->type_map != NULL) {
		bd_compiler_check_map(compiler, node, id->type_map, NULL);
	}
	if (bd_xml_attr(node, "kind") == NULL && bd_xml_attr(node, "type") == NULL) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
			"an identifier has a kind, or the slot of its type with a map");
	}
}

const struct bd_identifier_plan *bd_compiler_identifiers(struct bd_compiler *compiler,
	const struct bd_xml_node *node, const char *name, const struct bd_slot_plan *slots,
	size_t slot_count, size_t *count)
{
	*count = bd_xml_count(node, name);
	struct bd_identifier_plan *ids = bd_compiler_make(compiler, *count, sizeof(*ids));
	if (*count == 0 || ids == NULL) {
		*count = 0;
		return NULL;
	}
	struct bd_identifier_plan *id = ids;
	for (const struct bd_xml_node *at = bd_xml_child(node, name); at != NULL;
		at = bd_xml_next(at)) {
		make_identifier(compiler, id++, at, slots, slot_count);
	}
	return ids;
}

static const struct bd_field *find_field(struct bd_compiler *compiler,
	const struct bd_entity *entity, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "to");
	const char **names = bd_compiler_make(compiler, entity->field_count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < entity->field_count; i++) {
		names[i] = entity->fields[i].name;
		if (strcmp(names[i], name) == 0) {
			return &entity->fields[i];
		}
	}
	bd_compiler_unknown(compiler, node, "to", "field", name, names, entity->field_count);
	return NULL;
}

/* The slots of `from`, separated by blanks. */
static void set_slots(struct bd_compiler *compiler, struct bd_field_plan *plan,
	const struct bd_xml_node *node, const struct bd_section_plan *section)
{
	const char *from = bd_xml_attr(node, "from");
	size_t count = 0;
	const char *const *parts =
		from == NULL ? NULL : bd_compiler_split(compiler, from, ' ', &count);
	uint16_t *slots = bd_compiler_make(compiler, count, sizeof(*slots));
	for (size_t i = 0; slots != NULL && i < count; i++) {
		struct bd_xml_attribute one = *bd_xml_attribute(node, "from");
		struct bd_xml_node part = *node;
		one.value = parts[i];
		part.attributes = &one;
		part.attribute_count = 1;
		slots[plan->slot_count++] = bd_compiler_slot(
			compiler, &part, "from", section->slots, section->slot_count);
	}
	plan->slots = slots;
}

static void set_constant(struct bd_compiler *compiler, struct bd_field_plan *plan,
	const struct bd_field *field, const struct bd_xml_node *node)
{
	plan->constant = bd_xml_attr(node, "value");
	if (plan->constant == NULL || field->type != BD_TYPE_CODE) {
		return;
	}
	const struct bd_code_map_entry entry = { "", plan->constant };
	const struct bd_code_map map = { "", &entry, 1 };
	bd_compiler_check_map(compiler, node, &map, field);
}

static enum bd_operation operation_of(const struct bd_field_plan *plan)
{
	if (plan->constant != NULL) {
		return BD_OPERATION_CONSTANT;
	}
	if (plan->map != NULL) {
		return BD_OPERATION_TABLE;
	}
	if (plan->slot_count > 1) {
		return BD_OPERATION_FIRST;
	}
	return plan->when.value_count > 0 ? BD_OPERATION_SELECT : BD_OPERATION_COPY;
}

static void make_field(struct bd_compiler *compiler, struct bd_field_plan *plan,
	const struct bd_field *field, const struct bd_xml_node *node,
	const struct bd_section_plan *section)
{
	plan->to = field->number;
	plan->map = bd_compiler_map(compiler, node, "map");
	plan->as = bd_xml_attr(node, "as");
	plan->is_required = bd_xml_is_true(node, "required");
	plan->when = bd_compiler_when(compiler, node, "when", section->slots, section->slot_count);
	set_slots(compiler, plan, node, section);
	set_constant(compiler, plan, field, node);
	plan->operation = operation_of(plan);
	if ((plan->slot_count == 0) == (plan->constant == NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "to",
			"a field comes from slots ('from') or is constant ('value')");
	}
	if (plan->map != NULL) {
		bd_compiler_check_map(compiler, node, plan->map, field);
	} else if (field->type == BD_TYPE_CODE && plan->constant == NULL) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "to",
			"'%s' is a code: its mapping needs a map", field->name);
	}
	size_t count = sizeof(normalizations) / sizeof(normalizations[0]);
	for (size_t i = 0; plan->as != NULL && i <= count; i++) {
		if (i == count) {
			bd_compiler_unknown(compiler, node, "as", "normalization", plan->as,
				normalizations, count);
		} else if (strcmp(normalizations[i], plan->as) == 0) {
			break;
		}
	}
	if (field->type == BD_TYPE_AMOUNT && plan->as == NULL) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "to",
			"an amount says its unit: as=\"amount_yuan\", for example");
	}
}

static int by_to(const void *a, const void *b)
{
	return (int)((const struct bd_field_plan *)a)->to -
	       (int)((const struct bd_field_plan *)b)->to;
}

static void make_fields(struct bd_compiler *compiler, struct bd_output_plan *output,
	const struct bd_entity *entity, const struct bd_xml_node *node,
	const struct bd_section_plan *section)
{
	struct bd_field_plan *fields =
		bd_compiler_make(compiler, bd_xml_count(node, "field"), sizeof(*fields));
	if (fields == NULL) {
		return;
	}
	for (const struct bd_xml_node *at = bd_xml_child(node, "field"); at != NULL;
		at = bd_xml_next(at)) {
		const struct bd_field *field = find_field(compiler, entity, at);
		if (field != NULL) {
			make_field(compiler, &fields[output->field_count++], field, at, section);
		}
	}
	qsort(fields, output->field_count, sizeof(*fields), by_to);
	output->fields = fields;
	for (size_t i = 1; i < output->field_count; i++) {
		if (fields[i].to == fields[i - 1].to &&
			(fields[i].when.value_count == 0 || fields[i - 1].when.value_count == 0)) {
			bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
				"field number %u is mapped twice", fields[i].to);
		}
	}
}

static const struct bd_entity *find_entity(struct bd_compiler *compiler,
	const struct bd_xml_node *node, const char *attribute, const char *name)
{
	size_t count = compiler->dict->entity_count;
	const char **names = bd_compiler_make(compiler, count, sizeof(*names));
	for (size_t i = 0; names != NULL && i < count; i++) {
		names[i] = compiler->dict->entities[i].name;
		if (strcmp(names[i], name) == 0) {
			return &compiler->dict->entities[i];
		}
	}
	bd_compiler_unknown(compiler, node, attribute, "entity", name, names, count);
	return NULL;
}

static void make_output(struct bd_compiler *compiler, struct bd_output_plan *output,
	const struct bd_xml_node *node, const struct bd_section_plan *section,
	const struct bd_feed_plan *feed)
{
	const struct bd_entity *entity =
		find_entity(compiler, node, "entity", bd_xml_attr(node, "entity"));
	if (entity == NULL) {
		return;
	}
	output->entity = entity->number;
	output->when =
		bd_compiler_when(compiler, node, "when", section->slots, section->slot_count);
	output->is_message_subject = bd_xml_is_true(node, "message-subject");
	output->subject = bd_compiler_identifiers(compiler, node, "subject", section->slots,
		section->slot_count, &output->subject_count);
	output->other = bd_compiler_identifiers(
		compiler, node, "other", section->slots, section->slot_count, &output->other_count);
	if ((output->subject_count == 0) != output->is_message_subject) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
			"an output has its own subject, or message-subject=\"true\"");
	}
	if (output->is_message_subject && feed->subject_count == 0) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "message-subject",
			"the feed states no subject of the message");
	}
	if ((output->other_count > 0) != entity->is_relation) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, "entity",
			"'other' belongs to a relation, and every relation has one");
	}
	make_fields(compiler, output, entity, node, section);
}

/* Columns of the layout, then <slots> (name = path), then each <slot>. */
static void make_slots(struct bd_compiler *compiler, struct bd_section_plan *section,
	const struct bd_xml_node *node, const struct bd_feed_plan *feed)
{
	const struct bd_xml_node *list = bd_xml_child(node, "slots");
	size_t named = 0;
	const char *const *names =
		list == NULL ? NULL : bd_compiler_split(compiler, list->text, ' ', &named);
	size_t max = feed->column_count + named + bd_xml_count(node, "slot");
	struct bd_slot_plan *slots = bd_compiler_make(compiler, max, sizeof(*slots));
	if (slots == NULL || max >= BD_NO_SLOT) {
		compiler->is_out_of_memory = true;
		return;
	}
	size_t count = 0;
	for (size_t i = 0; i < feed->column_count; i++) {
		slots[count].name = feed->columns[i].name;
		slots[count++].path = feed->columns[i].name;
	}
	for (size_t i = 0; i < named; i++) {
		slots[count].name = names[i];
		slots[count++].path = names[i];
	}
	for (const struct bd_xml_node *at = bd_xml_child(node, "slot"); at != NULL;
		at = bd_xml_next(at)) {
		const char *path = bd_xml_attr(at, "path");
		slots[count++] = (struct bd_slot_plan){ .name = bd_xml_attr(at, "name"),
			.path = path == NULL ? bd_xml_attr(at, "name") : path,
			.pivot = bd_xml_attr(at, "pivot"),
			.is_message = bd_xml_is_true(at, "message") };
	}
	section->slots = slots;
	section->slot_count = count;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(slots[i].name, slots[j].name) == 0) {
				bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, node, NULL,
					"slot '%s' stands twice", slots[i].name);
			}
		}
	}
}

static void set_actions(struct bd_compiler *compiler, struct bd_section_plan *section,
	const struct bd_xml_node *node)
{
	const struct bd_xml_node *at = bd_xml_child(node, "action");
	section->action = BD_ACTION_REPLACE;
	section->action_slot = BD_NO_SLOT;
	if (at == NULL) {
		return;
	}
	static const struct {
		const char *name;
		enum bd_action action;
		size_t offset;
	} actions[] = { { "delete", BD_ACTION_DELETE,
				offsetof(struct bd_section_plan, delete_when) },
		{ "replace", BD_ACTION_REPLACE, offsetof(struct bd_section_plan, replace_when) },
		{ "patch", BD_ACTION_PATCH, offsetof(struct bd_section_plan, patch_when) } };
	const char *always = bd_xml_attr(at, "always");
	section->action_slot =
		bd_compiler_slot(compiler, at, "slot", section->slots, section->slot_count);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		const char *values = bd_xml_attr(at, actions[i].name);
		if (always != NULL && strcmp(always, actions[i].name) == 0) {
			section->action = actions[i].action;
		}
		if (values != NULL) {
			struct bd_when *when =
				(struct bd_when *)((char *)section + actions[i].offset);
			when->slot = section->action_slot;
			when->values = bd_compiler_split(compiler, values, '|', &when->value_count);
		}
	}
	if ((section->action_slot == BD_NO_SLOT) == (always == NULL)) {
		bd_xml_fail(compiler->diags, BD_CONFIG_MEANING, at, NULL,
			"the action is 'always' one, or told by a 'slot'");
	}
}

static void set_covers(struct bd_compiler *compiler, struct bd_section_plan *section,
	const struct bd_xml_node *node)
{
	const char *covers = bd_xml_attr(node, "covers");
	size_t count = 0;
	const char *const *names =
		covers == NULL ? NULL : bd_compiler_split(compiler, covers, ' ', &count);
	uint16_t *numbers = bd_compiler_make(compiler, count, sizeof(*numbers));
	for (size_t i = 0; numbers != NULL && i < count; i++) {
		const struct bd_entity *entity = find_entity(compiler, node, "covers", names[i]);
		if (entity != NULL) {
			numbers[section->cover_count++] = entity->number;
		}
	}
	section->covers = numbers;
}

void bd_compiler_section(struct bd_compiler *compiler, struct bd_section_plan *section,
	const struct bd_xml_node *node, const struct bd_feed_plan *feed, const char *payload)
{
	const struct bd_xml_node *pivot = bd_xml_child(node, "pivot");
	const struct bd_xml_node *ignored = bd_xml_child(node, "ignored");
	const char *group = bd_xml_attr(node, "group");
	section->name = bd_xml_attr(node, "name");
	section->label_zh = bd_xml_attr(node, "zh");
	section->path = bd_compiler_join(compiler, payload, bd_xml_attr(node, "path"));
	section->group_path =
		group == NULL ? section->path : bd_compiler_join(compiler, payload, group);
	if (pivot != NULL) {
		section->pivot_path = bd_xml_attr(pivot, "path");
		section->pivot_code = bd_xml_attr(pivot, "code");
		section->pivot_value = bd_xml_attr(pivot, "value");
	}
	make_slots(compiler, section, node, feed);
	set_actions(compiler, section, node);
	set_covers(compiler, section, node);
	section->order_slot =
		bd_compiler_slot(compiler, node, "order", section->slots, section->slot_count);
	section->as_of_slot =
		bd_compiler_slot(compiler, node, "as-of", section->slots, section->slot_count);
	const char *unknown = bd_xml_attr(node, "unknown");
	section->is_unknown_refused = unknown != NULL && strcmp(unknown, "refuse") == 0;
	if (ignored != NULL) {
		section->ignored =
			bd_compiler_split(compiler, ignored->text, ' ', &section->ignored_count);
	}
	struct bd_output_plan *outputs =
		bd_compiler_make(compiler, bd_xml_count(node, "output"), sizeof(*outputs));
	section->outputs = outputs;
	for (const struct bd_xml_node *at = bd_xml_child(node, "output");
		at != NULL && outputs != NULL; at = bd_xml_next(at)) {
		make_output(compiler, &outputs[section->output_count++], at, section, feed);
	}
}
