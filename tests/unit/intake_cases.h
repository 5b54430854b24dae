/* intake_cases.h - a folder of messages, SOURCE.FEED.WHAT.EXT, each with the text that it gives in
 * the file of the same name with .expected. One that ends in .gz is sent as gzip. SOURCE is a
 * folder of adapters/ or of tests/adapters/.
 */
#ifndef BD_TESTS_INTAKE_CASES_H
#define BD_TESTS_INTAKE_CASES_H

#include "intake_support.h"

#include <dirent.h>
#include <sys/stat.h>

#define INTAKE_SOURCES_MAX 16

struct intake_cases {
	struct bd_arena arena;
	const struct bd_dictionary *dict;
	const struct bd_plan *plans[INTAKE_SOURCES_MAX];
	size_t count;
};

static inline const struct bd_plan *intake_cases_source(
	struct intake_cases *cases, const char *name)
{
	char folder[300];
	struct stat status;

	for (size_t i = 0; i < cases->count; i++) {
		if (strcmp(cases->plans[i]->source, name) == 0) {
			return cases->plans[i];
		}
	}
	assert_true(cases->count < INTAKE_SOURCES_MAX);
	snprintf(folder, sizeof(folder), "adapters/%s", name);
	if (stat(source_path(&cases->arena, folder), &status) != 0) {
		snprintf(folder, sizeof(folder), "tests/adapters/%s", name);
	}
	cases->plans[cases->count] = intake_plan(folder, cases->dict, &cases->arena);
	return cases->plans[cases->count++];
}

static inline void intake_cases_check(
	struct intake_cases *cases, const char *folder, const char *file, bool is_cut_everywhere)
{
	char source[64], feed[64], path[400];
	struct bd_intake_settings settings;
	struct bd_arena arena;
	struct intake_log log;
	struct bd_bytes message;

	assert_int_equal(sscanf(file, "%63[^.].%63[^.].", source, feed), 2);
	settings = intake_settings(cases->dict, intake_cases_source(cases, source), feed);
	settings.is_gzip = strlen(file) > 3 && strcmp(file + strlen(file) - 3, ".gz") == 0;
	bd_arena_init(&arena, ARENA_MAX);
	intake_log_init(&log, cases->dict);
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	message = intake_file(source_path(&arena, path), &arena);
	assert_non_null(message.ptr);
	intake_run(&log, &settings, message, 0);
	snprintf(path, sizeof(path), "%s/%s.expected", folder, file);
	intake_expect(&log, source_path(&arena, path), &arena);
	intake_check_steps(&log, &settings, message, file);
	/* Refused or read, never a crash; the sanitizers watch. */
	for (size_t len = 0; is_cut_everywhere && !settings.is_gzip && len < message.len; len++) {
		intake_run(&log, &settings, (struct bd_bytes){ message.ptr, len }, 0);
	}
	bd_buf_release(&log.text);
	bd_arena_release(&arena);
}

static inline int intake_cases_filter(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strstr(entry->d_name, ".expected") == NULL;
}

static inline void intake_cases_run(const char *folder, int least, bool is_cut_everywhere)
{
	struct intake_cases cases = { .count = 0 };
	struct dirent **list = NULL;
	int count;

	bd_arena_init(&cases.arena, ARENA_MAX);
	cases.dict = read_dictionary(&cases.arena);
	count = scandir(source_path(&cases.arena, folder), &list, intake_cases_filter, alphasort);
	assert_true(count >= least);
	for (int i = 0; i < count; i++) {
		intake_cases_check(&cases, folder, list[i]->d_name, is_cut_everywhere);
		free(list[i]);
	}
	free(list);
	bd_arena_release(&cases.arena);
}

#endif
