#include "cli/answer.h"
#include "cli/subject.h"
#include "cli/table.h"

#include <string.h>

#define QUESTION_MAX_BYTES 16384
#define PATH_MAX_BYTES 1024
#define COLUMNS 8

/* -- shown -- */

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static struct bd_bytes state_of(const struct bd_cli_options *options, const struct bd_json *dispute)
{
	static const struct {
		const char *name, *zh;
	} terms[] = { { "open", "待校核" }, { "upheld", "维持" }, { "corrected", "已更正" } };
	struct bd_bytes name = bd_cli_text(dispute, "state");

	if (bd_cli_is_true(dispute, "overdue")) {
		return bd_bytes_of(bd_cli_say(options, "已逾期", "overdue"));
	}
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]) && !options->is_english; i++) {
		if (bd_bytes_is(name, terms[i].name)) {
			return bd_bytes_of(terms[i].zh);
		}
	}
	return name;
}

static void add_head(struct bd_cli_table *table, const struct bd_cli_options *options)
{
	static const char *const zh[COLUMNS] = { "编号", "到期", "状态", "数据源", "所涉", "事由",
		"主体", "文号" };
	static const char *const en[COLUMNS] = { "number", "due", "state", "source", "about",
		"reason", "subject", "reference" };
	struct bd_bytes cells[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++) {
		cells[i] = bd_bytes_of(bd_cli_say(options, zh[i], en[i]));
	}
	bd_cli_table_add(table, cells);
}

/* "姓名", or "person.name". */
static struct bd_bytes about_of(
	const struct bd_cli_options *options, const struct bd_json *dispute, struct bd_arena *arena)
{
	struct bd_bytes entity = bd_cli_text(dispute, "entity");
	struct bd_bytes field = bd_cli_text(dispute, "field");
	char *text;

	if (!options->is_english) {
		return bd_cli_text(dispute, "label_zh");
	}
	text = field.len > 0 ? bd_arena_alloc(arena, entity.len + field.len + 1, 1) : NULL;
	if (text == NULL) {
		return entity;
	}
	memcpy(text, entity.ptr, entity.len);
	text[entity.len] = '.';
	memcpy(text + entity.len + 1, field.ptr, field.len);
	return (struct bd_bytes){ text, entity.len + field.len + 1 };
}

static void add_dispute(struct bd_cli_table *table, const struct bd_cli_options *options,
	const struct bd_json *dispute, struct bd_arena *arena)
{
	const struct bd_bytes cells[COLUMNS] = { bd_cli_text(dispute, "dispute"),
		bd_cli_text(dispute, "due"), state_of(options, dispute),
		bd_cli_text(dispute, "source"), about_of(options, dispute, arena),
		bd_cli_term(options, dispute, "reason"),
		bd_cli_text(bd_json_get(dispute, "subject"), "number"),
		bd_cli_text(dispute, "reference") };

	bd_cli_table_add(table, cells);
}

static void show_one(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	struct bd_cli_table table;

	bd_cli_table_begin(&table, COLUMNS, arena);
	add_head(&table, options);
	add_dispute(&table, options, answer, arena);
	bd_cli_table_print(stdout, &table, 0);
}

static void show_list(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *disputes = bd_json_get(answer, "disputes");
	struct bd_cli_table table;

	bd_cli_table_begin(&table, COLUMNS, arena);
	add_head(&table, options);
	for (const struct bd_json *one = disputes != NULL ? disputes->first : NULL; one != NULL;
		one = one->next) {
		add_dispute(&table, options, one, arena);
	}
	bd_cli_table_print(stdout, &table, 0);
	if (bd_json_get(answer, "next") != NULL) {
		bd_cli_notice(options, "仅显示最先到期的；可用 --source 缩小范围",
			"only those due first are shown; narrow it by --source");
	}
}

/* -- asked -- */

static const struct bd_cli_view one_view = { is_always_good, show_one };
static const struct bd_cli_view list_view = { is_always_good, show_list };

static enum bd_cli_exit post(
	const struct bd_cli_options *options, const char *path, const struct bd_buf *question)
{
	const struct bd_cli_request request = { .method = "POST",
		.path = path,
		.content_type = "application/json",
		.text = bd_buf_bytes(question) };

	return bd_cli_ask(options, &request, &one_view);
}

static enum bd_code write_add(struct bd_buf *out, const struct bd_cli_options *options)
{
	const char *dot = strchr(options->about, '.');
	size_t len = dot != NULL ? (size_t)(dot - options->about) : strlen(options->about);
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_cli_subject_write(&w, options);
	bd_jw_text(&w, "source", options->source);
	bd_jw_bytes(&w, "entity", (struct bd_bytes){ options->about, len });
	if (dot != NULL) {
		bd_jw_text(&w, "field", dot + 1);
	}
	bd_jw_text(&w, "reason", options->reason);
	if (options->reference != NULL) {
		bd_jw_text(&w, "reference", options->reference);
	}
	bd_jw_object_end(&w);
	return w.code;
}

static enum bd_cli_exit add(const struct bd_cli_options *options)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf question;

	if (options->source == NULL || options->about == NULL || options->reason == NULL ||
		!bd_cli_subject_is_given(options)) {
		bd_cli_notice(options, "请给出 --source、--about、--reason 与 --kind、--number",
			"give --source, --about, --reason, and --kind with --number");
		return BD_CLI_USAGE;
	}
	bd_buf_init(&question, QUESTION_MAX_BYTES);
	if (write_add(&question, options) == BD_OK) {
		result = post(options, "/v1/disputes", &question);
	}
	bd_buf_release(&question);
	return result;
}

static enum bd_code write_resolve(struct bd_buf *out, const struct bd_cli_options *options)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "outcome", options->args[2]);
	if (options->reference != NULL) {
		bd_jw_text(&w, "reference", options->reference);
	}
	bd_jw_object_end(&w);
	return w.code;
}

/* The address of one dispute, and what stands behind it. */
static enum bd_code write_path(struct bd_buf *path, const char *id, const char *behind)
{
	enum bd_code code = bd_buf_add_text(path, "/v1/disputes/");

	code = code == BD_OK ? bd_cli_escape(path, id) : code;
	code = code == BD_OK ? bd_buf_add_text(path, behind) : code;
	return code == BD_OK ? bd_buf_add_byte(path, '\0') : code;
}

static enum bd_cli_exit resolve(const struct bd_cli_options *options)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path, question;

	bd_buf_init(&path, PATH_MAX_BYTES);
	bd_buf_init(&question, QUESTION_MAX_BYTES);
	if (write_path(&path, options->args[1], "/resolve") == BD_OK &&
		write_resolve(&question, options) == BD_OK) {
		result = post(options, path.ptr, &question);
	}
	bd_buf_release(&question);
	bd_buf_release(&path);
	return result;
}

static enum bd_cli_exit show(const struct bd_cli_options *options)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path;

	bd_buf_init(&path, PATH_MAX_BYTES);
	if (write_path(&path, options->args[1], "") == BD_OK) {
		const struct bd_cli_request request = { .method = "GET", .path = path.ptr };

		result = bd_cli_ask(options, &request, &one_view);
	}
	bd_buf_release(&path);
	return result;
}

static enum bd_cli_exit list(const struct bd_cli_options *options)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path;
	enum bd_code code;

	bd_buf_init(&path, PATH_MAX_BYTES);
	code = bd_buf_add_text(&path, "/v1/disputes");
	if (code == BD_OK && options->source != NULL) {
		code = bd_buf_add_text(&path, "?source=");
		code = code == BD_OK ? bd_cli_escape(&path, options->source) : code;
	}
	if (code == BD_OK && bd_buf_add_byte(&path, '\0') == BD_OK) {
		const struct bd_cli_request request = { .method = "GET", .path = path.ptr };

		result = bd_cli_ask(options, &request, &list_view);
	}
	bd_buf_release(&path);
	return result;
}

enum bd_cli_exit bd_cli_dispute(const struct bd_cli_options *options)
{
	static const struct {
		const char *name;
		int args;
		enum bd_cli_exit (*run)(const struct bd_cli_options *options);
	} rows[] = { { "add", 1, add }, { "list", 1, list }, { "show", 2, show },
		{ "resolve", 3, resolve } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(options->args[0], rows[i].name) == 0 &&
			options->arg_count == rows[i].args) {
			return rows[i].run(options);
		}
	}
	bd_cli_notice(options,
		"用法：bidui dispute add | list | show 编号 | resolve 编号 upheld|corrected",
		"usage: bidui dispute add | list | show ID | resolve ID upheld|corrected");
	return BD_CLI_USAGE;
}
