/* backtest.c - bidui matter backtest: a version of a matter on the cases of the past, by the
 * gateway that has them: how far it has come, every decision that would be another, and the sum. */
#include "answer/finding.h"
#include "base/limits.h"
#include "cli/answer.h"
#include "cli/file.h"
#include "cli/reproduced.h"
#include "cli/table.h"
#include "config/file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* A tree takes some ten times its text. */
#define TREE_MAX_BYTES ((size_t)4 << 30)
#define COLUMNS 5

/* -- how far it has come -- */

struct asking {
	struct bd_cli_request request;
	const struct bd_cli_options *options;
	size_t seen; /* bytes of the answer */
	bool is_drawn;
};

static bool can_draw(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static void draw(struct asking *asking, struct bd_bytes line)
{
	struct bd_json *node = NULL;
	struct bd_arena arena;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	if (bd_json_parse_answer(&node, line, &arena, NULL) == BD_OK &&
		bd_bytes_is(bd_cli_text(node, "type"), "progress")) {
		struct bd_bytes done = bd_cli_text(node, "done"),
				total = bd_cli_text(node, "total"),
				flipped = bd_cli_text(node, "flipped");

		fprintf(stderr, "\r%s %.*s/%.*s  %s %.*s\033[K",
			bd_cli_say(asking->options, "已回测", "back-tested"), (int)done.len,
			done.ptr, (int)total.len, total.ptr,
			bd_cli_say(asking->options, "结论改变", "decisions changed"),
			(int)flipped.len, flipped.ptr);
		fflush(stderr);
		asking->is_drawn = true;
	}
	bd_arena_release(&arena);
}

/* With JSON the lines go on as they come. */
static void on_piece(const struct bd_cli_request *request, struct bd_bytes so_far)
{
	struct asking *asking = CONTAINER(struct asking, request, request);

	while (asking->seen < so_far.len) {
		const char *from = so_far.ptr + asking->seen;
		const char *end = memchr(from, '\n', so_far.len - asking->seen);
		size_t len = end != NULL ? (size_t)(end - from) : 0;

		if (end == NULL) {
			return;
		}
		if (asking->options->is_json) {
			fwrite(from, 1, len + 1, stdout);
			fflush(stdout);
		} else if (can_draw()) {
			draw(asking, (struct bd_bytes){ from, len });
		}
		asking->seen += len + 1;
	}
}

/* -- the table -- */

static struct bd_bytes decision_word(const struct bd_cli_options *options, struct bd_bytes name)
{
	for (int i = BD_DECISION_PASS; i <= BD_DECISION_RESUBMIT && !options->is_english; i++) {
		const struct bd_term *term = bd_decision_term((enum bd_decision)i);

		if (bd_bytes_is(name, term->name)) {
			return bd_bytes_of(term->zh);
		}
	}
	return name;
}

/* "年龄：一致 → 不一致：…; …" */
static struct bd_bytes element_words(
	const struct bd_cli_options *options, const struct bd_json *flip, struct bd_arena *arena)
{
	const struct bd_json *list = bd_json_get(flip, "elements");
	struct bd_bytes words = { "-", 1 };
	struct bd_buf buf;

	bd_buf_init(&buf, BD_FIELD_MAX_BYTES);
	for (const struct bd_json *one = list != NULL ? list->first : NULL; one != NULL;
		one = one->next) {
		struct bd_bytes label = bd_cli_term(options, one, "label"),
				was = bd_cli_told(options, bd_json_get(one, "was"), arena),
				is = bd_cli_told(options, bd_json_get(one, "is"), arena);

		if (bd_buf_printf(&buf, "%s%.*s%s%.*s → %.*s", buf.len > 0 ? "; " : "",
			    (int)label.len, label.ptr, bd_cli_say(options, "：", ": "),
			    (int)was.len, was.ptr, (int)is.len, is.ptr) != BD_OK) {
			break;
		}
	}
	if (buf.len > 0) {
		words = bd_arena_copy(arena, bd_buf_bytes(&buf));
	}
	bd_buf_release(&buf);
	return words.ptr != NULL ? words : (struct bd_bytes){ "-", 1 };
}

struct shown {
	const struct bd_cli_options *options;
	struct bd_arena arena;
	struct bd_cli_table table;
	size_t rows;
	const struct bd_json *summary;
};

static void add_row(struct shown *shown, const struct bd_json *line)
{
	const struct bd_cli_options *options = shown->options;
	bool is_flip = bd_bytes_is(bd_cli_text(line, "type"), "flip");
	const struct bd_bytes cells[COLUMNS] = { bd_cli_text(line, "case"),
		bd_cli_when(bd_cli_text(line, "at"), &shown->arena),
		decision_word(options, bd_cli_text(line, "was")),
		is_flip ? decision_word(options, bd_cli_text(line, "is"))
			: bd_cli_text(line, "code"),
		is_flip ? element_words(options, line, &shown->arena)
			: bd_cli_text(line, options->is_english ? "en" : "zh") };

	bd_cli_table_add(&shown->table, cells);
	shown->rows++;
}

static void take_line(struct shown *shown, struct bd_bytes text)
{
	struct bd_json *line = NULL;
	struct bd_bytes type;

	if (text.len == 0 || bd_json_parse_answer(&line, text, &shown->arena, NULL) != BD_OK) {
		return;
	}
	type = bd_cli_text(line, "type");
	if (bd_bytes_is(type, "summary")) {
		shown->summary = line;
	} else if (bd_bytes_is(type, "flip") || bd_bytes_is(type, "refused") ||
		   bd_bytes_is(type, "unreproducible")) {
		add_row(shown, line);
	}
}

static void show_summary(const struct shown *shown)
{
	static const struct {
		const char *key, *zh, *en;
	} counts[] = { { "cases", "办件", "cases" }, { "same", "结论不变", "same decision" },
		{ "flipped", "结论改变", "changed" },
		{ "refused", "不合新版本", "no question of the new version" },
		{ "erased", "主体已删除", "erased" }, { "expired", "超过保留期限", "expired" },
		{ "unreproducible", "无法重现", "not reproducible" },
		{ "unreadable", "无法打开（任何事项）", "unreadable, of any matter" } };
	const struct bd_cli_options *options = shown->options;
	const struct bd_json *flips = bd_json_get(shown->summary, "flips");

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		printf("%s%s ", i == 0 ? "" : "  ",
			bd_cli_say(options, counts[i].zh, counts[i].en));
		bd_cli_put(stdout, bd_cli_text(shown->summary, counts[i].key));
	}
	printf("\n");
	for (const struct bd_json *one = flips != NULL ? flips->first : NULL; one != NULL;
		one = one->next) {
		printf("  ");
		bd_cli_put(stdout, decision_word(options, bd_cli_text(one, "was")));
		printf(" → ");
		bd_cli_put(stdout, decision_word(options, bd_cli_text(one, "is")));
		printf("  ");
		bd_cli_put(stdout, bd_cli_text(one, "count"));
		printf("\n");
	}
}

static void show_all(struct shown *shown, struct bd_bytes rest)
{
	const struct bd_cli_options *options = shown->options;
	const struct bd_bytes head[COLUMNS] = { bd_bytes_of(bd_cli_say(options, "办件", "case")),
		bd_bytes_of(bd_cli_say(options, "时间", "at")),
		bd_bytes_of(bd_cli_say(options, "当时", "was")),
		bd_bytes_of(bd_cli_say(options, "新版本", "would be")),
		bd_bytes_of(bd_cli_say(options, "要素", "elements")) };

	bd_cli_table_begin(&shown->table, COLUMNS, &shown->arena);
	bd_cli_table_add(&shown->table, head);
	while (rest.len > 0) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;

		take_line(shown, (struct bd_bytes){ rest.ptr, len });
		len += end != NULL;
		rest = (struct bd_bytes){ rest.ptr + len, rest.len - len };
	}
	if (shown->rows > 0 && !options->is_json) {
		bd_cli_table_print(stdout, &shown->table, 0);
	}
}

/* -- the outcome -- */

static bool is_no_problem(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static void show_nothing(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	(void)options;
	(void)answer;
	(void)arena;
}

/* Of what is wrong with a version the exit is that of bidui matter validate. */
static enum bd_cli_exit tell_problem(
	const struct bd_cli_options *options, const struct bd_cli_answer *answer, const char *path)
{
	static const struct bd_cli_view view = { is_no_problem, show_nothing };
	enum bd_cli_exit result = bd_cli_show_of_file(options, answer, path, &view);
	struct bd_json *problem = NULL;
	struct bd_arena arena;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	if (bd_json_parse_answer(&problem, bd_buf_bytes(&answer->body), &arena, NULL) == BD_OK) {
		struct bd_bytes code = bd_cli_text(problem, "code");

		if (code.len > 7 && memcmp(code.ptr, "config.", 7) == 0) {
			result = BD_CLI_CONFIGURATION;
		}
	}
	bd_arena_release(&arena);
	return result;
}

/* Without a summary it has not come to its end: the last line says why, where there is one. */
static enum bd_cli_exit tell_cut(
	const struct bd_cli_options *options, const struct bd_cli_answer *answer, const char *path)
{
	static const struct bd_cli_view view = { is_no_problem, show_nothing };
	struct bd_cli_options quiet = *options;

	bd_cli_notice(options, "回测未完成", "the back-test did not come to its end");
	quiet.is_json = false;
	bd_cli_show_of_file(&quiet, answer, path, &view);
	return BD_CLI_REFUSED;
}

static enum bd_cli_exit show(
	const struct bd_cli_options *options, const struct bd_cli_answer *answer, const char *path)
{
	struct shown shown = { .options = options };
	enum bd_cli_exit result = BD_CLI_OK;

	if (!answer->is_ndjson) {
		return tell_problem(options, answer, path);
	}
	bd_arena_init(&shown.arena, TREE_MAX_BYTES);
	show_all(&shown, bd_buf_bytes(&answer->body));
	if (shown.summary == NULL) {
		result = tell_cut(options, answer, path);
	} else {
		if (!options->is_json) {
			show_summary(&shown);
		}
		result = shown.rows > 0 ? BD_CLI_NEGATIVE : BD_CLI_OK;
	}
	bd_arena_release(&shown.arena);
	return result;
}

/* -- the request -- */

/* Which matter it is a version of: the attribute `id` of its first element. */
static bool find_id(char *id, size_t size, struct bd_bytes xml)
{
	const char *begin = strstr(xml.ptr, "<matter");
	const char *end = begin != NULL ? strchr(begin, '>') : NULL, *at = begin;
	size_t len;

	while (at != NULL && (at = strstr(at + 1, "id=")) != NULL && at < end) {
		if (strchr(" \t\r\n", at[-1]) != NULL && (at[3] == '"' || at[3] == '\'')) {
			len = strcspn(at + 4, at[3] == '"' ? "\"" : "'");
			if (len > 0 && len < size) {
				memcpy(id, at + 4, len);
				id[len] = '\0';
				return true;
			}
		}
	}
	return false;
}

static enum bd_code make_path(
	struct bd_buf *out, const struct bd_cli_options *options, const char *id)
{
	enum bd_code code = bd_buf_add_text(out, "/v1/matters/");

	code = code == BD_OK ? bd_cli_escape(out, id) : code;
	code = code == BD_OK ? bd_buf_add_text(out, "/backtest?since=") : code;
	code = code == BD_OK ? bd_cli_escape(out, options->since) : code;
	return code == BD_OK ? bd_buf_add_byte(out, '\0') : code;
}

static enum bd_cli_exit ask(const struct bd_cli_options *options, const char *path, const char *url,
	struct bd_bytes xml)
{
	struct asking asking = { .request = { .method = "POST",
					 .path = url,
					 .content_type = "application/xml",
					 .text = xml,
					 .on_piece = on_piece },
		.options = options };
	struct bd_cli_answer answer;
	enum bd_cli_exit result = bd_cli_send(&answer, options, &asking.request);

	if (asking.is_drawn) {
		fputc('\n', stderr);
	}
	if (result == BD_CLI_OK) {
		result = show(options, &answer, path);
	}
	bd_buf_release(&answer.body);
	return result;
}

enum bd_cli_exit bd_cli_backtest(const struct bd_cli_options *options, const char *path)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_bytes xml;
	struct bd_arena arena;
	struct bd_buf url;
	char id[128];

	bd_arena_init(&arena, BD_CONFIG_FILE_MAX_BYTES * 2);
	bd_buf_init(&url, 1024);
	if (bd_file_read(&xml, path, &arena) != BD_OK) {
		fprintf(stderr, "bidui: %s: %s\n", path,
			bd_cli_say(options, "文件无法读取", "the file cannot be read"));
	} else if (!find_id(id, sizeof(id), xml)) {
		fprintf(stderr, "bidui: %s: %s\n", path,
			bd_cli_say(options, "不是事项文件", "not a file of a matter"));
		result = BD_CLI_CONFIGURATION;
	} else if (make_path(&url, options, id) != BD_OK) {
		bd_cli_notice(options, "--since 过长", "--since is too long");
	} else {
		result = ask(options, path, url.ptr, xml);
	}
	bd_buf_release(&url);
	bd_arena_release(&arena);
	return result;
}
