/* source.c - bidui source: the connections to departments, and whether they work. */
#include "cli/answer.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 9

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static struct bd_bytes state_text(const struct bd_cli_options *options, struct bd_bytes state)
{
	static const struct {
		const char *name, *zh;
	} terms[] = { { "closed", "正常" }, { "open", "已熔断" }, { "trial", "试探中" },
		{ "running", "进行中" }, { "waiting", "等候" } };

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]) && !options->is_english; i++) {
		if (bd_bytes_is(state, terms[i].name)) {
			return bd_bytes_of(terms[i].zh);
		}
	}
	return state;
}

void bd_cli_show_sources(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	static const char *const zh[COLUMNS] = { "数据源", "连接／取数／现场查询／前置库", "状态",
		"次数", "失败", "拒收", "记录", "最近成功", "最近结果" };
	static const char *const en[COLUMNS] = { "source", "connection/pull/look-up/database",
		"state", "asked", "failed", "refused", "records", "last good", "last result" };
	const struct bd_json *sources = bd_json_get(answer, "sources");
	struct bd_bytes head[COLUMNS];
	struct bd_cli_table table;

	if (sources == NULL || sources->first == NULL) {
		return;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		head[i] = bd_bytes_of(bd_cli_say(options, zh[i], en[i]));
	}
	bd_cli_table_begin(&table, COLUMNS, arena);
	bd_cli_table_add(&table, head);
	for (const struct bd_json *one = sources->first; one != NULL; one = one->next) {
		const struct bd_bytes cells[COLUMNS] = { bd_cli_text(one, "source"),
			bd_cli_text(one, "name"), state_text(options, bd_cli_text(one, "state")),
			bd_cli_text(one, "asked"), bd_cli_text(one, "failed"),
			bd_cli_text(one, "refused"), bd_cli_text(one, "records"),
			bd_cli_when(bd_cli_text(one, "good"), arena),
			bd_cli_code_text(options, bd_cli_text(one, "code")) };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
}

static void show_list(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *sources = bd_json_get(answer, "sources");

	if (sources == NULL || sources->first == NULL) {
		bd_cli_notice(options, "没有主动取数的连接（sources_file）",
			"nothing is fetched (sources_file)");
	}
	bd_cli_show_sources(options, answer, arena);
}

/* -- a trial -- */

static const char *step_text(const struct bd_cli_options *options, struct bd_bytes step)
{
	static const struct {
		const char *name, *zh, *en;
	} terms[] = { { "name", "域名解析", "name (DNS)" }, { "connect", "建立连接", "TCP" },
		{ "secure", "加密", "TLS, or SSH and its host key" }, { "login", "登录", "login" },
		{ "open", "连接并登录数据库", "connect and login" }, { "answer", "应答", "answer" },
		{ "records", "首条记录", "first record" } };

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if (bd_bytes_is(step, terms[i].name)) {
			return bd_cli_say(options, terms[i].zh, terms[i].en);
		}
	}
	return "";
}

static void show_steps(const struct bd_cli_options *options, const struct bd_json *answer)
{
	const struct bd_json *steps = bd_json_get(answer, "steps");

	for (const struct bd_json *one = steps != NULL ? steps->first : NULL; one != NULL;
		one = one->next) {
		char number[32];
		struct bd_bytes us = bd_cli_text(one, "us");

		snprintf(number, sizeof(number), "%.*s", (int)(us.len < 20 ? us.len : 20), us.ptr);
		printf("%s %s  %.1f ms\n", bd_cli_is_true(one, "good") ? "✓" : "✗",
			step_text(options, bd_cli_text(one, "step")),
			(double)strtoull(number, NULL, 10) / 1000);
	}
}

static void show_trial(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	(void)arena;
	bd_cli_put(stdout, bd_cli_text(answer, "source"));
	fputc('/', stdout);
	bd_cli_put(stdout, bd_cli_text(answer, "name"));
	fputs("  ", stdout);
	bd_cli_put(stdout, bd_cli_text(answer, "address"));
	fputc('\n', stdout);
	show_steps(options, answer);
	if (bd_bytes_is(bd_cli_text(answer, "code"), "ok")) {
		printf("%s", bd_cli_say(options, "可用：试读 ", "it works: records read "));
		bd_cli_put(stdout, bd_cli_text(answer, "received"));
		printf("%s", bd_cli_say(options, " 条，退回 ", ", rejected "));
		bd_cli_put(stdout, bd_cli_text(answer, "rejected"));
		fputs(bd_cli_say(options, " 条（均未入库）\n", " (nothing was stored)\n"), stdout);
		return;
	}
	bd_cli_put(stdout, bd_cli_text(answer, options->is_english ? "en" : "zh"));
	fputs(" (", stdout);
	bd_cli_put(stdout, bd_cli_text(answer, "code"));
	fputs(") ", stdout);
	bd_cli_put(stdout, bd_cli_text(answer, "detail"));
	fputc('\n', stdout);
	bd_cli_put(stdout, bd_cli_text(answer, options->is_english ? "hint_en" : "hint_zh"));
	fputc('\n', stdout);
}

static bool is_working(const struct bd_json *answer)
{
	return bd_bytes_is(bd_cli_text(answer, "code"), "ok");
}

static enum bd_cli_exit run_test(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { is_working, show_trial };
	struct bd_cli_request request = { .method = "POST" };
	struct bd_cli_options about = *options;
	struct bd_buf path;
	char subject[256];
	enum bd_cli_exit result = BD_CLI_USAGE;
	enum bd_code code;

	bd_buf_init(&path, 4096);
	code = bd_buf_add_text(&path, "/v1/sources/");
	code = code == BD_OK ? bd_cli_escape(&path, options->args[1]) : code;
	code = code == BD_OK ? bd_buf_add_text(&path, "/test") : code;
	if (code == BD_OK && options->arg_count == 3) {
		code = bd_buf_add_text(&path, "?name=");
		code = code == BD_OK ? bd_cli_escape(&path, options->args[2]) : code;
	}
	code = code == BD_OK ? bd_buf_add_byte(&path, '\0') : code;
	if (options->number != NULL) {
		snprintf(subject, sizeof(subject), "%s:%s",
			options->kind != NULL ? options->kind : "resident_id", options->number);
		about.subject = subject;
	}
	if (code == BD_OK) {
		request.path = path.ptr;
		result = bd_cli_ask(&about, &request, &view);
	}
	bd_buf_release(&path);
	return result;
}

enum bd_cli_exit bd_cli_source(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { is_always_good, show_list };
	static const char *const names[] = { "list", "test" };
	struct bd_cli_request request = { .method = "GET", .path = "/v1/status" };

	if (strcmp(options->args[0], "list") == 0 && options->arg_count == 1) {
		return bd_cli_ask(options, &request, &view);
	}
	if (strcmp(options->args[0], "test") == 0 && options->arg_count >= 2) {
		return run_test(options);
	}
	bd_cli_unknown(options, "没有此命令，或参数不对", "no such command, or not its arguments",
		options->args[0], names, sizeof(names) / sizeof(names[0]));
	return BD_CLI_USAGE;
}
