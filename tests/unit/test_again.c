/* test_again.c - a case decided again: as of then, now, by another version, and why not. */
#include "answer/decide.h"
#include "config/dictionary.h"
#include "config/matter.h"
#include "daemon/again.h"
#include "store_support.h"

#define DAY_MS (INT64_C(86400) * 1000)

static const char question[] =
	"{\"matter\":\"individual-business-registration\",\"case\":\"A1\","
	"\"subjects\":{\"applicant\":{\"entity\":\"person\",\"id_type\":\"resident_id\","
	"\"id_no\":\"440311199106159019\"}},"
	"\"claims\":[{\"of\":\"/subjects/applicant\",\"field\":\"name\",\"value\":\"林示例\"},"
	"{\"of\":\"/subjects/applicant\",\"field\":\"scope_items\",\"value\":\"日用百货销售\"}],"
	"\"materials\":[{\"id\":\"premises_proof\",\"state\":\"supplied\"}]}";

struct work {
	struct box box;
	struct bd_arena arena, question_arena;
	const struct bd_matter *const *matters;
	struct bd_setup setup;
	struct bd_case_record record;
	const char *source;
};

static void read_configuration(struct work *work)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct bd_diag diag = { .code = BD_OK };
	char path[4096], schemas[4096];

	assert_non_null(diags);
	snprintf(schemas, sizeof(schemas), "%s/schemas", top);
	snprintf(path, sizeof(path), "%s/schemas/common.xml", top);
	assert_int_equal(bd_config_dictionary(&work->setup.dict, path, &work->arena, &diag), BD_OK);
	snprintf(path, sizeof(path), "%s/schemas/matters/individual-business-registration", top);
	assert_int_equal(bd_config_matter(&work->matters, &work->setup.matter_count, path, schemas,
				 work->setup.dict, &work->arena, diags),
		BD_OK);
	work->setup.matters = (const struct bd_matter **)(void *)work->matters;
	work->source = "social";
	work->setup.source_names = &work->source;
	work->setup.plan_count = 1;
	free(diags);
}

static void say_name(struct work *work, int64_t order, const char *name)
{
	const struct bd_entity *person = bd_dictionary_entity(work->setup.dict, "person");
	struct bd_identifier id = { bd_dictionary_id_kind(work->setup.dict, "resident_id")->number,
		{ "", 0 }, bd_bytes_of("440311199106159019") };
	struct fact fact;

	fact_of(&fact, &id, 1, "s", person->number, order, name);
	fact.value.field = bd_dictionary_field(work->setup.dict, "person", "name")->number;
	box_say(&work->box, "social", &fact.record);
}

static struct work *work_open(void)
{
	struct work *work = calloc(1, sizeof(*work));

	assert_non_null(work);
	bd_arena_init(&work->arena, 1 << 26);
	bd_arena_init(&work->question_arena, 1 << 26);
	read_configuration(work);
	box_open(&work->box, NULL, 0);
	say_name(work, 1, "林示例");
	work->record = (struct bd_case_record){ .at_ms = work->box.now_ms,
		.matter = bd_bytes_of("individual-business-registration"),
		.version = bd_bytes_of(work->matters[0]->version),
		.on = 20605, /* 2026-06-01 */
		.commit = 1,
		.question = bd_bytes_of(question) };
	return work;
}

static void work_close(struct work *work)
{
	box_close(&work->box);
	bd_arena_release(&work->question_arena);
	bd_arena_release(&work->arena);
	free(work);
}

static enum bd_code decide(struct bd_compared *compared, struct work *work, enum bd_again_when when,
	const struct bd_matter *matter)
{
	const struct bd_again again = { .asker = &bd_asker_itself,
		.setup = &work->setup,
		.reader = work->box.reader,
		.record = &work->record,
		.when = when,
		.now_ms = work->record.at_ms + 400 * DAY_MS,
		.matter = matter };

	bd_diag_clear(&work->box.diag);
	return bd_again_decide(NULL, compared, &again, &work->question_arena, &work->box.diag);
}

static const char *name_is(const struct bd_compared *compared)
{
	for (size_t i = 0; i < compared->finding_count; i++) {
		if (strcmp(compared->findings[i].element->id, "name") == 0) {
			return bd_finding_term(compared->findings[i].code)->name;
		}
	}
	return "";
}

static void then_is_as_it_was_and_now_as_it_is(void **state)
{
	struct work *work = work_open();
	struct bd_again_told was, then, now;
	struct bd_again_differences differences;
	struct bd_compared compared;

	(void)state;
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_OK);
	assert_string_equal(name_is(&compared), "match");
	assert_int_equal(compared.asked->on, work->record.on);
	assert_int_equal(bd_again_tell(&was, &compared, &work->question_arena), BD_OK);
	say_name(work, 2, "林更名");
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_OK);
	assert_string_equal(name_is(&compared), "match");
	assert_int_equal(bd_again_tell(&then, &compared, &work->question_arena), BD_OK);
	assert_int_equal(bd_again_differ(&differences, &was, &then, &work->question_arena), BD_OK);
	assert_int_equal(differences.finding_count, 0);
	assert_int_equal(differences.statement_count, 0);
	assert_int_equal(decide(&compared, work, BD_AGAIN_NOW, NULL), BD_OK);
	assert_string_equal(name_is(&compared), "mismatch");
	/* The day of acceptance is the case's, though the question does not state it. */
	assert_int_equal(compared.asked->on, work->record.on);
	assert_int_equal(bd_again_tell(&now, &compared, &work->question_arena), BD_OK);
	assert_int_equal(bd_again_differ(&differences, &then, &now, &work->question_arena), BD_OK);
	assert_int_equal(differences.finding_count, 1);
	assert_true(bd_bytes_is(differences.findings[0].was->code, "match"));
	assert_true(bd_bytes_is(differences.findings[0].is->code, "mismatch"));
	assert_int_equal(differences.statement_count, 1);
	assert_true(bd_bytes_is(differences.statements[0].was->source, "social"));
	assert_int_equal(differences.statements[0].was->version, 1);
	assert_int_equal(differences.statements[0].is->version, 2);
	work_close(work);
}

/* One finding and one statement on each side that the other does not have. */
static void what_only_one_side_has_is_told(void **state)
{
	static const struct bd_trail_evidence social = { .source = { "social", 6 }, .version = 3 },
					      tax = { .source = { "tax", 3 }, .version = 4 };
	const struct bd_trail_element was[] = { { .id = { "a", 1 },
							.code = { "match", 5 },
							.evidence = &social,
							.evidence_count = 1 },
		{ .id = { "b", 1 }, .code = { "match", 5 } } };
	const struct bd_trail_element is[] = {
		{ .id = { "c", 1 }, .code = { "match", 5 } },
		{ .id = { "a", 1 }, .code = { "match", 5 }, .evidence = &tax, .evidence_count = 1 }
	};
	const struct bd_again_told before = { was, 2 }, after = { is, 2 };
	struct bd_again_differences out;
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	assert_int_equal(bd_again_differ(&out, &before, &after, &arena), BD_OK);
	assert_int_equal(out.finding_count, 2);
	assert_ptr_equal(out.findings[0].was, &was[1]);
	assert_null(out.findings[0].is);
	assert_null(out.findings[1].was);
	assert_ptr_equal(out.findings[1].is, &is[0]);
	assert_int_equal(out.statement_count, 2);
	assert_ptr_equal(out.statements[0].was, &social);
	assert_null(out.statements[0].is);
	assert_null(out.statements[1].was);
	assert_ptr_equal(out.statements[1].is, &tax);
	bd_arena_release(&arena);
}

static void another_version_decides_whatever_day_it_is_for(void **state)
{
	struct work *work = work_open();
	struct bd_matter later = *work->matters[0], other = later;
	struct bd_compared compared;

	(void)state;
	later.version = "later";
	later.effective_from = work->record.on + 100;
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, &later), BD_OK);
	assert_ptr_equal(compared.asked->matter, &later);
	/* The question does not fit a version that has no such role. */
	other.roles = NULL;
	other.role_count = 0;
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, &other), BD_ROLE_UNKNOWN);
	work_close(work);
}

static void what_cannot_be_decided_again_says_why(void **state)
{
	struct work *work = work_open();
	struct bd_identifier id = { bd_dictionary_id_kind(work->setup.dict, "resident_id")->number,
		{ "", 0 }, bd_bytes_of("440311199106159019") };
	struct bd_compared compared;
	bool has_more;

	(void)state;
	work->record.version = bd_bytes_of("gone");
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_MATTER_VERSION);
	assert_int_equal(decide(&compared, work, BD_AGAIN_NOW, NULL), BD_OK);
	work->record.version = bd_bytes_of(work->matters[0]->version);
	work->record.is_cut = true;
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_CASE_CUT);
	work->record.is_cut = false;
	work->record.commit = 9;
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_HISTORY_UNKNOWN);
	work->record.commit = 1;
	assert_int_equal(
		erase_subject(work->box.store, &id, work->box.now_ms, NULL, &work->box.diag),
		BD_OK);
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_CASE_ERASED);
	assert_int_equal(decide(&compared, work, BD_AGAIN_NOW, NULL), BD_OK);
	box_stop(&work->box);
	work->box.settings.history_days = 1;
	box_start(&work->box);
	assert_int_equal(bd_store_expire(&has_more, work->box.store, work->box.now_ms + 3 * DAY_MS,
				 &work->box.diag),
		BD_OK);
	assert_int_equal(decide(&compared, work, BD_AGAIN_THEN, NULL), BD_HISTORY_EXPIRED);
	work_close(work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(then_is_as_it_was_and_now_as_it_is),
		cmocka_unit_test(what_only_one_side_has_is_told),
		cmocka_unit_test(another_version_decides_whatever_day_it_is_for),
		cmocka_unit_test(what_cannot_be_decided_again_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
