/* opening.h - when it is worth asking again, where a source has said when it is closed
 * 征期、月结、维护. Layer: answer, private to it. Pure. */
#ifndef BD_ANSWER_OPENING_H
#define BD_ANSWER_OPENING_H

#include "answer/decide.h"

/* Of a `retry` for a source: not before every finding that keeps the case waiting has a source that
 * is open again. */
void bd_wait_for_opening(struct bd_outcome *outcome, const struct bd_finding *findings,
	size_t count, const struct bd_answer_context *context);

#endif
