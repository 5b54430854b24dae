/* fuzz_sign.c - any bytes as a key file, as a signature in DER and as base64: what is read is
 * written again as it was.
 */
#include "base/sign.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void read_key(struct bd_bytes input)
{
	struct bd_sign_key *key = NULL, *again = NULL;
	struct bd_bytes rest = { NULL, 0 };
	uint8_t signature[BD_SIGNATURE_BYTES] = { 1 };
	struct bd_buf pem;

	if (bd_sign_key_public(&key, &rest, input, NULL) == BD_OK) {
		must(rest.len < input.len);
		bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
		must(bd_sign_key_write_public(&pem, key) == BD_OK);
		must(bd_sign_key_public(&again, NULL, bd_buf_bytes(&pem), NULL) == BD_OK);
		must(memcmp(bd_sign_key_id(key), bd_sign_key_id(again), BD_DIGEST_BYTES) == 0);
		must(bd_sign_check(signature, key, input) == BD_SIGNATURE_WRONG);
		bd_buf_release(&pem);
		bd_sign_key_free(key);
		bd_sign_key_free(again);
	}
	key = NULL;
	if (bd_sign_key_private(&key, input, NULL) == BD_OK) {
		must(bd_sign(signature, key, input) == BD_OK);
		must(bd_sign_check(signature, key, input) == BD_OK);
		bd_sign_key_free(key);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bd_bytes input = { (const char *)bytes, len };
	uint8_t signature[BD_SIGNATURE_BYTES], der[BD_SIGNATURE_DER_MAX_BYTES];
	struct bd_buf plain, text;

	read_key(input);
	if (bd_signature_from_der(signature, input) == BD_OK) {
		must(bd_signature_to_der(der, signature) == len && memcmp(der, bytes, len) == 0);
	}
	bd_buf_init(&plain, len);
	bd_buf_init(&text, len + 4);
	if (bd_base64_read(&plain, input)) {
		must(bd_base64_add(&text, bd_buf_bytes(&plain)) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&text), input));
	}
	bd_buf_release(&plain);
	bd_buf_release(&text);
	return 0;
}
