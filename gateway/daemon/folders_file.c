#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/folders_parts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PIECE_BYTES 262144
#define ARENA_BYTES 16777216

/* What has nothing to do with the file: it is tried again. Else the file is what it is. */
static bool is_for_now(enum bd_code code)
{
	static const enum bd_code codes[] = { BD_INTERNAL, BD_NO_MEMORY, BD_IO, BD_DISK_FULL,
		BD_WORKER_DIED, BD_WORKER_START, BD_LIMIT_TIME, BD_IDEMPOTENCY_RUNNING,
		BD_STORE_SYNC, BD_TRAIL_UNAVAILABLE, BD_FOLDER_CHANGED, BD_FOLDER_OPEN,
		BD_FOLDER_MOVE, BD_BUSY, BD_DRAINING };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == code) {
			return true;
		}
	}
	return false;
}

void bd_folder_let_go(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;

	if (file->is_taking) {
		bd_taking_close(&file->taking);
		file->is_taking = false;
	}
	if (file->fd >= 0) {
		close(file->fd);
		file->fd = -1;
	}
}

void bd_folder_put_off(struct bd_folder *folder, const struct bd_diag *diag)
{
	struct bd_drop *drop = folder->file.drop;

	bd_folder_let_go(folder);
	if (diag->code != BD_DRAINING) {
		/* Once, not each time that it is tried. */
		if (drop->hold != diag->code) {
			bd_log(BD_LOG_WARNING, "folders", bd_code_info(diag->code)->text,
				"%s/%s: %s; tried again", folder->source->source,
				folder->plan->name, diag->detail);
		}
		bd_drop_put_off(drop, diag->code, bd_clock_monotonic_ms());
		bd_folder_publish(folder, diag->code);
		folder->is_list_wanted |= diag->code == BD_FOLDER_CHANGED;
	}
	bd_folder_go_on(folder);
}

/* -- taken -- */

static void on_done(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	struct bd_folder *folder = CONTAINER(struct bd_folder, file.taking, taking);
	bool is_repeat = taking->entry.is_repeat;

	if (receipt != NULL) {
		bd_folder_tell(folder, receipt, is_repeat, NULL);
	} else if (is_repeat && diag->code == BD_RECEIPT_UNKNOWN) {
		/* So long ago that its receipt is not kept. */
		bd_folder_tell(folder, NULL, true, NULL);
	} else if (is_for_now(diag->code)) {
		const struct bd_diag kept = *diag;

		bd_folder_put_off(folder, &kept);
	} else {
		bd_folder_refuse(folder, diag);
	}
}

static void on_read(uv_fs_t *read);

static void read_next(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;
	uv_buf_t room = uv_buf_init(file->piece, PIECE_BYTES);

	file->is_reading = true;
	folder->read.data = folder;
	uv_fs_read(&folder->all->loop->uv, &folder->read, file->fd, &room, 1, file->at, on_read);
}

static void on_room(struct bd_taking *taking)
{
	struct bd_folder *folder = CONTAINER(struct bd_folder, file.taking, taking);

	if (!folder->file.is_reading) {
		read_next(folder);
	}
}

static const struct bd_taking_ops taking_ops = { on_room, NULL, on_done };

static void on_read(uv_fs_t *read)
{
	struct bd_folder *folder = read->data;
	struct bd_folder_file_state *file = &folder->file;
	ssize_t got = read->result;
	struct bd_diag diag = { .code = BD_OK };

	uv_fs_req_cleanup(read);
	file->is_reading = false;
	if (folder->all->is_draining) {
		diag.code = BD_DRAINING;
		bd_folder_put_off(folder, &diag);
	} else if (got < 0) {
		bd_fail(&diag, BD_IO, "%s", uv_strerror((int)got));
		bd_folder_put_off(folder, &diag);
	} else if (got == 0) {
		bd_taking_end(&file->taking);
	} else {
		file->at += got;
		if (bd_taking_give(&file->taking, (struct bd_bytes){ file->piece, (size_t)got }) ==
			BD_TAKING_MORE) {
			read_next(folder);
		}
	}
}

static bool is_gzip(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcasecmp(name + len - 3, ".gz") == 0;
}

/* What is the same file: bytes, feed and day. */
static void make_key(char key[BD_TAKING_KEY_MAX_BYTES + 1], const struct bd_folder *folder)
{
	const struct bd_folder_file_state *file = &folder->file;
	char hex[BD_DIGEST_BYTES * 2 + 1], day[11] = "-";

	bd_hex(hex, file->sha256, sizeof(file->sha256));
	if (file->drop->day != INT32_MIN) {
		bd_day_format(day, file->drop->day);
	}
	snprintf(key, BD_TAKING_KEY_MAX_BYTES + 1, "%u/%s/%s", bd_folder_kind(folder)->feed->number,
		day, hex);
}

static void fill_request(struct bd_folder *folder, const struct bd_total *total)
{
	struct bd_folder_file_state *file = &folder->file;
	struct bd_taking_request *request = &file->taking.request;

	request->plan = folder->source;
	request->feed = bd_folder_kind(folder)->feed;
	request->sender = &folder->sender;
	request->caller.client = bd_bytes_of(folder->sender.name);
	request->is_gzip = is_gzip(file->drop->seen.name);
	request->max_bytes = folder->plan->max_bytes;
	request->sha256 = file->sha256;
	request->is_once = true;
	request->delivery.day = file->drop->day;
	if (total != NULL) {
		request->delivery.has_total = true;
		request->delivery.total = total->rows;
		request->delivery.is_baseline = total->is_full;
	}
	make_key(request->key, folder);
}

static void take(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;
	const struct bd_total *total = bd_folder_total(folder, file->drop);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	if (folder->plan->totals != NULL && file->drop->day != INT32_MIN && total == NULL) {
		bd_fail(&diag, BD_FOLDER_UNLISTED, "%s", "");
		bd_folder_refuse(folder, &diag);
		return;
	}
	folder->step = BD_FOLDER_TAKING;
	file->at = 0;
	file->piece = file->piece != NULL ? file->piece : malloc(PIECE_BYTES);
	memset(&file->taking, 0, sizeof(file->taking));
	file->is_taking = true;
	code = bd_taking_open(&file->taking, &taking_ops, folder->all->loop);
	code = file->piece == NULL ? BD_NO_MEMORY : code;
	if (code == BD_OK) {
		fill_request(folder, total);
		code = bd_taking_may_begin(&file->taking, &diag);
	}
	if (code != BD_OK) {
		bd_fail(&diag, code, "%s", "");
		bd_folder_put_off(folder, &diag);
		return;
	}
	read_next(folder);
}

/* -- taken already? -- */

/* The writer's thread. */
static enum bd_code ask_work(struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_folder *folder = CONTAINER(struct bd_folder, file.asked, write);

	return bd_store_find_repeat(store, &folder->file.known, diag);
}

static void tell_repeat(struct bd_folder *folder)
{
	struct bd_loop *loop = folder->all->loop;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_receipt receipt;
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, ARENA_BYTES);
	code = bd_receipt_read(
		&receipt, loop, &folder->sender, folder->file.known.message, &arena, &diag);
	if (code == BD_OK || code == BD_RECEIPT_UNKNOWN) {
		/* So long ago perhaps that its receipt is not kept. */
		bd_folder_tell(folder, code == BD_OK ? &receipt : NULL, true, NULL);
	} else {
		bd_folder_put_off(folder, &diag);
	}
	bd_arena_release(&arena);
}

static void on_asked(struct bd_letter *letter)
{
	struct bd_folder *folder = CONTAINER(struct bd_folder, file.asked.letter, letter);
	struct bd_folder_file_state *file = &folder->file;
	struct bd_diag diag = file->asked.diag;

	diag.code = file->asked.code != BD_OK ? file->asked.code : file->known.code;
	if (folder->all->is_draining) {
		diag.code = BD_DRAINING;
	}
	if (diag.code != BD_OK) {
		bd_folder_put_off(folder, &diag);
	} else if (file->known.is_repeat) {
		tell_repeat(folder);
	} else {
		take(folder);
	}
}

/* Before a worker reads it once more. */
static void ask(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;

	folder->step = BD_FOLDER_ASKING;
	make_key(file->key, folder);
	file->known = (struct bd_entry){ .source = folder->source->source,
		.feed = bd_folder_kind(folder)->feed->name,
		.sender = folder->sender.name,
		.received_ms = bd_clock_wall_ms(),
		.idempotency_key = bd_bytes_of(file->key) };
	memcpy(file->known.body_sha256, file->sha256, sizeof(file->sha256));
	file->asked = (struct bd_write){ .letter = { .deliver = on_asked },
		.home = &folder->all->loop->mailbox,
		.work = ask_work };
	bd_writer_post(folder->all->loop->daemon->writer, &file->asked);
}

/* -- opened -- */

/* thread: which of the files that the totals name are done with, by their receipts. */
static void look_for_receipts(struct bd_folder *folder)
{
	const struct bd_folder_plan *plan = folder->plan;
	struct bd_drop_totals *totals = folder->file.totals;
	int64_t since_ns = totals->mark.changed_ns;

	totals->is_told = bd_drop_is_there(plan->done, totals->name, BD_RECEIPT_JSON, since_ns) ||
			  bd_drop_is_there(plan->failed, totals->name, BD_RECEIPT_JSON, since_ns);
	for (size_t i = 0; i < totals->totals.count; i++) {
		struct bd_total *total = &totals->totals.items[i];

		if (bd_drop_is_there(plan->done, total->name, BD_RECEIPT_JSON, since_ns)) {
			total->state = BD_TOTAL_AGREED;
		} else if (bd_drop_is_there(plan->failed, total->name, BD_RECEIPT_JSON, since_ns)) {
			total->state = BD_TOTAL_FAILED;
		}
	}
}

/* thread */
static enum bd_code read_totals(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;
	enum bd_code code;

	bd_buf_clear(&file->text);
	code = bd_drop_read(&file->text, file->fd, &folder->diag);
	code = code == BD_OK ? bd_totals_read(&file->totals->totals, bd_buf_bytes(&file->text),
				       &file->totals->arena, &folder->diag)
			     : code;
	if (code == BD_OK) {
		look_for_receipts(folder);
	}
	return code;
}

/* thread */
static enum bd_code read_digest(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;
	uint8_t stated[BD_DIGEST_BYTES];
	bool is_stated = false;
	enum bd_code code = bd_drop_digest(file->sha256, file->fd, &folder->is_over, &folder->diag);

	if (code == BD_OK && folder->plan->done_suffix != NULL) {
		bd_drop_stated(stated, &is_stated, folder->plan->path, file->drop->seen.name,
			folder->plan->done_suffix);
	}
	return !is_stated || memcmp(stated, file->sha256, sizeof(stated)) == 0
		       ? code
		       : bd_fail(&folder->diag, BD_FOLDER_DIGEST, "%s", "");
}

/* thread */
static void open_work(uv_work_t *work)
{
	struct bd_folder *folder = work->data;
	struct bd_folder_file_state *file = &folder->file;

	if (bd_drop_open(&file->fd, folder->plan->path, &file->drop->seen, &folder->diag) !=
		BD_OK) {
		return;
	}
	if (file->totals != NULL) {
		read_totals(folder);
	} else {
		read_digest(folder);
	}
}

static void free_totals(struct bd_drop_totals *totals)
{
	if (totals != NULL) {
		bd_arena_release(&totals->arena);
		free(totals);
	}
}

static void after_open(uv_work_t *work, int status)
{
	struct bd_folder *folder = work->data;
	struct bd_folder_file_state *file = &folder->file;
	struct bd_drop_totals *totals = file->totals;

	(void)status;
	file->totals = NULL;
	if (folder->diag.code != BD_OK) {
		free_totals(totals);
		if (is_for_now(folder->diag.code)) {
			bd_folder_put_off(folder, &folder->diag);
		} else {
			bd_folder_refuse(folder, &folder->diag);
		}
	} else if (totals != NULL) {
		totals->next = folder->set.totals;
		folder->set.totals = totals;
		file->drop->state = BD_DROP_SETTLED;
		bd_folder_let_go(folder);
		bd_folder_go_on(folder);
	} else {
		ask(folder);
	}
}

void bd_folder_begin(struct bd_folder *folder, struct bd_drop *drop)
{
	struct bd_folder_file_state *file = &folder->file;
	struct bd_diag diag = { .code = drop->code };

	file->drop = drop;
	file->totals = NULL;
	if (drop->state == BD_DROP_REFUSED) {
		bd_folder_refuse(folder, &diag);
		return;
	}
	if (drop->file == BD_DROP_TOTALS) {
		file->totals = calloc(1, sizeof(*file->totals));
		if (file->totals == NULL) {
			diag.code = BD_NO_MEMORY;
			bd_folder_put_off(folder, &diag);
			return;
		}
		bd_arena_init(&file->totals->arena, ARENA_BYTES);
		file->totals->mark = drop->seen.mark;
		file->totals->day = drop->day;
		snprintf(file->totals->name, sizeof(file->totals->name), "%s", drop->seen.name);
	}
	bd_folder_work(folder, BD_FOLDER_OPENING, open_work, after_open);
}

/* -- the end -- */

bool bd_folder_give_up(struct bd_folder *folder)
{
	struct bd_folder_file_state *file = &folder->file;

	if (folder->step == BD_FOLDER_IDLE) {
		return true;
	}
	if (folder->step != BD_FOLDER_TAKING || file->is_reading ||
		file->taking.state == BD_TAKING_WRITING) {
		return false;
	}
	bd_folder_let_go(folder);
	return true;
}
