/* load.c - bidui load: dumps into the store of a gateway that is stopped. */
#include "daemon/load.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "cli/answer.h"
#include "cli/offline.h"
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A list of BD_LOAD_FILES_MAX lines of the longest paths. */
#define LIST_MAX_BYTES ((size_t)8 << 20)
#define COLUMNS 5
/* Each file, its spool and a file of its aliases or links; and what is the program's own. */
#define DESCRIPTORS (3 * BD_LOAD_FILES_MAX + 64)

struct loading {
	const struct bd_cli_options *options;
	struct bd_load_file *files;
	size_t count;
	struct bd_buf list; /* its text, cut into the files' texts */
	struct bd_load_watch watch;
	struct bd_cli_progress progress;
	enum bd_load_stage stage;
	bool is_begun;
};

/* -- what is to be loaded -- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool holds_lines(const char *path)
{
	return ends_with(path, ".ndjson") || ends_with(path, ".jsonl") || ends_with(path, ".ndxml");
}

static bool open_file(struct loading *loading, struct bd_load_file *file)
{
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		fprintf(stderr, "bidui: %s: %s\n", file->path, strerror(errno));
		return false;
	}
	loading->count++;
	return true;
}

static bool read_total(struct bd_delivery *delivery, const char *text)
{
	char *end = NULL;

	delivery->has_total = strcmp(text, "-") != 0;
	delivery->total = delivery->has_total ? strtoull(text, &end, 10) : 0;
	return !delivery->has_total ||
	       (text[0] >= '0' && text[0] <= '9' && *end == '\0' && strlen(text) <= 18);
}

static bool read_day(struct bd_delivery *delivery, const char *text)
{
	delivery->day = INT32_MIN;
	return strcmp(text, "-") == 0 || bd_day_parse(&delivery->day, bd_bytes_of(text));
}

/* "SOURCE/FEED" into two texts. */
static bool read_feed(struct bd_load_file *file, char *text)
{
	char *slash = strchr(text, '/');

	if (slash == NULL || slash == text || slash[1] == '\0') {
		return false;
	}
	*slash = '\0';
	file->source = text;
	file->feed = slash + 1;
	return true;
}

/* FILE, SOURCE/FEED, day, total, and what else is so: "baseline", "lines". */
static bool read_columns(struct bd_load_file *file, char *line)
{
	char *columns[COLUMNS] = { NULL };
	char *rest = line, *column;
	size_t count = 0;

	while (count < COLUMNS && (column = strsep(&rest, "\t")) != NULL) {
		columns[count++] = column;
	}
	if (count < 2 || rest != NULL || !read_feed(file, columns[1])) {
		return false;
	}
	file->path = columns[0];
	file->is_lines = holds_lines(file->path);
	if (count > 4) {
		file->is_lines |= strstr(columns[4], "lines") != NULL;
		file->delivery.is_baseline = strstr(columns[4], "baseline") != NULL;
	}
	return read_day(&file->delivery, count > 2 ? columns[2] : "-") &&
	       read_total(&file->delivery, count > 3 ? columns[3] : "-");
}

static bool read_list(struct loading *loading, const char *path)
{
	char *rest, *line;
	unsigned number = 0;

	bd_buf_init(&loading->list, LIST_MAX_BYTES);
	if (!bd_cli_read_file(&loading->list, loading->options, path) ||
		bd_buf_add_byte(&loading->list, '\0') != BD_OK) {
		return false;
	}
	rest = loading->list.ptr;
	while ((line = strsep(&rest, "\n")) != NULL) {
		number++;
		if (line[0] == '\0' || line[0] == '#') {
			continue;
		}
		if (loading->count == BD_LOAD_FILES_MAX ||
			!read_columns(&loading->files[loading->count], line)) {
			fprintf(stderr, "bidui: %s:%u: %s\n", path, number,
				loading->count == BD_LOAD_FILES_MAX
					? bd_cli_say(loading->options, "文件过多，请分次装载",
						  "too many files: load them in parts")
					: bd_cli_say(loading->options,
						  "每行应为：文件、数据源/"
						  "数据流、批次日期、对账总数、"
						  "baseline 或 lines，以制表符分隔，没有的写 -",
						  "a line is FILE, SOURCE/FEED, day, total, "
						  "baseline or lines, with tabs between, - for "
						  "none"));
			return false;
		}
		if (!open_file(loading, &loading->files[loading->count])) {
			return false;
		}
	}
	return true;
}

static bool read_arguments(struct loading *loading)
{
	const struct bd_cli_options *options = loading->options;

	if (options->source == NULL || options->feed == NULL || options->arg_count == 0) {
		bd_cli_notice(options, "请给出文件与 --source、--feed，或用 --list 给出清单",
			"give files with --source and --feed, or a list with --list");
		return false;
	}
	if (options->has_total && options->arg_count > 1) {
		bd_cli_notice(options, "--total 只用于一个文件；多个文件请用 --list",
			"--total is of one file; for several use --list");
		return false;
	}
	for (int i = 0; i < options->arg_count; i++) {
		struct bd_load_file *file = &loading->files[loading->count];

		*file = (struct bd_load_file){ .path = options->args[i],
			.source = options->source,
			.feed = options->feed,
			.is_lines = options->is_lines || holds_lines(options->args[i]) };
		file->delivery.has_total = options->has_total;
		file->delivery.total = options->total;
		file->delivery.is_baseline = options->is_baseline;
		if (!read_day(
			    &file->delivery, options->delivery != NULL ? options->delivery : "-")) {
			bd_cli_notice(
				options, "--delivery 应为 yyyy-MM-dd", "--delivery is yyyy-MM-dd");
			return false;
		}
		if (!open_file(loading, file)) {
			return false;
		}
	}
	return true;
}

/* -- how far it has come -- */

static const struct {
	const char *zh, *en;
} stages[] = { [BD_LOAD_READS] = { "正在读取、检查、排序", "reading, checking, sorting" },
	[BD_LOAD_STORES] = { "已全部检查，正在存入", "all are checked, being stored" },
	[BD_LOAD_LINKS] = { "正在写入别名与关联，完成前不能启动 biduid",
		"aliases and links are being stored; until they are, biduid does not start" } };

static void on_progress(
	struct bd_load_watch *self, enum bd_load_stage stage, uint64_t done, uint64_t total)
{
	struct loading *loading =
		(struct loading *)(void *)((char *)self - offsetof(struct loading, watch));
	int64_t now_ms = bd_clock_monotonic_ms();

	if (!loading->is_begun || stage != loading->stage) {
		bd_cli_progress_end(&loading->progress, now_ms);
		if (isatty(STDERR_FILENO)) {
			bd_cli_notice(loading->options, stages[stage].zh, stages[stage].en);
		}
		/* What is counted in bytes alone has a rate. */
		bd_cli_progress_begin(&loading->progress, loading->options, stage != BD_LOAD_LINKS,
			(int64_t)total, now_ms);
		loading->is_begun = true;
		loading->stage = stage;
	}
	bd_cli_progress_show(&loading->progress, done, now_ms);
}

/* -- what it came to -- */

static void write_refused(struct bd_json_writer *w, const struct bd_load_file *file)
{
	bd_jw_array(w, "refused");
	for (size_t i = 0; i < file->refused_shown; i++) {
		bd_jw_object(w, NULL);
		bd_jw_u64(w, "line", file->refused[i].line);
		bd_jw_text(w, "code", bd_code_info(file->refused[i].code)->text);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void print_json(const struct bd_load_file *file)
{
	char message[24];
	struct bd_buf text;
	struct bd_json_writer w;

	snprintf(message, sizeof(message), "%012" PRIu64, file->message);
	bd_buf_init(&text, 1048576);
	bd_jw_init(&w, &text);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "file", file->path);
	bd_jw_text(&w, "source", file->source);
	bd_jw_text(&w, "feed", file->feed);
	bd_jw_u64(&w, "messages", file->messages);
	bd_jw_u64(&w, "received", file->received);
	bd_jw_u64(&w, "accepted", file->accepted);
	bd_jw_u64(&w, "unchanged", file->unchanged);
	bd_jw_u64(&w, "rejected", file->rejected);
	bd_jw_u64(&w, "refused_lines", file->refused_count);
	if (file->message != 0) {
		bd_jw_text(&w, "message", message);
	}
	bd_jw_bool(&w, "repeat", file->is_repeat);
	write_refused(&w, file);
	bd_jw_object_end(&w);
	if (w.code == BD_OK) {
		printf("%.*s\n", (int)text.len, text.ptr);
	}
	bd_buf_release(&text);
}

static void print_text(const struct bd_cli_options *options, const struct bd_load_file *file)
{
	printf("%s  %s/%s\n", file->path, file->source, file->feed);
	printf(bd_cli_say(options,
		       "  收到 %" PRIu64 "  接收 %" PRIu64 "  未变 %" PRIu64 "  退回 %" PRIu64,
		       "  received %" PRIu64 "  accepted %" PRIu64 "  unchanged %" PRIu64
		       "  rejected %" PRIu64),
		file->received, file->accepted, file->unchanged, file->rejected);
	if (file->message != 0) {
		printf("  %s %012" PRIu64, bd_cli_say(options, "回执", "receipt"), file->message);
	}
	puts(file->is_repeat ? bd_cli_say(options, "  （此前已装载）", "  (loaded before)") : "");
	for (size_t i = 0; i < file->refused_shown; i++) {
		const struct bd_code_info *info = bd_code_info(file->refused[i].code);

		printf("%s:%" PRIu64 ": %s (%s)\n", file->path, file->refused[i].line,
			options->is_english ? info->en : info->zh, info->text);
	}
	if (file->refused_count > file->refused_shown) {
		printf(bd_cli_say(options, "另有 %" PRIu64 " 行未收\n", "%" PRIu64 " more lines\n"),
			file->refused_count - file->refused_shown);
	}
}

static enum bd_cli_exit show(const struct loading *loading)
{
	enum bd_cli_exit result = BD_CLI_OK;

	for (size_t i = 0; i < loading->count; i++) {
		const struct bd_load_file *file = &loading->files[i];

		if (loading->options->is_json) {
			print_json(file);
		} else {
			print_text(loading->options, file);
		}
		if (file->rejected > 0 || file->refused_count > 0) {
			result = BD_CLI_NEGATIVE;
		}
	}
	if (result == BD_CLI_NEGATIVE && !loading->options->is_json) {
		bd_cli_notice(loading->options,
			"有退回：启动 biduid 后由 GET /v1/rejects 逐条查看；未收的行请改正后推送",
			"some were rejected: once biduid runs, GET /v1/rejects names each; correct "
			"and "
			"push the lines that were not taken");
	}
	return result;
}

static enum bd_cli_exit show_failure(const struct loading *loading, const struct bd_diags *diags)
{
	bool is_told = false;

	for (size_t i = 0; i < loading->count; i++) {
		if (loading->files[i].diag.code != BD_OK) {
			bd_cli_tell(
				loading->options, &loading->files[i].diag, loading->files[i].path);
			is_told = true;
		}
	}
	for (size_t i = 0; i < diags->count && !is_told; i++) {
		bd_cli_tell(loading->options, &diags->items[i], loading->options->config);
	}
	bd_cli_notice(loading->options, "装载未完成；改正后重新运行同一命令，已存入的不会重复",
		"not all was loaded; correct it and run the same command again: nothing is stored "
		"twice");
	return BD_CLI_CONFIGURATION;
}

/* -- all -- */

static void let_open_more(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static enum bd_cli_exit load(struct loading *loading)
{
	const struct passwd *user = getpwuid(getuid());
	char who[64];
	const struct bd_load_order order = { .config = loading->options->config,
		.who = who,
		.files = loading->files,
		.count = loading->count,
		.watch = &loading->watch };
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;

	snprintf(who, sizeof(who), "%s", user != NULL ? user->pw_name : "?");
	loading->watch.show = on_progress;
	if (diags != NULL) {
		enum bd_code code = bd_load(&order, diags);

		bd_cli_progress_end(&loading->progress, bd_clock_monotonic_ms());
		result = code == BD_OK ? show(loading) : show_failure(loading, diags);
	}
	bd_load_release(&order);
	free(diags);
	return result;
}

enum bd_cli_exit bd_cli_load(const struct bd_cli_options *options)
{
	struct loading loading = { .options = options };
	enum bd_cli_exit result = BD_CLI_USAGE;
	bool is_good;

	if (options->config == NULL) {
		bd_cli_notice(
			options, "请给出 --config 设置文件", "give --config, the settings file");
		return BD_CLI_USAGE;
	}
	loading.files = calloc(BD_LOAD_FILES_MAX, sizeof(*loading.files));
	let_open_more();
	is_good =
		loading.files != NULL && (options->list != NULL ? read_list(&loading, options->list)
								: read_arguments(&loading));
	if (is_good && loading.count == 0) {
		bd_cli_notice(options, "清单中没有文件", "the list names no file");
	} else if (is_good) {
		result = load(&loading);
	}
	for (size_t i = 0; i < loading.count; i++) {
		close(loading.files[i].fd);
	}
	bd_buf_release(&loading.list);
	free(loading.files);
	return result;
}
