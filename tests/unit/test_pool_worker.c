/* test_pool_worker.c - the pool with real workers that are killed, stopped and starved, and with
 * workers that break the rules: each costs one message, and the next one finds a worker.
 */
#include "pool_support.h"

/* -- killed and stopped -- */

static void test_a_worker_killed_in_a_message(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message message = long_message(&fixture), next = short_message(&fixture);
	message.stop_at = 100000;
	bd_pool_take(fixture.pool, &message.job);
	bd_pool_take(fixture.pool, &next.job);
	run_until_given(&message);
	assert_int_equal(kill(child(), SIGKILL), 0);
	run_until_over(&message);
	assert_int_equal(message.code, BD_WORKER_DIED);
	run_until_over(&next);
	assert_int_equal(next.received, 3);
	struct bd_pool_counts counts = counts_of(&fixture);
	assert_int_equal(counts.died, 1);
	assert_int_equal(counts.started, 2);
	assert_int_equal(counts.timed_out, 0);
	close_pool(&fixture);
}

static void test_an_idle_worker_killed(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	check_all_is_well(&fixture);
	assert_int_equal(kill(child(), SIGKILL), 0);
	run_until_started(&fixture, 2);
	check_all_is_well(&fixture);
	close_pool(&fixture);
}

/* It hangs in the middle of a body, and after its end. */
static void test_a_worker_that_hangs(void **state)
{
	(void)state;
	for (int at_end = 0; at_end <= 1; at_end++) {
		struct fixture fixture;
		open_real(&fixture, 1, 2000);
		check_all_is_well(&fixture);
		run_until_idle(&fixture);
		struct message message = at_end ? short_message(&fixture) : long_message(&fixture);
		stop_child();
		bd_pool_take(fixture.pool, &message.job);
		run_until_over(&message);
		assert_int_equal(message.code, BD_LIMIT_TIME);
		assert_true(message.is_blocked != at_end);
		assert_int_equal(counts_of(&fixture).timed_out, 1);
		check_all_is_well(&fixture);
		close_pool(&fixture);
	}
}

/* -- workers that break the rules -- */

static void test_rules_broken_in_a_message(void **state)
{
	const struct {
		const char *kind;
		enum bd_code code;
	} cases[] = {
		/* those that only wait come to their limit */
		{ "die", BD_WORKER_DIED },
		{ "close", BD_WORKER_DIED },
		{ "garbage", BD_WORKER_DIED },
		{ "foreign", BD_WORKER_DIED },
		{ "credit", BD_WORKER_DIED },
		{ "short credit", BD_WORKER_DIED },
		{ "ready", BD_WORKER_DIED },
		{ "early result", BD_WORKER_DIED },
		{ "bad fail", BD_WORKER_DIED },
		{ "stuck", BD_LIMIT_TIME },
		{ "silent", BD_LIMIT_TIME },
		{ "fail and hang", BD_SOURCE_UNKNOWN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture;
		bool is_waiting = strcmp(cases[i].kind, "fail and hang") == 0 ||
				  cases[i].code == BD_LIMIT_TIME;
		open_odd(&fixture, cases[i].kind, is_waiting ? 300 : UNREACHED_MS);
		struct message first = long_message(&fixture), second = long_message(&fixture);
		first.next_taken = &second;
		bd_pool_take(fixture.pool, &first.job);
		run_until_over(&first);
		run_until_over(&second);
		if (first.code != cases[i].code || second.code != cases[i].code ||
			first.results + second.results != 0 || counts_of(&fixture).started < 2) {
			fail_msg("%s: %s, %s", cases[i].kind, bd_code_info(first.code)->text,
				bd_code_info(second.code)->text);
		}
		/* What waits for a worker that reads nothing is bounded all the same. */
		assert_true(counts_of(&fixture).buffered_high_bytes <=
			    BD_FRAME_CREDIT_BYTES / 2 + PIECE_BYTES);
		close_pool(&fixture);
	}
}

/* It refuses at the first word, with nothing of the body on its way, and then never gets ready. */
static void test_a_worker_that_hangs_after_its_refusal(void **state)
{
	struct fixture fixture;
	(void)state;
	open_odd(&fixture, "fail and hang", 300);
	struct message first = short_message(&fixture), second = short_message(&fixture);
	first.is_held = second.is_held = true;
	first.next_taken = &second;
	bd_pool_take(fixture.pool, &first.job);
	run_until_over(&first);
	assert_int_equal(first.code, BD_SOURCE_UNKNOWN);
	run_until_over(&second);
	assert_int_equal(counts_of(&fixture).timed_out, 1);
	close_pool(&fixture);
}

/* Each is counted as what it was, whoever sent the message is told, and the next is read by
 * another. */
static void test_what_the_kernel_ends(void **state)
{
	const struct {
		const char *kind;
		enum bd_code code;
		struct bd_pool_counts counts;
	} cases[] = {
		{ "socket", BD_WORKER_DIED, { .forbidden = 1, .died = 1 } },
		{ "spin", BD_LIMIT_TIME, { .timed_out = 1 } },
		{ "swell", BD_NO_MEMORY, { .swollen = 1 } },
		{ "die", BD_WORKER_DIED, { .died = 1 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bd_pool_counts *expected = &cases[i].counts;
		struct fixture fixture;
		open_odd(&fixture, cases[i].kind,
			strcmp(cases[i].kind, "spin") == 0 ? 900 : UNREACHED_MS);
		struct message message = short_message(&fixture);
		bd_pool_take(fixture.pool, &message.job);
		run_until_over(&message);
		struct bd_pool_counts counts = counts_of(&fixture);
		if (message.code != cases[i].code || counts.died != expected->died ||
			counts.forbidden != expected->forbidden ||
			counts.timed_out != expected->timed_out ||
			counts.swollen != expected->swollen) {
			fail_msg("%s: %s", cases[i].kind, bd_code_info(message.code)->text);
		}
		run_until_started(&fixture, 2);
		close_pool(&fixture);
	}
}

/* What the kernel says of a worker that is ready. */
static void read_child(char *text, size_t room, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child(), name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t len = fread(text, 1, room - 1, file);
	fclose(file);
	text[len] = '\0';
}

/* The real one is what test_confine tries the locks of: all of them are in force before it is
 * ready for a message. */
/* Each process has its own, however soon after another that had it. */
static void test_the_next_worker_has_its_time_as_well(void **state)
{
	struct fixture fixture = { .settings = { .image = bd_buf_bytes(&image),
					   .count = 1,
					   .time_max_ms = 900,
					   .stop_max_ms = 300 } };
	(void)state;
	set_path(&fixture, "tests/unit/odd_worker");
	open_pool(&fixture);
	for (int i = 0; i < 3; i++) {
		struct message dies = message_of(&fixture, bd_bytes_of("die"));
		struct message spins = message_of(&fixture, bd_bytes_of("spin"));
		dies.job.goes_ahead = spins.job.goes_ahead = true;
		bd_pool_take(fixture.pool, &dies.job);
		run_until_over(&dies);
		assert_int_equal(dies.code, BD_WORKER_DIED);
		bd_pool_take(fixture.pool, &spins.job);
		run_until_over(&spins);
		assert_int_equal(spins.code, BD_LIMIT_TIME);
	}
	close_pool(&fixture);
}

static void test_a_real_worker_is_confined(void **state)
{
	struct fixture fixture;
	char text[8192];
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	check_all_is_well(&fixture);
	run_until_idle(&fixture);
	read_child(text, sizeof(text), "status");
	assert_non_null(strstr(text, "\nSeccomp:\t2\n"));
	assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
	read_child(text, sizeof(text), "limits");
	assert_non_null(strstr(text, "Max core file size        0                    0 "));
#ifndef BD_IS_SANITIZED
	assert_non_null(strstr(text, "Max open files            0                    0 "));
	/* Nobody of the same user looks into it: what is its own belongs to root. */
	struct stat memory;
	snprintf(text, sizeof(text), "/proc/%d/mem", (int)child());
	assert_int_equal(stat(text, &memory), 0);
	assert_int_equal(memory.st_uid, 0);
#endif
	close_pool(&fixture);
}

/* Whoever waits is told that nobody will come, and so is who comes later. */
static void test_workers_that_never_start(void **state)
{
	const char *kinds[] = { "exit", "mute", "confined" };
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fixture fixture;
		open_odd(&fixture, kinds[i], UNREACHED_MS);
		struct message first = short_message(&fixture), second = short_message(&fixture);
		first.next_taken = &second;
		assert_true(counts_of(&fixture).can_start);
		bd_pool_take(fixture.pool, &first.job);
		run_until_over(&first);
		assert_int_equal(first.code, BD_WORKER_START);
		assert_int_equal(first.readies, 0);
		assert_false(counts_of(&fixture).can_start);
		run_until_over(&second);
		assert_int_equal(second.code, BD_WORKER_START);
		close_pool(&fixture);
	}
}

/* Told to end, as a reload does. One that does not is killed, and how another ends is its own
 * affair: in its place comes the next. */
static void test_workers_that_end_badly(void **state)
{
	const char *kinds[] = { "deaf", "exit 3", "stuck" };
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fixture fixture;
		open_odd(&fixture, kinds[i], UNREACHED_MS);
		assert_int_equal(bd_pool_reload(fixture.pool, &fixture.settings, NULL), BD_OK);
		run_until_started(&fixture, 2);
		assert_int_equal(counts_of(&fixture).died, 0);
		close_pool(&fixture);
	}
}

static void test_a_worker_that_cannot_be_run(void **state)
{
	struct fixture fixture = { .settings = { .image = { "x", 1 },
					   .count = 1,
					   .worker_path = "/nonexistent/bidui-worker" } };
	struct bd_diag diag = { .code = BD_OK };
	(void)state;
	assert_int_equal(uv_loop_init(&fixture.loop), 0);
	assert_int_equal(bd_pool_new(&fixture.pool, &fixture.loop, &fixture.settings, &diag),
		BD_CONFIG_REFERENCE);
	assert_int_equal(uv_loop_close(&fixture.loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_worker_killed_in_a_message),
		cmocka_unit_test(test_an_idle_worker_killed),
		cmocka_unit_test(test_a_worker_that_hangs),
		cmocka_unit_test(test_rules_broken_in_a_message),
		cmocka_unit_test(test_a_worker_that_hangs_after_its_refusal),
		cmocka_unit_test(test_what_the_kernel_ends),
		cmocka_unit_test(test_the_next_worker_has_its_time_as_well),
		cmocka_unit_test(test_a_real_worker_is_confined),
		cmocka_unit_test(test_workers_that_never_start),
		cmocka_unit_test(test_workers_that_end_badly),
		cmocka_unit_test(test_a_worker_that_cannot_be_run),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
