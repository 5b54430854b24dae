/* Work for later: a turn is short, what is queued first runs first, what has more to do goes behind
 * the others, what was taken back does not run. */
#include "base/limits.h"
#include "daemon/later.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT 12

struct work {
	struct bd_later later; /* first: the list hands it out */
	int name;
	unsigned left; /* runs that it wants */
	uint64_t takes_ns;
};

static struct {
	uv_loop_t uv;
	struct bd_laters laters;
	int ran[256];
	size_t count;
} it;

static void run(struct bd_later *later)
{
	struct work *work = (struct work *)(void *)later;
	uint64_t until = uv_hrtime() + work->takes_ns;

	assert_false(later->is_queued);
	assert_true(it.count < sizeof(it.ran) / sizeof(it.ran[0]));
	it.ran[it.count++] = work->name;
	while (uv_hrtime() < until) {
	}
	if (--work->left > 0) {
		bd_later(&it.laters, later);
	}
}

static int set_up(void **state)
{
	(void)state;
	it.count = 0;
	uv_loop_init(&it.uv);
	bd_laters_open(&it.laters, &it.uv);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bd_laters_close(&it.laters);
	uv_run(&it.uv, UV_RUN_DEFAULT);
	return uv_loop_close(&it.uv);
}

static struct work work_of(int name, unsigned left, uint64_t takes_ns)
{
	return (struct work){ { .run = run }, name, left, takes_ns };
}

static void on_awaited(uv_poll_t *poll, int status, int events)
{
	(void)poll;
	(void)status;
	(void)events;
}

/* Each alone is as long as a turn: one a turn while somebody waits, and between two of them the
 * loop looks at all else. */
static void one_a_turn(void **state)
{
	struct work works[COUNT];
	uv_poll_t somebody;
	int fd = eventfd(1, EFD_NONBLOCK);

	(void)state;
	uv_poll_init(&it.uv, &somebody, fd);
	uv_poll_start(&somebody, UV_READABLE, on_awaited);
	uv_run(&it.uv, UV_RUN_NOWAIT);
	for (int i = 0; i < COUNT; i++) {
		works[i] = work_of(i, 1, BD_TURN_NS);
		bd_later(&it.laters, &works[i].later);
		bd_later(&it.laters, &works[i].later);
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(it.count, i);
		uv_run(&it.uv, UV_RUN_NOWAIT);
		assert_int_equal(it.ran[i], i);
	}
	uv_run(&it.uv, UV_RUN_NOWAIT);
	assert_int_equal(it.count, COUNT);
	uv_close((uv_handle_t *)&somebody, NULL);
	uv_run(&it.uv, UV_RUN_NOWAIT);
	close(fd);
	/* Nothing keeps the loop awake. */
	assert_false(uv_loop_alive(&it.uv));
}

/* Nobody waits: more of them, but not all, for timers have to be looked at. A machine that is busy
 * with something else may leave time for one alone; not a hundred times. */
static void longer_while_nobody_waits(void **state)
{
	struct work works[2 * BD_TURN_MAX_NS / BD_TURN_NS];
	size_t count = sizeof(works) / sizeof(works[0]), most = 0;

	(void)state;
	for (unsigned tries = 0; tries < 100 && most <= 1; tries++) {
		it.count = 0;
		for (size_t i = 0; i < count; i++) {
			works[i] = work_of((int)i, 1, BD_TURN_NS);
			bd_later(&it.laters, &works[i].later);
		}
		uv_run(&it.uv, UV_RUN_NOWAIT);
		most = it.count > most ? it.count : most;
		uv_run(&it.uv, UV_RUN_DEFAULT);
		assert_int_equal(it.count, count);
	}
	assert_true(most > 1 && most <= count / 2 + 1);
}

static void more_goes_behind(void **state)
{
	static const int expected[] = { 1, 2, 3, 1, 2, 1 };
	struct work first = work_of(1, 3, 0), second = work_of(2, 2, 0), third = work_of(3, 1, 0);

	(void)state;
	bd_later(&it.laters, &first.later);
	bd_later(&it.laters, &second.later);
	bd_later(&it.laters, &third.later);
	uv_run(&it.uv, UV_RUN_DEFAULT);
	assert_int_equal(it.count, sizeof(expected) / sizeof(expected[0]));
	assert_memory_equal(it.ran, expected, sizeof(expected));
}

static void taken_back_does_not_run(void **state)
{
	struct work first = work_of(1, 1, 0), second = work_of(2, 1, 0);

	(void)state;
	bd_later(&it.laters, &first.later);
	bd_later(&it.laters, &second.later);
	bd_later_not(&it.laters, &first.later);
	bd_later_not(&it.laters, &first.later);
	uv_run(&it.uv, UV_RUN_DEFAULT);
	assert_int_equal(it.count, 1);
	assert_int_equal(it.ran[0], 2);
	bd_later(&it.laters, &first.later);
	bd_later_not(&it.laters, &first.later);
	assert_false(uv_loop_alive(&it.uv));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_a_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(longer_while_nobody_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_goes_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(taken_back_does_not_run, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
