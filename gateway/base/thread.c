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

static bool is_waited_for(void)
{
	unsigned count = atomic_load_explicit(&answering_count, memory_order_relaxed);
	int here = gives_way && count > 0 ? sched_getcpu() + 1 : 0;
	bool is_found = false;

	for (unsigned i = 0; here != 0 && i < count && i < BD_TRAIL_LOOPS_MAX && !is_found; i++) {
		is_found = atomic_load_explicit(&answering[i].at, memory_order_relaxed) == here;
	}
	return is_found;
}

void bd_thread_share(void)
{
	static const struct timespec slice = { .tv_nsec = BD_THREAD_SLICE_NS };
	static __thread int64_t shared_us;

	if (bd_clock_monotonic_us() - shared_us < BD_THREAD_SLICE_NS / 1000) {
		return;
	}
	if (is_waited_for()) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &slice, NULL);
	} else {
		sched_yield();
	}
	shared_us = bd_clock_monotonic_us();
}
