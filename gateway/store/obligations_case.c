/* obligations_case.c - what the case files say goes into the ledger, in the transaction that
 * indexes them. */
#include "base/try.h"
#include "store/case_index.h"
#include "store/case_runs.h"
#include "store/obligations_form.h"

#include <stdlib.h>
#include <string.h>

static void read_owed(struct bd_owed_item *out, const struct bd_case_owed *owed)
{
	*out = (struct bd_owed_item){ .party = owed->is_agency ? BD_OWED_BY_AGENCY
							       : BD_OWED_BY_APPLICANT,
		.thing = { owed->is_agency, owed->id, owed->pointer },
		.due = owed->due,
		.extensions = (uint32_t)owed->extensions,
		.extension_working_days = (uint32_t)owed->extension_working_days };
}

static enum bd_code list_looked(
	struct bd_owed_answer *out, const struct bd_case_record *record, struct bd_arena *arena)
{
	struct bd_identifier *identifiers;
	size_t count = 0;

	for (size_t i = 0; i < record->looked_count; i++) {
		count += record->looked[i].identifier_count;
	}
	identifiers = bd_arena_alloc(arena, count, sizeof(*identifiers));
	if (identifiers == NULL) {
		return bd_arena_code(arena);
	}
	out->looked = identifiers;
	for (size_t i = 0; i < record->looked_count; i++) {
		const struct bd_case_looked *looked = &record->looked[i];

		for (size_t j = 0; !looked->is_sandbox && j < looked->identifier_count; j++) {
			identifiers[out->looked_count++] = looked->identifiers[j];
		}
	}
	return BD_OK;
}

/* Only a conditional decision owes; one that refers or offers names what would be. */
static enum bd_code read_answer(
	struct bd_owed_answer *out, const struct bd_case_record *record, struct bd_arena *arena)
{
	struct bd_owed_item *items = bd_arena_alloc(arena, record->owed_count, sizeof(*items));
	struct bd_owed_thing *met = bd_arena_alloc(arena, record->settled_count, sizeof(*met));
	struct bd_buf receipt = { (char *)out->receipt, 0, sizeof(out->receipt),
		sizeof(out->receipt) };

	if (items == NULL || met == NULL) {
		return bd_arena_code(arena);
	}
	*out = (struct bd_owed_answer){ .at_ms = record->at_ms,
		.on = record->on,
		.sender = record->client,
		.case_id = record->number,
		.matter = record->matter,
		.version = record->version,
		.is_binding =
			bd_case_is_conditional(record) || bd_bytes_is(record->decision, "pass"),
		.items = items,
		.item_count = bd_case_owes(record) ? record->owed_count : 0,
		.met = met,
		.met_count = record->settled_count };
	for (size_t i = 0; i < out->item_count; i++) {
		read_owed(&items[i], &record->owed[i]);
	}
	for (size_t i = 0; i < record->settled_count; i++) {
		const struct bd_case_settled *one = &record->settled[i];

		met[i] = (struct bd_owed_thing){ one->is_element, one->id, one->pointer };
	}
	BD_TRY(bd_trail_id_pack(&receipt, &record->receipt));
	return out->item_count > 0 ? list_looked(out, record, arena) : BD_OK;
}

/* -- answers that come out of their order: those of several loops are indexed one after the other
 * --
 */

/* Goes on from this entry of the list of a number to the next of the same; false = there is none.
 */
static enum bd_code next_item(bool *found, struct bd_txn *txn, struct bd_case_item *item)
{
	struct bd_case_item next;
	struct bd_case_gather gather = { .front = *item, .after = item, .items = &next, .max = 1 };

	BD_TRY(bd_case_find(&gather, txn));
	*found = gather.count > 0;
	*item = *found ? next : *item;
	return BD_OK;
}

/* The case that it leads to; *is_readable false: erased, or damaged. */
static enum bd_code load_listed(struct bd_case_record *out, bool *is_readable, struct bd_txn *txn,
	const struct bd_case_item *item, struct bd_arena *arena)
{
	struct bd_case_place place = bd_case_item_place(item);
	enum bd_code code = bd_case_load(out, txn->store, txn->store->seal, &place, arena);

	*is_readable = code == BD_OK;
	return code == BD_CASE_ERASED || code == BD_STORE_DAMAGED ? BD_OK : code;
}

/* Newer answers of the same case are there already: each is taken again behind this one. Of one
 * that can be read no more nothing is known; those behind it have the last word. */
static enum bd_code take_newer(
	struct bd_txn *txn, const struct bd_case_head *head, struct bd_arena *arena)
{
	static const struct bd_case_place behind = { UINT16_MAX, UINT32_MAX, UINT32_MAX };
	bool found = (head->flags & BD_CASE_HAS_NUMBER) != 0;
	struct bd_case_item item;

	bd_case_item_make(&item, BD_CASE_BY_NUMBER, head->number, head, &behind);
	while (found) {
		struct bd_owed_answer answer;
		struct bd_case_record newer;
		bool is_readable = false;

		BD_TRY(next_item(&found, txn, &item));
		BD_TRY(found ? load_listed(&newer, &is_readable, txn, &item, arena) : BD_OK);
		if (is_readable) {
			BD_TRY(read_answer(&answer, &newer, arena));
			BD_TRY(bd_owed_take(txn, &answer, arena));
		}
	}
	return BD_OK;
}

/* -- the sink -- */

static bool may_want(
	struct bd_case_sink *self, const struct bd_store *store, const struct bd_case_head *head)
{
	(void)self;
	return (head->flags & BD_CASE_OWES) != 0 ||
	       ((head->flags & BD_CASE_HAS_NUMBER) != 0 && store->has_owed);
}

/* An answer that owes nothing changes the ledger where an answer of its case has owed something. */
static enum bd_code wants(
	bool *out, struct bd_case_sink *self, struct bd_txn *txn, const struct bd_case_head *head)
{
	(void)self;
	*out = (head->flags & BD_CASE_OWES) != 0;
	return *out || (head->flags & BD_CASE_HAS_NUMBER) == 0
		       ? BD_OK
		       : bd_owed_knows_case(out, txn, head->number);
}

static enum bd_code added(struct bd_case_sink *self, struct bd_txn *txn,
	const struct bd_case_head *head, const struct bd_case_record *record,
	struct bd_arena *arena)
{
	struct bd_owed_answer answer;

	(void)self;
	BD_TRY(read_answer(&answer, record, arena));
	BD_TRY(bd_owed_take(txn, &answer, arena));
	return answer.item_count > 0 ? take_newer(txn, head, arena) : BD_OK;
}

/* A subject of it was erased. What is past its keeping time is dropped by whoever removes the case.
 */
static enum bd_code removed(struct bd_case_sink *self, struct bd_txn *txn,
	const struct bd_trail_id *receipt, struct bd_arena *arena)
{
	uint8_t packed[BD_OWED_RECEIPT_BYTES];
	struct bd_buf bytes = { (char *)packed, 0, sizeof(packed), sizeof(packed) };

	(void)self;
	BD_TRY(bd_trail_id_pack(&bytes, receipt));
	return bd_owed_erase(txn, packed, arena);
}

enum bd_code bd_owed_follow_cases(struct bd_store *store, struct bd_diag *diag)
{
	store->owed_sink = calloc(1, sizeof(*store->owed_sink));
	if (store->owed_sink == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	*store->owed_sink = (struct bd_case_sink){
		.may_want = may_want, .wants = wants, .added = added, .removed = removed
	};
	bd_cases_add_sink(store, store->owed_sink);
	return BD_OK;
}
