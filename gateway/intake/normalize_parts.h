/* normalize_parts.h - what the steps from a draft to its records share.
 *
 * Layer: intake, private to normalize*.c. normalize.c makes a draft's records of them;
 * normalize_identifier.c says who they are about, normalize_value.c what they say,
 * normalize_reject.c what of a refused draft can still be read.
 */
#ifndef BD_INTAKE_NORMALIZE_PARTS_H
#define BD_INTAKE_NORMALIZE_PARTS_H

#include "intake/normalize.h"

struct bd_normalizing {
	const struct bd_draft *draft;
	const struct bd_normalize_context *context;
	struct bd_arena *arena;
	struct bd_diag *diag; /* NULL = nobody is told */
};

/* -- slots -- */

/* Trimmed; empty where there is none. */
struct bd_bytes bd_slot_text(const struct bd_slot *slot);
/* Does a condition hold over these slots? */
bool bd_when_holds(const struct bd_when *when, const struct bd_slot *slots);
/* The name that the code has in the common schema; NULL = none. */
const char *bd_code_map_find(const struct bd_code_map *map, struct bd_bytes from);
/* Returns code, and tells the native field and where it stands. */
enum bd_code bd_normalize_at(const struct bd_normalizing *work, enum bd_code code,
	const struct bd_slot_plan *plan, const struct bd_slot *slot);
/* Of the draft's section. */
enum bd_code bd_normalize_at_slot(
	const struct bd_normalizing *work, enum bd_code code, uint16_t slot);

/* -- normalize_identifier.c -- */

/* All that are present; *count 0 when none is. */
enum bd_code bd_normalize_identifiers(const struct bd_identifier **out, size_t *count,
	const struct bd_identifier_plan *plans, size_t plan_count,
	const struct bd_slot_plan *slot_plans, const struct bd_slot *slots,
	const struct bd_normalizing *work);

/* -- normalize_value.c -- */

enum bd_code bd_normalize_values(struct bd_record *record, const struct bd_output_plan *output,
	bool is_key_only, const struct bd_normalizing *work);
/* Of its values and of whom it leads to. */
enum bd_code bd_normalize_row_key(struct bd_record *record, const struct bd_entity *entity,
	const struct bd_normalizing *work);

/* -- normalize.c -- */

enum bd_code bd_normalize_order(struct bd_record *record, const struct bd_normalizing *work);

/* -- normalize_reject.c -- */

/* Whom and what the draft would have been about, as far as that can be read. */
void bd_normalize_reject(struct bd_reject *reject, const struct bd_normalizing *work);

#endif
