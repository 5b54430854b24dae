#include "cli/answer.h"
#include "cli/subject.h"

#define QUESTION_MAX_BYTES 16384
#define PATH_MAX_BYTES 1024

static bool has_recalled(const struct bd_json *answer)
{
	return !bd_bytes_is(bd_cli_text(answer, "recalled"), "0");
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	(void)arena;
	fputs("● ", stdout);
	fputs(bd_cli_say(options, "已召回 ", "recalled "), stdout);
	bd_cli_put(stdout, bd_cli_text(answer, "recalled"));
	fputs(bd_cli_say(options, " 行  序号 ", " rows  number "), stdout);
	bd_cli_put(stdout, bd_cli_text(answer, "recall"));
	fputc('\n', stdout);
	if (has_recalled(answer)) {
		printf("  %s\n",
			bd_cli_say(options, "在数据源另行推送更正之前，相关比对结果为无法判定",
				"until the source pushes what is so, findings that rest on it are "
				"indeterminate"));
	}
}

static enum bd_code write_question(struct bd_buf *out, const struct bd_cli_options *options)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	if (options->message != NULL) {
		bd_jw_text(&w, "message", options->message);
	} else {
		bd_jw_text(&w, "feed", options->feed);
		bd_cli_subject_write(&w, options);
		if (options->about != NULL) {
			bd_jw_text(&w, "entity", options->about);
		}
	}
	bd_jw_object_end(&w);
	return w.code;
}

static enum bd_code write_path(struct bd_buf *path, const struct bd_cli_options *options)
{
	enum bd_code code = bd_buf_add_text(path, "/v1/sources/");

	code = code == BD_OK ? bd_cli_escape(path, options->source) : code;
	code = code == BD_OK ? bd_buf_add_text(path, "/recall") : code;
	return code == BD_OK ? bd_buf_add_byte(path, '\0') : code;
}

enum bd_cli_exit bd_cli_recall(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { has_recalled, show };
	bool is_of_rows = options->feed != NULL && bd_cli_subject_is_given(options);
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path, question;

	if (options->source == NULL || (options->message != NULL) == is_of_rows) {
		bd_cli_notice(options,
			"请给出 --source，以及 --message，或 --feed 与 --kind、--number",
			"give --source, and --message, or --feed with --kind and --number");
		return BD_CLI_USAGE;
	}
	bd_buf_init(&path, PATH_MAX_BYTES);
	bd_buf_init(&question, QUESTION_MAX_BYTES);
	if (write_path(&path, options) == BD_OK && write_question(&question, options) == BD_OK) {
		const struct bd_cli_request request = { .method = "POST",
			.path = path.ptr,
			.content_type = "application/json",
			.text = bd_buf_bytes(&question) };

		result = bd_cli_ask(options, &request, &view);
	}
	bd_buf_release(&question);
	bd_buf_release(&path);
	return result;
}
