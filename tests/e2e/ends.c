/* ends.c - preloaded by load.sh: a process that is killed, as by kill -9, in its ENDS_AT-th sync of
 * the disk, and before that sync. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void count_sync(void)
{
	static int count;
	const char *at = getenv("ENDS_AT");

	if (at != NULL && __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == atoi(at)) {
		kill(getpid(), SIGKILL);
	}
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL) {
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	}
	count_sync();
	return real(fd);
}

int fsync(int fd)
{
	static int (*real)(int);

	if (real == NULL) {
		real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	}
	count_sync();
	return real(fd);
}
