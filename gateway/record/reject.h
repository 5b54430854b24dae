/* reject.h - a record 退回记录 that was refused: where, why, and enough to find and mend it.
 *
 * Layer: record. Made by intake, packed like records, kept by store. `raw` is the record's own
 * bytes as they came (UTF-8 for XML and JSON: the text of its slots as "path=value" lines); store
 * seals it and it is never shown without the right to see it. What could be read of whom it was
 * about is given: then only those subjects are blocked, else the feed's coverage waits.
 */
#ifndef BD_RECORD_REJECT_H
#define BD_RECORD_REJECT_H

#include "base/diag.h"
#include "record/record.h"

/* A row that the record would have told, as far as it can be read. */
struct bd_reject_row {
	uint16_t entity;
	bool is_message_subject;
	const struct bd_identifier *subject;
	size_t subject_count; /* 0 and not the message's: it might be anybody's */
	const struct bd_identifier *other;
	size_t other_count;
	bool is_other_unknown; /* a relation that might lead to anybody */
	bool has_key;
	struct bd_bytes key; /* as bd_record.row_key */
};

struct bd_reject {
	uint64_t index;      /* of the native record in its message, from 0 */
	const char *section; /* "" = the message itself */
	struct bd_diag diag;
	const uint16_t *entities; /* that its section would have told */
	size_t entity_count;
	/* None: the record could not be taken apart; then any row of these entities, of `subject`.
	 */
	const struct bd_reject_row *rows;
	size_t row_count;
	bool is_message_subject;
	const struct bd_identifier *subject;
	size_t subject_count;
	enum bd_order_kind order_kind;
	bool is_message_order;
	struct bd_order order; /* of the refused record, 0 where it could not be read */
	struct bd_bytes raw;
};

/* Might it have been about a subject that it does not name? */
bool bd_reject_is_of_anybody(const struct bd_reject *reject);

enum bd_code bd_reject_pack(struct bd_buf *buf, const struct bd_reject *reject);
/* Borrows text from bytes; arrays come from the arena. */
enum bd_code bd_reject_unpack(
	struct bd_reject *reject, struct bd_bytes bytes, struct bd_arena *arena);

struct bd_json_writer;
/* One object of a receipt's `rejects`: place, code, and the texts of the code in both languages.
 * Nothing of `raw`. */
void bd_reject_write(
	struct bd_json_writer *writer, const char *key, const struct bd_reject *reject);

#endif
