/* test_store_node.c - what a node becomes by records in any order, beside a model that looks at all
 * of them at once; what refused records block; the bytes of a node.
 */
#include "base/limits.h"
#include "store/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPS_MAX 10
#define VALUES_MAX 3

/* One record, or a refused one. */
struct op {
	struct bd_record record;
	struct bd_value values[VALUES_MAX];
	struct bd_identifier subject[3], other[1];
	const char *source;
	bool is_refused, has_key;
};

static const struct bd_identifier self = { 1, { "", 0 }, { "S", 1 } };

static unsigned seed = 20260601;

static unsigned draw(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

/* -- made records -- */

static const char *const texts[] = { "a", "b", "c", "d", "e" };
static const char *const natives[] = { "", "A", "B" };

static struct bd_value some_value(uint16_t field)
{
	return (struct bd_value){ field, (uint8_t)(draw(8) == 0 ? BD_VALUE_UNMAPPED : 0),
		bd_bytes_of(texts[draw(5)]), bd_bytes_of(natives[draw(3)]) };
}

static void make_op(struct op *op, bool may_refuse, int64_t order)
{
	static const enum bd_action actions[] = { BD_ACTION_REPLACE, BD_ACTION_REPLACE,
		BD_ACTION_PATCH, BD_ACTION_PATCH, BD_ACTION_DELETE, BD_ACTION_SECTION };
	struct bd_record *record = &op->record;

	memset(op, 0, sizeof(*op));
	op->source = draw(4) == 0 ? "other" : "one";
	op->is_refused = may_refuse && draw(3) == 0;
	op->has_key = draw(4) != 0;
	op->subject[0] = self;
	*record = (struct bd_record){ .section = draw(4) == 0 ? "t" : "s",
		.entity = (uint16_t)(1 + (draw(4) == 0)),
		.action = actions[draw(6)],
		.row_key = bd_bytes_of(texts[draw(2)]),
		.subject = op->subject,
		.subject_count = 1,
		.other = op->other,
		.values = op->values,
		.order_kind = BD_ORDER_TIME,
		.order = { (uint8_t)(draw(5) == 0), order } };
	for (unsigned i = 0; i < 2; i++) {
		if (draw(3) == 0) {
			op->subject[record->subject_count++] = (struct bd_identifier){ 11,
				bd_bytes_of("one"), bd_bytes_of(texts[draw(3)]) };
		}
	}
	if (draw(3) == 0) {
		op->other[record->other_count++] =
			(struct bd_identifier){ 21, { "", 0 }, bd_bytes_of(texts[draw(3)]) };
	}
	for (uint16_t field = 1; field <= VALUES_MAX; field++) {
		if (draw(2) == 0 && record->action != BD_ACTION_DELETE &&
			record->action != BD_ACTION_SECTION) {
			op->values[record->value_count++] = some_value(field);
		}
	}
}

/* -- as text -- */

static void add_line(struct bd_buf *out, const char *what, const char *source, const char *section,
	unsigned entity, struct bd_bytes key)
{
	bd_buf_printf(out, "%s %s %s %u %.*s", what, source, section, entity, (int)key.len,
		key.len > 0 ? key.ptr : "");
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Its lines, sorted. */
static void sort_lines(struct bd_buf *text)
{
	char *lines[512], *at;
	struct bd_buf sorted;
	size_t count = 0;

	bd_buf_init(&sorted, 1 << 20);
	bd_buf_add_byte(text, '\0');
	for (at = text->ptr; *at != '\0'; at = strchr(at, '\0') + 1) {
		char *end = strchr(at, '\n');

		assert_true(count < 512);
		lines[count++] = at;
		*end = '\0';
	}
	qsort(lines, count, sizeof(lines[0]), compare_texts);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0) {
			bd_buf_add_text(&sorted, lines[i]);
			bd_buf_add_byte(&sorted, '\n');
		}
	}
	bd_buf_release(text);
	*text = sorted;
}

static void add_value(struct bd_buf *out, const struct bd_value *value)
{
	bd_buf_printf(out, " %u=%.*s/%u<%.*s", value->field, (int)value->text.len, value->text.ptr,
		value->flags, (int)value->native.len,
		value->native.len > 0 ? value->native.ptr : "");
}

static char text_room[32];

static const char *text_of(struct bd_bytes bytes)
{
	snprintf(text_room, sizeof(text_room), "%.*s", (int)bytes.len, bytes.ptr);
	return text_room;
}

static void tell_row(struct bd_buf *out, const struct bd_node_row *row)
{
	char source[32];

	snprintf(source, sizeof(source), "%s", text_of(row->source));
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values; value != NULL;
			value = value->next) {
			add_line(
				out, "value", source, text_of(row->section), row->entity, row->key);
			add_value(out, &value->value);
			bd_buf_add_byte(out, '\n');
		}
	}
	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		add_line(out, "other", source, text_of(row->section), row->entity, row->key);
		bd_buf_printf(out, " %.*s\n", (int)name->identifier.number.len,
			name->identifier.number.ptr);
	}
	add_line(out, "row", source, text_of(row->section), row->entity, row->key);
	bd_buf_add_byte(out, '\n');
}

static void tell_node(struct bd_buf *out, const struct bd_node *node)
{
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (row->is_seen) {
			tell_row(out, row);
		}
	}
	for (size_t i = 1; i < node->identifier_count; i++) {
		bd_buf_printf(out, "alias %.*s\n", (int)node->identifiers[i].number.len,
			node->identifiers[i].number.ptr);
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		char source[32];

		snprintf(source, sizeof(source), "%s", text_of(marker->source));
		add_line(out, "told", source, text_of(marker->section), marker->entity,
			(struct bd_bytes){ "", 0 });
		bd_buf_printf(out, " %u.%d\n", marker->order.rank, (int)marker->order.order);
	}
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		char source[32];

		snprintf(source, sizeof(source), "%s", text_of(block->source));
		add_line(out, block->has_key ? "blocked" : "blocked-any", source,
			text_of(block->section), block->entity, block->key);
		bd_buf_add_byte(out, '\n');
	}
	sort_lines(out);
}

/* -- the model: what the rules of node.h say of a whole set -- */

static bool same_row(const struct op *a, const struct op *b)
{
	return strcmp(a->source, b->source) == 0 &&
	       strcmp(a->record.section, b->record.section) == 0 &&
	       a->record.entity == b->record.entity &&
	       bd_bytes_equal(a->record.row_key, b->record.row_key);
}

static bool same_section(const struct op *a, const struct op *b)
{
	return strcmp(a->source, b->source) == 0 &&
	       strcmp(a->record.section, b->record.section) == 0 &&
	       a->record.entity == b->record.entity;
}

static bool above(const struct op *a, const struct op *b)
{
	return bd_order_compare(a->record.order, b->record.order) > 0;
}

static const struct op *newest(
	const struct op *ops, size_t count, const struct op *of, enum bd_action action)
{
	const struct op *found = NULL;

	for (size_t i = 0; i < count; i++) {
		bool is_same = action == BD_ACTION_SECTION ? same_section(&ops[i], of)
							   : same_row(&ops[i], of);

		if (!ops[i].is_refused && ops[i].record.action == action && is_same &&
			(found == NULL || above(&ops[i], found))) {
			found = &ops[i];
		}
	}
	return found;
}

static bool states(const struct op *op)
{
	return !op->is_refused &&
	       (op->record.action == BD_ACTION_REPLACE || op->record.action == BD_ACTION_PATCH);
}

/* What it says is in force: not replaced, not deleted. */
static bool in_force(const struct op *ops, size_t count, const struct op *op)
{
	const struct op *base = newest(ops, count, op, BD_ACTION_REPLACE);
	const struct op *deleted = newest(ops, count, op, BD_ACTION_DELETE);

	return states(op) && (base == NULL || !above(base, op)) &&
	       (deleted == NULL || above(op, deleted));
}

static bool is_stated(const struct op *op, uint16_t field, const struct bd_value **value)
{
	for (size_t i = 0; i < op->record.value_count; i++) {
		if (op->values[i].field == field) {
			*value = &op->values[i];
			return true;
		}
	}
	return false;
}

static bool row_is_seen(const struct op *ops, size_t count, const struct op *row)
{
	const struct op *told = newest(ops, count, row, BD_ACTION_SECTION);

	for (size_t i = 0; i < count; i++) {
		if (same_row(&ops[i], row) && in_force(ops, count, &ops[i]) &&
			(ops[i].record.action == BD_ACTION_REPLACE ||
				ops[i].record.value_count > 0) &&
			(told == NULL || !above(told, &ops[i]))) {
			return true;
		}
	}
	return false;
}

/* The newest of each field; of equal ones all, at most four; of equal texts the first native. */
static void model_field(struct bd_buf *out, const struct op *ops, size_t count,
	const struct op *row, uint16_t field)
{
	const struct bd_value *values[OPS_MAX], *value = NULL;
	const struct op *top = NULL;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (same_row(&ops[i], row) && in_force(ops, count, &ops[i]) &&
			is_stated(&ops[i], field, &value) && (top == NULL || above(&ops[i], top))) {
			top = &ops[i];
		}
	}
	for (size_t i = 0; i < count && top != NULL; i++) {
		size_t j = 0;

		if (!same_row(&ops[i], row) || !in_force(ops, count, &ops[i]) ||
			above(top, &ops[i]) || !is_stated(&ops[i], field, &value)) {
			continue;
		}
		while (j < found && (values[j]->flags != value->flags ||
					    !bd_bytes_equal(values[j]->text, value->text))) {
			j++;
		}
		if (j == found || bd_bytes_compare(value->native, values[j]->native) < 0) {
			values[j] = value;
			found += j == found;
		}
	}
	for (size_t i = 0; i < found; i++) {
		size_t before = 0;

		for (size_t j = 0; j < found; j++) {
			int way = bd_bytes_compare(values[j]->text, values[i]->text);

			before += way < 0 || (way == 0 && values[j]->flags < values[i]->flags);
		}
		if (before < BD_CONFLICT_VALUES_MAX) {
			add_line(out, "value", row->source, row->record.section, row->record.entity,
				row->record.row_key);
			add_value(out, values[i]);
			bd_buf_add_byte(out, '\n');
		}
	}
}

static void model_op(struct bd_buf *out, const struct op *ops, size_t count, const struct op *op)
{
	const struct op *told = newest(ops, count, op, BD_ACTION_SECTION);
	bool is_told = op->record.action == BD_ACTION_SECTION && told != NULL && !above(told, op);
	bool is_row = states(op) && row_is_seen(ops, count, op);

	for (uint16_t field = 1; is_row && field <= VALUES_MAX; field++) {
		model_field(out, ops, count, op, field);
	}
	if (is_row) {
		add_line(out, "row", op->source, op->record.section, op->record.entity,
			op->record.row_key);
		bd_buf_add_byte(out, '\n');
	}
	if (is_row && in_force(ops, count, op) && op->record.other_count > 0) {
		add_line(out, "other", op->source, op->record.section, op->record.entity,
			op->record.row_key);
		bd_buf_printf(out, " %s\n", text_of(op->other[0].number));
	}
	for (size_t i = 1; i < op->record.subject_count; i++) {
		if (is_told || (is_row && in_force(ops, count, op))) {
			bd_buf_printf(out, "alias %s\n", text_of(op->subject[i].number));
		}
	}
	if (is_told) {
		add_line(out, "told", op->source, op->record.section, op->record.entity,
			(struct bd_bytes){ "", 0 });
		bd_buf_printf(out, " %u.%d\n", op->record.order.rank, (int)op->record.order.order);
	}
}

/* Nothing later has told the row, or its section. Orders differ. */
static void model_refused(
	struct bd_buf *out, const struct op *ops, size_t count, const struct op *op)
{
	for (size_t i = 0; i < count; i++) {
		bool is_same = ops[i].record.action == BD_ACTION_SECTION
				       ? same_section(&ops[i], op)
				       : op->has_key && same_row(&ops[i], op);
		bool tells =
			ops[i].record.action != BD_ACTION_PATCH || ops[i].record.value_count > 0;

		if (!ops[i].is_refused && is_same && tells && above(&ops[i], op)) {
			return;
		}
	}
	add_line(out, op->has_key ? "blocked" : "blocked-any", op->source, op->record.section,
		op->record.entity, op->has_key ? op->record.row_key : (struct bd_bytes){ "", 0 });
	bd_buf_add_byte(out, '\n');
}

static void model(struct bd_buf *out, const struct op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ops[i].is_refused) {
			model_refused(out, ops, count, &ops[i]);
		} else {
			model_op(out, ops, count, &ops[i]);
		}
	}
	sort_lines(out);
}

/* -- the node -- */

static void apply(struct bd_node *node, const struct op *op, uint64_t message)
{
	const struct bd_node_context context = { bd_bytes_of(op->source), (int64_t)message * 1000,
		message, { false, { 0, 0 } } };
	const struct bd_node_refused refused = { .section = bd_bytes_of(op->record.section),
		.entity = op->record.entity,
		.has_key = op->has_key,
		.key = op->has_key ? op->record.row_key : (struct bd_bytes){ "", 0 },
		.order = { true, op->record.order } };
	bool is_changed;

	assert_int_equal(op->is_refused ? bd_node_block(node, &refused, &context)
					: bd_node_apply(node, &op->record, &context, &is_changed),
		BD_OK);
}

/* Packed and unpacked between the records, as the store does. */
static void build(struct bd_buf *out, const struct op *ops, const size_t *order, size_t count,
	bool is_packed_between)
{
	struct bd_arena arena;
	struct bd_node node;

	bd_arena_init(&arena, 1 << 24);
	bd_node_init(&node, &self, &arena);
	assert_int_equal(bd_node_settle(&node, NULL), BD_OK);
	for (size_t i = 0; i < count; i++) {
		apply(&node, &ops[order[i]], i + 1);
		if (is_packed_between) {
			struct bd_buf packed;

			bd_buf_init(&packed, 1 << 20);
			assert_int_equal(bd_node_pack(&packed, &node), BD_OK);
			assert_int_equal(
				bd_node_unpack(&node, bd_arena_copy(&arena, bd_buf_bytes(&packed)),
					&arena),
				BD_OK);
			assert_int_equal(bd_node_settle(&node, NULL), BD_OK);
			bd_buf_release(&packed);
		}
	}
	assert_int_equal(bd_node_settle(&node, NULL), BD_OK);
	bd_buf_clear(out);
	tell_node(out, &node);
	bd_arena_release(&arena);
}

static void shuffle(size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		order[i] = i;
	}
	for (size_t i = count; i > 1; i--) {
		size_t j = draw((unsigned)i), kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
}

static void check_set(const struct op *ops, size_t count)
{
	struct bd_buf expected, got;

	bd_buf_init(&expected, 1 << 20);
	bd_buf_init(&got, 1 << 20);
	model(&expected, ops, count);
	for (int round = 0; round < 6; round++) {
		size_t order[OPS_MAX];

		shuffle(order, count);
		build(&got, ops, order, count, round % 2 == 1);
		if (!bd_bytes_equal(bd_buf_bytes(&expected), bd_buf_bytes(&got))) {
			for (size_t i = 0; i < count; i++) {
				const struct op *op = &ops[order[i]];

				print_message("%s%s %s %u [%s] action %d order %u.%d values %zu\n",
					op->is_refused ? "refused " : "", op->source,
					op->record.section, op->record.entity,
					text_of(op->record.row_key), (int)op->record.action,
					op->record.order.rank, (int)op->record.order.order,
					op->record.value_count);
			}
			print_message("-- expected --\n%.*s-- got --\n%.*s", (int)expected.len,
				expected.ptr, (int)got.len, got.ptr);
			fail();
		}
	}
	bd_buf_release(&expected);
	bd_buf_release(&got);
}

static void any_records_in_any_order_give_the_model(void **state)
{
	struct op ops[OPS_MAX];

	(void)state;
	for (int round = 0; round < 6000; round++) {
		size_t count = 1 + draw(OPS_MAX);

		for (size_t i = 0; i < count; i++) {
			make_op(&ops[i], false, 1 + draw(5));
		}
		check_set(ops, count);
	}
}

/* With orders that all differ: a refused record of the same order as an accepted one is mended by
 * it when it comes later, and only then. */
static void refused_records_in_any_order_block_the_same(void **state)
{
	struct op ops[OPS_MAX];

	(void)state;
	for (int round = 0; round < 6000; round++) {
		size_t count = 1 + draw(OPS_MAX);

		for (size_t i = 0; i < count; i++) {
			make_op(&ops[i], true, 0);
			ops[i].record.order.order = (int64_t)i + 1;
		}
		check_set(ops, count);
	}
}

/* -- blocks, one by one -- */

static void refuse(struct bd_node *node, const char *key, struct bd_stamp order, uint64_t message)
{
	const struct bd_node_context context = { bd_bytes_of("one"), 0, message,
		{ false, { 0, 0 } } };
	const struct bd_node_refused refused = { .section = bd_bytes_of("s"),
		.entity = 1,
		.has_key = key != NULL,
		.key = bd_bytes_of(key != NULL ? key : ""),
		.order = order };

	assert_int_equal(bd_node_block(node, &refused, &context), BD_OK);
}

static void tell(struct bd_node *node, enum bd_action action, const char *key, int64_t order,
	uint64_t message)
{
	const struct bd_node_context context = { bd_bytes_of("one"), 0, message,
		{ false, { 0, 0 } } };
	const struct bd_record record = { .section = "s",
		.entity = 1,
		.action = action,
		.row_key = bd_bytes_of(key),
		.subject = &self,
		.subject_count = 1,
		.order = { 0, order } };
	bool is_changed;

	assert_int_equal(bd_node_apply(node, &record, &context, &is_changed), BD_OK);
}

static bool is_blocked(struct bd_node *node)
{
	assert_int_equal(bd_node_settle(node, NULL), BD_OK);
	return bd_node_is_blocked(node, bd_bytes_of("one"), 1);
}

static const struct bd_stamp at_five = { true, { 0, 5 } }, unknown = { false, { 0, 0 } };

static void a_refused_row_is_mended_by_that_row(void **state)
{
	struct bd_arena arena;
	struct bd_node node;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	bd_node_init(&node, &self, &arena);
	refuse(&node, "a", at_five, 1);
	assert_true(is_blocked(&node));
	tell(&node, BD_ACTION_REPLACE, "b", 9, 2); /* another row */
	assert_true(is_blocked(&node));
	tell(&node, BD_ACTION_REPLACE, "a", 4, 3); /* it, but older */
	assert_true(is_blocked(&node));
	tell(&node, BD_ACTION_REPLACE, "a", 5, 4); /* the same, corrected */
	assert_false(is_blocked(&node));
	refuse(&node, "a", at_five, 5); /* and refused again */
	assert_true(is_blocked(&node));
	tell(&node, BD_ACTION_DELETE, "a", 6, 6);
	assert_false(is_blocked(&node));
	refuse(&node, "a", at_five, 7); /* long outdone */
	assert_false(is_blocked(&node));
	bd_arena_release(&arena);
}

static void a_refused_record_without_key_waits_for_the_section(void **state)
{
	struct bd_arena arena;
	struct bd_node node;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	bd_node_init(&node, &self, &arena);
	refuse(&node, NULL, unknown, 3);
	tell(&node, BD_ACTION_REPLACE, "a", 9, 4);
	assert_true(is_blocked(&node));
	tell(&node, BD_ACTION_SECTION, "", 9, 3); /* of the same message */
	assert_true(is_blocked(&node));
	tell(&node, BD_ACTION_SECTION, "", 9, 5);
	assert_false(is_blocked(&node));
	bd_arena_release(&arena);
}

static void too_many_refused_rows_become_any_row(void **state)
{
	struct bd_arena arena;
	struct bd_node node;
	size_t count = 0, anys = 0;
	char key[16];

	(void)state;
	bd_arena_init(&arena, 1 << 24);
	bd_node_init(&node, &self, &arena);
	for (int i = 0; i < BD_NODE_BLOCKS_MAX + 10; i++) {
		snprintf(key, sizeof(key), "%d", i);
		refuse(&node, bd_arena_text(&arena, bd_bytes_of(key)), at_five, 1);
	}
	for (const struct bd_node_block *block = node.blocks; block != NULL; block = block->next) {
		count++;
		anys += !block->has_key;
	}
	assert_int_equal(anys, 1);
	assert_true(count < BD_NODE_BLOCKS_MAX);
	for (int i = 0; i < BD_NODE_BLOCKS_MAX + 10; i++) {
		snprintf(key, sizeof(key), "%d", i);
		tell(&node, BD_ACTION_REPLACE, bd_arena_text(&arena, bd_bytes_of(key)), 6, 2);
	}
	assert_true(is_blocked(&node));
	bd_arena_release(&arena);
}

/* -- changed, version -- */

static bool change(struct bd_node *node, enum bd_action action, int64_t order, const char *text,
	uint64_t message)
{
	const struct bd_node_context context = { bd_bytes_of("one"), 0, message,
		{ false, { 0, 0 } } };
	const struct bd_value value = { 1, 0, bd_bytes_of(text), { "", 0 } };
	const struct bd_record record = { .section = "s",
		.entity = 1,
		.action = action,
		.row_key = { "", 0 },
		.subject = &self,
		.subject_count = 1,
		.order = { 0, order },
		.values = &value,
		.value_count = action == BD_ACTION_DELETE || action == BD_ACTION_SECTION ? 0 : 1 };
	bool is_changed;

	assert_int_equal(bd_node_apply(node, &record, &context, &is_changed), BD_OK);
	return is_changed;
}

static void only_what_a_reader_sees_is_a_change(void **state)
{
	struct bd_arena arena;
	struct bd_node node;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	bd_node_init(&node, &self, &arena);
	assert_int_equal(bd_node_settle(&node, NULL), BD_OK);
	assert_true(change(&node, BD_ACTION_REPLACE, 5, "a", 1));
	assert_false(change(&node, BD_ACTION_REPLACE, 5, "a", 2)); /* said again */
	assert_false(change(&node, BD_ACTION_REPLACE, 6, "a", 3)); /* said later */
	assert_false(change(&node, BD_ACTION_PATCH, 5, "b", 4));   /* outdated */
	assert_false(change(&node, BD_ACTION_DELETE, 5, "", 5));
	assert_true(change(&node, BD_ACTION_PATCH, 6, "b", 6)); /* a conflict */
	assert_true(change(&node, BD_ACTION_DELETE, 7, "", 7));
	assert_false(change(&node, BD_ACTION_DELETE, 8, "", 8)); /* gone already */
	assert_false(change(&node, BD_ACTION_PATCH, 8, "c", 9));
	assert_true(change(&node, BD_ACTION_PATCH, 9, "c", 10));
	assert_true(change(&node, BD_ACTION_SECTION, 10, "", 11));
	assert_false(change(&node, BD_ACTION_PATCH, 9, "d", 12)); /* told before */
	bd_arena_release(&arena);
}

/* -- bytes -- */

static void damaged_bytes_are_no_node(void **state)
{
	struct bd_arena arena;
	struct bd_buf packed;
	struct bd_node node;
	struct op ops[OPS_MAX];

	(void)state;
	bd_arena_init(&arena, 1 << 24);
	bd_buf_init(&packed, 1 << 20);
	bd_node_init(&node, &self, &arena);
	for (uint64_t i = 0; i < OPS_MAX; i++) {
		make_op(&ops[i], true, (int64_t)i);
		apply(&node, &ops[i], i + 1);
	}
	assert_int_equal(bd_node_pack(&packed, &node), BD_OK);
	for (size_t len = 0; len < packed.len; len++) {
		/* Exactly so many bytes: the sanitizer sees a read past them. */
		char *cut = malloc(len + 1);

		memcpy(cut, packed.ptr, len);
		assert_int_equal(bd_node_unpack(&node, (struct bd_bytes){ cut, len }, &arena),
			BD_STORE_DAMAGED);
		free(cut);
	}
	bd_buf_add_byte(&packed, 0);
	assert_int_equal(bd_node_unpack(&node, bd_buf_bytes(&packed), &arena), BD_STORE_DAMAGED);
	bd_buf_release(&packed);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_records_in_any_order_give_the_model),
		cmocka_unit_test(refused_records_in_any_order_block_the_same),
		cmocka_unit_test(a_refused_row_is_mended_by_that_row),
		cmocka_unit_test(a_refused_record_without_key_waits_for_the_section),
		cmocka_unit_test(too_many_refused_rows_become_any_row),
		cmocka_unit_test(only_what_a_reader_sees_is_a_change),
		cmocka_unit_test(damaged_bytes_are_no_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
