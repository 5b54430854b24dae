#include "config_support.h"

static const struct bd_field *field_named(
	const struct bd_dictionary *dict, const char *entity, const char *name)
{
	for (size_t e = 0; e < dict->entity_count; e++) {
		const struct bd_entity *at = &dict->entities[e];
		for (size_t f = 0; strcmp(at->name, entity) == 0 && f < at->field_count; f++) {
			if (strcmp(at->fields[f].name, name) == 0) {
				return &at->fields[f];
			}
		}
	}
	fail_msg("no field %s.%s", entity, name);
	return NULL;
}

static void the_dictionary_reads(void **state)
{
	(void)state;
	struct bd_arena arena;
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_dictionary *dict = read_dictionary(&arena);
	assert_string_equal(dict->version, "1");
	const struct bd_field *vital = field_named(dict, "person", "vital_status");
	assert_int_equal(vital->number, 106);
	assert_int_equal(vital->merge, BD_MERGE_ANY_ADVERSE);
	assert_int_equal(vital->sensitivity, BD_SENSITIVITY_SENSITIVE);
	assert_int_equal(vital->code_count, 3);
	assert_string_equal(vital->codes[1].name, "dead");
	assert_true(vital->codes[1].is_adverse && !vital->codes[0].is_adverse);
	const struct bd_field *name = field_named(dict, "organization", "name");
	assert_int_equal(name->comparator, BD_COMPARE_ORG_NAME);
	assert_int_equal(name->authority_count, 4);
	assert_string_equal(name->authority[0], "market");
	assert_true(field_named(dict, "insurance_status", "scheme")->is_key);
	assert_int_equal(field_named(dict, "arrears", "balance")->type, BD_TYPE_AMOUNT);
	bd_arena_release(&arena);
}

static void numbers_are_constant_time(void **state)
{
	(void)state;
	struct bd_arena arena;
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_dictionary *dict = read_dictionary(&arena);
	size_t fields = 0;
	for (size_t e = 0; e < dict->entity_count; e++) {
		const struct bd_entity *at = &dict->entities[e];
		for (size_t f = 0; f < at->field_count; f++, fields++) {
			assert_true(at->fields[f].number < dict->fields_by_number_count);
			assert_ptr_equal(
				dict->fields_by_number[at->fields[f].number], &at->fields[f]);
			assert_int_equal(at->fields[f].entity, at->number);
		}
	}
	assert_true(fields > 100);
	assert_null(dict->fields_by_number[0]);
	bd_arena_release(&arena);
}

static void the_nearest_name_is_suggested(void **state)
{
	(void)state;
	static const char *const names[] = { "vital_status", "name", "sex" };
	assert_string_equal(bd_nearest("vital_staus", names, 3), "vital_status");
	assert_string_equal(bd_nearest("nmae", names, 3), "name");
	assert_null(bd_nearest("death_certificate", names, 3));
	assert_null(bd_nearest("qq", names, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dictionary_reads),
		cmocka_unit_test(numbers_are_constant_time),
		cmocka_unit_test(the_nearest_name_is_suggested),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
