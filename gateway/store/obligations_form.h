/* obligations_form.h - how the ledger of obligations stands in the store. Layer: store, private.
 *
 * The database `obligations`: id -> entry: a clear part, and a part sealed under the salt of its
 * case with the id as name.
 *
 * The database `owed`, its indexes, by a letter:
 *   O due id   of what is owed    -> state, party, sender
 *   C due id   of what is closed  -> the same
 *   N due      how many are owed on that day, by the applicant and by the agency
 *   K case id  everything of a case number, blinded
 *   P scope id what is owed of one case, blinded: sender, case number and matter
 *   S key id   what the agency owes whose case looked at a subject, by the subject's node keys
 *   R id       to be looked at again since the commit of this number
 *   T number   news: id, step, time, day, receipt, source, version
 */
#ifndef BD_STORE_OBLIGATIONS_FORM_H
#define BD_STORE_OBLIGATIONS_FORM_H

#include "store/obligations.h"
#include "store/txn.h"

#define BD_OWED_BLIND_BYTES 16
/* Letter, blinded key, id: the longest. */
#define BD_OWED_ROW_BYTES (1 + BD_OWED_BLIND_BYTES + BD_OWED_ID_BYTES)

enum bd_owed_letter {
	BD_OWED_ROW_OWED = 'O',
	BD_OWED_ROW_CLOSED = 'C',
	BD_OWED_ROW_COUNT = 'N',
	BD_OWED_ROW_CASE = 'K',
	BD_OWED_ROW_SCOPE = 'P',
	BD_OWED_ROW_SUBJECT = 'S',
	BD_OWED_ROW_AGAIN = 'R',
	BD_OWED_ROW_NEWS = 'T'
};

/* Names of rows; each buf must have BD_OWED_ROW_BYTES. id NULL = the front of all of them. */
enum bd_code bd_owed_due_row(struct bd_buf *out, enum bd_owed_letter letter, int32_t due,
	const uint8_t id[BD_OWED_ID_BYTES]);
enum bd_code bd_owed_key_row(struct bd_buf *out, enum bd_owed_letter letter,
	const uint8_t key[BD_OWED_BLIND_BYTES], const uint8_t id[BD_OWED_ID_BYTES]);
enum bd_code bd_owed_news_row(struct bd_buf *out, uint64_t number);
/* What stands in it, and the id of what it is about. False: it is none. */
enum bd_code bd_owed_news_pack(struct bd_buf *out, const uint8_t id[BD_OWED_ID_BYTES],
	const struct bd_owed_change *change);
bool bd_owed_news_read(
	struct bd_owed_news *out, uint8_t id[BD_OWED_ID_BYTES], struct bd_bytes value);
/* The day and id of such a name. False: it is none. */
bool bd_owed_due_row_read(int32_t *due, const uint8_t **id, struct bd_bytes name);

/* Has an answer of this case number ever owed anything? number: bd_case_number_key. */
enum bd_code bd_owed_knows_case(
	bool *out, struct bd_txn *txn, const uint8_t number[BD_OWED_BLIND_BYTES]);

/* obligations_watch.c: the subjects whose change may settle what the agency owes. */
enum bd_code bd_owed_watch_open(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag);
void bd_owed_watch_close(struct bd_store *store);
/* Watches the subjects of an entry, or watches them no more. */
enum bd_code bd_owed_watch_put(struct bd_txn *txn, const struct bd_owed *owed, bool is_watched);

/* The two parts of a value. The clear part is authenticated by the sealed one: while that can be
 * opened, neither can have been changed by anybody else. */
struct bd_owed_parts {
	struct bd_bytes clear, sealed;
};
/* The whole value, its sealed part closed anew under salt; with salt NULL `sealed` as it was read.
 */
enum bd_code bd_owed_pack(struct bd_buf *out, const struct bd_owed *owed, struct bd_seal *seal,
	const uint8_t *salt, struct bd_bytes sealed);
/* What the clear part says; texts borrow from packed. BD_STORE_DAMAGED. */
enum bd_code bd_owed_unpack(
	struct bd_owed *out, struct bd_owed_parts *parts, struct bd_bytes packed);
/* What the sealed part says as well, in the arena: where the salt is gone is_erased is set instead.
 * owed->id is set. BD_STORE_DAMAGED. */
enum bd_code bd_owed_open(struct bd_owed *owed, const struct bd_owed_parts *parts,
	struct bd_seal *seal, const struct bd_salts *salts, bool is_writer, struct bd_arena *arena);
/* Copies what the clear part borrows. */
enum bd_code bd_owed_copy(struct bd_owed *owed, struct bd_arena *arena);

#endif
