/* report.c - what people ask of the store: messages, rejects, the state of feeds, counts. */
#include "base/limits.h"
#include "store/env.h"
#include "store/journal.h"
#include "store/kept.h"
#include "store/long_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* The plain text of a message, in the reader's buffer until the next one is opened. */
static enum bd_code open_message(struct bd_bytes *out, struct bd_store_reader *reader,
	const MDB_val *name, const MDB_val *value, struct bd_diag *diag)
{
	enum bd_code code;

	bd_buf_clear(&reader->plain);
	reader->plain.max = (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES;
	code = bd_kept_open(&reader->plain, reader->seal, reader->store, false,
		(struct bd_bytes){ name->mv_data, name->mv_size },
		(struct bd_bytes){ value->mv_data, value->mv_size });
	*out = bd_buf_bytes(&reader->plain);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a message");
}

/* As accept.c keeps it. Texts in the arena; *rejects, each sized and packed, stays where the plain
 * text is. */
static enum bd_code read_head(struct bd_journal_entry *out, uint64_t *unchanged,
	struct bd_bytes plain, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_kept_unpack(out, unchanged, plain, arena);

	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a message");
}

static void tell_message(struct bd_message *out, const struct bd_entry *entry, uint64_t unchanged)
{
	*out = (struct bd_message){ entry->message, entry->source, entry->feed, entry->received_ms,
		entry->received, entry->accepted, unchanged, entry->rejected };
}

static void message_name(char room[8], uint64_t message)
{
	for (int i = 0; i < 8; i++) {
		room[i] = (char)(message >> (8 * (7 - i)));
	}
}

enum bd_code bd_journal_head(struct bd_journal_entry *out, uint64_t *unchanged,
	struct bd_store_reader *reader, uint64_t number, struct bd_arena *arena,
	struct bd_diag *diag)
{
	char room[8];
	MDB_val name = { sizeof(room), room }, value;
	struct bd_bytes plain = { NULL, 0 };
	enum bd_code code;
	int result;

	message_name(room, number);
	result = mdb_get(reader->txn, reader->store->messages, &name, &value);
	if (result == MDB_NOTFOUND) {
		return bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "message");
	}
	code = open_message(&plain, reader, &name, &value, diag);
	return code == BD_OK ? read_head(out, unchanged, plain, arena, diag) : code;
}

enum bd_code bd_store_message(struct bd_message *out, struct bd_store_reader *reader,
	uint64_t message, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_journal_entry journal;
	uint64_t unchanged;
	enum bd_code code = bd_journal_head(&journal, &unchanged, reader, message, arena, diag);

	if (code == BD_OK && journal.kind != BD_JOURNAL_MESSAGE) {
		code = bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	if (code == BD_OK) {
		tell_message(out, &journal.entry, unchanged);
	}
	return code;
}

/* -- rejects -- */

struct listing {
	struct bd_reject_page *page;
	struct bd_kept_reject *items;
	const struct bd_reject_query *query;
	struct bd_arena *arena;
	struct bd_diag *diag;
};

static void go_on_at(struct bd_reject_page *page, uint64_t message, uint64_t skip)
{
	page->has_more = true;
	page->next_message = message;
	page->next_skip = skip;
}

/* The rejects of one message from `skip` on, until the page is full. */
static enum bd_code list_message(struct listing *list, const struct bd_message *message,
	struct bd_bytes rejects, uint64_t skip)
{
	struct bd_reader parts = bd_reader_of(rejects);

	for (uint64_t number = 0; parts.rest.len > 0; number++) {
		struct bd_bytes packed = bd_read_sized(&parts);
		struct bd_kept_reject *item = &list->items[list->page->count];
		enum bd_code code;

		if (number < skip && parts.ok) {
			continue;
		}
		if (list->page->count == list->query->max) {
			go_on_at(list->page, message->message, number);
			return BD_OK;
		}
		*item = (struct bd_kept_reject){ message->message, message->feed,
			message->received_ms, { .section = "" } };
		code = parts.ok ? bd_reject_unpack(&item->reject, packed, list->arena)
				: BD_STORE_DAMAGED;
		if (code != BD_OK) {
			return bd_fail(list->diag, code, "a reject");
		}
		/* They point into what the next message is opened over. */
		item->reject.raw = (struct bd_bytes){ NULL, 0 };
		item->reject.subject_count = 0;
		list->page->count++;
	}
	return BD_OK;
}

static enum bd_code list_if_of_source(struct listing *list, struct bd_store_reader *reader,
	const MDB_val *name, const MDB_val *value)
{
	const struct bd_reject_query *query = list->query;
	struct bd_bytes plain = { NULL, 0 };
	struct bd_journal_entry journal;
	struct bd_message message;
	struct bd_bytes source = { "", 0 };
	uint64_t unchanged;
	enum bd_code code = open_message(&plain, reader, name, value, list->diag);

	if (code == BD_OK) {
		code = bd_kept_source(&source, plain);
		code = code == BD_OK ? BD_OK : bd_fail(list->diag, code, "a message");
	}
	if (code != BD_OK || !bd_bytes_is(source, query->source)) {
		return code;
	}
	code = read_head(&journal, &unchanged, plain, list->arena, list->diag);
	if (code != BD_OK) {
		return code;
	}
	tell_message(&message, &journal.entry, unchanged);
	return list_message(list, &message, journal.entry.rejects,
		message.message == query->message ? query->skip : 0);
}

static enum bd_code list_from(
	struct listing *list, struct bd_store_reader *reader, MDB_cursor *cursor, uint64_t first)
{
	const struct bd_reject_query *query = list->query;
	char room[8];
	MDB_val name = { sizeof(room), room }, value;
	int result;

	message_name(room, first);
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	for (size_t looked_at = 0; result == 0 && !list->page->has_more; looked_at++) {
		struct bd_reader number = bd_reader_of((struct bd_bytes){ name.mv_data, 8 });
		uint64_t message = bd_read_u64(&number);
		enum bd_code code;

		if (query->only_message != 0 && message != query->only_message) {
			return BD_OK;
		}
		if (looked_at == BD_REJECTS_SCAN_MAX) {
			go_on_at(list->page, message, 0);
			return BD_OK;
		}
		code = list_if_of_source(list, reader, &name, &value);
		if (code != BD_OK) {
			return code;
		}
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_store_fail(list->diag, result, "rejects");
}

enum bd_code bd_store_rejects(struct bd_reject_page *out, struct bd_store_reader *reader,
	const struct bd_reject_query *query, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_reject_page page = { .items = NULL };
	struct listing list = { &page, bd_arena_alloc(arena, query->max, sizeof(*list.items)),
		query, arena, diag };
	uint64_t first =
		query->only_message > query->message ? query->only_message : query->message;
	enum bd_code code;
	MDB_cursor *cursor;
	int result;

	if (list.items == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	result = mdb_cursor_open(reader->txn, reader->store->messages, &cursor);
	if (result != 0) {
		return bd_store_fail(diag, result, "rejects");
	}
	code = list_from(&list, reader, cursor, first);
	mdb_cursor_close(cursor);
	page.items = list.items;
	if (code == BD_OK) {
		*out = page;
	}
	return code;
}

enum bd_code bd_store_states(const struct bd_feed_state **out, size_t *count,
	struct bd_store_reader *reader, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_covers *covers = reader->covers;
	struct bd_feed_state *list = bd_arena_alloc(arena, covers->count, sizeof(*list));
	struct bd_feed_coverage *feed = bd_arena_alloc(arena, 1, sizeof(*feed));

	*out = list;
	*count = 0;
	if (list == NULL || feed == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	for (size_t i = 0; i < covers->count; i++) {
		const struct bd_cover *cover = &covers->items[i];
		char room[400];
		struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
		MDB_val key, value;
		enum bd_code code = bd_coverage_name(
			&name, "feed", bd_bytes_of(cover->source), bd_bytes_of(cover->feed));

		memset(feed, 0, sizeof(*feed));
		key = (MDB_val){ name.len, name.ptr };
		if (code == BD_OK &&
			mdb_get(reader->txn, reader->store->coverage, &key, &value) == 0) {
			code = bd_feed_coverage_unpack(
				feed, (struct bd_bytes){ value.mv_data, value.mv_size });
		}
		if (code != BD_OK) {
			return bd_fail(diag, code, "coverage");
		}
		list[(*count)++] = (struct bd_feed_state){ .source = cover->source,
			.feed = cover->feed,
			.section = cover->section,
			.entity = cover->entity,
			.state = cover->cycle != NULL ? bd_feed_coverage_state(feed)
				 : feed->messages > 0 && cover->is_subject ? BD_COVERAGE_SUBJECT
									   : BD_COVERAGE_NONE,
			.complete_through_ms = bd_feed_coverage_through(feed, cover->cycle),
			.last_received_ms = feed->last_received_ms,
			.messages = feed->messages,
			.records = feed->records,
			.rejects = feed->rejects };
	}
	return BD_OK;
}

static enum bd_code count_long(
	struct bd_store_counts *out, struct bd_store_reader *reader, struct bd_diag *diag)
{
	struct bd_long_known *known = NULL;
	size_t count = 0;
	enum bd_code code = bd_long_list(&known, &count, reader->store, reader->txn, diag);

	for (size_t i = 0; code == BD_OK && i < count; i++) {
		out->long_running += !known[i].is_failed;
		out->long_failed += known[i].is_failed;
	}
	free(known);
	return code;
}

enum bd_code bd_store_counts(
	struct bd_store_counts *out, struct bd_store_reader *reader, struct bd_diag *diag)
{
	struct bd_store *store = reader->store;
	struct statvfs status;
	MDB_envinfo info;
	MDB_stat stat;
	int result = mdb_stat(reader->txn, store->nodes, &stat);

	memset(out, 0, sizeof(*out));
	if (result != 0) {
		return bd_store_fail(diag, result, "counts");
	}
	out->subjects = stat.ms_entries;
	if (mdb_stat(reader->txn, store->messages, &stat) == 0) {
		out->messages = stat.ms_entries;
	}
	if (mdb_env_info(store->env, &info) == 0) {
		out->map_used_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
	}
	if (statvfs(store->folder, &status) == 0) {
		out->free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	}
	return count_long(out, reader, diag);
}
