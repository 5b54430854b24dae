/* case_merge.c - the tail becomes a run, runs become fewer, and what is no run any more is taken
 * away.
 */
#include "base/clock.h"
#include "base/page_cache.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/case_runs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)
/* A run that is merged no more holds a part of the keeping time, so that what is past it goes. */
#define PARTS_OF_TIME 8
#define LONGEST_DAYS 3650

/* -- the tail -- */

/* What the index leads to is on disk before the index is. */
static enum bd_code sync_files(struct bd_store *store, struct bd_diag *diag)
{
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(store, (uint16_t)i);

		for (uint32_t at = series.indexed.segment;
			series.is_there && at <= series.read.segment; at++) {
			int fd = bd_case_file_open(store, (uint16_t)i, at, false);
			int result =
				fd < 0 ? 0
				       : bd_page_cache_sync(fd,
						 at == series.synced.segment ? series.synced.offset
									     : 0,
						 at == series.read.segment ? series.read.offset
									   : BD_PAGE_CACHE_TO_END);

			if (fd >= 0) {
				close(fd);
			}
			if (result != 0) {
				return bd_fail(diag, BD_STORE_SYNC, "cases: sync");
			}
		}
	}
	return BD_OK;
}

/* From where the step before ended; something may have been taken out since. */
static enum bd_code write_some(
	struct bd_case_run_writer *writer, struct bd_case_making *spill, bool *is_over)
{
	struct bd_case_runs *runs = writer->txn->store->cases->runs;
	const struct bd_case_tail *tail = &runs->tail;
	size_t at, end;

	BD_TRY(bd_case_tail_sort(&runs->tail));
	at = spill->has_last ? bd_case_tail_find_behind(tail, &spill->last) : 0;
	end = tail->order_count - at > runs->step_max ? at + runs->step_max : tail->order_count;
	for (; at < end; at++) {
		spill->last = tail->items[tail->order[at]];
		spill->has_last = true;
		if (!bd_case_is_hidden(runs->hidden, &spill->last)) {
			BD_TRY(bd_case_run_add(writer, &spill->last));
		}
		bd_thread_share_at(at);
	}
	*is_over = end == tail->order_count;
	return bd_case_run_flush(writer);
}

static enum bd_code spill_step(
	struct bd_case_run_writer *writer, struct bd_case_making *spill, bool *is_over)
{
	BD_TRY(write_some(writer, spill, is_over));
	if (*is_over) {
		BD_TRY(writer->run.items > 0 ? bd_case_run_finish(writer->txn, &writer->run)
					     : BD_OK);
		BD_TRY(bd_cases_put_indexed(writer->txn));
	}
	bd_store_reach(writer->txn->store, "cases.spilling");
	return BD_OK;
}

static enum bd_code begin_spill(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_case_runs *runs = store->cases->runs;

	if (runs->spill.is_running) {
		return BD_OK;
	}
	BD_TRY(bd_case_runs_reserve(runs));
	BD_TRY(sync_files(store, diag));
	runs->spill = (struct bd_case_making){ .is_running = true };
	runs->spill.out.number = runs->next++;
	runs->spill.out.filter = bd_case_filter_new(runs->tail.subjects);
	return BD_OK;
}

static void end_spill(struct bd_store *store)
{
	struct bd_case_runs *runs = store->cases->runs;

	if (runs->spill.out.items > 0) {
		bd_case_runs_add(runs, &runs->spill.out);
	} else {
		bd_case_filter_free(&runs->spill.out.filter);
	}
	runs->spill = (struct bd_case_making){ .is_running = false };
	bd_cases_set_indexed(store);
	pthread_mutex_lock(&runs->tail.lock);
	bd_case_tail_clear(&runs->tail);
	pthread_mutex_unlock(&runs->tail.lock);
}

/* A step that fails leaves all as it was: the next one tries again from there. */
enum bd_code bd_case_spill(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_case_runs *runs = store->cases->runs;
	struct bd_case_making next;
	struct bd_case_run_writer writer;
	struct bd_txn txn;
	bool is_over = false;
	enum bd_code code;

	BD_TRY(begin_spill(store, diag));
	next = runs->spill;
	writer = (struct bd_case_run_writer){ .txn = &txn, .run = next.out };
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? bd_txn_end(&txn, spill_step(&writer, &next, &is_over)) : code;
	bd_txn_close(&txn);
	if (code == BD_OK) {
		next.out = writer.run;
		runs->spill = next;
	}
	if (code == BD_OK && is_over) {
		bd_store_reach(store, "cases.spilled");
		end_spill(store);
	}
	return code;
}

/* -- which are merged -- */

static unsigned size_of(const struct bd_case_runs *runs, const struct bd_case_run *run)
{
	uint64_t limit = runs->tail.wanted_max;
	unsigned size = 0;

	while (run->items > limit) {
		limit *= BD_CASE_RUNS_FAN;
		size++;
	}
	return size;
}

static int compare_ages(const void *a, const void *b)
{
	const struct bd_case_run *const *x = a, *const *y = b;

	return ((*x)->oldest_ms > (*y)->oldest_ms) - ((*x)->oldest_ms < (*y)->oldest_ms);
}

/* How many from the first on hold no longer time together than a run may. */
static size_t fitting(struct bd_case_run *const *list, size_t count, int64_t longest_ms)
{
	int64_t newest_ms = list[0]->newest_ms;
	size_t fit = 1;

	while (fit < count && fit < BD_CASE_RUNS_FAN) {
		newest_ms = list[fit]->newest_ms > newest_ms ? list[fit]->newest_ms : newest_ms;
		if (newest_ms - list[0]->oldest_ms > longest_ms) {
			break;
		}
		fit++;
	}
	return fit;
}

static void begin_merge(struct bd_case_runs *runs, struct bd_case_run *const *list, size_t count)
{
	struct bd_case_making *merge = &runs->merge;
	uint64_t names = 0;

	*merge = (struct bd_case_making){ .is_running = true, .count = count };
	for (size_t i = 0; i < count; i++) {
		merge->inputs[i] = list[i]->number;
		names += list[i]->subjects;
	}
	merge->out.number = runs->next++;
	merge->out.filter = bd_case_filter_new(names);
}

/* Of the smallest size of which there are enough, the oldest that fit. */
static enum bd_code choose(bool *found, struct bd_store *store)
{
	struct bd_case_runs *runs = store->cases->runs;
	struct bd_case_run **list = malloc((runs->count + 1) * sizeof(*list));
	int64_t days = store->cases_days / PARTS_OF_TIME;
	int64_t longest_ms = (store->cases_days == 0 ? LONGEST_DAYS : days > 0 ? days : 1) * DAY_MS;
	size_t seen = 0;

	*found = false;
	if (list == NULL) {
		return BD_NO_MEMORY;
	}
	for (unsigned size = 0; seen < runs->count && !*found; size++) {
		size_t count = 0;

		for (size_t i = 0; i < runs->count; i++) {
			if (size_of(runs, &runs->items[i]) == size) {
				list[count++] = &runs->items[i];
			}
		}
		seen += count;
		if (count > 1) {
			qsort(list, count, sizeof(*list), compare_ages);
		}
		for (size_t at = 0; count >= BD_CASE_RUNS_FAN && at < count && !*found; at++) {
			size_t fit = fitting(list + at, count - at, longest_ms);

			if (fit > 1) {
				begin_merge(runs, list + at, fit);
				*found = true;
			}
		}
	}
	free(list);
	return BD_OK;
}

/* -- merging -- */

/* Copied, for what is written moves pages. */
struct input {
	uint32_t run;
	struct bd_case_item items[BD_CASE_BLOCK_ITEMS];
	size_t at, count;
	uint64_t front; /* of the next one, which decides nearly always */
};

static void look_at(struct input *input)
{
	if (input->at < input->count) {
		memcpy(&input->front, input->items[input->at].bytes, sizeof(input->front));
		input->front = be64toh(input->front);
	}
}

static bool is_before(const struct input *a, const struct input *b)
{
	return a->front != b->front ? a->front < b->front
				    : bd_case_item_compare(&a->items[a->at], &b->items[b->at]) < 0;
}

static enum bd_code fill(struct input *input, MDB_cursor *cursor, struct bd_txn *txn,
	const struct bd_case_item *last)
{
	int result =
		bd_case_run_block_behind(input->items, &input->count, cursor, input->run, last);

	input->at = 0;
	look_at(input);
	return result == 0 ? BD_OK : bd_txn_fail(txn, result, "cases");
}

static struct input *least(struct input *inputs, size_t count)
{
	struct input *best = NULL;

	for (size_t i = 0; i < count; i++) {
		struct input *one = &inputs[i];

		if (one->at < one->count && (best == NULL || is_before(one, best))) {
			best = one;
		}
	}
	return best;
}

static enum bd_code merge_some(
	struct bd_case_run_writer *writer, struct input *inputs, MDB_cursor *cursor, bool *is_over)
{
	struct bd_case_runs *runs = writer->txn->store->cases->runs;
	struct bd_case_making *merge = &runs->merge;

	for (size_t i = 0; i < merge->count; i++) {
		inputs[i].run = merge->inputs[i];
		BD_TRY(fill(
			&inputs[i], cursor, writer->txn, merge->has_last ? &merge->last : NULL));
	}
	for (size_t i = 0; i < runs->step_max; i++) {
		struct input *input = least(inputs, merge->count);

		if (input == NULL) {
			*is_over = true;
			break;
		}
		merge->last = input->items[input->at++];
		look_at(input);
		merge->has_last = true;
		if (!bd_case_is_hidden(runs->hidden, &merge->last)) {
			BD_TRY(bd_case_run_add(writer, &merge->last));
		}
		if (input->at == input->count) {
			BD_TRY(fill(input, cursor, writer->txn, &merge->last));
		}
		bd_thread_share_at(i);
	}
	return bd_case_run_flush(writer);
}

/* From here on the new run counts, and those it was made of do not. */
static enum bd_code swap(struct bd_txn *txn, struct bd_case_run *out)
{
	const struct bd_case_making *merge = &txn->store->cases->runs->merge;
	char room[4];

	if (out->items > 0) {
		BD_TRY(bd_case_run_finish(txn, out));
	}
	for (size_t i = 0; i < merge->count; i++) {
		BD_TRY(bd_txn_delete(
			txn, txn->store->case_runs, bd_case_run_name(room, merge->inputs[i])));
	}
	bd_store_reach(txn->store, "cases.swapping");
	return BD_OK;
}

static enum bd_code merge_step(struct bd_case_run_writer *writer, bool *is_over)
{
	struct bd_txn *txn = writer->txn;
	struct input *inputs = malloc(BD_CASE_RUNS_FAN * sizeof(*inputs));
	MDB_cursor *cursor;
	enum bd_code code;
	int result;

	if (inputs == NULL) {
		return bd_fail(txn->diag, BD_NO_MEMORY, "cases");
	}
	result = mdb_cursor_open(txn->mdb, txn->store->case_runs, &cursor);
	if (result != 0) {
		free(inputs);
		return bd_txn_fail(txn, result, "cases");
	}
	code = merge_some(writer, inputs, cursor, is_over);
	mdb_cursor_close(cursor);
	free(inputs);
	if (code == BD_OK) {
		code = bd_case_runs_reserve(txn->store->cases->runs);
	}
	return code == BD_OK && *is_over ? swap(txn, &writer->run) : code;
}

/* Begun anew, or given up: what was written of it is taken away. */
static void drop_merge(struct bd_case_runs *runs)
{
	bd_case_filter_free(&runs->merge.out.filter);
	runs->merge = (struct bd_case_making){ .is_running = false };
	runs->has_garbage = true;
}

static void take_over(struct bd_case_runs *runs)
{
	struct bd_case_making *merge = &runs->merge;

	for (size_t i = 0; i < merge->count; i++) {
		bd_case_runs_remove(runs, merge->inputs[i]);
	}
	if (merge->out.items > 0) {
		bd_case_runs_add(runs, &merge->out);
		merge->out.filter = (struct bd_case_filter){ .count = 0 };
	}
	drop_merge(runs);
}

static enum bd_code merge(struct bd_txn *txn)
{
	struct bd_case_runs *runs = txn->store->cases->runs;
	struct bd_case_run_writer writer = { .txn = txn, .run = runs->merge.out };
	bool is_over = false;
	enum bd_code code = bd_txn_end(txn, merge_step(&writer, &is_over));

	runs->merge.out = writer.run;
	if (code != BD_OK) {
		drop_merge(runs);
	} else if (is_over) {
		bd_store_reach(txn->store, "cases.swapped");
		take_over(runs);
	} else {
		bd_store_reach(txn->store, "cases.merged");
	}
	return code;
}

/* -- taking away -- */

static enum bd_code delete_rows(struct bd_txn *txn, MDB_cursor *cursor, uint32_t run, size_t *left)
{
	char room[4];
	struct bd_bytes name = bd_case_run_name(room, run);
	MDB_val key = { name.len, room }, value;
	int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

	while (result == 0 && *left > 0 && key.mv_size >= sizeof(room) &&
		memcmp(key.mv_data, room, sizeof(room)) == 0) {
		txn->dirt[txn->store->case_runs].puts++;
		--*left;
		result = mdb_cursor_del(cursor, 0);
		/* The next one stands there now. */
		result = result == 0 ? mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT)
				     : result;
		result = result == EINVAL ? MDB_NOTFOUND : result;
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "cases");
}

/* *left: of the rows that one step takes; if some is left there are no more. */
static enum bd_code sweep(struct bd_txn *txn, size_t *left)
{
	const struct bd_case_making *merge = &txn->store->cases->runs->merge;
	struct bd_case_run run = { .number = 0 };
	MDB_cursor *cursor;
	bool is_whole = false;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(txn->mdb, txn->store->case_runs, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "cases");
	}
	while (code == BD_OK && *left > 0) {
		result = bd_case_run_next(&run, &is_whole, cursor, run.number);
		if (result != 0) {
			break;
		}
		if (!is_whole && !(merge->is_running && run.number == merge->out.number)) {
			code = delete_rows(txn, cursor, run.number, left);
		}
		run.number += is_whole || *left > 0;
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == 0 || result == MDB_NOTFOUND
		       ? code
		       : bd_txn_fail(txn, result, "cases");
}

static enum bd_code sweep_some(struct bd_txn *txn)
{
	struct bd_case_runs *runs = txn->store->cases->runs;
	size_t left = runs->garbage_max;
	enum bd_code code = sweep(txn, &left);

	if (code == BD_OK && left == runs->garbage_max) {
		bd_txn_drop(txn);
	} else {
		code = bd_txn_end(txn, code);
	}
	if (code == BD_OK) {
		runs->has_garbage = left == 0;
	}
	return code;
}

/* Nothing that is still there was written before this. */
static int64_t first_time(struct bd_store *store)
{
	int64_t first_ms = INT64_MAX;

	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		struct bd_case_series series = bd_cases_series(store, (uint16_t)i);
		int64_t one_ms = series.is_there
					 ? bd_case_first_ms(store, (uint16_t)i, series.first)
					 : INT64_MAX;

		first_ms = one_ms < first_ms ? one_ms : first_ms;
	}
	return first_ms;
}

static enum bd_code drop_expired(struct bd_txn *txn)
{
	struct bd_case_runs *runs = txn->store->cases->runs;
	int64_t first_ms = first_time(txn->store);
	char room[4];

	for (size_t i = 0; i < runs->count; i++) {
		if (runs->items[i].newest_ms < first_ms) {
			BD_TRY(bd_txn_delete(txn, txn->store->case_runs,
				bd_case_run_name(room, runs->items[i].number)));
		}
	}
	return BD_OK;
}

static enum bd_code expire(struct bd_txn *txn)
{
	struct bd_case_runs *runs = txn->store->cases->runs;
	int64_t first_ms = first_time(txn->store);
	enum bd_code code = bd_txn_end(txn, drop_expired(txn));

	for (size_t i = runs->count; i > 0 && code == BD_OK; i--) {
		if (runs->items[i - 1].newest_ms < first_ms) {
			bd_case_runs_remove(runs, runs->items[i - 1].number);
			runs->has_garbage = true;
		}
	}
	runs->has_expired &= code != BD_OK;
	return code;
}

/* -- steps -- */

typedef enum bd_code one_step(struct bd_txn *txn);

static enum bd_code do_step(struct bd_store *store, one_step *step, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? step(&txn) : code;
	bd_txn_close(&txn);
	return code;
}

/* A run that is being merged is not dropped under the merge. */
enum bd_code bd_case_tidy(struct bd_store *store, bool *has_more, struct bd_diag *diag)
{
	struct bd_case_runs *runs = store->cases->runs;

	*has_more = true;
	if (runs->merge.is_running) {
		return do_step(store, merge, diag);
	}
	if (runs->has_expired) {
		return do_step(store, expire, diag);
	}
	if (runs->has_garbage) {
		return do_step(store, sweep_some, diag);
	}
	return choose(has_more, store);
}
