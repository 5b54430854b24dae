#include "intake/normalize.h"

#include "base/limits.h"
#include "base/text.h"
#include "record/rules_identifier.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include <stdlib.h>
#include <string.h>

#define IDENTIFIERS_MAX 16
#define KEY_SEPARATOR "\x1F"

/* What the steps of one draft share. */
struct work {
	const struct bd_draft *draft;
	const struct bd_normalize_context *context;
	struct bd_arena *arena;
	struct bd_diag *diag;
};

static struct bd_bytes slot_text(const struct bd_slot *slot)
{
	return slot->state == BD_SLOT_TEXT ? bd_text_trim(slot->text) : (struct bd_bytes){ "", 0 };
}

bool bd_when_holds(const struct bd_when *when, const struct bd_slot *slots)
{
	struct bd_bytes text;

	if (when->value_count == 0) {
		return true;
	}
	text = slot_text(&slots[when->slot]);
	for (size_t i = 0; i < when->value_count; i++) {
		if (bd_bytes_is(text, when->values[i])) {
			return !when->is_not;
		}
	}
	return when->is_not;
}

/* Sorted by `from`, bytewise. NULL = not there. */
static const char *map_find(const struct bd_code_map *map, struct bd_bytes from)
{
	size_t low = 0, high = map->entry_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = bd_bytes_compare(bd_bytes_of(map->entries[middle].from), from);

		if (order == 0) {
			return map->entries[middle].to;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

/* Names the native field and where it stands. */
static enum bd_code at_slot(const struct work *work, enum bd_code code,
	const struct bd_slot_plan *plan, const struct bd_slot *slot)
{
	if (work->diag != NULL) {
		work->diag->code = code;
		work->diag->place =
			slot->state == BD_SLOT_MISSING ? work->draft->place : slot->place;
		bd_diag_set_field(work->diag, plan->name);
		bd_diag_set_path(work->diag, plan->path);
	}
	return code;
}

static enum bd_code at_section_slot(const struct work *work, enum bd_code code, uint16_t slot)
{
	return at_slot(work, code, &work->draft->section->slots[slot], &work->draft->slots[slot]);
}

/* -- identifiers -- */

/* Kind by plan, by the document's type, or, where no type is stated, by a shape that cannot be
 * another's. */
static enum bd_code kind_of(const struct bd_id_kind **kind, const struct bd_identifier_plan *plan,
	const struct bd_slot *slots, const struct work *work)
{
	const struct bd_dictionary *dict = work->context->dict;
	struct bd_bytes type;
	const char *name = "resident_id";

	if (plan->kind != 0) {
		*kind = bd_dictionary_id_kind_number(dict, plan->kind);
		return *kind != NULL ? BD_OK : BD_INTERNAL;
	}
	type = plan->type_slot == BD_NO_SLOT ? (struct bd_bytes){ "", 0 }
					     : slot_text(&slots[plan->type_slot]);
	if (type.len > 0 && plan->type_map != NULL) {
		name = map_find(plan->type_map, type);
		if (name == NULL) {
			return BD_CODE_UNMAPPED;
		}
	}
	*kind = bd_dictionary_id_kind(dict, name);
	return *kind != NULL ? BD_OK : BD_CODE_UNMAPPED;
}

static uint16_t rank_of(const struct work *work, const struct bd_identifier *identifier)
{
	const struct bd_id_kind *kind =
		bd_dictionary_id_kind_number(work->context->dict, identifier->kind);

	return kind != NULL ? kind->rank : UINT16_MAX;
}

static bool is_same(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->issuer, b->issuer) &&
	       bd_bytes_equal(a->number, b->number);
}

/* rule: map.identifiers. Kept in the order of their rank, then bytes, each once: the first names
 * the subject whoever sends it. */
static void insert(struct bd_identifier *list, size_t *count, const struct bd_identifier *one,
	const struct work *work)
{
	size_t at = *count;

	for (size_t i = 0; i < *count; i++) {
		if (is_same(&list[i], one)) {
			return;
		}
	}
	while (at > 0 && (rank_of(work, one) < rank_of(work, &list[at - 1]) ||
				 (rank_of(work, one) == rank_of(work, &list[at - 1]) &&
					 bd_bytes_compare(one->number, list[at - 1].number) < 0))) {
		list[at] = list[at - 1];
		at--;
	}
	list[at] = *one;
	(*count)++;
}

static enum bd_code read_one(struct bd_identifier *out, const struct bd_identifier_plan *plan,
	const struct bd_slot_plan *slot_plans, const struct bd_slot *slots, const struct work *work)
{
	const struct bd_id_kind *kind = NULL;
	bool warned = false;
	enum bd_code code = kind_of(&kind, plan, slots, work);

	if (code == BD_CODE_UNMAPPED) {
		bd_fail(work->diag, code, "no such type of document");
		return at_slot(work, code, &slot_plans[plan->type_slot], &slots[plan->type_slot]);
	}
	if (code == BD_OK) {
		code = bd_rule_identifier(out, work->context->dict, kind,
			slot_text(&slots[plan->slot]), plan->is_strict ? NULL : &warned,
			work->arena, work->diag);
	}
	if (code != BD_OK) {
		return at_slot(work, code, &slot_plans[plan->slot], &slots[plan->slot]);
	}
	if (plan->issuer != NULL) {
		out->issuer = bd_bytes_of(plan->issuer);
	}
	return BD_OK;
}

/* All that are present; *count 0 when none is. */
static enum bd_code read_identifiers(const struct bd_identifier **out, size_t *count,
	const struct bd_identifier_plan *plans, size_t plan_count,
	const struct bd_slot_plan *slot_plans, const struct bd_slot *slots, const struct work *work)
{
	struct bd_identifier *list;

	*count = 0;
	if (plan_count > IDENTIFIERS_MAX) {
		plan_count = IDENTIFIERS_MAX;
	}
	list = bd_arena_alloc(work->arena, plan_count, sizeof(*list));
	if (list == NULL) {
		return bd_fail(work->diag, bd_arena_code(work->arena), "%s", "");
	}
	for (size_t i = 0; i < plan_count; i++) {
		struct bd_identifier one;
		enum bd_code code;

		if (!bd_when_holds(&plans[i].when, slots) ||
			slot_text(&slots[plans[i].slot]).len == 0) {
			continue;
		}
		code = read_one(&one, &plans[i], slot_plans, slots, work);
		if (code != BD_OK) {
			return code;
		}
		insert(list, count, &one, work);
	}
	*out = list;
	return BD_OK;
}

/* -- values -- */

static enum bd_code apply_rule(struct bd_bytes *out, uint8_t *flags, const struct bd_field *field,
	const char *as, struct bd_bytes text, const struct work *work)
{
	static const struct {
		const char *as;
		enum bd_type type;
	} names[] = { { "date", BD_TYPE_DATE }, { "date_open_end", BD_TYPE_DATE },
		{ "month", BD_TYPE_MONTH }, { "time", BD_TYPE_TIME }, { "text", BD_TYPE_TEXT } };
	enum bd_type type = field->type;

	for (size_t i = 0; as != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		type = strcmp(as, names[i].as) == 0 ? names[i].type : type;
	}
	switch (type) {
	case BD_TYPE_DATE:
		return bd_rule_date(out, text, work->arena, work->diag);
	case BD_TYPE_MONTH:
		return bd_rule_month(out, text, work->arena, work->diag);
	case BD_TYPE_TIME:
		return bd_rule_time_text(out, text, work->arena, work->diag);
	case BD_TYPE_AMOUNT:
		return bd_rule_amount(out, text,
			as != NULL && strcmp(as, "amount_wan_yuan") == 0 ? 6
			: as != NULL && strcmp(as, "amount_fen") == 0    ? 0
									 : 2,
			work->arena, work->diag);
	case BD_TYPE_COUNT:
		return bd_rule_count(out, text, work->arena, work->diag);
	case BD_TYPE_BOOL:
		return bd_rule_bool(out, text, work->diag);
	default:
		return bd_rule_text(out, flags, type, text, work->arena, work->diag);
	}
}

/* The texts of all its slots, joined; a single one as it is. */
static enum bd_code join_slots(
	struct bd_bytes *out, const struct bd_field_plan *plan, const struct work *work)
{
	struct bd_buf joined;
	enum bd_code code = BD_OK;

	if (plan->slot_count == 1) {
		*out = slot_text(&work->draft->slots[plan->slots[0]]);
		return BD_OK;
	}
	bd_buf_init(&joined, BD_FIELD_MAX_BYTES);
	for (size_t i = 0; i < plan->slot_count && code == BD_OK; i++) {
		if (i > 0) {
			code = bd_buf_add_text(&joined, KEY_SEPARATOR);
		}
		if (code == BD_OK) {
			code = bd_buf_add(&joined, slot_text(&work->draft->slots[plan->slots[i]]));
		}
	}
	if (code == BD_OK) {
		*out = bd_arena_copy(work->arena, bd_buf_bytes(&joined));
		code = out->ptr != NULL ? BD_OK : bd_arena_code(work->arena);
	}
	bd_buf_release(&joined);
	return code;
}

/* rule: map.first_of. The slot that gives the value: the first with a text, else the first that is
 * there at all. */
static uint16_t pick_slot(const struct bd_field_plan *plan, const struct bd_slot *slots)
{
	for (size_t i = 0; i < plan->slot_count; i++) {
		if (slot_text(&slots[plan->slots[i]]).len > 0) {
			return plan->slots[i];
		}
	}
	for (size_t i = 0; i < plan->slot_count; i++) {
		if (slots[plan->slots[i]].state != BD_SLOT_MISSING) {
			return plan->slots[i];
		}
	}
	return plan->slots[0];
}

/* rules: map.code, map.unmapped. */
static enum bd_code map_value(struct bd_value *value, const struct bd_field_plan *plan,
	const struct bd_field *field, uint16_t slot, const struct work *work)
{
	struct bd_bytes from;
	const char *to;
	enum bd_code code = join_slots(&from, plan, work);

	if (code != BD_OK) {
		return at_section_slot(work, bd_fail(work->diag, code, "%s", ""), slot);
	}
	to = map_find(plan->map, from);
	if (to != NULL) {
		value->text = bd_bytes_of(to);
		value->native = from;
		value->flags |= BD_VALUE_NORMALIZED;
		return BD_OK;
	}
	/* Never a guess: the native code stays, and compares as not decided. */
	value->text = from;
	value->flags |= BD_VALUE_UNMAPPED;
	if (!field->is_key) {
		return BD_OK;
	}
	value->native = (struct bd_bytes){ NULL, 0 };
	return BD_OK;
}

/* rule: map.none. */
static enum bd_code make_value(struct bd_value *value, const struct bd_field_plan *plan,
	const struct bd_field *field, const struct work *work)
{
	struct bd_bytes text, native;
	uint16_t slot;
	enum bd_code code;

	*value = (struct bd_value){ .field = plan->to };
	if (plan->operation == BD_OPERATION_CONSTANT) {
		value->text = bd_bytes_of(plan->constant);
		return BD_OK;
	}
	slot = pick_slot(plan, work->draft->slots);
	native = slot_text(&work->draft->slots[slot]);
	if (native.len == 0) {
		if (plan->is_required) {
			bd_fail(work->diag, BD_FIELD_MISSING, "%s", "");
			return at_section_slot(work, BD_FIELD_MISSING, slot);
		}
		value->flags |= BD_VALUE_NONE;
		return BD_OK;
	}
	if (plan->map != NULL) {
		return map_value(value, plan, field, slot, work);
	}
	code = apply_rule(&text, &value->flags, field, plan->as, native, work);
	if (code != BD_OK) {
		return at_section_slot(work, code, slot);
	}
	value->text = text;
	if (!bd_bytes_equal(text, native)) {
		value->flags |= BD_VALUE_NORMALIZED;
		value->native = native;
	}
	return BD_OK;
}

/* rule: map.missing. Is any of its slots there? What is not there is not stated. */
static bool is_stated(const struct bd_field_plan *plan, const struct bd_slot *slots)
{
	if (plan->operation == BD_OPERATION_CONSTANT || plan->is_required) {
		return true;
	}
	for (size_t i = 0; i < plan->slot_count; i++) {
		if (slots[plan->slots[i]].state != BD_SLOT_MISSING) {
			return true;
		}
	}
	return false;
}

static enum bd_code make_values(struct bd_record *record, const struct bd_output_plan *output,
	bool is_key_only, const struct work *work)
{
	struct bd_value *values = bd_arena_alloc(work->arena, output->field_count, sizeof(*values));

	if (values == NULL) {
		return bd_fail(work->diag, bd_arena_code(work->arena), "%s", "");
	}
	for (size_t i = 0; i < output->field_count; i++) {
		const struct bd_field_plan *plan = &output->fields[i];
		const struct bd_field *field =
			bd_dictionary_field_number(work->context->dict, plan->to);
		enum bd_code code;

		if (field == NULL || !bd_when_holds(&plan->when, work->draft->slots) ||
			!is_stated(plan, work->draft->slots) || (is_key_only && !field->is_key)) {
			continue;
		}
		code = make_value(&values[record->value_count], plan, field, work);
		if (code != BD_OK) {
			return code;
		}
		record->value_count++;
	}
	record->values = values;
	return BD_OK;
}

/* -- rows -- */

static const struct bd_value *value_of(const struct bd_record *record, uint16_t field)
{
	for (size_t i = 0; i < record->value_count; i++) {
		if (record->values[i].field == field) {
			return &record->values[i];
		}
	}
	return NULL;
}

/* rule: map.row_key. Key fields in the order of their numbers, each sized; of a relation also whom
 * it leads to. */
static enum bd_code make_row_key(
	struct bd_record *record, const struct bd_entity *entity, const struct work *work)
{
	struct bd_buf key;
	enum bd_code code = BD_OK;

	bd_buf_init(&key, BD_RECORD_MAX_BYTES);
	for (size_t i = 0; i < entity->field_count && entity->is_many && code == BD_OK; i++) {
		if (entity->fields[i].is_key) {
			const struct bd_value *value = value_of(record, entity->fields[i].number);

			code = bd_buf_add_sized(
				&key, value != NULL ? value->text : (struct bd_bytes){ "", 0 });
		}
	}
	if (code == BD_OK && record->other_count > 0) {
		code = bd_buf_add_u16(&key, record->other[0].kind);
		code = code == BD_OK ? bd_buf_add_sized(&key, record->other[0].issuer) : code;
		code = code == BD_OK ? bd_buf_add_sized(&key, record->other[0].number) : code;
	}
	if (code == BD_OK) {
		record->row_key = bd_arena_copy(work->arena, bd_buf_bytes(&key));
		code = record->row_key.ptr != NULL ? BD_OK : bd_arena_code(work->arena);
	}
	bd_buf_release(&key);
	return code == BD_OK ? BD_OK : bd_fail(work->diag, code, "%s", "");
}

static enum bd_code read_action(enum bd_action *action, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	const struct {
		const struct bd_when *when;
		enum bd_action action;
	} rows[] = { { &section->delete_when, BD_ACTION_DELETE },
		{ &section->patch_when, BD_ACTION_PATCH },
		{ &section->replace_when, BD_ACTION_REPLACE } };

	*action = section->action;
	if (section->action_slot == BD_NO_SLOT) {
		return BD_OK;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].when->value_count > 0 &&
			bd_when_holds(rows[i].when, work->draft->slots)) {
			*action = rows[i].action;
			return BD_OK;
		}
	}
	bd_fail(work->diag, BD_ACTION_UNKNOWN, "%s", "");
	return at_section_slot(work, BD_ACTION_UNKNOWN, section->action_slot);
}

/* Order in the source's own time or count. */
static enum bd_code read_order(int64_t *order, const struct bd_feed_plan *feed,
	struct bd_bytes text, const struct work *work)
{
	struct bd_bytes count;
	enum bd_code code;

	if (feed->order_kind == BD_ORDER_SEQUENCE) {
		code = bd_rule_count(&count, text, work->arena, work->diag);
		*order = code == BD_OK ? strtoll(count.ptr, NULL, 10) : 0;
		return code;
	}
	code = bd_rule_time(order, text, work->diag);
	if (code == BD_OK && *order > work->context->now_ms + BD_CLOCK_AHEAD_MS) {
		bd_fail(work->diag, BD_TIME_FUTURE, "%s", "");
		bd_diag_set_rule(work->diag, "time.future");
		return BD_TIME_FUTURE;
	}
	return code;
}

/* rule: order.message. */
static enum bd_code set_order(struct bd_record *record, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	const struct bd_feed_plan *feed = work->draft->feed;
	enum bd_code code;

	record->order_kind = feed->order_kind;
	record->order.rank = feed->rank;
	if (feed->order_kind == BD_ORDER_RECEIPT) {
		return BD_OK;
	}
	if (section->order_slot == BD_NO_SLOT) {
		record->is_message_order = true;
		return BD_OK;
	}
	code = slot_text(&work->draft->slots[section->order_slot]).len == 0
		       ? bd_fail(work->diag, BD_FIELD_MISSING, "the order of the record")
		       : read_order(&record->order.order, feed,
				 slot_text(&work->draft->slots[section->order_slot]), work);
	return code == BD_OK ? BD_OK : at_section_slot(work, code, section->order_slot);
}

static enum bd_code set_as_of(struct bd_record *record, const struct work *work)
{
	uint16_t slot = work->draft->section->as_of_slot;
	enum bd_code code;

	if (slot == BD_NO_SLOT || slot_text(&work->draft->slots[slot]).len == 0) {
		record->as_of_ms = record->order_kind == BD_ORDER_TIME ? record->order.order : 0;
		return BD_OK;
	}
	code = bd_rule_time(&record->as_of_ms, slot_text(&work->draft->slots[slot]), work->diag);
	return code == BD_OK ? BD_OK : at_section_slot(work, code, slot);
}

static enum bd_code set_subjects(
	struct bd_record *record, const struct bd_output_plan *output, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	enum bd_code code;

	record->is_message_subject = output->is_message_subject;
	code = read_identifiers(&record->subject, &record->subject_count, output->subject,
		output->subject_count, section->slots, work->draft->slots, work);
	if (code == BD_OK && record->subject_count == 0 && !output->is_message_subject) {
		code = bd_fail(work->diag, BD_SUBJECT_MISSING, "%s", "");
		at_section_slot(
			work, code, output->subject_count > 0 ? output->subject[0].slot : 0);
	}
	if (code != BD_OK || output->other_count == 0) {
		return code;
	}
	code = read_identifiers(&record->other, &record->other_count, output->other,
		output->other_count, section->slots, work->draft->slots, work);
	if (code == BD_OK && record->other_count == 0) {
		code = bd_fail(work->diag, BD_SUBJECT_MISSING, "whom the relation leads to");
		at_section_slot(work, code, output->other[0].slot);
	}
	return code;
}

/* Order and time are the draft's: as in the record before, where there is one. */
static enum bd_code set_times(
	struct bd_record *record, const struct bd_record *before, const struct work *work)
{
	enum bd_code code;

	if (before != NULL) {
		record->order_kind = before->order_kind;
		record->order = before->order;
		record->is_message_order = before->is_message_order;
		record->as_of_ms = before->as_of_ms;
		return BD_OK;
	}
	code = set_order(record, work);
	return code == BD_OK ? set_as_of(record, work) : code;
}

/* before: another record of the same draft, NULL = this is the first. */
static enum bd_code make_record(struct bd_record *record, const struct bd_record *before,
	const struct bd_output_plan *output, const struct work *work)
{
	const struct bd_entity *entity =
		bd_dictionary_entity_number(work->context->dict, output->entity);
	enum bd_code code;

	*record = (struct bd_record){ .index = work->draft->index,
		.section = work->draft->section->name,
		.entity = output->entity };
	code = read_action(&record->action, work);
	code = code == BD_OK ? set_subjects(record, output, work) : code;
	code = code == BD_OK ? set_times(record, before, work) : code;
	code = code == BD_OK ? make_values(record, output, record->action == BD_ACTION_DELETE, work)
			     : code;
	return code == BD_OK ? make_row_key(record, entity, work) : code;
}

/* -- rejects -- */

/* Entities of all outputs, each once. */
static void list_entities(struct bd_reject *reject, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	uint16_t *entities = bd_arena_alloc(work->arena, section->output_count, sizeof(*entities));

	for (size_t i = 0; entities != NULL && i < section->output_count; i++) {
		size_t j = 0;

		while (j < reject->entity_count && entities[j] != section->outputs[i].entity) {
			j++;
		}
		entities[j] = section->outputs[i].entity;
		reject->entity_count += j == reject->entity_count;
	}
	reject->entities = entities;
}

/* What of one output can be read, though the record as a whole is refused. */
static void read_row(
	struct bd_reject_row *row, const struct bd_output_plan *output, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	const struct bd_entity *entity =
		bd_dictionary_entity_number(work->context->dict, output->entity);
	struct bd_record record = { .entity = output->entity };

	*row = (struct bd_reject_row){ .entity = output->entity,
		.is_message_subject = output->is_message_subject };
	if (read_identifiers(&record.subject, &record.subject_count, output->subject,
		    output->subject_count, section->slots, work->draft->slots, work) == BD_OK) {
		row->subject = record.subject;
		row->subject_count = record.subject_count;
	}
	if (output->other_count > 0) {
		row->is_other_unknown = read_identifiers(&record.other, &record.other_count,
						output->other, output->other_count, section->slots,
						work->draft->slots, work) != BD_OK ||
					record.other_count == 0;
		if (row->is_other_unknown) {
			return;
		}
		row->other = record.other;
		row->other_count = record.other_count;
	}
	row->has_key = make_values(&record, output, true, work) == BD_OK &&
		       make_row_key(&record, entity, work) == BD_OK;
	row->key = row->has_key ? record.row_key : (struct bd_bytes){ "", 0 };
}

/* What the decoder faulted may have its texts in wrong places: of that, nothing. */
static void list_rows(struct bd_reject *reject, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	struct bd_reject_row *rows =
		bd_arena_alloc(work->arena, section->output_count, sizeof(*rows));
	struct work quiet = *work;

	quiet.diag = NULL;
	if (rows == NULL || work->draft->fault != NULL) {
		return;
	}
	for (size_t i = 0; i < section->output_count; i++) {
		if (bd_when_holds(&section->outputs[i].when, work->draft->slots)) {
			read_row(&rows[reject->row_count++], &section->outputs[i], &quiet);
		}
	}
	reject->rows = rows;
}

/* The slots as "name=text" lines: enough to find the record at its source. */
static struct bd_bytes raw_of(const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	struct bd_bytes raw = { "", 0 };
	struct bd_buf lines;
	enum bd_code code = BD_OK;

	bd_buf_init(&lines, BD_RECORD_MAX_BYTES);
	for (size_t i = 0; i < section->slot_count && code == BD_OK; i++) {
		if (work->draft->slots[i].state == BD_SLOT_TEXT) {
			code = bd_buf_printf(&lines, "%s=", section->slots[i].name);
			code = code == BD_OK ? bd_buf_add(&lines, work->draft->slots[i].text)
					     : code;
			code = code == BD_OK ? bd_buf_add_byte(&lines, '\n') : code;
		}
	}
	if (lines.len > 0) {
		raw = bd_arena_copy(work->arena, bd_buf_bytes(&lines));
	}
	bd_buf_release(&lines);
	return raw.ptr != NULL ? raw : (struct bd_bytes){ "", 0 };
}

/* rule: map.reject. Whom it would have been about, where that can be read; else nobody, and the
 * feed's coverage waits. */
static void find_subject(struct bd_reject *reject, const struct work *work)
{
	const struct bd_section_plan *section = work->draft->section;
	struct bd_record ordered = { .action = section->action };
	struct work quiet = *work;

	quiet.diag = NULL;
	for (size_t i = 0; i < section->output_count; i++) {
		const struct bd_output_plan *output = &section->outputs[i];

		/* The first output is what the section is about. */
		if (output->is_message_subject) {
			reject->is_message_subject = true;
			break;
		}
		if (read_identifiers(&reject->subject, &reject->subject_count, output->subject,
			    output->subject_count, section->slots, work->draft->slots,
			    &quiet) == BD_OK &&
			reject->subject_count > 0) {
			break;
		}
		reject->subject_count = 0;
	}
	if (set_order(&ordered, &quiet) != BD_OK) {
		ordered.order.order = 0;
	}
	reject->order_kind = ordered.order_kind;
	reject->order = ordered.order;
	reject->is_message_order = ordered.is_message_order;
}

static bool is_ours(enum bd_code code)
{
	return code == BD_NO_MEMORY || code == BD_INTERNAL;
}

enum bd_code bd_normalize(const struct bd_record **records, size_t *count, struct bd_reject *reject,
	const struct bd_draft *draft, const struct bd_normalize_context *context,
	struct bd_arena *arena)
{
	const struct work work = { draft, context, arena, &reject->diag };
	struct bd_record *list = bd_arena_alloc(arena, draft->section->output_count, sizeof(*list));
	enum bd_code code = BD_OK;

	*count = 0;
	*reject = (struct bd_reject){ .index = draft->index, .section = draft->section->name };
	if (list == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < draft->section->output_count && code == BD_OK; i++) {
		const struct bd_output_plan *output = &draft->section->outputs[i];

		if (bd_when_holds(&output->when, draft->slots)) {
			code = make_record(
				&list[*count], *count > 0 ? &list[0] : NULL, output, &work);
			*count += code == BD_OK;
		}
	}
	*records = list;
	if (draft->fault != NULL && !is_ours(code)) {
		reject->diag = *draft->fault;
		code = draft->fault->code;
	}
	if (code == BD_OK || is_ours(code)) {
		return code;
	}
	reject->diag.code = code;
	if (reject->diag.place.row == 0) {
		reject->diag.place.row = draft->place.row;
	}
	list_entities(reject, &work);
	list_rows(reject, &work);
	find_subject(reject, &work);
	reject->raw = raw_of(&work);
	*count = 0;
	return code;
}

enum bd_code bd_normalize_message(const struct bd_identifier **subject, size_t *count,
	struct bd_order *order, const struct bd_feed_plan *feed,
	const struct bd_slot *message_slots, const struct bd_normalize_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_draft draft = { .feed = feed };
	const struct work work = { &draft, context, arena, diag };
	enum bd_code code;

	*order = (struct bd_order){ feed->rank, 0 };
	code = read_identifiers(subject, count, feed->subject, feed->subject_count,
		feed->message_slots, message_slots, &work);
	if (code != BD_OK || feed->order_slot == BD_NO_SLOT ||
		feed->order_kind == BD_ORDER_RECEIPT) {
		return code;
	}
	if (slot_text(&message_slots[feed->order_slot]).len == 0) {
		code = bd_fail(diag, BD_FIELD_MISSING, "the order of the message");
	} else {
		code = read_order(
			&order->order, feed, slot_text(&message_slots[feed->order_slot]), &work);
	}
	return code == BD_OK ? BD_OK
			     : at_slot(&work, code, &feed->message_slots[feed->order_slot],
				       &message_slots[feed->order_slot]);
}
