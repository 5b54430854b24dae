#include "cli/answer.h"

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

static bool is_problem(const struct bd_reply *reply)
{
	return bd_reply_find(reply, "status") != NULL && bd_reply_find(reply, "title") != NULL;
}

static void show_problem(const struct bd_cli_options *options, const struct bd_reply *problem)
{
	fprintf(stderr, "bidui: %s\n",
		bd_cli_say(options, "网关拒绝了请求", "the gateway refused"));
	bd_reply_show(stderr, problem, 2);
}

static const char *colour_of(struct bd_bytes decision)
{
	if (bd_bytes_is(decision, "pass")) {
		return "\033[32m";
	}
	return bd_bytes_is(decision, "refuse") || bd_bytes_is(decision, "resubmit") ? "\033[31m"
										    : "\033[33m";
}

static void show_one(const struct bd_cli_options *options, const struct bd_reply *reply)
{
	struct bd_bytes decision = bd_reply_text(reply, "decision");
	bool is_coloured = options->has_colour && decision.len > 0;
	if (is_coloured) {
		printf("%s● ", colour_of(decision));
		fwrite(decision.ptr, 1, decision.len, stdout);
		fputs("\033[0m\n", stdout);
	}
	bd_reply_show(stdout, reply, 0);
}

/* One JSON value: shown unless it went out already, judged always. */
static enum bd_cli_exit judge(const struct bd_cli_options *options, struct bd_bytes json,
	long status, bool (*is_good)(const struct bd_reply *reply))
{
	struct bd_arena arena;
	struct bd_diag diag;
	const struct bd_reply *reply = NULL;
	enum bd_cli_exit result = BD_CLI_REFUSED;
	bd_arena_init(&arena, TREE_MAX_BYTES);
	bd_diag_clear(&diag);
	if (bd_reply_read(&reply, json, &arena, &diag) != BD_OK) {
		fprintf(stderr, "bidui: HTTP %ld: %s\n", status, diag.detail);
	} else if (is_problem(reply)) {
		show_problem(options, reply);
		/* What was sent was understood and not good: a result, as rejects are. */
		result = status == 422 ? BD_CLI_NEGATIVE : BD_CLI_REFUSED;
	} else {
		if (!options->is_json) {
			show_one(options, reply);
		}
		result = is_good(reply) ? BD_CLI_OK : BD_CLI_NEGATIVE;
	}
	bd_arena_release(&arena);
	return result;
}

enum bd_cli_exit bd_cli_show(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, bool (*is_good)(const struct bd_reply *reply))
{
	struct bd_bytes rest = bd_buf_bytes(&answer->body);
	enum bd_cli_exit worst = rest.len == 0 ? BD_CLI_REFUSED : BD_CLI_OK;
	if (options->is_json) {
		fwrite(rest.ptr, 1, rest.len, stdout);
	}
	while (rest.len > 0) {
		const char *end = answer->is_ndjson ? memchr(rest.ptr, '\n', rest.len) : NULL;
		size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
		struct bd_bytes line = { rest.ptr, len };
		enum bd_cli_exit result =
			len == 0 ? BD_CLI_OK : judge(options, line, answer->status, is_good);
		worst = result > worst ? result : worst;
		len += end != NULL;
		rest = (struct bd_bytes){ rest.ptr + len, rest.len - len };
	}
	return worst;
}

enum bd_cli_exit bd_cli_ask(const struct bd_cli_options *options,
	const struct bd_cli_request *request, bool (*is_good)(const struct bd_reply *reply))
{
	struct bd_cli_answer answer = { 0 };
	enum bd_cli_exit result = bd_cli_send(&answer, options, request);
	if (result == BD_CLI_OK) {
		result = bd_cli_show(options, &answer, is_good);
	}
	bd_buf_release(&answer.body);
	return result;
}
