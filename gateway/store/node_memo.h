/* node_memo.h - nodes opened and names blinded in one snapshot: a question comes back to the same
 * ones. Layer: store, private. It lies in the arena of the lookups and ends with it.
 */
#ifndef BD_STORE_NODE_MEMO_H
#define BD_STORE_NODE_MEMO_H

#include "store/env.h"

/* Nodes that are remembered fill three quarters of their slots at the most. */
#define BD_MEMO_SLOTS 128
/* Of names the newest are remembered. */
#define BD_MEMO_NAMES 64
#define BD_MEMO_NAME_BITS 7

struct bd_node_memo {
	const struct bd_arena *arena;
	size_t count;
	size_t name_count; /* that have been remembered, those that are forgotten again too */
	/* By hash: where it is in names, + 1; 0 = nowhere. */
	uint8_t name_slots[1 << BD_MEMO_NAME_BITS];
	struct {
		struct bd_identifier identifier;
		uint8_t key[BD_NODE_KEY_BYTES];
	} names[BD_MEMO_NAMES];
	struct bd_memo_node {
		uint8_t key[BD_NODE_KEY_BYTES];
		struct bd_node node;
		bool is_found;
	} * slots[BD_MEMO_SLOTS];
};

/* NULL: there is no room; bd_arena_code says why. */
struct bd_node_memo *bd_node_memo_new(struct bd_arena *arena);
/* NULL: it was not opened yet. */
struct bd_memo_node *bd_node_memo_find(
	const struct bd_node_memo *memo, const uint8_t key[BD_NODE_KEY_BYTES]);
/* Unless there are too many. It was not there, and lives as long. */
void bd_node_memo_keep(struct bd_node_memo *memo, struct bd_memo_node *node);
/* What a name is blinded as; NULL = not remembered. */
const uint8_t *bd_node_memo_key(
	const struct bd_node_memo *memo, const struct bd_identifier *identifier);
/* What the identifier points to lives as long. */
void bd_node_memo_keep_key(struct bd_node_memo *memo, const struct bd_identifier *identifier,
	const uint8_t key[BD_NODE_KEY_BYTES]);

#endif
