/* erase.c - lawful erasure: the salts of a subject, and of every case in which it was looked at,
 * are overwritten, and nothing of it can be read. */
#include "store/erase.h"

#include "base/limits.h"
#include "base/try.h"
#include "store/history.h"

#define ARENA_BYTES ((size_t)BD_REQUEST_ARENA_MAX_BYTES)

static enum bd_code erase_node(
	struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t *erased)
{
	struct bd_store *store = txn->store;
	struct bd_bytes name = { (const char *)key, BD_NODE_KEY_BYTES }, value;
	struct bd_node_head head;
	bool found = false;

	BD_TRY(bd_txn_get(&value, &found, txn, store->nodes, name));
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
	return bd_txn_put(txn, store->nodes, name, bd_buf_bytes(&txn->sealed));
}

/* Under each of its names. */
static enum bd_code erase_nodes(struct bd_txn *txn, const uint8_t (*keys)[BD_NODE_KEY_BYTES],
	size_t count, int64_t now_ms, uint64_t *erased)
{
	for (size_t i = 0; i < count; i++) {
		BD_TRY(erase_node(txn, keys[i], erased));
		BD_TRY(bd_case_note_erased(txn, keys[i], now_ms));
	}
	return BD_OK;
}

/* Leads to this subject alone. */
static enum bd_code is_own(bool *out, struct bd_store_reader *reader,
	const struct bd_identifier *name, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_held *held = NULL;

	BD_TRY(bd_store_lookup(&held, reader, name, 1, &bd_wanted_all, arena, diag));
	*out = held->status != BD_HELD_AMBIGUOUS;
	return BD_OK;
}

static enum bd_code find_names(const struct bd_identifier **out, size_t *count,
	struct bd_store_reader *reader, const struct bd_identifier *identifier,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_identifier *names;
	struct bd_held *held = NULL;

	BD_TRY(bd_store_lookup(&held, reader, identifier, 1, &bd_wanted_all, arena, diag));
	if (held->status == BD_HELD_AMBIGUOUS) {
		return bd_fail(diag, BD_SUBJECT_AMBIGUOUS, "%s", "");
	}
	names = bd_arena_alloc(arena, held->identifier_count + 1, sizeof(*names));
	if (names == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	names[0] = *identifier;
	*count = 1;
	for (size_t i = 0; i < held->identifier_count; i++) {
		bool own = false;

		BD_TRY(is_own(&own, reader, &held->identifiers[i], arena, diag));
		if (own) {
			names[(*count)++] = held->identifiers[i];
		}
	}
	*out = names;
	return BD_OK;
}

/* The names that it goes by now, the one that was given among them. */
static enum bd_code read_names(const struct bd_identifier **out, size_t *count,
	struct bd_store *store, const struct bd_identifier *identifier, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct bd_store_reader *reader = NULL;
	enum bd_code code = bd_store_reader_new(&reader, store, diag);

	code = code == BD_OK ? bd_store_begin(reader, diag) : code;
	code = code == BD_OK ? find_names(out, count, reader, identifier, arena, diag) : code;
	bd_store_reader_free(reader);
	return code;
}

static enum bd_code blind_names(uint8_t (**out)[BD_NODE_KEY_BYTES], struct bd_store *store,
	const struct bd_identifier *names, size_t count, struct bd_arena *arena)
{
	uint8_t(*keys)[BD_NODE_KEY_BYTES] = bd_arena_alloc(arena, count, sizeof(*keys));

	if (keys == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < count; i++) {
		BD_TRY(bd_seal_blind(store->seal, &names[i], keys[i]));
	}
	*out = keys;
	return BD_OK;
}

/* The store first: from then on nobody reads it anew. */
static enum bd_code erase_all(struct bd_txn *txn, struct bd_store_erased *erased,
	const uint8_t (*keys)[BD_NODE_KEY_BYTES], size_t count, int64_t now_ms)
{
	BD_TRY(bd_txn_begin(txn));
	txn->now_ms = now_ms;
	BD_TRY(bd_txn_end(txn, erase_nodes(txn, keys, count, now_ms, &erased->nodes)));
	BD_TRY(bd_cases_catch_up(txn->store, &erased->cases, txn->diag));
	for (size_t i = 0; i < count; i++) {
		BD_TRY(bd_cases_erase_listed(txn, keys[i], &erased->cases));
	}
	return BD_OK;
}

enum bd_code bd_store_erase(struct bd_store *store, const struct bd_identifier *identifier,
	int64_t now_ms, struct bd_store_erased *out, struct bd_diag *diag)
{
	struct bd_store_erased erased = { 0, 0 };
	const struct bd_identifier *names = NULL;
	uint8_t(*keys)[BD_NODE_KEY_BYTES] = NULL;
	struct bd_arena arena;
	struct bd_txn txn;
	size_t count = 0;
	enum bd_code code;

	bd_arena_init(&arena, ARENA_BYTES);
	code = read_names(&names, &count, store, identifier, &arena, diag);
	code = code == BD_OK ? blind_names(&keys, store, names, count, &arena) : code;
	if (code == BD_OK) {
		bd_txn_open(&txn, store, diag);
		code = erase_all(
			&txn, &erased, (const uint8_t(*)[BD_NODE_KEY_BYTES])keys, count, now_ms);
		bd_txn_close(&txn);
	}
	bd_arena_release(&arena);
	if (out != NULL) {
		*out = erased;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}
