/* element.h - one element of a matter for one subject: the finding, and why. Layer: answer, private
 * to it.
 *
 * Silence is never evidence: without a row an element is decided by what the source has completely
 * told (coverage), and where that does not reach it is `unavailable`. A finding that is not `match`
 * always has a reason.
 */
#ifndef BD_ANSWER_ELEMENT_H
#define BD_ANSWER_ELEMENT_H

#include "answer/question.h"

struct bd_finding {
	const struct bd_element *element;
	const struct bd_case_subject *subject;
	enum bd_finding_code code;
	uint32_t flags;     /* enum bd_finding_flag */
	const char *reason; /* "" or one word of a closed set: not_covered, gap, blocked, conflict
			       ... */
	const char *source; /* that decided, or NULL */
	int64_t as_of_ms, received_ms;
};

enum bd_code bd_element_find(struct bd_finding *out, const struct bd_element *element,
	const struct bd_case_subject *subject, const struct bd_case *asked,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag);

/* -- shared with queries -- */
/* Of several statements of one source on one row, does a come before b: higher order first, then
 * the later one. */
bool bd_statement_is_newer(const struct bd_statement *a, const struct bd_statement *b);
const struct bd_held_value *bd_statement_value(
	const struct bd_statement *statement, uint16_t field, size_t *count);

#endif
