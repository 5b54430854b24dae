#include "daemon/drop_receipt.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/call.h"
#include "daemon/problem.h"

#include <inttypes.h>

#define EOL "\r\n"

bool bd_drop_told_is_good(const struct bd_drop_told *told)
{
	return told->diag == NULL && (told->receipt == NULL || told->receipt->code == BD_OK);
}

/* -- JSON -- */

static void write_day(struct bd_json_writer *w, int32_t day)
{
	char text[11];

	if (day == INT32_MIN) {
		bd_jw_null(w, "delivery");
		return;
	}
	bd_day_format(text, day);
	bd_jw_text(w, "delivery", text);
}

/* A whole object that another function writes. */
static enum bd_code write_part(struct bd_json_writer *w, const struct bd_drop_told *told,
	struct bd_buf *part, struct bd_arena *arena)
{
	enum bd_code code = told->diag != NULL
				    ? bd_problem_write(part, told->diag, told->source, false)
				    : bd_receipt_write(part, told->receipt, arena);

	if (code == BD_OK) {
		bd_jw_raw(w, told->diag != NULL ? "problem" : "receipt", bd_buf_bytes(part));
	}
	return code == BD_OK ? w->code : code;
}

enum bd_code bd_drop_told_json(
	struct bd_buf *out, const struct bd_drop_told *told, struct bd_arena *arena)
{
	struct bd_json_writer w;
	struct bd_buf part;
	enum bd_code code = BD_OK;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "file", told->file);
	bd_jw_text(&w, "source", told->source);
	if (told->feed != NULL) {
		bd_jw_text(&w, "feed", told->feed->name);
	} else {
		bd_jw_null(&w, "feed");
	}
	write_day(&w, told->day);
	if (told->total != NULL) {
		bd_jw_u64(&w, "total", told->total->rows);
	} else {
		bd_jw_null(&w, "total");
	}
	bd_jw_u64(&w, "bytes", told->bytes);
	bd_jw_time(&w, "at", told->at_ms);
	bd_jw_text(&w, "outcome",
		told->diag != NULL ? "refused"
		: told->is_repeat  ? "repeat"
				   : "taken");
	if (told->diag != NULL || told->receipt != NULL) {
		bd_buf_init(&part, out->max);
		code = write_part(&w, told, &part, arena);
		bd_buf_release(&part);
	}
	bd_jw_object_end(&w);
	code = code == BD_OK ? w.code : code;
	return code == BD_OK ? bd_buf_add_text(out, "\n") : code;
}

/* -- the text -- */

static enum bd_code add_code(struct bd_buf *out, enum bd_code code)
{
	const struct bd_code_info *info = bd_code_info(code);

	return bd_buf_printf(out, "原因 reason: %s %s / %s" EOL "请 please: %s / %s" EOL,
		info->text, info->zh, info->en, info->hint_zh, info->hint_en);
}

static enum bd_code add_head(struct bd_buf *out, const struct bd_drop_told *told)
{
	char day[11];

	BD_TRY(bd_buf_printf(out, "文件 file: %s" EOL, told->file));
	if (told->feed != NULL) {
		BD_TRY(bd_buf_printf(out, "数据流 feed: %s/%s %s" EOL, told->source,
			told->feed->name, told->feed->label_zh));
	}
	if (told->day != INT32_MIN) {
		bd_day_format(day, told->day);
		BD_TRY(bd_buf_printf(out, "交付日 delivery: %s" EOL, day));
	}
	return BD_OK;
}

static enum bd_code add_counts(struct bd_buf *out, const struct bd_drop_told *told)
{
	const struct bd_receipt *receipt = told->receipt;
	char id[24];

	bd_call_message_id(id, receipt->message);
	BD_TRY(bd_buf_printf(out,
		"收到 received %" PRIu64 "，接收 accepted %" PRIu64 "，未变 unchanged %" PRIu64
		"，退回 rejected %" PRIu64 EOL "报文号 message: %s" EOL,
		receipt->received, receipt->accepted, receipt->unchanged, receipt->rejected, id));
	return told->total == NULL
		       ? BD_OK
		       : bd_buf_printf(out, "对账 control total: %" PRIu64 "，一致 agrees" EOL,
				 told->total->rows);
}

static enum bd_code add_result(struct bd_buf *out, const struct bd_drop_told *told)
{
	if (told->diag != NULL) {
		BD_TRY(bd_buf_add_text(out, "结果 result: 未入库 not taken" EOL));
		BD_TRY(add_code(out, told->diag->code));
		return told->diag->detail[0] == '\0'
			       ? BD_OK
			       : bd_buf_printf(out, "说明 detail: %s" EOL, told->diag->detail);
	}
	BD_TRY(bd_buf_printf(out, "结果 result: %s" EOL,
		told->is_repeat ? "此前已入库，未重复入库 taken before, not again"
		: told->receipt->code != BD_OK ? "全部退回 every row rejected"
		: told->receipt->rejected > 0 ? "已入库，部分退回 taken, some rows rejected"
					      : "已入库 taken"));
	return told->receipt != NULL ? add_counts(out, told) : BD_OK;
}

static enum bd_code add_reject(struct bd_buf *out, const struct bd_reject *reject)
{
	const struct bd_diag *diag = &reject->diag;
	const struct bd_code_info *info = bd_code_info(diag->code);

	if (diag->place.row != 0) {
		BD_TRY(bd_buf_printf(out, "第 %" PRIu64 " 行 row", diag->place.row));
	} else if (diag->place.line != 0) {
		BD_TRY(bd_buf_printf(out, "第 %" PRIu32 " 行第 %" PRIu32 " 列 line, column",
			diag->place.line, diag->place.column));
	} else {
		BD_TRY(bd_buf_printf(out, "第 %" PRIu64 " 条 record", reject->index + 1));
	}
	if (diag->field[0] != '\0') {
		BD_TRY(bd_buf_printf(out, "  %s", diag->field));
	}
	return bd_buf_printf(out, "  %s  %s / %s  %s / %s" EOL, info->text, info->zh, info->en,
		info->hint_zh, info->hint_en);
}

static enum bd_code add_rejects(
	struct bd_buf *out, const struct bd_receipt *receipt, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(receipt->rejects);
	size_t count = 0;

	BD_TRY(bd_buf_add_text(out, EOL "退回的行 rejected rows:" EOL));
	for (; count < receipt->kept_count && count < BD_FOLDER_TEXT_REJECTS; count++) {
		BD_TRY(add_reject(out, &receipt->kept[count].reject));
	}
	for (; reader.rest.len > 0 && count < BD_FOLDER_TEXT_REJECTS; count++) {
		struct bd_reject reject;

		BD_TRY(bd_reject_unpack(&reject, bd_read_sized(&reader), arena));
		BD_TRY(add_reject(out, &reject));
	}
	return receipt->rejected <= count
		       ? BD_OK
		       : bd_buf_printf(out,
				 "另有 %" PRIu64 " 行未列出 more that are not listed" EOL,
				 receipt->rejected - count);
}

enum bd_code bd_drop_told_text(
	struct bd_buf *out, const struct bd_drop_told *told, struct bd_arena *arena)
{
	char at[30];

	bd_time_format(at, told->at_ms);
	BD_TRY(add_head(out, told));
	BD_TRY(bd_buf_printf(out, "时间 at: %s" EOL, at));
	BD_TRY(add_result(out, told));
	return told->diag == NULL && told->receipt != NULL && told->receipt->rejected > 0
		       ? add_rejects(out, told->receipt, arena)
		       : BD_OK;
}

/* -- a set -- */

static const struct {
	const char *name, *text;
} states[] = {
	[BD_TOTAL_AWAITED] = { "awaited", "未到 has not come" },
	[BD_TOTAL_AGREED] = { "agreed", "一致 agrees" },
	[BD_TOTAL_FAILED] = { "failed", "未入库，见该文件回执 not taken: see its receipt" },
};

bool bd_set_told_is_good(const struct bd_set_told *told)
{
	return told->diag == NULL &&
	       bd_totals_count(told->totals, BD_TOTAL_AGREED) == told->totals->count;
}

enum bd_code bd_set_told_json(struct bd_buf *out, const struct bd_set_told *told)
{
	struct bd_json_writer w;
	struct bd_buf part;
	enum bd_code code = BD_OK;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "file", told->file);
	bd_jw_text(&w, "source", told->source);
	write_day(&w, told->day);
	bd_jw_time(&w, "at", told->at_ms);
	bd_jw_text(&w, "outcome", bd_set_told_is_good(told) ? "agreed" : "failed");
	if (told->diag != NULL) {
		bd_buf_init(&part, out->max);
		code = bd_problem_write(&part, told->diag, told->source, false);
		bd_jw_raw(&w, "problem", bd_buf_bytes(&part));
		bd_buf_release(&part);
	} else {
		bd_jw_array(&w, "files");
		for (size_t i = 0; i < told->totals->count; i++) {
			const struct bd_total *total = &told->totals->items[i];

			bd_jw_object(&w, NULL);
			bd_jw_text(&w, "file", total->name);
			bd_jw_u64(&w, "total", total->rows);
			bd_jw_text(&w, "state", states[total->state].name);
			bd_jw_object_end(&w);
		}
		bd_jw_array_end(&w);
	}
	bd_jw_object_end(&w);
	code = code == BD_OK ? w.code : code;
	return code == BD_OK ? bd_buf_add_text(out, "\n") : code;
}

enum bd_code bd_set_told_text(struct bd_buf *out, const struct bd_set_told *told)
{
	char day[11], at[30];

	bd_day_format(day, told->day);
	bd_time_format(at, told->at_ms);
	BD_TRY(bd_buf_printf(out,
		"对账文件 control totals: %s" EOL "交付日 delivery: %s" EOL "时间 at: %s" EOL,
		told->file, day, at));
	if (told->diag != NULL) {
		BD_TRY(bd_buf_add_text(out, "结果 result: 无法读取 cannot be read" EOL));
		BD_TRY(add_code(out, told->diag->code));
		return bd_buf_printf(out, "第 %" PRIu32 " 行 line: %s" EOL, told->diag->place.line,
			told->diag->detail);
	}
	BD_TRY(bd_buf_printf(out, "结果 result: %s" EOL,
		bd_set_told_is_good(told) ? "全部一致 all agree" : "不一致 not all agree"));
	for (size_t i = 0; i < told->totals->count; i++) {
		const struct bd_total *total = &told->totals->items[i];

		BD_TRY(bd_buf_printf(out, "%s  %" PRIu64 "  %s" EOL, total->name, total->rows,
			states[total->state].text));
	}
	return BD_OK;
}
