#include "base/merkle.h"

#include <string.h>

static struct bd_bytes bytes_of(const struct bd_hash *hash)
{
	return (struct bd_bytes){ (const char *)hash->bytes, sizeof(hash->bytes) };
}

static bool is_same(const struct bd_hash *a, const struct bd_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

enum bd_code bd_merkle_leaf(struct bd_hash *out, struct bd_bytes leaf)
{
	const struct bd_bytes parts[] = { { "\0", 1 }, leaf };

	return bd_sha256_of_parts(parts, 2, out->bytes);
}

enum bd_code bd_merkle_node(
	struct bd_hash *out, const struct bd_hash *left, const struct bd_hash *right)
{
	const struct bd_bytes parts[] = { { "\1", 1 }, bytes_of(left), bytes_of(right) };

	return bd_sha256_of_parts(parts, 3, out->bytes);
}

/* -- growing -- */

static enum bd_code tell(
	struct bd_merkle_sink *sink, const struct bd_hash *hash, struct bd_diag *diag)
{
	return sink != NULL ? sink->on_node(sink, hash, diag) : BD_OK;
}

enum bd_code bd_merkle_edge_add(struct bd_merkle_edge *edge, const struct bd_hash *leaf,
	struct bd_merkle_sink *sink, struct bd_diag *diag)
{
	struct bd_hash whole = *leaf;
	unsigned level = 0;
	enum bd_code code = edge->size < BD_MERKLE_SIZE_MAX ? tell(sink, &whole, diag)
							    : bd_fail(diag, BD_LIMIT_COUNT, "tree");

	/* Like adding one to a number: each set bit below is a subtree that this leaf completes. */
	for (; code == BD_OK && (edge->size >> level & 1) != 0; level++) {
		code = bd_merkle_node(&whole, &edge->hashes[level], &whole);
		code = code == BD_OK ? tell(sink, &whole, diag) : code;
	}
	if (code == BD_OK) {
		edge->hashes[level] = whole;
		edge->size++;
	}
	return code;
}

enum bd_code bd_merkle_edge_root(struct bd_hash *out, const struct bd_merkle_edge *edge)
{
	bool has_right = false;
	enum bd_code code = BD_OK;

	if (edge->size == 0) {
		return bd_sha256_of_parts(NULL, 0, out->bytes);
	}
	for (unsigned level = 0; code == BD_OK && level < BD_MERKLE_PATH_MAX; level++) {
		if ((edge->size >> level & 1) == 0) {
			continue;
		}
		if (has_right) {
			code = bd_merkle_node(out, &edge->hashes[level], out);
		} else {
			*out = edge->hashes[level];
			has_right = true;
		}
	}
	return code;
}

/* Before leaf n stand n leaves, and n/2 + n/4 + ... nodes over them: 2n - (bits set in n). */
uint64_t bd_merkle_stored_count(uint64_t size)
{
	return 2 * size - (uint64_t)__builtin_popcountll(size);
}

/* A subtree follows its last leaf, after the smaller ones that end with it. */
uint64_t bd_merkle_stored_at(unsigned level, uint64_t index)
{
	return bd_merkle_stored_count(((index + 1) << level) - 1) + level;
}

/* -- proofs -- */

/* The largest power of two below count, which is at least 2. */
static uint64_t split(uint64_t count)
{
	return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

enum bd_code bd_merkle_edge_read(struct bd_merkle_edge *out, uint64_t size,
	struct bd_merkle_source *source, struct bd_diag *diag)
{
	struct bd_merkle_edge edge = { .size = size };
	uint64_t left = 0;

	for (unsigned level = BD_MERKLE_PATH_MAX; level-- > 0;) {
		if ((size >> level & 1) == 0) {
			continue;
		}
		enum bd_code code = source->read(source, &edge.hashes[level],
			bd_merkle_stored_at(level, left >> level), diag);
		if (code != BD_OK) {
			return code;
		}
		left += UINT64_C(1) << level;
	}
	*out = edge;
	return BD_OK;
}

/* The root over leaves [begin, end), where begin is a multiple of the least power of two that is
 * not below end - begin: so each part of it is a stored subtree. */
static enum bd_code range_root(struct bd_hash *out, uint64_t begin, uint64_t end,
	struct bd_merkle_source *source, struct bd_diag *diag)
{
	uint64_t count = end - begin, at = end;
	bool has_right = false;
	enum bd_code code = BD_OK;

	for (unsigned level = 0; code == BD_OK && at > begin; level++) {
		struct bd_hash part;

		if ((count >> level & 1) == 0) {
			continue;
		}
		at -= UINT64_C(1) << level;
		code = source->read(source, &part, bd_merkle_stored_at(level, at >> level), diag);
		if (code == BD_OK && has_right) {
			code = bd_merkle_node(out, &part, out);
		} else if (code == BD_OK) {
			*out = part;
			has_right = true;
		}
	}
	return code;
}

static void turn(struct bd_merkle_path *path)
{
	for (size_t i = 0; i < path->count / 2; i++) {
		struct bd_hash other = path->hashes[path->count - 1 - i];

		path->hashes[path->count - 1 - i] = path->hashes[i];
		path->hashes[i] = other;
	}
}

enum bd_code bd_merkle_inclusion(struct bd_merkle_path *out, uint64_t leaf, uint64_t size,
	struct bd_merkle_source *source, struct bd_diag *diag)
{
	struct bd_merkle_path path = { .count = 0 };
	uint64_t begin = 0, end = size;
	enum bd_code code = BD_OK;

	if (leaf >= size || size > BD_MERKLE_SIZE_MAX) {
		return bd_fail(diag, BD_INTERNAL, "a leaf outside its tree");
	}
	/* From the root down to the leaf: at each step the half it is not in. */
	while (code == BD_OK && end - begin > 1) {
		uint64_t middle = begin + split(end - begin);
		bool is_left = leaf < middle;

		code = range_root(&path.hashes[path.count++], is_left ? middle : begin,
			is_left ? end : middle, source, diag);
		*(is_left ? &end : &begin) = middle;
	}
	if (code == BD_OK) {
		turn(&path);
		*out = path;
	}
	return code;
}

enum bd_code bd_merkle_consistency(struct bd_merkle_path *out, uint64_t first, uint64_t second,
	struct bd_merkle_source *source, struct bd_diag *diag)
{
	struct bd_merkle_path path = { .count = 0 };
	uint64_t begin = 0, end = second;
	enum bd_code code = BD_OK;

	if (first > second || second > BD_MERKLE_SIZE_MAX) {
		return bd_fail(diag, BD_INTERNAL, "a tree does not shrink");
	}
	if (first == 0) {
		end = 0;
	}
	/* SUBPROOF of RFC 9162 section 2.1.4.1, from the root down to where the first tree ends. */
	while (code == BD_OK && first != end) {
		uint64_t middle = begin + split(end - begin);
		bool is_left = first <= middle;

		code = range_root(&path.hashes[path.count++], is_left ? middle : begin,
			is_left ? end : middle, source, diag);
		*(is_left ? &end : &begin) = middle;
	}
	/* A part of the first tree that is not the whole of it is not known to who checks. */
	if (code == BD_OK && begin > 0) {
		code = range_root(&path.hashes[path.count++], begin, end, source, diag);
	}
	if (code == BD_OK) {
		turn(&path);
		*out = path;
	}
	return code;
}

/* -- checks -- */

enum bd_code bd_merkle_check_inclusion(const struct bd_merkle_path *path,
	const struct bd_hash *leaf_hash, uint64_t leaf, uint64_t size, const struct bd_hash *root)
{
	struct bd_hash hash = *leaf_hash;
	uint64_t at = leaf, last = size - 1;
	enum bd_code code = BD_OK;

	if (leaf >= size || path->count > BD_MERKLE_PATH_MAX) {
		return BD_PROOF_WRONG;
	}
	for (size_t i = 0; i < path->count && code == BD_OK; i++) {
		const struct bd_hash *other = &path->hashes[i];

		if (last == 0) {
			return BD_PROOF_WRONG;
		}
		if ((at & 1) != 0 || at == last) {
			code = bd_merkle_node(&hash, other, &hash);
			while ((at & 1) == 0 && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			code = bd_merkle_node(&hash, &hash, other);
		}
		at >>= 1;
		last >>= 1;
	}
	if (code == BD_OK && (last != 0 || !is_same(&hash, root))) {
		code = BD_PROOF_WRONG;
	}
	return code;
}

static enum bd_code check_grown(const struct bd_merkle_path *path, uint64_t first,
	const struct bd_hash *first_root, uint64_t second, const struct bd_hash *second_root)
{
	uint64_t at = first - 1, last = second - 1;
	/* A first tree that is one complete subtree stands itself at the head of the path. */
	bool is_whole = (first & (first - 1)) == 0;
	struct bd_hash old, new;
	enum bd_code code = BD_OK;

	if (path->count == 0 || path->count > BD_MERKLE_PATH_MAX) {
		return BD_PROOF_WRONG;
	}
	old = new = is_whole ? *first_root : path->hashes[0];
	for (; (at & 1) != 0; at >>= 1) {
		last >>= 1;
	}
	for (size_t i = is_whole ? 0 : 1; i < path->count && code == BD_OK; i++) {
		const struct bd_hash *other = &path->hashes[i];

		if (last == 0) {
			return BD_PROOF_WRONG;
		}
		if ((at & 1) != 0 || at == last) {
			code = bd_merkle_node(&old, other, &old);
			code = code == BD_OK ? bd_merkle_node(&new, other, &new) : code;
			while ((at & 1) == 0 && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			code = bd_merkle_node(&new, &new, other);
		}
		at >>= 1;
		last >>= 1;
	}
	if (code == BD_OK &&
		(last != 0 || !is_same(&old, first_root) || !is_same(&new, second_root))) {
		code = BD_PROOF_WRONG;
	}
	return code;
}

enum bd_code bd_merkle_check_consistency(const struct bd_merkle_path *path, uint64_t first,
	const struct bd_hash *first_root, uint64_t second, const struct bd_hash *second_root)
{
	struct bd_hash nothing;
	enum bd_code code;

	if (first > 0 && first < second) {
		return check_grown(path, first, first_root, second, second_root);
	}
	if (first > second || path->count != 0) {
		return BD_PROOF_WRONG;
	}
	if (first == second) {
		return is_same(first_root, second_root) ? BD_OK : BD_PROOF_WRONG;
	}
	code = bd_sha256_of_parts(NULL, 0, nothing.bytes);
	return code != BD_OK ? code : is_same(&nothing, first_root) ? BD_OK : BD_PROOF_WRONG;
}
