#include "base/page_cache.h"

#include <fcntl.h>
#include <unistd.h>

void bd_page_cache_drop(int fd, uint64_t from, uint64_t to)
{
	/* The kernel takes whole pages alone; the first one was left as its end was not written. */
	uint64_t start = from - from % (uint64_t)sysconf(_SC_PAGESIZE);

	posix_fadvise(fd, (off_t)start, to == BD_PAGE_CACHE_TO_END ? 0 : (off_t)(to - start),
		POSIX_FADV_DONTNEED);
}
