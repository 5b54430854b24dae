#include "store/erase_kept.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "record/reject.h"
#include "store/erase_turn.h"
#include "store/kept.h"

#include <string.h>

#define STEP_BYTES ((size_t)4 << 20)
#define MESSAGE_BYTES 8 /* of a name */
static const char state_name[] = "erase.kept";

/* -- one entry -- */

static bool names_any(const struct bd_erase_who *who, const struct bd_identifier *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_erase_is_name_of(who, &ids[i]) || bd_erase_has_number(who, ids[i].number)) {
			return true;
		}
	}
	return false;
}

static bool rejects_it(const struct bd_erase_who *who, const struct bd_reject *reject)
{
	if (bd_erase_has_number(who, reject->raw) ||
		names_any(who, reject->subject, reject->subject_count)) {
		return true;
	}
	for (size_t i = 0; i < reject->row_count; i++) {
		const struct bd_reject_row *row = &reject->rows[i];

		if (bd_erase_has_number(who, row->key) ||
			names_any(who, row->subject, row->subject_count) ||
			names_any(who, row->other, row->other_count)) {
			return true;
		}
	}
	return false;
}

/* The rejects of an entry, in `out`, those that name it without what they name. */
static enum bd_code clean_rejects(struct bd_buf *out, bool *is_changed, struct bd_bytes rejects,
	const struct bd_erase_who *who, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(rejects);

	while (reader.rest.len > 0) {
		struct bd_bytes packed = bd_read_sized(&reader);
		struct bd_reject reject;
		struct bd_buf cleaned;
		enum bd_code code;

		BD_TRY(bd_reject_unpack(&reject, packed, arena));
		if (!rejects_it(who, &reject)) {
			BD_TRY(bd_buf_add_sized(out, packed));
			continue;
		}
		*is_changed = true;
		reject.raw = (struct bd_bytes){ "", 0 };
		reject.row_count = reject.subject_count = 0;
		bd_buf_init(&cleaned, packed.len + 64);
		code = bd_reject_pack(&cleaned, &reject);
		code = code == BD_OK ? bd_buf_add_sized(out, bd_buf_bytes(&cleaned)) : code;
		bd_buf_release(&cleaned);
		BD_TRY(code);
	}
	return BD_OK;
}

static bool recalls_it(const struct bd_erase_who *who, const struct bd_recall *recall)
{
	for (size_t i = 0; i < recall->with_count; i++) {
		if (bd_erase_has_number(who, recall->with[i].text) ||
			bd_erase_has_number(who, recall->with[i].native)) {
			return true;
		}
	}
	return false;
}

static enum bd_code clean_text(
	bool *is_changed, const char **text, const struct bd_erase_who *who, struct bd_arena *arena)
{
	struct bd_bytes was = bd_bytes_of(*text), is;

	BD_TRY(bd_erase_text(&is, was, who, arena));
	if (is.ptr == was.ptr) {
		return BD_OK;
	}
	*is_changed = true;
	*text = bd_arena_text(arena, is);
	return *text != NULL ? BD_OK : bd_arena_code(arena);
}

static enum bd_code clean_texts(bool *is_changed, struct bd_journal_entry *journal,
	const struct bd_erase_who *who, struct bd_arena *arena)
{
	struct bd_entry *entry = &journal->entry;

	if (journal->kind == BD_JOURNAL_DISPUTE) {
		BD_TRY(clean_text(is_changed, &entry->dispute.reason, who, arena));
		return clean_text(is_changed, &entry->dispute.reference, who, arena);
	}
	return journal->kind == BD_JOURNAL_RESOLUTION
		       ? clean_text(is_changed, &entry->resolution.reference, who, arena)
		       : BD_OK;
}

static void clean_rest(bool *is_changed, struct bd_entry *entry, const struct bd_erase_who *who)
{
	if (names_any(who, entry->subject, entry->subject_count)) {
		entry->subject_count = 0;
		*is_changed = true;
	}
	if (recalls_it(who, &entry->recall)) {
		entry->recall.with_count = 0;
		*is_changed = true;
	}
	if (names_any(who, &entry->dispute.subject, 1)) {
		entry->dispute.subject = (struct bd_identifier){ 0, { "", 0 }, { "", 0 } };
		*is_changed = true;
	}
}

/* A kept text without it, in `out`; or as it is. */
static enum bd_code clean(struct bd_buf *out, bool *is_changed, struct bd_bytes plain,
	const struct bd_erase_who *who, struct bd_arena *arena)
{
	struct bd_journal_entry journal;
	struct bd_buf rejects;
	uint64_t unchanged;
	enum bd_code code;

	*is_changed = false;
	bd_arena_clear(arena);
	BD_TRY(bd_kept_unpack(&journal, &unchanged, plain, arena));
	bd_buf_init(&rejects, journal.entry.rejects.len + 64);
	code = clean_rejects(&rejects, is_changed, journal.entry.rejects, who, arena);
	code = code == BD_OK ? clean_texts(is_changed, &journal, who, arena) : code;
	clean_rest(is_changed, &journal.entry, who);
	journal.entry.rejects = bd_buf_bytes(&rejects);
	bd_buf_clear(out);
	if (code == BD_OK && *is_changed) {
		code = bd_kept_pack(out, &journal, unchanged);
	} else if (code == BD_OK) {
		code = bd_buf_add(out, plain);
	}
	if (rejects.len > 0) {
		bd_wipe(rejects.ptr, rejects.len);
	}
	bd_buf_release(&rejects);
	return code;
}

/* -- all of them -- */

struct walk {
	struct bd_txn *txn;
	struct bd_erase_who *who;
	struct bd_buf cleaned;
	uint64_t was, is; /* slots */
	uint8_t salt[BD_SALT_BYTES];
	char last[MESSAGE_BYTES]; /* that was looked at */
	bool is_begun, is_over;
};

static enum bd_code load(struct walk *walk)
{
	struct bd_bytes value = { "", 0 };
	struct bd_txn *txn = walk->txn;
	struct bd_reader reader;
	struct bd_bytes last;

	BD_TRY(bd_txn_get(&value, &walk->is_begun, txn, txn->store->meta, bd_bytes_of(state_name)));
	if (!walk->is_begun) {
		memset(walk->last, 0, sizeof(walk->last));
		return BD_OK;
	}
	reader = bd_reader_of(value);
	walk->was = bd_read_u64(&reader);
	walk->is = bd_read_u64(&reader);
	last = bd_read_bytes(&reader, sizeof(walk->last));
	if (!reader.ok || !bd_salts_get_own(walk->salt, &txn->store->salts, walk->is)) {
		return BD_STORE_DAMAGED;
	}
	memcpy(walk->last, last.ptr, sizeof(walk->last));
	return BD_OK;
}

static enum bd_code save(struct walk *walk)
{
	char room[16 + MESSAGE_BYTES];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u64(&value, walk->was));
	BD_TRY(bd_buf_add_u64(&value, walk->is));
	BD_TRY(bd_buf_add(&value, (struct bd_bytes){ walk->last, sizeof(walk->last) }));
	return bd_txn_put(
		walk->txn, walk->txn->store->meta, bd_bytes_of(state_name), bd_buf_bytes(&value));
}

/* The next behind the last that has a slot; *found false: there is none. The value is copied. */
static enum bd_code next(
	struct bd_bytes *value, struct bd_kept *kept, bool *found, struct walk *walk)
{
	struct bd_txn *txn = walk->txn;
	MDB_val key = { sizeof(walk->last), walk->last }, data;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn->mdb, txn->store->messages, &cursor);

	*found = false;
	if (result != 0) {
		return bd_txn_fail(txn, result, "messages");
	}
	result = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
	while (result == 0 && !*found) {
		struct bd_bytes at = { data.mv_data, data.mv_size };

		if (key.mv_size == sizeof(walk->last) &&
			memcmp(key.mv_data, walk->last, sizeof(walk->last)) != 0 &&
			bd_kept_read(kept, at) && kept->has_slot) {
			memcpy(walk->last, key.mv_data, sizeof(walk->last));
			*value = at;
			*found = true;
			break;
		}
		result = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "messages");
}

/* Its text, into the transaction's buffer, and without it into the walk's. False in *is_open: it
 * cannot be opened, and so nobody can. */
static enum bd_code open_one(
	bool *is_open, bool *is_changed, struct walk *walk, struct bd_bytes value)
{
	const struct bd_bytes name = { walk->last, sizeof(walk->last) };
	struct bd_txn *txn = walk->txn;
	enum bd_code code;

	bd_buf_clear(&txn->plain);
	code = bd_kept_open(&txn->plain, txn->store->seal, txn->store, true, name, value);
	*is_open = code == BD_OK;
	if (code != BD_OK) {
		return code == BD_STORE_DAMAGED ? BD_OK : code;
	}
	return clean(
		&walk->cleaned, is_changed, bd_buf_bytes(&txn->plain), walk->who, &txn->node_arena);
}

/* The slot of the first that names it. */
static enum bd_code find_slot(bool *found, struct walk *walk)
{
	bool is_open = false, is_changed = false;
	struct bd_bytes value;
	struct bd_kept kept;

	do {
		BD_TRY(next(&value, &kept, found, walk));
		BD_TRY(*found ? open_one(&is_open, &is_changed, walk, value) : BD_OK);
	} while (*found && !(is_open && is_changed));
	if (*found) {
		walk->was = kept.slot;
	}
	return BD_OK;
}

/* What is received from now on goes under a slot of its own again. */
static enum bd_code begin_slot(struct walk *walk)
{
	struct bd_store *store = walk->txn->store;

	walk->is = store->next_slot;
	BD_TRY(bd_seal_random(store->seal, walk->salt, sizeof(walk->salt)));
	BD_TRY(bd_salts_set(&store->salts, walk->is, walk->salt));
	store->next_slot++;
	memset(walk->last, 0, sizeof(walk->last));
	BD_TRY(bd_kept_leave(walk->txn, walk->was));
	return save(walk);
}

static enum bd_code put_some(struct walk *walk)
{
	const struct bd_bytes name = { walk->last, sizeof(walk->last) };
	size_t bytes = 0;
	bool found = true;

	while (found && bytes < STEP_BYTES) {
		bool is_open = false, is_changed = false;
		struct bd_bytes value;
		struct bd_reader reader;
		struct bd_kept kept;
		int64_t received_ms;

		BD_TRY(next(&value, &kept, &found, walk));
		if (!found || kept.slot != walk->was) {
			continue;
		}
		reader = bd_reader_of(value);
		bytes += value.len;
		received_ms = (int64_t)bd_read_u64(&reader);
		BD_TRY(open_one(&is_open, &is_changed, walk, value));
		if (is_open) {
			BD_TRY(bd_kept_put_at(walk->txn, name, received_ms,
				bd_buf_bytes(&walk->cleaned), walk->is, walk->salt));
		}
	}
	if (found) {
		return save(walk);
	}
	BD_TRY(bd_erase_let_go(walk->txn, &walk->was, 1));
	return bd_txn_delete(walk->txn, walk->txn->store->meta, bd_bytes_of(state_name));
}

static enum bd_code step(struct walk *walk)
{
	bool found = false;

	BD_TRY(load(walk));
	if (walk->is_begun) {
		return put_some(walk);
	}
	BD_TRY(find_slot(&found, walk));
	walk->is_over = !found;
	return found ? begin_slot(walk) : BD_OK;
}

enum bd_code bd_erase_kept(struct bd_txn *txn, struct bd_erase_who *who)
{
	struct walk walk = { .txn = txn, .who = who };
	enum bd_code code = BD_OK;

	bd_buf_init(&walk.cleaned, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES + BD_NODE_MAX_BYTES);
	while (code == BD_OK && !walk.is_over) {
		code = bd_txn_begin(txn);
		code = code == BD_OK ? bd_txn_end(txn, step(&walk)) : code;
		bd_store_reach(txn->store, "erase.kept");
	}
	bd_buf_wipe(&walk.cleaned);
	return code;
}
