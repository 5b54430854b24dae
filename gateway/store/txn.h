/* txn.h - the writer's transaction and what goes with it: room to work in, counters, pairs, salts,
 * and how much of it is dirty.
 *
 * Layer: store, private; the writer's thread. Opened once for a piece of work, begun and ended as
 * often as that needs. A failed sync breaks the store: nothing is known of what is on the disk, so
 * every later transaction is refused until the process starts anew.
 */
#ifndef BD_STORE_TXN_H
#define BD_STORE_TXN_H

#include "store/append.h"
#include "store/env.h"

struct bd_pair {
	MDB_dbi dbi;
	uint8_t bytes[2 * BD_NODE_KEY_BYTES];
};

/* What one database has been changed by. */
struct bd_dirt {
	uint64_t puts, bytes, pages_before;
	uint64_t last_page; /* where the last new digest came to stand, about */
	bool is_behind;     /* what was put stood behind all that was there */
	bool is_of_digests; /* and what comes later may stand anywhere */
	struct bd_leaf leaf;
};
#define BD_DIRT_MAX 40 /* databases, by their number */

/* Rows of a section that came to be seen, less those that are no more. */
struct bd_tally {
	struct bd_bytes source, section;
	int64_t rows;
};
#define BD_TALLIES_MAX 64

struct bd_txn {
	struct bd_store *store;
	MDB_txn *mdb; /* NULL = not begun */
	struct bd_diag *diag;
	struct bd_arena arena;      /* of the entry that is applied */
	struct bd_arena node_arena; /* of the node that is changed */
	struct bd_arena marks_arena;
	struct bd_node_marks marks;
	struct bd_buf plain, sealed;
	struct bd_pair *pairs; /* to be put, in the order of their bytes, at the end */
	size_t pair_count, pair_cap;
	struct bd_tally tallies[BD_TALLIES_MAX];
	size_t tally_count;
	struct bd_arena tally_arena;
	struct bd_dirt dirt[BD_DIRT_MAX];
	uint64_t message, slot, watch; /* counters as they were: given back when it is given up */
	uint64_t commit;               /* its number, if it has one: history.h */
	int64_t now_ms;                /* when what it does came to be done */
	bool is_numbered;
	bool tells_cases; /* somebody hears of something by it that has to do with a case */
};

void bd_txn_open(struct bd_txn *txn, struct bd_store *store, struct bd_diag *diag);
void bd_txn_close(struct bd_txn *txn);
enum bd_code bd_txn_begin(struct bd_txn *txn);
/* Commits, with counters, pairs and salts, and returns when that is on disk; with a code other than
 * BD_OK gives it up and returns that code. */
enum bd_code bd_txn_end(struct bd_txn *txn, enum bd_code code);
/* Gives it up without a failure: there was nothing to write. */
void bd_txn_drop(struct bd_txn *txn);
/* About how many bytes so many puts of so many bytes dirty, wherever they stand. */
uint64_t bd_txn_dirt_of(uint64_t puts, uint64_t bytes);
/* About how many bytes it holds in memory until it ends; those of one database. */
uint64_t bd_txn_dirty_bytes(const struct bd_txn *txn);
uint64_t bd_dirty_bytes(const struct bd_dirt *dirt);

enum bd_code bd_txn_fail(struct bd_txn *txn, int result, const char *what);
enum bd_code bd_txn_put(
	struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes name, struct bd_bytes value);
/* Under a digest, or something that begins with one. What stands there already stays, and is in
 * *stands, borrowed until the next put; ptr NULL = nothing did. Those that come in their order
 * share pages, and where dirt[dbi].is_behind they are appended. */
enum bd_code bd_txn_put_new(struct bd_bytes *stands, struct bd_txn *txn, MDB_dbi dbi,
	struct bd_bytes name, struct bd_bytes value);
/* value borrows until the next put. */
enum bd_code bd_txn_get(
	struct bd_bytes *value, bool *found, struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes name);
enum bd_code bd_txn_delete(struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes name);
enum bd_code bd_txn_put_counter(struct bd_txn *txn, const char *name, uint64_t value);
/* A pair of blinded keys that says: look there as well. Only ever added, with the commit that added
 * it; what it leads to is checked when it is read. Put at the end of the transaction, or of an
 * initial load; those of a long message before its nodes (pairs.h). */
enum bd_code bd_txn_pair(struct bd_txn *txn, MDB_dbi dbi, const struct bd_identifier *from,
	const uint8_t to[BD_NODE_KEY_BYTES]);
/* It is there already, and now what it leads to is: who waits for that hears of it. */
enum bd_code bd_txn_has_pair(struct bd_txn *txn, const struct bd_identifier *from);
/* At once. Where dirt[dbi].is_behind, by appending. */
enum bd_code bd_txn_put_pair(struct bd_txn *txn, MDB_dbi dbi,
	const uint8_t bytes[2 * BD_NODE_KEY_BYTES], uint64_t since);
/* How many rows of a section are seen: counted as nodes change, set by a snapshot. */
enum bd_code bd_tally_add(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section, int64_t rows);
enum bd_code bd_tally_get(
	uint64_t *rows, struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section);
enum bd_code bd_tally_set(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section, uint64_t rows);
/* The marks of snapshots, again after one was set. */
enum bd_code bd_txn_load_marks(struct bd_txn *txn);

#endif
