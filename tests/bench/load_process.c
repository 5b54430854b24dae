/* load_process.c - what a server and its children have used of the processors, and its memory. */
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Daemon, worker, and no further. */
#define DEPTH_MAX 4

/* Fields 14 to 17 of proc(5): own and waited children's user and system time. */
static uint64_t own_ticks(int pid)
{
	unsigned long long user = 0, system = 0, child_user = 0, child_system = 0;
	char path[64], line[1024] = "";
	const char *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file == NULL) {
		return 0;
	}
	if (fgets(line, sizeof(line), file) == NULL) {
		line[0] = '\0';
	}
	fclose(file);
	rest = strrchr(line, ')'); /* a name may hold blanks */
	if (rest == NULL || sscanf(rest + 1,
				    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu "
				    "%llu %llu",
				    &user, &system, &child_user, &child_system) != 4) {
		return 0;
	}
	return user + system + child_user + child_system;
}

static uint64_t ticks(int pid, unsigned depth)
{
	uint64_t sum = own_ticks(pid);
	char path[320];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = depth < DEPTH_MAX ? opendir(path) : NULL;
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		FILE *children;
		int child;

		snprintf(path, sizeof(path), "/proc/%d/task/%.32s/children", pid, entry->d_name);
		children = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
		while (children != NULL && fscanf(children, "%d", &child) == 1) {
			sum += ticks(child, depth + 1);
		}
		if (children != NULL) {
			fclose(children);
		}
	}
	if (tasks != NULL) {
		closedir(tasks);
	}
	return sum;
}

uint64_t load_process_cpu_us(int pid)
{
	return ticks(pid, 0) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t load_process_memory_kib(int pid)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL &&
		sscanf(line, "RssAnon: %llu", &kib) != 1) {
	}
	if (file != NULL) {
		fclose(file);
	}
	return kib;
}
