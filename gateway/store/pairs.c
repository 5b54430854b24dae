#include "store/pairs.h"

#include "base/limits.h"
#include "base/try.h"
#include "store/history.h"
#include "store/long.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_BYTES (2 * BD_NODE_KEY_BYTES)
#define NODE_ARENA_BYTES ((size_t)64 << 20)

enum { OWNERS = 0, LINKS, KINDS };

struct bd_pairs {
	struct bd_store *store;
	struct bd_spool *spools[KINDS]; /* by the first key of a pair, then by the second */
	uint64_t total, done;
};

bool bd_pairs_are_missing(const struct bd_store *store)
{
	return store->loading != 0;
}

void bd_pairs_free(struct bd_pairs *pairs)
{
	for (int kind = 0; pairs != NULL && kind < KINDS; kind++) {
		if (pairs->spools[kind] != NULL) {
			bd_spool_remove(pairs->store, bd_spool_id(pairs->spools[kind]));
			bd_spool_free(pairs->spools[kind]);
		}
	}
	free(pairs);
}

/* -- keeping -- */

/* The spool sorts by a key and a number: the number is the beginning of the second key. */
enum bd_code bd_pairs_keep(struct bd_pairs *pairs, bool is_link, const uint8_t *bytes,
	uint64_t since, struct bd_diag *diag)
{
	char room[BD_NODE_KEY_BYTES + 8];
	struct bd_buf rest = { room, 0, sizeof(room), sizeof(room) };
	struct bd_bytes second = { (const char *)bytes + BD_NODE_KEY_BYTES, BD_NODE_KEY_BYTES };
	struct bd_reader reader = bd_reader_of(second);

	BD_TRY(bd_buf_add(&rest, second));
	BD_TRY(bd_buf_add_u64(&rest, since));
	pairs->total++;
	return bd_spool_put(pairs->spools[is_link ? LINKS : OWNERS], bytes, bd_read_u64(&reader),
		bd_buf_bytes(&rest), diag);
}

/* -- after a crash: those of every node that was written since -- */

struct collecting {
	struct bd_store *store;
	MDB_txn *txn;
	struct bd_node_view view;
	struct bd_arena arena; /* of one node */
	struct bd_diag *diag;
};

static enum bd_code collect(struct collecting *at, bool is_link, const struct bd_identifier *from,
	const uint8_t to[BD_NODE_KEY_BYTES], uint64_t since)
{
	uint8_t bytes[PAIR_BYTES];

	BD_TRY(bd_seal_blind(at->store->seal, from, bytes));
	memcpy(bytes + BD_NODE_KEY_BYTES, to, BD_NODE_KEY_BYTES);
	return bd_pairs_keep(at->store->pairs, is_link, bytes, since, at->diag);
}

static enum bd_code collect_names(struct collecting *at, bool is_link,
	const struct bd_node_name *names, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t since)
{
	for (; names != NULL; names = names->next) {
		BD_TRY(collect(at, is_link, &names->identifier, key, since));
	}
	return BD_OK;
}

/* All that apply.c puts for a node. */
static enum bd_code collect_node(struct collecting *at, const struct bd_node *node,
	const uint8_t key[BD_NODE_KEY_BYTES], uint64_t since)
{
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		BD_TRY(collect_names(at, false, row->aliases, key, since));
		BD_TRY(collect_names(at, true, row->others, key, since));
	}
	for (const struct bd_node_marker *one = node->markers; one != NULL; one = one->next) {
		BD_TRY(collect_names(at, false, one->aliases, key, since));
	}
	for (const struct bd_node_block *one = node->blocks; one != NULL; one = one->next) {
		for (size_t i = 0; i < one->other_count; i++) {
			BD_TRY(collect(at, true, &one->others[i], key, since));
		}
	}
	return BD_OK;
}

/* A value of `nodes`, or one that was replaced. */
static enum bd_code collect_value(
	struct collecting *at, const uint8_t key[BD_NODE_KEY_BYTES], struct bd_bytes value)
{
	struct bd_node_head head;
	struct bd_node node;
	uint64_t slot;
	bool found = false;

	BD_TRY(bd_node_head_read(&head, value));
	if (head.written < at->store->loading) {
		return BD_OK;
	}
	bd_arena_clear(&at->arena);
	BD_TRY(bd_node_open(&node, &slot, &found, &at->view, key, value, &at->arena, at->diag));
	return found ? collect_node(at, &node, key, head.written) : BD_OK;
}

/* `before`: bytes before the node's key in those of the database. */
static enum bd_code collect_database(
	struct collecting *at, MDB_dbi dbi, size_t before, struct bd_bytes from)
{
	MDB_val key = { from.len, (void *)from.ptr }, value;
	MDB_cursor *cursor;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(at->txn, dbi, &cursor);

	if (result != 0) {
		return bd_store_fail(at->diag, result, "an unfinished load");
	}
	result = mdb_cursor_get(cursor, &key, &value, from.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
	while (result == 0 && code == BD_OK) {
		if (key.mv_size == before + BD_NODE_KEY_BYTES) {
			code = collect_value(at, (const uint8_t *)key.mv_data + before,
				(struct bd_bytes){ value.mv_data, value.mv_size });
		}
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == MDB_NOTFOUND
		       ? code
		       : bd_store_fail(at->diag, result, "an unfinished load");
}

/* What was replaced since then stands behind that commit's number. */
static enum bd_code collect_all(struct bd_store *store, struct bd_diag *diag)
{
	static const struct bd_node_marks none = { NULL, 0 };
	struct collecting at = { .store = store, .diag = diag };
	char room[8];
	struct bd_buf from = { room, 0, sizeof(room), sizeof(room) };
	int result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &at.txn);
	enum bd_code code;

	if (result != 0) {
		return bd_store_fail(diag, result, "an unfinished load");
	}
	at.view = (struct bd_node_view){ store, at.txn, store->seal, &none, false, NULL };
	bd_arena_init(&at.arena, NODE_ARENA_BYTES);
	code = bd_buf_add_u64(&from, store->loading);
	code = code == BD_OK ? collect_database(&at, store->history, 8, bd_buf_bytes(&from)) : code;
	code = code == BD_OK ? collect_database(&at, store->nodes, 0, (struct bd_bytes){ "", 0 })
			     : code;
	bd_arena_release(&at.arena);
	mdb_txn_abort(at.txn);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "an unfinished load");
}

/* -- the counter -- */

static enum bd_code set_counter(struct bd_store *store, uint64_t commit, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK && commit != 0) {
		code = bd_txn_put_counter(&txn, BD_PAIRS_COUNTER, commit);
	} else if (code == BD_OK) {
		code = bd_txn_delete(&txn, store->meta, bd_bytes_of(BD_PAIRS_COUNTER));
	}
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	store->loading = code == BD_OK ? commit : store->loading;
	return code;
}

enum bd_code bd_pairs_hold(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_pairs *pairs;
	enum bd_code code = BD_OK;

	if (store->pairs != NULL) {
		return BD_OK;
	}
	pairs = calloc(1, sizeof(*pairs));
	if (pairs == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	pairs->store = store;
	for (int kind = 0; kind < KINDS && code == BD_OK; kind++) {
		code = bd_spool_new_runs(&pairs->spools[kind], store, BD_LOAD_RUN_BYTES, diag);
	}
	store->pairs = pairs;
	if (code == BD_OK) {
		code = bd_pairs_are_missing(store) ? collect_all(store, diag)
						   : set_counter(store, store->commit + 1, diag);
	}
	if (code != BD_OK) {
		store->pairs = NULL;
		bd_pairs_free(pairs);
		return bd_fail(diag, code, "%s", "");
	}
	bd_store_reach(store, "pairs.held");
	return BD_OK;
}

/* -- putting -- */

struct putting {
	struct bd_pairs *pairs;
	MDB_dbi dbi;
	struct bd_spool_file file;
	struct bd_spool_merge *merge;
	struct bd_pairs_watch *watch;
	struct bd_diag *diag;
};

/* The next, once: of several that are the same it is there since the first. */
static enum bd_code next_pair(
	uint8_t bytes[PAIR_BYTES], uint64_t *since, bool *has, struct putting *putting)
{
	const struct bd_spool_item *item = NULL;

	*has = false;
	for (;;) {
		struct bd_reader reader;
		struct bd_bytes second;
		uint64_t commit;

		BD_TRY(bd_spool_merge_look(&item, putting->merge, putting->diag));
		if (item == NULL) {
			return BD_OK;
		}
		reader = bd_reader_of(item->record);
		second = bd_read_bytes(&reader, BD_NODE_KEY_BYTES);
		commit = bd_read_u64(&reader);
		if (!reader.ok) {
			return BD_STORE_DAMAGED;
		}
		if (*has && (memcmp(item->key, bytes, BD_NODE_KEY_BYTES) != 0 ||
				    memcmp(second.ptr, bytes + BD_NODE_KEY_BYTES,
					    BD_NODE_KEY_BYTES) != 0)) {
			return BD_OK;
		}
		*since = *has && *since < commit ? *since : commit;
		*has = true;
		memcpy(bytes, item->key, BD_NODE_KEY_BYTES);
		memcpy(bytes + BD_NODE_KEY_BYTES, second.ptr, BD_NODE_KEY_BYTES);
		putting->pairs->done++;
		BD_TRY(bd_spool_merge_pass(putting->merge, putting->diag));
	}
}

static enum bd_code put_some(struct putting *putting, struct bd_txn *txn, bool *has_more)
{
	uint64_t most = bd_long_part_bytes(txn->store);

	txn->dirt[putting->dbi].is_behind = true;
	*has_more = true;
	while (*has_more && bd_txn_dirty_bytes(txn) < most) {
		uint8_t bytes[PAIR_BYTES];
		uint64_t since = 0;

		BD_TRY(next_pair(bytes, &since, has_more, putting));
		if (*has_more) {
			BD_TRY(bd_txn_put_pair(txn, putting->dbi, bytes, since));
		}
	}
	return BD_OK;
}

static enum bd_code put_part(struct putting *putting, bool *has_more)
{
	struct bd_pairs *pairs = putting->pairs;
	struct bd_txn txn;
	enum bd_code code = bd_store_check_space(pairs->store, putting->diag);

	if (code != BD_OK) {
		return code;
	}
	bd_txn_open(&txn, pairs->store, putting->diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? put_some(putting, &txn, has_more) : code;
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	bd_store_reach(pairs->store, "pairs.part");
	if (code == BD_OK && putting->watch != NULL) {
		putting->watch->put(putting->watch, pairs->done, pairs->total);
	}
	return code;
}

static enum bd_code put_kind(struct putting *putting, struct bd_spool *spool)
{
	struct bd_store *store = putting->pairs->store;
	bool has_more = true;
	enum bd_code code = bd_spool_finish(spool, putting->diag);

	code = code == BD_OK ? bd_spool_seal(spool, (struct bd_bytes){ "", 0 }, putting->diag)
			     : code;
	code = code == BD_OK ? bd_spool_file_open(
				       &putting->file, store, bd_spool_id(spool), putting->diag)
			     : code;
	if (code != BD_OK) {
		return code;
	}
	code = bd_spool_merge_new(
		&putting->merge, &putting->file, NULL, (struct bd_bytes){ "", 0 }, putting->diag);
	while (code == BD_OK && has_more) {
		code = put_part(putting, &has_more);
	}
	bd_spool_merge_free(putting->merge);
	putting->merge = NULL;
	bd_spool_file_close(&putting->file);
	return code;
}

enum bd_code bd_pairs_put(
	struct bd_store *store, struct bd_pairs_watch *watch, struct bd_diag *diag)
{
	struct bd_pairs *pairs = store->pairs;
	const MDB_dbi databases[KINDS] = { store->owners, store->links };
	enum bd_code code = BD_OK;

	if (pairs == NULL) {
		return BD_OK;
	}
	store->pairs = NULL;
	for (int kind = 0; kind < KINDS && code == BD_OK; kind++) {
		struct putting putting = {
			.pairs = pairs, .dbi = databases[kind], .watch = watch, .diag = diag
		};

		code = bd_spool_count(pairs->spools[kind]) > 0
			       ? put_kind(&putting, pairs->spools[kind])
			       : BD_OK;
	}
	code = code == BD_OK ? set_counter(store, 0, diag) : code;
	bd_pairs_free(pairs);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "aliases and links");
}
