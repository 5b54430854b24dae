/* report.c - what people ask of the store: messages, rejects, the state of feeds, counts, and a
 * canonical dump. */
#include "base/limits.h"
#include "store/env.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* The plain text of a message, in the reader's buffer until the next one is opened. */
static enum bd_code open_message(struct bd_bytes *out, struct bd_store_reader *reader,
	const MDB_val *name, const MDB_val *value, struct bd_diag *diag)
{
	enum bd_code code;

	if (value->mv_size < 8) {
		return bd_fail(diag, BD_STORE_DAMAGED, "a message");
	}
	bd_buf_clear(&reader->plain);
	reader->plain.max = (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES;
	code = bd_seal_open(reader->seal, &reader->plain, reader->store->message_salt,
		(struct bd_bytes){ name->mv_data, name->mv_size },
		(struct bd_bytes){ (char *)value->mv_data + 8, value->mv_size - 8 });
	*out = bd_buf_bytes(&reader->plain);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a message");
}

/* Texts in the arena; *rejects, each sized and packed, stays where the plain text is. */
static enum bd_code read_message(struct bd_message *out, struct bd_bytes *rejects,
	const MDB_val *name, struct bd_bytes plain, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_reader parts = bd_reader_of((struct bd_bytes){ name->mv_data, name->mv_size });

	out->message = bd_read_u64(&parts);
	parts = bd_reader_of(plain);
	out->source = bd_arena_text(arena, bd_read_sized(&parts));
	out->feed = bd_arena_text(arena, bd_read_sized(&parts));
	bd_read_sized(&parts); /* sender */
	out->received_ms = (int64_t)bd_read_u64(&parts);
	out->received = bd_read_u64(&parts);
	out->accepted = bd_read_u64(&parts);
	out->unchanged = bd_read_u64(&parts);
	out->rejected = bd_read_u64(&parts);
	*rejects = bd_read_sized(&parts);
	return parts.ok && out->source != NULL && out->feed != NULL
		       ? BD_OK
		       : bd_fail(diag, BD_STORE_DAMAGED, "a message");
}

static void message_name(char room[8], uint64_t message)
{
	for (int i = 0; i < 8; i++) {
		room[i] = (char)(message >> (8 * (7 - i)));
	}
}

enum bd_code bd_store_message(struct bd_message *out, struct bd_store_reader *reader,
	uint64_t message, struct bd_arena *arena, struct bd_diag *diag)
{
	char room[8];
	MDB_val name = { sizeof(room), room }, value;
	struct bd_bytes plain = { NULL, 0 }, rejects;
	enum bd_code code;
	int result;

	message_name(room, message);
	result = mdb_get(reader->txn, reader->store->messages, &name, &value);
	if (result == MDB_NOTFOUND) {
		return bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "message");
	}
	code = open_message(&plain, reader, &name, &value, diag);
	return code == BD_OK ? read_message(out, &rejects, &name, plain, arena, diag) : code;
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
	struct bd_bytes plain = { NULL, 0 }, rejects;
	struct bd_message message;
	struct bd_reader parts;
	enum bd_code code = open_message(&plain, reader, name, value, list->diag);

	parts = bd_reader_of(plain);
	if (code != BD_OK || !bd_bytes_is(bd_read_sized(&parts), query->source)) {
		return code;
	}
	code = read_message(&message, &rejects, name, plain, list->arena, list->diag);
	return code == BD_OK ? list_message(list, &message, rejects,
				       message.message == query->message ? query->skip : 0)
			     : code;
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
	return BD_OK;
}

/* -- the dump -- */

struct lines {
	struct bd_bytes *items;
	size_t count, cap;
	struct bd_arena *arena;
	struct bd_buf line;
};

static enum bd_code add_identifier(struct bd_buf *line, const struct bd_identifier *identifier)
{
	enum bd_code code = bd_buf_printf(line, " %u:", identifier->kind);

	code = code == BD_OK ? bd_buf_add(line, identifier->issuer) : code;
	code = code == BD_OK ? bd_buf_add_byte(line, ':') : code;
	return code == BD_OK ? bd_buf_add(line, identifier->number) : code;
}

static enum bd_code end_line(struct lines *lines)
{
	if (lines->count == lines->cap) {
		size_t cap = lines->cap == 0 ? 256 : lines->cap * 2;
		struct bd_bytes *items = realloc(lines->items, cap * sizeof(*items));

		if (items == NULL) {
			return BD_NO_MEMORY;
		}
		lines->items = items;
		lines->cap = cap;
	}
	lines->items[lines->count] = bd_arena_copy(lines->arena, bd_buf_bytes(&lines->line));
	return lines->items[lines->count++].ptr != NULL ? BD_OK : bd_arena_code(lines->arena);
}

static enum bd_code begin_line(struct lines *lines, const struct bd_node *node, const char *what)
{
	bd_buf_clear(&lines->line);
	if (node->identifier_count > 0) {
		enum bd_code code = add_identifier(&lines->line, &node->identifiers[0]);

		if (code != BD_OK) {
			return code;
		}
	}
	return bd_buf_printf(&lines->line, " %s", what);
}

static enum bd_code dump_value(struct lines *lines, const struct bd_node *node,
	const struct bd_node_row *row, uint16_t field, const struct bd_node_value *value)
{
	enum bd_code code = begin_line(lines, node, "value ");

	code = code == BD_OK ? bd_buf_add(&lines->line, row->source) : code;
	code = code == BD_OK ? bd_buf_add_byte(&lines->line, ' ') : code;
	code = code == BD_OK ? bd_buf_add(&lines->line, row->section) : code;
	code = code == BD_OK ? bd_buf_printf(&lines->line, " %u [", row->entity) : code;
	code = code == BD_OK ? bd_buf_add(&lines->line, row->key) : code;
	if (code == BD_OK && value != NULL) {
		code = bd_buf_printf(&lines->line, "] %u %u = ", field,
			value->value.flags & ~(unsigned)BD_VALUE_NORMALIZED);
		code = code == BD_OK ? bd_buf_add(&lines->line, value->value.text) : code;
	}
	return code == BD_OK ? end_line(lines) : code;
}

static enum bd_code dump_node(
	struct lines *lines, struct bd_store_reader *reader, const struct bd_node *node)
{
	enum bd_code code = BD_OK;

	for (size_t i = 1; i < node->identifier_count && code == BD_OK; i++) {
		code = begin_line(lines, node, "alias");
		code = code == BD_OK ? add_identifier(&lines->line, &node->identifiers[i]) : code;
		code = code == BD_OK ? end_line(lines) : code;
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL && code == BD_OK;
		marker = marker->next) {
		code = begin_line(lines, node, "told ");
		code = code == BD_OK ? bd_buf_add(&lines->line, marker->source) : code;
		code = code == BD_OK ? bd_buf_add_byte(&lines->line, ' ') : code;
		code = code == BD_OK ? bd_buf_add(&lines->line, marker->section) : code;
		code = code == BD_OK ? bd_buf_printf(&lines->line, " %u", marker->entity) : code;
		code = code == BD_OK ? end_line(lines) : code;
	}
	for (const struct bd_node_row *row = node->rows; row != NULL && code == BD_OK;
		row = row->next) {
		if (!bd_node_row_is_seen(node, row) ||
			row->message < bd_snapshot_mark(reader->store, reader->txn, row->source,
					       row->section)) {
			continue;
		}
		code = dump_value(lines, node, row, 0, NULL);
		for (const struct bd_node_field *field = row->fields; field != NULL;
			field = field->next) {
			for (const struct bd_node_value *value = field->values;
				value != NULL && code == BD_OK && bd_node_field_is_seen(row, field);
				value = value->next) {
				code = dump_value(lines, node, row, field->number, value);
			}
		}
	}
	return code;
}

static int compare_lines(const void *a, const void *b)
{
	return bd_bytes_compare(*(const struct bd_bytes *)a, *(const struct bd_bytes *)b);
}

enum bd_code bd_store_dump(struct bd_buf *out, struct bd_store_reader *reader,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct lines lines = { .arena = arena };
	enum bd_code code = BD_OK;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(reader->txn, reader->store->nodes, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "dump");
	}
	bd_buf_init(&lines.line, BD_NODE_MAX_BYTES);
	while (code == BD_OK && (result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct bd_node node;
		uint64_t slot;
		bool found;

		code = bd_node_load(&node, &slot, &found, reader->store, reader->txn, reader->seal,
			key.mv_data, arena, diag);
		if (code == BD_OK && found) {
			code = dump_node(&lines, reader, &node);
		}
	}
	mdb_cursor_close(cursor);
	if (lines.count > 1) {
		qsort(lines.items, lines.count, sizeof(*lines.items), compare_lines);
	}
	for (size_t i = 0; i < lines.count && code == BD_OK; i++) {
		code = bd_buf_add(out, lines.items[i]);
		code = code == BD_OK ? bd_buf_add_byte(out, '\n') : code;
	}
	free(lines.items);
	bd_buf_release(&lines.line);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "dump");
}
