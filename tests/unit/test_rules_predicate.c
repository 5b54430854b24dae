/* test_rules_predicate.c - tests/record/predicate.tsv: conditions on dates, numbers and months. */
#include "record/rules_predicate.h"

#include "base/clock.h"
#include "base/limits.h"
#include "record_support.h"

/* "a..b"; an end left out is open. */
static struct bd_range read_range(const char *text)
{
	struct bd_range range = { INT64_MIN, INT64_MAX };
	const char *dots = strstr(text, "..");

	assert_non_null(dots);
	if (dots != text) {
		range.at_least = strtoll(text, NULL, 10);
	}
	if (dots[2] != '\0') {
		range.at_most = strtoll(dots + 2, NULL, 10);
	}
	return range;
}

static struct bd_comparison age(const struct row *row)
{
	int32_t on;

	assert_true(bd_day_parse(&on, row_column(row, 2)));
	return bd_rule_age(row_column(row, 1), on, read_range(row_text(row, 3)),
		row_is(row, 4, "day after") ? BD_AGE_DAY_AFTER : BD_AGE_ON_BIRTHDAY);
}

static struct bd_comparison date_is(const struct row *row)
{
	static const char *const names[] = { [BD_DATE_BEFORE] = "before",
		[BD_DATE_UNTIL] = "until",
		[BD_DATE_ON] = "on",
		[BD_DATE_SINCE] = "since",
		[BD_DATE_AFTER] = "after" };
	enum bd_date_relation relation = BD_DATE_BEFORE;

	while (!row_is(row, 2, names[relation])) {
		relation++;
		assert_true(relation <= BD_DATE_AFTER);
	}
	return bd_rule_date_is(row_column(row, 1), relation, row_column(row, 3));
}

/* "2026-01 n, 2026-02 b": n normal, b back-paid, r refunded, u unknown. */
static size_t read_months(struct bd_month *months, size_t room, const char *text)
{
	static const char kinds[] = "?nbru";
	size_t count = 0;

	for (; *text != '\0'; text += text[9] == ',' ? 11 : 9) {
		assert_true(count < room && text[7] == ' ' && strchr(kinds, text[8]) != NULL);
		assert_true(
			bd_rule_month_number(&months[count].month, (struct bd_bytes){ text, 7 }));
		months[count].kind = (enum bd_month_kind)(strchr(kinds, text[8]) - kinds);
		count++;
	}
	return count;
}

static void answer_months(struct bd_buf *out, const struct row *row)
{
	struct bd_months_options options = { .counts_back_paid = row_is(row, 3, "back-paid too") };
	struct bd_months_paid paid;
	struct bd_month months[64];
	size_t count = read_months(months, 64, row_text(row, 1));

	assert_true(bd_rule_month_number(&options.until, row_column(row, 2)));
	bd_rule_months_paid(&paid, months, count, &options);
	bd_buf_printf(out, "sure %u %u %u, possible %u %u %u", paid.sure.total, paid.sure.longest,
		paid.sure.current, paid.possible.total, paid.possible.longest,
		paid.possible.current);
}

static void answer_predicate(struct bd_buf *out, const struct row *row)
{
	if (row_is(row, 0, "age")) {
		show_comparison(out, age(row));
	} else if (row_is(row, 0, "days")) {
		show_comparison(out, bd_rule_days(row_column(row, 1), row_column(row, 2),
					     read_range(row_text(row, 3))));
	} else if (row_is(row, 0, "date")) {
		show_comparison(out, date_is(row));
	} else if (row_is(row, 0, "number")) {
		show_comparison(
			out, bd_rule_number(row_column(row, 1), read_range(row_text(row, 2))));
	} else if (row_is(row, 0, "months")) {
		answer_months(out, row);
	} else {
		assert_true(row_is(row, 0, "enough"));
		show_comparison(
			out, bd_rule_months_enough((uint32_t)row_number(row, 1),
				     (uint32_t)row_number(row, 2), (uint32_t)row_number(row, 3)));
	}
}

static void each_predicate_says_what_the_table_says(void **state)
{
	(void)state;
	check_rows("record/predicate.tsv", answer_predicate);
}

/* Every day of two lives, against the plain definition: a year is full once month and day have
 * come. */
static void ages_agree_with_counting_by_hand(void **state)
{
	static const char *const births[] = { "1944-02-29", "1991-06-15" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bd_bytes birth = bd_bytes_of(births[i]);
		int32_t begin, year = i == 0 ? 1944 : 1991;
		int month = i == 0 ? 2 : 6, day = i == 0 ? 28 : 15;

		assert_true(bd_day_parse(&begin, birth));
		for (int32_t on = begin; on < begin + 40000; on++) {
			int y, m, d;

			bd_day_civil(on, &y, &m, &d);
			/* 29 February itself, where the year has one. */
			int due = i == 0 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : day;
			int64_t full = y - year - (m < month || (m == month && d < due));

			assert_int_equal(bd_rule_age(birth, on, (struct bd_range){ full, full },
						 BD_AGE_ON_BIRTHDAY)
						 .likeness,
				BD_LIKE_SAME);
			assert_int_equal(
				bd_rule_age(birth, on, (struct bd_range){ full + 1, INT64_MAX },
					BD_AGE_ON_BIRTHDAY)
					.likeness,
				BD_LIKE_DIFFERENT);
		}
	}
}

/* The oldest month that counts, and one before it. */
static void months_have_a_limit(void **state)
{
	const struct bd_months_options options = { .until = 24317, .counts_back_paid = false };
	struct bd_months_paid paid;
	struct bd_month months[] = { { 24317 - BD_MONTHS_MAX + 1, BD_MONTH_NORMAL },
		{ 24317 - BD_MONTHS_MAX, BD_MONTH_NORMAL }, { INT32_MIN, BD_MONTH_NORMAL },
		{ INT32_MAX, BD_MONTH_NORMAL } };

	(void)state;
	bd_rule_months_paid(&paid, months, 4, &options);
	assert_int_equal(paid.sure.total, 1);
	assert_int_equal(paid.possible.total, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_predicate_says_what_the_table_says),
		cmocka_unit_test(ages_agree_with_counting_by_hand),
		cmocka_unit_test(months_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
