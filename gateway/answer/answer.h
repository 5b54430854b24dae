/* answer.h - a question in JSON to an answer in JSON. Pure but for the lookups that its caller
 * gives it.
 *
 * Layer: answer. The question's form is schemas/openapi.yaml. A code other than BD_OK: the question
 * could not be answered; diag has the code and the JSON pointer, never a value, and in `next` every
 * further fault. Every decision, also a refusal, is BD_OK. Who has no grant for it is told nothing:
 * nothing is looked up before that is seen to (grant.h).
 */
#ifndef BD_ANSWER_ANSWER_H
#define BD_ANSWER_ANSWER_H

#include "answer/grant.h"
#include "base/workday.h"
#include "record/held.h"

struct bd_answer_source;
/* All lookups of one question see one snapshot of the store, and want the same entities. */
struct bd_answer_source {
	enum bd_code (*lookup)(struct bd_answer_source *self, struct bd_held **out,
		const struct bd_identifier *identifiers, size_t count,
		const struct bd_wanted *wanted, struct bd_arena *arena, struct bd_diag *diag);
};

/* Of which fields a query has told values; each once, by number. */
#define BD_DISCLOSED_MAX 256
struct bd_disclosed {
	uint16_t fields[BD_DISCLOSED_MAX];
	size_t count; /* BD_DISCLOSED_MAX at most: a dictionary of more is told by its first */
};

/* What may be used of a section of a source, whatever for. */
struct bd_section_use {
	const char *source, *section;
	const struct bd_approved_use *approval;
};

/* What a department was asked for this case on the spot 现场查询. */
struct bd_looked_up {
	const char *source, *feed;
	const char *subject; /* pointer in the case */
	enum bd_code code;   /* BD_OK: it has answered, and what it said is stored */
};

/* When a source does not answer, by its own announcement; until_ms excluded. */
struct bd_source_closing {
	const char *source;
	int64_t from_ms, until_ms;
};

struct bd_answer_context {
	const struct bd_dictionary *dict;
	const struct bd_matter *const *matters; /* all versions of all */
	size_t matter_count;
	const struct bd_calendar *calendar; /* NULL: due days cannot be counted */
	struct bd_answer_source *source;
	int64_t now_ms;
	/* A case that is decided again: by this version, whatever day it was made for, and accepted
	 * on this day where the case states none. NULL and 0 = by what is in force on that day, and
	 * the day of now_ms. */
	const struct bd_matter *matter;
	int32_t on;
	const char *receipt;        /* id of this answer's receipt, given by the caller */
	const char *const *sources; /* every source that an adapter stands for, sorted */
	size_t source_count;
	const struct bd_section_use
		*uses; /* query: what is told is withheld where one is not in force */
	size_t use_count;
	struct bd_disclosed *disclosed; /* query: what was told; NULL = nobody asks */
	const struct bd_asker *asker;   /* who may ask this: NULL = nobody */
	enum bd_disclosure discloses;   /* compare: set by it, from the grant */
	enum bd_disclosure needs;       /* compare: told at least so much, else refused */
	bool is_sandbox; /* said in every answer: no decision of this rests on real data */
	bool explains;   /* compare: what was compared, side by side, masked (mask.h) */
	const struct bd_source_closing *closings; /* compare: when it is worth asking again */
	size_t closing_count;
	const struct bd_looked_up *looked_up; /* compare: told in the answer */
	size_t looked_up_count;
};

/* What a comparison came to, for receipts and obligations. Lives in the question's arena. */
struct bd_case;
struct bd_finding;
struct bd_obligation;
struct bd_outcome;
struct bd_compared {
	const struct bd_case *asked;       /* answer/question.h */
	const struct bd_finding *findings; /* answer/element.h */
	size_t finding_count;
	const struct bd_outcome *outcome;        /* answer/decide.h */
	const struct bd_obligation *obligations; /* answer/obligation.h */
	size_t obligation_count;
	const struct bd_grant *grant; /* by which it was asked */
};

/* Appends one JSON object. compared may be NULL; it is filled before the object is written. */
enum bd_code bd_compare(struct bd_buf *out, struct bd_compared *compared, struct bd_bytes question,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag);
enum bd_code bd_query(struct bd_buf *out, struct bd_bytes question,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag);

#endif
