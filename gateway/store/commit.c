/* commit.c - messages into the store: one transaction for a group, several for a spooled one. */
#include "base/digest.h"
#include "base/limits.h"
#include "record/pack.h"
#include "store/env.h"
#include "store/spool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Packed bytes of the messages of one transaction; what they make of the store's pages stays below
 * BD_TXN_MAX_BYTES. */
#define GROUP_BYTES 8388608
#define WORK_ARENA_BYTES ((size_t)256 << 20)
#define NODE_ARENA_BYTES ((size_t)64 << 20)
/* Below this the store is read only. */
#define FREE_MIN_BYTES ((uint64_t)64 << 20)
/* Old messages removed with each commit. */
#define PRUNE_MAX 64
#define DAY_MS (INT64_C(86400) * 1000)

#define TRY(call)                                                                                  \
	do {                                                                                       \
		enum bd_code try_code = (call);                                                    \
		if (try_code != BD_OK) {                                                           \
			return try_code;                                                           \
		}                                                                                  \
	} while (0)

/* One thing to be done at one node. */
struct item {
	uint8_t key[BD_NODE_KEY_BYTES];
	size_t number; /* in the order of arrival */
	struct bd_entry *entry;
	struct bd_record record; /* or */
	const struct bd_reject *reject;
	uint8_t *changed; /* one byte for each native record of the entry */
};

struct commit {
	struct bd_store *store;
	MDB_txn *txn;
	struct bd_arena arena, node_arena;
	struct item *items;
	size_t count, cap;
	struct bd_buf plain, sealed;
	struct bd_diag *diag;
};

static enum bd_code fail(struct commit *commit, int result, const char *what)
{
	return bd_store_fail(commit->diag, result, what);
}

static enum bd_code put(
	struct commit *commit, MDB_dbi dbi, struct bd_bytes name, struct bd_bytes value)
{
	MDB_val key = { name.len, (void *)name.ptr }, data = { value.len, (void *)value.ptr };
	int result = mdb_put(commit->txn, dbi, &key, &data, 0);

	return result == 0 ? BD_OK : fail(commit, result, "put");
}

static enum bd_code put_counter(struct commit *commit, const char *name, uint64_t value)
{
	char room[8];
	struct bd_buf packed = { room, 0, sizeof(room), sizeof(room) };

	TRY(bd_buf_add_u64(&packed, value));
	return put(commit, commit->store->meta, bd_bytes_of(name), bd_buf_bytes(&packed));
}

/* -- idempotency and messages -- */

static enum bd_code key_digest(
	struct commit *commit, const struct bd_entry *entry, uint8_t digest[BD_DIGEST_BYTES])
{
	struct bd_buf name;
	enum bd_code code;

	bd_buf_init(&name, 4096);
	code = bd_buf_add_text(&name, "idempotency ");
	code = code == BD_OK ? bd_buf_add_sized(&name, bd_bytes_of(entry->source)) : code;
	code = code == BD_OK ? bd_buf_add_sized(&name, bd_bytes_of(entry->sender)) : code;
	code = code == BD_OK ? bd_buf_add_sized(&name, entry->idempotency_key) : code;
	code = code == BD_OK ? bd_seal_digest(commit->store->seal, bd_buf_bytes(&name), digest)
			     : code;
	bd_buf_release(&name);
	return code;
}

/* A key seen before: the first message, or a refusal when the body is another. *is_new otherwise.
 */
static enum bd_code check_repeat(struct commit *commit, struct bd_entry *entry, bool *is_new)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_reader reader;
	struct bd_bytes body;
	MDB_val key = { sizeof(digest), digest }, value;
	int result;

	*is_new = true;
	if (entry->idempotency_key.len == 0) {
		return BD_OK;
	}
	TRY(key_digest(commit, entry, digest));
	result = mdb_get(commit->txn, commit->store->keys, &key, &value);
	if (result == MDB_NOTFOUND) {
		return BD_OK;
	}
	if (result != 0) {
		return fail(commit, result, "idempotency");
	}
	reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
	body = bd_read_bytes(&reader, BD_DIGEST_BYTES);
	entry->message = bd_read_u64(&reader);
	if (bd_read_u64(&reader) + (uint64_t)commit->store->journal_days * DAY_MS <
		(uint64_t)entry->received_ms) {
		return BD_OK;
	}
	*is_new = false;
	if (!reader.ok ||
		!bd_equal_secret((const uint8_t *)body.ptr, entry->body_sha256, BD_DIGEST_BYTES)) {
		entry->code = bd_fail(&entry->diag, BD_IDEMPOTENCY_BODY, "%s", "");
		return BD_OK;
	}
	entry->is_repeat = true;
	return BD_OK;
}

static enum bd_code keep_key(struct commit *commit, const struct bd_entry *entry)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char room[64];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	if (entry->idempotency_key.len == 0) {
		return BD_OK;
	}
	TRY(key_digest(commit, entry, digest));
	TRY(bd_buf_add(
		&value, (struct bd_bytes){ (const char *)entry->body_sha256, BD_DIGEST_BYTES }));
	TRY(bd_buf_add_u64(&value, entry->message));
	TRY(bd_buf_add_u64(&value, (uint64_t)entry->received_ms));
	return put(commit, commit->store->keys, (struct bd_bytes){ (char *)digest, sizeof(digest) },
		bd_buf_bytes(&value));
}

static enum bd_code keep_message(struct commit *commit, const struct bd_entry *entry)
{
	char room[8];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	bd_buf_clear(&commit->plain);
	bd_buf_clear(&commit->sealed);
	TRY(bd_buf_add_u64(&name, entry->message));
	TRY(bd_buf_add_sized(&commit->plain, bd_bytes_of(entry->source)));
	TRY(bd_buf_add_sized(&commit->plain, bd_bytes_of(entry->feed)));
	TRY(bd_buf_add_sized(&commit->plain, bd_bytes_of(entry->sender)));
	TRY(bd_buf_add_u64(&commit->plain, (uint64_t)entry->received_ms));
	TRY(bd_buf_add_u64(&commit->plain, entry->received));
	TRY(bd_buf_add_u64(&commit->plain, entry->accepted));
	TRY(bd_buf_add_u64(&commit->plain, entry->unchanged));
	TRY(bd_buf_add_u64(&commit->plain, entry->rejected));
	TRY(bd_buf_add_sized(&commit->plain, entry->rejects));
	/* The time stands outside as well: by it old messages are found without opening them. */
	TRY(bd_buf_add_u64(&commit->sealed, (uint64_t)entry->received_ms));
	TRY(bd_seal_close(commit->store->seal, &commit->sealed, commit->store->message_salt,
		bd_buf_bytes(&name), bd_buf_bytes(&commit->plain)));
	return put(commit, commit->store->messages, bd_buf_bytes(&name),
		bd_buf_bytes(&commit->sealed));
}

/* Messages without rejects go when their days are over, in small steps. */
static enum bd_code prune(struct commit *commit, int64_t now_ms)
{
	int64_t limit = now_ms - (int64_t)commit->store->journal_days * DAY_MS;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(commit->txn, commit->store->messages, &cursor);

	if (result != 0) {
		return fail(commit, result, "messages");
	}
	for (int i = 0; i < PRUNE_MAX && result == 0; i++) {
		struct bd_reader reader;

		result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		if (result != 0) {
			break;
		}
		reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		if ((int64_t)bd_read_u64(&reader) >= limit) {
			break;
		}
		result = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : fail(commit, result, "messages");
}

/* -- coverage -- */

static enum bd_code load_coverage(
	struct commit *commit, struct bd_feed_coverage *coverage, struct bd_bytes name)
{
	MDB_val key = { name.len, (void *)name.ptr }, value;
	int result = mdb_get(commit->txn, commit->store->coverage, &key, &value);

	memset(coverage, 0, sizeof(*coverage));
	if (result == MDB_NOTFOUND) {
		return BD_OK;
	}
	return result == 0 ? bd_feed_coverage_unpack(
				     coverage, (struct bd_bytes){ value.mv_data, value.mv_size })
			   : fail(commit, result, "coverage");
}

static const char *cycle_of(const struct bd_store *store, const struct bd_entry *entry)
{
	for (size_t i = 0; i < store->covers->count; i++) {
		const struct bd_cover *cover = &store->covers->items[i];

		if (strcmp(cover->source, entry->source) == 0 &&
			strcmp(cover->feed, entry->feed) == 0 && cover->cycle != NULL) {
			return cover->cycle;
		}
	}
	return NULL;
}

/* A refused record whose subject cannot be told: it might be anybody's. */
static bool has_unknown_reject(struct commit *commit, const struct bd_entry *entry)
{
	struct bd_reader reader = bd_reader_of(entry->rejects);

	while (reader.rest.len > 0) {
		struct bd_reject reject;

		if (bd_reject_unpack(&reject, bd_read_sized(&reader), &commit->arena) != BD_OK ||
			(reject.subject_count == 0 &&
				!(reject.is_message_subject && entry->subject_count > 0))) {
			return true;
		}
	}
	return false;
}

/* The control total must agree, and a snapshot must not remove too much; else nothing of the
 * message is stored. */
static enum bd_code check_delivery(struct commit *commit, struct bd_entry *entry)
{
	struct bd_feed_coverage *coverage = bd_arena_alloc(&commit->arena, 1, sizeof(*coverage));
	char room[400];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	uint64_t gone;

	if (entry->delivery.has_total && entry->delivery.total != entry->received) {
		entry->code = bd_fail(&entry->diag, BD_DELIVERY_TOTAL,
			"received %llu, control total %llu", (unsigned long long)entry->received,
			(unsigned long long)entry->delivery.total);
		return BD_OK;
	}
	if (!entry->is_snapshot) {
		return BD_OK;
	}
	if (coverage == NULL) {
		return bd_arena_code(&commit->arena);
	}
	entry->delivery.is_baseline = true;
	TRY(bd_coverage_name(&name, "feed", bd_bytes_of(entry->source), bd_bytes_of(entry->feed)));
	TRY(load_coverage(commit, coverage, bd_buf_bytes(&name)));
	gone = coverage->records > entry->received ? coverage->records - entry->received : 0;
	if (entry->rejected > 0 ||
		gone * 100 > coverage->records * entry->remove_share_max_percent) {
		entry->code = bd_fail(&entry->diag, BD_SNAPSHOT_SHARE,
			"%llu records before, %llu now, %llu refused",
			(unsigned long long)coverage->records, (unsigned long long)entry->received,
			(unsigned long long)entry->rejected);
	}
	return BD_OK;
}

static enum bd_code mark_snapshot(struct commit *commit, const struct bd_entry *entry)
{
	for (size_t i = 0; i < entry->section_count; i++) {
		char room[400], mark[8];
		struct bd_buf name = { room, 0, sizeof(room), sizeof(room) },
			      value = { mark, 0, sizeof(mark), sizeof(mark) };

		TRY(bd_coverage_name(&name, "snapshot", bd_bytes_of(entry->source),
			bd_bytes_of(entry->sections[i])));
		TRY(bd_buf_add_u64(&value, entry->message));
		TRY(put(commit, commit->store->coverage, bd_buf_bytes(&name),
			bd_buf_bytes(&value)));
	}
	TRY(put_counter(commit, "snapshots", 1));
	__atomic_store_n(&commit->store->has_snapshots, true, __ATOMIC_RELEASE);
	return BD_OK;
}

static enum bd_code keep_coverage(struct commit *commit, const struct bd_entry *entry)
{
	struct bd_feed_coverage *coverage = bd_arena_alloc(&commit->arena, 1, sizeof(*coverage));
	char room[400];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	const char *cycle = cycle_of(commit->store, entry);

	if (coverage == NULL) {
		return bd_arena_code(&commit->arena);
	}
	TRY(bd_coverage_name(&name, "feed", bd_bytes_of(entry->source), bd_bytes_of(entry->feed)));
	TRY(load_coverage(commit, coverage, bd_buf_bytes(&name)));
	coverage->messages++;
	coverage->records =
		entry->is_snapshot ? entry->accepted : coverage->records + entry->accepted;
	coverage->rejects += entry->rejected;
	if (entry->received_ms > coverage->last_received_ms) {
		coverage->last_received_ms = entry->received_ms;
	}
	if (cycle != NULL || entry->is_snapshot) {
		bd_feed_coverage_add(
			coverage, cycle, &entry->delivery, has_unknown_reject(commit, entry));
	}
	bd_buf_clear(&commit->plain);
	TRY(bd_feed_coverage_pack(&commit->plain, coverage));
	TRY(put(commit, commit->store->coverage, bd_buf_bytes(&name),
		bd_buf_bytes(&commit->plain)));
	return entry->is_snapshot ? mark_snapshot(commit, entry) : BD_OK;
}

/* -- nodes -- */

static enum bd_code save_node(struct commit *commit, const struct bd_node *node,
	const uint8_t key[BD_NODE_KEY_BYTES], uint64_t slot, bool is_new)
{
	struct bd_bytes name = { (const char *)key, BD_NODE_KEY_BYTES };
	struct bd_store *store = commit->store;
	uint8_t salt[BD_SALT_BYTES];

	if (is_new) {
		TRY(bd_seal_random(store->seal, salt, sizeof(salt)));
		TRY(bd_salts_set(&store->salts, slot, salt));
		store->has_new_salts = true;
	} else if (!bd_salts_get(salt, &store->salts, slot)) {
		return BD_STORE_DAMAGED;
	}
	bd_buf_clear(&commit->plain);
	bd_buf_clear(&commit->sealed);
	TRY(bd_node_pack(&commit->plain, node));
	TRY(bd_buf_add_u64(&commit->sealed, slot));
	TRY(bd_seal_close(store->seal, &commit->sealed, salt, name, bd_buf_bytes(&commit->plain)));
	return put(commit, store->nodes, name, bd_buf_bytes(&commit->sealed));
}

/* A pair of blinded keys that says: look there as well. Only ever added; what it leads to is
 * checked when read. */
static enum bd_code put_pair(struct commit *commit, MDB_dbi dbi, const struct bd_identifier *from,
	const uint8_t to[BD_NODE_KEY_BYTES])
{
	uint8_t pair[BD_NODE_KEY_BYTES * 2];
	MDB_val key = { sizeof(pair), pair }, value = { 0, (void *)"" };
	int result;

	TRY(bd_seal_blind(commit->store->seal, from, pair));
	memcpy(pair + BD_NODE_KEY_BYTES, to, BD_NODE_KEY_BYTES);
	result = mdb_put(commit->txn, dbi, &key, &value, MDB_NOOVERWRITE);
	return result == 0 || result == MDB_KEYEXIST ? BD_OK : fail(commit, result, "pair");
}

static enum bd_code apply_item(
	struct commit *commit, struct bd_node *node, struct item *item, bool *is_dirty)
{
	const struct bd_node_context context = { bd_bytes_of(item->entry->source),
		item->entry->received_ms, item->entry->message };
	bool is_changed = false, has_added = false;

	if (item->reject != NULL) {
		for (size_t i = 0; i < item->reject->entity_count; i++) {
			TRY(bd_node_block(node, bd_bytes_of(item->reject->section),
				item->reject->entities[i], &context));
		}
		TRY(bd_node_add_identifiers(
			node, item->reject->subject, item->reject->subject_count, &has_added));
		*is_dirty = true;
		return BD_OK;
	}
	TRY(bd_node_apply(node, &item->record, &context, &is_changed));
	TRY(bd_node_add_identifiers(
		node, item->record.subject, item->record.subject_count, &has_added));
	for (size_t i = 1; i < item->record.subject_count && has_added; i++) {
		TRY(put_pair(commit, commit->store->owners, &item->record.subject[i], item->key));
	}
	for (size_t i = 0; i < item->record.other_count; i++) {
		TRY(put_pair(commit, commit->store->links, &item->record.other[i], item->key));
	}
	*is_dirty = true;
	if ((is_changed || has_added) && item->record.index < item->entry->received) {
		item->changed[item->record.index] = 1;
	}
	return BD_OK;
}

/* All items of one node: one read, one write. */
static enum bd_code apply_node(struct commit *commit, struct item *items, size_t count)
{
	struct bd_store *store = commit->store;
	struct bd_node node;
	bool found = false, is_dirty = false;
	uint64_t slot = 0;

	bd_arena_clear(&commit->node_arena);
	TRY(bd_node_load(&node, &slot, &found, store, commit->txn, store->seal, items[0].key,
		&commit->node_arena, commit->diag));
	if (!found) {
		bd_node_init(&node, &commit->node_arena);
		slot = store->next_slot++;
	}
	for (size_t i = 0; i < count; i++) {
		TRY(apply_item(commit, &node, &items[i], &is_dirty));
	}
	return is_dirty ? save_node(commit, &node, items[0].key, slot, !found) : BD_OK;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = memcmp(x->key, y->key, BD_NODE_KEY_BYTES);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static enum bd_code apply_items(struct commit *commit)
{
	size_t at = 0;

	if (commit->count > 1) {
		qsort(commit->items, commit->count, sizeof(*commit->items), compare_items);
	}
	while (at < commit->count) {
		size_t end = at + 1;

		while (end < commit->count && memcmp(commit->items[end].key, commit->items[at].key,
						      BD_NODE_KEY_BYTES) == 0) {
			end++;
		}
		TRY(apply_node(commit, &commit->items[at], end - at));
		at = end;
	}
	commit->count = 0;
	return BD_OK;
}

/* -- from a message to its items -- */

static enum bd_code new_item(struct commit *commit, struct item **out)
{
	if (commit->count == commit->cap) {
		size_t cap = commit->cap == 0 ? 1024 : commit->cap * 2;
		struct item *items = realloc(commit->items, cap * sizeof(*items));

		if (items == NULL) {
			return BD_NO_MEMORY;
		}
		commit->items = items;
		commit->cap = cap;
	}
	*out = &commit->items[commit->count];
	memset(*out, 0, sizeof(**out));
	(*out)->number = commit->count++;
	return BD_OK;
}

/* What only the end of the message, or the store, could say. */
static void complete(struct bd_record *record, const struct bd_entry *entry)
{
	if (record->is_message_subject) {
		record->subject = entry->subject;
		record->subject_count = entry->subject_count;
	}
	if (record->order_kind == BD_ORDER_RECEIPT) {
		record->order.order = (int64_t)entry->message;
	} else if (record->is_message_order) {
		record->order.order = entry->order.order;
	}
}

static enum bd_code add_record(
	struct commit *commit, struct bd_entry *entry, struct bd_bytes packed, uint8_t *changed)
{
	struct item *item;

	TRY(new_item(commit, &item));
	item->entry = entry;
	item->changed = changed;
	TRY(bd_record_unpack(&item->record, packed, &commit->arena));
	complete(&item->record, entry);
	if (item->record.subject_count == 0) {
		return bd_fail(commit->diag, BD_SUBJECT_MISSING, "%s", "");
	}
	return bd_seal_blind(commit->store->seal, &item->record.subject[0], item->key);
}

static enum bd_code add_rejects(struct commit *commit, struct bd_entry *entry)
{
	struct bd_reader reader = bd_reader_of(entry->rejects);

	while (reader.rest.len > 0) {
		struct bd_reject *reject = bd_arena_alloc(&commit->arena, 1, sizeof(*reject));
		struct item *item;

		if (reject == NULL) {
			return bd_arena_code(&commit->arena);
		}
		TRY(bd_reject_unpack(reject, bd_read_sized(&reader), &commit->arena));
		if (reject->subject_count == 0 && reject->is_message_subject) {
			reject->subject = entry->subject;
			reject->subject_count = entry->subject_count;
		}
		if (reject->subject_count == 0) {
			continue;
		}
		TRY(new_item(commit, &item));
		item->entry = entry;
		item->reject = reject;
		TRY(bd_seal_blind(commit->store->seal, &reject->subject[0], item->key));
	}
	return BD_OK;
}

static enum bd_code make_changed(
	struct commit *commit, const struct bd_entry *entry, uint8_t **changed)
{
	*changed = bd_arena_alloc(&commit->arena, entry->received + 1, 1);
	return *changed != NULL ? BD_OK : bd_arena_code(&commit->arena);
}

static void count_unchanged(struct bd_entry *entry, const uint8_t *changed)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < entry->received; i++) {
		count += changed[i];
	}
	entry->unchanged = entry->accepted > count ? entry->accepted - count : 0;
}

/* Checks that come before anything is stored. *goes_on false: the entry has its outcome. */
static enum bd_code begin_entry(struct commit *commit, struct bd_entry *entry, bool *goes_on)
{
	*goes_on = false;
	entry->code = BD_OK;
	entry->is_repeat = false;
	bd_diag_clear(&entry->diag);
	TRY(check_repeat(commit, entry, goes_on));
	if (!*goes_on) {
		return BD_OK;
	}
	TRY(check_delivery(commit, entry));
	*goes_on = entry->code == BD_OK;
	if (*goes_on) {
		entry->message = commit->store->next_message++;
	}
	return BD_OK;
}

static enum bd_code end_entry(struct commit *commit, struct bd_entry *entry)
{
	TRY(keep_coverage(commit, entry));
	TRY(keep_key(commit, entry));
	TRY(keep_message(commit, entry));
	return prune(commit, entry->received_ms);
}

static enum bd_code apply_entry(struct commit *commit, struct bd_entry *entry)
{
	struct bd_reader reader = bd_reader_of(entry->records);
	uint8_t *changed;
	bool goes_on;

	TRY(begin_entry(commit, entry, &goes_on));
	if (!goes_on) {
		return BD_OK;
	}
	TRY(make_changed(commit, entry, &changed));
	while (reader.rest.len > 0) {
		struct bd_bytes packed = bd_read_sized(&reader);

		if (!reader.ok) {
			return bd_fail(commit->diag, BD_WORKER_DIED, "records of a wrong length");
		}
		TRY(add_record(commit, entry, packed, changed));
	}
	TRY(add_rejects(commit, entry));
	TRY(apply_items(commit));
	count_unchanged(entry, changed);
	return end_entry(commit, entry);
}

/* -- transactions -- */

static enum bd_code check_space(const struct bd_store *store, struct bd_diag *diag)
{
	struct statvfs status;

	if (statvfs(store->folder, &status) == 0 &&
		(uint64_t)status.f_bavail * status.f_frsize < FREE_MIN_BYTES) {
		return bd_fail(diag, BD_DISK_FULL, "%s", "");
	}
	return BD_OK;
}

static enum bd_code begin_txn(struct commit *commit)
{
	int result = mdb_txn_begin(commit->store->env, NULL, 0, &commit->txn);

	commit->store->has_new_salts = false;
	return result == 0 ? BD_OK : fail(commit, result, "transaction");
}

/* Salts first: a node whose salt is not on disk could never be read again. */
static enum bd_code end_txn(struct commit *commit, enum bd_code code)
{
	struct bd_store *store = commit->store;
	int result;

	code = code == BD_OK ? put_counter(commit, "message", store->next_message - 1) : code;
	code = code == BD_OK ? put_counter(commit, "slot", store->next_slot) : code;
	if (code == BD_OK && store->has_new_salts) {
		code = bd_salts_sync(&store->salts);
	}
	if (code != BD_OK) {
		mdb_txn_abort(commit->txn);
		return bd_fail(commit->diag, code, "commit");
	}
	result = mdb_txn_commit(commit->txn);
	return result == 0 ? BD_OK : fail(commit, result, "commit");
}

static void commit_open(struct commit *commit, struct bd_store *store, struct bd_diag *diag)
{
	*commit = (struct commit){ .store = store, .diag = diag };
	bd_arena_init(&commit->arena, WORK_ARENA_BYTES);
	bd_arena_init(&commit->node_arena, NODE_ARENA_BYTES);
	bd_buf_init(&commit->plain, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES);
	bd_buf_init(&commit->sealed, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES + 64);
}

static void commit_close(struct commit *commit)
{
	bd_arena_release(&commit->arena);
	bd_arena_release(&commit->node_arena);
	if (commit->plain.ptr != NULL) {
		bd_wipe(commit->plain.ptr, commit->plain.cap);
	}
	bd_buf_release(&commit->plain);
	bd_buf_release(&commit->sealed);
	free(commit->items);
}

static enum bd_code commit_group(
	struct bd_store *store, struct bd_entry *const *entries, size_t count, struct bd_diag *diag)
{
	uint64_t message = store->next_message, slot = store->next_slot;
	struct commit commit;
	enum bd_code code;

	commit_open(&commit, store, diag);
	code = begin_txn(&commit);
	if (code == BD_OK) {
		for (size_t i = 0; i < count && code == BD_OK; i++) {
			code = apply_entry(&commit, entries[i]);
			bd_arena_clear(&commit.arena);
		}
		code = end_txn(&commit, code);
	}
	if (code != BD_OK) {
		store->next_message = message;
		store->next_slot = slot;
	}
	commit_close(&commit);
	return code;
}

/* -- a spooled message -- */

static int compare_spooled(const void *a, const void *b)
{
	const struct bd_spool_item *x = a, *y = b;
	int order = memcmp(x->key, y->key, BD_NODE_KEY_BYTES);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static enum bd_code index_spool(
	struct commit *commit, struct bd_entry *entry, struct bd_spool_item *index)
{
	struct bd_arena arena;
	enum bd_code code = BD_OK;
	bool has = true;

	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_spool_rewind(entry->spool);
	for (uint32_t i = 0; code == BD_OK && has; i++) {
		struct bd_record record;
		struct bd_bytes packed;

		code = bd_spool_read(&packed, &index[i], &has, entry->spool, commit->diag);
		if (code != BD_OK || !has) {
			break;
		}
		index[i].number = i;
		code = bd_record_unpack(&record, packed, &arena);
		complete(&record, entry);
		if (code == BD_OK && record.subject_count == 0) {
			code = bd_fail(commit->diag, BD_SUBJECT_MISSING, "%s", "");
		}
		code = code == BD_OK ? bd_seal_blind(commit->store->seal, &record.subject[0],
					       index[i].key)
				     : code;
		bd_arena_clear(&arena);
	}
	bd_arena_release(&arena);
	return code;
}

/* Records of whole nodes from `at` on, up to GROUP_BYTES, in one transaction. */
static enum bd_code apply_spooled(struct commit *commit, struct bd_entry *entry,
	const struct bd_spool_item *index, size_t count, size_t *at, uint8_t *changed)
{
	size_t bytes = 0, begin = *at;

	while (*at < count) {
		struct bd_bytes packed, kept;
		bool is_new_node = *at == begin || memcmp(index[*at].key, index[*at - 1].key,
							   BD_NODE_KEY_BYTES) != 0;

		if (is_new_node && bytes > GROUP_BYTES) {
			break;
		}
		TRY(bd_spool_read_item(&packed, entry->spool, &index[*at], commit->diag));
		kept = bd_arena_copy(&commit->arena, packed);
		if (kept.ptr == NULL) {
			return bd_arena_code(&commit->arena);
		}
		TRY(add_record(commit, entry, kept, changed));
		bytes += index[*at].len;
		(*at)++;
	}
	return apply_items(commit);
}

static enum bd_code spooled_parts(struct commit *commit, struct bd_entry *entry,
	struct bd_spool_item *index, uint8_t *changed)
{
	size_t count = bd_spool_count(entry->spool), at = 0;
	enum bd_code code = index_spool(commit, entry, index);

	if (code == BD_OK && count > 1) {
		qsort(index, count, sizeof(*index), compare_spooled);
	}
	while (code == BD_OK && at < count) {
		code = begin_txn(commit);
		if (code == BD_OK) {
			code = apply_spooled(commit, entry, index, count, &at, changed);
			code = end_txn(commit, code);
		}
		bd_arena_clear(&commit->arena);
	}
	return code;
}

/* The last transaction makes it known as a message: before that a retry applies it again, which
 * changes nothing. */
static enum bd_code finish_spooled(struct commit *commit, struct bd_entry *entry)
{
	enum bd_code code = begin_txn(commit);

	if (code != BD_OK) {
		return code;
	}
	code = add_rejects(commit, entry);
	code = code == BD_OK ? apply_items(commit) : code;
	code = code == BD_OK ? end_entry(commit, entry) : code;
	return end_txn(commit, code);
}

static enum bd_code check_spooled(struct commit *commit, struct bd_entry *entry, bool *goes_on)
{
	enum bd_code code = begin_txn(commit);

	if (code != BD_OK) {
		return code;
	}
	code = begin_entry(commit, entry, goes_on);
	/* The number is taken for good: records of another message must not have it. */
	return end_txn(commit, code);
}

static enum bd_code commit_spooled(
	struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag)
{
	size_t count = bd_spool_count(entry->spool);
	struct bd_spool_item *index = calloc(count + 1, sizeof(*index));
	uint8_t *changed = calloc(entry->received + 1, 1);
	struct commit commit;
	bool goes_on = false;
	enum bd_code code;

	commit_open(&commit, store, diag);
	code = index != NULL && changed != NULL ? bd_spool_sync(entry->spool, diag)
						: bd_fail(diag, BD_NO_MEMORY, "spool");
	code = code == BD_OK ? check_spooled(&commit, entry, &goes_on) : code;
	if (code == BD_OK && goes_on) {
		code = spooled_parts(&commit, entry, index, changed);
		count_unchanged(entry, changed);
		code = code == BD_OK ? finish_spooled(&commit, entry) : code;
	}
	commit_close(&commit);
	free(index);
	free(changed);
	return code;
}

/* A group that fails is tried one by one: a message must not fail for its neighbour. */
static void commit_each(struct bd_store *store, struct bd_entry *const *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum bd_code code;

		bd_diag_clear(&entries[i]->diag);
		code = entries[i]->spool != NULL
			       ? commit_spooled(store, entries[i], &entries[i]->diag)
			       : commit_group(store, &entries[i], 1, &entries[i]->diag);
		if (code != BD_OK) {
			entries[i]->code = code;
		}
	}
}

enum bd_code bd_store_commit(
	struct bd_store *store, struct bd_entry *const *entries, size_t count, struct bd_diag *diag)
{
	size_t at = 0;
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
			end = at + 1;
			commit_each(store, entries + at, 1);
		} else if (commit_group(store, entries + at, end - at, &group) != BD_OK) {
			commit_each(store, entries + at, end - at);
		}
		at = end;
	}
	return BD_OK;
}

enum bd_code bd_store_erase(
	struct bd_store *store, const struct bd_identifier *identifier, struct bd_diag *diag)
{
	static const uint8_t nothing[BD_SALT_BYTES];
	uint8_t key[BD_NODE_KEY_BYTES];
	struct commit commit;
	struct bd_reader reader;
	MDB_val name = { sizeof(key), key }, value;
	enum bd_code code = bd_seal_blind(store->seal, identifier, key);
	int result;

	commit_open(&commit, store, diag);
	code = code == BD_OK ? begin_txn(&commit) : code;
	if (code != BD_OK) {
		commit_close(&commit);
		return code;
	}
	result = mdb_get(commit.txn, store->nodes, &name, &value);
	if (result == 0) {
		reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		code = bd_salts_set(&store->salts, bd_read_u64(&reader), nothing);
		code = code == BD_OK ? bd_salts_sync(&store->salts) : code;
		result = mdb_del(commit.txn, store->nodes, &name, NULL);
	}
	if (code == BD_OK && result != 0 && result != MDB_NOTFOUND) {
		code = fail(&commit, result, "erase");
	}
	code = end_txn(&commit, code);
	commit_close(&commit);
	return code;
}
