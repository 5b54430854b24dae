/* ahead.c - preloaded into biduid by disputes.sh: a wall clock that is CLOCK_AHEAD_S seconds ahead.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *time)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *ahead = getenv("CLOCK_AHEAD_S");
	int result;

	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	}
	result = real(id, time);
	if (id == CLOCK_REALTIME && result == 0 && ahead != NULL) {
		time->tv_sec += atol(ahead);
	}
	return result;
}
