/* test_store_watch.c - what is changed, corrected, withdrawn or disputed after a decision is told
 * to whoever asked for it, once for each case that has read it, and to nobody else.
 */
#include "base/clock.h"
#include "store/cases.h"
#include "store/watches.h"
#include "store_support.h"

static const struct bd_cover covers[] = {
	{ .source = "market", .feed = "daily", .section = "s", .entity = 1, .cycle = "daily" },
	{ .source = "social", .feed = "fees", .section = "s", .entity = 5, .month_field = 1 },
};
static const struct bd_identifier person = { ID_PERSON, { "", 0 }, { "P1", 2 } };
static const struct bd_identifier company = { ID_USCC, { "", 0 }, { "C1", 2 } };

struct watched {
	struct box box;
	struct bd_case_log *log;
	uint32_t receipts;
	int64_t at_ms;
};

static void start(struct watched *watched)
{
	memset(watched, 0, sizeof(*watched));
	box_open(&watched->box, covers, 2);
	watched->at_ms = STORE_NOW_MS;
	assert_int_equal(
		bd_case_log_open(&watched->log, watched->box.store, 0, &watched->box.diag), BD_OK);
}

static void stop(struct watched *watched)
{
	bd_case_log_close(watched->log);
	box_close(&watched->box);
}

static uint64_t commit_of(struct box *box)
{
	uint64_t commit;

	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	commit = bd_store_reader_commit(box->reader);
	bd_store_end(box->reader);
	return commit;
}

static void index_cases(struct watched *watched)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(
			bd_cases_index(watched->box.store, &has_more, &watched->box.diag), BD_OK);
	}
}

/* A case about somebody, that has read this entity of these sources at that commit. */
static void write_case(struct watched *watched, const char *client,
	const struct bd_identifier *subject, uint16_t entity, const char *sources, uint64_t commit)
{
	const struct bd_case_looked looked = { subject, 1, false, NULL };
	const struct bd_case_finding finding = { .element = bd_bytes_of("e"),
		.code = bd_bytes_of("match"),
		.entities = &entity,
		.entity_count = 1,
		.sources = bd_bytes_of(sources) };
	const struct bd_case_record record = { .receipt = { 0x0123456789abcdef, 0, 1,
						       ++watched->receipts * 64 },
		.at_ms = watched->at_ms++,
		.client = bd_bytes_of(client),
		.number = bd_bytes_of("GM-1"),
		.matter = bd_bytes_of("matter"),
		.version = bd_bytes_of("1"),
		.decision = bd_bytes_of("pass"),
		.on = bd_day_at(STORE_NOW_MS),
		.commit = commit,
		.question = bd_bytes_of("{}"),
		.looked = &looked,
		.looked_count = 1,
		.findings = &finding,
		.finding_count = 1 };

	assert_int_equal(bd_cases_append(watched->log, &record, &watched->box.diag), BD_OK);
	assert_int_equal(bd_cases_flush(watched->log, &watched->box.diag), BD_OK);
}

static void decide(struct watched *watched, const char *client, const struct bd_identifier *subject,
	uint16_t entity, const char *sources)
{
	write_case(watched, client, subject, entity, sources, commit_of(&watched->box));
	index_cases(watched);
}

static uint64_t say(struct watched *watched, const char *source, uint16_t entity, int64_t order,
	const char *text)
{
	struct fact fact;

	fact_of(&fact, &person, 1, "s", entity, order, text);
	if (entity == 5) {
		fact.record.row_key = bd_bytes_of(text);
	}
	if (text == NULL) {
		fact.record.action = BD_ACTION_DELETE;
	}
	return box_say(&watched->box, source, &fact.record);
}

/* Lives until the next call. */
static struct bd_watch_page events(struct watched *watched, const char *client, uint64_t after)
{
	const struct bd_watch_query query = { client, after, 1000 };
	struct bd_watch_page page;
	struct box *box = &watched->box;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_store_watches(&page, box->reader, &query, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return page;
}

static size_t count_of(struct watched *watched, const char *client)
{
	return events(watched, client, 0).count;
}

static enum bd_watch_what last_what(struct watched *watched)
{
	struct bd_watch_page page = events(watched, "engine", 0);

	assert_true(page.count > 0);
	return page.items[page.count - 1].what;
}

static void test_changed(void **state)
{
	struct bd_watch_page page;
	struct watched watched;
	uint64_t first;

	(void)state;
	start(&watched);
	say(&watched, "market", 1, 10, "a");
	decide(&watched, "engine", &person, 1, "market social");
	assert_int_equal(count_of(&watched, "engine"), 0);
	say(&watched, "market", 1, 11, "b");
	page = events(&watched, "engine", 0);
	assert_int_equal(page.count, 1);
	assert_int_equal(page.items[0].what, BD_WATCH_CHANGED);
	assert_string_equal(page.items[0].source, "market");
	assert_int_equal(page.items[0].entity, 1);
	assert_true(bd_bytes_is(page.items[0].case_number, "GM-1"));
	assert_true(bd_bytes_is(page.items[0].matter, "matter"));
	assert_int_equal(page.items[0].receipt.offset, 64);
	assert_false(page.items[0].is_cut);
	first = page.items[0].number;
	assert_int_equal(first, bd_store_watch_last(watched.box.store));
	/* Said again it has not changed. */
	say(&watched, "market", 1, 12, "b");
	assert_int_equal(count_of(&watched, "engine"), 1);
	say(&watched, "market", 1, 13, NULL);
	assert_int_equal(count_of(&watched, "engine"), 2);
	assert_int_equal(events(&watched, "engine", first).count, 1);
	stop(&watched);
}

/* What the case has not read is not told, nor to whom it does not belong. */
static void test_elsewhere(void **state)
{
	struct watched watched;

	(void)state;
	start(&watched);
	decide(&watched, "engine", &person, 1, "market");
	decide(&watched, "other", &company, 1, "");
	say(&watched, "market", 2, 10, "a");
	say(&watched, "tax", 1, 10, "a");
	assert_int_equal(count_of(&watched, "engine"), 0);
	assert_int_equal(count_of(&watched, "other"), 0);
	say(&watched, "market", 1, 10, "a");
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(last_what(&watched), BD_WATCH_ADDED);
	assert_int_equal(count_of(&watched, "other"), 0);
	stop(&watched);
}

static void test_recalled_and_disputed(void **state)
{
	struct bd_entry recall = { .kind = BD_ENTRY_RECALL,
		.source = "market",
		.feed = "changes",
		.sender = "test",
		.received_ms = STORE_NOW_MS,
		.delivery = { .day = INT32_MIN },
		.subject = &person,
		.subject_count = 1 };
	struct bd_entry dispute = { .kind = BD_ENTRY_DISPUTE,
		.source = "market",
		.sender = "test",
		.received_ms = STORE_NOW_MS,
		.delivery = { .day = INT32_MIN },
		.subject = &person,
		.subject_count = 1,
		.dispute = { .entity = 1, .reason = "other", .subject = person } };
	struct bd_entry *entries[] = { &dispute };
	struct watched watched;

	(void)state;
	start(&watched);
	say(&watched, "market", 1, 10, "a");
	decide(&watched, "engine", &person, 1, "");
	assert_int_equal(bd_store_commit(watched.box.store, entries, 1, &watched.box.diag), BD_OK);
	assert_int_equal(dispute.code, BD_OK);
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(last_what(&watched), BD_WATCH_DISPUTED);
	entries[0] = &recall;
	assert_int_equal(bd_store_commit(watched.box.store, entries, 1, &watched.box.diag), BD_OK);
	assert_int_equal(recall.recall.recalled, 1);
	assert_int_equal(count_of(&watched, "engine"), 2);
	assert_int_equal(last_what(&watched), BD_WATCH_RECALLED);
	stop(&watched);
}

/* A payment for a month before the case is a correction; one for a later month is not. */
static void test_past_period(void **state)
{
	char month[11];
	struct watched watched;

	(void)state;
	start(&watched);
	decide(&watched, "engine", &person, 5, "");
	bd_day_format(month, bd_day_at(STORE_NOW_MS) - 40);
	month[7] = '\0';
	say(&watched, "social", 5, 10, month);
	assert_int_equal(last_what(&watched), BD_WATCH_CORRECTED_PERIOD);
	bd_day_format(month, bd_day_at(STORE_NOW_MS) + 40);
	month[7] = '\0';
	say(&watched, "social", 5, 10, month);
	assert_int_equal(last_what(&watched), BD_WATCH_ADDED);
	stop(&watched);
}

/* Between the reading and the indexing of a case. */
static void test_in_between(void **state)
{
	struct bd_watch_page page;
	struct watched watched;
	uint64_t commit;

	(void)state;
	start(&watched);
	say(&watched, "market", 1, 10, "a");
	say(&watched, "market", 2, 10, "a");
	commit = commit_of(&watched.box);
	say(&watched, "market", 1, 11, "b");
	write_case(&watched, "engine", &person, 1, "", commit);
	index_cases(&watched);
	page = events(&watched, "engine", 0);
	assert_int_equal(page.count, 1);
	assert_int_equal(page.items[0].what, BD_WATCH_CHANGED);
	/* Changed and changed back, or changed elsewhere: nothing to tell. */
	commit = commit_of(&watched.box);
	say(&watched, "market", 1, 12, "c");
	say(&watched, "market", 1, 13, "b");
	say(&watched, "market", 2, 11, "b");
	write_case(&watched, "engine", &person, 1, "", commit);
	index_cases(&watched);
	assert_int_equal(count_of(&watched, "engine"), 3);
	stop(&watched);
}

/* Somebody of whom nothing was held. */
static void test_first_word(void **state)
{
	struct watched watched;
	uint64_t commit;

	(void)state;
	start(&watched);
	say(&watched, "market", 2, 10, "a");
	assert_int_equal(erase_subject(watched.box.store, &person, STORE_NOW_MS - 1, NULL,
				 &watched.box.diag),
		BD_OK);
	commit = commit_of(&watched.box);
	say(&watched, "market", 1, 10, "a");
	write_case(&watched, "engine", &person, 1, "", commit);
	index_cases(&watched);
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(last_what(&watched), BD_WATCH_ADDED);
	stop(&watched);
}

/* A relation is told to both sides. */
static void test_relation(void **state)
{
	struct watched watched;
	struct fact fact;

	(void)state;
	start(&watched);
	decide(&watched, "engine", &person, 3, "");
	fact_of(&fact, &company, 1, "s", 3, 10, "legal_rep");
	fact.record.other = &person;
	fact.record.other_count = 1;
	box_say(&watched.box, "market", &fact.record);
	assert_int_equal(count_of(&watched, "engine"), 1);
	stop(&watched);
}

/* A full export of everybody, with this row of the person or with nothing of them. */
static void take_all(struct watched *watched, int64_t order, const char *text)
{
	static const char *const sections[] = { "s" };
	struct said said;
	struct fact fact;

	said_open(&said, "market", "full");
	if (text != NULL) {
		said_add(&said, fact_of(&fact, &person, 1, "s", 1, order, text));
	}
	said_add(&said, fact_of(&fact, &company, 1, "s", 1, order, "c"));
	said.entry.is_snapshot = true;
	said.entry.order = (struct bd_order){ 10, order };
	said.entry.remove_share_max_percent = 100;
	said.entry.sections = sections;
	said.entry.section_count = 1;
	assert_int_equal(box_push(&watched->box, &said), BD_OK);
	said_close(&said);
}

static void sweep(struct watched *watched)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(
			bd_watch_sweep(watched->box.store, &has_more, &watched->box.diag), BD_OK);
	}
}

/* What a full export has no more is gone without being touched. */
static void test_gone(void **state)
{
	struct watched watched;

	(void)state;
	start(&watched);
	say(&watched, "market", 1, 10, "a");
	say(&watched, "tax", 1, 10, "a");
	decide(&watched, "engine", &person, 1, "market");
	decide(&watched, "other", &person, 1, "tax");
	take_all(&watched, 100, "a");
	sweep(&watched);
	assert_int_equal(count_of(&watched, "engine"), 0);
	take_all(&watched, 200, NULL);
	/* Over a restart. */
	bd_case_log_close(watched.log);
	box_stop(&watched.box);
	box_start(&watched.box);
	assert_int_equal(
		bd_case_log_open(&watched.log, watched.box.store, 0, &watched.box.diag), BD_OK);
	sweep(&watched);
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(last_what(&watched), BD_WATCH_CHANGED);
	sweep(&watched);
	take_all(&watched, 300, NULL);
	sweep(&watched);
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(count_of(&watched, "other"), 0);
	stop(&watched);
}

/* Two exports, one right behind the other. */
static void test_gone_between(void **state)
{
	struct watched watched;

	(void)state;
	start(&watched);
	say(&watched, "market", 1, 10, "a");
	decide(&watched, "engine", &person, 1, "");
	take_all(&watched, 100, NULL);
	take_all(&watched, 200, NULL);
	sweep(&watched);
	assert_int_equal(count_of(&watched, "engine"), 1);
	stop(&watched);
}

/* An export that comes while those who are watched are being looked through for the one before. */
static void test_gone_midway(void **state)
{
	enum { MANY = 600 };
	struct watched watched;
	struct said said;
	bool has_more = false;
	uint64_t commit;

	(void)state;
	start(&watched);
	said_open(&said, "market", "changes");
	for (int i = 0; i < MANY; i++) {
		char number[16];
		struct bd_identifier id;
		struct fact fact;

		snprintf(number, sizeof(number), "N%d", i);
		id = id_of(ID_PERSON, number);
		said_add(&said, fact_of(&fact, &id, 1, "s", 1, 150, "x"));
	}
	assert_int_equal(box_push(&watched.box, &said), BD_OK);
	said_close(&said);
	commit = commit_of(&watched.box);
	for (int i = 0; i < MANY; i++) {
		char number[16];
		struct bd_identifier id;

		snprintf(number, sizeof(number), "N%d", i);
		id = id_of(ID_PERSON, number);
		write_case(&watched, "engine", &id, 1, "", commit);
	}
	index_cases(&watched);
	take_all(&watched, 100, NULL);
	assert_int_equal(bd_watch_sweep(watched.box.store, &has_more, &watched.box.diag), BD_OK);
	assert_true(has_more);
	take_all(&watched, 200, NULL);
	sweep(&watched);
	assert_int_equal(count_of(&watched, "engine"), MANY);
	stop(&watched);
}

/* Gone between the reading of a case and its indexing. */
static void test_gone_before_indexing(void **state)
{
	struct watched watched;
	uint64_t commit;

	(void)state;
	start(&watched);
	say(&watched, "market", 1, 10, "a");
	commit = commit_of(&watched.box);
	take_all(&watched, 100, NULL);
	sweep(&watched);
	write_case(&watched, "engine", &person, 1, "", commit);
	index_cases(&watched);
	assert_int_equal(count_of(&watched, "engine"), 1);
	commit = commit_of(&watched.box);
	write_case(&watched, "engine", &person, 1, "", commit);
	index_cases(&watched);
	assert_int_equal(count_of(&watched, "engine"), 1);
	stop(&watched);
}

/* Of too many cases the newest hear of it, and the last of them that there are more. */
static void test_cut(void **state)
{
	struct bd_watch_page page;
	struct watched watched;
	size_t cut = 0;

	(void)state;
	start(&watched);
	for (int i = 0; i < 70; i++) {
		decide(&watched, "engine", &person, 1, "");
	}
	say(&watched, "market", 1, 10, "a");
	page = events(&watched, "engine", 0);
	assert_int_equal(page.count, 64);
	for (size_t i = 0; i < page.count; i++) {
		cut += page.items[i].is_cut;
		assert_true(page.items[i].receipt.offset > 6 * 64);
	}
	assert_int_equal(cut, 1);
	assert_true(page.items[63].is_cut);
	stop(&watched);
}

/* A group that fails for one of its entries is done again without it: the numbers go on as if it
 * had never been tried. */
static void test_group_given_up(void **state)
{
	struct bd_entry dispute = { .kind = BD_ENTRY_DISPUTE,
		.source = "market",
		.sender = "test",
		.received_ms = STORE_NOW_MS,
		.delivery = { .day = INT32_MIN },
		.subject = &company,
		.subject_count = 1,
		.dispute = { .entity = 1, .reason = "other", .subject = company } };
	struct bd_entry *entries[] = { NULL, &dispute };
	struct watched watched;
	struct said said;
	struct fact fact;

	(void)state;
	start(&watched);
	decide(&watched, "engine", &person, 1, "");
	for (int i = 0; i < 64; i++) {
		assert_int_equal(
			bd_store_commit(watched.box.store, entries + 1, 1, &watched.box.diag),
			BD_OK);
		assert_int_equal(dispute.code, BD_OK);
	}
	said_open(&said, "market", "changes");
	said_add(&said, fact_of(&fact, &person, 1, "s", 1, 10, "a"));
	said.entry.received_ms = STORE_NOW_MS;
	said.entry.records = bd_buf_bytes(&said.records);
	entries[0] = &said.entry;
	assert_int_equal(bd_store_commit(watched.box.store, entries, 2, &watched.box.diag), BD_OK);
	said_close(&said);
	assert_int_equal(dispute.code, BD_LIMIT_COUNT);
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(events(&watched, "engine", 0).items[0].number, 1);
	stop(&watched);
}

/* An entry that is given up leaves no event, and no number is lost or given twice. */
static void test_given_up(void **state)
{
	struct watched watched;
	struct said said;
	struct fact fact;

	(void)state;
	start(&watched);
	decide(&watched, "engine", &person, 1, "");
	said_open(&said, "market", "changes");
	said_add(&said, fact_of(&fact, &person, 1, "s", 1, 10, "a"));
	said.entry.record_count++;
	assert_int_equal(box_push(&watched.box, &said), BD_WORKER_DIED);
	said_close(&said);
	assert_int_equal(count_of(&watched, "engine"), 0);
	assert_int_equal(bd_store_watch_last(watched.box.store), 0);
	say(&watched, "market", 1, 10, "a");
	assert_int_equal(events(&watched, "engine", 0).items[0].number, 1);
	bd_case_log_close(watched.log);
	box_stop(&watched.box);
	box_start(&watched.box);
	assert_int_equal(bd_store_watch_last(watched.box.store), 1);
	assert_int_equal(
		bd_case_log_open(&watched.log, watched.box.store, 0, &watched.box.diag), BD_OK);
	say(&watched, "market", 1, 11, "b");
	assert_int_equal(events(&watched, "engine", 0).items[1].number, 2);
	stop(&watched);
}

/* Past its time an event goes when the next one comes. */
static void test_expired(void **state)
{
	struct watched watched;

	(void)state;
	start(&watched);
	decide(&watched, "engine", &person, 1, "");
	say(&watched, "market", 1, 10, "a");
	watched.box.now_ms += INT64_C(401) * 86400 * 1000;
	say(&watched, "market", 1, 11, "b");
	assert_int_equal(count_of(&watched, "engine"), 1);
	assert_int_equal(last_what(&watched), BD_WATCH_CHANGED);
	stop(&watched);
}

static void test_told(void **state)
{
	struct watched watched;
	struct box *box = &watched.box;
	uint64_t number = 9;

	(void)state;
	start(&watched);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_store_watch_told(&number, box->reader, "engine", &box->diag), BD_OK);
	bd_store_end(box->reader);
	assert_int_equal(number, 0);
	assert_int_equal(bd_store_watch_tell(box->store, "engine", 7, &box->diag), BD_OK);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_store_watch_told(&number, box->reader, "engine", &box->diag), BD_OK);
	assert_int_equal(number, 7);
	assert_int_equal(bd_store_watch_told(&number, box->reader, "other", &box->diag), BD_OK);
	bd_store_end(box->reader);
	assert_int_equal(number, 0);
	stop(&watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_recalled_and_disputed),
		cmocka_unit_test(test_past_period),
		cmocka_unit_test(test_in_between),
		cmocka_unit_test(test_first_word),
		cmocka_unit_test(test_relation),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_gone_between),
		cmocka_unit_test(test_gone_midway),
		cmocka_unit_test(test_gone_before_indexing),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_group_given_up),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
