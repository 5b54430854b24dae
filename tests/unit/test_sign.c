/* test_sign.c - known signatures of both kinds, every bit of them turned, keys of other kinds, and
 * the two forms of a signature. */
#include "base/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Found by fuzzing: a private key with a point that is not its own. */
static const char unpaired_private[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIIpSTK3GZqdeupBtIynN/lvNmZPGGY7+RZKti4oRrZ1xoAoGCCqGSM49\n"
	"AwEHoUQDQgAENPdoDLwaAeebQ70jV/05QwRrT14VSp6TzmpDbe+LXt2KN1pcabPn\n"
	"ydi4B1sXR1o+M6rCmvEJ+ApkF/2n3ycqjA==\n"
	"-----END EC PRIVATE KEY-----\n";
/* RFC 6979 appendix A.2.5, its public key as PEM. */
static const char rfc6979_public[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
	"Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
	"-----END PUBLIC KEY-----\n";
static const char rfc6979_sample[] =
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char rfc6979_test[] =
	"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
	"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083";
/* GB/T 32918.5-2017 appendix A: the key and the signature of "message digest". */
static const char gb32918_public[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAECfnfMR5UIaFQ3X0WHkvFxnIXn60Y\n"
	"M/wHa7CP81bzUCDM6kkM4md1pS3G6nGMwapgCu0F+/NeCEpmMvYHLamtEw==\n"
	"-----END PUBLIC KEY-----\n";
static const char gb32918_signature[] =
	"f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
	"b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
static const char p384_public[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEpLmQpvJ86OAocavV5zmZE3rKH93z+zbu\n"
	"+JgFZFP3PKmxprwR2CGrAUrq+EbgDpG0XUYCn3wLTxqEgFFHwYwzYJ04q02dcJB1\n"
	"V1i4gWqp7RWuVNj+0rHZP/co/gpFlp7Z\n"
	"-----END PUBLIC KEY-----\n";

static struct bd_sign_key *public_of(const char *pem)
{
	struct bd_sign_key *key = NULL;

	assert_int_equal(bd_sign_key_public(&key, NULL, bd_bytes_of(pem), NULL), BD_OK);
	return key;
}

static void known(const char *pem, const char *message, const char *hex)
{
	struct bd_sign_key *key = public_of(pem);
	uint8_t signature[BD_SIGNATURE_BYTES];

	assert_true(bd_unhex(signature, sizeof(signature), bd_bytes_of(hex)));
	assert_int_equal(bd_sign_check(signature, key, bd_bytes_of(message)), BD_OK);
	for (size_t bit = 0; bit < sizeof(signature) * 8; bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
			bd_sign_check(signature, key, bd_bytes_of(message)), BD_SIGNATURE_WRONG);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(
		bd_sign_check(signature, key, bd_bytes_of("messagf digest")), BD_SIGNATURE_WRONG);
	assert_int_equal(bd_sign_check(signature, key, bd_bytes_of("")), BD_SIGNATURE_WRONG);
	memset(signature, 0, sizeof(signature));
	assert_int_equal(bd_sign_check(signature, key, bd_bytes_of(message)), BD_SIGNATURE_WRONG);
	memset(signature, 0xff, sizeof(signature));
	assert_int_equal(bd_sign_check(signature, key, bd_bytes_of(message)), BD_SIGNATURE_WRONG);
	bd_sign_key_free(key);
}

static void known_signatures(void **state)
{
	(void)state;
	known(rfc6979_public, "sample", rfc6979_sample);
	known(rfc6979_public, "test", rfc6979_test);
	known(gb32918_public, "message digest", gb32918_signature);
}

static void signs(enum bd_sign_algorithm algorithm)
{
	struct bd_sign_key *key = NULL, *other = NULL, *read = NULL, *public = NULL;
	uint8_t signature[BD_SIGNATURE_BYTES];
	struct bd_buf pem;
	char message[] = "head of a tree";
	struct bd_bytes text = { message, sizeof(message) - 1 };

	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	assert_int_equal(bd_sign_key_generate(&key, algorithm), BD_OK);
	assert_int_equal(bd_sign_key_generate(&other, algorithm), BD_OK);
	assert_int_equal(bd_sign_key_algorithm(key), algorithm);
	assert_int_equal(bd_sign_key_write_private(&pem, key), BD_OK);
	assert_int_equal(bd_sign_key_private(&read, bd_buf_bytes(&pem), NULL), BD_OK);
	bd_buf_clear(&pem);
	assert_int_equal(bd_sign_key_write_public(&pem, key), BD_OK);
	assert_int_equal(bd_sign_key_public(&public, NULL, bd_buf_bytes(&pem), NULL), BD_OK);
	assert_memory_equal(bd_sign_key_id(public), bd_sign_key_id(key), BD_DIGEST_BYTES);
	assert_memory_equal(bd_sign_key_id(read), bd_sign_key_id(key), BD_DIGEST_BYTES);
	assert_memory_not_equal(bd_sign_key_id(other), bd_sign_key_id(key), BD_DIGEST_BYTES);
	for (int round = 0; round < 20; round++) {
		assert_int_equal(bd_sign(signature, read, text), BD_OK);
		assert_int_equal(bd_sign_check(signature, public, text), BD_OK);
		assert_int_equal(bd_sign_check(signature, other, text), BD_SIGNATURE_WRONG);
		message[round % 14] ^= 1;
		assert_int_equal(bd_sign_check(signature, public, text), BD_SIGNATURE_WRONG);
	}
	memset(signature, 0x5a, sizeof(signature));
	assert_int_equal(bd_sign(signature, public, text), BD_INTERNAL);
	for (size_t i = 0; i < sizeof(signature); i++) {
		assert_int_equal(signature[i], 0x5a);
	}
	bd_buf_release(&pem);
	bd_sign_key_free(key);
	bd_sign_key_free(other);
	bd_sign_key_free(read);
	bd_sign_key_free(public);
}

static void signs_ecdsa(void **state)
{
	(void)state;
	signs(BD_SIGN_ECDSA_P256_SHA256);
}

static void signs_sm2(void **state)
{
	(void)state;
	signs(BD_SIGN_SM2_SM3);
}

/* The same numbers under the other kind of key are no signature. */
static void kinds_are_kept_apart(void **state)
{
	struct bd_sign_key *sm2 = public_of(gb32918_public), *p256 = public_of(rfc6979_public);
	uint8_t signature[BD_SIGNATURE_BYTES];

	(void)state;
	assert_true(bd_unhex(signature, sizeof(signature), bd_bytes_of(rfc6979_sample)));
	assert_int_equal(bd_sign_check(signature, sm2, bd_bytes_of("sample")), BD_SIGNATURE_WRONG);
	assert_true(bd_unhex(signature, sizeof(signature), bd_bytes_of(gb32918_signature)));
	assert_int_equal(
		bd_sign_check(signature, p256, bd_bytes_of("message digest")), BD_SIGNATURE_WRONG);
	bd_sign_key_free(sm2);
	bd_sign_key_free(p256);
}

static void refuses_key(const char *pem)
{
	struct bd_sign_key *key = NULL;
	struct bd_diag diag = { .code = BD_OK };

	assert_int_equal(bd_sign_key_public(&key, NULL, bd_bytes_of(pem), &diag), BD_KEY_FORM);
	assert_int_equal(diag.code, BD_KEY_FORM);
	assert_null(key);
	assert_int_equal(bd_sign_key_private(&key, bd_bytes_of(pem), NULL), BD_KEY_FORM);
	assert_null(key);
}

static void other_keys_are_refused(void **state)
{
	char text[sizeof(rfc6979_public)];
	struct bd_sign_key *key = NULL;

	(void)state;
	refuses_key("");
	refuses_key("not a key\n");
	refuses_key(p384_public);
	refuses_key(unpaired_private);
	refuses_key("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n");
	assert_int_equal(bd_sign_key_private(&key, bd_bytes_of(rfc6979_public), NULL), BD_KEY_FORM);
	for (size_t len = 0; len + 2 < sizeof(text); len++) { /* the last newline may lack */
		memcpy(text, rfc6979_public, sizeof(text));
		text[len] = '\0';
		if (strstr(text, "-----END PUBLIC KEY-----") == NULL) {
			refuses_key(text);
		}
	}
	/* A point beside the curve. */
	memcpy(text, rfc6979_public, sizeof(text));
	*strstr(text, "mQ==") = 'n';
	refuses_key(text);
}

static void several_keys_in_a_file(void **state)
{
	char text[sizeof(rfc6979_public) + sizeof(gb32918_public)];
	struct bd_sign_key *first = NULL, *second = NULL, *third = NULL;
	struct bd_bytes rest;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", rfc6979_public, gb32918_public);
	assert_int_equal(bd_sign_key_public(&first, &rest, bd_bytes_of(text), NULL), BD_OK);
	assert_int_equal(bd_sign_key_public(&second, &rest, rest, NULL), BD_OK);
	assert_int_equal(bd_sign_key_algorithm(first), BD_SIGN_ECDSA_P256_SHA256);
	assert_int_equal(bd_sign_key_algorithm(second), BD_SIGN_SM2_SM3);
	assert_int_equal(rest.len, 0);
	assert_int_equal(bd_sign_key_public(&third, &rest, rest, NULL), BD_KEY_FORM);
	bd_sign_key_free(first);
	bd_sign_key_free(second);
}

static void two_forms(void **state)
{
	uint8_t signature[BD_SIGNATURE_BYTES], der[BD_SIGNATURE_DER_MAX_BYTES],
		again[BD_SIGNATURE_BYTES];

	(void)state;
	for (unsigned round = 0; round < 4096; round++) {
		size_t len, zeroes = round % 33;

		assert_int_equal(bd_random(signature, sizeof(signature)), BD_OK);
		memset(signature, 0, zeroes);
		memset(signature + 32, 0, round / 33 % 33);
		len = bd_signature_to_der(der, signature);
		assert_true(len <= sizeof(der));
		assert_int_equal(
			bd_signature_from_der(again, (struct bd_bytes){ (char *)der, len }), BD_OK);
		assert_memory_equal(again, signature, sizeof(signature));
		for (size_t cut = 0; cut < len; cut++) {
			assert_int_equal(
				bd_signature_from_der(again, (struct bd_bytes){ (char *)der, cut }),
				BD_SIGNATURE_WRONG);
		}
	}
}

static void other_der_is_refused(void **state)
{
	static const char *const texts[] = {
		"3006020101020101ff",     /* something behind */
		"300602010102010100",     /* the same */
		"3106020101020101",       /* SET */
		"3006030101020101",       /* BIT STRING */
		"3005020002020101",       /* empty number */
		"300702020001020101",     /* a zero too many */
		"3006020181020101",       /* negative */
		"308106020101020101",     /* long form of the length */
		"3080020101020101",       /* indefinite length */
		"30090201010201010201",   /* cut */
		"3009020101020101020101", /* three numbers */
		"3003020101",             /* one */
	};
	uint8_t out[BD_SIGNATURE_BYTES], bytes[64] = { 0x30, 0x26, 0x02, 0x21 };

	(void)state;
	/* 33 digits, none of them for the sign. */
	memset(bytes + 4, 1, 33);
	memcpy(bytes + 37, (const uint8_t[]){ 0x02, 0x01, 0x01 }, 3);
	assert_int_equal(bd_signature_from_der(out, (struct bd_bytes){ (char *)bytes, 40 }),
		BD_SIGNATURE_WRONG);
	bytes[4] = 0; /* and now one is */
	bytes[5] = 0x80;
	assert_int_equal(bd_signature_from_der(out, (struct bd_bytes){ (char *)bytes, 40 }), BD_OK);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i]) / 2;

		assert_true(bd_unhex(bytes, len, bd_bytes_of(texts[i])));
		assert_int_equal(
			bd_signature_from_der(out, (struct bd_bytes){ (char *)bytes, len }),
			BD_SIGNATURE_WRONG);
	}
}

static void base64(void **state)
{
	/* RFC 4648 section 10. */
	static const char *const good[][2] = { { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" },
		{ "Zm9v", "foo" }, { "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" } };
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "=Zg=", "====", "Zg==Zg==", "Zm9v\n", "Zm 9",
		"Zm9-", "Z===", "Zm=v" };
	struct bd_buf out;

	(void)state;
	bd_buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bd_buf_clear(&out);
		assert_true(bd_base64_read(&out, bd_bytes_of(good[i][0])));
		assert_int_equal(out.len, strlen(good[i][1]));
		assert_memory_equal(out.ptr, good[i][1], out.len);
	}
	assert_int_equal(bd_buf_add_text(&out, "kept"), BD_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t before = out.len;

		assert_false(bd_base64_read(&out, bd_bytes_of(bad[i])));
		assert_int_equal(out.len, before);
	}
	bd_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_signatures),
		cmocka_unit_test(signs_ecdsa),
		cmocka_unit_test(signs_sm2),
		cmocka_unit_test(kinds_are_kept_apart),
		cmocka_unit_test(other_keys_are_refused),
		cmocka_unit_test(several_keys_in_a_file),
		cmocka_unit_test(two_forms),
		cmocka_unit_test(other_der_is_refused),
		cmocka_unit_test(base64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
