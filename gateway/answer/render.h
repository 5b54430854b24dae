/* render.h - an answered case as the JSON that approval engines read (schemas/openapi.yaml). Layer:
 * answer, private to it. */
#ifndef BD_ANSWER_RENDER_H
#define BD_ANSWER_RENDER_H

#include "answer/obligation.h"

/* An element that does not apply to a subject. */
struct bd_needless {
	const struct bd_element *element;
	const struct bd_case_subject *subject;
};

struct bd_answered {
	const struct bd_case *asked;
	const struct bd_finding *findings;
	size_t finding_count;
	struct bd_needless *needless;
	size_t needless_count;
	struct bd_outcome outcome;
	const struct bd_obligation *obligations;
	size_t obligation_count;
};

enum bd_code bd_render(struct bd_buf *out, const struct bd_answered *answered,
	const struct bd_answer_context *context);

#endif
