#include "cli/pushed.h"

bool bd_cli_pushed_is_good(const struct bd_json *receipt)
{
	return bd_bytes_is(bd_cli_text(receipt, "rejected"), "0");
}

static void show_counts(const struct bd_cli_options *options, const struct bd_json *receipt)
{
	static const struct {
		const char *key, *zh, *en;
	} counts[] = { { "received", "收到", "received" }, { "accepted", "接收", "accepted" },
		{ "unchanged", "未变", "unchanged" }, { "rejected", "退回", "rejected" } };
	const char *between = "";

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct bd_bytes count = bd_cli_text(receipt, counts[i].key);

		if (count.len > 0) {
			printf("%s%s ", between, bd_cli_say(options, counts[i].zh, counts[i].en));
			bd_cli_put(stdout, count);
			between = "  ";
		}
	}
	fputc('\n', stdout);
}

/* Which message it became; or that nothing was stored, and why. */
static void show_outcome(const struct bd_cli_options *options, const struct bd_json *receipt)
{
	struct bd_bytes message = bd_cli_text(receipt, "message");

	bd_cli_put(stdout, bd_cli_text(receipt, "source"));
	fputc('/', stdout);
	bd_cli_put(stdout, bd_cli_text(receipt, "feed"));
	if (message.len > 0) {
		printf("  %s ", bd_cli_say(options, "回执", "receipt"));
		bd_cli_put(stdout, message);
	} else if (bd_cli_is_true(receipt, "dry_run")) {
		printf("  %s", bd_cli_say(options, "试运行，未入库", "dry run: nothing stored"));
	} else {
		printf("  %s: ", bd_cli_say(options, "未入库", "nothing stored"));
		bd_cli_put(stdout, bd_cli_text(receipt, options->is_english ? "en" : "zh"));
	}
	fputc('\n', stdout);
}

/* "FILE:12:7: row 12/NAME: ", of which what is known. */
static void put_place(
	const struct bd_cli_options *options, const struct bd_json *reject, const char *path)
{
	struct bd_bytes line = bd_cli_text(reject, "line"), column = bd_cli_text(reject, "column");
	struct bd_bytes row = bd_cli_text(reject, "row"), field = bd_cli_text(reject, "field");

	bd_cli_put(stdout, bd_bytes_of(path));
	if (line.len > 0) {
		printf(":%.*s", (int)line.len, line.ptr);
	}
	if (column.len > 0) {
		printf(":%.*s", (int)column.len, column.ptr);
	}
	fputs(": ", stdout);
	if (field.len == 0 && row.len == 0) {
		field = bd_cli_text(reject, "path");
	}
	if (row.len > 0) {
		printf(bd_cli_say(options, "第 %.*s 行", "row %.*s"), (int)row.len, row.ptr);
	}
	fputs(row.len > 0 && field.len > 0 ? "/" : "", stdout);
	bd_cli_put(stdout, field);
	fputs(row.len > 0 || field.len > 0 ? ": " : "", stdout);
}

/* The reader's language first; both, because the file may go to somebody who reads the other. */
static void put_both(const struct bd_cli_options *options, const struct bd_json *reject,
	const char *zh, const char *en)
{
	bd_cli_put(stdout, bd_cli_text(reject, options->is_english ? en : zh));
	fputs(" / ", stdout);
	bd_cli_put(stdout, bd_cli_text(reject, options->is_english ? zh : en));
}

static void show_reject(
	const struct bd_cli_options *options, const struct bd_json *reject, const char *path)
{
	struct bd_bytes detail = bd_cli_text(reject, "detail");

	put_place(options, reject, path);
	bd_cli_colour(options, "31");
	bd_cli_put(stdout, bd_cli_text(reject, "code"));
	bd_cli_colour(options, "0");
	fputc(' ', stdout);
	put_both(options, reject, "zh", "en");
	if (detail.len > 0) {
		fputs(" (", stdout);
		bd_cli_put(stdout, detail);
		fputc(')', stdout);
	}
	if (bd_cli_text(reject, "hint_zh").len > 0) {
		fputs("\n    ", stdout);
		put_both(options, reject, "hint_zh", "hint_en");
	}
	fputc('\n', stdout);
}

/* What the adapter does not name: heard, not refused. */
static void show_unmapped(const struct bd_cli_options *options, const struct bd_json *receipt)
{
	const struct bd_json *unmapped = bd_json_get(receipt, "unmapped");

	if (unmapped == NULL || unmapped->first == NULL) {
		return;
	}
	printf("%s\n", bd_cli_say(options, "适配器未约定的内容", "not named by the adapter"));
	for (const struct bd_json *item = unmapped->first; item != NULL; item = item->next) {
		fputs("  ", stdout);
		bd_cli_put(stdout, bd_cli_text(item, "path"));
		fputs(" × ", stdout);
		bd_cli_put(stdout, bd_cli_text(item, "count"));
		fputc('\n', stdout);
	}
}

void bd_cli_pushed_show(
	const struct bd_cli_options *options, const struct bd_json *receipt, const char *path)
{
	const struct bd_json *rejects = bd_json_get(receipt, "rejects");

	show_counts(options, receipt);
	show_outcome(options, receipt);
	for (const struct bd_json *reject = rejects != NULL ? rejects->first : NULL; reject != NULL;
		reject = reject->next) {
		show_reject(options, reject, path);
	}
	if (bd_cli_is_true(receipt, "more")) {
		bd_cli_notice(
			options, "退回较多，其余未列出", "there are more rejects than are listed");
	}
	show_unmapped(options, receipt);
	bd_cli_put_lines(stdout, bd_cli_text(receipt, "would_store"));
}
