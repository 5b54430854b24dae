#include "base/page_cache.h"

#include "base/thread.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each a tenth or two of a millisecond of a processor: that much is given to the disk, or let go
 * of, between two looks at who waits for it. Multiples of a page. */
#define PIECE_BYTES 262144
#define DROP_BYTES 524288

static uint64_t end_of(int fd, uint64_t to)
{
	struct stat file;

	if (to != BD_PAGE_CACHE_TO_END) {
		return to;
	}
	return fstat(fd, &file) == 0 ? (uint64_t)file.st_size : 0;
}

void bd_page_cache_drop(int fd, uint64_t from, uint64_t to)
{
	uint64_t end = end_of(fd, to);

	/* The kernel takes whole pages alone; the first one was left as its end was not written. */
	from -= from % (uint64_t)sysconf(_SC_PAGESIZE);
	for (uint64_t at = from; at + DROP_BYTES <= end; at += DROP_BYTES) {
		posix_fadvise(fd, (off_t)at, DROP_BYTES, POSIX_FADV_DONTNEED);
		bd_thread_share();
	}
	/* What is left: the page that the file ends in, and what the kernel holds in one piece that
	 * is larger than ours, or lies in two of them. */
	posix_fadvise(fd, (off_t)from, to == BD_PAGE_CACHE_TO_END ? 0 : (off_t)(to - from),
		POSIX_FADV_DONTNEED);
}

int bd_page_cache_sync(int fd, uint64_t from, uint64_t to)
{
	uint64_t end = end_of(fd, to);

	for (uint64_t at = from; at < end; at += PIECE_BYTES) {
		/* What it cannot do is left to the sync. */
		sync_file_range(fd, (off_t)at, PIECE_BYTES, SYNC_FILE_RANGE_WRITE);
		bd_thread_share();
	}
	return fdatasync(fd);
}
