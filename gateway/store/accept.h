/* accept.h - from a message to its journal entry, and what is kept of it when it has been applied.
 *
 * Layer: store, private; the writer's thread, inside a transaction.
 */
#ifndef BD_STORE_ACCEPT_H
#define BD_STORE_ACCEPT_H

#include "store/journal.h"
#include "store/txn.h"

/* The checks that come before there is an entry: idempotency key, control total, share of a
 * snapshot, records that are missing. *goes_on: the message has its number and *journal says all of
 * it; else entry->code, is_repeat and message have its outcome. newest: of the orders of its
 * records where they have their own (snapshots). */
enum bd_code bd_accept(struct bd_journal_entry *journal, bool *goes_on, struct bd_entry *entry,
	uint64_t record_count, const struct bd_stamp *newest, struct bd_txn *txn);

enum bd_key_state { BD_KEY_DONE = 0, BD_KEY_RUNNING = 1 };
/* The idempotency key leads to this message from now on; while it is running a repeat is
 * BD_IDEMPOTENCY_RUNNING. */
enum bd_code bd_keep_key(
	struct bd_txn *txn, const struct bd_journal_entry *journal, enum bd_key_state state);
/* Under what its key is kept; empty = it has none. room takes a digest. */
enum bd_code bd_key_name(struct bd_bytes *name, uint8_t room[BD_DIGEST_BYTES], struct bd_seal *seal,
	const struct bd_entry *entry);
/* How long. */
uint32_t bd_key_days(const struct bd_store *store, const struct bd_entry *entry);
/* What is kept there, of an entry that has its number. */
#define BD_KEY_VALUE_BYTES (BD_DIGEST_BYTES + 8 + 8 + 1)
enum bd_code bd_key_value(struct bd_buf *out, const struct bd_entry *entry, uint32_t keep_days,
	enum bd_key_state state);
/* The key is free again, unless it leads to another message by now. */
enum bd_code bd_forget_key(struct bd_txn *txn, struct bd_bytes name, uint64_t message);
/* When all of the message stands in its nodes: coverage, marks, key, receipt. told: rows of each of
 * its sections, for a snapshot. */
enum bd_code bd_keep(struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t unchanged,
	const uint64_t *told);
/* How far its fetcher has come, if it says (progress.c). */
enum bd_code bd_keep_progress(struct bd_txn *txn, const struct bd_entry *entry);
/* Removes a few messages, and their keys, whose days are over. */
enum bd_code bd_prune(struct bd_txn *txn, const struct bd_journal_entry *journal);

#endif
