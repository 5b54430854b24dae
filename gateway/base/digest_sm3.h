/* digest_sm3.h - SM3 and keyed HMAC-SM3 (GB/T 32905-2016; GB/T 15852.2-2012, MAC algorithm 2).
 * Layer: base; OpenSSL stays in digest_sm3.c. A struct bd_sm3_hmac is used by one thread.
 */
#ifndef BD_BASE_DIGEST_SM3_H
#define BD_BASE_DIGEST_SM3_H

#include "base/bytes.h"

#define BD_SM3_BYTES 32

enum bd_code bd_sm3_of(struct bd_bytes bytes, uint8_t out[BD_SM3_BYTES]);

struct bd_sm3_hmac;
/* Without a key yet. BD_INTERNAL: this OpenSSL has no SM3. */
enum bd_code bd_sm3_hmac_new(struct bd_sm3_hmac **out);
enum bd_code bd_sm3_hmac_key(struct bd_sm3_hmac *hmac, struct bd_bytes key);
/* Over all parts, one behind the other. */
enum bd_code bd_sm3_hmac_of(struct bd_sm3_hmac *hmac, const struct bd_bytes *parts, size_t count,
	uint8_t out[BD_SM3_BYTES]);
void bd_sm3_hmac_free(struct bd_sm3_hmac *hmac);

#endif
