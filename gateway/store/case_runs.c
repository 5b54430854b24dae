/* case_runs.c - the list of runs, and looking through tail and runs. */
#include "store/case_runs.h"

#include "base/list.h"
#include "base/try.h"

#include <stdlib.h>

/* -- the list -- */

enum bd_code bd_case_runs_reserve(struct bd_case_runs *runs)
{
	return bd_list_grow(&runs->items, &runs->cap, runs->count, 32, sizeof(*runs->items))
		       ? BD_OK
		       : BD_NO_MEMORY;
}

/* Owns the filter from here on; there is room. What is past the limit of all filters goes without.
 */
void bd_case_runs_add(struct bd_case_runs *runs, const struct bd_case_run *run)
{
	struct bd_case_run *item = &runs->items[runs->count++];
	size_t bytes = bd_case_filter_bytes(&run->filter);

	*item = *run;
	if (runs->filter_bytes + bytes > BD_CASE_FILTERS_MAX_BYTES) {
		bd_case_filter_free(&item->filter);
		bytes = 0;
	}
	runs->filter_bytes += bytes;
}

void bd_case_runs_remove(struct bd_case_runs *runs, uint32_t number)
{
	size_t i = 0;

	while (i < runs->count && runs->items[i].number != number) {
		i++;
	}
	if (i < runs->count) {
		runs->filter_bytes -= bd_case_filter_bytes(&runs->items[i].filter);
		bd_case_filter_free(&runs->items[i].filter);
		runs->items[i] = runs->items[--runs->count];
	}
}

static enum bd_code list(struct bd_case_runs *runs, MDB_cursor *cursor, struct bd_diag *diag)
{
	struct bd_case_run run;
	bool is_whole;
	int result = bd_case_run_next(&run, &is_whole, cursor, 0);

	runs->next = 1;
	while (result == 0) {
		if (is_whole) {
			BD_TRY(bd_case_runs_reserve(runs));
			runs->items[runs->count++] = run;
		}
		runs->has_garbage |= !is_whole;
		runs->next = run.number + 1;
		result = bd_case_run_next(&run, &is_whole, cursor, run.number + 1);
	}
	return result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "cases");
}

static int compare_sizes(const void *a, const void *b)
{
	const struct bd_case_run *x = a, *y = b;

	return (x->filter_blocks > y->filter_blocks) - (x->filter_blocks < y->filter_blocks);
}

/* The smallest first: of many small ones a filter spares more than of the large ones. */
static enum bd_code load_filters(
	struct bd_case_runs *runs, MDB_cursor *cursor, struct bd_diag *diag)
{
	if (runs->count > 1) {
		qsort(runs->items, runs->count, sizeof(*runs->items), compare_sizes);
	}
	for (size_t i = 0; i < runs->count; i++) {
		struct bd_case_run *run = &runs->items[i];
		const struct bd_case_filter wanted = { .count = run->filter_blocks };

		if (runs->filter_bytes + bd_case_filter_bytes(&wanted) >
			BD_CASE_FILTERS_MAX_BYTES) {
			break;
		}
		BD_TRY(bd_case_run_load_filter(run, cursor, diag));
		runs->filter_bytes += bd_case_filter_bytes(&run->filter);
	}
	return BD_OK;
}

enum bd_code bd_case_runs_open(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag)
{
	struct bd_case_runs *runs = store->cases->runs;
	MDB_cursor *cursor;
	enum bd_code code;
	int result = mdb_cursor_open(txn, store->case_runs, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "cases");
	}
	code = list(runs, cursor, diag);
	code = code == BD_OK ? load_filters(runs, cursor, diag) : code;
	mdb_cursor_close(cursor);
	return code;
}

void bd_case_runs_close(struct bd_case_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++) {
		bd_case_filter_free(&runs->items[i].filter);
	}
	bd_case_filter_free(&runs->merge.out.filter);
	bd_case_filter_free(&runs->spill.out.filter);
	free(runs->items);
	bd_case_tail_close(&runs->tail);
}

/* -- looking through -- */

static bool may_have(const struct bd_case_run *run, const struct bd_case_item *item)
{
	return item->bytes[0] != BD_CASE_BY_SUBJECT ||
	       bd_case_filter_may_have(&run->filter, item->bytes + 1);
}

enum bd_code bd_case_find(struct bd_case_gather *gather, struct bd_txn *txn)
{
	const struct bd_case_runs *runs = txn->store->cases->runs;
	MDB_cursor *cursor = NULL;
	int result = 0;

	gather->hidden = gather->hidden != NULL ? gather->hidden : runs->hidden;
	bd_case_tail_gather(gather, &runs->tail);
	for (size_t i = 0; i < runs->count && result == 0; i++) {
		if (!may_have(&runs->items[i], &gather->front)) {
			continue;
		}
		result = cursor == NULL ? mdb_cursor_open(txn->mdb, txn->store->case_runs, &cursor)
					: 0;
		result = result == 0 ? bd_case_run_gather(gather, cursor, runs->items[i].number)
				     : result;
	}
	if (cursor != NULL) {
		mdb_cursor_close(cursor);
	}
	return result == 0 ? BD_OK : bd_txn_fail(txn, result, "cases");
}

static int find_in_runs(struct bd_case_gather *gather, const struct bd_store *store, MDB_txn *txn)
{
	struct bd_case_run run = { .number = 0 };
	bool is_whole;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn, store->case_runs, &cursor);

	if (result != 0) {
		return result;
	}
	result = bd_case_run_next(&run, &is_whole, cursor, 0);
	while (result == 0) {
		result = is_whole ? bd_case_run_gather(gather, cursor, run.number) : 0;
		result = result == 0 ? bd_case_run_next(&run, &is_whole, cursor, run.number + 1)
				     : result;
	}
	mdb_cursor_close(cursor);
	return result == MDB_NOTFOUND ? 0 : result;
}

/* The snapshot is taken under the lock: what the tail has no more by then is in some run of it. */
enum bd_code bd_case_find_now(
	struct bd_case_gather *gather, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_case_runs *runs = store->cases->runs;
	MDB_txn *txn = NULL;
	int result;

	gather->hidden = runs->hidden;
	pthread_mutex_lock(&runs->tail.lock);
	result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
	if (result == 0) {
		bd_case_tail_gather(gather, &runs->tail);
	}
	pthread_mutex_unlock(&runs->tail.lock);
	if (result == 0) {
		result = find_in_runs(gather, store, txn);
		mdb_txn_abort(txn);
	}
	return result == 0 ? BD_OK : bd_store_fail(diag, result, "cases");
}

bool bd_case_pick_receipt(struct bd_case_item *item, const struct bd_case_gather *gather,
	const struct bd_trail_id *receipt)
{
	for (size_t i = 0; i < gather->count; i++) {
		struct bd_trail_id one = bd_case_item_receipt(&gather->items[i]);

		if (bd_trail_id_equal(&one, receipt)) {
			*item = gather->items[i];
			return true;
		}
	}
	return false;
}

enum bd_code bd_case_find_receipt(struct bd_case_item *item, bool *found, struct bd_txn *txn,
	const struct bd_trail_id *receipt, bool sees_hidden)
{
	static const uint32_t nothing[BD_TRAIL_LOOPS_MAX];
	struct bd_case_item items[BD_CASE_RECEIPT_ITEMS];
	struct bd_case_gather gather = { .items = items,
		.max = BD_CASE_RECEIPT_ITEMS,
		.is_newest_first = true,
		.hidden = sees_hidden ? nothing : NULL };

	bd_case_item_of_receipt(&gather.front, receipt, 0);
	BD_TRY(bd_case_find(&gather, txn));
	*found = bd_case_pick_receipt(item, &gather, receipt);
	return BD_OK;
}

enum bd_code bd_case_next_subject(uint8_t key[BD_NODE_KEY_BYTES], bool *found, struct bd_txn *txn)
{
	struct bd_case_runs *runs = txn->store->cases->runs;
	const struct bd_case_item *first;
	struct bd_case_item bound, best, one;
	MDB_cursor *cursor;
	bool is_there = false;
	int result;

	bd_case_item_bound(&bound, BD_CASE_BY_SUBJECT, key, 0xFF);
	BD_TRY(bd_case_tail_sort(&runs->tail));
	first = bd_case_tail_behind(&runs->tail, &bound);
	*found = first != NULL && first->bytes[0] == BD_CASE_BY_SUBJECT;
	best = *found ? *first : bound;
	result = mdb_cursor_open(txn->mdb, txn->store->case_runs, &cursor);
	if (result != 0) {
		return bd_txn_fail(txn, result, "cases");
	}
	for (size_t i = 0; i < runs->count && result == 0; i++) {
		result = bd_case_run_behind(&one, &is_there, cursor, runs->items[i].number, &bound);
		if (result == 0 && is_there && one.bytes[0] == BD_CASE_BY_SUBJECT &&
			(!*found || bd_case_item_compare(&one, &best) < 0)) {
			best = one;
			*found = true;
		}
	}
	mdb_cursor_close(cursor);
	memcpy(key, best.bytes + 1, BD_NODE_KEY_BYTES);
	return result == 0 ? BD_OK : bd_txn_fail(txn, result, "cases");
}

enum bd_code bd_case_take_out(struct bd_txn *txn, const struct bd_case_item *item)
{
	struct bd_case_runs *runs = txn->store->cases->runs;

	pthread_mutex_lock(&runs->tail.lock);
	bd_case_tail_remove(&runs->tail, item);
	pthread_mutex_unlock(&runs->tail.lock);
	for (size_t i = 0; i < runs->count; i++) {
		if (may_have(&runs->items[i], item)) {
			BD_TRY(bd_case_run_remove(txn, runs->items[i].number, item));
		}
	}
	if (runs->spill.is_running) {
		BD_TRY(bd_case_run_remove(txn, runs->spill.out.number, item));
	}
	return runs->merge.is_running ? bd_case_run_remove(txn, runs->merge.out.number, item)
				      : BD_OK;
}

bool bd_case_has_any(const struct bd_store *store)
{
	const struct bd_case_runs *runs = store->cases->runs;

	return runs->tail.subjects > 0 || runs->count > 0;
}
