/* normalize_identifier.c - who a draft, or a message, is about. */
#include "intake/normalize_parts.h"
#include "record/rules_identifier.h"

#define IDENTIFIERS_MAX 16

/* Kind by plan, by the document's type, or, where no type is stated, by a shape that cannot be
 * another's. */
static enum bd_code kind_of(const struct bd_id_kind **kind, const struct bd_identifier_plan *plan,
	const struct bd_slot *slots, const struct bd_normalizing *work)
{
	const struct bd_dictionary *dict = work->context->dict;
	struct bd_bytes type;
	const char *name = "resident_id";

	if (plan->kind != 0) {
		*kind = bd_dictionary_id_kind_number(dict, plan->kind);
		return *kind != NULL ? BD_OK : BD_INTERNAL;
	}
	type = plan->type_slot == BD_NO_SLOT ? (struct bd_bytes){ "", 0 }
					     : bd_slot_text(&slots[plan->type_slot]);
	if (type.len > 0 && plan->type_map != NULL) {
		name = bd_code_map_find(plan->type_map, type);
		if (name == NULL) {
			return BD_CODE_UNMAPPED;
		}
	}
	*kind = bd_dictionary_id_kind(dict, name);
	return *kind != NULL ? BD_OK : BD_CODE_UNMAPPED;
}

static uint16_t rank_of(const struct bd_normalizing *work, const struct bd_identifier *identifier)
{
	const struct bd_id_kind *kind =
		bd_dictionary_id_kind_number(work->context->dict, identifier->kind);

	return kind != NULL ? kind->rank : UINT16_MAX;
}

static bool is_same(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->issuer, b->issuer) &&
	       bd_bytes_equal(a->number, b->number);
}

/* rule: map.identifiers. Kept in the order of their rank, then bytes, each once: the first names
 * the subject whoever sends it. */
static void insert(struct bd_identifier *list, size_t *count, const struct bd_identifier *one,
	const struct bd_normalizing *work)
{
	size_t at = *count;

	for (size_t i = 0; i < *count; i++) {
		if (is_same(&list[i], one)) {
			return;
		}
	}
	while (at > 0 && (rank_of(work, one) < rank_of(work, &list[at - 1]) ||
				 (rank_of(work, one) == rank_of(work, &list[at - 1]) &&
					 bd_bytes_compare(one->number, list[at - 1].number) < 0))) {
		list[at] = list[at - 1];
		at--;
	}
	list[at] = *one;
	(*count)++;
}

static enum bd_code read_one(struct bd_identifier *out, const struct bd_identifier_plan *plan,
	const struct bd_slot_plan *slot_plans, const struct bd_slot *slots,
	const struct bd_normalizing *work)
{
	const struct bd_id_kind *kind = NULL;
	bool warned = false;
	enum bd_code code = kind_of(&kind, plan, slots, work);

	if (code == BD_CODE_UNMAPPED) {
		bd_fail(work->diag, code, "no such type of document");
		return bd_normalize_at(
			work, code, &slot_plans[plan->type_slot], &slots[plan->type_slot]);
	}
	if (code == BD_OK) {
		code = bd_rule_identifier(out, work->context->dict, kind,
			bd_slot_text(&slots[plan->slot]), plan->is_strict ? NULL : &warned,
			work->arena, work->diag);
	}
	if (code != BD_OK) {
		return bd_normalize_at(work, code, &slot_plans[plan->slot], &slots[plan->slot]);
	}
	if (plan->issuer != NULL) {
		out->issuer = bd_bytes_of(plan->issuer);
	}
	return BD_OK;
}

enum bd_code bd_normalize_identifiers(const struct bd_identifier **out, size_t *count,
	const struct bd_identifier_plan *plans, size_t plan_count,
	const struct bd_slot_plan *slot_plans, const struct bd_slot *slots,
	const struct bd_normalizing *work)
{
	struct bd_identifier *list;

	*count = 0;
	if (plan_count > IDENTIFIERS_MAX) {
		plan_count = IDENTIFIERS_MAX;
	}
	list = bd_arena_alloc(work->arena, plan_count, sizeof(*list));
	if (list == NULL) {
		return bd_fail(work->diag, bd_arena_code(work->arena), "%s", "");
	}
	for (size_t i = 0; i < plan_count; i++) {
		struct bd_identifier one;
		enum bd_code code;

		if (!bd_when_holds(&plans[i].when, slots) ||
			bd_slot_text(&slots[plans[i].slot]).len == 0) {
			continue;
		}
		code = read_one(&one, &plans[i], slot_plans, slots, work);
		if (code != BD_OK) {
			return code;
		}
		insert(list, count, &one, work);
	}
	*out = list;
	return BD_OK;
}
