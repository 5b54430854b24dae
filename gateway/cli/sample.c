/* sample.c - bidui adapter run: a message read by an adapter that need not be in force. */
#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "cli/adapter.h"
#include "cli/file.h"
#include "cli/pushed.h"
#include "intake/intake.h"
#include "record/record_text.h"
#include "record/rules_identifier.h"

#include <string.h>

#define PATH_BYTES 4096
/* One read of the file. */
#define PIECE_BYTES 65536
/* A record with its native texts, and the names beside them. */
#define RECORD_TEXT_MAX_BYTES ((size_t)BD_RECORD_MAX_BYTES * 4)
/* The receipt without what would be stored: 1,000 rejects of some 600 bytes, rarely 2,000. */
#define RECEIPT_MAX_BYTES 8388608
/* After gunzip. A terabyte is no sample, and ends all the same. */
#define MESSAGE_MAX_BYTES ((uint64_t)1 << 40)

struct sample {
	struct bd_intake_sink sink; /* first */
	const struct bd_cli_options *options;
	struct bd_cli_plan plan;
	const struct bd_feed_plan *feed;
	struct bd_identifier subject;
	struct bd_buf text, escaped; /* of one record */
	FILE *records;               /* of all: what would be stored */
	struct bd_buf rejects;
	struct bd_json_writer writer; /* into rejects */
	uint64_t reject_count;
	struct bd_arena arena;
};

/* -- what the adapter makes of it -- */

/* As the inside of a JSON text. */
static enum bd_code keep_escaped(struct sample *sample)
{
	struct bd_json_writer w;

	bd_buf_clear(&sample->escaped);
	bd_jw_init(&w, &sample->escaped);
	bd_jw_bytes(&w, NULL, bd_buf_bytes(&sample->text));
	if (w.code == BD_OK) {
		fwrite(sample->escaped.ptr + 1, 1, sample->escaped.len - 2, sample->records);
	}
	return w.code;
}

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct sample *sample = (struct sample *)sink;
	enum bd_code code;

	bd_buf_clear(&sample->text);
	code = bd_record_text(&sample->text, record, sample->plan.dict);
	if (code == BD_OK && sample->options->is_json) {
		code = keep_escaped(sample);
	} else if (code == BD_OK) {
		bd_cli_put_lines(sample->records, bd_buf_bytes(&sample->text));
	}
	if (code == BD_OK && ferror(sample->records)) {
		code = BD_IO;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "what would be stored");
}

/* Those past the limit are only counted, as in a receipt. */
static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct sample *sample = (struct sample *)sink;

	if (sample->reject_count++ < BD_RECEIPT_REJECTS_MAX) {
		bd_reject_write(&sample->writer, NULL, reject);
	}
	return sample->writer.code == BD_OK ? BD_OK
					    : bd_fail(diag, sample->writer.code, "the rejects");
}

static const struct bd_intake_sink_ops sink_ops = { on_record, on_reject };

static enum bd_code feed_file(
	struct bd_intake *intake, struct bd_cli_file *file, struct bd_diag *diag)
{
	static char piece[PIECE_BYTES];
	enum bd_code code = BD_OK;
	ptrdiff_t got;

	while (code == BD_OK && (got = file->body.give(&file->body, piece, sizeof(piece))) != 0) {
		code = got < 0 ? BD_IO
			       : bd_intake_feed(
					 intake, (struct bd_bytes){ piece, (size_t)got }, diag);
	}
	return code;
}

/* -- the receipt -- */

static void write_counts(struct bd_json_writer *w, const struct sample *sample,
	const struct bd_intake_result *result)
{
	enum bd_code code =
		result->rejected > 0 && result->accepted == 0 ? BD_MESSAGE_ALL_REJECTED : BD_OK;
	const struct bd_code_info *info = bd_code_info(code);

	bd_jw_null(w, "message");
	bd_jw_text(w, "source", sample->plan.plan->source);
	bd_jw_text(w, "feed", sample->feed->name);
	bd_jw_u64(w, "received", result->received);
	bd_jw_u64(w, "accepted", result->accepted);
	bd_jw_u64(w, "rejected", result->rejected);
	bd_jw_text(w, "code", info->text);
	bd_jw_text(w, "zh", info->zh);
	bd_jw_text(w, "en", info->en);
}

static void write_receipt(
	struct bd_json_writer *w, struct sample *sample, const struct bd_intake_result *result)
{
	bd_jw_array_end(&sample->writer);
	bd_jw_object(w, NULL);
	write_counts(w, sample, result);
	bd_jw_raw(w, "rejects", bd_buf_bytes(&sample->rejects));
	bd_jw_bool(w, "more", sample->reject_count > BD_RECEIPT_REJECTS_MAX);
	bd_jw_array(w, "unmapped");
	for (size_t i = 0; i < result->unmapped_count; i++) {
		bd_jw_object(w, NULL);
		bd_jw_text(w, "path", result->unmapped[i].path);
		bd_jw_u64(w, "count", result->unmapped[i].count);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
	bd_jw_bool(w, "dry_run", true);
	bd_jw_object_end(w);
}

/* -- and how it is shown: the records last, however many there are -- */

static bool put_records(struct sample *sample)
{
	static char piece[PIECE_BYTES];
	size_t got;

	if (fflush(sample->records) != 0) {
		return false;
	}
	rewind(sample->records);
	while ((got = fread(piece, 1, sizeof(piece), sample->records)) > 0) {
		fwrite(piece, 1, got, stdout);
	}
	return !ferror(sample->records);
}

static bool show(struct sample *sample, struct bd_bytes receipt)
{
	struct bd_json *tree = NULL;

	if (sample->options->is_json) {
		fwrite(receipt.ptr, 1, receipt.len - 1, stdout);
		fputs(",\"would_store\":\"", stdout);
		bool is_good = put_records(sample);
		fputs("\"}\n", stdout);
		return is_good;
	}
	if (bd_json_parse_answer(&tree, receipt, &sample->arena, NULL) != BD_OK) {
		return false;
	}
	bd_cli_pushed_show(sample->options, tree, sample->options->args[2]);
	return put_records(sample);
}

/* The whole message is refused: a problem, as the gateway would say it. */
static void show_problem(const struct bd_cli_options *options, const struct bd_diag *diag)
{
	const struct bd_code_info *info = bd_code_info(diag->code);
	struct bd_json_writer w;
	struct bd_buf out;

	bd_buf_init(&out, PIECE_BYTES);
	bd_jw_init(&w, &out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "title", options->is_english ? info->en : info->zh);
	bd_jw_i64(&w, "status", info->status);
	bd_jw_text(&w, "code", info->text);
	bd_jw_text(&w, "detail", diag->detail);
	bd_jw_text(&w, "path", diag->path);
	bd_jw_u64(&w, "line", diag->place.line);
	bd_jw_u64(&w, "column", diag->place.column);
	bd_jw_u64(&w, "row", diag->place.row);
	bd_jw_text(&w, "hint", options->is_english ? info->hint_en : info->hint_zh);
	bd_jw_object_end(&w);
	printf("%.*s\n", w.code == BD_OK ? (int)out.len : 0, out.ptr);
	bd_buf_release(&out);
}

static void tell_refused(const struct sample *sample, const struct bd_diag *diag)
{
	const struct bd_cli_options *options = sample->options;
	const struct bd_code_info *info = bd_code_info(diag->code);

	if (options->is_json) {
		show_problem(options, diag);
	}
	fprintf(stderr, "%s:%u:%u: %s (%s) %s%s%s\n  %s\n", options->args[2], diag->place.line,
		diag->place.column, options->is_english ? info->en : info->zh, info->text,
		diag->detail, diag->path[0] != '\0' ? " " : "", diag->path,
		options->is_english ? info->hint_en : info->hint_zh);
}

/* -- the command -- */

static enum bd_cli_exit run(struct sample *sample, struct bd_cli_file *file)
{
	const struct bd_intake_settings settings = { .dict = sample->plan.dict,
		.plan = sample->plan.plan,
		.feed = sample->feed,
		.now_ms = bd_clock_wall_ms(),
		.is_gzip = file->is_gzip,
		.subject = sample->subject,
		.max_bytes = MESSAGE_MAX_BYTES };
	const struct bd_intake_result *result = NULL;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake *intake = NULL;
	enum bd_cli_exit shown = BD_CLI_NEGATIVE;
	struct bd_json_writer w;
	struct bd_buf receipt;
	enum bd_code code = bd_intake_new(&intake, &settings, &sample->sink, &diag);

	bd_buf_init(&receipt, RECEIPT_MAX_BYTES);
	bd_jw_init(&w, &receipt);
	code = code == BD_OK ? feed_file(intake, file, &diag) : code;
	code = code == BD_OK ? bd_intake_end(intake, &result, &diag) : code;
	if (code == BD_OK) {
		write_receipt(&w, sample, result);
		code = w.code;
	}
	if (code == BD_OK) {
		shown = !show(sample, bd_buf_bytes(&receipt)) ? BD_CLI_USAGE
			: result->rejected > 0                ? BD_CLI_NEGATIVE
							      : BD_CLI_OK;
	} else if (file->fault != BD_CLI_FILE_GOOD) {
		bd_cli_file_tell(file);
		shown = BD_CLI_USAGE;
	} else {
		diag.code = code;
		tell_refused(sample, &diag);
		/* As a push of it would end. */
		shown = bd_code_info(code)->status == 422 ? BD_CLI_NEGATIVE : BD_CLI_REFUSED;
	}
	bd_buf_release(&receipt);
	bd_intake_free(intake);
	return shown;
}

static bool set_subject(struct sample *sample)
{
	const struct bd_cli_options *options = sample->options;
	const char *colon = options->subject != NULL ? strchr(options->subject, ':') : NULL;
	const struct bd_id_kind *kind = NULL;
	char name[64];

	if (options->subject == NULL) {
		return true;
	}
	if (colon != NULL && (size_t)(colon - options->subject) < sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", (int)(colon - options->subject),
			options->subject);
		kind = bd_dictionary_id_kind(sample->plan.dict, name);
	}
	if (kind == NULL || bd_rule_identifier(&sample->subject, sample->plan.dict, kind,
				    bd_bytes_of(colon + 1), NULL, &sample->arena, NULL) != BD_OK) {
		bd_cli_notice(options, "--subject 应为 类型:号码，且号码有效",
			"--subject is KIND:NUMBER, and the number must be one");
		return false;
	}
	return true;
}

/* "tax/gt3" is adapters/tax, feed gt3; with more slashes the first part is the folder itself. */
static bool split(char folder[PATH_BYTES], const char **feed, const struct bd_cli_options *options,
	const char *named)
{
	const char *slash = strrchr(named, '/');
	size_t len = slash != NULL ? (size_t)(slash - named) : 0;
	bool is_folder = memchr(named, '/', len) != NULL || named[0] == '.';
	int written;

	if (len == 0 || slash[1] == '\0') {
		bd_cli_notice(options, "数据流写作 数据源/数据流", "write the feed as SOURCE/FEED");
		return false;
	}
	written = snprintf(folder, PATH_BYTES, "%s%s%.*s", is_folder ? "" : options->adapters,
		is_folder ? "" : "/", (int)len, named);
	*feed = slash + 1;
	return written > 0 && written < PATH_BYTES;
}

static bool find_feed(struct sample *sample, const char *name)
{
	const struct bd_plan *plan = sample->plan.plan;
	const char **names;

	sample->feed = bd_plan_feed(plan, name);
	if (sample->feed != NULL) {
		return true;
	}
	names = bd_arena_alloc(&sample->arena, plan->feed_count, sizeof(const char *));
	for (size_t i = 0; names != NULL && i < plan->feed_count; i++) {
		names[i] = plan->feeds[i].name;
	}
	bd_cli_unknown(sample->options, "没有这个数据流", "no such feed", name, names,
		names != NULL ? plan->feed_count : 0);
	return false;
}

static enum bd_cli_exit read_and_run(struct sample *sample, const char *feed, const char *path)
{
	struct bd_cli_file file;

	if (!find_feed(sample, feed) || !set_subject(sample) ||
		!bd_cli_file_open(&file, sample->options, path, false)) {
		return BD_CLI_USAGE;
	}
	sample->records = tmpfile();
	enum bd_cli_exit result = BD_CLI_USAGE;
	if (sample->records != NULL) {
		result = run(sample, &file);
		fclose(sample->records);
	} else {
		bd_cli_notice(sample->options, "无法建立临时文件", "no temporary file");
	}
	bd_cli_file_close(&file);
	return result;
}

enum bd_cli_exit bd_cli_sample(
	const struct bd_cli_options *options, const char *feed, const char *file)
{
	static const struct sample nothing;
	struct sample sample = nothing;
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;
	char folder[PATH_BYTES];

	if (!split(folder, &feed, options, feed)) {
		return BD_CLI_USAGE;
	}
	sample.sink.ops = &sink_ops;
	sample.options = options;
	bd_arena_init(&sample.arena, BD_CLI_PLAN_MAX_BYTES);
	bd_buf_init(&sample.text, RECORD_TEXT_MAX_BYTES);
	bd_buf_init(&sample.escaped, RECORD_TEXT_MAX_BYTES * 6);
	bd_buf_init(&sample.rejects, RECEIPT_MAX_BYTES / 2);
	bd_jw_init(&sample.writer, &sample.rejects);
	bd_jw_array(&sample.writer, NULL);
	if (bd_cli_plan_read(&sample.plan, options, folder)) {
		result = read_and_run(&sample, feed, file);
	} else {
		bd_cli_show_errors(&sample.plan.diags);
	}
	bd_cli_plan_release(&sample.plan);
	bd_buf_release(&sample.text);
	bd_buf_release(&sample.escaped);
	bd_buf_release(&sample.rejects);
	bd_arena_release(&sample.arena);
	return result;
}
