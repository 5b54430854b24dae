#include "base/clock.h"
#include "base/json_write.h"
#include "base/try.h"
#include "daemon/folders_parts.h"

#include <inttypes.h>
#include <stdlib.h>

/* Folders that are told of. */
#define REPORTS_MAX 64

void bd_folder_publish(struct bd_folder *folder, enum bd_code code)
{
	struct bd_drop_counts waiting;

	bd_drop_set_count(&waiting, &folder->set);
	uv_mutex_lock(&folder->all->lock);
	folder->report.waiting = waiting;
	folder->report.is_cut = folder->set.is_cut;
	folder->report.code = code != BD_CODE_COUNT ? code : folder->report.code;
	uv_mutex_unlock(&folder->all->lock);
}

void bd_folder_count(struct bd_folder *folder, enum bd_folder_outcome outcome, enum bd_code code)
{
	struct bd_folder_report *report = &folder->report;

	uv_mutex_lock(&folder->all->lock);
	report->taken += outcome == BD_FOLDER_TAKEN;
	report->repeats += outcome == BD_FOLDER_REPEAT;
	report->failed += outcome == BD_FOLDER_FAILED;
	report->code = code;
	report->last_ms = bd_clock_wall_ms();
	uv_mutex_unlock(&folder->all->lock);
}

size_t bd_folders_report(struct bd_folder_report *out, size_t max, const struct bd_folders *folders)
{
	struct bd_folders *locked = (struct bd_folders *)(uintptr_t)folders;
	size_t count = 0;

	if (folders == NULL) {
		return 0;
	}
	uv_mutex_lock(&locked->lock);
	for (const struct bd_folder *folder = folders->first; folder != NULL && count < max;
		folder = folder->next) {
		out[count++] = folder->report;
	}
	uv_mutex_unlock(&locked->lock);
	return count;
}

void bd_folders_write(struct bd_json_writer *w, const struct bd_folders *folders)
{
	struct bd_folder_report reports[REPORTS_MAX];
	size_t count = bd_folders_report(reports, REPORTS_MAX, folders);

	bd_jw_array(w, "folders");
	for (size_t i = 0; i < count; i++) {
		const struct bd_folder_report *report = &reports[i];

		bd_jw_object(w, NULL);
		bd_jw_text(w, "source", report->source);
		bd_jw_text(w, "folder", report->name);
		bd_jw_u64(w, "taken", report->taken);
		bd_jw_u64(w, "repeats", report->repeats);
		bd_jw_u64(w, "failed", report->failed);
		bd_jw_u64(w, "incomplete", report->waiting.incomplete);
		bd_jw_u64(w, "awaiting", report->waiting.awaiting);
		bd_jw_u64(w, "waiting", report->waiting.ready);
		bd_jw_time(w, "last", report->last_ms);
		if (report->code != BD_OK) {
			bd_jw_text(w, "code", bd_code_info(report->code)->text);
		} else {
			bd_jw_null(w, "code");
		}
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* Names of the sources file need no escape: its XSD sees to that. */
static enum bd_code add_one(struct bd_buf *out, const char *name,
	const struct bd_folder_report *report, const char *label, uint64_t value)
{
	return bd_buf_printf(out, "%s{source=\"%s\",folder=\"%s\",%s} %" PRIu64 "\n", name,
		report->source, report->name, label, value);
}

enum bd_code bd_folders_figures(struct bd_buf *out, const struct bd_folders *folders)
{
	static const char files[] = "bidui_folder_files_total", waiting[] = "bidui_folder_waiting";
	struct bd_folder_report reports[REPORTS_MAX];
	size_t count = bd_folders_report(reports, REPORTS_MAX, folders);

	if (count == 0) {
		return BD_OK;
	}
	BD_TRY(bd_buf_printf(out,
		"# HELP %s files of drop folders, by outcome\n# TYPE %s counter\n", files, files));
	for (size_t i = 0; i < count; i++) {
		BD_TRY(add_one(out, files, &reports[i], "outcome=\"taken\"", reports[i].taken));
		BD_TRY(add_one(out, files, &reports[i], "outcome=\"repeat\"", reports[i].repeats));
		BD_TRY(add_one(out, files, &reports[i], "outcome=\"failed\"", reports[i].failed));
	}
	BD_TRY(bd_buf_printf(out,
		"# HELP %s files that lie there, by what they wait for\n"
		"# TYPE %s gauge\n",
		waiting, waiting));
	for (size_t i = 0; i < count; i++) {
		const struct bd_drop_counts *of = &reports[i].waiting;

		BD_TRY(add_one(out, waiting, &reports[i], "for=\"mark\"", of->incomplete));
		BD_TRY(add_one(out, waiting, &reports[i], "for=\"totals\"", of->awaiting));
		BD_TRY(add_one(out, waiting, &reports[i], "for=\"turn\"", of->ready));
	}
	return BD_OK;
}
