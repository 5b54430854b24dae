#include "daemon/thread.h"

#include <pthread.h>
#include <sys/resource.h>

void bd_thread_begin(const char *name, int niceness)
{
	pthread_setname_np(pthread_self(), name);
	if (niceness != BD_THREAD_ANSWERS) {
		/* Of this thread alone, as Linux has it. */
		setpriority(PRIO_PROCESS, 0, niceness);
	}
}
