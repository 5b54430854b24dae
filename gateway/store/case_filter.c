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

/* The bits of one name in its block. */
static uint64_t *find(
	uint64_t bits[8], const struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint32_t first;
	uint64_t rest;

	memcpy(&first, key, sizeof(first));
	memcpy(&rest, key + 8, sizeof(rest));
	rest = le64toh(rest);
	memset(bits, 0, BLOCK_BITS / 8);
	for (int i = 0; i < BITS_SET; i++) {
		bits[rest >> 6 & 7] |= UINT64_C(1) << (rest & 63);
		rest >>= 9;
	}
	return filter->blocks[(uint64_t)le32toh(first) * filter->count >> 32];
}

void bd_case_filter_add(struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t bits[8], *block;

	if (filter->blocks != NULL) {
		block = find(bits, filter, key);
		for (int i = 0; i < 8; i++) {
			block[i] |= bits[i];
		}
	}
}

bool bd_case_filter_may_have(
	const struct bd_case_filter *filter, const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t bits[8];
	const uint64_t *block;
	uint64_t missing = 0;

	if (filter->blocks == NULL) {
		return true;
	}
	block = find(bits, filter, key);
	for (int i = 0; i < 8; i++) {
		missing |= bits[i] & ~block[i];
	}
	return missing == 0;
}
