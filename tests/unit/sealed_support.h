/* sealed_support.h - a store with something of every kind that is sealed, and whether it is still
 * all there. */
#ifndef BD_TESTS_SEALED_SUPPORT_H
#define BD_TESTS_SEALED_SUPPORT_H

#include "base/digest.h"
#include "store/case_file.h"
#include "store/cases.h"
#include "store/obligations.h"
#include "store/obligations_form.h"
#include "store/reseal.h"
#include "store/watch.h"
#include "store/watches.h"
#include "store_support.h"

#define PEOPLE 40
#define CASES 12
/* A dozen of them are more than one step copies. */
#define QUESTION_BYTES 200000

static const struct bd_cover covers[] = {
	{ .source = "social",
		.feed = "changes",
		.section = "people",
		.entity = 1,
		.cycle = "daily" },
};
static char question[QUESTION_BYTES + 1];

static inline struct bd_identifier person(unsigned number)
{
	static char names[PEOPLE][16];

	snprintf(names[number], sizeof(names[number]), "P%u", number);
	return id_of(ID_PERSON, names[number]);
}

static inline void say(struct box *box, unsigned number, int64_t order, const char *text)
{
	const struct bd_identifier id = person(number);
	static char longer[6000];
	struct fact fact;

	/* Every other is too long for LMDB's pages, and stands in some of its own. */
	if (number % 2 == 1) {
		memset(longer, 'x', sizeof(longer) - 1);
		memcpy(longer, text, strlen(text));
		text = longer;
	}
	box_say(box, "social", fact_of(&fact, &id, 1, "people", 1, order, text));
}

static inline void dispute(struct box *box, unsigned number)
{
	static struct bd_identifier id;
	struct bd_entry entry = { .kind = BD_ENTRY_DISPUTE,
		.source = "social",
		.sender = "window",
		.subject = &id,
		.subject_count = 1,
		.received_ms = box->now_ms++,
		.dispute = { .entity = 1,
			.field = 1,
			.reason = "wrong_value",
			.reference = "YY-1",
			.subject = person(number),
			.due_day = 20100 } };
	struct bd_entry *entries[] = { &entry };

	id = person(number);
	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	assert_int_equal(entry.code, BD_OK);
}

static inline void append(struct box *box, struct bd_case_log *log, unsigned number)
{
	const struct bd_identifier id = person(number);
	const uint16_t entity = 1;
	const struct bd_case_looked looked = { .identifiers = &id, .identifier_count = 1 };
	const struct bd_case_finding finding = { .element = bd_bytes_of("name"),
		.pointer = bd_bytes_of("/subjects/applicant"),
		.code = bd_bytes_of("match"),
		.entities = &entity,
		.entity_count = 1,
		.sources = bd_bytes_of("social") };
	const struct bd_case_owed owed = { .is_agency = true,
		.id = bd_bytes_of("name"),
		.pointer = bd_bytes_of("/subjects/applicant"),
		.due = 20613 };
	char case_number[16];
	const struct bd_case_record record = { .receipt = { 1, 0, 1, number + 1 },
		.at_ms = box->now_ms++,
		.client = bd_bytes_of("engine"),
		.number = { case_number,
			(size_t)snprintf(case_number, sizeof(case_number), "C%u", number) },
		.matter = bd_bytes_of("matter"),
		.version = bd_bytes_of("1"),
		.decision = bd_bytes_of("conditional"),
		.on = 20612,
		.commit = number + 1,
		.question = bd_bytes_of(question),
		.looked = &looked,
		.looked_count = 1,
		.findings = &finding,
		.finding_count = 1,
		.owed = &owed,
		.owed_count = 1 };

	assert_int_equal(bd_cases_append(log, &record, &box->diag), BD_OK);
	assert_int_equal(bd_cases_flush(log, &box->diag), BD_OK);
}

static inline void index_all(struct box *box)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(bd_cases_index(box->store, &has_more, &box->diag), BD_OK);
	}
}

static inline void follow(struct box *box)
{
	assert_int_equal(bd_owed_follow_cases(box->store, &box->diag), BD_OK);
}

/* Something of every kind that is sealed: subjects, what they were before, messages, a dispute,
 * case files, what is owed, what was told. */
static inline void fill(struct box *box)
{
	struct bd_case_log *log;

	memset(question, 'q', QUESTION_BYTES);
	follow(box);
	for (unsigned i = 0; i < PEOPLE; i++) {
		say(box, i, 1, "the first name");
	}
	dispute(box, 3);
	assert_int_equal(bd_case_log_open(&log, box->store, 0, &box->diag), BD_OK);
	for (unsigned i = 0; i < CASES; i++) {
		append(box, log, i);
	}
	bd_case_log_close(log);
	index_all(box);
	for (unsigned i = 0; i < PEOPLE; i++) {
		say(box, i, 2, "another name");
	}
}

static inline void box_begin(struct box *box)
{
	box_open(box, covers, 1);
	fill(box);
}

static inline void restart(struct box *box)
{
	box_stop(box);
	box_start(box);
	follow(box);
}

static inline enum bd_code read_case(struct box *box, unsigned number)
{
	const struct bd_trail_id id = { 1, 0, 1, number + 1 };
	struct bd_case_record record;
	enum bd_code code;

	bd_arena_clear(&box->arena);
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	code = bd_case_read(&record, box->reader, &id, &box->arena, &box->diag);
	assert_true(code != BD_OK || record.question.len == QUESTION_BYTES);
	bd_store_end(box->reader);
	return code;
}

static inline void same_as(struct box *box, const struct bd_buf *before)
{
	struct bd_buf now = box_dump(box);

	assert_int_equal(now.len, before->len);
	assert_memory_equal(now.ptr, before->ptr, now.len);
	bd_buf_release(&now);
	for (unsigned i = 0; i < CASES; i++) {
		assert_int_equal(read_case(box, i), BD_OK);
	}
}

#endif
