/* question.h - a case 办件 as asked, read from JSON and checked against its matter. Layer: answer,
 * private to it.
 *
 * Every fault of a question is told, not only the first: the diag holds the first, its `next` the
 * others, in the question's arena. A fault that leaves what follows without a meaning (no JSON, no
 * matter) ends the reading.
 */
#ifndef BD_ANSWER_QUESTION_H
#define BD_ANSWER_QUESTION_H

#include "answer/answer.h"
#include "base/json.h"

struct bd_case_subject {
	const struct bd_role *role;
	const char *pointer; /* "/subjects/applicant", "/subjects/shareholders/0" */
	size_t pointer_len;
	struct bd_identifier identifier;
	enum bd_code invalid; /* why its number is none; BD_OK = it is one */
	struct bd_held *held;
};

static inline struct bd_bytes bd_case_pointer(const struct bd_case_subject *subject)
{
	return (struct bd_bytes){ subject->pointer, subject->pointer_len };
}

struct bd_claim {
	const struct bd_case_subject *subject;
	const struct bd_field *field;
	struct bd_bytes value;
};

struct bd_attestation {
	const struct bd_case_subject *subject; /* of whom; NULL = not said */
	struct bd_bytes kind, provider;
	int64_t at_ms;
};

/* One for each material that the matter asks; what the case does not name is missing. */
enum bd_material_state {
	BD_MATERIAL_MISSING = 0,
	BD_MATERIAL_SUPPLIED,
	BD_MATERIAL_E_LICENCE,
	BD_MATERIAL_TO_FOLLOW
};

#define BD_NO_DEADLINE INT64_C(-1)

struct bd_case {
	const struct bd_matter *matter;
	struct bd_bytes id;
	int32_t on;           /* day of acceptance */
	int64_t submitted_ms; /* 0 = not stated */
	int64_t deadline_ms;  /* how long whoever asks waits; BD_NO_DEADLINE */
	struct bd_case_subject *subjects;
	size_t subject_count;
	struct bd_claim *claims;
	size_t claim_count;
	struct bd_attestation *attestations;
	size_t attestation_count;
	const enum bd_material_state *materials; /* of matter->materials, in their order */
	bool has_commitment;                     /* to the text that the matter takes */
};

/* The only subject of a role; NULL where there is none or more than one. */
const struct bd_case_subject *bd_case_only(const struct bd_case *asked, const char *role);
/* One and the same by its number, in whichever roles it stands. */
bool bd_case_is_same(const struct bd_case_subject *a, const struct bd_case_subject *b);
/* NULL where it is not claimed. */
const struct bd_claim *bd_case_claim(
	const struct bd_case *asked, const struct bd_case_subject *subject, const char *field);

/* Where the faults of a question go. */
struct bd_faults {
	struct bd_diag *diag;
	struct bd_arena *arena;
	size_t count;
};
/* Adds one and returns code. */
enum bd_code bd_faults_add(struct bd_faults *faults, enum bd_code code, const struct bd_json *node,
	const char *pointer, const char *detail);

/* A whole body, which has to be one object. */
enum bd_code bd_question_body(struct bd_json **out, struct bd_bytes json, struct bd_faults *faults);
/* Refuses members that the contract does not have; names ends with one without ptr. */
enum bd_code bd_question_members(const struct bd_json *object, const char *pointer,
	const struct bd_bytes *names, struct bd_faults *faults);
/* The same; found[i] becomes the member of names[i], NULL = left out or no object. found may be
 * NULL. */
enum bd_code bd_question_take(const struct bd_json **found, const struct bd_json *object,
	const char *pointer, const struct bd_bytes *names, struct bd_faults *faults);
/* {"entity","id_type","id_no"} or {"entity","uscc"|"reg_no"|"regno"|"tax_no"}. *invalid: the number
 * itself is wrong. */
enum bd_code bd_question_subject(struct bd_identifier *out, enum bd_code *invalid,
	enum bd_subject_kind *kind, const struct bd_json *node, const char *pointer,
	const struct bd_dictionary *dict, struct bd_faults *faults);
/* What stands below `subject` of a body: somebody whose number is right. */
enum bd_code bd_question_whom(struct bd_identifier *out, enum bd_subject_kind *kind,
	const struct bd_json *body, const struct bd_dictionary *dict, struct bd_faults *faults);
/* A body that has this member alone. */
enum bd_code bd_question_alone(struct bd_identifier *out, enum bd_subject_kind *kind,
	struct bd_bytes json, const struct bd_dictionary *dict, struct bd_faults *faults);
enum bd_code bd_question_case(struct bd_case *out, struct bd_bytes json,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag);

#endif
