/* seal_sm4.h - SM4-CTR, then HMAC-SM3 over it, under a key and a nonce of the caller's: SM4 is
 * GB/T 32907-2016, its counter mode GB/T 17964-2021 clause 9, HMAC-SM3 GB/T 15852.2-2012.
 *
 * Layer: store, private to seal.c; the same shape as seal_gcm.h. Debian's OpenSSL 3.0 has no
 * SM4-GCM. The key's first half encrypts, its second half authenticates: length of the name, name,
 * nonce, what was encrypted. The tag is the front of the HMAC. Nonces and threads as there.
 */
#ifndef BD_STORE_SEAL_SM4_H
#define BD_STORE_SEAL_SM4_H

#include "base/bytes.h"

#define BD_SM4_KEY_BYTES 32
#define BD_SM4_NONCE_BYTES 12
#define BD_SM4_TAG_BYTES 16
#define BD_SM4_BLOCK_BYTES 16

struct bd_sm4;
/* BD_INTERNAL: this OpenSSL has no SM4 or no SM3. */
enum bd_code bd_sm4_new(struct bd_sm4 **out);
void bd_sm4_free(struct bd_sm4 *sm4);
/* As bd_gcm_close. */
enum bd_code bd_sm4_close(struct bd_sm4 *sm4, uint8_t *out, uint8_t tag[BD_SM4_TAG_BYTES],
	const uint8_t key[BD_SM4_KEY_BYTES], const uint8_t nonce[BD_SM4_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes plain);
/* As bd_gcm_open; out is written only when the tag is right. */
enum bd_code bd_sm4_open(struct bd_sm4 *sm4, uint8_t *out, const uint8_t tag[BD_SM4_TAG_BYTES],
	const uint8_t key[BD_SM4_KEY_BYTES], const uint8_t nonce[BD_SM4_NONCE_BYTES],
	struct bd_bytes name, struct bd_bytes sealed);
/* The counter mode alone, from a whole first block; in and out may be the same. */
enum bd_code bd_sm4_ctr(struct bd_sm4 *sm4, uint8_t *out, const uint8_t key[BD_SM4_BLOCK_BYTES],
	const uint8_t first[BD_SM4_BLOCK_BYTES], struct bd_bytes in);

#endif
