/* node_view.c - what of a node is seen, and what a row says. */
#include "store/node.h"

#include "base/limits.h"
#include "base/try.h"
#include "record/pack.h"

#include <stdlib.h>
#include <string.h>

static bool is_in_force(const struct bd_node_row *row, struct bd_order order)
{
	return (!row->deleted.is_set || bd_order_compare(order, row->deleted.order) > 0) &&
	       (!row->base.is_set || bd_order_compare(order, row->base.order) >= 0);
}

bool bd_node_field_is_seen(const struct bd_node_row *row, const struct bd_node_field *field)
{
	return is_in_force(row, field->order);
}

bool bd_node_name_is_seen(const struct bd_node_row *row, const struct bd_node_name *name)
{
	return is_in_force(row, name->order);
}

const struct bd_node_marker *bd_node_find_marker(const struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity)
{
	const struct bd_node_marker *marker = node->markers;

	while (marker != NULL &&
		(marker->entity != entity || !bd_bytes_equal(marker->source, source) ||
			!bd_bytes_equal(marker->section, section))) {
		marker = marker->next;
	}
	return marker;
}

static const struct bd_node_mark *find_mark(
	const struct bd_node_marks *marks, struct bd_bytes source, struct bd_bytes section)
{
	for (size_t i = 0; marks != NULL && i < marks->count; i++) {
		if (bd_bytes_equal(marks->items[i].source, source) &&
			bd_bytes_equal(marks->items[i].section, section)) {
			return &marks->items[i];
		}
	}
	return NULL;
}

/* The newest of what is seen of the row; false when nothing is. */
static bool newest_seen(struct bd_order *newest, const struct bd_node_row *row)
{
	bool has_any = false;

	if (row->base.is_set && is_in_force(row, row->base.order)) {
		*newest = row->base.order;
		has_any = true;
	}
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		if (field->values != NULL && bd_node_field_is_seen(row, field) &&
			(!has_any || bd_order_compare(field->order, *newest) > 0)) {
			*newest = field->order;
			has_any = true;
		}
	}
	if (has_any && row->told.is_set && bd_order_compare(row->told.order, *newest) > 0) {
		*newest = row->told.order;
	}
	return has_any;
}

bool bd_node_row_is_seen(const struct bd_node *node, const struct bd_node_row *row)
{
	const struct bd_node_marker *marker =
		bd_node_find_marker(node, row->source, row->section, row->entity);
	const struct bd_node_mark *mark = find_mark(node->marks, row->source, row->section);
	struct bd_order newest = { 0, 0 };

	return newest_seen(&newest, row) &&
	       (marker == NULL || bd_order_compare(newest, marker->order) >= 0) &&
	       (mark == NULL || bd_order_compare(newest, mark->order) >= 0);
}

bool bd_node_is_blocked(const struct bd_node *node, struct bd_bytes source, uint16_t entity)
{
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		if (!block->is_over && block->entity == entity &&
			bd_bytes_equal(block->source, source)) {
			return true;
		}
	}
	return false;
}

/* -- settling -- */

static int compare_identifiers(const void *a, const void *b)
{
	return bd_identifier_compare(a, b);
}

static size_t count_names(const struct bd_node_name *name)
{
	size_t count = 0;

	for (; name != NULL; name = name->next) {
		count++;
	}
	return count;
}

static void copy_names(struct bd_identifier *list, size_t *count, const struct bd_node_name *name)
{
	for (; name != NULL; name = name->next) {
		/* One subject's rows state the same names over and over. */
		if (*count == 0 || !bd_identifier_equal(&list[*count - 1], &name->identifier)) {
			list[(*count)++] = name->identifier;
		}
	}
}

/* Sorted, each once, never the node's own. */
static size_t sort_names(struct bd_identifier *list, size_t count, const struct bd_node *node)
{
	size_t kept = 0;

	if (count > 1) {
		qsort(list, count, sizeof(*list), compare_identifiers);
	}
	for (size_t i = 0; i < count; i++) {
		if ((kept == 0 || !bd_identifier_equal(&list[kept - 1], &list[i])) &&
			!bd_identifier_equal(&list[i], &node->self)) {
			list[kept++] = list[i];
		}
	}
	return kept < BD_SUBJECT_NODES_MAX - 1 ? kept : BD_SUBJECT_NODES_MAX - 1;
}

static enum bd_code list_identifiers(struct bd_node *node)
{
	struct bd_identifier *list;
	size_t max = 1, count = 0;

	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		max += row->is_seen ? count_names(row->aliases) : 0;
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		max += count_names(marker->aliases);
	}
	list = bd_arena_alloc(node->arena, max, sizeof(*list));
	if (list == NULL) {
		return bd_arena_code(node->arena);
	}
	list[0] = node->self;
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		copy_names(list + 1, &count, row->is_seen ? row->aliases : NULL);
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		copy_names(list + 1, &count, marker->aliases);
	}
	node->identifiers = list;
	node->identifier_count = 1 + sort_names(list + 1, count, node);
	return BD_OK;
}

static bool is_over(const struct bd_node_block *block, const struct bd_node_marks *marks)
{
	const struct bd_node_mark *mark = find_mark(marks, block->source, block->section);

	if (mark == NULL) {
		return false;
	}
	return block->order.is_set ? bd_order_compare(block->order.order, mark->order) < 0
				   : block->message < mark->message;
}

enum bd_code bd_node_settle(struct bd_node *node, const struct bd_node_marks *marks)
{
	node->marks = marks;
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		row->is_seen = bd_node_row_is_seen(node, row);
	}
	for (struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		block->is_over = is_over(block, marks);
	}
	return list_identifiers(node);
}

/* -- what a row says -- */

static enum bd_code add_names(struct bd_buf *out, const struct bd_node_name *names)
{
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count_names(names)));
	for (const struct bd_node_name *name = names; name != NULL; name = name->next) {
		BD_TRY(bd_identifier_pack(out, &name->identifier));
	}
	return BD_OK;
}

enum bd_code bd_node_row_content(
	struct bd_buf *out, const struct bd_node_row *row, struct bd_bytes node_key)
{
	BD_TRY(bd_buf_add_u8(out, 1));
	BD_TRY(bd_buf_add_sized(out, node_key));
	BD_TRY(bd_buf_add_sized(out, row->source));
	BD_TRY(bd_buf_add_sized(out, row->section));
	BD_TRY(bd_buf_add_u16(out, row->entity));
	BD_TRY(bd_buf_add_sized(out, row->key));
	BD_TRY(bd_buf_add_u8(out, row->is_seen));
	if (!row->is_seen) {
		return BD_OK;
	}
	BD_TRY(add_names(out, row->aliases));
	BD_TRY(add_names(out, row->others));
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values; value != NULL;
			value = value->next) {
			BD_TRY(bd_value_pack(out, &value->value));
		}
	}
	return BD_OK;
}
