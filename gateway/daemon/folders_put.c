#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/folders_parts.h"

#include <stdio.h>

#define ARENA_BYTES 16777216

/* -- put away -- */

const struct bd_folder_file *bd_folder_kind(const struct bd_folder *folder)
{
	const struct bd_drop *drop = folder->file.drop;

	return drop->code == BD_FOLDER_NAME || drop->file == BD_DROP_TOTALS
		       ? NULL
		       : &folder->plan->files[drop->file];
}

/* NULL = its day has none, or they do not name it. */
struct bd_total *bd_folder_total(const struct bd_folder *folder, const struct bd_drop *drop)
{
	const struct bd_drop_totals *totals = folder->plan->totals != NULL && drop->day != INT32_MIN
						      ? bd_drop_set_totals(&folder->set, drop->day)
						      : NULL;

	return totals != NULL ? bd_totals_find(&totals->totals, drop->seen.name) : NULL;
}

/* thread */
static void put_work(uv_work_t *work)
{
	struct bd_folder *folder = work->data;
	const struct bd_folder_plan *plan = folder->plan;
	struct bd_folder_file_state *file = &folder->file;
	const char *to = file->is_good ? plan->done : plan->failed;
	struct bd_diag *diag = &folder->diag;
	char name[BD_FILE_NAME_MAX_BYTES + 1];
	enum bd_code code = BD_OK;

	if (plan->is_one_way) {
		/* Its receipts fold back onto themselves when it is told again. */
		snprintf(name, sizeof(name), "%.*s", BD_FILE_NAME_MAX_BYTES - 24, file->shown);
	} else {
		code = bd_drop_choose(name, to, file->shown, diag);
	}
	code = code == BD_OK
		       ? bd_drop_put(to, name, BD_RECEIPT_JSON, bd_buf_bytes(&file->json), diag)
		       : code;
	code = code == BD_OK
		       ? bd_drop_put(to, name, BD_RECEIPT_TEXT, bd_buf_bytes(&file->note), diag)
		       : code;
	if (code == BD_OK && file->may_move) {
		code = bd_drop_move(plan->path, &file->drop->seen, to, name, diag);
	}
	if (code == BD_OK && file->may_move && plan->done_suffix != NULL) {
		bd_drop_remove(plan->path, file->drop->seen.name, plan->done_suffix);
	}
}

static void after_put(uv_work_t *work, int status)
{
	struct bd_folder *folder = work->data;
	struct bd_folder_file_state *file = &folder->file;
	struct bd_total *total = bd_folder_total(folder, file->drop);

	(void)status;
	if (folder->diag.code != BD_OK && folder->diag.code != BD_FOLDER_CHANGED) {
		bd_folder_put_off(folder, &folder->diag);
		return;
	}
	file->drop->state = BD_DROP_SETTLED;
	if (file->totals != NULL) {
		file->totals->is_told = true;
		file->totals = NULL;
	} else if (total != NULL) {
		total->state = file->is_good ? BD_TOTAL_AGREED : BD_TOTAL_FAILED;
	}
	folder->is_list_wanted |= folder->diag.code == BD_FOLDER_CHANGED;
	bd_folder_go_on(folder);
}

static void put(struct bd_folder *folder, bool is_good)
{
	struct bd_folder_file_state *file = &folder->file;
	char room[sizeof(file->shown)];
	struct bd_buf shown = { room, 0, sizeof(room) - 1, sizeof(room) - 1 };

	bd_file_name_show(&shown, bd_bytes_of(file->drop->seen.name));
	snprintf(file->shown, sizeof(file->shown), "%.*s", (int)shown.len, room);
	file->is_good = is_good;
	file->may_move = !folder->plan->is_one_way && file->drop->code != BD_FOLDER_KIND;
	bd_folder_work(folder, BD_FOLDER_PUTTING, put_work, after_put);
}

/* The texts that will lie beside it, and what is counted and logged of it. */
void bd_folder_tell(struct bd_folder *folder, const struct bd_receipt *receipt, bool is_repeat,
	const struct bd_diag *diag)
{
	struct bd_folder_file_state *file = &folder->file;
	const struct bd_folder_file *kind = bd_folder_kind(folder);
	char shown[sizeof(file->shown)];
	struct bd_buf name = { shown, 0, sizeof(shown) - 1, sizeof(shown) - 1 };
	struct bd_drop_told told = { .file = shown,
		.source = folder->source->source,
		.feed = kind != NULL ? kind->feed : NULL,
		.day = file->drop->day,
		.total = bd_folder_total(folder, file->drop),
		.bytes = file->drop->seen.mark.size,
		.at_ms = bd_clock_wall_ms(),
		.is_repeat = is_repeat,
		.receipt = receipt,
		.diag = diag };
	bool is_good = bd_drop_told_is_good(&told);
	enum bd_code why = diag != NULL ? diag->code : receipt != NULL ? receipt->code : BD_OK;
	struct bd_diag failed = { .code = BD_OK };
	struct bd_arena arena;
	enum bd_code code;

	bd_file_name_show(&name, bd_bytes_of(file->drop->seen.name));
	shown[name.len] = '\0';
	bd_arena_init(&arena, ARENA_BYTES);
	bd_buf_clear(&file->json);
	bd_buf_clear(&file->note);
	code = bd_drop_told_json(&file->json, &told, &arena);
	code = code == BD_OK ? bd_drop_told_text(&file->note, &told, &arena) : code;
	bd_arena_release(&arena);
	bd_folder_count(folder,
		!is_good    ? BD_FOLDER_FAILED
		: is_repeat ? BD_FOLDER_REPEAT
			    : BD_FOLDER_TAKEN,
		why);
	bd_log(is_good ? BD_LOG_INFO : BD_LOG_WARNING, "folders", bd_code_info(why)->text,
		"%s/%s: a file of %s", folder->source->source, folder->plan->name,
		kind != NULL ? kind->feed->name : "no feed");
	bd_folder_let_go(folder);
	if (code != BD_OK) {
		bd_fail(&failed, code, "its receipt");
		bd_folder_put_off(folder, &failed);
		return;
	}
	put(folder, is_good);
}

/* As it is, for good: on the trail, as a refused push is. */
void bd_folder_refuse(struct bd_folder *folder, const struct bd_diag *diag)
{
	const struct bd_diag kept = *diag;
	struct bd_loop *loop = folder->all->loop;
	const struct bd_trail_caller caller = { .client = bd_bytes_of(folder->sender.name) };

	bd_count(&loop->counts.refused, 1);
	if (bd_audit_refusal(&loop->audit, &caller, kept.code, "folder", "/v1/sources/*/*") !=
		BD_OK) {
		struct bd_diag unavailable = { .code = BD_TRAIL_UNAVAILABLE };

		bd_folder_put_off(folder, &unavailable);
		return;
	}
	bd_folder_tell(folder, NULL, false, &kept);
}

/* -- a set -- */

static struct bd_drop *find_drop(const struct bd_folder *folder, const char *name)
{
	for (size_t i = 0; i < folder->set.count; i++) {
		if (strcmp(folder->set.items[i].seen.name, name) == 0) {
			return &folder->set.items[i];
		}
	}
	return NULL;
}

/* All that they name is done with, and nothing else of that day waits to be told that they do not
 * name it. */
static bool is_concluded(const struct bd_folder *folder, const struct bd_drop_totals *totals)
{
	for (size_t i = 0; i < folder->set.count; i++) {
		const struct bd_drop *drop = &folder->set.items[i];

		if (drop->day == totals->day && drop->file != BD_DROP_TOTALS &&
			(drop->state == BD_DROP_READY || drop->state == BD_DROP_AWAITS ||
				drop->state == BD_DROP_REFUSED)) {
			return false;
		}
	}
	return bd_totals_count(&totals->totals, BD_TOTAL_AWAITED) == 0;
}

bool bd_folder_conclude_set(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;
	struct bd_drop_totals *totals = folder->set.totals;
	struct bd_set_told told = { .source = folder->source->source, .at_ms = bd_clock_wall_ms() };
	enum bd_code code;

	while (totals != NULL && (totals->is_told || !is_concluded(folder, totals))) {
		totals = totals->next;
	}
	file->drop = totals != NULL ? find_drop(folder, totals->name) : NULL;
	if (file->drop == NULL || file->drop->retry_ms > bd_clock_monotonic_ms()) {
		return false;
	}
	file->totals = totals;
	told.file = totals->name;
	told.day = totals->day;
	told.totals = &totals->totals;
	bd_buf_clear(&file->json);
	bd_buf_clear(&file->note);
	code = bd_set_told_json(&file->json, &told);
	code = code == BD_OK ? bd_set_told_text(&file->note, &told) : code;
	if (code != BD_OK) {
		totals->is_told = true;
		file->totals = NULL;
		return false;
	}
	bd_log(BD_LOG_INFO, "folders", "set", "%s/%s: %s", folder->source->source,
		folder->plan->name,
		bd_set_told_is_good(&told) ? "all totals agree" : "not all totals agree");
	put(folder, bd_set_told_is_good(&told));
	return true;
}
