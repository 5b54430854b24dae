/* test_store_lookup.c - whom identifiers name, what is held of them, and what its lack proves. */
#include "base/clock.h"
#include "base/limits.h"
#include "store/node_memo.h"
#include "store/recent.h"
#include "store_support.h"

enum { COMPANY = 5, RELATION = 6, LISTED = 7 };

static const struct bd_cover covers[] = {
	{ .source = "market",
		.feed = "listed",
		.section = "listed",
		.entity = LISTED,
		.cycle = "daily" },
	{ .source = "market",
		.feed = "relations",
		.section = "relations",
		.entity = RELATION,
		.cycle = "daily" },
	{ .source = "tax",
		.feed = "reply",
		.section = "owed",
		.entity = LISTED,
		.is_subject = true },
};

static void open_box(struct box *box)
{
	box_open(box, covers, sizeof(covers) / sizeof(covers[0]));
}

/* Everything up to that day has been told by the feed. */
static void cover_feed(struct box *box, const char *feed)
{
	struct said said;

	said_open(&said, "market", feed);
	said.entry.delivery = (struct bd_delivery){
		.day = bd_day_at(box->now_ms), .has_total = true, .is_baseline = true
	};
	assert_int_equal(box_push(box, &said), BD_OK);
	said_close(&said);
}

static bool finds(struct box *box, struct bd_identifier identifier, const char *text)
{
	const struct bd_held *held = box_find(box, &identifier, 1);

	for (size_t i = 0; held->status == BD_HELD_FOUND && i < held->statement_count; i++) {
		if (held->statements[i].value_count == 1 &&
			bd_bytes_is(held->statements[i].values[0].value.text, text)) {
			return true;
		}
	}
	return false;
}

static enum bd_held_status status_of(struct box *box, struct bd_identifier identifier)
{
	return box_find(box, &identifier, 1)->status;
}

/* -- names -- */

static void every_name_leads_to_the_subject(void **state)
{
	const struct bd_identifier all[] = { id_of(ID_USCC, "U1"), id_of(ID_REG_NO, "R1"),
		id_of(ID_DEPT, "P1") };
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	/* Under the department's key before anybody knows whose it is. */
	box_say(&box, "market", fact_of(&fact, &all[2], 1, "listed", LISTED, 1, "under its key"));
	assert_true(finds(&box, all[2], "under its key"));
	assert_int_equal(status_of(&box, all[0]), BD_HELD_NO_SUBJECT);
	/* A link in the middle, then the one on top: the key has two owners, and one is the
	 * other's. */
	box_say(&box, "market", fact_of(&fact, &all[1], 2, "companies", COMPANY, 1, "by number"));
	box_say(&box, "market", fact_of(&fact, &all[0], 3, "companies", COMPANY, 1, "by code"));
	for (size_t i = 0; i < 3; i++) {
		assert_true(finds(&box, all[i], "under its key"));
		assert_true(finds(&box, all[i], "by number"));
		assert_true(finds(&box, all[i], "by code"));
		assert_int_equal(box_find(&box, &all[i], 1)->identifier_count, 3);
		assert_int_equal(box_find(&box, &all[i], 1)->identifiers[0].kind, ID_USCC);
	}
	assert_true(box_find(&box, all, 3)->statement_count == 3);
	box_close(&box);
}

static void two_of_one_rank_never_merge(void **state)
{
	const struct bd_identifier one[] = { id_of(ID_USCC, "U1"), id_of(ID_REG_NO, "R") };
	const struct bd_identifier two[] = { id_of(ID_USCC, "U2"), id_of(ID_REG_NO, "R") };
	const struct bd_identifier both[] = { id_of(ID_USCC, "U1"), id_of(ID_USCC, "U2") };
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	cover_feed(&box, "listed");
	box_say(&box, "market", fact_of(&fact, one, 2, "companies", COMPANY, 1, "one"));
	box_say(&box, "market", fact_of(&fact, &one[1], 1, "listed", LISTED, 1, "under R"));
	assert_true(finds(&box, one[0], "under R"));
	assert_false(coverage_of(box_find(&box, &one[0], 1), "market", LISTED)->is_blocked);
	box_say(&box, "market", fact_of(&fact, two, 2, "companies", COMPANY, 1, "two"));
	assert_int_equal(status_of(&box, one[1]), BD_HELD_AMBIGUOUS);
	assert_true(finds(&box, one[0], "one"));
	assert_true(finds(&box, two[0], "two"));
	assert_false(finds(&box, one[0], "two"));
	/* What stands under the shared number is nobody's, and nobody's lack of it is proven. */
	assert_false(finds(&box, one[0], "under R"));
	assert_false(finds(&box, two[0], "under R"));
	assert_true(coverage_of(box_find(&box, &one[0], 1), "market", LISTED)->is_blocked);
	assert_true(coverage_of(box_find(&box, &two[0], 1), "market", LISTED)->is_blocked);
	/* Nor does asking for both make them one. */
	assert_int_equal(box_find(&box, both, 2)->status, BD_HELD_AMBIGUOUS);
	box_close(&box);
}

static void a_name_goes_with_its_statement(void **state)
{
	const struct bd_identifier all[] = { id_of(ID_USCC, "U1"), id_of(ID_REG_NO, "R1") };
	const struct bd_identifier others[] = { id_of(ID_USCC, "U2"), id_of(ID_REG_NO, "R1") };
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	box_say(&box, "market", fact_of(&fact, all, 2, "companies", COMPANY, 1, "one"));
	box_say(&box, "market", fact_of(&fact, others, 2, "companies", COMPANY, 1, "two"));
	assert_int_equal(status_of(&box, all[1]), BD_HELD_AMBIGUOUS);
	/* A patch that does not name it takes nothing away. */
	fact_of(&fact, others, 1, "companies", COMPANY, 2, "patched");
	fact.record.action = BD_ACTION_PATCH;
	box_say(&box, "market", &fact.record);
	assert_int_equal(status_of(&box, all[1]), BD_HELD_AMBIGUOUS);
	/* Put right: the second is registered under another number. */
	box_say(&box, "market", fact_of(&fact, others, 1, "companies", COMPANY, 3, "two again"));
	assert_true(finds(&box, all[1], "one"));
	/* And deleted. */
	fact_of(&fact, all, 1, "companies", COMPANY, 4, NULL);
	fact.record.action = BD_ACTION_DELETE;
	box_say(&box, "market", &fact.record);
	assert_int_equal(status_of(&box, all[1]), BD_HELD_NO_SUBJECT);
	box_close(&box);
}

static void a_late_message_does_not_bring_a_name_back(void **state)
{
	const struct bd_identifier all[] = { id_of(ID_USCC, "U1"), id_of(ID_REG_NO, "R1") };
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	box_say(&box, "market", fact_of(&fact, all, 1, "companies", COMPANY, 9, "new"));
	box_say(&box, "market", fact_of(&fact, all, 2, "companies", COMPANY, 1, "old"));
	assert_int_equal(status_of(&box, all[1]), BD_HELD_NO_SUBJECT);
	box_close(&box);
}

/* -- relations -- */

static const struct bd_record *relation_of(struct fact *fact, const struct bd_identifier *company,
	const struct bd_identifier *person, int64_t order, const char *text)
{
	fact_of(fact, company, 1, "relations", RELATION, order, text);
	fact->record.row_key = person->number;
	fact->record.other = person;
	fact->record.other_count = 1;
	return &fact->record;
}

static void relations_are_found_from_both_sides(void **state)
{
	const struct bd_identifier company = id_of(ID_USCC, "U1"), person = id_of(ID_PERSON, "P1");
	const struct bd_identifier names[] = { person, id_of(ID_DEPT_PERSON, "K1") };
	const struct bd_held *held;
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	/* Named by the department's key of the person, which another message links. */
	box_say(&box, "market", relation_of(&fact, &company, &names[1], 1, "legal"));
	assert_int_equal(status_of(&box, person), BD_HELD_NO_SUBJECT);
	box_say(&box, "market", fact_of(&fact, names, 2, "people", 1, 1, "name"));
	held = box_find(&box, &person, 1);
	assert_int_equal(held->statement_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct bd_statement *statement = &held->statements[i];

		assert_int_equal(statement->is_inverse, statement->entity == RELATION);
		if (statement->is_inverse) {
			assert_true(bd_bytes_is(statement->other[0].number, "U1"));
		}
	}
	held = box_find(&box, &company, 1);
	assert_int_equal(held->statement_count, 1);
	assert_true(bd_bytes_is(held->statements[0].other[0].number, "K1"));
	fact.record.action = BD_ACTION_DELETE;
	relation_of(&fact, &company, &names[1], 2, NULL);
	fact.record.action = BD_ACTION_DELETE;
	box_say(&box, "market", &fact.record);
	assert_false(finds(&box, person, "legal"));
	assert_false(finds(&box, company, "legal"));
	box_close(&box);
}

/* What a question does not want is not given; that the subject is known is told all the same. */
static void what_is_wanted_does_not_change_who_is_known(void **state)
{
	const struct bd_identifier company = id_of(ID_USCC, "U1"), person = id_of(ID_PERSON, "P1"),
				   other = id_of(ID_PERSON, "P2");
	const struct bd_wanted people = { bd_wanted_bit(1), false },
			       relations = { bd_wanted_bit(RELATION), true },
			       nothing = { 0, false };
	const struct bd_held *held;
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	box_say(&box, "market", relation_of(&fact, &company, &person, 1, "legal"));
	box_say(&box, "market", fact_of(&fact, &person, 1, "people", 1, 1, "name"));
	box_say(&box, "market", relation_of(&fact, &company, &other, 1, "director"));
	held = box_find_wanted(&box, &person, 1, &people);
	assert_int_equal(held->status, BD_HELD_FOUND);
	assert_int_equal(held->statement_count, 1);
	assert_int_equal(held->statements[0].entity, 1);
	held = box_find_wanted(&box, &person, 1, &relations);
	assert_int_equal(held->statement_count, 1);
	assert_true(held->statements[0].is_inverse);
	held = box_find_wanted(&box, &person, 1, &nothing);
	assert_int_equal(held->status, BD_HELD_FOUND);
	assert_int_equal(held->statement_count, 0);
	/* Only the other side speaks of this one. */
	assert_int_equal(box_find_wanted(&box, &other, 1, &nothing)->status, BD_HELD_FOUND);
	box_close(&box);
}

/* A row that names who is no longer meant leads to nobody but whom it names now. */
static void a_replaced_relation_leads_to_the_new_one_only(void **state)
{
	const struct bd_identifier company = id_of(ID_USCC, "U1"), first = id_of(ID_PERSON, "P1"),
				   second = id_of(ID_PERSON, "P2");
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	relation_of(&fact, &company, &first, 1, "legal");
	fact.record.row_key = bd_bytes_of("the legal representative");
	box_say(&box, "market", &fact.record);
	assert_true(finds(&box, first, "legal"));
	relation_of(&fact, &company, &second, 2, "legal");
	fact.record.row_key = bd_bytes_of("the legal representative");
	box_say(&box, "market", &fact.record);
	assert_false(finds(&box, first, "legal"));
	assert_true(finds(&box, second, "legal"));
	assert_int_equal(box_find(&box, &company, 1)->statements[0].other_count, 1);
	box_close(&box);
}

/* -- what was refused -- */

static struct bd_reject_row refused_relation(
	const struct bd_identifier *company, const struct bd_identifier *person)
{
	return (struct bd_reject_row){ .entity = RELATION,
		.subject = company,
		.subject_count = 1,
		.other = person,
		.other_count = person != NULL,
		.is_other_unknown = person == NULL,
		.has_key = person != NULL,
		.key = person != NULL ? person->number : (struct bd_bytes){ "", 0 } };
}

static void refuse(struct box *box, const struct bd_reject_row *row, int64_t order)
{
	const struct bd_reject reject = { .section = "relations",
		.rows = row,
		.row_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 10, order } };
	struct said said;

	said_open(&said, "market", "relations");
	said_refuse(&said, &reject);
	said.entry.delivery = (struct bd_delivery){ .day = bd_day_at(box->now_ms) };
	assert_int_equal(box_push(box, &said), BD_OK);
	said_close(&said);
}

static bool is_proven(struct box *box, struct bd_identifier identifier)
{
	const struct bd_coverage *coverage =
		coverage_of(box_find(box, &identifier, 1), "market", RELATION);

	return coverage->state == BD_COVERAGE_FEED && !coverage->is_blocked;
}

static void a_refused_relation_blocks_both_of_it_and_nobody_else(void **state)
{
	const struct bd_identifier company = id_of(ID_USCC, "U1"), person = id_of(ID_PERSON, "P1"),
				   stranger = id_of(ID_PERSON, "P9");
	struct bd_reject_row row = refused_relation(&company, &person);
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	cover_feed(&box, "relations");
	assert_true(is_proven(&box, company) && is_proven(&box, person));
	refuse(&box, &row, 5);
	assert_false(is_proven(&box, company));
	assert_false(is_proven(&box, person));
	assert_true(is_proven(&box, stranger));
	box_say(&box, "market", relation_of(&fact, &company, &person, 5, "legal"));
	assert_true(is_proven(&box, company) && is_proven(&box, person));
	assert_true(finds(&box, person, "legal"));
	box_close(&box);
}

static void a_refused_relation_to_nobody_knows_whom_holds_the_feed(void **state)
{
	const struct bd_identifier company = id_of(ID_USCC, "U1"),
				   stranger = id_of(ID_PERSON, "P9");
	struct bd_reject_row row = refused_relation(&company, NULL);
	struct said said;
	struct box box;

	(void)state;
	open_box(&box);
	cover_feed(&box, "relations");
	refuse(&box, &row, 5);
	assert_false(is_proven(&box, stranger));
	/* The same delivery again, now whole. */
	said_open(&said, "market", "relations");
	said.entry.delivery =
		(struct bd_delivery){ .day = bd_day_at(box.now_ms), .has_total = true };
	assert_int_equal(box_push(&box, &said), BD_OK);
	said_close(&said);
	assert_true(is_proven(&box, stranger));
	box_close(&box);
}

/* -- replies -- */

static void a_reply_proves_for_one_subject(void **state)
{
	const struct bd_identifier one = id_of(ID_USCC, "U1"), two = id_of(ID_USCC, "U2");
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	box_say(&box, "tax", fact_of(&fact, &one, 1, "owed", LISTED, 1, "owes"));
	fact_of(&fact, &one, 1, "owed", LISTED, 2, NULL);
	fact.record.action = BD_ACTION_SECTION;
	box_say(&box, "tax", &fact.record);
	assert_false(finds(&box, one, "owes"));
	assert_int_equal(
		coverage_of(box_find(&box, &one, 1), "tax", LISTED)->state, BD_COVERAGE_SUBJECT);
	assert_int_equal(
		coverage_of(box_find(&box, &two, 1), "tax", LISTED)->state, BD_COVERAGE_NONE);
	box_close(&box);
}

/* -- snapshots of everybody -- */

static enum bd_code snapshot(struct box *box, const char *const *numbers, size_t count, int32_t day,
	uint32_t share, int64_t order)
{
	static const char *const sections[] = { "listed" };
	enum bd_code code;
	struct said said;

	said_open(&said, "market", "listed_full");
	for (size_t i = 0; i < count; i++) {
		const struct bd_identifier id = id_of(ID_USCC, numbers[i]);
		struct fact fact;

		said_add(&said, fact_of(&fact, &id, 1, "listed", LISTED, order, "in the list"));
	}
	said.entry.is_snapshot = true;
	said.entry.order.rank = 10;
	said.entry.sections = sections;
	said.entry.section_count = 1;
	said.entry.remove_share_max_percent = share;
	said.entry.delivery = (struct bd_delivery){ .day = day };
	code = box_push(box, &said);
	said_close(&said);
	return code;
}

#define DAY 20000

static void list_one(struct box *box, const char *number, int32_t day)
{
	const struct bd_identifier id = id_of(ID_USCC, number);
	struct fact fact;

	box_say(box, "market",
		fact_of(&fact, &id, 1, "listed", LISTED, bd_day_begin_ms(day), "by change"));
}

static bool is_listed(struct box *box, const char *number)
{
	const struct bd_identifier id = id_of(ID_USCC, number);

	return box_find(box, &id, 1)->statement_count > 0;
}

static void a_snapshot_removes_what_it_does_not_hold(void **state)
{
	static const char *const list[] = { "U1", "U3" };
	struct box box;

	(void)state;
	open_box(&box);
	list_one(&box, "U1", DAY - 9);
	list_one(&box, "U2", DAY - 9);
	list_one(&box, "U4", DAY + 1); /* newer than the snapshot can know, though it came before */
	assert_int_equal(snapshot(&box, list, 2, DAY, 100, bd_day_begin_ms(DAY - 20)), BD_OK);
	assert_true(is_listed(&box, "U1"));
	assert_false(is_listed(&box, "U2"));
	assert_true(is_listed(&box, "U3"));
	assert_true(is_listed(&box, "U4"));
	/* Older than the snapshot, though it comes after. */
	list_one(&box, "U5", DAY - 3);
	assert_false(is_listed(&box, "U5"));
	list_one(&box, "U2", DAY + 2);
	assert_true(is_listed(&box, "U2"));
	/* An older snapshot that comes late brings nothing back and takes nothing away. */
	assert_int_equal(snapshot(&box, list, 1, DAY - 5, 100, bd_day_begin_ms(DAY - 20)), BD_OK);
	assert_true(is_listed(&box, "U1") && is_listed(&box, "U2") && is_listed(&box, "U3") &&
		    is_listed(&box, "U4"));
	box_close(&box);
}

static void a_snapshot_that_removes_too_much_is_refused(void **state)
{
	static const char *const list[] = { "U0", "U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8",
		"U9" };
	struct bd_buf before, after;
	struct box box;

	(void)state;
	open_box(&box);
	for (size_t i = 0; i < 10; i++) {
		list_one(&box, list[i], DAY - 9);
	}
	before = box_dump(&box);
	/* Rows that another feed brought count as well. */
	assert_int_equal(snapshot(&box, list, 8, DAY, 10, bd_day_begin_ms(DAY)), BD_SNAPSHOT_SHARE);
	after = box_dump(&box);
	assert_true(bd_bytes_equal(bd_buf_bytes(&before), bd_buf_bytes(&after)));
	assert_int_equal(snapshot(&box, list, 9, DAY, 10, bd_day_begin_ms(DAY)), BD_OK);
	assert_false(is_listed(&box, "U9"));
	/* Of the nine that are left. */
	assert_int_equal(
		snapshot(&box, list, 8, DAY + 1, 10, bd_day_begin_ms(DAY)), BD_SNAPSHOT_SHARE);
	assert_int_equal(snapshot(&box, list, 8, DAY + 1, 12, bd_day_begin_ms(DAY)), BD_OK);
	assert_int_equal(snapshot(&box, list, 0, DAY + 2, 99, 0), BD_SNAPSHOT_SHARE);
	assert_int_equal(snapshot(&box, list, 0, DAY + 2, 100, 0), BD_OK);
	assert_false(is_listed(&box, "U0"));
	bd_buf_release(&before);
	bd_buf_release(&after);
	box_close(&box);
}

/* -- statements -- */

static void a_statement_has_a_version_and_a_digest(void **state)
{
	const struct bd_identifier one = id_of(ID_PERSON, "P1"), two = id_of(ID_PERSON, "P2");
	const struct bd_statement *statement;
	uint8_t digest[32];
	uint64_t made, changed;
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	made = box_say(&box, "social", fact_of(&fact, &one, 1, "people", 1, 1, "a name"));
	statement = &box_find(&box, &one, 1)->statements[0];
	assert_int_equal(statement->version, made);
	memcpy(digest, statement->digest, sizeof(digest));
	/* Said again: nothing that it says has changed. */
	box_say(&box, "social", fact_of(&fact, &one, 1, "people", 1, 2, "a name"));
	statement = &box_find(&box, &one, 1)->statements[0];
	assert_int_equal(statement->version, made);
	assert_memory_equal(statement->digest, digest, sizeof(digest));
	changed = box_say(&box, "social", fact_of(&fact, &one, 1, "people", 1, 3, "another"));
	statement = &box_find(&box, &one, 1)->statements[0];
	assert_int_equal(statement->version, changed);
	assert_memory_not_equal(statement->digest, digest, sizeof(digest));
	changed = box_say(&box, "social", fact_of(&fact, &one, 1, "people", 1, 4, "a name"));
	statement = &box_find(&box, &one, 1)->statements[0];
	assert_int_equal(statement->version, changed);
	assert_memory_equal(statement->digest, digest, sizeof(digest));
	/* The same of somebody else does not look the same. */
	box_say(&box, "social", fact_of(&fact, &two, 1, "people", 1, 1, "a name"));
	statement = &box_find(&box, &two, 1)->statements[0];
	assert_memory_not_equal(statement->digest, digest, sizeof(digest));
	box_close(&box);
}

/* -- snapshots of a reader -- */

static void a_reader_sees_one_moment(void **state)
{
	const struct bd_identifier id = id_of(ID_PERSON, "P1");
	struct bd_held *held = NULL;
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	box_say(&box, "social", fact_of(&fact, &id, 1, "people", 1, 1, "before"));
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	box_say(&box, "social", fact_of(&fact, &id, 1, "people", 1, 2, "after"));
	assert_int_equal(
		bd_store_lookup(&held, box.reader, &id, 1, &bd_wanted_all, &box.arena, &box.diag),
		BD_OK);
	assert_true(bd_bytes_is(held->statements[0].values[0].value.text, "before"));
	bd_store_end(box.reader);
	assert_true(finds(&box, id, "after"));
	box_close(&box);
}

/* -- what is remembered -- */

static void a_lookup_is_remembered_until_something_changes(void **state)
{
	const struct bd_identifier one = id_of(ID_PERSON, "P1"), two = id_of(ID_PERSON, "P2");
	const struct bd_wanted other = { bd_wanted_bit(2), true };
	const struct bd_held *first;
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	box_say(&box, "social", fact_of(&fact, &one, 1, "people", 1, 1, "before"));
	first = box_find(&box, &one, 1);
	assert_ptr_equal(box_find(&box, &one, 1), first);
	assert_int_equal(first->statement_count, 1);
	/* Another question, another answer. */
	assert_int_equal(box_find_wanted(&box, &one, 1, &other)->statement_count, 0);
	assert_int_equal(box_find(&box, &two, 1)->status, BD_HELD_NO_SUBJECT);
	assert_ptr_equal(box_find(&box, &one, 1), first);
	/* A commit. */
	box_say(&box, "social", fact_of(&fact, &one, 1, "people", 1, 2, "after"));
	assert_true(finds(&box, one, "after"));
	/* An erasure. */
	assert_int_equal(erase_subject(box.store, &one, box.now_ms, NULL, &box.diag), BD_OK);
	assert_int_equal(box_find(&box, &one, 1)->status, BD_HELD_NO_SUBJECT);
	/* Other covers. */
	assert_true(box_find(&box, &two, 1)->coverage_count > 0);
	assert_int_equal(bd_store_set_covers(box.store, NULL, 0, &box.diag), BD_OK);
	assert_int_equal(box_find(&box, &two, 1)->coverage_count, 0);
	box_close(&box);
}

/* Its memory was full once: it is begun again, and not given up. */
static void remembering_goes_on_after_it_was_full(void **state)
{
	const struct bd_identifier id = id_of(ID_PERSON, "P1");
	struct bd_recent *recent;
	struct box box;

	(void)state;
	open_box(&box);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	recent = box.reader->recent;
	for (int round = 0; round < 4; round++) {
		const struct bd_identifier *copies = &id;
		struct bd_node_memo **memo;
		struct bd_arena *room;
		int pieces = 0;

		while ((room = bd_recent_room(recent, &copies, 1, &memo)) != NULL) {
			assert_non_null(bd_arena_take(room, 1, 4096));
			copies = &id;
			pieces++;
		}
		assert_in_range(pieces, 100, BD_RECENT_MAX_BYTES / 4096);
		bd_recent_begin(recent, box.reader);
	}
	bd_store_end(box.reader);
	box_close(&box);
}

/* More than is remembered, in one snapshot: what was given stays as it was. */
static void what_a_snapshot_gave_stays(void **state)
{
	const struct bd_held *helds[BD_RECENT_MAX * 2];
	char names[BD_RECENT_MAX * 2][16];
	struct box box;
	struct fact fact;

	(void)state;
	open_box(&box);
	for (size_t i = 0; i < BD_RECENT_MAX * 2; i++) {
		struct bd_identifier id;

		snprintf(names[i], sizeof(names[i]), "P%zu", i);
		id = id_of(ID_PERSON, names[i]);
		box_say(&box, "social", fact_of(&fact, &id, 1, "people", 1, 1, names[i]));
	}
	bd_arena_clear(&box.arena);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	for (size_t i = 0; i < BD_RECENT_MAX * 2; i++) {
		const struct bd_identifier id = id_of(ID_PERSON, names[i]);
		struct bd_held *held = NULL;

		assert_int_equal(bd_store_lookup(&held, box.reader, &id, 1, &bd_wanted_all,
					 &box.arena, &box.diag),
			BD_OK);
		helds[i] = held;
	}
	for (size_t i = 0; i < BD_RECENT_MAX * 2; i++) {
		assert_true(bd_bytes_is(helds[i]->statements[0].values[0].value.text, names[i]));
	}
	bd_store_end(box.reader);
	box_close(&box);
}

/* As four sources and the state number one person. */
#define NAMES 5
struct names {
	char texts[NAMES][32];
	struct bd_identifier all[NAMES];
};

static void name_person(struct names *names, int i)
{
	static const struct {
		uint16_t kind;
		const char *form, *issuer;
	} forms[NAMES] = { { 1, "44031119620101%04d", "" }, { 11, "600%06d", "social:aac999" },
		{ 11, "P440311000000%06d", "market:personid" },
		{ 11, "44030000000000000000%06d", "medical:psn_no" },
		{ 11, "100000000%06d", "social:aac001" } };

	for (size_t n = 0; n < NAMES; n++) {
		int len = snprintf(names->texts[n], sizeof(names->texts[n]), forms[n].form, i);

		names->all[n] = (struct bd_identifier){ .kind = forms[n].kind,
			.number = { names->texts[n], (size_t)len },
			.issuer = bd_bytes_of(forms[n].issuer) };
	}
}

/* Most of the newest names are remembered, one person's too, and none is ever taken for another. */
static void names_are_remembered_and_never_mixed_up(void **state)
{
	static struct names people[200];
	struct bd_arena arena;
	struct bd_node_memo *memo;
	size_t met = 0, met_at_once = 0;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	memo = bd_node_memo_new(&arena);
	assert_non_null(memo);
	for (int i = 0; i < 200; i++) {
		name_person(&people[i], i);
		for (int n = 0; n < NAMES; n++) {
			uint8_t key[BD_NODE_KEY_BYTES] = { (uint8_t)i, (uint8_t)n };

			assert_null(bd_node_memo_key(memo, &people[i].all[n]));
			bd_node_memo_keep_key(memo, &people[i].all[n], key);
		}
		for (size_t n = 0; n < NAMES; n++) {
			met_at_once += bd_node_memo_key(memo, &people[i].all[n]) != NULL;
		}
	}
	for (int i = 0; i < 200; i++) {
		for (int n = 0; n < NAMES; n++) {
			const uint8_t *key = bd_node_memo_key(memo, &people[i].all[n]);

			assert_true(key == NULL || (key[0] == i && key[1] == n));
			assert_true(key == NULL || i >= 200 - 1 - BD_MEMO_NAMES / NAMES);
			met += key != NULL;
		}
	}
	assert_true(met > BD_MEMO_NAMES / 2);
	assert_true(met_at_once > (size_t)200 * NAMES * 9 / 10);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_leads_to_the_subject),
		cmocka_unit_test(two_of_one_rank_never_merge),
		cmocka_unit_test(a_name_goes_with_its_statement),
		cmocka_unit_test(a_late_message_does_not_bring_a_name_back),
		cmocka_unit_test(relations_are_found_from_both_sides),
		cmocka_unit_test(what_is_wanted_does_not_change_who_is_known),
		cmocka_unit_test(a_replaced_relation_leads_to_the_new_one_only),
		cmocka_unit_test(a_refused_relation_blocks_both_of_it_and_nobody_else),
		cmocka_unit_test(a_refused_relation_to_nobody_knows_whom_holds_the_feed),
		cmocka_unit_test(a_reply_proves_for_one_subject),
		cmocka_unit_test(a_snapshot_removes_what_it_does_not_hold),
		cmocka_unit_test(a_snapshot_that_removes_too_much_is_refused),
		cmocka_unit_test(a_statement_has_a_version_and_a_digest),
		cmocka_unit_test(a_reader_sees_one_moment),
		cmocka_unit_test(a_lookup_is_remembered_until_something_changes),
		cmocka_unit_test(remembering_goes_on_after_it_was_full),
		cmocka_unit_test(what_a_snapshot_gave_stays),
		cmocka_unit_test(names_are_remembered_and_never_mixed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
