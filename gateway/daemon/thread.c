#include "daemon/thread.h"

#include "base/limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

void bd_thread_begin(const char *name, int niceness)
{
	pthread_setname_np(pthread_self(), name);
	if (niceness != BD_THREAD_ANSWERS) {
		/* Of this thread alone, as Linux has it. */
		setpriority(PRIO_PROCESS, 0, niceness);
	}
}

/* As sched_setattr(2) has it; the C library does not know it. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

void bd_thread_short_slices(void)
{
	struct scheduling scheduling = { .size = sizeof(scheduling),
		.nice = getpriority(PRIO_PROCESS, 0),
		.runtime_ns = BD_THREAD_SLICE_NS };

	syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

void bd_thread_share(uint64_t *since_ns)
{
	uint64_t now_ns = uv_hrtime();

	if (now_ns - *since_ns >= BD_THREAD_SLICE_NS) {
		sched_yield();
		*since_ns = uv_hrtime();
	}
}
