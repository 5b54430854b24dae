/* siphash.h - SipHash-2-4: a short keyed digest for tables in memory (J.-P. Aumasson, D. J.
 * Bernstein, 2012). Who does not know the key cannot choose where something lies. Not for what
 * leaves the process: there it is HMAC (digest.h). OpenSSL has it too, and takes some 300 ns to
 * begin; this takes 15 for an identity number.
 *
 * Layer: base.
 */
#ifndef BD_BASE_SIPHASH_H
#define BD_BASE_SIPHASH_H

#include "base/bytes.h"

#define BD_SIPHASH_KEY_BYTES 16

struct bd_siphash_key {
	uint64_t halves[2];
};

struct bd_siphash_key bd_siphash_key_of(const uint8_t bytes[BD_SIPHASH_KEY_BYTES]);
uint64_t bd_siphash(const struct bd_siphash_key *key, struct bd_bytes bytes);

#endif
