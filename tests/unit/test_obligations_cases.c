/* test_obligations_cases.c - what the case files say goes into the ledger, whatever the order in
 * which the series of the loops are indexed. */
#include "store/cases.h"
#include "store/obligations.h"
#include "store_support.h"

#define NUMBER "MZT-2026-000117"
#define DUE 20613

/* What was answered, of one case: a material and a check that may wait. */
struct told {
	const char *decision;
	bool owes_material, owes_check; /* as answered */
	bool has_material, has_check;   /* it is there */
};

static int set_up(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	assert_non_null(box);
	box_open(box, NULL, 0);
	assert_int_equal(bd_owed_follow_cases(box->store, &box->diag), BD_OK);
	*state = box;
	return 0;
}

static int tear_down(void **state)
{
	box_close(*state);
	free(*state);
	return 0;
}

/* In the series of this loop, at this time; receipts are told apart by it. */
static void append(struct box *box, uint16_t loop, int64_t at_ms, const struct told *told)
{
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017");
	const struct bd_case_looked looked = { &business, 1, false, NULL };
	struct bd_case_owed owed[2];
	struct bd_case_settled settled[2];
	struct bd_case_record record = { .receipt = { 7, loop, 1, (uint32_t)at_ms },
		.at_ms = STORE_NOW_MS + at_ms,
		.client = bd_bytes_of("engine"),
		.number = bd_bytes_of(NUMBER),
		.matter = bd_bytes_of("permit"),
		.version = bd_bytes_of("1"),
		.decision = bd_bytes_of(told->decision),
		.on = DUE - 3,
		.question = bd_bytes_of("{}"),
		.looked = &looked,
		.looked_count = 1,
		.owed = owed,
		.settled = settled };
	struct bd_case_log *log;

	if (told->owes_material) {
		owed[record.owed_count++] = (struct bd_case_owed){
			.id = bd_bytes_of("plan"), .may_follow = true, .due = DUE
		};
	}
	if (told->owes_check) {
		owed[record.owed_count++] = (struct bd_case_owed){ .is_agency = true,
			.id = bd_bytes_of("penalty"),
			.pointer = bd_bytes_of("/subjects/business"),
			.may_follow = true,
			.due = DUE };
	}
	if (told->has_material) {
		settled[record.settled_count++] =
			(struct bd_case_settled){ false, bd_bytes_of("plan"), { "", 0 } };
	}
	if (told->has_check) {
		settled[record.settled_count++] = (struct bd_case_settled){ true,
			bd_bytes_of("penalty"), bd_bytes_of("/subjects/business") };
	}
	assert_int_equal(bd_case_log_open(&log, box->store, loop, &box->diag), BD_OK);
	assert_int_equal(bd_cases_append(log, &record, &box->diag), BD_OK);
	assert_int_equal(bd_cases_flush(log, &box->diag), BD_OK);
	bd_case_log_close(log);
}

static void index_all(struct box *box)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(bd_cases_index(box->store, &has_more, &box->diag), BD_OK);
	}
}

/* "WHAT state of the receipt of that time", a line each, by receipt. */
static const char *ledger(struct box *box)
{
	static const char *const states[] = { "?", "open", "extended", "met", "lapsed",
		"superseded" };
	static char out[1024];
	struct bd_owed_query query = { .max = 100 };
	struct bd_owed_page page;
	size_t len = 0;

	index_all(box);
	out[0] = '\0';
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_of_case(&page, box->reader, bd_bytes_of(NUMBER), &query,
				 &box->arena, &box->diag),
		BD_OK);
	bd_store_end(box->reader);
	for (size_t i = 0; i < page.count; i++) {
		const struct bd_owed *owed = &page.items[i];

		len += (size_t)snprintf(out + len, sizeof(out) - len, "%d %.*s %s%s\n",
			(int)(owed->answered_ms - STORE_NOW_MS), (int)owed->thing.id.len,
			owed->thing.id.ptr, states[owed->state], owed->is_erased ? ", erased" : "");
	}
	return out;
}

static const struct told both = { "conditional", .owes_material = true, .owes_check = true };
static const struct told material = { "conditional", .owes_material = true, .has_check = true };
static const struct told nothing = { "pass", .has_material = true, .has_check = true };
static const struct told offer = { "refer", .owes_material = true };

static void test_kept(void **state)
{
	struct box *box = *state;

	append(box, 0, 1, &both);
	assert_string_equal(ledger(box), "1 plan open\n1 penalty open\n");
	append(box, 0, 2, &material);
	assert_string_equal(ledger(box), "1 plan superseded\n1 penalty met\n2 plan open\n");
	append(box, 0, 3, &nothing);
	assert_string_equal(ledger(box), "1 plan superseded\n1 penalty met\n2 plan met\n");
}

/* What an offer names binds nobody, and it closes nothing. */
static void test_offer(void **state)
{
	struct box *box = *state;

	append(box, 0, 1, &offer);
	assert_string_equal(ledger(box), "");
	append(box, 0, 2, &both);
	append(box, 0, 3, &offer);
	assert_string_equal(ledger(box), "2 plan open\n2 penalty open\n");
}

/* The later answer stands in the series that is indexed first. */
static void test_out_of_order(void **state)
{
	struct box *box = *state;

	append(box, 1, 1, &both);
	append(box, 0, 2, &nothing);
	assert_string_equal(ledger(box), "1 plan met\n1 penalty met\n");
}

/* Three of them, the middle one last. */
static void test_between(void **state)
{
	struct box *box = *state;

	append(box, 0, 1, &both);
	append(box, 0, 3, &material);
	assert_string_equal(ledger(box), "1 plan superseded\n1 penalty met\n3 plan open\n");
	append(box, 1, 2, &both);
	assert_string_equal(ledger(box), "1 plan superseded\n1 penalty met\n3 plan open\n"
					 "2 plan superseded\n2 penalty met\n");
}

/* A check that is owed waits for whom its case looked at. */
static void test_looked(void **state)
{
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017");
	struct box *box = *state;
	uint8_t ids[4][BD_OWED_ID_BYTES];
	uint64_t snapshot;
	size_t count = 9;
	struct fact fact;

	append(box, 0, 1, &both);
	index_all(box);
	box_say(box, "tax", fact_of(&fact, &business, 1, "status", 7, 1, "normal"));
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_again(ids, &count, 4, &snapshot, box->reader, &box->diag), BD_OK);
	bd_store_end(box->reader);
	assert_int_equal(count, 1);
	assert_int_equal(ids[0][BD_OWED_ID_BYTES - 1], 2);
}

static uint64_t owed_in_all(struct box *box)
{
	struct bd_owed_counts counts;

	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_count(&counts, box->reader, DUE, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return counts.owed_applicant + counts.owed_agency;
}

/* With its subject the texts are gone; what is owed, by when and for which matter stays. */
static void test_erased(void **state)
{
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017");
	struct box *box = *state;

	append(box, 0, 1, &both);
	assert_string_equal(ledger(box), "1 plan open\n1 penalty open\n");
	assert_int_equal(
		erase_subject(box->store, &business, STORE_NOW_MS + 100, NULL, &box->diag), BD_OK);
	assert_string_equal(ledger(box), "1 plan open, erased\n1 penalty open, erased\n");
	assert_int_equal(owed_in_all(box), 2);
	/* A later answer about the same case still closes it. */
	append(box, 0, 20000, &nothing);
	assert_string_equal(ledger(box), "1 plan met, erased\n1 penalty met, erased\n");
}

static void expire(struct box *box, int64_t now_ms)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(bd_cases_expire(box->store, now_ms, &has_more, &box->diag), BD_OK);
	}
}

/* As long as the case file is kept, and no longer, erased or not. */
static void test_expired(void **state)
{
	const int64_t day_ms = INT64_C(86400000);
	const struct bd_identifier business = id_of(ID_USCC, "92440311MA00000017");
	struct box *box = *state;

	box_stop(box);
	box->settings.cases_days = 10;
	box_start(box);
	assert_int_equal(bd_owed_follow_cases(box->store, &box->diag), BD_OK);
	append(box, 0, 1, &both);
	append(box, 0, 3 * day_ms, &both);
	index_all(box);
	assert_int_equal(owed_in_all(box), 2);
	assert_int_equal(
		erase_subject(box->store, &business, STORE_NOW_MS + 100, NULL, &box->diag), BD_OK);
	append(box, 0, 6 * day_ms, &offer);
	index_all(box);
	expire(box, STORE_NOW_MS + 9 * day_ms);
	assert_int_equal(owed_in_all(box), 2);
	expire(box, STORE_NOW_MS + 15 * day_ms);
	assert_string_equal(ledger(box), "");
	assert_int_equal(owed_in_all(box), 0);
}

int main(void)
{
#define IN_A_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = { IN_A_STORE(test_kept), IN_A_STORE(test_offer),
		IN_A_STORE(test_out_of_order), IN_A_STORE(test_between), IN_A_STORE(test_looked),
		IN_A_STORE(test_erased), IN_A_STORE(test_expired) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
