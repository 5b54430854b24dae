/* normalize_value.c - what a draft says: its fields by the rules of their types, and the key of its
 * row. */
#include "base/limits.h"
#include "intake/normalize_parts.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include <string.h>

#define KEY_SEPARATOR "\x1F"

static enum bd_code apply_rule(struct bd_bytes *out, uint8_t *flags, const struct bd_field *field,
	const char *as, struct bd_bytes text, const struct bd_normalizing *work)
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
	struct bd_bytes *out, const struct bd_field_plan *plan, const struct bd_normalizing *work)
{
	struct bd_buf joined;
	enum bd_code code = BD_OK;

	if (plan->slot_count == 1) {
		*out = bd_slot_text(&work->draft->slots[plan->slots[0]]);
		return BD_OK;
	}
	bd_buf_init(&joined, BD_FIELD_MAX_BYTES);
	for (size_t i = 0; i < plan->slot_count && code == BD_OK; i++) {
		if (i > 0) {
			code = bd_buf_add_text(&joined, KEY_SEPARATOR);
		}
		if (code == BD_OK) {
			code = bd_buf_add(
				&joined, bd_slot_text(&work->draft->slots[plan->slots[i]]));
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
		if (bd_slot_text(&slots[plan->slots[i]]).len > 0) {
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
	const struct bd_field *field, uint16_t slot, const struct bd_normalizing *work)
{
	struct bd_bytes from;
	const char *to;
	enum bd_code code = join_slots(&from, plan, work);

	if (code != BD_OK) {
		return bd_normalize_at_slot(work, bd_fail(work->diag, code, "%s", ""), slot);
	}
	to = bd_code_map_find(plan->map, from);
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
	const struct bd_field *field, const struct bd_normalizing *work)
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
	native = bd_slot_text(&work->draft->slots[slot]);
	if (native.len == 0) {
		if (plan->is_required) {
			bd_fail(work->diag, BD_FIELD_MISSING, "%s", "");
			return bd_normalize_at_slot(work, BD_FIELD_MISSING, slot);
		}
		value->flags |= BD_VALUE_NONE;
		return BD_OK;
	}
	if (plan->map != NULL) {
		return map_value(value, plan, field, slot, work);
	}
	code = apply_rule(&text, &value->flags, field, plan->as, native, work);
	if (code != BD_OK) {
		return bd_normalize_at_slot(work, code, slot);
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

enum bd_code bd_normalize_values(struct bd_record *record, const struct bd_output_plan *output,
	bool is_key_only, const struct bd_normalizing *work)
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

/* -- the row -- */

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
enum bd_code bd_normalize_row_key(
	struct bd_record *record, const struct bd_entity *entity, const struct bd_normalizing *work)
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
