/* answer_cases.c - what the engine answers to generated cases: one of case_file.h a line of stdin,
 * one answer a line of stdout, {"problems": codes} where there is none. reference.py asks it.
 *
 * answer_cases SCHEMAS FOLDER...: each folder is of one matter.
 */
#include "answer/answer.h"
#include "answer/case_file.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "config/calendar.h"
#include "config/dictionary.h"
#include "config/matter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIGURATION_MAX_BYTES ((size_t)64 << 20)
#define MATTERS_MAX 256

/* What is read once. */
struct setting {
	struct bd_arena arena;
	struct bd_diags diags;
	const struct bd_matter *matters[MATTERS_MAX];
	struct bd_answer_context context;
};

static int give_up(const struct bd_diags *diags, const struct bd_diag *diag)
{
	char line[512];

	for (size_t i = 0; i < diags->count; i++) {
		bd_diag_show(line, sizeof(line), &diags->items[i]);
		fprintf(stderr, "%s\n", line);
	}
	fprintf(stderr, "answer_cases: %s\n", diag->detail);
	return 1;
}

static bool read_matter(struct setting *setting, const char *folder, const char *schemas)
{
	const struct bd_matter *const *versions;
	size_t count;

	if (bd_config_matter(&versions, &count, folder, schemas, setting->context.dict,
		    &setting->arena, &setting->diags) != BD_OK ||
		setting->context.matter_count + count > MATTERS_MAX) {
		return false;
	}
	memcpy(&setting->matters[setting->context.matter_count], versions,
		count * sizeof(*versions));
	setting->context.matter_count += count;
	return true;
}

static bool read_setting(struct setting *setting, int argc, char **argv, struct bd_diag *diag)
{
	char path[4096];
	bool is_read;

	snprintf(path, sizeof(path), "%s/common.xml", argv[1]);
	is_read =
		bd_config_dictionary(&setting->context.dict, path, &setting->arena, diag) == BD_OK;
	snprintf(path, sizeof(path), "%s/calendar/holidays.tsv", argv[1]);
	is_read = is_read && bd_config_calendar(&setting->context.calendar, path, &setting->arena,
				     &setting->diags) == BD_OK;
	for (int i = 2; is_read && i < argc; i++) {
		is_read = read_matter(setting, argv[i], argv[1]);
	}
	setting->context.matters = setting->matters;
	setting->context.receipt = "reference";
	setting->context.asker = &bd_asker_itself;
	return is_read;
}

static enum bd_code write_problems(struct bd_buf *out, const struct bd_diag *diag)
{
	struct bd_json_writer writer;

	bd_buf_clear(out);
	bd_jw_init(&writer, out);
	bd_jw_object(&writer, NULL);
	bd_jw_array(&writer, "problems");
	for (; diag != NULL && diag->code != BD_OK; diag = diag->next) {
		bd_jw_text(&writer, NULL, bd_code_info(diag->code)->text);
	}
	bd_jw_array_end(&writer);
	bd_jw_object_end(&writer);
	return writer.code;
}

static enum bd_code answer(struct bd_buf *out, struct bd_bytes line,
	const struct bd_answer_context *given, struct bd_arena *arena)
{
	struct bd_answer_context context = *given;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_case_file *file;

	if (bd_case_file_read(&file, line, context.dict, arena, &diag) != BD_OK) {
		return write_problems(out, &diag);
	}
	context.source = &file->source;
	context.now_ms = file->now_ms;
	if (bd_compare(out, NULL, file->question, &context, arena, &diag) != BD_OK) {
		return write_problems(out, &diag);
	}
	return BD_OK;
}

int main(int argc, char **argv)
{
	static struct setting setting;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf out;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int status = 0;

	bd_arena_init(&setting.arena, CONFIGURATION_MAX_BYTES);
	if (argc < 3 || !read_setting(&setting, argc, argv, &diag)) {
		return give_up(&setting.diags, &diag);
	}
	bd_buf_init(&out, BD_ANSWER_MAX_BYTES);
	while (status == 0 && (len = getline(&line, &size, stdin)) > 0) {
		struct bd_arena arena;

		bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
		bd_buf_clear(&out);
		if (answer(&out, (struct bd_bytes){ line, (size_t)len }, &setting.context,
			    &arena) != BD_OK ||
			printf("%.*s\n", (int)out.len, out.ptr) < 0 || fflush(stdout) != 0) {
			status = 1;
		}
		bd_arena_release(&arena);
	}
	free(line);
	bd_buf_release(&out);
	bd_arena_release(&setting.arena);
	return status;
}
