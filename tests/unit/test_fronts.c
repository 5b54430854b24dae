/* fronts.h - beside qsort(3), of keys of every kind. */
#include "base/fronts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 20000 };

struct key {
	uint64_t high, low;
};

static struct key keys[MANY], sorted[MANY];

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->high != y->high) {
		return x->high < y->high ? -1 : 1;
	}
	return (x->low > y->low) - (x->low < y->low);
}

static int compare_places(uint32_t a, uint32_t b, const void *all)
{
	const struct key *list = all;

	return compare_keys(&list[a], &list[b]);
}

static uint64_t draw(void)
{
	static uint64_t state = 88172645463325252U;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void is_as_qsort(size_t count)
{
	static struct bd_front list[MANY], room[MANY];
	struct bd_front *out;

	memcpy(sorted, keys, count * sizeof(*keys));
	qsort(sorted, count, sizeof(*sorted), compare_keys);
	for (size_t i = 0; i < count; i++) {
		list[i] = (struct bd_front){ keys[i].high, (uint32_t)i };
	}
	out = bd_fronts_sort(list, room, count, compare_places, keys);
	assert_true(out == list || out == room);
	for (size_t i = 0; i < count; i++) {
		assert_memory_equal(&keys[out[i].at], &sorted[i], sizeof(*keys));
	}
}

static void drawn_keys(void **state)
{
	(void)state;
	for (size_t count = 0; count <= MANY; count = count * 2 + 1) {
		for (size_t i = 0; i < count; i++) {
			keys[i] = (struct key){ draw(), draw() };
		}
		is_as_qsort(count);
	}
}

/* What the first bits do not tell apart is compared: numbers that follow each other, forwards and
 * backwards, few different ones, and one many times. */
static void other_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		keys[i] = (struct key){ i, 7 };
	}
	is_as_qsort(MANY);
	for (size_t i = 0; i < MANY; i++) {
		keys[i] = (struct key){ 5, MANY - i };
	}
	is_as_qsort(MANY);
	for (size_t i = 0; i < MANY; i++) {
		keys[i] = (struct key){ draw() % 3 << 62, draw() % 11 };
	}
	is_as_qsort(MANY);
	memset(keys, 0xFF, sizeof(keys));
	is_as_qsort(MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drawn_keys),
		cmocka_unit_test(other_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
