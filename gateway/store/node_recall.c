/* node_recall.c - what a source withdraws, out of a node. */
#include "store/node.h"

#include "base/try.h"

#include <string.h>

static void raise_stamp(struct bd_stamp *stamp, struct bd_order order)
{
	if (!stamp->is_set || bd_order_compare(order, stamp->order) > 0) {
		*stamp = (struct bd_stamp){ true, order };
	}
}

/* -- which rows -- */

static bool is_of_sections(const struct bd_node_recall *recall, struct bd_bytes section)
{
	bool is_one = recall->section_count == 0;

	for (size_t i = 0; i < recall->section_count && !is_one; i++) {
		is_one = bd_bytes_is(section, recall->sections[i]);
	}
	return is_one;
}

static bool says(const struct bd_node_row *row, const struct bd_value *wanted)
{
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values;
			value != NULL && field->number == wanted->field; value = value->next) {
			if (bd_bytes_equal(value->value.text, wanted->text)) {
				return true;
			}
		}
	}
	return false;
}

static bool is_meant(
	const struct bd_node_row *row, struct bd_bytes source, const struct bd_node_recall *recall)
{
	bool is_one = bd_bytes_equal(row->source, source) &&
		      (recall->message != 0 || is_of_sections(recall, row->section)) &&
		      (recall->entity == 0 || row->entity == recall->entity);

	for (size_t i = 0; i < recall->with_count && is_one; i++) {
		is_one = says(row, &recall->with[i]);
	}
	return is_one;
}

static bool is_of_message(const struct bd_node_field *field, uint64_t message)
{
	const struct bd_node_value *value = field->values;

	while (value != NULL && value->message != message) {
		value = value->next;
	}
	return value != NULL;
}

static bool has_values(const struct bd_node_row *row)
{
	const struct bd_node_field *field = row->fields;

	while (field != NULL && field->values == NULL) {
		field = field->next;
	}
	return field != NULL;
}

/* The message is the last that spoke of the row, and what it left is a row that says nothing, or
 * none: it replaced it by nothing, or deleted it. */
static bool was_emptied(const struct bd_node_row *row, uint64_t message)
{
	return row->message == message && (row->is_seen ? !has_values(row) : row->deleted.is_set);
}

static bool has_said(const struct bd_node_row *row, uint64_t message)
{
	for (const struct bd_node_field *field = row->fields; field != NULL && row->is_seen;
		field = field->next) {
		if (is_of_message(field, message)) {
			return true;
		}
	}
	return was_emptied(row, message);
}

static bool is_withdrawn(const struct bd_node *node, const struct bd_node_marker *marker)
{
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		if (block->message == BD_RECALLED && !block->has_key &&
			block->entity == marker->entity &&
			bd_bytes_equal(block->source, marker->source) &&
			bd_bytes_equal(block->section, marker->section)) {
			return true;
		}
	}
	return false;
}

/* A reply's own telling of a section: it carries no message, but the moment at which it came. */
static bool has_told(const struct bd_node *node, const struct bd_node_marker *marker,
	struct bd_bytes source, const struct bd_node_recall *recall)
{
	return recall->is_reply && bd_bytes_equal(marker->source, source) &&
	       marker->received_ms == recall->message_received_ms &&
	       is_of_sections(recall, marker->section) && !is_withdrawn(node, marker);
}

bool bd_node_holds(
	const struct bd_node *node, struct bd_bytes source, const struct bd_node_recall *recall)
{
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (is_meant(row, source, recall) && has_said(row, recall->message)) {
			return true;
		}
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		if (has_told(node, marker, source, recall)) {
			return true;
		}
	}
	return false;
}

/* -- what takes its place -- */

/* Nobody knows what is true instead until the source says so with a later order: silence after a
 * recall is no evidence either way. */
static enum bd_code block_row(struct bd_node *node, const struct bd_node_row *row,
	struct bd_order order, const struct bd_node_context *context)
{
	const struct bd_node_context recalled = { context->source, context->received_ms,
		BD_RECALLED, { false, { 0, 0 } } };
	struct bd_node_refused refused = { .section = row->section,
		.entity = row->entity,
		.has_key = true,
		.key = row->key,
		.order = { true, order } };
	struct bd_identifier *others;

	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		refused.other_count++;
	}
	others = bd_arena_alloc(node->arena, refused.other_count, sizeof(*others));
	if (others == NULL) {
		return bd_arena_code(node->arena);
	}
	refused.others = others;
	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		*others++ = name->identifier;
	}
	if (row->told.is_set) {
		raise_stamp(&refused.order, row->told.order);
	}
	return bd_node_block(node, &refused, &recalled);
}

static enum bd_code block_section(struct bd_node *node, const struct bd_node_marker *marker,
	const struct bd_node_context *context)
{
	const struct bd_node_context recalled = { context->source, context->received_ms,
		BD_RECALLED, { false, { 0, 0 } } };
	const struct bd_node_refused refused = { .section = marker->section,
		.entity = marker->entity,
		.order = { true, marker->order } };

	return bd_node_block(node, &refused, &recalled);
}

/* -- rows -- */

/* Names and fields up to the tombstone can never be seen again. */
static void bury(struct bd_node *node, struct bd_node_row *row, struct bd_order order)
{
	struct bd_node_name **lists[] = { &row->aliases, &row->others };

	raise_stamp(&row->deleted, order);
	for (struct bd_node_field **link = &row->fields; *link != NULL;) {
		if (bd_node_field_is_seen(row, *link)) {
			link = &(*link)->next;
		} else {
			*link = (*link)->next;
		}
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (struct bd_node_name **link = lists[i]; *link != NULL;) {
			if (bd_node_name_is_seen(row, *link)) {
				link = &(*link)->next;
			} else {
				*link = (*link)->next;
			}
		}
	}
	row->is_seen = bd_node_row_is_seen(node, row);
}

/* The highest order at which the row was said, or a field of it. */
static struct bd_stamp newest_said(const struct bd_node_row *row)
{
	struct bd_stamp newest = row->base;

	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		raise_stamp(&newest, field->order);
	}
	return newest;
}

static void touch(struct bd_node_row *row, const struct bd_node_context *context)
{
	row->is_touched = true;
	row->message = context->message > row->message ? context->message : row->message;
}

/* rule: merge.recall. */
static enum bd_code recall_row(struct bd_node *node, struct bd_node_row *row,
	const struct bd_node_context *context, uint64_t *count)
{
	struct bd_stamp newest = newest_said(row);

	if (!row->is_seen || !newest.is_set) {
		return BD_OK;
	}
	BD_TRY(block_row(node, row, newest.order, context));
	bury(node, row, newest.order);
	touch(row, context);
	(*count)++;
	return BD_OK;
}

/* -- what one message said -- */

/* What other messages said at the same order stays. */
static void recall_values(struct bd_node_field *field, uint64_t message)
{
	for (struct bd_node_value **link = &field->values; *link != NULL;) {
		if ((*link)->message == message) {
			*link = (*link)->next;
		} else {
			link = &(*link)->next;
		}
	}
	field->is_recalled = field->values == NULL;
}

static enum bd_code recall_said(struct bd_node *node, struct bd_node_row *row, uint64_t message,
	const struct bd_node_context *context, uint64_t *count)
{
	struct bd_stamp newest = { false, { 0, 0 } };

	if (!has_said(row, message)) {
		return BD_OK;
	}
	if (was_emptied(row, message)) {
		newest = row->is_seen ? row->base : row->deleted;
	}
	for (struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		if (is_of_message(field, message)) {
			raise_stamp(&newest, field->order);
			recall_values(field, message);
		}
	}
	if (!newest.is_set) {
		return BD_OK;
	}
	BD_TRY(block_row(node, row, newest.order, context));
	if (!has_values(row)) {
		bury(node, row, newest.order);
	}
	row->is_seen = bd_node_row_is_seen(node, row);
	touch(row, context);
	(*count)++;
	return BD_OK;
}

enum bd_code bd_node_recall(struct bd_node *node, const struct bd_node_recall *recall,
	const struct bd_node_context *context, uint64_t *count)
{
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (is_meant(row, context->source, recall)) {
			BD_TRY(recall->message == 0
					? recall_row(node, row, context, count)
					: recall_said(node, row, recall->message, context, count));
		}
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		if (has_told(node, marker, context->source, recall)) {
			BD_TRY(block_section(node, marker, context));
			(*count)++;
		}
	}
	return BD_OK;
}
