#include "config_support.h"

#include "config/matter.h"

static void a_matter_reads(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_dictionary *dict = read_dictionary(&arena);
	const struct bd_matter *matter = NULL;
	bd_config_matter(&matter, source_path(&arena, "tests/adapters/matters/good"),
		source_path(&arena, "schemas"), dict, &arena, &diags);
	char *text = diags_text(&diags);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(matter->element_count, 4);
	assert_int_equal(matter->wait_s, 3600);
	const struct bd_element *name = &matter->elements[0];
	assert_int_equal(name->accepted_codes, 1u << BD_FINDING_MATCH | 1u << BD_FINDING_NEAR);
	assert_int_equal(name->accepted_flags, BD_FLAG_NORMALIZED | BD_FLAG_FORMER);
	assert_int_equal(name->resubmit_codes, 1u << BD_FINDING_MISMATCH);
	assert_int_equal(name->field->number, 101);
	assert_int_equal(name->max_age_s, 86400);
	assert_int_equal(matter->elements[1].accepted_codes, 1u << BD_FINDING_MATCH);
	assert_string_equal(matter->elements[1].accepted_values[0], "alive");
	const struct bd_element *abnormal = &matter->elements[2];
	assert_true(abnormal->is_relation_inverse);
	assert_string_equal(abnormal->relations[1], "operator");
	assert_string_equal(abnormal->filters[0].values[0], "");
	assert_false(abnormal->filters[0].is_not);
	assert_string_equal(matter->elements[3].attestation->providers[0], "provincial_identity");
	assert_string_equal(matter->deferrable_materials[0], "premises_proof");
	bd_arena_release(&arena);
}

static void every_mistake_has_its_place(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_dictionary *dict = read_dictionary(&arena);
	const struct bd_matter *matter = NULL;
	assert_int_not_equal(
		bd_config_matter(&matter, source_path(&arena, "tests/adapters/matters/broken"),
			source_path(&arena, "schemas"), dict, &arena, &diags),
		BD_OK);
	assert_null(matter);
	assert_expected(&diags, source_path(&arena, "tests/adapters/matters/broken/expected.txt"));
	bd_arena_release(&arena);
}

static void every_matter_reads(void **state)
{
	(void)state;
	struct bd_arena arena;
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_dictionary *dict = read_dictionary(&arena);
	const char *folder = source_path(&arena, "schemas/matters");
	const char *const *ids = NULL;
	size_t count = 0;
	assert_int_equal(bd_config_matters(&ids, &count, folder, &arena, NULL), BD_OK);
	for (size_t i = 0; i < count; i++) {
		struct bd_diags diags = { 0 };
		const struct bd_matter *matter = NULL;
		char path[4200];
		snprintf(path, sizeof(path), "%s/%s", folder, ids[i]);
		bd_config_matter(
			&matter, path, source_path(&arena, "schemas"), dict, &arena, &diags);
		char *text = diags_text(&diags);
		assert_string_equal(text, "");
		free(text);
		assert_string_equal(matter->id, ids[i]);
	}
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_matter_reads),
		cmocka_unit_test(every_mistake_has_its_place),
		cmocka_unit_test(every_matter_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
