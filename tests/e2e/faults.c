/* faults.c - preloaded into biduid by trail.sh and cases.sh: a disk without space, or one that
 * fails, for the files of one folder alone and from when a file appears.
 *
 * FAULT_FOLDER/full: no space can be allocated for the trail. FAULT_FOLDER/failing: a sync of it
 * fails with EIO. FAULT_FOLDER/full_cases: no case file can be written. FAULT_FOLDER/failing_cases:
 * a sync of one fails with EIO.
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

static int is_of(int fd, const char *folder)
{
	char link[64], path[4096];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	return strstr(path, folder) != NULL;
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	static int (*real)(int, int, off_t, off_t);

	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "fallocate");
	}
	if (is_of(fd, "/trail/") && is_asked_for("full")) {
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
	if ((is_of(fd, "/trail/") && is_asked_for("failing")) ||
		(is_of(fd, "/cases/") && is_asked_for("failing_cases"))) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

static ssize_t write_at(const char *name, int fd, const void *bytes, size_t len, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	*(void **)&real = dlsym(RTLD_NEXT, name);
	if (is_of(fd, "/cases/") && is_asked_for("full_cases")) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, bytes, len, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	return write_at("pwrite", fd, bytes, len, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
	return write_at("pwrite64", fd, bytes, len, offset);
}
