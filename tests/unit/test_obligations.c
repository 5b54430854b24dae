/* test_obligations.c - the ledger of obligations: made by a conditional answer, closed by what
 * comes later, never listed twice, counted by the day, and readable only while its case is. */
#include "base/clock.h"
#include "store/obligations.h"
#include "store/txn.h"
#include "store_support.h"

#define ALL_STATES (~0u)
#define ALL_PARTIES (~0u)

static int set_up(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	assert_non_null(box);
	box_open(box, NULL, 0);
	*state = box;
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	free(*state);
	return 0;
}

static int32_t day(const char *text)
{
	int32_t out;

	assert_true(bd_day_parse(&out, bd_bytes_of(text)));
	return out;
}

/* -- what is said -- */

static const struct bd_owed_thing premises = { false, { "premises_proof", 14 }, { "", 0 } };
static const struct bd_owed_thing floor_plan = { false, { "floor_plan", 10 }, { "", 0 } };
static const struct bd_owed_thing penalty = { true, { "penalty", 7 },
	{ "/subjects/applicant", 19 } };

static struct bd_owed_item item_of(const struct bd_owed_thing *thing, const char *due)
{
	return (struct bd_owed_item){ .party = thing->is_element ? BD_OWED_BY_AGENCY
								 : BD_OWED_BY_APPLICANT,
		.thing = *thing,
		.due = day(due),
		.extensions = 2,
		.extension_working_days = 3 };
}

static struct bd_owed_answer answer_of(uint8_t receipt, const char *case_id, const char *on)
{
	struct bd_owed_answer answer = { .at_ms = STORE_NOW_MS + receipt,
		.on = day(on),
		.sender = bd_bytes_of("engine"),
		.case_id = bd_bytes_of(case_id),
		.matter = bd_bytes_of("permit"),
		.version = bd_bytes_of("1") };

	memset(answer.receipt, receipt, sizeof(answer.receipt));
	return answer;
}

/* What is to be told, as "STEP:RECEIPT/NUMBER ", oldest first; then it is told. */
static const char *news(struct box *box)
{
	static const char names[] = "?MEHLS";
	static char out[512];
	const struct bd_owed_news *items;
	size_t len = 0, count = 0;

	out[0] = '\0';
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_owed_news(&items, &count, box->reader, 16, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%c:%u/%u ",
			names[items[i].step], items[i].owed.id[0],
			items[i].owed.id[BD_OWED_ID_BYTES - 1]);
	}
	if (count > 0) {
		assert_int_equal(
			bd_owed_told(box->store, items[count - 1].number, &box->diag), BD_OK);
	}
	return out;
}

/* In a transaction of its own; the news of it. */
static const char *say(struct box *box, const struct bd_owed_answer *answer)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_diag_clear(&box->diag);
	bd_txn_open(&txn, box->store, &box->diag);
	assert_int_equal(bd_txn_begin(&txn), BD_OK);
	code = bd_owed_take(&txn, answer, &box->arena);
	assert_int_equal(bd_txn_end(&txn, code), BD_OK);
	bd_txn_close(&txn);
	return news(box);
}

static const char *say_owed(struct box *box, struct bd_owed_answer answer,
	const struct bd_owed_item *items, size_t count)
{
	answer.is_binding = true;
	answer.items = items;
	answer.item_count = count;
	return say(box, &answer);
}

/* -- what is there -- */

static const char *const state_names[] = { "?", "open", "extended", "met", "lapsed", "superseded" };

static size_t show(char *out, size_t size, const struct bd_owed *owed)
{
	char due[11];

	bd_day_format(due, owed->due);
	return (size_t)snprintf(out, size, "%u/%u %s %s %.*s\n", owed->id[0],
		owed->id[BD_OWED_ID_BYTES - 1], state_names[owed->state], due,
		(int)owed->thing.id.len, owed->thing.id.ptr);
}

static const struct bd_owed_query everything = { .due_from = INT32_MIN,
	.due_until = INT32_MAX,
	.states = ALL_STATES,
	.late_states = ALL_STATES,
	.parties = ALL_PARTIES,
	.max = 100 };

/* Page after page, '|' between them. */
static const char *list(struct box *box, struct bd_owed_query query, const char *case_id)
{
	static char out[8192];
	struct bd_owed_page page = { .has_more = true };
	size_t len = 0;

	out[0] = '\0';
	while (page.has_more) {
		assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
		assert_int_equal(
			case_id == NULL
				? bd_owed_list(&page, box->reader, &query, &box->arena, &box->diag)
				: bd_owed_of_case(&page, box->reader, bd_bytes_of(case_id), &query,
					  &box->arena, &box->diag),
			BD_OK);
		bd_store_end(box->reader);
		for (size_t i = 0; i < page.count; i++) {
			len += show(out + len, sizeof(out) - len, &page.items[i]);
		}
		len += (size_t)snprintf(
			out + len, sizeof(out) - len, "%s", page.has_more ? "|" : "");
		query.is_after = true;
		query.after_due = page.next_due;
		memcpy(query.after_id, page.next_id, sizeof(query.after_id));
	}
	return out;
}

static const char *all(struct box *box)
{
	return list(box, everything, NULL);
}

static struct bd_owed find(struct box *box, uint8_t receipt, uint8_t number)
{
	uint8_t id[BD_OWED_ID_BYTES];
	struct bd_owed owed;

	memset(id, receipt, BD_OWED_RECEIPT_BYTES);
	id[BD_OWED_RECEIPT_BYTES] = 0;
	id[BD_OWED_RECEIPT_BYTES + 1] = number;
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_find(&owed, box->reader, id, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return owed;
}

/* "owed by the applicant, by the agency; of them overdue". */
static const char *counts(struct box *box, const char *today)
{
	static char out[64];
	struct bd_owed_counts counted;

	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_count(&counted, box->reader, day(today), &box->diag), BD_OK);
	bd_store_end(box->reader);
	snprintf(out, sizeof(out), "%d %d; %d %d", (int)counted.owed_applicant,
		(int)counted.owed_agency, (int)counted.overdue_applicant,
		(int)counted.overdue_agency);
	return out;
}

static enum bd_code act(struct box *box, struct bd_owed_act *act, uint8_t receipt, uint8_t number)
{
	struct bd_owed_act *acts[] = { act };

	memset(act->id, receipt, BD_OWED_RECEIPT_BYTES);
	act->id[BD_OWED_RECEIPT_BYTES] = 0;
	act->id[BD_OWED_RECEIPT_BYTES + 1] = number;
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_owed_do(box->store, acts, 1, &box->arena, &box->diag), BD_OK);
	return act->code;
}

static enum bd_code extend(
	struct box *box, uint8_t receipt, uint8_t number, const char *from, const char *to)
{
	struct bd_owed_act extension = { .change = { .step = BD_OWED_STEP_EXTENDED,
						 .at_ms = STORE_NOW_MS + 500,
						 .due = day(to),
						 .sender = bd_bytes_of("engine"),
						 .operator_name = bd_bytes_of("officer 7"),
						 .reason = bd_bytes_of("检测机构排期") },
		.due = day(from) };

	return act(box, &extension, receipt, number);
}

static struct bd_owed_act material(uint8_t digest)
{
	struct bd_owed_act met = { .change = { .step = BD_OWED_STEP_MET,
					   .at_ms = STORE_NOW_MS + 700,
					   .handed_ms = STORE_NOW_MS + 600,
					   .material = bd_bytes_of("supplied") } };

	memset(met.change.digest, digest, sizeof(met.change.digest));
	return met;
}

/* -- tests -- */

static void test_made(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04"),
		item_of(&penalty, "2026-12-02") };
	struct bd_owed owed;

	assert_string_equal(
		say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 2), "M:1/1 M:1/2 ");
	assert_string_equal(all(box), "1/2 open 2026-12-02 penalty\n"
				      "1/1 open 2026-12-04 premises_proof\n");
	owed = find(box, 1, 2);
	assert_int_equal(owed.party, BD_OWED_BY_AGENCY);
	assert_true(owed.thing.is_element);
	assert_true(bd_bytes_is(owed.thing.pointer, "/subjects/applicant"));
	assert_true(bd_bytes_is(owed.case_id, "C-1"));
	assert_true(bd_bytes_is(owed.matter, "permit") && bd_bytes_is(owed.version, "1"));
	assert_int_equal(owed.opened, day("2026-12-01"));
	assert_int_equal(owed.change_count, 1);
	assert_int_equal(owed.changes[0].step, BD_OWED_STEP_MADE);
	/* The same answer again is there already. */
	assert_string_equal(say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 2), "");
	assert_string_equal(counts(box, "2026-12-01"), "1 1; 0 0");
}

static void test_unknown(void **state)
{
	static const uint8_t id[BD_OWED_ID_BYTES] = { 9 };
	struct box *box = *state;
	struct bd_owed_act met = material(1);
	struct bd_owed owed;

	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_find(&owed, box->reader, id, &box->arena, &box->diag),
		BD_OBLIGATION_UNKNOWN);
	bd_store_end(box->reader);
	assert_int_equal(act(box, &met, 9, 1), BD_OBLIGATION_UNKNOWN);
	assert_string_equal(all(box), "");
	assert_string_equal(list(box, everything, "C-1"), "");
	assert_string_equal(counts(box, "2026-12-01"), "0 0; 0 0");
}

/* On its due day it is not overdue; on the next it is, whatever the weekday. */
static void test_overdue(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-31"),
		item_of(&penalty, "2027-01-04") };
	struct bd_owed owed;

	say_owed(box, answer_of(1, "C-1", "2026-12-28"), items, 2);
	owed = find(box, 1, 1);
	assert_false(bd_owed_is_overdue(&owed, day("2026-12-31")));
	assert_true(bd_owed_is_overdue(&owed, day("2027-01-01")));
	assert_string_equal(counts(box, "2026-12-31"), "1 1; 0 0");
	assert_string_equal(counts(box, "2027-01-01"), "1 1; 1 0");
	assert_string_equal(counts(box, "2027-01-05"), "1 1; 1 1");
	/* Extended, it is not; met, it never is. */
	assert_int_equal(extend(box, 1, 1, "2026-12-31", "2027-01-06"), BD_OK);
	assert_string_equal(counts(box, "2027-01-05"), "1 1; 0 1");
	assert_int_equal(
		act(box, &(struct bd_owed_act){ .change = { .step = BD_OWED_STEP_MET } }, 1, 2),
		BD_OK);
	assert_string_equal(counts(box, "2027-02-01"), "1 0; 1 0");
	owed = find(box, 1, 2);
	assert_false(bd_owed_is_overdue(&owed, day("2027-02-01")));
}

/* A repeat: what it owes takes the place of what was owed, and nothing stands twice. */
static void test_repeat(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04"),
		item_of(&floor_plan, "2026-12-04") };

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 2);
	assert_string_equal(say_owed(box, answer_of(2, "C-1", "2026-12-01"), items, 2),
		"S:1/1 S:1/2 M:2/1 M:2/2 ");
	assert_string_equal(counts(box, "2026-12-01"), "2 0; 0 0");
	assert_string_equal(list(box, everything, "C-1"),
		"1/1 superseded 2026-12-04 premises_proof\n"
		"1/2 superseded 2026-12-04 floor_plan\n"
		"2/1 open 2026-12-04 premises_proof\n"
		"2/2 open 2026-12-04 floor_plan\n");
	assert_memory_equal(find(box, 1, 1).changes[1].receipt,
		answer_of(2, "", "2026-12-01").receipt, BD_OWED_RECEIPT_BYTES);
}

/* A re-submission on a later day: due as it was told last, owed since the first time; an extension
 * is neither lost nor won by it. */
static void test_submitted_again(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item first[] = { item_of(&premises, "2026-12-04") },
				  second[] = { item_of(&premises, "2026-12-08") },
				  third[] = { item_of(&premises, "2026-12-14") };
	struct bd_owed owed;

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), first, 1);
	say_owed(box, answer_of(2, "C-1", "2026-12-03"), second, 1);
	owed = find(box, 2, 1);
	assert_int_equal(owed.due, day("2026-12-08"));
	assert_int_equal(owed.opened, day("2026-12-01"));
	assert_int_equal(extend(box, 2, 1, "2026-12-08", "2026-12-11"), BD_OK);
	say_owed(box, answer_of(3, "C-1", "2026-12-03"), second, 1);
	owed = find(box, 3, 1);
	assert_int_equal(owed.state, BD_OWED_EXTENDED);
	assert_int_equal(owed.due, day("2026-12-11"));
	assert_int_equal(owed.first_due, day("2026-12-08"));
	assert_int_equal(owed.extended, 1);
	say_owed(box, answer_of(4, "C-1", "2026-12-09"), third, 1);
	owed = find(box, 4, 1);
	assert_int_equal(owed.due, day("2026-12-14"));
	assert_int_equal(owed.extended, 1);
	assert_string_equal(counts(box, "2026-12-01"), "1 0; 0 0");
}

/* What has come is met; what a binding answer asks no more has lapsed; another decision leaves the
 * rest as it is. */
static void test_later_answers(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04"),
		item_of(&floor_plan, "2026-12-04"), item_of(&penalty, "2026-12-04") };
	struct bd_owed_answer retry = answer_of(2, "C-1", "2026-12-01"),
			      pass = answer_of(3, "C-1", "2026-12-01");

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 3);
	retry.met = &premises;
	retry.met_count = 1;
	assert_string_equal(say(box, &retry), "H:1/1 ");
	pass.is_binding = true;
	pass.met = &penalty;
	pass.met_count = 1;
	assert_string_equal(say(box, &pass), "L:1/2 H:1/3 ");
	assert_string_equal(all(box), "1/1 met 2026-12-04 premises_proof\n"
				      "1/2 lapsed 2026-12-04 floor_plan\n"
				      "1/3 met 2026-12-04 penalty\n");
	assert_string_equal(counts(box, "2026-12-09"), "0 0; 0 0");
}

/* An element of another subject is another thing, and so is a case of another number, sender or
 * matter. */
static void test_others(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&penalty, "2026-12-04") };
	struct bd_owed_thing other = penalty;
	struct bd_owed_answer answer = answer_of(2, "C-1", "2026-12-01");

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 1);
	other.pointer = bd_bytes_of("/subjects/agent");
	answer.met = &other;
	answer.met_count = 1;
	assert_string_equal(say(box, &answer), "");
	answer.met = &penalty;
	answer.case_id = bd_bytes_of("C-2");
	assert_string_equal(say(box, &answer), "");
	answer.case_id = bd_bytes_of("C-1");
	answer.sender = bd_bytes_of("another");
	assert_string_equal(say(box, &answer), "");
	answer.sender = bd_bytes_of("engine");
	answer.matter = bd_bytes_of("clearance");
	assert_string_equal(say(box, &answer), "");
	answer.matter = bd_bytes_of("permit");
	answer.version = bd_bytes_of("2");
	assert_string_equal(say(box, &answer), "H:1/1 ");
}

/* Without a case number each answer is a case of its own. */
static void test_no_case(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04") };

	say_owed(box, answer_of(1, "", "2026-12-01"), items, 1);
	say_owed(box, answer_of(2, "", "2026-12-01"), items, 1);
	assert_string_equal(all(box), "1/1 open 2026-12-04 premises_proof\n"
				      "2/1 open 2026-12-04 premises_proof\n");
	assert_string_equal(list(box, everything, ""), "");
}

/* Answers that are kept out of their order: an older one closes nothing of a newer, and that one,
 * taken again, closes what it must. */
static void test_older_later(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04"),
		item_of(&floor_plan, "2026-12-04") };
	struct bd_owed_answer newer = answer_of(3, "C-1", "2026-12-01"),
			      pass = answer_of(1, "C-1", "2026-12-01");

	say_owed(box, newer, items, 1);
	pass.is_binding = true;
	pass.met = &premises;
	pass.met_count = 1;
	assert_string_equal(say(box, &pass), "");
	assert_string_equal(
		say_owed(box, answer_of(2, "C-1", "2026-12-01"), items, 2), "M:2/1 M:2/2 ");
	newer.met = &floor_plan;
	newer.met_count = 1;
	assert_string_equal(say_owed(box, newer, items, 1), "S:2/1 H:2/2 ");
	assert_string_equal(all(box), "2/1 superseded 2026-12-04 premises_proof\n"
				      "2/2 met 2026-12-04 floor_plan\n"
				      "3/1 open 2026-12-04 premises_proof\n");
}

static void test_extended(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04") };
	struct bd_owed owed;

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 1);
	assert_int_equal(extend(box, 1, 1, "2026-12-04", "2026-12-09"), BD_OK);
	/* From another day than it is due: somebody else was faster. */
	assert_int_equal(extend(box, 1, 1, "2026-12-04", "2026-12-09"), BD_OBLIGATION_CHANGED);
	assert_int_equal(extend(box, 1, 1, "2026-12-09", "2026-12-14"), BD_OK);
	assert_int_equal(extend(box, 1, 1, "2026-12-14", "2026-12-17"), BD_OBLIGATION_NO_EXTENSION);
	owed = find(box, 1, 1);
	assert_int_equal(owed.state, BD_OWED_EXTENDED);
	assert_int_equal(owed.due, day("2026-12-14"));
	assert_int_equal(owed.first_due, day("2026-12-04"));
	assert_int_equal(owed.change_count, 3);
	assert_true(bd_bytes_is(owed.changes[2].operator_name, "officer 7"));
	assert_true(bd_bytes_is(owed.changes[2].reason, "检测机构排期"));
	assert_int_equal(owed.changes[1].due, day("2026-12-09"));
	assert_string_equal(all(box), "1/1 extended 2026-12-14 premises_proof\n");
}

static void test_material(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04") };
	struct bd_owed_act met = material(5), again = material(5), other = material(6);

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 1);
	assert_int_equal(act(box, &met, 1, 1), BD_OK);
	assert_false(met.is_repeat);
	assert_int_equal(met.owed.state, BD_OWED_MET);
	/* A retry of the report is as once; another material for what is closed is not taken. */
	assert_int_equal(act(box, &again, 1, 1), BD_OK);
	assert_true(again.is_repeat);
	assert_int_equal(act(box, &other, 1, 1), BD_OBLIGATION_CLOSED);
	assert_int_equal(extend(box, 1, 1, "2026-12-04", "2026-12-09"), BD_OBLIGATION_CLOSED);
	assert_int_equal(find(box, 1, 1).change_count, 2);
	assert_int_equal(find(box, 1, 1).changes[1].handed_ms, STORE_NOW_MS + 600);
	/* Who reported it was answered; nothing is left to be told. */
	assert_string_equal(news(box), "");
}

/* A push has closed it: told with its source and statement, until somebody says that it was. */
static void test_news(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&penalty, "2026-12-04") };
	struct bd_owed_act met = { .change = { .step = BD_OWED_STEP_MET,
					   .at_ms = STORE_NOW_MS + 700,
					   .source = bd_bytes_of("market"),
					   .version = 17 },
		.is_news = true };
	const struct bd_owed_news *told;
	size_t count = 0;

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 1);
	assert_int_equal(act(box, &met, 1, 1), BD_OK);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_owed_news(&told, &count, box->reader, 16, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	assert_int_equal(count, 1);
	assert_true(bd_bytes_is(told[0].source, "market"));
	assert_int_equal(told[0].version, 17);
	assert_int_equal(told[0].at_ms, STORE_NOW_MS + 700);
	assert_int_equal(told[0].due, day("2026-12-04"));
	/* What was told before it is forgotten, and it is not. */
	assert_int_equal(bd_owed_told(box->store, told[0].number - 1, &box->diag), BD_OK);
	assert_string_equal(news(box), "H:1/1 ");
	assert_string_equal(news(box), "");
	assert_true(bd_bytes_is(find(box, 1, 1).changes[1].source, "market"));
}

/* -- what a push may settle -- */

/* What is to be looked at again, and the snapshot of it. */
static const char *again(struct box *box, uint64_t *snapshot)
{
	static char out[256];
	uint8_t ids[16][BD_OWED_ID_BYTES];
	size_t len = 0, count = 0;

	out[0] = '\0';
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_again(ids, &count, 16, snapshot, box->reader, &box->diag), BD_OK);
	bd_store_end(box->reader);
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%u/%u ", ids[i][0],
			ids[i][BD_OWED_ID_BYTES - 1]);
	}
	return out;
}

static void looked(struct box *box, uint8_t receipt, uint8_t number, uint64_t snapshot)
{
	uint8_t ids[1][BD_OWED_ID_BYTES] = { { 0 } };

	memset(ids[0], receipt, BD_OWED_RECEIPT_BYTES);
	ids[0][BD_OWED_ID_BYTES - 1] = number;
	assert_int_equal(bd_owed_looked(box->store, ids, 1, snapshot, &box->diag), BD_OK);
}

static void push_about(struct box *box, const struct bd_identifier *subject, size_t count)
{
	static int64_t order;
	struct fact fact;

	box_say(box, "tax", fact_of(&fact, subject, count, "status", 7, ++order, "normal"));
}

static void test_watched(void **state)
{
	struct box *box = *state;
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017"),
				   other = id_of(ID_USCC, "92440311MA00000025"),
				   of_both[] = { id_of(ID_REG_NO, "440311000000017"), business };
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04"),
		item_of(&penalty, "2026-12-04") };
	struct bd_owed_answer answer = answer_of(1, "C-1", "2026-12-01");
	uint64_t before, snapshot;

	answer.looked = &business;
	answer.looked_count = 1;
	push_about(box, &business, 1);
	say_owed(box, answer, items, 2);
	assert_string_equal(again(box, &before), "");
	push_about(box, &other, 1);
	assert_string_equal(again(box, &snapshot), "");
	/* Only the check waits for the source; the material waits for the applicant. */
	push_about(box, &business, 1);
	assert_string_equal(again(box, &snapshot), "1/2 ");
	/* Looked at in a snapshot from before: there is something newer to see. */
	looked(box, 1, 2, before);
	assert_string_equal(again(box, &snapshot), "1/2 ");
	looked(box, 1, 2, snapshot);
	assert_string_equal(again(box, &snapshot), "");
	/* After a restart they are watched as before. */
	box_stop(box);
	box_start(box);
	push_about(box, &business, 1);
	assert_string_equal(again(box, &snapshot), "1/2 ");
	looked(box, 1, 2, snapshot);
	/* What is told under another number that leads to it counts as well. */
	push_about(box, of_both, 2);
	assert_string_equal(again(box, &snapshot), "1/2 ");
	looked(box, 1, 2, snapshot);
	/* Closed, nobody waits for it. */
	assert_int_equal(
		act(box, &(struct bd_owed_act){ .change = { .step = BD_OWED_STEP_MET } }, 1, 2),
		BD_OK);
	push_about(box, &business, 1);
	assert_string_equal(again(box, &snapshot), "");
}

static void reach_nothing(const struct bd_store_hook *hook, const char *point)
{
	(void)hook;
	(void)point;
}

/* One whose aliases are put apart from its nodes, and before them. */
static void push_about_long(struct box *box, const struct bd_identifier *subject, size_t count)
{
	struct bd_entry *entries[1];
	struct said said;
	struct fact fact;
	struct bd_reader reader;

	said_open(&said, "tax", "changes");
	said_add(&said, fact_of(&fact, subject, count, "status", 7, 1000, "normal"));
	reader = bd_reader_of(bd_buf_bytes(&said.records));
	assert_int_equal(bd_spool_new(&said.entry.spool, box->store, &box->diag), BD_OK);
	assert_int_equal(bd_spool_add(said.entry.spool, bd_read_sized(&reader), &box->diag), BD_OK);
	said.entry.received_ms = box->now_ms;
	entries[0] = &said.entry;
	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	assert_int_equal(said.entry.code, BD_OK);
	bd_spool_free(said.entry.spool);
	said_close(&said);
}

static void test_watched_by_a_long_message(void **state)
{
	static const struct bd_store_hook hook = { reach_nothing, 1 };
	struct box *box = *state;
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017"),
				   of_both[] = { id_of(ID_REG_NO, "440311000000017"), business };
	const struct bd_owed_item items[] = { item_of(&penalty, "2026-12-04") };
	struct bd_owed_answer answer = answer_of(1, "C-1", "2026-12-01");
	uint64_t snapshot;

	answer.looked = &business;
	answer.looked_count = 1;
	box_stop(box);
	box->settings.hook = &hook;
	box_start(box);
	say_owed(box, answer, items, 1);
	assert_string_equal(again(box, &snapshot), "");
	push_about_long(box, of_both, 2);
	assert_string_equal(again(box, &snapshot), "1/1 ");
}

/* More than fit in one look. */
static void test_many_watch(void **state)
{
	struct box *box = *state;
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017");
	const struct bd_owed_item items[] = { item_of(&penalty, "2026-12-04") };
	uint8_t ids[256][BD_OWED_ID_BYTES];
	uint64_t snapshot;
	size_t count = 0;

	for (uint8_t i = 1; i <= 200; i++) {
		char case_id[8];
		struct bd_owed_answer answer;

		snprintf(case_id, sizeof(case_id), "C-%d", i);
		answer = answer_of(i, case_id, "2026-12-01");
		answer.looked = &business;
		answer.looked_count = 1;
		say_owed(box, answer, items, 1);
	}
	push_about(box, &business, 1);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_owed_again(ids, &count, 256, &snapshot, box->reader, &box->diag), BD_OK);
	bd_store_end(box->reader);
	assert_int_equal(count, 200);
}

/* -- lists -- */

static void make_many(struct box *box)
{
	static const char *const days[] = { "2026-12-04", "2026-12-07", "2026-12-02" };

	for (uint8_t i = 0; i < 3; i++) {
		const struct bd_owed_item items[] = { item_of(&premises, days[i]),
			item_of(&penalty, days[i]) };
		char case_id[8];
		struct bd_owed_answer answer;

		snprintf(case_id, sizeof(case_id), "C-%d", i);
		answer = answer_of((uint8_t)(i + 1), case_id, "2026-12-01");
		answer.sender = bd_bytes_of(i == 2 ? "another" : "engine");
		say_owed(box, answer, items, 2);
	}
	assert_int_equal(extend(box, 1, 1, "2026-12-04", "2026-12-08"), BD_OK);
	assert_int_equal(
		act(box, &(struct bd_owed_act){ .change = { .step = BD_OWED_STEP_MET } }, 2, 2),
		BD_OK);
}

static void test_listed(void **state)
{
	struct box *box = *state;
	struct bd_owed_query query = everything;

	make_many(box);
	/* Owed and closed ones in one order, page after page. */
	query.max = 2;
	assert_string_equal(list(box, query, NULL), "3/1 open 2026-12-02 premises_proof\n"
						    "3/2 open 2026-12-02 penalty\n"
						    "|1/2 open 2026-12-04 penalty\n"
						    "2/1 open 2026-12-07 premises_proof\n"
						    "|2/2 met 2026-12-07 penalty\n"
						    "1/1 extended 2026-12-08 premises_proof\n");
	query = everything;
	query.due_from = day("2026-12-04");
	query.due_until = day("2026-12-08");
	assert_string_equal(list(box, query, NULL), "1/2 open 2026-12-04 penalty\n"
						    "2/1 open 2026-12-07 premises_proof\n"
						    "2/2 met 2026-12-07 penalty\n");
	query = everything;
	query.states = query.late_states = 1u << BD_OWED_MET;
	assert_string_equal(list(box, query, NULL), "2/2 met 2026-12-07 penalty\n");
	query = everything;
	query.parties = 1u << BD_OWED_BY_AGENCY;
	query.states = query.late_states = 1u << BD_OWED_OPEN | 1u << BD_OWED_EXTENDED;
	assert_string_equal(list(box, query, NULL), "3/2 open 2026-12-02 penalty\n"
						    "1/2 open 2026-12-04 penalty\n");
	/* Overdue ones alone, and those that are not: the day itself is not over. */
	query = everything;
	query.today = day("2026-12-04");
	query.states = 0;
	query.late_states = 1u << BD_OWED_OPEN | 1u << BD_OWED_EXTENDED;
	assert_string_equal(list(box, query, NULL), "3/1 open 2026-12-02 premises_proof\n"
						    "3/2 open 2026-12-02 penalty\n");
	query.states = 1u << BD_OWED_OPEN;
	query.late_states = 0;
	assert_string_equal(list(box, query, NULL), "1/2 open 2026-12-04 penalty\n"
						    "2/1 open 2026-12-07 premises_proof\n");
	query = everything;
	query.sender = "another";
	assert_string_equal(list(box, query, NULL), "3/1 open 2026-12-02 premises_proof\n"
						    "3/2 open 2026-12-02 penalty\n");
	/* A sender that is but the beginning of another's name sees nothing of it. */
	query.sender = "anoth";
	assert_string_equal(list(box, query, NULL), "");
}

static void test_listed_by_case(void **state)
{
	struct box *box = *state;
	struct bd_owed_query query = everything;

	make_many(box);
	query.max = 1;
	assert_string_equal(list(box, query, "C-0"), "1/1 extended 2026-12-08 premises_proof\n"
						     "|1/2 open 2026-12-04 penalty\n");
	query = everything;
	query.sender = "another";
	assert_string_equal(list(box, query, "C-0"), "");
	assert_string_equal(list(box, query, "C-2"), "3/1 open 2026-12-02 premises_proof\n"
						     "3/2 open 2026-12-02 penalty\n");
}

/* -- erasing, and the end of keeping -- */

static void erase_or_drop(struct box *box, uint8_t receipt,
	enum bd_code (*do_it)(struct bd_txn *txn, const uint8_t receipt[BD_OWED_RECEIPT_BYTES],
		struct bd_arena *arena))
{
	uint8_t bytes[BD_OWED_RECEIPT_BYTES];
	struct bd_txn txn;
	enum bd_code code;

	memset(bytes, receipt, sizeof(bytes));
	bd_txn_open(&txn, box->store, &box->diag);
	assert_int_equal(bd_txn_begin(&txn), BD_OK);
	code = do_it(&txn, bytes, &box->arena);
	assert_int_equal(bd_txn_end(&txn, code), BD_OK);
	bd_txn_close(&txn);
}

static void test_erased(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04") };
	struct bd_owed_answer later = answer_of(2, "C-1", "2026-12-01");
	struct bd_owed owed;

	say_owed(box, answer_of(7, "C-2", "2026-12-01"), items, 1);
	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 1);
	erase_or_drop(box, 1, bd_owed_erase);
	assert_false(find(box, 7, 1).is_erased);
	erase_or_drop(box, 7, bd_owed_drop);
	owed = find(box, 1, 1);
	assert_true(owed.is_erased);
	assert_int_equal(owed.case_id.len, 0);
	assert_int_equal(owed.change_count, 0);
	assert_true(bd_bytes_is(owed.matter, "permit"));
	assert_int_equal(owed.due, day("2026-12-04"));
	assert_string_equal(counts(box, "2026-12-05"), "1 0; 1 0");
	/* It can still be extended and closed, and its case is still found. */
	assert_int_equal(extend(box, 1, 1, "2026-12-04", "2026-12-09"), BD_OK);
	assert_string_equal(
		list(box, everything, "C-1"), "1/1 extended 2026-12-09 premises_proof\n");
	later.met = &premises;
	later.met_count = 1;
	assert_string_equal(say(box, &later), "H:1/1 ");
	assert_string_equal(all(box), "1/1 met 2026-12-09 premises_proof\n");
}

static void test_dropped(void **state)
{
	struct box *box = *state;
	MDB_stat stat;

	make_many(box);
	for (uint8_t i = 1; i <= 3; i++) {
		erase_or_drop(box, i, bd_owed_drop);
	}
	assert_string_equal(all(box), "");
	assert_string_equal(counts(box, "2027-12-01"), "0 0; 0 0");
	/* Nothing of it is left, in no index. */
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(mdb_stat(box->reader->txn, box->store->owed, &stat), 0);
	assert_int_equal(stat.ms_entries, 0);
	assert_int_equal(mdb_stat(box->reader->txn, box->store->obligations, &stat), 0);
	assert_int_equal(stat.ms_entries, 0);
	bd_store_end(box->reader);
}

/* The case number, who extended it and why stand nowhere in clear. */
static void test_sealed(void **state)
{
	static const char *const secrets[] = { "CASE-440311-7", "officer 7", "检测机构排期" };
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04") };
	char path[128];
	static char bytes[1 << 22];
	size_t len;
	FILE *file;

	say_owed(box, answer_of(1, secrets[0], "2026-12-01"), items, 1);
	assert_int_equal(extend(box, 1, 1, "2026-12-04", "2026-12-09"), BD_OK);
	snprintf(path, sizeof(path), "%s/data.mdb", box->folder);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(len > 4096 && len < sizeof(bytes));
	assert_non_null(memmem(bytes, len, "premises_proof", 14));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		assert_null(memmem(bytes, len, secrets[i], strlen(secrets[i])));
	}
}

/* Whoever moves the day of an entry in the file is found out. */
static void test_changed(void **state)
{
	struct box *box = *state;
	const struct bd_owed_item items[] = { item_of(&premises, "2026-12-04") };
	uint8_t id[BD_OWED_ID_BYTES];
	char copy[4096];
	struct bd_bytes value;
	struct bd_owed owed;
	struct bd_txn txn;
	bool found = false;

	say_owed(box, answer_of(1, "C-1", "2026-12-01"), items, 1);
	memset(id, 1, BD_OWED_RECEIPT_BYTES);
	id[BD_OWED_RECEIPT_BYTES] = 0;
	id[BD_OWED_RECEIPT_BYTES + 1] = 1;
	for (size_t at = 0; at < 12; at++) {
		struct bd_bytes name = { (const char *)id, sizeof(id) };

		bd_txn_open(&txn, box->store, &box->diag);
		assert_int_equal(bd_txn_begin(&txn), BD_OK);
		assert_int_equal(
			bd_txn_get(&value, &found, &txn, box->store->obligations, name), BD_OK);
		assert_true(found && value.len < sizeof(copy));
		memcpy(copy, value.ptr, value.len);
		copy[at] ^= 4;
		value.ptr = copy;
		assert_int_equal(bd_txn_put(&txn, box->store->obligations, name, value), BD_OK);
		assert_int_equal(bd_txn_end(&txn, BD_OK), BD_OK);
		assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
		assert_int_equal(bd_owed_find(&owed, box->reader, id, &box->arena, &box->diag),
			BD_STORE_DAMAGED);
		bd_store_end(box->reader);
		bd_diag_clear(&box->diag);
		copy[at] ^= 4;
		assert_int_equal(bd_txn_begin(&txn), BD_OK);
		assert_int_equal(bd_txn_put(&txn, box->store->obligations, name, value), BD_OK);
		assert_int_equal(bd_txn_end(&txn, BD_OK), BD_OK);
		bd_txn_close(&txn);
	}
	assert_int_equal(find(box, 1, 1).due, day("2026-12-04"));
}

int main(void)
{
#define IN_A_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = { IN_A_STORE(test_made), IN_A_STORE(test_unknown),
		IN_A_STORE(test_overdue), IN_A_STORE(test_repeat), IN_A_STORE(test_submitted_again),
		IN_A_STORE(test_later_answers), IN_A_STORE(test_others), IN_A_STORE(test_no_case),
		IN_A_STORE(test_older_later), IN_A_STORE(test_extended), IN_A_STORE(test_material),
		IN_A_STORE(test_news), IN_A_STORE(test_watched),
		IN_A_STORE(test_watched_by_a_long_message), IN_A_STORE(test_many_watch),
		IN_A_STORE(test_listed), IN_A_STORE(test_listed_by_case), IN_A_STORE(test_erased),
		IN_A_STORE(test_dropped), IN_A_STORE(test_sealed), IN_A_STORE(test_changed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
