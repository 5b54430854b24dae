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

/* How often it slept in 20 ms of its own. */
static void *give_way(void *state)
{
	int64_t end_ns = own_ns() + OWN_NS;
	struct rusage before, after;
	(void)state;
	bd_thread_begin("gives way", BD_THREAD_GIVES_WAY);
	getrusage(RUSAGE_THREAD, &before);
	while (own_ns() < end_ns) {
		bd_thread_share();
	}
	getrusage(RUSAGE_THREAD, &after);
	return (void *)(after.ru_nvcsw - before.ru_nvcsw);
}

/* took_ns: until all `count` of them had their 20 ms. */
static long sleeps_while(bool is_busy, size_t count, int64_t *took_ns)
{
	pthread_t loop, others[2];
	struct timespec begun, ended;
	long sleeps = 0;
	assert_int_equal(pthread_create(&loop, NULL, answer, &is_busy), 0);
	pthread_join(loop, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(pthread_create(&others[i], NULL, give_way, NULL), 0);
	}
	for (size_t i = 0; i < count; i++) {
		void *slept;
		pthread_join(others[i], &slept);
		sleeps += (long)(intptr_t)slept;
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	*took_ns =
		(ended.tv_sec - begun.tv_sec) * INT64_C(1000000000) + ended.tv_nsec - begun.tv_nsec;
	return sleeps;
}

static void test_who_answers_is_let_go_first(void **state)
{
	cpu_set_t all;
	int64_t took_ns;
	(void)state;
	stay_here(&all);
	/* One that never said that it answers is no loop. */
	bd_thread_answering(true);
	assert_int_equal(sleeps_while(false, 1, &took_ns), 0);
	/* What one that answers has left of the processor is one part, for one or for two. No
	 * machine is so slow that more of it is had in less time. */
	for (size_t count = 1; count <= 2; count++) {
		assert_true(sleeps_while(true, count, &took_ns) >=
			    (long)count * OWN_NS / BD_THREAD_SLICE_NS / 5);
		assert_true(took_ns >= (int64_t)count * OWN_NS * BD_THREAD_ANSWERS_PARTS);
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
