/* test_rules_compare.c - tests/record/compare.tsv: two values and what a comparator says of them.
 */
#include "record/rules_compare.h"

#include "base/limits.h"
#include "record/rules_address.h"
#include "record/rules_set.h"
#include "record_support.h"

/* "kind number" parts between "; " as identifiers; "kind@issuer number" where it is issued. */
static size_t read_identifiers(struct bd_identifier *list, size_t room, struct bd_bytes text)
{
	size_t count = 0;

	while (text.len > 0) {
		const char *end = memmem(text.ptr, text.len, "; ", 2);
		struct bd_bytes one = { text.ptr,
			end == NULL ? text.len : (size_t)(end - text.ptr) };
		const char *blank = memchr(one.ptr, ' ', one.len);
		const char *issuer = memchr(one.ptr, '@', one.len);
		char name[64];
		size_t len;

		assert_true(count < room && blank != NULL);
		len = (size_t)((issuer != NULL ? issuer : blank) - one.ptr);
		snprintf(name, sizeof(name), "%.*s", (int)len, one.ptr);
		list[count].kind = bd_dictionary_id_kind(&kinds_only, name)->number;
		list[count].issuer = issuer == NULL ? (struct bd_bytes){ "", 0 }
						    : (struct bd_bytes){ issuer + 1,
							      (size_t)(blank - issuer - 1) };
		list[count].number =
			(struct bd_bytes){ blank + 1, one.len - (size_t)(blank + 1 - one.ptr) };
		count++;
		text.ptr += one.len + (end == NULL ? 0 : 2);
		text.len -= one.len + (end == NULL ? 0 : 2);
	}
	return count;
}

static struct bd_comparison compare_identifiers(const struct row *row)
{
	struct bd_identifier claim, held[8];
	size_t count = read_identifiers(held, 8, row_column(row, 2));

	assert_int_equal(read_identifiers(&claim, 1, row_column(row, 1)), 1);
	return bd_rule_compare_identifier(&claim, held, count, &kinds_only);
}

static struct bd_comparison compare_list(const struct row *row)
{
	static const char *const allowed[] = { "食品销售(仅销售预包装食品)", "日用百货销售",
		"技术服务、技术开发、技术咨询", "服装零售", "咖啡馆服务?" };
	size_t count = sizeof(allowed) / sizeof(allowed[0]) - 1;
	struct bd_comparison comparison;
	struct bd_allowed list;
	struct bd_arena arena;

	bd_arena_init(&arena, 65536);
	assert_int_equal(bd_rule_allow(&list, allowed, count, &arena), BD_OK);
	comparison =
		row_is(row, 0, "member")
			? bd_rule_compare_member(row_column(row, 1), allowed, count)
			: bd_rule_compare_listed(row_column(row, 1), BD_SCOPE_SEPARATORS, &list);
	bd_arena_release(&arena);
	return comparison;
}

static struct bd_comparison compare_by_field(const struct row *row, enum bd_comparator comparator)
{
	struct bd_value claim = { .text = row_column(row, 1) };
	struct bd_value held = { .text = row_column(row, 2) };
	struct bd_compare_options options = { .tolerance_fen = row_number(row, 3),
		.near_score = comparator == BD_COMPARE_ADDRESS ? (unsigned)row_number(row, 3) : 0 };

	held.flags = row_is(row, 3, "unmapped") ? BD_VALUE_UNMAPPED
		     : row_is(row, 3, "none")   ? BD_VALUE_NONE
						: 0;
	return bd_rule_compare(comparator, &claim, &held, row->count > 3 ? &options : NULL);
}

static void answer_comparison(struct bd_buf *out, const struct row *row)
{
	static const struct {
		const char *name;
		enum bd_comparator comparator;
	} comparators[] = { { "exact", BD_COMPARE_EXACT }, { "number", BD_COMPARE_IDENTIFIER },
		{ "name", BD_COMPARE_NAME }, { "org_name", BD_COMPARE_ORG_NAME },
		{ "date", BD_COMPARE_DATE }, { "amount", BD_COMPARE_AMOUNT },
		{ "code", BD_COMPARE_CODE }, { "address", BD_COMPARE_ADDRESS },
		{ "set", BD_COMPARE_SET } };

	for (size_t i = 0; i < sizeof(comparators) / sizeof(comparators[0]); i++) {
		if (row_is(row, 0, comparators[i].name)) {
			show_comparison(out, compare_by_field(row, comparators[i].comparator));
			return;
		}
	}
	show_comparison(
		out, row_is(row, 0, "identifier") ? compare_identifiers(row) : compare_list(row));
}

static void each_comparator_says_what_the_table_says(void **state)
{
	(void)state;
	check_rows("record/compare.tsv", answer_comparison);
}

/* Which of the two is the claim never matters, but that one identifier is asked and many are held.
 */
static void answer_turned(struct bd_buf *out, const struct row *row)
{
	struct row turned = *row;

	if (!row_is(row, 0, "identifier") && !row_is(row, 0, "listed") &&
		!row_is(row, 0, "member") && row->count == 3) {
		turned.columns[1] = row->columns[2];
		turned.columns[2] = row->columns[1];
	}
	answer_comparison(out, &turned);
}

static void a_comparison_is_the_same_from_both_sides(void **state)
{
	(void)state;
	check_rows("record/compare.tsv", answer_turned);
}

/* As many items as one may have, and one more. */
static void a_set_has_a_limit(void **state)
{
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 65536);
	for (size_t i = 0; i < BD_SET_ITEMS_MAX; i++) {
		bd_buf_printf(&text, "%zu;", i);
	}
	assert_int_equal(
		bd_rule_compare_set(bd_buf_bytes(&text), bd_buf_bytes(&text), ";").likeness,
		BD_LIKE_SAME);
	bd_buf_add_text(&text, "one more");
	assert_string_equal(bd_rule_compare_set(bd_buf_bytes(&text), bd_buf_bytes(&text), ";").rule,
		"compare.set.size");
	bd_buf_release(&text);
}

static void an_address_has_a_limit(void **state)
{
	struct bd_buf a, b;

	(void)state;
	bd_buf_init(&a, 65536);
	bd_buf_init(&b, 65536);
	for (size_t i = 0; i < BD_ADDRESS_MAX_CHARS; i++) {
		bd_text_add_point(&a, 0x8DEF);
		bd_text_add_point(&b, i < BD_ADDRESS_MAX_CHARS / 2 ? 0x8DEF : 0x6865);
	}
	assert_string_equal(bd_rule_compare_address(bd_buf_bytes(&a), bd_buf_bytes(&b), 50).rule,
		"compare.address.score");
	assert_int_equal(bd_rule_compare_address(bd_buf_bytes(&a), bd_buf_bytes(&b), 50).score, 50);
	bd_text_add_point(&a, 0x8DEF);
	assert_string_equal(bd_rule_compare_address(bd_buf_bytes(&a), bd_buf_bytes(&b), 50).rule,
		"compare.address.long");
	bd_buf_release(&a);
	bd_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_comparator_says_what_the_table_says),
		cmocka_unit_test(a_comparison_is_the_same_from_both_sides),
		cmocka_unit_test(a_set_has_a_limit),
		cmocka_unit_test(an_address_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
