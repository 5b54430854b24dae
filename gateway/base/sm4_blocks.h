/* sm4_blocks.h - the block cipher SM4 as departments use it for a payload: ECB or CBC with PKCS #7
 * padding.
 *
 * Layer: base; OpenSSL stays in sm4_blocks.c. GB/T 32907-2016 (SM4), GB/T 17964-2021 (modes), RFC
 * 5652 section 6.3 (padding). Neither mode says whether a text was altered: a signature beside it
 * does.
 */
#ifndef BD_BASE_SM4_BLOCKS_H
#define BD_BASE_SM4_BLOCKS_H

#include "base/bytes.h"

#define BD_SM4_BLOCKS_BYTES 16
#define BD_SM4_BLOCKS_KEY_BYTES 16

enum bd_sm4_blocks_mode { BD_SM4_BLOCKS_ECB = 1, BD_SM4_BLOCKS_CBC };

/* Appends what was sealed. iv has BD_SM4_BLOCKS_BYTES and is of CBC alone. False, in the same time
 * whatever is wrong with the padding, when it is not whole blocks or not padded; out is then as
 * long as before, and holds behind its end what came out. */
bool bd_sm4_blocks_open(struct bd_buf *out, enum bd_sm4_blocks_mode mode,
	const uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], const uint8_t *iv, struct bd_bytes sealed);
/* Appends the padded text, sealed. For who makes samples; BD_INTERNAL, BD_NO_MEMORY. */
enum bd_code bd_sm4_blocks_seal(struct bd_buf *out, enum bd_sm4_blocks_mode mode,
	const uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], const uint8_t *iv, struct bd_bytes text);

#endif
