/* commit.c - messages into the store: one transaction for a group, several for a spooled one. */
#include "base/limits.h"
#include "record/pack.h"
#include "store/accept.h"
#include "store/apply.h"
#include "store/spool.h"
#include "store/try.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Packed bytes of the messages of one transaction. */
#define GROUP_BYTES 8388608
/* Below this the store is read only. */
#define FREE_MIN_BYTES ((uint64_t)64 << 20)

/* -- a message in one piece -- */

/* How many records came, and the newest of their orders. */
static enum bd_code look_through(
	uint64_t *count, struct bd_stamp *newest, struct bd_txn *txn, const struct bd_entry *entry)
{
	struct bd_reader reader = bd_reader_of(entry->records);

	*count = 0;
	*newest = (struct bd_stamp){ false, { 0, 0 } };
	while (reader.rest.len > 0) {
		struct bd_bytes packed = bd_read_sized(&reader);
		struct bd_record record;

		if (!reader.ok) {
			return bd_fail(txn->diag, BD_WORKER_DIED, "records of a wrong length");
		}
		(*count)++;
		if (!entry->is_snapshot) {
			continue;
		}
		bd_arena_clear(&txn->node_arena);
		BD_TRY(bd_record_unpack(&record, packed, &txn->node_arena));
		if (!newest->is_set || bd_order_compare(record.order, newest->order) > 0) {
			*newest = (struct bd_stamp){ true, record.order };
		}
	}
	return BD_OK;
}

static enum bd_code apply_all(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t *unchanged)
{
	const struct bd_entry *entry = &journal->entry;
	struct bd_reader reader = bd_reader_of(entry->records);
	struct bd_apply apply;
	enum bd_code code = bd_apply_open(&apply, txn, journal);

	while (code == BD_OK && reader.rest.len > 0) {
		code = bd_apply_add_record(&apply, bd_read_sized(&reader));
	}
	code = code == BD_OK ? bd_apply_add_rejects(&apply) : code;
	code = code == BD_OK ? bd_apply_items(&apply) : code;
	if (code == BD_OK) {
		uint64_t changed = bd_changes_count(&apply.changes);

		*unchanged = entry->accepted > changed ? entry->accepted - changed : 0;
		code = bd_keep(txn, journal, *unchanged, apply.told);
	}
	bd_apply_close(&apply);
	return code;
}

/* Packed and read back: what is not in the entry cannot have an effect. */
static enum bd_code apply_entry(struct bd_txn *txn, struct bd_entry *entry, struct bd_buf *packed)
{
	struct bd_journal_entry journal;
	struct bd_stamp newest;
	uint64_t count = 0;
	bool goes_on = false;

	BD_TRY(look_through(&count, &newest, txn, entry));
	BD_TRY(bd_accept(&journal, &goes_on, entry, count, &newest, txn));
	if (!goes_on) {
		return BD_OK;
	}
	bd_buf_clear(packed);
	BD_TRY(bd_journal_pack(packed, &journal));
	BD_TRY(bd_journal_unpack(&journal, bd_buf_bytes(packed), &txn->arena));
	return apply_all(txn, &journal, &entry->unchanged);
}

static size_t packed_max(void)
{
	return (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + GROUP_BYTES * 4;
}

/* *done: how many of them are over; the rest is for another transaction. */
static enum bd_code commit_group(struct bd_store *store, struct bd_entry *const *entries,
	size_t count, size_t *done, struct bd_diag *diag)
{
	struct bd_txn txn;
	struct bd_buf packed;
	enum bd_code code;

	*done = 0;
	bd_txn_open(&txn, store, diag);
	bd_buf_init(&packed, packed_max());
	code = bd_txn_begin(&txn);
	while (code == BD_OK && *done < count &&
		(*done == 0 || bd_txn_dirty_bytes(&txn) < BD_TXN_MAX_BYTES / 2)) {
		code = apply_entry(&txn, entries[(*done)++], &packed);
		bd_arena_clear(&txn.arena);
	}
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_buf_release(&packed);
	bd_txn_close(&txn);
	return code;
}

enum bd_code bd_journal_apply(struct bd_store *store, struct bd_bytes packed, struct bd_diag *diag)
{
	struct bd_journal_entry journal;
	struct bd_txn txn;
	uint64_t unchanged;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_journal_unpack(&journal, packed, &txn.arena);
	if (code == BD_OK && (journal.rules != BD_JOURNAL_RULES || journal.is_spooled)) {
		code = BD_JOURNAL_VERSION;
	} else if (code == BD_OK && journal.entry.message != store->next_message) {
		code = BD_JOURNAL_ORDER;
	}
	code = code == BD_OK ? bd_txn_begin(&txn) : bd_fail(diag, code, "a journal entry");
	if (txn.mdb != NULL) {
		store->next_message++;
		code = bd_txn_end(&txn, apply_all(&txn, &journal, &unchanged));
	}
	bd_txn_close(&txn);
	return code;
}

/* -- a spooled message -- */

static int compare_spooled(const void *a, const void *b)
{
	const struct bd_spool_item *x = a, *y = b;
	int order = memcmp(x->key, y->key, BD_NODE_KEY_BYTES);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static enum bd_code index_spool(struct bd_txn *txn, struct bd_entry *entry,
	struct bd_spool_item *index, struct bd_stamp *newest)
{
	const struct bd_journal_entry journal = { .entry = *entry };
	bool has = true;

	bd_spool_rewind(entry->spool);
	for (uint32_t i = 0; has; i++) {
		struct bd_record record;
		struct bd_bytes packed;

		BD_TRY(bd_spool_read(&packed, &index[i], &has, entry->spool, txn->diag));
		if (!has) {
			break;
		}
		index[i].number = i;
		bd_arena_clear(&txn->node_arena);
		BD_TRY(bd_record_unpack(&record, packed, &txn->node_arena));
		bd_apply_complete(&record, &journal);
		if (record.subject_count == 0) {
			return bd_fail(txn->diag, BD_SUBJECT_MISSING, "%s", "");
		}
		if (!newest->is_set || bd_order_compare(record.order, newest->order) > 0) {
			*newest = (struct bd_stamp){ true, record.order };
		}
		BD_TRY(bd_seal_blind(txn->store->seal, &record.subject[0], index[i].key));
	}
	return BD_OK;
}

/* Records of whole nodes from `at` on, up to GROUP_BYTES. */
static enum bd_code apply_part(struct bd_apply *apply, struct bd_entry *entry,
	const struct bd_spool_item *index, size_t count, size_t *at)
{
	size_t bytes = 0, begin = *at;

	while (*at < count) {
		struct bd_bytes packed, kept;
		bool is_new_node = *at == begin || memcmp(index[*at].key, index[*at - 1].key,
							   BD_NODE_KEY_BYTES) != 0;

		if (is_new_node && bytes > GROUP_BYTES) {
			break;
		}
		BD_TRY(bd_spool_read_item(&packed, entry->spool, &index[*at], apply->txn->diag));
		kept = bd_arena_copy(&apply->txn->arena, packed);
		if (kept.ptr == NULL) {
			return bd_arena_code(&apply->txn->arena);
		}
		BD_TRY(bd_apply_add_record(apply, kept));
		bytes += index[*at].len;
		(*at)++;
	}
	return bd_apply_items(apply);
}

static enum bd_code apply_spool(struct bd_txn *txn, const struct bd_journal_entry *journal,
	struct bd_entry *entry, const struct bd_spool_item *index)
{
	size_t count = bd_spool_count(entry->spool), at = 0;
	struct bd_apply apply;
	enum bd_code code = bd_apply_open(&apply, txn, journal);

	while (code == BD_OK && at < count) {
		code = bd_txn_begin(txn);
		code = code == BD_OK ? bd_txn_end(txn, apply_part(&apply, entry, index, count, &at))
				     : code;
		bd_arena_clear(&txn->arena);
	}
	if (code == BD_OK && (code = bd_txn_begin(txn)) == BD_OK) {
		uint64_t changed = bd_changes_count(&apply.changes);

		entry->unchanged = entry->accepted > changed ? entry->accepted - changed : 0;
		code = bd_apply_add_rejects(&apply);
		code = code == BD_OK ? bd_apply_items(&apply) : code;
		code = code == BD_OK ? bd_keep(txn, journal, entry->unchanged, apply.told) : code;
		code = bd_txn_end(txn, code);
	}
	bd_apply_close(&apply);
	return code;
}

static enum bd_code commit_spooled(
	struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag)
{
	size_t count = bd_spool_count(entry->spool);
	struct bd_spool_item *index = calloc(count + 1, sizeof(*index));
	struct bd_stamp newest = { false, { 0, 0 } };
	struct bd_journal_entry journal;
	struct bd_txn txn;
	bool goes_on = false;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = index != NULL ? bd_spool_sync(entry->spool, diag)
			     : bd_fail(diag, BD_NO_MEMORY, "spool");
	code = code == BD_OK ? index_spool(&txn, entry, index, &newest) : code;
	code = code == BD_OK ? bd_txn_begin(&txn) : code;
	if (txn.mdb != NULL) {
		/* The number is taken for good: records of another message must not have it. */
		code = bd_accept(&journal, &goes_on, entry, count, &newest, &txn);
		code = bd_txn_end(&txn, code);
	}
	if (code == BD_OK && goes_on) {
		if (count > 1) {
			qsort(index, count, sizeof(*index), compare_spooled);
		}
		code = apply_spool(&txn, &journal, entry, index);
	}
	bd_txn_close(&txn);
	free(index);
	return code;
}

/* -- all -- */

static void set_outcome(struct bd_entry *entry, enum bd_code code)
{
	if (code != BD_OK) {
		entry->code = code;
	}
}

/* A group that fails is tried one by one: a message must not fail for its neighbour. What the disk
 * did not take is not tried again. */
static void commit_each(struct bd_store *store, struct bd_entry *const *entries, size_t count)
{
	size_t done;

	for (size_t i = 0; i < count; i++) {
		bd_diag_clear(&entries[i]->diag);
		set_outcome(entries[i],
			entries[i]->spool != NULL
				? commit_spooled(store, entries[i], &entries[i]->diag)
				: commit_group(store, &entries[i], 1, &done, &entries[i]->diag));
	}
}

static enum bd_code check_space(const struct bd_store *store, struct bd_diag *diag)
{
	struct statvfs status;

	if (statvfs(store->folder, &status) == 0 &&
		(uint64_t)status.f_bavail * status.f_frsize < FREE_MIN_BYTES) {
		return bd_fail(diag, BD_DISK_FULL, "%s", "");
	}
	return BD_OK;
}

enum bd_code bd_store_commit(
	struct bd_store *store, struct bd_entry *const *entries, size_t count, struct bd_diag *diag)
{
	size_t at = 0, done;
	enum bd_code code = check_space(store, diag);

	if (code != BD_OK) {
		return code;
	}
	while (at < count) {
		size_t end = at, bytes = 0;
		struct bd_diag group = { .code = BD_OK };

		while (end < count && entries[end]->spool == NULL && bytes <= GROUP_BYTES) {
			bytes += entries[end]->records.len + entries[end]->rejects.len;
			end++;
		}
		if (end == at) {
			done = 1;
			commit_each(store, entries + at, 1);
		} else if (commit_group(store, entries + at, end - at, &done, &group) != BD_OK) {
			commit_each(store, entries + at, done);
		}
		at += done;
	}
	return store->is_broken ? bd_fail(diag, BD_STORE_SYNC, "%s", "") : BD_OK;
}
