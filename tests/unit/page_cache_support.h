/* page_cache_support.h - which pages of a file the kernel has in memory. */
#ifndef BD_TEST_PAGE_CACHE_SUPPORT_H
#define BD_TEST_PAGE_CACHE_SUPPORT_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Files of a file system that is all memory (tmpfs) leave it with the file alone. */
static inline bool is_all_memory(const char *folder)
{
	struct statfs status;

	assert_int_equal(statfs(folder, &status), 0);
	return (unsigned long)status.f_type == 0x01021994UL;
}

/* Of the whole pages of the file's first `bytes`: how many are in memory, and how many there are.
 */
static inline size_t pages_in_memory(size_t *all, const char *path, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), found = 0;
	int fd = open(path, O_RDONLY);
	unsigned char *marks;
	void *map;

	assert_true(fd >= 0);
	*all = bytes / page;
	map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	marks = calloc(*all + 1, 1);
	assert_non_null(marks);
	assert_int_equal(mincore(map, *all * page, marks), 0);
	for (size_t i = 0; i < *all; i++) {
		found += marks[i] & 1U;
	}
	free(marks);
	munmap(map, bytes);
	close(fd);
	return found;
}

#endif
