/* test_dictionary.c - finding what a dictionary holds, and a record as a person reads it. */
#include "record/dictionary.h"

#include "record/record_text.h"
#include "record_support.h"

static const struct bd_code_value sexes[] = { { 1, "unknown", "", "", false },
	{ 2, "male", "", "", false } };
static const struct bd_field fields[] = {
	{ .number = 101, .entity = 1, .name = "name", .type = BD_TYPE_NAME },
	{ .number = 102,
		.entity = 1,
		.name = "sex",
		.type = BD_TYPE_CODE,
		.codes = sexes,
		.code_count = 2 },
	{ .number = 104, .entity = 1, .name = "birth_date", .type = BD_TYPE_DATE },
};
static const struct bd_entity entities[] = {
	{ .number = 1,
		.name = "person",
		.subject = BD_SUBJECT_PERSON,
		.fields = fields,
		.field_count = 3 },
	{ .number = 3,
		.name = "relation",
		.subject = BD_SUBJECT_ORGANIZATION,
		.is_relation = true },
};
static const struct bd_field *const by_number[] = {
	[101] = &fields[0], [102] = &fields[1], [104] = &fields[2]
};
static const struct bd_dictionary dict = { .entities = entities,
	.entity_count = 2,
	.id_kinds = id_kinds,
	.id_kind_count = sizeof(id_kinds) / sizeof(id_kinds[0]),
	.version = "test",
	.fields_by_number = by_number,
	.fields_by_number_count = sizeof(by_number) / sizeof(by_number[0]) };

static void what_is_there_is_found(void **state)
{
	(void)state;
	assert_ptr_equal(bd_dictionary_entity(&dict, "person"), &entities[0]);
	assert_ptr_equal(bd_dictionary_entity_number(&dict, 3), &entities[1]);
	assert_ptr_equal(bd_dictionary_field(&dict, "person", "sex"), &fields[1]);
	assert_ptr_equal(bd_dictionary_field_number(&dict, 104), &fields[2]);
	assert_ptr_equal(bd_dictionary_id_kind(&dict, "uscc"), &id_kinds[9]);
	assert_ptr_equal(bd_dictionary_id_kind_number(&dict, 21), &id_kinds[9]);
	assert_ptr_equal(bd_field_code(&fields[1], "male"), &sexes[1]);
	assert_ptr_equal(bd_field_code_number(&fields[1], 1), &sexes[0]);
}

static void what_is_not_there_is_not(void **state)
{
	(void)state;
	assert_null(bd_dictionary_entity(&dict, "persons"));
	assert_null(bd_dictionary_entity(&dict, ""));
	assert_null(bd_dictionary_entity_number(&dict, 0));
	assert_null(bd_dictionary_field(&dict, "person", "Name"));
	assert_null(bd_dictionary_field(&dict, "relation", "name"));
	assert_null(bd_dictionary_field(&dict, "nobody", "name"));
	assert_null(bd_dictionary_field_number(&dict, 0));
	assert_null(bd_dictionary_field_number(&dict, 103));
	assert_null(bd_dictionary_field_number(&dict, 105));
	assert_null(bd_dictionary_field_number(&dict, UINT16_MAX));
	assert_null(bd_dictionary_id_kind(&dict, "USCC"));
	assert_null(bd_dictionary_id_kind_number(&dict, 0));
	assert_null(bd_field_code(&fields[1], "female"));
	assert_null(bd_field_code(&fields[0], "male"));
	assert_null(bd_field_code_number(&fields[1], 0));
}

static const struct bd_identifier subject[] = { { 1, { "", 0 }, { "440311199106159019", 18 } },
	{ 11, { "social:aac001", 13 }, { "1001", 4 } }, { 999, { "", 0 }, { "?", 1 } } };
static const struct bd_value values[] = {
	{ 101, BD_VALUE_NORMALIZED | BD_VALUE_PLACEHOLDER | BD_VALUE_WARNED, { "林?例", 7 },
		{ "林 ?例", 8 } },
	{ 102, BD_VALUE_UNMAPPED, { "7", 1 }, { "", 0 } },
	{ 104, BD_VALUE_NONE, { "", 0 }, { "", 0 } }, { 999, 0, { "x", 1 }, { "", 0 } }
};

static void a_record_is_read_as_lines(void **state)
{
	struct bd_record record = { .index = 3,
		.section = "basicform",
		.entity = 1,
		.action = BD_ACTION_REPLACE,
		.is_message_subject = true,
		.subject = subject,
		.subject_count = 3,
		.other = subject,
		.other_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 2, 1780277415000 },
		.values = values,
		.value_count = 4 };
	struct bd_buf out;

	(void)state;
	bd_buf_init(&out, 65536);
	assert_int_equal(bd_record_text(&out, &record, &dict), BD_OK);
	record = (struct bd_record){ .section = "gone",
		.entity = 9,
		.action = BD_ACTION_DELETE,
		.order_kind = BD_ORDER_RECEIPT,
		.order = { 1, 5 } };
	assert_int_equal(bd_record_text(&out, &record, &dict), BD_OK);
	record = (struct bd_record){ .section = "all",
		.entity = 3,
		.action = BD_ACTION_SECTION,
		.order_kind = BD_ORDER_SEQUENCE,
		.is_message_order = true };
	assert_int_equal(bd_record_text(&out, &record, &dict), BD_OK);
	bd_buf_add_byte(&out, '\0');
	assert_string_equal(out.ptr, "#3 basicform person replace\n"
				     "  of the message's subject\n"
				     "  of resident_id 440311199106159019\n"
				     "  of dept_person_key social:aac001 1001\n"
				     "  of ? ?\n"
				     "  to resident_id 440311199106159019\n"
				     "  order time rank 2 at 1780277415000\n"
				     "  name = 林?例 <- 林 ?例 [placeholder] [warned]\n"
				     "  sex = 7 [unmapped]\n"
				     "  birth_date = (none)\n"
				     "  ? = x\n"
				     "#0 gone ? delete\n"
				     "  order receipt rank 1\n"
				     "#0 all relation section\n"
				     "  order sequence of the message\n");
	bd_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_found),
		cmocka_unit_test(what_is_not_there_is_not),
		cmocka_unit_test(a_record_is_read_as_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
