/* commit.c - messages into the store: one transaction for a group, several for a spooled one. */
#include "base/limits.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/accept.h"
#include "store/apply.h"
#include "store/dispute.h"
#include "store/long.h"

#include <stdlib.h>
#include <string.h>

/* Packed bytes of the messages of one transaction. */
#define GROUP_BYTES 8388608

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

/* Each identifier names a node. */
static enum bd_code add_recalls(struct bd_apply *apply, struct bd_node_recall *recall)
{
	const struct bd_entry *entry = &apply->journal->entry;
	struct bd_item *item = NULL;

	*recall = (struct bd_node_recall){ .sections = entry->sections,
		.section_count = entry->section_count,
		.entity = entry->recall.entity,
		.with = entry->recall.with,
		.with_count = entry->recall.with_count,
		.message = entry->recall.message,
		.message_received_ms = entry->recall.message_received_ms,
		.is_reply = entry->is_reply };
	for (size_t i = 0; i < entry->subject_count; i++) {
		BD_TRY(bd_apply_new_item(apply, &item, &entry->subject[i]));
		item->recall = recall;
	}
	return BD_OK;
}

/* What is no message; the head that is kept says what it came to. */
static enum bd_code apply_change(struct bd_txn *txn, struct bd_journal_entry *journal)
{
	struct bd_recall *recall = &journal->entry.recall;
	struct bd_node_recall of_nodes;
	struct bd_apply apply;
	enum bd_code code = bd_apply_open(&apply, txn, journal);

	if (code == BD_OK) {
		code = journal->kind == BD_JOURNAL_RECALL ? add_recalls(&apply, &of_nodes)
							  : bd_dispute_add_item(&apply);
	}
	code = code == BD_OK ? bd_apply_items(&apply) : code;
	recall->recalled = recall->before + apply.recalled;
	code = code == BD_OK ? bd_keep(txn, journal, 0, NULL) : code;
	bd_apply_close(&apply);
	return code;
}

static enum bd_code apply_message(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t *unchanged)
{
	const struct bd_entry *entry = &journal->entry;
	struct bd_reader reader = bd_reader_of(entry->records);
	struct bd_apply apply;
	enum bd_code code = bd_apply_open(&apply, txn, journal);

	while (code == BD_OK && reader.rest.len > 0) {
		code = bd_apply_add_record(&apply, bd_read_sized(&reader), NULL);
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

static enum bd_code apply_all(
	struct bd_txn *txn, struct bd_journal_entry *journal, uint64_t *unchanged)
{
	*unchanged = 0;
	return journal->kind == BD_JOURNAL_MESSAGE ? apply_message(txn, journal, unchanged)
						   : apply_change(txn, journal);
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
	BD_TRY(apply_all(txn, &journal, &entry->unchanged));
	entry->recall.recalled = journal.entry.recall.recalled;
	return BD_OK;
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

	bd_txn_open(&txn, store, diag);
	bd_buf_init(&packed, packed_max());
	code = bd_txn_begin(&txn);
	*done = code == BD_OK ? 0 : count;
	while (code == BD_OK && *done < count &&
		(*done == 0 || bd_txn_dirty_bytes(&txn) < BD_TXN_MAX_BYTES / 2)) {
		code = apply_entry(&txn, entries[(*done)++], &packed);
		bd_arena_clear(&txn.arena);
	}
	bd_store_reach(store, "commit.applied");
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_store_reach(store, "commit.committed");
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

/* -- a spooled message, to its end -- */

static enum bd_code commit_spooled(
	struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag)
{
	enum bd_code code = bd_store_take(store, entry, diag);
	struct bd_entry *done = NULL;

	while (code == BD_OK && done != entry && bd_store_has_work(store)) {
		struct bd_diag ignored = { .code = BD_OK };

		/* Those that come before it have their own outcome. */
		if (bd_store_work(store, &done, &ignored) != BD_OK && done != entry) {
			bd_long_leave(store, entry);
			return bd_fail(diag, ignored.code, "a message before it");
		}
	}
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

enum bd_code bd_store_commit(
	struct bd_store *store, struct bd_entry *const *entries, size_t count, struct bd_diag *diag)
{
	size_t at = 0, done;
	enum bd_code code = bd_store_check_space(store, diag);

	if (code != BD_OK) {
		return code;
	}
	while (at < count && !store->is_broken) {
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
