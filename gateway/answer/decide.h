/* decide.h - findings to the decision of a matter. Layer: answer, private to it. Pure.
 *
 * Fail closed: what is not accepted by name has failed. Monotone: a finding of a higher rank never
 * leads to `pass`, nor from anything worse to `conditional`.
 */
#ifndef BD_ANSWER_DECIDE_H
#define BD_ANSWER_DECIDE_H

#include "answer/element.h"

struct bd_outcome {
	enum bd_decision decision;
	bool offers_commitment; /* a commitment would make it conditional: 一次性告知 */
	int64_t retry_after_s;  /* retry: when to ask again */
};

/* The matter takes this finding of this element for good. */
bool bd_finding_is_accepted(const struct bd_finding *finding);
/* Time may mend it: a source that is down, late or not covered yet. */
bool bd_finding_is_retryable(const struct bd_finding *finding);
/* Confirmed and unflagged, and the matter has a rule that refuses for it. Never a difference from a
 * claim, nor one source's adverse word on a field where any one is enough to stop a pass. */
bool bd_finding_is_ground(const struct bd_finding *finding);
/* Worse is higher: accepted, then what time may mend, then what is not; within these the order of
 * bd_finding_badness. */
int bd_finding_rank(const struct bd_finding *finding);
void bd_decide(struct bd_outcome *out, const struct bd_finding *findings, size_t count,
	const struct bd_case *asked, int64_t now_ms);
/* May this material follow? */
bool bd_material_is_deferrable(const struct bd_matter *matter, const struct bd_material *material);

#endif
