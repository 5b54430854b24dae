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

/* A row counts only where this field of it is (or is not) one of the values. */
struct bd_row_filter {
	const struct bd_field *field;
	bool is_not;
	const char *const *values; /* "" = no value */
	size_t value_count;
};

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
	const char *role;
	/* path over relations: from the role's subject along relation rows with these roles to
	 * other subjects; none = the subject itself. */
	const char *const *relations; /* names in the code list of relation.role */
	size_t relation_count;
	bool is_relation_inverse; /* from a person to the organizations that name it */
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
	const char *const *sources; /* asked sources; none listed = any that covers the entity */
	size_t source_count;
	uint32_t sources_needed;      /* how many of them must answer; 0 = one */
	const char *const *documents; /* id kinds it can answer for; none listed = all */
	size_t document_count;
	const struct bd_attestation_rule *attestation; /* NULL, or it alone decides the element */
	bool is_core;
	enum bd_freshness freshness;
	int64_t max_age_s;
	uint32_t accepted_codes; /* bit per bd_finding_code; unlisted = failed */
	uint32_t accepted_flags; /* bit per bd_finding_flag that does not spoil acceptance */
	uint32_t resubmit_codes; /* codes that are the applicant's to correct */
	bool refuses; /* a confirmed, unflagged contrary finding meets the refusal rule below */
	const char *refusal_basis, *refusal_reason, *refusal_remedy;
};

struct bd_matter {
	const char *id, *version;
	const char *title_zh, *title_en, *basis;
	const char *effective_from,
		*effective_until; /* yyyy-MM-dd; until may be NULL; by the day of acceptance */
	int64_t wait_s;           /* how long `retry` may last after submitted_at */
	const struct bd_role *roles;
	size_t role_count;
	const struct bd_element *elements;
	size_t element_count;
	/* materials that may follow 容缺; none = no conditional decision */
	const char *const *deferrable_materials;
	size_t deferrable_material_count;
	const char *conditional_mode; /* "accept_only" | "issue_on_commitment" | NULL */
};

#endif
