/* test_rules_identifier.c - tests/record/identifier.tsv: numbers as they are written, and what they
 * are. */
#include "record/rules_identifier.h"

#include "base/clock.h"
#include "record_support.h"

static const char *name_of(uint16_t kind)
{
	const struct bd_id_kind *found = bd_dictionary_id_kind_number(&kinds_only, kind);

	return found != NULL ? found->name : "?";
}

static const struct bd_id_kind *kind_named(const struct row *row, size_t at)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind(&kinds_only, row_text(row, at));

	assert_non_null(kind);
	return kind;
}

/* The same call in an arena of every size too small: the code says so, and nothing is given. */
static void check_memory(const struct row *row)
{
	const struct bd_identifier untouched = { .kind = 99 };
	enum bd_code code = BD_LIMIT_BYTES;

	for (size_t max = 0; code != BD_OK; max++) {
		struct bd_identifier out = untouched;
		struct bd_arena arena;
		struct bd_diag diag = { .code = BD_OK };
		bool warned = false;

		bd_arena_init(&arena, max);
		code = bd_rule_identifier(&out, &kinds_only, kind_named(row, 1), row_column(row, 2),
			row_is(row, 3, "strict") ? NULL : &warned, &arena, &diag);
		assert_true(code == BD_OK || out.kind == untouched.kind);
		assert_true(code == BD_OK || code == BD_LIMIT_BYTES);
		assert_int_equal(diag.code, code);
		assert_true(max < 1 << 20);
		bd_arena_release(&arena);
	}
}

static void answer_number(struct bd_buf *out, const struct row *row)
{
	bool is_strict = row_is(row, 3, "strict"), warned = false;
	struct bd_identifier identifier = { .kind = 99 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, 65536);
	code = bd_rule_identifier(&identifier, &kinds_only, kind_named(row, 1), row_column(row, 2),
		is_strict ? NULL : &warned, &arena, &diag);
	assert_int_equal(diag.code, code);
	if (code == BD_OK) {
		bd_buf_printf(out, "%s ", name_of(identifier.kind));
		row_show(out, identifier.number);
		bd_buf_add_text(out, warned ? " warned" : "");
		check_memory(row);
	} else {
		assert_int_equal(identifier.kind, 99);
		bd_buf_printf(out, "%s by %s", bd_code_info(code)->text, diag.rule);
	}
	bd_arena_release(&arena);
}

static void answer_shape(struct bd_buf *out, const struct row *row)
{
	const struct bd_id_kind *kind = bd_rule_id_by_shape(&kinds_only,
		row_is(row, 1, "person") ? BD_SUBJECT_PERSON : BD_SUBJECT_ORGANIZATION,
		row_column(row, 2));

	bd_buf_add_text(out, kind != NULL ? kind->name : "-");
}

static void answer_twin(struct bd_buf *out, const struct row *row)
{
	struct bd_identifier taxpayer = { .kind = kind_named(row, 1)->number,
		.number = row_column(row, 2) };
	struct bd_identifier twin;

	if (bd_rule_taxpayer_twin(&twin, &taxpayer, &kinds_only)) {
		bd_buf_printf(out, "%s %s", name_of(twin.kind), twin.number.ptr);
	} else {
		bd_buf_add_text(out, "-");
	}
}

static void answer_facts(struct bd_buf *out, const struct row *row)
{
	struct bd_identifier identifier = { .kind = kind_named(row, 1)->number,
		.number = row_column(row, 2) };
	int32_t birth;
	bool is_male;
	char day[11];

	if (bd_rule_identifier_facts(&birth, &is_male, &identifier, &kinds_only)) {
		bd_day_format(day, birth);
		bd_buf_printf(out, "%s %s", day, is_male ? "male" : "female");
	} else {
		bd_buf_add_text(out, "-");
	}
}

static void answer(struct bd_buf *out, const struct row *row)
{
	if (row_is(row, 0, "number")) {
		answer_number(out, row);
	} else if (row_is(row, 0, "shape")) {
		answer_shape(out, row);
	} else if (row_is(row, 0, "twin")) {
		answer_twin(out, row);
	} else {
		assert_true(row_is(row, 0, "facts"));
		answer_facts(out, row);
	}
}

static void each_number_is_what_the_table_says(void **state)
{
	(void)state;
	check_rows("record/identifier.tsv", answer);
}

/* In no place of a right number another digit fits: the checks find every single slip. (Of
 * organization codes among digits: their letters count modulo 11.) */
static void every_single_slip_is_found(void **state)
{
	static const struct {
		const char *kind, *number, *letters;
	} numbers[] = { { "resident_id", "440311199106159019", "0123456789X" },
		{ "hmt_residence", "810000199001010027", "0123456789X" },
		{ "foreign_pr", "944840198005050010", "0123456789X" },
		{ "uscc", "92440311MAXXXXX152", "0123456789ABCDEFGHJKLMNPQRTUWXY" },
		{ "org_code", "123456788", "0123456789" },
		{ "reg_no", "440311600999996", "0123456789" } };

	(void)state;
	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		size_t len = strlen(numbers[n].number);

		for (size_t i = 0; i < len; i++) {
			for (const char *at = numbers[n].letters; *at != '\0'; at++) {
				char text[20];
				struct bd_identifier out;
				struct bd_diag diag = { .code = BD_OK };
				struct bd_arena arena;
				enum bd_code code;

				snprintf(text, sizeof(text), "%s", numbers[n].number);
				text[i] = *at;
				bd_arena_init(&arena, 65536);
				code = bd_rule_identifier(&out, &kinds_only,
					bd_dictionary_id_kind(&kinds_only, numbers[n].kind),
					bd_bytes_of(text), NULL, &arena, &diag);
				if ((code == BD_OK) != (*at == numbers[n].number[i])) {
					fail_msg("%s %s: %s", numbers[n].kind, text,
						bd_code_info(code)->text);
				}
				bd_arena_release(&arena);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_number_is_what_the_table_says),
		cmocka_unit_test(every_single_slip_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
