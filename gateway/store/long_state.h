/* long_state.h - how far long messages have come, in the database `spools`. Layer: store, private
 * to long.c. */
#ifndef BD_STORE_LONG_STATE_H
#define BD_STORE_LONG_STATE_H

#include "store/apply.h"
#include "store/long.h"

struct bd_long_known {
	uint64_t message, id;
	bool is_failed;
	bool has_key;
	uint8_t key[BD_DIGEST_BYTES]; /* of its idempotency key */
};

enum bd_code bd_long_open(
	struct bd_long **out, struct bd_store *store, uint64_t id, struct bd_diag *diag);
/* A message that is accepted, nothing of it applied. */
enum bd_code bd_long_put_new(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t id);
/* How it stands in the database; a message that is not there is BD_STORE_DAMAGED. */
enum bd_code bd_long_find(struct bd_long_known *known, struct bd_txn *txn, uint64_t message);
/* Its cursor and counts. */
enum bd_code bd_long_put(struct bd_txn *txn, const struct bd_long *work);
/* It is not gone on with any more; its idempotency key is free. */
enum bd_code bd_long_put_failed(struct bd_txn *txn, const struct bd_long_known *known);
/* Cursor and counts as the last commit has them. */
enum bd_code bd_long_load(struct bd_store *store, struct bd_long *work, struct bd_diag *diag);
/* What a part has changed and told, into the counts and the bits of native records. */
enum bd_code bd_long_note(struct bd_txn *txn, struct bd_long *work, struct bd_apply *apply);
enum bd_code bd_long_delete(struct bd_txn *txn, uint64_t message);
/* All messages in it, by number; the caller frees *out, whatever the outcome. */
enum bd_code bd_long_list(struct bd_long_known **out, size_t *count, struct bd_store *store,
	MDB_txn *txn, struct bd_diag *diag);
/* The ids of all files in the folder, ascending; the caller frees. */
enum bd_code bd_long_files(
	uint64_t **out, size_t *count, struct bd_store *store, struct bd_diag *diag);

#endif
