/* lookup.c - identifiers to all that is held of their subject, in one snapshot. */
#include "store/lookup.h"

#include "base/try.h"
#include "store/history.h"
#include "store/recent.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Organizations that name one person, or people of one organization, that a lookup follows. */
#define LINKS_MAX 256

struct asked {
	const struct bd_identifier *identifiers;
	size_t count;
};

/* -- statements -- */

static enum bd_code new_statement(struct bd_lookup *lookup, struct bd_statement **out)
{
	if (lookup->statement_count == lookup->statement_cap) {
		size_t cap = lookup->statement_cap == 0 ? 16 : lookup->statement_cap * 2;
		struct bd_statement *list = bd_arena_take(lookup->arena, cap, sizeof(*list));

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

static enum bd_code fill_values(
	struct bd_lookup *lookup, struct bd_statement *statement, const struct bd_node_row *row)
{
	struct bd_held_value *values;
	size_t count = 0;

	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values;
			value != NULL && bd_node_field_is_seen(row, field); value = value->next) {
			count++;
		}
	}
	values = bd_arena_take(lookup->arena, count, sizeof(*values));
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

static enum bd_code list_others(
	struct bd_lookup *lookup, struct bd_statement *statement, const struct bd_node_row *row)
{
	struct bd_identifier *list;
	size_t count = 0;

	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		count++;
	}
	list = bd_arena_alloc(lookup->arena, count, sizeof(*list));
	if (list == NULL) {
		return bd_arena_code(lookup->arena);
	}
	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		list[statement->other_count++] = name->identifier;
	}
	statement->other = list;
	return BD_OK;
}

static enum bd_code tell_whose(struct bd_statement *statement, const struct bd_node *node)
{
	statement->other = node->identifiers;
	statement->other_count = node->identifier_count;
	return BD_OK;
}

/* Of one that is covered the text of its covers: to compare what is one and the same costs nothing.
 */
static const char *source_of(struct bd_lookup *lookup, struct bd_bytes source)
{
	if (lookup->source == NULL || !bd_bytes_is(source, lookup->source)) {
		lookup->source = bd_covers_source(lookup->reader->covers, source);
		if (lookup->source == NULL) {
			lookup->source = bd_arena_text(lookup->arena, source);
		}
	}
	return lookup->source;
}

static const char *section_of(struct bd_lookup *lookup, struct bd_bytes section)
{
	if (lookup->section == NULL || !bd_bytes_is(section, lookup->section)) {
		lookup->section = bd_arena_text(lookup->arena, section);
	}
	return lookup->section;
}

static enum bd_code add_row(struct bd_lookup *lookup, const struct bd_node *node,
	const struct bd_node_row *row, bool is_inverse)
{
	struct bd_statement *statement = NULL;

	if (!row->is_seen) {
		return BD_OK;
	}
	lookup->is_known = true;
	if (!bd_wants(lookup->wanted, row->entity)) {
		return BD_OK;
	}
	BD_TRY(new_statement(lookup, &statement));
	*statement = (struct bd_statement){ .source = source_of(lookup, row->source),
		.section = section_of(lookup, row->section),
		.entity = row->entity,
		.row_key = row->key,
		.is_inverse = is_inverse,
		.is_blocked = bd_node_is_blocked(node, row->source, row->entity),
		.version = row->version,
		.digest = row->digest,
		.as_of_ms = row->as_of_ms,
		.received_ms = row->received_ms };
	if (statement->source == NULL || statement->section == NULL) {
		return bd_arena_code(lookup->arena);
	}
	BD_TRY(is_inverse ? tell_whose(statement, node) : list_others(lookup, statement, row));
	return fill_values(lookup, statement, row);
}

/* -- disputes -- */

static enum bd_code add_dispute(struct bd_lookup *lookup, const struct bd_node_dispute *dispute)
{
	struct bd_held_dispute *one;

	if (lookup->dispute_count == lookup->dispute_cap) {
		size_t cap = lookup->dispute_cap == 0 ? 4 : lookup->dispute_cap * 2;
		struct bd_held_dispute *list = bd_arena_alloc(lookup->arena, cap, sizeof(*list));

		if (list == NULL) {
			return bd_arena_code(lookup->arena);
		}
		if (lookup->dispute_count > 0) {
			memcpy(list, lookup->disputes, lookup->dispute_count * sizeof(*list));
		}
		lookup->disputes = list;
		lookup->dispute_cap = cap;
	}
	one = &lookup->disputes[lookup->dispute_count++];
	*one = (struct bd_held_dispute){ bd_arena_text(lookup->arena, dispute->source),
		dispute->entity, dispute->field };
	return one->source != NULL ? BD_OK : bd_arena_code(lookup->arena);
}

static enum bd_code add_disputes(struct bd_lookup *lookup)
{
	for (size_t n = 0; n < lookup->count; n++) {
		for (const struct bd_node_dispute *one = lookup->nodes[n].node->disputes;
			one != NULL; one = one->next) {
			BD_TRY(add_dispute(lookup, one));
		}
	}
	return BD_OK;
}

/* Of the other side: what its relations say is said of both. */
static enum bd_code add_inverse_disputes(
	struct bd_lookup *lookup, const struct bd_node *node, const struct bd_node_row *row)
{
	for (const struct bd_node_dispute *one = node->disputes; one != NULL; one = one->next) {
		if (one->entity == row->entity && bd_bytes_equal(one->source, row->source)) {
			BD_TRY(add_dispute(lookup, one));
		}
	}
	return BD_OK;
}

/* A node that is there for a dispute alone says nothing of whom it names. */
static bool is_bare(const struct bd_node *node)
{
	return node->rows == NULL && node->markers == NULL && node->blocks == NULL;
}

/* -- relations from the other side -- */

/* Is it the subject? A node that only others speak of has no identifiers of its own, so the asked
 * ones count as well. */
static bool is_subject(const struct bd_lookup *lookup, const struct bd_identifier *identifier,
	const struct asked *asked)
{
	for (size_t i = 0; i < asked->count; i++) {
		if (bd_identifier_equal(&asked->identifiers[i], identifier)) {
			return true;
		}
	}
	for (size_t n = 0; n < lookup->count; n++) {
		if (lookup->nodes[n].is_found &&
			bd_lookup_names(lookup->nodes[n].node, identifier)) {
			return true;
		}
	}
	return false;
}

static enum bd_code add_inverse_rows(
	struct bd_lookup *lookup, const struct bd_node *node, const struct asked *asked)
{
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		bool leads_here = false;

		for (const struct bd_node_name *name = row->others; name != NULL && !leads_here;
			name = name->next) {
			leads_here = is_subject(lookup, &name->identifier, asked);
		}
		if (leads_here) {
			BD_TRY(add_row(lookup, node, row, true));
			BD_TRY(add_inverse_disputes(lookup, node, row));
		}
	}
	return BD_OK;
}

/* A refused row of the other side that would have led here, or might have. */
static enum bd_code add_inverse_blocks(
	struct bd_lookup *lookup, const struct bd_node *node, const struct asked *asked)
{
	for (const struct bd_node_block *block = node->blocks; block != NULL; block = block->next) {
		bool leads_here = block->other_count == 0;

		for (size_t i = 0; i < block->other_count && !leads_here; i++) {
			leads_here = is_subject(lookup, &block->others[i], asked);
		}
		if (leads_here && !block->is_over) {
			BD_TRY(bd_lookup_unsure(lookup, block->source, block->entity));
		}
	}
	return BD_OK;
}

/* The same organization through two of the person's identifiers. */
static bool is_again(struct bd_lookup *lookup, size_t n, const uint8_t key[BD_NODE_KEY_BYTES])
{
	for (size_t s = 0; s < n; s++) {
		uint8_t again[BD_NODE_KEY_BYTES * 2];
		MDB_val pair = { sizeof(again), again }, value;

		memcpy(again, lookup->nodes[s].key, BD_NODE_KEY_BYTES);
		memcpy(again + BD_NODE_KEY_BYTES, key, BD_NODE_KEY_BYTES);
		if (mdb_get(lookup->reader->txn, lookup->store->links, &pair, &value) == 0 &&
			bd_history_has_pair(value, lookup->reader->as_of.commit)) {
			return true;
		}
	}
	return false;
}

static enum bd_code add_inverse(struct bd_lookup *lookup, const struct asked *asked)
{
	for (size_t n = 0; n < lookup->count; n++) {
		uint8_t keys[LINKS_MAX][BD_NODE_KEY_BYTES];
		size_t count = 0;

		BD_TRY(bd_lookup_pairs(lookup, &lookup->reader->links, lookup->store->links,
			lookup->nodes[n].key, keys, LINKS_MAX, &count));
		for (size_t i = 0; i < count; i++) {
			const struct bd_node *node = NULL;
			bool found = false;

			if (is_again(lookup, n, keys[i])) {
				continue;
			}
			BD_TRY(bd_lookup_load(lookup, &node, &found, keys[i]));
			if (found) {
				BD_TRY(add_inverse_rows(lookup, node, asked));
				BD_TRY(add_inverse_blocks(lookup, node, asked));
			}
		}
	}
	return BD_OK;
}

/* -- the whole -- */

static int compare_statements(const void *a, const void *b)
{
	const struct bd_statement *x = a, *y = b;
	int order = x->source == y->source ? 0 : strcmp(x->source, y->source);

	order = order != 0 ? order : (x->entity > y->entity) - (x->entity < y->entity);
	order = order != 0 ? order : bd_bytes_compare(x->row_key, y->row_key);
	order = order != 0 ? order : strcmp(x->section, y->section);
	return order != 0 ? order : (int)x->is_inverse - (int)y->is_inverse;
}

static enum bd_code fill_identifiers(struct bd_lookup *lookup, struct bd_held *held)
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

		for (size_t i = 0; i < node->identifier_count && !is_bare(node); i++) {
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

static enum bd_code fill_coverage(struct bd_lookup *lookup, struct bd_held *held)
{
	const struct bd_node *nodes[BD_SUBJECT_NODES_MAX];

	for (size_t n = 0; n < lookup->count; n++) {
		nodes[n] = lookup->nodes[n].node;
	}
	return bd_cover_fill(held, lookup->reader, nodes, lookup->count, lookup->unsure,
		lookup->is_cut, lookup->arena, lookup->diag);
}

static enum bd_code collect(
	struct bd_lookup *lookup, struct bd_held *held, const struct asked *asked)
{
	bool is_ambiguous = false;

	BD_TRY(bd_lookup_subject(&is_ambiguous, lookup, asked->identifiers, asked->count));
	if (is_ambiguous) {
		held->status = BD_HELD_AMBIGUOUS;
		return fill_coverage(lookup, held);
	}
	for (size_t n = 0; n < lookup->count; n++) {
		for (const struct bd_node_row *row = lookup->nodes[n].node->rows; row != NULL;
			row = row->next) {
			BD_TRY(add_row(lookup, lookup->nodes[n].node, row, false));
		}
	}
	BD_TRY(add_disputes(lookup));
	BD_TRY(fill_identifiers(lookup, held));
	lookup->is_known |= held->identifier_count > 0;
	/* Whom only others speak of is known by that. */
	if (lookup->wanted->inverse || !lookup->is_known) {
		BD_TRY(add_inverse(lookup, asked));
	}
	if (lookup->statement_count > 1) {
		qsort(lookup->statements, lookup->statement_count, sizeof(*lookup->statements),
			compare_statements);
	}
	held->statements = lookup->statements;
	held->statement_count = lookup->statement_count;
	held->disputes = lookup->disputes;
	held->dispute_count = lookup->dispute_count;
	held->status = lookup->is_known ? BD_HELD_FOUND : BD_HELD_NO_SUBJECT;
	return fill_coverage(lookup, held);
}

static enum bd_code look_up(struct bd_held **out, struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct asked asked = { identifiers, count };
	struct bd_held *held = bd_arena_alloc(arena, 1, sizeof(*held));
	/* Not in the arena: it may be kept, and this is over then. */
	struct bd_lookup lookup;
	enum bd_code code;

	if (held == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	memset(&lookup, 0, offsetof(struct bd_lookup, nodes));
	lookup.reader = reader;
	lookup.store = reader->store;
	lookup.arena = arena;
	lookup.diag = diag;
	lookup.wanted = wanted;
	code = collect(&lookup, held, &asked);
	if (code != BD_OK) {
		return bd_fail(diag, code, "lookup");
	}
	*out = held;
	return BD_OK;
}

/* Where it stays for the next, or in the arena where there is no room for it. */
static enum bd_code look_up_to_keep(struct bd_held **out, struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_identifier *copies = identifiers;
	struct bd_node_memo *own = reader->memo, **memo = NULL;
	struct bd_arena *room = bd_recent_room(reader->recent, &copies, count, &memo);
	struct bd_diag why = { .code = BD_OK };
	enum bd_code code;

	if (room == NULL) {
		return look_up(out, reader, identifiers, count, wanted, arena, diag);
	}
	reader->memo = *memo;
	code = look_up(out, reader, copies, count, wanted, room, &why);
	*memo = reader->memo;
	reader->memo = own;
	if (code == BD_OK) {
		bd_recent_keep(reader->recent, *out, copies, count, wanted);
	} else if (code == BD_LIMIT_BYTES) {
		/* A subject that is too large to be remembered. */
		code = look_up(out, reader, identifiers, count, wanted, arena, diag);
	} else if (diag != NULL) {
		*diag = why;
	}
	return code;
}

enum bd_code bd_store_lookup(struct bd_held **out, struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	if (reader->recent == NULL || reader->as_of.commit != BD_AS_OF_NOW) {
		return look_up(out, reader, identifiers, count, wanted, arena, diag);
	}
	*out = bd_recent_find(reader->recent, identifiers, count, wanted);
	return *out != NULL ? BD_OK
			    : look_up_to_keep(out, reader, identifiers, count, wanted, arena, diag);
}
