/* test_row_key.c - rule: map.row_key. Which records are of one row, by their keys. */
#include "intake_support.h"

#define ROWS_MAX 16

struct keys {
	struct bd_intake_sink sink;
	struct bd_buf bytes;
	size_t ends[ROWS_MAX];
	size_t count;
};

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct keys *keys = (struct keys *)sink;

	(void)diag;
	assert_true(keys->count < ROWS_MAX);
	assert_int_equal(bd_buf_add(&keys->bytes, record->row_key), BD_OK);
	keys->ends[keys->count++] = keys->bytes.len;
	return BD_OK;
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	(void)sink;
	(void)diag;
	fail_msg("refused: %s", bd_code_info(reject->diag.code)->text);
	return BD_OK;
}

static const struct bd_intake_sink_ops ops = { on_record, on_reject };

static struct bd_bytes key_at(const struct keys *keys, size_t at)
{
	size_t begin = at == 0 ? 0 : keys->ends[at - 1];

	return (struct bd_bytes){ keys->bytes.ptr + begin, keys->ends[at] - begin };
}

/* Items of the feed mapping.rules; scheme and pool region are the key of an insurance status. */
static void rows_are_told_apart_by_their_key_fields(void **state)
{
	static const struct {
		const char *item;
		size_t same_as; /* the first item of its row */
	} items[] = {
		{ "<sort>1</sort><here>440311</here>", 0 },
		{ "<sort>1</sort><here>440311</here><since>2018-07-01</since>", 0 },
		{ "<sort>1</sort><there>440311</there>", 0 },
		{ "<sort>2</sort><here>440311</here>", 3 },
		{ "<sort>1</sort>", 4 },
		{ "<sort>1</sort><here></here>", 4 },
		/* An unmapped code is a key of its own. */
		{ "<sort>7</sort><here>440311</here>", 6 },
		{ "<sort>8</sort><here>440311</here>", 7 },
		{ "<sort>7</sort><here>440311</here>", 6 },
	};
	const size_t count = sizeof(items) / sizeof(items[0]);
	struct keys keys = { .sink = { &ops } };
	const struct bd_intake_result *result;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake_settings settings;
	struct bd_intake *intake;
	struct bd_arena arena;
	struct bd_buf message;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	bd_buf_init(&message, 65536);
	bd_buf_init(&keys.bytes, 65536);
	const struct bd_dictionary *dict = read_dictionary(&arena);
	settings =
		intake_settings(dict, intake_plan("tests/adapters/mapping", dict, &arena), "rules");
	bd_buf_add_text(&message, "<list><sent>20260601093000</sent>");
	for (size_t i = 0; i < count; i++) {
		bd_buf_printf(&message, "<item><act>1</act><id>440311199106159019</id>%s</item>",
			items[i].item);
	}
	bd_buf_add_text(&message, "</list>");
	assert_int_equal(bd_intake_new(&intake, &settings, &keys.sink, &diag), BD_OK);
	assert_int_equal(bd_intake_feed(intake, bd_buf_bytes(&message), &diag), BD_OK);
	assert_int_equal(bd_intake_end(intake, &result, &diag), BD_OK);
	assert_int_equal(keys.count, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			assert_int_equal(bd_bytes_equal(key_at(&keys, i), key_at(&keys, j)),
				items[i].same_as == items[j].same_as);
		}
	}
	bd_intake_free(intake);
	bd_buf_release(&message);
	bd_buf_release(&keys.bytes);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_told_apart_by_their_key_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
