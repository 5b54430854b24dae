#include "base/thread.h"

#include "base/clock.h"
#include "base/limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As sched_setattr(2) has it; the C library does not know it. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* Of this thread alone, as Linux has it. slice_ns 0: as long as the kernel likes. */
static void schedule(int policy, int niceness, uint64_t slice_ns)
{
	struct scheduling scheduling = { .size = sizeof(scheduling),
		.policy = (uint32_t)policy,
		.nice = niceness,
		.runtime_ns = slice_ns };

	syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

/* What this thread began as; neither, where it did not. */
static __thread bool answers, gives_way;

void bd_thread_begin(const char *name, int niceness)
{
	if (name != NULL) {
		pthread_setname_np(pthread_self(), name);
	}
	gives_way = niceness != BD_THREAD_ANSWERS;
	answers = !gives_way;
	if (gives_way) {
		schedule(SCHED_BATCH, niceness, 0);
	}
}

void bd_thread_short_slices(void)
{
	schedule(sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), BD_THREAD_SLICE_NS);
}

/* -- who answers: each writes a line of its own, and those that give way look at all -- */

static struct {
	alignas(64)
		atomic_int at; /* the processor it runs on, or waits for, + 1; 0 = it has no work */
	/* Until when it has this before anybody who gives way. */
	_Atomic int64_t until_us;
} answering[BD_TRAIL_LOOPS_MAX];
static atomic_uint answering_count;

void bd_thread_answering(bool is_busy)
{
	static __thread unsigned place; /* + 1; 0 = none yet */

	if (!answers) {
		return;
	}
	if (place == 0) {
		place = atomic_fetch_add(&answering_count, 1) + 1;
	}
	if (place <= BD_TRAIL_LOOPS_MAX) {
		atomic_store_explicit(&answering[place - 1].at, is_busy ? sched_getcpu() + 1 : 0,
			memory_order_relaxed);
	}
}

/* Of the one that is busy on this processor; NULL = nobody is. */
static _Atomic int64_t *waited_for(unsigned count)
{
	int here = sched_getcpu() + 1;

	for (unsigned i = 0; i < count && i < BD_TRAIL_LOOPS_MAX; i++) {
		if (atomic_load_explicit(&answering[i].at, memory_order_relaxed) == here) {
			return &answering[i].until_us;
		}
	}
	return NULL;
}

/* Of a processor, by this thread, in all. */
static int64_t used_us(void)
{
	struct timespec used = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* What all who give way have there is to be their part, for BD_THREAD_REST_US at the most. */
static void sleep_for(_Atomic int64_t *until, int64_t had_us)
{
	int64_t now_us = bd_clock_monotonic_us(), begun_us = now_us - had_us;
	int64_t until_us = atomic_load_explicit(until, memory_order_relaxed);
	struct timespec rest = { 0 };

	until_us = (until_us > begun_us ? until_us : begun_us) +
		   had_us * (BD_THREAD_ANSWERS_PARTS + 1);
	if (until_us > now_us + BD_THREAD_REST_US) {
		until_us = now_us + BD_THREAD_REST_US;
	}
	atomic_store_explicit(until, until_us, memory_order_relaxed);
	rest.tv_nsec = (until_us - now_us) * 1000;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
}

void bd_thread_share(void)
{
	static __thread int64_t shared_us, shared_used_us;
	unsigned count =
		gives_way ? atomic_load_explicit(&answering_count, memory_order_relaxed) : 0;
	_Atomic int64_t *until;

	if (answers || bd_clock_monotonic_us() - shared_us < BD_THREAD_SLICE_NS / 1000) {
		return;
	}
	until = waited_for(count);
	if (until != NULL) {
		sleep_for(until, used_us() - shared_used_us);
	} else {
		sched_yield();
	}
	shared_us = bd_clock_monotonic_us();
	/* A call of the kernel, and nobody's where nobody answers. */
	shared_used_us = count > 0 ? used_us() : 0;
}
