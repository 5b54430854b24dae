#include "base/sm4_blocks.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static const char *const names[] = {
	[BD_SM4_BLOCKS_ECB] = "SM4-ECB", [BD_SM4_BLOCKS_CBC] = "SM4-CBC"
};

/* Whole blocks through the cipher, without its own padding. */
static bool run(char *out, enum bd_sm4_blocks_mode mode, const uint8_t key[BD_SM4_BLOCKS_KEY_BYTES],
	const uint8_t *iv, struct bd_bytes blocks, bool is_sealing)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[mode], NULL);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int len = 0, last = 0;
	bool is_good =
		cipher != NULL && context != NULL && blocks.len <= INT_MAX &&
		EVP_CipherInit_ex2(context, cipher, key, mode == BD_SM4_BLOCKS_CBC ? iv : NULL,
			is_sealing ? 1 : 0, NULL) == 1 &&
		EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
		EVP_CipherUpdate(context, (unsigned char *)out, &len,
			(const unsigned char *)blocks.ptr, (int)blocks.len) == 1 &&
		EVP_CipherFinal_ex(context, (unsigned char *)out + len, &last) == 1 &&
		(size_t)(len + last) == blocks.len;

	EVP_CIPHER_CTX_free(context);
	EVP_CIPHER_free(cipher);
	ERR_clear_error();
	return is_good;
}

/* How many bytes of padding the last block ends in; 0 = it is none. No branch looks at a byte. */
static size_t padding(const char *block)
{
	const unsigned char *bytes = (const unsigned char *)block;
	unsigned pad = bytes[BD_SM4_BLOCKS_BYTES - 1];
	unsigned wrong = ((pad - 1) >> 4) != 0;

	for (unsigned i = 0; i < BD_SM4_BLOCKS_BYTES; i++) {
		/* All ones where this byte is of the padding. */
		unsigned is_pad = 0u - (unsigned)((BD_SM4_BLOCKS_BYTES - 1 - i) < pad);

		wrong |= is_pad & (bytes[i] ^ pad);
	}
	return (size_t)(pad & (0u - (unsigned)(wrong == 0)));
}

bool bd_sm4_blocks_open(struct bd_buf *out, enum bd_sm4_blocks_mode mode,
	const uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], const uint8_t *iv, struct bd_bytes sealed)
{
	size_t pad;

	if (sealed.len == 0 || sealed.len % BD_SM4_BLOCKS_BYTES != 0 ||
		bd_buf_reserve(out, sealed.len) != BD_OK ||
		!run(out->ptr + out->len, mode, key, iv, sealed, false)) {
		return false;
	}
	pad = padding(out->ptr + out->len + sealed.len - BD_SM4_BLOCKS_BYTES);
	if (pad == 0) {
		return false;
	}
	out->len += sealed.len - pad;
	return true;
}

enum bd_code bd_sm4_blocks_seal(struct bd_buf *out, enum bd_sm4_blocks_mode mode,
	const uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], const uint8_t *iv, struct bd_bytes text)
{
	size_t pad = BD_SM4_BLOCKS_BYTES - text.len % BD_SM4_BLOCKS_BYTES, before = out->len;
	enum bd_code code = bd_buf_reserve(out, text.len + pad);

	if (code != BD_OK) {
		return code;
	}
	memcpy(out->ptr + before, text.ptr, text.len);
	memset(out->ptr + before + text.len, (int)pad, pad);
	if (!run(out->ptr + before, mode, key, iv,
		    (struct bd_bytes){ out->ptr + before, text.len + pad }, true)) {
		return BD_INTERNAL;
	}
	out->len = before + text.len + pad;
	return BD_OK;
}
