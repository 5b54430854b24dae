#include "cli/reply.h"

#include <string.h>

/* Columns of one table: what a terminal can hold; the rest of the members is left out. */
#define COLUMNS_MAX 16

struct table {
	struct bd_bytes names[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX];
	size_t count;
};

/* Columns on a terminal: a character of three bytes or more (Han and its punctuation) takes two. */
static size_t width_of(struct bd_bytes text)
{
	size_t width = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		width += byte >= 0xE0 ? 2 : (byte & 0xC0) != 0x80;
	}
	return width;
}

static void put_text(FILE *out, struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		fputc(byte < 0x20 || byte == 0x7F ? '?' : byte, out);
	}
}

static void put_compact(FILE *out, const struct bd_reply *reply)
{
	if (reply->kind == BD_REPLY_SCALAR || reply->kind == BD_REPLY_TEXT) {
		put_text(out, reply->text);
		return;
	}
	for (const struct bd_reply *child = reply->first; child != NULL; child = child->next) {
		if (child->name.len > 0) {
			put_text(out, child->name);
			fputc('=', out);
		}
		put_compact(out, child);
		fputs(child->next != NULL ? " " : "", out);
	}
}

static size_t compact_width(const struct bd_reply *reply)
{
	if (reply->kind == BD_REPLY_SCALAR || reply->kind == BD_REPLY_TEXT) {
		return width_of(reply->text);
	}
	size_t width = 0;
	for (const struct bd_reply *child = reply->first; child != NULL; child = child->next) {
		width += child->name.len > 0 ? width_of(child->name) + 1 : 0;
		width += compact_width(child) + (child->next != NULL);
	}
	return width;
}

static void measure(struct table *table, const struct bd_reply *cell)
{
	size_t at = 0;
	while (at < table->count && !bd_bytes_equal(table->names[at], cell->name)) {
		at++;
	}
	if (at == COLUMNS_MAX) {
		return;
	}
	if (at == table->count) {
		table->names[at] = cell->name;
		table->widths[at] = width_of(cell->name);
		table->count++;
	}
	size_t width = compact_width(cell);
	if (width > table->widths[at]) {
		table->widths[at] = width;
	}
}

static const struct bd_reply *cell_of(const struct bd_reply *row, struct bd_bytes name)
{
	const struct bd_reply *cell = row->first;
	while (cell != NULL && !bd_bytes_equal(cell->name, name)) {
		cell = cell->next;
	}
	return cell;
}

static void put_gap(FILE *out, const struct table *table, size_t column, size_t width)
{
	if (column + 1 < table->count) {
		fprintf(out, "%*s", (int)(table->widths[column] - width + 2), "");
	}
}

static void show_table(FILE *out, const struct bd_reply *rows, int indent)
{
	struct table table = { .count = 0 };
	for (const struct bd_reply *row = rows; row != NULL; row = row->next) {
		for (const struct bd_reply *cell = row->first; cell != NULL; cell = cell->next) {
			measure(&table, cell);
		}
	}
	fprintf(out, "%*s", indent, "");
	for (size_t i = 0; i < table.count; i++) {
		put_text(out, table.names[i]);
		put_gap(out, &table, i, width_of(table.names[i]));
	}
	fputc('\n', out);
	for (const struct bd_reply *row = rows; row != NULL; row = row->next) {
		fprintf(out, "%*s", indent, "");
		for (size_t i = 0; i < table.count; i++) {
			const struct bd_reply *cell = cell_of(row, table.names[i]);
			if (cell != NULL) {
				put_compact(out, cell);
			}
			put_gap(out, &table, i, cell != NULL ? compact_width(cell) : 0);
		}
		fputc('\n', out);
	}
}

void bd_reply_show(FILE *out, const struct bd_reply *reply, int indent)
{
	if (reply->kind == BD_REPLY_ARRAY && reply->first != NULL &&
		reply->first->kind == BD_REPLY_OBJECT) {
		show_table(out, reply->first, indent);
		return;
	}
	if (reply->kind != BD_REPLY_OBJECT) {
		fprintf(out, "%*s", indent, "");
		put_compact(out, reply);
		fputc('\n', out);
		return;
	}
	for (const struct bd_reply *child = reply->first; child != NULL; child = child->next) {
		fprintf(out, "%*s", indent, "");
		put_text(out, child->name);
		bool is_nested =
			child->first != NULL &&
			(child->kind == BD_REPLY_OBJECT || child->first->kind == BD_REPLY_OBJECT);
		fputs(is_nested ? ":\n" : ": ", out);
		if (is_nested) {
			bd_reply_show(out, child, indent + 2);
		} else {
			put_compact(out, child);
			fputc('\n', out);
		}
	}
}
