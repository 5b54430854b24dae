#include "trail/tree.h"

#include <string.h>

static enum bd_code read_node(
	struct bd_merkle_source *source, struct bd_hash *out, uint64_t place, struct bd_diag *diag)
{
	const struct bd_trail_tree *tree = (const struct bd_trail_tree *)(void *)source;
	size_t got;
	enum bd_code code = bd_trail_read_at(&got, tree->fd, out->bytes, sizeof(out->bytes),
		place * sizeof(out->bytes), BD_TRAIL_TREE_NAME, diag);

	if (code == BD_OK && got != sizeof(out->bytes)) {
		code = bd_fail(diag, BD_TRAIL_DAMAGED, "%s: too short", BD_TRAIL_TREE_NAME);
	}
	return code;
}

void bd_trail_tree_of(struct bd_trail_tree *tree, int fd)
{
	*tree = (struct bd_trail_tree){ .source = { read_node }, .fd = fd };
}

uint64_t bd_trail_tree_bytes(uint64_t size)
{
	return bd_merkle_stored_count(size) * BD_DIGEST_BYTES;
}

enum bd_code bd_trail_tree_edge(struct bd_merkle_edge *out, struct bd_trail_tree *tree,
	uint64_t size, const struct bd_hash *root, struct bd_diag *diag)
{
	struct bd_merkle_edge edge;
	struct bd_hash found;
	enum bd_code code = bd_merkle_edge_read(&edge, size, &tree->source, diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_merkle_edge_root(&found, &edge);
	if (code != BD_OK) {
		return bd_fail(diag, code, "no digest");
	}
	if (memcmp(&found, root, sizeof(found)) != 0) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "%s: does not lead to the root of the head",
			BD_TRAIL_TREE_NAME);
	}
	*out = edge;
	return BD_OK;
}
