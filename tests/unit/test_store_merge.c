/* test_store_merge.c - tests/store/merge.tsv: records of one subject, in every order of their
 * arrival, and what a reader then sees.
 *
 * A record is "replace", "patch", "delete" or "section" with "@order" ("@rank:order"), its row,
 * what it states ("a=1"), and identifiers of the subject ("+k1"); "refused" is one that was;
 * "snapshot" tells all of the section of this subject.
 */
#include "rows.h"
#include "store/node.h"

#define STEPS_MAX 4
#define WORDS_MAX 8

static const struct bd_identifier self = { 1, { "", 0 }, { "S", 1 } };

struct step {
	struct bd_record record;
	struct bd_value values[WORDS_MAX];
	struct bd_identifier subject[WORDS_MAX];
	const char *source;
	bool is_refused, is_snapshot;
};

static struct bd_bytes up_to(const char **at, const char *stops)
{
	size_t len = strcspn(*at, stops);
	struct bd_bytes word = { *at, len };

	*at += len;
	return word;
}

static void read_action(struct step *step, struct bd_bytes word)
{
	static const struct {
		const char *name;
		enum bd_action action;
	} actions[] = { { "replace", BD_ACTION_REPLACE }, { "patch", BD_ACTION_PATCH },
		{ "delete", BD_ACTION_DELETE }, { "section", BD_ACTION_SECTION },
		{ "snapshot", BD_ACTION_SECTION }, { "refused", BD_ACTION_REPLACE } };
	size_t i = 0;

	while (!bd_bytes_is(word, actions[i].name)) {
		i++;
		assert_true(i < sizeof(actions) / sizeof(actions[0]));
	}
	step->record.action = actions[i].action;
	step->is_snapshot = bd_bytes_is(word, "snapshot");
	step->is_refused = bd_bytes_is(word, "refused");
}

/* "patch@2:10 r1 a=1 +k1", of "social" unless it begins with "tax". */
static void read_step(struct step *step, const char **at)
{
	struct bd_record *record = &step->record;
	bool is_other = strncmp(*at, "tax ", 4) == 0;
	char *end;

	*step = (struct step){ .source = is_other ? "tax" : "social" };
	*at += is_other ? 4 : 0;
	*record = (struct bd_record){ .section = "s",
		.entity = 1,
		.subject = step->subject,
		.subject_count = 1,
		.order_kind = BD_ORDER_TIME,
		.row_key = { "", 0 },
		.values = step->values };
	step->subject[0] = self;
	read_action(step, up_to(at, "@"));
	record->order.order = strtoll(*at + 1, &end, 10);
	if (*end == ':') {
		record->order = (struct bd_order){ (uint8_t)record->order.order,
			strtoll(end + 1, &end, 10) };
	}
	*at = end;
	while (**at == ' ') {
		(*at)++;
		if (**at == '+') {
			(*at)++;
			step->subject[record->subject_count++] =
				(struct bd_identifier){ 11, { "social", 6 }, up_to(at, " ;") };
		} else if ((*at)[1] == '=') {
			uint16_t field = (uint16_t) * *at;

			*at += 2;
			step->values[record->value_count++] =
				(struct bd_value){ .field = field, .text = up_to(at, " ;") };
		} else {
			record->row_key = up_to(at, " ;");
		}
	}
	*at += strncmp(*at, "; ", 2) == 0 ? 2 : 0;
}

static void apply(struct bd_node *node, const struct step *step, uint64_t message)
{
	struct bd_node_context context = {
		.source = bd_bytes_of(step->source), .received_ms = 1, .message = message
	};
	bool changed;

	if (step->is_refused) {
		const struct bd_node_refused refused = { .section = { "s", 1 },
			.entity = 1,
			.has_key = step->record.row_key.len > 0,
			.key = step->record.row_key,
			.order = { true, step->record.order } };

		assert_int_equal(bd_node_block(node, &refused, &context), BD_OK);
	} else if (step->is_snapshot) {
		context.snapshot = (struct bd_stamp){ true, step->record.order };
		assert_int_equal(bd_node_tell(node, bd_bytes_of("s"), &context), BD_OK);
	} else {
		assert_int_equal(bd_node_apply(node, &step->record, &context, &changed), BD_OK);
	}
}

static void show_row(struct bd_buf *out, const struct bd_node_row *row)
{
	bd_buf_printf(out, "%s%.*s %.*s", out->len > 0 ? "; " : "", (int)row->source.len,
		row->source.ptr, (int)row->key.len, row->key.len > 0 ? row->key.ptr : "");
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		if (!bd_node_field_is_seen(row, field)) {
			continue;
		}
		bd_buf_printf(out, " %c=", field->number);
		for (const struct bd_node_value *value = field->values; value != NULL;
			value = value->next) {
			bd_buf_add(out, value->value.text);
			bd_buf_add_text(out, value->next != NULL ? "|" : "");
		}
	}
}

static void show_node(struct bd_buf *out, struct bd_node *node, const struct bd_node_marks *marks)
{
	static const char *const sources[] = { "social", "tax" };

	assert_int_equal(bd_node_settle(node, marks), BD_OK);
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (row->is_seen) {
			show_row(out, row);
		}
	}
	for (size_t i = 1; i < node->identifier_count; i++) {
		bd_buf_printf(out, "%s+%.*s", out->len > 0 ? "; " : "",
			(int)node->identifiers[i].number.len, node->identifiers[i].number.ptr);
	}
	for (size_t i = 0; i < 2; i++) {
		if (bd_node_is_blocked(node, bd_bytes_of(sources[i]), 1)) {
			bd_buf_printf(out, "%s%s waits", out->len > 0 ? "; " : "", sources[i]);
		}
	}
	bd_buf_add_text(out, out->len == 0 ? "nothing" : "");
}

/* The steps in one order of arrival. */
static void run(struct bd_buf *out, const struct step *steps, const size_t *order, size_t count)
{
	struct bd_node_mark mark = { { "social", 6 }, { "s", 1 }, { 0, 0 }, 0 };
	struct bd_node_marks marks = { &mark, 0 };
	struct bd_arena arena;
	struct bd_node node;

	bd_arena_init(&arena, 1 << 20);
	bd_node_init(&node, &self, &arena);
	assert_int_equal(bd_node_settle(&node, NULL), BD_OK);
	for (size_t i = 0; i < count; i++) {
		apply(&node, &steps[order[i]], i + 1);
		/* It has ended: it told all of everybody. */
		if (steps[order[i]].is_snapshot) {
			mark.order = steps[order[i]].record.order;
			marks.count = 1;
		}
	}
	show_node(out, &node, &marks);
	bd_arena_release(&arena);
}

/* Every order of the steps from `at` on, each of which must show the same. */
static void run_every_order(
	struct bd_buf *out, const struct step *steps, size_t *order, size_t at, size_t count)
{
	struct bd_buf one;

	if (at < count) {
		for (size_t i = at; i < count; i++) {
			size_t kept = order[at];

			order[at] = order[i];
			order[i] = kept;
			run_every_order(out, steps, order, at + 1, count);
			order[i] = order[at];
			order[at] = kept;
		}
		return;
	}
	bd_buf_init(&one, 65536);
	run(&one, steps, order, count);
	if (out->len == 0) {
		bd_buf_add(out, bd_buf_bytes(&one));
	} else if (!bd_bytes_equal(bd_buf_bytes(out), bd_buf_bytes(&one))) {
		bd_buf_printf(out, " - and by another arrival: %.*s", (int)one.len, one.ptr);
	}
	bd_buf_release(&one);
}

static void answer_merged(struct bd_buf *out, const struct row *row)
{
	struct step steps[STEPS_MAX];
	size_t order[STEPS_MAX], count = 0;
	const char *at = row_text(row, 1);

	while (*at != '\0') {
		assert_true(count < STEPS_MAX);
		read_step(&steps[count], &at);
		order[count] = count;
		count++;
	}
	run_every_order(out, steps, order, 0, count);
}

static void records_merge_as_the_table_says(void **state)
{
	(void)state;
	check_rows("store/merge.tsv", answer_merged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_merge_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
