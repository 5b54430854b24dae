/* case_run.h - the index of cases on disk: sorted runs of items. Layer: store, private.
 *
 * Database `case_runs`. A key begins with the u32 number of a run. That alone leads to what the run
 * is (form, how many items, of subjects, oldest and newest time, blocks of its filter); the number
 * and an item lead to the block that began with this item: items one behind the other, as many as
 * fill a page; the number, 255 and a u32 to a part of its filter. A run without the first is not
 * finished, or is no more: it is taken away.
 *
 * A filter says of a blinded name that no item of the run is of it, or that there may be one: by
 * 512 bits that are chosen by some bits of the name, and six of them by others. It is kept in
 * memory.
 *
 * Runs are made from the tail, and several are merged into one, by the writer; readers have them in
 * their snapshot.
 */
#ifndef BD_STORE_CASE_RUN_H
#define BD_STORE_CASE_RUN_H

#include "store/case_item.h"
#include "store/txn.h"

/* Of a block: an overflow page of LMDB has that much room. */
#define BD_CASE_BLOCK_ITEMS 76

/* -- filters -- */

struct bd_case_filter {
	uint64_t (*blocks)[8]; /* NULL = none: everything may be there */
	size_t count;
};
/* For so many names. Without memory, or past the limit of one run: none. */
struct bd_case_filter bd_case_filter_new(size_t names);
void bd_case_filter_free(struct bd_case_filter *filter);
static inline size_t bd_case_filter_bytes(const struct bd_case_filter *filter)
{
	return filter->count * sizeof(*filter->blocks);
}
void bd_case_filter_add(struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES]);
bool bd_case_filter_may_have(
	const struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES]);

/* -- runs -- */

struct bd_case_run {
	uint32_t number;
	uint64_t items, subjects;
	int64_t oldest_ms, newest_ms;
	uint32_t filter_blocks;       /* on disk */
	struct bd_case_filter filter; /* of the writer's list */
};

/* A number, and nothing behind it. */
struct bd_bytes bd_case_run_name(char room[4], uint32_t number);
enum bd_code bd_case_run_pack(struct bd_buf *out, const struct bd_case_run *run);
bool bd_case_run_unpack(struct bd_case_run *out, struct bd_bytes name, struct bd_bytes value);
/* Is it a whole block of this run? Its items are then *count, in their order. */
bool bd_case_block_read(const struct bd_case_item **items, size_t *count, struct bd_bytes name,
	struct bd_bytes value, uint32_t run);

/* The first run from this number on; *found false: none. Also one that is not finished: then
 * run->items is 0 and is_whole false. */
int bd_case_run_next(struct bd_case_run *run, bool *is_whole, MDB_cursor *cursor, uint32_t from);
/* Everything of the gather's key in the run. LMDB's code. */
int bd_case_run_gather(struct bd_case_gather *gather, MDB_cursor *cursor, uint32_t run);
/* The first item of the run behind the bound; *found false: none. */
int bd_case_run_behind(struct bd_case_item *out, bool *found, MDB_cursor *cursor, uint32_t run,
	const struct bd_case_item *bound);
/* Copies what stands behind `last` in its block; with NULL the first block. *count 0: none. */
int bd_case_run_block_behind(struct bd_case_item *items, size_t *count, MDB_cursor *cursor,
	uint32_t run, const struct bd_case_item *last);
/* Takes one item out, where it is there. */
enum bd_code bd_case_run_remove(struct bd_txn *txn, uint32_t run, const struct bd_case_item *item);

/* -- writing -- */

struct bd_case_run_writer {
	struct bd_txn *txn;
	struct bd_case_run run;
	struct bd_case_item block[BD_CASE_BLOCK_ITEMS];
	size_t count;
};
/* In their order; one that is the same as the last is left out. */
enum bd_code bd_case_run_add(struct bd_case_run_writer *writer, const struct bd_case_item *item);
/* Writes what is not written yet. */
enum bd_code bd_case_run_flush(struct bd_case_run_writer *writer);
/* Its filter and its name: from then on it is one of the runs. */
enum bd_code bd_case_run_finish(struct bd_txn *txn, struct bd_case_run *run);
enum bd_code bd_case_run_load_filter(
	struct bd_case_run *run, MDB_cursor *cursor, struct bd_diag *diag);

#endif
