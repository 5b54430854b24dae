/* windows.c - what the host takes of the processors, window by window. */
#include "windows.h"
#include "now.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Of all processors since the machine began. */
static uint64_t stolen_ticks(void)
{
	uint64_t ticks = 0;
	FILE *file = fopen("/proc/stat", "r");

	if (file == NULL || fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &ticks) != 1) {
		ticks = 0;
	}
	if (file != NULL) {
		fclose(file);
	}
	return ticks;
}

void windows_begin(struct windows *windows, int64_t now_ns, int64_t length_ns)
{
	windows->begin_ns = now_ns;
	windows->length_ns = length_ns;
	windows->begun = 0;
	windows_note(windows, now_ns);
}

void windows_note(struct windows *windows, int64_t now_ns)
{
	size_t at = (size_t)((now_ns - windows->begin_ns) / windows->length_ns);

	while (windows->begun <= at && windows->begun <= WINDOWS_MAX) {
		windows->stolen[windows->begun++] = stolen_ticks();
	}
}

size_t windows_over(const struct windows *windows)
{
	return windows->begun - 1;
}

size_t windows_at(const struct windows *windows, int64_t moment_ns)
{
	int64_t at = (moment_ns - windows->begin_ns) / windows->length_ns;

	return moment_ns >= windows->begin_ns && at < WINDOWS_MAX ? (size_t)at : WINDOWS_MAX;
}

bool windows_is_quiet(const struct windows *windows, size_t window)
{
	uint64_t all = (uint64_t)(sysconf(_SC_CLK_TCK) * sysconf(_SC_NPROCESSORS_ONLN)) *
		       (uint64_t)windows->length_ns,
		 stolen = windows->stolen[window + 1] - windows->stolen[window];

	return stolen * 1000 * (uint64_t)NS_PER_S <= all * WINDOWS_QUIET_PERMILLE;
}

size_t windows_count_quiet(const struct windows *windows)
{
	size_t quiet = 0;

	for (size_t i = 0; i < windows_over(windows); i++) {
		quiet += windows_is_quiet(windows, i);
	}
	return quiet;
}
