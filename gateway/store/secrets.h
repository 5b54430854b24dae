/* secrets.h - which master keys a store needs, and its roots, sealed under the newest. Layer:
 * store, private.
 *
 * In meta: "epoch" and a number -> a digest under that epoch's master key, of every epoch that
 * something may still be sealed under; "secrets" -> the roots of the ring. A key that is another
 * than the store's is found by the digest, before anything is read or written.
 */
#ifndef BD_STORE_SECRETS_H
#define BD_STORE_SECRETS_H

#include "store/env.h"

/* Checks the keys of the store's ring, makes or opens its roots, and notes an epoch that is new.
 * BD_STORE_KEY names the epoch that is missing or is another; BD_STORE_BLINDING: the store's names
 * are blinded otherwise than `blinding`. */
enum bd_code bd_secrets_open(
	struct bd_store *store, MDB_txn *txn, enum bd_blinding blinding, struct bd_diag *diag);
/* The epochs that the store needs, rising. */
enum bd_code bd_secrets_epochs(uint16_t out[BD_EPOCHS_MAX], size_t *count,
	const struct bd_store *store, MDB_txn *txn, struct bd_diag *diag);
/* Is the ring's key of this epoch the store's? *is_needed false: the store has no such epoch. */
enum bd_code bd_secrets_check(bool *is_needed, const struct bd_store *store, MDB_txn *txn,
	uint16_t epoch, struct bd_diag *diag);
/* Notes an epoch, and seals the roots under it: `ring` has it as its target. */
enum bd_code bd_secrets_add(
	struct bd_store *store, MDB_txn *txn, const struct bd_ring *ring, struct bd_diag *diag);
/* Nothing is sealed under it any more. */
enum bd_code bd_secrets_drop(
	struct bd_store *store, MDB_txn *txn, uint16_t epoch, struct bd_diag *diag);

#endif
