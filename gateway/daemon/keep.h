/* keep.h - the case file of a comparison (store/cases.h), made from what was answered.
 *
 * Layer: daemon, on the loop's thread. Whom a question looks at is noted while it is answered; the
 * rest is taken from the answer and from its receipt, whose texts the case file repeats.
 */
#ifndef BD_DAEMON_KEEP_H
#define BD_DAEMON_KEEP_H

#include "answer/answer.h"
#include "store/cases.h"
#include "trail/receipt.h"

/* One lookup, in the question's arena. */
struct bd_looked_at {
	const struct bd_identifier *asked;
	size_t asked_count;
	const struct bd_held *held;
	bool is_sandbox; /* answered by an invented subject */
	struct bd_looked_at *next;
};

/* What the answer alone does not say. */
struct bd_keep {
	struct bd_store_reader *reader; /* of the lookups, whose names are blinded already */
	struct bd_bytes question;
	const struct bd_looked_up *looked_up; /* asked on the spot, for the receipt */
	size_t looked_up_count;
	struct bd_looked_at *looked; /* the last one first */
	size_t looked_count;
	uint64_t commit;
	bool is_sandbox;
};

/* Begins anew, for another question. */
void bd_keep_clear(struct bd_keep *keep);
enum bd_code bd_keep_look(struct bd_keep *keep, const struct bd_identifier *asked, size_t count,
	const struct bd_held *held, bool is_sandbox, struct bd_arena *arena);
/* The record of a comparison. salts: one a finding, of the receipt's commitments. Everything lives
 * in the arena, or is borrowed from what is given. */
enum bd_code bd_keep_record(struct bd_case_record *out, const struct bd_keep *keep,
	const struct bd_compared *compared, const struct bd_trail_receipt *receipt,
	const uint8_t *salts, const struct bd_dictionary *dict, struct bd_arena *arena);

#endif
