#include "intake/normalize.h"

#include "base/limits.h"
#include "base/text.h"
#include "intake/normalize_parts.h"
#include "record/rules_value.h"

#include <stdlib.h>

/* -- slots -- */

struct bd_bytes bd_slot_text(const struct bd_slot *slot)
{
	return slot->state == BD_SLOT_TEXT ? bd_text_trim(slot->text) : (struct bd_bytes){ "", 0 };
}

bool bd_when_holds(const struct bd_when *when, const struct bd_slot *slots)
{
	struct bd_bytes text;

	if (when->value_count == 0) {
		return true;
	}
	text = bd_slot_text(&slots[when->slot]);
	for (size_t i = 0; i < when->value_count; i++) {
		if (bd_bytes_is(text, when->values[i])) {
			return !when->is_not;
		}
	}
	return when->is_not;
}

enum bd_code bd_normalize_at(const struct bd_normalizing *work, enum bd_code code,
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

enum bd_code bd_normalize_at_slot(
	const struct bd_normalizing *work, enum bd_code code, uint16_t slot)
{
	return bd_normalize_at(
		work, code, &work->draft->section->slots[slot], &work->draft->slots[slot]);
}

/* Sorted by `from`, bytewise. NULL = not there. */
const char *bd_code_map_find(const struct bd_code_map *map, struct bd_bytes from)
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

/* -- records -- */

static enum bd_code read_action(enum bd_action *action, const struct bd_normalizing *work)
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
	return bd_normalize_at_slot(work, BD_ACTION_UNKNOWN, section->action_slot);
}

/* Order in the source's own time or count. */
static enum bd_code read_order(int64_t *order, const struct bd_feed_plan *feed,
	struct bd_bytes text, const struct bd_normalizing *work)
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
enum bd_code bd_normalize_order(struct bd_record *record, const struct bd_normalizing *work)
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
	code = bd_slot_text(&work->draft->slots[section->order_slot]).len == 0
		       ? bd_fail(work->diag, BD_FIELD_MISSING, "the order of the record")
		       : read_order(&record->order.order, feed,
				 bd_slot_text(&work->draft->slots[section->order_slot]), work);
	return code == BD_OK ? BD_OK : bd_normalize_at_slot(work, code, section->order_slot);
}

static enum bd_code set_as_of(struct bd_record *record, const struct bd_normalizing *work)
{
	uint16_t slot = work->draft->section->as_of_slot;
	enum bd_code code;

	if (slot == BD_NO_SLOT || bd_slot_text(&work->draft->slots[slot]).len == 0) {
		record->as_of_ms = record->order_kind == BD_ORDER_TIME ? record->order.order : 0;
		return BD_OK;
	}
	code = bd_rule_time(&record->as_of_ms, bd_slot_text(&work->draft->slots[slot]), work->diag);
	return code == BD_OK ? BD_OK : bd_normalize_at_slot(work, code, slot);
}

static enum bd_code set_subjects(struct bd_record *record, const struct bd_output_plan *output,
	const struct bd_normalizing *work)
{
	const struct bd_section_plan *section = work->draft->section;
	enum bd_code code;

	record->is_message_subject = output->is_message_subject;
	code = bd_normalize_identifiers(&record->subject, &record->subject_count, output->subject,
		output->subject_count, section->slots, work->draft->slots, work);
	if (code == BD_OK && record->subject_count == 0 && !output->is_message_subject) {
		code = bd_fail(work->diag, BD_SUBJECT_MISSING, "%s", "");
		bd_normalize_at_slot(
			work, code, output->subject_count > 0 ? output->subject[0].slot : 0);
	}
	if (code != BD_OK || output->other_count == 0) {
		return code;
	}
	code = bd_normalize_identifiers(&record->other, &record->other_count, output->other,
		output->other_count, section->slots, work->draft->slots, work);
	if (code == BD_OK && record->other_count == 0) {
		code = bd_fail(work->diag, BD_SUBJECT_MISSING, "whom the relation leads to");
		bd_normalize_at_slot(work, code, output->other[0].slot);
	}
	return code;
}

/* Order and time are the draft's: as in the record before, where there is one. */
static enum bd_code set_times(
	struct bd_record *record, const struct bd_record *before, const struct bd_normalizing *work)
{
	enum bd_code code;

	if (before != NULL) {
		record->order_kind = before->order_kind;
		record->order = before->order;
		record->is_message_order = before->is_message_order;
		record->as_of_ms = before->as_of_ms;
		return BD_OK;
	}
	code = bd_normalize_order(record, work);
	return code == BD_OK ? set_as_of(record, work) : code;
}

/* before: another record of the same draft, NULL = this is the first. */
static enum bd_code make_record(struct bd_record *record, const struct bd_record *before,
	const struct bd_output_plan *output, const struct bd_normalizing *work)
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
	code = code == BD_OK ? bd_normalize_values(
				       record, output, record->action == BD_ACTION_DELETE, work)
			     : code;
	return code == BD_OK ? bd_normalize_row_key(record, entity, work) : code;
}

static bool is_ours(enum bd_code code)
{
	return code == BD_NO_MEMORY || code == BD_INTERNAL;
}

enum bd_code bd_normalize(const struct bd_record **records, size_t *count, struct bd_reject *reject,
	const struct bd_draft *draft, const struct bd_normalize_context *context,
	struct bd_arena *arena)
{
	const struct bd_normalizing work = { draft, context, arena, &reject->diag };
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
	bd_normalize_reject(reject, &work);
	*count = 0;
	return code;
}

enum bd_code bd_normalize_message(const struct bd_identifier **subject, size_t *count,
	struct bd_order *order, const struct bd_feed_plan *feed,
	const struct bd_slot *message_slots, const struct bd_normalize_context *context,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_draft draft = { .feed = feed };
	const struct bd_normalizing work = { &draft, context, arena, diag };
	enum bd_code code;

	*order = (struct bd_order){ feed->rank, 0 };
	code = bd_normalize_identifiers(subject, count, feed->subject, feed->subject_count,
		feed->message_slots, message_slots, &work);
	if (code != BD_OK || feed->order_slot == BD_NO_SLOT ||
		feed->order_kind == BD_ORDER_RECEIPT) {
		return code;
	}
	if (bd_slot_text(&message_slots[feed->order_slot]).len == 0) {
		code = bd_fail(diag, BD_FIELD_MISSING, "the order of the message");
	} else {
		code = read_order(
			&order->order, feed, bd_slot_text(&message_slots[feed->order_slot]), &work);
	}
	return code == BD_OK ? BD_OK
			     : bd_normalize_at(&work, code, &feed->message_slots[feed->order_slot],
				       &message_slots[feed->order_slot]);
}
