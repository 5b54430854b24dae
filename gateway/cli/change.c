/* change.c - bidui change: a change of the configuration, shown, proposed by one person and
 * approved by another. */
#include "base/bytes.h"
#include "cli/answer.h"

#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 256
#define DIGEST_CHARS 64

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static void show_line(
	const struct bd_cli_options *options, const char *zh, const char *en, struct bd_bytes text)
{
	printf("%s: ", bd_cli_say(options, zh, en));
	bd_cli_put(stdout, text.len > 0 ? text : bd_bytes_of("-"));
	fputc('\n', stdout);
}

static void show_step(const struct bd_cli_options *options, const char *zh, const char *en,
	const struct bd_json *step, struct bd_arena *arena)
{
	show_line(options, zh, en, bd_cli_text(step, "digest"));
	if (bd_cli_text(step, "digest").len > 0) {
		printf("  ");
		show_line(options, "提出人", "proposed by", bd_cli_text(step, "proposed_by"));
		if (bd_cli_text(step, "approved_by").len > 0) {
			printf("  ");
			show_line(
				options, "批准人", "approved by", bd_cli_text(step, "approved_by"));
		}
		printf("  ");
		show_line(options, "时间", "at", bd_cli_when(bd_cli_text(step, "at"), arena));
	}
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	show_line(options, "双人审批", "two people agree",
		bd_bytes_of(bd_cli_is_true(answer, "required") ? bd_cli_say(options, "是", "yes")
							       : bd_cli_say(options, "否", "no")));
	show_line(options, "运行中", "running", bd_cli_text(answer, "running"));
	show_line(options, "磁盘上", "on the disk", bd_cli_text(answer, "on_disk"));
	if (bd_cli_text(answer, "fault").len > 0) {
		show_line(options, "磁盘上的配置有误", "what is on the disk is not valid",
			bd_cli_text(answer, "fault"));
	}
	show_step(options, "已批准", "approved", bd_json_get(answer, "approved"), arena);
	show_step(options, "已提出", "proposed", bd_json_get(answer, "proposed"), arena);
}

static const struct bd_cli_view view = { is_always_good, show };

static bool is_digest(const char *text)
{
	return strlen(text) == DIGEST_CHARS && strspn(text, "0123456789abcdef") == DIGEST_CHARS;
}

enum bd_cli_exit bd_cli_change(const struct bd_cli_options *options)
{
	static const char *const verbs[] = { "approve", "propose", "show" };
	const char *verb = options->args[0];
	struct bd_cli_request request = { .method = "GET", .path = "/v1/change" };
	char path[PATH_MAX_BYTES];
	bool is_show = strcmp(verb, "show") == 0;

	if (!is_show && strcmp(verb, "propose") != 0 && strcmp(verb, "approve") != 0) {
		bd_cli_unknown(options, "没有这个子命令", "no such command of change", verb, verbs,
			sizeof(verbs) / sizeof(verbs[0]));
		return BD_CLI_USAGE;
	}
	if (is_show ? options->arg_count != 1
		    : options->arg_count != 2 || !is_digest(options->args[1])) {
		bd_cli_notice(options,
			"请给出 bidui change show 所示磁盘上配置的摘要（64 位十六进制）",
			"give the digest that bidui change show has of the disk, 64 hexadecimal "
			"digits");
		return BD_CLI_USAGE;
	}
	if (!is_show) {
		snprintf(path, sizeof(path), "/v1/change/%s?digest=%s", verb, options->args[1]);
		request = (struct bd_cli_request){ .method = "POST", .path = path };
	}
	return bd_cli_ask(options, &request, &view);
}
