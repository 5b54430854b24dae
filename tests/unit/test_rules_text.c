/* test_rules_text.c - tests/record/text.tsv: names and addresses as they are written, and their
 * normal forms. */
#include "record/rules_text.h"

#include "base/limits.h"
#include "record_support.h"

static enum bd_type type_named(const struct row *row)
{
	static const struct {
		const char *name;
		enum bd_type type;
	} types[] = { { "text", BD_TYPE_TEXT }, { "name", BD_TYPE_NAME },
		{ "org_name", BD_TYPE_ORG_NAME }, { "address", BD_TYPE_ADDRESS },
		{ "identifier", BD_TYPE_IDENTIFIER } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (row_is(row, 0, types[i].name)) {
			return types[i].type;
		}
	}
	fail_msg("no such type: %s", row_text(row, 0));
	return BD_TYPE_TEXT;
}

struct normal {
	enum bd_code code;
	struct bd_bytes text; /* in the arena, or the text that was given */
	uint8_t flags;
	struct bd_diag diag;
};

static struct normal normalize(enum bd_type type, struct bd_bytes text, struct bd_arena *arena)
{
	struct normal normal = { .text = { "untouched", 9 } };

	normal.code = bd_rule_text(&normal.text, &normal.flags, type, text, arena, &normal.diag);
	assert_int_equal(normal.diag.code, normal.code);
	assert_true(normal.code == BD_OK || bd_bytes_is(normal.text, "untouched"));
	return normal;
}

/* In an arena of every size too small the code says so, and nothing is given. */
static void check_memory(enum bd_type type, struct bd_bytes text)
{
	enum bd_code code = BD_LIMIT_BYTES;

	for (size_t max = 0; code != BD_OK; max++) {
		struct bd_arena arena;

		bd_arena_init(&arena, max);
		code = normalize(type, text, &arena).code;
		assert_true(code == BD_OK || code == BD_LIMIT_BYTES);
		assert_true(max < 1 << 20);
		bd_arena_release(&arena);
	}
}

/* A normal form is its own normal form: what was stored can be asked with. */
static void check_again(enum bd_type type, const struct normal *normal, struct bd_arena *arena)
{
	struct normal again = normalize(type, normal->text, arena);

	assert_int_equal(again.code, BD_OK);
	if (!bd_bytes_equal(again.text, normal->text) || again.flags != normal->flags) {
		fail_msg("not a normal form: '%.*s' becomes '%.*s', flags %u and %u",
			(int)normal->text.len, normal->text.ptr, (int)again.text.len,
			again.text.ptr, normal->flags, again.flags);
	}
}

static void answer_text(struct bd_buf *out, const struct row *row)
{
	enum bd_type type = type_named(row);
	struct bd_arena arena;
	struct normal normal;

	bd_arena_init(&arena, 1 << 20);
	normal = normalize(type, row_column(row, 1), &arena);
	if (normal.code != BD_OK) {
		bd_buf_printf(out, "%s by %s", bd_code_info(normal.code)->text, normal.diag.rule);
	} else {
		row_show(out, normal.text);
		bd_buf_add_text(
			out, (normal.flags & BD_VALUE_PLACEHOLDER) != 0 ? " [placeholder]" : "");
		bd_buf_add_text(out, (normal.flags & BD_VALUE_WARNED) != 0 ? " [warned]" : "");
		check_again(type, &normal, &arena);
		check_memory(type, row_column(row, 1));
	}
	bd_arena_release(&arena);
}

static void each_text_has_the_normal_form_of_the_table(void **state)
{
	(void)state;
	check_rows("record/text.tsv", answer_text);
}

/* Unicode's EquivalentUnifiedIdeograph of the whole block. */
static void each_radical_is_its_character(void **state)
{
	(void)state;
	check_rows("record/radical.tsv", answer_text);
}

/* A blank more changes nothing, though it is read by another way: what is plain is taken as it is.
 */
static void check_blank(
	enum bd_type type, const struct normal *normal, uint32_t point, struct bd_arena *arena)
{
	char room[64];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	struct normal blank;

	bd_buf_add_text(&text, "林 ");
	bd_text_add_point(&text, point);
	bd_buf_add_text(&text, "例");
	blank = normalize(type, bd_buf_bytes(&text), arena);
	assert_int_equal(blank.code, BD_OK);
	if (!bd_bytes_equal(blank.text, normal->text) || blank.flags != normal->flags) {
		fail_msg("U+%04X: '%.*s', with a blank '%.*s', flags %u and %u", point,
			(int)normal->text.len, normal->text.ptr, (int)blank.text.len,
			blank.text.ptr, normal->flags, blank.flags);
	}
}

/* Every code point, alone among Han and among letters, of each type: normal forms stay. */
static void every_normal_form_is_its_own(void **state)
{
	static const enum bd_type types[] = { BD_TYPE_NAME, BD_TYPE_ORG_NAME, BD_TYPE_ADDRESS };
	static const char *const around[][2] = { { "林", "例" }, { "LIN ", " SHILI" } };
	struct bd_arena arena;
	char room[64];

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	for (uint32_t point = 0x20; point <= 0x10FFFF; point++) {
		struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };

		if (point >= 0xD800 && point <= 0xDFFF) {
			continue;
		}
		/* Planes 4 to 13 have no characters; of private planes a part will do. */
		point = point == 0x33480 ? 0xE0000 : point == 0xE0200 ? 0xFFF00 : point;
		point = point == 0x100100 ? 0x10FF00 : point;
		for (size_t i = 0; i < 2; i++) {
			text.len = 0;
			bd_buf_add_text(&text, around[i][0]);
			bd_text_add_point(&text, point);
			bd_buf_add_text(&text, around[i][1]);
			for (size_t t = 0; t < 3; t++) {
				struct normal normal =
					normalize(types[t], bd_buf_bytes(&text), &arena);

				assert_int_equal(normal.code, BD_OK);
				check_again(types[t], &normal, &arena);
				if (i == 0) {
					check_blank(types[t], &normal, point, &arena);
				}
				bd_arena_clear(&arena);
			}
		}
	}
	bd_arena_release(&arena);
}

static void names_and_texts_have_limits(void **state)
{
	static const struct {
		enum bd_type type;
		size_t max;
	} cases[] = { { BD_TYPE_NAME, 100 }, { BD_TYPE_ORG_NAME, 400 } };
	struct bd_arena arena;
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 65536);
	bd_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < 2; i++) {
		bd_buf_clear(&text);
		for (size_t n = 0; n < cases[i].max; n++) {
			bd_text_add_point(&text, 0x6797);
		}
		assert_int_equal(normalize(cases[i].type, bd_buf_bytes(&text), &arena).code, BD_OK);
		bd_text_add_point(&text, 0x6797);
		assert_int_equal(
			normalize(cases[i].type, bd_buf_bytes(&text), &arena).code, BD_NAME_FORM);
	}
	bd_arena_release(&arena);
	bd_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_has_the_normal_form_of_the_table),
		cmocka_unit_test(each_radical_is_its_character),
		cmocka_unit_test(every_normal_form_is_its_own),
		cmocka_unit_test(names_and_texts_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
