/* now.h - the clock that all of the bench measures by. Tests only. */
#ifndef BD_TESTS_BENCH_NOW_H
#define BD_TESTS_BENCH_NOW_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

/* CLOCK_MONOTONIC, in nanoseconds. */
static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Lets go of the processor for a moment. Who is SCHED_IDLE and was kept waiting is owed time by the
 * kernel, and has it in one go, milliseconds of it, whether it yields or not; not when it sleeps.
 */
static inline void rest(void)
{
	const struct timespec moment = { .tv_nsec = 1000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
}

#endif
