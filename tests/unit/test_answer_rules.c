/* test_answer_rules.c - by which rule each finding came to what it is: the cases of
 * tests/answer/rules, each with "element code rule" lines in the file of its name with .expected.
 */
#include "answer/answer.h"
#include "answer/case_file.h"
#include "answer/element.h"
#include "base/limits.h"
#include "config/matter.h"
#include "config_support.h"

#include <dirent.h>

static struct bd_bytes read_file(const char *path, struct bd_arena *arena)
{
	FILE *file = fopen(path, "rbe");
	char *text = bd_arena_alloc(arena, 65536, 1);
	size_t len;

	if (file == NULL || text == NULL) {
		fail_msg("cannot read %s", path);
	}
	len = fread(text, 1, 65536, file);
	assert_true(len > 0 && len < 65536);
	fclose(file);
	return (struct bd_bytes){ text, len };
}

static void list_findings(struct bd_buf *out, const struct bd_compared *compared)
{
	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *finding = &compared->findings[i];

		bd_buf_printf(out, "%s %s %s\n", finding->element->id,
			bd_finding_term(finding->code)->name,
			finding->rule[0] == '\0' ? "-" : finding->rule);
	}
}

static void check_case(const char *path, const struct bd_answer_context *given)
{
	struct bd_answer_context context = *given;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_compared compared;
	struct bd_case_file *file;
	struct bd_buf answer, listed;
	struct bd_bytes wanted;
	struct bd_arena arena;
	char expected[5000];

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&answer, BD_ANSWER_MAX_BYTES);
	bd_buf_init(&listed, 65536);
	assert_int_equal(
		bd_case_file_read(&file, read_file(path, &arena), context.dict, &arena, &diag),
		BD_OK);
	context.source = &file->source;
	context.now_ms = file->now_ms;
	assert_int_equal(
		bd_compare(&answer, &compared, file->question, &context, &arena, &diag), BD_OK);
	assert_int_equal(bd_case_file_check(&listed, file, &compared), BD_OK);
	list_findings(&listed, &compared);
	snprintf(expected, sizeof(expected), "%s.expected", path);
	wanted = read_file(expected, &arena);
	if (!bd_bytes_equal(wanted, bd_buf_bytes(&listed))) {
		fail_msg("%s is not:\n%.*s", expected, (int)listed.len, listed.ptr);
	}
	bd_buf_release(&listed);
	bd_buf_release(&answer);
	bd_arena_release(&arena);
}

static void each_finding_names_its_rule(void **state)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	const struct bd_matter *const *matters;
	struct bd_answer_context context = { .receipt = "test", .asker = &bd_asker_itself };
	const struct dirent *entry;
	struct bd_arena arena;
	size_t count = 0;

	(void)state;
	assert_non_null(diags);
	bd_arena_init(&arena, ARENA_MAX);
	context.dict = read_dictionary(&arena);
	assert_int_equal(
		bd_config_matter(&matters, &context.matter_count,
			source_path(&arena, "schemas/matters/individual-business-registration"),
			source_path(&arena, "schemas"), context.dict, &arena, diags),
		BD_OK);
	context.matters = matters;
	const char *folder = source_path(&arena, "tests/answer/rules");
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[4096];

		if (strstr(entry->d_name, ".json") != NULL &&
			strstr(entry->d_name, ".expected") == NULL) {
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			check_case(path, &context);
			count++;
		}
	}
	closedir(dir);
	assert_true(count >= 3);
	free(diags);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_finding_names_its_rule) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
