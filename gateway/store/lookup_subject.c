/* lookup_subject.c - whom some identifiers name, and under which of its names things stand. */
#include "store/lookup.h"

#include "base/try.h"
#include "store/history.h"
#include "store/node_memo.h"

#include <string.h>

static enum bd_code memo_of(struct bd_node_memo **out, struct bd_lookup *lookup)
{
	struct bd_store_reader *reader = lookup->reader;

	if (reader->memo == NULL || reader->memo->arena != lookup->arena) {
		reader->memo = bd_node_memo_new(lookup->arena);
		if (reader->memo == NULL) {
			return bd_arena_code(lookup->arena);
		}
	}
	*out = reader->memo;
	return BD_OK;
}

/* A node is opened once in a snapshot. */
enum bd_code bd_lookup_load(struct bd_lookup *lookup, const struct bd_node **node, bool *found,
	const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_node_memo *memo = NULL;
	struct bd_memo_node *loaded;
	struct bd_store_reader *reader = lookup->reader;
	const struct bd_node_view view = { lookup->store, reader->txn, reader->seal, &reader->marks,
		false, &reader->as_of, false };
	uint64_t salt_slot;
	enum bd_code code = memo_of(&memo, lookup);

	if (code != BD_OK) {
		return code;
	}
	loaded = bd_node_memo_find(memo, key);
	if (loaded == NULL) {
		loaded = bd_arena_alloc(lookup->arena, 1, sizeof(*loaded));
		if (loaded == NULL) {
			return bd_arena_code(lookup->arena);
		}
		memcpy(loaded->key, key, BD_NODE_KEY_BYTES);
		code = bd_node_load(&loaded->node, &salt_slot, &loaded->is_found, &view, key,
			lookup->arena, lookup->diag);
		if (code != BD_OK) {
			return code;
		}
		bd_node_memo_keep(memo, loaded);
	}
	*node = &loaded->node;
	*found = loaded->is_found;
	return BD_OK;
}

static enum bd_code blind(struct bd_lookup *lookup, const struct bd_identifier *identifier,
	uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_node_memo *memo = NULL;
	const uint8_t *met;
	enum bd_code code = memo_of(&memo, lookup);

	if (code != BD_OK) {
		return code;
	}
	met = bd_node_memo_key(memo, identifier);
	if (met != NULL) {
		memcpy(key, met, BD_NODE_KEY_BYTES);
		return BD_OK;
	}
	BD_TRY(bd_seal_blind(lookup->reader->seal, identifier, key));
	bd_node_memo_keep_key(memo, identifier, key);
	return BD_OK;
}

enum bd_code bd_lookup_pairs(struct bd_lookup *lookup, MDB_cursor **cursor, MDB_dbi dbi,
	const uint8_t key[BD_NODE_KEY_BYTES], uint8_t (*out)[BD_NODE_KEY_BYTES], size_t max,
	size_t *count)
{
	MDB_txn *txn = lookup->reader->txn;
	MDB_val at = { BD_NODE_KEY_BYTES, (void *)key }, value;
	int result = *cursor == NULL ? mdb_cursor_open(txn, dbi, cursor)
				     : mdb_cursor_renew(txn, *cursor);

	*count = 0;
	if (result != 0) {
		return bd_store_fail(lookup->diag, result, "pairs");
	}
	result = mdb_cursor_get(*cursor, &at, &value, MDB_SET_RANGE);
	while (result == 0 && at.mv_size == 2 * BD_NODE_KEY_BYTES &&
		memcmp(at.mv_data, key, BD_NODE_KEY_BYTES) == 0) {
		bool is_there = bd_history_has_pair(value, lookup->reader->as_of.commit);

		if (is_there && *count == max) {
			lookup->is_cut = true;
			return BD_OK;
		}
		if (is_there) {
			memcpy(out[(*count)++], (uint8_t *)at.mv_data + BD_NODE_KEY_BYTES,
				BD_NODE_KEY_BYTES);
		}
		result = mdb_cursor_get(*cursor, &at, &value, MDB_NEXT);
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_store_fail(lookup->diag, result, "pairs");
}

bool bd_lookup_names(const struct bd_node *node, const struct bd_identifier *identifier)
{
	for (size_t i = 0; i < node->identifier_count; i++) {
		if (bd_identifier_equal(&node->identifiers[i], identifier)) {
			return true;
		}
	}
	return false;
}

/* -- upwards: who is it -- */

/* The nodes that name this identifier as an alias of theirs; a hint that its node does not confirm
 * is nothing. */
static enum bd_code owners_of(struct bd_lookup *lookup, const struct bd_identifier *identifier,
	const uint8_t key[BD_NODE_KEY_BYTES], uint8_t (*out)[BD_NODE_KEY_BYTES], size_t *count)
{
	uint8_t hints[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
	size_t hint_count;

	*count = 0;
	BD_TRY(bd_lookup_pairs(lookup, &lookup->reader->owners, lookup->store->owners, key, hints,
		BD_ALIAS_OWNERS_MAX, &hint_count));
	for (size_t i = 0; i < hint_count; i++) {
		const struct bd_node *owner = NULL;
		bool found = false;

		BD_TRY(bd_lookup_load(lookup, &owner, &found, hints[i]));
		if (found && bd_lookup_names(owner, identifier)) {
			memcpy(out[(*count)++], hints[i], BD_NODE_KEY_BYTES);
		}
	}
	return BD_OK;
}

/* Nodes on the way up, each once. */
struct climb {
	struct {
		uint8_t key[BD_NODE_KEY_BYTES];
		struct bd_identifier identifier;
	} steps[BD_SUBJECT_NODES_MAX];
	size_t count;
	uint8_t tops[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
	size_t top_count;
};

static enum bd_code step_up(
	struct bd_lookup *lookup, struct climb *climb, const uint8_t key[BD_NODE_KEY_BYTES])
{
	const struct bd_node *node = NULL;
	bool found = false;

	for (size_t i = 0; i < climb->count; i++) {
		if (memcmp(climb->steps[i].key, key, BD_NODE_KEY_BYTES) == 0) {
			return BD_OK;
		}
	}
	if (climb->count == BD_SUBJECT_NODES_MAX) {
		lookup->is_cut = true;
		return BD_OK;
	}
	BD_TRY(bd_lookup_load(lookup, &node, &found, key));
	memcpy(climb->steps[climb->count].key, key, BD_NODE_KEY_BYTES);
	climb->steps[climb->count++].identifier = node->self;
	return BD_OK;
}

/* The nodes that no other owns, from this identifier up: one subject, unless there are several. Of
 * names that own each other the first is the top. */
static enum bd_code find_tops(
	struct bd_lookup *lookup, const struct bd_identifier *identifier, struct climb *climb)
{
	climb->count = 1;
	climb->top_count = 0;
	climb->steps[0].identifier = *identifier;
	BD_TRY(blind(lookup, identifier, climb->steps[0].key));
	for (size_t at = 0; at < climb->count; at++) {
		uint8_t owners[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
		size_t count;

		BD_TRY(owners_of(lookup, &climb->steps[at].identifier, climb->steps[at].key, owners,
			&count));
		if (count == 0 && climb->top_count < BD_ALIAS_OWNERS_MAX) {
			memcpy(climb->tops[climb->top_count++], climb->steps[at].key,
				BD_NODE_KEY_BYTES);
		}
		for (size_t o = 0; o < count; o++) {
			BD_TRY(step_up(lookup, climb, owners[o]));
		}
	}
	if (climb->top_count == 0) {
		size_t first = 0;

		for (size_t i = 1; i < climb->count; i++) {
			if (memcmp(climb->steps[i].key, climb->steps[first].key,
				    BD_NODE_KEY_BYTES) < 0) {
				first = i;
			}
		}
		memcpy(climb->tops[climb->top_count++], climb->steps[first].key, BD_NODE_KEY_BYTES);
	}
	return BD_OK;
}

/* -- downwards: what is its -- */

static bool is_known(const struct bd_lookup *lookup, const uint8_t key[BD_NODE_KEY_BYTES])
{
	for (size_t i = 0; i < lookup->count; i++) {
		if (memcmp(lookup->nodes[i].key, key, BD_NODE_KEY_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

static enum bd_code add_node(struct bd_lookup *lookup, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_lookup_node *node;

	if (is_known(lookup, key)) {
		return BD_OK;
	}
	if (lookup->count == BD_SUBJECT_NODES_MAX) {
		lookup->is_cut = true;
		return BD_OK;
	}
	node = &lookup->nodes[lookup->count++];
	memcpy(node->key, key, BD_NODE_KEY_BYTES);
	return bd_lookup_load(lookup, &node->node, &node->is_found, key);
}

enum bd_code bd_lookup_unsure(struct bd_lookup *lookup, struct bd_bytes source, uint16_t entity)
{
	struct bd_unsure *unsure;

	for (unsure = lookup->unsure; unsure != NULL; unsure = unsure->next) {
		if (unsure->entity == entity && bd_bytes_equal(unsure->source, source)) {
			return BD_OK;
		}
	}
	unsure = bd_arena_alloc(lookup->arena, 1, sizeof(*unsure));
	if (unsure == NULL) {
		return bd_arena_code(lookup->arena);
	}
	*unsure = (struct bd_unsure){ source, entity, lookup->unsure };
	lookup->unsure = unsure;
	return BD_OK;
}

/* Another subject claims the same name: what stands under it is not shown for either, and not
 * counted as absent. */
static enum bd_code leave_out(struct bd_lookup *lookup, const uint8_t key[BD_NODE_KEY_BYTES])
{
	const struct bd_node *node = NULL;
	bool found = false;

	BD_TRY(bd_lookup_load(lookup, &node, &found, key));
	for (const struct bd_node_row *row = found ? node->rows : NULL; row != NULL;
		row = row->next) {
		if (row->is_seen) {
			BD_TRY(bd_lookup_unsure(lookup, row->source, row->entity));
		}
	}
	return BD_OK;
}

static enum bd_code add_alias(
	struct bd_lookup *lookup, const struct bd_identifier *identifier, bool is_last)
{
	uint8_t key[BD_NODE_KEY_BYTES], owners[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
	size_t count = 0;
	bool is_ours = true;

	BD_TRY(blind(lookup, identifier, key));
	if (is_known(lookup, key)) {
		return BD_OK;
	}
	BD_TRY(owners_of(lookup, identifier, key, owners, &count));
	for (size_t i = 0; i < count; i++) {
		is_ours = is_ours && is_known(lookup, owners[i]);
	}
	if (is_ours) {
		return add_node(lookup, key);
	}
	return is_last ? leave_out(lookup, key) : BD_OK;
}

/* An alias may be owned by another alias that is only found later: again until nothing is found. */
static enum bd_code add_aliases(struct bd_lookup *lookup)
{
	size_t before;
	bool is_last = false;

	do {
		before = lookup->count;
		for (size_t n = 0; n < lookup->count; n++) {
			const struct bd_node *node = lookup->nodes[n].node;

			for (size_t i = 1; i < node->identifier_count; i++) {
				BD_TRY(add_alias(lookup, &node->identifiers[i], is_last));
			}
		}
		is_last = !is_last && lookup->count == before;
	} while (is_last || lookup->count != before);
	return BD_OK;
}

/* Two found subjects that are named by the same kind of number are two, whoever asks. */
static bool are_two(const struct bd_lookup *lookup)
{
	for (size_t i = 0; i < lookup->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (lookup->nodes[i].is_found && lookup->nodes[j].is_found &&
				lookup->nodes[i].node->self.kind ==
					lookup->nodes[j].node->self.kind) {
				return true;
			}
		}
	}
	return false;
}

enum bd_code bd_lookup_subject(bool *ambiguous, struct bd_lookup *lookup,
	const struct bd_identifier *identifiers, size_t count)
{
	struct climb climb;

	*ambiguous = false;
	for (size_t i = 0; i < count; i++) {
		BD_TRY(find_tops(lookup, &identifiers[i], &climb));
		*ambiguous |= climb.top_count > 1;
		BD_TRY(add_node(lookup, climb.tops[0]));
	}
	*ambiguous |= are_two(lookup);
	return *ambiguous ? BD_OK : add_aliases(lookup);
}
