/* test_samples.c - every sample of every adapter, through intake, gives the text that stands beside
 * it.
 *
 * The list is tests/e2e/samples.tsv; the text of SOURCE/samples/NAME is
 * tests/adapters/expected/SOURCE_samples_NAME.txt. BIDUI_TEST_WRITE=1 writes it anew: then it is to
 * be read before it is committed.
 */
#include "intake_support.h"

#define SAMPLES_LEAST 12 /* the departments' own */

static void check_sample(
	struct intake_log *log, const struct bd_plan *plan, const char *file, const char *feed)
{
	const struct bd_intake_settings settings = intake_settings(log->dict, plan, feed);
	char path[600], flat[512];
	struct bd_bytes message;
	struct bd_arena arena;

	bd_arena_init(&arena, ARENA_MAX);
	snprintf(path, sizeof(path), "adapters/%s", file);
	message = intake_file(source_path(&arena, path), &arena);
	assert_non_null(message.ptr);
	snprintf(flat, sizeof(flat), "%s", file);
	for (char *at = flat; *at != '\0'; at++) {
		*at = *at == '/' ? '_' : *at;
	}
	snprintf(path, sizeof(path), "tests/adapters/expected/%s.txt", flat);
	intake_run(log, &settings, message, 0);
	intake_expect(log, source_path(&arena, path), &arena);
	intake_check_steps(log, &settings, message, file);
	/* Cut at every byte: refused or read, never a crash; the sanitizers watch. */
	for (size_t len = 0; len < message.len; len++) {
		intake_run(log, &settings, (struct bd_bytes){ message.ptr, len }, 0);
	}
	bd_arena_release(&arena);
}

static void samples_give_their_text(void **state)
{
	char line[1024], file[512], source[128], folder[160];
	const struct bd_plan *plan = NULL;
	struct intake_log log;
	struct bd_arena arena;
	size_t count = 0;
	FILE *rows;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	intake_log_init(&log, read_dictionary(&arena));
	rows = fopen(source_path(&arena, "tests/e2e/samples.tsv"), "r");
	assert_non_null(rows);
	while (fgets(line, sizeof(line), rows) != NULL) {
		char *slash;

		if (line[0] == '#' || sscanf(line, "%511s %127s", file, source) != 2) {
			continue;
		}
		slash = strchr(source, '/');
		assert_non_null(slash);
		*slash = '\0';
		if (plan == NULL || strcmp(plan->source, source) != 0) {
			snprintf(folder, sizeof(folder), "adapters/%s", source);
			plan = intake_plan(folder, log.dict, &arena);
		}
		check_sample(&log, plan, file, slash + 1);
		count++;
	}
	fclose(rows);
	assert_true(count >= SAMPLES_LEAST);
	bd_buf_release(&log.text);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(samples_give_their_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
