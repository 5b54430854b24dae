#include "store/node_memo.h"

#include <string.h>

_Static_assert(BD_MEMO_NAMES < UINT8_MAX, "a slot holds a place among the names, + 1");

struct bd_node_memo *bd_node_memo_new(struct bd_arena *arena)
{
	struct bd_node_memo *memo = bd_arena_take(arena, 1, sizeof(*memo));

	if (memo != NULL) {
		memo->arena = arena;
		memo->count = memo->name_count = 0;
		memset(memo->name_slots, 0, sizeof(memo->name_slots));
		memset(memo->slots, 0, sizeof(memo->slots));
	}
	return memo;
}

/* -- nodes -- */

/* Keys are blinded: as good as drawn. */
static size_t slot_of(const struct bd_node_memo *memo, const uint8_t key[BD_NODE_KEY_BYTES])
{
	size_t at = key[0] % BD_MEMO_SLOTS;

	while (memo->slots[at] != NULL &&
		memcmp(memo->slots[at]->key, key, BD_NODE_KEY_BYTES) != 0) {
		at = (at + 1) % BD_MEMO_SLOTS;
	}
	return at;
}

struct bd_memo_node *bd_node_memo_find(
	const struct bd_node_memo *memo, const uint8_t key[BD_NODE_KEY_BYTES])
{
	return memo->slots[slot_of(memo, key)];
}

void bd_node_memo_keep(struct bd_node_memo *memo, struct bd_memo_node *node)
{
	if (memo->count < BD_MEMO_SLOTS / 4 * 3) {
		memo->slots[slot_of(memo, node->key)] = node;
		memo->count++;
	}
}

/* -- names -- */

static uint64_t mix(uint64_t hash, const char *bytes, size_t len)
{
	uint64_t eight = 0;

	memcpy(&eight, bytes, len);
	hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* Both ends of a text. What sources number a subject by for themselves often ends in the same
 * digits, and begins with those of its place. */
static uint64_t mix_text(uint64_t hash, struct bd_bytes text)
{
	size_t len = text.len < sizeof(uint64_t) ? text.len : sizeof(uint64_t);

	if (len > 0) {
		hash = mix(hash ^ text.len, text.ptr, len);
		hash = mix(hash, text.ptr + text.len - len, len);
	}
	return hash;
}

static size_t name_slot_of(const struct bd_identifier *identifier)
{
	uint64_t hash =
		mix_text(mix_text(identifier->kind, identifier->number), identifier->issuer);

	return hash >> (64 - BD_MEMO_NAME_BITS);
}

const uint8_t *bd_node_memo_key(
	const struct bd_node_memo *memo, const struct bd_identifier *identifier)
{
	size_t at = memo->name_slots[name_slot_of(identifier)];

	return at > 0 && bd_identifier_equal(&memo->names[at - 1].identifier, identifier)
		       ? memo->names[at - 1].key
		       : NULL;
}

void bd_node_memo_keep_key(struct bd_node_memo *memo, const struct bd_identifier *identifier,
	const uint8_t key[BD_NODE_KEY_BYTES])
{
	size_t at = memo->name_count++ % BD_MEMO_NAMES;

	memo->names[at].identifier = *identifier;
	memcpy(memo->names[at].key, key, BD_NODE_KEY_BYTES);
	memo->name_slots[name_slot_of(identifier)] = (uint8_t)(at + 1);
}
