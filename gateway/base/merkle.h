/* merkle.h - Merkle trees over SHA-256: roots, inclusion and consistency proofs, made and checked.
 *
 * Layer: base; called by trail/ and, offline, by the command line. RFC 9162 (Certificate
 * Transparency 2.0) section 2.1: a leaf is SHA-256(0x00 || bytes), a node SHA-256(0x01 || left ||
 * right), the root of no leaf SHA-256 of nothing. Leaves are counted from 0.
 *
 * A tree only grows, and its complete subtrees never change: bd_merkle_edge_add tells each as it is
 * completed, and who stores them at bd_merkle_stored_at can give any proof of any size later, by
 * reading a few dozen hashes. Sizes are below 2^62 leaves.
 */
#ifndef BD_BASE_MERKLE_H
#define BD_BASE_MERKLE_H

#include "base/diag.h"
#include "base/digest.h"

/* A path has a hash a level, a consistency proof one more: 2^62 leaves are 62 levels. */
#define BD_MERKLE_PATH_MAX 64
#define BD_MERKLE_SIZE_MAX (UINT64_C(1) << 62)

struct bd_hash {
	uint8_t bytes[BD_DIGEST_BYTES];
};

/* From the leaf upwards, as the RFC orders them. */
struct bd_merkle_path {
	size_t count;
	struct bd_hash hashes[BD_MERKLE_PATH_MAX];
};

enum bd_code bd_merkle_leaf(struct bd_hash *out, struct bd_bytes leaf);
enum bd_code bd_merkle_node(
	struct bd_hash *out, const struct bd_hash *left, const struct bd_hash *right);

/* -- growing --------------------------------------------------------------------------------------
 */
struct bd_merkle_sink;
/* Takes each complete subtree in the order of bd_merkle_stored_at; anything but BD_OK ends the add,
 * and the edge is as before. */
struct bd_merkle_sink {
	enum bd_code (*on_node)(
		struct bd_merkle_sink *sink, const struct bd_hash *hash, struct bd_diag *diag);
};

/* The right edge of a growing tree: the roots of its complete subtrees, one for each bit of size,
 * the largest at its own level. Zeroed = no leaf. */
struct bd_merkle_edge {
	uint64_t size;
	struct bd_hash hashes[BD_MERKLE_PATH_MAX]; /* by level; those of bits that are set */
};

/* sink NULL = nobody keeps the nodes. */
enum bd_code bd_merkle_edge_add(struct bd_merkle_edge *edge, const struct bd_hash *leaf,
	struct bd_merkle_sink *sink, struct bd_diag *diag);
enum bd_code bd_merkle_edge_root(struct bd_hash *out, const struct bd_merkle_edge *edge);

/* Where the subtree of 2^level leaves that is the index-th of its level stands among all complete
 * ones; and how many complete ones a tree of size leaves has. */
uint64_t bd_merkle_stored_at(unsigned level, uint64_t index);
uint64_t bd_merkle_stored_count(uint64_t size);

/* -- proofs ---------------------------------------------------------------------------------------
 */
struct bd_merkle_source;
/* Gives a stored hash by its place (bd_merkle_stored_at). */
struct bd_merkle_source {
	enum bd_code (*read)(struct bd_merkle_source *source, struct bd_hash *out, uint64_t place,
		struct bd_diag *diag);
};

enum bd_code bd_merkle_edge_read(struct bd_merkle_edge *out, uint64_t size,
	struct bd_merkle_source *source, struct bd_diag *diag);
/* leaf < size, else BD_INTERNAL: our own mistake. */
enum bd_code bd_merkle_inclusion(struct bd_merkle_path *out, uint64_t leaf, uint64_t size,
	struct bd_merkle_source *source, struct bd_diag *diag);
/* That the tree of `first` leaves is the beginning of the one of `second`; first <= second. Empty
 * for first 0 and first == second. */
enum bd_code bd_merkle_consistency(struct bd_merkle_path *out, uint64_t first, uint64_t second,
	struct bd_merkle_source *source, struct bd_diag *diag);

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2. Any numbers and hashes: BD_PROOF_WRONG unless they fit
 * exactly. */
enum bd_code bd_merkle_check_inclusion(const struct bd_merkle_path *path,
	const struct bd_hash *leaf_hash, uint64_t leaf, uint64_t size, const struct bd_hash *root);
enum bd_code bd_merkle_check_consistency(const struct bd_merkle_path *path, uint64_t first,
	const struct bd_hash *first_root, uint64_t second, const struct bd_hash *second_root);

#endif
