/* ahead.c - preloaded into biduid by disputes.sh and tls.sh: a wall clock that is CLOCK_AHEAD_S
 * seconds ahead; or as many as the file CLOCK_AHEAD_FILE says, whenever it says so: a test then
 * moves the clock of a gateway that runs, by writing into it without making it shorter.
 *
 * The file is mapped before biduid gives up what it does not need, and is not opened again.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char *mapped;

__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("CLOCK_AHEAD_FILE");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page;

	if (fd < 0) {
		return;
	}
	/* Behind its end the page is NUL, so it is a text. */
	page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	mapped = page != MAP_FAILED ? page : NULL;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *time)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *ahead = mapped != NULL ? mapped : getenv("CLOCK_AHEAD_S");
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
