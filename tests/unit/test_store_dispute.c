/* test_store_dispute.c - a dispute marks what a source says of one subject until it is resolved, or
 * until nothing of what it is about stands any more.
 */
#include "store/journal.h"
#include "store_support.h"

static const struct bd_cover covers[] = {
	{ .source = "market", .feed = "daily", .section = "s", .entity = 1, .cycle = "daily" },
};
static const struct bd_identifier person = { ID_PERSON, { "", 0 }, { "P1", 2 } };
static const struct bd_identifier key_of_dept = { ID_DEPT_PERSON, { "dept:key", 8 }, { "K1", 2 } };

static uint64_t say(
	struct box *box, const char *source, const char *key, int64_t order, const char *text)
{
	struct fact fact;

	fact_of(&fact, &person, 1, "s", 1, order, text);
	fact.record.row_key = bd_bytes_of(key);
	if (text == NULL) {
		fact.record.action = BD_ACTION_DELETE;
	}
	return box_say(box, source, &fact.record);
}

static enum bd_code commit(struct box *box, struct bd_entry *entry)
{
	struct bd_entry *entries[] = { entry };

	entry->received_ms = box->now_ms++;
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	return entry->code;
}

static struct bd_entry dispute_of(uint16_t field, const struct bd_identifier *subject, size_t count)
{
	return (struct bd_entry){ .kind = BD_ENTRY_DISPUTE,
		.source = "market",
		.sender = "window",
		.delivery = { .day = INT32_MIN },
		.subject = subject,
		.subject_count = count,
		.dispute = { .entity = 1,
			.field = field,
			.reason = "wrong_value",
			.reference = "YY-1",
			.subject = subject[0],
			.due_day = 20100 } };
}

static uint64_t dispute(struct box *box, uint16_t field)
{
	struct bd_entry entry = dispute_of(field, &person, 1);

	assert_int_equal(commit(box, &entry), BD_OK);
	return entry.message;
}

static enum bd_code resolve(struct box *box, uint64_t id, enum bd_dispute_state as)
{
	struct bd_entry entry = { .kind = BD_ENTRY_RESOLUTION,
		.source = "market",
		.sender = "bureau",
		.delivery = { .day = INT32_MIN },
		.resolution = { id, as, "HF-1" } };

	return commit(box, &entry);
}

static struct bd_dispute shown(struct box *box, uint64_t id)
{
	struct bd_dispute dispute;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_store_dispute(&dispute, box->reader, id, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return dispute;
}

static size_t open_ones(struct box *box, const char *source, const char *sender)
{
	const struct bd_dispute_query query = {
		.source = source, .sender = sender, .day = INT32_MIN, .max = 10
	};
	struct bd_dispute_page page;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_store_disputes(&page, box->reader, &query, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return page.count;
}

static size_t held_ones(struct box *box)
{
	return box_find(box, &person, 1)->dispute_count;
}

static void test_raise_and_resolve(void **state)
{
	const struct bd_held *held;
	struct bd_dispute seen;
	struct box box;
	uint64_t id;

	(void)state;
	box_open(&box, covers, 1);
	say(&box, "market", "", 10, "a");
	id = dispute(&box, 7);
	held = box_find(&box, &person, 1);
	assert_int_equal(held->dispute_count, 1);
	assert_string_equal(held->disputes[0].source, "market");
	assert_int_equal(held->disputes[0].entity, 1);
	assert_int_equal(held->disputes[0].field, 7);
	assert_false(held->is_disputed);
	seen = shown(&box, id);
	assert_int_equal(seen.state, BD_DISPUTE_OPEN);
	assert_string_equal(seen.reason, "wrong_value");
	assert_string_equal(seen.reference, "YY-1");
	assert_string_equal(seen.sender, "window");
	assert_true(bd_bytes_is(seen.subject.number, "P1"));
	assert_int_equal(seen.due_day, 20100);
	assert_int_equal(open_ones(&box, "market", NULL), 1);
	assert_int_equal(open_ones(&box, NULL, "window"), 1);
	assert_int_equal(open_ones(&box, "tax", NULL), 0);
	assert_int_equal(open_ones(&box, NULL, "bureau"), 0);

	assert_int_equal(resolve(&box, id, BD_DISPUTE_UPHELD), BD_OK);
	assert_int_equal(held_ones(&box), 0);
	assert_int_equal(open_ones(&box, NULL, NULL), 0);
	seen = shown(&box, id);
	assert_int_equal(seen.state, BD_DISPUTE_UPHELD);
	assert_string_equal(seen.closed_by, "bureau");
	assert_string_equal(seen.closed_reference, "HF-1");
	assert_int_equal(resolve(&box, id, BD_DISPUTE_UPHELD), BD_DISPUTE_CLOSED);
	assert_int_equal(resolve(&box, 99, BD_DISPUTE_UPHELD), BD_DISPUTE_UNKNOWN);
	box_close(&box);
}

/* merge.dispute. Said again, even of another day, is no answer; another value is. */
static void test_field_is_corrected(void **state)
{
	struct bd_dispute seen;
	struct box box;
	uint64_t id;

	(void)state;
	box_open(&box, covers, 1);
	say(&box, "market", "", 10, "a");
	id = dispute(&box, 1);
	say(&box, "market", "", 11, "a");
	say(&box, "tax", "", 12, "b");
	assert_int_equal(held_ones(&box), 1);
	say(&box, "market", "", 12, "b");
	assert_int_equal(held_ones(&box), 0);
	seen = shown(&box, id);
	assert_int_equal(seen.state, BD_DISPUTE_CORRECTED);
	assert_string_equal(seen.closed_by, "");
	assert_int_equal(open_ones(&box, NULL, NULL), 0);
	/* And not again when the value comes back. */
	say(&box, "market", "", 13, "a");
	assert_int_equal(held_ones(&box), 0);
	box_close(&box);
}

/* Something else in the row is no answer, nor is one of several rows. */
static void test_rows_are_gone(void **state)
{
	struct box box;
	uint64_t id;

	(void)state;
	box_open(&box, covers, 1);
	say(&box, "market", "x", 10, "a");
	say(&box, "market", "y", 10, "a");
	id = dispute(&box, 0);
	say(&box, "market", "x", 11, "b");
	say(&box, "market", "z", 11, "b");
	say(&box, "market", "x", 12, NULL);
	assert_int_equal(held_ones(&box), 1);
	say(&box, "market", "y", 12, NULL);
	assert_int_equal(held_ones(&box), 0);
	assert_int_equal(shown(&box, id).state, BD_DISPUTE_CORRECTED);
	box_close(&box);
}

/* That there is nothing can be disputed as well; the subject is not known for that. */
static void test_nothing_is_said(void **state)
{
	struct box box;
	uint64_t id;

	(void)state;
	box_open(&box, covers, 1);
	id = dispute(&box, 0);
	assert_int_equal(box_find(&box, &person, 1)->status, BD_HELD_NO_SUBJECT);
	assert_int_equal(held_ones(&box), 1);
	say(&box, "tax", "", 10, "a");
	assert_int_equal(held_ones(&box), 1);
	say(&box, "market", "", 10, "a");
	assert_int_equal(held_ones(&box), 0);
	assert_int_equal(shown(&box, id).state, BD_DISPUTE_CORRECTED);
	box_close(&box);
}

/* It stands where the rows stand, and is found by every number of the subject. */
static void test_other_identifier(void **state)
{
	const struct bd_identifier both[] = { person, key_of_dept };
	struct bd_entry entry = dispute_of(0, both, 2);
	struct fact fact;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	/* Tax says that the number and the key are one; market's rows stand under the key. */
	fact_of(&fact, both, 2, "s", 2, 10, "t");
	box_say(&box, "tax", &fact.record);
	fact_of(&fact, &key_of_dept, 1, "s", 1, 10, "a");
	box_say(&box, "market", &fact.record);
	assert_int_equal(commit(&box, &entry), BD_OK);
	assert_int_equal(box_find(&box, &person, 1)->dispute_count, 1);
	assert_int_equal(box_find(&box, &key_of_dept, 1)->dispute_count, 1);
	fact.record.order.order = 11;
	fact.record.action = BD_ACTION_DELETE;
	box_say(&box, "market", &fact.record);
	assert_int_equal(box_find(&box, &person, 1)->dispute_count, 0);
	box_close(&box);
}

/* Of a relation, from the other side as well. */
static void test_inverse(void **state)
{
	const struct bd_identifier company = id_of(ID_USCC, "C1");
	struct bd_entry entry = dispute_of(0, &company, 1);
	struct fact fact;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fact_of(&fact, &company, 1, "s", 1, 10, "legal_rep");
	fact.record.other = &person;
	fact.record.other_count = 1;
	box_say(&box, "market", &fact.record);
	assert_int_equal(commit(&box, &entry), BD_OK);
	assert_int_equal(held_ones(&box), 1);
	box_close(&box);
}

static void test_erased(void **state)
{
	struct bd_dispute dispute_seen;
	struct box box;
	uint64_t id;

	(void)state;
	box_open(&box, covers, 1);
	say(&box, "market", "", 10, "a");
	id = dispute(&box, 0);
	assert_int_equal(erase_subject(box.store, &person, box.now_ms, NULL, &box.diag), BD_OK);
	assert_int_equal(open_ones(&box, NULL, NULL), 0);
	assert_int_equal(held_ones(&box), 0);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(bd_store_dispute(&dispute_seen, box.reader, id, &box.arena, &box.diag),
		BD_DISPUTE_UNKNOWN);
	bd_store_end(box.reader);
	bd_diag_clear(&box.diag);
	assert_int_equal(resolve(&box, id, BD_DISPUTE_UPHELD), BD_DISPUTE_UNKNOWN);
	box_close(&box);
}

/* By the day, then by the number; a page at a time. */
static void test_listed_by_day(void **state)
{
	static const int32_t days[] = { 20103, 20101, 20102, 20101, INT32_MAX };
	static const uint64_t expected[] = { 2, 4, 3, 1, 5 };
	struct bd_dispute_query query = { .day = INT32_MIN, .max = 2 };
	struct bd_dispute_page page;
	struct box box;
	size_t at = 0;

	(void)state;
	box_open(&box, covers, 1);
	for (size_t i = 0; i < 5; i++) {
		struct bd_entry entry = dispute_of(0, &person, 1);

		entry.dispute.due_day = days[i];
		assert_int_equal(commit(&box, &entry), BD_OK);
		assert_int_equal(entry.message, i + 1);
	}
	do {
		bd_arena_clear(&box.arena);
		assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
		assert_int_equal(
			bd_store_disputes(&page, box.reader, &query, &box.arena, &box.diag), BD_OK);
		bd_store_end(box.reader);
		for (size_t i = 0; i < page.count; i++) {
			assert_int_equal(page.items[i].id, expected[at++]);
		}
		query.day = page.next_day;
		query.id = page.next_id;
	} while (page.has_more);
	assert_int_equal(at, 5);
	box_close(&box);
}

/* One subject too often: refused, and nothing else is lost. */
static void test_too_many(void **state)
{
	struct bd_entry entry;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	for (int i = 0; i < 64; i++) {
		dispute(&box, 0);
	}
	entry = dispute_of(0, &person, 1);
	assert_int_equal(commit(&box, &entry), BD_LIMIT_COUNT);
	assert_int_equal(held_ones(&box), 64);
	assert_int_equal(say(&box, "tax", "", 10, "a"), 65);
	box_close(&box);
}

static void test_restart_and_replay(void **state)
{
	struct bd_journal_entry journal = { .kind = BD_JOURNAL_DISPUTE,
		.rules = BD_JOURNAL_RULES,
		.keep_days = 7,
		.entry = dispute_of(1, &person, 1) };
	struct bd_buf packed;
	struct box one, other;

	(void)state;
	box_open(&one, covers, 1);
	box_open(&other, covers, 1);
	say(&one, "market", "", 10, "a");
	say(&other, "market", "", 10, "a");
	dispute(&one, 1);
	journal.entry.message = 2;
	journal.entry.received_ms = STORE_NOW_MS + 1;
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_journal_pack(&packed, &journal), BD_OK);
	assert_int_equal(bd_journal_apply(other.store, bd_buf_bytes(&packed), &other.diag), BD_OK);
	other.now_ms++;
	box_stop(&other);
	box_start(&other);
	assert_int_equal(held_ones(&other), 1);
	say(&one, "market", "", 11, "b");
	say(&other, "market", "", 11, "b");
	assert_int_equal(held_ones(&other), 0);
	assert_int_equal(shown(&one, 2).state, shown(&other, 2).state);
	assert_int_equal(shown(&one, 2).closed_ms, shown(&other, 2).closed_ms);
	for (size_t len = 0; len < packed.len; len++) {
		assert_int_not_equal(bd_journal_unpack(&journal,
					     (struct bd_bytes){ packed.ptr, len }, &one.arena),
			BD_OK);
	}
	bd_buf_release(&packed);
	box_close(&one);
	box_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise_and_resolve),
		cmocka_unit_test(test_field_is_corrected),
		cmocka_unit_test(test_rows_are_gone),
		cmocka_unit_test(test_nothing_is_said),
		cmocka_unit_test(test_other_identifier),
		cmocka_unit_test(test_inverse),
		cmocka_unit_test(test_erased),
		cmocka_unit_test(test_listed_by_day),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_restart_and_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
