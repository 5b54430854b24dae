/* seal.h - keys of the store: names are blinded, values sealed.
 *
 * Layer: store; OpenSSL stays in seal_gcm.c and seal_sm4.c. A sealed value begins with its sealing
 * and its epoch, so that a store may hold several: u8 sealing + 1, u16 epoch, 12 random bytes of
 * nonce, what is sealed, 16 of tag. A subject's key is HMAC(master of the epoch, salt), with
 * SHA-256 for AES-256-GCM and SM3 for SM4; its salt lies apart (salts.h). A struct bd_seal is used
 * by one thread.
 */
#ifndef BD_STORE_SEAL_H
#define BD_STORE_SEAL_H

#include "base/bytes.h"
#include "record/record.h"
#include "store/ring.h"
#include "store/salts.h"

#define BD_NODE_KEY_BYTES 16
#define BD_SEAL_HEAD_BYTES 3
#define BD_SEAL_OVERHEAD 31 /* head, nonce and tag: the same of every sealing */

struct bd_seal;
/* Without roots in the ring yet it only opens and closes. The ring lives as long. */
enum bd_code bd_seal_new(struct bd_seal **out, const struct bd_ring *ring);
void bd_seal_free(struct bd_seal *seal);
/* The key of a salt that is no subject's (spools, messages) is kept instead of derived each time;
 * a subject's never is: it must be gone with its salt. */
enum bd_code bd_seal_keep(struct bd_seal *seal, const uint8_t salt[BD_SALT_BYTES]);
/* Random bytes for a nonce or a salt, as bd_random_draw. */
enum bd_code bd_seal_random(struct bd_seal *seal, uint8_t *out, size_t len);
/* The key under which an identifier stands in the store. */
enum bd_code bd_seal_blind(struct bd_seal *seal, const struct bd_identifier *identifier,
	uint8_t out[BD_NODE_KEY_BYTES]);
/* How many blinding keys it has: what was blinded with fewer is not found by them all. */
uint32_t bd_seal_generation(const struct bd_seal *seal);
/* Digest under the blinding keys of any bytes: idempotency keys. */
enum bd_code bd_seal_digest(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32]);
/* What the newest blinding key makes of a name that those before it gave. */
enum bd_code bd_seal_blind_again(
	struct bd_seal *seal, const uint8_t name[BD_NODE_KEY_BYTES], uint8_t out[32]);
/* The name that the first blinding key gives, given the one of them all: the same over a rebuild.
 */
enum bd_code bd_seal_origin(struct bd_seal *seal, const struct bd_identifier *identifier,
	const uint8_t name[BD_NODE_KEY_BYTES], uint8_t out[BD_NODE_KEY_BYTES]);
/* Digest of what a statement says, under a key of its own: equal content of two subjects must be
 * given with what tells them apart. */
enum bd_code bd_seal_statement(struct bd_seal *seal, struct bd_bytes bytes, uint8_t out[32]);
/* Appends, under what is in force. name is authenticated with it: a value cannot be moved to
 * another key. */
enum bd_code bd_seal_close(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes plain);
/* Appends. BD_STORE_DAMAGED when it was changed, or sealed under another key or name. */
enum bd_code bd_seal_open(struct bd_seal *seal, struct bd_buf *out,
	const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes sealed);
/* Is it closed as bd_seal_close would close it now? */
bool bd_seal_is_current(const struct bd_seal *seal, struct bd_bytes sealed);

#endif
