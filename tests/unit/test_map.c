/* test_map.c - what a mapping makes of messages: tests/adapters/cases/SOURCE.FEED.WHAT.EXT gives
 * the text of the same name with .expected, cut anywhere.
 *
 * SOURCE is a folder of adapters/ or of tests/adapters/.
 */
#include "intake_support.h"

#include <dirent.h>
#include <sys/stat.h>

#define CASES "tests/adapters/cases"
#define CASES_LEAST 50

struct sources {
	struct bd_arena arena;
	const struct bd_dictionary *dict;
	const struct bd_plan *plans[16];
	size_t count;
};

static const struct bd_plan *find_source(struct sources *sources, const char *name)
{
	char folder[300];
	struct stat status;

	for (size_t i = 0; i < sources->count; i++) {
		if (strcmp(sources->plans[i]->source, name) == 0) {
			return sources->plans[i];
		}
	}
	assert_true(sources->count < sizeof(sources->plans) / sizeof(sources->plans[0]));
	snprintf(folder, sizeof(folder), "adapters/%s", name);
	if (stat(source_path(&sources->arena, folder), &status) != 0) {
		snprintf(folder, sizeof(folder), "tests/adapters/%s", name);
	}
	sources->plans[sources->count] = intake_plan(folder, sources->dict, &sources->arena);
	return sources->plans[sources->count++];
}

static void check_case(struct sources *sources, const char *file)
{
	char source[64], feed[64], path[400];
	struct bd_intake_settings settings;
	struct bd_arena arena;
	struct intake_log log;
	struct bd_bytes message;

	assert_int_equal(sscanf(file, "%63[^.].%63[^.].", source, feed), 2);
	settings = intake_settings(sources->dict, find_source(sources, source), feed);
	bd_arena_init(&arena, ARENA_MAX);
	intake_log_init(&log, sources->dict);
	snprintf(path, sizeof(path), CASES "/%s", file);
	message = intake_file(source_path(&arena, path), &arena);
	assert_non_null(message.ptr);
	intake_run(&log, &settings, message, 0);
	snprintf(path, sizeof(path), CASES "/%s.expected", file);
	intake_expect(&log, source_path(&arena, path), &arena);
	intake_check_steps(&log, &settings, message, file);
	bd_buf_release(&log.text);
	bd_arena_release(&arena);
}

static int is_case(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strstr(entry->d_name, ".expected") == NULL;
}

static void cases_give_their_text(void **state)
{
	struct sources sources = { .count = 0 };
	struct dirent **list = NULL;
	int count;

	(void)state;
	bd_arena_init(&sources.arena, ARENA_MAX);
	sources.dict = read_dictionary(&sources.arena);
	count = scandir(source_path(&sources.arena, CASES), &list, is_case, alphasort);
	assert_true(count >= CASES_LEAST);
	for (int i = 0; i < count; i++) {
		check_case(&sources, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	bd_arena_release(&sources.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cases_give_their_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
