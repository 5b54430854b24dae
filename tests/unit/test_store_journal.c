/* test_store_journal.c - an entry says all: read back it is the same, applied elsewhere it gives
 * the same answers; what is no entry is refused.
 */
#include "base/digest.h"
#include "store/journal.h"
#include "store_support.h"

#define MESSAGES 40

static unsigned seed = 20260602;

static unsigned draw(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static const struct bd_cover covers[] = {
	{ .source = "market", .feed = "daily", .section = "s", .entity = 1, .cycle = "daily" },
	{ .source = "market", .feed = "full", .section = "s", .entity = 1, .cycle = "monthly" },
};
static const char *const sections[] = { "s" };
static const char *const numbers[] = { "P0", "P1", "P2", "P3", "P4", "P5" };
static const char *const words[] = { "a", "b", "c" };

static void add_fact(struct said *said, bool is_receipt)
{
	const struct bd_identifier subject[] = { id_of(ID_PERSON, numbers[draw(6)]),
		id_of(ID_DEPT_PERSON, numbers[draw(6)]) };
	struct fact fact;

	fact_of(&fact, subject, 1 + draw(2), "s", 1, 1 + draw(20), words[draw(3)]);
	fact.record.action = draw(5) == 0 ? BD_ACTION_PATCH : BD_ACTION_REPLACE;
	fact.record.order_kind = is_receipt ? BD_ORDER_RECEIPT : BD_ORDER_TIME;
	said_add(said, &fact.record);
}

static void add_refusal(struct said *said)
{
	const struct bd_identifier subject = id_of(ID_PERSON, numbers[draw(6)]);
	const struct bd_reject_row row = { .entity = 1,
		.subject = &subject,
		.subject_count = draw(3) != 0,
		.has_key = true,
		.key = { "", 0 } };
	const struct bd_reject reject = { .section = "s",
		.rows = &row,
		.row_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 10, 1 + draw(20) } };

	said_refuse(said, &reject);
}

static void make_message(struct said *said, int number)
{
	bool is_snapshot = draw(8) == 0, is_receipt = draw(4) == 0;

	said_open(said, "market", is_snapshot ? "full" : is_receipt ? "received" : "daily");
	for (unsigned i = draw(6); i > 0; i--) {
		add_fact(said, is_receipt);
	}
	for (unsigned i = is_snapshot ? 0 : draw(2); i > 0; i--) {
		add_refusal(said);
	}
	said->entry.order = (struct bd_order){ 10, 0 };
	said->entry.order_kind = is_receipt ? BD_ORDER_RECEIPT : BD_ORDER_TIME;
	said->entry.is_snapshot = is_snapshot;
	said->entry.remove_share_max_percent = 100;
	said->entry.sections = sections;
	said->entry.section_count = is_snapshot;
	said->entry.idempotency_key = bd_bytes_of(draw(4) == 0 ? words[draw(3)] : "");
	memset(said->entry.body_sha256, (int)draw(3), BD_DIGEST_BYTES);
	said->entry.delivery = (struct bd_delivery){ .day = 20000 + number,
		.has_total = true,
		.total = said->entry.received,
		.is_baseline = number == 0 };
}

/* The entry as the writer makes it: the number and the cycle are the store's to say. */
static struct bd_buf entry_of(const struct said *said)
{
	struct bd_journal_entry journal = { .kind = BD_JOURNAL_MESSAGE,
		.rules = BD_JOURNAL_RULES,
		.entry = said->entry,
		.cycle = strcmp(said->entry.feed, "daily") == 0  ? "daily"
			 : strcmp(said->entry.feed, "full") == 0 ? "monthly"
								 : NULL,
		.keep_days = 7 };
	struct bd_buf packed;

	if (said->entry.is_snapshot) {
		journal.entry.delivery.is_baseline = true;
		journal.snapshot = (struct bd_stamp){ true,
			{ 10, INT64_C(86400000) * (said->entry.delivery.day + 1) - 28800000 } };
		if (said->entry.order_kind == BD_ORDER_RECEIPT) {
			journal.snapshot.order.order = (int64_t)said->entry.message;
		}
	}
	bd_buf_init(&packed, 1 << 26);
	assert_int_equal(bd_journal_pack(&packed, &journal), BD_OK);
	return packed;
}

static void digest_of(uint8_t out[BD_DIGEST_BYTES], struct box *box)
{
	struct bd_buf all;

	bd_buf_init(&all, 1 << 20);
	for (size_t i = 0; i < 6; i++) {
		const struct bd_identifier id = id_of(ID_PERSON, numbers[i]);
		const struct bd_held *held = box_find(box, &id, 1);

		for (size_t s = 0; s < held->statement_count; s++) {
			const struct bd_statement *statement = &held->statements[s];

			bd_buf_add(&all, (struct bd_bytes){ (const char *)statement->digest, 32 });
			bd_buf_add_u64(&all, statement->version);
			bd_buf_add_u64(&all, (uint64_t)statement->received_ms);
		}
	}
	assert_int_equal(bd_sha256_of(bd_buf_bytes(&all), out), BD_OK);
	bd_buf_release(&all);
}

static void the_same_entries_give_the_same_store(void **state)
{
	uint8_t here[BD_DIGEST_BYTES], there[BD_DIGEST_BYTES];
	struct bd_buf first, second;
	struct box one, other;
	size_t applied = 0;

	(void)state;
	box_open(&one, covers, 2);
	/* No covers, and other days: what is configured there has no effect. It begins as a copy:
	 * its names and digests come from the same roots. */
	box_open(&other, NULL, 0);
	other.settings.journal_days = 1;
	box_stop(&other);
	box_stop(&one);
	box_copy(&other, &one);
	box_start(&one);
	box_start(&other);
	for (int i = 0; i < MESSAGES; i++) {
		struct said said;
		struct bd_buf packed;

		make_message(&said, i);
		box_push(&one, &said);
		if (said.entry.code == BD_OK && !said.entry.is_repeat) {
			packed = entry_of(&said);
			assert_int_equal(
				bd_journal_apply(other.store, bd_buf_bytes(&packed), &other.diag),
				BD_OK);
			bd_buf_release(&packed);
			applied++;
		}
		said_close(&said);
	}
	assert_true(applied > 8);
	first = box_dump(&one);
	second = box_dump(&other);
	assert_true(first.len > 500);
	assert_true(bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&second)));
	digest_of(here, &one);
	digest_of(there, &other);
	assert_memory_equal(here, there, sizeof(here));
	bd_buf_release(&first);
	bd_buf_release(&second);
	box_close(&one);
	box_close(&other);
}

static void a_retry_at_another_node_gets_the_first_receipt(void **state)
{
	const struct bd_identifier id = id_of(ID_PERSON, "P1");
	struct bd_message message;
	struct box one, other;
	struct bd_buf packed;
	struct said said;
	struct fact fact;
	uint64_t first;

	(void)state;
	box_open(&one, NULL, 0);
	box_open(&other, NULL, 0);
	said_open(&said, "market", "daily");
	said_add(&said, fact_of(&fact, &id, 1, "s", 1, 5, "a"));
	said.entry.idempotency_key = bd_bytes_of("k1");
	assert_int_equal(box_push(&one, &said), BD_OK);
	first = said.entry.message;
	packed = entry_of(&said);
	assert_int_equal(bd_journal_apply(other.store, bd_buf_bytes(&packed), &other.diag), BD_OK);
	said.entry.message = 0;
	assert_int_equal(box_push(&other, &said), BD_OK);
	assert_true(said.entry.is_repeat);
	assert_int_equal(said.entry.message, first);
	assert_int_equal(bd_store_begin(other.reader, &other.diag), BD_OK);
	assert_int_equal(
		bd_store_message(&message, other.reader, first, &other.arena, &other.diag), BD_OK);
	bd_store_end(other.reader);
	assert_int_equal(message.accepted, 1);
	assert_int_equal(message.unchanged, 0);
	said.entry.body_sha256[0] ^= 1;
	assert_int_equal(box_push(&other, &said), BD_IDEMPOTENCY_BODY);
	bd_buf_release(&packed);
	said_close(&said);
	box_close(&one);
	box_close(&other);
}

static void an_idempotency_key_is_forgotten_with_its_message(void **state)
{
	const struct bd_identifier id = id_of(ID_PERSON, "P1");
	struct box box;
	struct said said;
	struct fact fact;

	(void)state;
	box_open(&box, NULL, 0);
	said_open(&said, "market", "daily");
	said_add(&said, fact_of(&fact, &id, 1, "s", 1, 5, "a"));
	said.entry.idempotency_key = bd_bytes_of("k1");
	assert_int_equal(box_push(&box, &said), BD_OK);
	box.now_ms += INT64_C(7) * 86400000 - 10;
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_true(said.entry.is_repeat);
	box.now_ms += 100;
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_false(said.entry.is_repeat);
	/* The first is pruned by now; its key leads to the second. */
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_true(said.entry.is_repeat);
	assert_int_equal(said.entry.message, 2);
	said_close(&said);
	box_close(&box);
}

static void an_entry_reads_back_as_it_was(void **state)
{
	struct bd_journal_entry again;
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, 1 << 24);
	for (int i = 0; i < MESSAGES; i++) {
		struct bd_buf packed, twice;
		struct said said;

		make_message(&said, i);
		said.entry.message = (uint64_t)i + 1;
		said.entry.records = bd_buf_bytes(&said.records);
		said.entry.rejects = bd_buf_bytes(&said.rejects);
		said.entry.progress_name = i % 2 == 0 ? "tax/changes" : NULL;
		said.entry.progress = bd_bytes_of("page=3");
		packed = entry_of(&said);
		assert_int_equal(bd_journal_unpack(&again, bd_buf_bytes(&packed), &arena), BD_OK);
		bd_buf_init(&twice, 1 << 26);
		assert_int_equal(bd_journal_pack(&twice, &again), BD_OK);
		assert_true(bd_bytes_equal(bd_buf_bytes(&packed), bd_buf_bytes(&twice)));
		for (size_t len = 0; len < packed.len; len += 1 + len / 16) {
			assert_int_not_equal(bd_journal_unpack(&again,
						     (struct bd_bytes){ packed.ptr, len }, &arena),
				BD_OK);
		}
		bd_buf_release(&packed);
		bd_buf_release(&twice);
		said_close(&said);
	}
	bd_arena_release(&arena);
}

/* The front of an entry, up to the number of its feed. */
static void begin_entry(struct bd_buf *packed)
{
	bd_buf_clear(packed);
	bd_buf_add_u8(packed, 3); /* form */
	bd_buf_add_u8(packed, BD_JOURNAL_MESSAGE);
	bd_buf_add_varsized(packed, bd_bytes_of("tax"));
	bd_buf_add_varint(packed, BD_JOURNAL_RULES);
	bd_buf_add_varint(packed, 1);    /* message */
	bd_buf_add_zigzag(packed, 1000); /* received */
	bd_buf_add_varint(packed, 0);    /* flags */
	bd_buf_add_varsized(packed, bd_bytes_of("changes"));
}

/* From there up to how many subjects there are. */
static void go_on_with_entry(struct bd_buf *packed, uint64_t feed, int64_t day)
{
	static const char digest[BD_DIGEST_BYTES];

	bd_buf_add_varint(packed, feed);
	for (int i = 0; i < 4; i++) {
		bd_buf_add_varsized(packed, bd_bytes_of("x"));
	}
	bd_buf_add(packed, (struct bd_bytes){ digest, sizeof(digest) });
	for (int i = 0; i < 5; i++) {
		bd_buf_add_varint(packed, 7);
	}
	for (int i = 0; i < 4; i++) {
		bd_buf_add_u8(packed, 0); /* two orders */
	}
	bd_buf_add_zigzag(packed, day);
	for (int i = 0; i < 3; i++) {
		bd_buf_add_u8(packed, 0); /* total, share, cycle */
	}
}

static enum bd_code unpack_with(
	struct bd_buf *packed, uint64_t feed, int64_t day, uint64_t subjects, uint64_t sections)
{
	struct bd_journal_entry journal;
	struct bd_arena arena;
	enum bd_code code;

	begin_entry(packed);
	go_on_with_entry(packed, feed, day);
	bd_buf_add_varint(packed, subjects);
	bd_buf_add_varint(packed, sections);
	bd_buf_add_u8(packed, 0); /* rejects */
	bd_buf_add_u8(packed, 0); /* records */
	bd_arena_init(&arena, 1 << 24);
	code = bd_journal_unpack(&journal, bd_buf_bytes(packed), &arena);
	assert_true(code != BD_OK ||
		    (journal.entry.feed_number == feed && journal.entry.delivery.day == day));
	bd_arena_release(&arena);
	return code;
}

static void what_fits_no_field_is_damage(void **state)
{
	struct bd_buf packed;

	(void)state;
	bd_buf_init(&packed, 4096);
	assert_int_equal(unpack_with(&packed, 65535, -1, 0, 0), BD_OK);
	assert_int_equal(unpack_with(&packed, 65536, -1, 0, 0), BD_STORE_DAMAGED);
	assert_int_equal(unpack_with(&packed, 1, INT32_MIN, 0, 0), BD_OK);
	assert_int_equal(unpack_with(&packed, 1, (int64_t)INT32_MIN - 1, 0, 0), BD_STORE_DAMAGED);
	assert_int_equal(unpack_with(&packed, 1, 1, 65536, 0), BD_STORE_DAMAGED);
	/* As many as would fit no memory. */
	assert_int_equal(unpack_with(&packed, 1, 1, UINT64_MAX / 8, 0), BD_STORE_DAMAGED);
	assert_int_equal(unpack_with(&packed, 1, 1, 0, UINT64_MAX / 8), BD_STORE_DAMAGED);
	bd_buf_release(&packed);
}

static void whose_it_is_stands_in_front(void **state)
{
	struct bd_bytes source = { NULL, 0 };
	struct bd_buf packed;

	(void)state;
	bd_buf_init(&packed, 4096);
	begin_entry(&packed);
	assert_int_equal(bd_journal_source(&source, bd_buf_bytes(&packed)), BD_OK);
	assert_true(bd_bytes_is(source, "tax"));
	for (size_t len = 0; len < 6; len++) {
		assert_int_equal(bd_journal_source(&source, (struct bd_bytes){ packed.ptr, len }),
			BD_STORE_DAMAGED);
	}
	packed.ptr[0] = 2;
	assert_int_equal(bd_journal_source(&source, bd_buf_bytes(&packed)), BD_JOURNAL_VERSION);
	bd_buf_release(&packed);
}

static void assert_progress(struct box *box, const char *expected)
{
	struct bd_buf value;
	bool found = false;

	bd_buf_init(&value, 1024);
	assert_int_equal(bd_store_begin(box->reader, NULL), BD_OK);
	assert_int_equal(
		bd_store_progress(&value, &found, box->reader, "tax/changes", NULL), BD_OK);
	bd_store_end(box->reader);
	assert_int_equal(found, expected != NULL);
	if (expected != NULL) {
		assert_true(bd_bytes_is(bd_buf_bytes(&value), expected));
	}
	bd_buf_release(&value);
}

/* A crash repeats what was not stored and never skips it: so it is kept with the message, or not at
 * all. */
static void progress_is_kept_with_its_message(void **state)
{
	struct bd_entry *entries[1];
	struct said said;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	assert_progress(&box, NULL);
	make_message(&said, 1);
	said.entry.records = bd_buf_bytes(&said.records);
	said.entry.rejects = bd_buf_bytes(&said.rejects);
	said.entry.progress_name = "tax/changes";
	said.entry.progress = bd_bytes_of("page=1");
	entries[0] = &said.entry;
	said.entry.delivery.total++;
	assert_int_equal(bd_store_commit(box.store, entries, 1, NULL), BD_OK);
	assert_int_equal(said.entry.code, BD_DELIVERY_TOTAL);
	assert_progress(&box, NULL);
	said.entry.delivery.total--;
	assert_int_equal(bd_store_commit(box.store, entries, 1, NULL), BD_OK);
	assert_int_equal(said.entry.code, BD_OK);
	assert_progress(&box, "page=1");
	said_close(&said);
	assert_int_equal(
		bd_store_set_progress(box.store, "tax/changes", bd_bytes_of("nothing came"), NULL),
		BD_OK);
	assert_progress(&box, "nothing came");
	box_close(&box);
}

static void a_node_stops_at_what_it_cannot_apply(void **state)
{
	struct bd_journal_entry journal = { .kind = BD_JOURNAL_MESSAGE,
		.rules = BD_JOURNAL_RULES + 1 };
	struct box box;
	struct bd_buf packed;

	(void)state;
	box_open(&box, NULL, 0);
	bd_buf_init(&packed, 1 << 16);
	journal.entry.message = 1;
	assert_int_equal(bd_journal_pack(&packed, &journal), BD_OK);
	assert_int_equal(
		bd_journal_apply(box.store, bd_buf_bytes(&packed), NULL), BD_JOURNAL_VERSION);
	bd_buf_clear(&packed);
	journal.rules = BD_JOURNAL_RULES;
	journal.entry.message = 2;
	assert_int_equal(bd_journal_pack(&packed, &journal), BD_OK);
	assert_int_equal(
		bd_journal_apply(box.store, bd_buf_bytes(&packed), NULL), BD_JOURNAL_ORDER);
	bd_buf_clear(&packed);
	journal.entry.message = 1;
	assert_int_equal(bd_journal_pack(&packed, &journal), BD_OK);
	assert_int_equal(bd_journal_apply(box.store, bd_buf_bytes(&packed), NULL), BD_OK);
	assert_int_equal(
		bd_journal_apply(box.store, bd_buf_bytes(&packed), NULL), BD_JOURNAL_ORDER);
	bd_buf_release(&packed);
	box_close(&box);
}

static void records_that_are_missing_refuse_the_message(void **state)
{
	const struct bd_identifier id = id_of(ID_PERSON, "P1");
	struct box box;
	struct bd_buf dump;
	struct said said;
	struct fact fact;

	(void)state;
	box_open(&box, NULL, 0);
	said_open(&said, "market", "daily");
	said_add(&said, fact_of(&fact, &id, 1, "s", 1, 5, "a"));
	said.entry.record_count++;
	assert_int_equal(box_push(&box, &said), BD_WORKER_DIED);
	said.entry.record_count--;
	said.records.len--;
	assert_int_equal(box_push(&box, &said), BD_WORKER_DIED);
	dump = box_dump(&box);
	assert_int_equal(dump.len, 0);
	bd_buf_release(&dump);
	said_close(&said);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_entries_give_the_same_store),
		cmocka_unit_test(a_retry_at_another_node_gets_the_first_receipt),
		cmocka_unit_test(an_idempotency_key_is_forgotten_with_its_message),
		cmocka_unit_test(an_entry_reads_back_as_it_was),
		cmocka_unit_test(what_fits_no_field_is_damage),
		cmocka_unit_test(whose_it_is_stands_in_front),
		cmocka_unit_test(progress_is_kept_with_its_message),
		cmocka_unit_test(a_node_stops_at_what_it_cannot_apply),
		cmocka_unit_test(records_that_are_missing_refuse_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
