/* load_store.c - what was read into the store, file by file in the order of the list. */
#include "base/clock.h"
#include "base/limits.h"
#include "daemon/load_parts.h"
#include "store/cases.h"
#include "store/pairs.h"
#include "store/watches.h"
#include "trail/event.h"

#include <stddef.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define EVENT_MAX_BYTES 4096

/* -- the trail -- */

static enum bd_code enter(const struct bd_load *load, const struct bd_loading *at,
	const char *status, struct bd_diag *diag)
{
	const struct bd_load_file *file = at->file;
	struct bd_trail_log *log = bd_trail_log(load->trail, 0);
	struct bd_trail_event event = { .caller = { .client = bd_bytes_of(BD_LOAD_SENDER),
						.operator_name = bd_bytes_of(load->order->who) },
		.status = bd_bytes_of(status),
		.source = bd_bytes_of(file->source),
		.feed = bd_bytes_of(file->feed),
		.message = file->message,
		.received = file->received,
		.accepted = file->accepted,
		.rejected = file->rejected,
		.code = bd_bytes_of(bd_code_info(BD_OK)->text) };
	struct bd_trail_id id;
	struct bd_buf payload;
	enum bd_code code = bd_hmac_of(load->digest,
		(struct bd_bytes){ (const char *)at->sha256, sizeof(at->sha256) }, event.body);

	bd_buf_init(&payload, EVENT_MAX_BYTES);
	code = code == BD_OK ? bd_trail_event_pack(&payload, &event) : code;
	code = code == BD_OK ? bd_trail_append(&id, log, BD_TRAIL_PUSH,
				       bd_trail_time(NULL, log, bd_clock_wall_ms()),
				       bd_buf_bytes(&payload), diag)
			     : code;
	code = code == BD_OK ? bd_trail_flush(log, diag) : code;
	bd_buf_release(&payload);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "an entry of the trail");
}

/* -- a file that is one message -- */

static uint64_t bytes_before(const struct bd_load *load, const struct bd_loading *at)
{
	uint64_t bytes = 0;

	for (const struct bd_loading *item = load->files; item < at; item++) {
		bytes += item->file->bytes;
	}
	return bytes;
}

static enum bd_code store_whole(struct bd_load *load, struct bd_loading *at, struct bd_diag *diag)
{
	struct bd_load_file *file = at->file;
	struct bd_entry entry, *done = NULL;
	enum bd_code code;

	bd_load_entry(&entry, load, at);
	bd_load_entry_result(&entry, &at->result);
	entry.idempotency_key = bd_bytes_of(at->key);
	entry.rejects = bd_buf_bytes(&at->rejects);
	entry.spool = at->spool;
	memcpy(entry.body_sha256, at->sha256, sizeof(entry.body_sha256));
	code = bd_store_take(load->store, &entry, diag);
	while (code == BD_OK && done == NULL) {
		code = bd_store_work(load->store, &done, diag);
		bd_load_show(load, BD_LOAD_STORES,
			bytes_before(load, at) +
				(uint64_t)(bd_store_work_share(load->store) * (double)file->bytes));
	}
	if (code == BD_OK && entry.code != BD_OK) {
		code = entry.code;
		*diag = entry.diag;
	}
	file->unchanged = entry.unchanged;
	file->message = entry.message;
	file->is_repeat = entry.is_repeat;
	file->messages = 1;
	return code;
}

/* -- a file with a message a line -- */

struct counting {
	struct bd_bulk_watch watch;
	struct bd_load_file *file;
	uint64_t done;
};

static void on_committed(struct bd_bulk_watch *self, uint64_t number, const struct bd_entry *entry)
{
	struct counting *counting = CONTAINER(struct counting, watch, self);
	struct bd_load_file *file = counting->file;

	counting->done++;
	if (entry->code != BD_OK) {
		bd_load_note_refused(file, number, entry->code);
		return;
	}
	file->messages++;
	file->accepted += entry->accepted;
	file->rejected += entry->rejected;
	file->unchanged += entry->is_repeat ? 0 : entry->unchanged;
	file->message = entry->message > file->message ? entry->message : file->message;
}

static enum bd_code store_lines(struct bd_load *load, struct bd_loading *at, struct bd_diag *diag)
{
	struct counting counting = { .watch = { on_committed }, .file = at->file };
	struct bd_load_file *file = at->file;
	bool has_more = true;
	enum bd_code code = BD_OK;

	while (code == BD_OK && has_more) {
		code = bd_bulk_commit(&has_more, at->bulk, &counting.watch, diag);
		/* As many bytes as records, of those that were read. */
		bd_load_show(load, BD_LOAD_STORES,
			bytes_before(load, at) +
				(file->received > 0 ? (uint64_t)((double)file->bytes *
								 (double)counting.done /
								 (double)file->received)
						    : 0));
	}
	return code;
}

/* -- all -- */

/* Rows that a full export has no more, of whom somebody has asked about. */
static enum bd_code sweep(struct bd_load *load, struct bd_diag *diag)
{
	bool has_more = true;
	enum bd_code code = BD_OK;

	while (code == BD_OK && has_more) {
		code = bd_watch_sweep(load->store, &has_more, diag);
	}
	return code;
}

enum bd_code bd_load_store(struct bd_load *load, struct bd_diag *diag)
{
	enum bd_code code = bd_pairs_hold(load->store, diag);

	for (size_t i = 0; i < load->order->count && code == BD_OK; i++) {
		struct bd_loading *at = &load->files[i];

		if (at->file->is_repeat) {
			code = enter(load, at, "load.repeat", diag);
			continue;
		}
		code = enter(load, at, "load.begun", diag);
		if (code == BD_OK) {
			code = at->file->is_lines ? store_lines(load, at, diag)
						  : store_whole(load, at, diag);
		}
		if (code != BD_OK) {
			at->file->diag = *diag;
			at->file->diag.code = code;
		} else {
			code = enter(load, at, "load", diag);
		}
	}
	return code == BD_OK ? sweep(load, diag) : code;
}
