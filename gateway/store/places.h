/* places.h - where the node of a name stands: nodes lie in the order in which they first came, and
 * their names lead there.
 *
 * Layer: store, private. `places` has under a node's key, which is blinded, a number; `nodes` has
 * under that number and the key what bd_node_open reads. The number is the first slot that the node
 * had (salts.h), so a later node has a higher one, and the place stays when an erasure gives the
 * node another slot.
 *
 * So a new node is put behind all others, in full pages, wherever in the order of keys its name
 * falls; and what is written for the name is a page that a hundred others share. With the nodes
 * themselves in the order of their keys each new one came between two others, into a page of four
 * that was full: of a million put among ten, two pages were written for each.
 */
#ifndef BD_STORE_PLACES_H
#define BD_STORE_PLACES_H

#include "store/txn.h"

/* Bytes before the node's key in a key of `nodes`. */
#define BD_PLACE_BYTES 8
#define BD_PLACE_NAME_BYTES (BD_PLACE_BYTES + BD_NODE_KEY_BYTES)

/* What stands under a node's key; borrowed from the transaction until its next put. */
enum bd_code bd_place_get(struct bd_bytes *value, bool *found, const struct bd_store *store,
	MDB_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], struct bd_diag *diag);
/* Where the node already has a place it stays there. slot: of the node, for one that has none;
 * higher than any that was put before. */
enum bd_code bd_place_put(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t slot,
	struct bd_bytes value);
/* With its place. One that is not there: nothing. */
enum bd_code bd_place_drop(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES]);

#endif
