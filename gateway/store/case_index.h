/* case_index.h - the index of the case files, and who else wants to hear of each case in the same
 * transaction. Layer: store, private; the writer's thread.
 *
 * A case is found by its receipt, its number and the names of whom it looked at. The newest entries
 * are in memory (case_tail.h), the others in runs (case_runs.h). In meta "case index LLLL" is the
 * place up to which the series of loop L is in runs, and the newest receipt before it, stored in
 * the transaction that makes the run; "cases LLLL" is the place up to which whoever hears of cases
 * was told, and the commit up to which they were told of what changed, stored in each transaction
 * that tells them something. A start reads the heads from the first on again, and tells nobody of
 * those before the second what they know.
 */
#ifndef BD_STORE_CASE_INDEX_H
#define BD_STORE_CASE_INDEX_H

#include "store/case_file.h"
#include "store/case_sink.h"
#include "store/cases.h"
#include "store/txn.h"

#define BD_CASE_NUMBER_KEY_BYTES 16

/* case_keys.c: what a case number stands as, here and in the ledger of obligations. */
enum bd_code bd_case_number_key(
	uint8_t out[BD_CASE_NUMBER_KEY_BYTES], struct bd_seal *seal, struct bd_bytes number);

/* Before the first bd_cases_index. sink lives as long as the store. */
void bd_cases_add_sink(struct bd_store *store, struct bd_case_sink *sink);

/* Only a conditional decision owes; one that refers or offers names what would be. */
static inline bool bd_case_is_conditional(const struct bd_case_record *record)
{
	return bd_bytes_is(record->decision, "conditional");
}
static inline bool bd_case_owes(const struct bd_case_record *record)
{
	return bd_case_is_conditional(record) && record->owed_count > 0;
}

/* -- case_open.c -- */

/* Opens a record where it stands. *record lives in the arena. BD_CASE_ERASED, BD_STORE_DAMAGED. */
enum bd_code bd_case_load(struct bd_case_record *record, struct bd_store *store,
	struct bd_seal *seal, const struct bd_case_place *place, struct bd_arena *arena);
/* The same of bytes that were read. */
enum bd_code bd_case_open_record(struct bd_case_record *record, struct bd_seal *seal,
	const struct bd_case_place *place, const struct bd_case_head *head, struct bd_bytes sealed,
	struct bd_arena *arena);
/* Does the head itself say whom the case looked at, blinded as names are now? */
bool bd_case_has_names(const struct bd_case_head *head, const struct bd_seal *seal);
/* What it would say; keys in the transaction's arena. */
enum bd_code bd_case_head_of(
	struct bd_case_head *head, struct bd_txn *txn, const struct bd_case_record *record);
/* The head that stands there, with the names as they are blinded now, in the transaction's arena.
 * BD_CASE_ERASED: without names. BD_STORE_DAMAGED. */
enum bd_code bd_case_find_head(
	struct bd_case_head *head, struct bd_txn *txn, const struct bd_case_place *place);

/* Takes a case out of the lists of its subjects, and tells the sinks; by its number and its receipt
 * it is found still. */
enum bd_code bd_case_unlist(
	struct bd_txn *txn, const struct bd_case_head *head, const struct bd_case_place *place);
bool bd_case_is_same_place(const struct bd_case_place *a, const struct bd_case_place *b);
/* Of one series. */
bool bd_case_is_before(const struct bd_case_place *a, const struct bd_case_place *b);

/* -- case_recover.c -- */

/* Within the transaction that makes a run, and one that tells. */
enum bd_code bd_cases_put_indexed(struct bd_txn *txn);
/* Is this the name, in the database of meta, of how far cases are indexed? */
bool bd_cases_is_indexed_name(struct bd_bytes name);
enum bd_code bd_cases_put_told(struct bd_txn *txn);
/* The run is made. */
void bd_cases_set_indexed(struct bd_store *store);
/* At the start: the tail as it was. */
enum bd_code bd_cases_refill(struct bd_store *store, struct bd_diag *diag);

/* -- case_read.c -- */

/* When the first record of a file was written; INT64_MIN where it does not say. */
int64_t bd_case_first_ms(struct bd_store *store, uint16_t loop, uint32_t segment);

/* -- case_erase.c -- */

/* Overwrites the salt of a record and the names in its head, in a file that was opened for it;
 * final after a sync. */
enum bd_code bd_case_wipe(int fd, const struct bd_case_place *place, struct bd_diag *diag);
/* The same, and synced. */
enum bd_code bd_case_wipe_one(
	struct bd_store *store, const struct bd_case_place *place, struct bd_diag *diag);
/* Was one of whom it looked at erased while it was being answered? */
enum bd_code bd_case_is_overtaken(
	bool *is_overtaken, struct bd_txn *txn, const struct bd_case_head *head);

#endif
