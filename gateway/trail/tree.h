/* tree.h - the file of the tree's complete subtrees. Layer: trail, private to it.
 *
 * 32 bytes each at 32 * bd_merkle_stored_at (base/merkle.h). Only grows; what stands behind the
 * subtrees of a signed size is not yet said.
 */
#ifndef BD_TRAIL_TREE_H
#define BD_TRAIL_TREE_H

#include "base/merkle.h"
#include "trail/file.h"

#define BD_TRAIL_TREE_NAME "tree"

struct bd_trail_tree {
	struct bd_merkle_source source; /* BD_TRAIL_DAMAGED past its end */
	int fd;
};

void bd_trail_tree_of(struct bd_trail_tree *tree, int fd);
/* The bytes of a tree of `size` leaves. */
uint64_t bd_trail_tree_bytes(uint64_t size);
/* The right edge of the tree of `size` leaves; BD_TRAIL_DAMAGED when it does not lead to root. */
enum bd_code bd_trail_tree_edge(struct bd_merkle_edge *out, struct bd_trail_tree *tree,
	uint64_t size, const struct bd_hash *root, struct bd_diag *diag);

#endif
