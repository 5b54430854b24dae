#include "store/case_index.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/try.h"
#include "store/obligations.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_FORM 1

/* -- forms -- */

void bd_cases_cursor_name(char out[BD_CASES_CURSOR_BYTES], uint16_t loop)
{
	snprintf(out, BD_CASES_CURSOR_BYTES, "cases %04x", loop);
}

enum bd_code bd_case_entry_pack(struct bd_buf *out, const struct bd_case_entry *entry)
{
	BD_TRY(bd_buf_add_u8(out, ENTRY_FORM));
	BD_TRY(bd_buf_add_u16(out, entry->place.loop));
	BD_TRY(bd_buf_add_u32(out, entry->place.segment));
	BD_TRY(bd_buf_add_u32(out, entry->place.offset));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)entry->at_ms));
	return entry->has_number ? bd_buf_add(out, (struct bd_bytes){ (const char *)entry->number,
							   sizeof(entry->number) })
				 : BD_OK;
}

bool bd_case_entry_unpack(struct bd_case_entry *out, struct bd_bytes bytes)
{
	struct bd_reader reader = bd_reader_of(bytes);
	uint8_t form = bd_read_u8(&reader);
	struct bd_bytes number;

	out->place.loop = bd_read_u16(&reader);
	out->place.segment = bd_read_u32(&reader);
	out->place.offset = bd_read_u32(&reader);
	out->at_ms = (int64_t)bd_read_u64(&reader);
	out->has_number = reader.rest.len > 0;
	if (out->has_number) {
		number = bd_read_bytes(&reader, sizeof(out->number));
		if (reader.ok) {
			memcpy(out->number, number.ptr, sizeof(out->number));
		}
	}
	return reader.ok && reader.rest.len == 0 && form == ENTRY_FORM &&
	       out->place.loop < BD_TRAIL_LOOPS_MAX;
}

enum bd_code bd_case_number_key(
	uint8_t out[BD_CASE_NUMBER_KEY_BYTES], struct bd_seal *seal, struct bd_bytes number)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char room[512];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_text(&name, "case number"));
	BD_TRY(bd_buf_add_byte(&name, '\0'));
	BD_TRY(bd_buf_add(&name, number));
	BD_TRY(bd_seal_digest(seal, bd_buf_bytes(&name), digest));
	memcpy(out, digest, BD_CASE_NUMBER_KEY_BYTES);
	return BD_OK;
}

enum bd_code bd_case_list_key(struct bd_buf *out, const uint8_t of[BD_NODE_KEY_BYTES],
	int64_t at_ms, const struct bd_trail_id *receipt)
{
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ (const char *)of, BD_NODE_KEY_BYTES }));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)at_ms));
	return bd_trail_id_pack(out, receipt);
}

void bd_cases_add_sink(struct bd_store *store, struct bd_case_sink *sink)
{
	struct bd_case_sink **link = &store->cases->sinks;

	while (*link != NULL) {
		link = &(*link)->next;
	}
	sink->next = NULL;
	*link = sink;
}

/* -- opening -- */

/* The whole record in `bytes`; head and sealed borrow from it. */
static enum bd_code read_record(struct bd_buf *bytes, struct bd_case_head *head,
	struct bd_bytes *sealed, struct bd_store *store, const struct bd_case_place *place)
{
	int fd = bd_case_file_open(store, place->loop, place->segment, false);
	enum bd_code code =
		fd >= 0 ? bd_case_head_load(head, bytes, fd, place->offset) : BD_STORE_DAMAGED;
	size_t head_len = bytes->len;

	code = code == BD_OK ? bd_buf_reserve(bytes, head->length) : code;
	if (code == BD_OK) {
		code = bd_case_read_at(fd, bytes->ptr + head_len, head->length,
			(uint64_t)place->offset + head_len);
		bytes->len += code == BD_OK ? head->length : 0;
		/* The room may have moved. */
		code = code == BD_OK && !bd_case_head_read(head, bd_buf_bytes(bytes))
			       ? BD_STORE_DAMAGED
			       : code;
		*sealed = (struct bd_bytes){ bytes->ptr + head_len, head->length };
	}
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

/* Opened where it stays: what is unpacked borrows from it. */
enum bd_code bd_case_open_record(struct bd_case_record *record, struct bd_seal *seal,
	const struct bd_case_place *place, const struct bd_case_head *head, struct bd_bytes sealed,
	struct bd_arena *arena)
{
	struct bd_buf plain = { .cap = sealed.len, .max = sealed.len };

	plain.ptr = bd_arena_alloc(arena, sealed.len, 1);
	if (plain.ptr == NULL) {
		return bd_arena_code(arena);
	}
	BD_TRY(bd_case_open_sealed(&plain, seal, place, head, sealed));
	BD_TRY(bd_case_record_unpack(record, bd_buf_bytes(&plain), arena));
	return bd_trail_id_equal(&record->receipt, &head->receipt) && record->at_ms == head->at_ms
		       ? BD_OK
		       : BD_STORE_DAMAGED;
}

enum bd_code bd_case_load(struct bd_case_record *record, struct bd_store *store,
	struct bd_seal *seal, const struct bd_case_place *place, struct bd_arena *arena)
{
	struct bd_case_head head;
	struct bd_bytes sealed;
	struct bd_buf bytes;
	enum bd_code code;

	bd_buf_init(&bytes, BD_CASE_MAX_BYTES + BD_CASE_HEAD_MAX_BYTES);
	code = read_record(&bytes, &head, &sealed, store, place);
	if (code == BD_OK) {
		code = bd_case_open_record(record, seal, place, &head, sealed, arena);
	}
	/* Erased while it was being read. */
	if (code == BD_STORE_DAMAGED &&
		read_record(&bytes, &head, &sealed, store, place) == BD_OK &&
		bd_case_is_erased(&head)) {
		code = BD_CASE_ERASED;
	}
	bd_buf_release(&bytes);
	return code;
}

/* -- lists -- */

enum { OF_NUMBER = 1, OF_SUBJECTS = 2 };
typedef enum bd_code on_key(struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes key);

static enum bd_code put_key(struct bd_txn *txn, MDB_dbi dbi, struct bd_bytes key)
{
	return bd_txn_put(txn, dbi, key, (struct bd_bytes){ "", 0 });
}

/* Each list that the case stands in: that of its number, and those of whom it looked at. */
static enum bd_code each_key(
	struct bd_txn *txn, const struct bd_case_head *head, unsigned lists, on_key *act)
{
	struct bd_store *store = txn->store;
	char room[BD_CASE_LIST_KEY_BYTES];
	struct bd_buf key = { room, 0, sizeof(room), sizeof(room) };

	if ((head->flags & BD_CASE_HAS_NUMBER) != 0 && (lists & OF_NUMBER) != 0) {
		BD_TRY(bd_case_list_key(&key, head->number, head->at_ms, &head->receipt));
		BD_TRY(act(txn, store->case_numbers, bd_buf_bytes(&key)));
	}
	for (size_t i = 0; (lists & OF_SUBJECTS) != 0 && i < head->key_count; i++) {
		bd_buf_clear(&key);
		BD_TRY(bd_case_list_key(&key, head->keys[i], head->at_ms, &head->receipt));
		BD_TRY(act(txn, store->case_subjects, bd_buf_bytes(&key)));
	}
	return BD_OK;
}

/* As if its head had been written now: of one that has none, or under a key of before. */
static enum bd_code head_of(
	struct bd_case_head *head, struct bd_txn *txn, const struct bd_case_record *record)
{
	struct bd_buf keys, scratch;
	enum bd_code code;

	bd_buf_init(&keys, BD_CASE_MAX_BYTES);
	bd_buf_init(&scratch, BD_CASE_MAX_BYTES);
	head->at_ms = record->at_ms;
	head->receipt = record->receipt;
	code = bd_case_keys_fill(head, &keys, &scratch, txn->store->seal, record);
	if (code == BD_OK) {
		struct bd_bytes copy = bd_arena_copy(&txn->arena, bd_buf_bytes(&keys));

		head->keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])copy.ptr;
		code = copy.ptr != NULL || keys.len == 0 ? BD_OK : bd_arena_code(&txn->arena);
	}
	bd_buf_release(&keys);
	bd_buf_release(&scratch);
	return code;
}

enum bd_code bd_case_unlist(
	struct bd_txn *txn, const struct bd_case_record *record, bool keeps_number)
{
	struct bd_case_head head = { .length = 0 };

	BD_TRY(head_of(&head, txn, record));
	BD_TRY(each_key(
		txn, &head, keeps_number ? OF_SUBJECTS : OF_NUMBER | OF_SUBJECTS, bd_txn_delete));
	for (struct bd_case_sink *sink = txn->store->cases->sinks; sink != NULL;
		sink = sink->next) {
		if (sink->removed != NULL) {
			BD_TRY(sink->removed(sink, txn, record, &txn->arena));
		}
	}
	return BD_OK;
}

/* -- a case is indexed -- */

enum bd_code bd_case_entry_get(struct bd_case_entry *entry, bool *found, struct bd_txn *txn,
	const struct bd_trail_id *receipt)
{
	char room[BD_TRAIL_ID_BYTES];
	struct bd_buf key = { room, 0, sizeof(room), sizeof(room) };
	struct bd_bytes value;

	BD_TRY(bd_trail_id_pack(&key, receipt));
	BD_TRY(bd_txn_get(&value, found, txn, txn->store->case_places, bd_buf_bytes(&key)));
	return !*found || bd_case_entry_unpack(entry, value) ? BD_OK : BD_STORE_DAMAGED;
}

bool bd_case_is_same_place(const struct bd_case_place *a, const struct bd_case_place *b)
{
	return a->loop == b->loop && a->segment == b->segment && a->offset == b->offset;
}

/* A record whose answer never left had this receipt: it is no case. */
static enum bd_code drop_earlier(
	struct bd_txn *txn, struct bd_bytes key, const struct bd_case_place *place)
{
	struct bd_case_record earlier;
	struct bd_case_entry entry;
	struct bd_bytes value;
	bool found = false;
	enum bd_code code;

	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->case_places, key));
	if (!found || !bd_case_entry_unpack(&entry, value) ||
		bd_case_is_same_place(&entry.place, place)) {
		return BD_OK;
	}
	code = bd_case_load(&earlier, txn->store, txn->store->seal, &entry.place, &txn->arena);
	if (code == BD_CASE_ERASED || code == BD_STORE_DAMAGED) {
		return BD_OK;
	}
	/* Nobody would find it any more to erase it. */
	code = code == BD_OK ? bd_case_unlist(txn, &earlier, false) : code;
	code = code == BD_OK ? bd_owed_drop(txn, (const uint8_t *)key.ptr, &txn->arena) : code;
	return code == BD_OK ? bd_case_wipe_one(txn->store, &entry.place, txn->diag) : code;
}

static enum bd_code put_entry(
	struct bd_txn *txn, const struct bd_case_head *head, const struct bd_case_entry *entry)
{
	char key_room[BD_TRAIL_ID_BYTES], room[64];
	struct bd_buf key = { key_room, 0, sizeof(key_room), sizeof(key_room) },
		      value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_trail_id_pack(&key, &head->receipt));
	BD_TRY(drop_earlier(txn, bd_buf_bytes(&key), &entry->place));
	BD_TRY(bd_case_entry_pack(&value, entry));
	return bd_txn_put(txn, txn->store->case_places, bd_buf_bytes(&key), bd_buf_bytes(&value));
}

static struct bd_case_entry entry_of(
	const struct bd_case_head *head, const struct bd_case_place *place)
{
	struct bd_case_entry entry = { .place = *place,
		.at_ms = head->at_ms,
		.has_number = (head->flags & BD_CASE_HAS_NUMBER) != 0 };

	memcpy(entry.number, head->number, sizeof(entry.number));
	return entry;
}

/* A record on its way into the index; opened where that has to be. */
struct adding {
	struct bd_case_head head;
	struct bd_case_place place;
	struct bd_bytes sealed;
	struct bd_case_record record;
	bool is_open;
};

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
static enum bd_code find_keys(struct adding *one, struct bd_txn *txn)
{
	const struct bd_case_head *head = &one->head;

	if (bd_case_is_erased(head)) {
		return BD_CASE_ERASED;
	}
	if (head->has_keys && head->generation == bd_seal_generation(txn->store->seal) &&
		(head->flags & BD_CASE_HAS_MORE) == 0) {
		return BD_OK;
	}
	BD_TRY(open_one(one, txn));
	return head_of(&one->head, txn, &one->record);
}

static enum bd_code tell_sinks(struct adding *one, struct bd_txn *txn)
{
	for (struct bd_case_sink *sink = txn->store->cases->sinks; sink != NULL;
		sink = sink->next) {
		bool is_wanted = false;
		enum bd_code code;

		BD_TRY(sink->wants(&is_wanted, sink, txn, &one->head));
		if (!is_wanted) {
			continue;
		}
		code = open_one(one, txn);
		if (code == BD_STORE_DAMAGED) {
			/* Whoever asks for it is told so. */
			return BD_OK;
		}
		BD_TRY(code);
		BD_TRY(sink->added(sink, txn, &one->head, &one->record, &txn->arena));
	}
	return BD_OK;
}

static enum bd_code add(struct adding *one, struct bd_txn *txn)
{
	struct bd_case_entry entry;
	bool is_overtaken = false;
	enum bd_code code;

	bd_arena_clear(&txn->arena);
	code = find_keys(one, txn);
	if (code == BD_STORE_DAMAGED || code == BD_CASE_ERASED) {
		/* Whoever asks for it is told so. */
		entry = (struct bd_case_entry){ .place = one->place, .at_ms = one->head.at_ms };
		return put_entry(txn, &one->head, &entry);
	}
	BD_TRY(code);
	entry = entry_of(&one->head, &one->place);
	BD_TRY(put_entry(txn, &one->head, &entry));
	BD_TRY(bd_case_is_overtaken(&is_overtaken, txn, &one->head));
	if (is_overtaken) {
		txn->store->cases->overtaken++;
		BD_TRY(each_key(txn, &one->head, OF_NUMBER, put_key));
		return bd_case_wipe_one(txn->store, &one->place, txn->diag);
	}
	BD_TRY(each_key(txn, &one->head, OF_NUMBER | OF_SUBJECTS, put_key));
	return tell_sinks(one, txn);
}

static enum bd_code put_cursor(struct bd_txn *txn, const struct bd_case_place *at)
{
	char name[BD_CASES_CURSOR_BYTES], room[8];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	bd_cases_cursor_name(name, at->loop);
	BD_TRY(bd_buf_add_u32(&value, at->segment));
	BD_TRY(bd_buf_add_u32(&value, at->offset));
	return bd_txn_put(txn, txn->store->meta, bd_bytes_of(name), bd_buf_bytes(&value));
}

/* -- steps -- */

struct step {
	struct bd_case_place read[BD_TRAIL_LOOPS_MAX];
	bool has_moved[BD_TRAIL_LOOPS_MAX];
	size_t left; /* records that may still be taken */
};

bool bd_case_is_before(const struct bd_case_place *a, const struct bd_case_place *b)
{
	return a->segment < b->segment || (a->segment == b->segment && a->offset < b->offset);
}

/* What the index leads to is on disk before the index is. */
static enum bd_code sync_reader(const struct bd_case_reader *reader, struct bd_diag *diag)
{
	return reader->fd < 0 || fdatasync(reader->fd) == 0
		       ? BD_OK
		       : bd_fail(diag, BD_STORE_SYNC, "cases: sync");
}

static enum bd_code index_series(
	struct step *step, struct bd_txn *txn, const struct bd_case_series *series)
{
	enum bd_case_step found = BD_CASE_STEP_RECORD;
	struct bd_case_place place;
	struct bd_case_reader reader;
	struct adding one;
	enum bd_code code = BD_OK;

	bd_case_reader_open(&reader, txn->store, &series->read);
	while (code == BD_OK && step->left > 0 && found == BD_CASE_STEP_RECORD &&
		bd_txn_dirty_bytes(txn) < BD_TXN_MAX_BYTES / 2) {
		one.is_open = false;
		code = bd_case_reader_next(&found, &one.head, &one.place, &one.sealed, &reader,
			&series->end, txn->diag);
		if (code != BD_OK) {
			break;
		}
		place = one.place;
		if (found == BD_CASE_STEP_RECORD) {
			code = add(&one, txn);
			step->left--;
		} else if (found == BD_CASE_STEP_BROKEN && place.segment < series->end.segment) {
			bd_log(BD_LOG_ERROR, "cases", "damaged", "file %04x-%08x at %u", place.loop,
				place.segment, place.offset);
			reader.at = (struct bd_case_place){ place.loop, place.segment + 1,
				BD_CASE_FILE_HEAD_BYTES };
			found = BD_CASE_STEP_RECORD;
		}
	}
	code = code == BD_OK ? sync_reader(&reader, txn->diag) : code;
	code = code == BD_OK ? put_cursor(txn, &reader.at) : code;
	step->read[series->end.loop] = reader.at;
	step->has_moved[series->end.loop] = true;
	bd_case_reader_close(&reader);
	return code;
}

static enum bd_code index_all(struct step *step, struct bd_txn *txn)
{
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX && step->left > 0; i++) {
		struct bd_case_series series = bd_cases_series(txn->store, (uint16_t)i);

		if (series.is_there && bd_case_is_before(&series.read, &series.end)) {
			BD_TRY(index_series(step, txn, &series));
		}
	}
	return BD_OK;
}

static void publish(struct bd_store *store, const struct step *step)
{
	pthread_mutex_lock(&store->cases->lock);
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX; i++) {
		if (step->has_moved[i]) {
			store->cases->series[i].read = step->read[i];
		}
	}
	pthread_mutex_unlock(&store->cases->lock);
}

bool bd_cases_is_behind(struct bd_store *store)
{
	bool is_behind = false;

	pthread_mutex_lock(&store->cases->lock);
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX && !is_behind; i++) {
		const struct bd_case_series *series = &store->cases->series[i];

		is_behind = series->is_there && bd_case_is_before(&series->read, &series->end);
	}
	pthread_mutex_unlock(&store->cases->lock);
	return is_behind;
}

enum bd_code bd_cases_index(struct bd_store *store, bool *has_more, struct bd_diag *diag)
{
	struct step step = { .left = BD_CASES_INDEX_MAX };
	struct bd_txn txn;
	enum bd_code code;

	*has_more = false;
	if (!bd_cases_is_behind(store)) {
		return BD_OK;
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = bd_txn_end(&txn, index_all(&step, &txn));
	}
	bd_txn_close(&txn);
	if (code == BD_OK) {
		publish(store, &step);
		*has_more = bd_cases_is_behind(store);
	}
	return code;
}
