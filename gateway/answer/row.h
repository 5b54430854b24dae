/* row.h - what one source says of one row, over all its feeds that tell of it. Layer: answer,
 * private to it.
 *
 * Two feeds of a source may tell of one row (a reply, and a push of changes), each in a statement
 * of its own. A field has the value of the newest statement that speaks of it: a newer one that is
 * silent on a field takes nothing back.
 */
#ifndef BD_ANSWER_ROW_H
#define BD_ANSWER_ROW_H

#include "record/held.h"

/* Of this statement alone. NULL when it does not speak of the field; *count > 1: same order,
 * different content. */
const struct bd_held_value *bd_statement_value(
	const struct bd_statement *statement, uint16_t field, size_t *count);
/* The same, and NULL as well when it is stated as none. */
const struct bd_held_value *bd_statement_given(
	const struct bd_statement *statement, uint16_t field, size_t *count);

/* Of the row that statement `at` tells of: NULL when nobody speaks of the field; *count > 1: the
 * newest that do contradict each other. Looks only at the neighbours: statements come sorted. */
const struct bd_held_value *bd_row_value(
	const struct bd_held *held, size_t at, uint16_t field, size_t *count);
/* The same, and NULL as well when it is stated as none. */
const struct bd_held_value *bd_row_given(
	const struct bd_held *held, size_t at, uint16_t field, size_t *count);
/* What statement `at` says of a field, `own`, is replaced by a newer one on the same row; *count is
 * that of the newest, as bd_row_value has it. */
bool bd_row_replaces(
	size_t *count, const struct bd_held *held, size_t at, const struct bd_held_value *own);
/* The same of a field that it may not speak of. */
bool bd_row_is_superseded(const struct bd_held *held, size_t at, uint16_t field);

#endif
