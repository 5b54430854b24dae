/* ring.h - the keys of an open store: the master keys by epoch, what is sealed under now, and the
 * roots that all names and digests come from. Layer: store, private.
 *
 * The roots are random, made with the store, and stand in it sealed (secrets.h): so a master key
 * can be changed without a name changing. Names are blinded by the first key, and by each later one
 * over what the one before gave: a rebuild (rebuild.h) lays one more over all that is there.
 *
 * Threads: one for all; an epoch is added by the writer's thread, seen by others with their next
 * value. What was set before they were started does not change.
 */
#ifndef BD_STORE_RING_H
#define BD_STORE_RING_H

#include "base/keys.h"

#define BD_ROOT_BYTES 32
/* The first, and one for each rebuild: each makes every name a digest more expensive. */
#define BD_BLINDINGS_MAX 8

struct bd_blinding_key {
	enum bd_blinding algorithm;
	uint8_t bytes[BD_ROOT_BYTES];
};

struct bd_roots {
	uint8_t lasting[BD_ROOT_BYTES]; /* of statements, of the trail's digests, of cursors */
	struct bd_blinding_key blindings[BD_BLINDINGS_MAX];
	size_t blinding_count;
};

/* In locked memory. */
struct bd_ring {
	struct bd_keys keys; /* count is atomic */
	struct bd_roots roots;
	uint32_t target; /* atomic: sealing and epoch that values are closed under */
};

enum bd_code bd_ring_new(struct bd_ring **out, const struct bd_keys *keys, enum bd_sealing sealing);
void bd_ring_free(struct bd_ring *ring); /* NULL is allowed */
/* Another epoch, behind all others; what is closed from then on is closed under it. */
enum bd_code bd_ring_add(struct bd_ring *ring, const struct bd_key *key);
void bd_ring_target(enum bd_sealing *sealing, uint16_t *epoch, const struct bd_ring *ring);
/* NULL = none of this epoch. */
const struct bd_key *bd_ring_find(const struct bd_ring *ring, uint16_t epoch);
/* A key for one use, of the lasting root. */
enum bd_code bd_ring_derive(
	uint8_t out[BD_ROOT_BYTES], const struct bd_ring *ring, const char *use);

#endif
