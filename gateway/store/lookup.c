/* lookup.c - identifiers to all that is held of their subject, in one snapshot. */
#include "base/limits.h"
#include "store/env.h"

#include <stdlib.h>
#include <string.h>

/* Organizations that name one person, or people of one organization, that a lookup follows. */
#define LINKS_MAX 256

struct lookup {
	struct bd_store_reader *reader;
	struct bd_store *store;
	struct bd_arena *arena;
	struct bd_diag *diag;
	struct {
		uint8_t key[BD_NODE_KEY_BYTES];
		const struct bd_node *node;
		bool is_found;
	} nodes[BD_SUBJECT_NODES_MAX];
	size_t count;
	struct bd_statement *statements;
	size_t statement_count, statement_cap;
};

static enum bd_code memo_of(struct bd_node_memo **out, struct lookup *lookup)
{
	struct bd_store_reader *reader = lookup->reader;

	if (reader->memo == NULL || reader->memo->arena != lookup->arena) {
		reader->memo = bd_arena_alloc(lookup->arena, 1, sizeof(*reader->memo));
		if (reader->memo == NULL) {
			return bd_arena_code(lookup->arena);
		}
		reader->memo->arena = lookup->arena;
	}
	*out = reader->memo;
	return BD_OK;
}

static struct bd_memo_node **find_slot(
	struct bd_node_memo *memo, const uint8_t key[BD_NODE_KEY_BYTES])
{
	size_t at = key[0] % BD_MEMO_SLOTS;

	while (memo->slots[at] != NULL &&
		memcmp(memo->slots[at]->key, key, BD_NODE_KEY_BYTES) != 0) {
		at = (at + 1) % BD_MEMO_SLOTS;
	}
	return &memo->slots[at];
}

/* A node is opened once in a snapshot; past three quarters of the slots nothing is remembered. */
static enum bd_code load(struct lookup *lookup, const struct bd_node **node, bool *found,
	const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_node_memo *memo = NULL;
	struct bd_memo_node **slot, *loaded;
	uint64_t salt_slot;
	enum bd_code code = memo_of(&memo, lookup);

	if (code != BD_OK) {
		return code;
	}
	slot = find_slot(memo, key);
	loaded = *slot;
	if (loaded == NULL) {
		loaded = bd_arena_alloc(lookup->arena, 1, sizeof(*loaded));
		if (loaded == NULL) {
			return bd_arena_code(lookup->arena);
		}
		memcpy(loaded->key, key, BD_NODE_KEY_BYTES);
		bd_node_init(&loaded->node, lookup->arena);
		code = bd_node_load(&loaded->node, &salt_slot, &loaded->is_found, lookup->store,
			lookup->reader->txn, lookup->reader->seal, key, lookup->arena,
			lookup->diag);
		if (code != BD_OK) {
			return code;
		}
		if (memo->count < BD_MEMO_SLOTS / 4 * 3) {
			*slot = loaded;
			memo->count++;
		}
	}
	*node = &loaded->node;
	*found = loaded->is_found;
	return BD_OK;
}

static enum bd_code blind(struct lookup *lookup, const struct bd_identifier *identifier,
	uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_node_memo *memo = NULL;
	enum bd_code code = memo_of(&memo, lookup);
	size_t i = 0;

	while (code == BD_OK && i < memo->name_count &&
		!bd_identifier_equal(&memo->names[i].identifier, identifier)) {
		i++;
	}
	if (code == BD_OK && i < memo->name_count) {
		memcpy(key, memo->names[i].key, BD_NODE_KEY_BYTES);
		return BD_OK;
	}
	code = code == BD_OK ? bd_seal_blind(lookup->reader->seal, identifier, key) : code;
	if (code == BD_OK && i < BD_MEMO_NAMES) {
		memo->names[i].identifier = *identifier;
		memcpy(memo->names[i].key, key, BD_NODE_KEY_BYTES);
		memo->name_count++;
	}
	return code;
}

/* The second halves of the pairs that begin with key. */
static enum bd_code read_pairs(struct lookup *lookup, MDB_cursor **cursor, MDB_dbi dbi,
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
	while (result == 0 && *count < max && at.mv_size == 2 * BD_NODE_KEY_BYTES &&
		memcmp(at.mv_data, key, BD_NODE_KEY_BYTES) == 0) {
		memcpy(out[(*count)++], (uint8_t *)at.mv_data + BD_NODE_KEY_BYTES,
			BD_NODE_KEY_BYTES);
		result = mdb_cursor_get(*cursor, &at, &value, MDB_NEXT);
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_store_fail(lookup->diag, result, "pairs");
}

static bool names(const struct bd_node *node, const struct bd_identifier *identifier)
{
	for (size_t i = 0; i < node->identifier_count; i++) {
		if (bd_identifier_equal(&node->identifiers[i], identifier)) {
			return true;
		}
	}
	return false;
}

/* The nodes that name this identifier as an alias of theirs; a hint that its node does not confirm
 * is nothing. */
static enum bd_code owners_of(struct lookup *lookup, const struct bd_identifier *identifier,
	const uint8_t key[BD_NODE_KEY_BYTES], uint8_t (*out)[BD_NODE_KEY_BYTES], size_t *count)
{
	uint8_t hints[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
	size_t hint_count;
	enum bd_code code = read_pairs(lookup, &lookup->reader->owners, lookup->store->owners, key,
		hints, BD_ALIAS_OWNERS_MAX, &hint_count);

	*count = 0;
	for (size_t i = 0; i < hint_count && code == BD_OK; i++) {
		const struct bd_node *owner = NULL;
		bool found = false;

		code = load(lookup, &owner, &found, hints[i]);
		if (code == BD_OK && found && names(owner, identifier)) {
			memcpy(out[(*count)++], hints[i], BD_NODE_KEY_BYTES);
		}
	}
	return code;
}

/* The node that no other owns, from this identifier up. *several: it leads to more than one. */
static enum bd_code find_top(struct lookup *lookup, const struct bd_identifier *identifier,
	uint8_t top[BD_NODE_KEY_BYTES], bool *several)
{
	struct bd_identifier at = *identifier;
	enum bd_code code = blind(lookup, &at, top);

	*several = false;
	for (size_t step = 0; code == BD_OK && step < BD_SUBJECT_NODES_MAX; step++) {
		uint8_t owners[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
		const struct bd_node *node = NULL;
		size_t count;
		bool found = false;

		code = owners_of(lookup, &at, top, owners, &count);
		if (code != BD_OK || count == 0) {
			return code;
		}
		if (count > 1) {
			*several = true;
			return BD_OK;
		}
		memcpy(top, owners[0], BD_NODE_KEY_BYTES);
		code = load(lookup, &node, &found, top);
		if (code != BD_OK || !found || node->identifier_count == 0) {
			return code;
		}
		at = node->identifiers[0];
	}
	return code;
}

static bool is_known(const struct lookup *lookup, const uint8_t key[BD_NODE_KEY_BYTES])
{
	for (size_t i = 0; i < lookup->count; i++) {
		if (memcmp(lookup->nodes[i].key, key, BD_NODE_KEY_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

static enum bd_code add_node(struct lookup *lookup, const uint8_t key[BD_NODE_KEY_BYTES])
{
	if (lookup->count == BD_SUBJECT_NODES_MAX || is_known(lookup, key)) {
		return BD_OK;
	}
	memcpy(lookup->nodes[lookup->count].key, key, BD_NODE_KEY_BYTES);
	lookup->count++;
	return load(lookup, &lookup->nodes[lookup->count - 1].node,
		&lookup->nodes[lookup->count - 1].is_found, key);
}

/* From the top down: what it names as its aliases, unless another subject claims the same. */
static enum bd_code add_aliases(struct lookup *lookup)
{
	enum bd_code code = BD_OK;

	for (size_t n = 0; n < lookup->count && code == BD_OK; n++) {
		const struct bd_node *node = lookup->nodes[n].node;

		for (size_t i = 0;
			lookup->nodes[n].is_found && i < node->identifier_count && code == BD_OK;
			i++) {
			uint8_t key[BD_NODE_KEY_BYTES],
				owners[BD_ALIAS_OWNERS_MAX][BD_NODE_KEY_BYTES];
			size_t count = 0;
			bool is_ours = true;

			code = blind(lookup, &node->identifiers[i], key);
			if (code != BD_OK || is_known(lookup, key)) {
				continue;
			}
			code = owners_of(lookup, &node->identifiers[i], key, owners, &count);
			for (size_t o = 0; o < count; o++) {
				is_ours = is_ours && is_known(lookup, owners[o]);
			}
			if (code == BD_OK && is_ours) {
				code = add_node(lookup, key);
			}
		}
	}
	return code;
}

/* -- statements -- */

static enum bd_code new_statement(struct lookup *lookup, struct bd_statement **out)
{
	if (lookup->statement_count == lookup->statement_cap) {
		size_t cap = lookup->statement_cap == 0 ? 32 : lookup->statement_cap * 2;
		struct bd_statement *list = bd_arena_alloc(lookup->arena, cap, sizeof(*list));

		if (list == NULL) {
			return bd_arena_code(lookup->arena);
		}
		if (lookup->statement_count > 0) {
			memcpy(list, lookup->statements, lookup->statement_count * sizeof(*list));
		}
		lookup->statements = list;
		lookup->statement_cap = cap;
	}
	*out = &lookup->statements[lookup->statement_count++];
	return BD_OK;
}

static bool is_blocked(const struct bd_node *node, struct bd_bytes source, uint16_t entity)
{
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		if (block->entity == entity && bd_bytes_equal(block->source, source)) {
			return true;
		}
	}
	return false;
}

static enum bd_code fill_values(
	struct lookup *lookup, struct bd_statement *statement, const struct bd_node_row *row)
{
	struct bd_held_value *values;
	size_t count = 0;

	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values;
			value != NULL && bd_node_field_is_seen(row, field); value = value->next) {
			count++;
		}
	}
	values = bd_arena_alloc(lookup->arena, count, sizeof(*values));
	if (values == NULL) {
		return bd_arena_code(lookup->arena);
	}
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values;
			value != NULL && bd_node_field_is_seen(row, field); value = value->next) {
			values[statement->value_count++] = (struct bd_held_value){ value->value,
				field->order, value->as_of_ms, value->received_ms, value->message };
			if (value->as_of_ms > statement->as_of_ms) {
				statement->as_of_ms = value->as_of_ms;
			}
			if (value->received_ms > statement->received_ms) {
				statement->received_ms = value->received_ms;
			}
		}
	}
	statement->values = values;
	return BD_OK;
}

static enum bd_code add_row(struct lookup *lookup, const struct bd_node *node,
	const struct bd_node_row *row, bool is_inverse)
{
	struct bd_statement *statement = NULL;
	enum bd_code code;

	if (!bd_node_row_is_seen(node, row) ||
		row->message < bd_snapshot_mark(lookup->store, lookup->reader->txn, row->source,
				       row->section)) {
		return BD_OK;
	}
	code = new_statement(lookup, &statement);
	if (code != BD_OK) {
		return code;
	}
	*statement = (struct bd_statement){ .source = bd_arena_text(lookup->arena, row->source),
		.section = bd_arena_text(lookup->arena, row->section),
		.entity = row->entity,
		.row_key = row->key,
		.other = is_inverse ? node->identifiers : row->other,
		.other_count = is_inverse ? node->identifier_count : row->other_count,
		.is_inverse = is_inverse,
		.is_blocked = is_blocked(node, row->source, row->entity),
		.as_of_ms = row->as_of_ms,
		.received_ms = row->received_ms };
	if (statement->source == NULL || statement->section == NULL) {
		return bd_arena_code(lookup->arena);
	}
	return fill_values(lookup, statement, row);
}

static bool leads_here(const struct lookup *lookup, const struct bd_node_row *row)
{
	for (size_t i = 0; i < row->other_count; i++) {
		for (size_t n = 0; n < lookup->count; n++) {
			const struct bd_node *node = lookup->nodes[n].node;

			if (lookup->nodes[n].is_found && names(node, &row->other[i])) {
				return true;
			}
		}
	}
	return false;
}

/* Relations that stand under others and lead here. A node that only others speak of has no
 * identifiers of its own, so the asked ones count as well. */
static enum bd_code add_inverse(
	struct lookup *lookup, const struct bd_identifier *asked, size_t asked_count)
{
	uint8_t keys[LINKS_MAX][BD_NODE_KEY_BYTES];
	enum bd_code code = BD_OK;

	for (size_t n = 0; n < lookup->count && code == BD_OK; n++) {
		size_t count = 0;

		code = read_pairs(lookup, &lookup->reader->links, lookup->store->links,
			lookup->nodes[n].key, keys, LINKS_MAX, &count);
		for (size_t i = 0; i < count && code == BD_OK; i++) {
			const struct bd_node *node = NULL;
			bool found = false, is_again = false;

			/* The same organization through two of the person's identifiers. */
			for (size_t s = 0; s < n && !is_again; s++) {
				uint8_t again[BD_NODE_KEY_BYTES * 2];
				MDB_val pair = { sizeof(again), again }, value;

				memcpy(again, lookup->nodes[s].key, BD_NODE_KEY_BYTES);
				memcpy(again + BD_NODE_KEY_BYTES, keys[i], BD_NODE_KEY_BYTES);
				is_again = mdb_get(lookup->reader->txn, lookup->store->links, &pair,
						   &value) == 0;
			}
			code = is_again ? BD_OK : load(lookup, &node, &found, keys[i]);
			for (const struct bd_node_row *row = found ? node->rows : NULL;
				row != NULL && code == BD_OK; row = row->next) {
				bool is_asked = false;

				for (size_t a = 0; a < asked_count; a++) {
					for (size_t o = 0; o < row->other_count; o++) {
						is_asked |= bd_identifier_equal(
							&asked[a], &row->other[o]);
					}
				}
				if (row->other_count > 0 && (is_asked || leads_here(lookup, row))) {
					code = add_row(lookup, node, row, true);
				}
			}
		}
	}
	return code;
}

static int compare_statements(const void *a, const void *b)
{
	const struct bd_statement *x = a, *y = b;
	int order = strcmp(x->source, y->source);

	order = order != 0 ? order : (x->entity > y->entity) - (x->entity < y->entity);
	order = order != 0 ? order : bd_bytes_compare(x->row_key, y->row_key);
	order = order != 0 ? order : strcmp(x->section, y->section);
	return order != 0 ? order : (int)x->is_inverse - (int)y->is_inverse;
}

static enum bd_code fill_identifiers(struct lookup *lookup, struct bd_held *held)
{
	size_t max = 0;
	struct bd_identifier *list;

	for (size_t n = 0; n < lookup->count; n++) {
		max += lookup->nodes[n].node->identifier_count;
	}
	list = bd_arena_alloc(lookup->arena, max, sizeof(*list));
	if (list == NULL) {
		return bd_arena_code(lookup->arena);
	}
	for (size_t n = 0; n < lookup->count; n++) {
		const struct bd_node *node = lookup->nodes[n].node;

		for (size_t i = 0; i < node->identifier_count; i++) {
			size_t j = 0;

			while (j < held->identifier_count &&
				!bd_identifier_equal(&list[j], &node->identifiers[i])) {
				j++;
			}
			list[j] = node->identifiers[i];
			held->identifier_count += j == held->identifier_count;
		}
	}
	held->identifiers = list;
	return BD_OK;
}

static enum bd_code fill_coverage(struct lookup *lookup, struct bd_held *held)
{
	const struct bd_node *nodes[BD_SUBJECT_NODES_MAX];

	for (size_t n = 0; n < lookup->count; n++) {
		nodes[n] = lookup->nodes[n].node;
	}
	return bd_cover_fill(
		held, lookup->reader, nodes, lookup->count, lookup->arena, lookup->diag);
}

static enum bd_code collect(struct lookup *lookup, struct bd_held *held,
	const struct bd_identifier *identifiers, size_t count)
{
	enum bd_code code = BD_OK;
	bool several = false;

	for (size_t i = 0; i < count && code == BD_OK; i++) {
		uint8_t top[BD_NODE_KEY_BYTES];
		bool is_several;

		code = find_top(lookup, &identifiers[i], top, &is_several);
		several |= is_several;
		code = code == BD_OK && !is_several ? add_node(lookup, top) : code;
	}
	if (code == BD_OK && several) {
		held->status = BD_HELD_AMBIGUOUS;
		return fill_coverage(lookup, held);
	}
	code = code == BD_OK ? add_aliases(lookup) : code;
	for (size_t n = 0; n < lookup->count && code == BD_OK; n++) {
		for (const struct bd_node_row *row = lookup->nodes[n].node->rows;
			row != NULL && code == BD_OK; row = row->next) {
			code = add_row(lookup, lookup->nodes[n].node, row, false);
		}
	}
	code = code == BD_OK ? add_inverse(lookup, identifiers, count) : code;
	code = code == BD_OK ? fill_identifiers(lookup, held) : code;
	if (code != BD_OK) {
		return code;
	}
	if (lookup->statement_count > 1) {
		qsort(lookup->statements, lookup->statement_count, sizeof(*lookup->statements),
			compare_statements);
	}
	held->statements = lookup->statements;
	held->statement_count = lookup->statement_count;
	held->status = held->identifier_count > 0 || lookup->statement_count > 0
			       ? BD_HELD_FOUND
			       : BD_HELD_NO_SUBJECT;
	return fill_coverage(lookup, held);
}

enum bd_code bd_store_lookup(struct bd_held **out, struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct lookup *lookup = bd_arena_alloc(arena, 1, sizeof(*lookup));
	struct bd_held *held = bd_arena_alloc(arena, 1, sizeof(*held));
	enum bd_code code;

	if (lookup == NULL || held == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	lookup->reader = reader;
	lookup->store = reader->store;
	lookup->arena = arena;
	lookup->diag = diag;
	code = collect(lookup, held, identifiers, count);
	*out = held;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "lookup");
}
