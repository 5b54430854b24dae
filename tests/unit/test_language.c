/* In which language a client wants to read: the header as clients write it, and as they should not.
 */
#include "daemon/language.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *header;
	bool is_english;
} rows[] = {
	{ "", false },
	{ "en", true },
	{ "EN-gb", true },
	{ "en_US", false },
	{ "english", false },
	{ "zh-CN", false },
	{ "fr", false },
	{ "*", false },
	{ "*, en;q=0.1", true },
	{ "en, zh", false },
	{ "zh;q=0.9, en", true },
	{ "zh-CN,zh;q=0.9,en;q=0.8", false },
	{ "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", true },
	{ "en;q=0", false },
	{ "en ; q=0.5", true },
	{ "zh;q=0.001,en;q=0.002", true },
	{ "en;q=2", false },
	{ "en;q=1.5", false },
	{ "en;q=0.5x", false },
	{ "en;quality=1", false },
	{ ",,en,", true },
	{ ";", false },
};

static void test_preference(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_english = bd_language_is_english(bd_bytes_of(rows[i].header));

		if (is_english != rows[i].is_english) {
			fail_msg(
				"\"%s\" is %s", rows[i].header, is_english ? "English" : "Chinese");
		}
	}
}

static void test_no_header(void **state)
{
	(void)state;
	assert_false(bd_language_is_english((struct bd_bytes){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preference),
		cmocka_unit_test(test_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
