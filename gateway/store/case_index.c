#include "store/case_index.h"

#include "base/log.h"
#include "base/thread.h"
#include "base/try.h"
#include "store/case_runs.h"
#include "store/obligations.h"

#include <stdlib.h>
#include <string.h>

void bd_cases_add_sink(struct bd_store *store, struct bd_case_sink *sink)
{
	struct bd_case_sink **link = &store->cases->sinks;

	while (*link != NULL) {
		link = &(*link)->next;
	}
	sink->next = NULL;
	*link = sink;
}

bool bd_case_is_same_place(const struct bd_case_place *a, const struct bd_case_place *b)
{
	return a->loop == b->loop && a->segment == b->segment && a->offset == b->offset;
}

bool bd_case_is_before(const struct bd_case_place *a, const struct bd_case_place *b)
{
	return a->segment < b->segment || (a->segment == b->segment && a->offset < b->offset);
}

/* -- entries -- */

static enum bd_code take_out(struct bd_txn *txn, enum bd_case_kind kind,
	const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_case_head *head,
	const struct bd_case_place *place)
{
	struct bd_case_item item;

	bd_case_item_make(&item, kind, key, head, place);
	return bd_case_take_out(txn, &item);
}

static enum bd_code take_out_number(
	struct bd_txn *txn, const struct bd_case_head *head, const struct bd_case_place *place)
{
	return (head->flags & BD_CASE_HAS_NUMBER) != 0
		       ? take_out(txn, BD_CASE_BY_NUMBER, head->number, head, place)
		       : BD_OK;
}

enum bd_code bd_case_unlist(
	struct bd_txn *txn, const struct bd_case_head *head, const struct bd_case_place *place)
{
	for (size_t i = 0; i < head->key_count; i++) {
		BD_TRY(take_out(txn, BD_CASE_BY_SUBJECT, head->keys[i], head, place));
	}
	for (struct bd_case_sink *sink = txn->store->cases->sinks; sink != NULL;
		sink = sink->next) {
		if (sink->removed != NULL) {
			BD_TRY(sink->removed(sink, txn, &head->receipt, &txn->arena));
		}
	}
	return BD_OK;
}

static enum bd_code drop_owed(struct bd_txn *txn, const struct bd_trail_id *receipt)
{
	char room[BD_TRAIL_ID_BYTES];
	struct bd_buf key = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_trail_id_pack(&key, receipt));
	return bd_owed_drop(txn, (const uint8_t *)room, &txn->arena);
}

/* A record whose answer never left had this receipt: it is no case. Nobody would find it any more
 * to erase it. */
static enum bd_code drop_one(struct bd_txn *txn, const struct bd_case_item *item)
{
	struct bd_case_place place = bd_case_item_place(item);
	struct bd_case_head head;
	enum bd_code code = bd_case_find_head(&head, txn, &place);

	if (code != BD_OK && code != BD_CASE_ERASED && code != BD_STORE_DAMAGED) {
		return code;
	}
	if (code == BD_OK) {
		BD_TRY(bd_case_unlist(txn, &head, &place));
		BD_TRY(drop_owed(txn, &head.receipt));
		BD_TRY(bd_case_wipe_one(txn->store, &place, txn->diag));
	}
	if (code != BD_STORE_DAMAGED) {
		BD_TRY(take_out_number(txn, &head, &place));
	}
	return bd_case_take_out(txn, item);
}

/* -- a record on its way into the index -- */

struct step {
	struct bd_store *store;
	struct bd_txn txn;
	bool is_changed; /* the transaction has something to commit */
	size_t left;     /* records that may still be taken */
	size_t tail;     /* entries that it had before */
	/* As they are to be, and as they were. */
	struct bd_case_series *series, *before;
	size_t count;
};

struct adding {
	struct bd_case_head head;
	struct bd_case_place place;
	struct bd_bytes sealed;
	struct bd_case_record record;
	bool is_open;
	bool is_told; /* it was indexed before: who hears of cases has heard of it */
};

/* Begun by the first record that needs it: most do not. */
static enum bd_code want_txn(struct step *step)
{
	return step->txn.mdb != NULL ? BD_OK : bd_txn_begin(&step->txn);
}

static enum bd_code open_one(struct adding *one, struct bd_txn *txn)
{
	if (one->is_open) {
		return BD_OK;
	}
	one->is_open = true;
	return bd_case_open_record(
		&one->record, txn->store->seal, &one->place, &one->head, one->sealed, &txn->arena);
}

/* Its head says what it is found by; else the record does. */
static enum bd_code find_names(struct adding *one, struct bd_txn *txn)
{
	if (bd_case_is_erased(&one->head)) {
		one->head.key_count = 0;
		return BD_CASE_ERASED;
	}
	if (bd_case_has_names(&one->head, txn->store->seal)) {
		return BD_OK;
	}
	BD_TRY(open_one(one, txn));
	return bd_case_head_of(&one->head, txn, &one->record);
}

/* Receipts of a series rise, unless an answer never left and its receipt was given again. */
static bool is_new(const struct bd_case_series *series, const struct bd_trail_id *receipt)
{
	const struct bd_trail_id *newest = &series->newest;

	return series->has_newest && newest->instance == receipt->instance &&
	       newest->loop == receipt->loop &&
	       (newest->segment < receipt->segment ||
		       (newest->segment == receipt->segment && newest->offset < receipt->offset));
}

static enum bd_code drop_earlier(struct step *step, const struct adding *one)
{
	struct bd_case_series *series = &step->series[one->place.loop];
	struct bd_case_item item;
	bool is_later = is_new(series, &one->head.receipt), found = !is_later;

	while (found) {
		BD_TRY(want_txn(step));
		BD_TRY(bd_case_find_receipt(&item, &found, &step->txn, &one->head.receipt, false));
		if (found) {
			step->is_changed = true;
			BD_TRY(drop_one(&step->txn, &item));
		}
	}
	if (is_later || !series->has_newest ||
		series->newest.instance != one->head.receipt.instance ||
		series->newest.loop != one->head.receipt.loop) {
		series->newest = one->head.receipt;
		series->has_newest = true;
	}
	return BD_OK;
}

static enum bd_code is_overtaken(bool *out, struct step *step, const struct adding *one)
{
	*out = false;
	if (!step->store->cases->has_erased) {
		return BD_OK;
	}
	BD_TRY(want_txn(step));
	return bd_case_is_overtaken(out, &step->txn, &one->head);
}

/* One that nobody may read any more, or can, is found by its receipt: whoever asks is told so. */
static enum bd_code add_items(struct bd_store *store, const struct adding *one, bool has_names)
{
	struct bd_case_tail *tail = &store->cases->runs->tail;
	const struct bd_case_head *head = &one->head;
	struct bd_case_item item;

	BD_TRY(bd_case_tail_reserve(tail, 2 + head->key_count));
	pthread_mutex_lock(&tail->lock);
	bd_case_item_make(&item, BD_CASE_BY_RECEIPT, NULL, head, &one->place);
	bd_case_tail_add(tail, &item);
	if ((head->flags & BD_CASE_HAS_NUMBER) != 0 &&
		head->generation == bd_seal_generation(store->seal)) {
		bd_case_item_make(&item, BD_CASE_BY_NUMBER, head->number, head, &one->place);
		bd_case_tail_add(tail, &item);
	}
	for (size_t i = 0; has_names && i < head->key_count; i++) {
		bd_case_item_make(&item, BD_CASE_BY_SUBJECT, head->keys[i], head, &one->place);
		bd_case_tail_add(tail, &item);
	}
	pthread_mutex_unlock(&tail->lock);
	return BD_OK;
}

static enum bd_code tell_sink(struct step *step, struct adding *one, struct bd_case_sink *sink)
{
	struct bd_case_head head = one->head;
	uint64_t told = step->series[one->place.loop].told_commit;
	bool is_wanted = false;
	enum bd_code code;

	head.commit = one->is_told && told > head.commit ? told : head.commit;
	if (!sink->may_want(sink, step->store, &head)) {
		return BD_OK;
	}
	BD_TRY(want_txn(step));
	BD_TRY(sink->wants(&is_wanted, sink, &step->txn, &head));
	if (!is_wanted) {
		return BD_OK;
	}
	code = open_one(one, &step->txn);
	/* Whoever asks for it is told so. */
	BD_TRY(code == BD_STORE_DAMAGED ? BD_OK : code);
	step->is_changed = true;
	return code == BD_STORE_DAMAGED
		       ? BD_OK
		       : sink->added(sink, &step->txn, &head, &one->record, &step->txn.arena);
}

static enum bd_code add(struct step *step, struct adding *one)
{
	struct bd_store *store = step->store;
	bool overtaken = false;
	enum bd_code code;

	bd_arena_clear(&step->txn.arena);
	code = find_names(one, &step->txn);
	BD_TRY(code == BD_CASE_ERASED || code == BD_STORE_DAMAGED ? BD_OK : code);
	BD_TRY(drop_earlier(step, one));
	if (code != BD_OK) {
		return add_items(store, one, false);
	}
	BD_TRY(is_overtaken(&overtaken, step, one));
	BD_TRY(add_items(store, one, !overtaken));
	if (overtaken) {
		store->cases->overtaken++;
		return bd_case_wipe_one(store, &one->place, step->txn.diag);
	}
	for (struct bd_case_sink *sink = store->cases->sinks; sink != NULL; sink = sink->next) {
		if (!one->is_told || sink->hears_again) {
			BD_TRY(tell_sink(step, one, sink));
		}
	}
	return BD_OK;
}

/* -- steps -- */

static bool is_full(const struct bd_case_tail *tail)
{
	return tail->count >= tail->wanted_max;
}

static bool may_go_on(const struct step *step)
{
	return step->left > 0 && !is_full(&step->store->cases->runs->tail) &&
	       (step->txn.mdb == NULL || bd_txn_dirty_bytes(&step->txn) < BD_TXN_MAX_BYTES / 2);
}

static enum bd_code index_series(
	struct step *step, struct bd_case_series *series, const struct bd_case_place *end)
{
	enum bd_case_step found = BD_CASE_STEP_RECORD;
	struct bd_case_reader reader;
	struct adding one;
	enum bd_code code = BD_OK;

	bd_case_reader_open(&reader, step->store, &series->read);
	while (code == BD_OK && found == BD_CASE_STEP_RECORD && may_go_on(step)) {
		one.is_open = false;
		code = bd_case_reader_next(
			&found, &one.head, &one.place, &one.sealed, &reader, end, step->txn.diag);
		if (code != BD_OK) {
			break;
		}
		if (found == BD_CASE_STEP_RECORD) {
			one.is_told = bd_case_is_before(&one.place, &series->told);
			code = add(step, &one);
			step->left--;
			bd_thread_share();
		} else if (found == BD_CASE_STEP_BROKEN &&
			   one.place.segment < series->end.segment) {
			bd_log(BD_LOG_ERROR, "cases", "damaged", "file %04x-%08x at %u",
				one.place.loop, one.place.segment, one.place.offset);
			reader.at = (struct bd_case_place){ one.place.loop, one.place.segment + 1,
				BD_CASE_FILE_HEAD_BYTES };
			found = BD_CASE_STEP_RECORD;
		}
	}
	series->read = reader.at;
	bd_case_reader_close(&reader);
	return code;
}

/* Up to where it was told, or to the end. */
static enum bd_code index_all(struct step *step, bool until_told)
{
	for (size_t i = 0; i < step->count && may_go_on(step); i++) {
		struct bd_case_series *series = &step->series[i];
		const struct bd_case_place *end = until_told ? &series->told : &series->end;

		if (series->is_there && bd_case_is_before(&series->read, end)) {
			BD_TRY(index_series(step, series, end));
		}
	}
	return BD_OK;
}

/* Only the loops add to them besides: at their ends. */
static void publish(struct step *step, const struct bd_case_series *list)
{
	struct bd_cases *cases = step->store->cases;

	pthread_mutex_lock(&cases->lock);
	for (size_t i = 0; i < step->count; i++) {
		cases->series[i].read = list[i].read;
		cases->series[i].newest = list[i].newest;
		cases->series[i].has_newest = list[i].has_newest;
	}
	pthread_mutex_unlock(&cases->lock);
}

/* The transaction says how far it has come, so that is set before it ends. */
static enum bd_code end_step(struct step *step, enum bd_code code)
{
	struct bd_case_tail *tail = &step->store->cases->runs->tail;

	if (code == BD_OK) {
		publish(step, step->series);
	}
	if (step->txn.mdb != NULL && code == BD_OK && !step->is_changed) {
		bd_txn_drop(&step->txn);
	} else if (step->txn.mdb != NULL) {
		step->txn.tells_cases = true;
		code = bd_txn_end(&step->txn, code);
	}
	if (code != BD_OK) {
		publish(step, step->before);
		pthread_mutex_lock(&tail->lock);
		bd_case_tail_cut(tail, step->tail);
		pthread_mutex_unlock(&tail->lock);
	}
	return code;
}

static enum bd_code look_at_series(struct step *step)
{
	struct bd_cases *cases = step->store->cases;

	pthread_mutex_lock(&cases->lock);
	step->count = cases->count;
	step->series = calloc(2 * step->count + 1, sizeof(*step->series));
	if (step->series != NULL) {
		step->before = step->series + step->count;
		memcpy(step->series, cases->series, step->count * sizeof(*step->series));
		memcpy(step->before, cases->series, step->count * sizeof(*step->series));
	}
	pthread_mutex_unlock(&cases->lock);
	return step->series != NULL ? BD_OK : BD_NO_MEMORY;
}

static enum bd_code do_step(struct bd_store *store, bool until_told, struct bd_diag *diag)
{
	struct step step = {
		.store = store, .left = BD_CASES_INDEX_MAX, .tail = store->cases->runs->tail.count
	};
	enum bd_code code = look_at_series(&step);

	if (code != BD_OK) {
		return bd_fail(diag, code, "cases");
	}
	bd_txn_open(&step.txn, store, diag);
	code = end_step(&step, index_all(&step, until_told));
	bd_txn_close(&step.txn);
	free(step.series);
	return code;
}

bool bd_cases_is_behind(struct bd_store *store)
{
	bool is_behind = false;

	pthread_mutex_lock(&store->cases->lock);
	for (size_t i = 0; i < store->cases->count && !is_behind; i++) {
		const struct bd_case_series *series = &store->cases->series[i];

		is_behind = series->is_there && bd_case_is_before(&series->read, &series->end);
	}
	pthread_mutex_unlock(&store->cases->lock);
	return is_behind;
}

enum bd_code bd_cases_index(struct bd_store *store, bool *has_more, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	*has_more = false;
	if (is_full(&store->cases->runs->tail)) {
		code = bd_case_spill(store, diag);
		*has_more = code == BD_OK;
		return code;
	}
	if (bd_cases_is_behind(store)) {
		code = do_step(store, false, diag);
		*has_more = code == BD_OK &&
			    (bd_cases_is_behind(store) || is_full(&store->cases->runs->tail));
	}
	return code == BD_OK && !*has_more ? bd_case_tidy(store, has_more, diag) : code;
}

/* What the tail holds past that is indexed like anything else. */
enum bd_code bd_cases_refill(struct bd_store *store, struct bd_diag *diag)
{
	bool is_behind = true;

	while (is_behind && !is_full(&store->cases->runs->tail)) {
		is_behind = false;
		BD_TRY(do_step(store, true, diag));
		for (size_t i = 0; i < store->cases->count && !is_behind; i++) {
			struct bd_case_series series = bd_cases_series(store, (uint16_t)i);

			is_behind =
				series.is_there && bd_case_is_before(&series.read, &series.told);
		}
	}
	return BD_OK;
}
