/* test_store_erase.c - who is erased is gone from what others say as well: from their rows, from
 * what these were before and from disputes of them, whatever is read in the file with the keys of
 * the store; killed anywhere, and while a reader still looks at what was before.
 */
#include "leftovers.h"
#include "store/long.h"
#include "store/reseal.h"
#include "store_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* Nobody's: region 440311 has no such person. */
#define NUMBER "440311197001010014"
#define OLD_NUMBER "440311700101001"
#define PARTNER "440311198002020025"
#define NAME "被删示例"
#define PARTNER_NAME "合伙示例"
#define COMPANIES 3
#define VERSIONS 4

enum { ENTITY_PERSON = 1, ENTITY_RELATION = 3 };
enum { FIELD_NAME = 101, FIELD_ROLE = 301, FIELD_OTHER_NAME = 305, FIELD_SHARE = 307 };
static const uint16_t personal[] = { FIELD_NAME, FIELD_OTHER_NAME };
static const char *const words[] = { NUMBER, OLD_NUMBER, NAME, NULL };
static const char *const others_words[] = { PARTNER_NAME, NULL };

static const struct bd_cover covers[] = {
	{ .source = "market",
		.feed = "changes",
		.section = "investors",
		.entity = ENTITY_RELATION,
		.cycle = "daily" },
};

static struct bd_identifier company(unsigned number)
{
	static char names[COMPANIES][24];

	snprintf(names[number], sizeof(names[number]), "company-%06u", number);
	return id_of(ID_DEPT, names[number]);
}

/* -- what is said -- */

static void say_person(struct box *box, const char *name, int64_t order)
{
	const struct bd_identifier ids[] = { id_of(ID_PERSON, NUMBER),
		id_of(ID_DEPT_PERSON, "P-77") };
	const struct bd_value value = { FIELD_NAME, 0, bd_bytes_of(name), { "", 0 } };
	const struct bd_record record = { .section = "people",
		.entity = ENTITY_PERSON,
		.action = BD_ACTION_REPLACE,
		.subject = ids,
		.subject_count = 2,
		.row_key = { "", 0 },
		.order_kind = BD_ORDER_TIME,
		.order = { 10, order },
		.values = &value,
		.value_count = 1 };

	box_say(box, "market", &record);
}

/* One who holds a share, by whichever number the department knows him. */
static uint64_t say_share(struct box *box, unsigned of, const struct bd_identifier *who,
	const char *name, const char *share, int64_t order)
{
	const struct bd_identifier self = company(of);
	char key[64], native[64];
	const struct bd_value values[] = { { FIELD_ROLE, 0, bd_bytes_of("shareholder"), { "", 0 } },
		{ FIELD_OTHER_NAME, 0, bd_bytes_of(name),
			{ native, (size_t)snprintf(native, sizeof(native), " %s ", name) } },
		{ FIELD_SHARE, 0, bd_bytes_of(share), { "", 0 } } };
	const struct bd_record record = { .section = "investors",
		.entity = ENTITY_RELATION,
		.action = BD_ACTION_REPLACE,
		.subject = &self,
		.subject_count = 1,
		.other = who,
		.other_count = 1,
		.row_key = { key, (size_t)snprintf(key, sizeof(key), "shareholder %.*s",
					  (int)who->number.len, who->number.ptr) },
		.order_kind = BD_ORDER_TIME,
		.order = { 10, order },
		.values = values,
		.value_count = 3 };

	return box_say(box, "market", &record);
}

/* Text of an organization that names somebody without leading to him. */
static void say_note(struct box *box, unsigned of, const char *text, int64_t order)
{
	const struct bd_identifier self = company(of);
	struct fact fact;

	box_say(box, "market", fact_of(&fact, &self, 1, "notes", 2, order, text));
}

static uint64_t dispute(struct box *box, unsigned of, const char *reason)
{
	const struct bd_identifier self = company(of);
	struct bd_entry entry = { .kind = BD_ENTRY_DISPUTE,
		.source = "market",
		.sender = "window",
		.subject = &self,
		.subject_count = 1,
		.received_ms = box->now_ms++,
		.dispute = { .entity = ENTITY_RELATION,
			.field = FIELD_SHARE,
			.reason = reason,
			.reference = "YY-1 " OLD_NUMBER,
			.subject = self,
			.due_day = 20800 } };
	struct bd_entry *entries[] = { &entry };

	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	assert_int_equal(entry.code, BD_OK);
	return entry.message;
}

/* A record that was refused, with its own bytes, and whom it was about. */
static void refuse(struct said *said, const char *number, const char *raw)
{
	const struct bd_identifier who = id_of(ID_PERSON, number);
	static const uint16_t entity = ENTITY_PERSON;
	const struct bd_reject reject = { .section = "people",
		.entities = &entity,
		.entity_count = 1,
		.subject = &who,
		.subject_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 10, 5 },
		.raw = bd_bytes_of(raw) };

	said_refuse(said, &reject);
}

/* A message of one subject, and one with refused records. */
static void say_more(struct box *box)
{
	const struct bd_identifier who = id_of(ID_PERSON, NUMBER);
	struct said reply, refused;

	said_open(&reply, "social", "reply");
	reply.entry.is_reply = true;
	reply.entry.subject = &who;
	reply.entry.subject_count = 1;
	assert_int_equal(box_push(box, &reply), BD_OK);
	said_close(&reply);
	said_open(&refused, "market", "changes");
	refuse(&refused, NUMBER, NAME "|" OLD_NUMBER "|2026-13-40");
	refuse(&refused, PARTNER, PARTNER_NAME "|" PARTNER "|2026-13-40");
	assert_int_equal(box_push(box, &refused), BD_OK);
	said_close(&refused);
}

static void fill(struct box *box)
{
	const struct bd_identifier by_number = id_of(ID_PERSON, NUMBER);
	const struct bd_identifier by_key = id_of(ID_DEPT_PERSON, "P-77");
	const struct bd_identifier partner = id_of(ID_PERSON, PARTNER);

	say_person(box, NAME, 1);
	for (unsigned i = 0; i < COMPANIES; i++) {
		for (int version = 1; version <= VERSIONS; version++) {
			char share[16];

			snprintf(share, sizeof(share), "%d%%", 10 * version);
			say_share(box, i, i == 2 ? &by_key : &by_number, NAME, share, version);
		}
		say_note(box, i, "申请人" NUMBER "来电", 1);
	}
	say_share(box, 0, &partner, PARTNER_NAME, "60%", 9);
	dispute(box, 1, NAME "称出资比例有误");
	say_more(box);
}

/* -- looking -- */

static void leftovers_open(struct leftovers *left, struct box *box, const char *const *what)
{
	memset(left, 0, sizeof(*left));
	left->words = what;
	assert_int_equal(bd_seal_new(&left->seal, box->store->ring), BD_OK);
	leftover_salts(left, box->folder, box->store->next_slot);
	leftover_salt(left, box->store->message_salt);
}

/* How often one of these is read in the pages of the file. */
static size_t readable(struct box *box, const char *const *what)
{
	struct leftovers left;

	leftovers_open(&left, box, what);
	leftover_scan(&left, box->folder);
	assert_true(left.opened >= 4);
	bd_seal_free(left.seal);
	free(left.salts);
	return left.found;
}

static const struct bd_held *holds(struct box *box, unsigned of)
{
	const struct bd_identifier self = company(of);

	return box_find(box, &self, 1);
}

/* "role:share>others" of each relation. */
static const char *relations(struct box *box, unsigned of)
{
	static char text[512];
	const struct bd_held *held = holds(box, of);
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *one = &held->statements[i];

		if (one->entity != ENTITY_RELATION) {
			continue;
		}
		for (size_t n = 0; n < one->value_count; n++) {
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%.*s:", (int)one->values[n].value.text.len,
				one->values[n].value.text.ptr);
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%zu ", one->other_count);
	}
	return text;
}

static enum bd_code erase(struct box *box, struct bd_store_erased *erased)
{
	const struct bd_erasure erasure = { .identifier = id_of(ID_PERSON, NUMBER),
		.now_ms = box->now_ms++,
		.personal = personal,
		.personal_count = 2,
		.names = personal,
		.name_count = 2 };

	return bd_store_erase(box->store, &erasure, erased, &box->diag);
}

static void nobody_is_left(struct box *box)
{
	const struct bd_identifier by_number = id_of(ID_PERSON, NUMBER);

	assert_int_equal(readable(box, words), 0);
	assert_true(readable(box, others_words) > 0);
	assert_int_equal(box_find(box, &by_number, 1)->status, BD_HELD_NO_SUBJECT);
	assert_string_equal(relations(box, 1), "shareholder:40%:0 ");
	assert_string_equal(relations(box, 2), "shareholder:40%:0 ");
	assert_non_null(strstr(relations(box, 0), "shareholder:40%:0 "));
	assert_non_null(strstr(relations(box, 0), PARTNER_NAME ":60%:1 "));
}

/* -- tests -- */

static void who_is_erased_is_in_nobodys_rows(void **state)
{
	struct bd_store_erased erased;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fill(&box);
	/* In each version of each row, and in more: what shows nothing would find nothing. */
	assert_true(readable(&box, words) >= COMPANIES * VERSIONS);
	assert_int_equal(erase(&box, &erased), BD_OK);
	assert_int_equal(erased.nodes, 1);
	assert_int_equal(erased.others, COMPANIES);
	nobody_is_left(&box);
	box_stop(&box);
	box_start(&box);
	nobody_is_left(&box);
	/* Once more there is nothing to be done. */
	assert_int_equal(erase(&box, &erased), BD_OK);
	assert_int_equal(erased.nodes + erased.others + erased.cases, 0);
	box_close(&box);
}

static void what_stood_before_is_read_without_it(void **state)
{
	const struct bd_identifier self = company(1);
	struct bd_held *held = NULL;
	uint64_t commit;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	box.settings.history_days = 30;
	box_stop(&box);
	box_start(&box);
	fill(&box);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	commit = bd_store_reader_commit(box.reader);
	bd_store_end(box.reader);
	assert_int_equal(erase(&box, NULL), BD_OK);
	/* Of each commit so far: the share that it had then, and nobody's name. */
	for (uint64_t at = commit; at > commit - 8; at--) {
		bd_arena_clear(&box.arena);
		assert_int_equal(bd_store_begin_at(box.reader, at, &box.diag), BD_OK);
		assert_int_equal(bd_store_lookup(&held, box.reader, &self, 1, &bd_wanted_all,
					 &box.arena, &box.diag),
			BD_OK);
		assert_false(bd_store_met_erased(box.reader));
		for (size_t i = 0; i < held->statement_count; i++) {
			assert_int_equal(held->statements[i].other_count, 0);
		}
		bd_store_end(box.reader);
	}
	box_close(&box);
}

static void a_dispute_goes_on(void **state)
{
	struct bd_dispute_query query = { .day = INT32_MIN, .max = 10 };
	const struct bd_identifier other = id_of(ID_PERSON, PARTNER);
	struct bd_dispute_page page;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fill(&box);
	assert_int_equal(erase(&box, NULL), BD_OK);
	/* Something else changes there: what is disputed still stands. */
	say_share(&box, 1, &other, PARTNER_NAME, "1%", 20);
	bd_arena_clear(&box.arena);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(
		bd_store_disputes(&page, box.reader, &query, &box.arena, &box.diag), BD_OK);
	assert_int_equal(page.count, 1);
	assert_string_equal(page.items[0].reason, "〔已删除〕称出资比例有误");
	assert_string_equal(page.items[0].reference, "YY-1 〔已删除〕");
	bd_store_end(box.reader);
	assert_int_equal(holds(&box, 1)->dispute_count, 1);
	box_close(&box);
}

/* A refused record stays in the list, with its place and reason; the others with all they have. */
static void refused_records_are_listed(void **state)
{
	const struct bd_reject_query query = { .source = "market", .max = 10 };
	struct bd_reject_page page;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fill(&box);
	assert_int_equal(erase(&box, NULL), BD_OK);
	/* What comes on the same day goes under a salt of its own. */
	say_more(&box);
	assert_true(readable(&box, words) > 0);
	assert_int_equal(erase(&box, NULL), BD_OK);
	assert_int_equal(readable(&box, words), 0);
	bd_arena_clear(&box.arena);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(bd_store_rejects(&page, box.reader, &query, &box.arena, &box.diag), BD_OK);
	assert_int_equal(page.count, 4);
	for (size_t i = 0; i < page.count; i++) {
		assert_int_equal(page.items[i].reject.diag.code, BD_DATE_FORM);
		assert_int_equal(page.items[i].reject.index, i % 2);
	}
	bd_store_end(box.reader);
	box_close(&box);
}

/* An organization's salts may be new while an epoch is turned. */
static void it_goes_with_a_new_epoch(void **state)
{
	static const struct bd_key second = { 2, "the second epoch of this store." };
	bool has_more = true;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fill(&box);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	assert_int_equal(bd_store_reseal(box.store, true, &has_more, &box.diag), BD_OK);
	assert_int_equal(erase(&box, NULL), BD_OK);
	while (has_more) {
		assert_int_equal(bd_store_reseal(box.store, true, &has_more, &box.diag), BD_OK);
	}
	nobody_is_left(&box);
	box_close(&box);
}

/* Who reads what was before must not find it closed; it is overwritten when he is done. */
static void a_reader_of_before_is_waited_for(void **state)
{
	const struct bd_identifier self = company(1);
	struct bd_store_reader *reader = NULL;
	struct bd_held *held = NULL;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fill(&box);
	assert_int_equal(bd_store_reader_new(&reader, box.store, &box.diag), BD_OK);
	assert_int_equal(bd_store_begin(reader, &box.diag), BD_OK);
	assert_int_equal(erase(&box, NULL), BD_ERASE_WAITS);
	bd_arena_clear(&box.arena);
	assert_int_equal(
		bd_store_lookup(&held, reader, &self, 1, &bd_wanted_all, &box.arena, &box.diag),
		BD_OK);
	assert_int_equal(held->status, BD_HELD_FOUND);
	assert_true(readable(&box, words) > 0);
	assert_int_equal(bd_store_erase_finish(box.store, &box.diag), BD_ERASE_WAITS);
	bd_store_reader_free(reader);
	bd_diag_clear(&box.diag);
	assert_int_equal(bd_store_erase_finish(box.store, &box.diag), BD_OK);
	nobody_is_left(&box);
	box_close(&box);
}

/* Whoever was erased may come again, and is found again. */
static void it_may_come_again(void **state)
{
	const struct bd_identifier by_number = id_of(ID_PERSON, NUMBER);
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	fill(&box);
	assert_int_equal(erase(&box, NULL), BD_OK);
	say_share(&box, 1, &by_number, NAME, "5%", 30);
	assert_string_equal(relations(&box, 1), "shareholder:40%:0 shareholder:" NAME ":5%:1 ");
	assert_int_equal(box_find(&box, &by_number, 1)->statement_count, 1);
	assert_int_equal(erase(&box, NULL), BD_OK);
	assert_int_equal(readable(&box, words), 0);
	box_close(&box);
}

/* -- killed -- */

struct killer {
	struct bd_store_hook hook;
	int left;
};

static void count_down(const struct bd_store_hook *hook, const char *point)
{
	struct killer *killer = (struct killer *)(void *)hook;

	if (strncmp(point, "erase.", 6) == 0 && killer->left-- == 0) {
		kill(getpid(), SIGKILL);
	}
}

/* In a process of its own; true when it was not killed at all. */
static bool erase_and_die(struct box *box, int at)
{
	struct killer killer = { { count_down, 0 }, at };
	pid_t child = fork();
	int status;

	if (child == 0) {
		box->settings.hook = &killer.hook;
		_exit(bd_store_open(&box->store, &box->settings, box->covers, box->cover_count,
			      &box->diag) == BD_OK &&
					erase(box, NULL) == BD_OK
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return !WIFSIGNALED(status);
}

static void killed_anywhere_it_is_finished(void **state)
{
	bool is_over = false;
	int points = 0;

	(void)state;
	while (!is_over) {
		struct box box;

		box_open(&box, covers, 1);
		fill(&box);
		box_stop(&box);
		is_over = erase_and_die(&box, points++);
		box_start(&box);
		/* Whatever it was killed in, every company is still read. */
		for (unsigned i = 0; i < COMPANIES; i++) {
			assert_int_equal(holds(&box, i)->status, BD_HELD_FOUND);
		}
		assert_int_equal(bd_store_erase_finish(box.store, &box.diag), BD_OK);
		nobody_is_left(&box);
		box_close(&box);
	}
	assert_true(points >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_erased_is_in_nobodys_rows),
		cmocka_unit_test(what_stood_before_is_read_without_it),
		cmocka_unit_test(a_dispute_goes_on),
		cmocka_unit_test(refused_records_are_listed),
		cmocka_unit_test(it_goes_with_a_new_epoch),
		cmocka_unit_test(a_reader_of_before_is_waited_for),
		cmocka_unit_test(it_may_come_again),
		cmocka_unit_test(killed_anywhere_it_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
