#include "cli/table.h"

#include "base/text.h"
#include "cli/answer.h"

void bd_cli_table_begin(struct bd_cli_table *table, size_t columns, struct bd_arena *arena)
{
	*table = (struct bd_cli_table){ .arena = arena, .columns = columns };
	table->last = &table->first;
}

void bd_cli_table_add(struct bd_cli_table *table, const struct bd_bytes *cells)
{
	struct bd_cli_row *row = bd_arena_alloc(table->arena, 1, sizeof(*row));

	if (row == NULL) {
		table->is_cut = true;
		return;
	}
	for (size_t i = 0; i < table->columns; i++) {
		row->cells[i] = cells[i];
	}
	*table->last = row;
	table->last = &row->next;
}

static void measure(size_t widths[BD_CLI_COLUMNS_MAX], const struct bd_cli_table *table)
{
	for (const struct bd_cli_row *row = table->first; row != NULL; row = row->next) {
		for (size_t i = 0; i < table->columns; i++) {
			size_t width = bd_text_columns(row->cells[i]);

			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
}

void bd_cli_table_print(FILE *out, const struct bd_cli_table *table, int indent)
{
	size_t widths[BD_CLI_COLUMNS_MAX] = { 0 };

	measure(widths, table);
	for (const struct bd_cli_row *row = table->first; row != NULL; row = row->next) {
		size_t last = table->columns;

		/* No blanks at the end of a line. */
		while (last > 0 && row->cells[last - 1].len == 0) {
			last--;
		}
		fprintf(out, "%*s", indent, "");
		for (size_t i = 0; i < last; i++) {
			size_t width = bd_text_columns(row->cells[i]);

			bd_cli_put(out, row->cells[i]);
			fprintf(out, "%*s", i + 1 < last ? (int)(widths[i] - width) + 2 : 0, "");
		}
		fputc('\n', out);
	}
	if (table->is_cut) {
		fprintf(out, "%*s...\n", indent, "");
	}
}
