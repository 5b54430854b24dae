/* SipHash-2-4 beside the vectors of its authors and beside OpenSSL's. */
#include "base/siphash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void as_openssl(uint64_t *out, const uint8_t key[16], const uint8_t *bytes, size_t len)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	unsigned size = 8;
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end() };
	uint8_t result[8];
	size_t result_len = 0;

	assert_non_null(context);
	assert_int_equal(EVP_MAC_init(context, key, 16, params), 1);
	assert_int_equal(EVP_MAC_update(context, bytes, len), 1);
	assert_int_equal(EVP_MAC_final(context, result, &result_len, sizeof(result)), 1);
	memcpy(out, result, sizeof(result));
	*out = le64toh(*out);
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
}

static void every_length(void **state)
{
	uint8_t key[16], bytes[100];
	struct bd_siphash_key ready;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)i;
		key[i % 16] = (uint8_t)(i % 16);
	}
	ready = bd_siphash_key_of(key);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint64_t expected;

		as_openssl(&expected, key, bytes, len);
		assert_true(
			bd_siphash(&ready, (struct bd_bytes){ (char *)bytes, len }) == expected);
	}
	/* Appendix A of the paper. */
	assert_true(bd_siphash(&ready, (struct bd_bytes){ (char *)bytes, 15 }) ==
		    UINT64_C(0xa129ca6149be45e5));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_length) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
