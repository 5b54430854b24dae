/* env.h - the LMDB environment of a store and what its files share. Layer: store, private.
 *
 * Databases: nodes (place + blinded key -> slot, commit, sealed node), places (blinded key ->
 * place: places.h), owners (alias key + owner key -> commit), links (other's key + owner's key ->
 * commit), coverage (source, feed -> state, not personal), messages (sequence -> sealed entry
 * without records), keys (digest of an idempotency key -> body digest, sequence, until when),
 * spools (long messages that are being applied), history and coverage_history (what commits
 * replaced: history.h), disputes (dispute.h), watches (watch.h), meta; and of the case files
 * case_runs (case_run.h) and case_erased (blinded name -> the commit that erased it).
 */
#ifndef BD_STORE_ENV_H
#define BD_STORE_ENV_H

#include "base/sanitized.h"
#include "store/case_sink.h"
#include "store/coverage.h"
#include "store/node.h"
#include "store/seal.h"
#include "store/store.h"

#include <lmdb.h>
#include <pthread.h>

/* The covers in force: readers take them with their snapshot. */
struct bd_covers {
	struct bd_cover *items; /* those of one source have one text of it */
	struct bd_cover_names {
		struct bd_bytes source, section;
	} * names;      /* of each item */
	size_t *groups; /* of each item: same source and entity, in the order they first come */
	size_t count, group_count;
	struct bd_arena arena;
	unsigned references; /* under the store's lock */
};

/* The text that covers of this source have of it; NULL = it has none. */
const char *bd_covers_source(const struct bd_covers *covers, struct bd_bytes source);

struct bd_cases;
struct bd_case_sink;
/* Pieces of the node keys whose change may settle an obligation: obligations_watch.c. */
struct bd_owed_watch {
	uint64_t *slots;
	size_t count, size; /* size: a power of two */
};

struct bd_lately;
struct bd_long;
struct bd_pairs;
struct bd_reseal;
struct bd_waiting;

struct bd_store {
	MDB_env *env;
	MDB_dbi nodes, places, owners, links, coverage, messages, keys, spools, history,
		coverage_history, disputes, watches, meta;
	MDB_dbi case_runs, case_erased;
	MDB_dbi obligations, owed; /* obligations_form.h */
	struct bd_salts salts;
	struct bd_ring *ring;
	uint8_t message_salt[BD_SALT_BYTES]; /* of what is no subject's: messages, spools */
	char folder[4096];
	int lock_fd; /* -1 = the caller's */
	uint32_t journal_days, history_days, free_min_percent;
	uint64_t free_min_bytes;
	pthread_mutex_t lock; /* covers */
	struct bd_covers *covers;
	struct bd_cases *cases; /* case_file.h */
	uint32_t cases_days;
	/* the writer's */
	struct bd_seal *seal;
	uint64_t next_message, next_slot, next_watch;
	struct bd_case_sink watch_sink;
	struct bd_lately *lately; /* lately.h */
	uint64_t commit;          /* the last that changed nodes or coverage */
	bool is_broken;           /* a sync failed */
	struct bd_owed_watch owed_watch;
	struct bd_case_sink *owed_sink; /* case_index.h; NULL = the ledger follows no cases */
	uint64_t marked_commit;         /* the newest that set a mark */
	bool has_erasures;              /* one may not be finished: erase_turn.h */
	bool has_untold_erasures;       /* erase_who.h */
	bool has_owed;                  /* something may be owed */
	bool has_sweeps;                /* some subjects are still to be looked through */
	struct bd_long *active;         /* long.h */
	struct bd_reseal *reseal;       /* reseal.h */
	struct bd_waiting *waiting;     /* in the order in which they came */
	const struct bd_store_hook *hook;
	uint64_t loading;       /* first commit whose pairs may be missing; 0 = all are there */
	struct bd_pairs *pairs; /* pairs.h; NULL = they are put as they come */
	bool keys_are_apart;    /* the writer's: keys_apart.h */
	uint64_t spool_number;  /* atomic; of the newest file */
	bool has_owed_news;     /* atomic; obligations.h */
	bool has_snapshots;     /* atomic; some section has a mark */
	uint64_t watch_last;    /* atomic; number of the newest event */
};

/* What the whole of a feed proves of one cover: the same for every subject. */
struct bd_cover_now {
	enum bd_coverage_state state;
	int64_t through_ms;
	bool is_blocked;
};

/* As the store was after this commit. */
#define BD_AS_OF_NOW UINT64_MAX
struct bd_as_of {
	uint64_t commit;
	bool has_erased; /* what was looked for stood there, and has been erased since */
};

struct bd_store_reader {
	struct bd_store *store;
	MDB_txn *txn;               /* reset between snapshots */
	MDB_cursor *owners, *links; /* kept from snapshot to snapshot; NULL = not yet */
	struct bd_seal *seal;
	struct bd_covers *covers;
	struct bd_buf plain;
	struct bd_node_memo *memo; /* NULL = none yet */
	struct bd_recent *recent;  /* recent.h; NULL = nothing is remembered */
	/* For the covers at the commit now_txn, one a cover; NULL = not yet. */
	struct bd_cover_now *now;
	size_t now_txn;
	uint64_t now_at; /* as of which commit */
	/* Marks at the commit marks_txn. */
	struct bd_node_marks marks;
	struct bd_arena marks_arena;
	size_t marks_txn;
	uint64_t marks_at; /* as of which commit */
	uint64_t commit;   /* the number of what commit_txn sees */
	size_t commit_txn;
	struct bd_as_of as_of; /* of the snapshot */
	bool is_open;
};

/* A point at which a test may want to end the process, or to fail. */
static inline void bd_store_reach(const struct bd_store *store, const char *point)
{
	if (store->hook != NULL) {
		store->hook->reach(store->hook, point);
	}
}
/* BD_DISK_FULL when there is too little room to write. */
enum bd_code bd_store_check_space(const struct bd_store *store, struct bd_diag *diag);

/* "source\0feed" and "\0source\0section": names of the coverage database. */
enum bd_code bd_coverage_name(
	struct bd_buf *out, const char *prefix, struct bd_bytes source, struct bd_bytes name);
struct bd_unsure; /* lookup.h */
/* Fills held->coverage from the feeds and from the markers of the subject's nodes. What is unsure,
 * or everything when the lookup was cut, proves no absence. */
enum bd_code bd_cover_fill(struct bd_held *held, struct bd_store_reader *reader,
	const struct bd_node *const *nodes, size_t count, const struct bd_unsure *unsure,
	bool is_cut, struct bd_arena *arena, struct bd_diag *diag);
/* The marks of snapshots at this transaction, or as of a commit before it; they live in the arena.
 */
enum bd_code bd_marks_load(struct bd_node_marks *marks, struct bd_store *store, MDB_txn *txn,
	uint64_t as_of, struct bd_arena *arena, struct bd_diag *diag);
enum bd_code bd_mark_pack(struct bd_buf *out, struct bd_order order, uint64_t message);

/* BD_DISK_FULL, BD_STORE_DAMAGED or BD_STORE_FAILED with LMDB's text. */
enum bd_code bd_store_fail(struct bd_diag *diag, int result, const char *what);
/* Databases of an environment; rebuild.c has a row for each. */
#define BD_DATABASES 17
/* The environment in store->folder, and its databases; result of LMDB. */
enum bd_code bd_env_open(struct bd_store *store, uint64_t map_size, struct bd_diag *diag);
int bd_databases_open(struct bd_store *store, MDB_txn *txn);
/* The order of keys that LMDB has by itself, bytes and the shorter one first, so any program may
 * open a store. Nearly all keys are digests of 16 or 32 bytes: eight are compared sooner than a
 * call is made, and a look-up of somebody compares some two hundred. */
int bd_order_keys(const MDB_val *a, const MDB_val *b);
/* Address space, not memory, of who reads an environment that may grow meanwhile. Sanitizers leave
 * little of it. */
#ifdef BD_IS_SANITIZED
#define BD_READ_MAP_BYTES ((size_t)1 << 36)
#else
#define BD_READ_MAP_BYTES ((size_t)1 << 40)
#endif
/* One process has a store: an open file to be closed at the end. BD_STORE_IN_USE. */
enum bd_code bd_store_lock(int *fd, const char *folder, struct bd_diag *diag);
/* Of a rebuild that did not come to its end (rebuild.h). */
#define BD_REBUILD_FOLDER "rebuild"
void bd_rebuild_clean(const char *folder);
/* reseal.c: with the store. */
enum bd_code bd_reseal_open(struct bd_store *store, struct bd_diag *diag);
void bd_reseal_close(struct bd_store *store);
/* Whose eyes a node is loaded with. */
struct bd_node_view {
	struct bd_store *store;
	MDB_txn *txn;
	struct bd_seal *seal;
	const struct bd_node_marks *marks;
	bool is_writer;
	struct bd_as_of *as_of; /* NULL = now */
	bool is_beside; /* another thread's, for the writer: salts that wait are not its to see */
};
/* The salt of a slot, as the view has it; false when it was erased. */
bool bd_view_salt(uint8_t salt[BD_SALT_BYTES], const struct bd_node_view *view, uint64_t slot);
/* A node from its value, of now or of before, settled. *found false = erased. Its text lives in the
 * arena. */
enum bd_code bd_node_open(struct bd_node *node, uint64_t *slot, bool *found,
	const struct bd_node_view *view, const uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_bytes value, struct bd_arena *arena, struct bd_diag *diag);
/* Node by its key from a transaction, settled. *found false = none, or erased. Its text lives in
 * the arena. The writer has its value beside it, found or not: node->stored. */
enum bd_code bd_node_load(struct bd_node *node, uint64_t *slot, bool *found,
	const struct bd_node_view *view, const uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_arena *arena, struct bd_diag *diag);

#endif
