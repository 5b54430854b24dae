/* matter.h - a matter 事项 in memory: what is asked for one kind of approval and what follows from
 * it.
 *
 * Layer: answer, plain data; config/matter.c fills it from schemas/matters/<id>/matter.xml and
 * checks its meaning. Read-only after that. Names are borrowed from the arena it was made in.
 */
#ifndef BD_ANSWER_MATTER_H
#define BD_ANSWER_MATTER_H

#include "answer/finding.h"
#include "record/dictionary.h"
#include "record/held.h"
#include "record/rules_predicate.h"
#include "record/rules_set.h"

#include <string.h>

enum bd_quantifier { BD_QUANTIFIER_EVERY = 1, BD_QUANTIFIER_ANY, BD_QUANTIFIER_AT_LEAST };

/* Who takes part: "applicant", "business". */
struct bd_role {
	const char *name, *label_zh, *label_en;
	enum bd_subject_kind kind;
	uint32_t min, max; /* cardinality */
	enum bd_quantifier quantifier;
	uint32_t at_least;
};

enum bd_polarity { BD_MUST_AGREE = 1, BD_MUST_EXIST, BD_MUST_NOT_EXIST };

enum bd_freshness {
	BD_FRESH_ANY = 1,
	BD_FRESH_OBSERVED,
	BD_FRESH_COMPLETE_THROUGH,
	BD_FRESH_PERIOD
};

/* Values that are allowed: a file beside the matter, one a line. */
struct bd_list {
	const char *name;
	struct bd_allowed allowed;
};

/* A row counts only where this holds of it: the field is (or is not) one of the values, its number
 * or the days or full years since its date lie in the range, its identifier is that of the subject
 * of `same_as`, or the row's other side is the subject of `other_role`. Exactly one of these is
 * asked of one filter. */
struct bd_row_filter {
	const struct bd_field *field; /* NULL with other_role */
	bool is_not;
	const char *const *values; /* "" = no value */
	size_t value_count;
	struct bd_range number;     /* amount (fen) or count; open at both ends = not asked */
	struct bd_range days_since; /* full days from the date to the day of the case */
	/* Full years from the date to the day of the case: a year is full when the day of the same
	 * date is over (民法典, 201 and 202). */
	struct bd_range years_since;
	bool counts_none; /* with a range: a row without a value counts; else nobody knows */
	const char *same_as, *other_role;
};

/* What a value must fulfil; of the held value, or with is_claimed of the claim itself. */
enum bd_test_kind {
	BD_TEST_NONE = 0,
	BD_TEST_AGE,        /* full years from a birth date to the day of the case */
	BD_TEST_DAYS_SINCE, /* full days from a date to the day of the case */
	BD_TEST_NUMBER,     /* an amount in fen, or a count */
	BD_TEST_IN_LIST     /* every item of a set is in the list */
};
struct bd_test {
	enum bd_test_kind kind;
	struct bd_range range;
	const struct bd_list *list;
	bool waits; /* too early is mended by time alone: retry, with the day */
};

/* So many months among the rows that count, up to the last closed one. */
struct bd_months {
	const struct bd_field *field; /* of type month; NULL = not asked */
	const struct bd_field *kind;  /* code list payment_kind; NULL = every row is a payment */
	int64_t at_least;
	bool is_continuous; /* the run that ends with the last closed month; else cumulative */
	bool counts_back_paid;
};

static inline bool bd_range_is_bound(const struct bd_range *range)
{
	return range->at_least != INT64_MIN || range->at_most != INT64_MAX;
}

/* Decided outside our departments' data: real-name check, reserved name, address library. */
struct bd_attestation_rule {
	const char *kind;
	const char *const *providers; /* none listed = no provider is trusted */
	size_t provider_count;
	int64_t max_age_s;
};

/* An element 审批要素. */
struct bd_element {
	const char *id, *label_zh, *label_en;
	struct bd_bytes name;     /* the id */
	const char *const *roles; /* asked of every subject of each of these */
	size_t role_count;
	/* path over relations: from the subject along relation rows with these roles to
	 * other subjects; none = the subject itself. */
	const char *const *relations; /* names in the code list of relation.role */
	size_t relation_count;
	bool is_relation_inverse;      /* from a person to the organizations that name it */
	enum bd_quantifier quantifier; /* over the ends of the path */
	uint32_t at_least;
	uint32_t fan_out_max;
	const struct bd_entity *entity;
	const struct bd_field
		*field; /* must_agree, and must_exist with a value; may be NULL for rows */
	const struct bd_row_filter *filters; /* all must hold for a row to count */
	size_t filter_count;
	enum bd_polarity polarity;
	const char *const *accepted_values; /* must_agree without a claim: the held value must be
					       one of these */
	size_t accepted_value_count;
	bool is_claimed; /* compared with the claim of this field; a missing claim is `invalid` */
	const char *same_as; /* must_agree: the held identifier is that of this role's subject */
	int64_t tolerance_fen;
	struct bd_test test;            /* must_agree: kind BD_TEST_NONE = compared by value */
	struct bd_months months;        /* must_exist */
	const char *when_claim;         /* applies only where the claim of this field ... */
	const char *const *when_values; /* ... is one of these, or is left out; NULL = always */
	size_t when_value_count;
	const struct bd_element *unless; /* needless where this earlier one is accepted; or NULL */
	const char *const *sources; /* asked sources; none listed = any that covers the entity */
	size_t source_count;
	struct bd_bytes source_words; /* the same, a blank between two */
	uint32_t sources_needed;      /* how many of them must answer; 0 = one */
	const char *const *documents; /* id kinds it can answer for; none listed = all */
	size_t document_count;
	const struct bd_attestation_rule *attestation; /* NULL, or it alone decides the element */
	bool is_core;
	uint32_t branches;      /* bit per branch that asks it; 0 = every case */
	bool is_for_commitment; /* counts only where the case rests on a commitment */
	enum bd_freshness freshness;
	int64_t max_age_s;
	int64_t closes_after_days; /* period, months: a month is closed so long after its end */
	uint32_t accepted_codes;   /* bit per bd_finding_code; unlisted = failed */
	uint32_t accepted_flags;   /* bit per bd_finding_flag that does not spoil acceptance */
	uint32_t resubmit_codes;   /* codes that are the applicant's to correct */
	bool refuses; /* a confirmed, unflagged contrary finding meets the refusal rule below */
	const char *refusal_basis, *refusal_reason, *refusal_remedy;
	int64_t agency_due_working_days; /* 0 = not stated */
	/* How often that may be extended, and by how many working days each time at the most. */
	int64_t agency_extension_working_days, agency_extensions;
	uint32_t line, column; /* in its file */
	/* Each of its findings as JSON, up to the text of subject: element, label_zh, label_en. */
	struct bd_bytes members;
};

/* Asked of the subjects of this role? */
static inline bool bd_element_asks(const struct bd_element *element, const char *role)
{
	size_t i = 0;

	while (i < element->role_count && !bd_is_name(element->roles[i], role)) {
		i++;
	}
	return i < element->role_count;
}

/* Does it look at a field of which one source's adverse word stops a pass? */
static inline bool bd_element_rests_on_any(const struct bd_element *element)
{
	bool is_any = element->field != NULL && element->field->merge == BD_MERGE_ANY_ADVERSE;

	for (size_t i = 0; i < element->filter_count; i++) {
		const struct bd_field *field = element->filters[i].field;

		is_any |= field != NULL && field->merge == BD_MERGE_ANY_ADVERSE;
	}
	return is_any;
}

/* On which days an element may rest on what its sources hold: of every feed that it asks there is
 * an approved use 用数申请 of the matter in force. Spans that do not touch, ascending. */
struct bd_days {
	int32_t from, until; /* of base/clock.h, both included */
};
struct bd_approved_use {
	const struct bd_days *spans;
	size_t count;
	bool is_asked; /* some feed is: else nobody's approval is needed */
};

static inline bool bd_is_approved(const struct bd_approved_use *approval, int32_t day)
{
	for (size_t i = 0; i < approval->count; i++) {
		if (approval->spans[i].from <= day && day <= approval->spans[i].until) {
			return true;
		}
	}
	return !approval->is_asked;
}

/* One of several ways to fulfil the matter. */
struct bd_branch {
	const char *id, *label_zh, *label_en;
};

/* A material 申请材料. It may follow 容缺 where due_working_days is not 0. */
struct bd_material_rule {
	const char *id, *label_zh, *label_en;
	uint32_t branches; /* as of elements */
	int64_t due_working_days, extension_working_days, extensions;
};

struct bd_parameter {
	const char *name, *label_zh, *label_en;
	int64_t value;
};

struct bd_matter {
	const char *id, *version;
	const char *title_zh, *title_en, *basis;
	int32_t effective_from, effective_until; /* days; by the day of acceptance, until excluded;
						    INT32_MAX = no end */
	int64_t wait_s;                          /* how long `retry` may last after submitted_at */
	int64_t retry_after_s;                   /* until the next try */
	const struct bd_parameter *parameters;
	size_t parameter_count;
	const struct bd_role *roles;
	size_t role_count;
	const struct bd_element *elements;
	size_t element_count;
	const struct bd_branch *branches; /* none: one way only */
	size_t branch_count;
	const struct bd_material_rule *materials;
	size_t material_count;
	const char *conditional_mode;        /* "accept_only" | "issue_on_commitment" | NULL */
	const char *commitment_text_version; /* NULL = any */
	const char *file;                    /* "matter.xml", for what is told of it */
	struct bd_wanted wanted;             /* by its elements */
	/* One for each element, worked out once the feeds are known (config/approved.h); before
	 * that what is held is invented, and nobody's to approve. */
	struct bd_approved_use *approvals;
};

/* A version by its name; NULL when it is not among these. */
static inline const struct bd_matter *bd_matter_version(const struct bd_matter *const *matters,
	size_t count, struct bd_bytes id, struct bd_bytes version)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_bytes_is(id, matters[i]->id) && bd_bytes_is(version, matters[i]->version)) {
			return matters[i];
		}
	}
	return NULL;
}

#endif
