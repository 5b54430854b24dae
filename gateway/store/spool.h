/* spool.h - the file of a long message: its records in sorted runs, sealed, and at its end the
 * journal entry that says the rest.
 *
 * Layer: store, private, but for what store.h gives. One thread adds; then the file belongs to the
 * writer. Runs are sorted by node key (by arrival within one), so merging them gives the store's
 * own order in bounded memory. Records of the message's own subject, whose key only its end tells,
 * stand in runs apart.
 *
 * The file: a head (magic, id, salt); sealed blocks, each authenticated with the file's id and its
 * number in it; the sealed end (table of runs, counts, a digest over the blocks, the entry); a foot
 * that says where the end begins. Blocks are on disk before the end is written, so an end that can
 * be opened is of a complete file. A file without one is of no message and is removed.
 */
#ifndef BD_STORE_SPOOL_H
#define BD_STORE_SPOOL_H

#include "base/digest.h"
#include "store/env.h"

struct bd_spool_run {
	bool is_message_subject;
	uint64_t offset; /* of its first block in the file */
	uint64_t block;  /* the number of that */
	uint64_t block_count, record_count;
};

/* -- spool.c: the message comes -- */

/* Of what is no message, and so is not made durable: nobody looks for it after a restart. */
enum bd_code bd_spool_new_scratch(
	struct bd_spool **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag);
/* Anything else under a key and a number of the caller's, in the order of both (bulk.h, pairs.h).
 */
enum bd_code bd_spool_put(struct bd_spool *spool, const uint8_t key[BD_NODE_KEY_BYTES],
	uint64_t number, struct bd_bytes bytes, struct bd_diag *diag);
uint64_t bd_spool_id(const struct bd_spool *spool);
uint64_t bd_spool_count(const struct bd_spool *spool);
/* Aliases and links of all its records, which are the caller's from here on; NULL = they are to be
 * put with the nodes. */
struct bd_pairs *bd_spool_take_pairs(struct bd_spool *spool);
/* The newest order of its records. */
const struct bd_stamp *bd_spool_newest(const struct bd_spool *spool);
/* The end, on disk: from now on the file is the journal's and bd_spool_free leaves it. */
enum bd_code bd_spool_seal(struct bd_spool *spool, struct bd_bytes entry, struct bd_diag *diag);
/* Removes the file of a message that is over; a file that is not there is removed already. */
void bd_spool_remove(const struct bd_store *store, uint64_t id);

/* -- spool_file.c: a complete file is read -- */

struct bd_spool_file {
	struct bd_store *store;
	struct bd_seal *seal;
	uint64_t id;
	uint8_t salt[BD_SALT_BYTES];
	int fd;
	struct bd_buf sealed; /* of the block that is read */
	struct bd_spool_run *runs;
	size_t run_count;
	uint64_t block_count, record_count, bytes;
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_bytes entry; /* packed journal entry */
	struct bd_arena arena; /* of runs and entry */
};

/* BD_STORE_DAMAGED when it is not complete. */
enum bd_code bd_spool_file_open(
	struct bd_spool_file *file, struct bd_store *store, uint64_t id, struct bd_diag *diag);
void bd_spool_file_close(struct bd_spool_file *file);
/* Opens the block at *offset into plain, which is cleared first, and moves *offset on. */
enum bd_code bd_spool_file_block(
	struct bd_buf *plain, uint64_t *offset, struct bd_spool_file *file, uint64_t number);
/* All blocks open and are those of the digest: after a restart, before anything more is applied.
 * Some at a time: begin with a zeroed struct, until is_done. */
struct bd_spool_check {
	uint64_t block, offset;
	struct bd_sha256 *sha;
	struct bd_buf plain;
	bool is_done;
};
enum bd_code bd_spool_check_more(
	struct bd_spool_check *check, struct bd_spool_file *file, struct bd_diag *diag);
void bd_spool_check_close(struct bd_spool_check *check);

/* -- spool_merge.c: all records in the order of the store -- */

struct bd_spool_item {
	uint8_t key[BD_NODE_KEY_BYTES];
	uint64_t number; /* in the order of arrival */
	struct bd_bytes record;
};

struct bd_spool_merge;
/* Of all these files as if they were one; they live as long. subject: the key of the message's
 * subject, for the runs of its records; NULL = there is none. cursor: what bd_spool_merge_cursor
 * gave, empty = from the beginning. */
enum bd_code bd_spool_merge_new(struct bd_spool_merge **out, struct bd_spool_file *files,
	size_t count, const uint8_t subject[BD_NODE_KEY_BYTES], struct bd_bytes cursor,
	struct bd_diag *diag);
void bd_spool_merge_free(struct bd_spool_merge *merge);
/* The next record, which stays the next until bd_spool_merge_pass; NULL at the end. It lives until
 * then.
 */
enum bd_code bd_spool_merge_look(
	const struct bd_spool_item **item, struct bd_spool_merge *merge, struct bd_diag *diag);
enum bd_code bd_spool_merge_pass(struct bd_spool_merge *merge, struct bd_diag *diag);
/* Where to go on after all records of this key, when they have been passed. */
enum bd_code bd_spool_merge_cursor(struct bd_buf *out, const struct bd_spool_merge *merge,
	const uint8_t done[BD_NODE_KEY_BYTES]);

#endif
