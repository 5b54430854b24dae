#include "store/ring.h"

#include "base/digest.h"
#include "base/locked.h"
#include "base/try.h"

#include <string.h>

static uint32_t target_of(enum bd_sealing sealing, uint16_t epoch)
{
	return (uint32_t)sealing << 16 | epoch;
}

enum bd_code bd_ring_new(struct bd_ring **out, const struct bd_keys *keys, enum bd_sealing sealing)
{
	struct bd_ring *ring = bd_locked_alloc(sizeof(*ring));

	*out = ring;
	if (ring == NULL) {
		return BD_NO_MEMORY;
	}
	ring->keys = *keys;
	ring->target = target_of(
		sealing, keys->count > 0 ? keys->items[keys->count - 1].epoch : (uint16_t)0);
	return BD_OK;
}

void bd_ring_free(struct bd_ring *ring)
{
	bd_locked_free(ring, sizeof(*ring));
}

void bd_ring_target(enum bd_sealing *sealing, uint16_t *epoch, const struct bd_ring *ring)
{
	uint32_t target = __atomic_load_n(&ring->target, __ATOMIC_ACQUIRE);

	*sealing = (enum bd_sealing)(target >> 16);
	*epoch = (uint16_t)target;
}

enum bd_code bd_ring_add(struct bd_ring *ring, const struct bd_key *key)
{
	enum bd_sealing sealing;
	uint16_t epoch;

	if (ring->keys.count == BD_EPOCHS_MAX) {
		return BD_LIMIT_COUNT;
	}
	bd_ring_target(&sealing, &epoch, ring);
	ring->keys.items[ring->keys.count] = *key;
	__atomic_store_n(&ring->keys.count, ring->keys.count + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->target, target_of(sealing, key->epoch), __ATOMIC_RELEASE);
	return BD_OK;
}

const struct bd_key *bd_ring_find(const struct bd_ring *ring, uint16_t epoch)
{
	size_t count = __atomic_load_n(&ring->keys.count, __ATOMIC_ACQUIRE);

	for (size_t i = 0; i < count; i++) {
		if (ring->keys.items[i].epoch == epoch) {
			return &ring->keys.items[i];
		}
	}
	return NULL;
}

enum bd_code bd_ring_derive(uint8_t out[BD_ROOT_BYTES], const struct bd_ring *ring, const char *use)
{
	struct bd_hmac *hmac = NULL;

	BD_TRY(bd_hmac_new(
		&hmac, (struct bd_bytes){ (const char *)ring->roots.lasting, BD_ROOT_BYTES }));
	enum bd_code code = bd_hmac_of(hmac, bd_bytes_of(use), out);
	bd_hmac_free(hmac);
	return code;
}
