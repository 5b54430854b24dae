/* case_runs.h - the runs of the index of cases, and its tail: looked through, filled, merged.
 * Layer: store, private.
 *
 * The tail becomes a run when it is full, a bounded step at a time; meanwhile nothing is added to
 * it and no run is merged or taken away. The last step moves the place up to which the case files
 * are in runs. Runs of one size are merged into one when there are BD_CASE_RUNS_FAN of them, in
 * steps, too; what is merged stays until the new run is whole. Entries of files that are past their
 * keeping time are hidden at once and left out of the next merge; a run whose entries all are is
 * dropped.
 *
 * A look-up asks the tail and every run: of a name the writer asks only those whose filter may have
 * it.
 */
#ifndef BD_STORE_CASE_RUNS_H
#define BD_STORE_CASE_RUNS_H

#include "store/case_run.h"
#include "store/case_tail.h"

/* A run that is being made: of the tail, or of the inputs. */
struct bd_case_making {
	bool is_running;
	struct bd_case_run out;
	uint32_t inputs[BD_CASE_RUNS_FAN];
	size_t count;
	bool has_last; /* something was read */
	struct bd_case_item last;
};

struct bd_case_runs {
	struct bd_case_tail tail;
	uint32_t hidden[BD_TRAIL_LOOPS_MAX]; /* of each loop: files before it are no more; atomic */
	/* the writer's */
	struct bd_case_run *items;
	size_t count, cap;
	uint32_t next;       /* number of the next run */
	size_t filter_bytes; /* of all */
	struct bd_case_making spill, merge;
	size_t step_max; /* entries put into a run, and rows taken away, in one step */
	size_t garbage_max;
	bool has_garbage; /* rows of runs that are none any more */
	bool has_expired; /* files were removed: some run may be of these alone */
};

enum bd_code bd_case_runs_open(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag);
void bd_case_runs_close(struct bd_case_runs *runs);

/* The writer, in its transaction. */
enum bd_code bd_case_find(struct bd_case_gather *gather, struct bd_txn *txn);
/* Whoever else: in a snapshot of its own. */
enum bd_code bd_case_find_now(
	struct bd_case_gather *gather, struct bd_store *store, struct bd_diag *diag);
/* Places of one receipt: there is one, unless the trail was begun anew. */
#define BD_CASE_RECEIPT_ITEMS 8
/* The entry of a receipt. sees_hidden: also of a file that is no more. */
enum bd_code bd_case_find_receipt(struct bd_case_item *item, bool *found, struct bd_txn *txn,
	const struct bd_trail_id *receipt, bool sees_hidden);
/* That of the receipt among those that were gathered by its place. */
bool bd_case_pick_receipt(struct bd_case_item *item, const struct bd_case_gather *gather,
	const struct bd_trail_id *receipt);
/* The first name behind this one that some case looked at; *found false: none. */
enum bd_code bd_case_next_subject(uint8_t key[BD_NODE_KEY_BYTES], bool *found, struct bd_txn *txn);
/* Out of the tail and of the runs, those that are being made as well. */
enum bd_code bd_case_take_out(struct bd_txn *txn, const struct bd_case_item *item);
/* Has some case looked at anybody? */
bool bd_case_has_any(const struct bd_store *store);

/* Puts some of the tail into a run, in a transaction of its own; with the last of it the tail is
 * empty. */
enum bd_code bd_case_spill(struct bd_store *store, struct bd_diag *diag);
/* One step, at most one transaction, of what there is to merge or to take away. */
enum bd_code bd_case_tidy(struct bd_store *store, bool *has_more, struct bd_diag *diag);

/* -- the writer's list -- */

/* Room for one more. */
enum bd_code bd_case_runs_reserve(struct bd_case_runs *runs);
void bd_case_runs_add(struct bd_case_runs *runs, const struct bd_case_run *run);
void bd_case_runs_remove(struct bd_case_runs *runs, uint32_t number);

#endif
