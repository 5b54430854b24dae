#include "base/page_cache.h"

#include "base/thread.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Some tenths of a millisecond of a processor. */
#define PIECE_BYTES 131072

void bd_page_cache_drop(int fd, uint64_t from, uint64_t to)
{
	/* The kernel takes whole pages alone; the first one was left as its end was not written. */
	uint64_t start = from - from % (uint64_t)sysconf(_SC_PAGESIZE);

	posix_fadvise(fd, (off_t)start, to == BD_PAGE_CACHE_TO_END ? 0 : (off_t)(to - start),
		POSIX_FADV_DONTNEED);
}

int bd_page_cache_sync(int fd, uint64_t from, uint64_t to)
{
	struct stat file;

	if (to == BD_PAGE_CACHE_TO_END) {
		to = fstat(fd, &file) == 0 ? (uint64_t)file.st_size : 0;
	}
	for (uint64_t at = from; at < to; at += PIECE_BYTES) {
		/* What it cannot do is left to the sync. */
		sync_file_range(fd, (off_t)at, PIECE_BYTES, SYNC_FILE_RANGE_WRITE);
		bd_thread_share();
	}
	return fdatasync(fd);
}
