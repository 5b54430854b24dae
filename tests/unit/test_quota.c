/* What a sender may ask: each limit by a clock that is given, and by several loops at once. */
#include "daemon/quota.h"

#include "base/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOON INT64_C(1780286400000) /* 2026-06-01 12:00 at +08:00 */
#define HOUR 3600000

struct one {
	struct bd_sender sender;
	struct bd_senders senders;
	struct bd_quotas *quotas;
	struct bd_quota *quota;
};

static void make(struct one *one, struct bd_sender_limits limits)
{
	*one = (struct one){ .sender = {
				     .name = "a", .roles = BD_SENDER_ENGINE, .limits = limits } };
	one->senders = (struct bd_senders){ &one->sender, 1 };
	assert_int_equal(bd_quotas_new(&one->quotas, &one->senders, NULL), BD_OK);
	one->quota = bd_quotas_of(one->quotas, 0);
}

static uint64_t subject(const struct one *one, size_t number)
{
	char text[32];
	struct bd_identifier identifier = { .kind = 1 };

	identifier.number.len = (size_t)snprintf(text, sizeof(text), "44031119910615%04zu", number);
	identifier.number.ptr = text;
	return bd_quota_hash(one->quota, &identifier);
}

static bool may(enum bd_code code, enum bd_code refusal)
{
	assert_true(code == BD_OK || code == refusal);
	return code == BD_OK;
}

static bool may_request(struct one *one, int64_t us, uint32_t *wait_s)
{
	return may(bd_quota_request(wait_s, one->quota, us), BD_LIMIT_REQUESTS);
}

static bool may_ask(struct one *one, size_t number, int64_t ms, uint32_t *wait_s)
{
	return may(
		bd_quota_subject(wait_s, one->quota, subject(one, number), ms), BD_LIMIT_SUBJECTS);
}

static bool may_claim(struct one *one, size_t number, uint16_t field, size_t value, int64_t ms)
{
	uint32_t wait_s = 0;
	char text[32];
	struct bd_bytes bytes = { text, (size_t)snprintf(text, sizeof(text), "value %zu", value) };
	enum bd_code code =
		bd_quota_value(&wait_s, one->quota, subject(one, number), field, bytes, ms);

	assert_true(code == BD_OK || wait_s == 12 * 3600 + 1);
	return may(code, BD_LIMIT_VALUES);
}

/* Ten a second, five at once. */
static void bucket(void **state)
{
	struct one one;
	uint32_t wait_s = 0;
	int64_t now = 1000000;

	(void)state;
	make(&one, (struct bd_sender_limits){ .requests_per_second = 10, .requests_burst = 5 });
	for (int i = 0; i < 5; i++) {
		assert_true(may_request(&one, now, &wait_s));
	}
	assert_false(may_request(&one, now, &wait_s));
	assert_int_equal(wait_s, 1);
	assert_false(may_request(&one, now + 99999, &wait_s));
	assert_true(may_request(&one, now + 100000, &wait_s));
	assert_false(may_request(&one, now + 100000, &wait_s));
	/* It fills up to five and no further. */
	for (int i = 0; i < 5; i++) {
		assert_true(may_request(&one, now + 60000000, &wait_s));
	}
	assert_false(may_request(&one, now + 60000000, &wait_s));
	assert_int_equal(bd_quota_refused(one.quota, BD_QUOTA_REQUESTS), 4);
	bd_quotas_free(one.quotas);
}

/* Lines of batches have a bucket of their own, and take nothing of the other. */
static void lines(void **state)
{
	struct one one;
	uint32_t wait_s = 0;

	(void)state;
	make(&one, (struct bd_sender_limits){ .requests_per_second = 1,
			   .requests_burst = 1,
			   .lines_per_second = 10,
			   .lines_burst = 3 });
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bd_quota_line(&wait_s, one.quota, 1000000), BD_OK);
	}
	assert_int_equal(bd_quota_line(&wait_s, one.quota, 1000000), BD_LIMIT_LINES);
	assert_int_equal(wait_s, 1);
	assert_true(may_request(&one, 1000000, &wait_s));
	assert_false(may_request(&one, 1000000, &wait_s));
	assert_int_equal(bd_quota_line(&wait_s, one.quota, 1100000), BD_OK);
	assert_int_equal(bd_quota_refused(one.quota, BD_QUOTA_LINES), 1);
	assert_int_equal(bd_quota_refused(one.quota, BD_QUOTA_REQUESTS), 1);
	bd_quotas_free(one.quotas);
}

/* Over a minute of asking all the time: what the rate says and the burst, no more. */
static void rate_is_kept(void **state)
{
	struct one one;
	uint32_t wait_s;
	size_t taken = 0;

	(void)state;
	make(&one, (struct bd_sender_limits){ .requests_per_second = 500, .requests_burst = 1000 });
	for (int64_t us = 0; us < 60000000; us += 500) {
		taken += may_request(&one, 1000000 + us, &wait_s);
	}
	assert_in_range(taken, 30999, 31001);
	bd_quotas_free(one.quotas);
}

static void unlimited(void **state)
{
	struct one one;
	uint32_t wait_s;

	(void)state;
	make(&one, (struct bd_sender_limits){ .requests_per_second = 0 });
	for (size_t i = 0; i < 5000; i++) {
		assert_true(may_request(&one, 1000000, &wait_s));
		assert_true(may_ask(&one, i, NOON, &wait_s));
		assert_true(may_claim(&one, 0, 1, i, NOON));
	}
	bd_quotas_free(one.quotas);
}

static void breadth(void **state)
{
	struct one one;
	uint32_t wait_s = 0;

	(void)state;
	make(&one, (struct bd_sender_limits){ .subjects_per_hour = 100, .subjects_per_day = 150 });
	for (size_t i = 0; i < 100; i++) {
		assert_true(may_ask(&one, i, NOON, &wait_s));
		assert_true(may_ask(&one, i, NOON + 1, &wait_s));
	}
	for (size_t i = 100; i < 130; i++) {
		assert_false(may_ask(&one, i, NOON + 60000, &wait_s));
	}
	assert_int_equal(wait_s, 3600 - 60 + 1);
	/* Who was asked about may be asked about again. */
	for (size_t i = 0; i < 100; i++) {
		assert_true(may_ask(&one, i, NOON + 60000, &wait_s));
	}
	/* The next hour has its own, the day does not: those refused above were counted in it. */
	for (size_t i = 200; i < 220; i++) {
		assert_true(may_ask(&one, i, NOON + HOUR, &wait_s));
	}
	assert_false(may_ask(&one, 300, NOON + HOUR, &wait_s));
	assert_int_equal(wait_s, 11 * 3600 + 1);
	assert_true(may_ask(&one, 300, NOON + 12 * HOUR, &wait_s));
	bd_quotas_free(one.quotas);
}

/* The clock going back begins no new count. */
static void clock_going_back(void **state)
{
	struct one one;
	uint32_t wait_s;

	(void)state;
	make(&one, (struct bd_sender_limits){ .subjects_per_hour = 2 });
	assert_true(may_ask(&one, 1, NOON, &wait_s));
	assert_true(may_ask(&one, 2, NOON, &wait_s));
	assert_false(may_ask(&one, 3, NOON - HOUR, &wait_s));
	assert_false(may_ask(&one, 3, NOON, &wait_s));
	assert_true(may_ask(&one, 3, NOON + HOUR, &wait_s));
	bd_quotas_free(one.quotas);
}

/* As many different ones as there may be, each counted once. */
static void large_table(void **state)
{
	struct one one;
	uint32_t wait_s;
	size_t taken = 0;

	(void)state;
	make(&one, (struct bd_sender_limits){ .subjects_per_day = 100000 });
	for (size_t i = 0; i < 250000; i++) {
		struct bd_identifier identifier = { .kind = 1,
			.number = { (const char *)&i, sizeof(i) } };

		taken += bd_quota_subject(&wait_s, one.quota, bd_quota_hash(one.quota, &identifier),
				 NOON) == BD_OK;
	}
	assert_int_equal(taken, 100000);
	bd_quotas_free(one.quotas);
}

static void probing(void **state)
{
	struct one one;

	(void)state;
	make(&one, (struct bd_sender_limits){ .values_per_day = 3 });
	for (size_t round = 0; round < 2; round++) {
		for (size_t value = 0; value < 3; value++) {
			assert_true(may_claim(&one, 1, 7, value, NOON));
		}
	}
	assert_false(may_claim(&one, 1, 7, 3, NOON));
	assert_false(may_claim(&one, 1, 7, 4, NOON));
	/* The same values again, another field, another subject, another day. */
	assert_true(may_claim(&one, 1, 7, 2, NOON));
	assert_true(may_claim(&one, 1, 8, 3, NOON));
	assert_true(may_claim(&one, 2, 7, 3, NOON));
	assert_false(may_claim(&one, 1, 7, 3, NOON));
	assert_true(may_claim(&one, 1, 7, 3, NOON + 12 * HOUR));
	assert_int_equal(bd_quota_refused(one.quota, BD_QUOTA_VALUES), 3);
	bd_quotas_free(one.quotas);
}

/* Many others between do not make it forget who is tried out. */
static void probing_among_others(void **state)
{
	struct one one;

	(void)state;
	make(&one, (struct bd_sender_limits){ .values_per_day = 5 });
	for (size_t value = 0; value < 5; value++) {
		assert_true(may_claim(&one, 1, 7, value, NOON));
		/* Several in each line, of one value each: they make way for one another. */
		for (size_t other = 0; value > 0 && other < 60000; other++) {
			may_claim(&one, 10 + other, 7, other, NOON);
		}
	}
	assert_false(may_claim(&one, 1, 7, 99, NOON));
	bd_quotas_free(one.quotas);
}

static void reload_keeps_counts(void **state)
{
	struct bd_sender_limits limits = { .subjects_per_hour = 2, .values_per_day = 1 };
	struct bd_quotas *after = NULL, *other = NULL;
	struct one one;
	uint32_t wait_s;

	(void)state;
	make(&one, limits);
	assert_true(may_ask(&one, 1, NOON, &wait_s));
	assert_true(may_ask(&one, 2, NOON, &wait_s));
	assert_int_equal(bd_quotas_new(&after, &one.senders, one.quotas), BD_OK);
	bd_quotas_free(one.quotas);
	one.quotas = after;
	one.quota = bd_quotas_of(after, 0);
	assert_false(may_ask(&one, 3, NOON, &wait_s));
	/* Another limit counts anew. */
	one.sender.limits.subjects_per_hour = 3;
	assert_int_equal(bd_quotas_new(&other, &one.senders, one.quotas), BD_OK);
	bd_quotas_free(one.quotas);
	one.quotas = other;
	one.quota = bd_quotas_of(other, 0);
	assert_true(may_ask(&one, 3, NOON, &wait_s));
	bd_quotas_free(one.quotas);
}

struct racer {
	struct one *one;
	size_t taken;
};

static void *race(void *given)
{
	struct racer *racer = given;
	uint32_t wait_s;

	for (size_t i = 0; i < 20000; i++) {
		racer->taken += bd_quota_request(&wait_s, racer->one->quota, 1000000) == BD_OK;
		bd_quota_subject(&wait_s, racer->one->quota, subject(racer->one, i), NOON);
	}
	return NULL;
}

/* Four loops at once: of requests not one too many, of subjects one a loop at most. */
static void loops_share(void **state)
{
	struct racer racers[4];
	pthread_t threads[4];
	struct one one;
	size_t taken = 0, known = 0;
	uint32_t wait_s;

	(void)state;
	make(&one, (struct bd_sender_limits){ .requests_per_second = 1,
			   .requests_burst = 5000,
			   .subjects_per_hour = 1000 });
	for (size_t i = 0; i < 4; i++) {
		racers[i] = (struct racer){ &one, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		taken += racers[i].taken;
	}
	assert_int_equal(taken, 5000);
	for (size_t i = 0; i < 20000; i++) {
		known += bd_quota_subject(&wait_s, one.quota, subject(&one, i), NOON) == BD_OK;
	}
	assert_in_range(known, 1000, 1003);
	bd_quotas_free(one.quotas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket),
		cmocka_unit_test(lines),
		cmocka_unit_test(rate_is_kept),
		cmocka_unit_test(unlimited),
		cmocka_unit_test(breadth),
		cmocka_unit_test(clock_going_back),
		cmocka_unit_test(large_table),
		cmocka_unit_test(probing),
		cmocka_unit_test(probing_among_others),
		cmocka_unit_test(reload_keeps_counts),
		cmocka_unit_test(loops_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
