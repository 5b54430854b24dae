/* evidence.h - the steps of one element: which rows count, what the lack of one proves, and how old
 * it is. Layer: answer, private to it.
 */
#ifndef BD_ANSWER_EVIDENCE_H
#define BD_ANSWER_EVIDENCE_H

#include "answer/element.h"
#include "answer/row.h"

/* What the steps of one element share. */
struct bd_work {
	const struct bd_element *element;
	const struct bd_case *asked;
	const struct bd_answer_context *context;
	const struct bd_case_subject *subject;
	struct bd_arena *arena;
	struct bd_diag *diag;
};

/* UNSURE: an unknown code or a conflict stands where the filter looks. */
enum bd_counting { BD_COUNTS_NO = 0, BD_COUNTS_YES, BD_COUNTS_UNSURE };

void bd_finding_set(struct bd_finding *finding, enum bd_finding_code code, const char *reason);
void bd_finding_tell(struct bd_finding *finding, const struct bd_statement *statement);
bool bd_is_listed(const char *const *names, size_t count, const char *name);

/* The element asks this source (or any). */
bool bd_is_asked_source(const struct bd_element *element, const char *source);

/* What an asked source says of the element's entity is disputed, or of a field that it looks at. */
bool bd_is_disputed(const struct bd_work *work, const struct bd_held *held);
/* Anything of this entity is, that this source says; NULL = that anyone says. */
bool bd_entity_is_disputed(
	const struct bd_held *held, const struct bd_entity *entity, const char *source);

/* Of the element's entity, and said of the subject itself. */
static inline bool bd_is_row_of(const struct bd_element *element, const struct bd_statement *row)
{
	return row->entity == element->entity->number && !row->is_inverse;
}

enum bd_counting bd_row_counts_of_entity(
	const struct bd_work *work, const struct bd_held *held, size_t at);
/* The statement's row, as all feeds of its source together tell it. Nearly all are of another
 * entity. */
static inline enum bd_counting bd_row_counts(
	const struct bd_work *work, const struct bd_held *held, size_t at)
{
	return bd_is_row_of(work->element, &held->statements[at])
		       ? bd_row_counts_of_entity(work, held, at)
		       : BD_COUNTS_NO;
}
/* Why it cannot be told whether a row counts: a code that is not in its table, else row_unsure (no
 * value, a contradiction, a document of another kind). Of rows of which one is UNSURE. */
const char *bd_rows_unsure_reason(const struct bd_work *work, const struct bd_held *held);
/* A row of this entity from an asked source waits for a rejected one to be mended, whether or not
 * it counts as it stands. */
bool bd_rows_are_blocked(const struct bd_element *element, const struct bd_held *held);
uint32_t bd_sources_needed(const struct bd_element *element);

/* What the lack of a row means; `proven` and `reason` are the finding when it is proven: by as many
 * sources as the element needs, and as fresh as the last of these. A source that has not told all
 * up to the last closed month proves nothing of months. */
void bd_judge_absence(struct bd_finding *finding, const struct bd_work *work,
	const struct bd_held *held, uint16_t entity, enum bd_finding_code proven,
	const char *reason);
/* Up to when what a source says is known to hold, by the element's freshness: when it was heard, or
 * how far the source has told all. */
int64_t bd_told_until(const struct bd_work *work, const struct bd_held *held, const char *source,
	int64_t received_ms);
/* Of a finding from rows: `stale`, and then a difference may have been put right since. */
void bd_judge_age(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held);
/* A claim as a value of its field. BD_CODE_UNMAPPED and the codes of the rules: it is none. */
enum bd_code bd_claim_normal(struct bd_value *out, const struct bd_field *field,
	struct bd_bytes text, struct bd_arena *arena);
/* The claim of the element's field. False: it is missing or is no value, and the finding says so.
 */
bool bd_claim_read(struct bd_finding *finding, struct bd_value *claim, const struct bd_work *work);
/* The first day that no longer belongs to the last month that is closed on the day of the case. */
int32_t bd_closed_until(const struct bd_work *work);
/* must_agree: values against the claim, or the values that the matter accepts. */
enum bd_code bd_judge_values(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held);

#endif
