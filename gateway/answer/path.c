#include "answer/path.h"

#include "answer/decide.h"

#include <string.h>

#define FAN_OUT_NORMAL 64

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

/* Is the row one of the path's? UNSURE: its role is not known. */
static enum bd_counting is_on_path(const struct bd_work *work, const struct bd_entity *relation,
	const struct bd_field *role, const struct bd_statement *row)
{
	const struct bd_element *element = work->element;
	const struct bd_held_value *value;
	size_t count;

	if (row->entity != relation->number || row->is_inverse != element->is_relation_inverse) {
		return BD_COUNTS_NO;
	}
	value = bd_statement_value(row, role->number, &count);
	if (value == NULL || count > 1 ||
		(value->value.flags & (BD_VALUE_UNMAPPED | BD_VALUE_NONE)) != 0) {
		return BD_COUNTS_UNSURE;
	}
	for (size_t i = 0; i < element->relation_count; i++) {
		if (bd_bytes_is(value->value.text, element->relations[i])) {
			return BD_COUNTS_YES;
		}
	}
	return BD_COUNTS_NO;
}

/* Keeps the worse of the two, and every flag. */
static void keep_worse(struct bd_finding *worst, const struct bd_finding *one)
{
	uint32_t flags = worst->flags | one->flags;

	if (bd_finding_rank(one) > bd_finding_rank(worst)) {
		*worst = *one;
	}
	worst->flags = flags;
}

struct path {
	const struct bd_statement **rows; /* each other subject once */
	size_t count, max;
	struct bd_finding worst;
};

static void note(struct path *path, enum bd_finding_code code, const char *reason)
{
	struct bd_finding one = path->worst;

	bd_finding_set(&one, code, reason);
	keep_worse(&path->worst, &one);
}

static enum bd_code collect(
	struct path *path, const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_entity *relation = work->context->dict->relation;
	const struct bd_field *role = bd_dictionary_field(work->context->dict, "relation", "role");

	path->max = work->element->fan_out_max == 0 ? FAN_OUT_NORMAL : work->element->fan_out_max;
	path->rows =
		bd_arena_alloc(work->arena, path->max + 1, sizeof(const struct bd_statement *));
	if (path->rows == NULL) {
		return bd_arena_code(work->arena);
	}
	if (role == NULL || relation == NULL) {
		return BD_CONFIG_REFERENCE;
	}
	/* Any asked source that tells all relations can prove that there are no more. */
	bd_judge_absence(&path->worst, work, held, relation->number, BD_FINDING_MATCH, "");
	for (size_t i = 0; i < held->statement_count && path->count <= path->max; i++) {
		const struct bd_statement *row = &held->statements[i];
		enum bd_counting answer = is_on_path(work, relation, role, row);

		if (answer == BD_COUNTS_NO) {
			continue;
		}
		if (row->is_blocked) {
			/* It may lead elsewhere, or nowhere, after the rejected one. */
			note(path, BD_FINDING_INDETERMINATE, "blocked");
		} else if (answer == BD_COUNTS_UNSURE) {
			note(path, BD_FINDING_INDETERMINATE, "unmapped_code");
		} else if (row->other_count == 0) {
			note(path, BD_FINDING_INDETERMINATE, "other_unknown");
		} else if (!is_again(path->rows, path->count, row)) {
			path->rows[path->count++] = row;
		}
	}
	return BD_OK;
}

static enum bd_code find_at(
	struct bd_finding *one, const struct bd_work *work, const struct bd_statement *row)
{
	struct bd_answer_source *source = work->context->source;
	/* Of the ends of a path only what they say themselves is asked. */
	const struct bd_wanted wanted = { work->asked->matter->wanted.entities, false };
	struct bd_held *other = NULL;
	enum bd_code code = source->lookup(
		source, &other, row->other, row->other_count, &wanted, work->arena, work->diag);

	return code == BD_OK ? bd_element_find_in(one, work, other) : code;
}

/* Every end must answer: the worst stands for all. */
static void keep_every(struct bd_finding *finding, const struct path *path,
	const struct bd_finding *ends, const struct bd_element *element)
{
	*finding = path->worst;
	if (path->count == 0 && path->worst.code == BD_FINDING_MATCH &&
		element->polarity != BD_MUST_NOT_EXIST) {
		bd_finding_set(finding, BD_FINDING_ABSENT, "no_row");
	}
	for (size_t i = 0; i < path->count; i++) {
		keep_worse(finding, &ends[i]);
	}
}

/* So many ends are enough: then the worst of the best ones stands. Of too few, whatever keeps the
 * path itself from being known comes first: an end that is not told of could be the one. */
static void keep_enough(struct bd_finding *finding, const struct path *path,
	const struct bd_finding *ends, size_t needed)
{
	const struct bd_finding *best = NULL, *last = NULL;
	size_t accepted = 0;

	for (size_t i = 0; i < path->count; i++) {
		if (bd_finding_is_accepted(&ends[i])) {
			accepted++;
			last = last == NULL || bd_finding_rank(&ends[i]) > bd_finding_rank(last)
				       ? &ends[i]
				       : last;
		} else if (best == NULL || bd_finding_rank(&ends[i]) < bd_finding_rank(best)) {
			best = &ends[i];
		}
	}
	*finding = path->worst;
	if (accepted >= needed) {
		*finding = *last;
		finding->flags |= path->worst.flags & BD_FLAG_DISPUTED;
	} else if (path->worst.code == BD_FINDING_MATCH && path->worst.flags == 0 && best != NULL) {
		*finding = *best;
	} else if (path->worst.code == BD_FINDING_MATCH) {
		bd_finding_set(finding, BD_FINDING_ABSENT, "no_row");
	}
}

enum bd_code bd_path_follow(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_element *element = work->element;
	struct path path = { .worst = *finding };
	const struct bd_entity *relation;
	struct bd_finding *ends;
	enum bd_code code;

	if (held->status == BD_HELD_AMBIGUOUS) {
		bd_finding_set(finding, BD_FINDING_AMBIGUOUS, "several_subjects");
		return BD_OK;
	}
	if (held->status == BD_HELD_WITHHELD) {
		bd_finding_set(finding, BD_FINDING_WITHHELD, "withheld");
		return BD_OK;
	}
	relation = work->context->dict->relation;
	if (relation != NULL && bd_entity_is_disputed(held, relation, NULL)) {
		path.worst.flags |= BD_FLAG_DISPUTED;
	}
	code = collect(&path, work, held);
	if (code != BD_OK) {
		return code;
	}
	if (path.count > path.max) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "fan_out");
		return BD_OK;
	}
	ends = bd_arena_alloc(work->arena, path.count + 1, sizeof(*ends));
	if (ends == NULL) {
		return bd_arena_code(work->arena);
	}
	for (size_t i = 0; i < path.count && code == BD_OK; i++) {
		ends[i] = *finding;
		code = find_at(&ends[i], work, path.rows[i]);
	}
	if (element->quantifier == BD_QUANTIFIER_EVERY) {
		keep_every(finding, &path, ends, element);
	} else {
		keep_enough(finding, &path, ends,
			element->quantifier == BD_QUANTIFIER_ANY ? 1 : element->at_least);
	}
	return code;
}
