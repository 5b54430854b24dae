/* erase.c - bidui erase: a subject and every case file in which it was looked at, erased for good.
 */
#include "cli/answer.h"
#include "cli/file.h"
#include "cli/subject.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUESTION_MAX_BYTES 65536

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	(void)arena;
	printf("%s", bd_cli_say(options, "已删除：标识 ", "erased: identifiers "));
	bd_cli_put(stdout, bd_cli_text(answer, "identifiers"));
	printf("%s", bd_cli_say(options, "，办件底稿 ", ", case files "));
	bd_cli_put(stdout, bd_cli_text(answer, "cases"));
	printf("%s",
		bd_cli_say(options, "，另有涉及的主体 ", ", other subjects that spoke of it "));
	bd_cli_put(stdout, bd_cli_text(answer, "others"));
	printf("%s", bd_cli_say(options, "；回执 ", "; receipt "));
	bd_cli_put(stdout, bd_cli_text(answer, "receipt"));
	fputc('\n', stdout);
}

/* It cannot be undone: a person says so, or a script says that it knows. */
static bool is_confirmed(const struct bd_cli_options *options)
{
	char line[16] = "";

	if (options->is_sure) {
		return true;
	}
	if (!isatty(STDIN_FILENO)) {
		bd_cli_notice(
			options, "删除不可恢复；请加 --yes 确认", "erasing is final: give --yes");
		return false;
	}
	fprintf(stderr, "%s",
		bd_cli_say(options,
			"将永久删除该主体的全部数据，以及曾查看该主体的全部办件底稿，不可恢复。"
			"输入 yes 确认：",
			"Everything held of this subject, and every case file in which it was "
			"looked at, will be erased for good. Type yes: "));
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "yes\n") == 0) {
		return true;
	}
	bd_cli_notice(options, "未删除", "nothing was erased");
	return false;
}

static enum bd_code write_question(struct bd_buf *out, const struct bd_cli_options *options)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_cli_subject_write(&w, options);
	bd_jw_text(&w, "basis", options->basis);
	bd_jw_object_end(&w);
	return w.code;
}

static const struct bd_cli_view view = { is_always_good, show };

static enum bd_cli_exit erase_by_number(const struct bd_cli_options *options)
{
	struct bd_cli_request request = {
		.method = "POST", .path = "/v1/subjects/erase", .content_type = "application/json"
	};
	struct bd_buf question;
	enum bd_cli_exit result = BD_CLI_USAGE;

	bd_buf_init(&question, QUESTION_MAX_BYTES);
	if (write_question(&question, options) == BD_OK) {
		request.text = bd_buf_bytes(&question);
		result = bd_cli_ask(options, &request, &view);
	}
	bd_buf_release(&question);
	return result;
}

static enum bd_cli_exit erase_by_file(const struct bd_cli_options *options)
{
	return bd_cli_ask_by_file(options, "/v1/subjects/erase", "application/json", &view);
}

enum bd_cli_exit bd_cli_erase(const struct bd_cli_options *options)
{
	bool is_by_file = options->arg_count == 1;
	bool is_by_number =
		options->kind != NULL && options->number != NULL && options->basis != NULL;

	if (is_by_file ? options->kind != NULL || options->number != NULL || options->basis != NULL
		       : !is_by_number) {
		bd_cli_notice(options, "请给出 --kind、--number 与 --basis，或给出一个文件",
			"give --kind, --number and --basis, or a file");
		return BD_CLI_USAGE;
	}
	if (!is_confirmed(options)) {
		return BD_CLI_USAGE;
	}
	return is_by_file ? erase_by_file(options) : erase_by_number(options);
}
