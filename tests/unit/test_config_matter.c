#include "config_support.h"

#include "config/calendar.h"
#include "config/matter.h"

/* Of schemas/matters or of the tests: every version, every error as text. */
struct fixture {
	struct bd_arena arena;
	struct bd_diags diags;
	const struct bd_dictionary *dict;
	const struct bd_matter *const *versions;
	size_t count;
	enum bd_code code;
};

static void read_matter(struct fixture *f, const char *folder)
{
	memset(f, 0, sizeof(*f));
	bd_arena_init(&f->arena, ARENA_MAX);
	f->dict = read_dictionary(&f->arena);
	f->code = bd_config_matter(&f->versions, &f->count, source_path(&f->arena, folder),
		source_path(&f->arena, "schemas"), f->dict, &f->arena, &f->diags);
}

static void assert_clean(struct fixture *f)
{
	char *text = diags_text(&f->diags);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(f->code, BD_OK);
}

static const struct bd_element *element(const struct fixture *f, const char *id)
{
	const struct bd_matter *matter = f->versions[f->count - 1];
	for (size_t i = 0; i < matter->element_count; i++) {
		if (strcmp(matter->elements[i].id, id) == 0) {
			return &matter->elements[i];
		}
	}
	fail_msg("no element %s", id);
	return NULL;
}

static void a_matter_reads(void **state)
{
	(void)state;
	struct fixture f;
	read_matter(&f, "tests/adapters/matters/good");
	assert_clean(&f);
	assert_int_equal(f.count, 2);
	const struct bd_matter *matter = f.versions[1];
	assert_string_equal(f.versions[0]->version, "1");
	assert_int_equal(f.versions[0]->effective_until, matter->effective_from);
	assert_int_equal(matter->effective_until, INT32_MAX);
	assert_int_equal(matter->wait_s, 3600);
	assert_int_equal(matter->retry_after_s, 30);
	assert_string_equal(matter->commitment_text_version, "v1");
	const struct bd_element *name = element(&f, "name");
	assert_int_equal(name->accepted_codes, 1u << BD_FINDING_MATCH | 1u << BD_FINDING_NEAR);
	assert_int_equal(name->accepted_flags, BD_FLAG_NORMALIZED | BD_FLAG_FORMER);
	assert_int_equal(name->resubmit_codes, 1u << BD_FINDING_MISMATCH);
	assert_int_equal(name->field->number, 101);
	assert_int_equal(name->max_age_s, 86400);
	assert_int_equal(element(&f, "alive")->accepted_codes, 1u << BD_FINDING_MATCH);
	assert_string_equal(element(&f, "alive")->accepted_values[0], "alive");
	const struct bd_element *abnormal = element(&f, "not_abnormal");
	assert_true(abnormal->is_relation_inverse);
	assert_string_equal(abnormal->relations[1], "operator");
	assert_string_equal(abnormal->filters[0].values[0], "");
	assert_false(abnormal->filters[0].is_not);
	assert_int_equal(abnormal->filters[1].years_since.at_most, 2);
	assert_true(abnormal->filters[1].counts_none);
	assert_int_equal(element(&f, "real_name")->role_count, 2);
	assert_true(bd_element_asks(element(&f, "real_name"), "partners"));
	assert_false(bd_element_asks(element(&f, "real_name"), "business"));
	assert_string_equal(
		element(&f, "real_name")->attestation->providers[0], "provincial_identity");
	bd_arena_release(&f.arena);
}

static void rules_read(void **state)
{
	(void)state;
	struct fixture f;
	read_matter(&f, "tests/adapters/matters/good");
	assert_clean(&f);
	const struct bd_matter *matter = f.versions[1];
	assert_int_equal(element(&f, "age")->test.kind, BD_TEST_AGE);
	assert_int_equal(element(&f, "age")->test.range.at_least, 70);
	assert_int_equal(element(&f, "age")->test.range.at_most, INT64_MAX);
	assert_int_equal(element(&f, "age")->branches, 2);
	const struct bd_element *arrears = element(&f, "arrears");
	assert_int_equal(arrears->filters[0].number.at_least, 1);
	assert_int_equal(arrears->filters[1].days_since.at_least, 1);
	assert_int_equal(arrears->agency_due_working_days, 5);
	assert_int_equal(arrears->agency_extension_working_days, 3);
	assert_int_equal(arrears->agency_extensions, 1);
	assert_int_equal(arrears->branches, 3);
	assert_string_equal(element(&f, "operator")->filters[1].other_role, "applicant");
	const struct bd_list *list = element(&f, "scope")->test.list;
	assert_int_equal(list->allowed.count, 3);
	assert_string_equal(list->allowed.folded[0], "5211");
	const struct bd_element *months = element(&f, "months");
	assert_int_equal(months->months.at_least, 6);
	assert_true(months->months.is_continuous);
	assert_false(months->months.counts_back_paid);
	assert_int_equal(months->closes_after_days, 20);
	assert_true(months->is_for_commitment);
	assert_string_equal(element(&f, "employer")->same_as, "business");
	assert_string_equal(element(&f, "employer")->filters[0].same_as, "business");
	assert_string_equal(element(&f, "permit")->when_values[1], "6210");
	assert_ptr_equal(element(&f, "address")->unless, element(&f, "permit"));
	assert_int_equal(matter->materials[0].due_working_days, 3);
	assert_int_equal(matter->materials[0].branches, 1);
	assert_int_equal(matter->materials[1].due_working_days, 0);
	bd_arena_release(&f.arena);
}

static void every_mistake_has_its_place(void **state)
{
	(void)state;
	struct fixture f;
	read_matter(&f, "tests/adapters/matters/broken");
	assert_int_not_equal(f.code, BD_OK);
	assert_null(f.versions);
	assert_expected(
		&f.diags, source_path(&f.arena, "tests/adapters/matters/broken/expected.txt"));
	bd_arena_release(&f.arena);
}

/* Two versions for one day: nobody could say which holds. */
static void versions_must_not_overlap(void **state)
{
	(void)state;
	struct fixture f;
	read_matter(&f, "tests/adapters/matters/overlapping");
	assert_int_equal(f.code, BD_CONFIG_MEANING);
	char *text = diags_text(&f.diags);
	assert_string_equal(text,
		"overlapping/matter.xml: versions '1' and '2' are both in force on one day\n");
	free(text);
	bd_arena_release(&f.arena);
}

/* No source states it, none tells it completely: the matter could never be passed. */
static void what_no_source_states_is_told(void **state)
{
	(void)state;
	struct fixture f;
	read_matter(&f, "tests/adapters/matters/good");
	assert_clean(&f);
	bd_config_matter_covered(f.versions[1], NULL, 0, &f.diags);
	assert_expected(
		&f.diags, source_path(&f.arena, "tests/adapters/matters/good/uncovered.txt"));
	bd_arena_release(&f.arena);
}

static void every_matter_reads(void **state)
{
	(void)state;
	struct fixture f;
	const char *const *ids = NULL;
	size_t count = 0;
	bd_arena_init(&f.arena, ARENA_MAX);
	assert_int_equal(bd_config_matters(&ids, &count, source_path(&f.arena, "schemas/matters"),
				 &f.arena, NULL),
		BD_OK);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		struct fixture one;
		char path[256];
		snprintf(path, sizeof(path), "schemas/matters/%s", ids[i]);
		read_matter(&one, path);
		assert_clean(&one);
		assert_string_equal(one.versions[0]->id, ids[i]);
		bd_arena_release(&one.arena);
	}
	bd_arena_release(&f.arena);
}

static void a_calendar_reads(void **state)
{
	(void)state;
	struct fixture f;
	const struct bd_calendar *calendar = NULL;
	memset(&f, 0, sizeof(f));
	bd_arena_init(&f.arena, ARENA_MAX);
	assert_int_equal(
		bd_config_calendar(&calendar,
			source_path(&f.arena, "schemas/calendar/holidays.tsv"), &f.arena, &f.diags),
		BD_OK);
	assert_int_equal(calendar->first_year, 2025);
	assert_true(calendar->last_year >= 2026);
	assert_int_not_equal(
		bd_config_calendar(&calendar,
			source_path(&f.arena, "tests/adapters/config/bad_holidays.tsv"), &f.arena,
			&f.diags),
		BD_OK);
	assert_expected(
		&f.diags, source_path(&f.arena, "tests/adapters/config/bad_holidays.tsv.expected"));
	bd_arena_release(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_matter_reads),
		cmocka_unit_test(rules_read),
		cmocka_unit_test(every_mistake_has_its_place),
		cmocka_unit_test(versions_must_not_overlap),
		cmocka_unit_test(what_no_source_states_is_told),
		cmocka_unit_test(every_matter_reads),
		cmocka_unit_test(a_calendar_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
