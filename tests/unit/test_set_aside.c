/* test_set_aside.c - which messages are not read again: by what was read of them, and no other. */
#include "daemon/set_aside.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <string.h>

static struct bd_read_part part_of(const char *text, bool is_whole)
{
	struct bd_read_part part = { .bytes = strlen(text), .is_whole = is_whole };

	assert_int_equal(bd_sha256_of(bd_bytes_of(text), part.sha256), BD_OK);
	return part;
}

static struct bd_set_aside *new_aside(void)
{
	struct bd_set_aside *aside = NULL;

	assert_int_equal(bd_set_aside_new(&aside), BD_OK);
	return aside;
}

static bool add(struct bd_set_aside *aside, const struct bd_read_part *part, int64_t now_ms)
{
	return bd_set_aside_add(aside, "tax", "gt3", "sender", part, BD_WORKER_DIED, now_ms);
}

static bool is_refused(
	struct bd_set_aside *aside, const char *feed, const struct bd_read_part *part)
{
	bool is_set_aside = true;
	bool is_known = bd_set_aside_find(&is_set_aside, aside, "tax", feed, part);

	assert_true(is_known || !is_set_aside);
	return is_set_aside;
}

static void test_the_third_loss(void **state)
{
	struct bd_set_aside *aside = new_aside();
	struct bd_set_aside_item items[2];
	struct bd_set_aside_counts counts;
	const struct bd_read_part bad = part_of("a bad message", true);
	const struct bd_read_part other = part_of("another message", true);

	(void)state;
	assert_false(is_refused(aside, "gt3", &bad));
	assert_false(add(aside, &bad, 1000));
	assert_false(is_refused(aside, "gt3", &bad));
	assert_false(add(aside, &bad, 2000));
	assert_false(is_refused(aside, "gt3", &bad));
	assert_int_equal(bd_set_aside_list(items, 2, aside), 0);
	assert_true(add(aside, &bad, 3000));
	assert_true(is_refused(aside, "gt3", &bad));
	assert_true(is_refused(aside, "gt3", &bad));
	assert_false(is_refused(aside, "gt3", &other));
	assert_false(is_refused(aside, "verify", &bad));
	bd_set_aside_count(&counts, aside);
	assert_int_equal(counts.items, 1);
	assert_int_equal(counts.refused, 2);
	assert_int_equal(bd_set_aside_list(items, 2, aside), 1);
	assert_string_equal(items[0].source, "tax");
	assert_string_equal(items[0].feed, "gt3");
	assert_string_equal(items[0].sender, "sender");
	assert_int_equal(items[0].why, BD_WORKER_DIED);
	assert_int_equal(items[0].losses, BD_WORKER_LOSSES_MAX);
	assert_int_equal(items[0].first_ms, 1000);
	assert_int_equal(items[0].last_ms, 3000);
	bd_set_aside_clear(aside);
	assert_false(is_refused(aside, "gt3", &bad));
	bd_set_aside_free(aside);
}

/* A part is one only where the message goes on behind it, and a whole only where it ends. */
static void test_parts_and_wholes(void **state)
{
	struct bd_set_aside *aside = new_aside();
	const struct bd_read_part whole = part_of("four", true), part = part_of("four", false);
	const struct bd_read_part longer = part_of("four and more", false);

	(void)state;
	assert_true(bd_set_aside_next(aside, "tax", "gt3", 0) == UINT64_MAX);
	for (unsigned i = 0; i < BD_WORKER_LOSSES_MAX; i++) {
		add(aside, &whole, 1);
	}
	assert_false(is_refused(aside, "gt3", &part));
	assert_true(bd_set_aside_next(aside, "tax", "gt3", 0) == UINT64_MAX);
	add(aside, &longer, 1);
	add(aside, &part, 1);
	assert_int_equal(bd_set_aside_next(aside, "tax", "gt3", 0), 4);
	assert_int_equal(bd_set_aside_next(aside, "tax", "gt3", 4), 13);
	assert_true(bd_set_aside_next(aside, "tax", "gt3", 13) == UINT64_MAX);
	assert_true(bd_set_aside_next(aside, "tax", "verify", 0) == UINT64_MAX);
	add(aside, &part, 1);
	assert_false(is_refused(aside, "gt3", &part));
	add(aside, &part, 1);
	assert_true(is_refused(aside, "gt3", &part));
	bd_set_aside_free(aside);
}

/* However many there are, little is kept, and the newest of it. */
static void test_no_more_than_there_is_room_for(void **state)
{
	struct bd_set_aside *aside = new_aside();
	struct bd_set_aside_item items[BD_SET_ASIDE_MAX];
	struct bd_read_part first = { .bytes = 1 }, last;

	(void)state;
	for (unsigned i = 0; i <= BD_SET_ASIDE_MAX; i++) {
		last = first;
		last.sha256[0] = (uint8_t)i;
		last.sha256[1] = (uint8_t)(i >> 8);
		for (unsigned loss = 0; loss < BD_WORKER_LOSSES_MAX; loss++) {
			add(aside, &last, 1000 + i);
		}
	}
	assert_int_equal(bd_set_aside_list(items, BD_SET_ASIDE_MAX, aside), BD_SET_ASIDE_MAX);
	assert_int_equal(items[0].last_ms, 1000 + BD_SET_ASIDE_MAX);
	assert_int_equal(items[BD_SET_ASIDE_MAX - 1].last_ms, 1001);
	assert_false(is_refused(aside, "gt3", &first));
	assert_true(is_refused(aside, "gt3", &last));
	bd_set_aside_free(aside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_third_loss),
		cmocka_unit_test(test_parts_and_wholes),
		cmocka_unit_test(test_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
