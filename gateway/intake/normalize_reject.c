/* normalize_reject.c - what of a refused draft can be read: whom it would have been about, and
 * which rows. */
#include "base/limits.h"
#include "intake/normalize_parts.h"

/* What of one output can be read, though the record as a whole is refused. */
static void read_row(struct bd_reject_row *row, const struct bd_output_plan *output,
	const struct bd_normalizing *work)
{
	const struct bd_section_plan *section = work->draft->section;
	const struct bd_entity *entity =
		bd_dictionary_entity_number(work->context->dict, output->entity);
	struct bd_record record = { .entity = output->entity };

	*row = (struct bd_reject_row){ .entity = output->entity,
		.is_message_subject = output->is_message_subject };
	if (bd_normalize_identifiers(&record.subject, &record.subject_count, output->subject,
		    output->subject_count, section->slots, work->draft->slots, work) == BD_OK) {
		row->subject = record.subject;
		row->subject_count = record.subject_count;
	}
	if (output->other_count > 0) {
		row->is_other_unknown = bd_normalize_identifiers(&record.other, &record.other_count,
						output->other, output->other_count, section->slots,
						work->draft->slots, work) != BD_OK ||
					record.other_count == 0;
		if (row->is_other_unknown) {
			return;
		}
		row->other = record.other;
		row->other_count = record.other_count;
	}
	row->has_key = bd_normalize_values(&record, output, true, work) == BD_OK &&
		       bd_normalize_row_key(&record, entity, work) == BD_OK;
	row->key = row->has_key ? record.row_key : (struct bd_bytes){ "", 0 };
}

/* What the decoder faulted may have its texts in wrong places: of that, nothing. */
static void list_rows(struct bd_reject *reject, const struct bd_normalizing *work)
{
	const struct bd_section_plan *section = work->draft->section;
	struct bd_reject_row *rows =
		bd_arena_alloc(work->arena, section->output_count, sizeof(*rows));
	struct bd_normalizing quiet = *work;

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
static struct bd_bytes raw_of(const struct bd_normalizing *work)
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
static void find_subject(struct bd_reject *reject, const struct bd_normalizing *work)
{
	const struct bd_section_plan *section = work->draft->section;
	struct bd_record ordered = { .action = section->action };
	struct bd_normalizing quiet = *work;

	quiet.diag = NULL;
	for (size_t i = 0; i < section->output_count; i++) {
		const struct bd_output_plan *output = &section->outputs[i];

		/* The first output is what the section is about. */
		if (output->is_message_subject) {
			reject->is_message_subject = true;
			break;
		}
		if (bd_normalize_identifiers(&reject->subject, &reject->subject_count,
			    output->subject, output->subject_count, section->slots,
			    work->draft->slots, &quiet) == BD_OK &&
			reject->subject_count > 0) {
			break;
		}
		reject->subject_count = 0;
	}
	if (bd_normalize_order(&ordered, &quiet) != BD_OK) {
		ordered.order.order = 0;
	}
	reject->order_kind = ordered.order_kind;
	reject->order = ordered.order;
	reject->is_message_order = ordered.is_message_order;
}

void bd_normalize_reject(struct bd_reject *reject, const struct bd_normalizing *work)
{
	reject->entities =
		bd_plan_entities(&reject->entity_count, work->draft->section, work->arena);
	list_rows(reject, work);
	find_subject(reject, work);
	reject->raw = raw_of(work);
}
