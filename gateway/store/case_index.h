/* case_index.h - the index of the case files, and who else wants to hear of each case in the same
 * transaction. Layer: store, private; the writer's thread.
 *
 * Databases: cases (receipt id -> struct bd_case_entry), case_numbers (blinded case number, time,
 * receipt id), case_subjects (blinded identifier, time, receipt id), case_erased (blinded
 * identifier -> the commit that erased it). In meta "cases LLLL" is the place up to
 * which the series of loop L is indexed, stored in the transaction that indexes it.
 */
#ifndef BD_STORE_CASE_INDEX_H
#define BD_STORE_CASE_INDEX_H

#include "store/case_file.h"
#include "store/case_sink.h"
#include "store/cases.h"
#include "store/txn.h"

#define BD_CASE_NUMBER_KEY_BYTES 16

#define BD_CASES_CURSOR_BYTES 16
void bd_cases_cursor_name(char out[BD_CASES_CURSOR_BYTES], uint16_t loop);

/* What is found by a receipt id. */
struct bd_case_entry {
	struct bd_case_place place;
	int64_t at_ms;
	bool has_number;
	uint8_t number[BD_CASE_NUMBER_KEY_BYTES]; /* blinded */
};
enum bd_code bd_case_entry_pack(struct bd_buf *out, const struct bd_case_entry *entry);
bool bd_case_entry_unpack(struct bd_case_entry *out, struct bd_bytes bytes);
enum bd_code bd_case_number_key(
	uint8_t out[BD_CASE_NUMBER_KEY_BYTES], struct bd_seal *seal, struct bd_bytes number);

/* Before the first bd_cases_index. sink lives as long as the store. */
void bd_cases_add_sink(struct bd_store *store, struct bd_case_sink *sink);

/* The key of the two lists: who or what number, when, which receipt. */
#define BD_CASE_LIST_KEY_BYTES (BD_NODE_KEY_BYTES + 8 + BD_TRAIL_ID_BYTES)
enum bd_code bd_case_list_key(struct bd_buf *out, const uint8_t of[BD_NODE_KEY_BYTES],
	int64_t at_ms, const struct bd_trail_id *receipt);

/* Only a conditional decision owes; one that refers or offers names what would be. */
static inline bool bd_case_is_conditional(const struct bd_case_record *record)
{
	return bd_bytes_is(record->decision, "conditional");
}
static inline bool bd_case_owes(const struct bd_case_record *record)
{
	return bd_case_is_conditional(record) && record->owed_count > 0;
}

/* Opens a record where it stands. *record lives in the arena. BD_CASE_ERASED, BD_STORE_DAMAGED. */
enum bd_code bd_case_load(struct bd_case_record *record, struct bd_store *store,
	struct bd_seal *seal, const struct bd_case_place *place, struct bd_arena *arena);
/* The same of bytes that were read. */
enum bd_code bd_case_open_record(struct bd_case_record *record, struct bd_seal *seal,
	const struct bd_case_place *place, const struct bd_case_head *head, struct bd_bytes sealed,
	struct bd_arena *arena);
/* Takes a case out of the lists of its subjects, and out of that of its number unless that is kept,
 * and tells the sinks; what is found by its receipt stays. */
enum bd_code bd_case_unlist(
	struct bd_txn *txn, const struct bd_case_record *record, bool keeps_number);
bool bd_case_is_same_place(const struct bd_case_place *a, const struct bd_case_place *b);
/* Of one series. */
bool bd_case_is_before(const struct bd_case_place *a, const struct bd_case_place *b);
/* The entry of a receipt; *found false = none. */
enum bd_code bd_case_entry_get(struct bd_case_entry *entry, bool *found, struct bd_txn *txn,
	const struct bd_trail_id *receipt);

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
