/* test_list.c - a list that grows keeps what it has, and what it cannot have changes nothing. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void grows_by_doubling(void **state)
{
	static const size_t rooms[] = { 3, 3, 3, 6, 6, 6, 12, 12 };
	uint32_t *items = NULL;
	size_t cap = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		assert_true(bd_list_grow(&items, &cap, i, 3, sizeof(*items)));
		assert_int_equal(cap, rooms[i]);
		items[i] = (uint32_t)i + 7;
	}
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		assert_int_equal(items[i], i + 7);
	}
	free(items);
}

static void stays_where_there_is_room(void **state)
{
	uint32_t *items = NULL, *before;
	size_t cap = 0;

	(void)state;
	assert_true(bd_list_grow(&items, &cap, 0, 4, sizeof(*items)));
	before = items;
	assert_true(bd_list_grow(&items, &cap, 3, 4, sizeof(*items)));
	assert_ptr_equal(items, before);
	assert_int_equal(cap, 4);
	free(items);
}

/* Lengths that wrap around would be small again. */
static void refuses_what_has_no_length(void **state)
{
	static const size_t caps[] = { SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 16 + 1,
		SIZE_MAX / 32 + 1 };
	uint64_t one[2] = { 0 }, *items = one;

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		size_t cap = caps[i];

		assert_false(bd_list_grow(&items, &cap, cap, 4, 16));
		assert_ptr_equal(items, one);
		assert_int_equal(cap, caps[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(stays_where_there_is_room),
		cmocka_unit_test(refuses_what_has_no_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
