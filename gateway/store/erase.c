/* erase.c - lawful erasure: the salts of a subject, and of every case in which it was looked at,
 * are overwritten, and nothing of it can be read; what others say of it is taken out of their rows
 * (erase_turn.h). */
#include "store/erase.h"

#include "base/limits.h"
#include "base/try.h"
#include "store/erase_kept.h"
#include "store/erase_turn.h"
#include "store/erase_who.h"
#include "store/history.h"
#include "store/places.h"

#include <string.h>

#define ARENA_BYTES ((size_t)BD_REQUEST_ARENA_MAX_BYTES)

/* -- its own -- */

static enum bd_code erase_node(
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t *erased)
{
	struct bd_store *store = txn->store;
	struct bd_bytes value;
	struct bd_node_head head;
	bool found = false;

	BD_TRY(bd_place_get(&value, &found, store, txn->mdb, key, txn->diag));
	if (!found) {
		return BD_OK;
	}
	BD_TRY(bd_node_head_read(&head, value));
	if (head.sealed.len == 0) {
		return BD_OK;
	}
	++*erased;
	BD_TRY(bd_salts_erase(&store->salts, head.slot));
	BD_TRY(bd_salts_sync(&store->salts));
	bd_buf_clear(&txn->plain);
	bd_buf_clear(&txn->sealed);
	BD_TRY(bd_buf_add(&txn->plain, value));
	BD_TRY(bd_history_keep_node(txn, key, bd_buf_bytes(&txn->plain)));
	BD_TRY(bd_node_head_pack(&txn->sealed, head.slot, txn->commit));
	return bd_place_put(txn, key, head.slot, bd_buf_bytes(&txn->sealed));
}

/* Under each of its names. */
static enum bd_code erase_nodes(
	struct bd_txn *txn, const struct bd_erase_who *who, int64_t now_ms, uint64_t *erased)
{
	for (size_t i = 0; i < who->name_count; i++) {
		BD_TRY(erase_node(txn, who->keys[i], erased));
		BD_TRY(bd_case_note_erased(txn, who->keys[i], now_ms));
	}
	return BD_OK;
}

static enum bd_code erase_own(struct bd_txn *txn, const struct bd_erase_who *who, int64_t now_ms,
	struct bd_store_erased *erased)
{
	BD_TRY(bd_txn_begin(txn));
	txn->now_ms = now_ms;
	return bd_txn_end(txn, erase_nodes(txn, who, now_ms, &erased->nodes));
}

/* -- what others say of it -- */

static bool is_own(const struct bd_erase_who *who, const uint8_t key[BD_NODE_KEY_BYTES])
{
	for (size_t i = 0; i < who->name_count; i++) {
		if (memcmp(who->keys[i], key, BD_NODE_KEY_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

static enum bd_code first_pair(uint8_t pair[2 * BD_NODE_KEY_BYTES], bool *found, struct bd_txn *txn,
	const uint8_t key[BD_NODE_KEY_BYTES])
{
	MDB_val at = { BD_NODE_KEY_BYTES, (void *)key }, value;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn->mdb, txn->store->links, &cursor);

	*found = false;
	if (result != 0) {
		return bd_txn_fail(txn, result, "links");
	}
	result = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
	if (result == 0 && at.mv_size == 2 * BD_NODE_KEY_BYTES &&
		memcmp(at.mv_data, key, BD_NODE_KEY_BYTES) == 0) {
		memcpy(pair, at.mv_data, 2 * BD_NODE_KEY_BYTES);
		*found = true;
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "links");
}

/* Whoever speaks of it under this name; its own other names do not need to be turned. *found false:
 * nobody is left. */
static enum bd_code find_holder(uint8_t holder[BD_NODE_KEY_BYTES], bool *found, struct bd_txn *txn,
	const struct bd_erase_who *who, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint8_t pair[2 * BD_NODE_KEY_BYTES];

	for (;;) {
		BD_TRY(first_pair(pair, found, txn, key));
		if (!*found || !is_own(who, pair + BD_NODE_KEY_BYTES)) {
			break;
		}
		BD_TRY(bd_txn_delete(txn, txn->store->links,
			(struct bd_bytes){ (const char *)pair, sizeof(pair) }));
	}
	if (*found) {
		memcpy(holder, pair + BD_NODE_KEY_BYTES, BD_NODE_KEY_BYTES);
	}
	return BD_OK;
}

static enum bd_code turn_all_of(struct bd_txn *txn, struct bd_erase_who *who,
	const uint8_t key[BD_NODE_KEY_BYTES], struct bd_store_erased *erased)
{
	uint8_t holder[BD_NODE_KEY_BYTES];
	bool found = true;

	while (found) {
		BD_TRY(bd_txn_begin(txn));
		BD_TRY(bd_txn_end(txn, find_holder(holder, &found, txn, who, key)));
		if (found) {
			BD_TRY(bd_erase_turn(txn, who, holder));
			BD_TRY(bd_cases_erase_naming(txn, who, holder, &erased->cases));
			erased->others++;
		}
	}
	return BD_OK;
}

/* One that a killed process had begun comes first. */
static enum bd_code turn_unturned(
	struct bd_txn *txn, struct bd_erase_who *who, struct bd_store_erased *erased)
{
	uint8_t holder[BD_NODE_KEY_BYTES];
	bool found = false;
	enum bd_code code;

	BD_TRY(bd_txn_begin(txn));
	code = bd_erase_unturned(holder, &found, txn);
	bd_txn_drop(txn);
	if (code != BD_OK || !found) {
		return code;
	}
	BD_TRY(bd_erase_turn(txn, who, holder));
	erased->others++;
	return bd_cases_erase_naming(txn, who, holder, &erased->cases);
}

static enum bd_code turn_all(
	struct bd_txn *txn, struct bd_erase_who *who, struct bd_store_erased *erased)
{
	BD_TRY(turn_unturned(txn, who, erased));
	for (size_t i = 0; i < who->name_count; i++) {
		BD_TRY(turn_all_of(txn, who, who->keys[i], erased));
	}
	return BD_OK;
}

/* -- the whole -- */

static enum bd_code erase_cases(
	struct bd_txn *txn, const struct bd_erase_who *who, struct bd_store_erased *erased)
{
	BD_TRY(bd_cases_catch_up(txn->store, &erased->cases, txn->diag));
	for (size_t i = 0; i < who->name_count; i++) {
		BD_TRY(bd_cases_erase_listed(txn, who->keys[i], &erased->cases));
	}
	return BD_OK;
}

/* The store's own first: from then on nobody reads it anew. Each part can be done again. */
static enum bd_code erase_all(struct bd_txn *txn, struct bd_erase_who *who, uint64_t noted,
	int64_t now_ms, struct bd_store_erased *erased)
{
	bd_store_reach(txn->store, "erase.noted");
	BD_TRY(erase_own(txn, who, now_ms, erased));
	bd_store_reach(txn->store, "erase.own");
	BD_TRY(erase_cases(txn, who, erased));
	BD_TRY(turn_all(txn, who, erased));
	BD_TRY(bd_erase_kept(txn, who));
	BD_TRY(bd_erase_forget(txn, noted));
	bd_store_reach(txn->store, "erase.forgotten");
	return bd_erase_overwrite(txn);
}

static enum bd_code finish(struct bd_txn *txn)
{
	struct bd_store_erased erased = { 0, 0, 0 };
	struct bd_erase_who who;
	struct bd_arena arena;
	enum bd_code code = BD_OK;
	bool found = true;

	bd_arena_init(&arena, ARENA_BYTES);
	while (code == BD_OK && found) {
		uint64_t noted = 0;
		int64_t now_ms = 0;

		bd_arena_clear(&arena);
		code = bd_erase_find_noted(&who, &noted, &now_ms, &found, txn, &arena);
		code = code == BD_OK && found ? erase_all(txn, &who, noted, now_ms, &erased) : code;
	}
	bd_arena_release(&arena);
	code = code == BD_OK ? bd_erase_overwrite(txn) : code;
	txn->store->has_erasures = code != BD_OK;
	return code;
}

enum bd_code bd_store_erase_finish(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	if (!store->has_erasures || bd_store_has_work(store)) {
		return BD_OK;
	}
	bd_txn_open(&txn, store, diag);
	code = finish(&txn);
	bd_txn_close(&txn);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "erasure");
}

enum bd_code bd_store_erase(struct bd_store *store, const struct bd_erasure *erasure,
	struct bd_store_erased *out, struct bd_diag *diag)
{
	struct bd_store_erased erased = { 0, 0, 0 };
	struct bd_erase_who who;
	struct bd_arena arena;
	struct bd_txn txn;
	uint64_t noted = 0;
	enum bd_code code;

	bd_arena_init(&arena, ARENA_BYTES);
	bd_txn_open(&txn, store, diag);
	code = finish(&txn);
	code = code == BD_OK ? bd_erase_who_read(&who, store, erasure, &arena, diag) : code;
	code = code == BD_OK ? bd_erase_note(&noted, &txn, &who, erasure->now_ms) : code;
	code = code == BD_OK ? erase_all(&txn, &who, noted, erasure->now_ms, &erased) : code;
	store->has_erasures = code != BD_OK;
	bd_txn_close(&txn);
	bd_arena_release(&arena);
	if (out != NULL) {
		*out = erased;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}
