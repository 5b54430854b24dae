/* What was signed counts once: within the window, not before the start, in bounded memory. */
#include "daemon/nonces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define START INT64_C(1780300800000)
#define WINDOW 120000

static enum bd_code take(struct bd_nonces *nonces, const char *key, const char *nonce,
	int64_t signed_ms, int64_t now_ms)
{
	return bd_nonces_take(nonces, bd_bytes_of(key), bd_bytes_of(nonce), signed_ms, now_ms);
}

static void once_each(void **state)
{
	struct bd_nonces *nonces = bd_nonces_new(WINDOW, START);
	int64_t now = START + 600000;

	(void)state;
	assert_non_null(nonces);
	assert_int_equal(take(nonces, "a", "one", now, now), BD_OK);
	assert_int_equal(take(nonces, "a", "one", now, now), BD_AUTH_REPLAY);
	assert_int_equal(take(nonces, "a", "one", now, now + WINDOW), BD_AUTH_REPLAY);
	assert_int_equal(take(nonces, "b", "one", now, now), BD_OK);
	assert_int_equal(take(nonces, "a", "two", now, now), BD_OK);
	/* Where the key ends and the nonce begins is part of it. */
	assert_int_equal(take(nonces, "ab", "c", now, now), BD_OK);
	assert_int_equal(take(nonces, "a", "bc", now, now), BD_OK);
	bd_nonces_free(nonces);
}

static void window_holds_both_ways(void **state)
{
	struct bd_nonces *nonces = bd_nonces_new(WINDOW, START);
	int64_t now = START + 600000;

	(void)state;
	assert_int_equal(take(nonces, "a", "1", now - WINDOW, now), BD_OK);
	assert_int_equal(take(nonces, "a", "2", now - WINDOW - 1, now), BD_AUTH_TIME);
	assert_int_equal(take(nonces, "a", "3", now + WINDOW, now), BD_OK);
	assert_int_equal(take(nonces, "a", "4", now + WINDOW + 1, now), BD_AUTH_TIME);
	bd_nonces_free(nonces);
}

static void what_was_signed_before_the_start_is_refused(void **state)
{
	struct bd_nonces *nonces = bd_nonces_new(WINDOW, START);

	(void)state;
	assert_int_equal(take(nonces, "a", "1", START - 1000, START + 1), BD_AUTH_TIME);
	assert_int_equal(take(nonces, "a", "1", START, START + 1), BD_AUTH_TIME);
	assert_int_equal(take(nonces, "a", "1", START + 1000, START + 1), BD_OK);
	bd_nonces_free(nonces);
}

/* Every moment of a window, looked at again at its last moment: nothing is forgotten too early,
 * and tables are used again for later spans. */
static void remembered_to_the_last_moment(void **state)
{
	struct bd_nonces *nonces = bd_nonces_new(WINDOW, START);

	(void)state;
	for (int64_t now = START + WINDOW; now < START + 12 * WINDOW; now += 7000) {
		char nonce[32];

		snprintf(nonce, sizeof(nonce), "%lld", (long long)now);
		assert_int_equal(take(nonces, "a", nonce, now - 1, now), BD_OK);
		assert_int_equal(
			take(nonces, "a", nonce, now - 1, now - 1 + WINDOW), BD_AUTH_REPLAY);
		if (now > START + 3 * WINDOW) {
			int64_t before = now - WINDOW + 1000;

			before -= (before - START - WINDOW) % 7000;
			snprintf(nonce, sizeof(nonce), "%lld", (long long)before);
			if (before - 1 >= now - WINDOW) {
				assert_int_equal(
					take(nonces, "a", nonce, before - 1, now), BD_AUTH_REPLAY);
			}
		}
	}
	bd_nonces_free(nonces);
}

/* What is signed ahead takes no place of what was signed long ago and still counts. */
static void ahead_beside_behind(void **state)
{
	struct bd_nonces *nonces = bd_nonces_new(WINDOW, START);
	int64_t now = (START / WINDOW + 10) * WINDOW + WINDOW / 2;

	(void)state;
	assert_int_equal(take(nonces, "a", "behind", now - WINDOW + 1, now), BD_OK);
	assert_int_equal(take(nonces, "a", "ahead", now + WINDOW - 1, now), BD_OK);
	assert_int_equal(take(nonces, "a", "behind", now - WINDOW + 1, now), BD_AUTH_REPLAY);
	assert_int_equal(take(nonces, "a", "ahead", now + WINDOW - 1, now), BD_AUTH_REPLAY);
	bd_nonces_free(nonces);
}

/* Full is refused, and what was taken is still known. */
static void full_is_refused(void **state)
{
	struct bd_nonces *nonces = bd_nonces_new(WINDOW, START);
	int64_t now = START + 600000;
	enum bd_code code = BD_OK;
	size_t taken = 0;
	char nonce[32];

	(void)state;
	while (code == BD_OK && taken < 1000000) {
		snprintf(nonce, sizeof(nonce), "%zu", taken);
		code = take(nonces, "a", nonce, now, now);
		taken += code == BD_OK;
	}
	assert_int_equal(code, BD_BUSY);
	assert_in_range(taken, 300000, 600000);
	assert_int_equal(take(nonces, "a", "0", now, now), BD_AUTH_REPLAY);
	assert_int_equal(take(nonces, "a", "later", now + WINDOW, now + WINDOW), BD_OK);
	bd_nonces_free(nonces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_each),
		cmocka_unit_test(window_holds_both_ways),
		cmocka_unit_test(what_was_signed_before_the_start_is_refused),
		cmocka_unit_test(remembered_to_the_last_moment),
		cmocka_unit_test(ahead_beside_behind),
		cmocka_unit_test(full_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
