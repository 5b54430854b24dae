/* decide.h - findings to the decision of a matter. Layer: answer, private to it. Pure.
 *
 * Fail closed: what is not accepted by name has failed. Monotone: a finding of a higher rank never
 * leads to `pass`, nor from anything worse to `conditional`.
 *
 * Of a matter with branches each is decided by itself, over its own elements and those of every
 * case, and the best of these decisions stands: so a branch that is closed never opens another. Of
 * equal ones the first written; of those that refer, before others, one that only lacks materials.
 *
 * What decides, first that applies:
 *
 *   | a finding of the branch                               | decision                           |
 *   |-------------------------------------------------------|------------------------------------|
 *   | is `invalid`                                          | resubmit                           |
 *   | is a ground to refuse (bd_finding_is_ground)          | refuse                             |
 *   | failed, and the matter names its code as correctable  | resubmit                           |
 *   | failed, and time does not mend it                     | refer                              |
 *   | only waits for a day that will come                   | retry, with the day                |
 *   | waits for a source, within submitted_at + wait        | retry                              |
 *   | waits for a source, past that or never said when      | refer                              |
 *   | none, but a material is missing that may not follow   | refer, with the notice             |
 *   | none, materials to follow, excluded from commitments  | refer, with the notice             |
 *   | none, materials to follow, whether excluded waits     | retry, later refer with the notice |
 *   | none, materials to follow, no commitment              | refer, with the offer              |
 *   | none, materials to follow, a commitment               | conditional, the applicant's duty  |
 *   | none but of a non-core element, for the agency later  | conditional, the agency's duty     |
 *   | none                                                  | pass                               |
 *
 * "None" stands for none but what the agency checks later, whose duty it stays in each row.
 */
#ifndef BD_ANSWER_DECIDE_H
#define BD_ANSWER_DECIDE_H

#include "answer/element.h"

#define BD_NO_BRANCH (-1)

struct bd_outcome {
	enum bd_decision decision;
	int branch;             /* that decided, in the matter's order; BD_NO_BRANCH */
	bool has_missing;       /* a material is missing, so a notice 一次性告知 is due */
	bool offers_commitment; /* a commitment would make it conditional */
	bool is_excluded;       /* from commitments: everything has to be supplied */
	int64_t retry_after_s;  /* retry: when to ask again; 0 otherwise */
	int32_t retry_on;       /* retry: the day that mends it; BD_NO_DAY where none is known */
};

/* The matter takes this finding of this element for good. */
bool bd_finding_is_accepted(const struct bd_finding *finding);
/* Time may mend it: a source that is down or has not told of it yet, or so lately that nothing else
 * keeps it from being accepted; a day that has not come. Not a document that no source answers for.
 */
bool bd_finding_is_retryable(const struct bd_finding *finding);
/* Confirmed, by as many sources as the matter asks, and unflagged, and the matter has a rule that
 * refuses for it. Never a difference from a claim, nor one source's adverse word on a field where
 * any one is enough to stop a pass: neither of the element's field nor of its filters'. */
bool bd_finding_is_ground(const struct bd_finding *finding);
/* Asked in this branch (BD_NO_BRANCH: of a matter without any)? */
bool bd_finding_is_of(const struct bd_finding *finding, int branch);
/* Worse is higher: accepted, then what time may mend or the agency looks at later, then what is
 * not; within these the order of bd_finding_badness. */
int bd_finding_rank(const struct bd_finding *finding);
void bd_decide(struct bd_outcome *out, const struct bd_finding *findings, size_t count,
	const struct bd_case *asked, int64_t now_ms);

/* -- what is still to be handed in -- */

/* Asked in this branch, and not there. */
bool bd_material_is_open(const struct bd_case *asked, size_t material, int branch);
bool bd_material_may_follow(const struct bd_matter *matter, const struct bd_material_rule *rule);

#endif
