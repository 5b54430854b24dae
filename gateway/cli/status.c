#include "cli/answer.h"
#include "cli/table.h"

#define COLUMNS 9

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static struct bd_bytes coverage_of(const struct bd_cli_options *options, const struct bd_json *feed)
{
	static const struct {
		const char *name, *zh;
	} terms[] = { { "feed", "全量" }, { "subject", "按主体" }, { "gap", "有缺口" },
		{ "none", "无" } };
	struct bd_bytes name = bd_cli_text(feed, "coverage");

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]) && !options->is_english; i++) {
		if (bd_bytes_is(name, terms[i].name)) {
			return bd_bytes_of(terms[i].zh);
		}
	}
	return name;
}

static void add_head(struct bd_cli_table *table, const struct bd_cli_options *options)
{
	static const char *const zh[COLUMNS] = { "数据源", "数据流", "段", "覆盖", "完整至",
		"最近收到", "时效", "记录", "退回" };
	static const char *const en[COLUMNS] = { "source", "feed", "section", "coverage",
		"complete to", "received", "age", "records", "rejects" };
	struct bd_bytes cells[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++) {
		cells[i] = bd_bytes_of(bd_cli_say(options, zh[i], en[i]));
	}
	bd_cli_table_add(table, cells);
}

/* One line: how many are owed, how many of them past their day. */
static void show_owed(const struct bd_cli_options *options, const struct bd_json *owed)
{
	static const struct {
		const char *owed, *overdue, *zh, *en;
	} parties[] = { { "owed_applicant", "overdue_applicant", "申请人", "applicants" },
		{ "owed_agency", "overdue_agency", "机关", "agency" } };

	printf("\n%s", bd_cli_say(options, "容缺补正：", "obligations:"));
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
		printf("%s%s ", i == 0 ? "" : bd_cli_say(options, "；", ";"),
			bd_cli_say(options, parties[i].zh, parties[i].en));
		bd_cli_put(stdout, bd_cli_text(owed, parties[i].owed));
		printf("%s ", bd_cli_say(options, " 项，其中逾期", " owed, overdue"));
		bd_cli_put(stdout, bd_cli_text(owed, parties[i].overdue));
	}
	fputc('\n', stdout);
}

static const char *waiting_text(const struct bd_cli_options *options, struct bd_bytes waits)
{
	static const struct {
		const char *name, *zh, *en;
	} terms[] = { { "rows", "存储中的数据", "rows of the store" },
		{ "cases", "办件底稿", "case files" },
		{ "spools", "尚在接收或应用的大报文", "a long message that is not yet applied" },
		{ "repeats", "幂等键保存的答复（至多 48 小时）",
			"answers kept for retries (48 hours at most)" },
		{ "damaged", "无法打开的数据，见日志", "what cannot be opened: see the log" } };

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if (bd_bytes_is(waits, terms[i].name)) {
			return bd_cli_say(options, terms[i].zh, terms[i].en);
		}
	}
	return "";
}

/* One line: the epoch, and what is still sealed otherwise. */
void bd_cli_show_keys(const struct bd_cli_options *options, const struct bd_json *keys)
{
	const struct bd_json *resealing = bd_json_get(keys, "resealing");

	printf("%s", bd_cli_say(options, "主密钥：轮次 ", "master key: epoch "));
	bd_cli_put(stdout, bd_cli_text(keys, "epoch"));
	fputs(bd_cli_say(options, "，", ", "), stdout);
	bd_cli_put(stdout, bd_cli_text(keys, "sealing"));
	fputs(bd_cli_say(options, "，", ", "), stdout);
	bd_cli_put(stdout, bd_cli_text(keys, "blinding"));
	if (resealing != NULL) {
		printf("%s", bd_cli_say(options, "；正在重新密封 ", "; sealing anew "));
		bd_cli_put(stdout, bd_cli_text(resealing, "done"));
		fputc('/', stdout);
		bd_cli_put(stdout, bd_cli_text(resealing, "total"));
		printf("%s%s", bd_cli_say(options, "，旧轮次仍用于：", "; still needed for: "),
			waiting_text(options, bd_cli_text(resealing, "waits_for")));
	}
	fputc('\n', stdout);
}

/* "✗ medical/1101 医保参保 ...": what it holds is withheld until its use is approved again. */
static void show_withheld(const struct bd_cli_options *options, const struct bd_json *answer)
{
	const struct bd_json *feeds = bd_json_get(answer, "withheld_feeds");

	for (const struct bd_json *one = feeds != NULL ? feeds->first : NULL; one != NULL;
		one = one->next) {
		struct bd_bytes until = bd_cli_text(one, "until");

		fputs(bd_cli_say(options, "✗ 用数申请不在有效期内，数据一律不予告知：",
			      "✗ no approved use in force, withheld: "),
			stdout);
		bd_cli_put(stdout, bd_cli_text(one, "source"));
		fputc('/', stdout);
		bd_cli_put(stdout, bd_cli_text(one, "feed"));
		fputs(until.len > 0 ? bd_cli_say(options, "，到期日 ", ", until ") : "", stdout);
		bd_cli_put(stdout, until);
		fputs(bd_cli_say(options, "，责任部门 ", ", department: "), stdout);
		bd_cli_put(stdout,
			bd_cli_text(one, options->is_english ? "department_en" : "department_zh"));
		fputc('\n', stdout);
	}
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *feeds = bd_json_get(answer, "feeds");
	struct bd_cli_table table;

	bd_cli_table_begin(&table, COLUMNS, arena);
	add_head(&table, options);
	for (const struct bd_json *feed = feeds != NULL ? feeds->first : NULL; feed != NULL;
		feed = feed->next) {
		const struct bd_bytes cells[COLUMNS] = { bd_cli_text(feed, "source"),
			bd_cli_text(feed, "feed"), bd_cli_text(feed, "section"),
			coverage_of(options, feed),
			bd_cli_when(bd_cli_text(feed, "complete_through"), arena),
			bd_cli_when(bd_cli_text(feed, "last_received"), arena),
			bd_cli_age(options, bd_cli_text(feed, "age_s"), arena),
			bd_cli_text(feed, "records"), bd_cli_text(feed, "rejects") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
	show_withheld(options, answer);
	if (bd_json_get(answer, "obligations") != NULL) {
		show_owed(options, bd_json_get(answer, "obligations"));
	}
	if (bd_json_get(answer, "keys") != NULL) {
		bd_cli_show_keys(options, bd_json_get(answer, "keys"));
	}
	if (bd_cli_is_true(bd_json_get(bd_json_get(answer, "trail"), "witness_file"), "failing")) {
		bd_cli_notice(options, "树头无法写入 witness_file，请检查该存储（留痕照常进行）",
			"heads of the trail cannot be written to witness_file: look at that "
			"storage "
			"(the trail goes on)");
	}
	if (bd_cli_is_true(bd_json_get(answer, "trail"), "witness_overdue")) {
		bd_cli_notice(options,
			"审计留痕久未得到第三方见证，请联系见证人（见 doc/audit.md）",
			"no second party has countersigned the trail for long: ask the witness "
			"(doc/audit.md)");
	}
}

/* How the sending of watches goes, where anybody wants them sent. */
static void show_webhooks(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *webhooks = bd_json_get(answer, "webhooks");
	struct bd_cli_table table;

	if (webhooks == NULL || webhooks->first == NULL) {
		return;
	}
	const struct bd_bytes head[] = { bd_bytes_of(bd_cli_say(options, "推送至", "webhook of")),
		bd_bytes_of(bd_cli_say(options, "已收下至", "told up to")),
		bd_bytes_of(bd_cli_say(options, "连续失败", "failures")),
		bd_bytes_of(bd_cli_say(options, "原因", "why")),
		bd_bytes_of(bd_cli_say(options, "对方答复", "its answer")) };

	fputc('\n', stdout);
	bd_cli_table_begin(&table, 5, arena);
	bd_cli_table_add(&table, head);
	for (const struct bd_json *one = webhooks->first; one != NULL; one = one->next) {
		const struct bd_bytes cells[] = { bd_cli_text(one, "sender"),
			bd_cli_text(one, "told"), bd_cli_text(one, "failures"),
			bd_cli_text(one, "code"), bd_cli_text(one, "status") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
}

/* One line, and only where a process was ended: then somebody should look why. */
static void show_workers(const struct bd_cli_options *options, const struct bd_json *answer)
{
	static const struct {
		const char *member, *zh, *en;
	} ends[] = { { "died", "异常终止", "died" }, { "timed_out", "超时", "too slow" },
		{ "swollen", "内存超限", "too much memory" },
		{ "forbidden", "越权系统调用", "forbidden calls" } };
	const struct bd_json *workers = bd_json_get(answer, "workers");
	bool is_all_well = true;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		is_all_well = is_all_well && bd_bytes_is(bd_cli_text(workers, ends[i].member), "0");
	}
	if (workers == NULL || is_all_well) {
		return;
	}
	printf("\n%s", bd_cli_say(options, "解析进程终止次数：", "processes that parse, ended: "));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		printf("%s%s ", i == 0 ? "" : bd_cli_say(options, "；", "; "),
			bd_cli_say(options, ends[i].zh, ends[i].en));
		bd_cli_put(stdout, bd_cli_text(workers, ends[i].member));
	}
	fputc('\n', stdout);
}

/* Where departments drop files: what came, what waits, and why nothing goes on. */
static void show_folders(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *folders = bd_json_get(answer, "folders");
	struct bd_cli_table table;

	if (folders == NULL || folders->first == NULL) {
		return;
	}
	const struct bd_bytes head[] = { bd_bytes_of(bd_cli_say(options, "交换目录", "folder")),
		bd_bytes_of(bd_cli_say(options, "数据源", "source")),
		bd_bytes_of(bd_cli_say(options, "已入库", "taken")),
		bd_bytes_of(bd_cli_say(options, "重复", "repeats")),
		bd_bytes_of(bd_cli_say(options, "未入库", "failed")),
		bd_bytes_of(bd_cli_say(options, "待处理", "waiting")),
		bd_bytes_of(bd_cli_say(options, "缺标志", "no mark")),
		bd_bytes_of(bd_cli_say(options, "待对账", "no totals")),
		bd_bytes_of(bd_cli_say(options, "最近一次", "last")),
		bd_bytes_of(bd_cli_say(options, "原因", "why")) };

	fputc('\n', stdout);
	bd_cli_table_begin(&table, 10, arena);
	bd_cli_table_add(&table, head);
	for (const struct bd_json *one = folders->first; one != NULL; one = one->next) {
		const struct bd_bytes cells[] = { bd_cli_text(one, "folder"),
			bd_cli_text(one, "source"), bd_cli_text(one, "taken"),
			bd_cli_text(one, "repeats"), bd_cli_text(one, "failed"),
			bd_cli_text(one, "waiting"), bd_cli_text(one, "incomplete"),
			bd_cli_text(one, "awaiting"), bd_cli_when(bd_cli_text(one, "last"), arena),
			bd_cli_text(one, "code") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
}

static void show_set_aside(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *aside = bd_json_get(answer, "set_aside");
	struct bd_cli_table table;

	if (aside == NULL || aside->first == NULL) {
		return;
	}
	const struct bd_bytes head[] = { bd_bytes_of(
						 bd_cli_say(options, "已隔离报文", "set aside")),
		bd_bytes_of(bd_cli_say(options, "数据流", "feed")),
		bd_bytes_of(bd_cli_say(options, "发送方", "sender")),
		bd_bytes_of(bd_cli_say(options, "原因", "why")),
		bd_bytes_of(bd_cli_say(options, "字节", "bytes")),
		bd_bytes_of(bd_cli_say(options, "最近一次", "last")),
		bd_bytes_of(bd_cli_say(options, "又被拒收", "refused since")) };

	fputc('\n', stdout);
	bd_cli_table_begin(&table, 7, arena);
	bd_cli_table_add(&table, head);
	for (const struct bd_json *one = aside->first; one != NULL; one = one->next) {
		const struct bd_bytes cells[] = { bd_cli_text(one, "source"),
			bd_cli_text(one, "feed"), bd_cli_text(one, "sender"),
			bd_cli_text(one, "code"), bd_cli_text(one, "bytes"),
			bd_cli_when(bd_cli_text(one, "last"), arena), bd_cli_text(one, "refused") };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
}

/* What expires soon or cannot be used, with what to do; nothing where all is well. */
static void show_alarms(const struct bd_cli_options *options, const struct bd_json *answer)
{
	const struct bd_json *tls = bd_json_get(answer, "tls");
	const struct bd_json *alarms = tls == NULL ? NULL : bd_json_get(tls, "alarms");

	for (const struct bd_json *one = alarms != NULL ? alarms->first : NULL; one != NULL;
		one = one->next) {
		const struct bd_code_info *info;
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)one->text.len, one->text.ptr);
		if (bd_code_find(name) == BD_CODE_COUNT) {
			continue;
		}
		info = bd_code_info(bd_code_find(name));
		printf("\n%s%s\n  %s\n", bd_cli_say(options, "告警：", "alarm: "),
			options->is_english ? info->en : info->zh,
			options->is_english ? info->hint_en : info->hint_zh);
	}
}

static void show_sources(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *sources = bd_json_get(answer, "sources");

	if (sources != NULL && sources->first != NULL) {
		fputc('\n', stdout);
		bd_cli_show_sources(options, answer, arena);
	}
}

/* Feeds that are silent or have changed: what, since when, and what to do. */
static void show_feed_alarms(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	const struct bd_json *alarms = bd_json_get(answer, "alarms");

	for (const struct bd_json *one = alarms != NULL ? alarms->first : NULL; one != NULL;
		one = one->next) {
		const struct bd_json *was = bd_json_get(one, "was");
		struct bd_bytes name = bd_cli_text(one, "code");
		const struct bd_code_info *info;
		char code[64];

		snprintf(code, sizeof(code), "%.*s", (int)name.len, name.ptr);
		if (bd_code_find(code) == BD_CODE_COUNT) {
			continue;
		}
		info = bd_code_info(bd_code_find(code));
		printf("\n%s", bd_cli_say(options, "告警：", "alarm: "));
		bd_cli_put(stdout, bd_cli_text(one, "source"));
		fputc('/', stdout);
		bd_cli_put(stdout, bd_cli_text(one, "feed"));
		fputc(' ', stdout);
		bd_cli_put(stdout, bd_cli_text(one, "field"));
		printf("%s%s", bd_cli_text(one, "field").len > 0 ? " " : "",
			options->is_english ? info->en : info->zh);
		if (was != NULL) {
			fputs(" (", stdout);
			bd_cli_put(stdout, was->text);
			fputs(" -> ", stdout);
			bd_cli_put(stdout, bd_cli_text(one, "is"));
			fputc(')', stdout);
		}
		fputs(bd_cli_say(options, "，自 ", ", since "), stdout);
		bd_cli_put(stdout, bd_cli_when(bd_cli_text(one, "since"), arena));
		printf("\n  %s\n", options->is_english ? info->hint_en : info->hint_zh);
	}
}

static void show_all(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	show(options, answer, arena);
	show_webhooks(options, answer, arena);
	show_sources(options, answer, arena);
	show_alarms(options, answer);
	show_feed_alarms(options, answer, arena);
	show_folders(options, answer, arena);
	show_workers(options, answer);
	show_set_aside(options, answer, arena);
}

enum bd_cli_exit bd_cli_status(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { is_always_good, show_all };
	struct bd_cli_request request = { .method = "GET", .path = "/v1/status" };

	return bd_cli_ask(options, &request, &view);
}
