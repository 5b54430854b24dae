/* audit_find.c - which entries of the trail are wanted: by subject, case, officer, sender, kind,
 * time.
 *
 * Who it is stands in no argument, which other users of the machine could read: the number comes
 * from a file or is typed in. Its digests are the gateway's to make, with a key that an auditor
 * does not have; so that this was asked is on record too. */
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/audit.h"
#include "cli/offline.h"
#include "cli/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256
#define QUESTION_MAX_BYTES 4096
#define ARENA_MAX_BYTES 1048576

/* -- the subject -- */

/* What is typed is not shown. */
static bool ask_line(char line[LINE_MAX_BYTES], const struct bd_cli_options *options)
{
	struct termios before, quiet;
	bool is_terminal = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &before) == 0;
	bool is_read;

	if (is_terminal) {
		fprintf(stderr, "%s",
			bd_cli_say(options, "标识（类型:号码，输入不显示）：",
				"identifier (KIND:NUMBER, not shown): "));
		fflush(stderr);
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	is_read = fgets(line, LINE_MAX_BYTES, stdin) != NULL;
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	return is_read;
}

static bool read_line(
	char line[LINE_MAX_BYTES], const struct bd_cli_options *options, const char *path)
{
	struct bd_buf text;
	bool is_good;

	if (strcmp(path, "-") == 0) {
		return ask_line(line, options);
	}
	bd_buf_init(&text, LINE_MAX_BYTES - 1);
	is_good = bd_cli_read_file(&text, options, path);
	if (is_good) {
		memcpy(line, text.ptr, text.len);
		line[text.len] = '\0';
	}
	bd_buf_wipe(&text);
	return is_good;
}

/* "KIND:NUMBER" as kind and number; both stay in line. */
static bool split(struct bd_cli_options *subject, char line[LINE_MAX_BYTES])
{
	char *colon = strchr(line, ':');
	size_t len = strcspn(line, "\r\n");

	if (colon == NULL || colon == line || colon + 1 >= line + len ||
		line[len + strspn(line + len, "\r\n")] != '\0') {
		return false;
	}
	line[len] = '\0';
	*colon = '\0';
	subject->kind = line;
	subject->number = colon + 1;
	return true;
}

static bool take_digests(
	struct bd_cli_filter *out, const struct bd_cli_answer *answer, struct bd_arena *arena)
{
	const struct bd_json *list;
	struct bd_json *root = NULL;

	if (bd_json_parse(&root, bd_buf_bytes(&answer->body), arena, NULL) != BD_OK) {
		return false;
	}
	list = bd_json_get(root, "digests");
	for (const struct bd_json *one = list != NULL ? list->first : NULL; one != NULL;
		one = one->next) {
		if (out->digest_count == BD_CLI_DIGESTS_MAX ||
			!bd_unhex(out->digests[out->digest_count], BD_DIGEST_BYTES,
				bd_cli_text(one, "digest"))) {
			return false;
		}
		out->digest_count++;
	}
	return out->digest_count > 0;
}

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static const struct bd_cli_view told = { is_always_good, bd_cli_show_any };

/* The gateway's answer to who this is; options are those of whoever asks. */
static enum bd_cli_exit ask_digests(
	struct bd_cli_answer *answer, const struct bd_cli_options *options, const char *path)
{
	struct bd_cli_options asker = *options;
	struct bd_cli_request request = {
		.method = "POST", .path = "/v1/trail/subjects", .content_type = "application/json"
	};
	char line[LINE_MAX_BYTES] = "";
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_json_writer w;
	struct bd_buf question;

	/* --key is the signer's here. */
	asker.key = getenv("BIDUI_KEY");
	bd_buf_init(&question, QUESTION_MAX_BYTES);
	if (!read_line(line, options, path)) {
		result = BD_CLI_USAGE;
	} else if (!split(&asker, line)) {
		bd_cli_notice(options, "应为一行：类型:号码，如 resident_id:号码",
			"expected one line, KIND:NUMBER, such as resident_id:NUMBER");
	} else {
		bd_jw_init(&w, &question);
		bd_jw_object(&w, NULL);
		bd_cli_subject_write(&w, &asker);
		bd_jw_object_end(&w);
		request.text = bd_buf_bytes(&question);
		result = w.code == BD_OK ? bd_cli_send(answer, &asker, &request) : BD_CLI_USAGE;
	}
	bd_wipe(line, sizeof(line));
	bd_buf_wipe(&question);
	return result;
}

static enum bd_cli_exit find_digests(
	struct bd_cli_filter *out, const struct bd_cli_options *options)
{
	struct bd_cli_answer answer = { .status = 0 };
	struct bd_arena arena;
	enum bd_cli_exit result;

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	bd_buf_init(&answer.body, BD_CLI_ANSWER_MAX_BYTES);
	result = ask_digests(&answer, options, options->subject_file);
	if (result == BD_CLI_OK && !(answer.status == 200 && take_digests(out, &answer, &arena))) {
		/* A problem, told as one. */
		result = bd_cli_show(options, &answer, &told);
		result = result == BD_CLI_OK ? BD_CLI_REFUSED : result;
	}
	bd_buf_release(&answer.body);
	bd_arena_release(&arena);
	return result;
}

enum bd_cli_exit bd_cli_audit_digest(const struct bd_cli_options *options, const char *path)
{
	struct bd_cli_answer answer = { .status = 0 };
	enum bd_cli_exit result;

	bd_buf_init(&answer.body, BD_CLI_ANSWER_MAX_BYTES);
	result = ask_digests(&answer, options, path);
	result = result == BD_CLI_OK ? bd_cli_show(options, &answer, &told) : result;
	bd_buf_release(&answer.body);
	return result;
}

/* -- the rest -- */

/* "30d" or a time; 0 on text NULL. */
static bool read_time(int64_t *out, const char *text)
{
	char *end;
	long days;

	*out = 0;
	if (text == NULL) {
		return true;
	}
	days = strtol(text, &end, 10);
	if (end > text && strcmp(end, "d") == 0 && days >= 0 && days < 36500) {
		*out = bd_clock_wall_ms() - (int64_t)days * 86400000;
		return true;
	}
	return bd_time_parse(out, bd_bytes_of(text));
}

static bool read_leaf(uint64_t *out, const char *text)
{
	char *end;

	*out = BD_TRAIL_NO_LEAF;
	if (text == NULL) {
		return true;
	}
	*out = strtoull(text, &end, 10);
	return end > text && *end == '\0' && text[0] != '-';
}

static bool is_kind(const char *name)
{
	for (int kind = BD_TRAIL_START;; kind++) {
		const char *known = bd_trail_kind_name((enum bd_trail_kind)kind);

		if (strcmp(known, "unknown") == 0) {
			return false;
		}
		if (strcmp(known, name) == 0) {
			return true;
		}
	}
}

enum bd_cli_exit bd_cli_filter_read(struct bd_cli_filter *out, const struct bd_cli_options *options)
{
	*out = (struct bd_cli_filter){ .case_id = options->case_id,
		.operator_name = options->operator_name,
		/* What one asks for oneself is no filter of what others did. */
		.purpose = options->is_purpose_given ? options->purpose : NULL,
		.client = options->client,
		.event = options->event };
	if (!read_time(&out->since_ms, options->since) ||
		!read_time(&out->until_ms, options->until)) {
		bd_cli_notice(options,
			"时间应为 RFC 3339，如 2026-06-01T00:00:00+08:00，或天数（30d）",
			"a time is RFC 3339, such as 2026-06-01T00:00:00+08:00, or days (30d)");
		return BD_CLI_USAGE;
	}
	if (!read_leaf(&out->after, options->after)) {
		bd_cli_notice(
			options, "--after 应为位置（leaf）", "--after is the number of a leaf");
		return BD_CLI_USAGE;
	}
	if (options->event != NULL && !is_kind(options->event)) {
		bd_cli_notice(options, "没有这一类留痕，如 query、compare、push、read",
			"no such kind of entry; such as query, compare, push, read");
		return BD_CLI_USAGE;
	}
	if (options->digest != NULL && !bd_unhex(out->digests[out->digest_count++], BD_DIGEST_BYTES,
					       bd_bytes_of(options->digest))) {
		bd_cli_notice(
			options, "摘要应为 64 位十六进制", "a digest is 64 hexadecimal digits");
		return BD_CLI_USAGE;
	}
	return options->subject_file != NULL ? find_digests(out, options) : BD_CLI_OK;
}

static bool is_of(struct bd_bytes text, const char *wanted)
{
	return wanted == NULL || bd_bytes_is(text, wanted);
}

static bool is_about(const struct bd_cli_filter *filter, const struct bd_trail_subject *subjects,
	size_t subject_count)
{
	for (size_t i = 0; i < filter->digest_count; i++) {
		for (size_t s = 0; s < subject_count; s++) {
			if (memcmp(filter->digests[i], subjects[s].digest, BD_DIGEST_BYTES) == 0) {
				return true;
			}
		}
	}
	return filter->digest_count == 0;
}

bool bd_cli_filter_fits(const struct bd_cli_filter *filter, const struct bd_trail_entry *entry,
	const struct bd_trail_caller *caller, const struct bd_trail_subject *subjects,
	size_t subject_count, uint64_t leaf)
{
	return (filter->after == BD_TRAIL_NO_LEAF || leaf == BD_TRAIL_NO_LEAF ||
		       leaf > filter->after) &&
	       (filter->since_ms == 0 || entry->time_ms >= filter->since_ms) &&
	       (filter->until_ms == 0 || entry->time_ms < filter->until_ms) &&
	       (filter->event == NULL ||
		       strcmp(bd_trail_kind_name(entry->kind), filter->event) == 0) &&
	       is_of(caller->case_id, filter->case_id) &&
	       is_of(caller->operator_name, filter->operator_name) &&
	       is_of(caller->purpose, filter->purpose) && is_of(caller->client, filter->client) &&
	       is_about(filter, subjects, subject_count);
}
