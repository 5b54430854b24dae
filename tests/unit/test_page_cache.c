/* test_page_cache.c - what a file has grown by is on the disk once it is synced, all of it, and can
 * leave the kernel's memory.
 */
#include "base/page_cache.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "page_cache_support.h"

#define BYTES ((size_t)3 << 20)

struct file {
	char path[32];
	int fd;
};

static void open_file(struct file *file)
{
	strcpy(file->path, "/tmp/bidui-pages-XXXXXX");
	file->fd = mkstemp(file->path);
	assert_true(file->fd >= 0);
}

static void close_file(struct file *file)
{
	close(file->fd);
	unlink(file->path);
}

static void fill(const struct file *file, char with)
{
	static char bytes[BYTES];

	memset(bytes, with, sizeof(bytes));
	assert_int_equal(pwrite(file->fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
}

/* What is not on the disk stays, but may be on its way there. */
static size_t left_behind(size_t *all, const struct file *file)
{
	bd_page_cache_drop(file->fd, 0, BD_PAGE_CACHE_TO_END);
	return pages_in_memory(all, file->path, BYTES);
}

static void what_is_synced_can_go(void **state)
{
	static const uint64_t parts[][2] = { { 0, BD_PAGE_CACHE_TO_END }, { 0, BYTES },
		{ 1 << 20, 2 << 20 }, { BYTES, BYTES }, { BYTES - 1, BYTES * 2 } };
	struct file file;
	size_t all;

	(void)state;
	if (is_all_memory("/tmp")) {
		skip();
	}
	open_file(&file);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		fill(&file, (char)('a' + i));
		assert_int_equal(pages_in_memory(&all, file.path, BYTES),
			BYTES / (size_t)sysconf(_SC_PAGESIZE));
		assert_int_equal(bd_page_cache_sync(file.fd, parts[i][0], parts[i][1]), 0);
		assert_int_equal(left_behind(&all, &file), 0);
	}
	close_file(&file);
}

static void what_cannot_be_synced_is_told(void **state)
{
	struct file file;

	(void)state;
	open_file(&file);
	close_file(&file);
	errno = 0;
	assert_int_equal(bd_page_cache_sync(file.fd, 0, BD_PAGE_CACHE_TO_END), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_synced_can_go),
		cmocka_unit_test(what_cannot_be_synced_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
