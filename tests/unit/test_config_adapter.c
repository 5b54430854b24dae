#include "config_support.h"

#include "config/adapter.h"

struct state {
	struct bd_arena arena;
	struct bd_diags diags;
	const struct bd_dictionary *dict;
	const struct bd_plan *plan;
};

static int set_up(void **out)
{
	struct state *state = calloc(1, sizeof(*state));
	bd_arena_init(&state->arena, ARENA_MAX);
	state->dict = read_dictionary(&state->arena);
	*out = state;
	return 0;
}

static int tear_down(void **in)
{
	struct state *state = *in;
	bd_arena_release(&state->arena);
	free(state);
	return 0;
}

static enum bd_code compile(struct state *state, const char *folder)
{
	return bd_config_adapter(&state->plan, source_path(&state->arena, folder),
		source_path(&state->arena, "schemas"), state->dict, &state->arena, &state->diags);
}

static const struct bd_feed_plan *feed_named(const struct bd_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->feed_count; i++) {
		if (strcmp(plan->feeds[i].name, name) == 0) {
			return &plan->feeds[i];
		}
	}
	fail_msg("no feed %s", name);
	return NULL;
}

static void every_adapter_compiles(void **in)
{
	struct state *state = *in;
	const char *const *sources = NULL;
	size_t count = 0;
	const char *adapters = source_path(&state->arena, "adapters");
	assert_int_equal(bd_config_sources(&sources, &count, adapters, &state->arena, NULL), BD_OK);
	assert_true(count >= 4);
	for (size_t i = 0; i < count; i++) {
		char folder[256];
		snprintf(folder, sizeof(folder), "adapters/%s", sources[i]);
		state->plan = NULL;
		compile(state, folder);
		char *text = diags_text(&state->diags);
		assert_string_equal(text, "");
		free(text);
		assert_string_equal(state->plan->source, sources[i]);
	}
}

static void one_payload_in_two_envelopes(void **in)
{
	struct state *state = *in;
	assert_int_equal(compile(state, "adapters/medical"), BD_OK);
	const struct bd_feed_plan *own = feed_named(state->plan, "1101");
	const struct bd_feed_plan *platform = feed_named(state->plan, "platform");
	assert_string_equal(own->sections[1].path, "output/insuinfo");
	assert_string_equal(platform->sections[1].path, "data/insuinfo");
	assert_int_equal(own->section_count, platform->section_count);
	assert_int_equal(own->order_kind, BD_ORDER_TIME);
	assert_string_equal(own->message_slots[own->order_slot].path, "respond_time");
	assert_string_equal(platform->message_slots[platform->order_slot].path, "time");
	assert_true(own->sections[1].outputs[0].is_message_subject);
}

static void a_pair_of_codes_is_one_key(void **in)
{
	struct state *state = *in;
	assert_int_equal(compile(state, "adapters/social"), BD_OK);
	const struct bd_feed_plan *feed = feed_named(state->plan, "packet");
	const struct bd_section_plan *section = &feed->sections[0];
	assert_int_equal(section->patch_when.value_count, 1);
	assert_string_equal(section->patch_when.values[0], "2");
	assert_string_equal(section->slots[section->order_slot].name, "CGTIME");
	assert_string_equal(feed->success[0].not_found[0], "0503");
	assert_string_equal(feed->success[0].several[0], "0501");
	const struct bd_output_plan *status = &section->outputs[1];
	const struct bd_field_plan *last = &status->fields[status->field_count - 1];
	assert_int_equal(last->operation, BD_OPERATION_TABLE);
	assert_int_equal(last->slot_count, 2);
	assert_string_equal(last->map->entries[0].from, "1\x1f"
							"1");
	assert_string_equal(last->map->entries[0].to, "paying");
}

static void success_of_tax_is_stated_twice(void **in)
{
	struct state *state = *in;
	assert_int_equal(compile(state, "adapters/tax"), BD_OK);
	const struct bd_feed_plan *feed = feed_named(state->plan, "gt3");
	assert_int_equal(feed->success_count, 2);
	assert_true(feed->success[0].is_required && feed->success[1].is_required);
	assert_string_equal(feed->embedded[0].path, "service/body");
	assert_string_equal(feed->sections[1].path, "service/body/taxML/qsxxGrid/qsxxGridlb");
	assert_string_equal(feed->sections[1].group_path, "service/body/taxML/qsxxGrid");
	assert_string_equal(feed->sections[0].outputs[0].subject[2].issuer, "tax:djxh");
	assert_int_equal(feed_named(state->plan, "verify")->kind, BD_FEED_VERIFY);
}

static void a_table_and_its_full_export(void **in)
{
	struct state *state = *in;
	assert_int_equal(compile(state, "adapters/market"), BD_OK);
	const struct bd_feed_plan *daily = feed_named(state->plan, "ao_pb_opanomaly");
	const struct bd_feed_plan *full = feed_named(state->plan, "ao_pb_opanomaly_full");
	assert_int_equal(daily->kind, BD_FEED_CHANGE);
	assert_int_equal(daily->separator, 1);
	assert_int_equal(daily->column_count, 10);
	assert_string_equal(daily->sections[0].path, "row");
	assert_int_equal(full->kind, BD_FEED_SNAPSHOT);
	assert_int_equal(full->remove_share_max_percent, 5);
	assert_int_equal(full->column_count, 10);
}

static void a_fifth_department_is_a_folder(void **in)
{
	struct state *state = *in;
	assert_int_equal(compile(state, "tests/adapters/civil_affairs"), BD_OK);
	const struct bd_feed_plan *feed = feed_named(state->plan, "deaths");
	assert_int_equal(feed->format, BD_FORMAT_CSV);
	assert_true(feed->has_header);
	assert_int_equal(feed->separator, ',');
	assert_int_equal(feed->sections[0].outputs[0].field_count, 3);
	assert_true(feed->sections[0].outputs[0].subject[0].is_strict);
}

static void every_mistake_has_its_place(void **in)
{
	struct state *state = *in;
	assert_int_not_equal(compile(state, "tests/adapters/broken"), BD_OK);
	assert_null(state->plan);
	assert_expected(
		&state->diags, source_path(&state->arena, "tests/adapters/broken/expected.txt"));
}

static void no_room_is_told(void **in)
{
	struct state *state = *in;
	for (size_t max = 0; max < 200000; max += 3001) {
		struct bd_arena small;
		bd_arena_init(&small, max);
		memset(&state->diags, 0, sizeof(state->diags));
		state->plan = NULL;
		enum bd_code code = bd_config_adapter(&state->plan,
			source_path(&state->arena, "adapters/tax"),
			source_path(&state->arena, "schemas"), state->dict, &small, &state->diags);
		assert_true(code != BD_OK || state->plan != NULL);
		assert_true(code == BD_OK || state->plan == NULL);
		assert_true(max > 3001 || code == BD_NO_MEMORY);
		bd_arena_release(&small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_adapter_compiles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_payload_in_two_envelopes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pair_of_codes_is_one_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(success_of_tax_is_stated_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_table_and_its_full_export, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_fifth_department_is_a_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_mistake_has_its_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_room_is_told, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
