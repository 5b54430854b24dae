/* faults.c - preloaded into biduid by trail.sh: a disk without space, or one that fails, for the
 * files of the trail alone and from when a file appears.
 *
 * FAULT_FOLDER/full: no space can be allocated. FAULT_FOLDER/failing: a sync fails with EIO.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_asked_for(const char *fault)
{
	const char *folder = getenv("FAULT_FOLDER");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : "", fault);
	return folder != NULL && access(path, F_OK) == 0;
}

static int is_of_trail(int fd)
{
	char link[64], path[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	return strstr(path, "/trail/") != NULL;
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	static int (*real)(int, int, off_t, off_t);

	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "fallocate");
	}
	if (is_of_trail(fd) && is_asked_for("full")) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, mode, offset, len);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	}
	if (is_of_trail(fd) && is_asked_for("failing")) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}
