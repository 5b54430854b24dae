/* test_store_history.c - the store as it was: what is looked up as of a commit is what was looked
 * up when it was the last. */
#include "store_support.h"

#define PEOPLE 7
#define ORGS 3
#define MESSAGES 240
#define SEEN_MAX 600
#define DAY_MS (INT64_C(86400) * 1000)

static const struct bd_cover covers[] = {
	{ "a", "changes", "s", 1, 1, "daily", false, 0 },
	{ "a", "all", "t", 2, 1, "daily", false, 0 },
	{ "a", "all", "t", 2, 2, "daily", false, 0 },
	{ "b", "changes", "s", 3, 1, "monthly", false, 0 },
	{ "b", "replies", "r", 4, 2, NULL, true, 0 },
};
#define COVERS (sizeof(covers) / sizeof(covers[0]))

/* -- what a lookup gives, to the last number -- */

static void show_identifiers(
	struct bd_buf *out, const char *what, const struct bd_identifier *list, size_t count)
{
	bd_buf_add_text(out, what);
	for (size_t i = 0; i < count; i++) {
		bd_buf_printf(out, " %u:%.*s:%.*s", list[i].kind, (int)list[i].issuer.len,
			list[i].issuer.ptr, (int)list[i].number.len, list[i].number.ptr);
	}
}

static void show_statement(struct bd_buf *out, const struct bd_statement *statement)
{
	bd_buf_printf(out,
		" %s %s %u [%.*s] inverse %d blocked %d as of %lld received %lld "
		"version %llu digest ",
		statement->source, statement->section, statement->entity,
		(int)statement->row_key.len, statement->row_key.ptr, statement->is_inverse,
		statement->is_blocked, (long long)statement->as_of_ms,
		(long long)statement->received_ms, (unsigned long long)statement->version);
	for (int i = 0; i < 32; i++) {
		bd_buf_printf(out, "%02x", statement->digest[i]);
	}
	show_identifiers(out, " other", statement->other, statement->other_count);
	for (size_t i = 0; i < statement->value_count; i++) {
		const struct bd_held_value *value = &statement->values[i];

		bd_buf_printf(out, "\n  %u = %.*s order %u:%lld as of %lld received %lld by %llu",
			value->value.field, (int)value->value.text.len, value->value.text.ptr,
			value->order.rank, (long long)value->order.order,
			(long long)value->as_of_ms, (long long)value->received_ms,
			(unsigned long long)value->message);
	}
	bd_buf_add_text(out, "\n");
}

static void show_held(struct bd_buf *out, const struct bd_held *held)
{
	bd_buf_printf(out, "status %d", held->status);
	show_identifiers(out, " is", held->identifiers, held->identifier_count);
	bd_buf_add_text(out, "\n");
	for (size_t i = 0; i < held->statement_count; i++) {
		show_statement(out, &held->statements[i]);
	}
	for (size_t i = 0; i < held->coverage_count; i++) {
		const struct bd_coverage *coverage = &held->coverage[i];

		bd_buf_printf(out, " coverage %s %u state %d through %lld blocked %d\n",
			coverage->source, coverage->entity, coverage->state,
			(long long)coverage->complete_through_ms, coverage->is_blocked);
	}
	for (size_t i = 0; i < held->dispute_count; i++) {
		bd_buf_printf(out, " disputed %s %u %u\n", held->disputes[i].source,
			held->disputes[i].entity, held->disputes[i].field);
	}
}

static struct bd_identifier person(unsigned i)
{
	static const char *const numbers[] = { "P0", "P1", "P2", "P3", "P4", "P5", "P6" };

	return id_of(ID_PERSON, numbers[i % PEOPLE]);
}

static struct bd_identifier person_key(unsigned i)
{
	static const char *const keys[] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6" };

	return id_of(ID_DEPT_PERSON, keys[i % PEOPLE]);
}

static struct bd_identifier org(unsigned i)
{
	static const char *const numbers[] = { "U0", "U1", "U2" };

	return id_of(ID_USCC, numbers[i % ORGS]);
}

static void show_one(struct bd_buf *out, struct box *box, struct bd_identifier id)
{
	struct bd_held *held = NULL;

	assert_int_equal(bd_store_lookup(&held, box->reader, &id, 1, &bd_wanted_all, &box->arena,
				 &box->diag),
		BD_OK);
	show_identifiers(out, "--", &id, 1);
	bd_buf_add_text(out, "\n");
	show_held(out, held);
}

/* All that can be seen in the snapshot in hand. */
static void show_all(struct bd_buf *out, struct box *box)
{
	bd_arena_clear(&box->arena);
	for (unsigned i = 0; i < PEOPLE; i++) {
		show_one(out, box, person(i));
		show_one(out, box, person_key(i));
	}
	for (unsigned i = 0; i < ORGS; i++) {
		show_one(out, box, org(i));
	}
	assert_int_equal(bd_store_dump(out, box->reader, &box->arena, &box->diag), BD_OK);
}

/* -- what was seen when it was the present -- */

struct seen {
	uint64_t commit;
	struct bd_buf text;
};

struct past {
	struct bd_store_hook hook; /* first */
	struct box box;
	struct seen seen[SEEN_MAX];
	size_t count;
};

static void look(struct past *past)
{
	struct seen *seen = &past->seen[past->count];
	struct box *box = &past->box;

	assert_true(past->count < SEEN_MAX);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	seen->commit = bd_store_reader_commit(box->reader);
	bd_buf_init(&seen->text, 1 << 24);
	show_all(&seen->text, box);
	bd_store_end(box->reader);
	if (past->count > 0 && past->seen[past->count - 1].commit == seen->commit) {
		/* Nothing was committed, so nothing is to be seen. */
		assert_true(bd_bytes_equal(bd_buf_bytes(&past->seen[past->count - 1].text),
			bd_buf_bytes(&seen->text)));
		bd_buf_release(&seen->text);
		return;
	}
	past->count++;
}

/* Every commit, those of the parts of long messages as well. */
static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	struct past *past = (struct past *)hook;

	if (past->box.reader != NULL &&
		(strcmp(point, "commit.committed") == 0 || strcmp(point, "long.committed") == 0 ||
			strcmp(point, "long.finished") == 0)) {
		look(past);
	}
}

/* From the first line that differs. */
static void show_difference(const struct bd_buf *now, const struct bd_buf *then)
{
	size_t at = 0, line = 0;

	while (at < now->len && at < then->len && now->ptr[at] == then->ptr[at]) {
		line = now->ptr[at++] == '\n' ? at : line;
	}
	print_message("%.400s\n-- it was --\n%.400s\n", now->ptr + line, then->ptr + line);
}

static void check_seen(struct past *past, size_t i)
{
	struct seen *seen = &past->seen[i];
	struct box *box = &past->box;
	struct bd_buf text;

	bd_buf_init(&text, 1 << 24);
	assert_int_equal(bd_store_begin_at(box->reader, seen->commit, &box->diag), BD_OK);
	assert_int_equal(bd_store_reader_commit(box->reader), seen->commit);
	show_all(&text, box);
	assert_false(bd_store_met_erased(box->reader));
	bd_store_end(box->reader);
	if (!bd_bytes_equal(bd_buf_bytes(&text), bd_buf_bytes(&seen->text))) {
		print_message("as of commit %llu:\n", (unsigned long long)seen->commit);
		show_difference(&text, &seen->text);
		fail();
	}
	bd_buf_release(&text);
}

static struct past *past_open(void)
{
	struct past *past = calloc(1, sizeof(*past));

	assert_non_null(past);
	box_open(&past->box, covers, COVERS);
	return past;
}

static void past_close(struct past *past)
{
	for (size_t i = 0; i < past->count; i++) {
		bd_buf_release(&past->seen[i].text);
	}
	box_close(&past->box);
	free(past);
}

/* -- messages of every kind -- */

static unsigned seed;
/* The one that was raised last, and what it is about. */
static uint64_t last_dispute;
static const char *disputed = "a";

static unsigned draw(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static const char *draw_word(void)
{
	static const char *const words[] = { "one", "two", "three", "four", NULL };

	return words[draw(5)];
}

static const char *draw_key(void)
{
	static const char *const keys[] = { "", "x", "y" };

	return keys[draw(3)];
}

static void say_row(struct said *said, const char *section, uint16_t entity, enum bd_action action)
{
	unsigned i = draw(PEOPLE);
	struct bd_identifier subject[2] = { person(i), person_key(draw(4) > 0 ? i : i + 1) },
			     other = org(draw(ORGS));
	struct fact fact;

	if (draw(5) == 0) {
		subject[0] = org(draw(ORGS));
		other = draw(2) == 0 ? person(i) : person_key(i);
	}
	fact_of(&fact, subject, subject[0].kind == ID_PERSON && draw(3) == 0 ? 2 : 1, section,
		entity, 1 + draw(60), draw_word());
	fact.record.action = action;
	fact.record.row_key = bd_bytes_of(draw_key());
	if (action == BD_ACTION_DELETE) {
		fact.record.value_count = 0;
	}
	if (action != BD_ACTION_DELETE && (subject[0].kind == ID_USCC || draw(4) == 0)) {
		fact.record.other = &other;
		fact.record.other_count = 1;
	}
	said_add(said, &fact.record);
}

static void say_refused(struct said *said, const char *section, uint16_t entity)
{
	const struct bd_identifier subject = person(draw(PEOPLE));
	struct bd_reject_row row = { .entity = entity,
		.subject = &subject,
		.subject_count = draw(4) > 0,
		.has_key = draw(2) == 0,
		.key = bd_bytes_of(draw_key()) };
	struct bd_reject reject = { .section = section,
		.rows = &row,
		.row_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 10, 1 + draw(60) } };

	said_refuse(said, &reject);
}

static void deliver(struct said *said, bool is_baseline)
{
	said->entry.delivery = (struct bd_delivery){ .day = 20000 + (int32_t)draw(12),
		.has_total = draw(6) > 0,
		.total = said->entry.received,
		.is_baseline = is_baseline };
}

static void draw_changes(struct said *said)
{
	static const enum bd_action actions[] = { BD_ACTION_REPLACE, BD_ACTION_PATCH,
		BD_ACTION_DELETE, BD_ACTION_REPLACE };
	bool is_a = draw(2) == 0;

	said_open(said, is_a ? "a" : "b", "changes");
	said->entry.feed_number = is_a ? 1 : 3;
	for (unsigned i = draw(5); i > 0; i--) {
		say_row(said, "s", 1, actions[draw(4)]);
	}
	if (draw(6) == 0) {
		say_refused(said, "s", 1);
	}
	if (draw(3) == 0) {
		deliver(said, draw(3) == 0);
	}
}

static void draw_snapshot(struct said *said)
{
	static const char *const sections[] = { "t" };

	said_open(said, "a", "all");
	said->entry.feed_number = 2;
	said->entry.is_snapshot = true;
	said->entry.remove_share_max_percent = 100;
	said->entry.sections = sections;
	said->entry.section_count = 1;
	said->entry.order = (struct bd_order){ 10, 20 + draw(60) };
	for (unsigned i = draw(6); i > 0; i--) {
		say_row(said, "t", (uint16_t)(1 + draw(2)), BD_ACTION_REPLACE);
	}
	deliver(said, true);
	said->entry.delivery.has_total = true;
}

static void draw_reply(struct said *said, struct bd_identifier *subject)
{
	struct fact fact;

	*subject = person(draw(PEOPLE));
	said_open(said, "b", "replies");
	said->entry.feed_number = 4;
	said->entry.is_reply = true;
	said->entry.subject = subject;
	said->entry.subject_count = 1;
	fact_of(&fact, NULL, 0, "r", 2, 1 + draw(60), NULL);
	fact.record.is_message_subject = true;
	fact.record.action = BD_ACTION_SECTION;
	said_add(said, &fact.record);
	if (draw(2) == 0) {
		const char *word = draw_word();

		fact.value.text = bd_bytes_of(word != NULL ? word : "five");
		fact.record.value_count = 1;
		fact.record.action = BD_ACTION_REPLACE;
		fact.record.row_key = bd_bytes_of(draw_key());
		said_add(said, &fact.record);
	}
}

/* What is said of what was said: disputed, settled, or withdrawn. */
static void draw_other(struct said *said, struct bd_identifier *subject)
{
	static const char *const sections[] = { "s" };
	unsigned kind = draw(3);

	*subject = person(draw(PEOPLE));
	said_open(said, draw(2) == 0 ? "a" : "b", kind == 0 ? "changes" : NULL);
	said->entry.subject = subject;
	said->entry.subject_count = kind < 2;
	if (kind == 0) {
		said->entry.kind = BD_ENTRY_RECALL;
		said->entry.sections = sections;
		said->entry.section_count = 1;
		said->entry.recall.entity = 1;
	} else if (kind == 1) {
		said->entry.kind = BD_ENTRY_DISPUTE;
		said->entry.dispute = (struct bd_dispute){ .entity = 1,
			.field = (uint16_t)draw(2),
			.reason = "wrong_value",
			.reference = "YY",
			.subject = *subject,
			.due_day = 20100 };
	} else {
		said->entry.kind = BD_ENTRY_RESOLUTION;
		said->entry.source = disputed;
		said->entry.resolution = (struct bd_resolution){ last_dispute,
			draw(2) == 0 ? BD_DISPUTE_UPHELD : BD_DISPUTE_CORRECTED, "HF" };
	}
}

static void draw_message(struct said *said, struct bd_identifier *subject)
{
	unsigned kind = draw(14);

	if (kind < 6) {
		draw_changes(said);
	} else if (kind < 8) {
		draw_snapshot(said);
	} else if (kind < 10) {
		draw_reply(said, subject);
	} else {
		draw_other(said, subject);
	}
}

static void make_ready(struct box *box, struct said *said)
{
	said->entry.received_ms = box->now_ms;
	box->now_ms += draw(3) * 1000;
	said->entry.records = bd_buf_bytes(&said->records);
	said->entry.rejects = bd_buf_bytes(&said->rejects);
}

static void put_in_spool(struct box *box, struct said *said)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&said->records));

	assert_int_equal(bd_spool_new(&said->entry.spool, box->store, &box->diag), BD_OK);
	while (reader.rest.len > 0) {
		assert_int_equal(
			bd_spool_add(said->entry.spool, bd_read_sized(&reader), &box->diag), BD_OK);
	}
	said->entry.records = (struct bd_bytes){ "", 0 };
}

/* One, two or three in one commit; now and then a long one in parts of one node. */
static void push_some(struct past *past)
{
	struct bd_identifier subjects[3];
	struct said said[3];
	struct bd_entry *entries[3];
	size_t count = 1 + draw(3);

	for (size_t i = 0; i < count; i++) {
		draw_message(&said[i], &subjects[i]);
		make_ready(&past->box, &said[i]);
		if (count == 1 && said[i].entry.kind == BD_ENTRY_MESSAGE && draw(2) == 0) {
			put_in_spool(&past->box, &said[i]);
		}
		entries[i] = &said[i].entry;
	}
	assert_int_equal(bd_store_commit(past->box.store, entries, count, &past->box.diag), BD_OK);
	for (size_t i = 0; i < count; i++) {
		if (said[i].entry.kind == BD_ENTRY_DISPUTE && said[i].entry.code == BD_OK) {
			last_dispute = said[i].entry.message;
			disputed = said[i].entry.source;
		}
		bd_spool_free(said[i].entry.spool);
		said_close(&said[i]);
	}
	look(past);
}

static size_t times_seen(const struct past *past, const char *text)
{
	size_t times = 0;

	for (size_t i = 0; i < past->count; i++) {
		times += memmem(past->seen[i].text.ptr, past->seen[i].text.len, text,
				 strlen(text)) != NULL;
	}
	return times;
}

static void every_commit_is_seen_as_it_was(void **state)
{
	struct past *past = past_open();

	(void)state;
	seed = 20261126;
	past->hook = (struct bd_store_hook){ on_reach, 1 };
	box_stop(&past->box);
	past->box.settings.hook = &past->hook;
	box_start(&past->box);
	look(past);
	assert_int_equal(past->seen[0].commit, 0);
	for (int i = 0; i < MESSAGES; i++) {
		push_some(past);
		check_seen(past, draw((unsigned)past->count));
	}
	assert_true(past->count > MESSAGES);
	assert_true(times_seen(past, " disputed ") > 10);
	assert_true(times_seen(past, " blocked a s 1 ") > 10);
	assert_int_equal(past->seen[past->count - 1].commit, past->count - 1);
	for (size_t i = 0; i < past->count; i++) {
		check_seen(past, i);
	}
	/* And after a start, newest first. */
	box_stop(&past->box);
	box_start(&past->box);
	for (size_t i = past->count; i-- > 0;) {
		check_seen(past, i);
	}
	past_close(past);
}

/* -- numbers -- */

static uint64_t commit_of(struct box *box)
{
	uint64_t commit;

	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	commit = bd_store_reader_commit(box->reader);
	bd_store_end(box->reader);
	return commit;
}

static void say(struct box *box, unsigned who, int64_t order, const char *text)
{
	struct bd_identifier id = person(who);
	struct fact fact;

	box_say(box, "a", fact_of(&fact, &id, 1, "s", 1, order, text));
}

static void only_what_can_be_seen_makes_a_number(void **state)
{
	struct box box;
	struct said said;

	(void)state;
	box_open(&box, covers, COVERS);
	assert_int_equal(commit_of(&box), 0);
	said_open(&said, "a", "changes");
	said.entry.delivery = (struct bd_delivery){ .day = 20000, .has_total = true, .total = 9 };
	assert_int_equal(box_push(&box, &said), BD_DELIVERY_TOTAL);
	assert_int_equal(commit_of(&box), 0);
	said.entry.delivery.total = 0;
	said.entry.idempotency_key = bd_bytes_of("once");
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_int_equal(commit_of(&box), 1);
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_true(said.entry.is_repeat);
	assert_int_equal(commit_of(&box), 1);
	box_stop(&box);
	box_start(&box);
	assert_int_equal(commit_of(&box), 1);
	say(&box, 0, 1, "one");
	assert_int_equal(commit_of(&box), 2);
	assert_int_equal(bd_store_begin_at(box.reader, 3, &box.diag), BD_HISTORY_UNKNOWN);
	assert_int_equal(bd_store_begin_at(box.reader, 2, &box.diag), BD_OK);
	bd_store_end(box.reader);
	said_close(&said);
	box_close(&box);
}

/* -- erased -- */

/* Its value then, NULL = nothing was found; whether something of it has been erased since. */
static void check_at(struct box *box, uint64_t commit, unsigned who, const char *text, bool erased)
{
	struct bd_identifier id = person(who);
	struct bd_held *held = NULL;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin_at(box->reader, commit, &box->diag), BD_OK);
	assert_int_equal(bd_store_lookup(&held, box->reader, &id, 1, &bd_wanted_all, &box->arena,
				 &box->diag),
		BD_OK);
	assert_int_equal(bd_store_met_erased(box->reader), erased);
	bd_store_end(box->reader);
	assert_int_equal(held->statement_count, text != NULL);
	if (text != NULL) {
		assert_true(bd_bytes_is(held->statements[0].values[0].value.text, text));
	}
}

static void erase(struct box *box, unsigned who)
{
	struct bd_identifier id = person(who);

	assert_int_equal(erase_subject(box->store, &id, box->now_ms++, NULL, &box->diag), BD_OK);
}

static void what_was_erased_is_gone_from_then_on_and_before(void **state)
{
	struct box box;

	(void)state;
	box_open(&box, covers, COVERS);
	say(&box, 0, 1, "one");
	say(&box, 1, 1, "other");
	say(&box, 0, 2, "two");
	erase(&box, 0);
	assert_int_equal(commit_of(&box), 4);
	erase(&box, 0);
	erase(&box, 5);
	assert_int_equal(commit_of(&box), 4);
	for (int round = 0; round < 3; round++) {
		check_at(&box, 0, 0, NULL, false);
		check_at(&box, 1, 0, NULL, true);
		check_at(&box, 2, 0, NULL, true);
		check_at(&box, 3, 0, NULL, true);
		check_at(&box, 4, 0, NULL, false);
		for (uint64_t commit = 2; commit < 5; commit++) {
			check_at(&box, commit, 1, "other", false);
		}
		if (round == 0) {
			say(&box, 0, 1, "again");
		} else if (round == 1) {
			box_stop(&box);
			box_start(&box);
		}
	}
	check_at(&box, 5, 0, "again", false);
	erase(&box, 0);
	check_at(&box, 5, 0, NULL, true);
	check_at(&box, 4, 0, NULL, false);
	check_at(&box, 3, 0, NULL, true);
	check_at(&box, 6, 0, NULL, false);
	box_close(&box);
}

/* The salt is on disk before the commit: an end between them leaves a value that nobody opens. */
static void an_erasure_cut_short_still_counts(void **state)
{
	struct box box;

	(void)state;
	box_open(&box, covers, COVERS);
	say(&box, 0, 1, "one");
	say(&box, 0, 2, "two");
	assert_int_equal(bd_salts_erase(&box.store->salts, 0), BD_OK);
	check_at(&box, 1, 0, NULL, true);
	say(&box, 0, 3, "three");
	check_at(&box, 1, 0, NULL, true);
	check_at(&box, 2, 0, NULL, true);
	check_at(&box, 3, 0, "three", false);
	box_close(&box);
}

/* -- when its days are over -- */

static int expire(struct box *box, int64_t now_ms)
{
	bool has_more = true;
	int steps = 0;

	while (has_more) {
		assert_int_equal(bd_store_expire(&has_more, box->store, now_ms, &box->diag), BD_OK);
		steps++;
	}
	return steps;
}

static void what_is_too_old_goes_and_the_rest_stays(void **state)
{
	struct past *past = past_open();
	struct box *box = &past->box;
	int64_t first_ms = box->now_ms, times[SEEN_MAX];
	size_t before, half, at = 0;

	(void)state;
	seed = 7;
	look(past);
	box_stop(box);
	box->settings.history_days = 10;
	box_start(box);
	for (int i = 0; i < 60; i++) {
		push_some(past);
		times[past->count - 1] = box->now_ms;
		box->now_ms += DAY_MS / 4;
	}
	before = box_entries(box, box->store->history);
	half = box_entries(box, box->store->coverage_history);
	expire(box, first_ms + 10 * DAY_MS);
	assert_int_equal(box_entries(box, box->store->history), before);
	for (size_t i = 0; i < past->count; i++) {
		check_seen(past, i);
	}
	expire(box, first_ms + 17 * DAY_MS);
	assert_true(box_entries(box, box->store->history) < before);
	assert_true(box_entries(box, box->store->coverage_history) < half);
	while (bd_store_begin_at(box->reader, past->seen[at].commit, &box->diag) ==
		BD_HISTORY_EXPIRED) {
		at++;
	}
	bd_store_end(box->reader);
	assert_true(at > 20 && at + 20 < past->count);
	/* It was the present until the next came. */
	assert_true(times[at + 1] >= first_ms + 7 * DAY_MS);
	assert_true(times[at] <= first_ms + 7 * DAY_MS + DAY_MS / 4);
	for (size_t i = at; i < past->count; i++) {
		check_seen(past, i);
	}
	expire(box, first_ms + 1000 * DAY_MS);
	assert_int_equal(box_entries(box, box->store->history), 0);
	assert_int_equal(box_entries(box, box->store->coverage_history), 0);
	check_seen(past, past->count - 1);
	assert_int_equal(
		bd_store_begin_at(box->reader, past->seen[past->count - 2].commit, &box->diag),
		BD_HISTORY_EXPIRED);
	past_close(past);
}

static void without_a_limit_nothing_goes(void **state)
{
	struct box box;

	(void)state;
	box_open(&box, covers, COVERS);
	say(&box, 0, 1, "one");
	say(&box, 0, 2, "two");
	assert_int_equal(expire(&box, box.now_ms + 100000 * DAY_MS), 1);
	check_at(&box, 1, 0, "one", false);
	box_close(&box);
}

/* A few thousand at a time, and a reader in between sees either all of a commit or that it is gone.
 */
static void it_goes_in_steps(void **state)
{
	struct box box;
	struct said said;
	int steps;

	(void)state;
	box_open(&box, covers, COVERS);
	box_stop(&box);
	box.settings.history_days = 1;
	box_start(&box);
	for (int round = 0; round < 3; round++) {
		said_open(&said, "a", "changes");
		for (unsigned i = 0; i < 5000; i++) {
			struct bd_identifier id = { ID_PERSON, { "", 0 }, { NULL, 0 } };
			struct fact fact;
			char number[16];

			snprintf(number, sizeof(number), "Q%u", i);
			id.number = bd_bytes_of(number);
			said_add(&said, fact_of(&fact, &id, 1, "s", 1, round + 1, "word"));
		}
		assert_int_equal(box_push(&box, &said), BD_OK);
		said_close(&said);
	}
	assert_int_equal(box_entries(&box, box.store->history), 10003);
	steps = expire(&box, box.now_ms + 2 * DAY_MS);
	assert_true(steps > 2 && steps < 6);
	assert_int_equal(box_entries(&box, box.store->history), 0);
	box_close(&box);
}

static void what_an_erased_subject_left_goes_with_its_history(void **state)
{
	struct box box;

	(void)state;
	box_open(&box, covers, COVERS);
	box_stop(&box);
	box.settings.history_days = 1;
	box_start(&box);
	say(&box, 0, 1, "one");
	say(&box, 1, 1, "one");
	erase(&box, 0);
	say(&box, 0, 1, "again");
	erase(&box, 0);
	say(&box, 2, 1, "one");
	erase(&box, 2);
	say(&box, 2, 1, "again");
	assert_int_equal(box_entries(&box, box.store->nodes), 3);
	expire(&box, box.now_ms + 2 * DAY_MS);
	assert_int_equal(box_entries(&box, box.store->history), 0);
	assert_int_equal(box_entries(&box, box.store->nodes), 2);
	assert_int_equal(box_entries(&box, box.store->places), 2);
	check_at(&box, commit_of(&box), 0, NULL, false);
	check_at(&box, commit_of(&box), 1, "one", false);
	check_at(&box, commit_of(&box), 2, "again", false);
	box_close(&box);
}

/* The clock ran ahead and came back: what was made then goes all the same, counted from then. */
static void a_clock_that_ran_ahead_keeps_nothing_for_ever(void **state)
{
	struct box box;
	int64_t now_ms;

	(void)state;
	box_open(&box, covers, COVERS);
	box_stop(&box);
	box.settings.history_days = 1;
	box_start(&box);
	now_ms = box.now_ms;
	box.now_ms += 100000 * DAY_MS;
	say(&box, 0, 1, "one");
	say(&box, 0, 2, "two");
	box.now_ms = now_ms;
	say(&box, 0, 3, "three");
	expire(&box, now_ms + DAY_MS / 2);
	check_at(&box, 1, 0, "one", false);
	expire(&box, now_ms + 2 * DAY_MS);
	expire(&box, now_ms + 4 * DAY_MS);
	expire(&box, now_ms + 6 * DAY_MS);
	assert_int_equal(box_entries(&box, box.store->history), 0);
	box_close(&box);
}

/* -- damaged -- */

/* The newest entry of a database becomes these bytes. */
static void damage(struct box *box, MDB_dbi dbi, struct bd_bytes bytes)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(box->store->env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
	value = (MDB_val){ bytes.len, (void *)bytes.ptr };
	assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static size_t copy_last(char *out, size_t max, struct box *box, MDB_dbi dbi)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	size_t len;

	assert_int_equal(mdb_txn_begin(box->store->env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
	assert_true(value.mv_size <= max);
	len = value.mv_size;
	memcpy(out, value.mv_data, len);
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return len;
}

/* What is found then is what was there, or nothing, or a code: never something else. */
static enum bd_code try_at(struct box *box, uint64_t commit)
{
	struct bd_identifier id = person(0);
	struct bd_held *held = NULL;
	enum bd_code code;

	bd_arena_clear(&box->arena);
	bd_diag_clear(&box->diag);
	code = bd_store_begin_at(box->reader, commit, &box->diag);
	code = code == BD_OK ? bd_store_lookup(&held, box->reader, &id, 1, &bd_wanted_all,
				       &box->arena, &box->diag)
			     : code;
	bd_store_end(box->reader);
	for (size_t i = 0; code == BD_OK && i < held->statement_count; i++) {
		assert_true(bd_bytes_is(held->statements[i].values[0].value.text, "two"));
	}
	return code;
}

static void damaged_history_is_a_code(void **state)
{
	char kept[4096], bytes[4096];
	struct box box;
	size_t len, codes = 0;

	(void)state;
	box_open(&box, covers, COVERS);
	say(&box, 0, 1, "one");
	say(&box, 0, 2, "two");
	say(&box, 0, 3, "three");
	assert_int_equal(try_at(&box, 2), BD_OK);
	len = copy_last(kept, sizeof(kept), &box, box.store->history);
	for (size_t i = 0; i < len; i++) {
		memcpy(bytes, kept, len);
		bytes[i] ^= 0x41;
		damage(&box, box.store->history, (struct bd_bytes){ bytes, len });
		codes += try_at(&box, 2) == BD_STORE_DAMAGED;
		damage(&box, box.store->history, (struct bd_bytes){ kept, i });
		assert_int_equal(try_at(&box, 2), BD_STORE_DAMAGED);
	}
	/* All but what says which salt it has: without one it counts as erased. */
	assert_true(codes >= len - 8);
	damage(&box, box.store->history, (struct bd_bytes){ kept, len });
	assert_int_equal(try_at(&box, 2), BD_OK);
	box_close(&box);
}

static void damaged_coverage_history_is_a_code(void **state)
{
	char kept[4096];
	struct box box;
	struct said said;
	size_t len;

	(void)state;
	box_open(&box, covers, COVERS);
	say(&box, 0, 2, "two");
	for (int32_t day = 20000; day < 20003; day++) {
		said_open(&said, "a", "changes");
		said.entry.delivery =
			(struct bd_delivery){ .day = day, .has_total = true, .is_baseline = true };
		assert_int_equal(box_push(&box, &said), BD_OK);
		said_close(&said);
	}
	assert_int_equal(try_at(&box, 3), BD_OK);
	len = copy_last(kept, sizeof(kept), &box, box.store->coverage_history);
	for (size_t i = 1; i < len; i++) {
		damage(&box, box.store->coverage_history, (struct bd_bytes){ kept, i });
		assert_int_equal(try_at(&box, 3), BD_STORE_DAMAGED);
	}
	box_close(&box);
}

/* Entries that lead round in a circle, or stand where none can, are found out as well. */
static void expiry_of_damaged_history_is_a_code(void **state)
{
	struct box box;
	bool has_more;

	(void)state;
	box_open(&box, covers, COVERS);
	box_stop(&box);
	box.settings.history_days = 1;
	box_start(&box);
	say(&box, 0, 1, "one");
	say(&box, 0, 2, "two");
	damage(&box, box.store->history, (struct bd_bytes){ "short", 5 });
	assert_int_equal(bd_store_expire(&has_more, box.store, box.now_ms + 9 * DAY_MS, &box.diag),
		BD_STORE_DAMAGED);
	assert_false(has_more);
	check_at(&box, 2, 0, "two", false);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_commit_is_seen_as_it_was),
		cmocka_unit_test(only_what_can_be_seen_makes_a_number),
		cmocka_unit_test(what_was_erased_is_gone_from_then_on_and_before),
		cmocka_unit_test(an_erasure_cut_short_still_counts),
		cmocka_unit_test(what_is_too_old_goes_and_the_rest_stays),
		cmocka_unit_test(without_a_limit_nothing_goes),
		cmocka_unit_test(it_goes_in_steps),
		cmocka_unit_test(what_an_erased_subject_left_goes_with_its_history),
		cmocka_unit_test(a_clock_that_ran_ahead_keeps_nothing_for_ever),
		cmocka_unit_test(damaged_history_is_a_code),
		cmocka_unit_test(damaged_coverage_history_is_a_code),
		cmocka_unit_test(expiry_of_damaged_history_is_a_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
