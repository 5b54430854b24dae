#include "store/lately.h"

#include "base/limits.h"

#include <stdlib.h>

/* Nodes that share a place: the oldest makes room. */
#define WAYS 8
#define PLACES (BD_LATELY_NODES / WAYS)

struct way {
	uint64_t tag, commit; /* commit 0 = empty */
};

struct bd_lately {
	uint64_t forgotten; /* up to this commit anything may have been put */
	struct way ways[PLACES][WAYS];
};

_Static_assert((PLACES & (PLACES - 1)) == 0, "a power of two");

struct bd_lately *bd_lately_new(uint64_t commit)
{
	struct bd_lately *lately = calloc(1, sizeof(*lately));

	if (lately != NULL) {
		lately->forgotten = commit;
	}
	return lately;
}

void bd_lately_free(struct bd_lately *lately)
{
	free(lately);
}

/* Keys are blinded: any of their bytes are as good as drawn. */
static size_t place_of(const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint32_t front;

	memcpy(&front, key, sizeof(front));
	return front & (PLACES - 1);
}

static uint64_t tag_of(const uint8_t key[BD_NODE_KEY_BYTES])
{
	uint64_t tag;

	memcpy(&tag, key + BD_NODE_KEY_BYTES - sizeof(tag), sizeof(tag));
	return tag;
}

void bd_lately_note(struct bd_lately *lately, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t commit)
{
	struct way *ways, *oldest;
	uint64_t tag = tag_of(key);

	if (lately == NULL) {
		return;
	}
	ways = oldest = lately->ways[place_of(key)];
	for (size_t i = 0; i < WAYS; i++) {
		if (ways[i].tag == tag && ways[i].commit != 0) {
			ways[i].commit = commit;
			return;
		}
		oldest = ways[i].commit < oldest->commit ? &ways[i] : oldest;
	}
	lately->forgotten = oldest->commit > lately->forgotten ? oldest->commit : lately->forgotten;
	*oldest = (struct way){ tag, commit };
}

bool bd_lately_may_have(
	const struct bd_lately *lately, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t since)
{
	const struct way *ways;
	uint64_t tag = tag_of(key);

	if (lately == NULL || since < lately->forgotten) {
		return true;
	}
	ways = lately->ways[place_of(key)];
	for (size_t i = 0; i < WAYS; i++) {
		if (ways[i].tag == tag && ways[i].commit > since) {
			return true;
		}
	}
	return false;
}
