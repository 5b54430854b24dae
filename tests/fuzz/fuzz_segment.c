/* fuzz_segment.c - any bytes as the file of a log: the walk ends, gives only entries that chain,
 * and the same ones when they are written again.
 */
#include "trail/segment.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];
static int top = -1;

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void clean(void)
{
	unlinkat(top, "log-0000-00000000", 0);
	rmdir(folder);
}

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/bdfuzz.XXXXXX", tmp != NULL ? tmp : "/tmp");
	must(mkdtemp(folder) != NULL);
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(top >= 0);
	atexit(clean);
}

/* The chains are made right, so that the fuzzer comes past the first entry. */
static void mend(char *bytes, size_t len)
{
	struct bd_hash chain = { { 0 } }, leaf;
	size_t at = BD_TRAIL_SEGMENT_HEAD_BYTES;

	while (at + BD_TRAIL_FRAME_BYTES <= len) {
		struct bd_reader reader = bd_reader_of((struct bd_bytes){ bytes + at, 4 });
		size_t body = bd_read_u32(&reader);

		if (body == 0 || body > len - at - BD_TRAIL_FRAME_BYTES) {
			break;
		}
		must(bd_trail_chain(&chain, &leaf, &chain,
			     (struct bd_bytes){ bytes + at + 4, body }) == BD_OK);
		memcpy(bytes + at + 4 + body, chain.bytes, sizeof(chain.bytes));
		at += body + BD_TRAIL_FRAME_BYTES;
	}
}

static void walk(const char *bytes, size_t len)
{
	struct bd_trail_position at = BD_TRAIL_BEGINNING;
	enum bd_trail_step step = BD_TRAIL_STEP_ENTRY;
	struct bd_trail_walk walk;
	struct bd_buf again;

	bd_buf_init(&again, len + BD_TRAIL_FRAME_BYTES);
	bd_trail_walk_open(&walk, top, 1, 0, &at);
	while (step == BD_TRAIL_STEP_ENTRY) {
		struct bd_trail_entry entry;
		struct bd_bytes body;
		struct bd_hash leaf;

		must(bd_trail_walk_next(&step, &entry, &body, &walk, NULL) == BD_OK);
		if (step == BD_TRAIL_STEP_ENTRY) {
			must(bd_trail_frame_add(&again, &leaf, &at, &entry) == BD_OK);
		}
	}
	must(again.len <= len);
	must(again.len == 0 ||
		memcmp(again.ptr, bytes + BD_TRAIL_SEGMENT_HEAD_BYTES, again.len) == 0);
	bd_trail_walk_close(&walk);
	bd_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	int fd;

	must(copy != NULL);
	if (top < 0) {
		set_up();
	}
	memcpy(copy, bytes, len);
	for (int round = 0; round < 2; round++) {
		fd = openat(
			top, "log-0000-00000000", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		must(fd >= 0 && pwrite(fd, copy, len, 0) == (ssize_t)len);
		close(fd);
		walk(copy, len);
		if (len > BD_TRAIL_SEGMENT_HEAD_BYTES) {
			mend(copy, len);
		}
	}
	free(copy);
	return 0;
}
