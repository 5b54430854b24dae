/* dump.c - all that is live as canonical sorted text, for tests. */
#include "base/limits.h"
#include "base/list.h"
#include "base/try.h"
#include "store/history.h"
#include "store/places.h"

#include <stdlib.h>
#include <string.h>

struct lines {
	struct bd_bytes *items;
	size_t count, cap;
	struct bd_arena *arena;
	struct bd_buf line;
};

static enum bd_code end_line(struct lines *lines)
{
	if (!bd_list_grow(&lines->items, &lines->cap, lines->count, 256, sizeof(*lines->items))) {
		return BD_NO_MEMORY;
	}
	lines->items[lines->count] = bd_arena_copy(lines->arena, bd_buf_bytes(&lines->line));
	return lines->items[lines->count++].ptr != NULL ? BD_OK : bd_arena_code(lines->arena);
}

static enum bd_code add_identifier(struct bd_buf *line, const struct bd_identifier *identifier)
{
	BD_TRY(bd_buf_printf(line, " %u:", identifier->kind));
	BD_TRY(bd_buf_add(line, identifier->issuer));
	BD_TRY(bd_buf_add_byte(line, ':'));
	return bd_buf_add(line, identifier->number);
}

static enum bd_code begin_line(struct lines *lines, const struct bd_node *node, const char *what)
{
	bd_buf_clear(&lines->line);
	BD_TRY(add_identifier(&lines->line, &node->self));
	return bd_buf_printf(&lines->line, " %s", what);
}

static enum bd_code add_place(
	struct bd_buf *line, struct bd_bytes source, struct bd_bytes section, uint16_t entity)
{
	BD_TRY(bd_buf_add_byte(line, ' '));
	BD_TRY(bd_buf_add(line, source));
	BD_TRY(bd_buf_add_byte(line, ' '));
	BD_TRY(bd_buf_add(line, section));
	return bd_buf_printf(line, " %u", entity);
}

static enum bd_code begin_row(struct lines *lines, const struct bd_node *node, const char *what,
	const struct bd_node_row *row)
{
	BD_TRY(begin_line(lines, node, what));
	BD_TRY(add_place(&lines->line, row->source, row->section, row->entity));
	BD_TRY(bd_buf_add_text(&lines->line, " ["));
	BD_TRY(bd_buf_add(&lines->line, row->key));
	return bd_buf_add_byte(&lines->line, ']');
}

static enum bd_code dump_row(
	struct lines *lines, const struct bd_node *node, const struct bd_node_row *row)
{
	struct bd_buf *line = &lines->line;

	BD_TRY(begin_row(lines, node, "row", row));
	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		BD_TRY(add_identifier(line, &name->identifier));
	}
	BD_TRY(end_line(lines));
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values; value != NULL;
			value = value->next) {
			BD_TRY(begin_row(lines, node, "value", row));
			BD_TRY(bd_buf_printf(line, " %u %u = ", field->number, value->value.flags));
			BD_TRY(bd_buf_add(line, value->value.text));
			BD_TRY(bd_buf_add_text(line, " <- "));
			BD_TRY(bd_buf_add(line, value->value.native));
			BD_TRY(end_line(lines));
		}
	}
	return BD_OK;
}

static enum bd_code dump_block(
	struct lines *lines, const struct bd_node *node, const struct bd_node_block *block)
{
	struct bd_buf *line = &lines->line;

	BD_TRY(begin_line(lines, node, "blocked"));
	BD_TRY(add_place(line, block->source, block->section, block->entity));
	BD_TRY(bd_buf_add_text(line, block->has_key ? " [" : " any"));
	BD_TRY(bd_buf_add(line, block->key));
	for (size_t i = 0; i < block->other_count; i++) {
		BD_TRY(add_identifier(line, &block->others[i]));
	}
	return end_line(lines);
}

/* A name by which nobody would find the node: never, in a store that is whole. */
static enum bd_code dump_lost(struct lines *lines, const struct bd_store_reader *reader,
	const struct bd_node *node, bool is_link, const struct bd_identifier *name)
{
	MDB_dbi dbi = is_link ? reader->store->links : reader->store->owners;
	uint8_t bytes[2 * BD_NODE_KEY_BYTES];
	MDB_val key = { sizeof(bytes), bytes }, value;

	BD_TRY(bd_seal_blind(reader->seal, name, bytes));
	BD_TRY(bd_seal_blind(reader->seal, &node->self, bytes + BD_NODE_KEY_BYTES));
	if (mdb_get(reader->txn, dbi, &key, &value) == 0) {
		return BD_OK;
	}
	BD_TRY(begin_line(lines, node, is_link ? "lost link" : "lost alias"));
	BD_TRY(add_identifier(&lines->line, name));
	return end_line(lines);
}

static enum bd_code dump_all_lost(
	struct lines *lines, const struct bd_store_reader *reader, const struct bd_node *node)
{
	for (size_t i = 1; i < node->identifier_count; i++) {
		BD_TRY(dump_lost(lines, reader, node, false, &node->identifiers[i]));
	}
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		for (const struct bd_node_name *name = row->others; name != NULL;
			name = name->next) {
			BD_TRY(dump_lost(lines, reader, node, true, &name->identifier));
		}
	}
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		for (size_t i = 0; i < block->other_count; i++) {
			BD_TRY(dump_lost(lines, reader, node, true, &block->others[i]));
		}
	}
	return BD_OK;
}

static enum bd_code dump_node(struct lines *lines, const struct bd_node *node)
{
	struct bd_buf *line = &lines->line;

	for (size_t i = 1; i < node->identifier_count; i++) {
		BD_TRY(begin_line(lines, node, "alias"));
		BD_TRY(add_identifier(line, &node->identifiers[i]));
		BD_TRY(end_line(lines));
	}
	for (const struct bd_node_marker *marker = node->markers; marker != NULL;
		marker = marker->next) {
		BD_TRY(begin_line(lines, node, "told"));
		BD_TRY(add_place(line, marker->source, marker->section, marker->entity));
		BD_TRY(end_line(lines));
	}
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		if (!block->is_over) {
			BD_TRY(dump_block(lines, node, block));
		}
	}
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (row->is_seen) {
			BD_TRY(dump_row(lines, node, row));
		}
	}
	return BD_OK;
}

static enum bd_code dump_nodes(struct lines *lines, struct bd_store_reader *reader,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_node_view view = { reader->store, reader->txn, reader->seal, &reader->marks,
		false, &reader->as_of, false };
	enum bd_code code = BD_OK;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(reader->txn, reader->store->nodes, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "dump");
	}
	while (code == BD_OK && (result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct bd_node node;
		uint64_t slot;
		bool found = false;

		code = key.mv_size == BD_PLACE_NAME_BYTES
			       ? bd_node_load(&node, &slot, &found, &view,
					 (const uint8_t *)key.mv_data + BD_PLACE_BYTES, arena, diag)
			       : BD_STORE_DAMAGED;
		if (code == BD_OK && found) {
			code = dump_node(lines, &node);
			code = code == BD_OK ? dump_all_lost(lines, reader, &node) : code;
		}
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == 0 || result == MDB_NOTFOUND
		       ? code
		       : bd_store_fail(diag, result, "dump");
}

static enum bd_code dump_feed(struct lines *lines, struct bd_bytes name, struct bd_bytes value)
{
	struct bd_feed_coverage *feed = bd_arena_alloc(lines->arena, 1, sizeof(*feed));
	struct bd_buf *line = &lines->line;

	if (feed == NULL) {
		return bd_arena_code(lines->arena);
	}
	BD_TRY(bd_feed_coverage_unpack(feed, value));
	bd_buf_clear(line);
	BD_TRY(bd_buf_add(line, name));
	for (size_t i = 0; i < line->len; i++) {
		line->ptr[i] = line->ptr[i] == '\0' ? ' ' : line->ptr[i];
	}
	if (feed->has_baseline) {
		BD_TRY(bd_buf_printf(line, " through %d", feed->complete_day));
	}
	for (size_t i = 0; i < feed->waiting_count; i++) {
		BD_TRY(bd_buf_printf(line, " waiting %d", feed->waiting[i]));
	}
	for (size_t i = 0; i < feed->blocked_count; i++) {
		BD_TRY(bd_buf_printf(line, " blocked %d", feed->blocked[i]));
	}
	if (feed->is_held) {
		BD_TRY(bd_buf_printf(line, " held %d", feed->held_day));
	}
	return end_line(lines);
}

/* How many rows of a section are seen. */
static enum bd_code dump_tally(struct lines *lines, struct bd_bytes name, struct bd_bytes value)
{
	struct bd_reader reader = bd_reader_of(value);
	struct bd_buf *line = &lines->line;

	bd_buf_clear(line);
	BD_TRY(bd_buf_add(line, name));
	for (size_t i = 0; i < line->len; i++) {
		line->ptr[i] = line->ptr[i] == '\0' ? ' ' : line->ptr[i];
	}
	BD_TRY(bd_buf_printf(line, " = %llu", (unsigned long long)bd_read_u64(&reader)));
	return end_line(lines);
}

/* What the coverage database has under a prefix, each by its own way of saying it. */
static enum bd_code dump_coverage(struct lines *lines, struct bd_store_reader *reader,
	const char *prefix,
	enum bd_code (*dump)(struct lines *lines, struct bd_bytes name, struct bd_bytes value),
	struct bd_diag *diag)
{
	const size_t len = strlen(prefix);
	enum bd_code code = BD_OK;
	MDB_cursor *cursor;
	MDB_val key = { len, (void *)prefix }, value;
	int result = mdb_cursor_open(reader->txn, reader->store->coverage, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "dump");
	}
	result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (code == BD_OK && result == 0 && key.mv_size > len &&
		memcmp(key.mv_data, prefix, len) == 0) {
		struct bd_bytes name = { key.mv_data, key.mv_size }, was;
		bool found = false;

		code = bd_history_coverage(
			&was, &found, reader->store, reader->txn, name, reader->as_of.commit);
		code = code == BD_OK && found ? dump(lines, name, was) : code;
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code;
}

static int compare_lines(const void *a, const void *b)
{
	return bd_bytes_compare(*(const struct bd_bytes *)a, *(const struct bd_bytes *)b);
}

/* In the order of their bytes. */
static enum bd_code write_lines(struct bd_buf *out, struct lines *lines)
{
	enum bd_code code = BD_OK;

	if (lines->count > 1) {
		qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
	}
	for (size_t i = 0; i < lines->count && code == BD_OK; i++) {
		code = bd_buf_add(out, lines->items[i]);
		code = code == BD_OK ? bd_buf_add_byte(out, '\n') : code;
	}
	free(lines->items);
	bd_buf_release(&lines->line);
	return code;
}

enum bd_code bd_store_dump(struct bd_buf *out, struct bd_store_reader *reader,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct lines lines = { .arena = arena };
	enum bd_code code, written;

	bd_buf_init(&lines.line, BD_NODE_MAX_BYTES);
	code = dump_nodes(&lines, reader, arena, diag);
	code = code == BD_OK ? dump_coverage(&lines, reader, "feed", dump_feed, diag) : code;
	written = write_lines(out, &lines);
	code = code == BD_OK ? written : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "dump");
}

enum bd_code bd_store_dump_tallies(struct bd_buf *out, struct bd_store_reader *reader,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct lines lines = { .arena = arena };
	enum bd_code code, written;

	bd_buf_init(&lines.line, BD_NODE_MAX_BYTES);
	code = dump_coverage(&lines, reader, "rows", dump_tally, diag);
	written = write_lines(out, &lines);
	code = code == BD_OK ? written : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "dump");
}
