/* test_drift.c - what the fields of a feed usually look like, and which of them have changed. */
#include "daemon/drift.h"
#include "intake/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct bd_slot_plan slots[] = { { .name = "number" }, { .name = "birth" },
	{ .name = "note" } };
static const struct bd_section_plan sections[] = { { .name = "empty" },
	{ .name = "base", .slots = slots, .slot_count = 3 } };
static const struct bd_feed_plan feed = { .name = "f", .sections = sections, .section_count = 2 };
static struct bd_plan plan = { .source = "s", .version = "1", .feeds = &feed, .feed_count = 1 };

/* So many records; in all of them a value where there is a shape. */
static bool learn(struct bd_drift *drift, uint16_t records, uint8_t number, uint8_t birth,
	uint8_t note, const char *unknown)
{
	const uint8_t shapes[3] = { number, birth, note };
	const uint8_t present[3] = { number != 0 ? (uint8_t)records : 0,
		birth != 0 ? (uint8_t)records : 0, note != 0 ? (uint8_t)records : 0 };
	const struct bd_section_tally tally = { 1, records, 3, present, shapes };
	const struct bd_unmapped name = { unknown, 1 };
	const struct bd_intake_result result = { .received = records,
		.unmapped = &name,
		.unmapped_count = unknown != NULL,
		.tallies = &tally,
		.tally_count = 1 };

	return bd_drift_learn(drift, &feed, &result, 1000);
}

static void fit(struct bd_drift *drift)
{
	assert_int_equal(bd_drift_fit(drift, &plan, &feed), BD_OK);
	assert_int_equal(drift->field_count, 3);
}

static void shapes_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		uint8_t shape;
	} rows[] = { { "", 0 }, { " \t", 0 }, { "0", BD_SHAPE_INTEGER },
		{ "-12", BD_SHAPE_INTEGER }, { "440311199106159019", BD_SHAPE_INTEGER },
		{ "1.50", BD_SHAPE_DECIMAL }, { "1.", BD_SHAPE_TEXT }, { ".5", BD_SHAPE_TEXT },
		{ "-", BD_SHAPE_WORD }, { "2026-06-01", BD_SHAPE_DATE },
		{ "2026/6/1", BD_SHAPE_DATE }, { "2026-06-01 09:30:00", BD_SHAPE_DATE },
		{ "2026-06-01T09:30:00Z", BD_SHAPE_DATE }, { "2026-06/01", BD_SHAPE_TEXT },
		{ "2026-06", BD_SHAPE_WORD }, { "92440311MAXXXXX152", BD_SHAPE_WORD },
		{ "Y", BD_SHAPE_WORD }, { "a b", BD_SHAPE_TEXT }, { "林示例", BD_SHAPE_TEXT } };
	char text[BD_SHAPES_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (bd_shape_of(bd_bytes_of(rows[i].text)) != rows[i].shape) {
			fail_msg("%s", rows[i].text);
		}
	}
	bd_shapes_text(text, 31);
	assert_string_equal(text, "integer decimal date word text");
}

static void a_usual_field_that_ceases_is_missing_until_it_comes(void **state)
{
	struct bd_drift drift = { .fields = NULL };

	(void)state;
	fit(&drift);
	assert_false(learn(&drift, 30, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	assert_false(learn(&drift, 9, BD_SHAPE_WORD, 0, BD_SHAPE_TEXT, NULL));
	assert_int_equal(drift.fields[1].missing_ms, 0);
	assert_true(learn(&drift, 1, BD_SHAPE_WORD, 0, BD_SHAPE_TEXT, NULL));
	assert_int_equal(drift.fields[1].missing_ms, 1000);
	assert_int_equal(drift.fields[0].missing_ms, 0);
	assert_string_equal(drift.fields[1].name, "base/birth");
	/* Told once; however long it is away, it stays usual. */
	assert_false(learn(&drift, 60, BD_SHAPE_WORD, 0, BD_SHAPE_TEXT, NULL));
	assert_true(learn(&drift, 1, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	assert_int_equal(drift.fields[1].missing_ms, 0);
	bd_drift_release(&drift);
}

static void a_field_that_is_seldom_there_is_not_missed(void **state)
{
	struct bd_drift drift = { .fields = NULL };

	(void)state;
	fit(&drift);
	for (int i = 0; i < 20; i++) {
		assert_false(learn(&drift, 4, BD_SHAPE_WORD, 0, BD_SHAPE_TEXT, NULL));
		assert_false(learn(&drift, 1, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	}
	assert_false(learn(&drift, 60, BD_SHAPE_WORD, 0, BD_SHAPE_TEXT, NULL));
	/* Nor one of which little is known. */
	bd_drift_release(&drift);
	fit(&drift);
	assert_false(learn(&drift, 19, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	assert_false(learn(&drift, 60, BD_SHAPE_WORD, 0, BD_SHAPE_TEXT, NULL));
	bd_drift_release(&drift);
}

static void another_shape_is_retyped_until_it_is_as_it_was(void **state)
{
	struct bd_drift drift = { .fields = NULL };

	(void)state;
	fit(&drift);
	assert_false(learn(&drift, 20, BD_SHAPE_INTEGER, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	/* A mixture is no change: it is learnt. */
	assert_false(learn(
		&drift, 20, BD_SHAPE_INTEGER | BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	assert_false(learn(&drift, 20, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	assert_false(learn(&drift, 9, BD_SHAPE_WORD, BD_SHAPE_INTEGER, BD_SHAPE_TEXT, NULL));
	assert_true(learn(&drift, 1, BD_SHAPE_WORD, BD_SHAPE_INTEGER, BD_SHAPE_TEXT, NULL));
	assert_int_equal(drift.fields[1].retyped_ms, 1000);
	assert_int_equal(drift.fields[1].shapes, BD_SHAPE_DATE);
	assert_int_equal(drift.fields[1].alien_shapes, BD_SHAPE_INTEGER);
	assert_true(learn(&drift, 1, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL));
	assert_int_equal(drift.fields[1].retyped_ms, 0);
	bd_drift_release(&drift);
}

static void a_name_that_nobody_knows_is_new_until_it_ceases(void **state)
{
	struct bd_drift drift = { .fields = NULL };

	(void)state;
	fit(&drift);
	assert_true(learn(&drift, 1, BD_SHAPE_WORD, 0, 0, "base/wxid"));
	assert_int_equal(drift.unknown_count, 1);
	assert_false(learn(&drift, 1, BD_SHAPE_WORD, 0, 0, "base/wxid"));
	assert_false(learn(&drift, 9, BD_SHAPE_WORD, 0, 0, NULL));
	assert_false(learn(&drift, 1, BD_SHAPE_WORD, 0, 0, "base/wxid"));
	assert_true(learn(&drift, 10, BD_SHAPE_WORD, 0, 0, NULL));
	assert_int_equal(drift.unknown_count, 0);
	/* However many there are. */
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "base/n%d", i);
		learn(&drift, 0, 0, 0, 0, name);
	}
	assert_int_equal(drift.unknown_count, BD_DRIFT_NAMES_MAX);
	bd_drift_release(&drift);
}

static void another_version_of_the_adapter_begins_anew(void **state)
{
	struct bd_drift drift = { .fields = NULL };

	(void)state;
	fit(&drift);
	learn(&drift, 30, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, "base/x");
	fit(&drift);
	assert_int_equal(drift.fields[1].present, 30);
	plan.version = "2";
	fit(&drift);
	plan.version = "1";
	assert_int_equal(drift.fields[1].present, 0);
	assert_int_equal(drift.unknown_count, 0);
	bd_drift_release(&drift);
}

static void it_is_kept_whole_or_not_at_all(void **state)
{
	struct bd_drift drift = { .fields = NULL }, is;
	struct bd_buf packed;

	(void)state;
	bd_buf_init(&packed, 65536);
	fit(&drift);
	learn(&drift, 30, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, "base/x");
	assert_int_equal(bd_drift_pack(&packed, &drift), BD_OK);
	assert_int_equal(bd_drift_unpack(&is, bd_buf_bytes(&packed)), BD_OK);
	assert_int_equal(is.field_count, 3);
	assert_memory_equal(is.fields, drift.fields, 3 * sizeof(*is.fields));
	assert_string_equal(is.unknown[0].path, "base/x");
	bd_drift_release(&is);
	for (size_t len = 0; len < packed.len; len++) {
		assert_int_equal(bd_drift_unpack(&is, (struct bd_bytes){ packed.ptr, len }),
			BD_STORE_DAMAGED);
	}
	assert_int_equal(bd_buf_add_byte(&packed, 0), BD_OK);
	assert_int_equal(bd_drift_unpack(&is, bd_buf_bytes(&packed)), BD_STORE_DAMAGED);
	bd_drift_release(&drift);
	bd_buf_release(&packed);
}

/* A worker that still has another adapter counts other slots. */
static void other_slots_are_not_mistaken(void **state)
{
	const uint8_t none[2] = { 0, 0 };
	const struct bd_section_tally tally = { 1, 60, 2, none, none },
				      beyond = { 7, 1, 2, none, none };
	const struct bd_section_tally both[] = { tally, beyond };
	const struct bd_intake_result result = {
		.received = 60, .tallies = both, .tally_count = 2
	};
	struct bd_drift drift = { .fields = NULL };

	(void)state;
	fit(&drift);
	learn(&drift, 30, BD_SHAPE_WORD, BD_SHAPE_DATE, BD_SHAPE_TEXT, NULL);
	assert_false(bd_drift_learn(&drift, &feed, &result, 1000));
	bd_drift_release(&drift);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_told_apart),
		cmocka_unit_test(a_usual_field_that_ceases_is_missing_until_it_comes),
		cmocka_unit_test(a_field_that_is_seldom_there_is_not_missed),
		cmocka_unit_test(another_shape_is_retyped_until_it_is_as_it_was),
		cmocka_unit_test(a_name_that_nobody_knows_is_new_until_it_ceases),
		cmocka_unit_test(another_version_of_the_adapter_begins_anew),
		cmocka_unit_test(it_is_kept_whole_or_not_at_all),
		cmocka_unit_test(other_slots_are_not_mistaken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
