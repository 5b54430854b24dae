/* windows.h - a measured time cut into windows, and which of them the host left alone.
 *
 * Tests only. A host that others share takes the processors for a moment now and then, and a time
 * that was measured then says nothing of who was measured. The kernel counts what it took (proc(5),
 * /proc/stat, "steal"); a window in which that was next to nothing is quiet.
 */
#ifndef BD_TESTS_BENCH_WINDOWS_H
#define BD_TESTS_BENCH_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOWS_MAX 256
/* Of a quiet window the host took at most so many thousandths of all processors. */
#define WINDOWS_QUIET_PERMILLE 5

struct windows {
	int64_t begin_ns, length_ns;
	/* By the host, until each began, in ticks of one processor. */
	uint64_t stolen[WINDOWS_MAX + 1];
	size_t begun;
};

/* They begin now, by CLOCK_MONOTONIC. */
void windows_begin(struct windows *windows, int64_t now_ns, int64_t length_ns);
/* To be called at least once in each of them: the one that now_ns lies in has begun. */
void windows_note(struct windows *windows, int64_t now_ns);
/* Of how many it is known how they were: all that are over. */
size_t windows_over(const struct windows *windows);
/* The one that a moment lies in; WINDOWS_MAX = it is in none. */
size_t windows_at(const struct windows *windows, int64_t moment_ns);
/* Of one that is over. */
bool windows_is_quiet(const struct windows *windows, size_t window);
/* How many of those that are over are quiet. */
size_t windows_count_quiet(const struct windows *windows);

#endif
