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

/* A source that had a say in a finding. */
struct bd_evidence {
	const char *source;
	int64_t as_of_ms, received_ms; /* 0 = not known */
	/* Of its statement, for the receipt: record/held.h; 0 and NULL = none. */
	uint64_t version;
	const uint8_t *digest;
};

/* A day of base/clock.h that is none. */
#define BD_NO_DAY INT32_MIN

struct bd_finding {
	const struct bd_element *element;
	const struct bd_case_subject *subject;
	enum bd_finding_code code;
	uint32_t flags;     /* enum bd_finding_flag */
	const char *reason; /* "" or one of bd_reason_term, or the code of a wrong number */
	const char *source; /* that decided, or NULL */
	int64_t as_of_ms, received_ms;
	uint64_t version; /* as in bd_evidence */
	const uint8_t *digest;
	const struct bd_evidence *evidence; /* one a source, by source */
	size_t evidence_count;
	const char *rule;   /* id in schemas/rules.tsv of the rule that compared; "" = none did */
	int score;          /* of an address: 0 to 100; -1 = none */
	int32_t mends_on;   /* the day from which it will hold; BD_NO_DAY */
	bool is_via_source; /* the source judged the claim itself; no value is held */
	bool is_lasting;    /* unavailable, and for good: nobody answers for such a document */
	/* What was compared, in normal form, for `explain`; empty where nothing was. */
	struct bd_bytes claim, value;
};

/* Does the element apply to this subject, by what it claims and by what was found before it? */
bool bd_element_applies(const struct bd_element *element, const struct bd_case_subject *subject,
	const struct bd_case *asked, const struct bd_finding *findings, size_t count);

enum bd_code bd_element_find(struct bd_finding *out, const struct bd_element *element,
	const struct bd_case_subject *subject, const struct bd_case *asked,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag);

#endif
