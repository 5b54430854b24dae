#include "store/reseal.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "store/case_reseal.h"
#include "store/dispute.h"
#include "store/history.h"
#include "store/kept.h"
#include "store/obligations_form.h"
#include "store/secrets.h"
#include "store/spool_form.h"
#include "store/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one transaction: some milliseconds, between which messages are taken. */
#define STEP_ROWS 4096
#define STEP_BYTES ((size_t)1048576)
/* The longest name of a sealed database. */
#define KEY_MAX_BYTES 511
#define STATE_NAME "reseal"
#define STATE_MAX_BYTES (4 + 1 + 8 + KEY_MAX_BYTES)

/* -- where the sealed part of a row is -- */

struct row {
	struct bd_bytes key, value;
	/* Found: what is sealed begins at `at` of the value, and is bound to `name`. */
	struct bd_bytes name;
	size_t at;
	bool is_message; /* under the salt of messages; else under that of the slot */
	uint64_t slot;
};

static uint64_t u64_at(struct bd_bytes bytes, size_t at)
{
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ bytes.ptr + at, 8 });

	return bd_read_u64(&reader);
}

/* False: nothing of this row is sealed. room takes a name that stands nowhere. */
typedef bool (*locate_t)(struct row *row, struct bd_buf *room);

static bool locate_node(struct row *row, struct bd_buf *room)
{
	(void)room;
	if (row->value.len <= 16 || row->key.len < BD_NODE_KEY_BYTES) {
		return false;
	}
	row->name = (struct bd_bytes){ row->key.ptr + row->key.len - BD_NODE_KEY_BYTES,
		BD_NODE_KEY_BYTES };
	row->slot = u64_at(row->value, 0);
	row->at = 16;
	return true;
}

/* The key of a commit alone has when it was. */
static bool locate_history(struct row *row, struct bd_buf *room)
{
	return row->key.len == 8 + BD_NODE_KEY_BYTES && locate_node(row, room);
}

static bool locate_dispute(struct row *row, struct bd_buf *room)
{
	(void)room;
	if (row->key.len != BD_DISPUTE_NAME_BYTES || row->value.len <= BD_NODE_KEY_BYTES + 8) {
		return false;
	}
	row->name = row->key;
	row->slot = u64_at(row->value, BD_NODE_KEY_BYTES);
	row->at = BD_NODE_KEY_BYTES + 8;
	return true;
}

static bool locate_message(struct row *row, struct bd_buf *room)
{
	struct bd_kept kept;

	(void)room;
	if (!bd_kept_read(&kept, row->value)) {
		return false;
	}
	row->name = row->key;
	row->at = kept.at;
	row->is_message = !kept.has_slot;
	row->slot = kept.slot;
	return true;
}

static bool locate_event(struct row *row, struct bd_buf *room)
{
	(void)room;
	row->name = row->key;
	row->at = 8;
	row->is_message = true;
	return row->value.len > 8;
}

/* The shorter ones say how far a client was told. */
static bool locate_watch(struct row *row, struct bd_buf *room)
{
	return row->key.len == BD_WATCH_KEY_BYTES && locate_event(row, room);
}

static bool locate_owed(struct row *row, struct bd_buf *room)
{
	struct bd_owed_parts parts;
	struct bd_owed owed;

	if (row->key.len != BD_OWED_ID_BYTES ||
		bd_owed_unpack(&owed, &parts, row->value) != BD_OK || parts.sealed.len == 0) {
		return false;
	}
	bd_buf_clear(room);
	if (bd_buf_add(room, row->key) != BD_OK || bd_buf_add(room, parts.clear) != BD_OK) {
		return false;
	}
	row->name = bd_buf_bytes(room);
	row->slot = owed.slot;
	row->at = row->value.len - parts.sealed.len;
	return true;
}

#define DATABASES 6
struct database {
	size_t offset; /* of its number in struct bd_store */
	locate_t locate;
};
static const struct database databases[DATABASES] = {
	{ offsetof(struct bd_store, nodes), locate_node },
	{ offsetof(struct bd_store, history), locate_history },
	{ offsetof(struct bd_store, disputes), locate_dispute },
	{ offsetof(struct bd_store, messages), locate_message },
	{ offsetof(struct bd_store, watches), locate_watch },
	{ offsetof(struct bd_store, obligations), locate_owed },
};

static MDB_dbi dbi_of(const struct bd_store *store, size_t database)
{
	MDB_dbi dbi;

	memcpy(&dbi, (const char *)store + databases[database].offset, sizeof(dbi));
	return dbi;
}

/* -- how far it is: in meta, with each transaction -- */

struct bd_reseal {
	uint32_t target; /* that the walk is for */
	uint8_t database;
	uint64_t done;
	uint8_t key[KEY_MAX_BYTES]; /* the last that was looked at; none = from the first */
	size_t key_len;
	bool is_loaded, is_done;
	struct bd_case_reseal cases;
	struct bd_reseal_state shown; /* under the store's lock */
};

static uint32_t target_of(const struct bd_store *store)
{
	return __atomic_load_n(&store->ring->target, __ATOMIC_ACQUIRE);
}

static enum bd_code load(struct bd_reseal *reseal, struct bd_txn *txn)
{
	struct bd_bytes value = { "", 0 };
	struct bd_reader reader;
	bool found = false;

	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->meta, bd_bytes_of(STATE_NAME)));
	reader = bd_reader_of(value);
	reseal->target = bd_read_u32(&reader);
	reseal->database = bd_read_u8(&reader);
	reseal->done = bd_read_u64(&reader);
	reseal->key_len = reader.rest.len;
	if (found && (!reader.ok || reseal->key_len > KEY_MAX_BYTES)) {
		return BD_STORE_DAMAGED;
	}
	if (reseal->key_len > 0) {
		memcpy(reseal->key, reader.rest.ptr, reseal->key_len);
	}
	reseal->is_loaded = true;
	if (!found || reseal->target != target_of(txn->store)) {
		reseal->target = target_of(txn->store);
		reseal->database = 0;
		reseal->done = 0;
		reseal->key_len = 0;
	}
	return BD_OK;
}

static enum bd_code save(const struct bd_reseal *reseal, struct bd_txn *txn)
{
	char room[STATE_MAX_BYTES];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u32(&value, reseal->target));
	BD_TRY(bd_buf_add_u8(&value, reseal->database));
	BD_TRY(bd_buf_add_u64(&value, reseal->done));
	BD_TRY(bd_buf_add(&value, (struct bd_bytes){ (const char *)reseal->key, reseal->key_len }));
	return bd_txn_put(txn, txn->store->meta, bd_bytes_of(STATE_NAME), bd_buf_bytes(&value));
}

/* -- rows -- */

struct step {
	struct bd_reseal *reseal;
	struct bd_txn *txn;
	MDB_cursor *cursor;
	struct bd_buf name;
	size_t rows, bytes;
};

/* The key is a copy: a put may move the page that the row's stands in before it writes the key
 * anew. */
static enum bd_code close_again(
	struct step *step, const struct row *row, const uint8_t salt[BD_SALT_BYTES])
{
	struct bd_txn *txn = step->txn;
	struct bd_seal *seal = txn->store->seal;
	struct bd_bytes sealed = { row->value.ptr + row->at, row->value.len - row->at };
	MDB_val key = { step->reseal->key_len, step->reseal->key }, value;
	int result;

	bd_buf_clear(&txn->plain);
	bd_buf_clear(&txn->sealed);
	BD_TRY(bd_seal_open(seal, &txn->plain, salt, row->name, sealed));
	BD_TRY(bd_buf_add(&txn->sealed, (struct bd_bytes){ row->value.ptr, row->at }));
	BD_TRY(bd_seal_close(seal, &txn->sealed, salt, row->name, bd_buf_bytes(&txn->plain)));
	value = (MDB_val){ txn->sealed.len, txn->sealed.ptr };
	result = mdb_cursor_put(step->cursor, &key, &value, MDB_CURRENT);
	step->bytes += txn->sealed.len;
	return result == 0 ? BD_OK : bd_txn_fail(txn, result, "reseal");
}

static enum bd_code reseal_row(struct step *step, struct row *row, locate_t locate)
{
	struct bd_store *store = step->txn->store;
	uint8_t salt[BD_SALT_BYTES];
	enum bd_code code;

	if (!locate(row, &step->name) ||
		bd_seal_is_current(store->seal,
			(struct bd_bytes){ row->value.ptr + row->at, row->value.len - row->at })) {
		return BD_OK;
	}
	if (row->is_message) {
		memcpy(salt, store->message_salt, sizeof(salt));
	} else if (!bd_salts_get_own(salt, &store->salts, row->slot)) {
		return BD_OK;
	}
	code = close_again(step, row, salt);
	if (code == BD_STORE_DAMAGED) {
		step->reseal->cases.damaged++;
		return BD_OK;
	}
	return code;
}

/* The row behind the last; its first after it, where that is gone. */
static int find_next(struct step *step, MDB_val *key, MDB_val *value)
{
	struct bd_reseal *reseal = step->reseal;
	int result;

	if (reseal->key_len == 0) {
		return mdb_cursor_get(step->cursor, key, value, MDB_FIRST);
	}
	*key = (MDB_val){ reseal->key_len, reseal->key };
	result = mdb_cursor_get(step->cursor, key, value, MDB_SET_RANGE);
	if (result == 0 && key->mv_size == reseal->key_len &&
		memcmp(key->mv_data, reseal->key, reseal->key_len) == 0) {
		result = mdb_cursor_get(step->cursor, key, value, MDB_NEXT);
	}
	return result;
}

static enum bd_code walk(struct step *step, const struct database *database)
{
	struct bd_reseal *reseal = step->reseal;
	MDB_val key, value;
	int result = find_next(step, &key, &value);

	while (result == 0 && step->rows < STEP_ROWS && step->bytes < STEP_BYTES) {
		struct row row = { .key = { key.mv_data, key.mv_size },
			.value = { value.mv_data, value.mv_size } };

		reseal->key_len = key.mv_size;
		memcpy(reseal->key, key.mv_data, key.mv_size);
		BD_TRY(reseal_row(step, &row, database->locate));
		step->rows++;
		reseal->done++;
		result = mdb_cursor_get(step->cursor, &key, &value, MDB_NEXT);
	}
	if (result == MDB_NOTFOUND) {
		reseal->database++;
		reseal->key_len = 0;
		result = 0;
	}
	return result == 0 ? BD_OK : bd_txn_fail(step->txn, result, "reseal");
}

static enum bd_code reseal_rows(struct bd_reseal *reseal, struct bd_txn *txn)
{
	struct step step = { .reseal = reseal, .txn = txn };
	enum bd_code code;
	int result;

	result = mdb_cursor_open(txn->mdb, dbi_of(txn->store, reseal->database), &step.cursor);
	if (result != 0) {
		return bd_txn_fail(txn, result, "reseal");
	}
	bd_buf_init(&step.name, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES);
	code = walk(&step, &databases[reseal->database]);
	mdb_cursor_close(step.cursor);
	bd_buf_release(&step.name);
	return code == BD_OK ? save(reseal, txn) : code;
}

/* -- the end -- */

/* Is the first block of every spool sealed as it would be now? One that has none yet is not. */
static bool spools_are_current(const struct bd_store *store)
{
	char path[sizeof(store->folder) + 16];
	struct dirent *entry;
	bool is_current = true;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/spool", store->folder);
	folder = opendir(path);
	while (folder != NULL && is_current && (entry = readdir(folder)) != NULL) {
		char bytes[BD_SEAL_OVERHEAD];
		int fd;

		if (entry->d_name[0] == '.') {
			continue;
		}
		fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			continue; /* applied, and gone */
		}
		is_current =
			pread(fd, bytes, sizeof(bytes), (off_t)(BD_SPOOL_HEAD_BYTES + 4)) ==
				(ssize_t)sizeof(bytes) &&
			bd_seal_is_current(store->seal, (struct bd_bytes){ bytes, sizeof(bytes) });
		close(fd);
	}
	if (folder != NULL) {
		closedir(folder);
	}
	return is_current && folder != NULL;
}

static enum bd_code drop_epochs(struct bd_txn *txn)
{
	struct bd_store *store = txn->store;
	uint16_t epochs[BD_EPOCHS_MAX], epoch;
	enum bd_sealing sealing;
	size_t count = 0;

	bd_ring_target(&sealing, &epoch, store->ring);
	BD_TRY(bd_secrets_epochs(epochs, &count, store, txn->mdb, txn->diag));
	for (size_t i = 0; i < count; i++) {
		if (epochs[i] < epoch) {
			BD_TRY(bd_secrets_drop(store, txn->mdb, epochs[i], txn->diag));
		}
	}
	return BD_OK;
}

/* -- what is shown -- */

static enum bd_code show_needed(struct bd_reseal_state *state, struct bd_txn *txn)
{
	return bd_secrets_epochs(
		state->needed, &state->needed_count, txn->store, txn->mdb, txn->diag);
}

static uint64_t count_rows(struct bd_txn *txn)
{
	uint64_t total = bd_case_reseal_count(txn->store);

	for (size_t i = 0; i < DATABASES; i++) {
		MDB_stat stat;

		if (mdb_stat(txn->mdb, dbi_of(txn->store, i), &stat) == 0) {
			total += stat.ms_entries;
		}
	}
	return total;
}

static void show(struct bd_store *store, const struct bd_reseal_state *state)
{
	struct bd_reseal *reseal = store->reseal;

	pthread_mutex_lock(&store->lock);
	reseal->shown = *state;
	pthread_mutex_unlock(&store->lock);
}

void bd_store_reseal_state(struct bd_reseal_state *out, struct bd_store *store)
{
	pthread_mutex_lock(&store->lock);
	*out = store->reseal->shown;
	pthread_mutex_unlock(&store->lock);
	bd_ring_target(&out->sealing, &out->epoch, store->ring);
}

const char *bd_reseal_wait_name(enum bd_reseal_wait wait)
{
	static const char *const names[] = { [BD_RESEAL_NOTHING] = "",
		[BD_RESEAL_ROWS] = "rows",
		[BD_RESEAL_CASES] = "cases",
		[BD_RESEAL_SPOOLS] = "spools",
		[BD_RESEAL_OUTSIDE] = "repeats",
		[BD_RESEAL_DAMAGED] = "damaged" };

	return names[wait];
}

/* -- steps -- */

static enum bd_code step_rows(struct bd_reseal *reseal, struct bd_store *store,
	struct bd_reseal_state *state, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = reseal->is_loaded && reseal->target == target_of(store) ? BD_OK
									       : load(reseal, &txn);
		code = code == BD_OK ? show_needed(state, &txn) : code;
		state->total = count_rows(&txn);
		if (code == BD_OK && reseal->database < DATABASES) {
			code = reseal_rows(reseal, &txn);
		}
		bd_store_reach(store, "reseal.rows");
		code = bd_txn_end(&txn, code);
		bd_store_reach(store, "reseal.committed");
	}
	bd_txn_close(&txn);
	/* What was not committed is read anew. */
	reseal->is_loaded = code == BD_OK;
	return code;
}

static enum bd_code end(struct bd_reseal *reseal, struct bd_store *store,
	struct bd_reseal_state *state, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = drop_epochs(&txn);
		code = code == BD_OK ? show_needed(state, &txn) : code;
		bd_store_reach(store, "reseal.ending");
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	reseal->is_done = code == BD_OK;
	return code;
}

/* The walk over rows is over: case files, then what goes by itself. */
static enum bd_code step_rest(struct bd_reseal *reseal, struct bd_store *store,
	struct bd_reseal_state *state, bool outside_is_done, bool *has_more, struct bd_diag *diag)
{
	bool is_over = false, is_behind = false;

	BD_TRY(bd_case_reseal_step(&is_over, &is_behind, &reseal->cases, store, diag));
	*has_more = !is_over;
	if (!is_over || is_behind) {
		state->waits = BD_RESEAL_CASES;
	} else if (!spools_are_current(store)) {
		state->waits = BD_RESEAL_SPOOLS;
	} else if (!outside_is_done) {
		state->waits = BD_RESEAL_OUTSIDE;
	} else if (reseal->cases.damaged > 0) {
		state->waits = BD_RESEAL_DAMAGED;
	} else {
		state->waits = BD_RESEAL_NOTHING;
		return end(reseal, store, state, diag);
	}
	return BD_OK;
}

enum bd_code bd_store_reseal(
	struct bd_store *store, bool outside_is_done, bool *has_more, struct bd_diag *diag)
{
	struct bd_reseal *reseal = store->reseal;
	struct bd_reseal_state state;
	enum bd_code code = BD_OK;

	*has_more = false;
	if (reseal->is_done && reseal->target == target_of(store)) {
		return BD_OK;
	}
	if (reseal->target != target_of(store)) {
		reseal->is_done = false;
		bd_case_reseal_close(&reseal->cases, store);
		bd_case_reseal_open(&reseal->cases);
	}
	bd_store_reseal_state(&state, store);
	if (!reseal->is_loaded || reseal->target != target_of(store) ||
		reseal->database < DATABASES) {
		state.waits = BD_RESEAL_ROWS;
		code = step_rows(reseal, store, &state, diag);
		*has_more = code == BD_OK;
	} else {
		code = step_rest(reseal, store, &state, outside_is_done, has_more, diag);
	}
	state.done = reseal->done + reseal->cases.done;
	state.damaged = reseal->cases.damaged;
	show(store, &state);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "reseal");
}

/* -- a new epoch -- */

static enum bd_code note_epoch(
	struct bd_store *store, const struct bd_ring *ring, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = bd_txn_end(&txn, bd_secrets_add(store, txn.mdb, ring, diag));
	}
	bd_txn_close(&txn);
	return code;
}

/* Noted on disk before anything is sealed under it. */
enum bd_code bd_store_add_epoch(
	struct bd_store *store, const struct bd_key *key, struct bd_diag *diag)
{
	struct bd_ring *next = NULL;
	enum bd_sealing sealing;
	enum bd_code code;
	uint16_t epoch;

	bd_ring_target(&sealing, &epoch, store->ring);
	if (key->epoch <= epoch) {
		return BD_OK;
	}
	code = bd_ring_new(&next, &store->ring->keys, sealing);
	if (code == BD_OK) {
		next->roots = store->ring->roots;
		code = bd_ring_add(next, key);
	}
	code = code == BD_OK ? note_epoch(store, next, diag) : code;
	code = code == BD_OK ? bd_ring_add(store->ring, key) : code;
	bd_ring_free(next);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "epoch %u", key->epoch);
}

enum bd_code bd_store_check_epochs(bool *is_new, const struct bd_store *store,
	const struct bd_keys *keys, struct bd_diag *diag)
{
	enum bd_sealing sealing;
	uint16_t epoch;

	for (size_t i = 0; i < keys->count; i++) {
		const struct bd_key *own = bd_ring_find(store->ring, keys->items[i].epoch);

		if (own != NULL &&
			!bd_equal_secret(own->bytes, keys->items[i].bytes, sizeof(own->bytes))) {
			return bd_fail(diag, BD_STORE_KEY, "epoch %u is another key", own->epoch);
		}
	}
	bd_ring_target(&sealing, &epoch, store->ring);
	if (bd_keys_find(keys, epoch) == NULL) {
		return bd_fail(diag, BD_STORE_KEY,
			"epoch %u is not among the keys, and is sealed under", epoch);
	}
	*is_new = keys->items[keys->count - 1].epoch > epoch;
	return BD_OK;
}

/* -- with the store -- */

enum bd_code bd_reseal_open(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_reseal *reseal = calloc(1, sizeof(*reseal));

	if (reseal == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_case_reseal_open(&reseal->cases);
	reseal->shown.waits = BD_RESEAL_ROWS;
	reseal->shown.blinding =
		store->ring->roots.blindings[store->ring->roots.blinding_count - 1].algorithm;
	store->reseal = reseal;
	return bd_case_reseal_clean(store, diag);
}

void bd_reseal_close(struct bd_store *store)
{
	if (store->reseal != NULL) {
		bd_case_reseal_close(&store->reseal->cases, store);
		free(store->reseal);
	}
}
