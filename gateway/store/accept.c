#include "store/accept.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/history.h"
#include "store/kept.h"
#include "store/watch.h"

#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)

/* -- repeats -- */

enum bd_code bd_key_name(struct bd_bytes *name, uint8_t room[BD_DIGEST_BYTES], struct bd_seal *seal,
	const struct bd_entry *entry)
{
	struct bd_buf text;
	enum bd_code code;

	*name = (struct bd_bytes){ "", 0 };
	if (entry->idempotency_key.len == 0) {
		return BD_OK;
	}
	bd_buf_init(&text, 4096);
	code = bd_buf_add_text(&text, "idempotency ");
	code = code == BD_OK ? bd_buf_add_sized(&text, bd_bytes_of(entry->source)) : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, bd_bytes_of(entry->sender)) : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, entry->idempotency_key) : code;
	code = code == BD_OK ? bd_seal_digest(seal, bd_buf_bytes(&text), room) : code;
	bd_buf_release(&text);
	if (code == BD_OK) {
		*name = (struct bd_bytes){ (const char *)room, BD_DIGEST_BYTES };
	}
	return code;
}

struct kept_key {
	struct bd_bytes body;
	uint64_t message;
	int64_t until_ms;
	uint8_t state;
};

static enum bd_code find_key(
	struct kept_key *kept, bool *found, struct bd_txn *txn, struct bd_bytes name)
{
	struct bd_reader reader;
	struct bd_bytes value;

	*found = false;
	if (name.len == 0) {
		return BD_OK;
	}
	BD_TRY(bd_txn_get(&value, found, txn, txn->store->keys, name));
	if (!*found) {
		return BD_OK;
	}
	reader = bd_reader_of(value);
	kept->body = bd_read_bytes(&reader, BD_DIGEST_BYTES);
	kept->message = bd_read_u64(&reader);
	kept->until_ms = (int64_t)bd_read_u64(&reader);
	kept->state = bd_read_u8(&reader);
	return reader.ok && reader.rest.len == 0
		       ? BD_OK
		       : bd_fail(txn->diag, BD_STORE_DAMAGED, "an idempotency key");
}

/* A key seen before: the first message, or a refusal when the body is another. */
static enum bd_code check_repeat(struct bd_txn *txn, struct bd_entry *entry, bool *is_new)
{
	uint8_t room[BD_DIGEST_BYTES];
	struct bd_bytes name;
	struct kept_key kept;
	bool found = false;

	*is_new = true;
	BD_TRY(bd_key_name(&name, room, txn->store->seal, entry));
	BD_TRY(find_key(&kept, &found, txn, name));
	if (!found || kept.until_ms < entry->received_ms) {
		return BD_OK;
	}
	*is_new = false;
	if (!bd_equal_secret((const uint8_t *)kept.body.ptr, entry->body_sha256, BD_DIGEST_BYTES)) {
		entry->code = bd_fail(&entry->diag, BD_IDEMPOTENCY_BODY, "%s", "");
		return BD_OK;
	}
	entry->message = kept.message;
	if (kept.state == BD_KEY_RUNNING) {
		entry->code = bd_fail(&entry->diag, BD_IDEMPOTENCY_RUNNING, "%s", "");
		return BD_OK;
	}
	entry->is_repeat = true;
	return BD_OK;
}

enum bd_code bd_store_find_repeat(
	struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag)
{
	bool is_new = false;
	struct bd_txn txn;
	enum bd_code code;

	entry->code = BD_OK;
	entry->is_repeat = false;
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? check_repeat(&txn, entry, &is_new) : code;
	bd_txn_close(&txn);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

bool bd_store_is_unused(const struct bd_store *store)
{
	return store->next_message == 1;
}

uint32_t bd_key_days(const struct bd_store *store, const struct bd_entry *entry)
{
	return entry->is_once ? BD_KEEP_FOR_GOOD : store->journal_days;
}

enum bd_code bd_key_value(struct bd_buf *out, const struct bd_entry *entry, uint32_t keep_days,
	enum bd_key_state state)
{
	BD_TRY(bd_buf_add(
		out, (struct bd_bytes){ (const char *)entry->body_sha256, BD_DIGEST_BYTES }));
	BD_TRY(bd_buf_add_u64(out, entry->message));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)(entry->received_ms + (int64_t)keep_days * DAY_MS)));
	return bd_buf_add_u8(out, (uint8_t)state);
}

enum bd_code bd_keep_key(
	struct bd_txn *txn, const struct bd_journal_entry *journal, enum bd_key_state state)
{
	char room[BD_KEY_VALUE_BYTES];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_bytes name;

	if (txn->store->keys_are_apart && state == BD_KEY_DONE) {
		return BD_OK;
	}
	BD_TRY(bd_key_name(&name, digest, txn->store->seal, &journal->entry));
	if (name.len == 0) {
		return BD_OK;
	}
	BD_TRY(bd_key_value(&value, &journal->entry, journal->keep_days, state));
	return bd_txn_put(txn, txn->store->keys, name, bd_buf_bytes(&value));
}

enum bd_code bd_forget_key(struct bd_txn *txn, struct bd_bytes name, uint64_t message)
{
	struct kept_key kept;
	bool found = false;

	BD_TRY(find_key(&kept, &found, txn, name));
	return found && kept.message == message ? bd_txn_delete(txn, txn->store->keys, name)
						: BD_OK;
}

/* -- what the message says of itself -- */

static enum bd_code load_coverage(struct bd_txn *txn, struct bd_feed_coverage *coverage,
	struct bd_buf *name, const struct bd_entry *entry)
{
	struct bd_bytes value;
	bool found = false;

	memset(coverage, 0, sizeof(*coverage));
	BD_TRY(bd_coverage_name(
		name, "feed", bd_bytes_of(entry->source), bd_bytes_of(entry->feed)));
	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->coverage, bd_buf_bytes(name)));
	return found ? bd_feed_coverage_unpack(coverage, value) : BD_OK;
}

/* The control total must agree, and nothing may have been lost on its way here. */
static void check_counts(struct bd_entry *entry, uint64_t record_count)
{
	if (entry->delivery.has_total && entry->delivery.total != entry->received) {
		entry->code = bd_fail(&entry->diag, BD_DELIVERY_TOTAL,
			"received %llu, control total %llu", (unsigned long long)entry->received,
			(unsigned long long)entry->delivery.total);
	} else if (record_count != entry->record_count) {
		entry->code = bd_fail(&entry->diag, BD_WORKER_DIED, "%llu of %llu records came",
			(unsigned long long)record_count, (unsigned long long)entry->record_count);
	}
}

/* A snapshot must not remove too much of the rows that its sections have, whichever feed brought
 * them, nor leave out what was refused. */
static enum bd_code check_share(struct bd_txn *txn, struct bd_entry *entry)
{
	uint64_t before = 0, gone;

	for (size_t i = 0; i < entry->section_count; i++) {
		uint64_t rows = 0;

		BD_TRY(bd_tally_get(
			&rows, txn, bd_bytes_of(entry->source), bd_bytes_of(entry->sections[i])));
		before += rows;
	}
	gone = before > entry->record_count ? before - entry->record_count : 0;
	if (entry->rejected > 0 || gone * 100 > before * entry->remove_share_max_percent) {
		entry->code = bd_fail(&entry->diag, BD_SNAPSHOT_SHARE,
			"%llu rows before, %llu now, %llu refused", (unsigned long long)before,
			(unsigned long long)entry->record_count,
			(unsigned long long)entry->rejected);
	}
	return BD_OK;
}

/* rule: merge.snapshot. Below which order it tells all: its own, the end of the day that it is of,
 * or the newest that it holds. What is newer than that it cannot have known, whenever it arrives.
 */
static struct bd_stamp snapshot_stamp(const struct bd_entry *entry, const struct bd_stamp *newest)
{
	struct bd_order order = entry->order;

	switch (entry->order_kind) {
	case BD_ORDER_RECEIPT:
		order.order = (int64_t)entry->message;
		return (struct bd_stamp){ true, order };
	case BD_ORDER_TIME:
		if (entry->order.order == 0 && entry->delivery.day != INT32_MIN) {
			order.order = bd_day_begin_ms(entry->delivery.day + 1);
			return (struct bd_stamp){ true, order };
		}
		break;
	case BD_ORDER_SEQUENCE:
		break;
	}
	return entry->order.order != 0 ? (struct bd_stamp){ true, order } : *newest;
}

static const char *cycle_of(const struct bd_store *store, const struct bd_entry *entry)
{
	for (size_t i = 0; i < store->covers->count && entry->feed != NULL; i++) {
		const struct bd_cover *cover = &store->covers->items[i];

		if (strcmp(cover->source, entry->source) == 0 &&
			strcmp(cover->feed, entry->feed) == 0 && cover->cycle != NULL) {
			return cover->cycle;
		}
	}
	return NULL;
}

enum bd_code bd_accept(struct bd_journal_entry *journal, bool *goes_on, struct bd_entry *entry,
	uint64_t record_count, const struct bd_stamp *newest, struct bd_txn *txn)
{
	entry->code = BD_OK;
	entry->is_repeat = false;
	bd_diag_clear(&entry->diag);
	BD_TRY(check_repeat(txn, entry, goes_on));
	if (*goes_on && entry->kind == BD_ENTRY_MESSAGE) {
		check_counts(entry, record_count);
	}
	if (*goes_on && entry->code == BD_OK && entry->is_atomic && entry->rejected > 0) {
		entry->code = bd_fail(&entry->diag, BD_MESSAGE_ATOMIC, "%s", "");
	}
	if (*goes_on && entry->code == BD_OK && entry->is_snapshot &&
		entry->kind == BD_ENTRY_MESSAGE) {
		BD_TRY(check_share(txn, entry));
	}
	*goes_on = *goes_on && entry->code == BD_OK;
	if (!*goes_on) {
		return BD_OK;
	}
	entry->message = txn->store->next_message++;
	*journal = (struct bd_journal_entry){ .kind = (enum bd_journal_kind)(
						      BD_JOURNAL_MESSAGE + entry->kind),
		.rules = BD_JOURNAL_RULES,
		.entry = *entry,
		.cycle = cycle_of(txn->store, entry),
		.keep_days = bd_key_days(txn->store, entry),
		.is_spooled = entry->spool != NULL };
	if (entry->is_snapshot && entry->kind == BD_ENTRY_MESSAGE) {
		journal->entry.delivery.is_baseline = true;
		journal->snapshot = snapshot_stamp(entry, newest);
	}
	return BD_OK;
}

/* -- when it has been applied -- */

/* A refused record whose subject cannot be told: it might be anybody's. */
static bool has_unknown_reject(struct bd_txn *txn, const struct bd_entry *entry)
{
	struct bd_reader reader = bd_reader_of(entry->rejects);
	bool is_unknown = false;

	while (reader.rest.len > 0 && !is_unknown) {
		struct bd_reject reject;
		enum bd_code code;

		bd_arena_clear(&txn->node_arena);
		code = bd_reject_unpack(&reject, bd_read_sized(&reader), &txn->node_arena);
		is_unknown = code != BD_OK || bd_reject_is_of_anybody(&reject) ||
			     (reject.is_message_subject && entry->subject_count == 0);
	}
	return is_unknown;
}

static enum bd_code keep_mark(struct bd_txn *txn, struct bd_bytes name)
{
	struct bd_bytes was = { "", 0 };
	bool found = false;

	BD_TRY(bd_txn_get(&was, &found, txn, txn->store->coverage, name));
	return bd_history_keep_coverage(txn, name, was);
}

/* Marks only ever rise: an older snapshot that comes late proves nothing that is not known. */
static enum bd_code mark_snapshot(
	struct bd_txn *txn, const struct bd_journal_entry *journal, const uint64_t *told)
{
	const struct bd_entry *entry = &journal->entry;

	for (size_t i = 0; i < entry->section_count; i++) {
		struct bd_bytes source = bd_bytes_of(entry->source);
		struct bd_bytes section = bd_bytes_of(entry->sections[i]);
		char room[400], mark[32];
		struct bd_buf name = { room, 0, sizeof(room), sizeof(room) },
			      value = { mark, 0, sizeof(mark), sizeof(mark) };
		bool is_higher = true;

		for (size_t m = 0; m < txn->marks.count; m++) {
			const struct bd_node_mark *item = &txn->marks.items[m];

			is_higher = is_higher && (!bd_bytes_equal(item->source, source) ||
							 !bd_bytes_equal(item->section, section) ||
							 bd_order_compare(journal->snapshot.order,
								 item->order) >= 0);
		}
		if (!is_higher) {
			continue;
		}
		BD_TRY(bd_coverage_name(&name, "snapshot", source, section));
		BD_TRY(bd_mark_pack(&value, journal->snapshot.order, entry->message));
		BD_TRY(keep_mark(txn, bd_buf_bytes(&name)));
		BD_TRY(bd_watch_marked(txn, source, section, entry->received_ms));
		BD_TRY(bd_txn_put(
			txn, txn->store->coverage, bd_buf_bytes(&name), bd_buf_bytes(&value)));
		/* The rows of everybody whom it does not name are gone without being touched. */
		BD_TRY(bd_tally_set(txn, source, section, told[i]));
	}
	BD_TRY(bd_txn_put_counter(txn, "snapshots", 1));
	__atomic_store_n(&txn->store->has_snapshots, true, __ATOMIC_RELEASE);
	return bd_txn_load_marks(txn);
}

/* Counts change with every message, what a lookup sees of a feed seldom. */
static enum bd_code put_coverage(struct bd_txn *txn, struct bd_bytes name,
	const struct bd_feed_coverage *coverage, const struct bd_feed_coverage *before)
{
	if (before->messages > 0 && bd_feed_coverage_proves_same(coverage, before)) {
		BD_TRY(bd_history_number(txn));
	} else {
		bd_buf_clear(&txn->plain);
		if (before->messages > 0) {
			BD_TRY(bd_feed_coverage_pack(&txn->plain, before));
		}
		BD_TRY(bd_history_keep_coverage(txn, name, bd_buf_bytes(&txn->plain)));
	}
	bd_buf_clear(&txn->plain);
	BD_TRY(bd_feed_coverage_pack(&txn->plain, coverage));
	return bd_txn_put(txn, txn->store->coverage, name, bd_buf_bytes(&txn->plain));
}

/* A recalled message no longer proves what there is not: its delivery has to come again. */
static void recall_delivery(
	struct bd_feed_coverage *coverage, const struct bd_journal_entry *journal)
{
	if (journal->entry.is_snapshot ||
		(journal->cycle != NULL && journal->entry.delivery.day != INT32_MIN)) {
		bd_feed_coverage_recall(coverage, &journal->entry.delivery,
			bd_day_at(journal->entry.recall.message_received_ms));
	}
}

static void add_message(struct bd_feed_coverage *coverage, struct bd_txn *txn,
	const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	coverage->messages++;
	coverage->records =
		entry->is_snapshot ? entry->accepted : coverage->records + entry->accepted;
	coverage->rejects += entry->rejected;
	if (entry->received_ms > coverage->last_received_ms) {
		coverage->last_received_ms = entry->received_ms;
	}
	if (journal->cycle != NULL || entry->is_snapshot) {
		bd_feed_coverage_add(coverage, journal->cycle, &entry->delivery,
			has_unknown_reject(txn, entry), bd_day_at(entry->received_ms));
	}
}

/* Does the entry change what its feed has completely told? */
static bool speaks_of_feed(const struct bd_journal_entry *journal)
{
	return journal->kind == BD_JOURNAL_MESSAGE ||
	       (journal->kind == BD_JOURNAL_RECALL && journal->entry.recall.message != 0 &&
		       journal->entry.recall.is_last);
}

static enum bd_code keep_coverage(struct bd_txn *txn, const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;
	struct bd_feed_coverage *coverage = bd_arena_alloc(&txn->arena, 2, sizeof(*coverage));
	char room[400];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	if (!speaks_of_feed(journal)) {
		return BD_OK;
	}
	if (coverage == NULL) {
		return bd_arena_code(&txn->arena);
	}
	BD_TRY(load_coverage(txn, coverage, &name, entry));
	coverage[1] = *coverage;
	if (journal->kind == BD_JOURNAL_RECALL) {
		recall_delivery(coverage, journal);
	} else {
		add_message(coverage, txn, journal);
	}
	return put_coverage(txn, bd_buf_bytes(&name), coverage, &coverage[1]);
}

/* The entry without its records, and what came of it; before it the source, by which one is told
 * from others without reading it. The time stands outside as well: by it old
 * messages are found without opening them. */
static enum bd_code keep_message(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t unchanged)
{
	struct bd_journal_entry head = *journal;

	head.entry.records = (struct bd_bytes){ "", 0 };
	return bd_kept_put(txn, &head, unchanged);
}

enum bd_code bd_keep(struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t unchanged,
	const uint64_t *told)
{
	BD_TRY(keep_coverage(txn, journal));
	if (journal->snapshot.is_set) {
		BD_TRY(mark_snapshot(txn, journal, told));
	}
	BD_TRY(bd_keep_key(txn, journal, BD_KEY_DONE));
	BD_TRY(bd_keep_progress(txn, &journal->entry));
	BD_TRY(keep_message(txn, journal, unchanged));
	return bd_prune(txn, journal);
}

/* -- when its days are over -- */

/* Old messages removed with each one that comes. */
#define PRUNE_MAX 64

static enum bd_code prune_message(struct bd_txn *txn, MDB_val name, MDB_val value)
{
	struct bd_journal_entry journal;
	uint8_t room[BD_DIGEST_BYTES];
	struct bd_bytes key;

	bd_arena_clear(&txn->node_arena);
	bd_buf_clear(&txn->plain);
	BD_TRY(bd_kept_open(&txn->plain, txn->store->seal, txn->store, true,
		(struct bd_bytes){ name.mv_data, name.mv_size },
		(struct bd_bytes){ value.mv_data, value.mv_size }));
	BD_TRY(bd_kept_unpack(&journal, NULL, bd_buf_bytes(&txn->plain), &txn->node_arena));
	if (journal.keep_days == BD_KEEP_FOR_GOOD) {
		return BD_OK;
	}
	BD_TRY(bd_key_name(&key, room, txn->store->seal, &journal.entry));
	return bd_forget_key(txn, key, journal.entry.message);
}

enum bd_code bd_prune(struct bd_txn *txn, const struct bd_journal_entry *journal)
{
	int64_t limit = journal->entry.received_ms - (int64_t)journal->keep_days * DAY_MS;
	enum bd_code code = BD_OK;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn->mdb, txn->store->messages, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "messages");
	}
	for (int i = 0; i < PRUNE_MAX && result == 0 && code == BD_OK; i++) {
		struct bd_reader reader;

		result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		if (result != 0) {
			break;
		}
		reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		if ((int64_t)bd_read_u64(&reader) >= limit) {
			break;
		}
		code = prune_message(txn, key, value);
		result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		result = result == 0 ? mdb_cursor_del(cursor, 0) : result;
	}
	mdb_cursor_close(cursor);
	if (code != BD_OK) {
		return bd_fail(txn->diag, code, "an old message");
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "messages");
}
