/* approved.h - on which days what a department has told may be used: the approved uses 用数申请 of
 * the feeds (intake/plan.h), worked out for each element of a matter, so that a comparison only
 * looks whether its day is in a span.
 *
 * Layer: config. Fail closed: an element rests on every feed that tells what it looks at, of each
 * source that it asks; where the use of one of them does not cover the matter, or is not in force,
 * the element is `withheld`, whatever the others say.
 */
#ifndef BD_CONFIG_APPROVED_H
#define BD_CONFIG_APPROVED_H

#include "answer/matter.h"
#include "base/arena.h"
#include "intake/plan.h"

/* Fills matter->approvals. BD_NO_MEMORY. */
enum bd_code bd_config_matter_approved(const struct bd_matter *matter,
	const struct bd_plan *const *plans, size_t plan_count, const struct bd_dictionary *dict,
	struct bd_arena *arena);
/* The days on which the feed may be used for anything: of questions that are of no matter. */
enum bd_code bd_config_feed_approved(
	struct bd_approved_use *out, const struct bd_feed_plan *feed, struct bd_arena *arena);

#endif
