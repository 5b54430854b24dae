/* A cursor comes back as it was given, and is nothing in any other hand, list or form. */
#include "daemon/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t key[BD_CURSOR_KEY_BYTES] = { 1, 2, 3 };
static const struct bd_cursor given = { { 0, 7, UINT64_MAX } };

static void write_given(char text[BD_CURSOR_TEXT_BYTES])
{
	assert_int_equal(bd_cursor_write(text, &given, key, "market", "rejects", "tax"), BD_OK);
	assert_int_equal(strlen(text), BD_CURSOR_TEXT_BYTES - 1);
}

static void test_round(void **state)
{
	char text[BD_CURSOR_TEXT_BYTES];
	struct bd_cursor got = { { 1, 1, 1 } };

	(void)state;
	write_given(text);
	assert_int_equal(bd_cursor_read(&got, text, key, "market", "rejects", "tax"), BD_OK);
	assert_memory_equal(&got, &given, sizeof(got));
}

static void test_others(void **state)
{
	static const uint8_t other_key[BD_CURSOR_KEY_BYTES] = { 1, 2, 4 };
	static const struct {
		const uint8_t *key;
		const char *sender, *list, *what;
	} rows[] = {
		{ other_key, "market", "rejects", "tax" },
		{ key, "tax", "rejects", "tax" },
		{ key, "market", "watches", "tax" },
		{ key, "market", "rejects", "market" },
		{ key, "marketr", "ejects", "tax" },
		{ key, "market", "rejectst", "ax" },
	};
	char text[BD_CURSOR_TEXT_BYTES];

	(void)state;
	write_given(text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bd_cursor got = given;

		assert_int_equal(bd_cursor_read(&got, text, rows[i].key, rows[i].sender,
					 rows[i].list, rows[i].what),
			BD_CURSOR_INVALID);
		assert_memory_equal(&got, &given, sizeof(got));
	}
}

static void test_any_change(void **state)
{
	char text[BD_CURSOR_TEXT_BYTES + 1];
	struct bd_cursor got;

	(void)state;
	for (size_t i = 0; i < BD_CURSOR_TEXT_BYTES - 1; i++) {
		write_given(text);
		text[i] = text[i] == '0' ? '1' : '0';
		assert_int_equal(bd_cursor_read(&got, text, key, "market", "rejects", "tax"),
			BD_CURSOR_INVALID);
		text[i] = '\0';
		assert_int_equal(bd_cursor_read(&got, text, key, "market", "rejects", "tax"),
			BD_CURSOR_INVALID);
	}
	write_given(text);
	strcat(text, "0");
	assert_int_equal(
		bd_cursor_read(&got, text, key, "market", "rejects", "tax"), BD_CURSOR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_any_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
