/* seal_gcm.h - AES-256-GCM under a key and a nonce of the caller's (NIST SP 800-38D).
 *
 * Layer: store, private to seal.c; apart from it so that the vectors of the standard can be tried.
 * A struct bd_gcm is used by one thread. Whoever closes must never use a nonce twice with one key.
 */
#ifndef BD_STORE_SEAL_GCM_H
#define BD_STORE_SEAL_GCM_H

#include "base/bytes.h"

#define BD_GCM_KEY_BYTES 32
#define BD_GCM_NONCE_BYTES 12
#define BD_GCM_TAG_BYTES 16

struct bd_gcm;
enum bd_code bd_gcm_new(struct bd_gcm **out);
void bd_gcm_free(struct bd_gcm *gcm);
/* out takes plain.len bytes. name is authenticated and not stored. BD_LIMIT_BYTES past 2 GiB. */
enum bd_code bd_gcm_close(struct bd_gcm *gcm, uint8_t *out, uint8_t tag[BD_GCM_TAG_BYTES],
	const uint8_t key[BD_GCM_KEY_BYTES], const uint8_t nonce[BD_GCM_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes plain);
/* out takes sealed.len bytes. BD_STORE_DAMAGED when anything differs from what was closed; then
 * out is wiped. */
enum bd_code bd_gcm_open(struct bd_gcm *gcm, uint8_t *out, const uint8_t tag[BD_GCM_TAG_BYTES],
	const uint8_t key[BD_GCM_KEY_BYTES], const uint8_t nonce[BD_GCM_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes sealed);

#endif
