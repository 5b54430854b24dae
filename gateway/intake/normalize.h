/* normalize.h - draft to records by the rules of schemas/rules.tsv. Pure: no I/O, no clock, no
 * globals.
 *
 * Layer: intake. One draft gives one record for each of its section's outputs whose `when` holds,
 * or one reject.
 */
#ifndef BD_INTAKE_NORMALIZE_H
#define BD_INTAKE_NORMALIZE_H

#include "intake/draft.h"

struct bd_normalize_context {
	const struct bd_dictionary *dict;
	const struct bd_plan *plan;
	int64_t now_ms;
};

/* BD_OK: *records has *count records (0 when no output applies). Any other code: *reject says why,
 * with place, path, field and rule, and the subject when it could be read; nothing of the draft is
 * to be stored. BD_NO_MEMORY and BD_LIMIT_* of the arena are the caller's to pass on. */
enum bd_code bd_normalize(const struct bd_record **records, size_t *count, struct bd_reject *reject,
	const struct bd_draft *draft, const struct bd_normalize_context *context,
	struct bd_arena *arena);
/* The message's own subject and order, from its slots, when it has ended. *count 0 = it names none.
 */
enum bd_code bd_normalize_message(const struct bd_identifier **subject, size_t *count,
	struct bd_order *order, const struct bd_feed_plan *feed,
	const struct bd_slot *message_slots, const struct bd_normalize_context *context,
	struct bd_arena *arena, struct bd_diag *diag);

#endif
