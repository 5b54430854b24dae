/* journal.h - the journal entry: all that one change of the store needs, in itself.
 *
 * Layer: store, private. The writer packs each message that it accepts into an entry, and applies
 * what it reads back from that: whatever is not in the entry cannot have an effect. Another node
 * that applies the same entries in the order of their numbers answers alike (equal answers and
 * equal statement digests, not equal bytes: slots, salts and nonces are drawn anew).
 *
 * Deterministic means: applying looks at no clock (received_ms is the entry's), no chance, and no
 * configuration: the cycle of the feed, the share a snapshot may remove and the days that
 * idempotency keys are kept stand in the entry as they were when it was accepted. What the records
 * say was decided by intake, with adapter, rules and dictionary of the versions given; applying
 * needs none of them. It does depend on the rules of merging: their version is `rules`, and a node
 * that has not that version stops (BD_JOURNAL_VERSION) instead of guessing.
 *
 * Acceptance is not applying: a repeated idempotency key, a control total that disagrees, a
 * snapshot that removes too much are refused before there is an entry.
 *
 * A message past BD_MESSAGE_SPOOL_BYTES keeps its records beside it: its sealed spool file is the
 * entry, with what is packed here at its end (spool.h).
 */
#ifndef BD_STORE_JOURNAL_H
#define BD_STORE_JOURNAL_H

#include "store/node.h"
#include "store/store.h"

/* Of node.c, coverage.c and apply.c: raised when the same entries would give another store. */
#define BD_JOURNAL_RULES 1

/* Numbers of the packed form: never reused. */
enum bd_journal_kind {
	BD_JOURNAL_MESSAGE = 1,
	BD_JOURNAL_RECALL,
	BD_JOURNAL_DISPUTE,
	BD_JOURNAL_RESOLUTION
};

/* A key that is never forgotten. */
#define BD_KEEP_FOR_GOOD UINT32_MAX

struct bd_journal_entry {
	enum bd_journal_kind kind;
	uint16_t rules;
	/* The message: what the caller gave, with its number and the key for its repeats; no
	 * outcome and no spool. Texts that were NULL are empty. */
	struct bd_entry entry;
	const char *cycle;        /* of the feed; NULL = none */
	uint32_t keep_days;       /* of its key */
	struct bd_stamp snapshot; /* set: the order below which its sections are told */
	bool is_spooled;          /* the records are in the file that this ends */
};

enum bd_code bd_journal_pack(struct bd_buf *out, const struct bd_journal_entry *journal);
/* Borrows from packed; lists and texts come from the arena. BD_JOURNAL_VERSION: of a form or kind
 * that this program does not know; BD_STORE_DAMAGED: no entry. Rules are checked by whoever applies
 * it. */
enum bd_code bd_journal_unpack(
	struct bd_journal_entry *journal, struct bd_bytes packed, struct bd_arena *arena);

/* Whose entry it is, without reading the rest; borrowed. Errors as above. */
enum bd_code bd_journal_source(struct bd_bytes *out, struct bd_bytes packed);

/* A kept entry: without its records, and of how many native records nothing changed. Texts live in
 * the arena; identifiers, values and rejects until the reader opens another. BD_RECEIPT_UNKNOWN. */
enum bd_code bd_journal_head(struct bd_journal_entry *out, uint64_t *unchanged,
	struct bd_store_reader *reader, uint64_t number, struct bd_arena *arena,
	struct bd_diag *diag);

/* Applies an entry that was accepted elsewhere, in a transaction of its own; not a spooled one. Its
 * number must be the next (BD_JOURNAL_ORDER). Writer's thread. */
enum bd_code bd_journal_apply(struct bd_store *store, struct bd_bytes packed, struct bd_diag *diag);

#endif
