/* node.c - records into a node. */
#include "store/node.h"

#include "base/limits.h"
#include "base/try.h"

#include <string.h>

/* rule: order.compare. */
int bd_order_compare(struct bd_order a, struct bd_order b)
{
	if (a.rank != b.rank) {
		return a.rank < b.rank ? -1 : 1;
	}
	return (a.order > b.order) - (a.order < b.order);
}

int bd_identifier_compare(const struct bd_identifier *a, const struct bd_identifier *b)
{
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	order = order != 0 ? order : bd_bytes_compare(a->issuer, b->issuer);
	return order != 0 ? order : bd_bytes_compare(a->number, b->number);
}

void bd_node_init(struct bd_node *node, const struct bd_identifier *self, struct bd_arena *arena)
{
	*node = (struct bd_node){ .arena = arena, .self = *self };
}

/* The higher of what is there and what comes: <0 it was higher, 0 equal, >0 it came. */
static int raise_stamp(struct bd_stamp *stamp, struct bd_order order)
{
	int way = stamp->is_set ? bd_order_compare(order, stamp->order) : 1;

	if (way > 0) {
		*stamp = (struct bd_stamp){ true, order };
	}
	return way;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static uint64_t last(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* -- rows -- */

static int compare_place(struct bd_bytes a_source, struct bd_bytes a_section, uint16_t a_entity,
	struct bd_bytes b_source, struct bd_bytes b_section, uint16_t b_entity)
{
	int order = bd_bytes_compare(a_source, b_source);

	order = order != 0 ? order : bd_bytes_compare(a_section, b_section);
	return order != 0 ? order : (a_entity > b_entity) - (a_entity < b_entity);
}

static int compare_row(const struct bd_node_row *row, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity, struct bd_bytes key)
{
	int order = compare_place(row->source, row->section, row->entity, source, section, entity);

	return order != 0 ? order : bd_bytes_compare(row->key, key);
}

int bd_node_row_compare(const struct bd_node_row *a, const struct bd_node_row *b)
{
	return compare_row(a, b->source, b->section, b->entity, b->key);
}

/* Where the row stands, or would. */
static struct bd_node_row **seek_row(struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity, struct bd_bytes key)
{
	struct bd_node_row **link = &node->rows;

	if (node->last != NULL && compare_row(node->last, source, section, entity, key) < 0) {
		link = &node->last->next;
	}
	while (*link != NULL && compare_row(*link, source, section, entity, key) < 0) {
		link = &(*link)->next;
	}
	return link;
}

static struct bd_node_row *find_row(struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity, struct bd_bytes key)
{
	struct bd_node_row *row = *seek_row(node, source, section, entity, key);

	return row != NULL && compare_row(row, source, section, entity, key) == 0 ? row : NULL;
}

/* Its row, made if it is not there; NULL when the arena is full. */
static struct bd_node_row *make_row(
	struct bd_node *node, const struct bd_record *record, const struct bd_node_context *context)
{
	struct bd_bytes section = bd_bytes_of(record->section);
	struct bd_node_row **link =
		seek_row(node, context->source, section, record->entity, record->row_key);
	struct bd_node_row *row = *link;

	if (row == NULL ||
		compare_row(row, context->source, section, record->entity, record->row_key) != 0) {
		row = bd_arena_alloc(node->arena, 1, sizeof(*row));
		if (row == NULL) {
			return NULL;
		}
		*row = (struct bd_node_row){ .source = context->source,
			.section = section,
			.key = record->row_key,
			.entity = record->entity,
			.first = context->message,
			.next = *link };
		*link = row;
	}
	node->last = row;
	return row;
}

/* -- values -- */

static int compare_values(const struct bd_value *a, const struct bd_value *b)
{
	int order = bd_bytes_compare(a->text, b->text);
	int a_flags = a->flags & ~BD_VALUE_NORMALIZED, b_flags = b->flags & ~BD_VALUE_NORMALIZED;

	return order != 0 ? order : a_flags - b_flags;
}

/* Said once more: the same content, heard later. Of two native texts the first in byte order stays,
 * whichever came first. */
static void refresh_value(struct bd_node_value *held, const struct bd_node_value *come)
{
	if (bd_bytes_compare(come->value.native, held->value.native) < 0) {
		held->value = come->value;
	}
	held->as_of_ms = later(held->as_of_ms, come->as_of_ms);
	held->received_ms = later(held->received_ms, come->received_ms);
	held->message = last(held->message, come->message);
}

/* rule: merge.conflict. One more content at the same order: both stay, and read as a conflict. Of
 * too many the first in byte order stay, so that it does not matter which came first. */
static enum bd_code add_value(struct bd_node *node, struct bd_node_field *field,
	const struct bd_node_value *come, bool *changed)
{
	struct bd_node_value **link = &field->values, *made;
	size_t count = 0;

	while (*link != NULL && compare_values(&(*link)->value, &come->value) < 0) {
		link = &(*link)->next;
		count++;
	}
	if (*link != NULL && compare_values(&(*link)->value, &come->value) == 0) {
		refresh_value(*link, come);
		return BD_OK;
	}
	if (count == BD_CONFLICT_VALUES_MAX) {
		return BD_OK;
	}
	made = bd_arena_alloc(node->arena, 1, sizeof(*made));
	if (made == NULL) {
		return bd_arena_code(node->arena);
	}
	*made = *come;
	made->next = *link;
	*link = made;
	*changed = true;
	for (made = field->values, count = 1; made != NULL; made = made->next, count++) {
		if (count == BD_CONFLICT_VALUES_MAX) {
			made->next = NULL;
		}
	}
	return BD_OK;
}

static struct bd_node_field *make_field(
	struct bd_node *node, struct bd_node_row *row, uint16_t number)
{
	struct bd_node_field **link = &row->fields, *field;

	while (*link != NULL && (*link)->number < number) {
		link = &(*link)->next;
	}
	if (*link != NULL && (*link)->number == number) {
		return *link;
	}
	field = bd_arena_alloc(node->arena, 1, sizeof(*field));
	if (field != NULL) {
		*field = (struct bd_node_field){ .number = number, .next = *link };
		*link = field;
	}
	return field;
}

/* rules: merge.newer, merge.patch. */
static enum bd_code set_value(struct bd_node *node, struct bd_node_row *row,
	const struct bd_node_value *come, struct bd_order order, bool *changed)
{
	struct bd_node_field *field = make_field(node, row, come->value.field);
	bool ignored = false, is_same;
	int way;

	if (field == NULL) {
		return bd_arena_code(node->arena);
	}
	way = field->values == NULL && !field->is_recalled ? 1
							   : bd_order_compare(order, field->order);
	if (way < 0 || (way == 0 && field->is_recalled)) {
		return BD_OK;
	}
	if (way == 0) {
		return add_value(node, field, come, changed);
	}
	is_same = field->values != NULL && field->values->next == NULL &&
		  compare_values(&field->values->value, &come->value) == 0;
	field->order = order;
	field->values = NULL;
	field->is_recalled = false;
	return add_value(node, field, come, is_same ? &ignored : changed);
}

/* -- names -- */

/* rule: merge.identifiers. At most BD_SUBJECT_NODES_MAX, the first in their order. */
static enum bd_code add_name(struct bd_node *node, struct bd_node_name **names,
	const struct bd_identifier *identifier, struct bd_order order, bool *changed)
{
	struct bd_node_name **link = names, *made;
	size_t count = 0;

	while (*link != NULL && bd_identifier_compare(&(*link)->identifier, identifier) < 0) {
		link = &(*link)->next;
		count++;
	}
	if (*link != NULL && bd_identifier_equal(&(*link)->identifier, identifier)) {
		if (bd_order_compare(order, (*link)->order) > 0) {
			(*link)->order = order;
		}
		return BD_OK;
	}
	if (count == BD_SUBJECT_NODES_MAX) {
		return BD_OK;
	}
	made = bd_arena_alloc(node->arena, 1, sizeof(*made));
	if (made == NULL) {
		return bd_arena_code(node->arena);
	}
	*made = (struct bd_node_name){ *identifier, order, true, *link };
	*link = made;
	*changed = true;
	for (made = *names, count = 1; made != NULL; made = made->next, count++) {
		if (count == BD_SUBJECT_NODES_MAX) {
			made->next = NULL;
		}
	}
	return BD_OK;
}

static enum bd_code add_aliases(struct bd_node *node, struct bd_node_name **names,
	const struct bd_record *record, bool *changed)
{
	for (size_t i = 0; i < record->subject_count; i++) {
		if (!bd_identifier_equal(&record->subject[i], &node->self)) {
			BD_TRY(add_name(node, names, &record->subject[i], record->order, changed));
		}
	}
	return BD_OK;
}

/* -- what is over -- */

/* What can never be seen again is dropped. */
static bool prune_row(struct bd_node_row *row)
{
	struct bd_node_name **lists[] = { &row->aliases, &row->others };
	bool has_dropped = false;

	for (struct bd_node_field **link = &row->fields; *link != NULL;) {
		if (bd_node_field_is_seen(row, *link)) {
			link = &(*link)->next;
		} else {
			*link = (*link)->next;
			has_dropped = true;
		}
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (struct bd_node_name **link = lists[i]; *link != NULL;) {
			if (bd_node_name_is_seen(row, *link)) {
				link = &(*link)->next;
			} else {
				*link = (*link)->next;
				has_dropped = true;
			}
		}
	}
	return has_dropped;
}

/* The newest that the row was told, whatever it was; false when it was never told. */
static bool newest_order(struct bd_order *newest, const struct bd_node_row *row)
{
	const struct bd_stamp *const stamps[] = { &row->base, &row->deleted, &row->told };
	bool has_any = false;

	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		if (stamps[i]->is_set &&
			(!has_any || bd_order_compare(stamps[i]->order, *newest) > 0)) {
			*newest = stamps[i]->order;
			has_any = true;
		}
	}
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		if (!has_any || bd_order_compare(field->order, *newest) > 0) {
			*newest = field->order;
			has_any = true;
		}
	}
	return has_any;
}

static bool is_later(const struct bd_node_block *block, struct bd_order order, uint64_t message)
{
	int way = block->order.is_set ? bd_order_compare(order, block->order.order) : 0;

	return way > 0 || (way == 0 && message > block->message);
}

/* A whole telling that had the recalled row, as it was recalled, says nothing new of it: then it is
 * the newest of which that is so. */
static bool is_told_again(struct bd_node *node, struct bd_node_block *block, struct bd_order order)
{
	const struct bd_node_row *row =
		block->message == BD_RECALLED && block->has_key
			? find_row(node, block->source, block->section, block->entity, block->key)
			: NULL;

	if (row == NULL || row->is_seen || !row->told.is_set ||
		bd_order_compare(row->told.order, order) < 0) {
		return false;
	}
	raise_stamp(&block->order, order);
	return true;
}

/* key NULL: the section was told whole. */
static void mend(struct bd_node *node, struct bd_bytes section, const uint16_t *entity,
	const struct bd_bytes *key, struct bd_order order, const struct bd_node_context *context)
{
	struct bd_node_block **link = &node->blocks;

	while (*link != NULL) {
		struct bd_node_block *block = *link;

		if ((entity == NULL || block->entity == *entity) &&
			bd_bytes_equal(block->source, context->source) &&
			bd_bytes_equal(block->section, section) &&
			(key == NULL || (block->has_key && bd_bytes_equal(block->key, *key))) &&
			is_later(block, order, context->message) &&
			(key != NULL || !is_told_again(node, block, order))) {
			*link = block->next;
		} else {
			link = &(*link)->next;
		}
	}
}

/* -- whole tellings -- */

static enum bd_code raise_marker(struct bd_node *node, struct bd_bytes section, uint16_t entity,
	struct bd_order order, const struct bd_node_context *context,
	struct bd_node_marker **marker, bool *changed)
{
	struct bd_node_marker **link = &node->markers;
	int way = 1;

	while (*link != NULL && compare_place((*link)->source, (*link)->section, (*link)->entity,
					context->source, section, entity) < 0) {
		link = &(*link)->next;
	}
	if (*link == NULL || compare_place((*link)->source, (*link)->section, (*link)->entity,
				     context->source, section, entity) != 0) {
		struct bd_node_marker *made = bd_arena_alloc(node->arena, 1, sizeof(*made));

		if (made == NULL) {
			return bd_arena_code(node->arena);
		}
		*made = (struct bd_node_marker){ context->source, section, entity, order, 0, NULL,
			*link };
		*link = made;
		*changed = true;
	} else {
		way = bd_order_compare(order, (*link)->order);
	}
	*marker = way >= 0 ? *link : NULL;
	if (way > 0) {
		(*link)->order = order;
		(*link)->aliases = NULL;
	}
	if (way >= 0) {
		(*link)->received_ms = later((*link)->received_ms, context->received_ms);
	}
	return BD_OK;
}

/* Rows that the marker hides from now on are a change. */
static bool hides_any(struct bd_node *node, struct bd_bytes section, uint16_t entity,
	const struct bd_node_context *context)
{
	bool is_any = false;

	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (row->entity == entity && bd_bytes_equal(row->source, context->source) &&
			bd_bytes_equal(row->section, section) && row->is_seen) {
			row->is_seen = bd_node_row_is_seen(node, row);
			row->is_touched |= !row->is_seen;
			is_any |= !row->is_seen;
		}
	}
	return is_any;
}

/* rule: merge.section. */
static enum bd_code apply_section(struct bd_node *node, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed)
{
	struct bd_bytes section = bd_bytes_of(record->section);
	struct bd_node_marker *marker = NULL;

	mend(node, section, &record->entity, NULL, record->order, context);
	BD_TRY(raise_marker(
		node, section, record->entity, record->order, context, &marker, changed));
	if (marker != NULL) {
		BD_TRY(add_aliases(node, &marker->aliases, record, changed));
	}
	*changed |= hides_any(node, section, record->entity, context);
	return BD_OK;
}

/* rule: merge.snapshot, of one subject. */
enum bd_code bd_node_tell(
	struct bd_node *node, struct bd_bytes section, const struct bd_node_context *context)
{
	struct bd_node_marker *marker = NULL;
	bool ignored = false;

	mend(node, section, NULL, NULL, context->snapshot.order, context);
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (bd_bytes_equal(row->source, context->source) &&
			bd_bytes_equal(row->section, section)) {
			BD_TRY(raise_marker(node, section, row->entity, context->snapshot.order,
				context, &marker, &ignored));
			hides_any(node, section, row->entity, context);
		}
	}
	return BD_OK;
}

/* -- one record -- */

static enum bd_code set_content(struct bd_node *node, struct bd_node_row *row,
	const struct bd_record *record, const struct bd_node_context *context, bool *changed)
{
	int64_t as_of_ms = record->as_of_ms != 0 ? record->as_of_ms : context->received_ms;

	for (size_t i = 0; i < record->other_count; i++) {
		BD_TRY(add_name(node, &row->others, &record->other[i], record->order, changed));
	}
	BD_TRY(add_aliases(node, &row->aliases, record, changed));
	for (size_t i = 0; i < record->value_count; i++) {
		const struct bd_node_value come = { record->values[i], as_of_ms,
			context->received_ms, context->message, NULL };

		BD_TRY(set_value(node, row, &come, record->order, changed));
	}
	return BD_OK;
}

static void raise_base(struct bd_node_row *row, const struct bd_record *record,
	const struct bd_node_context *context)
{
	int64_t as_of_ms = record->as_of_ms != 0 ? record->as_of_ms : context->received_ms;
	int way = raise_stamp(&row->base, record->order);

	if (way > 0) {
		row->as_of_ms = as_of_ms;
		row->received_ms = context->received_ms;
	} else if (way == 0) {
		row->as_of_ms = later(row->as_of_ms, as_of_ms);
		row->received_ms = later(row->received_ms, context->received_ms);
	}
}

/* Below what replaced or deleted the row nothing counts any more. */
static bool counts(const struct bd_node_row *row, struct bd_order order)
{
	return (!row->deleted.is_set || bd_order_compare(order, row->deleted.order) > 0) &&
	       (!row->base.is_set || bd_order_compare(order, row->base.order) >= 0);
}

/* rules: merge.replace, merge.delete. */
static enum bd_code apply_row(struct bd_node *node, struct bd_node_row *row,
	const struct bd_record *record, const struct bd_node_context *context, bool *changed)
{
	switch (record->action) {
	case BD_ACTION_DELETE:
		raise_stamp(&row->deleted, record->order);
		break;
	case BD_ACTION_REPLACE:
		raise_base(row, record, context);
		/* fallthrough */
	case BD_ACTION_PATCH:
		if (context->snapshot.is_set) {
			raise_stamp(&row->told, context->snapshot.order);
		}
		if (counts(row, record->order)) {
			BD_TRY(set_content(node, row, record, context, changed));
		}
		break;
	case BD_ACTION_SECTION:
		break;
	}
	*changed |= prune_row(row);
	return BD_OK;
}

enum bd_code bd_node_apply(struct bd_node *node, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed)
{
	struct bd_node_row *row;
	bool was_seen;

	*changed = false;
	if (record->action == BD_ACTION_SECTION) {
		return apply_section(node, record, context, changed);
	}
	row = make_row(node, record, context);
	if (row == NULL) {
		return bd_arena_code(node->arena);
	}
	was_seen = row->is_seen;
	row->is_touched = true;
	row->message = last(row->message, context->message);
	BD_TRY(apply_row(node, row, record, context, changed));
	/* A patch that states nothing leaves no trace by which a refused one could be outdone. */
	if (record->action != BD_ACTION_PATCH || record->value_count > 0) {
		mend(node, row->section, &row->entity, &row->key, record->order, context);
	}
	row->is_seen = bd_node_row_is_seen(node, row);
	*changed = was_seen != row->is_seen || (*changed && row->is_seen);
	return BD_OK;
}

/* -- refused records -- */

static bool is_same_place(const struct bd_node_block *block, const struct bd_node_refused *refused,
	const struct bd_node_context *context)
{
	return compare_place(block->source, block->section, block->entity, context->source,
		       refused->section, refused->entity) == 0;
}

/* Something newer than the refused record has been told of the same. */
static bool is_outdone(struct bd_node *node, const struct bd_node_refused *refused,
	const struct bd_node_context *context)
{
	const struct bd_node_marker *marker =
		bd_node_find_marker(node, context->source, refused->section, refused->entity);
	const struct bd_node_row *row = !refused->has_key
						? NULL
						: find_row(node, context->source, refused->section,
							  refused->entity, refused->key);
	struct bd_order newest = { 0, 0 };

	if (!refused->order.is_set) {
		return false;
	}
	if (marker != NULL && bd_order_compare(marker->order, refused->order.order) > 0) {
		return true;
	}
	return row != NULL && newest_order(&newest, row) &&
	       bd_order_compare(newest, refused->order.order) > 0;
}

static void join_block(struct bd_node_block *block, const struct bd_stamp *order, uint64_t message)
{
	block->message = last(block->message, message);
	if (!order->is_set) {
		block->order.is_set = false;
	} else if (block->order.is_set) {
		raise_stamp(&block->order, order->order);
	}
}

/* All of the place become one that stands for any row of it. */
static void join_all(struct bd_node *node, struct bd_node_block *any)
{
	struct bd_node_block **link = &node->blocks;

	while (*link != NULL) {
		const struct bd_node_block *block = *link;

		if (block != any && compare_place(block->source, block->section, block->entity,
					    any->source, any->section, any->entity) == 0) {
			join_block(any, &block->order, block->message);
			*link = block->next;
		} else {
			link = &(*link)->next;
		}
	}
	any->has_key = false;
	any->key = (struct bd_bytes){ "", 0 };
	any->others = NULL;
	any->other_count = 0;
}

static bool is_same_row(const struct bd_node_block *block, const struct bd_node_refused *refused)
{
	return block->has_key == refused->has_key && bd_bytes_equal(block->key, refused->key) &&
	       block->other_count == refused->other_count &&
	       (block->other_count == 0 ||
		       bd_identifier_equal(&block->others[0], &refused->others[0]));
}

/* The one that it becomes part of, or NULL. */
static struct bd_node_block *find_block(struct bd_node *node, const struct bd_node_refused *refused,
	const struct bd_node_context *context, size_t *count)
{
	struct bd_node_block *found = NULL;

	*count = 0;
	for (struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		if (is_same_place(block, refused, context)) {
			(*count)++;
			found = is_same_row(block, refused) ? block : found;
		}
	}
	return found;
}

/* rule: merge.block. */
enum bd_code bd_node_block(struct bd_node *node, const struct bd_node_refused *refused,
	const struct bd_node_context *context)
{
	struct bd_node_block *block;
	size_t count;

	if (is_outdone(node, refused, context)) {
		return BD_OK;
	}
	block = find_block(node, refused, context, &count);
	if (block != NULL) {
		join_block(block, &refused->order, context->message);
		return BD_OK;
	}
	block = bd_arena_alloc(node->arena, 1, sizeof(*block));
	if (block == NULL) {
		return bd_arena_code(node->arena);
	}
	*block = (struct bd_node_block){ context->source, refused->section, refused->entity,
		refused->has_key, refused->key, refused->order, context->message, refused->others,
		refused->other_count, node->blocks, false };
	node->blocks = block;
	if (count >= BD_NODE_BLOCKS_MAX) {
		join_all(node, block);
	}
	return BD_OK;
}
