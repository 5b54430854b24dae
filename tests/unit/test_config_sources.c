/* test_config_sources.c - the sources file: read whole, every error of one told. */
#include "config_support.h"

#include "config/adapter.h"
#include "config/sources.h"

struct fixture {
	struct bd_arena arena;
	struct bd_diags diags;
	const struct bd_sources *sources;
	enum bd_code code;
};

static struct fixture *read_sources(const char *path)
{
	static const char *const adapters[] = { "adapters/tax", "adapters/medical",
		"adapters/market" };
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bd_plan *plans[3];
	const struct bd_dictionary *dict;
	struct bd_source_context context;

	assert_non_null(f);
	bd_arena_init(&f->arena, ARENA_MAX);
	dict = read_dictionary(&f->arena);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			bd_config_adapter(&plans[i], source_path(&f->arena, adapters[i]),
				source_path(&f->arena, "schemas"), dict, &f->arena, &f->diags),
			BD_OK);
	}
	context = (struct bd_source_context){ source_path(&f->arena, "schemas"),
		source_path(&f->arena, "adapters"), dict, plans, 3 };
	f->code = bd_config_source_access(
		&f->sources, source_path(&f->arena, path), &context, &f->arena, &f->diags);
	return f;
}

static void release(struct fixture *f)
{
	bd_arena_release(&f->arena);
	free(f);
}

static void a_source_is_reached_as_it_is_written(void **state)
{
	struct fixture *f = read_sources("tests/adapters/config/sources.xml");
	const struct bd_source_access *tax, *medical, *market;
	const struct bd_endpoint *main_one;

	(void)state;
	assert_int_equal(f->code, BD_OK);
	tax = bd_source_access_find(f->sources, "tax");
	medical = bd_source_access_find(f->sources, "medical");
	assert_non_null(tax);
	assert_non_null(medical);
	market = bd_source_access_find(f->sources, "market");
	assert_non_null(market);
	assert_null(bd_source_access_find(f->sources, "social"));
	assert_int_equal(tax->endpoint_count, 2);
	main_one = &tax->endpoints[0];
	assert_string_equal(main_one->base, "https://10.1.2.3:8443/esb");
	assert_string_equal(
		main_one->ca, source_path(&f->arena, "tests/adapters/config/tls/tax-ca.pem"));
	assert_string_equal(main_one->key, "/etc/bidui/tls/bidui.key");
	assert_int_equal(main_one->allow_count, 2);
	assert_int_equal(main_one->rate_per_s, 20);
	assert_int_equal(main_one->trip_ms, 120000);
	assert_int_equal(main_one->value_count, 2);
	assert_string_equal(main_one->values[0].value, "SZGM.ZWFW.BIDUI");
	assert_string_equal(main_one->values[1].file,
		source_path(&f->arena, "tests/adapters/config/secrets/tax.token"));
	assert_int_equal(tax->pull_count, 1);
	assert_int_equal(tax->pulls[0].at_minute, 150);
	assert_string_equal(tax->pulls[0].files, "*_TAX.txt");
	assert_string_equal(tax->lookups[0].form->name, "by-number");
	assert_int_equal(market->pull_count, 1);
	assert_ptr_equal(market->pulls[0].from, &market->endpoints[0]);
	assert_int_equal(market->pulls[0].every_ms, 900000);
	assert_int_equal(market->pulls[0].at_minute, -1);
	assert_string_equal(market->pulls[0].form->name, "table");
	assert_string_equal(market->pulls[0].values[0].value, "E_BASEINFO");
	assert_int_equal(tax->lookup_count, 1);
	assert_int_equal(tax->lookups[0].remember_none_ms, 30000);
	assert_int_equal(tax->lookups[0].hedge_ms, 300);
	release(f);
}

static void what_is_not_stated_has_its_default(void **state)
{
	struct fixture *f = read_sources("tests/adapters/config/sources.xml");
	const struct bd_endpoint *one = &bd_source_access_find(f->sources, "medical")->endpoints[0];

	(void)state;
	assert_true(one->is_plaintext_allowed);
	assert_int_equal(one->concurrency, 8);
	assert_int_equal(one->rate_per_s, 0);
	assert_int_equal(one->connect_ms, 5000);
	assert_int_equal(one->tries, 4);
	assert_int_equal(one->max_bytes, 67108864);
	release(f);
}

/* What the kernel lets biduid read, and what two people agree on, follows from the file. */
static void its_files_are_known_without_adapters(void **state)
{
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	struct bd_source_files files = { 0 };
	size_t trusted = 0;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	assert_int_equal(bd_config_source_files(&files,
				 source_path(&arena, "tests/adapters/config/sources.xml"),
				 source_path(&arena, "schemas"), &arena, &diags),
		BD_OK);
	assert_int_equal(files.count, 5);
	for (size_t i = 0; i < files.count; i++) {
		trusted += files.items[i].is_trust;
		assert_int_equal(files.items[i].use, BD_FILE_READ);
	}
	assert_int_equal(trusted, 1);
	assert_true(files.items[0].is_trust);
	bd_arena_release(&arena);
}

static void a_folder_is_watched_as_it_is_written(void **state)
{
	struct fixture *f = read_sources("tests/adapters/config/folders.xml");
	const struct bd_source_access *market = bd_source_access_find(f->sources, "market");
	const struct bd_folder_plan *nightly, *marked, *gate;

	(void)state;
	assert_int_equal(f->code, BD_OK);
	assert_int_equal(market->folder_count, 3);
	nightly = &market->folders[0];
	marked = &market->folders[1];
	gate = &market->folders[2];
	assert_string_equal(
		nightly->done, source_path(&f->arena, "tests/adapters/config/drop/market/done"));
	assert_null(nightly->done_suffix);
	assert_string_equal(nightly->totals, "{date}_TOTALS");
	assert_true(nightly->has_owner);
	assert_int_equal(nightly->owner, 4711);
	assert_int_equal(nightly->max_bytes, 1000000);
	/* Every feed that has a name for its files. */
	assert_true(nightly->file_count > 10);
	assert_true(nightly->files[0].has_free_ending);
	assert_string_equal(marked->done_suffix, ".done");
	assert_string_equal(marked->failed, "/srv/away/failed");
	assert_int_equal(marked->file_count, 2);
	assert_false(marked->files[0].has_free_ending);
	assert_string_equal(marked->files[0].feed->name, "e_baseinfo");
	assert_string_equal(marked->files[1].pattern, "{date}_E_PB_BASEINFO");
	assert_true(gate->is_one_way);
	assert_string_equal(gate->done_suffix, ".flag");
	assert_string_equal(gate->done, "/srv/receipts/done");
	release(f);
}

static void when_a_source_should_speak_is_as_it_is_written(void **state)
{
	struct fixture *f = read_sources("tests/adapters/config/folders.xml");
	const struct bd_source_access *market = bd_source_access_find(f->sources, "market");

	(void)state;
	assert_int_equal(market->expect_count, 2);
	assert_string_equal(market->expects[0].feed->name, "e_baseinfo");
	assert_int_equal(market->expects[0].within_ms, 172800000);
	assert_true(market->expects[0].is_working_days);
	assert_false(market->expects[1].is_working_days);
	assert_int_equal(market->closed_count, 2);
	/* Both days as a whole. */
	assert_int_equal(market->closed[0].until_ms - market->closed[0].from_ms, 7 * 86400000);
	assert_int_equal(market->closed[1].until_ms - market->closed[1].from_ms, 60 * 3600000);
	release(f);
}

/* What is only read is not to be written to. */
static void its_folders_are_known_without_adapters(void **state)
{
	static const struct {
		const char *path;
		enum bd_file_use use;
	} rows[] = { { "drop/market", BD_FOLDER_WRITTEN }, { "/srv/marked", BD_FOLDER_WRITTEN },
		{ "/srv/away/done", BD_FOLDER_WRITTEN }, { "/srv/away/failed", BD_FOLDER_WRITTEN },
		{ "/srv/gate", BD_FOLDER_READ }, { "/srv/receipts", BD_FOLDER_WRITTEN } };
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	struct bd_source_files files = { 0 };

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	assert_int_equal(bd_config_source_files(&files,
				 source_path(&arena, "tests/adapters/config/folders.xml"),
				 source_path(&arena, "schemas"), &arena, &diags),
		BD_OK);
	assert_int_equal(files.count, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < files.count; i++) {
		assert_int_equal(files.items[i].use, rows[i].use);
		assert_non_null(strstr(files.items[i].path, rows[i].path));
	}
	bd_arena_release(&arena);
}

static void wrong_files_are_told_whole(void **state)
{
	static const char *const files[] = { "tests/adapters/config/bad_sources.xml",
		"tests/adapters/config/bad_form_sources.xml",
		"tests/adapters/config/bad_folders.xml" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fixture *f = read_sources(files[i]);
		char expected[128];

		assert_int_not_equal(f->code, BD_OK);
		assert_null(f->sources);
		snprintf(expected, sizeof(expected), "%s.expected", files[i]);
		assert_expected(&f->diags, source_path(&f->arena, expected));
		release(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_reached_as_it_is_written),
		cmocka_unit_test(what_is_not_stated_has_its_default),
		cmocka_unit_test(its_files_are_known_without_adapters),
		cmocka_unit_test(a_folder_is_watched_as_it_is_written),
		cmocka_unit_test(when_a_source_should_speak_is_as_it_is_written),
		cmocka_unit_test(its_folders_are_known_without_adapters),
		cmocka_unit_test(wrong_files_are_told_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
