/* kept.h - what is kept of a message, a recall, a dispute: how it stands in the database
 * `messages`.
 *
 * Layer: store, private. Value: u64 time of receipt; where it may speak of somebody (a message of
 * one subject, one with refused records, whatever is not a message) BD_KEPT_HAS_SLOT and the u64
 * slot of a salt; then what is sealed. All that speaks of somebody and was received on one day
 * shares a salt, so that an erasure has that of few days to put anew (erase_kept.c). Everything
 * else, which is most, is sealed under the salt of messages. "message.slot" in meta: u64 day, u64
 * slot of the newest.
 */
#ifndef BD_STORE_KEPT_H
#define BD_STORE_KEPT_H

#include "store/journal.h"
#include "store/txn.h"

/* Never the first byte of what is sealed. */
#define BD_KEPT_HAS_SLOT 0xff

struct bd_kept {
	size_t at; /* where what is sealed begins */
	bool has_slot;
	uint64_t slot;
};

/* False: that is no message. */
bool bd_kept_read(struct bd_kept *out, struct bd_bytes value);
/* Of whom it speaks; false where that was erased. */
bool bd_kept_salt(uint8_t salt[BD_SALT_BYTES], const struct bd_kept *kept,
	const struct bd_store *store, bool is_writer);
/* Appends the plain text. BD_STORE_DAMAGED. */
enum bd_code bd_kept_open(struct bd_buf *out, struct bd_seal *seal, const struct bd_store *store,
	bool is_writer, struct bd_bytes name, struct bd_bytes value);
/* The plain text: a varint, how many native records changed nothing; then the entry. */
enum bd_code bd_kept_pack(
	struct bd_buf *out, const struct bd_journal_entry *journal, uint64_t unchanged);
/* As bd_journal_unpack; unchanged may be NULL. */
enum bd_code bd_kept_unpack(struct bd_journal_entry *journal, uint64_t *unchanged,
	struct bd_bytes plain, struct bd_arena *arena);
/* As bd_journal_source. */
enum bd_code bd_kept_source(struct bd_bytes *out, struct bd_bytes plain);
/* Puts it, under the salt of its day where it may speak of somebody. */
enum bd_code bd_kept_put(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t unchanged);
/* The same under this slot and salt. */
enum bd_code bd_kept_put_at(struct bd_txn *txn, struct bd_bytes name, int64_t received_ms,
	struct bd_bytes plain, uint64_t slot, const uint8_t salt[BD_SALT_BYTES]);
/* What is received from now on does not go under this slot any more. */
enum bd_code bd_kept_leave(struct bd_txn *txn, uint64_t slot);

#endif
