/* merkle_support.h - the stored nodes of a tree under test, as trail/ keeps them in a file. */
#ifndef BD_TESTS_MERKLE_SUPPORT_H
#define BD_TESTS_MERKLE_SUPPORT_H

#include "base/merkle.h"

#include <stddef.h>
#include <stdlib.h>

/* Leaves of the greatest tree that is made. */
#define MERKLE_STORE_LEAVES_MAX 256

struct merkle_store {
	struct bd_merkle_sink sink;
	struct bd_merkle_source source;
	struct bd_hash nodes[2 * MERKLE_STORE_LEAVES_MAX];
	size_t count;
};

/* Ends the process where the tree asks for what it never gave. */
static inline void merkle_store_must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static inline enum bd_code merkle_store_keep(
	struct bd_merkle_sink *sink, const struct bd_hash *hash, struct bd_diag *diag)
{
	struct merkle_store *store = (struct merkle_store *)(void *)sink;

	(void)diag;
	merkle_store_must(store->count < sizeof(store->nodes) / sizeof(store->nodes[0]));
	store->nodes[store->count++] = *hash;
	return BD_OK;
}

static inline enum bd_code merkle_store_give(
	struct bd_merkle_source *source, struct bd_hash *out, uint64_t place, struct bd_diag *diag)
{
	struct merkle_store *store =
		(struct merkle_store *)(void *)((char *)source -
						offsetof(struct merkle_store, source));

	(void)diag;
	merkle_store_must(place < store->count);
	*out = store->nodes[place];
	return BD_OK;
}

static inline void merkle_store_init(struct merkle_store *store)
{
	*store = (struct merkle_store){ .sink = { merkle_store_keep },
		.source = { merkle_store_give } };
}

#endif
