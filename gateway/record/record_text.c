#include "record/record_text.h"
#include "base/try.h"

#include <inttypes.h>

static enum bd_code add_identifiers(struct bd_buf *out, const char *what,
	const struct bd_identifier *identifiers, size_t count, const struct bd_dictionary *dict)
{
	for (size_t i = 0; i < count; i++) {
		const struct bd_id_kind *kind =
			bd_dictionary_id_kind_number(dict, identifiers[i].kind);

		BD_TRY(bd_buf_printf(out, "  %s %s ", what, kind != NULL ? kind->name : "?"));
		if (identifiers[i].issuer.len > 0) {
			BD_TRY(bd_buf_add(out, identifiers[i].issuer));
			BD_TRY(bd_buf_add_byte(out, ' '));
		}
		BD_TRY(bd_buf_add(out, identifiers[i].number));
		BD_TRY(bd_buf_add_byte(out, '\n'));
	}
	return BD_OK;
}

static enum bd_code add_value(
	struct bd_buf *out, const struct bd_value *value, const struct bd_dictionary *dict)
{
	const struct bd_field *field = bd_dictionary_field_number(dict, value->field);

	BD_TRY(bd_buf_printf(out, "  %s = ", field != NULL ? field->name : "?"));
	BD_TRY((value->flags & BD_VALUE_NONE) != 0 ? bd_buf_add_text(out, "(none)")
						   : bd_buf_add(out, value->text));
	if (value->native.len > 0) {
		BD_TRY(bd_buf_add_text(out, " <- "));
		BD_TRY(bd_buf_add(out, value->native));
	}
	if ((value->flags & BD_VALUE_UNMAPPED) != 0) {
		BD_TRY(bd_buf_add_text(out, " [unmapped]"));
	}
	if ((value->flags & BD_VALUE_PLACEHOLDER) != 0) {
		BD_TRY(bd_buf_add_text(out, " [placeholder]"));
	}
	if ((value->flags & BD_VALUE_WARNED) != 0) {
		BD_TRY(bd_buf_add_text(out, " [warned]"));
	}
	return bd_buf_add_byte(out, '\n');
}

enum bd_code bd_record_text(
	struct bd_buf *out, const struct bd_record *record, const struct bd_dictionary *dict)
{
	static const char *const actions[] = { [BD_ACTION_REPLACE] = "replace",
		[BD_ACTION_PATCH] = "patch",
		[BD_ACTION_DELETE] = "delete",
		[BD_ACTION_SECTION] = "section" };
	static const char *const orders[] = { [BD_ORDER_TIME] = "time",
		[BD_ORDER_SEQUENCE] = "sequence",
		[BD_ORDER_RECEIPT] = "receipt" };
	const struct bd_entity *entity = bd_dictionary_entity_number(dict, record->entity);

	BD_TRY(bd_buf_printf(out, "#%" PRIu64 " %s %s %s\n", record->index, record->section,
		entity != NULL ? entity->name : "?", actions[record->action]));
	if (record->is_message_subject) {
		BD_TRY(bd_buf_add_text(out, "  of the message's subject\n"));
	}
	BD_TRY(add_identifiers(out, "of", record->subject, record->subject_count, dict));
	BD_TRY(add_identifiers(out, "to", record->other, record->other_count, dict));
	BD_TRY(bd_buf_printf(out, "  order %s", orders[record->order_kind]));
	if (record->is_message_order) {
		BD_TRY(bd_buf_add_text(out, " of the message\n"));
	} else if (record->order_kind == BD_ORDER_RECEIPT) {
		BD_TRY(bd_buf_printf(out, " rank %u\n", record->order.rank));
	} else {
		BD_TRY(bd_buf_printf(
			out, " rank %u at %" PRId64 "\n", record->order.rank, record->order.order));
	}
	for (size_t i = 0; i < record->value_count; i++) {
		BD_TRY(add_value(out, &record->values[i], dict));
	}
	return BD_OK;
}
