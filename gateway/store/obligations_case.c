/* obligations_case.c - what the case files say goes into the ledger, in the transaction that
 * indexes them. */
#include "base/try.h"
#include "store/case_index.h"
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

/* Goes on from this key of the list of a number to the next of the same; false = there is none. */
static enum bd_code next_key(bool *found, struct bd_txn *txn, struct bd_buf *key)
{
	MDB_val name = { key->len, key->ptr }, value;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn->mdb, txn->store->case_numbers, &cursor);

	*found = false;
	if (result != 0) {
		return bd_txn_fail(txn, result, "cases");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	if (result == 0 && name.mv_size == key->len &&
		memcmp(name.mv_data, key->ptr, key->len) == 0) {
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	*found = result == 0 && name.mv_size == key->len &&
		 memcmp(name.mv_data, key->ptr, BD_CASE_NUMBER_KEY_BYTES) == 0;
	if (*found) {
		memcpy(key->ptr, name.mv_data, key->len);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "cases");
}

/* The case that a key of that list leads to; *is_readable false: erased, or damaged. */
static enum bd_code load_listed(struct bd_case_record *out, bool *is_readable, struct bd_txn *txn,
	const struct bd_buf *key, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(
		(struct bd_bytes){ key->ptr + key->len - BD_TRAIL_ID_BYTES, BD_TRAIL_ID_BYTES });
	struct bd_trail_id receipt = bd_trail_id_unpack(&reader);
	struct bd_store *store = txn->store;
	struct bd_case_entry entry;
	enum bd_code code;

	BD_TRY(bd_case_entry_get(&entry, is_readable, txn, &receipt));
	if (!*is_readable) {
		return BD_OK;
	}
	code = bd_case_load(out, store, store->seal, &entry.place, arena);
	*is_readable = code == BD_OK;
	return code == BD_CASE_ERASED || code == BD_STORE_DAMAGED ? BD_OK : code;
}

/* Newer answers of the same case are there already: each is taken again behind this one. Of one
 * that can be read no more nothing is known; those behind it have the last word. */
static enum bd_code take_newer(
	struct bd_txn *txn, const struct bd_case_record *record, struct bd_arena *arena)
{
	char room[BD_CASE_LIST_KEY_BYTES];
	struct bd_buf key = { room, 0, sizeof(room), sizeof(room) };
	uint8_t number[BD_CASE_NUMBER_KEY_BYTES];
	bool found = record->number.len > 0;

	BD_TRY(bd_case_number_key(number, txn->store->seal, record->number));
	BD_TRY(bd_case_list_key(&key, number, record->at_ms, &record->receipt));
	while (found) {
		struct bd_owed_answer answer;
		struct bd_case_record newer;
		bool is_readable = false;

		BD_TRY(next_key(&found, txn, &key));
		BD_TRY(found ? load_listed(&newer, &is_readable, txn, &key, arena) : BD_OK);
		if (is_readable) {
			BD_TRY(read_answer(&answer, &newer, arena));
			BD_TRY(bd_owed_take(txn, &answer, arena));
		}
	}
	return BD_OK;
}

/* -- the sink -- */

/* An answer that owes nothing changes the ledger where something is owed in its case. */
static enum bd_code wants(
	bool *out, struct bd_case_sink *self, struct bd_txn *txn, const struct bd_case_head *head)
{
	(void)self;
	*out = (head->flags & BD_CASE_OWES) != 0;
	return *out || (head->flags & BD_CASE_HAS_NUMBER) == 0
		       ? BD_OK
		       : bd_owed_has_scope(out, txn, head->scope);
}

static enum bd_code added(struct bd_case_sink *self, struct bd_txn *txn,
	const struct bd_case_head *head, const struct bd_case_record *record,
	struct bd_arena *arena)
{
	struct bd_owed_answer answer;

	(void)self;
	(void)head;
	BD_TRY(read_answer(&answer, record, arena));
	BD_TRY(bd_owed_take(txn, &answer, arena));
	return answer.item_count > 0 ? take_newer(txn, record, arena) : BD_OK;
}

/* A subject of it was erased. What is past its keeping time is dropped by whoever removes the case.
 */
static enum bd_code removed(struct bd_case_sink *self, struct bd_txn *txn,
	const struct bd_case_record *record, struct bd_arena *arena)
{
	uint8_t receipt[BD_OWED_RECEIPT_BYTES];
	struct bd_buf bytes = { (char *)receipt, 0, sizeof(receipt), sizeof(receipt) };

	(void)self;
	BD_TRY(bd_trail_id_pack(&bytes, &record->receipt));
	return bd_owed_erase(txn, receipt, arena);
}

enum bd_code bd_owed_follow_cases(struct bd_store *store, struct bd_diag *diag)
{
	store->owed_sink = calloc(1, sizeof(*store->owed_sink));
	if (store->owed_sink == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	*store->owed_sink =
		(struct bd_case_sink){ .wants = wants, .added = added, .removed = removed };
	bd_cases_add_sink(store, store->owed_sink);
	return BD_OK;
}
