#include "store/long.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/accept.h"
#include "store/long_nodes.h"
#include "store/long_state.h"
#include "store/makers.h"
#include "store/pairs.h"

#include <stdlib.h>
#include <string.h>

/* -- opening and letting go -- */

static void free_long(struct bd_long *work)
{
	if (work == NULL) {
		return;
	}
	bd_pairs_free(work->pairs);
	bd_makers_free(work->makers);
	bd_spool_merge_free(work->merge);
	bd_spool_check_close(&work->check);
	if (work->file.store != NULL) {
		bd_spool_file_close(&work->file);
	}
	bd_buf_release(&work->cursor);
	bd_arena_release(&work->arena);
	free(work->rejects);
	free(work->told);
	free(work);
}

enum bd_code bd_long_open(
	struct bd_long **out, struct bd_store *store, uint64_t id, struct bd_diag *diag)
{
	struct bd_long *work = calloc(1, sizeof(*work));
	enum bd_code code;

	*out = NULL;
	if (work == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_arena_init(&work->arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_buf_init(&work->cursor, BD_NODE_KEY_BYTES + (size_t)BD_SPOOL_RUNS_MAX * 16);
	code = bd_spool_file_open(&work->file, store, id, diag);
	code = code == BD_OK ? bd_journal_unpack(&work->journal, work->file.entry, &work->arena)
			     : code;
	if (code == BD_OK && work->journal.rules != BD_JOURNAL_RULES) {
		code = BD_JOURNAL_VERSION;
	}
	if (code == BD_OK) {
		work->told = calloc(work->journal.entry.section_count + 1, sizeof(*work->told));
		code = work->told != NULL ? BD_OK : BD_NO_MEMORY;
	}
	if (code != BD_OK) {
		free_long(work);
		return bd_fail(diag, code, "a spool file");
	}
	*out = work;
	return BD_OK;
}

static void close_active(struct bd_store *store)
{
	free_long(store->active);
	store->active = NULL;
}

void bd_long_close(struct bd_store *store)
{
	close_active(store);
	while (store->waiting != NULL) {
		struct bd_waiting *next = store->waiting->next;

		free(store->waiting);
		store->waiting = next;
	}
}

/* -- its turn has come -- */

static enum bd_code accept_in(struct bd_txn *txn, struct bd_entry *entry, bool *goes_on)
{
	struct bd_journal_entry journal;
	struct bd_buf packed;
	enum bd_code code;

	BD_TRY(bd_accept(&journal, goes_on, entry, bd_spool_count(entry->spool),
		bd_spool_newest(entry->spool), txn));
	if (!*goes_on) {
		return BD_OK;
	}
	journal.entry.records = (struct bd_bytes){ "", 0 };
	bd_buf_init(&packed, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES * 2);
	code = bd_journal_pack(&packed, &journal);
	code = code == BD_OK ? bd_spool_seal(entry->spool, bd_buf_bytes(&packed), txn->diag) : code;
	bd_buf_release(&packed);
	BD_TRY(code);
	BD_TRY(bd_long_put_new(txn, &journal, bd_spool_id(entry->spool)));
	return bd_keep_key(txn, &journal, BD_KEY_RUNNING);
}

/* Put before its nodes; of a load, with those of its other messages. */
static void take_pairs(struct bd_store *store, struct bd_pairs *pairs)
{
	if (pairs != NULL && store->pairs != NULL) {
		bd_pairs_join(store->pairs, pairs);
		store->active->has_pairs = true;
	} else {
		store->active->pairs = pairs;
	}
}

/* Checked, numbered, sealed, known: from here on it is in the journal. *goes_on false: it has its
 * outcome. */
static enum bd_code begin_long(struct bd_store *store, struct bd_entry *entry, bool *goes_on)
{
	uint64_t id = bd_spool_id(entry->spool);
	struct bd_txn txn;
	enum bd_code code;

	*goes_on = false;
	bd_diag_clear(&entry->diag);
	bd_txn_open(&txn, store, &entry->diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? accept_in(&txn, entry, goes_on) : code;
	if (txn.mdb != NULL && code == BD_OK && !*goes_on) {
		bd_txn_drop(&txn);
	} else if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	if (code != BD_OK) {
		/* Whatever stands in the file, no message has it. */
		bd_spool_remove(store, id);
		return code;
	}
	if (!*goes_on) {
		return BD_OK;
	}
	bd_store_reach(store, "spool.accepted");
	code = bd_long_open(&store->active, store, id, &entry->diag);
	if (code == BD_OK) {
		store->active->entry = entry;
		take_pairs(store, bd_spool_take_pairs(entry->spool));
	}
	return code;
}

/* -- rejects in the order of the store -- */

static int compare_rejects(const void *a, const void *b)
{
	const struct bd_long_reject *x = a, *y = b;
	int order = memcmp(x->key, y->key, BD_NODE_KEY_BYTES);

	order = order != 0 ? order : (x->at > y->at) - (x->at < y->at);
	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static enum bd_code add_reject(struct bd_long *work, size_t *cap, struct bd_seal *seal,
	const struct bd_identifier *subject, size_t at, int row)
{
	struct bd_long_reject *item;

	if (!bd_list_grow(&work->rejects, cap, work->reject_count, 256, sizeof(*item))) {
		return BD_NO_MEMORY;
	}
	item = &work->rejects[work->reject_count++];
	*item = (struct bd_long_reject){ .at = (uint32_t)at, .row = row };
	return bd_seal_blind(seal, subject, item->key);
}

static enum bd_code list_rejects(struct bd_long *work, struct bd_seal *seal, struct bd_arena *arena)
{
	const struct bd_bytes all = work->journal.entry.rejects;
	struct bd_reader reader = bd_reader_of(all);
	size_t cap = 0;

	work->reject_count = 0;
	free(work->rejects);
	work->rejects = NULL;
	while (reader.rest.len > 0) {
		size_t at = all.len - reader.rest.len;
		struct bd_reject reject;

		bd_arena_clear(arena);
		BD_TRY(bd_reject_unpack(&reject, bd_read_sized(&reader), arena));
		for (int row = reject.row_count > 0 ? 0 : -1; row < (int)reject.row_count; row++) {
			const struct bd_identifier *subject = bd_apply_reject_subject(
				&work->journal, &reject, row >= 0 ? &reject.rows[row] : NULL);

			if (subject != NULL) {
				BD_TRY(add_reject(work, &cap, seal, subject, at, row));
			}
		}
	}
	if (work->reject_count > 1) {
		qsort(work->rejects, work->reject_count, sizeof(*work->rejects), compare_rejects);
	}
	return BD_OK;
}

/* -- a part -- */

static enum bd_code prepare(struct bd_store *store, struct bd_long *work, struct bd_diag *diag)
{
	const struct bd_entry *entry = &work->journal.entry;
	uint8_t subject[BD_NODE_KEY_BYTES];
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	code = bd_long_load(store, work, diag);
	code = code == BD_OK ? list_rejects(work, store->seal, &arena) : code;
	bd_arena_release(&arena);
	for (work->reject_at = 0;
		code == BD_OK && work->cursor.len > 0 && work->reject_at < work->reject_count &&
		memcmp(work->rejects[work->reject_at].key, work->cursor.ptr, BD_NODE_KEY_BYTES) <=
			0;) {
		work->reject_at++;
	}
	if (code == BD_OK && entry->subject_count > 0) {
		code = bd_seal_blind(store->seal, &entry->subject[0], subject);
	}
	code = code == BD_OK ? bd_spool_merge_new(&work->merge, &work->file, 1,
				       entry->subject_count > 0 ? subject : NULL,
				       bd_buf_bytes(&work->cursor), diag)
			     : code;
	if (code == BD_OK && work->makers == NULL) {
		code = bd_makers_new(&work->makers, store, &work->journal);
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a long message");
}

/* The count of dirty bytes leaves out LMDB's inner pages. */
uint64_t bd_long_part_bytes(const struct bd_store *store)
{
	uint64_t part = store->hook != NULL ? store->hook->part_bytes : 0;

	return part != 0 ? part : BD_TXN_MAX_BYTES / 4 * 3;
}

static enum bd_code apply_part(
	struct bd_txn *txn, struct bd_long *work, uint64_t *unchanged, bool *is_over)
{
	const struct bd_entry *entry = &work->journal.entry;
	uint8_t done[BD_NODE_KEY_BYTES] = { 0 };
	struct bd_apply apply;
	bool has_more = false;
	enum bd_code code = bd_apply_open(&apply, txn, &work->journal);

	apply.has_pairs = work->has_pairs;
	code = code == BD_OK ? bd_long_apply_nodes(&apply, work, done, &has_more) : code;
	code = code == BD_OK ? bd_long_note(txn, work, &apply) : code;
	if (code == BD_OK && has_more) {
		bd_buf_clear(&work->cursor);
		code = bd_spool_merge_cursor(&work->cursor, work->merge, done);
		code = code == BD_OK ? bd_long_put(txn, work) : code;
	} else if (code == BD_OK) {
		*unchanged = entry->accepted > work->changed ? entry->accepted - work->changed : 0;
		code = bd_keep(txn, &work->journal, *unchanged, work->told);
		code = code == BD_OK ? bd_long_delete(txn, entry->message) : code;
	}
	*is_over = !has_more;
	bd_apply_close(&apply);
	return code;
}

static enum bd_code put_pairs(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_long *work = store->active;
	bool has_more = false;

	BD_TRY(bd_pairs_put_some(work->pairs, &has_more, diag));
	if (!has_more) {
		bd_pairs_free(work->pairs);
		work->pairs = NULL;
		work->has_pairs = true;
	}
	return BD_OK;
}

/* Another try reads the state anew: nothing of a part that failed counts. */
static enum bd_code do_part(struct bd_store *store, bool *is_over, struct bd_diag *diag)
{
	struct bd_long *work = store->active;
	uint64_t unchanged = 0;
	struct bd_txn txn;
	enum bd_code code = work->merge != NULL ? BD_OK : prepare(store, work, diag);

	*is_over = false;
	if (code != BD_OK) {
		return code;
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? apply_part(&txn, work, &unchanged, is_over) : code;
	bd_store_reach(store, *is_over ? "long.finishing" : "long.applied");
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	if (code != BD_OK) {
		*is_over = false;
		bd_spool_merge_free(work->merge);
		work->merge = NULL;
		return code;
	}
	if (*is_over && work->entry != NULL) {
		work->entry->unchanged = unchanged;
	}
	bd_store_reach(store, *is_over ? "long.finished" : "long.committed");
	return BD_OK;
}

/* -- for the writer -- */

enum bd_code bd_store_take(struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag)
{
	struct bd_waiting *waiting = calloc(1, sizeof(*waiting)), **link = &store->waiting;
	enum bd_code code = waiting != NULL ? BD_OK : BD_NO_MEMORY;

	entry->code = BD_OK;
	entry->is_repeat = false;
	bd_diag_clear(&entry->diag);
	code = code == BD_OK ? bd_spool_finish(entry->spool, diag) : code;
	if (code != BD_OK) {
		free(waiting);
		return bd_fail(diag, code, "%s", "");
	}
	waiting->entry = entry;
	while (*link != NULL) {
		link = &(*link)->next;
	}
	*link = waiting;
	return BD_OK;
}

void bd_long_leave(struct bd_store *store, const struct bd_entry *entry)
{
	struct bd_waiting **link = &store->waiting;

	while (*link != NULL) {
		struct bd_waiting *waiting = *link;

		if (waiting->entry == entry) {
			*link = waiting->next;
			free(waiting);
		} else {
			link = &waiting->next;
		}
	}
	if (store->active != NULL && store->active->entry == entry) {
		store->active->entry = NULL;
	}
}

bool bd_store_has_work(const struct bd_store *store)
{
	return store->active != NULL || store->waiting != NULL;
}

double bd_store_work_share(const struct bd_store *store)
{
	const struct bd_long *work = store->active;
	uint32_t reached = 0;

	for (size_t i = 0; work != NULL && work->cursor.len > 0 && i < sizeof(reached); i++) {
		reached = reached << 8 | (uint8_t)work->cursor.ptr[i];
	}
	return (double)reached / (double)UINT32_MAX;
}

/* Whoever waits is told; the journal keeps the message. */
static void tell(struct bd_store *store, struct bd_entry **done, enum bd_code code,
	const struct bd_diag *diag)
{
	*done = store->active != NULL ? store->active->entry : NULL;
	if (*done != NULL && code != BD_OK) {
		(*done)->code = code;
		(*done)->diag = *diag;
	}
	if (store->active != NULL) {
		store->active->entry = NULL;
	}
}

/* What may go away by itself. */
static bool is_passing(enum bd_code code)
{
	return code == BD_DISK_FULL || code == BD_NO_MEMORY || code == BD_IO ||
	       code == BD_STORE_FAILED || code == BD_STORE_SYNC;
}

/* It cannot be finished: its file stays for the operator, and its key is free again. */
static enum bd_code give_up(struct bd_store *store, uint64_t message, struct bd_diag *diag)
{
	struct bd_long_known known;
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = bd_long_find(&known, &txn, message);
		code = code == BD_OK ? bd_long_put_failed(&txn, &known) : code;
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	close_active(store);
	return code;
}

static enum bd_code start_next(struct bd_store *store, struct bd_entry **done, struct bd_diag *diag)
{
	struct bd_waiting *waiting = store->waiting;
	struct bd_entry *entry = waiting->entry;
	bool goes_on;
	enum bd_code code = begin_long(store, entry, &goes_on);

	store->waiting = waiting->next;
	free(waiting);
	if (code != BD_OK) {
		entry->code = code;
		if (diag != NULL) {
			*diag = entry->diag;
		}
	}
	*done = code != BD_OK || !goes_on ? entry : NULL;
	return code;
}

enum bd_code bd_store_work(struct bd_store *store, struct bd_entry **done, struct bd_diag *diag)
{
	struct bd_diag local = { .code = BD_OK };
	struct bd_long *work = store->active;
	bool is_over = false;
	enum bd_code code;

	*done = NULL;
	diag = diag != NULL ? diag : &local;
	if (work == NULL) {
		return store->waiting != NULL ? start_next(store, done, diag) : BD_OK;
	}
	code = bd_store_check_space(store, diag);
	if (code == BD_OK && work->is_resumed && !work->check.is_done) {
		code = bd_spool_check_more(&work->check, &work->file, diag);
	} else if (code == BD_OK && work->pairs != NULL) {
		code = put_pairs(store, diag);
	} else if (code == BD_OK) {
		code = do_part(store, &is_over, diag);
	}
	if (code != BD_OK || is_over) {
		tell(store, done, code, diag);
	}
	if (is_over) {
		uint64_t id = work->file.id;

		close_active(store);
		bd_spool_remove(store, id);
	} else if (code != BD_OK && !is_passing(code)) {
		/* Where even that cannot be written, the next start finds it again. */
		give_up(store, work->journal.entry.message, NULL);
	}
	return code;
}

/* -- after a restart -- */

/* A file that is complete and not yet known is the next message; any other is of none. */
static enum bd_code adopt(struct bd_store *store, uint64_t id, struct bd_diag *diag)
{
	struct bd_diag ignored = { .code = BD_OK };
	struct bd_long *work = NULL;
	struct bd_txn txn;
	enum bd_code code;

	if (bd_long_open(&work, store, id, &ignored) != BD_OK || store->active != NULL ||
		work->journal.entry.message != store->next_message) {
		free_long(work);
		/* Of other rules it is still somebody's message. */
		if (ignored.code == BD_JOURNAL_VERSION) {
			return bd_fail(diag, BD_JOURNAL_VERSION, "a spool file");
		}
		bd_spool_remove(store, id);
		return BD_OK;
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		store->next_message++;
		code = bd_long_put_new(&txn, &work->journal, id);
		code = code == BD_OK ? bd_keep_key(&txn, &work->journal, BD_KEY_RUNNING) : code;
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	if (code != BD_OK) {
		free_long(work);
		return code;
	}
	work->is_resumed = true;
	store->active = work;
	return BD_OK;
}

static enum bd_code resume(
	struct bd_store *store, const struct bd_long_known *known, struct bd_diag *diag)
{
	enum bd_code code = bd_long_open(&store->active, store, known->id, NULL);

	if (code == BD_OK && store->active->journal.entry.message != known->message) {
		code = BD_STORE_DAMAGED;
	}
	if (code == BD_STORE_DAMAGED) {
		/* One message less, and that is written down; the others go on. */
		return give_up(store, known->message, diag);
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "a spool file");
	}
	store->active->is_resumed = true;
	return BD_OK;
}

enum bd_code bd_long_recover(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_long_known *known = NULL;
	uint64_t *ids = NULL;
	size_t known_count = 0, id_count = 0;
	MDB_txn *txn;
	enum bd_code code;
	int result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (result != 0) {
		return bd_store_fail(diag, result, "transaction");
	}
	code = bd_long_list(&known, &known_count, store, txn, diag);
	mdb_txn_abort(txn);
	code = code == BD_OK ? bd_long_files(&ids, &id_count, store, diag) : code;
	for (size_t i = 0; i < known_count && code == BD_OK; i++) {
		code = known[i].is_failed || store->active != NULL ? BD_OK
								   : resume(store, &known[i], diag);
	}
	for (size_t i = 0; i < id_count && code == BD_OK; i++) {
		bool is_known = false;

		for (size_t k = 0; k < known_count; k++) {
			is_known |= known[k].id == ids[i];
		}
		code = is_known ? BD_OK : adopt(store, ids[i], diag);
		store->spool_number = ids[i] > store->spool_number ? ids[i] : store->spool_number;
	}
	free(known);
	free(ids);
	return code;
}
