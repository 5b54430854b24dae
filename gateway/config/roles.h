/* roles.h - the names of roles, and which of them one sender or account may not hold together.
 *
 * Layer: config; for config/senders.c and config/accounts.c. What a role may do stands in
 * daemon/routes.c. Of the three administrators (三员: system, security, audit; GB/T 22239-2019
 * section 8.1.5) nobody holds two; who supervises does not do what is supervised; who administers
 * is no machine that pushes or asks.
 */
#ifndef BD_CONFIG_ROLES_H
#define BD_CONFIG_ROLES_H

#include "config/lines.h"

/* The roles of a line "roles = a b": an unknown one, and two that exclude each other, are told at
 * their own column. False: no memory. */
bool bd_roles_read(uint32_t *roles, const struct bd_line *line, struct bd_arena *arena,
	struct bd_diags *diags);

/* The name of the i-th role, NULL past the last; *role is its bit. */
const char *bd_role_name(uint32_t *role, size_t i);

/* Names between blanks or commas, each with its column in the line; NULL = no memory. */
struct bd_word {
	const char *text;
	uint32_t column;
};
const struct bd_word *bd_words(size_t *count, const struct bd_line *line, struct bd_arena *arena);

/* "no WHAT 'NAME'; did you mean 'NEAR'?" */
void bd_unknown(struct bd_diags *diags, const struct bd_line *line, uint32_t column,
	const char *what, const char *name, const char *const *names, size_t count);

#endif
