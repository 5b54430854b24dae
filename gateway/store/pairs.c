#include "store/pairs.h"

#include "base/limits.h"
#include "base/try.h"
#include "store/history.h"
#include "store/long.h"
#include "store/places.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_BYTES (2 * BD_NODE_KEY_BYTES)
#define NODE_ARENA_BYTES ((size_t)64 << 20)
/* About what a node, with its pages, takes of a transaction: past that number of pairs there are
 * several. */
#define NODE_BYTES 6000

enum { OWNERS = 0, LINKS, KINDS };

struct bd_pairs {
	struct bd_store *store;
	struct bd_spool *spools[KINDS]; /* by the first key of a pair, then by the second */
	uint64_t total, done;
	struct bd_pairs *next; /* that are put with these */
	bool is_sealed[KINDS];
	/* putting */
	int kind;
	uint64_t done_before; /* of the kinds before this one */
	struct bd_spool_file *files;
	size_t file_count;
	struct bd_spool_merge *merge; /* NULL = this kind is not begun */
};

bool bd_pairs_are_missing(const struct bd_store *store)
{
	return store->loading != 0;
}

static void close_kind(struct bd_pairs *pairs)
{
	bd_spool_merge_free(pairs->merge);
	pairs->merge = NULL;
	while (pairs->file_count > 0) {
		bd_spool_file_close(&pairs->files[--pairs->file_count]);
	}
	free(pairs->files);
	pairs->files = NULL;
}

void bd_pairs_free(struct bd_pairs *pairs)
{
	while (pairs != NULL) {
		struct bd_pairs *next = pairs->next;

		close_kind(pairs);
		for (int kind = 0; kind < KINDS; kind++) {
			if (pairs->spools[kind] != NULL) {
				bd_spool_remove(pairs->store, bd_spool_id(pairs->spools[kind]));
				bd_spool_free(pairs->spools[kind]);
			}
		}
		free(pairs);
		pairs = next;
	}
}

enum bd_code bd_pairs_new(
	struct bd_pairs **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag)
{
	struct bd_pairs *pairs = calloc(1, sizeof(*pairs));
	enum bd_code code = BD_OK;

	*out = NULL;
	if (pairs == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	pairs->store = store;
	for (int kind = 0; kind < KINDS && code == BD_OK; kind++) {
		code = bd_spool_new_scratch(&pairs->spools[kind], store, run_bytes, diag);
	}
	if (code != BD_OK) {
		bd_pairs_free(pairs);
		return code;
	}
	*out = pairs;
	return BD_OK;
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

enum bd_code bd_pairs_finish(struct bd_pairs *pairs, struct bd_diag *diag)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct bd_spool *spool = pairs->spools[kind];

		if (!pairs->is_sealed[kind] && bd_spool_count(spool) > 0) {
			BD_TRY(bd_spool_finish(spool, diag));
			BD_TRY(bd_spool_seal(spool, (struct bd_bytes){ "", 0 }, diag));
			pairs->is_sealed[kind] = true;
		}
	}
	return BD_OK;
}

void bd_pairs_join(struct bd_pairs *pairs, struct bd_pairs *of)
{
	of->next = pairs->next;
	pairs->next = of;
	pairs->total += of->total;
}

bool bd_pairs_are_few(const struct bd_pairs *pairs)
{
	return pairs->total < bd_long_part_bytes(pairs->store) / NODE_BYTES;
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
	at.view = (struct bd_node_view){ store, at.txn, store->seal, &none, false, NULL, false };
	bd_arena_init(&at.arena, NODE_ARENA_BYTES);
	code = bd_buf_add_u64(&from, store->loading);
	code = code == BD_OK ? collect_database(&at, store->history, 8, bd_buf_bytes(&from)) : code;
	code = code == BD_OK ? collect_database(&at, store->nodes, BD_PLACE_BYTES,
				       (struct bd_bytes){ "", 0 })
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
	enum bd_code code;

	if (store->pairs != NULL) {
		return BD_OK;
	}
	BD_TRY(bd_pairs_new(&store->pairs, store, BD_LOAD_RUN_BYTES, diag));
	code = bd_pairs_are_missing(store) ? collect_all(store, diag)
					   : set_counter(store, store->commit + 1, diag);
	if (code != BD_OK) {
		bd_pairs_free(store->pairs);
		store->pairs = NULL;
		return bd_fail(diag, code, "%s", "");
	}
	bd_store_reach(store, "pairs.held");
	return BD_OK;
}

/* -- putting -- */

/* The next, once: of several that are the same it is there since the first. */
static enum bd_code next_pair(uint8_t bytes[PAIR_BYTES], uint64_t *since, bool *has,
	struct bd_pairs *pairs, struct bd_diag *diag)
{
	const struct bd_spool_item *item = NULL;

	*has = false;
	for (;;) {
		struct bd_reader reader;
		struct bd_bytes second;
		uint64_t commit;

		BD_TRY(bd_spool_merge_look(&item, pairs->merge, diag));
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
		pairs->done++;
		BD_TRY(bd_spool_merge_pass(pairs->merge, diag));
	}
}

static enum bd_code put_until_full(
	struct bd_pairs *pairs, struct bd_txn *txn, MDB_dbi dbi, bool *has_more)
{
	uint64_t most = bd_long_part_bytes(txn->store);
	const struct bd_dirt *dirt = &txn->dirt[dbi];
	uint8_t bytes[PAIR_BYTES] = { 0 };
	uint64_t unknown = bd_pairs_are_missing(txn->store) ? txn->store->loading : txn->commit;

	txn->dirt[dbi].is_behind = true;
	*has_more = true;
	while (*has_more && (dirt->puts == 0 || bd_dirty_bytes(dirt) < most)) {
		uint64_t since = 0;

		BD_TRY(next_pair(bytes, &since, has_more, pairs, txn->diag));
		if (!*has_more) {
			break;
		}
		BD_TRY(bd_txn_put_pair(txn, dbi, bytes, since != 0 ? since : unknown));
	}
	return BD_OK;
}

static enum bd_code open_files(struct bd_pairs *pairs, struct bd_diag *diag)
{
	size_t count = 0;

	for (const struct bd_pairs *one = pairs; one != NULL; one = one->next) {
		count += one->is_sealed[pairs->kind];
	}
	pairs->files = calloc(count + 1, sizeof(*pairs->files));
	if (pairs->files == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (const struct bd_pairs *one = pairs; one != NULL; one = one->next) {
		if (one->is_sealed[pairs->kind]) {
			BD_TRY(bd_spool_file_open(&pairs->files[pairs->file_count], pairs->store,
				bd_spool_id(one->spools[pairs->kind]), diag));
			pairs->file_count++;
		}
	}
	return BD_OK;
}

/* Between two transactions of the same kind it stays open. */
static enum bd_code begin_kind(struct bd_pairs *pairs, struct bd_diag *diag)
{
	BD_TRY(bd_pairs_finish(pairs, diag));
	BD_TRY(open_files(pairs, diag));
	return bd_spool_merge_new(&pairs->merge, pairs->files, pairs->file_count, NULL,
		(struct bd_bytes){ "", 0 }, diag);
}

static enum bd_code put_part(struct bd_pairs *pairs, bool *has_more, struct bd_diag *diag)
{
	struct bd_store *store = pairs->store;
	struct bd_txn txn;
	enum bd_code code = pairs->merge != NULL ? BD_OK : begin_kind(pairs, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK
		       ? put_until_full(pairs, &txn,
				 pairs->kind == LINKS ? store->links : store->owners, has_more)
		       : code;
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	bd_txn_close(&txn);
	bd_store_reach(store, "pairs.part");
	return code;
}

/* The next kind of which there are any. */
static bool has_kind(struct bd_pairs *pairs)
{
	for (; pairs->kind < KINDS; pairs->kind++) {
		for (const struct bd_pairs *one = pairs; one != NULL; one = one->next) {
			if (bd_spool_count(one->spools[pairs->kind]) > 0) {
				return true;
			}
		}
	}
	return false;
}

enum bd_code bd_pairs_put_some(struct bd_pairs *pairs, bool *has_more, struct bd_diag *diag)
{
	bool has_more_of_kind = false;
	enum bd_code code = bd_store_check_space(pairs->store, diag);

	*has_more = has_kind(pairs);
	if (code != BD_OK || !*has_more) {
		return code;
	}
	code = put_part(pairs, &has_more_of_kind, diag);
	if (code != BD_OK) {
		/* What was taken from the runs and given up with the transaction comes again. */
		close_kind(pairs);
		pairs->done = pairs->done_before;
		return bd_fail(diag, code, "aliases and links");
	}
	if (!has_more_of_kind) {
		close_kind(pairs);
		pairs->done_before = pairs->done;
		pairs->kind++;
	}
	*has_more = has_kind(pairs);
	return BD_OK;
}

enum bd_code bd_pairs_put(
	struct bd_store *store, struct bd_pairs_watch *watch, struct bd_diag *diag)
{
	struct bd_pairs *pairs = store->pairs;
	bool has_more = pairs != NULL;
	enum bd_code code = BD_OK;

	if (pairs == NULL) {
		return BD_OK;
	}
	store->pairs = NULL;
	while (code == BD_OK && has_more) {
		code = bd_pairs_put_some(pairs, &has_more, diag);
		if (code == BD_OK && watch != NULL) {
			watch->put(watch, pairs->done, pairs->total);
		}
	}
	code = code == BD_OK ? set_counter(store, 0, diag) : code;
	bd_pairs_free(pairs);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "aliases and links");
}
