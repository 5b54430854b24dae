/* lookup.h - identifiers to the nodes of one subject. Layer: store, private to lookup. */
#ifndef BD_STORE_LOOKUP_H
#define BD_STORE_LOOKUP_H

#include "base/limits.h"
#include "store/env.h"

/* What stands under some node and might be the subject's, or might not: of this source and entity
 * nothing is proven absent. */
struct bd_unsure {
	struct bd_bytes source;
	uint16_t entity;
	struct bd_unsure *next;
};

struct bd_lookup_node {
	uint8_t key[BD_NODE_KEY_BYTES];
	const struct bd_node *node;
	bool is_found;
};

struct bd_lookup {
	struct bd_store_reader *reader;
	struct bd_store *store;
	struct bd_arena *arena;
	struct bd_diag *diag;
	const struct bd_wanted *wanted;
	size_t count;
	struct bd_unsure *unsure;
	bool is_known; /* somebody speaks of the subject, wanted or not */
	bool is_cut;   /* there was more than a lookup follows: nothing is proven absent */
	struct bd_statement *statements;
	size_t statement_count, statement_cap;
	struct bd_held_dispute *disputes;
	size_t dispute_count, dispute_cap;
	/* Of the last row: most are of the same source and section as the one before. */
	const char *source, *section;
	struct bd_lookup_node nodes[BD_SUBJECT_NODES_MAX]; /* the first `count` are set */
};

/* Fills lookup->nodes with all nodes of the subject that these identifiers name, the highest first;
 * *ambiguous: they lead to several subjects. */
enum bd_code bd_lookup_subject(bool *ambiguous, struct bd_lookup *lookup,
	const struct bd_identifier *identifiers, size_t count);
/* Opened once in a snapshot. */
enum bd_code bd_lookup_load(struct bd_lookup *lookup, const struct bd_node **node, bool *found,
	const uint8_t key[BD_NODE_KEY_BYTES]);
/* The second halves of the pairs that begin with key; sets is_cut past max. */
enum bd_code bd_lookup_pairs(struct bd_lookup *lookup, MDB_cursor **cursor, MDB_dbi dbi,
	const uint8_t key[BD_NODE_KEY_BYTES], uint8_t (*out)[BD_NODE_KEY_BYTES], size_t max,
	size_t *count);
enum bd_code bd_lookup_unsure(struct bd_lookup *lookup, struct bd_bytes source, uint16_t entity);
bool bd_lookup_names(const struct bd_node *node, const struct bd_identifier *identifier);

#endif
