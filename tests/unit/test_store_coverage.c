/* test_store_coverage.c - deliveries in any order: how far a feed is complete, and what holds it.
 */
#include "base/clock.h"
#include "store/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 20000
#define NO_DAY INT32_MIN
/* The day on which everything comes. */
#define RECEIVED 3

/* d day, + a baseline, ? with a reject that might be anybody's, ! without a control total */
struct delivery {
	int day; /* counted from DAY, or NO_DAY */
	const char *flags;
};

static void deliver(struct bd_feed_coverage *feed, const char *cycle, struct delivery delivery)
{
	const struct bd_delivery given = { .day = delivery.day == NO_DAY ? NO_DAY
									 : DAY + delivery.day,
		.has_total = strchr(delivery.flags, '!') == NULL,
		.is_baseline = strchr(delivery.flags, '+') != NULL };

	bd_feed_coverage_add(
		feed, cycle, &given, strchr(delivery.flags, '?') != NULL, DAY + RECEIVED);
}

static void deliver_all(struct bd_feed_coverage *feed, const struct delivery *list, size_t count)
{
	memset(feed, 0, sizeof(*feed));
	for (size_t i = 0; i < count; i++) {
		deliver(feed, "daily", list[i]);
	}
}

/* Complete up to the end of this day. */
static void is_through(const struct bd_feed_coverage *feed, const char *cycle, int day)
{
	assert_int_equal(bd_feed_coverage_through(feed, cycle), bd_day_begin_ms(DAY + day + 1));
}

#define ALL(feed, ...)                                                                             \
	deliver_all((feed), (const struct delivery[]){ __VA_ARGS__ },                              \
		sizeof((const struct delivery[]){ __VA_ARGS__ }) / sizeof(struct delivery))

static struct bd_feed_coverage feed;

static void nothing_is_complete_before_a_baseline(void **state)
{
	(void)state;
	ALL(&feed, { 1, "" }, { 2, "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_NONE);
	assert_int_equal(bd_feed_coverage_through(&feed, "daily"), 0);
	deliver(&feed, "daily", (struct delivery){ 0, "+" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_FEED);
	is_through(&feed, "daily", 2);
}

static void a_missing_day_is_a_gap_until_it_comes(void **state)
{
	(void)state;
	ALL(&feed, { 0, "+" }, { 1, "" }, { 3, "" }, { 4, "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_GAP);
	is_through(&feed, "daily", 1);
	deliver(&feed, "daily", (struct delivery){ 2, "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_FEED);
	is_through(&feed, "daily", 4);
	/* Or until a later baseline makes it needless. */
	deliver(&feed, "daily", (struct delivery){ 6, "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_GAP);
	deliver(&feed, "daily", (struct delivery){ 6, "+" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_FEED);
	is_through(&feed, "daily", 6);
	/* What was there before comes again: nothing is lost by it. */
	deliver(&feed, "daily", (struct delivery){ 2, "" });
	deliver(&feed, "daily", (struct delivery){ 0, "+" });
	is_through(&feed, "daily", 6);
}

static void without_a_control_total_nobody_said_that_it_is_whole(void **state)
{
	(void)state;
	ALL(&feed, { 0, "+!" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_NONE);
	ALL(&feed, { 0, "+" }, { 1, "!" }, { 2, "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_GAP);
	ALL(&feed, { NO_DAY, "+" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_NONE);
}

/* All orders of up to six deliveries give one state. */
static void deliveries_in_every_order_give_the_same(void **state)
{
	static const struct delivery sets[][6] = {
		{ { 0, "+" }, { 1, "" }, { 2, "" }, { 3, "" }, { 4, "" }, { 5, "" } },
		{ { 0, "+" }, { 1, "" }, { 3, "" }, { 4, "" }, { 3, "+" }, { 6, "" } },
		{ { 0, "+" }, { 2, "" }, { 2, "" }, { 1, "" }, { 5, "" }, { 4, "" } },
		{ { 0, "+" }, { 1, "?" }, { 2, "" }, { 3, "?" }, { 4, "" }, { 5, "!" } },
	};
	struct bd_feed_coverage first;

	(void)state;
	for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++) {
		deliver_all(&first, sets[set], 6);
		for (unsigned order = 0; order < 720; order++) {
			struct delivery list[6];
			unsigned left = order;

			memcpy(list, sets[set], sizeof(list));
			for (unsigned i = 6; i > 1; i--) {
				struct delivery kept = list[i - 1];

				list[i - 1] = list[left % i];
				list[left % i] = kept;
				left /= i;
			}
			deliver_all(&feed, list, 6);
			assert_int_equal(
				bd_feed_coverage_state(&feed), bd_feed_coverage_state(&first));
			assert_int_equal(bd_feed_coverage_through(&feed, "daily"),
				bd_feed_coverage_through(&first, "daily"));
			assert_int_equal(feed.blocked_count, first.blocked_count);
		}
	}
}

static void a_refused_record_of_anybody_holds_its_day(void **state)
{
	(void)state;
	ALL(&feed, { 0, "+" }, { 1, "?" }, { 2, "" }, { 3, "?" }, { 4, "" });
	assert_int_equal(feed.blocked_count, 2);
	is_through(&feed, "daily", 0);
	/* Each waits for its own delivery, and only for that. */
	deliver(&feed, "daily", (struct delivery){ 1, "!" }); /* a part of it */
	is_through(&feed, "daily", 0);
	deliver(&feed, "daily", (struct delivery){ 1, "" });
	is_through(&feed, "daily", 2);
	assert_int_equal(feed.blocked_count, 1);
	deliver(&feed, "daily", (struct delivery){ 3, "" });
	is_through(&feed, "daily", 4);
	assert_int_equal(feed.blocked_count, 0);
}

static void one_without_a_day_holds_until_a_baseline_of_its_day(void **state)
{
	(void)state;
	ALL(&feed, { 0, "+" }, { NO_DAY, "?" }, { 1, "" }, { NO_DAY, "" });
	assert_true(bd_feed_coverage_is_blocked(&feed));
	/* That of an earlier day cannot have had it. */
	deliver(&feed, "daily", (struct delivery){ RECEIVED - 1, "+" });
	deliver(&feed, "daily", (struct delivery){ RECEIVED, "" });
	assert_true(bd_feed_coverage_is_blocked(&feed));
	deliver(&feed, "daily", (struct delivery){ RECEIVED, "+" });
	assert_false(bd_feed_coverage_is_blocked(&feed));
	is_through(&feed, "daily", RECEIVED);
	/* A baseline that is itself not whole mends nothing. */
	deliver(&feed, "daily", (struct delivery){ 4, "?" });
	deliver(&feed, "daily", (struct delivery){ 5, "+?" });
	assert_int_equal(feed.blocked_count, 2);
	is_through(&feed, "daily", RECEIVED);
}

static void more_blocked_days_than_there_is_room_for_stay_blocked(void **state)
{
	(void)state;
	ALL(&feed, { 0, "+" });
	for (int day = 1; day <= BD_WAITING_DAYS_MAX + 10; day++) {
		deliver(&feed, "daily", (struct delivery){ day, "?" });
	}
	for (int day = 1; day <= BD_WAITING_DAYS_MAX + 10; day++) {
		deliver(&feed, "daily", (struct delivery){ day, "" });
	}
	assert_true(bd_feed_coverage_is_blocked(&feed));
	deliver(&feed, "daily", (struct delivery){ BD_WAITING_DAYS_MAX + 11, "+" });
	assert_false(bd_feed_coverage_is_blocked(&feed));
}

static void a_long_gap_never_reads_as_whole(void **state)
{
	(void)state;
	ALL(&feed, { 0, "+" });
	for (int day = 2; day <= BD_WAITING_DAYS_MAX + 50; day++) {
		deliver(&feed, "daily", (struct delivery){ day, "" });
		assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_GAP);
	}
	deliver(&feed, "daily", (struct delivery){ 1, "" });
	is_through(&feed, "daily", BD_WAITING_DAYS_MAX);
}

static int day_of(int year, int month, int dayofmonth)
{
	int32_t day;

	assert_true(bd_day_of(&day, year, month, dayofmonth));
	return day - DAY;
}

static void in_a_monthly_feed_month_follows_month(void **state)
{
	(void)state;
	memset(&feed, 0, sizeof(feed));
	deliver(&feed, "monthly", (struct delivery){ day_of(2026, 1, 31), "+" });
	deliver(&feed, "monthly", (struct delivery){ day_of(2026, 2, 28), "" });
	deliver(&feed, "monthly", (struct delivery){ day_of(2026, 3, 31), "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_FEED);
	is_through(&feed, "monthly", day_of(2026, 3, 31));
	deliver(&feed, "monthly", (struct delivery){ day_of(2026, 5, 31), "" });
	assert_int_equal(bd_feed_coverage_state(&feed), BD_COVERAGE_GAP);
	deliver(&feed, "monthly", (struct delivery){ day_of(2026, 4, 30), "" });
	is_through(&feed, "monthly", day_of(2026, 5, 31));
	/* A blocked month is not told from its beginning on. */
	deliver(&feed, "monthly", (struct delivery){ day_of(2026, 5, 31), "?" });
	is_through(&feed, "monthly", day_of(2026, 4, 30));
	deliver(&feed, "monthly", (struct delivery){ day_of(2027, 1, 15), "?" });
	is_through(&feed, "monthly", day_of(2026, 4, 30));
	/* Whoever says that it is the first month of the calendar is told what is before it, too.
	 */
	deliver(&feed, "monthly", (struct delivery){ day_of(1, 1, 15), "?" });
	is_through(&feed, "monthly", day_of(1, 1, 15) - 31);
}

static void its_bytes_are_the_same_again(void **state)
{
	struct bd_feed_coverage again = { .has_baseline = false };
	struct bd_buf packed, twice;

	(void)state;
	ALL(&feed, { 0, "+" }, { 3, "?" }, { 5, "" }, { NO_DAY, "?" }, { 9, "" });
	feed.messages = 5;
	feed.records = 1000;
	feed.rejects = 2;
	feed.last_received_ms = 77;
	bd_buf_init(&packed, 1 << 16);
	bd_buf_init(&twice, 1 << 16);
	assert_int_equal(bd_feed_coverage_pack(&packed, &feed), BD_OK);
	assert_int_equal(bd_feed_coverage_unpack(&again, bd_buf_bytes(&packed)), BD_OK);
	assert_int_equal(bd_feed_coverage_pack(&twice, &again), BD_OK);
	assert_true(bd_bytes_equal(bd_buf_bytes(&packed), bd_buf_bytes(&twice)));
	for (size_t len = 0; len < packed.len; len++) {
		assert_int_equal(
			bd_feed_coverage_unpack(&again, (struct bd_bytes){ packed.ptr, len }),
			BD_STORE_DAMAGED);
	}
	bd_buf_release(&packed);
	bd_buf_release(&twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_complete_before_a_baseline),
		cmocka_unit_test(a_missing_day_is_a_gap_until_it_comes),
		cmocka_unit_test(without_a_control_total_nobody_said_that_it_is_whole),
		cmocka_unit_test(deliveries_in_every_order_give_the_same),
		cmocka_unit_test(a_refused_record_of_anybody_holds_its_day),
		cmocka_unit_test(one_without_a_day_holds_until_a_baseline_of_its_day),
		cmocka_unit_test(more_blocked_days_than_there_is_room_for_stay_blocked),
		cmocka_unit_test(a_long_gap_never_reads_as_whole),
		cmocka_unit_test(in_a_monthly_feed_month_follows_month),
		cmocka_unit_test(its_bytes_are_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
