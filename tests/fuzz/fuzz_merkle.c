/* fuzz_merkle.c - any numbers and hashes to the checks of proofs; and of the tree that the bytes
 * are the leaves of, every proof holds, and none that was changed.
 */
#include "../unit/merkle_support.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX MERKLE_STORE_LEAVES_MAX

/* Two numbers and a path, as they come. */
static void check_anything(struct bd_bytes input)
{
	struct bd_reader reader = bd_reader_of(input);
	struct bd_merkle_path path = { .count = 0 };
	uint64_t first = bd_read_u64(&reader), second = bd_read_u64(&reader);
	struct bd_hash root = { { 0 } };

	while (reader.rest.len >= sizeof(root) && path.count < BD_MERKLE_PATH_MAX) {
		memcpy(&path.hashes[path.count++], bd_read_bytes(&reader, sizeof(root)).ptr,
			sizeof(root));
	}
	merkle_store_must(
		bd_merkle_check_inclusion(&path, &root, first, second, &root) == BD_PROOF_WRONG ||
		(path.count == 0 && second == 1));
	merkle_store_must(
		bd_merkle_check_consistency(&path, first, &root, second, &root) == BD_PROOF_WRONG ||
		(path.count == 0 && first == second));
}

static void check_tree(struct bd_bytes input)
{
	struct merkle_store *store = calloc(1, sizeof(*store));
	size_t count = input.len < LEAVES_MAX ? input.len : LEAVES_MAX, chosen;
	struct bd_merkle_edge edge = { .size = 0 };
	struct bd_hash leaves[LEAVES_MAX], root, half;
	struct bd_merkle_path path;

	merkle_store_must(store != NULL);
	merkle_store_init(store);
	chosen = (uint8_t)input.ptr[0] % count;
	for (size_t i = 0; i < count; i++) {
		merkle_store_must(
			bd_merkle_leaf(&leaves[i], (struct bd_bytes){ input.ptr + i, 1 }) == BD_OK);
		merkle_store_must(
			bd_merkle_edge_add(&edge, &leaves[i], &store->sink, NULL) == BD_OK);
		if (i == chosen) {
			merkle_store_must(bd_merkle_edge_root(&half, &edge) == BD_OK);
		}
	}
	merkle_store_must(bd_merkle_edge_root(&root, &edge) == BD_OK);
	merkle_store_must(bd_merkle_inclusion(&path, chosen, count, &store->source, NULL) == BD_OK);
	merkle_store_must(
		bd_merkle_check_inclusion(&path, &leaves[chosen], chosen, count, &root) == BD_OK);
	if (path.count > 0) {
		path.hashes[chosen % path.count].bytes[chosen % 32] ^= 1;
		merkle_store_must(bd_merkle_check_inclusion(&path, &leaves[chosen], chosen, count,
					  &root) == BD_PROOF_WRONG);
	}
	merkle_store_must(
		bd_merkle_consistency(&path, chosen + 1, count, &store->source, NULL) == BD_OK);
	merkle_store_must(
		bd_merkle_check_consistency(&path, chosen + 1, &half, count, &root) == BD_OK);
	if (path.count > 0) {
		path.hashes[chosen % path.count].bytes[chosen % 32] ^= 1;
		merkle_store_must(bd_merkle_check_consistency(&path, chosen + 1, &half, count,
					  &root) == BD_PROOF_WRONG);
	}
	free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bd_bytes input = { (const char *)bytes, len };

	check_anything(input);
	if (len > 0) {
		check_tree(input);
	}
	return 0;
}
