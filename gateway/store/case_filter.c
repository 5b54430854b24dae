/* case_filter.c - which names a run may have. */
#include "store/case_run.h"

#include <stdlib.h>

#define BLOCK_BITS 512
/* Of one name: about one in a hundred that are not there seems to be. */
#define BITS_PER_NAME 12
#define BITS_SET 6

struct bd_case_filter bd_case_filter_new(size_t names)
{
	struct bd_case_filter filter = { .count = names * BITS_PER_NAME / BLOCK_BITS + 1 };

	if (bd_case_filter_bytes(&filter) <= BD_CASE_FILTER_MAX_BYTES) {
		filter.blocks = calloc(filter.count, sizeof(*filter.blocks));
	}
	filter.count = filter.blocks != NULL ? filter.count : 0;
	return filter;
}

void bd_case_filter_free(struct bd_case_filter *filter)
{
	free(filter->blocks);
	*filter = (struct bd_case_filter){ .count = 0 };
}

static uint64_t *block_of(const struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint32_t first;

	memcpy(&first, key, sizeof(first));
	return filter->blocks[(uint64_t)le32toh(first) * filter->count >> 32];
}

/* Which bits of its block are the name's, nine bits of it for each. */
static uint64_t bits_of(const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t rest;

	memcpy(&rest, key + 8, sizeof(rest));
	return le64toh(rest);
}

void bd_case_filter_add(struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t *block, rest = bits_of(key);

	if (filter->blocks == NULL) {
		return;
	}
	block = block_of(filter, key);
	for (int i = 0; i < BITS_SET; i++, rest >>= 9) {
		block[rest >> 6 & 7] |= UINT64_C(1) << (rest & 63);
	}
}

bool bd_case_filter_may_have(
	const struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES])
{
	const uint64_t *block;
	uint64_t rest = bits_of(key), there = 1;

	if (filter->blocks == NULL) {
		return true;
	}
	block = block_of(filter, key);
	for (int i = 0; i < BITS_SET && there != 0; i++, rest >>= 9) {
		there = block[rest >> 6 & 7] >> (rest & 63) & 1;
	}
	return there != 0;
}
