/* node.h - all that stands under one identifier: rows of every source, section markers, blocks,
 * other identifiers.
 *
 * Layer: store, private. A node in memory is lists in an arena; it is packed into one sealed value.
 * Merging is commutative: applying the same records in any order gives the same node.
 *
 * Row: `base` is the highest order of a replace, `deleted` of a delete, each field has the order
 * that set it. A field is seen when its order is not below base and above deleted; a row when it
 * has such a field or base is above deleted, and it is not below its section's marker.
 */
#ifndef BD_STORE_NODE_H
#define BD_STORE_NODE_H

#include "base/arena.h"
#include "record/record.h"

struct bd_stamp {
	bool is_set;
	struct bd_order order;
};

struct bd_node_value {
	struct bd_value value;
	int64_t as_of_ms, received_ms;
	uint64_t message;
	struct bd_node_value *next;
};

struct bd_node_field {
	uint16_t number;
	struct bd_order order;
	struct bd_node_value
		*values; /* in the order of their bytes, at most BD_CONFLICT_VALUES_MAX */
	struct bd_node_field *next; /* by number */
};

struct bd_node_row {
	struct bd_bytes source, section, key;
	uint16_t entity;
	struct bd_stamp base, deleted;
	int64_t as_of_ms, received_ms; /* of the newest replace */
	uint64_t message;              /* the last that spoke of it, whatever it said */
	struct bd_identifier *other;   /* relations */
	size_t other_count;
	struct bd_node_field *fields;
	struct bd_node_row *next; /* by source, section, entity, key */
};

/* A section was told whole for this subject. */
struct bd_node_marker {
	struct bd_bytes source, section;
	uint16_t entity;
	struct bd_order order;
	int64_t received_ms;
	struct bd_node_marker *next;
};

/* A record of this subject was refused: what stands may be out of date. */
struct bd_node_block {
	struct bd_bytes source, section;
	uint16_t entity;
	uint64_t message;
	struct bd_node_block *next;
};

struct bd_node {
	struct bd_arena *arena;
	struct bd_identifier *identifiers; /* of the subject, highest first; [0] names this node */
	size_t identifier_count, identifier_cap;
	struct bd_node_row *rows;
	struct bd_node_marker *markers;
	struct bd_node_block *blocks;
};

int bd_order_compare(struct bd_order a, struct bd_order b);

/* An empty node. */
void bd_node_init(struct bd_node *node, struct bd_arena *arena);
/* Borrows from packed. */
enum bd_code bd_node_unpack(struct bd_node *node, struct bd_bytes packed, struct bd_arena *arena);
enum bd_code bd_node_pack(struct bd_buf *out, const struct bd_node *node);

struct bd_node_context {
	struct bd_bytes source;
	int64_t received_ms;
	uint64_t message;
};
/* The record's subject, order and other are final. *changed = something a reader could see is
 * different. */
enum bd_code bd_node_apply(struct bd_node *node, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed);
/* Adds identifiers that are not yet known of the subject; *added when there was one. */
enum bd_code bd_node_add_identifiers(
	struct bd_node *node, const struct bd_identifier *identifiers, size_t count, bool *added);
enum bd_code bd_node_block(struct bd_node *node, struct bd_bytes section, uint16_t entity,
	const struct bd_node_context *context);

bool bd_node_row_is_seen(const struct bd_node *node, const struct bd_node_row *row);
bool bd_node_field_is_seen(const struct bd_node_row *row, const struct bd_node_field *field);
const struct bd_node_marker *bd_node_find_marker(const struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity);
bool bd_identifier_equal(const struct bd_identifier *a, const struct bd_identifier *b);

#endif
