/* erase.h - what an erasure does to the case files of a subject. Layer: store, private; the
 * writer's thread. */
#ifndef BD_STORE_ERASE_H
#define BD_STORE_ERASE_H

#include "store/erase_clean.h"
#include "store/txn.h"

/* Within the transaction that erases: a case that is indexed later, and was read before, is erased
 * as it is indexed. */
enum bd_code bd_case_note_erased(
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], int64_t now_ms);
/* Those noted a day ago: every case that was read before is indexed long since. */
enum bd_code bd_case_forget_erased(struct bd_txn *txn, int64_t now_ms);
/* Indexes everything that was written before this call. Adds to *erased what that erases. */
enum bd_code bd_cases_catch_up(struct bd_store *store, uint64_t *erased, struct bd_diag *diag);
/* Erases the cases in the list of this identifier, in transactions of its own. Adds to *erased. */
enum bd_code bd_cases_erase_listed(
	struct bd_txn *txn, const uint8_t of[BD_NODE_KEY_BYTES], uint64_t *erased);
/* Of the cases in the list of another subject those in which one of who's numbers stands, or a
 * value that is what it is called: a company was asked about, and a shareholder of it was erased.
 */
enum bd_code bd_cases_erase_naming(struct bd_txn *txn, const struct bd_erase_who *who,
	const uint8_t of[BD_NODE_KEY_BYTES], uint64_t *erased);

#endif
