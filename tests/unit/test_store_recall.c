/* test_store_recall.c - what a source withdraws counts no more, whenever it comes again; and until
 * the source says what is so instead, nobody knows.
 */
#include "store/journal.h"
#include "store_support.h"

static const char *const sections[] = { "s" };
static const struct bd_cover covers[] = {
	{ .source = "market", .feed = "daily", .section = "s", .entity = 1, .cycle = "daily" },
};
static const struct bd_identifier person = { ID_PERSON, { "", 0 }, { "P1", 2 } };

static void open(struct box *box)
{
	box_open(box, covers, 1);
}

static uint64_t say(
	struct box *box, enum bd_action action, const char *key, int64_t order, const char *text)
{
	struct fact fact;

	fact_of(&fact, &person, 1, "s", 1, order, text);
	fact.record.action = action;
	fact.record.row_key = bd_bytes_of(key);
	return box_say(box, "market", &fact.record);
}

static uint64_t replace(struct box *box, int64_t order, const char *text)
{
	return say(box, BD_ACTION_REPLACE, "", order, text);
}

/* A delivery of that day with its total: these rows, each with the order. */
static uint64_t deliver(struct box *box, int32_t day, int64_t order, const char *const *texts)
{
	struct said said;
	struct fact fact;

	said_open(&said, "market", "daily");
	for (; *texts != NULL; texts++) {
		fact_of(&fact, &person, 1, "s", 1, order, *texts);
		fact.record.row_key = bd_bytes_of(*texts);
		said_add(&said, &fact.record);
	}
	said.entry.delivery = (struct bd_delivery){ day, true, said.entry.received, true };
	assert_int_equal(box_push(box, &said), BD_OK);
	said_close(&said);
	return said.entry.message;
}

/* A snapshot of everybody with one row of the person, or none. */
static void take_all(struct box *box, int64_t order, int64_t row_order, const char *text)
{
	struct said said;
	struct fact fact;

	said_open(&said, "market", "full");
	if (text != NULL) {
		said_add(&said, fact_of(&fact, &person, 1, "s", 1, row_order, text));
	}
	said.entry.is_snapshot = true;
	said.entry.order = (struct bd_order){ 10, order };
	said.entry.remove_share_max_percent = 100;
	said.entry.sections = sections;
	said.entry.section_count = 1;
	assert_int_equal(box_push(box, &said), BD_OK);
	said_close(&said);
}

static enum bd_code commit(struct box *box, struct bd_entry *entry)
{
	struct bd_entry *entries[] = { entry };

	entry->received_ms = box->now_ms++;
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	return entry->code;
}

static uint64_t recall_rows(struct box *box, const struct bd_value *with)
{
	struct bd_entry entry = { .kind = BD_ENTRY_RECALL,
		.source = "market",
		.feed = "changes",
		.sender = "test",
		.delivery = { .day = INT32_MIN },
		.subject = &person,
		.subject_count = 1,
		.sections = sections,
		.section_count = 1,
		.recall = { .entity = 1, .with = with, .with_count = with != NULL } };

	assert_int_equal(commit(box, &entry), BD_OK);
	return entry.recall.recalled;
}

/* As the daemon does it: searched for, then withdrawn some nodes at a time. */
static uint64_t recall_message(struct box *box, uint64_t message)
{
	struct bd_arena head_arena, arena;
	struct bd_bytes cursor = { "", 0 };
	struct bd_entry entry;
	uint64_t recalled = 0;
	char kept[64];

	bd_arena_init(&head_arena, 1 << 20);
	bd_arena_init(&arena, 1 << 24);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_store_recall_head(&entry, box->reader, message, &head_arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	entry.sender = "test";
	do {
		struct bd_recall_page page;

		bd_arena_clear(&arena);
		assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
		assert_int_equal(bd_store_recall_find(
					 &page, box->reader, &entry, cursor, &arena, &box->diag),
			BD_OK);
		bd_store_end(box->reader);
		memcpy(kept, page.cursor.ptr, page.cursor.len);
		cursor = (struct bd_bytes){ kept, page.cursor.len };
		entry.subject = page.items;
		entry.subject_count = page.count;
		entry.recall.is_last = cursor.len == 0;
		entry.recall.before = recalled;
		assert_int_equal(commit(box, &entry), BD_OK);
		recalled = entry.recall.recalled;
	} while (cursor.len > 0);
	bd_arena_release(&arena);
	bd_arena_release(&head_arena);
	return recalled;
}

static size_t rows_of(struct box *box)
{
	return box_find(box, &person, 1)->statement_count;
}

static bool is_blocked(struct box *box)
{
	return coverage_of(box_find(box, &person, 1), "market", 1)->is_blocked;
}

static void assert_says(struct box *box, const char *text)
{
	const struct bd_held *held = box_find(box, &person, 1);

	assert_int_equal(held->statement_count, 1);
	assert_int_equal(held->statements[0].value_count, 1);
	assert_true(bd_bytes_is(held->statements[0].values[0].value.text, text));
}

/* -- rows: merge.recall -- */

static void test_row(void **state)
{
	struct box box;

	(void)state;
	open(&box);
	replace(&box, 10, "wrong");
	assert_int_equal(recall_rows(&box, NULL), 1);
	assert_int_equal(rows_of(&box), 0);
	assert_true(is_blocked(&box));
	/* Nothing is left to withdraw. */
	assert_int_equal(recall_rows(&box, NULL), 0);
	/* What was withdrawn stays so, sent once more or late; and is no answer. */
	replace(&box, 10, "wrong");
	replace(&box, 9, "older");
	assert_int_equal(rows_of(&box), 0);
	assert_true(is_blocked(&box));
	/* Only what is newer counts. */
	replace(&box, 11, "right");
	assert_says(&box, "right");
	assert_false(is_blocked(&box));
	box_close(&box);
}

static void test_row_deleted_after(void **state)
{
	struct box box;

	(void)state;
	open(&box);
	replace(&box, 10, "wrong");
	recall_rows(&box, NULL);
	say(&box, BD_ACTION_DELETE, "", 10, NULL);
	assert_true(is_blocked(&box));
	say(&box, BD_ACTION_DELETE, "", 11, NULL);
	assert_false(is_blocked(&box));
	assert_int_equal(rows_of(&box), 0);
	box_close(&box);
}

static void test_row_by_value(void **state)
{
	const struct bd_value one = { 1, 0, bd_bytes_of("one"), { "", 0 } };
	const struct bd_value none = { 1, 0, bd_bytes_of("none"), { "", 0 } };
	struct box box;

	(void)state;
	open(&box);
	say(&box, BD_ACTION_REPLACE, "a", 10, "one");
	say(&box, BD_ACTION_REPLACE, "b", 10, "two");
	assert_int_equal(recall_rows(&box, &none), 0);
	assert_int_equal(rows_of(&box), 2);
	assert_int_equal(recall_rows(&box, &one), 1);
	assert_says(&box, "two");
	box_close(&box);
}

static void test_nobody(void **state)
{
	struct bd_identifier nobody = id_of(ID_PERSON, "P9");
	struct bd_entry entry = { .kind = BD_ENTRY_RECALL,
		.source = "market",
		.feed = "changes",
		.sender = "test",
		.delivery = { .day = INT32_MIN },
		.subject = &nobody,
		.subject_count = 1 };
	struct box box;

	(void)state;
	open(&box);
	assert_int_equal(commit(&box, &entry), BD_OK);
	assert_int_equal(entry.recall.recalled, 0);
	assert_int_equal(box_find(&box, &nobody, 1)->status, BD_HELD_NO_SUBJECT);
	box_close(&box);
}

/* A full export that still has the row, as it was, does not say what is so instead; one that has
 * it no more does. */
static void test_snapshot(void **state)
{
	struct box box;

	(void)state;
	open(&box);
	take_all(&box, 100, 50, "wrong");
	assert_int_equal(recall_rows(&box, NULL), 1);
	assert_true(is_blocked(&box));
	take_all(&box, 200, 50, "wrong");
	assert_int_equal(rows_of(&box), 0);
	assert_true(is_blocked(&box));
	take_all(&box, 300, 250, "right");
	assert_says(&box, "right");
	assert_false(is_blocked(&box));
	recall_rows(&box, NULL);
	take_all(&box, 400, 0, NULL);
	assert_false(is_blocked(&box));
	assert_int_equal(rows_of(&box), 0);
	box_close(&box);
}

/* -- order of arrival: whatever comes of one row after the recall, in any order -- */

static const struct {
	enum bd_action action;
	int64_t order;
	const char *text;
} late[] = { { BD_ACTION_REPLACE, 10, "wrong" }, { BD_ACTION_REPLACE, 8, "older" },
	{ BD_ACTION_PATCH, 12, "newer" }, { BD_ACTION_REPLACE, 12, "newer too" },
	{ BD_ACTION_DELETE, 9, NULL } };
#define LATE (sizeof(late) / sizeof(late[0]))

static void say_all(struct box *box, const size_t order[LATE])
{
	open(box);
	replace(box, 10, "wrong");
	recall_rows(box, NULL);
	for (size_t i = 0; i < LATE; i++) {
		say(box, late[order[i]].action, "", late[order[i]].order, late[order[i]].text);
	}
}

static bool next_permutation(size_t order[LATE])
{
	size_t i = LATE - 1, j = LATE - 1;

	while (i > 0 && order[i - 1] >= order[i]) {
		i--;
	}
	if (i == 0) {
		return false;
	}
	while (order[j] <= order[i - 1]) {
		j--;
	}
	for (size_t swap = order[j], b = i, e = LATE - 1;;) {
		order[j] = order[i - 1];
		order[i - 1] = swap;
		for (; b < e; b++, e--) {
			size_t other = order[b];

			order[b] = order[e];
			order[e] = other;
		}
		return true;
	}
}

static void test_any_order(void **state)
{
	size_t order[LATE];
	struct bd_buf first = { 0 };

	(void)state;
	for (size_t i = 0; i < LATE; i++) {
		order[i] = i;
	}
	do {
		struct box box;
		struct bd_buf dump;

		say_all(&box, order);
		dump = box_dump(&box);
		if (first.len == 0) {
			first = dump;
			assert_true(first.len > 0);
		} else {
			assert_int_equal(first.len, dump.len);
			assert_memory_equal(first.ptr, dump.ptr, dump.len);
			bd_buf_release(&dump);
		}
		box_close(&box);
	} while (next_permutation(order));
	bd_buf_release(&first);
}

/* -- what a message said -- */

static void test_message(void **state)
{
	static const char *const texts[] = { "a", "b", "c", NULL };
	struct box box;
	uint64_t message;

	(void)state;
	open(&box);
	message = deliver(&box, 20000, 10, texts);
	say(&box, BD_ACTION_REPLACE, "b", 11, "newer");
	assert_int_equal(recall_message(&box, message), 2);
	assert_says(&box, "newer");
	assert_int_equal(recall_message(&box, message), 0);
	box_close(&box);
}

/* What other messages said of the same row stays, and what one replaced does not come back. */
static void test_message_of_a_field(void **state)
{
	struct bd_value value = { 2, 0, bd_bytes_of("other field"), { "", 0 } };
	const struct bd_held *held;
	struct fact fact;
	struct box box;
	uint64_t message;

	(void)state;
	open(&box);
	replace(&box, 10, "kept");
	fact_of(&fact, &person, 1, "s", 1, 11, NULL);
	fact.record.action = BD_ACTION_PATCH;
	fact.record.values = &value;
	fact.record.value_count = 1;
	message = box_say(&box, "market", &fact.record);
	assert_int_equal(recall_message(&box, message), 1);
	held = box_find(&box, &person, 1);
	assert_int_equal(held->statement_count, 1);
	assert_int_equal(held->statements[0].value_count, 1);
	assert_true(held->statements[0].is_blocked);
	/* Again, or older: not. Newer: yes. */
	box_say(&box, "market", &fact.record);
	assert_int_equal(box_find(&box, &person, 1)->statements[0].value_count, 1);
	fact.record.order.order = 12;
	box_say(&box, "market", &fact.record);
	held = box_find(&box, &person, 1);
	assert_int_equal(held->statements[0].value_count, 2);
	assert_false(held->statements[0].is_blocked);
	box_close(&box);
}

/* What was deleted is not there to be brought back; but that it is gone is no longer said. */
static void test_message_that_deleted(void **state)
{
	struct box box;
	uint64_t message;

	(void)state;
	open(&box);
	replace(&box, 10, "x");
	message = say(&box, BD_ACTION_DELETE, "", 11, NULL);
	assert_false(is_blocked(&box));
	assert_int_equal(recall_message(&box, message), 1);
	assert_true(is_blocked(&box));
	assert_int_equal(rows_of(&box), 0);
	replace(&box, 12, "x");
	assert_says(&box, "x");
	assert_false(is_blocked(&box));
	box_close(&box);
}

static void test_reply_that_said_none(void **state)
{
	struct bd_record record = { .section = "s",
		.entity = 1,
		.action = BD_ACTION_SECTION,
		.subject = &person,
		.subject_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 10, 10 } };
	struct said said;
	struct box box;

	(void)state;
	open(&box);
	said_open(&said, "market", "reply");
	said.entry.is_reply = true;
	said.entry.sections = sections;
	said.entry.section_count = 1;
	said_add(&said, &record);
	assert_int_equal(box_push(&box, &said), BD_OK);
	said_close(&said);
	assert_false(is_blocked(&box));
	assert_int_equal(recall_message(&box, said.entry.message), 1);
	assert_true(is_blocked(&box));
	assert_int_equal(recall_message(&box, said.entry.message), 0);
	record.order.order = 11;
	box_say(&box, "market", &record);
	assert_false(is_blocked(&box));
	box_close(&box);
}

/* A delivery that is withdrawn proves nothing of anybody until it has come again. */
static void test_delivery(void **state)
{
	static const char *const texts[] = { "a", NULL };
	const struct bd_identifier nobody = id_of(ID_PERSON, "P9");
	struct box box;
	uint64_t message;

	(void)state;
	open(&box);
	deliver(&box, 20000, 10, texts);
	message = deliver(&box, 20001, 11, texts);
	assert_false(coverage_of(box_find(&box, &nobody, 1), "market", 1)->is_blocked);
	recall_message(&box, message);
	assert_true(coverage_of(box_find(&box, &nobody, 1), "market", 1)->is_blocked);
	deliver(&box, 20001, 12, texts);
	assert_false(coverage_of(box_find(&box, &nobody, 1), "market", 1)->is_blocked);
	box_close(&box);
}

/* More nodes than one step looks for. */
static void test_many(void **state)
{
	enum { MANY = 1300 };
	struct said said;
	struct box box;

	(void)state;
	open(&box);
	said_open(&said, "market", "daily");
	for (int i = 0; i < MANY; i++) {
		char number[16];
		struct bd_identifier id;
		struct fact fact;

		snprintf(number, sizeof(number), "N%d", i);
		id = id_of(ID_PERSON, number);
		said_add(&said, fact_of(&fact, &id, 1, "s", 1, 10, "x"));
	}
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_int_equal(recall_message(&box, said.entry.message), MANY);
	said_close(&said);
	box_close(&box);
}

static void test_unknown(void **state)
{
	struct bd_entry entry;
	struct box box;
	uint64_t recall;

	(void)state;
	open(&box);
	replace(&box, 10, "x");
	recall_rows(&box, NULL);
	recall = 2;
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(bd_store_recall_head(&entry, box.reader, 99, &box.arena, &box.diag),
		BD_RECEIPT_UNKNOWN);
	bd_diag_clear(&box.diag);
	/* A recall is no message. */
	assert_int_equal(bd_store_recall_head(&entry, box.reader, recall, &box.arena, &box.diag),
		BD_RECEIPT_UNKNOWN);
	bd_store_end(box.reader);
	box_close(&box);
}

/* A repeat of its key changes nothing, and says what it came to. */
static void test_key(void **state)
{
	struct bd_entry entry = { .kind = BD_ENTRY_RECALL,
		.source = "market",
		.feed = "changes",
		.sender = "test",
		.idempotency_key = { "k", 1 },
		.delivery = { .day = INT32_MIN },
		.subject = &person,
		.subject_count = 1 };
	struct box box;
	uint64_t count = 0, first;

	(void)state;
	open(&box);
	replace(&box, 10, "wrong");
	assert_int_equal(commit(&box, &entry), BD_OK);
	assert_int_equal(entry.recall.recalled, 1);
	first = entry.message;
	replace(&box, 20, "right");
	assert_int_equal(commit(&box, &entry), BD_OK);
	assert_true(entry.is_repeat);
	assert_int_equal(entry.message, first);
	assert_says(&box, "right");
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(
		bd_store_recalled(&count, box.reader, first, &box.arena, &box.diag), BD_OK);
	bd_store_end(box.reader);
	assert_int_equal(count, 1);
	box_close(&box);
}

/* -- the journal -- */

static void test_replay(void **state)
{
	const struct bd_value with = { 1, 0, bd_bytes_of("wrong"), { "", 0 } };
	struct bd_journal_entry journal = { .kind = BD_JOURNAL_RECALL,
		.rules = BD_JOURNAL_RULES,
		.keep_days = 7,
		.entry = { .kind = BD_ENTRY_RECALL,
			.message = 2,
			.source = "market",
			.feed = "changes",
			.sender = "test",
			.received_ms = STORE_NOW_MS + 1,
			.delivery = { .day = INT32_MIN },
			.subject = &person,
			.subject_count = 1,
			.sections = sections,
			.section_count = 1,
			.recall = { .entity = 1, .with = &with, .with_count = 1 } } };
	struct bd_buf packed, a, b;
	struct box one, other;

	(void)state;
	open(&one);
	open(&other);
	replace(&one, 10, "wrong");
	replace(&other, 10, "wrong");
	recall_rows(&one, &with);
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_journal_pack(&packed, &journal), BD_OK);
	assert_int_equal(bd_journal_apply(other.store, bd_buf_bytes(&packed), &other.diag), BD_OK);
	a = box_dump(&one);
	b = box_dump(&other);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.ptr, b.ptr, a.len);
	assert_int_equal(rows_of(&other), 0);
	/* Cut anywhere it is no entry. */
	for (size_t len = 0; len < packed.len; len++) {
		assert_int_not_equal(bd_journal_unpack(&journal,
					     (struct bd_bytes){ packed.ptr, len }, &one.arena),
			BD_OK);
	}
	bd_buf_release(&packed);
	bd_buf_release(&a);
	bd_buf_release(&b);
	box_close(&one);
	box_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_row_deleted_after),
		cmocka_unit_test(test_row_by_value),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_message_of_a_field),
		cmocka_unit_test(test_message_that_deleted),
		cmocka_unit_test(test_reply_that_said_none),
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
