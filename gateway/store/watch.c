#include "store/watch.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/case_index.h"
#include "store/case_runs.h"
#include "store/history.h"
#include "store/lately.h"
#include "store/places.h"
#include "store/watches.h"

#include <stdio.h>
#include <string.h>

/* Whom the relations of one node lead to, that are looked up. */
#define KEYS_MAX 64
/* Events of a client that are past their time, removed with each new one. */
#define EXPIRED_MAX 16
#define CASE_ARENA_BYTES ((size_t)8 << 20)

/* -- what has changed -- */

void bd_watch_add(struct bd_watch_changes *changes, const struct bd_watch_change *change)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct bd_watch_change *known = &changes->items[i];

		if (known->entity == change->entity && known->what == change->what &&
			bd_bytes_equal(known->source, change->source)) {
			if (change->month.len > 0 &&
				bd_bytes_compare(change->month, known->month) < 0) {
				known->month = change->month;
			}
			return;
		}
	}
	if (changes->count == BD_WATCH_CHANGES_MAX) {
		changes->items[BD_WATCH_CHANGES_MAX - 1] = *change;
		changes->items[BD_WATCH_CHANGES_MAX - 1].entity = 0;
		return;
	}
	changes->items[changes->count++] = *change;
}

/* The month that a row is about, where its entity is about months. */
struct bd_bytes bd_watch_month(const struct bd_store *store, const struct bd_node_row *row)
{
	uint16_t number = 0;

	for (size_t i = 0; i < store->covers->count && number == 0; i++) {
		if (store->covers->items[i].entity == row->entity) {
			number = store->covers->items[i].month_field;
		}
	}
	for (const struct bd_node_field *field = row->fields; field != NULL && number != 0;
		field = field->next) {
		if (field->number == number && field->values != NULL) {
			return field->values->value.text;
		}
	}
	return (struct bd_bytes){ "", 0 };
}

static bool has_changed(const struct bd_node_row *row, uint64_t message)
{
	return row->is_touched && row->version == message && (row->is_seen || row->was_seen);
}

static void collect(
	struct bd_watch_changes *changes, const struct bd_apply *apply, const struct bd_node *node)
{
	bool is_recall = apply->journal->kind == BD_JOURNAL_RECALL;
	uint64_t message = apply->context.message;

	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (has_changed(row, message)) {
			bd_watch_add(changes, &(struct bd_watch_change){ row->source, row->entity,
						      is_recall               ? BD_WATCH_RECALLED
						      : row->first == message ? BD_WATCH_ADDED
									      : BD_WATCH_CHANGED,
						      bd_watch_month(apply->txn->store, row) });
		}
	}
	for (const struct bd_node_dispute *one = node->disputes; one != NULL; one = one->next) {
		if (one->id == message) {
			bd_watch_add(changes, &(struct bd_watch_change){ one->source, one->entity,
						      BD_WATCH_DISPUTED, { "", 0 } });
		}
	}
}

/* -- which of them a case has read -- */

static bool is_named(struct bd_bytes names, struct bd_bytes name)
{
	while (names.len > 0) {
		const char *end = memchr(names.ptr, ' ', names.len);
		size_t len = end != NULL ? (size_t)(end - names.ptr) : names.len;

		if (bd_bytes_equal((struct bd_bytes){ names.ptr, len }, name)) {
			return true;
		}
		names.ptr += len + (end != NULL);
		names.len -= len + (end != NULL);
	}
	return false;
}

static bool has_read(const struct bd_case_finding *finding, const struct bd_watch_change *change)
{
	bool is_one = change->entity == 0;

	for (size_t i = 0; i < finding->entity_count; i++) {
		is_one |= finding->entities[i] == change->entity;
	}
	return is_one && (finding->sources.len == 0 || is_named(finding->sources, change->source));
}

static bool concerns(const struct bd_case_record *record, const struct bd_watch_change *change)
{
	for (size_t i = 0; i < record->finding_count; i++) {
		if (has_read(&record->findings[i], change)) {
			return true;
		}
	}
	return false;
}

/* A month that was over, or running, on the day of the case. */
static enum bd_watch_what what_of(
	const struct bd_case_record *record, const struct bd_watch_change *change)
{
	char day[11];

	if (change->month.len < 7 ||
		(change->what != BD_WATCH_CHANGED && change->what != BD_WATCH_ADDED)) {
		return change->what;
	}
	bd_day_format(day, record->on);
	return memcmp(change->month.ptr, day, 7) <= 0 ? BD_WATCH_CORRECTED_PERIOD : change->what;
}

/* -- events -- */

enum bd_code bd_watch_client_key(
	uint8_t out[BD_NODE_KEY_BYTES], struct bd_seal *seal, const char *client)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char room[512];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_text(&name, "watches of"));
	BD_TRY(bd_buf_add_byte(&name, '\0'));
	BD_TRY(bd_buf_add_text(&name, client));
	BD_TRY(bd_seal_digest(seal, bd_buf_bytes(&name), digest));
	memcpy(out, digest, BD_NODE_KEY_BYTES);
	return BD_OK;
}

static enum bd_code pack_event(struct bd_buf *out, const struct bd_case_record *record,
	const struct bd_watch_change *change, bool is_cut)
{
	BD_TRY(bd_buf_add_u8(out, 1));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)what_of(record, change)));
	BD_TRY(bd_buf_add_u8(out, is_cut));
	BD_TRY(bd_buf_add_sized(out, change->source));
	BD_TRY(bd_buf_add_u16(out, change->entity));
	BD_TRY(bd_trail_id_pack(out, &record->receipt));
	BD_TRY(bd_buf_add_sized(out, record->number));
	return bd_buf_add_sized(out, record->matter);
}

/* The client's oldest, where they are past their time. */
static enum bd_code expire(
	struct bd_txn *txn, const uint8_t client[BD_NODE_KEY_BYTES], int64_t kept_from)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn->mdb, txn->store->watches, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "watches");
	}
	for (int i = 0; i < EXPIRED_MAX && result == 0; i++) {
		struct bd_reader reader;

		key = (MDB_val){ BD_NODE_KEY_BYTES, (void *)client };
		result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		if (result != 0 || key.mv_size != BD_WATCH_KEY_BYTES ||
			memcmp(key.mv_data, client, BD_NODE_KEY_BYTES) != 0) {
			break;
		}
		reader = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		if ((int64_t)bd_read_u64(&reader) >= kept_from) {
			break;
		}
		result = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "watches");
}

static enum bd_code put_event(struct bd_txn *txn, const struct bd_case_record *record,
	const struct bd_watch_change *change, int64_t at_ms, bool is_cut)
{
	struct bd_store *store = txn->store;
	char key_room[BD_WATCH_KEY_BYTES], client[256];
	struct bd_buf key = { key_room, 0, sizeof(key_room), sizeof(key_room) }, plain, value;
	uint8_t of[BD_NODE_KEY_BYTES];
	enum bd_code code;

	snprintf(client, sizeof(client), "%.*s", (int)record->client.len, record->client.ptr);
	BD_TRY(bd_watch_client_key(of, store->seal, client));
	BD_TRY(expire(txn, of, at_ms - BD_WATCH_KEEP_MS));
	BD_TRY(bd_buf_add(&key, (struct bd_bytes){ (const char *)of, sizeof(of) }));
	BD_TRY(bd_buf_add_u64(&key, store->next_watch));
	bd_buf_init(&plain, 65536);
	bd_buf_init(&value, 65536);
	code = pack_event(&plain, record, change, is_cut);
	code = code == BD_OK ? bd_buf_add_u64(&value, (uint64_t)at_ms) : code;
	code = code == BD_OK ? bd_seal_close(store->seal, &value, store->message_salt,
				       bd_buf_bytes(&key), bd_buf_bytes(&plain))
			     : code;
	code = code == BD_OK
		       ? bd_txn_put(txn, store->watches, bd_buf_bytes(&key), bd_buf_bytes(&value))
		       : code;
	store->next_watch += code == BD_OK;
	txn->tells_cases = true;
	bd_buf_release(&plain);
	bd_buf_release(&value);
	return code;
}

static enum bd_code tell_case(struct bd_txn *txn, const struct bd_case_record *record,
	const struct bd_watch_changes *changes, int64_t at_ms, bool is_cut)
{
	for (size_t i = 0; i < changes->count; i++) {
		if (concerns(record, &changes->items[i])) {
			BD_TRY(put_event(txn, record, &changes->items[i], at_ms, is_cut));
		}
	}
	return BD_OK;
}

/* -- the cases of a subject, the newest first -- */

static bool is_told(const struct bd_watch_told *told, const struct bd_trail_id *receipt)
{
	for (size_t i = 0; i < told->count; i++) {
		if (bd_trail_id_equal(&told->receipts[i], receipt)) {
			return true;
		}
	}
	return false;
}

/* Of one subject: those that are told already may be the newest. */
#define GATHERED_MAX (2 * BD_WATCH_RECEIPTS_MAX + 1)

/* Entries of up to BD_WATCH_RECEIPTS_MAX cases; *is_cut: there are more. */
static enum bd_code list_cases(struct bd_case_item *items, size_t *count, bool *is_cut,
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_watch_told *told)
{
	struct bd_case_item gathered[GATHERED_MAX];
	struct bd_case_gather gather = {
		.items = gathered, .max = GATHERED_MAX, .is_newest_first = true
	};

	*count = 0;
	*is_cut = false;
	bd_case_item_bound(&gather.front, BD_CASE_BY_SUBJECT, key, 0);
	BD_TRY(bd_case_find(&gather, txn));
	for (size_t i = 0; i < gather.count && !*is_cut; i++) {
		struct bd_trail_id receipt = bd_case_item_receipt(&gathered[i]);

		*is_cut = *count == BD_WATCH_RECEIPTS_MAX;
		if (!*is_cut && !is_told(told, &receipt)) {
			items[(*count)++] = gathered[i];
		}
	}
	return BD_OK;
}

static enum bd_code load_case(struct bd_case_record *record, bool *found, struct bd_txn *txn,
	const struct bd_case_item *item, struct bd_arena *arena)
{
	struct bd_case_place place = bd_case_item_place(item);
	enum bd_code code = bd_case_load(record, txn->store, txn->store->seal, &place, arena);

	*found = code == BD_OK;
	/* Of what is erased, or cannot be read, there is nothing to tell. */
	return code == BD_CASE_ERASED || code == BD_STORE_DAMAGED ? BD_OK : code;
}

enum bd_code bd_watch_tell(struct bd_txn *txn, struct bd_watch_told *told,
	const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_watch_changes *changes, int64_t at_ms)
{
	struct bd_case_item items[BD_WATCH_RECEIPTS_MAX];
	struct bd_arena arena;
	bool is_cut = false;
	size_t count = 0;
	enum bd_code code = list_cases(items, &count, &is_cut, txn, key, told);

	bd_arena_init(&arena, CASE_ARENA_BYTES);
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		struct bd_case_record record;
		bool found = false, is_last = i + 1 == count;

		bd_arena_clear(&arena);
		code = load_case(&record, &found, txn, &items[i], &arena);
		if (code == BD_OK && found) {
			code = tell_case(txn, &record, changes, at_ms, is_cut && is_last);
		}
		if (told->count < BD_WATCH_RECEIPTS_MAX) {
			told->receipts[told->count++] = bd_case_item_receipt(&items[i]);
		}
	}
	bd_arena_release(&arena);
	return code;
}

enum bd_code bd_watch_node(
	struct bd_apply *apply, const struct bd_node *node, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_txn *txn = apply->txn;
	int64_t at_ms = apply->context.received_ms;
	struct bd_watch_changes changes = { .count = 0 };
	struct bd_watch_told told = { .count = 0 };
	size_t keys = 0;

	if (!bd_case_has_any(txn->store)) {
		return BD_OK;
	}
	collect(&changes, apply, node);
	if (changes.count == 0) {
		return BD_OK;
	}
	BD_TRY(bd_watch_tell(txn, &told, key, &changes, at_ms));
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		for (const struct bd_node_name *name = row->others;
			has_changed(row, apply->context.message) && name != NULL && keys < KEYS_MAX;
			name = name->next) {
			uint8_t other[BD_NODE_KEY_BYTES];

			keys++;
			BD_TRY(bd_seal_blind(txn->store->seal, &name->identifier, other));
			BD_TRY(bd_watch_tell(txn, &told, other, &changes, at_ms));
		}
	}
	return BD_OK;
}

/* -- what has changed before a case was indexed -- */

static const struct bd_node_row *same_row(
	const struct bd_node *node, const struct bd_node_row *wanted)
{
	const struct bd_node_row *row = node->rows;

	while (row != NULL &&
		!(row->entity == wanted->entity && bd_bytes_equal(row->source, wanted->source) &&
			bd_bytes_equal(row->section, wanted->section) &&
			bd_bytes_equal(row->key, wanted->key))) {
		row = row->next;
	}
	return row;
}

static bool has_dispute(const struct bd_node *node, uint64_t id)
{
	const struct bd_node_dispute *one = node->disputes;

	while (one != NULL && one->id != id) {
		one = one->next;
	}
	return one != NULL;
}

static void compare(struct bd_watch_changes *changes, const struct bd_store *store,
	const struct bd_node *now, const struct bd_node *was)
{
	for (const struct bd_node_row *row = now->rows; row != NULL; row = row->next) {
		const struct bd_node_row *before = same_row(was, row);
		bool was_seen = before != NULL && before->is_seen;

		if (row->is_seen != was_seen ||
			(row->is_seen &&
				memcmp(row->digest, before->digest, sizeof(row->digest)) != 0)) {
			bd_watch_add(changes, &(struct bd_watch_change){ row->source, row->entity,
						      was_seen ? BD_WATCH_CHANGED : BD_WATCH_ADDED,
						      bd_watch_month(store, row) });
		}
	}
	for (const struct bd_node_dispute *one = now->disputes; one != NULL; one = one->next) {
		if (!has_dispute(was, one->id)) {
			bd_watch_add(changes, &(struct bd_watch_change){ one->source, one->entity,
						      BD_WATCH_DISPUTED, { "", 0 } });
		}
	}
}

static enum bd_code is_newer(
	bool *newer, struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit)
{
	struct bd_bytes value;
	struct bd_node_head head;
	bool found = false;

	*newer = false;
	BD_TRY(bd_place_get(&value, &found, txn->store, txn->mdb, key, txn->diag));
	if (found) {
		BD_TRY(bd_node_head_read(&head, value));
		*newer = head.written > commit && head.sealed.len > 0;
	}
	return BD_OK;
}

/* marks: of snapshots, as they were then. */
static enum bd_code look_again(struct bd_watch_changes *changes, struct bd_txn *txn,
	const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit, const struct bd_node_marks *marks,
	struct bd_arena *arena)
{
	struct bd_as_of as_of = { .commit = commit };
	const struct bd_node_view now_view = { txn->store, txn->mdb, txn->store->seal, &txn->marks,
		true, NULL, false };
	const struct bd_node_view was_view = { txn->store, txn->mdb, txn->store->seal, marks, true,
		&as_of, false };
	struct bd_node now = { .arena = arena }, was = { .arena = arena };
	bool found = false, was_found = false;
	uint64_t slot;

	BD_TRY(bd_node_load(&now, &slot, &found, &now_view, key, arena, txn->diag));
	if (!found) {
		return BD_OK;
	}
	BD_TRY(bd_node_load(&was, &slot, &was_found, &was_view, key, arena, txn->diag));
	if (!was_found) {
		was = (struct bd_node){ .arena = arena };
	}
	compare(changes, txn->store, &now, &was);
	return BD_OK;
}

/* Does anything stand there that was written since, or hidden by a snapshot of everybody? */
static enum bd_code may_differ(
	bool *differs, struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit)
{
	const struct bd_store *store = txn->store;

	*differs = store->marked_commit > commit;
	return *differs || !bd_lately_may_have(store->lately, key, commit)
		       ? BD_OK
		       : is_newer(differs, txn, key, commit);
}

static bool may_want(
	struct bd_case_sink *self, const struct bd_store *store, const struct bd_case_head *head)
{
	bool may = store->marked_commit > head->commit;

	(void)self;
	for (size_t i = 0; store->commit > head->commit && i < head->key_count && !may; i++) {
		may = bd_lately_may_have(store->lately, head->keys[i], head->commit);
	}
	return may;
}

/* Of nobody whom it looked at anything was committed since. */
static enum bd_code wants(
	bool *out, struct bd_case_sink *self, struct bd_txn *txn, const struct bd_case_head *head)
{
	(void)self;
	*out = false;
	for (size_t i = 0; i < head->key_count && !*out; i++) {
		BD_TRY(may_differ(out, txn, head->keys[i], head->commit));
	}
	return BD_OK;
}

static enum bd_code on_added(struct bd_case_sink *self, struct bd_txn *txn,
	const struct bd_case_head *head, const struct bd_case_record *record,
	struct bd_arena *arena)
{
	struct bd_watch_changes changes = { .count = 0 };
	struct bd_node_marks marks = txn->marks;

	(void)self;
	if (txn->store->marked_commit > head->commit) {
		BD_TRY(bd_marks_load(&marks, txn->store, txn->mdb, head->commit, arena, txn->diag));
	}
	for (size_t i = 0; i < head->key_count; i++) {
		bool is_one = false;

		BD_TRY(may_differ(&is_one, txn, head->keys[i], head->commit));
		if (is_one) {
			BD_TRY(look_again(
				&changes, txn, head->keys[i], head->commit, &marks, arena));
		}
	}
	return tell_case(txn, record, &changes, record->at_ms, false);
}

void bd_watch_open(struct bd_store *store)
{
	store->watch_sink = (struct bd_case_sink){
		.hears_again = true, .may_want = may_want, .wants = wants, .added = on_added
	};
	bd_cases_add_sink(store, &store->watch_sink);
}
