/* lines.h - "key = value" files line by line. Used by config/settings.c and config/senders.c only.
 *
 * Layer: config.
 */
#ifndef BD_CONFIG_LINES_H
#define BD_CONFIG_LINES_H

#include "base/arena.h"
#include "config/diags.h"

struct bd_line {
	const char *shown; /* the file */
	uint32_t number;
	const char *section; /* of "[section]", else NULL; key is then NULL */
	const char *key, *value;
	uint32_t key_column, value_column; /* in characters from 1 */
};

/* The lines that say something; those that are neither are told and left out. */
enum bd_code bd_lines_read(const struct bd_line **out, size_t *out_count, const char *path,
	struct bd_arena *arena, struct bd_diags *diags);

/* A file name of such a file: a relative one is taken from its folder. NULL: no room. */
const char *bd_lines_resolve(const char *value, const char *path, struct bd_arena *arena);

#endif
