/* reject.h - a record 退回记录 that was refused: where, why, and enough to find and mend it.
 *
 * Layer: record. Made by intake, packed like records, kept by store. `raw` is the record's own
 * bytes as they came (UTF-8 for XML and JSON: the text of its slots as "path=value" lines); store
 * seals it and it is never shown without the right to see it. Identifiers are given when they were
 * readable: then only that subject is blocked for the section's entities, else the feed's coverage
 * waits.
 */
#ifndef BD_RECORD_REJECT_H
#define BD_RECORD_REJECT_H

#include "base/diag.h"
#include "record/record.h"

struct bd_reject {
	uint64_t index;      /* of the native record in its message, from 0 */
	const char *section; /* "" = the message itself */
	struct bd_diag diag;
	const uint16_t *entities; /* that its section would have told */
	size_t entity_count;
	bool is_message_subject;
	const struct bd_identifier *subject;
	size_t subject_count;
	enum bd_order_kind order_kind;
	bool is_message_order;
	struct bd_order order; /* of the refused record, 0 where it could not be read */
	struct bd_bytes raw;
};

enum bd_code bd_reject_pack(struct bd_buf *buf, const struct bd_reject *reject);
/* Borrows text from bytes; arrays come from the arena. */
enum bd_code bd_reject_unpack(
	struct bd_reject *reject, struct bd_bytes bytes, struct bd_arena *arena);

#endif
