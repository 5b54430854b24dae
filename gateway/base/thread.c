#include "base/thread.h"

#include "base/clock.h"
#include "base/limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

void bd_thread_begin(const char *name, int niceness)
{
	if (name != NULL) {
		pthread_setname_np(pthread_self(), name);
	}
	if (niceness != BD_THREAD_ANSWERS) {
		schedule(SCHED_BATCH, niceness, 0);
	}
}

void bd_thread_short_slices(void)
{
	schedule(sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), BD_THREAD_SLICE_NS);
}

void bd_thread_share(void)
{
	static __thread int64_t shared_us;

	if (bd_clock_monotonic_us() - shared_us >= BD_THREAD_SLICE_NS / 1000) {
		sched_yield();
		shared_us = bd_clock_monotonic_us();
	}
}
