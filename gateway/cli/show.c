/* show.c - the pieces that views are made of. */
#include "base/clock.h"
#include "base/limits.h"
#include "cli/answer.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

struct bd_bytes bd_cli_text(const struct bd_json *node, const char *key)
{
	const struct bd_json *found = bd_json_get(node, key);

	return found == NULL || found->type == BD_JSON_IS_NULL ? (struct bd_bytes){ "", 0 }
							       : found->text;
}

bool bd_cli_is_true(const struct bd_json *node, const char *key)
{
	return bd_bytes_is(bd_cli_text(node, key), "true");
}

struct bd_bytes bd_cli_term(
	const struct bd_cli_options *options, const struct bd_json *node, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", key, options->is_english ? "en" : "zh");
	return bd_cli_text(node, name);
}

static void put(FILE *out, struct bd_bytes text, bool has_lines)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		bool is_control = (byte < 0x20 && !(has_lines && byte == '\n')) || byte == 0x7F;
		/* U+0080 to U+009F: some terminals take them for commands, too. */
		bool is_c1 = byte == 0xC2 && i + 1 < text.len &&
			     ((unsigned char)text.ptr[i + 1] & 0xE0) == 0x80;

		i += is_c1;
		fputc(is_control || is_c1 ? '?' : byte, out);
	}
}

void bd_cli_put(FILE *out, struct bd_bytes text)
{
	put(out, text, false);
}

void bd_cli_put_lines(FILE *out, struct bd_bytes text)
{
	put(out, text, true);
}

struct bd_bytes bd_cli_when(struct bd_bytes time, struct bd_arena *arena)
{
	int64_t ms;
	char text[30];
	struct bd_bytes copy;

	if (!bd_time_parse(&ms, time)) {
		return time;
	}
	bd_time_format(text, ms);
	text[10] = ' ';
	copy = bd_arena_copy(arena, (struct bd_bytes){ text, 16 });
	return copy.ptr != NULL ? copy : time;
}

struct bd_bytes bd_cli_age(
	const struct bd_cli_options *options, struct bd_bytes seconds, struct bd_arena *arena)
{
	static const struct {
		long long seconds;
		const char *zh, *en;
	} units[] = { { 86400, "天", "d" }, { 3600, "小时", "h" }, { 60, "分", "min" },
		{ 1, "秒", "s" } };
	long long age = seconds.len > 0 ? strtoll(seconds.ptr, NULL, 10) : -1;
	size_t unit = 0, last = sizeof(units) / sizeof(units[0]) - 1;
	struct bd_bytes copy;
	char text[48];

	if (age < 0) {
		return (struct bd_bytes){ "", 0 };
	}
	while (unit < last && age < units[unit].seconds * 2) {
		unit++;
	}
	snprintf(text, sizeof(text), "%lld %s", age / units[unit].seconds,
		bd_cli_say(options, units[unit].zh, units[unit].en));
	copy = bd_arena_copy(arena, bd_bytes_of(text));
	return copy.ptr != NULL ? copy : seconds;
}

/* -- anything -- */

/* A scalar as it is; what has parts by its parts, a blank between. */
static struct bd_bytes compact(const struct bd_json *node, struct bd_arena *arena)
{
	struct bd_bytes joined = { "", 0 };
	struct bd_buf buf;

	if (node->first == NULL) {
		return node->type == BD_JSON_IS_NULL ? joined : node->text;
	}
	bd_buf_init(&buf, BD_FIELD_MAX_BYTES);
	for (const struct bd_json *part = node->first; part != NULL; part = part->next) {
		if ((buf.len > 0 && bd_buf_add_byte(&buf, ' ') != BD_OK) ||
			bd_buf_add(&buf, part->text) != BD_OK) {
			break;
		}
	}
	joined = bd_arena_copy(arena, bd_buf_bytes(&buf));
	bd_buf_release(&buf);
	return joined;
}

/* The members of the first row are the columns; those past the last column are left out. */
static void show_rows(const struct bd_json *rows, struct bd_arena *arena)
{
	struct bd_bytes keys[BD_CLI_COLUMNS_MAX], cells[BD_CLI_COLUMNS_MAX];
	struct bd_cli_table table;
	size_t columns = 0;

	for (const struct bd_json *cell = rows->first; cell != NULL && columns < BD_CLI_COLUMNS_MAX;
		cell = cell->next) {
		keys[columns++] = cell->key;
	}
	bd_cli_table_begin(&table, columns, arena);
	bd_cli_table_add(&table, keys);
	for (const struct bd_json *row = rows; row != NULL; row = row->next) {
		const struct bd_json *cell = row->first;

		for (size_t i = 0; i < columns; i++) {
			bool is_next = cell != NULL && bd_bytes_equal(cell->key, keys[i]);

			cells[i] = is_next ? compact(cell, arena) : (struct bd_bytes){ "", 0 };
			cell = is_next ? cell->next : cell;
		}
		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 2);
}

void bd_cli_show_any(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	for (const struct bd_json *node = answer->first; node != NULL; node = node->next) {
		bool is_table = node->type == BD_JSON_IS_ARRAY && node->first != NULL &&
				node->first->type == BD_JSON_IS_OBJECT;

		bd_cli_put(stdout, node->key);
		fputs(is_table || node->type == BD_JSON_IS_OBJECT ? ":\n" : ": ", stdout);
		if (is_table) {
			show_rows(node->first, arena);
		} else if (node->type == BD_JSON_IS_OBJECT) {
			bd_cli_show_any(options, node, arena);
		} else {
			bd_cli_put(stdout, compact(node, arena));
			fputc('\n', stdout);
		}
	}
}

void bd_cli_colour(const struct bd_cli_options *options, const char *code)
{
	if (options->has_colour) {
		printf("\033[%sm", code);
	}
}
