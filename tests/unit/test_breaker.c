/* test_breaker.c - when somebody is asked again. */
#include "base/breaker.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void it_opens_after_failures_one_after_the_other(void **state)
{
	struct bd_breaker breaker = { 0 };

	(void)state;
	assert_false(bd_breaker_bad(&breaker, 3, 1000, 0));
	assert_false(bd_breaker_bad(&breaker, 3, 1000, 0));
	bd_breaker_good(&breaker);
	assert_false(bd_breaker_bad(&breaker, 3, 1000, 0));
	assert_false(bd_breaker_bad(&breaker, 3, 1000, 0));
	assert_true(bd_breaker_may_ask(&breaker, 10));
	assert_true(bd_breaker_bad(&breaker, 3, 1000, 10));
	assert_false(bd_breaker_may_ask(&breaker, 10));
	assert_false(bd_breaker_may_ask(&breaker, 1009));
	assert_true(bd_breaker_refuses(&breaker, 1009));
	assert_false(bd_breaker_refuses(&breaker, 1010));
	/* Those who were already on their way change nothing. */
	assert_false(bd_breaker_bad(&breaker, 3, 1000, 900));
	assert_int_equal(breaker.until_ms, 1010);
}

static void one_trial_decides(void **state)
{
	struct bd_breaker breaker = { 0 };

	(void)state;
	assert_true(bd_breaker_bad(&breaker, 1, 1000, 0));
	assert_true(bd_breaker_may_ask(&breaker, 1000));
	assert_int_equal(breaker.state, BD_BREAKER_TRIAL);
	assert_false(bd_breaker_may_ask(&breaker, 1000));
	/* Whoever comes meanwhile waits for how it goes. */
	assert_false(bd_breaker_refuses(&breaker, 1000));
	assert_true(bd_breaker_bad(&breaker, 1, 1000, 1000));
	assert_false(bd_breaker_may_ask(&breaker, 2999));
	assert_true(bd_breaker_may_ask(&breaker, 3000));
	/* The trial never came to it: another one may. */
	bd_breaker_void(&breaker, 3001);
	assert_true(bd_breaker_may_ask(&breaker, 3001));
	bd_breaker_good(&breaker);
	assert_true(bd_breaker_may_ask(&breaker, 3001));
	assert_true(bd_breaker_may_ask(&breaker, 3001));
	assert_true(bd_breaker_bad(&breaker, 1, 1000, 4000));
	assert_int_equal(breaker.until_ms, 5000);
}

static void it_is_never_open_for_ever(void **state)
{
	struct bd_breaker breaker = { 0 };
	int64_t now = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(bd_breaker_bad(&breaker, 1, 30000, now));
		assert_true(breaker.until_ms - now <= BD_SOURCE_TRIP_MAX_MS);
		now = breaker.until_ms;
		assert_true(bd_breaker_may_ask(&breaker, now));
	}
}

static void the_wait_doubles_and_is_spread(void **state)
{
	(void)state;
	for (uint32_t tried = 1; tried < 80; tried++) {
		uint64_t most = tried < 8 ? UINT64_C(500) << (tried - 1) : 60000;

		assert_int_equal(bd_backoff_ms(tried, 500, 60000, 0), 0);
		assert_int_equal(bd_backoff_ms(tried, 500, 60000, most < 60000 ? most : 60000),
			most < 60000 ? most : 60000);
		for (uint64_t random = 0; random < 1000; random++) {
			assert_true(bd_backoff_ms(tried, 500, 60000,
					    random * UINT64_C(0x9e3779b97f4a7c15)) <= 60000);
		}
	}
}

static void no_more_than_so_many_in_a_second(void **state)
{
	struct bd_rate rate = { 0 };
	unsigned taken = 0;

	(void)state;
	for (int64_t now = 0; now < 10000; now += 1) {
		while (bd_rate_take(&rate, 20, now) == 0) {
			taken++;
		}
		assert_true(taken <= 20 + (unsigned)(now * 20 / 1000));
	}
	assert_true(taken >= 20 + 199 - 1);
	assert_int_equal(bd_rate_take(&rate, 0, 0), 0);
}

static void who_has_to_wait_is_told_how_long(void **state)
{
	struct bd_rate rate = { 0 };
	uint64_t wait;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bd_rate_take(&rate, 10, 5000), 0);
	}
	wait = bd_rate_take(&rate, 10, 5000);
	assert_int_equal(wait, 100);
	assert_int_equal(bd_rate_take(&rate, 10, 5000 + (int64_t)wait), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_after_failures_one_after_the_other),
		cmocka_unit_test(one_trial_decides),
		cmocka_unit_test(it_is_never_open_for_ever),
		cmocka_unit_test(the_wait_doubles_and_is_spread),
		cmocka_unit_test(no_more_than_so_many_in_a_second),
		cmocka_unit_test(who_has_to_wait_is_told_how_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
