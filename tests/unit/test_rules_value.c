/* test_rules_value.c - tests/record/value.tsv: dates, times, amounts and counts as they are
 * written, and their one form. */
#include "record/rules_value.h"

#include "base/clock.h"
#include "record_support.h"

static enum bd_code apply(struct bd_bytes *out, const struct row *row, struct bd_bytes text,
	struct bd_arena *arena, struct bd_diag *diag)
{
	static const struct {
		const char *name;
		unsigned decimals;
	} units[] = { { "fen", 0 }, { "yuan", 2 }, { "wan", 6 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (row_is(row, 0, units[i].name)) {
			return bd_rule_amount(out, text, units[i].decimals, arena, diag);
		}
	}
	if (row_is(row, 0, "date")) {
		return bd_rule_date(out, text, arena, diag);
	}
	if (row_is(row, 0, "month")) {
		return bd_rule_month(out, text, arena, diag);
	}
	if (row_is(row, 0, "time")) {
		return bd_rule_time_text(out, text, arena, diag);
	}
	if (row_is(row, 0, "count")) {
		return bd_rule_count(out, text, arena, diag);
	}
	assert_true(row_is(row, 0, "bool"));
	return bd_rule_bool(out, text, diag);
}

/* In an arena of every size too small the code says so, and nothing is given. */
static void check_memory(const struct row *row)
{
	enum bd_code code = BD_LIMIT_BYTES;

	for (size_t max = 0; code != BD_OK; max++) {
		struct bd_bytes out = { "untouched", 9 };
		struct bd_diag diag = { .code = BD_OK };
		struct bd_arena arena;

		bd_arena_init(&arena, max);
		code = apply(&out, row, row_column(row, 1), &arena, &diag);
		assert_true(code == BD_OK || code == BD_LIMIT_BYTES);
		assert_true(code == BD_OK || bd_bytes_is(out, "untouched"));
		assert_int_equal(diag.code, code);
		assert_true(max < 1 << 20);
		bd_arena_release(&arena);
	}
}

static void answer_value(struct bd_buf *out, const struct row *row)
{
	struct bd_bytes value = { "untouched", 9 }, again;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, 65536);
	code = apply(&value, row, row_column(row, 1), &arena, &diag);
	assert_int_equal(diag.code, code);
	if (code != BD_OK) {
		assert_true(bd_bytes_is(value, "untouched"));
		bd_buf_printf(out, "%s by %s", bd_code_info(code)->text, diag.rule);
	} else {
		row_show(out, value);
		check_memory(row);
		/* Its own normal form; amounts are in fen now, whatever they came in. */
		if (row_is(row, 0, "yuan") || row_is(row, 0, "wan")) {
			code = bd_rule_amount(&again, value, 0, &arena, &diag);
		} else {
			code = apply(&again, row, value, &arena, &diag);
		}
		assert_int_equal(code, BD_OK);
		assert_true(bd_bytes_equal(again, value));
	}
	bd_arena_release(&arena);
}

static void each_value_has_the_form_of_the_table(void **state)
{
	(void)state;
	check_rows("record/value.tsv", answer_value);
}

/* Every day from 1850 to 2100 written in each of the usual ways. */
static void every_day_is_read_in_every_form(void **state)
{
	static const char *const forms[] = { "%04d-%02d-%02d", "%04d%02d%02d", "%04d/%d/%d",
		"%04d.%02d.%02d", "%04d年%d月%d日", "%04d - %02d - %02d",
		"%04d-%02d-%02d 00:00:00.0" };
	struct bd_arena arena;
	int32_t first, last;

	(void)state;
	bd_arena_init(&arena, 65536);
	assert_true(bd_day_of(&first, 1850, 1, 1));
	assert_true(bd_day_of(&last, 2100, 12, 31));
	for (int32_t day = first; day <= last; day++) {
		int year, month, dayofmonth;
		char expected[11], text[64];

		bd_day_civil(day, &year, &month, &dayofmonth);
		bd_day_format(expected, day);
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			struct bd_bytes out;

			snprintf(text, sizeof(text), forms[i], year, month, dayofmonth);
			assert_int_equal(
				bd_rule_date(&out, bd_bytes_of(text), &arena, NULL), BD_OK);
			if (!bd_bytes_is(out, expected)) {
				fail_msg("%s became %s", text, out.ptr);
			}
			bd_arena_clear(&arena);
		}
	}
	bd_arena_release(&arena);
}

/* A date's span: one day, or those of its month or year. */
static void a_partial_date_is_all_its_days(void **state)
{
	static const struct {
		const char *date, *first, *last;
	} cases[] = { { "2024-02-29", "2024-02-29", "2024-02-29" },
		{ "2024-02", "2024-02-01", "2024-02-29" },
		{ "2026-02", "2026-02-01", "2026-02-28" },
		{ "2026-12", "2026-12-01", "2026-12-31" }, { "2026", "2026-01-01", "2026-12-31" },
		{ "9999-12-31", "9999-12-31", "9999-12-31" } };
	static const char *const none[] = { "", "202", "20260", "2026-2", "2026-13", "2026-00",
		"2026/02", "2026-02-30", "0000", "9999", "2026-02-01T", "abcd", "-001-01-01" };
	int32_t first, last;
	char text[11];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(bd_rule_date_span(&first, &last, bd_bytes_of(cases[i].date)));
		bd_day_format(text, first);
		assert_string_equal(text, cases[i].first);
		bd_day_format(text, last);
		assert_string_equal(text, cases[i].last);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_false(bd_rule_date_span(&first, &last, bd_bytes_of(none[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_has_the_form_of_the_table),
		cmocka_unit_test(every_day_is_read_in_every_form),
		cmocka_unit_test(a_partial_date_is_all_its_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
