#include "answer/element.h"

#include "base/clock.h"
#include "base/limits.h"
#include "record/rules_identifier.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include <string.h>

/* What the steps of one element share. */
struct work {
	const struct bd_element *element;
	const struct bd_case *asked;
	const struct bd_answer_context *context;
	const struct bd_case_subject *subject;
	struct bd_arena *arena;
	struct bd_diag *diag;
};

static void set(struct bd_finding *finding, enum bd_finding_code code, const char *reason)
{
	finding->code = code;
	finding->reason = reason;
}

static void tell(struct bd_finding *finding, const struct bd_statement *statement)
{
	finding->source = statement->source;
	finding->as_of_ms = statement->as_of_ms;
	finding->received_ms = statement->received_ms;
}

const struct bd_held_value *bd_statement_value(
	const struct bd_statement *statement, uint16_t field, size_t *count)
{
	const struct bd_held_value *first = NULL;

	*count = 0;
	for (size_t i = 0; i < statement->value_count; i++) {
		if (statement->values[i].value.field == field) {
			first = first == NULL ? &statement->values[i] : first;
			(*count)++;
		}
	}
	return first;
}

static uint8_t rank_of(const struct bd_statement *statement)
{
	return statement->value_count > 0 ? statement->values[0].order.rank : 0;
}

bool bd_statement_is_newer(const struct bd_statement *a, const struct bd_statement *b)
{
	if (rank_of(a) != rank_of(b)) {
		return rank_of(a) > rank_of(b);
	}
	return a->as_of_ms > b->as_of_ms;
}

/* -- which rows count -- */

static bool is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_asked_source(const struct bd_element *element, const char *source)
{
	return element->source_count == 0 ||
	       is_listed(element->sources, element->source_count, source);
}

enum answer { NO = 0, YES, UNSURE };

static enum answer passes_filter(const struct bd_row_filter *filter, const struct bd_statement *row)
{
	size_t count;
	const struct bd_held_value *value = bd_statement_value(row, filter->field->number, &count);
	struct bd_bytes text = { "", 0 };
	bool is_one = false;

	if (count > 1) {
		return UNSURE;
	}
	if (value != NULL && (value->value.flags & BD_VALUE_NONE) == 0) {
		if ((value->value.flags & (BD_VALUE_UNMAPPED | BD_VALUE_PLACEHOLDER)) != 0) {
			return UNSURE;
		}
		text = value->value.text;
	}
	for (size_t i = 0; i < filter->value_count; i++) {
		is_one |= bd_bytes_is(text, filter->values[i]);
	}
	return is_one != filter->is_not ? YES : NO;
}

static enum answer counts(const struct bd_element *element, const struct bd_statement *row)
{
	enum answer answer = YES;

	if (row->is_inverse || row->entity != element->entity->number ||
		!is_asked_source(element, row->source)) {
		return NO;
	}
	for (size_t i = 0; i < element->filter_count; i++) {
		enum answer one = passes_filter(&element->filters[i], row);

		if (one == NO) {
			return NO;
		}
		answer = one == UNSURE ? UNSURE : answer;
	}
	return answer;
}

/* A row that a newer statement of the same source on the same row replaces: another feed of it
 * knows better. */
static bool is_superseded(const struct bd_held *held, const struct bd_statement *row)
{
	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *other = &held->statements[i];

		if (other != row && other->entity == row->entity && !other->is_inverse &&
			strcmp(other->source, row->source) == 0 &&
			bd_bytes_equal(other->row_key, row->row_key) &&
			bd_statement_is_newer(other, row)) {
			return true;
		}
	}
	return false;
}

/* -- coverage -- */

struct proof {
	uint32_t proven; /* sources that told all */
	bool has_gap, is_blocked, has_none, is_feed;
	int64_t through_ms; /* least of the proven */
	const char *source;
};

static void collect_proof(
	struct proof *proof, const struct work *work, const struct bd_held *held, uint16_t entity)
{
	*proof = (struct proof){ .is_feed = true };
	for (size_t i = 0; i < held->coverage_count; i++) {
		const struct bd_coverage *coverage = &held->coverage[i];

		if (coverage->entity != entity ||
			!is_asked_source(work->element, coverage->source)) {
			continue;
		}
		proof->is_blocked |= coverage->is_blocked;
		if (coverage->state == BD_COVERAGE_GAP) {
			proof->has_gap = true;
		} else if (coverage->state == BD_COVERAGE_NONE) {
			proof->has_none = true;
		} else {
			proof->proven++;
			proof->is_feed &= coverage->state == BD_COVERAGE_FEED;
			proof->source = coverage->source;
			if (proof->through_ms == 0 ||
				coverage->complete_through_ms < proof->through_ms) {
				proof->through_ms = coverage->complete_through_ms;
			}
		}
	}
}

static uint32_t sources_needed(const struct bd_element *element)
{
	return element->sources_needed == 0 ? 1 : element->sources_needed;
}

/* What the lack of a row means. `proven` is the finding when it is proven. */
static void judge_absence(struct bd_finding *finding, const struct work *work,
	const struct bd_held *held, uint16_t entity, enum bd_finding_code proven,
	const char *reason)
{
	struct proof proof;

	collect_proof(&proof, work, held, entity);
	finding->source = proof.source;
	finding->received_ms = proof.through_ms;
	finding->as_of_ms = proof.through_ms;
	if (proof.is_blocked) {
		set(finding, BD_FINDING_INDETERMINATE, "blocked");
	} else if (proof.proven >= sources_needed(work->element)) {
		set(finding, proven, reason);
		if (work->element->freshness == BD_FRESH_COMPLETE_THROUGH &&
			proof.through_ms + work->element->max_age_s * 1000 <
				work->context->now_ms) {
			finding->flags |= BD_FLAG_STALE;
		}
	} else {
		set(finding, BD_FINDING_UNAVAILABLE, proof.has_gap ? "gap" : "not_covered");
	}
}

/* -- values -- */

static enum bd_code normal_claim(struct bd_bytes *out, uint8_t *flags, const struct bd_field *field,
	struct bd_bytes text, struct bd_arena *arena)
{
	struct bd_diag why = { .code = BD_OK };

	switch (field->type) {
	case BD_TYPE_DATE:
		return bd_rule_date(out, text, arena, &why);
	case BD_TYPE_MONTH:
		return bd_rule_month(out, text, arena, &why);
	case BD_TYPE_AMOUNT:
		return bd_rule_amount(out, text, 2, arena, &why);
	case BD_TYPE_COUNT:
		return bd_rule_count(out, text, arena, &why);
	case BD_TYPE_BOOL:
		return bd_rule_bool(out, text, &why);
	case BD_TYPE_CODE: {
		char name[64];

		if (text.len >= sizeof(name)) {
			return BD_CODE_UNMAPPED;
		}
		memcpy(name, text.ptr, text.len);
		name[text.len] = '\0';
		*out = text;
		return bd_field_code(field, name) != NULL ? BD_OK : BD_CODE_UNMAPPED;
	}
	default:
		return bd_rule_text(out, flags, field->type, text, arena, &why);
	}
}

/* Is one date the other with its day, or month, left out? */
static bool is_part_of(struct bd_bytes a, struct bd_bytes b)
{
	return a.len > 0 && a.len < b.len && memcmp(a.ptr, b.ptr, a.len) == 0 &&
	       b.ptr[a.len] == '-';
}

static enum bd_finding_code compare(const char **reason, const struct bd_field *field,
	struct bd_bytes claim, const struct bd_value *held)
{
	*reason = "";
	if ((held->flags & BD_VALUE_UNMAPPED) != 0) {
		*reason = "unmapped_code";
		return BD_FINDING_INDETERMINATE;
	}
	if (field->comparator == BD_COMPARE_DATE && !bd_bytes_equal(claim, held->text) &&
		(is_part_of(claim, held->text) || is_part_of(held->text, claim))) {
		*reason = "partial_date";
		return BD_FINDING_NEAR;
	}
	switch (bd_rule_compare_text(field->comparator, claim, held->text)) {
	case BD_LIKE_SAME:
		return BD_FINDING_MATCH;
	case BD_LIKE_NEAR:
		*reason = "near";
		return BD_FINDING_NEAR;
	case BD_LIKE_UNSURE:
		*reason = "placeholder";
		return BD_FINDING_INDETERMINATE;
	default:
		*reason = "differs";
		return BD_FINDING_MISMATCH;
	}
}

static const struct bd_claim *find_claim(const struct work *work)
{
	for (size_t i = 0; i < work->asked->claim_count; i++) {
		if (work->asked->claims[i].subject == work->subject &&
			work->asked->claims[i].field == work->element->field) {
			return &work->asked->claims[i];
		}
	}
	return NULL;
}

static bool is_adverse(const struct bd_field *field, const struct bd_value *value)
{
	char name[64];
	const struct bd_code_value *code;

	if (field->type != BD_TYPE_CODE || value->text.len >= sizeof(name)) {
		return false;
	}
	memcpy(name, value->text.ptr, value->text.len);
	name[value->text.len] = '\0';
	code = bd_field_code(field, name);
	return code != NULL && code->is_adverse;
}

static size_t authority_of(const struct bd_field *field, const char *source)
{
	size_t i = 0;

	while (i < field->authority_count && strcmp(field->authority[i], source) != 0) {
		i++;
	}
	return i;
}

/* One value of one source against the claim or the values that the matter accepts. */
static enum bd_finding_code judge(const char **reason, const struct work *work,
	struct bd_bytes claim, const struct bd_held_value *value, size_t same_order)
{
	const struct bd_element *element = work->element;

	*reason = "";
	if (same_order > 1) {
		*reason = "conflict";
		return BD_FINDING_INDETERMINATE;
	}
	if (element->is_claimed) {
		return compare(reason, element->field, claim, &value->value);
	}
	if ((value->value.flags & BD_VALUE_UNMAPPED) != 0) {
		*reason = "unmapped_code";
		return BD_FINDING_INDETERMINATE;
	}
	for (size_t i = 0; i < element->accepted_value_count; i++) {
		if (bd_bytes_is(value->value.text, element->accepted_values[i])) {
			return BD_FINDING_MATCH;
		}
	}
	*reason = "differs";
	return BD_FINDING_MISMATCH;
}

/* Worse is later: the written order of a finding's codes. */
static int badness(enum bd_finding_code code)
{
	static const int order[BD_FINDING_CODE_COUNT] = { [BD_FINDING_MATCH] = 0,
		[BD_FINDING_NEAR] = 1,
		[BD_FINDING_UNAVAILABLE] = 2,
		[BD_FINDING_ABSENT] = 3,
		[BD_FINDING_NO_RECORD] = 4,
		[BD_FINDING_AMBIGUOUS] = 5,
		[BD_FINDING_INDETERMINATE] = 6,
		[BD_FINDING_WITHHELD] = 7,
		[BD_FINDING_MISMATCH] = 8,
		[BD_FINDING_INVALID] = 9 };

	return order[code];
}

struct verdict {
	enum bd_finding_code code;
	const char *reason;
	const struct bd_statement *row;
	const struct bd_held_value *value;
};

/* Several rows of one subject: by the field's merge. */
static void merge(struct bd_finding *finding, const struct bd_field *field,
	const struct verdict *verdicts, size_t count)
{
	const struct verdict *best = &verdicts[0];
	bool differ = false;

	for (size_t i = 1; i < count; i++) {
		const struct verdict *one = &verdicts[i];
		size_t authority = authority_of(field, one->row->source),
		       best_authority = authority_of(field, best->row->source);

		differ |= !bd_bytes_equal(one->value->value.text, best->value->value.text);
		if (field->merge == BD_MERGE_ANY_ADVERSE &&
			is_adverse(field, &one->value->value) !=
				is_adverse(field, &best->value->value)) {
			best = is_adverse(field, &one->value->value) ? one : best;
		} else if (field->merge == BD_MERGE_UNION) {
			best = badness(one->code) < badness(best->code) ? one : best;
		} else if (authority != best_authority) {
			best = authority < best_authority ? one : best;
		} else {
			/* Of one authority, the worse one: rows of one source on one subject are
			 * all true. */
			best = badness(one->code) > badness(best->code) ? one : best;
		}
	}
	set(finding, best->code, best->reason);
	tell(finding, best->row);
	if (differ && field->merge == BD_MERGE_ALL_AGREE) {
		set(finding, BD_FINDING_INDETERMINATE, "conflict");
	}
	/* The best source agrees and another does not: a person looks. */
	for (size_t i = 0; i < count; i++) {
		if (field->merge != BD_MERGE_UNION && verdicts[i].code == BD_FINDING_MISMATCH &&
			(best->code == BD_FINDING_MATCH || best->code == BD_FINDING_NEAR)) {
			finding->flags |= BD_FLAG_CONFLICT;
			finding->reason = "sources_differ";
		}
	}
	if (best->reason != NULL && strcmp(best->reason, "conflict") == 0) {
		finding->flags |= BD_FLAG_CONFLICT;
	}
}

/* Too old: what differs may have been put right since. */
static void judge_age(struct bd_finding *finding, const struct work *work)
{
	if (work->element->freshness != BD_FRESH_OBSERVED || work->element->max_age_s == 0 ||
		finding->received_ms + work->element->max_age_s * 1000 >= work->context->now_ms) {
		return;
	}
	finding->flags |= BD_FLAG_STALE;
	if (finding->code == BD_FINDING_MISMATCH) {
		set(finding, BD_FINDING_INDETERMINATE, "stale");
	}
}

/* A former name that is held makes a differing name a former one. */
static void judge_former(struct bd_finding *finding, const struct work *work,
	const struct bd_held *held, struct bd_bytes claim)
{
	const struct bd_field *field = work->element->field;
	const struct bd_field *former = bd_dictionary_field(
		work->context->dict, work->element->entity->name, "former_name");

	if (finding->code != BD_FINDING_MISMATCH || former == NULL ||
		strcmp(field->name, "name") != 0) {
		return;
	}
	for (size_t i = 0; i < held->statement_count; i++) {
		for (size_t v = 0; v < held->statements[i].value_count; v++) {
			const struct bd_value *value = &held->statements[i].values[v].value;

			if (value->field == former->number && bd_bytes_equal(value->text, claim)) {
				set(finding, BD_FINDING_NEAR, "former_name");
				finding->flags |= BD_FLAG_FORMER;
			}
		}
	}
}

static enum bd_code agree(
	struct bd_finding *finding, const struct work *work, const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	const struct bd_claim *claimed = element->is_claimed ? find_claim(work) : NULL;
	struct bd_bytes claim = { "", 0 };
	struct verdict *verdicts =
		bd_arena_alloc(work->arena, held->statement_count + 1, sizeof(*verdicts));
	bool is_unsure = false, is_blocked = false;
	uint8_t flags = 0;
	size_t count = 0;

	if (verdicts == NULL) {
		return bd_arena_code(work->arena);
	}
	if (element->is_claimed && claimed == NULL) {
		set(finding, BD_FINDING_INVALID, "claim_missing");
		return BD_OK;
	}
	if (claimed != NULL && normal_claim(&claim, &flags, element->field, claimed->value,
				       work->arena) != BD_OK) {
		set(finding, BD_FINDING_INVALID, "claim_form");
		return BD_OK;
	}
	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum answer answer = counts(element, row);
		const struct bd_held_value *value;
		size_t same_order;

		if (answer == NO || is_superseded(held, row)) {
			continue;
		}
		value = bd_statement_value(row, element->field->number, &same_order);
		if (value == NULL || (value->value.flags & BD_VALUE_NONE) != 0) {
			continue;
		}
		is_unsure |= answer == UNSURE;
		is_blocked |= row->is_blocked;
		verdicts[count].row = row;
		verdicts[count].value = value;
		verdicts[count].code =
			judge(&verdicts[count].reason, work, claim, value, same_order);
		count++;
	}
	if (count == 0) {
		judge_absence(finding, work, held, element->entity->number,
			held->status == BD_HELD_NO_SUBJECT ? BD_FINDING_NO_RECORD
							   : BD_FINDING_ABSENT,
			held->status == BD_HELD_NO_SUBJECT ? "no_record" : "no_value");
		/* A reply about one subject says nothing about whether there is such a person
		 * elsewhere. */
		return BD_OK;
	}
	merge(finding, element->field, verdicts, count);
	if (claimed != NULL && finding->code == BD_FINDING_MATCH &&
		!bd_bytes_equal(claim, claimed->value)) {
		finding->flags |= BD_FLAG_NORMALIZED;
	}
	judge_former(finding, work, held, claim);
	if (is_unsure || is_blocked) {
		set(finding, BD_FINDING_INDETERMINATE, is_blocked ? "blocked" : "unmapped_code");
	}
	judge_age(finding, work);
	return BD_OK;
}

/* must_exist and must_not_exist. */
static void exist(struct bd_finding *finding, const struct work *work, const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	bool is_wanted = element->polarity == BD_MUST_EXIST;
	enum answer answer = NO;
	bool is_blocked = false;

	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum answer one = counts(element, row);
		size_t same_order = 1;

		if (one == NO || is_superseded(held, row) ||
			(element->field != NULL && bd_statement_value(row, element->field->number,
							   &same_order) == NULL)) {
			continue;
		}
		is_blocked |= row->is_blocked;
		if (answer != YES) {
			answer = one;
			tell(finding, row);
		}
	}
	if (answer == NO) {
		if (is_wanted) {
			judge_absence(finding, work, held, element->entity->number,
				held->status == BD_HELD_NO_SUBJECT ? BD_FINDING_NO_RECORD
								   : BD_FINDING_ABSENT,
				"no_row");
		} else {
			judge_absence(
				finding, work, held, element->entity->number, BD_FINDING_MATCH, "");
		}
		return;
	}
	if (answer == UNSURE || (is_blocked && is_wanted)) {
		set(finding, BD_FINDING_INDETERMINATE, is_blocked ? "blocked" : "unmapped_code");
	} else if (is_wanted) {
		set(finding, BD_FINDING_MATCH, "");
	} else {
		set(finding, BD_FINDING_MISMATCH, "exists");
		if (is_blocked) {
			finding->flags |= BD_FLAG_CONFLICT;
		}
	}
	judge_age(finding, work);
}

static enum bd_code find_in(
	struct bd_finding *finding, const struct work *work, const struct bd_held *held)
{
	if (held->status == BD_HELD_AMBIGUOUS) {
		set(finding, BD_FINDING_AMBIGUOUS, "several_subjects");
		return BD_OK;
	}
	if (held->is_disputed) {
		finding->flags |= BD_FLAG_DISPUTED;
	}
	if (work->element->polarity == BD_MUST_AGREE) {
		return agree(finding, work, held);
	}
	exist(finding, work, held);
	return BD_OK;
}

/* -- relations -- */

static bool has_role(
	const struct work *work, const struct bd_statement *row, const struct bd_field *role)
{
	const struct bd_element *element = work->element;
	size_t count;
	const struct bd_held_value *value = bd_statement_value(row, role->number, &count);

	for (size_t i = 0; value != NULL && i < element->relation_count; i++) {
		if (bd_bytes_is(value->value.text, element->relations[i])) {
			return true;
		}
	}
	return false;
}

static bool is_again(
	const struct bd_statement *const *rows, size_t count, const struct bd_statement *row)
{
	for (size_t i = 0; i < count; i++) {
		const struct bd_identifier *a = &rows[i]->other[0], *b = &row->other[0];

		if (a->kind == b->kind && bd_bytes_equal(a->number, b->number) &&
			bd_bytes_equal(a->issuer, b->issuer)) {
			return true;
		}
	}
	return false;
}

static enum bd_code follow(
	struct bd_finding *finding, const struct work *work, const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	const struct bd_field *role = bd_dictionary_field(work->context->dict, "relation", "role");
	const struct bd_entity *relation = bd_dictionary_entity(work->context->dict, "relation");
	const struct bd_statement **rows =
		bd_arena_alloc(work->arena, held->statement_count + 1, sizeof(*rows));
	size_t count = 0, max = element->fan_out_max == 0 ? 32 : element->fan_out_max;
	struct bd_finding worst = *finding;

	if (rows == NULL || role == NULL || relation == NULL) {
		return rows == NULL ? bd_arena_code(work->arena) : BD_CONFIG_REFERENCE;
	}
	if (held->status == BD_HELD_AMBIGUOUS) {
		set(finding, BD_FINDING_AMBIGUOUS, "several_subjects");
		return BD_OK;
	}
	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];

		if (row->entity == relation->number &&
			row->is_inverse == element->is_relation_inverse && row->other_count > 0 &&
			has_role(work, row, role) && !is_again(rows, count, row)) {
			rows[count++] = row;
		}
	}
	if (count > max) {
		set(finding, BD_FINDING_INDETERMINATE, "fan_out");
		return BD_OK;
	}
	/* That there is nobody else must be proven as well; any source that tells all relations
	 * can. */
	judge_absence(&worst, work, held, relation->number,
		element->polarity == BD_MUST_NOT_EXIST || count > 0 ? BD_FINDING_MATCH
								    : BD_FINDING_ABSENT,
		count == 0 && element->polarity != BD_MUST_NOT_EXIST ? "no_row" : "");
	for (size_t i = 0; i < count; i++) {
		struct bd_finding one = {
			.element = element, .subject = finding->subject, .reason = ""
		};
		struct bd_held *other = NULL;
		enum bd_code code = work->context->source->lookup(work->context->source, &other,
			rows[i]->other, rows[i]->other_count, work->arena, work->diag);

		code = code == BD_OK ? find_in(&one, work, other) : code;
		if (code != BD_OK) {
			return code;
		}
		if (badness(one.code) > badness(worst.code) ||
			(one.code == worst.code && one.flags > worst.flags)) {
			worst = one;
		}
	}
	*finding = worst;
	return BD_OK;
}

/* -- attestations and the rest -- */

static void attest(struct bd_finding *finding, const struct work *work)
{
	const struct bd_attestation_rule *rule = work->element->attestation;

	set(finding, BD_FINDING_ABSENT, "attestation_missing");
	for (size_t i = 0; i < work->asked->attestation_count; i++) {
		const struct bd_attestation *one = &work->asked->attestations[i];
		bool is_trusted = false;

		if (!bd_bytes_is(one->kind, rule->kind)) {
			continue;
		}
		for (size_t p = 0; p < rule->provider_count; p++) {
			is_trusted |= bd_bytes_is(one->provider, rule->providers[p]);
		}
		finding->as_of_ms = one->at_ms;
		if (!is_trusted) {
			set(finding, BD_FINDING_INDETERMINATE, "provider_not_listed");
		} else if (one->at_ms > work->context->now_ms + 600000 ||
			   one->at_ms + rule->max_age_s * 1000 <
				   (work->asked->submitted_ms != 0 ? work->asked->submitted_ms
								   : work->context->now_ms)) {
			set(finding, BD_FINDING_INDETERMINATE, "attestation_expired");
			finding->flags |= BD_FLAG_STALE;
		} else {
			set(finding, BD_FINDING_MATCH, "");
			finding->flags = 0;
			return;
		}
	}
}

static bool is_document_covered(const struct work *work)
{
	const struct bd_element *element = work->element;
	const struct bd_id_kind *kind =
		bd_dictionary_id_kind_number(work->context->dict, work->subject->identifier.kind);

	return element->document_count == 0 ||
	       (kind != NULL && is_listed(element->documents, element->document_count, kind->name));
}

enum bd_code bd_element_find(struct bd_finding *out, const struct bd_element *element,
	const struct bd_case_subject *subject, const struct bd_case *asked,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct work work = { element, asked, context, subject, arena, diag };

	*out = (struct bd_finding){ .element = element,
		.subject = subject,
		.code = BD_FINDING_INDETERMINATE,
		.reason = "" };
	if (element->attestation != NULL) {
		attest(out, &work);
		return BD_OK;
	}
	if (subject->invalid != BD_OK) {
		set(out, BD_FINDING_INVALID, bd_code_info(subject->invalid)->text);
		return BD_OK;
	}
	if (!is_document_covered(&work)) {
		set(out, BD_FINDING_UNAVAILABLE, "not_covered");
		return BD_OK;
	}
	return element->relation_count > 0 ? follow(out, &work, subject->held)
					   : find_in(out, &work, subject->held);
}
