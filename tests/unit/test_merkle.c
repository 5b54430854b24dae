/* test_merkle.c - the known tree of Certificate Transparency, and every proof of every size up to
 * 70 against the RFC's own recursive definition. */
#include "merkle_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES_MAX 70

/* The eight leaves with which implementations of RFC 6962 and RFC 9162 are commonly compared. */
static const char *const known_leaves[] = { "", "00", "10", "2021", "3031", "40414243",
	"5051525354555657", "606162636465666768696a6b6c6d6e6f" };
static const char *const known_roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void unhex(uint8_t *out, size_t len, const char *text)
{
	assert_true(bd_unhex(out, len, bd_bytes_of(text)));
}

static struct bd_hash hash_of(const char *text)
{
	struct bd_hash hash;

	unhex(hash.bytes, sizeof(hash.bytes), text);
	return hash;
}

static bool same(const struct bd_hash *a, const struct bd_hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* MTH of RFC 9162 section 2.1.1, as it is written there. */
static struct bd_hash reference_root(const struct bd_hash *leaves, size_t count)
{
	struct bd_hash left, right, out;
	size_t k = 1;

	if (count == 0) {
		assert_int_equal(bd_sha256_of((struct bd_bytes){ NULL, 0 }, out.bytes), BD_OK);
		return out;
	}
	if (count == 1) {
		return leaves[0];
	}
	while (k * 2 < count) {
		k *= 2;
	}
	left = reference_root(leaves, k);
	right = reference_root(leaves + k, count - k);
	assert_int_equal(bd_merkle_node(&out, &left, &right), BD_OK);
	return out;
}

/* PATH of section 2.1.3.1. */
static void reference_path(
	struct bd_merkle_path *path, size_t leaf, const struct bd_hash *leaves, size_t count)
{
	size_t k = 1;

	if (count <= 1) {
		return;
	}
	while (k * 2 < count) {
		k *= 2;
	}
	if (leaf < k) {
		reference_path(path, leaf, leaves, k);
		path->hashes[path->count++] = reference_root(leaves + k, count - k);
	} else {
		reference_path(path, leaf - k, leaves + k, count - k);
		path->hashes[path->count++] = reference_root(leaves, k);
	}
}

/* SUBPROOF of section 2.1.4.1. */
static void reference_subproof(struct bd_merkle_path *path, size_t first,
	const struct bd_hash *leaves, size_t count, bool is_whole)
{
	size_t k = 1;

	if (first == count) {
		if (!is_whole) {
			path->hashes[path->count++] = reference_root(leaves, count);
		}
		return;
	}
	while (k * 2 < count) {
		k *= 2;
	}
	if (first <= k) {
		reference_subproof(path, first, leaves, k, is_whole);
		path->hashes[path->count++] = reference_root(leaves + k, count - k);
	} else {
		reference_subproof(path, first - k, leaves + k, count - k, false);
		path->hashes[path->count++] = reference_root(leaves, k);
	}
}

static struct merkle_store built;
static struct bd_hash leaves[LEAVES_MAX], roots[LEAVES_MAX + 1];

static int set_up(void **state)
{
	struct bd_merkle_edge edge = { .size = 0 };

	(void)state;
	merkle_store_init(&built);
	for (size_t i = 0; i < LEAVES_MAX; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "leaf %zu", i);

		assert_int_equal(bd_merkle_edge_root(&roots[i], &edge), BD_OK);
		assert_int_equal(
			bd_merkle_leaf(&leaves[i], (struct bd_bytes){ text, (size_t)len }), BD_OK);
		assert_int_equal(bd_merkle_edge_add(&edge, &leaves[i], &built.sink, NULL), BD_OK);
		assert_int_equal(built.count, bd_merkle_stored_count(i + 1));
	}
	assert_int_equal(bd_merkle_edge_root(&roots[LEAVES_MAX], &edge), BD_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return 0;
}

static void known_tree(void **state)
{
	static const struct {
		uint64_t leaf, size;
		const char *path[4];
	} inclusions[] = {
		{ 0, 1, { NULL } },
		{ 0, 8,
			{ "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
				"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
				"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
				NULL } },
		{ 5, 8,
			{ "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
				"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
				"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
				NULL } },
		{ 2, 3,
			{ "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
				NULL } },
	};
	static const struct {
		uint64_t first, second;
		const char *path[4];
	} consistencies[] = {
		{ 1, 1, { NULL } },
		{ 1, 8,
			{ "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
				"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
				"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
				NULL } },
		{ 6, 8,
			{ "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
				"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
				"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
				NULL } },
		{ 2, 5,
			{ "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
				"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
				NULL } },
	};
	struct merkle_store known;
	struct bd_merkle_edge edge = { .size = 0 };
	struct bd_merkle_path path;

	(void)state;
	merkle_store_init(&known);
	for (size_t i = 0; i <= 8; i++) {
		struct bd_hash root, wanted = hash_of(known_roots[i]), leaf;
		uint8_t bytes[16];
		size_t len;

		assert_int_equal(bd_merkle_edge_root(&root, &edge), BD_OK);
		assert_true(same(&root, &wanted));
		if (i == 8) {
			break;
		}
		len = strlen(known_leaves[i]) / 2;
		unhex(bytes, len, known_leaves[i]);
		assert_int_equal(
			bd_merkle_leaf(&leaf, (struct bd_bytes){ (char *)bytes, len }), BD_OK);
		assert_int_equal(bd_merkle_edge_add(&edge, &leaf, &known.sink, NULL), BD_OK);
	}
	for (size_t i = 0; i < sizeof(inclusions) / sizeof(inclusions[0]); i++) {
		size_t count = 0;

		assert_int_equal(bd_merkle_inclusion(&path, inclusions[i].leaf, inclusions[i].size,
					 &known.source, NULL),
			BD_OK);
		for (; inclusions[i].path[count] != NULL; count++) {
			struct bd_hash wanted = hash_of(inclusions[i].path[count]);

			assert_true(same(&path.hashes[count], &wanted));
		}
		assert_int_equal(path.count, count);
	}
	for (size_t i = 0; i < sizeof(consistencies) / sizeof(consistencies[0]); i++) {
		size_t count = 0;

		assert_int_equal(bd_merkle_consistency(&path, consistencies[i].first,
					 consistencies[i].second, &known.source, NULL),
			BD_OK);
		for (; consistencies[i].path[count] != NULL; count++) {
			struct bd_hash wanted = hash_of(consistencies[i].path[count]);

			assert_true(same(&path.hashes[count], &wanted));
		}
		assert_int_equal(path.count, count);
	}
}

static void roots_are_the_definition(void **state)
{
	(void)state;
	for (size_t size = 0; size <= LEAVES_MAX; size++) {
		struct bd_hash wanted = reference_root(leaves, size), root;
		struct bd_merkle_edge edge;

		assert_true(same(&roots[size], &wanted));
		assert_int_equal(bd_merkle_edge_read(&edge, size, &built.source, NULL), BD_OK);
		assert_int_equal(bd_merkle_edge_root(&root, &edge), BD_OK);
		assert_true(same(&root, &wanted));
	}
}

/* Any one bit of it, or a hash more or less, and the proof is none. */
static void every_inclusion(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= LEAVES_MAX; size++) {
		for (uint64_t leaf = 0; leaf < size; leaf++) {
			struct bd_merkle_path path, wanted = { .count = 0 }, bad;
			const struct bd_hash *root = &roots[size], *hash = &leaves[leaf];

			assert_int_equal(
				bd_merkle_inclusion(&path, leaf, size, &built.source, NULL), BD_OK);
			reference_path(&wanted, leaf, leaves, size);
			assert_int_equal(path.count, wanted.count);
			assert_memory_equal(
				path.hashes, wanted.hashes, path.count * sizeof(path.hashes[0]));
			assert_int_equal(
				bd_merkle_check_inclusion(&path, hash, leaf, size, root), BD_OK);
			for (size_t i = 0; i < path.count; i++) {
				bad = path;
				bad.hashes[i].bytes[(leaf + i) % 32] ^= (uint8_t)(1 << leaf % 8);
				assert_int_equal(
					bd_merkle_check_inclusion(&bad, hash, leaf, size, root),
					BD_PROOF_WRONG);
			}
			bad = path;
			bad.hashes[bad.count++] = leaves[0];
			assert_int_equal(bd_merkle_check_inclusion(&bad, hash, leaf, size, root),
				BD_PROOF_WRONG);
			bad.count = path.count - 1; /* SIZE_MAX for a path of none */
			assert_int_equal(bd_merkle_check_inclusion(&bad, hash, leaf, size, root),
				BD_PROOF_WRONG);
			/* No other leaf or place has this proof. */
			for (uint64_t other = 0; other <= size; other++) {
				if (other != leaf) {
					assert_int_equal(bd_merkle_check_inclusion(
								 &path, hash, other, size, root),
						BD_PROOF_WRONG);
				}
			}
			assert_int_equal(
				bd_merkle_check_inclusion(&path, &roots[0], leaf, size, root),
				BD_PROOF_WRONG);
		}
	}
}

static void every_consistency(void **state)
{
	(void)state;
	for (uint64_t second = 0; second <= LEAVES_MAX; second++) {
		for (uint64_t first = 0; first <= second; first++) {
			struct bd_merkle_path path, wanted = { .count = 0 }, bad;
			const struct bd_hash *old = &roots[first], *new = &roots[second];

			assert_int_equal(
				bd_merkle_consistency(&path, first, second, &built.source, NULL),
				BD_OK);
			if (first > 0) {
				reference_subproof(&wanted, first, leaves, second, true);
			}
			assert_int_equal(path.count, wanted.count);
			assert_memory_equal(
				path.hashes, wanted.hashes, path.count * sizeof(path.hashes[0]));
			assert_int_equal(
				bd_merkle_check_consistency(&path, first, old, second, new), BD_OK);
			for (size_t i = 0; i < path.count; i++) {
				bad = path;
				bad.hashes[i].bytes[(first + i) % 32] ^= 0x10;
				assert_int_equal(
					bd_merkle_check_consistency(&bad, first, old, second, new),
					BD_PROOF_WRONG);
			}
			bad = path;
			bad.hashes[bad.count++] = leaves[0];
			assert_int_equal(bd_merkle_check_consistency(&bad, first, old, second, new),
				BD_PROOF_WRONG);
			for (uint64_t other = 0; other <= LEAVES_MAX; other++) {
				if (other != first) {
					assert_int_equal(bd_merkle_check_consistency(&path, first,
								 &roots[other], second, new),
						BD_PROOF_WRONG);
				}
			}
		}
	}
}

/* Numbers that no tree has. */
static void absurd_numbers(void **state)
{
	struct bd_merkle_path path = { .count = 0 };

	(void)state;
	assert_int_equal(
		bd_merkle_check_inclusion(&path, &leaves[0], 0, 0, &leaves[0]), BD_PROOF_WRONG);
	assert_int_equal(bd_merkle_check_inclusion(
				 &path, &leaves[0], UINT64_MAX - 1, UINT64_MAX, &leaves[0]),
		BD_PROOF_WRONG);
	path.count = BD_MERKLE_PATH_MAX;
	memset(path.hashes, 7, sizeof(path.hashes));
	assert_int_equal(bd_merkle_check_inclusion(
				 &path, &leaves[0], UINT64_MAX - 1, UINT64_MAX, &leaves[0]),
		BD_PROOF_WRONG);
	assert_int_equal(bd_merkle_check_consistency(
				 &path, UINT64_MAX - 1, &leaves[0], UINT64_MAX, &leaves[0]),
		BD_PROOF_WRONG);
	assert_int_equal(
		bd_merkle_check_consistency(&path, 5, &leaves[0], 4, &leaves[0]), BD_PROOF_WRONG);
	path.count = BD_MERKLE_PATH_MAX + 1;
	assert_int_equal(
		bd_merkle_check_inclusion(&path, &leaves[0], 0, 2, &leaves[0]), BD_PROOF_WRONG);
	assert_int_equal(bd_merkle_inclusion(&path, 3, 3, &built.source, NULL), BD_INTERNAL);
	assert_int_equal(bd_merkle_consistency(&path, 4, 3, &built.source, NULL), BD_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_tree),
		cmocka_unit_test(roots_are_the_definition),
		cmocka_unit_test(every_inclusion),
		cmocka_unit_test(every_consistency),
		cmocka_unit_test(absurd_numbers),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
