/* long_nodes.h - a part of a long message, node by node. Layer: store, private to long.c. */
#ifndef BD_STORE_LONG_NODES_H
#define BD_STORE_LONG_NODES_H

#include "store/apply.h"
#include "store/long.h"

/* Of a reject, one row of one node. */
struct bd_long_reject {
	uint8_t key[BD_NODE_KEY_BYTES];
	uint32_t at; /* in the entry's rejects */
	int32_t row; /* -1: all entities of its subject */
};

/* Whole nodes, until the transaction is large enough; all that the message says of one is in one
 * transaction. done: the last of them. */
enum bd_code bd_long_apply_nodes(struct bd_apply *apply, struct bd_long *work,
	uint8_t done[BD_NODE_KEY_BYTES], bool *has_more);

#endif
