/* test_file_pattern.c - which names of files fit a pattern, and which may be shown. */
#include "base/clock.h"
#include "base/file_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void patterns_are_checked(void **state)
{
	static const char *const good[] = { "{date}_E_BASEINFO", "*", "a?b*c", "x{date}",
		"数据_{date}.txt" };
	static const char *const bad[] = { "", "a/b", "{date}{date}", "{day}", "a{", "}" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(bd_file_pattern_is_good(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(bd_file_pattern_is_good(bad[i]));
	}
}

/* day "" = none. */
static void assert_fits(const char *pattern, bool is_free, const char *name, const char *day)
{
	int32_t got, wanted = INT32_MIN;

	assert_true(*day == '\0' || bd_day_parse(&wanted, bd_bytes_of(day)));
	if (!bd_file_pattern_fits(&got, pattern, is_free, bd_bytes_of(name))) {
		fail_msg("%s does not fit %s", name, pattern);
	}
	assert_int_equal(got, wanted);
}

static void refute_fits(const char *pattern, bool is_free, const char *name)
{
	int32_t day;

	if (bd_file_pattern_fits(&day, pattern, is_free, bd_bytes_of(name))) {
		fail_msg("%s fits %s", name, pattern);
	}
}

static void names_fit(void **state)
{
	(void)state;
	assert_fits("{date}_E_PB_BASEINFO", true, "20260601_E_PB_BASEINFO", "2026-06-01");
	assert_fits("{date}_E_PB_BASEINFO", true, "20260601_E_PB_BASEINFO.hive", "2026-06-01");
	assert_fits(
		"{date}_E_PB_BASEINFO", true, "20240229_E_PB_BASEINFO.utf8.txt.gz", "2024-02-29");
	assert_fits("market_{date}_*.txt", false, "market_20260601_ANY.txt", "2026-06-01");
	assert_fits("*{date}*", false, "x20260601y", "2026-06-01");
	assert_fits("*_{date}.txt", false, "a_b_20260601.txt", "2026-06-01");
	assert_fits("*a*b*c", false, "xxaybzzabc", "");
	assert_fits("数据?????", false, "数据12345", "");
	assert_fits("**", false, "x", "");
}

static void other_names_do_not(void **state)
{
	(void)state;
	refute_fits("{date}_E_PB_BASEINFO", false, "20260601_E_PB_BASEINFO.txt");
	refute_fits("{date}_AO_PB_OPANOMALY", true, "20260601_AO_PB_OPANOMALY_FULL.txt");
	refute_fits("{date}_E_PB_BASEINFO", true, "20260231_E_PB_BASEINFO.txt");
	refute_fits("{date}_E_PB_BASEINFO", true, "2026060_E_PB_BASEINFO.txt");
	refute_fits("{date}_E_PB_BASEINFO", true, "20260601_e_pb_baseinfo.txt");
	refute_fits("{date}_E_PB_BASEINFO", true, "20260601_E_PB_BASEINFO.");
	refute_fits("{date}_E_PB_BASEINFO", true, "20260601_E_PB_BASEINFO.t-t");
	refute_fits("*", false, "");
	refute_fits("a?", false, "a");
}

/* A file that is still coming, a mark, a receipt: nobody takes them for data. */
static void what_passes_fits_nothing(void **state)
{
	static const char *const names[] = { ".20260601_X", "a.part", "a.PART", "a.tmp",
		"a.filepart", "a.done", "a.ok", "a.receipt.json", "a.receipt.txt", "a.txt~",
		"a.crdownload" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(bd_file_name_is_passing(bd_bytes_of(names[i])));
		refute_fits("*", false, names[i]);
	}
	assert_false(bd_file_name_is_passing(bd_bytes_of("part")));
	assert_false(bd_file_name_is_passing(bd_bytes_of("20260601_X.txt")));
}

static void names_are_shown(void **state)
{
	static const struct {
		const char *name, *shown;
	} rows[] = { { "20260601_X.txt", "20260601_X.txt" }, { "数据.txt", "数据.txt" },
		{ "a\xd5\xc5", "%61%D5%C5" }, { "a\nb", "%61%0A%62" }, { "\x7f", "%7F" } };
	char room[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bd_buf out = { room, 0, sizeof(room), sizeof(room) };

		assert_int_equal(bd_file_name_show(&out, bd_bytes_of(rows[i].name)), BD_OK);
		assert_true(bd_bytes_is(bd_buf_bytes(&out), rows[i].shown));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_are_checked),
		cmocka_unit_test(names_fit),
		cmocka_unit_test(other_names_do_not),
		cmocka_unit_test(what_passes_fits_nothing),
		cmocka_unit_test(names_are_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
