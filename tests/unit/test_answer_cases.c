/* test_answer_cases.c - the cases beside the matters of tests/answer/matters: what the engine makes
 * of each way to ask that the language of matters has. Each case says in its title what it shows.
 */
#include "answer_support.h"

struct run {
	struct answer_setting *setting;
	size_t cases, wrong;
};

static void run_case(const char *path, void *given)
{
	struct run *run = given;
	struct bd_answer_context context = run->setting->context;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_compared compared;
	struct bd_case_file *file;
	struct bd_buf answer, differences;
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&answer, BD_ANSWER_MAX_BYTES);
	bd_buf_init(&differences, 65536);
	if (bd_case_file_read(&file, read_source(path, &arena), context.dict, &arena, &diag) !=
		BD_OK) {
		fail_msg("%s: %s %s", path, diag.path, diag.detail);
	}
	context.source = &file->source;
	context.now_ms = file->now_ms;
	code = bd_compare(&answer, &compared, file->question, &context, &arena, &diag);
	code = code == BD_OK ? bd_case_file_check(&differences, file, &compared)
			     : bd_case_file_check_refused(&differences, file, &diag);
	assert_int_equal(code, BD_OK);
	if (differences.len > 0) {
		print_error(
			"%s: %s\n%.*s", path, file->title, (int)differences.len, differences.ptr);
		run->wrong++;
	}
	run->cases++;
	bd_buf_release(&differences);
	bd_buf_release(&answer);
	bd_arena_release(&arena);
}

static void run_matter(const char *folder, void *given)
{
	struct run *run = given;
	const char *cases = joined(&run->setting->arena, folder, "cases");

	add_matter(run->setting, folder);
	assert_true(each_entry(cases, ".json", run_case, run) > 0);
}

static void every_case_comes_out_as_written(void **state)
{
	struct run run = { new_setting(), 0, 0 };

	(void)state;
	assert_true(each_entry("tests/answer/matters", "", run_matter, &run) >= 4);
	print_message("# %zu cases\n", run.cases);
	assert_int_equal(run.wrong, 0);
	free_setting(run.setting);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_case_comes_out_as_written) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
