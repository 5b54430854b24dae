/* test_thread.c - how far threads give way, as the kernel has it, and that one that shares its
 * processor does so every tenth of a millisecond and not only when the kernel's clock ticks.
 */
#include "base/limits.h"
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

struct seen {
	char name[16];
	const char *wanted;
	int niceness, policy, given;
};

static void *begin(void *state)
{
	struct seen *seen = state;
	bd_thread_begin(seen->wanted, seen->given);
	bd_thread_short_slices();
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	seen->niceness = getpriority(PRIO_PROCESS, 0);
	seen->policy = sched_getscheduler(0);
	return NULL;
}

static void see(struct seen *seen)
{
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, begin, seen), 0);
	pthread_join(thread, NULL);
}

static void test_who_gives_way(void **state)
{
	struct seen answers = { .wanted = "answers", .given = BD_THREAD_ANSWERS };
	struct seen gives_way = { .wanted = "gives way", .given = BD_THREAD_GIVES_WAY };
	struct seen has_time = { .wanted = NULL, .given = BD_THREAD_HAS_TIME };
	int before = getpriority(PRIO_PROCESS, 0);
	(void)state;
	see(&answers);
	assert_string_equal(answers.name, "answers");
	assert_int_equal(answers.niceness, before);
	assert_int_equal(answers.policy, SCHED_OTHER);
	see(&gives_way);
	assert_string_equal(gives_way.name, "gives way");
	assert_int_equal(gives_way.niceness, BD_THREAD_GIVES_WAY);
	assert_int_equal(gives_way.policy, SCHED_BATCH);
	see(&has_time);
	assert_int_equal(strncmp(has_time.name, "test_thread", 11), 0);
	assert_int_equal(has_time.niceness, BD_THREAD_HAS_TIME);
	assert_int_equal(has_time.policy, SCHED_BATCH);
	/* Of these threads alone. */
	assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

/* -- two on one processor -- */

/* all: where it may run besides, to go back to. */
static void stay_here(cpu_set_t *all)
{
	cpu_set_t one;
	int cpu = sched_getcpu();
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (cpu < 0 || sched_getaffinity(0, sizeof(*all), all) != 0 ||
		sched_setaffinity(0, sizeof(one), &one) != 0) {
		skip();
	}
}

static atomic_bool is_over;

static void *want_all(void *state)
{
	(void)state;
	while (!atomic_load(&is_over)) {
	}
	return NULL;
}

static int64_t own_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* For 20 ms of its own: how often it had to let go of the processor. */
static void *work(void *shares)
{
	int64_t end_ns = own_ns() + 20000000;
	struct rusage before, after;
	getrusage(RUSAGE_THREAD, &before);
	while (own_ns() < end_ns) {
		if (shares != NULL) {
			bd_thread_share();
		}
	}
	getrusage(RUSAGE_THREAD, &after);
	return (void *)(after.ru_nivcsw - before.ru_nivcsw);
}

static long lets_go(bool shares)
{
	static bool yes;
	pthread_t other, worker;
	void *count;
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&other, NULL, want_all, NULL), 0);
	assert_int_equal(pthread_create(&worker, NULL, work, shares ? &yes : NULL), 0);
	pthread_join(worker, &count);
	atomic_store(&is_over, true);
	pthread_join(other, NULL);
	return (long)(intptr_t)count;
}

static void test_a_processor_is_shared(void **state)
{
	cpu_set_t all;
	long shared, alone;
	(void)state;
	stay_here(&all);
	/* 20 ms in slices of 100 us; a kernel that ticks 250 times a second comes to 5 or 10. */
	shared = lets_go(true);
	alone = lets_go(false);
	assert_true(shared >= 20000000 / BD_THREAD_SLICE_NS / 5);
	assert_true(shared > alone);
	sched_setaffinity(0, sizeof(all), &all);
}

/* -- who is answering on this processor goes first, whatever the kernel owes the other -- */

static void *answer(void *is_busy)
{
	bd_thread_begin(NULL, BD_THREAD_ANSWERS);
	bd_thread_answering(*(const bool *)is_busy);
	return NULL;
}

#define OWN_NS 20000000

struct given_way {
	long sleeps;
	int64_t owed_ns; /* how long it should have been without the processor, with what it had */
};

static long sleeps_of_thread(void)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* Shares for 20 ms of its own. */
static void *give_way(void *state)
{
	struct given_way *given = state;
	int64_t slept_ns, now_ns;
	long sleeps;
	bd_thread_begin("gives way", BD_THREAD_GIVES_WAY);
	slept_ns = own_ns();
	sleeps = sleeps_of_thread();
	for (int64_t end_ns = slept_ns + OWN_NS; (now_ns = own_ns()) < end_ns;) {
		bd_thread_share();
		if (sleeps_of_thread() != sleeps) {
			int64_t owed_ns = (now_ns - slept_ns) * (BD_THREAD_ANSWERS_PARTS + 1);
			int64_t most_ns = BD_THREAD_REST_US * 1000;
			/* Its host may have had some milliseconds of what counts as its own. */
			given->owed_ns += owed_ns < most_ns ? owed_ns : most_ns;
			given->sleeps++;
			sleeps = sleeps_of_thread();
			slept_ns = own_ns();
		}
	}
	return NULL;
}

/* took_ns: until all `count` of them had their 20 ms. */
static struct given_way give_way_to(bool is_busy, size_t count, int64_t *took_ns)
{
	pthread_t loop, others[2];
	struct given_way given[2] = { { 0, 0 }, { 0, 0 } };
	struct timespec begun, ended;
	assert_int_equal(pthread_create(&loop, NULL, answer, &is_busy), 0);
	pthread_join(loop, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(pthread_create(&others[i], NULL, give_way, &given[i]), 0);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(others[i], NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	*took_ns =
		(ended.tv_sec - begun.tv_sec) * INT64_C(1000000000) + ended.tv_nsec - begun.tv_nsec;
	return (struct given_way){ given[0].sleeps + given[1].sleeps,
		given[0].owed_ns + given[1].owed_ns };
}

static void test_who_answers_is_let_go_first(void **state)
{
	cpu_set_t all;
	int64_t took_ns;
	(void)state;
	stay_here(&all);
	/* One that never said that it answers is no loop. */
	bd_thread_answering(true);
	assert_int_equal(give_way_to(false, 1, &took_ns).sleeps, 0);
	/* What one that answers leaves of the processor is one part, for one or for two: no machine
	 * is so slow that they are through sooner. Without the last piece of each, and what two
	 * count at the same moment. */
	for (size_t count = 1; count <= 2; count++) {
		struct given_way given = give_way_to(true, count, &took_ns);
		assert_true(given.sleeps > 0 && given.owed_ns >= OWN_NS);
		assert_true(took_ns >= given.owed_ns / 4 * 3);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_gives_way),
		cmocka_unit_test(test_a_processor_is_shared),
		cmocka_unit_test(test_who_answers_is_let_go_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
