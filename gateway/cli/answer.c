#include "cli/answer.h"

#include "answer/finding.h"
#include "cli/file.h"

#include <string.h>

/* A tree takes some ten times its text; one line of a batch is small, a receipt has 1,000 rejects.
 */
#define TREE_MAX_BYTES 268435456

void bd_cli_show_errors(const struct bd_diags *diags)
{
	char line[512];

	for (size_t i = 0; i < diags->count; i++) {
		bd_diag_show(line, sizeof(line), &diags->items[i]);
		fprintf(stderr, "%s\n", line);
	}
	if (diags->more > 0) {
		fprintf(stderr, "... +%zu\n", diags->more);
	}
}

static bool is_problem(const struct bd_json *answer)
{
	return bd_json_get(answer, "status") != NULL && bd_json_get(answer, "title") != NULL;
}

/* "FILE:12:7: " of what has a line, else the names of what has a place. */
static void put_place(FILE *out, const struct bd_json *error, const char *path)
{
	static const char *const keys[] = { "pointer", "path", "field", "row" };
	struct bd_bytes line = bd_cli_text(error, "line"), column = bd_cli_text(error, "column");

	if (line.len > 0) {
		bd_cli_put(out, bd_bytes_of(path != NULL ? path : "-"));
		fprintf(out, ":%.*s", (int)line.len, line.ptr);
		fprintf(out, "%s%.*s: ", column.len > 0 ? ":" : "", (int)column.len, column.ptr);
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct bd_bytes text = bd_cli_text(error, keys[i]);

		if (text.len > 0) {
			fprintf(out, "%s ", keys[i]);
			bd_cli_put(out, text);
			fputc(' ', out);
		}
	}
}

/* What the problem's own title has said is not said again. */
static void put_errors(
	const struct bd_cli_options *options, const struct bd_json *problem, const char *path)
{
	const struct bd_json *errors = bd_json_get(problem, "errors");
	const struct bd_json *error = errors != NULL ? errors->first : NULL;

	for (; error != NULL; error = error->next) {
		struct bd_bytes detail = bd_cli_text(error, "detail");
		bool is_new =
			!bd_bytes_equal(bd_cli_text(error, "code"), bd_cli_text(problem, "code"));

		fputs("  ", stderr);
		put_place(stderr, error, path);
		if (is_new) {
			bd_cli_put(stderr, bd_cli_text(error, "title"));
		}
		fputs(is_new && detail.len > 0 ? bd_cli_say(options, "：", ": ") : "", stderr);
		bd_cli_put(stderr, detail);
		fputc('\n', stderr);
	}
}

static void put_line(struct bd_bytes text)
{
	if (text.len > 0) {
		fputs("  ", stderr);
		bd_cli_put(stderr, text);
		fputc('\n', stderr);
	}
}

/* "发送方 demo，用途 ...，事项 ...，披露程度 codes", and who gives it. */
static void put_grant(const struct bd_cli_options *options, const struct bd_json *grant)
{
	static const struct {
		const char *name, *zh;
	} members[] = { { "sender", "发送方" }, { "purpose", "用途" }, { "matter", "事项" },
		{ "entity", "数据" }, { "disclosure", "披露程度" }, { "id", "现有授权" } };
	const char *between = "  ";

	if (grant == NULL) {
		return;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct bd_bytes text = bd_cli_text(grant, members[i].name);

		if (text.len > 0) {
			fprintf(stderr, "%s%s ", between,
				bd_cli_say(options, members[i].zh, members[i].name));
			bd_cli_put(stderr, text);
			between = bd_cli_say(options, "，", ", ");
		}
	}
	fprintf(stderr, "\n  %s", bd_cli_say(options, "由谁批准：", "given by: "));
	bd_cli_put(stderr, bd_cli_text(grant, options->is_english ? "given_by_en" : "given_by_zh"));
	fputc('\n', stderr);
}

static void show_problem(
	const struct bd_cli_options *options, const struct bd_json *problem, const char *path)
{
	const struct bd_json *errors = bd_json_get(problem, "errors");

	fprintf(stderr, "bidui: %s", bd_cli_say(options, "网关拒绝：", "refused: "));
	bd_cli_put(stderr, bd_cli_text(problem, "title"));
	fputs(" (", stderr);
	bd_cli_put(stderr, bd_cli_text(problem, "code"));
	fputs(")\n", stderr);
	if (errors == NULL || errors->first == NULL) {
		put_line(bd_cli_text(problem, "detail"));
	}
	put_errors(options, problem, path);
	put_grant(options, bd_json_get(problem, "grant"));
	put_line(bd_cli_text(problem, "hint"));
}

/* Not JSON, or no answer at all: somebody else answered, a proxy perhaps. */
static void show_foreign(const struct bd_cli_options *options, int status)
{
	fprintf(stderr, "bidui: %s: %s (HTTP %d)\n", options->server,
		bd_cli_say(options, "应答不是网关应有的格式，请核对地址",
			"not an answer of the gateway; check the address"),
		status);
}

/* One JSON value: shown unless it went out already, judged always. path NULL = not of a file. */
static enum bd_cli_exit judge(const struct bd_cli_options *options, struct bd_bytes json,
	int status, const char *path, const struct bd_cli_view *view)
{
	struct bd_arena arena;
	struct bd_json *answer = NULL;
	enum bd_cli_exit result;

	bd_arena_init(&arena, TREE_MAX_BYTES);
	if (bd_json_parse_answer(&answer, json, &arena, NULL) != BD_OK) {
		show_foreign(options, status);
		result = BD_CLI_REFUSED;
	} else if (is_problem(answer)) {
		show_problem(options, answer, path);
		/* What was sent was understood and not good: a result, as rejects are. */
		result = status == 422 ? BD_CLI_NEGATIVE : BD_CLI_REFUSED;
	} else {
		if (!options->is_json) {
			view->show(options, answer, &arena);
		}
		result = view->is_good(answer) ? BD_CLI_OK : BD_CLI_NEGATIVE;
	}
	bd_arena_release(&arena);
	return result;
}

static enum bd_cli_exit show(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, const char *path, const struct bd_cli_view *view)
{
	struct bd_bytes rest = bd_buf_bytes(&answer->body);
	enum bd_cli_exit worst = BD_CLI_OK;
	bool has_any = false;

	if (options->is_json && rest.len > 0) {
		fwrite(rest.ptr, 1, rest.len, stdout);
	}
	while (rest.len > 0) {
		const char *end = answer->is_ndjson ? memchr(rest.ptr, '\n', rest.len) : NULL;
		struct bd_bytes line = { rest.ptr,
			end != NULL ? (size_t)(end - rest.ptr) : rest.len };
		size_t taken = line.len + (end != NULL);

		if (line.len > 0) {
			enum bd_cli_exit result = judge(options, line, answer->status, path, view);

			worst = result > worst ? result : worst;
			has_any = true;
		}
		rest = (struct bd_bytes){ rest.ptr + taken, rest.len - taken };
	}
	if (!has_any) {
		show_foreign(options, answer->status);
	}
	return has_any ? worst : BD_CLI_REFUSED;
}

enum bd_cli_exit bd_cli_show(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, const struct bd_cli_view *view)
{
	return show(options, answer, NULL, view);
}

enum bd_cli_exit bd_cli_show_of_file(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, const char *path, const struct bd_cli_view *view)
{
	return show(options, answer, path, view);
}

enum bd_cli_exit bd_cli_ask_by_file(const struct bd_cli_options *options, const char *path,
	const char *content_type, const struct bd_cli_view *view)
{
	struct bd_cli_file file;
	const struct bd_cli_request request = {
		.method = "POST", .path = path, .content_type = content_type, .file = &file
	};
	enum bd_cli_exit result;

	if (!bd_cli_file_open(&file, options, options->args[0], false)) {
		return BD_CLI_USAGE;
	}
	result = bd_cli_ask(options, &request, view);
	bd_cli_file_close(&file);
	return result;
}

void bd_cli_put_decision(const struct bd_cli_options *options, const struct bd_json *node)
{
	struct bd_bytes decision = bd_cli_text(node, "decision");

	for (int i = BD_DECISION_PASS; i <= BD_DECISION_RESUBMIT && !options->is_english; i++) {
		const struct bd_term *term = bd_decision_term((enum bd_decision)i);

		if (bd_bytes_is(decision, term->name)) {
			printf("%s ", term->zh);
		}
	}
	bd_cli_put(stdout, decision);
}

enum bd_cli_exit bd_cli_ask(const struct bd_cli_options *options,
	const struct bd_cli_request *request, const struct bd_cli_view *view)
{
	struct bd_cli_answer answer;
	enum bd_cli_exit result = bd_cli_send(&answer, options, request);

	if (result == BD_CLI_OK) {
		result = show(
			options, &answer, request->file != NULL ? request->file->path : NULL, view);
	}
	bd_buf_release(&answer.body);
	return result;
}

struct bd_bytes bd_cli_code_text(const struct bd_cli_options *options, struct bd_bytes code)
{
	const struct bd_code_info *info;
	char name[64];

	if (code.len >= sizeof(name)) {
		return code;
	}
	memcpy(name, code.ptr, code.len);
	name[code.len] = '\0';
	if (bd_code_find(name) == BD_CODE_COUNT) {
		return code;
	}
	info = bd_code_info(bd_code_find(name));
	return bd_bytes_of(options->is_english ? info->en : info->zh);
}

void bd_cli_show_look_ups(const struct bd_cli_options *options, const struct bd_json *answer)
{
	const struct bd_json *list = bd_json_get(answer, "look_ups");

	for (const struct bd_json *one = list != NULL ? list->first : NULL; one != NULL;
		one = one->next) {
		printf("  %s ", bd_cli_say(options, "现场查询", "asked on the spot"));
		bd_cli_put(stdout, bd_cli_text(one, "source"));
		fputc('/', stdout);
		bd_cli_put(stdout, bd_cli_text(one, "feed"));
		fputs(bd_cli_say(options, "：", ": "), stdout);
		bd_cli_put(stdout, bd_cli_code_text(options, bd_cli_text(one, "code")));
		fputc('\n', stdout);
	}
}
