/* table.h - rows of text in columns as wide as their widest cell (UAX #11: Han takes two).
 *
 * Layer: cli. Rows live in the arena; texts are borrowed. A row for which there is no memory is
 * left out and the print ends with an ellipsis.
 */
#ifndef BD_CLI_TABLE_H
#define BD_CLI_TABLE_H

#include "base/arena.h"

#include <stdio.h>

/* What a terminal can hold. */
#define BD_CLI_COLUMNS_MAX 16

struct bd_cli_row {
	struct bd_bytes cells[BD_CLI_COLUMNS_MAX];
	struct bd_cli_row *next;
};

struct bd_cli_table {
	struct bd_arena *arena;
	size_t columns;
	struct bd_cli_row *first, **last;
	bool is_cut;
};

void bd_cli_table_begin(struct bd_cli_table *table, size_t columns, struct bd_arena *arena);
/* `columns` cells. */
void bd_cli_table_add(struct bd_cli_table *table, const struct bd_bytes *cells);
/* Control characters go out as '?'. */
void bd_cli_table_print(FILE *out, const struct bd_cli_table *table, int indent);

#endif
